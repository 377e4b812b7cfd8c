"""The inert reader of pickles: plain data come out as they went in, and nothing that is named is ever called."""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime
import functools
import io
import operator
import os
import pickle
import struct
import subprocess
import time
import types
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_nets import quick

from ganexplorer.core.foreign import pickles
from ganexplorer.core.foreign.claims import Damaged, Global, Inert, Refused, Storage, TensorClaim
from ganexplorer.core.foreign.pickles import read, read_first

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

PLAIN = [
    None,
    True,
    False,
    *(0, 1, -1, 255, 256, 65535, 65536, -(2**31), 2**31, 2**63, -(2**70), 10**100),
    *(0.0, -1.5, 1e300, float("inf")),
    *("", "text", "naïve ✓ 生成器", "new\nline", "x" * 300),
    *(b"", b"\x00\xff", b"y" * 300, bytearray(b"z" * 3)),
    *([], [1, [2, [3]]], (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {}, {"a": {1: (2, 3)}, ("b", 0): None}),
    *(set(), {1, "a"}, frozenset({2.5}), list(range(2000)), {str(i): i for i in range(2000)}),
]


class Call:
    """Pickled as the call of a function."""

    def __init__(self, function: Callable[..., Any], *args: object) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.function, self.args


class Thing:
    """An object of a class that the reader does not know."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


class Settings(dict):  # type: ignore[type-arg]
    """A dictionary of a class of one's own."""


class Series(list):  # type: ignore[type-arg]
    """A list of a class of one's own."""


def refusal(data: bytes) -> str:
    with pytest.raises(Refused) as caught:
        read(data)
    assert str(caught.value) == f"{caught.value.reason}. {caught.value.remedy}"
    return str(caught.value)


# ---- plain data


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", PLAIN, ids=lambda value: f"{type(value).__name__} {len(str(value))}")
def test_plain_data_come_back(value: object, protocol: int) -> None:
    got = read(pickle.dumps(value, protocol))
    assert bytes(got) == value if isinstance(value, bytearray) else got == value  # type: ignore[call-overload]
    assert isinstance(value, bytearray) or type(got) is type(value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(-(2**63), 2**63) | st.booleans(), inner)
    ),
    max_leaves=20,
)


@settings(quick, max_examples=150)
@given(VALUES, st.sampled_from(PROTOCOLS))
def test_any_nesting_of_plain_data_comes_back(value: object, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_shared_and_circular_lists_are_kept(protocol: int) -> None:
    shared: list[object] = [1]
    shared.append(shared)
    got: Any = read(pickle.dumps({"a": shared, "b": shared}, protocol))
    assert got["a"] is got["b"]
    assert got["a"][1] is got["a"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_usual_collections_are_dictionaries(protocol: int) -> None:
    ordered = collections.OrderedDict(b=1, a=2)
    ordered.note = 1  # type: ignore[attr-defined]
    value = [ordered, collections.Counter("aab"), collections.defaultdict(list, {"x": [1]})]
    assert read(pickle.dumps(value, protocol)) == [{"b": 1, "a": 2}, {"a": 2, "b": 1}, {"x": [1]}]


def test_several_pickles_in_a_row_are_read_one_by_one() -> None:
    data = pickle.dumps("first", 2) + pickle.dumps([1], 4) + b"tail"
    value, end = read_first(data)
    assert (value, data[end:][:2]) == ("first", b"\x80\x04")
    value, end = read_first(data, end)
    assert (value, data[end:]) == ([1], b"tail")
    with pytest.raises(Damaged, match="bytes follow its end"):
        read(data)


# ---- objects that stay a record


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_object_of_an_unknown_class_is_a_record_of_its_attributes(protocol: int) -> None:
    got: Any = read(pickle.dumps(Thing(a=1, b=Thing(c=[2])), protocol))
    assert isinstance(got, Inert)
    assert got.name == f"{__name__}.Thing"
    assert got.state["a"] == 1
    assert got.state["b"].state == {"c": [2]}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_lists_and_dictionaries_of_other_classes_keep_what_they_hold(protocol: int) -> None:
    settings_, series = Settings(a=1), Series([1, 2])
    got: Any = read(pickle.dumps([settings_, series], protocol))
    assert [item.name.rpartition(".")[2] for item in got] == ["Settings", "Series"]
    assert [item.content for item in got] == [{"a": 1}, [1, 2]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_harmless_things_of_the_library_are_records(protocol: int) -> None:
    things = [
        argparse.Namespace(nz=100),
        types.SimpleNamespace(a=1),
        PurePosixPath("a/b"),
        datetime.datetime(2024, 5, 17),
        datetime.timedelta(3),
        collections.deque([1]),
        slice(1, 2),
        3 + 4j,
        np.float32(0.5),
        np.arange(3),
        np.dtype("f8"),
        torch.device("cpu"),
    ]
    got: Any = read(pickle.dumps(things, protocol))
    assert all(isinstance(item, Inert) for item in got)
    assert got[0].state == {"nz": 100}


def test_classes_and_functions_are_names() -> None:
    assert read(pickle.dumps([Thing, torch.float32, torch.nn.functional.relu, dict], 4)) == [
        Global(__name__, "Thing"),
        Global("torch", "float32"),
        Global("torch.nn.functional", "relu"),
        Global("builtins", "dict"),
    ]


def test_sizes_of_tensors_are_tuples() -> None:
    assert read(pickle.dumps(torch.Size([2, 3]), 2)) == (2, 3)


# ---- what is refused


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "os.system"),
        (eval, "builtins.eval"),
        (exec, "builtins.exec"),
        (getattr, "builtins.getattr"),
        (open, "open"),
        (subprocess.Popen, "subprocess.Popen"),
        (torch.hub.load, "torch.hub.load"),
        (torch.jit.load, "torch.jit"),
        (torch.load, "torch.serialization.load"),
        (pickle.loads, "pickle.loads"),
        (functools.partial, "functools.partial"),
        (operator.attrgetter, "operator.attrgetter"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_harmful_calls_are_refused_by_name(function: Callable[..., Any], name: str, protocol: int) -> None:
    assert name in refusal(pickle.dumps({"a": Call(function, "1")}, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_never_happens(protocol: int, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    assert "os.system" in refusal(pickle.dumps(Call(os.system, f"touch {canary}"), protocol))
    assert "Path.touch" in refusal(pickle.dumps(Call(Path.touch, canary), 4))
    assert not canary.exists()


@pytest.mark.parametrize("value", [os.system, subprocess.Popen, [functools.reduce], {"a": torch.hub.load}])
def test_harmful_things_are_refused_when_they_are_merely_mentioned(value: object) -> None:
    assert "has no place in a model" in refusal(pickle.dumps(value, 4))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
        (b"(cos\nsystem\nS'true'\no.", "os.system"),
        (b"(S'true'\nios\nsystem\n.", "os.system"),
        (b"c__builtin__\n__import__\n.", "builtins.__import__"),
        (b"ccommands\ngetoutput\n.", "subprocess.getoutput"),
        (b"cnt\nsystem\n.", "nt.system (os.system)"),
        (b"\x80\x04\x8c\x05torch\x8c\x09os.system\x93.", "torch.os.system"),
        (b"\x80\x04\x8c\x0bcollections\x8c\x16abc.__class__.__base__\x93.", "__class__"),
        (b"\x80\x04\x8c\x05torch\x8c\x08hub.load\x93.", "torch.hub.load"),
        (b"\x80\x02ctorch\nload\n.", "torch.load"),
        (b"ctypes\nFunctionType\n.", "types.FunctionType"),
        (b"c__main__\nGenerator\n)R.", "__main__.Generator"),
        (b"(i__main__\nGenerator\n.", "__main__.Generator"),
        (b"\x80\x02\x82\x01.", "extension 1"),
        (b"ccopyreg\nadd_extension\n(S'os'\nS'system'\nI1\ntR.", "copyreg.add_extension"),
        (b"\x80\x02cbad\x1b[31m\nname\n)R.", "bad?[31m.name"),
        (b"\x80\x02c" + b"m" * 5000 + b"\nname\n)R.", "m" * 80 + "…"),
    ],
)
def test_handmade_calls_are_refused_by_name(data: bytes, name: str) -> None:
    text = refusal(data)
    assert name in text
    assert len(text) < 400
    assert text.isprintable()


def test_an_enum_member_is_a_call_and_refused() -> None:
    assert "signal.Signals" in refusal(pickle.dumps(__import__("signal").SIGTERM, 2))


def saved(value: object) -> bytes:
    """The pickle of what torch.save writes."""
    import zipfile

    file = io.BytesIO()
    torch.save(value, file)
    with zipfile.ZipFile(file) as archive:
        return archive.read("archive/data.pkl")


def test_tensors_are_claims() -> None:
    base = torch.zeros(2, 3, 4, dtype=torch.float16)
    got: Any = read(saved([base, base[1].t(), torch.nn.Parameter(torch.ones(5)), torch.zeros(3, dtype=torch.uint16)]))
    assert all(isinstance(claim, TensorClaim) for claim in got)
    assert got[0].storage == got[1].storage == Storage("float16", "0", 24)
    assert (got[1].offset, got[1].size, got[1].stride, got[1].dtype) == (12, (4, 3), (1, 4), "float16")
    assert got[2].dtype == "float32"
    assert (got[3].storage, got[3].dtype) == (Storage("untyped", "2", 6), "uint16")


def test_tensors_of_other_classes_are_claims() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.note = "x"  # type: ignore[attr-defined]
    got: Any = read(saved([parameter, torch.ones(2).as_subclass(torch.nn.Buffer)]))
    assert [claim.size for claim in got] == [(2,), (2,)]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: torch.ones(3).to_sparse(), "sparse tensors"),
        (lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8), "quantised tensors"),
        (lambda: torch.zeros(3, device="meta"), "tensors without values"),
        (lambda: torch.ones(2, dtype=torch.complex64).conj(), "conjugated"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # PyTorch's own, on formats in beta
def test_other_kinds_of_tensors_are_refused_with_the_reason(make: Callable[[], object], what: str) -> None:
    assert what in refusal(saved(make()))


# ---- what is damaged


def nested_tuples(depth: int) -> bytes:
    """A key that takes 2**depth steps to hash."""
    return b"\x80\x02}(K\x01" + b"2\x86" * depth + b"Nu."


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"N",
        b"NN.",
        b"(N.",
        b"\xff",
        b"\x80\x06N.",
        b"\x80\xffN.",
        b"h\x05.",
        b"]N\x85b.",
        b"Na.",
        b"]NNs.",
        b"}Na.",
        b"}(NNNu.",
        b"}]Ns.",
        b"\x8f(]\x90.",
        b"N)R.",
        b"cm\nn\nNR.",
        b"N)\x81.",
        b"NQ.",
        b"Pid\n.",
        b"\x97.",
        b"\x80\x04\x8c\x01m\x93.",
        b"\x80\x04NN\x93.",
        b"\x8b\xff\xff\xff\x7f.",
        b"\x8a\xff" + b"\x7f" * 255 + b"2\x85" + b".",
        b"\x8b" + struct.pack("<i", 4000) + b"\x7f" * 4000 + b".",
        b"L" + b"9" * 5000 + b"L\n.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.",
        b"ctorch._utils\n_rebuild_parameter\n(NNNtR.",
        b"ctorch\nSize\n(K\x01K\x02tR.",
        b"ccollections\nOrderedDict\n(K\x01tR.",
        b"(U\x07storageNU\x010U\x03cpuK\x01tQ.",
        b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuJ\xff\xff\xff\xfftQ.",
        nested_tuples(5),
        nested_tuples(200),
    ],
    ids=lambda data: repr(data[:16]),
)
def test_what_pickle_never_writes_is_damaged(data: bytes) -> None:
    begin = time.process_time()
    with pytest.raises(Damaged):
        read(data)
    assert time.process_time() - begin < 5


def test_a_storage_of_an_unknown_type_is_refused() -> None:
    data = b"(U\x07storagectorch\nNewStorage\nU\x010U\x03cpuK\x01tQ."
    assert "torch.NewStorage" in refusal(data)


def test_a_pickle_too_long_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pickles.MAX_BYTES == 8 * 2**20
    monkeypatch.setattr(pickles, "MAX_BYTES", 2**20)  # as many would take seconds
    with pytest.raises(Damaged, match="longer than 1 MB"):
        read(b"N" * 2**20 + b".")
    assert read(b"N0" * (2**19 - 1) + b"N.") is None


def test_lists_nested_very_deep_are_read_without_recursion() -> None:
    depth = 100_000
    value: Any = read(b"]" * depth + b"a" * (depth - 1) + b".")
    for _ in range(depth - 1):
        (value,) = value
    assert value == []


def test_wrapped_calls_nested_very_deep_are_damage() -> None:
    depth = 50_000
    wrapped = b"ctorch._tensor\n_rebuild_from_type_v2\n"
    with pytest.raises(Damaged):
        read(wrapped + (wrapped + b"N") * depth + b")" + b"\x87" * depth + b"R.")


def test_each_truncation_is_damage() -> None:
    data = saved({"w": torch.ones(2, 3), "n": argparse.Namespace(a=[1, 2])})
    for end in range(len(data)):
        with pytest.raises(Damaged):
            read(data[:end])


@settings(quick, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    with contextlib.suppress(Damaged, Refused):
        read(data)
