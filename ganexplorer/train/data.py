"""Images to train on: REF -> an `ImageSource` whose images sit in memory as one uint8 tensor on the device.

REF is ``mnist[:DIR]``, ``fashion-mnist[:DIR]``, ``kmnist[:DIR]``, ``celeba:DIR``, ``folder:DIR``, ``toy:digits``,
``toy:faces`` or ``toy:1010``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganexplorer.core.errors import did_you_mean
from ganexplorer.train import celeba, folders
from ganexplorer.train.classes import Attributes, Classes, chosen
from ganexplorer.train.decoding import IMAGE_SUFFIXES
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.fitting import fit_images, with_channels
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.sources import (
    DataError,
    DataReport,
    FreshPattern,
    ImageSource,
    Loading,
    ResidentImages,
    check_memory,
)
from ganexplorer.train.torchvision_sets import (
    DIGITS,
    IDX_SETS,
    default_data_folder,
    is_present,
    read_idx_set,
)
from ganexplorer.train.toy_faces import FACE_ATTRIBUTES, MIN_SIZE, draw_faces
from ganexplorer.train.toys import draw_digits

__all__ = [
    "SOURCES",
    "DataError",
    "DataReport",
    "FreshPattern",
    "ImageSource",
    "Loading",
    "ResidentImages",
    "check_memory",
    "default_data_folder",
    "is_mnist_present",
    "is_present",
    "load",
    "ref_of_folder",
]

NAMES = ("mnist", "fashion-mnist", "kmnist", "celeba", "folder", "toy:digits", "toy:faces", "toy:1010")
SOURCES = {
    "mnist": "mnist[:DIR]  handwritten digits, downloaded to DIR where they are not there yet",
    "fashion-mnist": "fashion-mnist[:DIR]  clothes, likewise",
    "kmnist": "kmnist[:DIR]  handwritten Japanese characters, likewise",
    "celeba": "celeba:DIR  faces with 40 attributes, which you put there yourself in torchvision's layout",
    "folder": "folder:DIR  the pictures of a folder, also in class folders",
    "toy": "toy:digits  hand-drawn-looking digits, made on the spot;  toy:faces  drawn faces with "
    f"{len(FACE_ATTRIBUTES)} attributes, likewise;  toy:1010  four numbers",
}
TOY_DIGITS = 10_000
TOY_FACES = 12_000
DRAWN = ("toy:digits", "toy:faces")
_SEED_UNSEEN = 1
_FIT_WORDS = {"crop": "", "pad": ", padded", "stretch": ", stretched"}


@dataclass(frozen=True, slots=True)
class _Request:
    ref: str
    preparation: Preparation
    device: torch.device
    seed: int


Read = Generator[Progress | Notice, None, ResidentImages]


def load(ref: str, preparation: Preparation, device: torch.device, seed: int) -> Loading:
    """Read REF; a generator of progress that returns the source, for ``source = yield from load(...)``.

    Closing it stops the work; no thread and no half-written file is left behind.

    Parameters
    ----------
    ref
        See the module.
    preparation
        What is done to the images; the four numbers of toy:1010 are no images, and keep their shape.
    seed
        Of the order of the images, and of which are mirrored.

    Raises
    ------
    DataError
        Unknown REF or class, no such folder, no images, no network, not enough memory.
    """
    request = _Request(ref, preparation, device, seed)
    kind, _, rest = ref.partition(":")
    try:
        folder = Path(rest).expanduser()
    except RuntimeError:  # ~somebody
        raise DataError(f"{rest}: there is nobody of that name here. Write the folder in full.") from None
    if kind in IDX_SETS:
        idx_set = IDX_SETS[kind]
        images, labels = yield from read_idx_set(kind, folder if rest else default_data_folder())
        title = f"{idx_set.title}, {{:,}} {idx_set.unit}"
        return (yield from _in_memory(images, Classes(idx_set.names, labels.numpy()), title, request))
    match kind, rest:
        case "toy", "1010":
            if preparation.flip or preparation.classes:
                raise DataError("toy:1010 is four numbers: it has no classes and no mirror image. Unset both.")
            return FreshPattern()
        case "toy", "digits" | "faces":
            return (yield from _drawn(request))
        case "folder", _ if rest:
            listing = yield from folders.scan(folder)
            return (yield from _pictures(listing, listing.classes(), (), request))
        case "celeba", _ if rest:
            return (yield from _celeba(folder, request))
    guess = f"To train on that folder: folder:{ref}." if _is_folder(ref) else did_you_mean(ref, NAMES)
    raise DataError(f"unknown data {ref!r}. Use one of: {';  '.join(SOURCES.values())}. {guess}".rstrip())


def load_unseen(
    ref: str, preparation: Preparation, device: torch.device
) -> Generator[Progress | Notice, None, Tensor | None]:
    """Images of REF that `load` leaves out, prepared in the same way: the test part of MNIST and its like, other toys.

    A generator of progress that returns (N, C, H, W) uint8, or None where there is no such part; raises `DataError`.
    """
    kind, _, rest = ref.partition(":")
    if ref in DRAWN:
        return (yield from _drawn(_Request(ref, preparation, device, 0), _SEED_UNSEEN)).images
    if kind not in IDX_SETS:
        return None
    folder = Path(rest).expanduser() if rest else default_data_folder()
    images, labels = yield from read_idx_set(kind, folder, is_test=True)
    members = Classes(IDX_SETS[kind].names, labels.numpy())
    source = yield from _in_memory(images, members, "{:,}", _Request(ref, preparation, device, 0))
    return source.images


def _is_folder(ref: str) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return Path(ref).is_dir()
    return False


def absolute(ref: str) -> str:
    """A REF that means the same wherever the program is started from."""
    kind, _, rest = ref.partition(":")
    if not rest or kind not in (*IDX_SETS, "celeba", "folder"):
        return ref
    try:
        return f"{kind}:{Path(rest).expanduser().absolute()}"
    except RuntimeError:  # ~somebody: `load` tells
        return ref


def is_mnist_present(folder: Path | None = None) -> bool:
    """Whether `folder` (default: `default_data_folder`) holds MNIST in torchvision's layout."""
    return is_present("mnist", folder)


def ref_of_folder(folder: Path) -> str:
    """REF of a folder that a person chose: a data set where it holds one, else its pictures."""
    for root in (folder, folder.parent, folder.parent.parent):  # DIR, DIR/MNIST or DIR/MNIST/raw
        for kind, idx_set in IDX_SETS.items():
            if is_present(kind, root) and (root == folder or folder.is_relative_to(root / idx_set.folder)):
                return f"{kind}:{root}"
    return f"celeba:{folder}" if celeba.pictures_folder(folder) else f"folder:{folder}"


def _drawn(request: _Request, seed: int = 0) -> Read:
    """toy:digits or toy:faces; another seed draws others of the same kind."""
    if request.ref == "toy:digits":
        images, labels = yield from _toy_digits(seed)
        return (yield from _in_memory(images, Classes(DIGITS, labels.numpy()), "{:,} drawn digits", request))
    images, attributes = yield from _toy_faces(request, seed)
    return (yield from _in_memory(images, attributes, "{:,} drawn faces", request))


def _toy_digits(seed: int) -> Generator[Progress, None, tuple[Tensor, Tensor]]:
    images, labels, done = [], [], 0
    for chunk, chunk_labels in draw_digits(TOY_DIGITS, seed):
        images.append(chunk)
        labels.append(chunk_labels)
        done += len(chunk)
        yield Progress("Drawing digits", done, TOY_DIGITS)
    return torch.cat(images), torch.cat(labels)


def _toy_faces(request: _Request, seed: int) -> Generator[Progress, None, tuple[Tensor, Attributes]]:
    """Drawn at the size that is wanted: nothing is blurred by making it fit."""
    height, width = request.preparation.size
    size = height if height == width and height >= MIN_SIZE else 64
    check_memory(TOY_FACES, (3, size, size), request.device)
    images, tables, done = [], [], 0
    for chunk, faces in draw_faces(TOY_FACES, seed, size):
        images.append(chunk)
        tables.append(faces.attributes())
        done += len(chunk)
        yield Progress("Drawing faces", done, TOY_FACES)
    return torch.cat(images), Attributes(FACE_ATTRIBUTES, torch.cat(tables).numpy())


def _in_memory(images: Tensor, members: Classes | Attributes, title: str, request: _Request) -> Read:
    """Prepare a set that is in memory already; `title` has a place for the number of images."""
    preparation = request.preparation
    found, (height, width) = len(images), images.shape[2:]
    size = preparation.size if all(preparation.size) else (height, width)
    wanted = chosen(preparation.classes, members.names, request.ref)
    index = np.flatnonzero(members.wanted(wanted))
    if not len(index):
        listed = members.listed(wanted)
        if isinstance(members, Attributes):
            raise DataError(f"{request.ref}: no image has all of {listed}. Choose fewer classes.")
        raise DataError(f"{request.ref}: no image is of class {listed}. Choose other classes.")
    shape = (preparation.channels or images.shape[1], *size)
    check_memory(len(index), shape, request.device)
    if wanted:
        images, members = images[torch.from_numpy(index)], members.of(index)
    images = yield from fit_images(with_channels(images, preparation.channels), size, preparation.fit)
    report = DataReport(
        found=found,
        used=len(images),
        image_shape=shape,
        classes=members.counts(),
        smallest=(width, height),
        largest=(width, height),
        skipped=found - len(images),
        bytes=images.numel(),
    )
    return _resident(images, members, report, title.format(len(images)), wanted, request)


def _celeba(folder: Path, request: _Request) -> Read:
    pictures = celeba.pictures_folder(folder)
    if pictures is None:
        raise DataError(
            f"{folder}: no CelebA in it. Its pictures belong into {folder / 'celeba' / 'img_align_celeba'}, and its "
            "table list_attr_celeba.txt beside that folder, as torchvision has them."
        )
    listing = yield from folders.scan(pictures)
    table = celeba.table_of(pictures)
    if table is None:
        if request.preparation.classes:
            raise DataError(
                f"{pictures.parent / 'list_attr_celeba.txt'}: no such file, and without it no classes can be chosen. "
                "Put it there, or set classes to none."
            )
        nothing = Attributes((), np.zeros((len(listing.files), 0), bool))
        return (yield from _pictures(listing, nothing, (), request))
    attributes = yield from celeba.read_attributes(table, [Path(file.name).name for file in listing.files])
    status = table.stat()
    return (yield from _pictures(listing, attributes, (status.st_size, status.st_mtime_ns), request))


def _pictures(
    listing: folders.Listing, members: Classes | Attributes, facts: Sequence[object], request: _Request
) -> Read:
    """Prepare the pictures that were found; see `folders.read_pictures`."""
    if not listing.files:
        told = f" ({listing.broken[0][0]}: {listing.broken[0][1]})" if listing.broken else ""
        raise DataError(
            f"{listing.folder}: no pictures in it or in its class folders{told}. Known endings: "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}."
        )
    preparation = request.preparation
    wanted = chosen(preparation.classes, members.names, request.ref)
    if not members.wanted(wanted).any():
        raise DataError(f"{request.ref}: no picture has all of {members.listed(wanted)}. Choose fewer classes.")
    decoded, members = yield from folders.read_pictures(listing, members, wanted, preparation, request.device, facts)
    title = f"{decoded.report.used:,} pictures of {request.ref.partition(':')[2]}"
    return _resident(torch.from_numpy(decoded.images), members, decoded.report, title, wanted, request)


def _resident(
    images: Tensor,
    members: Classes | Attributes,
    report: DataReport,
    title: str,
    wanted: Sequence[int],
    request: _Request,
) -> ResidentImages:
    """The source, described: only what is out of the ordinary adds words, so that old runs know their data again."""
    (channels, height, width), preparation = report.image_shape, request.preparation
    description = f"{title}, {width}x{height}, {'gray' if channels == 1 else 'colour'}"
    description += _FIT_WORDS[preparation.fit]
    description += ", mirrored at random" if preparation.flip else ""
    description += f", classes {members.listed(wanted)}" if wanted else ""
    return ResidentImages(images.to(request.device), members, request.seed, description, report, preparation.flip)
