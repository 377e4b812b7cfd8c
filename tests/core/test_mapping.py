"""A mapping network that is put into a trained generator: it makes the same images, and can learn."""

from __future__ import annotations

import pytest
import torch
from small_nets import trained_like

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.mapping import has_mapping, has_place, with_mapping
from ganexplorer.core.networks import Network, build, dcgan_generator, mlp_generator
from ganexplorer.core.spec import LeakyReLU, NetworkSpec, Reshape, Tanh

NORMAL = Prior.normal()


@pytest.fixture
def generator() -> Network:
    return trained_like(dcgan_generator(5, (6, 4), (1, 28, 28), NORMAL, Tanh()))


@pytest.mark.parametrize("width", [10, 17])
def test_it_makes_the_same_images(generator: Network, width: int) -> None:
    mapped = with_mapping(generator, width)
    assert mapped.spec == dcgan_generator(5, (6, 4), (1, 28, 28), NORMAL, Tanh(), mapping=width)
    z = 3 * torch.randn(20, 5, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(mapped(z), generator(z), rtol=1e-5, atol=1e-5)


def test_the_generator_itself_stays_as_it_is(generator: Network) -> None:
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    mapped = with_mapping(generator, 12)
    for value in mapped.state_dict().values():
        value.fill_(7)
    torch.testing.assert_close(dict(generator.state_dict()), before)


def test_its_spare_width_can_learn(generator: Network) -> None:
    mapped = with_mapping(generator, 14)
    mapped(torch.ones(2, 5)).sum().backward()
    gradient = mapped.layers[5].weight.grad
    assert gradient is not None
    assert (gradient[10:].abs().sum(dim=(1, 2, 3)) > 0).all()  # of what the spare units lead to: nothing so far


def test_too_narrow_a_mapping_is_refused_with_a_width_that_does(generator: Network) -> None:
    with pytest.raises(UserError, match=r"9 is too narrow to keep 5 latent dimensions\. Set it to 10"):
        with_mapping(generator, 9)


def test_only_a_generator_that_begins_with_a_convolution_has_a_place_for_it(generator: Network) -> None:
    mlp = build(mlp_generator(5, (6,), (1, 4, 4), NORMAL, LeakyReLU(0.2), Tanh()))
    assert has_place(generator)
    assert not has_place(with_mapping(generator, 10))
    assert not has_place(mlp)
    assert not has_place(build(NetworkSpec((Reshape((3, 1, 1)),), (3, 1, 1), 3, NORMAL)))
    assert has_mapping(with_mapping(generator, 10), 10)
    assert not has_mapping(with_mapping(generator, 10), 12)
    assert not has_mapping(generator, 10)
    with pytest.raises(UserError, match="straight to a transposed convolution"):
        with_mapping(mlp, 10)
