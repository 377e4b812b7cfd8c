"""Any edits in any order: undo, redo and the history put back exactly what was there."""

from dataclasses import dataclass, fields

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ganexplorer.core.directions import Direction
from ganexplorer.core.latent import Prior, seeded
from ganexplorer.core.networks import mlp_generator
from ganexplorer.core.spec import LeakyReLU, Tanh
from ganexplorer.core.state import Bookmark, Share, State
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.editing.history import LIMIT

PRIORS = [Prior.normal(), Prior.uniform(), Prior.constant(0.5), Prior.normal(1.0, 2.0)]
QUICK = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.generate, Phase.shrink],
)


def subject(z_dim, prior, name="m"):
    return Subject(name, mlp_generator(z_dim, (4,), (1, 2, 2), prior, LeakyReLU(0.2), Tanh()))


def frozen(value):
    """A value that equals another only if all their bits are equal."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), value.numpy().tobytes()
    if isinstance(value, tuple):
        return tuple(frozen(item) for item in value)
    if isinstance(value, Bookmark | Share | Direction):
        names = [name for field in fields(value) if isinstance(name := field.name, str)]
        return tuple(frozen(getattr(value, name)) for name in names)
    return value


def copied(state: State):
    return {field.name: frozen(getattr(state, field.name)) for field in fields(State)}


@dataclass
class Hand:
    """A person at work on a document; `past` are the states that undo should lead through, newest last."""

    document: Document
    seen: dict

    @property
    def edits(self):
        return self.document._edits

    def direction(self, number):
        vector = seeded(Prior.normal(), len(self.document.z), number)[0]
        return Direction(f"d{number}", vector / vector.norm())

    def do(self, action, number, value):
        document, z_dim = self.document, len(self.document.z)
        index, name = number % z_dim, "xyz"[number % 3]
        z = seeded(document.prior, z_dim, number)[0]
        numbers = [step.number for step in document.history]
        match action:
            case "random":
                document.random()
            case "zero":
                document.zero()
            case "dimension":
                document.set_dimension(index, value)
            case "move":
                document.move(document.z, [(self.direction(number).vector, value)])
            case "amount":
                document.set_amount(self.direction(number), value)
            case "scale":
                document.scale(value)
            case "truncation":
                document.set_truncation(value / 3)
            case "solo":
                document.solo(index)
            case "locks":
                document.set_locks(document.locked ^ {index})
            case "a":
                document.keep_as_a()
            case "b":
                document.keep_as_b()
            case "add key":
                document.add_key(z if number % 2 else None, None if number % 3 else 0)
            case "keys":
                document.set_keys(document.b, document.state.middle[::-1][:2], document.a)
            case "t":
                document.set_t(value)
            case "directions":
                document.set_directions([*document.directions[number % 2 :], self.direction(number)])
            case "bookmarks":
                document.set_bookmarks([*document.bookmarks[number % 2 :], Bookmark(name, z)])
            case "stars":
                document.set_stars([*document.stars[number % 2 :], z])
            case "basket":
                document.set_basket([*document.basket[number % 2 :], Share(z, value)])
            case "leap":
                document.leap(z)
            case "visit":
                document.visit(numbers[number % len(numbers)])
            case "forgotten":
                document.visit(number + 10_000)
            case "begin":
                document.begin_edit(name)
            case "end":
                document.end_edit(name)
            case "cancel":
                document.cancel_edit(name)
            case "reopen":
                document.reopen_edit(name, self.edits._undo[-1].z if self.edits._undo else z)
            case "undo":
                document.undo()
            case "redo":
                document.redo()
            case "same model":
                document.show(document.subject)
        self.check()

    def check(self):
        """What holds at any time."""
        document, history = self.document, self.document.history
        for step in history:
            if step.number in self.seen:
                assert self.seen[step.number] == frozen(step.z), "a step of the history has changed"
            assert step.parent is None or step.parent in history
        if len(history) < LIMIT:
            assert set(self.seen) <= {step.number for step in history}, "a step was lost"
        if not self.edits._editors:
            self.seen = {step.number: frozen(step.z) for step in history}
            for state in (document.state, *self.edits._undo, *self.edits._redo):
                if state.node in history:
                    assert frozen(history[state.node].z) == frozen(state.z)
                else:
                    assert len(history) == LIMIT

    def rest(self):
        for editor in "xyz":
            self.document.end_edit(editor)
        self.check()


ACTIONS = [
    "random", "zero", "dimension", "move", "amount", "scale", "truncation", "solo", "locks", "a", "b", "add key",
    "keys", "t", "directions", "bookmarks", "stars", "basket", "leap", "visit", "forgotten", "same model",
    *["begin", "end", "undo", "redo", "cancel"] * 2,
]  # fmt: skip
STEPS = st.tuples(
    st.sampled_from(ACTIONS), st.integers(0, 20), st.floats(-3, 3, width=32).map(lambda value: round(value, 2))
)
PLAY = st.lists(STEPS, min_size=1, max_size=40)


def at_work(z_dim, prior):
    document = Document()
    document.show(subject(z_dim, prior))
    return Hand(document, {})


def walk_back(document):
    states = [copied(document.state)]
    while document.can_undo:
        document.undo()
        states.append(copied(document.state))
    return states


def walk_on(document):
    states = [copied(document.state)]
    while document.can_redo:
        document.redo()
        states.append(copied(document.state))
    return states


@QUICK
@given(PLAY, st.sampled_from([1, 2, 8]), st.sampled_from(PRIORS))
def test_undo_and_redo_lead_through_the_same_states_bit_for_bit(qapp, play, z_dim, prior):
    hand = at_work(z_dim, prior)
    first = copied(hand.document.state)
    for step in play:
        hand.do(*step)
    hand.rest()
    steps = [(step.number, step.parent, frozen(step.z)) for step in hand.document.history]
    walk_on(hand.document)
    back = walk_back(hand.document)
    assert back[-1] == first
    assert walk_on(hand.document) == back[::-1]
    assert walk_back(hand.document) == back
    assert [(step.number, step.parent, frozen(step.z)) for step in hand.document.history] == steps
    hand.check()


@QUICK
@given(st.lists(STEPS.filter(lambda step: step[0] not in ("begin", "end", "cancel", "undo", "redo")), max_size=30))
def test_each_edit_is_one_step_or_none(qapp, play):
    """Recorded beside the document: the states after each edit are those that undo leads through."""
    hand = at_work(4, PRIORS[0])
    states = [copied(hand.document.state)]
    for step in play:
        hand.do(*step)
        now = copied(hand.document.state)
        if now != states[-1]:
            states.append(now)
        elif hand.document.can_undo:
            assert len(hand.edits._undo) in (len(states) - 1, len(states))  # the same z in another step of history
            if len(hand.edits._undo) == len(states):
                states.append(now)
    back = walk_back(hand.document)
    assert back == states[::-1]
    assert walk_on(hand.document) == states


@QUICK
@given(
    st.lists(st.tuples(st.sampled_from(["dimension", "move", "scale", "a", "locks", "bookmarks", "begin", "end"]),
                       st.integers(0, 20), st.floats(-3, 3)), max_size=30),
)  # fmt: skip
def test_edits_that_overlap_are_one_step(qapp, play):
    hand = at_work(4, PRIORS[0])
    hand.document.random()
    before = copied(hand.document.state)
    hand.document.begin_edit("the whole")
    for step in play:
        hand.do(*step)
    hand.rest()
    hand.document.end_edit("the whole")
    hand.check()
    hand.document.undo()
    after = copied(hand.document.state)
    assert after == before or (len(hand.edits._undo) == 0 and after != before)  # nothing done: undid the random one


@QUICK
@given(PLAY, st.integers(0, 30))
def test_saved_work_goes_on_as_it_was(qapp, play, number):
    """A restore point: state and history as they were, undo anew."""
    hand = at_work(8, PRIORS[0])
    for step in play:
        hand.do(*step)
    state, steps = hand.document.state, [(s.number, s.parent, frozen(s.z)) for s in hand.document.history]
    document = Document()
    document.show(subject(8, PRIORS[0]))
    document.random()
    document.restore(state, hand.document.history, hand.document.morph, hand.document.gallery)
    assert copied(document.state) == copied(state)
    assert [(s.number, s.parent, frozen(s.z)) for s in document.history] == steps
    assert not document.can_undo
    document.random()
    document.undo()
    assert copied(document.state) == copied(state)


@QUICK
@given(PLAY, st.sampled_from([1, 3, 8, 9]), st.sampled_from(PRIORS))
def test_another_latent_space_and_back_changes_no_bit(qapp, play, z_dim, prior):
    hand = at_work(8, PRIORS[1])
    for step in play:
        hand.do(*step)
    hand.rest()
    before = copied(hand.document.state), [copied(state) for state in hand.edits._undo]
    hand.document.show(subject(z_dim, prior, "other"))
    assert hand.document.z.shape == (z_dim,)
    walk = [state.z.shape for state in (*hand.edits._undo, *hand.edits._redo)]
    assert set(walk) <= {(z_dim,)}
    hand.document.show(subject(8, PRIORS[1]))
    assert (copied(hand.document.state), [copied(state) for state in hand.edits._undo]) == before
    hand.check()


# -- what was found this way, one by one ----------------------------------------------------------------------


@pytest.fixture
def document(qapp):
    document = Document()
    document.show(subject(4, PRIORS[0]))
    return document


def is_at_a_step_of_its_own(document):
    return torch.equal(document.history[document.state.node].z, document.z)


def test_a_leap_in_mid_edit_is_a_step_of_the_history(document):
    document.begin_edit("hand")
    document.set_dimension(0, 3.0)
    dragged = document.z
    document.random()
    assert len(document.history) == 3
    assert is_at_a_step_of_its_own(document)
    assert document.history.path(document.state.node) == [0, 1, 2]
    assert document.history[1].z is dragged
    document.undo()
    assert document.z is dragged
    assert is_at_a_step_of_its_own(document)


def test_a_double_click_is_one_step_of_the_history_too(document):
    start = document.z
    document.begin_edit("hand")
    document.set_dimension(0, 3.0)
    document.end_edit("hand")
    document.reopen_edit("hand", start)
    document.set_dimension(0, 0.0)
    document.end_edit("hand")
    assert len(document.history) == 2
    assert is_at_a_step_of_its_own(document)
    document.undo()
    assert document.z is start
    assert not document.can_undo
    document.redo()
    assert float(document.z[0]) == 0
    assert is_at_a_step_of_its_own(document)


def test_a_double_click_that_changes_nothing_more_is_one_step(document):
    start = document.z
    document.set_dimension(0, 3.0)
    end = document.z
    document.reopen_edit("hand", start)
    document.end_edit("hand")
    assert document.z is end
    assert [step.number for step in document.history] == [0, 1]
    assert is_at_a_step_of_its_own(document)
    document.undo()
    assert document.z is start


def test_reopening_never_takes_back_a_step_that_undo_leads_to(document):
    document.random()
    document.visit(0)
    back = document.z
    document.visit(1)
    z = document.z
    document.reopen_edit("hand", back)
    document.set_dimension(0, 3.0)
    document.end_edit("hand")
    assert document.history[1].z is z
    assert is_at_a_step_of_its_own(document)


def test_the_step_that_a_drag_left_can_be_visited_in_mid_edit(document):
    document.random()
    start = document.z
    document.begin_edit("hand")
    document.set_dimension(0, 3.0)
    document.visit(1)
    assert document.z is start
    assert document.state.node == 1
    assert len(document.history) == 3  # where the drag was


@QUICK
@given(st.lists(st.tuples(st.sampled_from(["reopen", "end", "dimension", "random", "visit", "undo", "redo", "a"]),
                          st.integers(0, 6), st.floats(-3, 3)), max_size=25))  # fmt: skip
def test_reopened_edits_keep_undo_and_history_together(qapp, play):
    hand = at_work(2, PRIORS[0])
    for action, number, value in play:
        hand.seen = {}  # the step in hand may be taken back
        hand.do(action, number, value)
    hand.rest()
    back = walk_back(hand.document)
    assert walk_on(hand.document)[: len(back)] == back[::-1]
