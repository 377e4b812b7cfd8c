"""Directions with names that a data set gives: learned by one classifier of its labels, checked by another.

What finds a direction does not judge it: a change that only fools the one classifier does not count.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from torch import Tensor

from ganexplorer.core.attributes import ATTRIBUTES
from ganexplorer.core.directions import Direction
from ganexplorer.core.errors import UserError
from ganexplorer.core.networks import Network
from ganexplorer.core.steering import Steered
from ganexplorer.train.direction_search import LEAST_SUCCESS, MEASURED, PAIRS, Finding, prepared
from ganexplorer.train.events import Progress
from ganexplorer.train.sources import Members
from ganexplorer.train.witnesses import Labels, two_witnesses

__all__ = ["LEAST_SUCCESS", "MEASURED", "PAIRS", "Finding", "Findings", "Wishes", "find_named"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What to look for.

    Attributes
    ----------
    names
        Attributes, names of `MEASURED`, or classes: to these from all others. Empty: of attributes all, of two classes
        one, of more what `pairs` says.
    pairs
        From the first class to the second. Empty, as `names` is: about `PAIRS` that go well, with many classes in them.
    flip
        Whether images mean the same when they are mirrored.
    """

    names: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    seed: int = 0
    flip: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of it; and the accuracy by which finder and judge tell each name in held-out images (`Witness`)."""

    items: tuple[Finding, ...]
    accuracy: tuple[tuple[str, float, float], ...]  # name, of the finder, of the judge

    @property
    def directions(self) -> list[Direction]:
        """Those that are kept."""
        return [item.direction for item in self.items if item.direction is not None and not item.refused]


def find_named(
    generator: Network, images: Tensor, members: Members, wishes: Wishes | None = None
) -> Generator[Progress, None, Findings]:
    """Look for named directions; a generator of progress that returns what was found.

    The same seed gives the same directions on the same machine; torch's global generator is put back.

    Parameters
    ----------
    images
        (N, C, H, W), uint8 or in [-1, 1], of the shape that the generator makes.
    members
        Their classes or attributes. Where each image is of exactly one of them, they are classes.

    Raises
    ------
    UserError
        Images of another shape, fewer than two kinds of them, or a name that there is not.
    """
    wishes = wishes or Wishes()
    labels = Labels.of(members, wishes.names)
    steered = Steered(generator)
    shape = steered.spec.image_shape
    if images.shape[1:] != shape:
        raise UserError(
            f"The images are of {' x '.join(map(str, images.shape[1:]))}, and this model makes "
            f"{' x '.join(map(str, shape))}. Bring them to its shape."
        )
    # a label goes before what can be measured
    extras = tuple(name for name in wishes.names if name in MEASURED and name not in labels.names)
    numbers = [labels.number(name) for name in wishes.names if name not in extras]
    if wishes.pairs and not labels.are_classes:
        raise UserError("The data has no three classes to make pairs of. Ask for names instead.")
    pairs = [(labels.number(a), labels.number(b)) for a, b in wishes.pairs]
    for a, b in pairs:
        if a == b:
            raise UserError(f"From {labels.names[a]} to itself there is no direction. Choose two classes.")
    for name in extras:
        if ATTRIBUTES[MEASURED[name]].channels not in (None, shape[0]):
            raise UserError(f"{name}: cannot be measured in pictures of {shape[0]} channels. Leave it out.")
    seed = wishes.seed % 2**32  # others are made from it, which must have 64 bits too
    finder, judge = yield from two_witnesses(images, labels, seed, wishes.flip)
    search = yield from prepared(steered, labels, finder, judge, extras, seed)
    items: list[Finding] = []
    if not wishes.names and not pairs and labels.are_classes:
        items += yield from search.best_pairs()
    for pair in pairs:
        items.append((yield from search.pair(*pair)))
    for number in numbers if wishes.names or labels.are_classes else range(len(labels.names)):
        items.append((yield from (search.towards(number) if labels.are_classes else search.attribute(number))))
    for number, name in enumerate(extras, len(labels.names)):
        items.append((yield from search.measure(name, number)))
    accuracy = zip(labels.names, finder.accuracy, judge.accuracy, strict=True)
    return Findings(tuple(items), tuple(accuracy))
