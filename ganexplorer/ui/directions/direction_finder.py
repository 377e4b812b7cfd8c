"""What directions there are in the model on show: the ways to find some, each in a thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from PySide6.QtCore import QObject, Signal, Slot
from torch import Tensor

from ganexplorer.core.attributes import Attribute, attribute_direction
from ganexplorer.core.direction_files import load_directions
from ganexplorer.core.directions import CHUNK, Direction, between, boundary, jacobian, measured
from ganexplorer.core.errors import UserError
from ganexplorer.core.first_layer import pca, sefa
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import batch_size
from ganexplorer.ui.editing.latent_space import LatentSpace
from ganexplorer.ui.work.studio import Sight, Studio

Find = Callable[[Sight], list[Direction]]

OTHERS = 256  # samples of the prior that stars are held against


def prior_of(sight: Sight) -> Prior:
    assert sight.renderer.spec.prior is not None
    return sight.renderer.spec.prior


def _measured(sight: Sight, directions: list[Direction]) -> list[Direction]:
    renderer = sight.renderer
    return measured(directions, renderer.images, prior_of(sight), chunk_size=batch_size(renderer.spec, CHUNK))


def find_sefa(sight: Sight, count: int) -> list[Direction]:
    """Of the first layer's weights, the `count` strongest; raises `UserError` as `sefa` does."""
    return _measured(sight, sefa(sight.renderer.generator, count))


def find_pca(sight: Sight, count: int) -> list[Direction]:
    """Of the first layer's activations, the `count` strongest; raises `UserError` as `pca` does."""
    return _measured(sight, pca(sight.renderer.generator, prior_of(sight), count))


def find_local(sight: Sight, z: Tensor, count: int) -> list[Direction]:
    """What changes the picture of z, (z_dim,), most; raises `UserError` where nothing does."""
    renderer = sight.renderer
    found = jacobian(renderer.images, z, count, chunk_size=batch_size(renderer.spec, CHUNK))
    if not found:
        raise UserError("Local: nothing changes the picture right here. Go elsewhere, for example with Random.")
    return found


def find_between(sight: Sight, a: Tensor, b: Tensor) -> list[Direction]:
    """From a to b, (z_dim,) each."""
    return _measured(sight, [between(a, b)])


def find_starred(sight: Sight, stars: list[Tensor]) -> list[Direction]:
    """Towards the stars, (z_dim,) each, from samples of the prior."""
    prior = prior_of(sight)
    others = prior.sample(OTHERS, sight.renderer.spec.z_dim, torch.Generator().manual_seed(0))
    return _measured(sight, [boundary(torch.stack(stars), others, prior, "starred")])


def find_attribute(sight: Sight, attribute: Attribute) -> list[Direction]:
    """Along which an attribute rises."""
    spec = sight.renderer.spec
    at_once = batch_size(spec, CHUNK)
    images = sight.renderer.images
    return [attribute_direction(images, prior_of(sight), spec.z_dim, attribute, chunk_size=at_once)]


def find_in_file(sight: Sight, path: str) -> list[Direction]:
    """Those of a file; the ones that have no effect yet are measured."""
    directions = load_directions(path, sight.renderer.spec.z_dim)
    unknown = [direction for direction in directions if direction.effect != direction.effect]
    known = dict(zip(map(id, unknown), _measured(sight, unknown), strict=True))
    return [known.get(id(direction), direction) for direction in directions]


@dataclass(slots=True, eq=False)
class _Question:
    name: str
    find: Find
    space: LatentSpace
    result: list[Direction] | Exception | None = None  # written by the thread

    def answer(self, sight: Sight) -> None:
        """Find it, unless that was done for an earlier step of the model in training."""
        if self.result is None:
            try:
                self.result = self.find(sight)
            except Exception as error:  # told in the window
                self.result = error


class DirectionFinder(QObject):
    """Asks the studio. A model in training that changes in between is no reason to begin anew."""

    found = Signal(object)  # list[Direction]
    notice = Signal(str)
    activity = Signal(str)  # what is being looked for; empty when that is over

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._questions: dict[str, _Question] = {}
        studio.changed.connect(self._on_studio_changed)

    def find(self, name: str, find: Find) -> None:
        """Run `find` in a thread; `found` or a `notice` follows, unless another latent space comes first."""
        sight = self._studio.sight
        if sight is not None:
            space = LatentSpace(sight.renderer.spec.z_dim, prior_of(sight))
            self._ask(_Question(name, find, space))

    def _ask(self, question: _Question) -> None:
        self._questions[question.name] = question
        self._tell_activity()
        self._studio.ask(f"directions: {question.name}", question.answer, lambda _: self._on_answer(question))

    def _on_answer(self, question: _Question) -> None:
        result = question.result
        if self._questions.get(question.name) is question:
            del self._questions[question.name]
            self._tell_activity()
        if isinstance(result, UserError):
            self.notice.emit(str(result))
        elif isinstance(result, Exception):
            self._studio.failed.emit(result)
        else:
            self.found.emit(result)

    @Slot()
    def _on_studio_changed(self) -> None:
        sight = self._studio.sight
        waiting, self._questions = self._questions, {}
        for question in waiting.values():
            if sight is not None and question.space == LatentSpace(sight.renderer.spec.z_dim, prior_of(sight)):
                self._ask(question)
        self._tell_activity()

    def _tell_activity(self) -> None:
        first = next(iter(self._questions), None)
        self.activity.emit(f"Finding {first}…" if first is not None else "")
