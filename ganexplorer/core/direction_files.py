"""Directions in a file: JSON that a person can read, and the ones that come with a model."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from ganexplorer.core.directions import Direction, Origin
from ganexplorer.core.errors import UserError, plain
from ganexplorer.core.files import atomic_write, read_small
from ganexplorer.core.zoo import GENERATOR_FILE, ModelEntry

FORMAT = "ganexplorer-directions-1"
DIRECTIONS_FILE = "directions.json"  # beside the generator of a model folder
MAX_BYTES = 32 * 1024 * 1024
MAX_COUNT = 1000
MAX_NAME = 200  # characters

_ANY = (-math.inf, math.inf, "")
_SHARE = (0.0, 1.0, "from 0 to 1")
# what may have been measured of a direction: least and greatest value, and these in words
_MEASURES = {
    "effect": _ANY,
    "fit": _ANY,
    "step": (math.ulp(0.0), math.inf, "above 0"),
    "success": _SHARE,
    "side": _SHARE,
}


class DirectionsError(UserError):
    """A file of directions that cannot be used. The text names file, reason and remedy."""


def save_directions(path: Path | str, directions: Sequence[Direction], z_dim: int) -> None:
    """Write directions, one a line; `load_directions` gives them back bit for bit.

    Raises `DirectionsError` for more than it would read, OSError where the file cannot be written.
    """
    if any(direction.vector.shape != (z_dim,) for direction in directions):
        raise ValueError(f"directions of other than {z_dim} dimensions")
    if len(directions) > MAX_COUNT:
        raise DirectionsError(f"{path}: takes {MAX_COUNT} directions, not {len(directions):,}. Take some away.")
    long = next((direction.name for direction in directions if not 0 < len(direction.name) <= MAX_NAME), None)
    if long is not None:
        raise DirectionsError(f"{path}: a name has 1 to {MAX_NAME} characters, not {len(long):,}. Rename it.")
    lines = ",\n".join(json.dumps(_to_dict(direction), ensure_ascii=False) for direction in directions)
    data = f'{{"format": "{FORMAT}", "z_dim": {z_dim}, "directions": [\n{lines}\n]}}\n'.encode(errors="replace")
    if len(data) > MAX_BYTES:
        raise DirectionsError(f"{path}: would be longer than {MAX_BYTES:,} bytes. Take some directions away.")
    with atomic_write(path) as file:
        file.write(data)


def load_directions(path: Path | str, z_dim: int) -> list[Direction]:
    """The directions that `save_directions` wrote, for a model of `z_dim`.

    Raises `FileError` or `DirectionsError`, both `UserError`.
    """
    try:
        data = json.loads(read_small(path, MAX_BYTES))
    except (ValueError, RecursionError):
        raise DirectionsError(f"{path}: is not JSON. Choose a file of directions that ganexplorer saved.") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DirectionsError(f"{path}: is no file of directions. Choose one that ganexplorer saved.")
    if data.get("z_dim") != z_dim:
        raise DirectionsError(
            f"{path}: its directions are for models with {data.get('z_dim')!r} latent dimensions, and this one has "
            f"{z_dim}. Choose another file or open another model."
        )
    items = data.get("directions")
    if not isinstance(items, list) or len(items) > MAX_COUNT:
        raise DirectionsError(f"{path}: lacks a list of at most {MAX_COUNT} directions. Save it again.")
    directions = []
    for number, item in enumerate(items, 1):
        try:
            directions.append(_from_dict(item, z_dim))
        except ValueError as error:
            raise DirectionsError(f"{path}: direction {number}: {error}. Save it again, or take it out.") from None
    return directions


def shipped_file(entry: ModelEntry) -> Path | None:
    """The file of directions in a model's folder; None where there is none."""
    path = entry.path.with_name(DIRECTIONS_FILE)
    return path if entry.path.name == GENERATOR_FILE and path.is_file() else None


def shipped_directions(entry: ModelEntry) -> list[Direction]:
    """The directions that lie in a model's folder; none where there are none. Raises `UserError` as loading does."""
    path = shipped_file(entry)
    found = [] if path is None else load_directions(path, entry.spec.z_dim)
    return [dataclasses.replace(direction, origin="model") for direction in found]


def measures_of(direction: Direction) -> dict[str, float]:
    """What was measured of a direction, by name; nothing that was not."""
    measures = {name: float(getattr(direction, name)) for name in _MEASURES}
    return {key: value for key, value in measures.items() if math.isfinite(value)}


def _to_dict(direction: Direction) -> dict[str, Any]:
    vector = {"name": direction.name, "vector": direction.vector.tolist()}
    return vector | measures_of(direction) | {"origin": direction.origin}


def _from_dict(item: object, z_dim: int) -> Direction:
    """Raises ValueError with the reason."""
    if not isinstance(item, dict):
        raise ValueError("it is not a JSON object")
    name = item.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise ValueError(f"its name is not a text of 1 to {MAX_NAME} characters")
    origin: Origin = next((known for known in get_args(Origin) if known == item.get("origin")), "file")
    direction = Direction.of(plain(name), _vector(item.get("vector"), z_dim), origin=origin)
    measures: dict[str, Any] = {key: _measure(item, key) for key in _MEASURES}
    return dataclasses.replace(direction, **measures)


def _vector(values: object, z_dim: int) -> Tensor:
    if not isinstance(values, list) or len(values) != z_dim or not all(map(_is_number, values)):
        raise ValueError(f"its vector is not a list of {z_dim} numbers")
    try:
        vector = torch.tensor([float(value) for value in values], dtype=torch.float64).float()
    except OverflowError:
        raise ValueError("its vector has numbers that are too large") from None
    if not vector.isfinite().all() or not vector.any():
        raise ValueError("its vector is zero or not finite")
    return vector


def _measure(item: dict[str, Any], key: str) -> float:
    """A finite number, or nan where there is none."""
    value = item.get(key)
    if value is None:
        return math.nan
    low, high, words = _MEASURES[key]
    try:
        if _is_number(value) and math.isfinite(value):
            if low <= value <= high:
                return float(value)
            raise ValueError(f"its {key} is not {words}")
    except OverflowError:
        pass
    raise ValueError(f"its {key} is not a number")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
