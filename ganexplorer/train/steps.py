"""One optimisation step of both networks, behind one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer
from torch.optim.swa_utils import AveragedModel

from ganexplorer.core.networks import Network
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.losses import LOSSES, r1_penalty

TensorList = tuple[Tensor, ...] | list[Tensor]
MEASURES = ("d_loss", "d_loss_real", "d_loss_fake", "g_loss", "d_real", "d_fake_before", "d_fake_after")


class AdversarialStep:
    """Two networks, their optimizers and one iteration of a recipe.

    Parameters
    ----------
    generator, discriminator
        On the training device, initialised.
    rng
        Draws every z; on the training device.
    """

    def __init__(
        self, config: TrainConfig, generator: Network, discriminator: Network, rng: torch.Generator, total_steps: int
    ) -> None:
        self.config = config
        self.generator = generator.train()
        self.discriminator = discriminator.train()
        self.rng = rng
        self.total_steps = total_steps
        self.g_optimizer = _optimizer(config, generator, config.g_lr)
        self.d_optimizer = _optimizer(config, discriminator, config.d_lr)
        self.average = None
        if config.ema:
            self.average = AveragedModel(generator, multi_avg_fn=_ema(config.ema))
        self._loss = LOSSES[config.loss]
        self._g_params = list(generator.parameters())
        self._d_params = list(discriminator.parameters())
        # a batch norm must see real and fake batches apart; without one, one pass over both gives the same, faster
        self._joint = config.d_update == "together" and not _has_batch_norm(discriminator)

    @property
    def shown_generator(self) -> Network:
        """The generator that people see: the average where EMA is on."""
        if self.average is None:
            return self.generator
        return cast(Network, self.average.module)

    def __call__(self, step: int, real: Tensor, measure: bool = False) -> Tensor | None:
        """Step number `step` (from 1) on a batch of real images, (N, C, H, W) in [-1, 1].

        With `measure`, the values that `MEASURES` names, (7,), left on the device; the extra forward passes
        that takes change neither weights, statistics nor random state.
        """
        config = self.config
        self._set_learning_rates(step)
        do_d, do_g = (step - 1) % config.d_every == 0, (step - 1) % config.g_every == 0
        d_measures: tuple[Tensor, ...] = ()
        if do_d or config.same_z:
            z = self._draw(len(real))
            # with one z for both steps the generator runs once, and keeps its graph for its own step
            with torch.set_grad_enabled(do_g and config.same_z):
                fake = self.generator(z)
        if do_d:
            d_measures = self._step_discriminator(step, real, fake.detach())
        if do_g:
            if not config.same_z:
                z = self._draw(len(real))
                fake = self.generator(z)
            verdict = self._verdict(fake)
            g_loss = self._loss.generator(verdict)
        if measure and not (do_d and do_g):
            with torch.no_grad(), frozen_statistics(self.generator), frozen_statistics(self.discriminator):
                if not (do_d or do_g or config.same_z):  # nobody needed z: look, and leave the random state as it was
                    state = self.rng.get_state()
                    z = self._draw(len(real))
                    self.rng.set_state(state)
                    fake = self.generator(z)
                if not do_d:
                    d_measures = self._d_losses(*self._verdicts(real, fake))
                if not do_g:
                    verdict = self._verdict(fake)
                    g_loss = self._loss.generator(verdict)
        if do_g:
            _apply(self.g_optimizer, self._g_params, g_loss)
            if self.average is not None:
                self.average.update_parameters(self.generator)
        if not measure:
            return None
        with torch.no_grad(), frozen_statistics(self.generator), frozen_statistics(self.discriminator):
            after = self._verdict(self.generator(z))
            d_real, d_fake, verdict_real = d_measures
            return torch.stack(
                [
                    d_real + d_fake,
                    d_real,
                    d_fake,
                    g_loss.detach(),
                    self._readable(verdict_real),
                    self._readable(verdict),
                    self._readable(after),
                ]
            ).float()

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, on the CPU: tensors, numbers and strings in dicts and lists."""
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._parts().items()}
        return state | {"rng": self.rng.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on exactly where `state_dict` was taken."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.rng.set_state(state["rng"])

    def _parts(self) -> dict[str, nn.Module | Optimizer]:
        parts: dict[str, nn.Module | Optimizer] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "g_optimizer": self.g_optimizer,
            "d_optimizer": self.d_optimizer,
        }
        return parts if self.average is None else parts | {"average": self.average}

    def _step_discriminator(self, step: int, real: Tensor, fake: Tensor) -> tuple[Tensor, ...]:
        config = self.config
        penalised = config.r1_gamma > 0 and (step - 1) % (config.r1_every * config.d_every) == 0
        if penalised:
            real = real.detach().requires_grad_()
        if config.d_update == "real-then-fake":
            verdict_real = self._verdict(real)
            loss_real = self._loss.real(verdict_real, 1 - config.smoothing)
            _apply(self.d_optimizer, self._d_params, loss_real + self._penalty(penalised, verdict_real, real))
            loss_fake = self._loss.fake(self._verdict(fake))
            _apply(self.d_optimizer, self._d_params, loss_fake)
        else:
            verdict_real, verdict_fake = self._verdicts(real, fake, apart=penalised)
            loss_real, loss_fake, _ = self._d_losses(verdict_real, verdict_fake)
            total = loss_real + loss_fake + self._penalty(penalised, verdict_real, real)
            _apply(self.d_optimizer, self._d_params, total)
        return loss_real.detach(), loss_fake.detach(), verdict_real.detach()

    def _penalty(self, penalised: bool, verdict_real: Tensor, real: Tensor) -> Tensor | float:
        if not penalised:
            return 0.0
        return self.config.r1_gamma * self.config.r1_every * r1_penalty(verdict_real, real)

    def _d_losses(self, verdict_real: Tensor, verdict_fake: Tensor) -> tuple[Tensor, ...]:
        loss_real = self._loss.real(verdict_real, 1 - self.config.smoothing)
        return loss_real, self._loss.fake(verdict_fake), verdict_real

    def _verdicts(self, real: Tensor, fake: Tensor, apart: bool = False) -> tuple[Tensor, Tensor]:
        if self._joint and not apart:
            both = self._verdict(torch.cat([real, fake]))
            return both[: len(real)], both[len(real) :]
        return self._verdict(real), self._verdict(fake)

    def _verdict(self, images: Tensor) -> Tensor:
        if self._loss.verdict == "logit":
            return self.discriminator.logits(images)
        return self.discriminator(images)  # type: ignore[no-any-return]

    def _readable(self, verdict: Tensor) -> Tensor:
        return (verdict.sigmoid() if self._loss.verdict == "logit" else verdict).mean()

    def _draw(self, count: int) -> Tensor:
        return self.config.latent_prior.sample(count, self.config.z_dim, self.rng)

    def _set_learning_rates(self, step: int) -> None:
        if self.config.lr_decay == 0:
            return
        # linear to 0 over the last part of the run
        left = (self.total_steps - step + 1) / (self.total_steps * self.config.lr_decay)
        for optimizer, lr in ((self.g_optimizer, self.config.g_lr), (self.d_optimizer, self.config.d_lr)):
            for group in optimizer.param_groups:
                group["lr"] = lr * min(1.0, left)


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


def _apply(optimizer: Optimizer, params: Sequence[nn.Parameter], loss: Tensor) -> None:
    """One optimizer step. Gradients are taken for `params` alone: the other network's are never computed."""
    for param, gradient in zip(params, torch.autograd.grad(loss, params), strict=True):
        # fused Adam walks memory, not indices: a gradient in another memory order would be applied to other weights
        param.grad = gradient if gradient.stride() == param.stride() else torch.empty_like(param).copy_(gradient)
    optimizer.step()
    for param in params:
        param.grad = None


def _optimizer(config: TrainConfig, network: Network, lr: float) -> Optimizer:
    if config.optimizer == "sgd":
        return SGD(network.parameters(), lr=lr)
    return Adam(network.parameters(), lr=lr, betas=(config.beta1, config.beta2), fused=True)


def _ema(decay: float) -> Callable[[TensorList, TensorList, Tensor | int], None]:
    """average = d average + (1 - d) current, with d = min(decay, (1 + n) / (10 + n)) after n averages.

    The warm-up (as in TensorFlow's ExponentialMovingAverage) lets the first samples show what the generator has
    learned rather than its first weights.
    """

    @torch.no_grad()
    def update(average: TensorList, current: TensorList, count: Tensor | int) -> None:
        n = int(count)
        weight = 1 - min(decay, (1 + n) / (10 + n))
        for mean, value in zip(average, current, strict=True):
            mean.lerp_(value, weight)

    return update


def _has_batch_norm(network: Network) -> bool:
    return any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in network.modules())
