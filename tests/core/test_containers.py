"""Files of strangers as arrays: what PyTorch reads comes out the same, all else is refused in words and soon."""

from __future__ import annotations

import argparse
import collections
import io
import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from strangers import Call, Claimed, claiming, legacy, members, pickled, saved, small_generator, zipped
from strangers import safetensors as crafted
from torch import Tensor, nn

from ganexplorer.core.foreign import walk
from ganexplorer.core.foreign.containers import ContainerError, parse
from ganexplorer.core.foreign.contents import Contents, ModuleFacts
from ganexplorer.core.foreign.safetensors_file import MAX_HEADER_BYTES

PROTOCOLS = range(6)


def opened(data: bytes) -> Contents:
    return parse(io.BytesIO(data), "x.pt")


def refusal(data: bytes) -> str:
    """The text with which bytes are refused, without the name; it is one plain line and comes soon."""
    begin = time.process_time()
    with pytest.raises(ContainerError) as caught:
        opened(data)
    text = str(caught.value)
    assert time.process_time() - begin < 5
    assert text.startswith("x.pt: ")
    assert text.isprintable()
    assert text.endswith((".", ")"))
    return text.removeprefix("x.pt: ")


def same(contents: Contents, expected: dict[str, Tensor]) -> bool:
    """Whether names, their order, shapes and values are those of a state dict, real numbers as float32."""
    assert list(contents.tensors) == list(expected)
    for name, tensor in expected.items():
        wanted = (tensor.float() if tensor.is_floating_point() else tensor).detach().numpy()
        got = contents.tensors[name]
        assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
        assert got.flags.c_contiguous
        assert np.array_equal(got, wanted)
    return True


# ---- what torch.save writes


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_a_state_dict_comes_back_as_float32(dtype: torch.dtype) -> None:
    state = small_generator().to(dtype).state_dict()
    contents = opened(saved(state))
    assert contents.kind == "pytorch"
    assert same(contents, state)
    assert contents.modules == {}


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_any_protocol_of_pickle_is_read(protocol: int) -> None:
    state = small_generator().state_dict()
    assert same(opened(saved(state, pickle_protocol=protocol)), state)


@pytest.mark.parametrize(
    "dtype",
    [torch.bool, *(getattr(torch, f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64))],
    ids=str,
)
def test_integers_and_bool_keep_their_type(dtype: torch.dtype) -> None:
    state = {"a": torch.tensor([[0, 1, 2], [3, 100, 5]]).to(dtype), "b": torch.tensor(1).to(dtype)}
    assert same(opened(saved(state)), state)


def test_views_transposed_channels_last_tied_empty_and_scalar_tensors_come_back() -> None:
    weight = torch.randn(3, 4, 5, 6)
    base = torch.arange(40.0)
    state = {
        "plain": weight,
        "tied": weight,
        "transposed": torch.randn(7, 8).t(),
        "channels last": weight.contiguous(memory_format=torch.channels_last),
        "slice": base[3:20:4],
        "row": base.view(5, 8)[2],
        "whole": base,
        "empty": torch.empty(0, 3),
        "scalar": torch.tensor(3.5),
        "parameter": nn.Parameter(torch.randn(2)),
        "expanded": torch.randn(64).double()[:2].expand(3, 2),
    }
    assert same(opened(saved(state)), state)


def test_doubles_beyond_float32_are_infinite() -> None:
    assert opened(saved({"a": torch.tensor([1e300, -1e300, 1.0], dtype=torch.float64)})).tensors["a"].tolist() == [
        float("inf"),
        -float("inf"),
        1.0,
    ]


def test_archives_without_checksums_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    state = small_generator().state_dict()
    torch.serialization.set_crc32_options(False)
    try:
        data = saved(state)
    finally:
        torch.serialization.set_crc32_options(True)
    assert same(opened(data), state)


@pytest.mark.parametrize("name", ["model.pt", "a.b c.pth", "生成器.bin", "G"])
def test_files_that_were_saved_by_path_are_read(tmp_path: Path, name: str) -> None:
    state = {"a": torch.arange(6.0)}
    torch.save(state, tmp_path / name)
    with (tmp_path / name).open("rb") as file:
        assert same(parse(file, name), state)


def test_big_endian_archives_are_read() -> None:
    values = {"FloatStorage": ">f4", "DoubleStorage": ">f8", "HalfStorage": ">f2", "IntStorage": ">i4"}
    for storage, code in values.items():
        data = claiming({"a": Claimed(storage=storage)}, np.arange(6).astype(code).tobytes(), byteorder=b"big")
        assert opened(data).tensors["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    halves = (np.arange(6, dtype=np.float32).view(np.uint32) >> 16).astype(">u2").tobytes()
    data = claiming({"a": Claimed(storage="BFloat16Storage")}, halves, byteorder=b"big")
    assert opened(data).tensors["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_old_archives_without_an_order_of_bytes_are_read() -> None:
    data = members(saved({"a": torch.arange(6.0)}))
    kept = {name: value for name, value in data.items() if name in ("data.pkl", "data/0", "version")}
    assert same(opened(zipped(kept)), {"a": torch.arange(6.0)})


# ---- what is in them, and what it is called


def test_dictionaries_are_joined_by_strokes_and_scalars_left_out() -> None:
    a, b = torch.ones(1), torch.zeros(2)
    value = {"G": {"main.0.weight": a, 3: b}, "epoch": 3, "history": [1.0, {"best": b}], "pair": (a, "x"), ("k",): a}
    assert same(
        opened(saved(value)),
        {"G/main.0.weight": a, "G/3": b, "history/1/best": b, "pair/0": a},
    )


def test_a_checkpoint_as_training_scripts_write_it_is_read_without_its_optimizer() -> None:
    model = small_generator()
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(2, 4, 1, 1)).mean().backward()
    optimizer.step()
    value = {
        "netG": model.state_dict(),
        "optG": optimizer.state_dict(),
        "opts": [optimizer.state_dict()],
        "args": argparse.Namespace(nz=100, lr=2e-4),
        "loss": np.float64(0.5),
        "curve": np.arange(3),
        "when": Path("runs/1"),
        "counts": collections.Counter("ab"),
        "rng": torch.get_rng_state(),
    }
    contents = opened(saved(value))
    assert same(contents, {**{f"netG/{k}": v for k, v in model.state_dict().items()}, "rng": torch.get_rng_state()})


def test_a_lightning_checkpoint_is_read() -> None:
    model = small_generator()
    value = {
        "epoch": 9,
        "global_step": 1000,
        "pytorch-lightning_version": "2.1.0",
        "state_dict": {f"generator.{k}": v for k, v in model.state_dict().items()},
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 9}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.5)}},
        "optimizer_states": [torch.optim.SGD(model.parameters(), 0.1).state_dict()],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {"latent_dim": 100, "img_shape": (1, 28, 28)},
    }
    names = list(opened(saved(value)).tensors)
    assert names[0] == "state_dict/generator.0.weight"
    assert names[-1] == "callbacks/ModelCheckpoint{'monitor': None}/best_model_score"
    assert len(names) == len(model.state_dict()) + 1


class Generator(nn.Module):
    """A module of a class that the reader does not know, with all that a module can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.z_dim = 4
        self.shape = (1, 8, 8)
        self.name = "probe"
        self.none = None
        self.long = tuple(range(9))
        self.main = small_generator()
        self.again = self.main[0]
        self.scale = nn.Parameter(torch.ones(1))
        self.unused = nn.Linear(2, 2, bias=False)
        self.register_buffer("kept", torch.arange(3))
        self.register_buffer("passing", torch.zeros(3), persistent=False)
        self.register_buffer("absent", None)
        self.layers = nn.ModuleDict({"a": nn.Dropout(0.25), "b": nn.Upsample(scale_factor=2, mode="nearest")})


def test_a_whole_module_is_read_as_its_state_dict_with_the_facts_of_each_part() -> None:
    model = Generator()
    contents = opened(saved(model))
    assert same(contents, model.state_dict())
    assert list(contents.modules) == [name for name, _ in model.named_modules(remove_duplicate=False)]
    root = contents.modules[""]
    assert (root.class_name, root.module) == ("Generator", __name__)
    assert root.values == {"training": True, "z_dim": 4, "shape": [1, 8, 8], "name": "probe"}
    assert contents.modules["main.1"].values["eps"] == 1e-3
    assert contents.modules["main.2"] == ModuleFacts(
        "LeakyReLU", {"training": True, "negative_slope": 0.3, "inplace": True}, "torch.nn.modules.activation"
    )
    convolution = contents.modules["main.3"].values
    assert {key: convolution[key] for key in ("stride", "padding", "output_padding", "kernel_size", "groups")} == {
        "stride": [2, 2],
        "padding": [1, 1],
        "output_padding": [0, 0],
        "kernel_size": [4, 4],
        "groups": 1,
    }
    assert contents.modules["main.4"].class_name == "Tanh"
    assert contents.modules["layers.a"].values["p"] == 0.25
    assert contents.modules["layers.b"].values["mode"] == "nearest"
    assert contents.modules["layers.b"].values["scale_factor"] == 2.0


def test_modules_in_a_dictionary_are_read_below_their_keys() -> None:
    model = small_generator()
    contents = opened(saved({"netG": model, "list": [nn.Linear(1, 1)]}))
    assert list(contents.modules) == ["netG/", *(f"netG/{i}" for i in range(5)), "list/0/"]
    assert list(contents.tensors)[:2] == ["netG/0.weight", "netG/1.weight"]
    assert list(contents.tensors)[-1] == "list/0/bias"


def test_spectral_and_weight_norm_are_read_as_state_dict_names_them() -> None:
    model = nn.Sequential(nn.utils.spectral_norm(nn.Linear(3, 2)))
    assert same(opened(saved(model)), model.state_dict())


def test_a_tensor_alone_has_no_name() -> None:
    assert same(opened(saved(torch.arange(3.0))), {"": torch.arange(3.0)})


@pytest.mark.parametrize("value", [{}, [], 3, {"epoch": 3}, argparse.Namespace(a=1)], ids=str)
def test_a_file_without_tensors_is_refused(value: object) -> None:
    assert refusal(saved(value)).startswith("holds no tensors.")


# ---- safetensors


def test_safetensors_are_read_in_the_order_of_the_file_with_their_metadata() -> None:
    state = {
        **small_generator().state_dict(),
        "half": torch.randn(3).half(),
        "brain": torch.randn(3).bfloat16(),
        "double": torch.randn(3).double(),
        "scalar": torch.tensor(2.0),
        "empty": torch.empty(0, 3),
        "flags": torch.tensor([True, False]),
        "small": torch.tensor([1, -1], dtype=torch.int8),
    }
    data = safetensors.torch.save(state, {"format": "pt", "note": "✓"})
    contents = opened(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert contents.kind == "safetensors"
    assert contents.metadata == {"format": "pt", "note": "✓"}
    assert list(contents.tensors) == [name for name in header if name != "__metadata__"]
    assert same(contents, {name: state[name] for name in contents.tensors})


def entry(dtype: str = "F32", shape: object = (2,), offsets: object = (0, 8), **more: object) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


@pytest.mark.parametrize(
    ("header", "data", "words"),
    [
        ({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12), "overlaps another"),
        ({"a": entry(), "b": entry(offsets=(0, 8))}, bytes(8), "overlaps another"),
        ({"a": entry(), "b": entry(offsets=(12, 20))}, bytes(20), "leaves a hole"),
        ({"a": entry(offsets=(8, 16))}, bytes(16), "leaves a hole"),
        ({"a": entry()}, bytes(9), "should have"),
        ({"a": entry()}, bytes(7), "should have"),
        ({"a": entry(shape=(2**40,), offsets=(0, 2**42))}, bytes(8), "4.4 TB"),
        ({"a": entry(shape=(3,))}, bytes(8), "cannot have 8 bytes"),
        ({"a": entry(shape=(2**62, 2**62, 4))}, bytes(8), "cannot have 8 bytes"),
        ({"a": entry(shape=(-2,))}, bytes(8), "shape or place"),
        ({"a": entry(shape=(True, 2))}, bytes(8), "shape or place"),
        ({"a": entry(shape=(1,) * 17 + (2,))}, bytes(8), "shape or place"),
        ({"a": entry(offsets=(8, 0))}, bytes(8), "cannot have -8 bytes"),
        ({"a": entry(offsets=(0, 8, 8))}, bytes(8), "shape or place"),
        ({"a": entry(shape="2")}, bytes(8), "shape or place"),
        ({"a": entry(shape=None)}, bytes(8), "damaged"),
        ({"a": entry(more=1)}, bytes(8), "damaged header"),
        ({"a": [1]}, bytes(8), "damaged header"),
        ({"a": entry(dtype="F8_E4M3", offsets=(0, 2))}, bytes(2), "tensor 'a' is of type 'F8_E4M3'"),
        ({"a": entry(dtype="C64", offsets=(0, 16))}, bytes(16), "tensor 'a' is of type 'C64'"),
        ({"a" * 400: entry()}, bytes(8), "name of more than 300"),
        ({"__metadata__": {"a": 1}, "a": entry()}, bytes(8), "metadata are no texts"),
        ({"__metadata__": [], "a": entry()}, bytes(8), "metadata are no texts"),
        ({}, b"", "holds no tensors"),
    ],
)
def test_safetensors_that_break_their_rules_are_refused(header: dict[str, object], data: bytes, words: str) -> None:
    assert words in refusal(crafted(json.dumps(header).encode(), data))


@pytest.mark.parametrize(
    "header",
    [
        b"{",
        b'{"a":',
        b"{" * 1000,
        b'{"a":' + b"[" * 100_000,
        b'{"a": \xff}',
        b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "a": 0}',
        b'{"a": NaN}',
        b'{"\\ud800": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}',
        b'{"a": {"dtype": ["F32"], "shape": [2], "data_offsets": [0, 8]}}',
        b'{"a": {"dtype": "F32", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 8]}}',
    ],
    ids=lambda header: repr(header[:12]),
)
def test_safetensors_headers_that_are_no_such_json_are_damaged(header: bytes) -> None:
    assert "damaged" in refusal(crafted(header, bytes(8)))


@pytest.mark.parametrize("length", [MAX_HEADER_BYTES + 1, 99_000_000, 2**63, 2**64 - 1])
def test_an_oversized_header_is_refused_without_reading_it(length: int) -> None:
    assert f"its header claims {length:,} bytes" in refusal(crafted(b"{" + b" " * 100, length=length))


def test_a_header_cut_short_is_refused() -> None:
    assert "ends within its header" in refusal(crafted(b'{"a"', length=1000))


def test_too_many_tensors_are_refused() -> None:
    header = {f"{i}": entry(shape=(0,), offsets=(0, 0)) for i in range(12_000)}
    assert len(opened(crafted(json.dumps(header).encode())).tensors) == 12_000
    state = {i: Claimed((0,), (1,), 0, 6) for i in range(20_001)}
    assert "more than 20,000 tensors" in refusal(claiming(state))


# ---- programs in disguise


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
def test_calls_are_refused_by_name_and_never_made(form: str, protocol: int, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for function, argument, name in (
        (os.system, f"touch {canary}", "os.system"),
        (eval, f"open({str(canary)!r}, 'w')", "builtins.eval"),
        (torch.hub.load, str(tmp_path), "torch.hub.load"),
    ):
        value = {"a": [1.5], "b": Call(function, argument)}
        data = {
            "zip": lambda value: saved(value, pickle_protocol=protocol),
            "legacy": lambda value: legacy(value, protocol),
            "pickle": lambda value: pickled(value, protocol),
        }[form](value)
        text = refusal(data)
        assert name in text
        assert "has no place in a model" in text
        assert not canary.exists()


def test_a_call_of_something_unknown_is_refused_with_the_way_out() -> None:
    text = refusal(saved({"a": Call(collections.ChainMap, {})}))
    assert "would call collections.ChainMap" in text
    assert "torch.save(model.state_dict(), FILE)" in text


def test_the_old_format_is_refused_with_the_way_out() -> None:
    for protocol in (1, 2, 3, 4, 5):
        text = refusal(legacy(small_generator().state_dict(), protocol))
        assert "before 1.6" in text
        assert "torch.save(torch.load(FILE, weights_only=True), OUT)" in text


def test_the_old_format_is_refused_without_believing_its_claims() -> None:
    begin = legacy({"a": 1}).partition(b"}q\x00X\x01\x00\x00\x00a")[0]
    data = begin + pickled({"a": Claimed(numel=2**40)}) + pickled(["0"])
    assert "before 1.6" in refusal(data)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_plain_pickle_is_refused_as_such(protocol: int) -> None:
    assert refusal(pickled({"a": [1, 2]}, protocol)).startswith("is a plain pickle, which PyTorch did not write.")


@pytest.mark.filterwarnings("ignore")  # TorchScript is deprecated
def test_torchscript_is_refused_as_a_program() -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), file)
    text = refusal(file.getvalue())
    assert "TorchScript" in text
    assert "program" in text
    assert "state_dict" in text


# ---- claims that are not true


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (Claimed(numel=2**38), "claims a storage of 1.1 TB, the file has 24 bytes"),
        (Claimed(numel=5), "claims a storage of 20 bytes, the file has 24 bytes"),
        (Claimed((10**6, 10**6), (0, 0)), "claims more values than its storage of 24 bytes holds"),
        (Claimed((7,), (0,)), "claims more values"),
        (Claimed((2**31, 2**31, 2**31), (0, 0, 0)), "claims more values"),
        (Claimed((3, 3), (3, 1)), "claims more values"),
        (Claimed((2,), (6,)), "claims more values"),
        (Claimed((2,), (2**61,)), "claims more values"),
        (Claimed(offset=1), "claims more values"),
        (Claimed(offset=2**62), "claims more values"),
        (Claimed((-1, 3)), "damaged"),
        (Claimed(offset=-1), "damaged"),
        (Claimed((2, 3), (-3, 1)), "damaged"),
        (Claimed((2, 3), (1,)), "damaged"),
        (Claimed((1,) * 17, (1,) * 17), "damaged"),
        (Claimed((0, 2**62, 2**62), (1, 1, 1)), "damaged"),
        (Claimed(key="1"), "lacks the values of tensor 'a'"),
        (Claimed(key="../../etc/passwd"), "lacks the values of tensor 'a'"),
        (Claimed(storage="DoubleStorage"), "claims a storage of 48 bytes, the file has 24 bytes"),
        (Claimed(storage="ComplexFloatStorage"), "tensor 'a' is of type 'complex64'"),
        (Claimed(storage="QInt8Storage"), "tensor 'a' is of type 'qint8'"),
    ],
    ids=str,
)
def test_claims_that_are_not_true_are_refused(claim: Claimed, words: str) -> None:
    assert words in refusal(claiming({"a": claim}))


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (torch.ones(2, dtype=torch.complex64), "tensor 'a' is of type 'complex64'"),
        (torch.ones(2).to(torch.float8_e4m3fn), "tensor 'a' is of type 'float8_e4m3fn'"),
        (torch.ones(3).to_sparse(), "sparse tensors"),
        (torch.zeros(3, device="meta"), "tensors without values"),
    ],
    ids=["complex", "float8", "sparse", "meta"],
)
def test_other_kinds_of_tensors_are_refused(tensor: Tensor, words: str) -> None:
    assert words in refusal(saved({"a": tensor}))


@pytest.mark.filterwarnings("ignore")  # it is deprecated in PyTorch too
def test_quantised_tensors_are_refused() -> None:
    assert "quantised tensors" in refusal(saved({"a": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}))


def test_one_storage_under_many_names_is_refused() -> None:
    data = claiming({str(i): Claimed((1000,), (1,), 0, 1000) for i in range(50)}, bytes(4000))
    assert "more than 2 times the values" in refusal(data)


def test_a_list_that_holds_itself_many_times_over_is_refused() -> None:
    value: list[Any] = [Claimed()]
    for _ in range(14):
        value = [value] * 4
    assert "more than 20,000 tensors" in refusal(claiming(value))
    circle: dict[str, Any] = {}
    circle["a"] = circle
    assert "deeper than 16 levels" in refusal(claiming(circle))


def test_empty_lists_nested_many_times_over_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "MAX_STEPS", walk.MAX_STEPS // 10)
    value: list[Any] = []
    for _ in range(15):
        value = [value] * 50
    begin = time.process_time()  # on a busy machine it may take longer
    with pytest.raises(ContainerError, match="more than 200,000 entries"):
        opened(claiming(value))
    assert time.process_time() - begin < 4


def test_two_tensors_of_one_name_are_refused() -> None:
    assert "two tensors the name 'a/b'" in refusal(claiming({"a": {"b": Claimed()}, "a/b": Claimed()}))


def test_modules_nested_without_end_are_refused() -> None:
    module = nn.Sequential()
    module._modules["0"] = module
    assert "nests modules deeper than 64 levels" in refusal(saved(module))


def test_a_pickle_too_long_is_refused() -> None:
    assert "its data.pkl has 9.0 MB; at most 8.4 MB are read" in refusal(zipped({"data.pkl": bytes(9_000_000)}))


# ---- zip archives that torch.save never wrote


def good() -> dict[str, bytes]:
    return {"data.pkl": pickled({"a": Claimed()}), "byteorder": b"little", "data/0": bytes(24), "version": b"3\n"}


def test_the_archive_that_the_next_tests_spoil_is_good() -> None:
    assert opened(zipped(good())).tensors["a"].shape == (2, 3)


def test_a_compressed_bomb_is_refused_unopened() -> None:
    bomb = zipped(good() | {"data/0": bytes(300_000_000)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1_000_000
    assert "is compressed" in refusal(bomb)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"data/../../x": b""}, "holds 'data/../../x', which torch.save does not write"),
        ({"data/x": b""}, "holds 'data/x'"),
        ({"setup.py": b""}, "holds 'setup.py'"),
        ({"byteorder": b"middle"}, "order of bytes"),
        ({"byteorder": b"l" * 100}, "its byteorder has 100 bytes"),
        ({"code/__torch__.py": b""}, "TorchScript"),
        ({"constants.pkl": b""}, "TorchScript"),
    ],
    ids=str,
)
def test_members_that_torch_does_not_write_are_refused(more: dict[str, bytes], words: str) -> None:
    assert words in refusal(zipped(good() | more))


def test_archives_of_other_programs_are_refused_by_what_they_are() -> None:
    file = io.BytesIO()
    np.savez(file, a=np.zeros(3))
    assert "NumPy archive" in refusal(file.getvalue())
    assert "is a zip archive" in refusal(zipped({"word/document.xml": b""}))
    assert "empty zip" in refusal(zipped({}))
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("config.json", b"")
        archive.writestr("model.weights.h5", b"")
    assert "Keras" in refusal(file.getvalue())


def spoiled(data: bytes, member: str, at: int, value: bytes) -> bytes:
    """An archive with some bytes of a member's entry in the directory replaced; `at` counts from the entry's start."""
    result = bytearray(data)
    name = data.rindex(f"archive/{member}".encode())
    result[name - 46 + at : name - 46 + at + len(value)] = value
    return bytes(result)


def test_members_that_overlap_or_leave_the_file_are_refused() -> None:
    data = zipped(good())
    offset = data.index(b"archive/byteorder") - 30
    assert "damaged" in refusal(spoiled(data, "data/0", 42, offset.to_bytes(4, "little")))
    assert "damaged" in refusal(spoiled(data, "data/0", 42, (10**9).to_bytes(4, "little")))
    size = (10**9).to_bytes(4, "little")
    assert "its members claim 1.0 GB" in refusal(spoiled(data, "data/0", 20, size + size))
    size = (60).to_bytes(4, "little")
    assert "overlap" in refusal(spoiled(data, "data/0", 20, size + size))
    assert "compressed or encrypted" in refusal(spoiled(data, "data/0", 8, b"\x01"))


def test_a_wrong_checksum_is_refused() -> None:
    data = bytearray(zipped(good()))
    data[data.index(b"archive/data/0") + len("archive/data/0")] ^= 1
    assert "checksum of data/0" in refusal(bytes(data))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_occurs_twice_is_refused() -> None:
    file = io.BytesIO(zipped(good()))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("archive/data/0", bytes(24))
    assert "occurs twice" in refusal(file.getvalue())


def test_two_top_folders_are_refused() -> None:
    file = io.BytesIO(zipped(good()))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("other/data/1", bytes(24))
    assert "is a zip archive" in refusal(file.getvalue())


def test_an_archive_cut_short_is_refused_as_such() -> None:
    assert "is cut short" in refusal(saved({"a": torch.ones(100)})[:-200])


# ---- other files


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
        (b"<!DOCTYPE html>\n<html>", "web page"),
        (b"  <HTML><body>404</body></HTML>", "web page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b"\x08\x08\x12\x07pytorch\x1a\x051.9.0" + bytes(50), "ONNX"),
        (b"\x08\x01\x12\x80\x01" + bytes(50), "TensorFlow model"),
        (b"\x0a\x2e\x0a\x05input\x12\x0bPlaceholder*" + bytes(50), "TensorFlow graph"),
        (b"\x1c\0\0\0TFL3" + bytes(50), "TensorFlow Lite"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "JPEG"),
        (b"\x1f\x8b\x08" + bytes(50), "gzip"),
        (bytes(257) + b"ustar\0" + bytes(200), "tar archive"),
        (b"\x93NUMPY\x01\0" + bytes(50), "NumPy array"),
        (b"\x7fELF" + bytes(50), "program"),
        (b"#!/bin/sh\nrm -rf /\n", "script"),
        (b"hello, this is a text", "no known format"),
        (b"{}", "no known format"),
        (bytes(1000), "no known format"),
        (b"\x80\x02garbage", "damaged"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "damaged"),
        (b"PK\x03\x04" + bytes(50), "cut short"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_files_are_refused_by_what_they_are(data: bytes, words: str) -> None:
    assert words in refusal(data)


class Flaky(io.BytesIO):
    """A file that ends sooner than it said."""

    def __init__(self, data: bytes, end: int) -> None:
        super().__init__(data)
        self.end = end

    def readinto(self, buffer: Any) -> int:
        return super().readinto(memoryview(buffer)[: max(0, self.end - self.tell())])


@pytest.mark.parametrize("data", [safetensors.torch.save({"a": torch.ones(99)}), saved({"a": torch.ones(99)})])
def test_a_file_that_shrinks_while_it_is_read_is_refused(data: bytes) -> None:
    with pytest.raises(ContainerError, match="ends too early"):
        parse(Flaky(data, 300), "x")


def test_a_disk_that_fails_is_told() -> None:
    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(ContainerError, match=r"x: cannot be read \(Input/output error\)"):
        parse(Broken(b"x"), "x")


def test_damaged_files_are_refused_or_read_within_bounds(tmp_path: Path) -> None:
    """Every truncation and 2,000 copies with flipped bits, in a child process, since a crash would end it."""
    state = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(3)}
    files = {
        "zip": saved(state),
        "module": saved(nn.Sequential(nn.Linear(2, 1), nn.Tanh())),
        "legacy": legacy(state),
        "safetensors": safetensors.torch.save(state, {"format": "pt"}),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    script = Path(__file__).with_name("parse_damaged.py")
    child = subprocess.run(
        [sys.executable, script, "2000", *(tmp_path / name for name in files)], capture_output=True, timeout=100
    )
    assert child.returncode == 0, child.stderr.decode()
    counts = json.loads(child.stdout)
    assert counts["refused"] == sum(map(len, files.values()))  # no truncation is taken for the whole
    assert counts["flipped refused"] + counts["flipped opened"] == 2000
    assert counts["flipped refused"] > 1000
