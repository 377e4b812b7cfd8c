"""Where models are: shipped ones, the person's own folder, run folders and plain files.

A model folder is ``NAME/{generator.safetensors, discriminator.safetensors, card.json, samples.png}``; a run folder
has ``config.json``, ``snapshots/`` and a ``LATEST`` that names the newest snapshot.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ganexplorer.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    card_of,
    is_own,
    read_metadata,
    read_networks,
    spec_of,
    write_networks,
)
from ganexplorer.core.errors import UserError, did_you_mean
from ganexplorer.core.files import FileError, atomic_write, open_regular, read_small
from ganexplorer.core.foreign import opening
from ganexplorer.core.foreign.opening import ForeignFile
from ganexplorer.core.networks import Network
from ganexplorer.core.places import home_folder
from ganexplorer.core.spec import NetworkSpec

GENERATOR_FILE = "generator.safetensors"
DISCRIMINATOR_FILE = "discriminator.safetensors"
CARD_FILE = "card.json"
_MAX_NAME = 4096  # bytes of the one in LATEST
SESSION_SUFFIX = ".ganexplorer"  # of `session.save_session`
FIRST_MODEL = "mnist-mlp-64"  # what the window opens on


class ModelNotFound(UserError):
    """MODEL is neither a known name nor a run folder nor a file."""


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be opened: its name and the file of its generator, in our own format or a stranger's."""

    name: str
    path: Path
    note: str = field(default="", compare=False)  # why it is this file and not another, to be told when it is opened

    @cached_property
    def _metadata(self) -> dict[str, str]:
        return read_metadata(self.path)

    @cached_property
    def foreign(self) -> ForeignFile | None:
        """A stranger's file as it was understood; None for a file of ganexplorer's own. Raises `UserError`."""
        return None if is_own(self.path) else opening.read(self.path)

    @property
    def is_known(self) -> bool:
        """Whether `spec` is at hand: to read a stranger's file takes a while. Raises `UserError`."""
        return "foreign" in vars(self) or is_own(self.path)

    @cached_property
    def spec(self) -> NetworkSpec:
        """Raises `UserError` when the file cannot be opened."""
        if self.foreign is not None:
            return self.foreign.spec
        if "generator" not in self._metadata:
            raise CheckpointError(f"{self.path}: holds a discriminator alone. Open the generator's file instead.")
        return spec_of(self.path, "generator", self._metadata["generator"])

    @cached_property
    def card(self) -> dict[str, Any]:
        return card_of(self._metadata) if self.foreign is None else self.foreign.card

    @property
    def has_discriminator(self) -> bool:
        if self.foreign is not None:
            return self.foreign.has_discriminator
        return "discriminator" in self._metadata or self._discriminator_path is not None

    @property
    def size(self) -> int:
        """Bytes on disk, discriminator included."""
        total = 0
        for path in (self.path, self._discriminator_path):
            if path is not None:
                with open_regular(path) as file:
                    total += os.fstat(file.fileno()).st_size
        return total

    def load(self) -> Checkpoint:
        """Generator, discriminator (where there is one) and card; raises `UserError`."""
        if self.foreign is not None:
            return self.foreign.checkpoint()
        checkpoint = Checkpoint.load(self.path)
        if checkpoint.discriminator is None and self._discriminator_path is not None:
            networks, _ = read_networks(self._discriminator_path)
            beside = networks.get("discriminator")
            if beside is not None and beside.spec.image_shape != checkpoint.generator.spec.image_shape:
                raise CheckpointError(f"{self._discriminator_path}: is for images of another shape than the generator.")
            checkpoint = dataclasses.replace(checkpoint, discriminator=beside)
        return checkpoint

    def load_generator(self) -> Network:
        """The generator alone: a discriminator in a file beside it is not read. Raises `UserError`."""
        return Checkpoint.load(self.path).generator if self.foreign is None else self.foreign.checkpoint().generator

    def with_choices(self, changes: Mapping[str, Any], network: str | None = None) -> ModelEntry:
        """The same stranger's file, not read again, understood with other choices; raises `UserError`."""
        assert self.foreign is not None
        other = dataclasses.replace(self)
        other.__dict__["foreign"] = self.foreign.with_choices(changes, network)
        return other

    @property
    def _discriminator_path(self) -> Path | None:
        if self.path.name != GENERATOR_FILE:
            return None
        path = self.path.with_name(DISCRIMINATOR_FILE)
        return path if path.is_file() else None


def default_roots() -> tuple[Path, ...]:
    """Folders of model folders, in order of precedence: the checkout's or the installed copy, the person's own."""
    package = Path(__file__).parent.parent
    checkout = package.parent / "models"
    is_checkout = (package.parent / "pyproject.toml").is_file() and checkout.is_dir()
    return (checkout if is_checkout else package / "shipped", user_folder())


def user_folder() -> Path:
    """Where a person's own models are kept."""
    return home_folder() / "models"


def runs_folder() -> Path:
    """Where the window puts run folders."""
    return home_folder() / "runs"


def discover(roots: Iterable[Path | str] | None = None) -> list[ModelEntry]:
    """All models below `roots` (default: `default_roots`), by name; of two with one name the first root's."""
    entries: dict[str, ModelEntry] = {}
    for root in default_roots() if roots is None else roots:
        for path in sorted(Path(root).glob(f"*/{GENERATOR_FILE}")):
            entries.setdefault(path.parent.name, ModelEntry(path.parent.name, path))
    return sorted(entries.values(), key=lambda entry: entry.name)


def discover_runs(folder: Path, limit: int = 50) -> list[ModelEntry]:
    """The newest whole snapshot of each run folder in `folder`, at most `limit`, the latest written first."""
    found: list[tuple[float, Path]] = []
    for run in folder.glob("*/"):
        with contextlib.suppress(OSError):  # not to be read, or just deleted
            paths = [] if run.name.startswith(".") else _newest_first(run)
            if paths:
                found.append((paths[0].stat().st_mtime, run))
    entries = []
    for _, run in sorted(found, key=lambda item: item[0], reverse=True)[:limit]:
        entry = newest_of_run(run)
        if entry is not None:
            entries.append(dataclasses.replace(entry, name=run.name))
    return entries


def resolve(model: str, roots: Iterable[Path | str] | None = None) -> ModelEntry:
    """The entry of MODEL: the name of a model or run, a run or model folder, or a file; raises `ModelNotFound`."""
    for entry in discover(roots):
        if entry.name == model:
            return entry
    for entry in discover_runs(runs_folder()) if roots is None else []:
        if entry.name == model:
            newest = newest_of_run(entry.path.parent.parent, Checkpoint.load)
            return entry if newest is None else dataclasses.replace(newest, name=model)
    try:
        path = Path(model).expanduser()
        is_folder, is_there = path.is_dir(), os.path.lexists(path)  # opening a link to nothing says so
    except PermissionError:  # opening it says so
        is_folder, is_there = False, True
    except (OSError, RuntimeError):  # a name too long, no such user
        path, is_folder, is_there = Path(model), False, False
    if is_folder:
        if (path / GENERATOR_FILE).is_file():
            return ModelEntry(path.resolve().name, path / GENERATOR_FILE)
        newest = newest_of_run(path, Checkpoint.load)
        if newest is not None:
            return newest
        raise ModelNotFound(
            f"{path}: neither a model folder (no {GENERATOR_FILE}) nor a run folder with a snapshot yet. "
            "Name a file in it, or another folder."
        )
    if is_there and path.suffix.lower() == SESSION_SUFFIX:
        raise UserError(f"{path}: is a session, not a model. Name it after --session.")
    if is_there:
        return ModelEntry(_name_of(path), path)
    known = [entry.name for entry in discover(roots)]
    guess = did_you_mean(model, [*known, *(run.name for run in discover_runs(runs_folder()) if roots is None)])
    raise ModelNotFound(
        f"{model}: no such model, run folder or file. Known models: {', '.join(known) or 'none'}. {guess}".rstrip()
    )


def _name_of(file: Path) -> str:
    """What a file of weights is called: as its model folder, or its run, or else as itself."""
    folder = Path(os.path.realpath(file)).parent  # of a link that leads to itself, too
    if file.name == GENERATOR_FILE and (folder / CARD_FILE).is_file():
        return folder.name
    if folder.name == "snapshots" and (folder.parent / "config.json").is_file():
        return folder.parent.name
    return file.stem


def newest_of_run(run: Path, check: Callable[[Path], object] | None = None) -> ModelEntry | None:
    """The newest snapshot of a run folder that is whole, or the newest of all where none is; None: it has none.

    `check` reads a file and raises `UserError` if it is damaged; by default only the file's head and length are looked
    at, which takes well under a millisecond. What was passed over is told in the entry's `note`.
    """
    name, paths = run.resolve().name, _newest_first(run)
    damage: list[str] = []
    for path in paths:
        try:
            (check or _check_head)(path)
        except UserError as error:
            if os.path.lexists(path):  # else just thinned out by the process that trains
                reason = str(error).removeprefix(f"{path}: ").partition(". ")[0].rstrip(".")
                damage.append(f"{path.name} is damaged ({reason})")
            continue
        step = f"{int(path.stem):,}" if path.stem.isdecimal() else path.stem
        return ModelEntry(name, path, f"{', '.join(damage)}; step {step} is shown instead." if damage else "")
    return ModelEntry(name, paths[0]) if paths else None  # opening it says what is wrong


def latest_snapshot(run: Path) -> Path | None:
    """The newest whole snapshot of a run folder."""
    newest = newest_of_run(run)
    return None if newest is None else newest.path


def _newest_first(run: Path) -> list[Path]:
    """The snapshots of a run: the one that LATEST names, those before it, then any after it; else by step."""
    paths = sorted((run / "snapshots").glob("*.safetensors"), reverse=True)
    try:
        named = run / "snapshots" / Path(read_small(run / "LATEST", _MAX_NAME).decode().strip()).name
    except (FileError, ValueError):
        return paths
    return sorted(paths, key=lambda path: path > named) if named in paths else paths


def _check_head(path: Path) -> None:
    """Raise `CheckpointError` for what the head of one of ganexplorer's files, and its length, show to be damaged."""
    metadata = read_metadata(path)
    try:
        spec_of(path, "generator", metadata["generator"])
        with safe_open(path, "pt"):  # compares the lengths
            pass
    except (KeyError, OSError, SafetensorError):
        Checkpoint.load(path)  # says what is wrong


def save_model(folder: Path, checkpoint: Checkpoint, *, half: bool = False) -> ModelEntry:
    """Write a model folder: generator, discriminator and card each in a file of its own; `half` as `write_networks`."""
    folder.mkdir(parents=True, exist_ok=True)
    card = checkpoint.card
    write_networks(folder / GENERATOR_FILE, {"generator": checkpoint.generator}, card, half=half)
    if checkpoint.discriminator is not None:
        write_networks(folder / DISCRIMINATOR_FILE, {"discriminator": checkpoint.discriminator}, card, half=half)
    else:
        (folder / DISCRIMINATOR_FILE).unlink(missing_ok=True)
    with atomic_write(folder / CARD_FILE) as file:
        file.write(json.dumps(dict(checkpoint.card), indent=2, ensure_ascii=False).encode() + b"\n")
    return ModelEntry(folder.name, folder / GENERATOR_FILE)
