"""One iteration: against plain reference code, what it measures, and that it can go on from where it stood.

Everything but the bit-for-bit comparisons runs in float64, where the reference agrees to ten digits.
"""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganexplorer.core.networks import Network, build, initialize
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.steps import MEASURES, AdversarialStep, frozen_statistics

MLP = TrainConfig(
    batch_size=6, steps=20, z_dim=5, g_widths=(7, 6), d_widths=(8, 5), d_slope=0.1, g_lr=1e-2, d_lr=5e-3, same_z=False
)
DCGAN = TrainConfig(
    batch_size=6, steps=20, z_dim=5, family="dcgan", g_widths=(6, 4), d_widths=(4, 6), init="dcgan", d_output="sigmoid",
    g_lr=1e-2, d_lr=5e-3, image_size=16,
)  # fmt: skip


def variant(base: TrainConfig, **changes: Any) -> TrainConfig:
    return TrainConfig.from_dict(base.to_dict() | changes)


# what the recipes are made of, and the settings that no recipe uses yet
KINDS: dict[str, TrainConfig] = {
    "fresh z, sigmoid, D every third (mlp-64)": variant(MLP, d_every=3, d_output="sigmoid", beta1=0.9),
    "same z, smoothing, uniform (mlp-100-smooth)": variant(
        MLP, same_z=True, smoothing=0.1, prior="uniform", beta1=0.9, g_widths=[7], d_widths=[8]
    ),
    "same z, uniform, relu (mlp-96)": variant(MLP, same_z=True, prior="uniform", g_activation="relu"),
    "real then fake, sgd, mse (pattern-1010)": variant(
        MLP, same_z=True, prior="constant", g_activation="sigmoid", g_output="sigmoid", d_activation="sigmoid",
        d_output="sigmoid", loss="mse", optimizer="sgd", g_lr=0.5, d_lr=0.5, d_update="real-then-fake", batch_size=1,
    ),
    "batch norm, same z (dcgan-64)": DCGAN,
    "R1, average (mlp-64-stable)": variant(MLP, r1_gamma=1.5, ema=0.8, beta1=0.0, beta2=0.99),
    "lazy R1": variant(MLP, r1_gamma=1.5, r1_every=2),
    "R1, real then fake": variant(MLP, r1_gamma=1.5, d_update="real-then-fake"),
    "R1 with a batch norm": variant(DCGAN, r1_gamma=1.5),
    "G every second": variant(MLP, g_every=2, ema=0.8),
    "batch norm, fresh z": variant(DCGAN, same_z=False),
    "batch norm, average": variant(DCGAN, ema=0.8),
    "logits, mean squared error": variant(MLP, loss="mse"),
    "top-k": variant(MLP, top_k=0.5),
    "top-k, batch norm, same z": variant(DCGAN, top_k=0.6),
}  # fmt: skip
ALL_KINDS = pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)
# and more for what must hold in every combination
ODD_KINDS = KINDS | {
    "batch norm, D every third": variant(DCGAN, d_every=3),
    "batch norm, G every second": variant(DCGAN, g_every=2),
    "batch norm, both at times": variant(DCGAN, g_every=2, d_every=3, same_z=False),
    "batch norm, real then fake": variant(DCGAN, d_update="real-then-fake"),
}


@pytest.fixture
def double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def image_shape(config: TrainConfig) -> tuple[int, int, int]:
    return (1, 16, 16) if config.family == "dcgan" else (1, 3, 4)


def networks(config: TrainConfig) -> tuple[Network, Network]:
    rng = torch.Generator().manual_seed(11)
    generator, discriminator = (build(spec) for spec in config.specs(image_shape(config)))
    initialize(generator, config.init, rng)
    initialize(discriminator, config.init, rng)
    return generator, discriminator


def adversarial_step(config: TrainConfig, total_steps: int = 20) -> AdversarialStep:
    return AdversarialStep(config, *networks(config), torch.Generator().manual_seed(3), total_steps)


def real_batch(config: TrainConfig, step: int) -> Tensor:
    rng = torch.Generator().manual_seed(100 + step)
    return torch.rand(config.batch_size, *image_shape(config), generator=rng) * 2 - 1


class Reference:
    """The same iteration as a tutorial would write it: backward, zero_grad, unfused Adam, a forward pass for each use.

    A z batch is drawn for a step of D and, where the recipe wants a fresh one, another for a step of G.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.g, self.d = networks(config)
        self.average = copy.deepcopy(self.g)
        self.rng = torch.Generator().manual_seed(3)
        self.g_steps = 0
        if config.optimizer == "sgd":
            self.g_optimizer: torch.optim.Optimizer = torch.optim.SGD(self.g.parameters(), lr=config.g_lr)
            self.d_optimizer: torch.optim.Optimizer = torch.optim.SGD(self.d.parameters(), lr=config.d_lr)
        else:
            betas = (config.beta1, config.beta2)
            self.g_optimizer = torch.optim.Adam(self.g.parameters(), lr=config.g_lr, betas=betas, foreach=False)
            self.d_optimizer = torch.optim.Adam(self.d.parameters(), lr=config.d_lr, betas=betas, foreach=False)

    def z(self) -> Tensor:
        shape = (self.config.batch_size, self.config.z_dim)
        if self.config.prior == "normal":
            return torch.randn(shape, generator=self.rng)
        if self.config.prior == "uniform":
            return 2 * torch.rand(shape, generator=self.rng) - 1
        return torch.full(shape, 0.5)

    def verdict(self, discriminator: Network, images: Tensor) -> Tensor:
        """What the loss compares with 1 and 0: a probability, or for mse whatever the discriminator says."""
        output: Tensor = discriminator(images)
        is_logit = self.config.loss == "bce" and self.config.d_output == "logits"
        return torch.sigmoid(output) if is_logit else output

    def loss(self, verdict: Tensor, target: float) -> Tensor:
        compare = F.binary_cross_entropy if self.config.loss == "bce" else F.mse_loss
        return compare(verdict, torch.full_like(verdict, target))

    def most_real(self, verdict: Tensor) -> Tensor:
        ordered = sorted(verdict, key=Tensor.item)
        return torch.stack(ordered[len(ordered) - round(self.config.top_k * len(ordered)) :])

    def penalty(self, step: int, real: Tensor) -> Tensor:
        """gamma / 2 times the mean of |d logit / dx|^2; leaves the buffers of a batch norm alone."""
        config = self.config
        if config.r1_gamma == 0 or (step - 1) % (config.r1_every * config.d_every):
            return torch.zeros(())
        real = real.clone().requires_grad_()
        buffers = {name: value.clone() for name, value in self.d.named_buffers()}
        logit = torch.func.functional_call(self.d, buffers, (real,))
        if config.d_output == "sigmoid":
            logit = torch.logit(logit)
        (gradient,) = torch.autograd.grad(logit.sum(), real, create_graph=True)
        squares = torch.stack([g.square().sum() for g in gradient])
        return config.r1_gamma * config.r1_every / 2 * squares.mean()

    def __call__(self, step: int, real: Tensor) -> dict[str, float]:
        """One iteration; returns the measures, each computed on copies, apart from the training."""
        config = self.config
        measures = {"d_grad": torch.tensor(math.nan), "g_grad": torch.tensor(math.nan)}
        target = 1 - config.smoothing
        d_steps, g_steps = (step - 1) % config.d_every == 0, (step - 1) % config.g_every == 0
        if d_steps or config.same_z:
            z = self.z()
        if d_steps:
            measured = copy.deepcopy(self.d)
            fake = self.g(z)
            measures["d_real"] = self.verdict(measured, real).mean()
            measures["d_loss_real"] = self.loss(self.verdict(measured, real), target)
            if config.d_update == "together":
                measures["d_loss_fake"] = self.loss(self.verdict(measured, fake), 0)
                self.d_optimizer.zero_grad()
                loss = self.loss(self.verdict(self.d, real), target) + self.loss(self.verdict(self.d, fake.detach()), 0)
                (loss + self.penalty(step, real)).backward()
                measures["d_grad"] = gradient_norm(self.d)
                self.d_optimizer.step()
            else:
                self.d_optimizer.zero_grad()
                (self.loss(self.verdict(self.d, real), target) + self.penalty(step, real)).backward()
                first = gradient_norm(self.d)
                self.d_optimizer.step()
                measures["d_loss_fake"] = self.loss(self.verdict(copy.deepcopy(self.d), fake), 0)
                self.d_optimizer.zero_grad()
                self.loss(self.verdict(self.d, fake.detach()), 0).backward()
                measures["d_grad"] = (first.square() + gradient_norm(self.d).square()).sqrt()
                self.d_optimizer.step()
        if g_steps and not config.same_z:
            z = self.z()
        if not d_steps:
            measured, fake = copy.deepcopy(self.d), copy.deepcopy(self.g)(z)
            measures["d_real"] = self.verdict(measured, real).mean()
            measures["d_loss_real"] = self.loss(self.verdict(measured, real), target)
            measures["d_loss_fake"] = self.loss(self.verdict(measured, fake), 0)
        if g_steps:
            if not (d_steps and config.same_z):
                fake = self.g(z)
            measures["d_fake_before"] = self.verdict(copy.deepcopy(self.d), fake).mean()
            self.g_optimizer.zero_grad()
            verdict = self.verdict(self.d, fake)
            loss = self.loss(self.most_real(verdict), 1)
            measures["g_loss"] = self.loss(verdict, 1)  # of all, as the curves of a run without top-k
            loss.backward()
            measures["g_grad"] = gradient_norm(self.g)
            self.g_optimizer.step()
            self.update_average()
        else:
            measures["d_fake_before"] = self.verdict(copy.deepcopy(self.d), fake).mean()
            measures["g_loss"] = self.loss(self.verdict(copy.deepcopy(self.d), fake), 1)
        measures["d_fake_after"] = self.verdict(copy.deepcopy(self.d), copy.deepcopy(self.g)(z)).mean()
        measures["d_loss"] = measures["d_loss_real"] + measures["d_loss_fake"]
        measures["diversity"] = spread(fake) / spread(real)
        return {name: value.item() for name, value in measures.items()}

    def update_average(self) -> None:
        """Starts as the weights after the first step; then ema * average + (1 - ema) * weights."""
        decay = min(self.config.ema, (1 + self.g_steps) / (10 + self.g_steps)) if self.g_steps else 0.0
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.g.parameters(), strict=True):
                mean.copy_(decay * mean + (1 - decay) * value)
        self.g_steps += 1


def gradient_norm(network: Network) -> Tensor:
    return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]).norm()


def spread(images: Tensor) -> Tensor:
    """Root mean square distance of two different images; nan for one image."""
    squares = [(a - b).square().sum() for i, a in enumerate(images) for j, b in enumerate(images) if i != j]
    return torch.stack(squares).mean().sqrt() if squares else torch.tensor(math.nan)


def assert_same_weights(actual: nn.Module, expected: nn.Module) -> None:
    """Parameters and buffers, to ten digits."""
    torch.testing.assert_close(dict(actual.state_dict()), dict(expected.state_dict()), rtol=1e-9, atol=1e-11)


def flattened(state: Any, path: str = "") -> dict[str, Any]:
    """A nested state dict as one level."""
    if isinstance(state, dict):
        return {k: v for key, value in state.items() for k, v in flattened(value, f"{path}/{key}").items()}
    if isinstance(state, list | tuple):
        return {k: v for i, value in enumerate(state) for k, v in flattened(value, f"{path}/{i}").items()}
    return {path: state}


def differences(a: Any, b: Any) -> list[str]:
    """Where two nested states are not the same, bit for bit."""
    first, second = flattened(a), flattened(b)
    assert first.keys() == second.keys()
    return [
        key
        for key, value in first.items()
        if not (torch.equal(value, second[key]) if isinstance(value, Tensor) else value == second[key])
    ]


@pytest.mark.usefixtures("double")
@ALL_KINDS
def test_five_steps_leave_the_weights_and_statistics_of_plain_code(config: TrainConfig) -> None:
    ours, reference = adversarial_step(config), Reference(config)
    for step in range(1, 6):
        real = real_batch(config, step)
        ours(step, real)
        reference(step, real)
        assert_same_weights(ours.discriminator, reference.d)
        assert_same_weights(ours.generator, reference.g)


@pytest.mark.usefixtures("double")
@ALL_KINDS
def test_measured_values_are_those_recomputed_apart(config: TrainConfig) -> None:
    ours, reference = adversarial_step(config), Reference(config)
    for step in range(1, 6):
        real = real_batch(config, step)
        measures = ours(step, real, measure=True)
        expected = reference(step, real)
        assert measures is not None
        # measures are float32
        actual = dict(zip(MEASURES, measures.tolist(), strict=True))
        assert actual == pytest.approx(expected, rel=1e-6, nan_ok=True), step


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("config", [c for c in KINDS.values() if c.ema], ids=[k for k, c in KINDS.items() if c.ema])
def test_the_average_is_the_exponential_mean_of_the_generators_weights(config: TrainConfig) -> None:
    ours, reference = adversarial_step(config), Reference(config)
    for step in range(1, 6):
        ours(step, real_batch(config, step))
        reference(step, real_batch(config, step))
        actual, expected = dict(ours.shown_generator.named_parameters()), dict(reference.average.named_parameters())
        torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.usefixtures("double")
def test_the_average_has_the_current_statistics_of_the_generators_batch_norms() -> None:
    ours = adversarial_step(variant(DCGAN, ema=0.8))
    for step in (1, 2, 3):
        ours(step, real_batch(DCGAN, step))
    assert differences(dict(ours.shown_generator.named_buffers()), dict(ours.generator.named_buffers())) == []


def test_the_average_moves_as_computed_by_hand() -> None:
    """Weights 1, 2, 4 with a decay of 2/11 or 1/4, whichever is less: 1, then (2 + 9 * 2) / 11, then by a quarter."""
    ours = adversarial_step(variant(MLP, ema=0.25))
    assert ours.average is not None
    averages = []
    for value in (1.0, 2.0, 4.0):
        with torch.no_grad():
            for parameter in ours.generator.parameters():
                parameter.fill_(value)
        ours.average.update_parameters(ours.generator)
        (mean,) = {parameter.unique().item() for parameter in ours.shown_generator.parameters()}
        averages.append(mean)
    # after n averages the decay is min(.25, (1 + n) / (10 + n)): 2/11 with n = 1, 3/12 with n = 2
    assert averages == pytest.approx([1, 20 / 11, 5 / 11 + 3])


def test_before_the_first_step_the_average_is_the_generator() -> None:
    ours = adversarial_step(variant(DCGAN, ema=0.9))
    assert differences(dict(ours.shown_generator.state_dict()), dict(ours.generator.state_dict())) == []


@pytest.mark.usefixtures("double")
def test_float32_steps_stay_near_the_float64_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real runs are float32 with a fused Adam: the same weights to about six digits after five steps."""
    config = variant(MLP, d_every=3)
    reference = Reference(config)
    torch.set_default_dtype(torch.float32)
    ours = adversarial_step(config)
    # the float64 draws of weights and z are other numbers than the float32 ones: hand both the same
    ours.generator.load_state_dict(reference.g.state_dict())
    ours.discriminator.load_state_dict(reference.d.state_dict())
    draws = torch.randn(10, config.batch_size, config.z_dim, generator=torch.Generator().manual_seed(9))
    for_ours, for_reference = iter(draws), iter(draws.double())
    monkeypatch.setattr(ours, "_draw", lambda count: next(for_ours))
    monkeypatch.setattr(reference, "z", lambda: next(for_reference))
    for step in range(1, 6):
        real = real_batch(config, step)
        ours(step, real)
        reference(step, real.double())
    for actual, expected in ((ours.generator, reference.g), (ours.discriminator, reference.d)):
        for a, b in zip(actual.parameters(), expected.parameters(), strict=True):
            torch.testing.assert_close(a.double(), b, rtol=0, atol=1e-4)


@pytest.mark.parametrize("config", ODD_KINDS.values(), ids=ODD_KINDS)
def test_measuring_changes_no_weight_statistic_optimizer_or_random_state(config: TrainConfig) -> None:
    plain, measured = adversarial_step(config), adversarial_step(config)
    for step in range(1, 8):
        assert plain(step, real_batch(config, step)) is None
        measured(step, real_batch(config, step), measure=True)
        assert differences(plain.state_dict(), measured.state_dict()) == [], f"step {step}"


@pytest.mark.parametrize("config", ODD_KINDS.values(), ids=ODD_KINDS)
def test_a_step_leaves_the_global_random_state_and_the_real_batch_alone(config: TrainConfig) -> None:
    ours, real = adversarial_step(config), real_batch(config, 1)
    before, state = real.clone(), torch.get_rng_state()
    for step in (1, 2):
        ours(step, real, measure=True)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(real, before)
    assert not real.requires_grad


def test_measures_are_left_on_the_device_without_a_graph() -> None:
    measures = adversarial_step(MLP)(1, real_batch(MLP, 1), measure=True)
    assert isinstance(measures, Tensor)
    assert measures.dtype == torch.float32
    assert not measures.requires_grad


@pytest.mark.parametrize("config", ODD_KINDS.values(), ids=ODD_KINDS)
def test_a_network_that_does_not_step_keeps_its_weights(config: TrainConfig) -> None:
    ours = adversarial_step(config)
    for step in range(1, 8):
        before = [[p.detach().clone() for p in n.parameters()] for n in (ours.generator, ours.discriminator)]
        ours(step, real_batch(config, step), measure=True)
        for network, every, old in zip(
            (ours.generator, ours.discriminator), (config.g_every, config.d_every), before, strict=True
        ):
            changed = any(not torch.equal(p, q) for p, q in zip(network.parameters(), old, strict=True))
            assert changed == ((step - 1) % every == 0), f"step {step}"


def rates(config: TrainConfig, total_steps: int) -> list[tuple[float, float]]:
    """Learning rates of G and D in each step."""
    ours = adversarial_step(config, total_steps)
    seen = []
    for step in range(1, total_steps + 1):
        ours(step, real_batch(config, step))
        seen.append((ours.g_optimizer.param_groups[0]["lr"], ours.d_optimizer.param_groups[0]["lr"]))
    return seen


@pytest.mark.parametrize(
    ("share", "factors"),
    [
        (0.0, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        (0.5, [1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2]),
        (0.2, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0.5]),
        (1.0, [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
    ],
)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_both_learning_rates_fall_in_a_line_over_the_last_share_of_the_run(
    optimizer: str, share: float, factors: list[float]
) -> None:
    config = variant(MLP, lr_decay=share, g_lr=0.04, d_lr=0.02, optimizer=optimizer)
    seen = rates(config, total_steps=10)
    assert [g for g, _ in seen] == pytest.approx([0.04 * f for f in factors])
    assert [d for _, d in seen] == pytest.approx([0.02 * f for f in factors])


def test_a_falling_learning_rate_scales_the_step_itself() -> None:
    """With plain gradient descent the last of ten steps is a tenth of the same step at full rate."""
    config = variant(MLP, optimizer="sgd", lr_decay=1.0, g_every=2, d_lr=0.1)
    moves = []
    for step in (1, 10):  # in step 10 only D moves
        ours = adversarial_step(config, total_steps=10)
        before = [p.detach().clone() for p in ours.discriminator.parameters()]
        ours(step, real_batch(config, 1))
        moves.append([p.detach() - q for p, q in zip(ours.discriminator.parameters(), before, strict=True)])
    for full, tenth in zip(*moves, strict=True):
        torch.testing.assert_close(tenth, full / 10, rtol=1e-3, atol=1e-7)


def dcgan_discriminator() -> tuple[Network, nn.BatchNorm2d]:
    discriminator = networks(DCGAN)[1]
    (norm,) = (m for m in discriminator.modules() if isinstance(m, nn.BatchNorm2d))
    return discriminator, norm


def test_frozen_statistics_stay_while_a_batch_is_normalised_by_itself() -> None:
    discriminator, norm = dcgan_discriminator()
    discriminator.train()
    images = real_batch(DCGAN, 1) * 3
    expected = copy.deepcopy(discriminator)(images)
    before = {name: value.clone() for name, value in discriminator.named_buffers()}
    with frozen_statistics(discriminator):
        actual = discriminator(images)
    assert torch.equal(actual, expected)
    assert differences(before, dict(discriminator.named_buffers())) == []
    assert norm.num_batches_tracked == 0


def test_statistics_move_again_after_the_freeze() -> None:
    discriminator, norm = dcgan_discriminator()
    discriminator.train()
    with frozen_statistics(discriminator):
        discriminator(real_batch(DCGAN, 1))
    discriminator(real_batch(DCGAN, 1))
    assert norm.num_batches_tracked == 1
    assert norm.running_mean is not None
    assert (norm.running_mean != 0).any()


def test_statistics_move_again_after_a_freeze_that_an_error_ended() -> None:
    discriminator, norm = dcgan_discriminator()
    with pytest.raises(ZeroDivisionError), frozen_statistics(discriminator):
        raise ZeroDivisionError
    discriminator.train()(real_batch(DCGAN, 1))
    assert norm.num_batches_tracked == 1


@pytest.mark.parametrize("config", ODD_KINDS.values(), ids=ODD_KINDS)
@pytest.mark.parametrize("at", [1, 3])
def test_steps_after_loading_a_state_are_those_that_would_have_followed(config: TrainConfig, at: int) -> None:
    config = variant(config, lr_decay=0.5)
    straight, first = adversarial_step(config, 7), adversarial_step(config, 7)
    for step in range(1, at + 1):
        straight(step, real_batch(config, step))
        first(step, real_batch(config, step))
    stored = io.BytesIO()
    torch.save(first.state_dict(), stored)
    stored.seek(0)
    # another start, to be overwritten in every part
    second = AdversarialStep(
        config, *(build(spec) for spec in config.specs(image_shape(config))), torch.Generator().manual_seed(77), 7
    )
    second.load_state_dict(torch.load(stored, weights_only=True))
    for step in range(at + 1, 8):
        straight(step, real_batch(config, step))
        second(step, real_batch(config, step))
    assert differences(straight.state_dict(), second.state_dict()) == []


@ALL_KINDS
def test_a_state_holds_only_what_can_be_loaded_without_running_code(config: TrainConfig) -> None:
    ours = adversarial_step(config)
    ours(1, real_batch(config, 1))
    kinds = {type(value) for value in flattened(ours.state_dict()).values()}
    assert kinds <= {Tensor, bool, int, float, str, type(None)}


def test_moments_that_a_file_has_in_another_memory_order_still_belong_to_their_weights() -> None:
    config = variant(DCGAN, d_norm="none", init="he")
    first = adversarial_step(config)
    for step in (1, 2):
        first(step, real_batch(config, step))
    state = copy.deepcopy(first.state_dict())
    reordered = 0
    for name in ("g_optimizer", "d_optimizer"):
        for moments in state[name]["state"].values():
            for key in ("exp_avg", "exp_avg_sq"):
                reordered += not moments[key].is_contiguous()
                moments[key] = moments[key].contiguous()
    assert reordered
    second = adversarial_step(config)
    second.load_state_dict(state)
    for step in (3, 4):
        first(step, real_batch(config, step))
        second(step, real_batch(config, step))
    assert differences(first.state_dict(), second.state_dict()) == []


def test_a_state_of_other_networks_is_refused() -> None:
    state = adversarial_step(MLP).state_dict()
    with pytest.raises(RuntimeError, match="size mismatch"):
        adversarial_step(variant(MLP, g_widths=[7, 7])).load_state_dict(state)


@pytest.mark.usefixtures("double")
def test_top_k_of_a_paired_loss_keeps_the_pairs_of_the_most_real_images() -> None:
    config = variant(MLP, loss="relativistic", optimizer="sgd", g_lr=0.5, top_k=0.5)
    step, real = adversarial_step(config), real_batch(config, 1)
    expected, discriminator = networks(config)
    fake = expected(torch.randn(config.batch_size, config.z_dim, generator=torch.Generator().manual_seed(3)))
    pairs = zip(discriminator(real), discriminator(fake), strict=True)
    most_real = sorted(pairs, key=lambda pair: pair[1].item())[3:]
    torch.stack([F.softplus(on_real.detach() - on_fake) for on_real, on_fake in most_real]).mean().backward()
    torch.optim.SGD(expected.parameters(), lr=0.5).step()
    step(1, real, networks="g")
    assert_same_weights(step.generator, expected)
