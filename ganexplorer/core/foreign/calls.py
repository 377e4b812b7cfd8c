"""Which functions a pickle may call, and what comes of it: none is called, each is described."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ganexplorer.core.foreign.claims import (
    MAX_DIMENSIONS,
    Damaged,
    Global,
    Inert,
    Refused,
    Storage,
    TensorClaim,
    checked_count,
    checked_key,
)
from ganexplorer.core.foreign.harmful import harm, named, shown

_INERT_CALLS = frozenset(
    [
        *("builtins.slice", "builtins.range", "builtins.complex"),
        *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
        *(f"numpy.{core}.numeric._frombuffer" for core in ("core", "_core")),
        *("numpy.dtype", "numpy.ndarray"),
        *(f"datetime.{name}" for name in ("datetime", "date", "time", "timedelta", "timezone")),
        *(
            f"pathlib.{inner}{name}"
            for inner in ("", "_local.")
            for name in ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
        ),
        *("argparse.Namespace", "types.SimpleNamespace", "collections.deque"),
        *("torch.device", "torch.serialization._get_layout", "torch._C.Generator"),
        *("decimal.Decimal", "fractions.Fraction", "logging.getLogger", "numpy.ma.core._mareconstruct"),
        *(f"numpy.random._pickle.__{kind}_ctor" for kind in ("bit_generator", "generator", "randomstate")),
        "numpy.random.bit_generator.__pyx_unpickle_SeedSequence",
    ]
)

_DENSE = "Save plain tensors instead, for instance {name: tensor.to_dense() for name, tensor in state.items()}."
_CPU = "Move the model to the CPU with .cpu() and save it again."
_OTHER_TENSORS = {
    "torch._utils._rebuild_sparse_tensor": ("sparse tensors", _DENSE),
    "torch._utils._rebuild_sparse_csr_tensor": ("sparse tensors", _DENSE),
    "torch._utils._rebuild_nested_tensor": ("nested tensors", _DENSE),
    "torch.nested._internal.nested_tensor._rebuild_njt": ("nested tensors", _DENSE),
    "torch._utils._rebuild_qtensor": ("quantised tensors", "Save the model as it was before it was quantised."),
    "torch._utils._rebuild_meta_tensor_no_storage": (
        "tensors without values (of the device meta)",
        "Save the model after its weights were loaded.",
    ),
    "torch._utils._rebuild_wrapper_subclass": ("tensors of a kind without values of their own", _CPU),
    "torch._utils._rebuild_device_tensor_from_numpy": ("tensors in the form of a special device", _CPU),
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": ("tensors in the form of a special device", _CPU),
    "torch._utils._rebuild_xla_tensor": ("tensors in the form of a special device", _CPU),
}


def call(function: object, args: object) -> object:
    """What `function(*args)` describes; raises `Refused` for every function that is not on the lists."""
    if not isinstance(function, Global) or not isinstance(args, tuple):
        raise Damaged("it calls something that is no function")
    path = function.path
    if path in _OTHER_TENSORS:
        what, remedy = _OTHER_TENSORS[path]
        raise Refused(f"holds {what}, which are not read", remedy)
    known = _CALLS.get(path)
    if known is not None:
        return known(*args)
    if path in _INERT_CALLS:
        return Inert(path, args)
    raise Refused(
        f"would call {shown(path)} when it is loaded, and nothing that a file names is called here",
        "Save the weights alone: torch.save(model.state_dict(), FILE).",
    )


def dictionary(items: object = ()) -> dict[object, object]:
    """What dict(items) gives, its keys checked."""
    pairs: Any = items.items() if isinstance(items, dict) else _sequence(items)
    return {checked_key(key): value for key, value in pairs}


def _defaultdict(factory: object = None, items: object = ()) -> dict[object, object]:
    return dictionary(items)


def _list(items: object = ()) -> list[object]:
    return list(_sequence(items))


def _tuple(items: object = ()) -> tuple[object, ...]:
    return tuple(_sequence(items))


def _type_of(value: object) -> Inert:
    """As type(None) is written, for instance."""
    return Inert("builtins.type", (value,))


def _partial(function: object = None, *args: object) -> Inert:
    """A function with some of its arguments, to be called by others; here it is not."""
    if not isinstance(function, Global):
        raise harm(Global("functools", "partial"))
    return Inert("functools.partial", (function, *args))


def _attribute(owner: object = None, name: object = None) -> Global:
    """torch.tanh and its like, which pickle takes for attributes of classes; raises `Harmful` for all others."""
    is_known = isinstance(owner, Global) and owner.path in _FUNCTIONS_OF_TORCH
    if is_known and isinstance(name, str) and name.isidentifier():
        return named("torch", name)
    raise harm(Global("builtins", "getattr"))


_FUNCTIONS_OF_TORCH = ("torch._C._VariableFunctionsClass", "torch._C._VariableFunctions", "torch._C.TensorBase")


def _set(items: object = ()) -> set[object]:
    return set(map(checked_key, _sequence(items)))


def frozen_set(items: object = ()) -> frozenset[object]:
    """What frozenset(items) gives, its items checked."""
    return frozenset(map(checked_key, _sequence(items)))


def _encode(text: object, encoding: object = "utf-8") -> bytes:
    """Bytes, as the protocols below 3 write them."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise Damaged("bytes that are no encoded text")
    return text.encode(str(encoding))


def _bytes(value: object = b"", encoding: object = "latin-1") -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray) else _encode(value, encoding)


def _size(value: object) -> tuple[int, ...]:
    return tuple(map(checked_count, _sequence(value)))


def _reconstructor(kind: object, base: object, state: object = None) -> Inert:
    made = new_object(kind, ())
    if isinstance(state, dict | list):
        made.content = state
    return made


def new_object(kind: object, args: object) -> Inert:
    """An object of a class, which is not made; raises `Damaged` if `kind` is no name."""
    if not isinstance(kind, Global) or not isinstance(args, tuple):
        raise Damaged("an object of something that is no class")
    return Inert(kind.path, args)


def _new_with(kind: object, args: object, keywords: object) -> Inert:
    return new_object(kind, args)


def _tensor(storage: object, offset: object, size: object, stride: object, *_: object) -> TensorClaim:
    if not isinstance(storage, Storage):
        raise Damaged("a tensor without a storage")
    sizes, strides = _size(size), _size(stride)
    if len(sizes) != len(strides) or len(sizes) > MAX_DIMENSIONS:
        raise Damaged("a tensor of impossible shape")
    return TensorClaim(storage, checked_count(offset), sizes, strides, storage.dtype)


def _tensor_v2(
    storage: object,
    offset: object,
    size: object,
    stride: object,
    requires_grad: object = False,
    hooks: object = None,
    metadata: object = None,
) -> TensorClaim:
    if metadata:
        raise Refused(
            "holds a tensor that is to be conjugated or negated on loading, which is not done here",
            "Save it after .resolve_conj().resolve_neg().",
        )
    return _tensor(storage, offset, size, stride)


def _tensor_v3(
    storage: object,
    offset: object,
    size: object,
    stride: object,
    requires_grad: object,
    hooks: object,
    dtype: object,
    metadata: object = None,
) -> TensorClaim:
    claim = _tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata)
    if not isinstance(dtype, Global) or dtype.module != "torch":
        raise Damaged("a tensor of no known type")
    return TensorClaim(claim.storage, claim.offset, claim.size, claim.stride, dtype.name)


def _parameter(data: object, *_: object) -> TensorClaim:
    if not isinstance(data, TensorClaim):
        raise Damaged("a parameter that is no tensor")
    return data


def _tensor_of_type(function: object, kind: object, args: object, state: object = None) -> object:
    return call(function, args)


_CALLS: dict[str, Callable[..., object]] = {
    "collections.OrderedDict": dictionary,
    "collections.Counter": dictionary,
    "collections.defaultdict": _defaultdict,
    "_codecs.encode": _encode,
    "copyreg._reconstructor": _reconstructor,
    "copyreg.__newobj__": lambda kind, *args: new_object(kind, args),
    "copyreg.__newobj_ex__": _new_with,
    "torch.Size": _size,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type": _tensor_of_type,
    "torch._tensor._rebuild_from_type_v2": _tensor_of_type,
    "torch.tensor._rebuild_from_type": _tensor_of_type,  # where PyTorch 1.7 to 1.8 had it
    "builtins.set": _set,
    "builtins.frozenset": frozen_set,
    "builtins.bytearray": _bytes,
    "builtins.bytes": _bytes,
    "builtins.dict": dictionary,
    "builtins.list": _list,
    "builtins.tuple": _tuple,
    "builtins.type": _type_of,
    "builtins.getattr": _attribute,
    "functools.partial": _partial,
}


def _sequence(value: object) -> list[object] | tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise Damaged("a list is missing")
    return value
