"""Painting on the latent: strokes, keys, wheel, locks."""

import pytest
import torch
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from small_models import make_generator

from ganexplorer.core.latent import Prior
from ganexplorer.core.render import Renderer
from ganexplorer.ui import theme
from ganexplorer.ui.editing.document import Subject
from ganexplorer.ui.latent.palette_cells import Cells
from ganexplorer.ui.latent.palette_page import HINT, PalettePage
from ganexplorer.ui.parts.bipolar import NEGATIVE, POSITIVE
from ganexplorer.ui.work.studio import Sight

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
Key = Qt.Key


@pytest.fixture
def page(bench, qtbot):
    page = PalettePage(bench.document, theme.DARK)
    qtbot.addWidget(page)
    page.resize(340, 480)
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()
    page.palette_view.setFocus()
    return page


@pytest.fixture
def palette(page):
    return page.palette_view


@pytest.fixture
def document(bench):
    return bench.document


def middle(palette, cell):
    return palette.cells.rect(cell).center().toPoint()


def move(widget, point, button):
    position = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove, position, QPointF(widget.mapToGlobal(position)), Qt.MouseButton.NoButton, button, NONE
    )
    QApplication.sendEvent(widget, event)


def stroke(qtbot, palette, cells, button=LEFT):
    qtbot.mousePress(palette, button, NONE, middle(palette, cells[0]))
    for cell in cells[1:]:
        move(palette, middle(palette, cell), button)
    qtbot.mouseRelease(palette, button, NONE, middle(palette, cells[-1]))


def turn(widget, point, notches, modifier=NONE):
    position = QPointF(point)
    event = QWheelEvent(
        position, QPointF(widget.mapToGlobal(position)), QPoint(), QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def undo_all(document):
    count = 0
    while document.can_undo:
        document.undo()
        count += 1
    return count


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (7, 3), (64, 8), (100, 10), (4096, 64)])
@pytest.mark.parametrize("size", [(340, 400), (200, 160), (900, 300)])
def test_each_cell_is_where_it_is_found(count, columns, size):
    cells = Cells(count, *size)
    assert cells.columns == columns
    for cell in {0, count // 2, count - 1}:
        rect = cells.rect(cell)
        assert cells.at(rect.center()) == cell
        assert cells.at(rect.topLeft() + QPointF(0.01, 0.01)) == cell
        assert rect.left() >= 0
        assert rect.right() <= size[0]
        assert rect.bottom() <= size[1]
    assert cells.at(QPointF(cells.rect(0).left() - 1, cells.rect(0).center().y())) == -1
    assert cells.at(QPointF(-5, -5)) == -1
    assert cells.at(cells.rect(count - 1).center() + QPointF(cells.side, 0)) == -1
    assert [cells.neighbour(0, -1, 0), cells.neighbour(0, 0, -1)] == [0, 0]


def test_a_stroke_paints_the_brush_over_the_cells_in_one_undo_step(page, palette, document, qtbot):
    start = document.z
    page.brush.setValue(-15)
    stroke(qtbot, palette, [0, 1, 2, 10])
    painted = document.z
    assert painted[[0, 1, 2, 10]].tolist() == [-1.5] * 4
    assert painted.ne(start).sum() == 4
    assert undo_all(document) == 1
    assert document.z is start
    document.redo()
    assert document.z is painted


def test_a_quick_stroke_leaves_no_gaps(palette, document, qtbot):
    stroke(qtbot, palette, [8, 15])  # two events only
    assert document.z[8:16].tolist() == [1.0] * 8
    stroke(qtbot, palette, [0, 63], RIGHT)
    assert document.z[[0, 9, 18, 27, 36, 45, 54, 63]].tolist() == [0.0] * 8


def test_the_right_button_erases_to_the_priors_centre(bench, page, palette, qtbot):
    generator = make_generator(seed=2, z_dim=10, prior=Prior.uniform(2.0, 6.0))
    bench.studio.use(Sight(Renderer(generator), None))
    bench.document.show(Subject("other", generator.spec))
    stroke(qtbot, palette, [1, 2], RIGHT)
    assert bench.document.z[[1, 2]].tolist() == [4.0, 4.0]
    page.brush.setValue(10)
    stroke(qtbot, palette, [1])
    assert float(bench.document.z[1]) == pytest.approx(4 + 4 / 12**0.5)


def test_locked_cells_stay_and_look_locked(palette, document, qtbot):
    start = document.z
    before = palette.grab(palette.cells.rect(1).toRect()).toImage()
    document.set_locks(frozenset({1}))
    assert palette.grab(palette.cells.rect(1).toRect()).toImage() != before
    stroke(qtbot, palette, [0, 1, 2])
    stroke(qtbot, palette, [1], RIGHT)
    turn(palette, middle(palette, 1), 2)
    for key in (Key.Key_Plus, Key.Key_Space, Key.Key_Delete):
        qtbot.keyClick(palette, key)
    assert float(document.z[1]) == float(start[1])
    assert document.z[[0, 2]].tolist() == [1.0, 1.0]


def test_the_wheel_nudges_a_cell_in_one_undo_step(palette, document):
    start = document.z
    for _ in range(3):
        turn(palette, middle(palette, 20), 1)
    turn(palette, middle(palette, 20), -1, SHIFT)
    assert float(document.z[20]) == pytest.approx(float(start[20]) + 0.28, abs=1e-5)
    turn(palette, middle(palette, 21), 1)
    assert undo_all(document) == 2
    assert document.z is start


def test_control_and_a_click_take_a_cells_value_for_the_brush(page, palette, document, qtbot):
    document.set_dimension(5, 1.23)
    qtbot.mouseClick(palette, LEFT, CONTROL, middle(palette, 5))
    assert page.brush.value() == 12
    stroke(qtbot, palette, [30])
    assert float(document.z[30]) == pytest.approx(1.23)


def test_keys_go_over_the_cells_and_change_them(palette, document, qtbot):
    start = document.z
    for key in (Key.Key_Right, Key.Key_Right, Key.Key_Down, Key.Key_Left):
        qtbot.keyClick(palette, key)
    assert palette.cursor_cell == 9
    qtbot.keyClick(palette, Key.Key_Plus)
    assert float(document.z[9]) == pytest.approx(float(start[9]) + 0.1)
    qtbot.keyClick(palette, Key.Key_Minus)
    qtbot.keyClick(palette, Key.Key_Space)
    assert float(document.z[9]) == 1
    qtbot.keyClick(palette, Key.Key_Delete)
    assert float(document.z[9]) == 0
    qtbot.keyClick(palette, Key.Key_L)
    assert document.locked == {9}
    assert "locked" in palette.accessibleDescription()
    assert undo_all(document) == 5
    assert document.z is start


def test_cells_are_coloured_by_their_value(palette, document):
    document.set_z(torch.zeros(64))
    assert palette.color_of(0.0) == QColor(theme.DARK.track)
    assert palette.color_of(3.0) == QColor(POSITIVE)
    assert palette.color_of(-3.0) == QColor(NEGATIVE)
    document.set_dimension(3, 3.0)
    document.set_dimension(4, 9.0)
    palette.cursor_cell = 60
    image, ratio = palette.grab().toImage(), palette.devicePixelRatioF()

    def pixel(point):
        return image.pixelColor((point * ratio).toPoint())

    assert pixel(palette.cells.rect(3).center()) == QColor(POSITIVE)
    assert pixel(palette.cells.rect(2).center()) == QColor(theme.DARK.track)
    edge = palette.cells.rect(4).topLeft() + QPointF(1, 10)
    assert pixel(edge) == QColor(theme.DARK.warning)  # outside the prior


def test_the_cell_under_the_pointer_is_told(page, palette, document):
    document.set_dimension(12, 0.53)
    assert palette.words(12) == "z12 = 0.53"
    move(palette, middle(palette, 12), Qt.MouseButton.NoButton)
    assert page.status.text() == "z12 = 0.53"
    document.set_dimension(12, 9.0)
    assert palette.words(12) == "z12 = 9.00, outside the prior"
    palette.clearFocus()
    QApplication.sendEvent(palette, QEvent(QEvent.Type.Leave))
    assert page.status.text() == HINT


def test_a_stroke_ends_when_a_model_of_another_latent_opens(bench, palette, qtbot):
    document = bench.document
    qtbot.mousePress(palette, LEFT, NONE, middle(palette, 3))
    generator = make_generator(seed=2, z_dim=5)
    bench.studio.use(Sight(Renderer(generator), None))
    document.show(Subject("other", generator.spec))
    z = document.z
    move(palette, middle(palette, 2), LEFT)
    qtbot.mouseRelease(palette, LEFT, NONE, middle(palette, 2))
    assert document.z is z
    document.random()
    assert undo_all(document) == 2


def test_new_weights_in_the_middle_of_a_stroke_do_not_end_it(bench, palette, qtbot):
    document, start = bench.document, bench.document.z
    qtbot.mousePress(palette, LEFT, NONE, middle(palette, 3))
    document.show(Subject("small", bench.subject.spec, step=3))
    move(palette, middle(palette, 4), LEFT)
    qtbot.mouseRelease(palette, LEFT, NONE, middle(palette, 4))
    assert document.z[[3, 4]].tolist() == [1.0, 1.0]
    assert undo_all(document) == 1
    assert document.z is start
