"""Strangers' networks of many layouts: what is opened gives what the plain PyTorch module gives."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from foreign_critics import CRITICS
from foreign_further import FURTHER
from foreign_linear import LINEAR
from foreign_nets import Layout, Net, dcgan, deconvs, mlp, settled
from foreign_transposed import TRANSPOSED
from foreign_upsampling import UPSAMPLING
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import ganexplorer
from ganexplorer.core.foreign import evidence, opening, weights
from ganexplorer.core.foreign.containers import parse
from ganexplorer.core.foreign.contents import Contents
from ganexplorer.core.foreign.opening import ForeignFile

CLOSE = 1e-5
LAYOUTS = LINEAR | TRANSPOSED | UPSAMPLING | FURTHER
WORK = evidence.WORK


@pytest.fixture(autouse=True)
def _little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """For time: batch norms whose statistics were drawn at random tell nothing, however long they are looked at."""
    monkeypatch.setattr(evidence, "WORK", 1e7)


def understood(state: Mapping[str, Tensor], is_ordered: bool = True) -> ForeignFile:
    """A file with this state dict, as `opening.read` understands it, without the file."""
    tensors = {name: values.float().numpy() for name, values in state.items()}
    if not is_ordered:
        tensors = dict(sorted(tensors.items()))
    kind = "pytorch" if is_ordered else "safetensors"
    return opening.understand(Path("model.pt"), Contents(kind, weights.plain(tensors)))  # type: ignore[arg-type]


def held(data: Any) -> ForeignFile:
    """A file that torch.save writes of `data`, read in this process: a child takes long to start."""
    buffer = io.BytesIO()
    torch.save(data, buffer)
    contents = parse(buffer, "model.pt")
    return opening.understand(Path("model.pt"), replace(contents, tensors=weights.plain(contents.tensors)))


def latents(layout: Layout, count: int) -> Tensor:
    return torch.randn(count, layout.z_dim, generator=torch.Generator().manual_seed(1))


def wanted(layout: Layout, network: nn.Module, z: Tensor) -> Tensor:
    """What the plain module gives, as (channels, height, width) in [-1, 1]."""
    with torch.no_grad():
        images: Tensor = network(z)
    if layout.choices.get("channels_last"):
        images = images.permute(0, 3, 1, 2)
    if layout.choices.get("transpose"):
        images = images.transpose(2, 3)
    return images.reshape(-1, *layout.image) * (2 if layout.is_unit else 1) - (1 if layout.is_unit else 0)


def assert_draws_the_same(generator: Callable[[Tensor], Tensor], layout: Layout, network: nn.Module) -> None:
    z = latents(layout, 64)
    images = wanted(layout, network, z)
    with torch.no_grad():
        assert torch.allclose(generator(z), images, atol=CLOSE, rtol=0)
        assert torch.allclose(generator(z[:1]), images[:1], atol=CLOSE, rtol=0)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_generator_of_this_layout_draws_what_the_plain_module_draws(name: str) -> None:
    layout = LAYOUTS[name]
    network = settled(layout.make, None)
    file = understood(network.state_dict()).with_choices(layout.choices)
    assert file.spec.image_shape == layout.image
    assert file.spec.z_dim == layout.z_dim
    assert_draws_the_same(file.checkpoint().generator, layout, network)


@pytest.mark.parametrize("name", LAYOUTS)
def test_names_that_were_sorted_are_read_as_those_in_the_order_of_the_file(name: str) -> None:
    state = LAYOUTS[name].make().state_dict()
    files = [understood(state), understood(state, is_ordered=False)]
    specs = [file.reading.build(file.reading.usual().changed(LAYOUTS[name].choices)) for file in files]
    assert specs[0] == specs[1]


def has_norms(network: nn.Module) -> bool:
    return any(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in network.modules())


SMALL_NORMED = [name for name, layout in LAYOUTS.items() if layout.image[1] < 64 and has_norms(layout.make())]
# some of them, for time, and all that are told something
NORMED = [name for i, name in enumerate(SMALL_NORMED) if i % 6 == 0 or LAYOUTS[name].told]


@pytest.mark.parametrize("name", NORMED)
def test_true_statistics_of_batch_norms_mislead_no_one_and_tell_more(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "WORK", WORK)
    layout = LAYOUTS[name]
    network = settled(layout.make, latents(layout, 1024 if layout.image[1] <= 28 else 256))
    file = understood(network.state_dict()).with_choices({} if layout.told else layout.choices)
    assert_draws_the_same(file.checkpoint().generator, layout, network)


RECIPES = {
    "mlp-64": ("leaky_relu", 0.01, "tanh", "normal(0, 1)"),
    "mlp-100-smooth": ("leaky_relu", 0.01, "tanh", "uniform(-1, 1)"),
    "mlp-96": ("relu", 0.2, "tanh", "uniform(-1, 1)"),
    "dcgan-64": ("relu", 0.2, "tanh", "normal(0, 1)"),
    "pattern-1010": ("sigmoid", 0.2, "sigmoid", "constant(0.5)"),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_opens_from_a_bare_state_dict_without_a_word(name: str) -> None:
    layout = LAYOUTS[name]
    network = settled(layout.make, None)
    activation, slope, output, prior = RECIPES[name]
    for is_ordered in (True, False):
        file = understood(network.state_dict(), is_ordered)
        choices = file.choices
        assert (choices.activation, choices.output, str(file.spec.prior)) == (activation, output, prior)
        assert activation != "leaky_relu" or choices.slope == slope
        assert_draws_the_same(file.checkpoint().generator, layout, network)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_file_is_loaded_by_its_path(suffix: str, tmp_path: Path) -> None:
    layout = LAYOUTS["dcgan of 32 pixels"]
    network = settled(layout.make, None)
    path = tmp_path / f"model{suffix}"
    (torch.save if suffix == ".pt" else safetensors.torch.save_file)(network.state_dict(), path)
    assert_draws_the_same(ganexplorer.load(str(path)), layout, network)


@pytest.mark.parametrize("name", CRITICS)
@pytest.mark.parametrize("is_ordered", [True, False], ids=["in the order of the file", "sorted"])
def test_the_discriminator_in_the_file_judges_as_the_plain_module_does(name: str, is_ordered: bool) -> None:
    layout_name, make = CRITICS[name]
    layout = LAYOUTS[layout_name]
    generator, critic = settled(layout.make, None), settled(make, None)
    state = prefixed("netG.", generator.state_dict()) | prefixed("netD.", critic.state_dict())
    checkpoint = understood(state, is_ordered).with_choices(layout.choices).checkpoint()
    assert checkpoint.discriminator is not None
    images = torch.rand(8, *layout.image, generator=torch.Generator().manual_seed(2)) * 2 - 1
    with torch.no_grad():
        own = (images + 1) / 2 if layout.is_unit else images
        verdicts = critic(own).reshape(8, -1)[:, 0]
        ends_in_sigmoid = bool(((verdicts >= 0) & (verdicts <= 1)).all())
        found = checkpoint.discriminator(images) if ends_in_sigmoid else checkpoint.discriminator.logits(images)
    assert torch.allclose(found, verdicts, atol=CLOSE)


# ---- where in a file, and under which names


SMALL = {
    "mlp": Layout(lambda: mlp(9, 12, 784), 9, (1, 28, 28)),
    "dcgan": Layout(lambda: Net("pixel main", main=dcgan(10, 2, 3, 16)), 10, (3, 16, 16)),
    "named layers": Layout(lambda: deconvs(3, "deconv{}", "bn{}"), 10, (3, 32, 32)),
}
PREFIXES = [
    "",
    "module.",
    "_orig_mod.",
    "_orig_mod.module.",
    "module._orig_mod.",
    "G.",
    "generator.",
    "netG.",
    "main.",
    "model.",
]
PREFIXES += ["gen.", "generator.module.main.", "state_dict.G.", "net.0.", "G_ema."]


def prefixed(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: values for name, values in state.items()}


PLACES: dict[str, Callable[[Any, Any], Any]] = {
    "bare": lambda g, d: g,
    "G": lambda g, d: {"G": g, "D": d},
    "netG": lambda g, d: {"epoch": 3, "netG": g, "netD": d, "loss": [0.1, 0.2]},
    "generator": lambda g, d: {"generator": g, "discriminator": d, "fixed_noise": torch.randn(4, 9)},
    "generator_state_dict": lambda g, d: {
        "generator_state_dict": g,
        "discriminator_state_dict": d,
        "step": torch.tensor(3),
    },
    "gen": lambda g, d: {"gen": g, "disc": d},
    "g_ema": lambda g, d: {"g_ema": g, "d": d},
    "model_g": lambda g, d: {"model_g": g, "model_d": d},
    "netGmodel": lambda g, d: {"netDmodel": d, "netGmodel": g},
    "state_dict": lambda g, d: {"state_dict": g},
    "model": lambda g, d: {"model": g, "args": {"nz": 9}},
    "params": lambda g, d: {"params": g},
    "model_state_dict": lambda g, d: {"model_state_dict": g, "epoch": 1},
    "nested": lambda g, d: {"checkpoint": {"models": {"G": g, "D": d}}},
    "list": lambda g, d: [g, d],
    "lightning": lambda g, d: {
        "state_dict": prefixed("generator.", g) | prefixed("discriminator.", d),
        "pytorch-lightning_version": "2.1",
        "callbacks": {},
        "hyper_parameters": {"lr": 1e-4},
    },
}
ALONE = {"bare", "state_dict", "model", "params", "model_state_dict"}
WITH_CRITIC = PLACES.keys() - ALONE


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("name", SMALL)
def test_a_prefix_of_all_names_does_not_matter(name: str, prefix: str) -> None:
    layout = SMALL[name]
    network = settled(layout.make, None)
    state = prefixed(prefix, network.state_dict())
    for is_ordered in (True, False):
        assert_draws_the_same(understood(state, is_ordered).checkpoint().generator, layout, network)


@pytest.mark.parametrize("place", PLACES)
def test_the_generator_is_found_wherever_it_lies_in_the_file(place: str) -> None:
    layout = SMALL["mlp"]
    network, critic = settled(layout.make, None), mlp(784, 8, 1)
    data = PLACES[place](network.state_dict(), critic.state_dict())
    if isinstance(data, dict) and place != "bare":
        moments = {i: {"exp_avg": torch.zeros_like(values)} for i, values in enumerate(network.parameters())}
        data["optimizer"] = {"state": moments, "param_groups": [{"lr": 1e-3, "params": list(moments)}]}
    file = held(data)
    assert_draws_the_same(file.checkpoint().generator, layout, network)
    assert file.has_discriminator == (place in WITH_CRITIC)


def test_an_average_by_torch_is_opened_and_taken_before_the_raw_weights() -> None:
    layout = SMALL["named layers"]
    network = settled(layout.make, None)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    other = settled(layout.make, None, seed=5)
    average.update_parameters(other)
    average.update_parameters(network)
    assert "n_averaged" in average.state_dict()
    for file in (held(average.state_dict()), held({"G": network.state_dict(), "G_ema": average.state_dict()})):
        assert_draws_the_same(file.checkpoint().generator, layout, average.module.eval())
    assert file.labels == ["G_ema", "G"]


def test_a_wrapper_that_holds_both_is_split_by_names_alone() -> None:
    layout = SMALL["dcgan"]
    raw, average = settled(layout.make, None), settled(layout.make, None, seed=5)
    state = {"initted": torch.tensor(True), "step": torch.tensor(3)}
    state |= prefixed("online_model.", raw.state_dict()) | prefixed("ema_model.", average.state_dict())
    file = understood(state)
    assert file.labels == ["ema_model", "online_model"]
    assert_draws_the_same(file.checkpoint().generator, layout, average)


def test_compiled_and_parallel_parts_of_a_network_keep_their_order() -> None:
    layout = SMALL["dcgan"]
    network = settled(layout.make, None)
    state = {name.replace("main.", "main._orig_mod.module."): values for name, values in network.state_dict().items()}
    assert_draws_the_same(understood(state).checkpoint().generator, layout, network)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64, torch.bfloat16])
def test_weights_of_another_precision_are_used_as_float32(dtype: torch.dtype) -> None:
    layout = SMALL["dcgan"]
    network = settled(layout.make, None).to(dtype)
    assert_draws_the_same(held(network.state_dict()).checkpoint().generator, layout, network.float())


WHOLE = ["collection dcgan", "collection dcgan, bilinear", "kernel 5, first keeps the size", "mlp, gelu", "course mlp"]
WHOLE += ["blocks that end with an upsampling", "96 pixels by a kernel of 5", "mlp with dropout", "fc1 to fc4"]


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_module_tells_what_names_and_shapes_do_not(name: str) -> None:
    layout = LAYOUTS[name]
    network = settled(layout.make, None)
    assert_draws_the_same(held(network).checkpoint().generator, layout, network)


def test_a_copy_of_a_module_in_a_dictionary_opens_as_the_module() -> None:
    layout = SMALL["dcgan"]
    network = settled(layout.make, None)
    file = held({"netG": copy.deepcopy(network), "netD": mlp(768, 8, 1)})
    assert_draws_the_same(file.checkpoint().generator, layout, network)
