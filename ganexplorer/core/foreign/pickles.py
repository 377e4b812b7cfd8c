"""An inert reader of pickles: it never imports or calls anything that a file names.

A pickle is a program for a stack machine, and loading one runs what it asks for. This machine knows plain data and the
few calls by which PyTorch and numpy describe theirs; whatever else is named stays a name (`Global`), objects of other
classes stay a record of what was said about them (`Inert`), and any other call ends the reading (`Refused`).
"""

from __future__ import annotations

import io
import pickletools
import struct
from collections.abc import Callable
from typing import Any

from ganexplorer.core.foreign.calls import call, dictionary, frozen_set, new_object
from ganexplorer.core.foreign.claims import (
    STORAGES,
    Damaged,
    Global,
    Harmful,
    Inert,
    Refused,
    Storage,
    TensorClaim,
    checked_count,
    checked_int,
    checked_key,
)
from ganexplorer.core.foreign.harmful import named, shown, words

MAX_BYTES = 8 * 1024**2


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
                named(module, name)
            elif opcode.name == "STACK_GLOBAL":
                named(str(texts[0]), str(texts[1]))
            elif opcode.name in ("PUT", "BINPUT", "LONG_BINPUT"):
                memo[arg] = texts[1]
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = texts[1]
            elif isinstance(arg, str) or opcode.name in ("GET", "BINGET", "LONG_BINGET"):
                texts = [texts[1], arg if isinstance(arg, str) else memo.get(arg, "")]
    except (ValueError, LookupError, EOFError, TypeError, struct.error):  # damaged from here on
        return


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
        self.stack.append(checked_int(value))

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
            target[checked_key(key)] = value

    def add_items(self, _: object) -> None:
        values = self.pop_mark()
        target = self.stack[-1]
        if not isinstance(target, set):
            raise Damaged("it adds to no set")
        target.update(map(checked_key, values))

    def build(self, _: object) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Inert):
            target.state = state
        elif not isinstance(target, dict | TensorClaim):  # those have attributes too (versions, tags): of no use here
            raise Damaged("it gives attributes to what has none")

    def name(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise Damaged("a name that is no text")
        self.stack.append(named(module, name))

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
        self.stack.append(call(function, args))

    def instance(self, arg: str) -> None:
        args = tuple(self.pop_mark())
        self.name_of_line(arg)
        self.stack.append(call(self.stack.pop(), args))

    def call_marked(self, _: object) -> None:
        kind, *args = self.pop_mark()
        self.stack.append(call(kind, tuple(args)))

    def new(self, _: object) -> None:
        args, kind = self.stack.pop(), self.stack.pop()
        self.stack.append(new_object(kind, args))

    def new_with(self, _: object) -> None:
        _, args, kind = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append(new_object(kind, args))

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
        dtype = STORAGES.get(kind.name)
        if dtype is None:
            raise Refused(f"holds a storage of the unknown type {shown(kind.path)}", "Save the weights as float32.")
        self.stack.append(Storage(dtype, key, checked_count(count)))

    def protocol(self, number: int) -> None:
        if number > 5:
            raise Damaged(f"protocol {number} is not known")

    def nothing(self, _: object) -> None:
        pass

    def outside(self, _: object) -> None:
        raise Damaged("it lacks the buffers that were kept outside of it")


_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(
        words("""
            FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8
            UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8
        """),
        _Machine.push,
    ),
    **dict.fromkeys(words("INT BININT BININT1 BININT2 LONG LONG1 LONG4"), _Machine.push_int),
    **dict.fromkeys(words("PUT BINPUT LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(words("GET BINGET LONG_BINGET"), _Machine.get),
    **dict.fromkeys(words("EXT1 EXT2 EXT4"), _Machine.extension),
    **dict.fromkeys(words("FRAME STOP"), _Machine.nothing),
    "PROTO": _Machine.protocol,
    **dict.fromkeys(words("PERSID NEXT_BUFFER READONLY_BUFFER"), _Machine.outside),
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
    "FROZENSET": lambda machine, _: machine.push(frozen_set(machine.pop_mark())),
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
    return dictionary(list(zip(values[::2], values[1::2], strict=True)))
