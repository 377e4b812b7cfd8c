"""Named directions as sliders: gestures on the rows, what finds more of them, and their file."""

import dataclasses
import json
import math
import threading

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QDoubleSpinBox, QLineEdit, QMenu
from small_models import Z_DIM, make_generator

from ganexplorer.core.direction_files import load_directions, save_directions
from ganexplorer.core.directions import Direction, between, boundary, effects_along, jacobian
from ganexplorer.core.errors import UserError
from ganexplorer.core.first_layer import pca, sefa
from ganexplorer.core.latent import Prior
from ganexplorer.core.render import Renderer
from ganexplorer.ui import theme
from ganexplorer.ui.directions.direction_rows import joined, unused_name
from ganexplorer.ui.directions.directions_panel import DirectionsPanel
from ganexplorer.ui.editing.document import Subject
from ganexplorer.ui.work.studio import Sight

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier


def directions(count=3, z_dim=Z_DIM, seed=1):
    vectors = torch.randn(count, z_dim, generator=torch.Generator().manual_seed(seed))
    return [Direction.of(f"way {i}", vector, effect=10.0 * (i + 1)) for i, vector in enumerate(vectors)]


@pytest.fixture
def empty(bench, qtbot):
    panel = DirectionsPanel(bench.document, bench.studio, theme.DARK)
    qtbot.addWidget(panel)
    panel.resize(340, 400)
    panel.show()
    return panel


@pytest.fixture
def panel(empty, bench):
    """With three rows; nothing to undo."""
    bench.document.set_directions(directions())
    bench.document._edits._undo.clear()
    empty.view.setCurrentIndex(empty.model.index(0))
    return empty


def names(bench):
    return [direction.name for direction in bench.document.directions]


def move(widget, point, modifier=NONE):
    position = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove, position, QPointF(widget.mapToGlobal(point)), Qt.MouseButton.NoButton, LEFT, modifier
    )
    QApplication.sendEvent(widget, event)


def turn(widget, point, notches, modifier=NONE):
    place = QPointF(point)
    event = QWheelEvent(
        place, widget.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton, modifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def amount(bench, row):
    """By plain arithmetic, not by the document's."""
    prior = bench.document.prior
    offset = (bench.document.z - prior.center).double()
    return float(offset @ bench.document.directions[row].vector.double()) / (prior.std or 1.0)


def undo_to(bench, z):
    """There is one step to undo, and it leads to z."""
    bench.document.undo()
    assert torch.equal(bench.document.z, z)
    assert not bench.document.can_undo


def show_model(bench, generator, name="other", step=None):
    """As the window does."""
    bench.studio.use(Sight(Renderer(generator), None))
    bench.document.show(Subject(name, generator.spec, step))


# -- gestures on the rows --------------------------------------------------------------------------------------


def test_dragging_a_bar_moves_z_along_its_direction_to_the_amount_under_the_pointer(panel, bench, qtbot):
    start, view = bench.document.z, panel.view
    rect = view.track_rect(1)
    qtbot.mousePress(view.viewport(), LEFT, NONE, rect.center())
    for x in range(rect.center().x(), rect.right() - 10, 4):
        move(view.viewport(), QPoint(x, rect.center().y()))
    move(view.viewport(), QPoint(rect.right() - 10, rect.center().y() + 30))  # it need not stay on the row
    qtbot.mouseRelease(view.viewport(), LEFT, NONE, QPoint(rect.right() - 10, rect.center().y() + 30))
    expected = -4 + 8 * (rect.width() - 11) / rect.width()
    assert amount(bench, 1) == pytest.approx(expected, abs=1e-4)
    assert panel.model.amount(1) == pytest.approx(expected, abs=1e-4)
    moved = bench.document.z - start
    along = float(moved @ bench.document.directions[1].vector)
    assert torch.allclose(moved, along * bench.document.directions[1].vector, atol=1e-5)
    undo_to(bench, start)


def test_a_drag_stops_at_the_end_of_the_bar_and_shift_in_mid_drag_does_not_jump(panel, bench, qtbot):
    view = panel.view
    rect, y = view.track_rect(0), view.track_rect(0).center().y()
    qtbot.mousePress(view.viewport(), LEFT, NONE, rect.center())
    move(view.viewport(), QPoint(rect.right() + 50, y))
    assert amount(bench, 0) == pytest.approx(4, abs=1e-4)
    move(view.viewport(), rect.center())
    assert amount(bench, 0) == pytest.approx(8 * (rect.center().x() - rect.left()) / rect.width() - 4, abs=1e-4)
    before = amount(bench, 0)
    step = 8 / rect.width()
    move(view.viewport(), rect.center() + QPoint(10, 0), SHIFT)
    assert amount(bench, 0) == pytest.approx(before + 2 * step, abs=1e-4)
    move(view.viewport(), rect.center() + QPoint(11, 0))
    assert amount(bench, 0) == pytest.approx(before + 3 * step, abs=1e-4)
    qtbot.mouseRelease(view.viewport(), LEFT, NONE, rect.center())


def test_shift_at_the_press_leaves_the_slider_where_it_is(panel, bench, qtbot):
    start, rect = bench.document.z, panel.view.track_rect(0)
    qtbot.mouseClick(panel.view.viewport(), LEFT, SHIFT, QPoint(rect.right() - 4, rect.center().y()))
    assert torch.allclose(bench.document.z, start, atol=1e-6)


def test_escape_in_mid_drag_goes_back(panel, bench, qtbot):
    start, rect = bench.document.z, panel.view.track_rect(0)
    qtbot.mousePress(panel.view.viewport(), LEFT, NONE, rect.center())
    move(panel.view.viewport(), rect.center() + QPoint(20, 0))
    qtbot.keyClick(panel.view, Qt.Key.Key_Escape)
    qtbot.mouseRelease(panel.view.viewport(), LEFT, NONE, rect.center())
    assert torch.equal(bench.document.z, start)
    assert not bench.document.can_undo


def test_a_double_click_on_a_bar_goes_to_0_in_one_step(panel, bench, qtbot):
    start, rect = bench.document.z, panel.view.track_rect(2)
    point = rect.center() + QPoint(15, 0)
    qtbot.mouseClick(panel.view.viewport(), LEFT, NONE, point)
    qtbot.mouseDClick(panel.view.viewport(), LEFT, NONE, point)
    assert amount(bench, 2) == pytest.approx(0, abs=1e-5)
    undo_to(bench, start)


def test_arrow_keys_and_delete_move_the_current_row(panel, bench, qtbot):
    start, view = bench.document.z, panel.view
    view.setCurrentIndex(panel.model.index(1))
    before = amount(bench, 1)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert amount(bench, 1) == pytest.approx(before + 0.1, abs=1e-5)
    undo_to(bench, start)
    qtbot.keyClick(view, Qt.Key.Key_Left, SHIFT)
    assert amount(bench, 1) == pytest.approx(before - 0.02, abs=1e-5)
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert amount(bench, 1) == pytest.approx(0, abs=1e-5)
    assert len(bench.document.directions) == 3


def test_a_key_that_is_held_is_one_step(panel, bench, qtbot):
    start = bench.document.z
    for _ in range(5):
        qtbot.keyPress(panel.view, Qt.Key.Key_Right)
    qtbot.keyRelease(panel.view, Qt.Key.Key_Right)
    undo_to(bench, start)


def test_the_wheel_moves_the_current_row_or_with_ctrl_any_and_else_scrolls(panel, bench, qtbot):
    start, view = bench.document.z, panel.view
    before = [amount(bench, row) for row in range(3)]
    turn(view.viewport(), view.track_rect(1).center(), 1)
    assert torch.equal(bench.document.z, start)
    turn(view.viewport(), view.name_rect(0).center(), 1)
    assert torch.equal(bench.document.z, start)
    turn(view.viewport(), view.track_rect(0).center(), 2)
    turn(view.viewport(), view.track_rect(0).center(), 1, SHIFT)
    assert amount(bench, 0) == pytest.approx(before[0] + 0.22, abs=1e-5)
    turn(view.viewport(), view.track_rect(1).center(), -1, CTRL)
    with qtbot.waitSignal(bench.document.history_changed):
        pass  # a moment of quiet ends the turn
    undo_to(bench, start)


def test_a_number_is_typed_after_return_or_a_click_and_escape_takes_it_back(panel, bench, qtbot):
    start, view = bench.document.z, panel.view
    qtbot.keyClick(view, Qt.Key.Key_Return)
    box = view.viewport().findChild(QDoubleSpinBox)
    assert box.value() == pytest.approx(amount(bench, 0), abs=0.006)
    box.setValue(2.5)
    assert amount(bench, 0) == pytest.approx(2.5, abs=1e-5)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: view.viewport().findChild(QDoubleSpinBox) is None)
    assert amount(bench, 0) == pytest.approx(2.5, abs=1e-5)
    undo_to(bench, start)
    qtbot.mouseClick(view.viewport(), LEFT, NONE, view.number_rect(2).center())
    box = view.viewport().findChild(QDoubleSpinBox)
    box.setValue(-1)
    qtbot.keyClick(box, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: view.viewport().findChild(QDoubleSpinBox) is None)
    assert torch.equal(bench.document.z, start)
    assert not bench.document.can_undo


# -- edits of the list -----------------------------------------------------------------------------------------


def type_name(panel, qtbot, text, key=Qt.Key.Key_Return):
    qtbot.keyClick(panel.view, Qt.Key.Key_F2)
    line = panel.view.viewport().findChild(QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, key)
    qtbot.waitUntil(lambda: panel.view.viewport().findChild(QLineEdit) is None)


def test_f2_renames_in_place_and_undo_brings_the_name_back(panel, bench, qtbot):
    before = bench.document.directions
    panel.view.setCurrentIndex(panel.model.index(1))
    type_name(panel, qtbot, "smile")
    assert names(bench) == ["way 0", "smile", "way 2"]
    assert bench.document.directions[1].vector is before[1].vector
    assert panel.view.currentIndex().row() == 1
    bench.document.undo()
    assert bench.document.directions == before
    assert not bench.document.can_undo


def test_an_empty_name_and_escape_keep_the_name_and_a_used_one_gets_a_number(panel, bench, qtbot):
    type_name(panel, qtbot, "  ")
    type_name(panel, qtbot, "other", Qt.Key.Key_Escape)
    assert names(bench)[0] == "way 0"
    assert not bench.document.can_undo
    type_name(panel, qtbot, "way 2")
    assert names(bench) == ["way 2 (2)", "way 1", "way 2"]


def test_a_name_that_is_being_typed_survives_z_moving(panel, bench, qtbot):
    qtbot.keyClick(panel.view, Qt.Key.Key_F2)
    line = panel.view.viewport().findChild(QLineEdit)
    qtbot.keyClicks(line, "smi")
    bench.document.random()
    assert line.text() == "smi"
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.view.viewport().findChild(QLineEdit) is None)
    assert names(bench)[0] == "smi"


def test_ctrl_delete_removes_and_undo_brings_back(panel, bench, qtbot):
    before = bench.document.directions
    panel.view.setCurrentIndex(panel.model.index(1))
    qtbot.keyClick(panel.view, Qt.Key.Key_Delete, CTRL)
    assert names(bench) == ["way 0", "way 2"]
    assert panel.view.currentIndex().isValid()
    bench.document.undo()
    assert bench.document.directions == before
    assert panel.model.directions == before


def test_alt_and_arrows_or_a_drag_of_the_name_reorder_in_one_step(panel, bench, qtbot):
    before, view = bench.document.directions, panel.view
    qtbot.keyPress(view, Qt.Key.Key_Down, ALT)
    qtbot.keyPress(view, Qt.Key.Key_Down, ALT)
    qtbot.keyRelease(view, Qt.Key.Key_Down, ALT)
    assert names(bench) == ["way 1", "way 2", "way 0"]
    assert view.currentIndex().row() == 2  # it stays with its direction
    bench.document.undo()
    assert bench.document.directions == before
    points = [view.name_rect(row).center() for row in range(3)]
    qtbot.mousePress(view.viewport(), LEFT, NONE, points[2])
    move(view.viewport(), points[1])
    move(view.viewport(), points[0])
    qtbot.mouseRelease(view.viewport(), LEFT, NONE, points[0])
    assert names(bench) == ["way 2", "way 0", "way 1"]
    bench.document.undo()
    assert bench.document.directions == before
    assert not bench.document.can_undo


def test_the_menu_of_a_row_puts_it_on_an_axis_and_removes_it(panel, bench, qtbot):
    actions = {action.text(): action for action in panel.view.menu_of(1).actions()}
    for text, which in (("Use as horizontal axis", 0), ("Use as vertical axis", 1)):
        with qtbot.waitSignal(panel.axis_wanted) as wanted:
            actions[text].trigger()
        assert wanted.args == [bench.document.directions[1], which]
    actions["Back to the centre"].trigger()
    assert amount(bench, 1) == pytest.approx(0, abs=1e-5)
    actions["Remove"].trigger()
    assert names(bench) == ["way 0", "way 2"]


def test_the_menu_opens_with_the_keyboard_at_the_current_row(panel, monkeypatch):
    places = []
    monkeypatch.setattr(QMenu, "popup", lambda menu, place: places.append(place))  # no windows offscreen
    panel.view.setCurrentIndex(panel.model.index(2))
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(1, 1), QPoint(1, 1))
    QApplication.sendEvent(panel.view.viewport(), event)
    row = panel.view.visualRect(panel.model.index(2))
    assert [row.contains(panel.view.viewport().mapFromGlobal(place)) for place in places] == [True]


# -- what is shown ---------------------------------------------------------------------------------------------


def test_the_current_row_stays_when_another_model_of_the_space_comes_and_rows_of_other_spaces_go(panel, bench):
    panel.view.setCurrentIndex(panel.model.index(2))
    show_model(bench, make_generator(seed=3), step=7)
    assert panel.view.currentIndex().row() == 2
    show_model(bench, make_generator(z_dim=8, prior=Prior.uniform()))
    assert panel.model.rowCount() == 0
    show_model(bench, make_generator(seed=4))
    assert [direction.name for direction in panel.model.directions] == ["way 0", "way 1", "way 2"]


@pytest.mark.parametrize("prior", [Prior.normal(1, 3), Prior.uniform(0, 2), Prior.constant(0.5)])
@pytest.mark.parametrize("z_dim", [1, 5])
def test_every_prior_and_size_has_its_units(empty, bench, qtbot, prior, z_dim):
    show_model(bench, make_generator(z_dim=z_dim, prior=prior, image_shape=(1, 1, 4)))
    bench.document.set_directions(directions(2, z_dim))
    rect = empty.view.track_rect(0)
    qtbot.mouseClick(empty.view.viewport(), LEFT, NONE, QPoint(rect.left() + rect.width() * 3 // 4, rect.center().y()))
    half = 1 if prior.kind == "constant" else 4
    share = (rect.width() * 3 // 4) / rect.width()
    assert amount(bench, 0) == pytest.approx(half * (2 * share - 1), abs=1e-4)
    assert not empty.grab().isNull()


def test_the_bar_shows_the_amount(panel, bench):
    direction = bench.document.directions[0]
    bench.document.set_amount(direction, 2)
    rect = panel.view.track_rect(0)
    image = panel.view.viewport().grab().toImage()
    y = rect.top() + rect.height() // 2

    def color(value):
        return image.pixelColor(round(rect.left() + rect.width() * (value + 4) / 8), y).name()

    assert color(1) == theme.DARK.accent
    assert color(-1) == theme.DARK.track
    bench.document.set_amount(direction, 4)
    image = panel.view.viewport().grab().toImage()
    assert color(1) == theme.DARK.warning


def test_both_themes(panel):
    dark = panel.view.viewport().grab().toImage()
    panel.set_theme(theme.LIGHT)
    assert panel.view.viewport().grab().toImage() != dark


def test_tooltips_and_accessible_texts_say_what_a_row_is(panel, bench):
    index = panel.model.index(1)
    tip = panel.model.data(index, Qt.ItemDataRole.ToolTipRole)
    assert "way 1" in tip
    assert "20.0 gray levels" in tip
    assert "Ctrl+Delete: remove" in tip
    text = panel.model.data(index, Qt.ItemDataRole.AccessibleTextRole)
    assert text == f"way 1: {amount(bench, 1):.2f} standard deviations"


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (0.04, "Turns 93% of pictures at 2.5 standard deviations; 4% of what should stay changes too."),
        (math.nan, "Turns 93% of pictures at 2.5 standard deviations."),
    ],
)
def test_a_tooltip_says_what_a_checked_direction_did_to_held_out_samples(panel, bench, side, words):
    first, *others = bench.document.directions
    assert "of pictures" not in panel.model.data(panel.model.index(0), Qt.ItemDataRole.ToolTipRole)
    checked = dataclasses.replace(first, origin="learned", step=2.5 * bench.document.unit, success=0.93, side=side)
    bench.document.set_directions([checked, *others])
    lines = panel.model.data(panel.model.index(0), Qt.ItemDataRole.ToolTipRole).splitlines()
    assert any(line.startswith("Learned from labelled images") for line in lines)
    assert words in lines


def test_a_name_that_looks_like_html_is_shown_as_it_is(panel, bench):
    panel.model.rename(0, "<b>x</b>")
    assert "&lt;b&gt;" in panel.model.data(panel.model.index(0), Qt.ItemDataRole.ToolTipRole)


# -- finding ---------------------------------------------------------------------------------------------------


def trigger(panel, text):
    next(action for action in panel.menu.actions() if action.text().startswith(text)).trigger()


def test_the_empty_panel_says_what_a_direction_is_and_offers_to_add_some(empty, bench, qtbot):
    assert empty.add_first.isVisible()
    assert empty.add_first.menu() is empty.menu
    assert not empty.view.isVisible()
    trigger(empty, "SeFa")
    qtbot.waitUntil(lambda: len(bench.document.directions) == 5)
    assert empty.view.isVisible()
    assert not empty.add_first.isVisible()
    assert empty.view.currentIndex().row() == 0


def test_sefa_and_pca_are_those_of_the_network_with_effects(empty, bench, generator, qtbot):
    trigger(empty, "SeFa")
    trigger(empty, "PCA")
    qtbot.waitUntil(lambda: len(bench.document.directions) == 10)
    expected = [*sefa(generator, 5), *pca(generator, Prior.normal(), 5)]
    assert names(bench) == [direction.name for direction in expected]
    for found, direction in zip(bench.document.directions, expected, strict=True):
        assert abs(float(found.vector @ direction.vector)) == pytest.approx(1, abs=1e-3)
        effect = effects_along(generator, Prior.normal(), found.vector[None])
        assert found.effect == pytest.approx(float(effect), rel=1e-3)
    bench.document.undo()
    assert len(bench.document.directions) == 5


def test_what_is_in_the_list_is_not_added_twice_and_a_name_in_use_gets_a_number(empty, bench, qtbot):
    trigger(empty, "SeFa")
    qtbot.waitUntil(lambda: len(bench.document.directions) == 5)
    with qtbot.waitSignal(empty.notice) as told:
        trigger(empty, "SeFa")
    assert "already" in told.args[0]
    show_model(bench, make_generator(seed=3))
    trigger(empty, "SeFa")
    qtbot.waitUntil(lambda: len(bench.document.directions) == 10)
    assert names(bench)[5] == "SeFa 1 (2)"
    with qtbot.waitSignal(empty.notice):
        trigger(empty, "SeFa")
    assert len(bench.document.directions) == 10


def test_names_are_numbered_and_stay_short_enough_for_a_file():
    assert unused_name("a", ["b"]) == "a"
    assert unused_name("a", ["a", "a (2)"]) == "a (3)"
    assert len(unused_name("x" * 200, ["x" * 200])) == 200
    first, second = directions(2)
    twin = Direction(first.name, second.vector)
    assert [d.name for d in joined([first], [first, twin, twin])] == ["way 0", "way 0 (2)", "way 0 (3)"]


def test_local_directions_belong_to_the_latent_they_were_asked_at(empty, bench, generator, qtbot):
    z = bench.document.z
    trigger(empty, "Local")
    bench.document.random()
    qtbot.waitUntil(lambda: len(bench.document.directions) == 2)
    for found, expected in zip(bench.document.directions, jacobian(generator, z, 2), strict=True):
        assert abs(float(found.vector @ expected.vector)) == pytest.approx(1, abs=1e-3)


def test_a_to_b_is_offered_when_both_are_kept(empty, bench, qtbot):
    assert not empty.between.isEnabled()
    bench.document.keep_as_a()
    bench.document.random()
    assert not empty.between.isEnabled()
    bench.document.keep_as_b()
    assert empty.between.isEnabled()
    trigger(empty, "A to B")
    qtbot.waitUntil(lambda: names(bench) == ["A to B"])
    expected = between(bench.document.a, bench.document.b)
    assert torch.equal(bench.document.directions[0].vector, expected.vector)
    bench.document.keep_as_a()
    with qtbot.waitSignal(empty.notice) as told:
        trigger(empty, "A to B")
    assert "same latent" in told.args[0]


def test_from_stars_is_offered_when_there_are_some(empty, bench, qtbot):
    assert not empty.starred.isEnabled()
    stars = list(Prior.normal().sample(4, Z_DIM, torch.Generator().manual_seed(9)))
    bench.document.set_stars(stars)
    assert empty.starred.isEnabled()
    trigger(empty, "From stars")
    qtbot.waitUntil(lambda: names(bench) == ["starred"])
    others = Prior.normal().sample(256, Z_DIM, torch.Generator().manual_seed(0))
    expected = boundary(torch.stack(stars), others, Prior.normal(), "x")
    assert torch.equal(bench.document.directions[0].vector, expected.vector)


def test_attributes_are_those_of_the_channels_and_brightness_makes_brighter(empty, bench, generator, qtbot):
    texts = [action.text() for action in empty.menu.actions()]
    assert "Brightness" in texts
    assert "Warmth" not in texts
    trigger(empty, "Brightness")
    qtbot.waitUntil(lambda: names(bench) == ["brightness"])
    z = Prior.normal().sample(200, Z_DIM, torch.Generator().manual_seed(3))
    vector = bench.document.directions[0].vector
    brighter = generator(z + vector).mean() - generator(z - vector).mean()
    assert float(brighter) > 0
    show_model(bench, make_generator(image_shape=(3, 8, 8)))
    assert "Warmth" in [action.text() for action in empty.menu.actions()]


def test_what_cannot_be_found_is_told_in_words(empty, bench, qtbot):
    with qtbot.waitSignal(empty.notice) as told:
        empty.finder.find("nothing", lambda sight: (_ for _ in ()).throw(UserError("No luck here. Try there.")))
    assert told.args == ["No luck here. Try there."]
    with qtbot.waitSignal(bench.studio.failed):
        empty.finder.find("broken", lambda sight: [][0])
    trigger(empty, "SeFa")  # and the next one works
    qtbot.waitUntil(lambda: len(bench.document.directions) == 5)


def test_a_model_in_training_does_not_throw_a_search_away_and_another_space_does(empty, bench, qtbot):
    gate, runs = threading.Event(), []
    found = directions(1)

    def slow(sight):
        runs.append(sight)
        gate.wait(10)
        return found

    empty.finder.find("slow", slow)
    qtbot.waitUntil(lambda: len(runs) == 1)
    for step in range(3):
        show_model(bench, make_generator(seed=step), "run", step)
    gate.set()
    qtbot.waitUntil(lambda: names(bench) == ["way 0"])
    assert len(runs) == 1
    gate.clear()
    empty.finder.find("slow", slow)
    qtbot.waitUntil(lambda: len(runs) == 2)
    show_model(bench, make_generator(z_dim=8))
    gate.set()
    answered = []
    bench.studio.ask("after", lambda sight: True, answered.append)
    qtbot.waitUntil(lambda: bool(answered))
    assert bench.document.directions == []


# -- files -----------------------------------------------------------------------------------------------------


def test_saving_and_loading_gives_the_same_directions_bit_for_bit(panel, bench, tmp_path, qtbot):
    path = tmp_path / "d.json"
    before = bench.document.directions
    panel.save_to(path)
    assert json.loads(path.read_text())["z_dim"] == Z_DIM
    bench.document.set_directions([])
    panel.load_from(path)
    qtbot.waitUntil(lambda: len(bench.document.directions) == 3)
    for loaded, direction in zip(bench.document.directions, before, strict=True):
        assert loaded.name == direction.name
        assert torch.equal(loaded.vector, direction.vector)
        assert loaded.effect == direction.effect


def test_a_loaded_direction_without_an_effect_is_measured(empty, bench, generator, tmp_path, qtbot):
    bare = Direction.of("bare", torch.ones(Z_DIM))
    save_directions(tmp_path / "d.json", [bare], Z_DIM)
    assert np.isnan(load_directions(tmp_path / "d.json", Z_DIM)[0].effect)
    empty.load_from(tmp_path / "d.json")
    qtbot.waitUntil(lambda: names(bench) == ["bare"])
    expected = effects_along(generator, Prior.normal(), bare.vector[None])
    assert bench.document.directions[0].effect == pytest.approx(float(expected), rel=1e-3)


@pytest.mark.parametrize("content", [None, "", "{}", "other z_dim"])
def test_a_file_that_cannot_be_used_is_told_with_its_name_and_changes_nothing(panel, bench, tmp_path, qtbot, content):
    path, before = tmp_path / "bad.json", bench.document.directions
    if content == "other z_dim":
        save_directions(path, directions(1, 100), 100)
    elif content is not None:
        path.write_text(content)
    with qtbot.waitSignal(panel.notice) as told:
        panel.load_from(path)
    assert "bad.json" in told.args[0]
    if content == "other z_dim":
        assert "100 latent dimensions, and this one has 64" in told.args[0]
    assert bench.document.directions == before


def test_a_place_that_cannot_be_written_to_is_told(panel, tmp_path, qtbot):
    with qtbot.waitSignal(panel.notice) as told:
        panel.save_to(tmp_path / "missing" / "d.json")
    assert "missing" in told.args[0]


def test_the_dialogs_lead_to_the_file(panel, bench, tmp_path, monkeypatch, qtbot):
    from PySide6.QtWidgets import QFileDialog

    path = str(tmp_path / "d.json")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (path, ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (path, ""))
    panel.choose_and_save()
    bench.document.set_directions([])
    panel.choose_and_load()
    qtbot.waitUntil(lambda: len(bench.document.directions) == 3)
