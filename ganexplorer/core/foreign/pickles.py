"""An inert reader of pickles: it never imports or calls anything that a file names.

A pickle is a program for a stack machine, and loading one runs what it asks for. This machine knows plain data and the
few calls by which PyTorch and numpy describe theirs; whatever else is named stays a name (`Global`), objects of other
classes stay a record of what was said about them (`Inert`), and any other call ends the reading (`Refused`).
"""

from __future__ import annotations

import _compat_pickle
import io
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 8 * 1024**2
MAX_DIMENSIONS = 16
_MAX_INT_BITS = 2048
_MAX_KEY_ITEMS = 16
_MAX_SHOWN = 80  # characters of a name in a message


class Damaged(Exception):
    """No pickle that could have been written by pickle or PyTorch. The text is the reason, without a full stop."""


class Refused(Exception):
    """A pickle that asks for more than plain data.

    Parameters
    ----------
    reason
        What it asks for, a clause that goes on from the file's name: "refers to os.system, …".
    remedy
        What to do, one sentence.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.reason, self.remedy = reason, remedy


class Harmful(Refused):
    """A pickle that names what could run any program, whether it calls it or not."""


@dataclass(frozen=True, slots=True)
class Global:
    """A class or function that a pickle mentions: its name and nothing else."""

    module: str
    name: str

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Storage:
    """A claim about values stored elsewhere: `numel` of type `dtype` ("float32", …; "untyped": bytes) under `key`."""

    dtype: str
    key: str
    numel: int


@dataclass(frozen=True, slots=True, eq=False)
class TensorClaim:
    """A tensor as the pickle describes it; whether the storage really holds it, is not known yet.

    `offset` and `stride` count elements of `dtype`, which is the storage's unless that is untyped.
    """

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: str


@dataclass(slots=True, eq=False)
class Inert:
    """An object of a class that is not plain data: never made, only what the pickle says about it.

    Parameters
    ----------
    name
        Dotted path of its class or function.
    args
        What it would have been called with.
    state
        What would have been its attributes, mostly a dict.
    content
        Items, where the class is a kind of list or dict.
    """

    name: str
    args: tuple[object, ...] = ()
    state: object = field(default=None, repr=False)
    content: list[object] | dict[object, object] | None = field(default=None, repr=False)


def read(data: bytes) -> object:
    """The value of one pickle, protocols 0 to 5, that fills `data`; raises `Refused` or `Damaged`."""
    value, end = read_first(data)
    if end != len(data):
        raise Damaged("bytes follow its end")
    return value


def read_first(data: bytes, start: int = 0) -> tuple[object, int]:
    """The value of the pickle that begins at `start`, and where it ends; raises `Refused` or `Damaged`."""
    try:
        return _read_first(data, start)
    except Harmful:
        raise
    except (Damaged, Refused):
        _look_for_harm(data, start)  # which is to be told before anything else
        raise


def _read_first(data: bytes, start: int) -> tuple[object, int]:
    file = io.BytesIO(data)
    file.seek(start)
    try:
        if len(data) - start > MAX_BYTES:
            raise Damaged(f"it is longer than {MAX_BYTES // 1024**2} MB")
        return _Machine().run(file), file.tell()
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        raise Damaged("its instructions make no sense") from error


def _look_for_harm(data: bytes, start: int) -> None:
    """Raise `Harmful` if a pickle that cannot be read names such a thing anywhere; it is not run for that."""
    file = io.BytesIO(data[: start + MAX_BYTES])
    file.seek(start)
    texts: list[object] = ["", ""]  # the last two that were put on the stack
    memo: dict[object, object] = {}
    try:
        for opcode, arg, _ in pickletools.genops(file):
            if opcode.name in ("GLOBAL", "INST"):
                module, _, name = str(arg).partition(" ")
                _named(module, name)
            elif opcode.name == "STACK_GLOBAL":
                _named(str(texts[0]), str(texts[1]))
            elif opcode.name in ("PUT", "BINPUT", "LONG_BINPUT"):
                memo[arg] = texts[1]
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = texts[1]
            elif isinstance(arg, str) or opcode.name in ("GET", "BINGET", "LONG_BINGET"):
                texts = [texts[1], arg if isinstance(arg, str) else memo.get(arg, "")]
    except (ValueError, LookupError, EOFError, TypeError, struct.error):  # damaged from here on
        return


# ---- what may be named


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLAIN_TYPES = _words("""
    bool int float complex str bytes bytearray list tuple dict set frozenset slice range object type
    NoneType Ellipsis NotImplemented
""")

# Modules that no model needs. Calls are refused wherever they lead; these must not even be mentioned.
_HARMFUL_MODULES = _words("""
    os posix nt subprocess sys importlib imp runpy shutil socket pty ctypes _ctypes pickle _pickle dill cloudpickle
    marshal shelve code codeop types functools _functools operator _operator webbrowser multiprocessing
    threading _thread asyncio signal pdb bdb timeit cProfile urllib http requests ftplib smtplib ssl
    xmlrpc pip pydoc gc inspect atexit tempfile io _io zipimport pkgutil linecache site builtins
""")
_HARMFUL_PATHS = _words("""
    torch.hub torch.jit torch.load torch.save torch.serialization.load torch.serialization.save torch.package
    torch.compile torch.utils.cpp_extension torch.utils.model_zoo torch._dynamo torch._inductor torch.ops torch.classes
    torch.library torch.fx torch.distributed.rpc torch.multiprocessing numpy.load numpy.testing numpy.f2py
""")
_HARMLESS_PATHS = _words("types.SimpleNamespace types.NoneType functools.partial")


def _is_harmful(found: Global) -> bool:
    if found.module == "builtins":
        return found.name not in _PLAIN_TYPES and found.name != "getattr"  # which `_attribute` looks after
    path = found.path
    if path in _HARMLESS_PATHS:
        return False
    if path.split(".")[0] in _HARMFUL_MODULES or any(
        f"{path}.".startswith(f"{harmful}.") for harmful in _HARMFUL_PATHS
    ):
        return True
    # a way round: the name "os.system" in the module "torch" reaches a module through the attributes of another
    return "." in found.name and any(
        part in _HARMFUL_MODULES or part.startswith("__") for part in found.name.split(".")
    )


def _shown(path: str) -> str:
    """A name from a file, fit for a message: one line, not long, the name that people know beside it."""
    text = "".join(character if character.isprintable() else "?" for character in path)
    if len(text) > _MAX_SHOWN:
        text = f"{text[:_MAX_SHOWN]}…"
    module, _, name = text.partition(".")
    return f"{text} (os.{name})" if module in ("posix", "nt") else text


def _named(module: str, name: str) -> Global:
    """What a pickle names so; raises `Harmful`."""
    # Python 2 had other names for some; a loader of Python 3 takes them for these
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (module, name))
    found = Global(_compat_pickle.IMPORT_MAPPING.get(module, module), name)
    if _is_harmful(found):
        raise _harm(found)
    return found


def _harm(found: Global) -> Harmful:
    return Harmful(
        f"refers to {_shown(found.path)}, which has no place in a model and could run any program "
        "when the file is loaded elsewhere",
        "Do not load it; ask its author for the weights as .safetensors.",
    )


# ---- what may be called

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

_STORAGES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "untyped",
}


def _call(function: object, args: object) -> object:
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
        f"would call {_shown(path)} when it is loaded, and nothing that a file names is called here",
        "Save the weights alone: torch.save(model.state_dict(), FILE).",
    )


def _dictionary(items: object = ()) -> dict[object, object]:
    pairs: Any = items.items() if isinstance(items, dict) else _sequence(items)
    return {_key(key): value for key, value in pairs}


def _defaultdict(factory: object = None, items: object = ()) -> dict[object, object]:
    return _dictionary(items)


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
        raise _harm(Global("functools", "partial"))
    return Inert("functools.partial", (function, *args))


def _attribute(owner: object = None, name: object = None) -> Global:
    """torch.tanh and its like, which pickle takes for attributes of classes; raises `Harmful` for all others."""
    is_known = isinstance(owner, Global) and owner.path in _FUNCTIONS_OF_TORCH
    if is_known and isinstance(name, str) and name.isidentifier():
        return _named("torch", name)
    raise _harm(Global("builtins", "getattr"))


_FUNCTIONS_OF_TORCH = ("torch._C._VariableFunctionsClass", "torch._C._VariableFunctions", "torch._C.TensorBase")


def _set(items: object = ()) -> set[object]:
    return set(map(_key, _sequence(items)))


def _frozenset(items: object = ()) -> frozenset[object]:
    return frozenset(map(_key, _sequence(items)))


def _encode(text: object, encoding: object = "utf-8") -> bytes:
    """Bytes, as the protocols below 3 write them."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise Damaged("bytes that are no encoded text")
    return text.encode(str(encoding))


def _bytes(value: object = b"", encoding: object = "latin-1") -> bytes:
    return bytes(value) if isinstance(value, bytes | bytearray) else _encode(value, encoding)


def _size(value: object) -> tuple[int, ...]:
    return tuple(map(_count, _sequence(value)))


def _reconstructor(kind: object, base: object, state: object = None) -> Inert:
    made = _new(kind, ())
    if isinstance(state, dict | list):
        made.content = state
    return made


def _new(kind: object, args: object) -> Inert:
    if not isinstance(kind, Global) or not isinstance(args, tuple):
        raise Damaged("an object of something that is no class")
    return Inert(kind.path, args)


def _new_with(kind: object, args: object, keywords: object) -> Inert:
    return _new(kind, args)


def _tensor(storage: object, offset: object, size: object, stride: object, *_: object) -> TensorClaim:
    if not isinstance(storage, Storage):
        raise Damaged("a tensor without a storage")
    sizes, strides = _size(size), _size(stride)
    if len(sizes) != len(strides) or len(sizes) > MAX_DIMENSIONS:
        raise Damaged("a tensor of impossible shape")
    return TensorClaim(storage, _count(offset), sizes, strides, storage.dtype)


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
    return _call(function, args)


_CALLS: dict[str, Callable[..., object]] = {
    "collections.OrderedDict": _dictionary,
    "collections.Counter": _dictionary,
    "collections.defaultdict": _defaultdict,
    "_codecs.encode": _encode,
    "copyreg._reconstructor": _reconstructor,
    "copyreg.__newobj__": lambda kind, *args: _new(kind, args),
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
    "builtins.frozenset": _frozenset,
    "builtins.bytearray": _bytes,
    "builtins.bytes": _bytes,
    "builtins.dict": _dictionary,
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


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise Damaged("a size that is no number")
    return value


def _key(value: object) -> object:
    """A key of a dictionary. Only what is hashed in no time: tuples that hold each other could take for ever."""
    if isinstance(value, tuple):
        items: list[object] = list(value)
        for item in items:  # which grows meanwhile
            if isinstance(item, tuple):
                items += item
            else:
                _key(item)
            if len(items) > _MAX_KEY_ITEMS:
                raise Damaged("a key that is too complicated")
    elif isinstance(value, int):
        _check_int(value, 64)
    elif not (value is None or isinstance(value, _HASHED)):
        raise Damaged("a key that can be none")
    return value


_HASHED = (str, bytes, float, frozenset, Global, Storage, TensorClaim, Inert)


def _check_int(value: int, bits: int = _MAX_INT_BITS) -> int:
    if value.bit_length() > bits:
        raise Damaged("a number of too many digits")
    return value


# ---- the machine


class _Machine:
    """Pickle's stack machine: `run` one pickle on a new one."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # the stacks under each mark
        self.memo: dict[int, object] = {}

    def run(self, file: io.BytesIO) -> object:
        """The value that a pickle leaves on the stack; `file` is left behind its last byte."""
        for opcode, arg, _ in pickletools.genops(file):
            _STEPS[opcode.name](self, arg)
        if len(self.stack) != 1 or self.below:
            raise Damaged("it leaves no single value")
        return self.stack[0]

    def push(self, value: object) -> None:
        self.stack.append(value)

    def push_int(self, value: int) -> None:
        self.stack.append(_check_int(value))

    def mark(self, _: object) -> None:
        self.below.append(self.stack)
        self.stack = []

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def pop(self, _: object) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def tuple_of(self, count: int) -> None:
        if len(self.stack) < count:
            raise Damaged("a tuple of nothing")
        self.stack[len(self.stack) - count :] = [tuple(self.stack[len(self.stack) - count :])]

    def put(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def get(self, number: int) -> None:
        self.stack.append(self.memo[number])

    def append(self, values: list[object]) -> None:
        target: Any = self.stack[-1]
        if isinstance(target, Inert):
            target.content = [] if target.content is None else target.content
            target = target.content
        if not isinstance(target, list):
            raise Damaged("it appends to no list")
        target.extend(values)

    def set_items(self, values: list[object]) -> None:
        target: Any = self.stack[-1]
        if isinstance(target, Inert):
            target.content = {} if target.content is None else target.content
            target = target.content
        if not isinstance(target, dict) or len(values) % 2:
            raise Damaged("it sets items of no dictionary")
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[_key(key)] = value

    def add_items(self, _: object) -> None:
        values = self.pop_mark()
        target = self.stack[-1]
        if not isinstance(target, set):
            raise Damaged("it adds to no set")
        target.update(map(_key, values))

    def build(self, _: object) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Inert):
            target.state = state
        elif not isinstance(target, dict | TensorClaim):  # those have attributes too (versions, tags): of no use here
            raise Damaged("it gives attributes to what has none")

    def name(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise Damaged("a name that is no text")
        self.stack.append(_named(module, name))

    def name_of_line(self, arg: str) -> None:
        module, _, name = arg.partition(" ")
        self.name(module, name)

    def name_of_stack(self, _: object) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.name(module, name)

    def extension(self, arg: int) -> None:
        raise Refused(f"refers to extension {arg} of Python's copyreg, which no model needs", "Do not load it.")

    def reduce(self, _: object) -> None:
        args, function = self.stack.pop(), self.stack.pop()
        self.stack.append(_call(function, args))

    def instance(self, arg: str) -> None:
        args = tuple(self.pop_mark())
        self.name_of_line(arg)
        self.stack.append(_call(self.stack.pop(), args))

    def call_marked(self, _: object) -> None:
        kind, *args = self.pop_mark()
        self.stack.append(_call(kind, tuple(args)))

    def new(self, _: object) -> None:
        args, kind = self.stack.pop(), self.stack.pop()
        self.stack.append(_new(kind, args))

    def new_with(self, _: object) -> None:
        _, args, kind = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append(_new(kind, args))

    def persistent(self, _: object) -> None:
        """What PyTorch keeps outside of the pickle: storages, and in old files the source text of classes."""
        pid = self.stack.pop()
        if isinstance(pid, tuple) and len(pid) == 4 and pid[0] == "module":
            self.stack.append(pid[1])
            return
        if not (isinstance(pid, tuple) and len(pid) in (5, 6) and pid[0] == "storage"):
            raise Damaged("a reference to something outside of it that is no storage")
        kind, key, count = pid[1], pid[2], pid[4]
        if not isinstance(kind, Global) or kind.path.split(".")[0] != "torch" or not isinstance(key, str):
            raise Damaged("a storage of no known type")
        dtype = _STORAGES.get(kind.name)
        if dtype is None:
            raise Refused(f"holds a storage of the unknown type {_shown(kind.path)}", "Save the weights as float32.")
        self.stack.append(Storage(dtype, key, _count(count)))

    def protocol(self, number: int) -> None:
        if number > 5:
            raise Damaged(f"protocol {number} is not known")

    def nothing(self, _: object) -> None:
        pass

    def outside(self, _: object) -> None:
        raise Damaged("it lacks the buffers that were kept outside of it")


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(
        _words("""
            FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8
            UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8
        """),
        _Machine.push,
    ),
    **dict.fromkeys(_words("INT BININT BININT1 BININT2 LONG LONG1 LONG4"), _Machine.push_int),
    **dict.fromkeys(_words("PUT BINPUT LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(_words("GET BINGET LONG_BINGET"), _Machine.get),
    **dict.fromkeys(_words("EXT1 EXT2 EXT4"), _Machine.extension),
    **dict.fromkeys(_words("FRAME STOP"), _Machine.nothing),
    "PROTO": _Machine.protocol,
    **dict.fromkeys(_words("PERSID NEXT_BUFFER READONLY_BUFFER"), _Machine.outside),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_SET": lambda machine, _: machine.push(set()),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "LIST": lambda machine, _: machine.push(machine.pop_mark()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_mark())),
    "DICT": lambda machine, _: machine.push(_pairs(machine.pop_mark())),
    "FROZENSET": lambda machine, _: machine.push(_frozenset(machine.pop_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": lambda machine, _: machine.append([machine.stack.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_mark()),
    "SETITEM": lambda machine, _: machine.set_items([machine.stack.pop(-2), machine.stack.pop()]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_mark()),
    "ADDITEMS": _Machine.add_items,
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": lambda machine, _: machine.nothing(machine.pop_mark()),
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "MEMOIZE": lambda machine, _: machine.put(len(machine.memo)),
    "GLOBAL": _Machine.name_of_line,
    "STACK_GLOBAL": _Machine.name_of_stack,
    "INST": _Machine.instance,
    "OBJ": _Machine.call_marked,
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.new,
    "NEWOBJ_EX": _Machine.new_with,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}


def _pairs(values: list[object]) -> dict[object, object]:
    return _dictionary(list(zip(values[::2], values[1::2], strict=True)))
