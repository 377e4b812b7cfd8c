"""The recipes against the five reference systems: every cell of their table, written out here a second time."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganexplorer.core.networks import Network, build, initialize
from ganexplorer.train.recipes import RECIPES
from ganexplorer.train.steps import MEASURES, AdversarialStep

GRAY28, COLOUR64, FOUR = (1, 28, 28), (3, 64, 64), (1, 1, 4)


def mlp_64_generator() -> list[nn.Module]:
    return [
        nn.Linear(64, 256),
        nn.LeakyReLU(0.01),
        nn.Linear(256, 256),
        nn.LeakyReLU(0.01),
        nn.Linear(256, 784),
        nn.Tanh(),
    ]


def mlp_64_discriminator() -> list[nn.Module]:
    return [
        nn.Linear(784, 256),
        nn.LeakyReLU(0.01),
        nn.Linear(256, 64),
        nn.LeakyReLU(0.01),
        nn.Linear(64, 1),
        nn.Sigmoid(),
    ]


def dcgan_64_generator() -> list[nn.Module]:
    return [
        nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False),
        nn.BatchNorm2d(512),
        nn.ReLU(),
        nn.ConvTranspose2d(512, 256, 4, 2, 1, bias=False),
        nn.BatchNorm2d(256),
        nn.ReLU(),
        nn.ConvTranspose2d(256, 128, 4, 2, 1, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False),
        nn.Tanh(),
    ]


def dcgan_64_discriminator() -> list[nn.Module]:
    return [
        nn.Conv2d(3, 64, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False),
        nn.BatchNorm2d(128),
        nn.LeakyReLU(0.2),
        nn.Conv2d(128, 256, 4, 2, 1, bias=False),
        nn.BatchNorm2d(256),
        nn.LeakyReLU(0.2),
        nn.Conv2d(256, 512, 4, 2, 1, bias=False),
        nn.BatchNorm2d(512),
        nn.LeakyReLU(0.2),
        nn.Conv2d(512, 1, 4, 1, 0, bias=False),
        nn.Sigmoid(),
    ]


def mlp_100_smooth_generator() -> list[nn.Module]:
    return [nn.Linear(100, 128), nn.LeakyReLU(0.01), nn.Linear(128, 784), nn.Tanh()]


def mlp_100_smooth_discriminator() -> list[nn.Module]:
    return [nn.Linear(784, 128), nn.LeakyReLU(0.01), nn.Linear(128, 1)]


def pattern_1010_generator() -> list[nn.Module]:
    return [nn.Linear(1, 3), nn.Sigmoid(), nn.Linear(3, 4), nn.Sigmoid()]


def pattern_1010_discriminator() -> list[nn.Module]:
    return [nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid()]


def mlp_96_generator() -> list[nn.Module]:
    return [nn.Linear(96, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 784), nn.Tanh()]


def mlp_96_discriminator() -> list[nn.Module]:
    return [
        nn.Linear(784, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 1),
    ]


@dataclass(frozen=True)
class Column:
    """A column of the table."""

    image_shape: tuple[int, int, int]
    data: str
    generator: Callable[[], list[nn.Module]]
    discriminator: Callable[[], list[nn.Module]]
    parameters: tuple[int, int]  # of G and D
    z_dim: int
    prior: str
    settings: dict[str, Any]
    value_range: tuple[float, float] = (-1.0, 1.0)  # of the tutorial's own images


TABLE = {
    "mlp-64": Column(
        GRAY28, "mnist", mlp_64_generator, mlp_64_discriminator, (283_920, 217_473), 64, "normal",
        {
            "loss": "bce", "smoothing": 0.0, "optimizer": "adam", "g_lr": 2e-4, "d_lr": 2e-4, "beta1": 0.9,
            "beta2": 0.999, "d_every": 3, "g_every": 1, "same_z": False, "d_update": "together", "batch_size": 64,
            "epochs": 200, "steps": 0, "init": "default",
        },
    ),
    "dcgan-64": Column(
        COLOUR64, "", dcgan_64_generator, dcgan_64_discriminator, (3_576_704, 2_765_568), 100, "normal",
        {
            "loss": "bce", "smoothing": 0.0, "optimizer": "adam", "g_lr": 2e-4, "d_lr": 2e-4, "beta1": 0.5,
            "beta2": 0.999, "d_every": 1, "g_every": 1, "d_update": "together", "batch_size": 128, "epochs": 5,
            "steps": 0, "init": "dcgan", "image_size": 64, "sample_count": 64,
        },
    ),
    "mlp-100-smooth": Column(
        GRAY28, "mnist", mlp_100_smooth_generator, mlp_100_smooth_discriminator, (114_064, 100_609), 100, "uniform",
        {
            "loss": "bce", "smoothing": 0.1, "optimizer": "adam", "g_lr": 2e-3, "d_lr": 2e-3, "beta1": 0.9,
            "beta2": 0.999, "d_every": 1, "g_every": 1, "same_z": True, "d_update": "together", "batch_size": 100,
            "epochs": 100, "steps": 0, "init": "default", "sample_count": 16, "sample_every": 600,
        },
    ),
    "pattern-1010": Column(
        FOUR, "toy:1010", pattern_1010_generator, pattern_1010_discriminator, (22, 19), 1, "constant",
        {
            "loss": "mse", "smoothing": 0.0, "optimizer": "sgd", "g_lr": 1e-2, "d_lr": 1e-2, "d_every": 1, "g_every": 1,
            "d_update": "real-then-fake", "batch_size": 1, "epochs": 0, "steps": 15_000, "init": "default",
        },
        value_range=(0.0, 1.0),
    ),
    "mlp-96": Column(
        GRAY28, "mnist", mlp_96_generator, mlp_96_discriminator, (1_952_528, 267_009), 96, "uniform",
        {
            "loss": "bce", "smoothing": 0.0, "optimizer": "adam", "g_lr": 3e-4, "d_lr": 3e-4, "beta1": 0.5,
            "beta2": 0.999, "d_every": 1, "g_every": 1, "same_z": True, "d_update": "together", "batch_size": 128,
            "epochs": 10, "steps": 0, "init": "default", "sample_count": 16, "sample_every": 250,
        },
    ),
}  # fmt: skip
FIVE = pytest.mark.parametrize("name", TABLE)
PLAIN = ("r1_gamma", "ema", "lr_decay")  # what no tutorial had


def networks(name: str, image_shape: tuple[int, int, int] | None = None, seed: int = 5) -> tuple[Network, Network]:
    """Generator and discriminator of a recipe, initialised as its runs do."""
    column = TABLE.get(name)
    shape = image_shape or (column.image_shape if column else GRAY28)
    config = RECIPES[name].config
    built = [build(spec) for spec in config.specs(shape)]
    rng = torch.Generator().manual_seed(seed)
    for network in built:
        initialize(network, config.init, rng)
    return built[0], built[1]


def working_layers(network: Network) -> list[nn.Module]:
    """All layers but those that only change the shape."""
    return [module for module in network.layers if not isinstance(module, nn.Flatten | nn.Unflatten)]


def step_of(name: str, seed: int = 5) -> AdversarialStep:
    generator, discriminator = networks(name, seed=seed)
    return AdversarialStep(RECIPES[name].config, generator, discriminator, torch.Generator().manual_seed(1), 1000)


def real_batch(name: str, size: int, seed: int = 0) -> Tensor:
    shape = TABLE[name].image_shape if name in TABLE else GRAY28
    return torch.rand(size, *shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def weights_of(network: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_all_five_reference_systems_are_there_by_name() -> None:
    assert set(TABLE) <= set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_knows_its_name_and_says_what_to_expect(name: str) -> None:
    assert RECIPES[name].name == name
    assert len(RECIPES[name].summary.split()) >= 10


@FIVE
def test_a_recipe_names_its_data(name: str) -> None:
    assert RECIPES[name].data == TABLE[name].data


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [(name, field, value) for name, column in TABLE.items() for field, value in column.settings.items()],
)
def test_a_recipe_has_the_setting_of_its_tutorial(name: str, field: str, value: Any) -> None:
    assert getattr(RECIPES[name].config, field) == value


@pytest.mark.parametrize("field", PLAIN)
@FIVE
def test_a_recipe_to_the_letter_has_none_of_our_improvements(name: str, field: str) -> None:
    assert getattr(RECIPES[name].config, field) == 0


@pytest.mark.parametrize("role", ["generator", "discriminator"])
@FIVE
def test_a_network_has_the_layers_of_its_tutorial(name: str, role: str) -> None:
    generator, discriminator = networks(name)
    expected = getattr(TABLE[name], role)()
    actual = working_layers(generator if role == "generator" else discriminator)
    # the repr of a module tells sizes, strides, padding, slope, eps, momentum, bias
    assert [repr(module).removeprefix("_Empty") for module in actual] == [repr(module) for module in expected]


@FIVE
def test_a_generator_gives_its_tutorials_images_for_the_same_weights(name: str) -> None:
    generator, _ = networks(name)
    column = TABLE[name]
    reference = nn.Sequential(*column.generator())
    reference.load_state_dict(dict(zip(reference.state_dict(), generator.state_dict().values(), strict=True)))
    z = torch.randn(3, column.z_dim, generator=torch.Generator().manual_seed(2))
    plain = reference(z[:, :, None, None] if name == "dcgan-64" else z)
    low, high = column.value_range
    expected = (plain - low) / (high - low) * 2 - 1
    torch.testing.assert_close(generator.train()(z), expected.reshape(3, *column.image_shape))


@FIVE
def test_a_discriminator_gives_its_tutorials_verdicts_for_the_same_weights(name: str) -> None:
    _, discriminator = networks(name)
    column = TABLE[name]
    reference = nn.Sequential(*column.discriminator())
    reference.load_state_dict(dict(zip(reference.state_dict(), discriminator.state_dict().values(), strict=True)))
    images = real_batch(name, 3)
    low, high = column.value_range
    plain = (images + 1) / 2 * (high - low) + low
    expected = reference(plain if name == "dcgan-64" else plain.flatten(1)).flatten()
    torch.testing.assert_close(discriminator.train()(images), expected)


@FIVE
def test_the_networks_have_the_parameter_counts_computed_by_hand(name: str) -> None:
    counts = tuple(sum(p.numel() for p in network.parameters()) for network in networks(name))
    assert counts == TABLE[name].parameters


@FIVE
def test_the_specs_count_the_parameters_as_torch_does(name: str) -> None:
    generator, discriminator = RECIPES[name].config.specs(TABLE[name].image_shape)
    assert (generator.parameter_count, discriminator.parameter_count) == TABLE[name].parameters


@FIVE
def test_a_generator_takes_its_tutorials_z(name: str) -> None:
    generator, _ = RECIPES[name].config.specs(TABLE[name].image_shape)
    assert generator.z_dim == TABLE[name].z_dim
    assert generator.prior is not None
    assert generator.prior.kind == TABLE[name].prior


def drawn(name: str) -> Tensor:
    return RECIPES[name].config.latent_prior.sample(2000, TABLE[name].z_dim, torch.Generator().manual_seed(3))


@pytest.mark.parametrize("name", ["mlp-64", "dcgan-64"])
def test_z_is_standard_normal(name: str) -> None:
    z = drawn(name)
    assert z.mean().abs() < 0.02
    assert z.std().item() == pytest.approx(1, abs=0.02)
    assert (z.abs() > 1).float().mean().item() == pytest.approx(0.3173, abs=0.01)


@pytest.mark.parametrize("name", ["mlp-100-smooth", "mlp-96"])
def test_z_is_uniform_on_minus_1_to_1(name: str) -> None:
    z = drawn(name)
    assert z.abs().max() <= 1
    quartiles = torch.quantile(z.flatten()[:10_000], torch.tensor([0.01, 0.25, 0.5, 0.75, 0.99]))
    torch.testing.assert_close(quartiles, torch.tensor([-0.98, -0.5, 0.0, 0.5, 0.98]), atol=0.03, rtol=0)


def test_z_of_the_pattern_is_the_constant_one_half() -> None:
    assert (drawn("pattern-1010") == 0.5).all()


def library_weights(modules: list[nn.Module], seed: int) -> list[Tensor]:
    """What PyTorch itself draws for these layers after ``torch.manual_seed``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in modules:
            if isinstance(module, nn.Linear):
                module.reset_parameters()
        return [parameter.detach() for module in modules for parameter in module.parameters()]


@pytest.mark.parametrize("name", ["mlp-64", "mlp-100-smooth", "pattern-1010", "mlp-96"])
def test_weights_start_as_the_library_draws_them(name: str) -> None:
    column = TABLE[name]
    expected = library_weights([*column.generator(), *column.discriminator()], seed=5)
    generator, discriminator = networks(name, seed=5)
    actual = [*generator.parameters(), *discriminator.parameters()]
    for ours, theirs in zip(actual, expected, strict=True):
        torch.testing.assert_close(ours.detach(), theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("role", [0, 1], ids=["generator", "discriminator"])
def test_convolutions_of_the_dcgan_start_normal_with_deviation_002(role: int) -> None:
    for module in networks("dcgan-64")[role].modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            weight = module.weight.detach()
            error = 5 / weight.numel() ** 0.5  # five standard errors
            assert abs(weight.mean().item()) < 0.02 * error
            assert weight.std().item() == pytest.approx(0.02, rel=error)
            assert (weight.abs() > 0.04).float().mean().item() == pytest.approx(0.0455, abs=error)


@pytest.mark.parametrize("role", [0, 1], ids=["generator", "discriminator"])
def test_batch_norms_of_the_dcgan_start_around_1_with_deviation_002_and_shift_0(role: int) -> None:
    norms = [m for m in networks("dcgan-64")[role].modules() if isinstance(m, nn.BatchNorm2d)]
    scales = torch.cat([norm.weight.detach() for norm in norms])
    assert scales.mean().item() == pytest.approx(1, abs=0.004)
    assert scales.std().item() == pytest.approx(0.02, rel=0.15)
    assert all((norm.bias == 0).all() for norm in norms)


@pytest.mark.parametrize("name", ["mlp-64", "dcgan-64", "mlp-100-smooth", "mlp-96"])
def test_both_optimizers_are_adam_with_the_tutorials_rates_and_betas(name: str) -> None:
    settings = TABLE[name].settings
    step = step_of(name)
    for optimizer, rate in ((step.g_optimizer, "g_lr"), (step.d_optimizer, "d_lr")):
        assert isinstance(optimizer, torch.optim.Adam)
        (group,) = optimizer.param_groups
        assert group["lr"] == settings[rate]
        assert group["betas"] == (settings["beta1"], settings["beta2"])
        assert (group["eps"], group["weight_decay"], group["amsgrad"]) == (1e-8, 0, False)


def test_both_optimizers_of_the_pattern_are_plain_gradient_descent() -> None:
    step = step_of("pattern-1010")
    for optimizer in (step.g_optimizer, step.d_optimizer):
        assert type(optimizer) is torch.optim.SGD
        (group,) = optimizer.param_groups
        assert (group["lr"], group["momentum"], group["weight_decay"], group["nesterov"]) == (1e-2, 0, 0, False)


@pytest.mark.parametrize("name", [*TABLE, "mlp-64-stable"])
def test_each_optimizer_holds_all_weights_of_its_network_and_no_others(name: str) -> None:
    step = step_of(name)
    for optimizer, network in ((step.g_optimizer, step.generator), (step.d_optimizer, step.discriminator)):
        held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        assert {id(p) for p in held} == {id(p) for p in network.parameters()}


def steps_that_change(name: str, count: int) -> tuple[list[int], list[int]]:
    """The steps, of 1 to `count`, in which G's and in which D's weights change."""
    step, batch = step_of(name), 2
    changed: tuple[list[int], list[int]] = ([], [])
    for number in range(1, count + 1):
        before = weights_of(step.generator), weights_of(step.discriminator)
        step(number, real_batch(name, batch, seed=number))
        for network, old, numbers in zip((step.generator, step.discriminator), before, changed, strict=True):
            if not torch.equal(weights_of(network), old):
                numbers.append(number)
    return changed


def test_mlp_64_steps_the_generator_always_and_the_discriminator_every_third_time() -> None:
    generator, discriminator = steps_that_change("mlp-64", 9)
    assert generator == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert len(discriminator) == 3
    assert {b - a for a, b in itertools.pairwise(discriminator)} == {3}


@pytest.mark.parametrize(
    ("name", "count"),
    [("dcgan-64", 2), ("mlp-100-smooth", 4), ("pattern-1010", 4), ("mlp-96", 4), ("mlp-64-stable", 4)],
)
def test_the_other_recipes_step_both_networks_every_time(name: str, count: int) -> None:
    every = list(range(1, count + 1))
    assert steps_that_change(name, count) == (every, every)


@dataclass
class Seen:
    """Batches that a network took during one step, and its weights at those moments."""

    batches: list[Tensor]
    weights: list[Tensor]


def watch(network: Network) -> Seen:
    seen = Seen([], [])

    def note(_: nn.Module, arguments: tuple[Tensor]) -> None:
        seen.batches.append(arguments[0].detach().clone())
        seen.weights.append(weights_of(network))

    network.layers[0].register_forward_pre_hook(note)
    return seen


@pytest.mark.parametrize("name", ["mlp-100-smooth", "mlp-96"])
def test_one_z_batch_serves_both_networks(name: str) -> None:
    step = step_of(name)
    latents, images = watch(step.generator), watch(step.discriminator)
    step(1, real_batch(name, 4))
    assert all(torch.equal(z, latents.batches[0]) for z in latents.batches)
    for_discriminator, for_generator = images.batches[0][-4:], images.batches[-1]
    assert torch.equal(for_discriminator, for_generator)


def test_mlp_64_draws_a_fresh_z_batch_for_the_generator() -> None:
    step = step_of("mlp-64")
    latents, images = watch(step.generator), watch(step.discriminator)
    step(1, real_batch("mlp-64", 4))
    assert len(latents.batches) == 2
    assert not torch.isclose(latents.batches[0], latents.batches[1]).any()
    assert not torch.equal(images.batches[0][-4:], images.batches[-1])


def test_every_step_draws_new_latents() -> None:
    step = step_of("mlp-96")
    latents = watch(step.generator)
    for number in (1, 2, 3):
        step(number, real_batch("mlp-96", 4))
    first, second, third = latents.batches
    assert not torch.isclose(first, second).any()
    assert not torch.isclose(second, third).any()


def test_the_dcgans_discriminator_never_sees_real_and_fake_images_in_one_batch() -> None:
    step = step_of("dcgan-64")
    images = watch(step.discriminator)
    real = real_batch("dcgan-64", 2)
    step(1, real)
    assert [len(batch) for batch in images.batches] == [2, 2, 2]  # real, fake, fake for G
    assert [torch.equal(batch, real) for batch in images.batches] == [True, False, False]


def test_the_dcgans_discriminator_sees_real_and_fake_images_under_the_same_weights() -> None:
    step = step_of("dcgan-64")
    seen = watch(step.discriminator)
    step(1, real_batch("dcgan-64", 2))
    on_real, on_fake, for_generator = seen.weights
    assert torch.equal(on_real, on_fake)
    assert not torch.equal(on_fake, for_generator)


def test_the_patterns_discriminator_steps_on_real_then_on_fake_then_the_generator_steps() -> None:
    step = step_of("pattern-1010")
    seen, order = watch(step.discriminator), []
    step.d_optimizer.register_step_post_hook(lambda *_: order.append("D"))
    step.g_optimizer.register_step_post_hook(lambda *_: order.append("G"))
    real = real_batch("pattern-1010", 1)
    step(1, real)
    assert order == ["D", "D", "G"]
    native = (real + 1) / 2  # the tutorial's own numbers
    assert [torch.allclose(batch, native) for batch in seen.batches] == [True, False, False]
    on_real, on_fake, for_generator = seen.weights
    assert not torch.equal(on_real, on_fake)
    assert not torch.equal(on_fake, for_generator)


def test_the_patterns_generator_is_trained_with_z_at_one_half() -> None:
    step = step_of("pattern-1010")
    latents = watch(step.generator)
    step(1, real_batch("pattern-1010", 1))
    assert all((z == 0.5).all() for z in latents.batches)


@pytest.mark.parametrize(("name", "target"), [("mlp-64", 1.0), ("mlp-100-smooth", 0.9), ("mlp-96", 1.0)])
def test_the_discriminator_is_told_the_tutorials_target_for_real_images(name: str, target: float) -> None:
    step, real = step_of(name), real_batch(name, 6)
    with torch.no_grad():
        logits = step.discriminator.logits(real)
    expected = F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
    measures = step(1, real, measure=True)
    assert measures is not None
    torch.testing.assert_close(measures[MEASURES.index("d_loss_real")], expected)


def test_smoothing_is_one_sided() -> None:
    """Fakes stay at 0 for the discriminator, and the generator is still after 1."""
    step, real = step_of("mlp-100-smooth"), real_batch("mlp-100-smooth", 6)
    seen = watch(step.discriminator)
    discriminator = networks("mlp-100-smooth")[1]
    measures = step(1, real, measure=True)
    assert measures is not None
    with torch.no_grad():
        fake_logits = discriminator.logits(seen.batches[0][-6:].reshape(-1, *GRAY28))
        expected = F.binary_cross_entropy_with_logits(fake_logits, torch.zeros(6))
        torch.testing.assert_close(measures[MEASURES.index("d_loss_fake")], expected)
        discriminator.load_state_dict(step.discriminator.state_dict())
        after_d_step = discriminator.logits(seen.batches[1].reshape(-1, *GRAY28))
        expected = F.binary_cross_entropy_with_logits(after_d_step, torch.ones(6))
        torch.testing.assert_close(measures[MEASURES.index("g_loss")], expected)


@pytest.mark.parametrize("name", TABLE)
def test_images_the_discriminator_gets_are_in_its_own_value_range(name: str) -> None:
    """The pattern's networks work on numbers as the tutorial has them, 0 to 1.1; the others on [-1, 1]."""
    step = step_of(name)
    seen = watch(step.discriminator)
    real = torch.full((2, *TABLE[name].image_shape), 1.2)
    step(1, real)
    low, high = TABLE[name].value_range
    torch.testing.assert_close(
        seen.batches[0][0], torch.full_like(seen.batches[0][0], (1.2 + 1) / 2 * (high - low) + low)
    )


def test_mlp_64_says_that_it_collapses() -> None:
    assert "collapse" in RECIPES["mlp-64"].summary


def test_mlp_64_names_the_recipe_that_holds() -> None:
    assert "mlp-64-stable" in RECIPES["mlp-64"].summary


def test_the_stable_recipe_has_the_very_generator_of_mlp_64() -> None:
    stable, _ = RECIPES["mlp-64-stable"].config.specs(GRAY28)
    letter, _ = RECIPES["mlp-64"].config.specs(GRAY28)
    assert stable == letter


@pytest.mark.parametrize("field", ["r1_gamma", "ema"])
def test_the_stable_recipe_has_a_gradient_penalty_and_an_average(field: str) -> None:
    assert getattr(RECIPES["mlp-64-stable"].config, field) > 0


def test_the_stable_recipe_shows_the_average_of_its_generator() -> None:
    step = step_of("mlp-64-stable")
    assert step.shown_generator is not step.generator


@FIVE
def test_the_other_recipes_show_the_generator_itself(name: str) -> None:
    step = step_of(name)
    assert step.shown_generator is step.generator


@pytest.mark.parametrize(
    ("name", "size"),
    [("dcgan-28", 28), ("modern-28", 28), ("faces-64", 64), ("modern-faces-64", 64), ("modern-64", 64)],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_recipes_beyond_the_five_make_images_of_their_size_from_z_of_100(name: str, size: int, channels: int) -> None:
    generator, discriminator = networks(name, (channels, size, size))
    assert generator.spec.z_dim == 100
    assert RECIPES[name].config.image_size == size
    with torch.no_grad():
        images = generator.eval()(torch.zeros(1, 100))
        assert images.shape == (1, channels, size, size)
        assert discriminator.eval()(images).shape == (1,)


@pytest.mark.parametrize("name", ["modern-28", "modern-64"])
def test_a_modern_recipe_has_what_its_summary_says(name: str) -> None:
    config, (_, discriminator) = RECIPES[name].config, networks(name, (1, int(name[-2:]), int(name[-2:])))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in discriminator.modules())
    assert config.r1_gamma > 0
    assert config.ema > 0
    assert config.beta1 == 0
    assert config.lr_decay > 0


def test_the_modern_recipe_for_faces_differs_from_the_plain_one_in_what_its_summary_says() -> None:
    plain, modern = RECIPES["faces-64"].config, RECIPES["modern-faces-64"].config
    kept = {field.name for field in dataclasses.fields(plain)} - {"loss", "smoothing", "epochs", "lr_decay"}
    assert all(getattr(modern, name) == getattr(plain, name) for name in kept)
    assert (modern.loss, modern.smoothing) == ("hinge", 0)
    assert modern.lr_decay == pytest.approx(1 / 3, abs=1e-3)
    assert modern.epochs > 2 * plain.epochs
    _, discriminator = networks("modern-faces-64", (1, 64, 64))
    assert any(isinstance(module, nn.BatchNorm2d) for module in discriminator.modules())
    assert modern.ema > 0


@pytest.mark.parametrize("name", ["dcgan-28", "modern-28"])
def test_a_step_of_a_recipe_for_digits_changes_both_networks_and_says_finite_losses(name: str) -> None:
    generator, discriminator = networks(name)
    step = AdversarialStep(RECIPES[name].config, generator, discriminator, torch.Generator().manual_seed(1), 1000)
    before = [weights_of(network) for network in (generator, discriminator)]
    values = step(1, real_batch(name, 4), measure=True)
    assert values is not None
    assert values.isfinite().all()
    after = [weights_of(network) for network in (generator, discriminator)]
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))
