"""A session on disk: the model, what a person made of it, and how they came there, as one JSON file.

Latents are base64 of little-endian float32, so that they come back bit for bit.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, TypeGuard, TypeVar, get_args

import numpy as np
import torch
from torch import Tensor

from ganexplorer.core import zoo
from ganexplorer.core.directions import Direction, Origin
from ganexplorer.core.errors import UserError, plain
from ganexplorer.core.files import atomic_write, read_small
from ganexplorer.core.latent import PathMode, Prior
from ganexplorer.core.places import home_folder
from ganexplorer.core.spec import MAX_Z_DIM
from ganexplorer.core.state import Bookmark, Gallery, GalleryOrder, Morph, Share, State, Step

FORMAT = "ganexplorer-session-1"
SUFFIX = zoo.SESSION_SUFFIX
MAX_BYTES = 64 * 1024 * 1024
MAX_ITEMS = 10_000  # of each list
MAX_NAME = 200  # characters
MAX_TRUNCATION = 1000.0  # either way
_MAX_MODEL = 4096
_MAX_NUMBER = 1e9  # either way
_MEASURES = ("effect", "fit", "step", "success", "side")  # of a direction, where they were measured

_Made = TypeVar("_Made")
_Settings = TypeVar("_Settings", Morph, Gallery)


class SessionError(UserError):
    """A file that is no usable session. The text names file, reason and remedy."""


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """What `save_session` writes.

    Attributes
    ----------
    model
        What leads to the model: its name, or the path of its file.
    name
        What the model is called.
    fingerprint
        `checkpoint.fingerprint` of its generator.
    prior
        Of its latent space; ``state.z`` tells how many dimensions that has.
    steps
        The history; ``state.node`` is the number of one of them.
    """

    model: str
    name: str
    fingerprint: str
    prior: Prior
    state: State
    steps: tuple[Step, ...]
    morph: Morph = Morph()
    gallery: Gallery = Gallery()


def save_session(path: Path | str, session: Session) -> None:
    """Write one file, atomically.

    Raises `SessionError` for what `load_session` would refuse, OSError where the file cannot be written.
    """
    state = session.state
    data = {
        "format": FORMAT,
        "model": session.model,
        "name": session.name,
        "fingerprint": session.fingerprint,
        "prior": session.prior.to_dict(),
        "z": _encode(state.z),
        "node": state.node,
        "truncation": state.truncation,
        "a": None if state.a is None else _encode(state.a),
        "b": None if state.b is None else _encode(state.b),
        "middle": [_encode(z) for z in state.middle],
        "locked": sorted(state.locked),
        "morph": dataclasses.asdict(session.morph),
        "gallery": dataclasses.asdict(session.gallery),
        "bookmarks": [{"name": mark.name, "z": _encode(mark.z)} for mark in state.bookmarks],
        "stars": [_encode(z) for z in state.stars],
        "basket": [{"z": _encode(share.z), "weight": share.weight} for share in state.basket],
        "directions": [_direction_to_dict(direction) for direction in state.directions],
        "history": [{"number": s.number, "parent": s.parent, "z": _encode(s.z)} for s in session.steps],
    }
    text = json.dumps(data, indent=1, ensure_ascii=False).encode(errors="replace") + b"\n"
    try:
        _from_dict(data)
    except _BadValue as error:
        raise SessionError(f"{path}: not saved, as it could not be opened again: {error}. Take that away.") from None
    if len(text) > MAX_BYTES:
        raise SessionError(f"{path}: would be longer than {MAX_BYTES:,} bytes. Take some bookmarks or stars away.")
    with atomic_write(path) as file:
        file.write(text)


def load_session(path: Path | str) -> Session:
    """What `save_session` wrote, bit for bit; raises `UserError` for anything else."""
    try:
        data = json.loads(read_small(path, MAX_BYTES))
    except (ValueError, RecursionError):
        raise SessionError(f"{path}: is no session (not JSON). Choose a file that ganexplorer saved.") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise SessionError(f"{path}: is no session of ganexplorer. Choose a file that it saved.")
    try:
        return _from_dict(data)
    except _BadValue as error:
        raise SessionError(f"{path}: {error}. The file is damaged: take an older copy.") from None


def is_session(path: Path | str) -> bool:
    """Whether a file's name says that it is a session."""
    return Path(path).suffix.lower() == SUFFIX


def last_session() -> Path:
    """Where the window keeps the session that it was closed with, or that another took the place of."""
    return home_folder() / f"last{SUFFIX}"


def model_of(path: Path | str, session: Session) -> zoo.ModelEntry:
    """The model of a session that was read from `path`: where it was, or beside the session.

    Raises `UserError` if it is at neither place.
    """
    try:
        return dataclasses.replace(zoo.resolve(session.model), name=session.name)
    except zoo.ModelNotFound:
        for kind in (PurePosixPath, PureWindowsPath):  # it may come from another system
            name = kind(session.model).name
            beside = Path(path).parent / name
            if beside.name == name and os.path.lexists(beside):  # one with a drive would lead elsewhere
                return dataclasses.replace(zoo.resolve(str(beside)), name=session.name)
        raise SessionError(f"{path}: its model {session.model} is gone. Put it back, or beside the session.") from None


class _BadValue(Exception):
    """A value of a session that cannot be; its text says which."""


def _from_dict(data: Mapping[str, Any]) -> Session:
    z = _decode(data.get("z"), "z")
    prior = _checked(lambda: Prior.from_dict(data["prior"]), "its prior")

    def latent(value: object, what: str) -> Tensor:
        found = _decode(value, what)
        if found.shape != z.shape:
            raise _BadValue(f"{what} has {len(found)} numbers and z has {len(z)}")
        return found

    steps = tuple(
        Step(_number(item, "number"), _parent(item), latent(item.get("z"), "a step of its history"))
        for item in _items(data, "history")
    )
    numbers = [step.number for step in steps]
    if len(set(numbers)) < len(numbers):
        raise _BadValue("two steps of its history have one number")
    if any(step.parent is not None and (step.parent >= step.number or step.parent not in numbers) for step in steps):
        raise _BadValue("a step of its history has an impossible parent")
    locked = data.get("locked", [])
    if not isinstance(locked, list) or any(not _is_whole(i) or not 0 <= i < len(z) for i in locked):
        raise _BadValue("its locked dimensions are not numbers of dimensions")
    state = State(
        z,
        _number(data, "node"),
        _real(data.get("truncation", 1.0), "its truncation", MAX_TRUNCATION),
        None if data.get("a") is None else latent(data["a"], "A"),
        None if data.get("b") is None else latent(data["b"], "B"),
        tuple(latent(item, "a key frame") for item in _list(data, "middle")),
        frozenset(locked),
        tuple(_direction(item) for item in _items(data, "directions")),
        tuple(Bookmark(_name(item), _decode(item.get("z"), "a bookmark")) for item in _items(data, "bookmarks")),
        tuple(_decode(item, "a star") for item in _list(data, "stars")),
        tuple(
            Share(_decode(item.get("z"), "the basket"), _real(item.get("weight"), "a weight"))
            for item in _items(data, "basket")
        ),
    )
    return Session(
        _text(data, "model", _MAX_MODEL),
        _text(data, "name", _MAX_MODEL),
        _text(data, "fingerprint", MAX_NAME, may_be_empty=True),
        prior,
        state,
        steps,
        _settings(Morph, data.get("morph"), "morph"),
        _settings(Gallery, data.get("gallery"), "gallery"),
    )


# -- values ------------------------------------------------------------------------------------------------

_CHOICES: dict[str, tuple[object, ...]] = {"mode": get_args(PathMode), "order": get_args(GalleryOrder)}
_RANGES: dict[str, tuple[float, float]] = {
    "reach": (0.0, 10.0),
    "seconds": (0.01, 3600.0),
    "seed": (0, 2**63 - 1),
    "truncation": (-MAX_TRUNCATION, MAX_TRUNCATION),
    "count": (1, 10_000),
}


def _settings(kind: type[_Settings], data: object, what: str) -> _Settings:
    """A `Morph` or a `Gallery`: fields that the file lacks have their defaults."""
    if not isinstance(data, dict):
        raise _BadValue(f"its {what} is missing")
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name not in data:
            continue
        value = data[field.name]
        is_good = isinstance(value, bool)
        if field.name in _CHOICES:
            is_good = value in _CHOICES[field.name]
        elif field.name in _RANGES:
            low, high = _RANGES[field.name]
            is_number = _is_whole(value) or (isinstance(field.default, float) and isinstance(value, float))
            is_good = is_number and low <= value <= high
        if not is_good:
            raise _BadValue(f"its {what} has a {field.name} of {plain(str(value)[:50])}")
        values[field.name] = float(value) if isinstance(field.default, float) else value
    return kind(**values)


def _encode(z: Tensor) -> str:
    return base64.b64encode(z.detach().cpu().numpy().astype("<f4").tobytes()).decode()


def _decode(value: object, what: str) -> Tensor:
    """A latent, (z_dim,), finite."""
    if not isinstance(value, str) or len(value) > 8 * MAX_Z_DIM:
        raise _BadValue(f"{what} is no latent")
    try:
        data = np.frombuffer(base64.b64decode(value, validate=True), "<f4").astype(np.float32)
    except (binascii.Error, ValueError):
        raise _BadValue(f"{what} is no latent") from None
    if not 0 < len(data) <= MAX_Z_DIM or not np.isfinite(data).all():
        raise _BadValue(f"{what} is empty, too long or not finite")
    return torch.from_numpy(data)


def _direction_to_dict(direction: Direction) -> dict[str, Any]:
    measures = {name: getattr(direction, name) for name in _MEASURES}
    return {"name": direction.name, "vector": _encode(direction.vector), "origin": direction.origin} | {
        name: value
        for name, value in measures.items()
        if abs(value) < _MAX_NUMBER  # not nan either
    }


def _direction(item: Mapping[str, Any]) -> Direction:
    vector = _decode(item.get("vector"), "a direction")
    if abs(float(vector.norm()) - 1) > 1e-3:
        raise _BadValue("a direction is no unit vector")
    origin: Origin = next((known for known in get_args(Origin) if known == item.get("origin")), "file")
    measures: dict[str, Any] = {
        name: _real(item[name], f"the {name} of a direction") for name in _MEASURES if name in item
    }
    return dataclasses.replace(Direction(_name(item), vector, origin=origin), **measures)


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name, [])
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise _BadValue(f"its {name} is no list of at most {MAX_ITEMS:,}")
    return value


def _items(data: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    items = _list(data, name)
    if not all(isinstance(item, dict) for item in items):
        raise _BadValue(f"its {name} has something else than objects")
    return items


def _name(item: Mapping[str, Any]) -> str:
    return _text(item, "name", MAX_NAME)


def _text(item: Mapping[str, Any], key: str, longest: int, may_be_empty: bool = False) -> str:
    value = item.get(key)
    if not isinstance(value, str) or len(value) > longest or not (value or may_be_empty):
        raise _BadValue(f"a {key} is no text of at most {longest} characters")
    return value


def _parent(item: Mapping[str, Any]) -> int | None:
    return None if item.get("parent") is None else _number(item, "parent")


def _number(item: Mapping[str, Any], key: str) -> int:
    value = item.get(key)
    if not _is_whole(value) or not 0 <= value < 2**53:
        raise _BadValue(f"its {key} is no whole number")
    return int(value)


def _real(value: object, what: str, most: float = _MAX_NUMBER) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < most:
        raise _BadValue(f"{what} is no number")
    return float(value)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _checked(make: Callable[[], _Made], what: str) -> _Made:
    try:
        return make()
    except (ValueError, KeyError, OverflowError) as error:
        raise _BadValue(f"{what} is not usable ({error})") from None
