"""Who tells what pictures show: two classifiers of a data set's labels that were trained apart from each other."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganexplorer.core.errors import UserError, did_you_mean
from ganexplorer.train.classifier import Classifier, train_classifier
from ganexplorer.train.events import Progress
from ganexplorer.train.folders import UNSORTED
from ganexplorer.train.sources import Members

LEAST_ACCURACY = 0.85  # balanced, on held-out images, below which a classifier does not know what it says
_SEEN = 45_000  # images that a classifier sees in training
_MOST_EPOCHS = 8.0
_OWN = 10_000  # images for each of them, with which each gets its own half
_HELD_OUT, _MOST_HELD_OUT = 0.1, 5000  # share of images, and how many at most


@dataclass(frozen=True, slots=True)
class Labels:
    """What images show.

    Attributes
    ----------
    table
        (N, names) bool.
    are_classes
        Each image shows exactly one of them.
    """

    names: tuple[str, ...]
    table: Tensor
    are_classes: bool

    @classmethod
    def of(cls, members: Members, wanted: Sequence[str] = ()) -> Labels:
        """What an image source knows. Two classes are one attribute: the one that is wanted, else the rarer one.

        Raises `UserError` where all images show the same, or both of two classes are wanted.
        """
        columns = [torch.from_numpy(members.has(number)) for number in range(len(members.names))]
        known = [(name, has) for name, has in zip(members.names, columns, strict=True) if has.any() and not has.all()]
        if not known:
            raise UserError(
                "The data has no two classes and no attributes, so nothing in it has a name. Use labelled data: class "
                "folders, toy:faces, CelebA or digits."
            )
        table = torch.stack([has for _, has in known], dim=1)
        are_classes = len(known) > 1 and bool((table.sum(1) == 1).all())
        if are_classes and len(known) == 2:
            asked = {name.casefold() for name in wanted}
            if all(name.casefold() in asked for name, _ in known):
                names = " and ".join(name for name, _ in known)
                raise UserError(f"{names} are the two sides of one attribute. Ask for one of them.")
            # pictures beside the class folders are of a class without a name
            _, _, _, name, has = min(
                (name.casefold() not in asked, name == UNSORTED, int(has.sum()), name, has) for name, has in known
            )
            return cls((name,), has[:, None], are_classes=False)
        return cls(tuple(name for name, _ in known), table, are_classes)

    def number(self, name: str) -> int:
        """Of a name, upper and lower case alike where no name fits exactly; raises `UserError`."""
        for names, wanted in ((self.names, name), ([known.casefold() for known in self.names], name.casefold())):
            if wanted in names:
                return list(names).index(wanted)
        shown = ", ".join(self.names[:50]) + (", …" if len(self.names) > 50 else "")
        raise UserError(f"The data knows no {name!r}, only {shown}. {did_you_mean(name, self.names)}".rstrip())


@dataclass(frozen=True, slots=True)
class Witness:
    """A classifier that says how clearly pictures show each name, as if all names were equally frequent.

    Attributes
    ----------
    offset
        (names,): the logits of the shares of the names in training, which are taken off.
    accuracy
        For each name, of the held-out images that show it and of those that do not, the mean of both shares told right.
    """

    model: Classifier
    offset: Tensor
    accuracy: tuple[float, ...] = ()

    def __call__(self, images: Tensor) -> Tensor:
        """Scores (N, names) of images in [-1, 1], through which gradients pass."""
        return self.model(images) - self.offset  # type: ignore[no-any-return]


def two_witnesses(
    images: Tensor, labels: Labels, seed: int = 0, flip: bool = False
) -> Generator[Progress, None, tuple[Witness, Witness]]:
    """Train one classifier to find by and one to judge by; a generator of progress.

    Of other first weights, and each on its own half of the images where there are enough. See `train_classifier`.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    aside = min(_MOST_HELD_OUT, math.ceil(_HELD_OUT * len(images)))
    held_out, rest = order[:aside], order[aside:]
    parts = (rest[::2], rest[1::2]) if len(rest) >= 2 * _OWN else (rest, rest)
    witnesses = []
    for number, part in enumerate(parts):
        shares = labels.table[part].float().mean(0).clamp(1e-4, 1 - 1e-4)
        targets = labels.table[part].int().argmax(1) if labels.are_classes else labels.table[part]
        epochs = min(_SEEN / len(part), _MOST_EPOCHS)
        model = yield from train_classifier(
            images[part], targets, epochs, seed=2 * seed + number, flip=flip, classes=len(labels.names)
        )
        model.requires_grad_(False)
        offset = shares.log() if labels.are_classes else shares.logit()
        logits = model.judge(images[held_out])[1] - offset
        witnesses.append(Witness(model, offset, tuple(_accuracies(logits, labels, held_out))))
    return witnesses[0], witnesses[1]


def _accuracies(scores: Tensor, labels: Labels, index: Tensor) -> list[float]:
    truth = labels.table[index]
    said = (
        torch.zeros_like(truth).scatter_(1, scores.argmax(1, keepdim=True), True) if labels.are_classes else scores > 0
    )
    found = []
    for column in range(len(labels.names)):
        shares = [
            float((said[:, column] == there)[truth[:, column] == there].float().mean()) for there in (True, False)
        ]
        # nan: the held-out images all show it, or none does, and nothing is known
        found.append(0.0 if math.isnan(sum(shares)) else sum(shares) / 2)
    return found
