"""What the value of a pickle holds: its tensors by name, and what its modules say about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganexplorer.core.foreign.claims import Inert, TensorClaim
from ganexplorer.core.foreign.contents import MAX_NAME, MAX_TENSORS, ModuleFacts, check_count, check_name
from ganexplorer.core.foreign.reasons import AGAIN, Reason, quoted

MAX_DEPTH = 16  # of dictionaries and lists
MAX_MODULE_DEPTH = 64
MAX_STEPS = 2_000_000  # entries looked at: a list can hold itself many times over
MAX_VALUES = 48  # attributes kept of a module
MAX_TEXT = 200  # characters of such an attribute


class Walk:
    """Names the tensors of what a pickle holds, and the modules."""

    def __init__(self) -> None:
        self.tensors: dict[str, TensorClaim] = {}
        self.modules: dict[str, ModuleFacts] = {}
        self.steps = 0

    def value(self, value: object, name: str, prefix: str, depth: int = 0) -> None:
        """Walk a value called `name`; what it holds is called `prefix` and its own key."""
        if isinstance(value, TensorClaim):
            self._add(value, name)
            return
        if isinstance(value, Inert):
            state = _module_state(value)
            if state is not None:
                self._module(value, state, prefix, prefix)
                return
            value = value.content
        if not isinstance(value, dict | list | tuple) or (isinstance(value, dict) and "param_groups" in value):
            return
        if depth == MAX_DEPTH:
            raise Reason(f"nests dictionaries deeper than {MAX_DEPTH} levels. Save the weights alone.")
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise Reason(f"holds more than {MAX_STEPS:,} entries. Save the weights alone.")
            if type(key) in (str, int) and isinstance(item, TensorClaim | Inert | dict | list | tuple):
                inner = f"{prefix}{key}"
                if len(inner) <= MAX_NAME or isinstance(item, TensorClaim):  # else text, and no part of a network
                    check_name(inner)
                    self.value(item, inner, f"{inner}/", depth + 1)

    def _module(self, module: Inert, state: Mapping[str, Any], path: str, prefix: str, depth: int = 0) -> None:
        """Walk a module as state_dict does."""
        if depth > MAX_MODULE_DEPTH:
            raise Reason(f"nests modules deeper than {MAX_MODULE_DEPTH} levels. Save the state dict.")
        if len(self.modules) == MAX_TENSORS:
            raise Reason(f"holds more than {MAX_TENSORS:,} modules. Save the state dict.")
        if path in self.modules:
            raise Reason(f"gives two modules the name {quoted(path)}. Save the state dict.")
        self.modules[path] = _facts(module.name, state)
        passing = state.get("_non_persistent_buffers_set", ())
        for key, value in [*state["_parameters"].items(), *state["_buffers"].items()]:
            if isinstance(value, TensorClaim) and key not in passing:
                self._add(value, f"{prefix}{_text(key)}")
        for key, child in state["_modules"].items():
            if isinstance(child, Inert) and (inner := _module_state(child)) is not None:
                check_name(below := f"{prefix}{_text(key)}")
                self._module(child, inner, below, f"{below}.", depth + 1)

    def _add(self, claim: TensorClaim, name: str) -> None:
        check_name(name)
        if name in self.tensors:
            raise Reason(f"gives two tensors the name {quoted(name)}. Save the state dict of one network alone.")
        self.tensors[name] = claim
        check_count(len(self.tensors))


def _module_state(value: Inert) -> dict[str, Any] | None:
    """The attributes of a pickled nn.Module; None for any other object."""
    state = value.state[0] if isinstance(value.state, tuple) and value.state else value.state
    if isinstance(state, dict) and all(
        isinstance(state.get(key), dict) for key in ("_parameters", "_buffers", "_modules")
    ):
        return state
    return None


def _facts(path: str, state: Mapping[Any, object]) -> ModuleFacts:
    values: dict[str, Any] = {}
    for key, value in state.items():
        if len(values) < MAX_VALUES and isinstance(key, str) and len(key) <= MAX_TEXT and not key.startswith("_"):
            if _is_plain(value):
                values[key] = value
            elif isinstance(value, tuple | list) and len(value) <= 4 and all(map(_is_plain, value)):
                values[key] = list(value)
    module, _, class_name = path.rpartition(".")
    return ModuleFacts(class_name[:MAX_TEXT], values, module[:MAX_TEXT])


def _is_plain(value: object) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= 63
    return isinstance(value, float) or (isinstance(value, str) and len(value) <= MAX_TEXT)


def _text(key: object) -> str:
    if not isinstance(key, str):
        raise Reason(f"is damaged (a module's part without a name). {AGAIN}")
    return key
