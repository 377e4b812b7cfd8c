"""Drags, keys and the map on a canvas with the move tool, by real events and without a window."""

import math

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication
from small_models import Z_DIM, make_generator

from ganexplorer.core.directions import Direction, dimension_effects, jacobian
from ganexplorer.core.first_layer import sefa
from ganexplorer.core.latent import Prior
from ganexplorer.core.render import Renderer
from ganexplorer.ui import theme
from ganexplorer.ui.editing.document import Subject
from ganexplorer.ui.parts.bipolar_bar import Scale
from ganexplorer.ui.picture.axes import AxisChoice
from ganexplorer.ui.picture.axis_bar import AxisBar
from ganexplorer.ui.picture.canvas import Canvas
from ganexplorer.ui.picture.move_tool import DRAG_SPAN, MoveTool
from ganexplorer.ui.picture.plane_map import REACH, SIDE, Plane
from ganexplorer.ui.work.studio import Sight
from ganexplorer.ui.work.workers import Frame

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier


class Rig:
    """A canvas with the tool, on the bench's model."""

    def __init__(self, bench, qtbot):
        self.bench, self.document, self.qtbot = bench, bench.document, qtbot
        self.canvas = Canvas(bench.document, theme.DARK)
        qtbot.addWidget(self.canvas)
        self.tool = MoveTool(bench.document, self.canvas, bench.studio, theme.DARK)
        self.canvas.take(self.tool)
        self.bar = AxisBar(self.tool)
        qtbot.addWidget(self.bar)
        self.canvas.resize(500, 400)
        self.canvas.show()
        self.show_model()

    def show_model(self):
        renderer = self.bench.studio.sight.renderer
        images = renderer.images(self.document.z[None])
        self.canvas.show_frame(Frame(1, renderer.render(self.document.z[None])[0], images[0].numpy(), 1.0))
        effects = dimension_effects(renderer.images, self.document.prior, len(self.document.z))
        self.tool.set_effects(effects)

    def use(self, generator):
        """Another model, as the window shows one."""
        self.bench.studio.use(Sight(Renderer(generator), None))
        self.document.show(Subject("other", generator.spec))
        self.show_model()

    @property
    def speed(self):
        """Units of z for a pixel of a drag."""
        return DRAG_SPAN * (self.document.prior.std or 0.5) / (self.canvas.picture_rect().width() / 2)

    def press(self, point, modifier=NONE):
        self.qtbot.mousePress(self.canvas, LEFT, modifier, point)

    def move(self, point, modifier=NONE):
        place, glob = QPointF(point), QPointF(self.canvas.mapToGlobal(point))
        event = QMouseEvent(QEvent.Type.MouseMove, place, glob, Qt.MouseButton.NoButton, LEFT, modifier)
        QApplication.sendEvent(self.canvas, event)

    def release(self, point, modifier=NONE):
        self.qtbot.mouseRelease(self.canvas, LEFT, modifier, point)

    def drag(self, *points, modifier=NONE):
        self.press(points[0], modifier)
        for point in points[1:]:
            self.move(point, modifier)
        self.release(points[-1], modifier)

    def key(self, key, modifier=NONE):
        self.qtbot.keyClick(self.canvas, key, modifier)

    def amounts(self, z=None):
        z = self.document.z if z is None else z
        return [float(z @ axis.vector) for axis in self.tool.axes]

    def undo_to(self, z):
        """There is one step to undo, and it leads to z."""
        self.document.undo()
        assert torch.equal(self.document.z, z)
        assert not self.document.can_undo


@pytest.fixture
def rig(bench, qtbot):
    return Rig(bench, qtbot)


def vector_of(*values, z_dim=Z_DIM):
    vector = torch.zeros(z_dim)
    vector[: len(values)] = torch.tensor(values)
    return vector


def give(rig, *vectors):
    """Named directions on the axes."""
    directions = [Direction.of(f"d{i}", vector) for i, vector in enumerate(vectors)]
    rig.document.set_directions(directions)
    for which, direction in enumerate(rig.document.directions):
        rig.tool.use_as_axis(direction, which)
    rig.document._edits._undo.clear()
    return directions


CENTER = QPoint(250, 200)


# -- drags -----------------------------------------------------------------------------------------------------


def test_a_drag_moves_along_both_axes_independently_though_they_are_not_at_right_angles(rig):
    a, b = give(rig, vector_of(1.0, 0.0, 2.0), vector_of(1.0, 1.0))
    start = rig.document.z
    rig.drag(CENTER, CENTER + QPoint(20, -4), CENTER + QPoint(50, -30))
    expected = start + a.vector * (50 * rig.speed) + b.vector * (30 * rig.speed)
    assert torch.allclose(rig.document.z, expected, atol=1e-5)
    rig.undo_to(start)


def test_shift_in_mid_drag_does_not_jump(rig):
    start = rig.document.z
    rig.press(CENTER)
    rig.move(CENTER + QPoint(40, 0))
    before = rig.document.z
    rig.move(CENTER + QPoint(40, 0), SHIFT)
    assert torch.equal(rig.document.z, before)
    rig.move(CENTER + QPoint(50, 0), SHIFT)
    fine = rig.document.z
    rig.move(CENTER + QPoint(50, 0))
    assert torch.equal(rig.document.z, fine)
    rig.move(CENTER + QPoint(60, 0))
    rig.release(CENTER + QPoint(60, 0))
    way = float((rig.document.z - start) @ rig.tool.axes[0].vector)
    assert way == pytest.approx((40 + 10 * 0.2 + 10) * rig.speed, rel=1e-4)
    rig.undo_to(start)


def test_ctrl_snaps_to_half_standard_deviations_from_the_centre(rig):
    a, b = give(rig, vector_of(1.0), vector_of(0.0, 1.0))
    start = rig.document.z
    rig.drag(CENTER, CENTER + QPoint(37, -61), modifier=CTRL)
    wanted = [float(start @ a.vector) + 37 * rig.speed, float(start @ b.vector) + 61 * rig.speed]
    snapped = [round(2 * amount) / 2 for amount in wanted]
    assert rig.amounts() == pytest.approx(snapped, abs=1e-6)
    assert torch.equal(rig.document.z[2:], start[2:])


def test_ctrl_snaps_the_amounts_of_skewed_axes_which_make_z_together(rig):
    _, b = give(rig, vector_of(1.0), vector_of(1.0, 1.0))
    rig.drag(CENTER, CENTER + QPoint(37, -61), modifier=CTRL)
    across = float(rig.document.z[1]) / float(b.vector[1])
    along = float(rig.document.z[0]) - across * float(b.vector[0])
    for amount in (along, across):
        assert 2 * amount == pytest.approx(round(2 * amount), abs=1e-5)


def test_ctrl_counts_in_standard_deviations_from_the_centre_of_the_prior(rig):
    rig.use(make_generator(z_dim=4, prior=Prior.normal(1.0, 3.0)))
    give(rig, vector_of(1.0, z_dim=4), vector_of(0.0, 1.0, z_dim=4))
    rig.drag(CENTER, CENTER + QPoint(31, 22), modifier=CTRL)
    for amount in ((rig.document.z[:2] - 1) / 3).tolist():
        assert 2 * amount == pytest.approx(round(2 * amount), abs=1e-5)


def test_escape_in_mid_drag_goes_back_and_leaves_no_step(rig):
    start = rig.document.z
    rig.press(CENTER)
    rig.move(CENTER + QPoint(40, 10))
    assert not torch.equal(rig.document.z, start)
    rig.key(Qt.Key.Key_Escape)
    assert torch.equal(rig.document.z, start)
    rig.move(CENTER + QPoint(80, 10))
    rig.release(CENTER + QPoint(80, 10))
    assert torch.equal(rig.document.z, start)
    assert not rig.document.can_undo


def test_locked_dimensions_stay(rig):
    give(rig, vector_of(1.0, 1.0), vector_of(0.0, 0.0, 1.0))
    rig.document.set_locks(frozenset({1}))
    start = rig.document.z
    rig.drag(CENTER, CENTER + QPoint(40, -20))
    assert rig.document.z[1] == start[1]
    assert rig.document.z[0] > start[0]
    assert rig.document.z[2] > start[2]


def test_before_effects_are_measured_a_drag_does_nothing(bench, qtbot):
    canvas = Canvas(bench.document, theme.DARK)
    qtbot.addWidget(canvas)
    tool = MoveTool(bench.document, canvas)
    canvas.take(tool)
    canvas.resize(400, 400)
    canvas.show()
    start = bench.document.z
    qtbot.mousePress(canvas, LEFT, NONE, CENTER)
    assert tool.axes == []
    tool.axes = [Direction("up", torch.eye(Z_DIM)[3])]  # they arrive before the first movement
    place = QPointF(CENTER + QPoint(30, 0))
    event = QMouseEvent(QEvent.Type.MouseMove, place, place, Qt.MouseButton.NoButton, LEFT, NONE)
    QApplication.sendEvent(canvas, event)
    qtbot.mouseRelease(canvas, LEFT, NONE, CENTER)
    assert (bench.document.z != start).nonzero().flatten().tolist() == [3]


def test_shift_turns_the_wheel_finely_even_where_the_system_makes_it_horizontal(rig, qtbot):
    start = rig.document.z
    place = QPointF(CENTER)
    event = QWheelEvent(
        place, rig.canvas.mapToGlobal(place), QPoint(), QPoint(120, 0), Qt.MouseButton.NoButton, SHIFT,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(rig.canvas, event)
    assert torch.allclose(rig.document.z, start * 1.05**0.2, rtol=1e-5)
    with qtbot.waitSignal(rig.document.history_changed):
        pass  # a moment of quiet ends the turn
    rig.undo_to(start)


# -- keys ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "modifier", "right", "up"),
    [
        (Qt.Key.Key_Right, NONE, 0.1, 0),
        (Qt.Key.Key_Left, SHIFT, -0.02, 0),
        (Qt.Key.Key_Up, CTRL, 0, 0.5),
        (Qt.Key.Key_Down, NONE, 0, -0.1),
    ],
)
def test_arrow_keys_move_along_the_axes(rig, key, modifier, right, up):
    start = rig.document.z
    rig.key(key, modifier)
    a, b = (axis.vector for axis in rig.tool.axes)
    assert torch.allclose(rig.document.z, start + right * a + up * b, atol=1e-6)
    rig.undo_to(start)


def test_a_key_that_is_held_is_one_step_and_steps_are_in_standard_deviations(rig, qtbot):
    rig.use(make_generator(z_dim=6, prior=Prior.uniform(-2, 2)))
    start = rig.document.z
    count = len(rig.document.history)
    for _ in range(4):
        qtbot.keyPress(rig.canvas, Qt.Key.Key_Right)
    qtbot.keyRelease(rig.canvas, Qt.Key.Key_Right)
    moved = float((rig.document.z - start) @ rig.tool.axes[0].vector)
    assert moved == pytest.approx(4 * 0.1 * 4 / math.sqrt(12), rel=1e-4)
    assert len(rig.document.history) == count + 1


def test_keys_are_the_tools_only_while_it_is_in_hand(rig):
    class Other:
        cursor = Qt.CursorShape.CrossCursor

        def let_go(self):
            pass

        def paint(self, painter):
            pass

    rig.canvas.take(Other())
    start = rig.document.z
    rig.key(Qt.Key.Key_Right)
    assert torch.equal(rig.document.z, start)


# -- which axes ------------------------------------------------------------------------------------------------


def test_by_default_the_axes_are_the_two_strongest_dimensions(rig):
    effects = dimension_effects(rig.bench.sight.renderer.images, Prior.normal(), Z_DIM)
    order = effects.argsort(descending=True).tolist()
    assert [int(axis.vector.argmax()) for axis in rig.tool.axes] == order[:2]
    assert rig.bar.lists[0].currentText() == f"z{order[0]} · strongest"


def choose(box, text):
    """As a person picks an item of a list."""
    row = box.findText(text)
    assert row >= 0
    box.setCurrentIndex(row)
    box.activated.emit(row)


def test_a_dimension_a_direction_and_a_swap(rig):
    (named,) = give(rig, vector_of(1.0, 2.0))
    rig.tool.chooser.choose(0, AxisChoice("strongest"))
    choose(rig.bar.lists[0], "z5")
    choose(rig.bar.lists[1], "d0")
    assert torch.equal(rig.tool.axes[0].vector, torch.eye(Z_DIM)[5])
    assert rig.tool.axes[1] is named
    rig.bar.swap.click()
    assert rig.tool.axes[0] is named
    assert [box.currentText() for box in rig.bar.lists] == ["d0", "z5"]


def test_a_direction_that_is_renamed_stays_an_axis_and_one_that_is_removed_gives_way(rig):
    give(rig, vector_of(1.0, 2.0))
    strongest = rig.tool.chooser._strongest[0]
    renamed = Direction("new", rig.document.directions[0].vector)
    rig.document.set_directions([renamed])
    assert rig.tool.axes[0] is renamed
    assert rig.bar.lists[0].currentText() == "new"
    rig.document.set_directions([])
    assert rig.tool.axes[0] is strongest
    assert rig.bar.lists[0].currentText().endswith("strongest")


def test_sefa_as_axes_is_that_of_the_network(rig, generator, qtbot):
    choose(rig.bar.lists[0], "SeFa 1")
    choose(rig.bar.lists[1], "SeFa 2")
    qtbot.waitUntil(lambda: [axis.origin for axis in rig.tool.axes] == ["sefa", "sefa"])
    for axis, expected in zip(rig.tool.axes, sefa(generator, 2), strict=True):
        assert float(axis.vector @ expected.vector) == pytest.approx(1, abs=1e-4)


def test_local_axes_are_looked_for_anew_where_z_rests_but_not_in_mid_drag(rig, generator, qtbot):
    choose(rig.bar.lists[0], "Here 1")
    qtbot.waitUntil(lambda: rig.tool.axes[0].origin == "jacobian")
    first = rig.tool.axes[0]
    rig.press(CENTER)
    rig.move(CENTER + QPoint(60, -60))
    qtbot.wait(300)
    assert rig.tool.axes[0] is first
    rig.release(CENTER + QPoint(60, -60))
    qtbot.waitUntil(lambda: rig.tool.axes[0] is not first)
    here = jacobian(generator, rig.document.z, 1)[0]
    assert abs(float(rig.tool.axes[0].vector @ here.vector)) == pytest.approx(1, abs=1e-3)
    assert float(rig.tool.axes[0].vector @ first.vector) > 0


def test_what_a_model_does_not_have_is_told_and_gives_way(rig, qtbot):
    rig.use(make_generator(z_dim=1))
    assert len(rig.tool.axes) == 1
    with qtbot.waitSignal(rig.tool.notice) as told:
        rig.tool.chooser.choose(1, AxisChoice("sefa", 1))
    assert "only 1 direction of SeFa" in told.args[0]
    start = rig.document.z
    rig.drag(CENTER, CENTER + QPoint(30, 30))
    assert float(rig.document.z - start) == pytest.approx(30 * rig.speed, rel=1e-4)
    rig.tool.show_map(True)
    rig.canvas.grab()


def test_another_latent_space_has_axes_of_its_own_and_found_ones_are_found_anew(rig, qtbot):
    choose(rig.bar.lists[0], "SeFa 1")
    choose(rig.bar.lists[1], "z20")
    qtbot.waitUntil(lambda: rig.tool.axes[0].origin == "sefa")
    other = make_generator(seed=4, z_dim=8, prior=Prior.uniform(), image_shape=(3, 16, 16))
    rig.use(other)
    qtbot.waitUntil(lambda: rig.tool.axes[0].origin == "sefa")
    expected = sefa(other, 1)[0]
    assert abs(float(rig.tool.axes[0].vector @ expected.vector)) == pytest.approx(1, abs=1e-4)
    assert rig.tool.axes[1].origin == "dimension"
    assert rig.bar.lists[1].currentText().endswith("second")


def test_a_model_in_training_keeps_chosen_axes_and_the_drag_in_hand(rig, qtbot):
    choose(rig.bar.lists[0], "SeFa 1")
    qtbot.waitUntil(lambda: rig.tool.axes[0].origin == "sefa")
    first, start = rig.tool.axes[0], rig.document.z
    rig.press(CENTER)
    rig.move(CENTER + QPoint(10, 0))
    newer = make_generator(seed=9)
    for step in range(3):
        rig.bench.studio.use(Sight(Renderer(newer), None))
        rig.document.show(Subject("run", newer.spec, step))
    rig.move(CENTER + QPoint(30, 0))
    assert float((rig.document.z - start) @ first.vector) == pytest.approx(30 * rig.speed, rel=1e-4)
    rig.release(CENTER + QPoint(30, 0))
    newest = sefa(newer, 1)[0]
    qtbot.waitUntil(lambda: abs(float(rig.tool.axes[0].vector @ newest.vector)) > 0.999)


# -- the map ---------------------------------------------------------------------------------------------------


def test_a_plane_is_spanned_by_both_axes_and_measures_at_right_angles():
    a, b = Direction.of("a", torch.tensor([1.0, 0, 0])), Direction.of("b", torch.tensor([1.0, 1.0, 0]))
    plane = Plane.of((a, b), Prior.normal(2.0, 0.5))
    points = plane.points(torch.tensor([[2.0, 2, 2], [3.0, 2, 9], [2.0, 2.5, 2], [2.5, 2.5, 2]]))
    assert np.allclose(points, [[0, 0], [2, 0], [0, 1], [1, 1]], atol=1e-6)
    assert np.allclose(plane.slopes, [[1, 0], [math.sqrt(0.5), math.sqrt(0.5)]], atol=1e-6)


@pytest.mark.parametrize("second", [None, torch.tensor([0.0, 1, 0]), torch.tensor([0.0, -1, 0])])
def test_axes_that_span_no_plane_span_a_line(second):
    a = Direction.of("a", torch.tensor([0.0, 1, 0]))
    plane = Plane.of((a, None if second is None else Direction.of("b", second)), Prior.normal())
    assert np.allclose(plane.points(torch.tensor([[5.0, 2, 3]])), [[2, 0]])
    assert Plane.of((None, None), Prior.normal()) is None


def test_the_edge_of_a_uniform_prior_in_a_plane():
    box = Prior.uniform(-1, 3)
    a, b = (Direction.of("d", vector) for vector in torch.eye(3)[:2])
    outline = Plane.of((a, b), box).outline() * box.std
    assert np.abs(outline).max(axis=1) == pytest.approx(np.full(len(outline), 2.0))  # a square, its corners too
    assert np.abs(outline - 2).sum(axis=1).min() < 1e-9
    assert Plane.of((a, b), Prior.normal()).outline() is None
    assert Plane.of((a, b), Prior.constant(0.5)).outline() is None


def test_the_map_has_the_way_of_the_history_and_its_branches(rig):
    give(rig, vector_of(1.0), vector_of(0.0, 1.0))
    document, plan = rig.document, rig.tool.map
    root = document.z
    places = [(1.0, 0.0), (1.0, 2.0), (-1.0, 0.5)]
    for x, y in places[:2]:
        document.set_z(torch.cat([torch.tensor([x, y]), root[2:] + x]))
    document.undo()
    document.set_z(torch.cat([torch.tensor(places[2]), root[2:]]))
    assert np.allclose(plan.path(), [root[:2].tolist(), places[0], places[2]], atol=1e-6)
    assert np.allclose(plan.branches(), [[places[0], places[1]]], atol=1e-6)
    assert np.allclose(plan.point(), places[2], atol=1e-6)
    document.undo()
    assert np.allclose(plan.path(), [root[:2].tolist(), places[0]], atol=1e-6)
    assert len(plan.branches()) == 2


def map_pixel(rig, x, y):
    """Where a point of the plane is on the canvas, told from what the map looks like: 132 px, 12 px from the edges."""
    left, top = rig.canvas.width() - 12 - SIDE, rig.canvas.height() - 12 - SIDE
    return QPoint(round(left + SIDE / 2 + x * SIDE / 8), round(top + SIDE / 2 - y * SIDE / 8))


def test_a_click_on_the_map_goes_there_and_leaves_the_rest(rig):
    a, _ = give(rig, vector_of(1.0), vector_of(1.0, 1.0))
    start = rig.document.z
    rig.tool.show_map(True)
    rig.drag(map_pixel(rig, 1.5, -2))
    across = vector_of(0.0, 1.0)
    assert REACH == 4
    assert float(rig.document.z @ a.vector) == pytest.approx(1.5, abs=0.04)
    assert float(rig.document.z @ across) == pytest.approx(-2, abs=0.04)
    assert torch.equal(rig.document.z[2:], start[2:])
    rig.undo_to(start)


def test_a_drag_on_the_map_follows_and_snaps_with_ctrl_and_is_fine_with_shift(rig):
    give(rig, vector_of(1.0), vector_of(0.0, 1.0))
    start = rig.document.z
    rig.tool.show_map(True)
    rig.drag(map_pixel(rig, 0, 0), map_pixel(rig, 1, 1), map_pixel(rig, 2.1, -1.4), modifier=CTRL)
    assert rig.amounts() == pytest.approx([2.0, -1.5], abs=1e-6)
    rig.undo_to(start)
    rig.press(map_pixel(rig, 1, 0))
    rig.move(map_pixel(rig, 2, 0), SHIFT)
    assert rig.amounts() == pytest.approx([1.2, 0], abs=0.05)
    rig.move(map_pixel(rig, 3, 0))
    assert rig.amounts() == pytest.approx([2.2, 0], abs=0.08)
    rig.key(Qt.Key.Key_Escape)
    assert torch.equal(rig.document.z, start)
    rig.release(map_pixel(rig, 3, 0))


def test_without_the_map_its_corner_is_part_of_the_picture(rig):
    start = rig.document.z
    rig.drag(map_pixel(rig, 0, 0), map_pixel(rig, 0, 0) + QPoint(10, 0))
    assert float((rig.document.z - start) @ rig.tool.axes[0].vector) == pytest.approx(10 * rig.speed, rel=1e-4)


def test_the_toggle_shows_and_hides_the_map(rig):
    plain = rig.canvas.grab().toImage()
    rig.bar.map.click()
    assert rig.tool.is_map_shown
    shown = rig.canvas.grab().toImage()
    corner = map_pixel(rig, 3, 3)
    assert shown.pixelColor(corner) != plain.pixelColor(corner)
    assert shown.pixelColor(20, 20) == plain.pixelColor(20, 20)
    rig.tool.show_map(False)
    assert not rig.bar.map.isChecked()
    assert rig.canvas.grab().toImage() == plain


def test_the_dot_is_painted_where_z_is(rig):
    give(rig, vector_of(1.0), vector_of(0.0, 1.0))
    rig.document.set_z(torch.cat([torch.tensor([2.0, 1.0]), rig.document.z[2:]]))
    rig.tool.show_map(True)
    seen = rig.canvas.grab().toImage().pixelColor(map_pixel(rig, 2, 1))
    assert seen.name() == theme.DARK.accent


@pytest.mark.parametrize("prior", [Prior.normal(), Prior.uniform(0, 1), Prior.constant(0.5)])
@pytest.mark.parametrize("z_dim", [1, 3])
def test_the_map_is_painted_for_every_prior_and_size_in_both_themes(rig, prior, z_dim):
    rig.use(make_generator(z_dim=z_dim, prior=prior, image_shape=(1, 1, 4)))
    rig.document.keep_as_a()
    rig.document.set_z(rig.document.z + 20)  # beyond the map
    rig.document.add_key()
    rig.document.keep_as_b()
    rig.tool.show_map(True)
    pictures = []
    for colors in (theme.DARK, theme.LIGHT):
        rig.tool.set_theme(colors)
        image = QImage(rig.canvas.size(), QImage.Format.Format_RGB32)
        image.fill(0)
        painter = QPainter(image)
        rig.tool.paint(painter)
        painter.end()
        pictures.append(image)
    assert pictures[0] != pictures[1]


def test_all_steps_of_a_history_are_on_the_map(rig):
    random = torch.Generator().manual_seed(1)
    for number in range(60):
        rig.document.set_z(torch.randn(Z_DIM, generator=random))
        if number % 3 == 2:
            rig.document.undo()
    assert len(rig.tool.map.path()) == 1 + 40
    assert len(rig.tool.map.branches()) == 20
    rig.tool.show_map(True)
    assert not rig.canvas.grab().isNull()


# -- the scale of sliders along directions --------------------------------------------------------------------


def test_a_scale_covers_what_the_prior_does():
    along = Scale.along(Prior.normal(5, 2), vector_of(1.0))
    assert (along.low, along.high, along.inner, along.ticks) == (-4, 4, (-3.5, 3.5), (-2, -1, 1, 2))
    one = Scale.along(Prior.uniform(), vector_of(1.0))
    assert one.inner == pytest.approx((-math.sqrt(3), math.sqrt(3)))
    assert one.ticks == (-1, 1)
    many = Scale.along(Prior.uniform(), torch.full((Z_DIM,), 1 / 8))
    assert many.inner == (-3.5, 3.5)
    point = Scale.along(Prior.constant(0.5), vector_of(1.0))
    assert (point.low, point.high, point.inner) == (-1, 1, (0, 0))
    assert point.covers(0.0)
    assert not point.covers(0.1)
