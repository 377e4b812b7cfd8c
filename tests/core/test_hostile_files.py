"""Files that mean harm, opened as a person does: refused in words, soon and with little memory, and that is all."""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import pickle
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import safetensors.torch
import torch
from small_nets import GENERATORS, trained_like
from strangers import Call, saved
from strangers import safetensors as crafted
from torch import nn

import ganexplorer
from ganexplorer.core import latent, zoo
from ganexplorer.core.checkpoint import Checkpoint, is_own
from ganexplorer.core.directions import dimension_effects
from ganexplorer.core.errors import MAX_LENGTH, UserError, plain
from ganexplorer.core.files import FileError, read_small
from ganexplorer.core.foreign import containers, guard, opening
from ganexplorer.core.foreign.claims import Global, Inert, Refused
from ganexplorer.core.foreign.contents import Contents
from ganexplorer.core.foreign.pickles import read
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import batch_size, build, check_cost, state_shapes
from ganexplorer.core.render import Renderer
from ganexplorer.core.spec import (
    GELU,
    MAX_ACTIVATIONS,
    BatchNorm,
    Conv2d,
    Layer,
    Linear,
    NetworkSpec,
    Reshape,
    SpecError,
    Upsample,
)
from ganexplorer.train import runs

MEGABYTES = 1024**2


def refusal(path: Path) -> str:
    """The text with which a file is refused, without its name: one line, not long, with nothing that steers."""
    with warnings.catch_warnings(action="error"), pytest.raises(UserError) as caught:
        ganexplorer.load(str(path))
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert text.isprintable()
    assert len(text) <= MAX_LENGTH
    return text.removeprefix(f"{path}: ")


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 16), nn.Tanh())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    torch.save(mlp().state_dict(), path)
    return path


# ---- messages


def test_a_message_is_one_line_and_has_an_end() -> None:
    assert str(UserError("a\x1b[31m\n\t b\u202ec  d 生成器")) == "a?[31m b?c  d 生成器"
    text = str(UserError("file: " + "x" * 10**6 + ". Do this."))
    assert len(text) <= MAX_LENGTH
    assert text.startswith("file: x")
    assert text.endswith("x. Do this.")
    assert plain("\udcff\0", 10) == "??"


@pytest.mark.parametrize(
    "state",
    [
        {"\x1b[31m\x07a.weight": torch.ones(3, 3, 3)},
        {"\x1b]0;x\x07\r\n.weight": torch.ones(2)},
        {f"net{i}": {"q\n\x1b" + "n" * 290: torch.ones(2)} for i in range(70)},
    ],
)
def test_names_of_tensors_do_not_steer_the_terminal(tmp_path: Path, state: dict[str, Any]) -> None:
    torch.save(state, tmp_path / "x")
    assert "no generator was recognised" in refusal(tmp_path / "x")


def test_a_name_of_a_file_does_not_either(tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31m\nb.pt"
    path.write_bytes(b"")
    with pytest.raises(UserError) as caught:
        ganexplorer.load(str(path))
    assert str(caught.value).endswith("a?[31m b.pt: is empty. Copy or download it again.")


# ---- pickles: harm is told before anything else, and what many have is read


def raw(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


@pytest.mark.parametrize(
    "data",
    [
        raw(b"}X\x01\x00\x00\x00aX\x01\x00\x00\x00xQs0", b"cos\nsystem\n"),  # a reference to nothing before
        raw(b"cmine\nfunction\n)R0", b"cos\nsystem\n"),  # another call before
        raw(b"}}Ns0", b"cposix\nsystem\n"),  # no key
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x9400N}]Ns0h\x00h\x01\x93.",
    ],
)
def test_harm_is_told_whatever_else_is_wrong_with_a_pickle(data: bytes) -> None:
    with pytest.raises(Refused, match="system"):
        read(data)


def test_harm_behind_tensors_of_the_oldest_protocol_is_told(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    state = {**mlp().state_dict(), "x": Call(os.system, f"touch {canary}")}
    torch.save(state, tmp_path / "x", pickle_protocol=0)
    assert "system" in refusal(tmp_path / "x")
    assert not canary.exists()


def test_functions_of_torch_as_attributes_are_names() -> None:
    assert read(pickle.dumps(torch.tanh, 2)) == Global("torch", "tanh")
    assert read(pickle.dumps(torch.sigmoid, 4)) == Global("torch", "sigmoid")


@pytest.mark.parametrize(
    "data",
    [
        raw(b"cbuiltins\ngetattr\nctorch._C\n_VariableFunctionsClass\nX\x03\x00\x00\x00hub\x86R"),
        raw(b"cbuiltins\ngetattr\nctorch._C\n_VariableFunctionsClass\nX\x08\x00\x00\x00a.b.load\x86R"),
        raw(b"cbuiltins\ngetattr\nctorch\nnn\nX\x04\x00\x00\x00tanh\x86R"),
        raw(b"cbuiltins\ngetattr\nX\x01\x00\x00\x00aX\x04\x00\x00\x00tanh\x86R"),
        raw(b"cbuiltins\ngetattr\n)R"),
    ],
)
def test_other_attributes_are_harm(data: bytes) -> None:
    with pytest.raises(Refused, match=r"getattr|torch\.hub"):
        read(data)


def test_parts_of_functions_are_read_unless_they_do_harm() -> None:
    part = read(pickle.dumps(functools.partial(nn.BatchNorm2d, eps=1e-3), 4))
    assert isinstance(part, Inert)
    assert part.name == "functools.partial"
    with pytest.raises(Refused, match="system"):
        read(pickle.dumps(functools.partial(os.system, "true"), 4))


def test_keys_may_be_nested_but_not_without_end() -> None:
    value = {((1, 2), 3): 1, frozenset("a"): 2, (((True,),), "b"): 3}
    assert read(pickle.dumps(value, 4)) == value
    doubled = b"K\x01" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
    with pytest.raises(Exception, match="too complicated"):
        read(raw(b"}", doubled, b"Ns"))


class Settings:
    """Of a training script."""


OTHERS = {
    "random numbers of numpy": lambda: np.random.default_rng(0),
    "a generator of torch": torch.Generator,
    "a type": lambda: type(None),
    "an optimizer in part": lambda: functools.partial(torch.optim.Adam, lr=1e-3),
    "a function": lambda: torch.tanh,
    "a long key": lambda: {"k" * 400: [1]},
    "a nested key": lambda: {((1, 2), 3): 4},
    "a number of decimals": lambda: __import__("decimal").Decimal("1.5"),
    "a logger": lambda: __import__("logging").getLogger("x"),
    "a dictionary by call": lambda: Call(dict, [("a", 1)]),
    "an object": Settings,
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_training_scripts_save_beside_the_weights_does_no_harm(tmp_path: Path, name: str) -> None:
    torch.save({"netG": mlp().state_dict(), "extra": OTHERS[name]()}, tmp_path / "x")
    assert ganexplorer.load(str(tmp_path / "x")).z_dim == 5


def test_a_module_that_keeps_functions_opens(tmp_path: Path) -> None:
    model = mlp()
    model.act, model.norm = torch.tanh, functools.partial(nn.BatchNorm2d, eps=1e-3)  # type: ignore[assignment]
    torch.save(model, tmp_path / "x")
    assert ganexplorer.load(str(tmp_path / "x")).z_dim == 5


def test_a_name_that_is_too_long_for_a_tensor_is_told(tmp_path: Path) -> None:
    torch.save({"n" * 400: torch.ones(3)}, tmp_path / "x")
    assert "a name of more than 300 characters" in refusal(tmp_path / "x")


# ---- our own format, by someone else's hand


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.safetensors"
    Checkpoint(trained_like(GENERATORS["mlp-bn"])).save(path)
    return path


def reheaded(path: Path, change: Callable[[dict[str, Any]], object], data: bytes | None = None) -> None:
    """Write a file anew after its header was changed in place."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    path.write_bytes(crafted(json.dumps(header).encode(), content[8 + length :] if data is None else data))


def respecced(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    def edit(header: dict[str, Any]) -> None:
        spec = json.loads(header["__metadata__"]["generator"])
        change(spec)
        header["__metadata__"]["generator"] = json.dumps(spec)

    reheaded(path, edit)


DESCRIPTIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "kind": lambda spec: spec["layers"][0].update(kind="\x1b[31m\n" + "k" * 300_000),
    "entries": lambda spec: spec.update({f"\x1b[3{i}m" + "z" * 100: 1 for i in range(3000)}),
    "option": lambda spec: spec["layers"][0].update({"o\n\x1b" * 50_000: 1}),
    "value": lambda spec: spec["layers"][0].update(inputs="q\x1b" * 50_000),
    "number": lambda spec: spec["layers"][0].update(outputs=10**4000),
    "image": lambda spec: spec.update(image_shape=["x" * 300_000]),
    "large image": lambda spec: spec.update(image_shape=[10**4000, 1, 1]),
    "prior": lambda spec: spec["prior"].update(kind="\x1b[31mevil" * 10_000),
    "layers": lambda spec: spec.update(layers=[{"kind": "relu"}] * 30_000),
    "range": lambda spec: spec.update(value_range=[10**400, 1]),
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_hostile_description_is_refused_in_a_short_line(own: Path, name: str) -> None:
    respecced(own, DESCRIPTIONS[name])
    text = refusal(own)
    assert text.startswith("its generator cannot be built: ")
    assert len(text) < 420


HEADERS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "extra": (lambda h: h.update({"generator.\x1b" + "e" * 10**5: h["generator.layers.0.bias"]}), "extra ?eee"),
    "of no network": (lambda h: h.update({"zz\x1b" * 9999: h["generator.layers.0.bias"]}), "of no network"),
    "type": (lambda h: h["generator.layers.0.bias"].update(dtype="\x1b[31m" + "D" * 9999), "damaged"),
    "shape": (lambda h: h["generator.layers.0.bias"].update(shape="x"), "damaged"),
    "place": (lambda h: h["generator.layers.0.bias"].update(data_offsets=[0, math.inf]), "damaged"),
    "entry": (lambda h: h.update({"generator.layers.0.bias": [1]}), "damaged"),
    "version": (lambda h: h["__metadata__"].update(format="ganexplorer-\x1b" + "9" * 9999), "newer ganexplorer"),
    "metadata": (lambda h: h["__metadata__"].update(note={"a": [1]}), "its metadata are no texts"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_header_is_refused_in_a_short_line(own: Path, name: str) -> None:
    change, words = HEADERS[name]
    reheaded(own, change)
    text = refusal(own)
    assert words in text
    assert len(text) < 500


@pytest.mark.parametrize("depth", [300, 900, 3000, 100_000])
@pytest.mark.parametrize("where", ["format", "generator"])
def test_a_deep_header_is_refused(tmp_path: Path, depth: int, where: str) -> None:
    metadata = '"format": "ganexplorer-1", ' if where == "generator" else ""
    deep = "[" * depth + "]" * depth
    (tmp_path / "x").write_bytes(crafted(f'{{"__metadata__": {{{metadata}"{where}": {deep}}}}}'.encode()))
    assert refusal(tmp_path / "x")


def costs(path: Path) -> tuple[str, int]:
    """How a file is refused, and the bytes that this took at most."""
    process = psutil.Process()
    before = process.memory_info().rss
    text = refusal(path)
    peak = Path("/proc/self/status")
    if not peak.exists():
        return text, process.memory_info().rss - before
    found = re.search(r"VmHWM:\s+(\d+)", peak.read_text())
    assert found
    return text, int(found[1]) * 1024 - before


@pytest.fixture
def low_water() -> None:
    """Forget the peak of memory so far, where the system lets us."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("needs Linux's peak of memory")


@pytest.mark.usefixtures("low_water")
def test_a_description_of_huge_norms_takes_no_memory_for_them(own: Path) -> None:
    norm = {"kind": "batch_norm", "features": 8 * MEGABYTES}

    def change(spec: dict[str, Any]) -> None:
        lift = {"kind": "linear", "inputs": spec["z_dim"], "outputs": 8 * MEGABYTES, "bias": False}
        spec["layers"] = [lift, *[norm] * 4, {"kind": "reshape", "shape": [1, 2048, 4096]}]
        spec["image_shape"] = [1, 2048, 4096]

    respecced(own, change)
    text, memory = costs(own)
    assert "weights do not match its description" in text
    assert memory < 50 * MEGABYTES


@pytest.mark.usefixtures("low_water")
@pytest.mark.parametrize("is_claimed", [False, True])
def test_a_long_tail_is_not_read(own: Path, is_claimed: bool) -> None:
    size = 10**9
    if is_claimed:
        begin = max(e["data_offsets"][1] for n, e in safetensors_header(own).items() if n != "__metadata__")
        entry = {"dtype": "F32", "shape": [size // 4], "data_offsets": [begin, begin + size]}
        reheaded(own, lambda header: header.update({"tail": entry}))
    with own.open("r+b") as out:
        out.truncate(own.stat().st_size + size)  # sparse
    text, memory = costs(own)
    assert ("of no network" if is_claimed else "damaged safetensors file") in text
    assert memory < 50 * MEGABYTES


def safetensors_header(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    header: dict[str, Any] = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return header


@pytest.mark.parametrize("name", GENERATORS)
def test_the_shapes_of_weights_are_those_of_the_built_network(name: str) -> None:
    spec = GENERATORS[name]
    assert state_shapes(spec) == {key: tuple(value.shape) for key, value in build(spec).state_dict().items()}


def test_a_format_that_is_no_text_is_not_own(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(crafted(b'{"__metadata__": {"format": ["ganexplorer-1"]}}'))
    assert not is_own(tmp_path / "x")


# ---- networks that are allowed and would never end


def described(*layers: Layer, side: int = 2048) -> NetworkSpec:
    start = [Linear(1, 4096), Reshape((1, 64, 64)), Upsample(side // 64 if side <= 4096 else 64)]
    start += [Upsample(side // 4096)] if side > 4096 else []
    return NetworkSpec((*start, *layers), (1, side, side), 1, Prior.normal())


@pytest.mark.parametrize(
    "spec",
    [
        described(*[Conv2d(1, 1, 63, 1, 31)] * 5, side=1024),
        described(*[GELU()] * 190),
        described(Conv2d(1, 16, 3, 1, 1), *[Conv2d(16, 16, 3, 1, 1)] * 30, Conv2d(16, 1, 3, 1, 1), side=1024),
    ],
    ids=["large kernels", "many values", "many channels"],
)
def test_an_image_that_would_take_long_is_refused(spec: NetworkSpec) -> None:
    with pytest.raises(SpecError, match="billion multiplications"):
        check_cost(spec)


def test_images_beyond_any_screen_are_refused(tmp_path: Path) -> None:
    Checkpoint(build(described(side=8192))).save(tmp_path / "x")
    assert "its images of 1x8192x8192 have more than" in refusal(tmp_path / "x")


def test_usual_networks_are_far_below_the_bounds() -> None:
    for spec in GENERATORS.values():
        check_cost(spec)
    widths = [1024, 512, 256, 128, 64]
    layers: list[Layer] = [Linear(128, 1024 * 64), Reshape((1024, 8, 8))]
    for inputs, outputs in itertools.pairwise(widths):
        layers += [Upsample(2), Conv2d(inputs, outputs, 3, 1, 1), BatchNorm(outputs), GELU()]
    layers += [Upsample(2), Conv2d(64, 3, 5, 1, 2)]
    check_cost(NetworkSpec(tuple(layers), (3, 256, 256), 128, Prior.normal()))


def test_a_strangers_network_that_would_take_minutes_is_refused(tmp_path: Path) -> None:
    state = {"main.0.weight": torch.zeros(256, 1)}
    state |= {f"main.{2 + 3 * i}.weight": torch.zeros(4, 4, 63, 63) for i in range(7)}
    torch.save(state | {"main.23.weight": torch.zeros(1, 4, 63, 63)}, tmp_path / "x")
    assert "no generator was recognised" in refusal(tmp_path / "x")


def test_large_images_are_made_few_at_a_time() -> None:
    spec = described(side=2048)
    assert batch_size(spec, 64) == MAX_ACTIVATIONS // 2048**2
    assert batch_size(GENERATORS["mlp-bn"], 64) == 64
    network = trained_like(GENERATORS["mlp-bn"])
    renderer, z = Renderer(network), latent.seeded(Prior.normal(), network.spec.z_dim, 0, 7)
    whole = renderer.images(z)
    renderer._batch_size = 3
    assert torch.allclose(renderer.images(z), whole, atol=1e-5)
    assert renderer.images(z[:0]).shape == whole[:0].shape


def test_effects_are_the_same_in_smaller_steps() -> None:
    def images(z: torch.Tensor) -> torch.Tensor:
        sizes.append(len(z))
        return (z * torch.arange(5)).reshape(-1, 1, 1, 5)

    sizes: list[int] = []
    whole = dimension_effects(images, Prior.normal(), 5)
    before = max(sizes)
    sizes.clear()
    assert torch.allclose(dimension_effects(images, Prior.normal(), 5, chunk_size=1), whole)
    assert max(sizes) < before


def test_of_thousands_of_networks_only_some_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    of = opening.GeneratorReading.of
    monkeypatch.setattr(
        opening.GeneratorReading, "of", lambda *args: (looked.append(args), of(*args))[1]  # type: ignore[func-returns-value]
    )  # fmt: skip
    state: dict[str, Any] = {
        f"k{i}": {"a.weight": torch.zeros(4, 4), "b.weight": torch.zeros(3, 7)} for i in range(500)
    }
    torch.save({**state, "netG": mlp().state_dict()}, tmp_path / "x")
    assert ganexplorer.load(str(tmp_path / "x")).z_dim == 5
    assert len(looked) <= opening.MAX_NETWORKS


# ---- what a module says of itself


FACTS: dict[str, Callable[[nn.Sequential], object]] = {
    "stride 0": lambda m: setattr(m[3], "stride", (0, 0)),
    "stride below 0": lambda m: setattr(m[3], "stride", -1),
    "stride beyond": lambda m: setattr(m[3], "stride", 2**62),
    "padding below 0": lambda m: setattr(m[3], "padding", -5),
    "padding in words": lambda m: setattr(m[3], "padding", "x" * 200),
    "eps in words": lambda m: setattr(m[1], "eps", "abc"),
    "no eps": lambda m: setattr(m[1], "eps", math.nan),
    "several eps": lambda m: setattr(m[1], "eps", [1, 2]),
    "slope in words": lambda m: setattr(m[2], "negative_slope", "abc"),
    "several slopes": lambda m: setattr(m[2], "negative_slope", [1.0]),
}


@pytest.mark.parametrize("name", FACTS)
def test_facts_that_are_none_are_refused_or_left_out(tmp_path: Path, name: str) -> None:
    model = nn.Sequential(
        nn.ConvTranspose2d(4, 3, 4, 1, 0, bias=False), nn.BatchNorm2d(3), nn.LeakyReLU(0.3),
        nn.Conv2d(3, 1, 3, 1, 1), nn.Tanh(),
    )  # fmt: skip
    FACTS[name](model)
    torch.save(model, tmp_path / "x")
    try:
        assert ganexplorer.load(str(tmp_path / "x")).z_dim == 4
    except UserError:
        assert refusal(tmp_path / "x")


@pytest.mark.parametrize(
    "state",
    [
        {"0.weight_v": torch.tensor(1.0), "0.weight_g": torch.tensor(1.0)},
        {"0.weight_v": torch.full((16, 5), math.inf), "0.weight_g": torch.ones(16, 1)},
        {"0.weight_orig": torch.ones(900, 1), "0.weight_u": torch.ones(900), "0.weight_v": torch.ones(1, 1)},
        {"0.weight_orig": torch.tensor(1.0), "0.weight_u": torch.ones(1), "0.weight_v": torch.ones(1)},
    ],
)
def test_factors_of_weights_that_are_none_are_refused(tmp_path: Path, state: dict[str, Any]) -> None:
    torch.save(state, tmp_path / "x")
    assert refusal(tmp_path / "x")


def test_images_that_need_more_memory_than_there_is_are_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory\nhere")

    monkeypatch.setattr("ganexplorer.core.networks.Network.forward", forward)
    assert "its images cannot be made (DefaultCPUAllocator" in refusal(file)


# ---- files beside the file


CHOICES = {
    "infinite": b'{"choices": {"image_shape": [Infinity, 1, 1]}}',
    "a number without end": b'{"choices": {"slope": 1' + b"0" * 400 + b"}}",
    "deep": b'{"choices": {"slope": ' + b"[" * 3000 + b"]" * 3000 + b"}}",
    "long": b'{"choices": {"slope": "' + b"9" * 10**6 + b'"}}',
    "of another network": b'{"choices": {}, "network": ["x"]}',
}


@pytest.mark.parametrize("name", CHOICES)
def test_choices_beside_a_file_that_make_no_sense_are_left_out(file: Path, name: str) -> None:
    opening.choices_file(file).write_bytes(CHOICES[name])
    assert opening.read(file).stored == {}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_and_devices_beside_a_file_are_not_read(file: Path, own: Path, tmp_path: Path) -> None:
    os.mkfifo(opening.choices_file(file))
    assert opening.read(file).stored == {}
    opening.choices_file(file).unlink()
    opening.choices_file(file).symlink_to("/dev/zero")
    assert opening.read(file).stored == {}
    run = tmp_path / "run"
    (run / "snapshots").mkdir(parents=True)
    shutil.copy(own, run / "snapshots" / "00000001.safetensors")
    for kind in (lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero")):
        kind(run / "LATEST")
        assert zoo.resolve(str(run)).path.name == "00000001.safetensors"
        (run / "LATEST").unlink()
    for name, reader in (("config.json", runs.read_config), ("log.jsonl", runs.read_log)):
        os.mkfifo(run / name)
        with pytest.raises(UserError, match="is a pipe"):
            reader(run)


def test_a_small_file_that_is_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert read_small(tmp_path / "x", 3) == b"abc"
    with pytest.raises(FileError, match="longer than 2 bytes"):
        read_small(tmp_path / "x", 2)


def test_a_deep_configuration_of_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(runs.RunError):
        runs.read_config(tmp_path)


# ---- paths


def test_links_that_lead_nowhere_are_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("absent")
    assert "leads round in a circle" in refusal(tmp_path / "loop")
    assert refusal(tmp_path / "nowhere") == "no such file. Check its name and folder."


def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = os.stat

    def denied(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if str(path).startswith(str(tmp_path / "a")):
            raise PermissionError(13, "Permission denied")
        return stat(path, *args, **options)

    monkeypatch.setattr(os, "stat", denied)
    assert "Permission denied" in refusal(tmp_path / "a" / "x.pt")


def test_the_size_of_a_file_that_is_gone_is_told(own: Path) -> None:
    entry = zoo.ModelEntry("x", own)
    entry.load()
    own.unlink()
    with pytest.raises(UserError, match="no such file"):
        _ = entry.size


def test_whose_a_file_is_is_known_before_a_strangers_is_read(
    file: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = zoo.ModelEntry("x", file)
    monkeypatch.setattr(guard, "read", None)
    assert not entry.is_known
    assert zoo.ModelEntry("x", own).is_known
    monkeypatch.undo()
    entry.load()
    assert entry.is_known


# ---- damage of a file to its last step


def test_files_with_flipped_bits_become_a_model_or_a_refusal(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the bytes alone, as other tests have it, but all that follows from them; in this process, for it is quick."""
    path = tmp_path / "flipped"

    def parse(path: Path) -> Contents:
        with path.open("rb") as opened:
            return containers.parse(opened, str(path))

    monkeypatch.setattr(guard, "read", parse)
    files = [
        saved(mlp()),
        safetensors.torch.save(mlp().state_dict()),
        saved({"G": mlp().state_dict()}),
        own.read_bytes(),
    ]
    numbers = np.random.default_rng(0)
    outcomes = {"opened": 0, "refused": 0}
    for i in range(800):
        data = bytearray(files[i % len(files)])
        for _ in range(int(numbers.integers(1, 5))):
            data[numbers.integers(min(len(data), 2500))] ^= 1 << int(numbers.integers(8))
        path.write_bytes(data)
        try:
            zoo.ModelEntry("x", path).load()
            outcomes["opened"] += 1
        except UserError as error:
            text = str(error)
            outcomes["refused"] += 1
            if not (text.startswith(f"{path}: ") and text.isprintable() and len(text) <= MAX_LENGTH):
                raise
    assert min(outcomes.values()) > 50
