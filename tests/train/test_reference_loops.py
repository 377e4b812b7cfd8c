"""The tutorials' loops that benchmarks compare with train the networks that the recipes of the same name have."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from ganexplorer.core.networks import build
from ganexplorer.train.recipes import RECIPES

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SHAPES = {"dcgan-64": (3, 64, 64), "pattern-1010": (1, 1, 4)}
FIVE = ("mlp-64", "dcgan-64", "mlp-100-smooth", "pattern-1010", "mlp-96")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn digits as MNIST's files, and drawn faces in one class folder."""
    folder = tmp_path_factory.mktemp("data")
    drawn_data = script("drawn_data")
    drawn_data.digits(folder / "mnist", 256)
    drawn_data.faces(folder / "faces", 8)
    return folder


def script(name: str) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return importlib.import_module(name)


def test_there_is_a_loop_for_each_tutorial() -> None:
    assert set(script("reference").LOOPS) == set(FIVE)


@pytest.mark.parametrize("name", FIVE)
def test_a_loop_trains_the_generator_of_its_recipe(name: str, data: Path) -> None:
    torch.manual_seed(0)
    loop = script("reference").LOOPS[name](data / ("faces" if name == "dcgan-64" else "mnist"), 2, "cpu")
    states = [
        {key: value.clone() for key, value in generator.state_dict().items()} for generator in itertools.islice(loop, 2)
    ]
    spec = RECIPES[name].config.specs(SHAPES.get(name, (1, 28, 28)))[0]
    ours = build(spec).state_dict()
    assert [tuple(value.shape) for value in states[0].values()] == [tuple(value.shape) for value in ours.values()]
    weights = [key for key in states[0] if key.endswith("weight")]
    assert all(torch.isfinite(state[key]).all() for state in states for key in weights)
    assert all(not torch.equal(states[0][key], states[1][key]) for key in weights)


@pytest.mark.parametrize("name", FIVE)
def test_a_loop_has_the_activations_of_its_recipe(name: str, data: Path) -> None:
    theirs = next(script("reference").LOOPS[name](data / ("faces" if name == "dcgan-64" else "mnist"), 1, "cpu"))
    ours = build(RECIPES[name].config.specs(SHAPES.get(name, (1, 28, 28)))[0]).layers
    assert activations(theirs) == activations(ours)


def activations(network: nn.Module) -> list[tuple[str, float | None]]:
    return [
        (type(module).__name__, getattr(module, "negative_slope", None))
        for module in network.children()
        if isinstance(module, nn.LeakyReLU | nn.ReLU | nn.Tanh | nn.Sigmoid)
    ]
