"""One optimisation step of both networks, behind one call."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from ganexplorer.core.networks import Network
from ganexplorer.train import augment
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Networks
from ganexplorer.train.losses import LOSSES, clip_weights_, gradient_penalty, top_k, zero_centred_penalty
from ganexplorer.train.optimizers import lay_out_state, optimizer_of, take_step
from ganexplorer.train.parallel import ALONE, Parallel
from ganexplorer.train.sync_norm import synchronise_norms

TensorList = tuple[Tensor, ...] | list[Tensor]
MEASURES = (
    "d_loss", "d_loss_real", "d_loss_fake", "g_loss", "d_real", "d_fake_before", "d_fake_after", "d_grad", "g_grad",
    "diversity",
)  # fmt: skip


class NotFinite(ArithmeticError):
    """A loss is nan or infinite. Where it was seen in time, the weights are those before the step."""


class AdversarialStep:
    """Two networks, their optimizers and one step of a recipe.

    Parameters
    ----------
    generator, discriminator
        On the training device, initialised.
    rng
        Draws every z; on the training device. The same in all processes of `parallel`.
    total_steps
        Of the whole run: the learning rates may depend on it.
    """

    def __init__(
        self,
        config: TrainConfig,
        generator: Network,
        discriminator: Network,
        rng: torch.Generator,
        total_steps: int,
        parallel: Parallel = ALONE,
    ) -> None:
        self.generator = _laid_out(generator).train()
        self.discriminator = _laid_out(discriminator).train()
        self._images_format = _memory_format(discriminator)
        if config.sync_bn:
            synchronise_norms(generator, parallel)
            synchronise_norms(discriminator, parallel)
        self.rng = rng
        self.total_steps = total_steps
        self.parallel = parallel
        self._nan = torch.tensor(math.nan, device=next(generator.parameters()).device)  # what was not measured
        self.d_loss = self._nan  # of D's last step
        self.g_optimizer = optimizer_of(config, generator.parameters(), config.g_lr)
        self.d_optimizer = optimizer_of(config, discriminator.parameters(), config.d_lr)
        self.average = None
        if config.ema:
            self.average = AveragedModel(generator, multi_avg_fn=_ema(lambda: self.config.ema))
        self._g_params = list(generator.parameters())
        self._d_params = list(discriminator.parameters())
        self._watch = _FiniteWatch(self._g_params[0].device)
        self.configure(config)

    def configure(self, config: TrainConfig) -> None:
        """Go on under another configuration, of which only the fields that are `live` may differ."""
        self.config = config
        self._loss = LOSSES[config.loss]
        # a batch norm must see real and fake batches apart; without one, one pass over both gives the same, faster
        self._joint = not self._is_split and not _has_batch_norm(self.discriminator)
        for optimizer, lr in ((self.g_optimizer, config.g_lr), (self.d_optimizer, config.d_lr)):
            for group in optimizer.param_groups:
                group["lr"] = lr
                if "betas" in group:
                    group["betas"] = (config.beta1, config.beta2)

    @property
    def shown_generator(self) -> Network:
        """The generator that people see: the average where EMA is on."""
        if self.average is None:
            return self.generator
        return cast(Network, self.average.module)

    def __call__(
        self, step: int, real: Tensor, measure: bool = False, networks: Networks | None = None
    ) -> Tensor | None:
        """Step number `step` (from 1) on this process's batch of real images, (N, C, H, W) in [-1, 1].

        `networks` says which of them step; None: those whose turn it is. With `measure`, the values that `MEASURES`
        names, left on the device, nan where nothing was measured; the extra forward passes that takes change neither
        weights, statistics nor random state. Raises `NotFinite` when a loss is not: on the CPU before it has
        touched the weights, on other devices one step later.
        """
        config = self.config
        real = real.contiguous(memory_format=self._images_format)
        self._set_learning_rates(step)
        do_d = (step - 1) % config.d_every == 0 if networks is None else networks != "g"
        do_g = (step - 1) % config.g_every == 0 if networks is None else networks != "d"
        d_measures: tuple[Tensor, ...] = ()
        d_grad = g_grad = self._nan
        if do_d or config.same_z:
            z = self._draw(len(real))
            # with one z for both steps the generator runs once, and keeps its graph for its own step
            with torch.set_grad_enabled(do_g and config.same_z):
                fake = self.generator(z)
        if do_d:
            d_measures, d_grad = self._step_discriminator(
                step, real, fake.detach(), measure, config.d_every if networks is None else 1
            )
            self.d_loss = d_measures[0] + d_measures[1]
        if do_g:
            if not config.same_z:
                z = self._draw(len(real))
                fake = self.generator(z)
            seen = self._augmentation(len(real), 1 + self._loss.is_paired)
            g_loss, verdict, whole_g_loss = self._g_loss(real, fake, seen)
        if measure and not (do_d and do_g):
            state = self.rng.get_state()  # whatever is drawn to look is put back
            with torch.no_grad(), frozen_statistics(self.generator), frozen_statistics(self.discriminator):
                if not (do_d or do_g or config.same_z):  # nobody needed z
                    z = self._draw(len(real))
                    fake = self.generator(z)
                if not do_d:
                    d_measures = self._d_losses(*self._verdicts(real, fake, self._augmentation(len(real), 2)))
                if not do_g:
                    seen = self._augmentation(len(real), 1 + self._loss.is_paired)
                    _, verdict, whole_g_loss = self._g_loss(real, fake, seen)
            self.rng.set_state(state)
        if do_g:
            g_grad = self._apply(self.g_optimizer, self._g_params, g_loss, measure)
            if self.average is not None:
                self.average.update_parameters(self.generator)
        if not measure:
            return None
        with torch.no_grad(), frozen_statistics(self.generator), frozen_statistics(self.discriminator):
            after = self._verdict(self._seen(self.generator(z), _first(seen)))
            d_real, d_fake, verdict_real = d_measures
            values = torch.stack(
                [
                    d_real + d_fake,
                    d_real,
                    d_fake,
                    whole_g_loss,
                    self._readable(verdict_real),
                    self._readable(verdict),
                    self._readable(after),
                    d_grad,
                    g_grad,
                    diversity(fake, real),
                ]
            ).float()
        (values,) = self.parallel.average([values])
        return values

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, on the CPU: tensors, numbers and strings in dicts and lists."""
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._parts().items()}
        return state | {"rng": self.rng.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
            if isinstance(part, Optimizer):
                lay_out_state(part)
        self.rng.set_state(state["rng"])
        self.configure(self.config)  # a restored optimizer brings the learning rate of then

    def _parts(self) -> dict[str, nn.Module | Optimizer]:
        parts: dict[str, nn.Module | Optimizer] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }
        return parts if self.average is None else parts | {"average": self.average}

    @property
    def _is_split(self) -> bool:
        """Whether D steps on real and on generated images one after the other; a paired loss needs both at once."""
        return self.config.d_update == "real-then-fake" and not self._loss.is_paired

    def _step_discriminator(
        self, step: int, real: Tensor, fake: Tensor, measure: bool, every: int
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """D's loss on real, on fake and its verdicts on real; and the norm of its gradient."""
        config = self.config
        is_due = (step - 1) % (config.r1_every * every) == 0
        r1, r2 = (weight * config.r1_every if is_due else 0.0 for weight in (config.r1_gamma, config.r2_gamma))
        if r1:
            real = real.detach().requires_grad_()
        if r2:
            fake = fake.detach().requires_grad_()
        seen = self._augmentation(len(real), 2)
        on_real, on_fake = seen if seen is not None else (None, None)
        if self._is_split:
            verdict_real = self._verdict(self._seen(real, on_real))
            loss_real, _ = self._loss.discriminator(verdict_real, verdict_real, 1 - config.smoothing)
            first = self._apply(self.d_optimizer, self._d_params, loss_real + _penalty(r1, verdict_real, real), measure)
            verdict_fake = self._verdict(self._seen(fake, on_fake))
            _, loss_fake = self._loss.discriminator(verdict_fake, verdict_fake, 1 - config.smoothing)
            total = loss_fake + _penalty(r2, verdict_fake, fake)
            total = total + self._interpolated(self._seen(real, on_real), self._seen(fake, on_fake))
            norm = torch.hypot(first, self._apply(self.d_optimizer, self._d_params, total, measure))
        else:
            verdict_real, verdict_fake = self._verdicts(real, fake, seen, apart=bool(r1 or r2))
            loss_real, loss_fake, _ = self._d_losses(verdict_real, verdict_fake)
            total = loss_real + loss_fake + _penalty(r1, verdict_real, real) + _penalty(r2, verdict_fake, fake)
            total = total + self._interpolated(self._seen(real, on_real), self._seen(fake, on_fake))
            norm = self._apply(self.d_optimizer, self._d_params, total, measure)
        if self._loss.clips:
            clip_weights_(self._d_params, config.clip)
        return (loss_real.detach(), loss_fake.detach(), verdict_real.detach()), norm

    def _interpolated(self, real: Tensor, fake: Tensor) -> Tensor | float:
        """The gradient penalty between real and generated images as D sees them, where the loss has one."""
        if not self._loss.interpolates or self.config.gp_weight == 0:
            return 0.0
        share = self._mine(len(real), lambda count: torch.rand(count, 1, 1, 1, generator=self.rng, device=real.device))
        penalty = gradient_penalty(self._verdict, real.detach(), fake.detach(), share)
        return self.config.gp_weight * penalty

    def _g_loss(self, real: Tensor, fake: Tensor, seen: Augmentation) -> tuple[Tensor, Tensor, Tensor]:
        """G's loss on the images it learns from, D's verdicts on all that it made, its loss on all of them."""
        verdict, verdict_real = self._verdict(self._seen(fake, _first(seen))), None
        if self._loss.is_paired:
            with torch.no_grad():
                verdict_real = self._verdict(self._seen(real, None if seen is None else seen[-1]))
        if self.config.top_k == 1:
            loss = self._loss.generator(verdict, verdict_real)
            return loss, verdict, loss.detach()
        chosen = top_k(verdict, self.config.top_k)
        loss = self._loss.generator(verdict[chosen], None if verdict_real is None else verdict_real[chosen])
        return loss, verdict, self._loss.generator(verdict.detach(), verdict_real)

    def _d_losses(self, verdict_real: Tensor, verdict_fake: Tensor) -> tuple[Tensor, ...]:
        return (*self._loss.discriminator(verdict_real, verdict_fake, 1 - self.config.smoothing), verdict_real)

    def _verdicts(self, real: Tensor, fake: Tensor, seen: Augmentation, apart: bool = False) -> tuple[Tensor, Tensor]:
        on_real, on_fake = seen if seen is not None else (None, None)
        real, fake = self._seen(real, on_real), self._seen(fake, on_fake)
        if self._joint and not apart:
            both = self._verdict(torch.cat([real, fake]))
            return both[: len(real)], both[len(real) :]
        return self._verdict(real), self._verdict(fake)

    def _verdict(self, images: Tensor) -> Tensor:
        if self._loss.verdict == "logit":
            return self.discriminator.logits(images)
        return self.discriminator(images)  # type: ignore[no-any-return]

    def _readable(self, verdict: Tensor) -> Tensor:
        return (verdict.sigmoid() if self._loss.is_probability else verdict).mean()

    def _augmentation(self, count: int, times: int = 1) -> Augmentation:
        """How D sees `times` batches of `count` images; None: as they are."""
        policy = self.config.augment
        if policy == "none":
            return None
        shape = self.generator.spec.image_shape
        share, whole = self.parallel.share(count), count * self.parallel.size
        return tuple(augment.draw(policy, whole, shape, self.rng)[share] for _ in range(times))

    def _seen(self, images: Tensor, draw: augment.AugmentDraw | None) -> Tensor:
        return images if draw is None else augment.apply(images, draw)

    def _draw(self, count: int) -> Tensor:
        spec = self.generator.spec
        assert spec.prior is not None  # of every generator
        prior = spec.prior
        return self._mine(count, lambda whole: prior.sample(whole, spec.z_dim, self.rng))

    def _mine(self, count: int, draw: Callable[[int], Tensor]) -> Tensor:
        """This process's share of what is drawn for all: the random state stays the same everywhere."""
        return draw(count * self.parallel.size)[self.parallel.share(count)]

    def _apply(self, optimizer: Optimizer, params: Sequence[nn.Parameter], loss: Tensor, measure: bool) -> Tensor:
        """One optimizer step; returns the norm of the gradient where `measure`, else nan.

        Gradients are taken for `params` alone: the other network's are never computed.
        """
        # the loss of all processes: each of them sees one that is not finite
        whole_loss, *gradients = self.parallel.average([loss.detach(), *torch.autograd.grad(loss, params)])
        self._watch(whole_loss)
        norm = nn.utils.get_total_norm(gradients) if measure else self._nan
        take_step(optimizer, params, gradients)
        return norm

    def _set_learning_rates(self, step: int) -> None:
        if self.config.lr_decay == 0:
            return
        # linear to 0 over the last part of the run
        left = (self.total_steps - step + 1) / (self.total_steps * self.config.lr_decay)
        for optimizer, lr in ((self.g_optimizer, self.config.g_lr), (self.d_optimizer, self.config.d_lr)):
            for group in optimizer.param_groups:
                group["lr"] = lr * min(1.0, left)


Augmentation = tuple[augment.AugmentDraw, ...] | None


class _FiniteWatch:
    """Raises `NotFinite`: at once on the CPU; elsewhere at the next loss, so that the device never waits for us."""

    def __init__(self, device: torch.device) -> None:
        self._is_immediate = device.type == "cpu"
        self._last: Tensor | None = None

    def __call__(self, loss: Tensor) -> None:
        """Look at a loss, or at the one before it."""
        if self._is_immediate:
            self._check(loss)
            return
        last, self._last = self._last, loss.detach()
        if last is not None:
            self._check(last)

    def _check(self, loss: Tensor) -> None:
        if not math.isfinite(loss.item()):
            raise NotFinite


def diversity(fake: Tensor, real: Tensor) -> Tensor:
    """How far generated images are from each other, in units of how far real ones are; 0-d, nan for one image.

    The root of the ratio of their mean squared distances: sqrt(sum of variances of fake / of real). 0: all the same.
    """
    if len(fake) < 2:
        return fake.new_tensor(math.nan)
    return (fake.detach().flatten(1).var(0).sum() / real.detach().flatten(1).var(0).sum()).sqrt()


def _first(seen: Augmentation) -> augment.AugmentDraw | None:
    return None if seen is None else seen[0]


def _penalty(weight: float, verdict: Tensor, images: Tensor) -> Tensor | float:
    return weight * zero_centred_penalty(verdict, images) if weight else 0.0


@contextmanager
def frozen_statistics(network: Network) -> Iterator[None]:
    """Batch norm layers normalise by the batch, as in training, but leave their running statistics alone."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def _ema(decay_now: Callable[[], float]) -> Callable[[TensorList, TensorList, Tensor | int], None]:
    """average = d average + (1 - d) current, with d = min(decay, (1 + n) / (10 + n)) after n averages.

    The warm-up (as in TensorFlow's ExponentialMovingAverage) lets the first samples show what the generator has
    learned rather than its first weights.
    """

    @torch.no_grad()
    def update(average: TensorList, current: TensorList, count: Tensor | int) -> None:
        n = int(count)
        weight = 1 - min(decay_now(), (1 + n) / (10 + n))
        for mean, value in zip(average, current, strict=True):
            mean.lerp_(value, weight)

    return update


def _memory_format(network: Network) -> torch.memory_format:
    """Channels last for convolutions, where it is faster (docs/benchmarks.md)."""
    is_convolutional = any(isinstance(m, nn.Conv2d | nn.ConvTranspose2d) for m in network.modules())
    return torch.channels_last if is_convolutional else torch.contiguous_format


def _laid_out(network: Network) -> Network:
    """The same network, its weights in the memory order that suits it."""
    return network.to(memory_format=_memory_format(network))


def _has_batch_norm(network: Network) -> bool:
    return any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in network.modules())
