"""Built networks: shapes, ranges, first weights, and the DCGAN's sizes."""

from __future__ import annotations

import math

import pytest
import torch
from small_nets import DISCRIMINATORS, GENERATORS, latents, seeded_generator, trained_like
from torch import nn
from torch.nn import functional

from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import (
    Network,
    build,
    dcgan_discriminator,
    dcgan_generator,
    initialize,
    mlp_discriminator,
    mlp_generator,
)
from ganexplorer.core.spec import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    Layer,
    LeakyReLU,
    Linear,
    NetworkSpec,
    Permute,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    SpecError,
    Tanh,
)

NORMAL = Prior.normal()
WITH_SIGMOID = ["mlp-sigmoid", "dcgan-sigmoid"]
TO_LOGITS = ["mlp-logits", "mlp-for-bn", "dcgan-logits"]


@pytest.fixture
def images(request: pytest.FixtureRequest) -> torch.Tensor:
    shape = DISCRIMINATORS[request.getfixturevalue("name")].image_shape
    return torch.rand(5, *shape, generator=seeded_generator(3)) * 2 - 1


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_gives_images_of_its_shape_in_range(name: str, count: int) -> None:
    spec = GENERATORS[name]
    made = trained_like(spec)(latents(spec, count))
    assert made.shape == (count, *spec.image_shape)
    assert made.dtype == torch.float32
    assert made.min() >= -1
    assert made.max() <= 1


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_uses_both_halves_of_the_range(name: str) -> None:
    spec = GENERATORS[name]
    network = trained_like(spec)
    for parameter in network.parameters():
        parameter.mul_(4)  # far from the middle of a tanh or sigmoid
    made = network(latents(spec, 64))
    assert made.min() < -0.2
    assert made.max() > 0.2


def test_a_generator_whose_own_range_is_0_to_1_gives_twice_that_minus_1() -> None:
    spec = GENERATORS["mlp-sigmoid"]
    network, z = trained_like(spec), latents(spec, 8)
    torch.testing.assert_close(network(z), 2 * network.layers(z) - 1)


@pytest.mark.parametrize("name", ["mlp-64", "dcgan-16"])
def test_a_generator_whose_own_range_is_that_of_images_is_not_touched(name: str) -> None:
    spec = GENERATORS[name]
    network, z = trained_like(spec), latents(spec, 3)
    assert torch.equal(network(z), network.layers(z))


def test_a_discriminator_whose_own_range_is_0_to_1_sees_images_in_it() -> None:
    network = build(NetworkSpec((Reshape((4,)), Linear(4, 1)), (1, 2, 2), value_range=(0.0, 1.0)))
    network.load_state_dict({"layers.1.weight": torch.tensor([[1.0, 2.0, 4.0, 8.0]]), "layers.1.bias": torch.zeros(1)})
    seen = network(torch.tensor([[[[-1.0, 1.0], [0.0, -0.5]]]]))
    assert seen.item() == pytest.approx(2 * 1 + 4 * 0.5 + 8 * 0.25)


def test_what_a_generator_gives_its_discriminator_takes_back_unchanged() -> None:
    generator = trained_like(mlp_generator(3, (5,), (1, 2, 2), NORMAL, ReLU(), Sigmoid()))
    discriminator = trained_like(mlp_discriminator((5,), (1, 2, 2), ReLU(), None, generator.spec.value_range))
    z = latents(generator.spec, 9)
    native = generator.layers(z)  # in [0, 1]
    torch.testing.assert_close(discriminator(generator(z)), discriminator.layers(native).reshape(-1))


@pytest.mark.parametrize(("output", "value_range"), [(Tanh(), (-1.0, 1.0)), (Sigmoid(), (0.0, 1.0))])
def test_the_last_layer_of_a_generator_decides_its_value_range(
    output: Tanh | Sigmoid, value_range: tuple[float, float]
) -> None:
    assert mlp_generator(2, (3,), (1, 2, 2), NORMAL, ReLU(), output).value_range == value_range
    assert dcgan_generator(2, (3,), (1, 8, 8), NORMAL, output).value_range == value_range


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_a_discriminator_gives_one_verdict_an_image(name: str, images: torch.Tensor) -> None:
    assert trained_like(DISCRIMINATORS[name])(images).shape == (5,)


@pytest.mark.parametrize("name", WITH_SIGMOID)
def test_a_verdict_after_a_sigmoid_is_the_sigmoid_of_its_logit(name: str, images: torch.Tensor) -> None:
    network = trained_like(DISCRIMINATORS[name])
    assert network.logits(images).shape == (5,)
    assert not torch.equal(network(images), network.logits(images))
    torch.testing.assert_close(network(images), torch.sigmoid(network.logits(images)))


@pytest.mark.parametrize("name", TO_LOGITS)
def test_a_verdict_without_a_sigmoid_is_its_logit(name: str, images: torch.Tensor) -> None:
    network = trained_like(DISCRIMINATORS[name])
    assert torch.equal(network(images), network.logits(images))


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_logits_have_a_gradient_in_the_image(name: str, images: torch.Tensor) -> None:
    images.requires_grad_(True)
    (gradient,) = torch.autograd.grad(trained_like(DISCRIMINATORS[name]).logits(images).sum(), images)
    assert gradient.abs().sum() > 0


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 3), (7, 5), (64, 256), (784, 10), (1000, 3)])
def test_default_weights_of_a_linear_layer_are_pytorch_s_bit_for_bit(inputs: int, outputs: int, bias: bool) -> None:
    torch.manual_seed(11)
    theirs = nn.Linear(inputs, outputs, bias=bias)
    spec = NetworkSpec((Linear(inputs, outputs, bias), Reshape((outputs, 1, 1))), (outputs, 1, 1), inputs, NORMAL)
    ours = build(spec)
    initialize(ours, "default", torch.Generator().manual_seed(11))
    assert_same_weights(ours.layers[0], theirs)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(1, 1, 1), (3, 64, 4), (6, 5, 3), (12, 2, 5)])
def test_default_weights_of_a_convolution_are_pytorch_s_bit_for_bit(
    inputs: int, outputs: int, kernel: int, bias: bool
) -> None:
    torch.manual_seed(12)
    theirs = nn.Conv2d(inputs, outputs, kernel, bias=bias)
    layers = (Conv2d(inputs, outputs, kernel, bias=bias), Reshape((outputs,)), Linear(outputs, 1))
    ours = build(NetworkSpec(layers, (inputs, kernel, kernel)))
    initialize(ours, "default", torch.Generator().manual_seed(12))
    assert_same_weights(ours.layers[0], theirs)


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(3, 2, 4), (10, 6, 3)])
def test_default_weights_of_a_transposed_convolution_are_pytorch_s_bit_for_bit(
    inputs: int, outputs: int, kernel: int
) -> None:
    torch.manual_seed(13)
    theirs = nn.ConvTranspose2d(inputs, outputs, kernel)
    layers = (Reshape((inputs, 1, 1)), ConvTranspose2d(inputs, outputs, kernel))
    ours = build(NetworkSpec(layers, (outputs, kernel, kernel), inputs, NORMAL))
    initialize(ours, "default", torch.Generator().manual_seed(13))
    assert_same_weights(ours.layers[1], theirs)


def test_default_weights_of_a_whole_mlp_are_those_of_the_tutorial_s_sequential() -> None:
    torch.manual_seed(5)
    theirs = nn.Sequential(
        nn.Linear(64, 20), nn.LeakyReLU(), nn.BatchNorm1d(20), nn.Linear(20, 30), nn.Tanh(), nn.Unflatten(1, (1, 5, 6))
    )
    layers = (Linear(64, 20), LeakyReLU(), BatchNorm(20), Linear(20, 30), Tanh(), Reshape((1, 5, 6)))
    ours = build(NetworkSpec(layers, (1, 5, 6), 64, NORMAL))
    initialize(ours, "default", torch.Generator().manual_seed(5))
    z = torch.randn(16, 64)
    assert torch.equal(ours(z), theirs(z))


def assert_same_weights(ours: nn.Module, theirs: nn.Module) -> None:
    assert isinstance(ours, type(theirs))
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name


@pytest.fixture(scope="module")
def dcgan() -> tuple[Network, Network]:
    networks = (
        build(dcgan_generator(50, (64, 48), (3, 16, 16), NORMAL, Tanh())),
        build(dcgan_discriminator((48, 64), (3, 16, 16), LeakyReLU(0.2), None)),
    )
    for network in networks:
        initialize(network, "dcgan", seeded_generator(1))
    return networks


def test_dcgan_convolutions_start_normal_with_a_deviation_of_2_percent(dcgan: tuple[Network, Network]) -> None:
    for network in dcgan:
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.weight.numel() > 5000:
                weight, count = module.weight, module.weight.numel()
                assert abs(weight.mean()) < 5 * 0.02 / math.sqrt(count)
                assert weight.std().item() == pytest.approx(0.02, rel=5 / math.sqrt(2 * count))
                # normal, not uniform: a third lies outside one deviation, 4.6 % outside two
                outside = ((weight.abs() > 0.02).float().mean(), (weight.abs() > 0.04).float().mean())
                assert outside[0].item() == pytest.approx(0.317, abs=0.03)
                assert outside[1].item() == pytest.approx(0.0455, abs=0.015)


def test_dcgan_batch_norm_scales_start_about_1_and_shifts_at_0(dcgan: tuple[Network, Network]) -> None:
    norms = [module for network in dcgan for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    scales = torch.cat([norm.weight for norm in norms])
    assert len(scales) == 64 + 48 + 64
    assert scales.mean().item() == pytest.approx(1, abs=5 * 0.02 / math.sqrt(len(scales)))
    assert scales.std().item() == pytest.approx(0.02, rel=0.3)
    assert all(torch.equal(norm.bias, torch.zeros_like(norm.bias)) for norm in norms)


def test_dcgan_biases_start_at_0() -> None:
    network = build(NetworkSpec((Linear(20, 30), ReLU(), Linear(30, 4), Reshape((1, 2, 2))), (1, 2, 2), 20, NORMAL))
    initialize(network, "dcgan", seeded_generator())
    assert torch.equal(network.layers[0].bias, torch.zeros(30))
    assert network.layers[0].weight.std().item() == pytest.approx(0.02, rel=0.2)


@pytest.mark.parametrize("network", [0, 1])
def test_he_weights_are_pytorch_s_kaiming_normal(network: int) -> None:
    spec = (dcgan_generator(100, (64, 48), (1, 16, 16), NORMAL, Tanh()),
            dcgan_discriminator((48, 64), (1, 16, 16), LeakyReLU(0.2), None))[network]  # fmt: skip
    ours, theirs = build(spec), build(spec)
    initialize(ours, "he", seeded_generator(1))
    generator = seeded_generator(1)
    for module, same in zip(ours.modules(), theirs.modules(), strict=True):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(same.weight, generator=generator)
            assert torch.equal(module.weight, same.weight)
            assert module.bias is None or not module.bias.any()


@pytest.mark.parametrize("scheme", ["default", "dcgan", "he"])
@pytest.mark.parametrize("name", ["mlp-bn", "dcgan-16"])
def test_running_statistics_start_as_those_of_a_new_batch_norm(name: str, scheme: str) -> None:
    network = build(GENERATORS[name])
    initialize(network, scheme, seeded_generator())  # type: ignore[arg-type]
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert torch.equal(module.running_mean, torch.zeros(module.num_features))
            assert torch.equal(module.running_var, torch.ones(module.num_features))
            assert module.num_batches_tracked == 0


def test_batch_norm_options_reach_the_module() -> None:
    norm = build(GENERATORS["mlp-bn"]).layers[4]
    assert (norm.eps, norm.momentum) == (1e-3, 0.2)


@pytest.mark.parametrize("scheme", ["default", "dcgan", "he"])
@pytest.mark.parametrize("name", GENERATORS)
def test_the_global_random_state_is_neither_read_nor_moved(name: str, scheme: str) -> None:
    states = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        before = torch.random.get_rng_state()
        network = build(GENERATORS[name])
        initialize(network, scheme, seeded_generator(7))  # type: ignore[arg-type]
        assert torch.equal(torch.random.get_rng_state(), before)
        states.append(network.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize("name", GENERATORS)
def test_every_weight_is_drawn_by_initialize(name: str) -> None:
    network = build(GENERATORS[name])
    for parameter in network.parameters():
        nn.init.constant_(parameter, float("nan"))
    initialize(network, "default", seeded_generator())
    assert all(torch.isfinite(parameter).all() for parameter in network.parameters())


def test_building_on_meta_takes_no_memory() -> None:
    network = build(GENERATORS["dcgan-16"], "meta")
    assert all(tensor.is_meta for tensor in network.state_dict().values())


@pytest.mark.parametrize(
    ("widths", "shape"),
    [
        ((64, 32), (3, 64, 64)),
        ((512, 256, 128, 64), (3, 32, 32)),
        ((8,), (1, 8, 16)),
        ((8,), (1, 28, 28)),
        ((8, 8), (1, 30, 30)),
        ((), (1, 4, 4)),
    ],
)
def test_dcgan_widths_that_do_not_make_the_image_size_are_refused_with_the_sizes_that_they_make(
    widths: tuple[int, ...], shape: tuple[int, int, int]
) -> None:
    sizes = ", ".join(str(2 ** len(widths) * side) for side in (4, 5, 6, 7))
    message = rf"{len(widths)} widths make a DCGAN for square images of {sizes} pixels, not for {shape[1]}x{shape[2]}"
    with pytest.raises(SpecError, match=message):
        dcgan_generator(10, widths, shape, NORMAL, Tanh())
    with pytest.raises(SpecError, match=message):
        dcgan_discriminator(widths, shape, LeakyReLU(0.2), None)


@pytest.mark.parametrize(("widths", "size"), [((8,), 12), ((8, 6), 28), ((8, 6, 4), 40), ((8, 6), 20)])
def test_a_dcgan_starts_from_four_to_seven_pixels_and_doubles_them(widths: tuple[int, ...], size: int) -> None:
    shape = (1, size, size)
    generator = build(dcgan_generator(10, widths, shape, NORMAL, Tanh()))
    discriminator = build(dcgan_discriminator(widths[::-1], shape, LeakyReLU(0.2), None))
    for network in (generator, discriminator):
        initialize(network, "dcgan", torch.Generator().manual_seed(0))
    images = generator(torch.zeros(2, 10))
    assert images.shape == (2, *shape)
    assert discriminator(images).shape == (2,)
    assert generator.spec.shapes[2] == (widths[0], size // 2 ** len(widths), size // 2 ** len(widths))


def test_a_discriminator_without_batch_norm_has_biases_and_judges_each_image_by_itself() -> None:
    spec = dcgan_discriminator((4, 6), (1, 16, 16), LeakyReLU(0.2), None, batch_norm=False)
    assert not any(isinstance(layer, BatchNorm) for layer in spec.layers)
    assert all(layer.bias for layer in spec.layers if isinstance(layer, Conv2d))
    network = build(spec).train()
    initialize(network, "default", torch.Generator().manual_seed(0))
    images = torch.randn(5, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(network(images)[:1], network(images[:1]))


def test_a_discriminators_head_sees_the_whole_image_before_the_verdict() -> None:
    spec = dcgan_discriminator((4, 6), (1, 28, 28), LeakyReLU(0.2), None, batch_norm=False, head=9)
    *_, whole, _, verdict = spec.layers
    assert (whole, verdict) == (Linear(6 * 7 * 7, 9), Linear(9, 1))
    network = build(spec)
    initialize(network, "he", torch.Generator().manual_seed(0))
    assert network(torch.zeros(3, 1, 28, 28)).shape == (3,)


def test_a_mapping_stands_between_z_and_the_first_convolution() -> None:
    plain = dcgan_generator(5, (6, 4), (1, 28, 28), NORMAL, Tanh())
    spec = dcgan_generator(5, (6, 4), (1, 28, 28), NORMAL, Tanh(), mapping=9)
    hidden = [Linear(5, 9), LeakyReLU(0.2), Linear(9, 9), LeakyReLU(0.2)]
    assert list(spec.layers[:6]) == [*hidden, Reshape((9, 1, 1)), ConvTranspose2d(9, 6, 7, 1, 0, bias=False)]
    assert spec.layers[6:] == plain.layers[2:]
    network = build(spec)
    initialize(network, "he", torch.Generator().manual_seed(0))
    assert network(torch.zeros(3, 5)).shape == (3, 1, 28, 28)


def test_a_dcgan_is_the_one_of_the_paper() -> None:
    generator = dcgan_generator(100, (512, 256, 128, 64), (3, 64, 64), NORMAL, Tanh())
    discriminator = dcgan_discriminator((64, 128, 256, 512), (3, 64, 64), LeakyReLU(0.2), Sigmoid())
    for spec, kind in ((generator, ConvTranspose2d), (discriminator, Conv2d)):
        convolutions = [layer for layer in spec.layers if isinstance(layer, Conv2d | ConvTranspose2d)]
        assert all(isinstance(layer, kind) and layer.kernel == 4 and not layer.bias for layer in convolutions)
    assert [layer.features for layer in generator.layers if isinstance(layer, BatchNorm)] == [512, 256, 128, 64]
    # none after the discriminator's first and last convolution
    assert [layer.features for layer in discriminator.layers if isinstance(layer, BatchNorm)] == [128, 256, 512]
    # the counts of PyTorch's own DCGAN example
    assert (generator.parameter_count, discriminator.parameter_count) == (3_576_704, 2_765_568)


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        (ELU(0.5), nn.ELU(0.5)),
        (SELU(), nn.SELU()),
        (GELU(), nn.GELU()),
        (SiLU(), nn.SiLU()),
    ],
)
def test_an_activation_is_that_of_pytorch(layer: Layer, module: nn.Module) -> None:
    network = build(NetworkSpec((layer, Reshape((1, 2, 3))), (1, 2, 3), 6, Prior.normal()))
    z = torch.randn(4, 6, generator=seeded_generator())
    assert torch.equal(network(z), module(z).reshape(4, 1, 2, 3))


@pytest.mark.parametrize("dims", [(1, 2, 3), (1, 3, 2), (3, 1, 2), (3, 2, 1)])
def test_permute_counts_dimensions_as_torch_does(dims: tuple[int, int, int]) -> None:
    values = torch.arange(24.0).reshape(2, 3, 4)
    shape = values.permute(*(dim - 1 for dim in dims)).shape
    network = build(NetworkSpec((Reshape((2, 3, 4)), Permute(dims)), tuple(shape), 24, Prior.normal()))
    assert torch.equal(network(values.reshape(1, 24))[0], values.permute(*(dim - 1 for dim in dims)))


def test_output_padding_makes_an_odd_kernel_double_the_size() -> None:
    layers = (Reshape((2, 4, 4)), ConvTranspose2d(2, 1, 5, 2, 2, output_padding=1))
    network = build(NetworkSpec(layers, (1, 8, 8), 32, Prior.normal()))
    initialize(network, "default", seeded_generator())
    module = nn.ConvTranspose2d(2, 1, 5, 2, 2, 1)
    module.load_state_dict(network.layers[1].state_dict())
    z = torch.randn(3, 32, generator=seeded_generator())
    assert torch.equal(network(z), module(z.reshape(3, 2, 4, 4)))


def test_output_padding_is_smaller_than_the_stride() -> None:
    with pytest.raises(SpecError, match="output padding 2 is not smaller than the stride 2"):
        NetworkSpec(
            (Reshape((2, 4, 4)), ConvTranspose2d(2, 1, 5, 2, 2, output_padding=2)), (1, 9, 9), 32, Prior.normal()
        )


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("kernel", "stride", "bias"), [(4, 1, False), (7, 1, True), (4, 2, True), (1, 1, False)])
def test_a_transposed_convolution_of_one_pixel_is_pytorch_s_with_its_gradients(
    kernel: int, stride: int, bias: bool, memory_format: torch.memory_format
) -> None:
    layers = (Reshape((6, 1, 1)), ConvTranspose2d(6, 3, kernel, stride, 0, bias=bias), Tanh())
    network = build(NetworkSpec(layers, (3, kernel, kernel), z_dim=6, prior=NORMAL))
    initialize(network, "he", torch.Generator().manual_seed(0))
    layer = network.to(memory_format=memory_format).layers[1]
    z = torch.randn(5, 6, 1, 1, generator=torch.Generator().manual_seed(1)).requires_grad_()
    expected = functional.conv_transpose2d(z, layer.weight, layer.bias, stride)
    wanted = [z, *layer.parameters()]
    for ours, theirs in zip(
        [layer(z), *torch.autograd.grad(layer(z).square().sum(), wanted)],
        [expected, *torch.autograd.grad(expected.square().sum(), wanted)],
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
