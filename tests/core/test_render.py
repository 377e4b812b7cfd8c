"""From z to pixels: the conversion, and that the fast renderer shows what the plain network gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_nets import GENERATORS, latents, quick, same_state, trained_like
from torch import Tensor, nn

from ganexplorer.core.latent import Prior
from ganexplorer.core.render import Renderer, fold_batch_norm, to_pixels
from ganexplorer.core.spec import (
    ELU,
    GELU,
    SELU,
    Activation,
    BatchNorm,
    LeakyReLU,
    Linear,
    NetworkSpec,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    Tanh,
)


def image(*values: float) -> Tensor:
    return torch.tensor(values).view(1, 1, 1, -1)


# ---- to_pixels


@pytest.mark.parametrize(
    ("value", "pixel"),
    [
        (-1.0, 0),
        (1.0, 255),
        (0.0, 128),  # 127.5, half to even
        (-1.0 + 0.49 / 127.5, 0),
        (-1.0 + 0.51 / 127.5, 1),
        (1.0 - 0.49 / 127.5, 255),
        (1.0 - 0.51 / 127.5, 254),
        (0.5, 191),
        (-0.5, 64),
        (1.2, 255),
        (-1.2, 0),
        (1e9, 255),
        (float("inf"), 255),
        (float("-inf"), 0),
    ],
)
def test_a_value_becomes_the_nearest_gray_level(value: float, pixel: int) -> None:
    assert to_pixels(image(value)).item() == pixel


@quick
@given(level=st.integers(0, 255))
def test_every_gray_level_survives_the_way_there_and_back(level: int) -> None:
    assert to_pixels(image(level / 127.5 - 1)).item() == level


def test_one_channel_becomes_a_gray_picture() -> None:
    pixels = to_pixels(torch.tensor([[[[-1.0, 1.0, 0.2]], [[9.0, 9.0, 9.0]]]])[:, :1])
    assert (pixels.dtype, pixels.shape) == (np.uint8, (1, 1, 3))
    assert pixels.tolist() == [[[0, 255, 153]]]


def test_three_channels_become_colours_last() -> None:
    images = torch.full((2, 3, 4, 5), -1.0)
    images[1, 0, 2, 3] = 1  # red
    images[1, 2, 2, 3] = 0.2
    pixels = to_pixels(images)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (2, 4, 5, 3))
    assert pixels[1, 2, 3].tolist() == [255, 0, 153]
    assert pixels.sum() == 255 + 153
    assert pixels.flags.c_contiguous


@pytest.mark.parametrize("channels", [2, 4])
def test_of_other_channels_the_first_is_shown(channels: int) -> None:
    images = torch.ones(1, channels, 2, 2)
    images[:, 0] = -1
    assert np.array_equal(to_pixels(images), np.zeros((1, 2, 2), np.uint8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_images_of_any_precision_are_converted(dtype: torch.dtype) -> None:
    assert to_pixels(image(-1.0, 0.5, 1.0).to(dtype)).tolist() == [[[0, 191, 255]]]


def test_the_images_themselves_are_not_changed() -> None:
    images = image(-1.0, 0.0, 3.0)
    to_pixels(images)
    assert images.flatten().tolist() == [-1.0, 0.0, 3.0]


def test_images_with_a_gradient_are_converted() -> None:
    assert to_pixels(image(1.0).requires_grad_(True)).item() == 255


# ---- Renderer


@pytest.mark.parametrize("count", [1, 3, 64])
@pytest.mark.parametrize("name", GENERATORS)
def test_a_renderer_gives_what_the_plain_network_gives_in_eval_mode(name: str, count: int) -> None:
    network = trained_like(GENERATORS[name], seed=2)
    z = latents(network.spec, count)
    torch.testing.assert_close(Renderer(network).images(z), network(z), rtol=0, atol=1e-5)


@pytest.mark.parametrize("activation", [ELU(), GELU(), SELU(), LeakyReLU(0.3), ReLU(), Sigmoid(), SiLU(), Tanh()])
@pytest.mark.parametrize("max_batch", [1024, 4])
def test_no_activation_overwrites_the_z_it_was_given(
    activation: Activation, max_batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They compute in place; the first of a network has z itself before it."""
    monkeypatch.setattr("ganexplorer.core.render.MAX_BATCH", max_batch)
    layers = (activation, Linear(3, 4), activation, Linear(4, 4), Tanh(), Reshape((1, 2, 2)))
    network = trained_like(NetworkSpec(layers, (1, 2, 2), 3, Prior.normal()))
    z = latents(network.spec, 10)
    before = z.clone()
    torch.testing.assert_close(Renderer(network).images(z), network(z), rtol=0, atol=1e-6)
    assert torch.equal(z, before)


@pytest.mark.parametrize("name", GENERATORS)
def test_an_image_does_not_depend_on_its_neighbours_in_the_batch(name: str) -> None:
    renderer = Renderer(trained_like(GENERATORS[name]))
    z = latents(renderer.spec, 64)
    together = renderer.images(z)
    alone = torch.cat([renderer.images(row[None]) for row in z[:5]])
    torch.testing.assert_close(alone, together[:5], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["mlp-bn", "dcgan-16", "upsampling"])
def test_the_statistics_that_are_folded_in_matter(name: str) -> None:
    """Guards the tests above: with statistics of a new batch norm, the images are others."""
    network = trained_like(GENERATORS[name])
    z = latents(network.spec, 8)
    before = Renderer(network).images(z)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_running_stats()
    assert (Renderer(network).images(z) - before).abs().mean() > 0.05


def test_a_network_in_training_is_rendered_in_eval_mode_and_left_in_training() -> None:
    network = trained_like(GENERATORS["dcgan-16"])
    z = latents(network.spec, 4)
    expected = network(z)
    network.train()
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.testing.assert_close(Renderer(network).images(z), expected, rtol=0, atol=1e-5)
    assert all(module.training for module in network.modules())
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("name", GENERATORS)
def test_later_changes_of_the_original_do_not_reach_the_renderer(name: str) -> None:
    network = trained_like(GENERATORS[name])
    renderer, z = Renderer(network), latents(network.spec, 3)
    before = renderer.images(z).clone()
    for tensor in network.state_dict().values():
        tensor.mul_(3)
    assert torch.equal(renderer.images(z), before)
    assert not torch.allclose(network(z), before, atol=1e-3)


def test_the_renderer_s_spec_is_the_original_s() -> None:
    network = trained_like(GENERATORS["dcgan-16"])
    assert Renderer(network).spec == network.spec


@pytest.mark.parametrize("name", ["mlp-64", "dcgan-16", "mlp-bn"])
def test_render_is_to_pixels_of_images(name: str) -> None:
    renderer = Renderer(trained_like(GENERATORS[name]))
    z = latents(renderer.spec, 4)
    assert np.array_equal(renderer.render(z), to_pixels(renderer.images(z)))


def test_rendering_needs_no_gradient() -> None:
    network = trained_like(GENERATORS["mlp-64"]).requires_grad_(True)
    z = latents(network.spec, 2).requires_grad_(True)
    assert not Renderer(network).images(z).requires_grad


def test_z_of_another_precision_is_rendered_as_float32() -> None:
    renderer = Renderer(trained_like(GENERATORS["mlp-64"]))
    z = latents(renderer.spec, 2)
    assert torch.equal(renderer.images(z.double()), renderer.images(z))


@pytest.mark.parametrize("shape", [(10,), (1, 9), (1, 11), (2, 10, 1)])
def test_z_of_the_wrong_shape_is_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    renderer = Renderer(trained_like(GENERATORS["dcgan-16"]))
    with pytest.raises(ValueError, match=r"expected \(N, 10\)") as caught:
        renderer.images(torch.zeros(shape))
    assert str(shape) in str(caught.value)


# ---- fold_batch_norm


@pytest.mark.parametrize(("name", "left"), [("mlp-bn", 0), ("dcgan-16", 0), ("upsampling", 2), ("mlp-64", 0)])
def test_batch_norms_behind_a_weight_are_folded_away_and_others_stay(name: str, left: int) -> None:
    network = trained_like(GENERATORS[name])
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    folded = fold_batch_norm(network)
    assert sum(isinstance(layer, BatchNorm) for layer in folded.spec.layers) == left
    assert sum(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in folded.modules()) == left
    assert NetworkSpec.from_json(folded.spec.to_json()) == folded.spec
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())


def test_folding_a_network_without_batch_norm_copies_it() -> None:
    network = trained_like(GENERATORS["mlp-64"])
    folded = fold_batch_norm(network)
    assert folded.spec == network.spec
    assert same_state(folded, network)
    assert folded.layers[0].weight.data_ptr() != network.layers[0].weight.data_ptr()
