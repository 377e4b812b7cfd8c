"""What a pickle says, kept as values that do nothing, and what is raised for one that is turned away.

All that comes out of `pickles` is plain data and these.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_DIMENSIONS = 16
_MAX_INT_BITS = 2048
_MAX_KEY_ITEMS = 16


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


# PyTorch's classes of storages, and what they hold
STORAGES = {
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


# ---- checks


def checked_count(value: object) -> int:
    """A size or an offset; raises `Damaged` for whatever else."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise Damaged("a size that is no number")
    return value


def checked_key(value: object) -> object:
    """A key of a dictionary. Only what is hashed in no time: tuples that hold each other could take for ever."""
    if isinstance(value, tuple):
        items: list[object] = list(value)
        for item in items:  # which grows meanwhile
            if isinstance(item, tuple):
                items += item
            else:
                checked_key(item)
            if len(items) > _MAX_KEY_ITEMS:
                raise Damaged("a key that is too complicated")
    elif isinstance(value, int):
        checked_int(value, 64)
    elif not (value is None or isinstance(value, _HASHED)):
        raise Damaged("a key that can be none")
    return value


_HASHED = (str, bytes, float, frozenset, Global, Storage, TensorClaim, Inert)


def checked_int(value: int, bits: int = _MAX_INT_BITS) -> int:
    """A number of at most `bits`; raises `Damaged`."""
    if value.bit_length() > bits:
        raise Damaged("a number of too many digits")
    return value
