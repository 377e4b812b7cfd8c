"""Points as a CSV file, written a little at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from ganexplorer.core.errors import UserError
from ganexplorer.core.files import atomic_write
from ganexplorer.ui.plots.record import FIELDS
from ganexplorer.ui.plots.series import Values

LINES = 250  # written at once: about a millisecond


class ExportError(UserError):
    """A file that cannot be written. The text names file, reason and remedy."""


def write_csv(path: Path, table: Values) -> Iterator[int]:
    """Write `table` (points, fields of `Scalars`) with a line of names; nan is left empty.

    A generator that tells how many points it has written. The file is there when it ends; closing it before that leaves
    no trace. Raises `ExportError`.
    """
    try:
        with atomic_write(path) as file:
            file.write(f"{','.join(FIELDS)}\n".encode())
            for start in range(0, len(table), LINES):
                rows = table[start : start + LINES].tolist()
                file.write("".join(f"{','.join(map(_cell, row))}\n" for row in rows).encode())
                yield start + len(rows)
    except OSError as error:
        raise ExportError(
            f"{path}: the points cannot be written ({error.strerror or error}). Choose a folder of yours."
        ) from None


def _cell(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
