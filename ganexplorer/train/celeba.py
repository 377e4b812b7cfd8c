"""CelebA as a person has put it on the disk: ``DIR/celeba/img_align_celeba``, ``DIR/celeba/list_attr_celeba.txt``.

Never downloaded: its server hands it out to few people a day.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np

from ganexplorer.core.files import FileError, read_small
from ganexplorer.train.classes import Attributes
from ganexplorer.train.events import Progress
from ganexplorer.train.progress import Pace
from ganexplorer.train.sources import DataError

_MAX_TABLE = 200_000_000  # bytes; the published one has 26 million


def pictures_folder(folder: Path) -> Path | None:
    """The folder of the aligned pictures: in torchvision's layout, or in `folder` itself; None where there is none."""
    candidates = (folder / "celeba" / "img_align_celeba", folder / "img_align_celeba")
    return next((path for path in candidates if os.path.isdir(path)), None)


def table_of(pictures: Path) -> Path | None:
    """The table of attributes that lies beside the pictures: as published (.txt), or with commas (.csv)."""
    tables = (pictures.parent / f"list_attr_celeba.{suffix}" for suffix in ("txt", "csv"))
    return next((path for path in tables if os.path.isfile(path)), None)


def read_attributes(table: Path, files: Sequence[str]) -> Generator[Progress, None, Attributes]:
    """The attributes of these files; a file that the table does not name has none.

    Read here and not by ``torchvision.datasets.CelebA``, which wants four more tables of exact checksums, and holds
    all their numbers as Python objects first.

    Raises
    ------
    DataError
        No such table.
    """
    yield Progress("Reading attributes", 0, len(files))
    try:
        lines = read_small(table, _MAX_TABLE).decode().replace(",", " ").splitlines()
    except (FileError, UnicodeDecodeError) as error:
        raise DataError(str(error) if isinstance(error, FileError) else _odd_table(table)) from None
    header = 0 if lines and not lines[0].strip().isdecimal() else 1  # as published, the first line is the count
    names = lines[header].split() if len(lines) > header else []
    names = names[1:] if names[:1] == ["image_id"] else names
    rows = {name: number for number, name in enumerate(files)}
    values = np.zeros((len(files), len(names)), bool)
    pace = Pace()
    for number, line in enumerate(lines[header + 1 :]):
        name, _, rest = line.strip().partition(" ")
        words = rest.split()
        if not name:
            continue
        if len(words) != len(names) or not names:
            raise DataError(_odd_table(table))
        if name in rows:
            values[rows[name]] = [word == "1" for word in words]
        if pace.is_due():
            yield Progress("Reading attributes", number, len(lines))
    if not names or len(lines) <= header + 1:
        raise DataError(_odd_table(table))
    return Attributes(tuple(names), values)


def _odd_table(table: Path) -> str:
    return f"{table}: is no table of CelebA's attributes. Copy it again, or take it away to read the pictures alone."
