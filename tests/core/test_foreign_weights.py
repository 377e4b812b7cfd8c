"""Weights in two factors: their product is what the layer multiplies by in eval mode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from foreign_nets import old_weight_norm
from torch import nn
from torch.nn.utils import parametrizations, spectral_norm

from ganexplorer.core.foreign.parts import NotUnderstood
from ganexplorer.core.foreign.weights import plain

# how to make each, and the shape of what it takes
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(5, 7), (5,)),
    "square": (lambda: nn.Linear(6, 6), (6,)),
    "convolution": (lambda: nn.Conv2d(4, 6, 3, bias=False), (4, 8, 8)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 4), (4, 8, 8)),
    "transposed, one width": (lambda: nn.ConvTranspose2d(6, 6, 4), (6, 8, 8)),
}
FACTORS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "weight norm": parametrizations.weight_norm,
    "weight norm of dimension 1": lambda layer: parametrizations.weight_norm(layer, dim=1),
    "weight norm of all": lambda layer: parametrizations.weight_norm(layer, dim=None),  # type: ignore[arg-type]
    "old weight norm": old_weight_norm,
    "spectral norm": parametrizations.spectral_norm,
    "old spectral norm": spectral_norm,
}


def tensors_of(network: nn.Module, prefix: str = "") -> dict[str, np.ndarray]:
    return {prefix + name: values.detach().numpy() for name, values in network.state_dict().items()}


@pytest.mark.parametrize("prefix", ["", "G/main.0.", "G/"])
@pytest.mark.parametrize("factors", FACTORS)
@pytest.mark.parametrize("layer", LAYERS)
def test_the_product_is_the_weight_that_the_layer_uses(layer: str, factors: str, prefix: str) -> None:
    torch.manual_seed(0)
    make, inputs = LAYERS[layer]
    network = FACTORS[factors](make())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.7)
        for _ in range(3):  # lets the vectors of spectral norm settle, as in training
            network(torch.randn(2, *inputs))
        network.eval()(torch.randn(2, *inputs))
    found = plain(tensors_of(network, prefix))
    assert found.keys() == {f"{prefix}weight"} | ({f"{prefix}bias"} if network.bias is not None else set())
    assert torch.allclose(torch.from_numpy(found[f"{prefix}weight"]), network.weight.detach(), atol=1e-6)


def test_plain_weights_stay_as_they_are_and_in_their_order() -> None:
    tensors = tensors_of(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)))
    found = plain(tensors)
    assert list(found) == list(tensors)
    assert all(found[name] is tensors[name] for name in tensors)


@pytest.mark.parametrize(
    "tensors",
    [
        {"a.weight_v": np.ones((4, 3)), "a.weight_g": np.ones((5, 1))},
        {"a.weight_orig": np.ones((4, 3)), "a.weight_u": np.ones(5), "a.weight_v": np.ones(3)},
        {"a.weight_orig": np.zeros((4, 3)), "a.weight_u": np.ones(4), "a.weight_v": np.ones(3)},
        {"a.weight_orig": np.float32(3), "a.weight_u": np.ones(4), "a.weight_v": np.ones(3)},
        {"a.weight_v": np.float32(3), "a.weight_g": np.ones((5, 1))},
        {"a.weight_v": np.ones((0, 3)), "a.weight_g": np.ones((4, 1))},
    ],
)
def test_factors_that_do_not_fit_each_other_are_refused(tensors: dict[str, np.ndarray]) -> None:
    with pytest.raises(NotUnderstood, match=r"a\.weight is stored in factors that do not fit"):
        plain(tensors)


def test_one_factor_alone_is_left_for_the_grammar_to_refuse() -> None:
    tensors = {"a.weight_v": np.ones((4, 3), np.float32), "a.bias": np.ones(4, np.float32)}
    assert plain(tensors).keys() == tensors.keys()
