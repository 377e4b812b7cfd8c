"""A mapping network for a DCGAN that has none, which at first changes nothing that it makes."""

from __future__ import annotations

import dataclasses

import torch

from ganexplorer.core.errors import UserError
from ganexplorer.core.networks import SLOPE, Network, build, mapping_layers
from ganexplorer.core.spec import ConvTranspose2d, Reshape


def has_place(generator: Network) -> bool:
    """Whether a generator goes from z straight to a transposed convolution, as a plain DCGAN does."""
    spec = generator.spec
    if len(spec.layers) < 2:
        return False
    return spec.layers[0] == Reshape((spec.z_dim, 1, 1)) and isinstance(spec.layers[1], ConvTranspose2d)


def has_mapping(generator: Network, width: int) -> bool:
    """Whether a generator begins with hidden layers as `with_mapping` gives it."""
    return list(generator.spec.layers[:4]) == mapping_layers(generator.spec.z_dim, width)


@torch.no_grad()
def with_mapping(generator: Network, width: int, seed: int = 0) -> Network:
    """A copy with two hidden layers of `width` between z and the first transposed convolution.

    It makes the same images: a leaky ReLU f gives x back as (f(x) - f(-x)) / (1 + slope), so the hidden layers hold
    f(x) and f(-x) and the convolution takes their difference (function-preserving as in Net2Net, Chen et al. 2016,
    arXiv:1511.05641). What is left of `width` has random weights that lead nowhere yet: training makes use of it.

    Raises
    ------
    UserError
        The generator has no place for them (`has_place`), or `width` is less than twice its latent dimensions.
    """
    spec = generator.spec
    if not has_place(generator):
        raise UserError("This generator does not go from z straight to a transposed convolution.")
    count = spec.z_dim
    if width < 2 * count:
        raise UserError(f"g_mapping: {width} is too narrow to keep {count} latent dimensions. Set it to {2 * count}.")
    first = spec.layers[1]
    assert isinstance(first, ConvTranspose2d)
    grown = dataclasses.replace(first, inputs=width)
    layers = (*mapping_layers(count, width), Reshape((width, 1, 1)), grown, *spec.layers[2:])
    result = build(dataclasses.replace(spec, layers=layers))
    offset = len(layers) - len(spec.layers)
    for old, module in enumerate(generator.layers):
        if old != 1:
            result.layers[old + offset].load_state_dict(module.state_dict())
    random = torch.Generator().manual_seed(seed)
    eye, back = torch.eye(count), torch.eye(count) / (1 + SLOPE)
    lift = torch.randn(width, count, generator=random) * (2 / count) ** 0.5
    lift[: 2 * count] = torch.cat([eye, -eye])
    keep = torch.randn(width, width, generator=random) * (2 / width) ** 0.5
    keep[: 2 * count] = 0
    keep[: 2 * count, : 2 * count] = torch.cat([torch.cat([back, -back], 1), torch.cat([-back, back], 1)])
    weight = torch.zeros(width, first.outputs, first.kernel, first.kernel)
    own = generator.layers[1].state_dict()
    weight[:count] = own["weight"] / (1 + SLOPE)
    weight[count : 2 * count] = -weight[:count]
    zeros = torch.zeros(width)
    for number, state in ((0, {"weight": lift, "bias": zeros}), (2, {"weight": keep, "bias": zeros}),
                          (1 + offset, own | {"weight": weight})):  # fmt: skip
        result.layers[number].load_state_dict(state)
    return result.eval()
