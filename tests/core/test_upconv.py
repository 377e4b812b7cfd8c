"""Transposed convolutions as matrix products."""

import pytest
import torch
from torch import nn

from ganexplorer.core.networks import build, dcgan_generator, initialize
from ganexplorer.core.render import Renderer
from ganexplorer.core.spec import ConvTranspose2d, Tanh
from ganexplorer.core.upconv import AT_ONCE, MatrixConvTranspose2d, PhasedConvTranspose2d


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(4, 4), (1, 1), (2, 5), (7, 3)])
@pytest.mark.parametrize("count", [1, 3, AT_ONCE, 2 * AT_ONCE + 1])
def test_it_gives_what_pytorch_s_own_gives(count: int, size: tuple[int, int], bias: bool) -> None:
    torch.manual_seed(0)
    plain = nn.ConvTranspose2d(6, 5, 4, 2, 1, bias=bias).requires_grad_(False)
    x = torch.randn(count, 6, *size)
    ours = MatrixConvTranspose2d(plain.weight, plain.bias)
    for values in (x, x.to(memory_format=torch.channels_last)):
        torch.testing.assert_close(ours(values), plain(values), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(4, 4), (1, 1), (2, 5), (7, 3)])
def test_one_image_in_four_phases_is_what_pytorch_s_own_gives(size: tuple[int, int], bias: bool) -> None:
    torch.manual_seed(0)
    plain = nn.ConvTranspose2d(6, 5, 4, 2, 1, bias=bias).requires_grad_(False)
    x = torch.randn(1, 6, *size)
    ours = PhasedConvTranspose2d(plain.weight, plain.bias, nn.Identity())
    for values in (x, x.to(memory_format=torch.channels_last)):
        torch.testing.assert_close(ours(values), plain(values), atol=1e-6, rtol=1e-5)
    both = torch.cat([x, x])
    assert ours(both) is both  # several go the other way


@pytest.mark.parametrize(
    ("layer", "shape", "suits"),
    [
        (ConvTranspose2d(512, 256, 4, 2, 1), (512, 4, 4), True),
        (ConvTranspose2d(32, 16, 4, 2, 1), (32, 8, 8), True),
        (ConvTranspose2d(32, 16, 4, 2, 1), (32, 8, 9), False),  # a larger map
        (ConvTranspose2d(64, 3, 4, 2, 1), (64, 8, 8), False),  # few channels
        (ConvTranspose2d(64, 32, 4, 1, 0), (64, 1, 1), False),  # another stride
    ],
)
def test_phases_suit_where_they_were_measured_to_be_faster(
    layer: ConvTranspose2d, shape: tuple[int, int, int], suits: bool
) -> None:
    assert PhasedConvTranspose2d.suits(layer, shape) is suits


@pytest.mark.parametrize(
    ("layer", "shape", "suits"),
    [
        (ConvTranspose2d(256, 128, 4, 2, 1), (256, 4, 4), True),
        (ConvTranspose2d(64, 32, 4, 2, 1), (64, 4, 4), False),  # few weights
        (ConvTranspose2d(256, 128, 4, 2, 1), (256, 8, 8), False),  # a larger map
        (ConvTranspose2d(64, 3, 4, 2, 1), (64, 32, 32), True),
        (ConvTranspose2d(64, 1, 4, 2, 1), (64, 14, 14), True),
        (ConvTranspose2d(16, 3, 4, 2, 1), (16, 32, 32), False),
        (ConvTranspose2d(32, 3, 4, 2, 1), (32, 64, 64), False),
        (ConvTranspose2d(64, 3, 5, 2, 2), (64, 32, 32), False),  # another kernel
        (ConvTranspose2d(64, 3, 4, 1, 1), (64, 32, 32), False),  # another stride
        (ConvTranspose2d(64, 3, 4, 2, 0), (64, 32, 32), False),  # another padding
        (ConvTranspose2d(64, 3, 4, 2, 1, True, 1), (64, 32, 32), False),  # another size
    ],
)
def test_it_suits_where_it_was_measured_to_be_faster(
    layer: ConvTranspose2d, shape: tuple[int, int, int], suits: bool
) -> None:
    assert MatrixConvTranspose2d.suits(layer, shape) is suits


def test_pictures_of_a_dcgan_are_made_with_it_and_stay_the_same() -> None:
    generator = build(dcgan_generator(100, (512, 256, 128, 64), (3, 64, 64), "normal", Tanh()))
    initialize(generator, "dcgan", torch.Generator().manual_seed(0))
    renderer = Renderer(generator)
    kinds = [type(module) for module in renderer._network.layers if "ConvTranspose2d" in type(module).__name__]
    assert [kind is PhasedConvTranspose2d for kind in kinds] == [False, True, True, False, False]
    assert kinds[-1] is MatrixConvTranspose2d
    phased = [module for module in renderer._network.layers if isinstance(module, PhasedConvTranspose2d)]
    assert [isinstance(module._several, MatrixConvTranspose2d) for module in phased] == [True, False]
    z = torch.randn(3, 100, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = generator.eval()(z)
        torch.testing.assert_close(renderer.images(z), expected, atol=1e-5, rtol=0)
        for some, alone in zip(z, expected, strict=True):
            torch.testing.assert_close(renderer.images(some[None])[0], alone, atol=1e-5, rtol=0)
