"""Directions that the labels of a data set name: found where the generator has them, refused where it has not."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network, build
from ganexplorer.core.spec import Linear, NetworkSpec, Reshape, Tanh
from ganexplorer.core.steering import Check, Goal
from ganexplorer.train import direction_search, witnesses
from ganexplorer.train.classes import Attributes, Classes
from ganexplorer.train.classifier import as_unit, train_classifier
from ganexplorer.train.direction_search import Search
from ganexplorer.train.events import Progress
from ganexplorer.train.named_directions import Finding, Findings, Wishes, find_named
from ganexplorer.train.witnesses import Labels, two_witnesses

SHAPE = (1, 8, 8)
QUARTERS = ("north west", "north east", "south west", "south east")
PLACES = [(slice(4 * (q // 2), 4 * (q // 2) + 4), slice(4 * (q % 2), 4 * (q % 2) + 4)) for q in range(4)]


def finished(work: Generator[Progress, None, Any]) -> Any:
    """What a generator returns."""
    while True:
        try:
            event = next(work)
        except StopIteration as end:
            return end.value
        assert isinstance(event, Progress)


def pictures(lit: Tensor, seed: int = 0) -> Tensor:
    """Uint8 (N, 1, 8, 8), each quarter lit or dark as `lit`, (N, 4) bool, says, with noise."""
    random = torch.Generator().manual_seed(seed)
    images = 40 * torch.rand(len(lit), *SHAPE, generator=random)
    for quarter, (rows, columns) in enumerate(PLACES):
        brightness = 130 + 80 * torch.rand(len(lit), generator=random)
        images[:, 0, rows, columns] += (brightness * lit[:, quarter])[:, None, None]
    return images.to(torch.uint8)


def generator(dead: Sequence[int] = (), spread: float = 1.5) -> Network:
    """Quarter q is as bright as z[q]; quarters that are `dead` are always dark. Two more dimensions do nothing."""
    spec = NetworkSpec((Linear(6, 64), Tanh(), Reshape(SHAPE)), SHAPE, 6, Prior.normal())
    network = build(spec)
    weight, bias = torch.zeros(*SHAPE, 6), torch.zeros(SHAPE)
    for quarter, (rows, columns) in enumerate(PLACES):
        weight[0, rows, columns, quarter] = 0.0 if quarter in dead else spread
        bias[0, rows, columns] = -2.0 if quarter in dead else 0.0
    with torch.no_grad():
        network.layers[0].weight.copy_(weight.view(64, 6))
        network.layers[0].bias.copy_(bias.view(64))
    return network.eval()


def attributes(count: int = 1500) -> tuple[Tensor, Attributes]:
    """The quarters as attributes, and one that is not in the picture."""
    random = torch.Generator().manual_seed(1)
    lit = torch.rand(count, 4, generator=random) < torch.tensor([0.5, 0.5, 0.2, 0.5])
    luck = torch.rand(count, 1, generator=random) < 0.5
    return pictures(lit), Attributes((*QUARTERS, "luck"), torch.cat([lit, luck], dim=1).numpy())


def classes(count: int = 1500, kinds: int = 4) -> tuple[Tensor, Classes]:
    """One quarter is lit."""
    labels = torch.arange(count) % kinds
    return pictures(torch.nn.functional.one_hot(labels, 4).bool()), Classes(QUARTERS[:kinds], labels.numpy())


class Eye(torch.nn.Module):
    """In a classifier's place: least squares of what images show on how bright their quarters are."""

    def __init__(self, images: Tensor, targets: Tensor) -> None:
        super().__init__()
        wanted = (targets if targets.ndim == 2 else torch.nn.functional.one_hot(targets)).float()
        self.weights = torch.linalg.lstsq(self._seen(as_unit(images)), wanted - 0.5).solution

    @staticmethod
    def _seen(images: Tensor) -> Tensor:
        quarters = torch.nn.functional.avg_pool2d(images, 4).flatten(1)
        return torch.cat([quarters, torch.ones(len(quarters), 1)], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        return 10 * self._seen(images) @ self.weights

    def judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(images), 0), self(as_unit(images))


def opened(
    images: Tensor, targets: Tensor, epochs: float, seed: int = 0, flip: bool = False, classes: int = 0
) -> Generator[Progress, None, Eye]:
    yield Progress("Training a classifier", 0, 1)
    return Eye(images, targets)


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(witnesses, "train_classifier", opened)
        patch.setattr(direction_search, "_FOUND", 1024)
        patch.setattr(direction_search, "_JUDGED", 1024)
        yield


@pytest.fixture(scope="module")
def found() -> Findings:
    """All attributes of a generator whose last quarter is dead, and two measures."""
    images, members = attributes()
    wishes = Wishes((*members.names, "brighter"))
    return finished(find_named(generator(dead=[3]), images, members, wishes))


def item(found: Findings, name: str) -> Finding:
    (result,) = (each for each in found.items if each.name == name)
    return result


# ---- attributes


@pytest.mark.parametrize("number", [0, 1, 2])
def test_what_z_changes_gets_its_direction_and_little_else_changes(found: Findings, number: int) -> None:
    result = item(found, QUARTERS[number])
    direction = result.direction
    assert result.refused == ""
    assert direction is not None
    assert direction.origin == "learned"
    assert direction.vector[number] > 0.97
    assert direction.success >= 0.9
    assert direction.side < 0.05
    assert direction.step in (1.5, 2, 2.5, 3, 4, 5)
    assert direction.effect > 5


def test_what_z_cannot_change_is_refused(found: Findings) -> None:
    result = item(found, "south east")
    assert result.direction is None
    assert result.refused == "only 0 of 1,024 samples show it"


def test_what_the_classifiers_cannot_tell_is_refused_with_the_figure(found: Findings) -> None:
    accuracy = {name: min(finder, judge) for name, finder, judge in found.accuracy}
    assert 0.3 < accuracy["luck"] < 0.65
    assert all(accuracy[name] > 0.95 for name in QUARTERS)
    result = item(found, "luck")
    assert result.direction is None
    assert result.refused == (
        f"luck is told right in only {accuracy['luck']:.0%} of held-out images, mean of with and without"
    )


def test_what_is_measured_in_the_picture_needs_no_label(found: Findings) -> None:
    result = item(found, "brighter")
    assert result.direction is not None
    assert result.direction.success > 0.9
    lit = result.direction.vector[:3]
    assert lit.min() > 0.1
    assert lit.max() < 1.5 * lit.min()
    assert result.direction.side > 0.1  # what becomes brighter gets lit


def test_only_what_passed_is_handed_out(found: Findings) -> None:
    assert [direction.name for direction in found.directions] == [*QUARTERS[:3], "brighter"]


def test_the_boundary_that_a_direction_began_from_is_told_too(found: Findings) -> None:
    for result in found.items:
        assert (result.first is None) == (result.direction is None)
        assert result.first is None or 0 <= result.first.success <= 1


def test_a_direction_that_does_too_little_is_refused_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quarters that hardly ever change: a step reaches few of them."""
    monkeypatch.setattr(direction_search, "LEAST_SUCCESS", 1.01)
    images, members = attributes()
    result = finished(find_named(generator(), images, members, Wishes(("north west",))))
    (refused,) = result.items
    assert result.directions == []
    assert refused.direction is not None
    assert refused.refused == f"works on only {refused.direction.success:.0%} of samples"


def test_the_same_seed_finds_the_same_and_the_global_generator_is_left_alone() -> None:
    images, members = attributes(600)
    state = torch.get_rng_state()
    first, again, other = (
        finished(find_named(generator(), images, members, Wishes(("north west",), seed=seed))).items[0]
        for seed in (3, 3, 4)
    )
    assert torch.equal(first.direction.vector, again.direction.vector)
    assert (first.direction.success, first.first) == (again.direction.success, again.first)
    assert not torch.equal(first.direction.vector, other.direction.vector)
    assert torch.equal(torch.get_rng_state(), state)


def test_real_classifiers_find_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witnesses, "train_classifier", train_classifier)
    monkeypatch.setattr(direction_search, "_FOUND", 512)
    monkeypatch.setattr(direction_search, "_JUDGED", 512)
    images, members = attributes(600)
    result = finished(find_named(generator(), images, members, Wishes(("north west",))))
    (direction,) = result.directions
    assert direction.vector[0] > 0.9
    assert direction.success > 0.85


# ---- classes


def test_a_pair_leads_from_one_class_to_the_other() -> None:
    images, members = classes()
    wishes = Wishes(pairs=(("north west", "South East"), ("south west", "north east")))
    result = finished(find_named(generator(), images, members, wishes))
    first, second = result.directions
    assert [first.name, second.name] == ["north west -> south east", "south west -> north east"]
    assert first.success > 0.85
    assert first.vector[3] > 0.5
    assert first.vector[0] < -0.1
    assert first.vector[[1, 2]].abs().max() < 0.4
    assert 0 < first.side < 1


def test_without_wishes_pairs_of_as_many_classes_as_may_be_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direction_search, "PAIRS", 3)
    monkeypatch.setattr(direction_search, "_ROUNDS", 30)
    images, members = classes()
    result = finished(find_named(generator(), images, members))
    pairs = [tuple(direction.name.split(" -> ")) for direction in result.directions]
    assert len(pairs) == 3
    assert {name for pair in pairs for name in pair} == set(QUARTERS)
    assert not any((b, a) in pairs for a, b in pairs)


def test_a_class_that_is_reached_from_all_others_is_more_of_it() -> None:
    images, members = classes()
    (more,) = finished(find_named(generator(), images, members, Wishes(("south east",)))).directions
    assert more.name == "more south east"
    assert more.vector[3] > 0.6
    assert more.success > 0.85
    assert math.isnan(more.side)


def test_a_class_that_is_not_reached_from_one_of_the_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def checked(_: Search, goal: Goal, vector: Tensor, step: float) -> Check:
        return Check({None: 0.95, 0: 0.9, 1: 0.4, 2: 0.8}[goal.source], math.nan)

    monkeypatch.setattr(Search, "_checked", checked)
    images, members = classes()
    (result,) = finished(find_named(generator(), images, members, Wishes(("south east",)))).items
    assert result.refused == "works on only 40% of the samples that show north east"


def test_two_classes_are_one_attribute_the_rarer_one_unless_the_other_is_asked_for() -> None:
    images, members = classes(kinds=2)
    few = np.flatnonzero((members.labels == 0) | (np.arange(len(images)) % 4 == 1))
    images, members = images[torch.from_numpy(few)], members.of(few)
    (rarer,) = finished(find_named(generator(), images, members)).directions
    (other,) = finished(find_named(generator(), images, members, Wishes(("north west",)))).directions
    assert (rarer.name, other.name) == ("north east", "north west")
    assert rarer.vector[1] - rarer.vector[0] > 0.9
    assert other.vector[0] - other.vector[1] > 0.9
    assert rarer.success > 0.9
    assert math.isnan(rarer.side)


# ---- labels and witnesses


def test_labels_are_classes_where_each_image_shows_exactly_one() -> None:
    one_each = Labels.of(Classes(("a", "b", "c", "empty"), np.array([0, 1, 2, 2])))
    assert (one_each.names, one_each.are_classes) == (("a", "b", "c"), True)
    any_number = Labels.of(Attributes(("a", "b", "c"), np.array([[1, 1, 0], [0, 0, 1]], bool)))
    assert (any_number.names, any_number.are_classes) == (("a", "b", "c"), False)
    beside = Labels.of(Classes((".", "smiling"), np.array([0, 1, 1, 1])))
    assert beside.names == ("smiling",)
    assert beside.table.tolist() == [[False], [True], [True], [True]]


def test_two_classes_are_asked_for_in_upper_or_lower_case_and_one_at_a_time() -> None:
    two = Classes(("plain", "Smile"), np.array([0, 0, 0, 1, 1]))
    assert Labels.of(two).names == ("Smile",)
    assert Labels.of(two, ["PLAIN"]).names == ("plain",)
    with pytest.raises(UserError, match=r"^plain and Smile are the two sides of one attribute\. Ask for one of them"):
        Labels.of(two, ["smile", "plain"])


@pytest.mark.parametrize(
    "members",
    [
        Classes(("only",), np.zeros(5, np.int64)),
        Attributes((), np.zeros((5, 0), bool)),
        Attributes(("all", "none"), np.array([[1, 0]] * 5, bool)),
    ],
)
def test_data_in_which_all_show_the_same_are_refused(members: Classes | Attributes) -> None:
    with pytest.raises(UserError, match=r"^The data has no two classes and no attributes.*Use labelled data"):
        Labels.of(members)


def test_a_rare_attribute_is_told_as_if_it_were_as_frequent_as_not() -> None:
    """By how often it is there alone, what is 5 % would hardly ever be named."""
    lit = torch.zeros(1200, 4, dtype=torch.bool)
    lit[::20, 0] = True
    dim = (pictures(lit) // 3).to(torch.uint8)
    finder, judge = finished(two_witnesses(dim, Labels(("rare",), lit[:, :1], False)))
    for witness in (finder, judge):
        assert witness.offset.item() == pytest.approx(math.log(0.05 / 0.95), abs=0.3)
        assert witness.accuracy[0] > 0.9
        assert not any(parameter.requires_grad for parameter in witness.model.parameters())


def test_two_witnesses_are_trained_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """On halves that share no image where there are enough, else on all; the held-out images are in neither."""
    seen: list[Tensor] = []

    def recorded(
        images: Tensor, targets: Tensor, epochs: float, seed: int, flip: bool, classes: int
    ) -> Generator[Progress, None, Any]:
        seen.append(images[:, 0, 0, 0].float())
        yield Progress("", 0, 0)
        return witnesses.Classifier(SHAPE, classes).eval()

    monkeypatch.setattr(witnesses, "train_classifier", recorded)
    images = torch.arange(200).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, *SHAPE)
    labels = Labels(("odd",), (torch.arange(200) % 2 == 1)[:, None], False)
    finished(two_witnesses(images, labels))
    assert torch.equal(seen[0], seen[1])
    assert len(seen[0]) == 180
    monkeypatch.setattr(witnesses, "_OWN", 50)
    finished(two_witnesses(images, labels))
    ours, theirs = set(seen[2].tolist()), set(seen[3].tolist())
    assert not ours & theirs
    assert len(ours | theirs) == 180


# ---- refusals


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        (Wishes(("nort west",)), r"The data knows no 'nort west', only north west, .*Did you mean north west\?"),
        (Wishes(pairs=(("north west", "luck"),)), "no three classes to make pairs of"),
        (Wishes(pairs=(("north west", "north east"),)), "no three classes to make pairs of"),
        (Wishes(("warmer",)), "warmer: cannot be measured in pictures of 1 channels"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused_before_anything_is_trained(wishes: Wishes, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        next(find_named(generator(), *attributes(100), wishes))


def test_a_class_does_not_lead_to_itself() -> None:
    with pytest.raises(UserError, match="From north west to itself there is no direction"):
        next(find_named(generator(), *classes(100), Wishes(pairs=(("north west", "North West"),))))


def test_images_of_another_shape_are_refused() -> None:
    images, members = classes(100)
    with pytest.raises(UserError, match="The images are of 1 x 8 x 4, and this model makes 1 x 8 x 8"):
        next(find_named(generator(), images[..., :4], members))


def test_a_generator_that_never_shows_two_classes_is_told() -> None:
    images, members = classes()
    with pytest.raises(UserError, match="No two classes show in the samples of this model often enough"):
        finished(find_named(generator(dead=[0, 1, 2], spread=0.01), images, members))
