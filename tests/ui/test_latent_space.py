"""The document when the model changes: what of z, A, B and the history is kept, and what is said about the rest."""

import itertools
import time

import pytest
import torch

from ganexplorer.core.latent import Prior, seeded
from ganexplorer.core.networks import mlp_generator
from ganexplorer.core.spec import LeakyReLU, Tanh
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.editing.latent_space import LatentSpace, carry, difference

NORMAL, UNIFORM, CONSTANT = Prior.normal(), Prior.uniform(), Prior.constant(0.5)
PAIRS = list(itertools.permutations([NORMAL, UNIFORM, CONSTANT, Prior.constant(-2.0)], 2))


def subject(z_dim, prior=NORMAL, name="m"):
    return Subject(name, mlp_generator(z_dim, (4,), (1, 2, 2), prior, LeakyReLU(0.2), Tanh()))


@pytest.fixture
def document(qapp):
    document = Document()
    document.sentences = []
    document.adapted.connect(document.sentences.append)
    return document


def explored(document, z_dim=8, prior=NORMAL):
    """Show a model and leave steps to undo, one to redo, A, B, a key frame between, a branch and a t."""
    document.show(subject(z_dim, prior))
    document.set_mode("box")
    document.set_t(0.25)
    document.keep_as_a()
    document.random()
    document.keep_as_b()
    document.random()
    document.add_key()
    document.visit(0)
    document.random()
    document.random()
    document.undo()
    return history(document)


def history(document):
    """Copies of all latents there are, in a fixed order: z, A, B, those of all states, and those of the tree."""
    edits = document._edits
    states = (edits.state, *edits._undo, *edits._redo)
    latents = [document.z, document.a, document.b, *(z for state in states for z in (state.z, *state.keys))]
    return [z.clone() for z in (*latents, *(step.z for step in document.history))]


def same(left, right):
    return len(left) == len(right) and all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def test_the_first_model_shows_its_first_seed_and_says_nothing(document):
    document.show(subject(8))
    assert torch.equal(document.z, seeded(NORMAL, 8, 0)[0])
    assert document.sentences == []


def test_a_model_of_the_same_space_keeps_everything_in_silence(document):
    before = explored(document)
    document.show(subject(8, name="other"))
    assert same(history(document), before)
    assert document.sentences == []


def test_another_prior_carries_everything_over_by_its_quantiles(document):
    before = explored(document)
    document.show(subject(8, UNIFORM))
    after = history(document)
    for a, b in zip(before, after, strict=True):
        assert torch.allclose((b + 1) / 2, torch.special.ndtr(a.double()).float(), atol=1e-6)
    assert document.sentences == [
        "The prior is uniform(-1, 1) instead of normal(0, 1): z was carried over by its quantiles."
    ]
    assert (document.t, document.morph.mode) == (0.25, "box")


@pytest.mark.parametrize("prior", [NORMAL, UNIFORM])
def test_more_dimensions_keep_the_first_and_draw_the_others_from_seed_0(document, prior):
    before = explored(document, 64)
    document.show(subject(100, prior))
    first = before if prior == NORMAL else [prior.from_normal(z) for z in before]
    drawn = seeded(prior, 100, 0)[0][64:]
    assert same([z[:64] for z in history(document)], first)
    assert all(torch.equal(z[64:], drawn) for z in history(document))
    assert document.sentences[0].startswith(
        "z has 100 dimensions instead of 64: the first 64 were kept, the other 36 drawn anew."
    )


def test_fewer_dimensions_keep_the_first(document):
    before = explored(document, 100)
    document.show(subject(64))
    assert same(history(document), [z[:64] for z in before])
    assert document.sentences == [
        "z has 64 dimensions instead of 100: the first 64 were kept, the other 36 were dropped."
    ]


def test_undo_and_redo_work_across_the_change(document):
    explored(document)
    edits = document._edits
    states = [*edits._undo, edits.state, *reversed(edits._redo)]
    zs, keys = [state.z for state in states], [state.keys for state in states]
    document.show(subject(3))
    while document.can_undo:
        document.undo()
    walk = [document.state]
    while document.can_redo:
        document.redo()
        walk.append(document.state)
    assert same([state.z for state in walk], [z[:3] for z in zs])
    assert all(same(now.keys, [z[:3] for z in then]) for now, then in zip(walk, keys, strict=True))
    assert [state.node for state in walk] == [state.node for state in states]


def test_the_tree_of_the_history_is_that_of_before(document):
    explored(document, 8)
    before = [(step.number, step.parent, step.z) for step in document.history]
    document.show(subject(9, UNIFORM))
    after = [(step.number, step.parent) for step in document.history]
    assert after == [(number, parent) for number, parent, _ in before]
    assert torch.equal(document.history[document.state.node].z, document.z)
    document.visit(1)
    assert torch.allclose(document.z[:8], UNIFORM.from_normal(before[1][2]))


@pytest.mark.parametrize(("old", "new"), PAIRS)
@pytest.mark.parametrize("z_dim", [1, 8, 9])
def test_from_every_prior_to_every_other_all_values_are_finite(document, old, new, z_dim):
    explored(document, 8, old)
    document.set_z(torch.tensor([1e30, -1e30, 1.0, -1.0, 0.5, 0.0, 5.0, -5.0]))
    document.show(subject(z_dim, new))
    assert all(z.shape == (z_dim,) and z.dtype == torch.float32 and z.isfinite().all() for z in history(document))
    assert f"The prior is {new} instead of {old}" in document.sentences[0]
    document.undo()


def test_priors_of_extreme_width_overflow_to_no_infinity():
    spaces = [LatentSpace(2, prior) for prior in (Prior.normal(0, 1e-40), Prior.normal(0, 1e38), UNIFORM)]
    for before, after in itertools.permutations(spaces, 2):
        z = torch.tensor([[1.0, -1e38]])
        assert carry(z, before, after).isfinite().all()


def test_a_constant_takes_its_one_value_and_between_constants_what_was_added_is_kept():
    z = torch.tensor([[0.5, 0.8]])
    constant = LatentSpace(2, CONSTANT)
    assert carry(z, LatentSpace(2, NORMAL), constant).tolist() == [[0.5, 0.5]]
    assert carry(z, constant, LatentSpace(2, NORMAL))[0].tolist() == pytest.approx([0, 0.3], abs=1e-6)
    assert carry(z, constant, LatentSpace(2, Prior.constant(2.0)))[0].tolist() == pytest.approx([2, 2.3])
    assert "put to its one value" in difference(LatentSpace(2, NORMAL), constant)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (64, 1, "z has 1 dimension instead of 64: the first was kept, the other 63 were dropped."),
        (2, 1, "z has 1 dimension instead of 2: the first was kept, the other 1 was dropped."),
        (1, 3, "z has 3 dimensions instead of 1: the first was kept, the other 2 drawn anew."),
    ],
)
def test_one_dimension_is_told_in_the_singular(old, new, words):
    assert difference(LatentSpace(old, NORMAL), LatentSpace(new, NORMAL)) == words


def test_there_and_back_without_a_move_is_exactly_as_before(document):
    before = explored(document, 64)
    tensors = (document.z, document.a, document.b)
    document.show(subject(8, UNIFORM, "live"))
    document.show(subject(8, UNIFORM, "live"))  # the next step of the one in training
    document.show(subject(64))
    assert same(history(document), before)
    assert all(a is b for a, b in zip(tensors, (document.z, document.a, document.b), strict=True))
    assert len(document.sentences) == 1  # nothing was lost on the way back


def test_there_and_back_over_a_third_space_is_exactly_as_before(document):
    before = explored(document, 64)
    for z_dim in (8, 16, 1):
        document.show(subject(z_dim))
    document.show(subject(64))
    assert same(history(document), before)


@pytest.mark.parametrize(
    "move", [Document.random, Document.undo, Document.keep_as_a, lambda d: d.set_dimension(0, 3.0)]
)
def test_after_a_move_the_way_back_carries_what_was_moved(document, move):
    explored(document, 64)
    document.show(subject(8))
    move(document)
    z = document.z
    document.show(subject(64))
    assert torch.equal(document.z[:8], z)
    assert torch.equal(document.z[8:], seeded(NORMAL, 64, 0)[0][8:])
    assert len(document.sentences) == 2


def test_a_move_back_home_is_not_undone_by_an_older_memory(document):
    explored(document, 64)
    document.show(subject(8))
    document.show(subject(64))
    document.random()
    z = document.z
    document.show(subject(8))
    assert torch.equal(document.z, z[:8])
    document.show(subject(64))
    assert document.z is z


def test_an_edit_in_progress_is_a_step_of_its_own_and_ends_with_the_change(document):
    document.show(subject(8))
    start = document.z
    document.begin_edit("hand")
    document.set_dimension(0, 3.0)
    document.show(subject(3))
    assert document.z[0] == 3.0
    document.end_edit("hand")
    document.undo()
    assert torch.equal(document.z, start[:3])
    assert not document.can_undo


def test_a_drag_over_another_step_of_the_same_model_stays_one_step(document):
    document.show(subject(8))
    start = document.z
    document.begin_edit("hand")
    for value in (1.0, 2.0, 3.0):
        document.set_dimension(0, value)
        document.show(subject(8))
    document.end_edit("hand")
    document.undo()
    assert document.z is start


def test_views_hear_of_the_model_when_z_is_already_its_own(document):
    shapes = []
    document.subject_changed.connect(lambda shown: shapes.append((shown.spec.z_dim, len(document.z))))
    document.z_changed.connect(lambda z: shapes.append((document.subject.spec.z_dim, len(z))))
    document.slots_changed.connect(lambda: shapes.append((document.subject.spec.z_dim, len(document.z))))
    document.show(subject(8))
    document.show(subject(3))
    document.show(subject(5))
    assert all(expected == actual for expected, actual in shapes)


def test_a_long_history_is_carried_in_a_moment(document):
    document.show(subject(100))
    for _ in range(600):
        document.random()
    begin = time.thread_time()
    document.show(subject(64, UNIFORM))
    assert time.thread_time() - begin < 0.5
    assert document.can_undo
