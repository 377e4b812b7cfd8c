"""The morph panel: key frames, the ways from one to the next, play, and the curves along the path."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication
from small_models import make_discriminator, make_generator

from ganexplorer.core.judge import Judge
from ganexplorer.core.latent import Prior
from ganexplorer.core.paths import LatentPath
from ganexplorer.core.render import Renderer
from ganexplorer.core.state import Gallery, Morph
from ganexplorer.ui import theme
from ganexplorer.ui.editing.document import Subject
from ganexplorer.ui.morph import playing
from ganexplorer.ui.morph.key_strip import moved, without
from ganexplorer.ui.morph.morph_panel import WAYS, MorphPanel
from ganexplorer.ui.morph.path_plot import VERDICT_POINTS, typical_norms
from ganexplorer.ui.morph.playing import phase_of, played
from ganexplorer.ui.work.studio import Sight

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def panel(bench, qtbot):
    panel = MorphPanel(bench.document, bench.studio, theme.DARK)
    qtbot.addWidget(panel)
    panel.resize(560, 226)
    panel.show()
    yield panel
    panel.stop()
    bench.studio.stop()
    qtbot.wait(1)  # what its threads had found is on its way


def keep(document, between=1, seed=7):
    """Keep A, some keys and B; returns them."""
    keys = document.prior.sample(between + 2, len(document.z), torch.Generator().manual_seed(seed))
    document.set_keys(keys[0], tuple(keys[1:-1]), keys[-1])
    return document.keys


def use(bench, generator, discriminator=None, name="other"):
    """Show another model, as the window does."""
    sight = Sight(Renderer(generator), None if discriminator is None else Judge(discriminator))
    bench.studio.use(sight)
    bench.document.show(Subject(name, generator.spec))
    return sight


def centre(strip, index):
    return strip.rect_of(index).center().toPoint()


def drag(qtbot, widget, *points):
    qtbot.mousePress(widget, LEFT, NONE, points[0])
    for point in points[1:]:
        qtbot.mouseMove(widget, point)
    qtbot.mouseRelease(widget, LEFT, NONE, points[-1])


def same(keys, others):
    return len(keys) == len(others) and all(x is y for x, y in zip(keys, others, strict=True))


def choose(combo, index):
    combo.setCurrentIndex(index)
    combo.activated.emit(index)
    combo.textActivated.emit(combo.itemText(index))


# -- options, by numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["lerp", "slerp", "box"])
@pytest.mark.parametrize("spline", [False, True])
@pytest.mark.parametrize("loop", [False, True])
def test_the_slider_puts_z_on_the_path_of_the_options(bench, panel, qtbot, mode, spline, loop):
    keys = keep(bench.document, 2)
    choose(panel.mode, panel.mode.findText(mode))
    if spline:
        qtbot.mouseClick(panel.spline, LEFT)
    if loop:
        choose(panel.way, WAYS.index("Loop"))
    path = LatentPath(keys, mode, Prior.normal(), loop, spline)
    for value in (0, 137, 500, 1000):
        panel.slider.setValue(value)
        if value:  # 0 is where t was
            assert torch.equal(bench.document.z, path.at(value / 1000))
    assert bench.document.t == 1
    assert panel._number.text() == "t 1.000"


def test_beyond_the_ends_slider_and_path_go_on(bench, panel):
    keys = keep(bench.document)
    choose(panel.reach, 1)
    assert (panel.slider.minimum(), panel.slider.maximum()) == (-250, 1250)
    path = LatentPath(keys, "slerp", Prior.normal())
    for value in (-250, 1250):
        panel.slider.setValue(value)
        assert torch.equal(bench.document.z, path.at(value / 1000))


def test_a_loop_has_nothing_beyond_its_ends(bench, panel):
    keep(bench.document)
    choose(panel.reach, 2)
    choose(panel.way, WAYS.index("Loop"))
    assert (panel.slider.minimum(), panel.slider.maximum()) == (0, 1000)
    assert not panel.reach.isEnabled()
    choose(panel.way, WAYS.index("From the start"))
    assert bench.document.morph == Morph(reach=0.5, ping_pong=False)
    assert panel.slider.maximum() == 1500


def test_a_narrower_reach_moves_neither_t_nor_z(bench, panel):
    keep(bench.document)
    choose(panel.reach, 2)
    panel.slider.setValue(1400)
    z, t = bench.document.z, bench.document.t
    choose(panel.reach, 0)
    assert bench.document.z is z
    assert bench.document.t == t


def test_what_a_session_brings_is_shown(bench, panel):
    keys = keep(bench.document, 2)
    morph = Morph("lerp", True, True, False, 0.25, 7.5, False)
    state = dataclasses.replace(bench.document.state, a=keys[2])
    bench.document.restore(state, bench.document.history, morph, Gallery())
    assert panel.mode.currentText() == "lerp"
    assert panel.spline.isChecked()
    assert not panel.even.isChecked()
    assert panel.way.currentText() == "Loop"
    assert panel.speed.value() == 7.5
    assert bench.document.morph == morph
    assert panel.strip.slots[0] is keys[2]


def test_options_are_no_undo_steps_where_z_stays(bench, panel):
    keep(bench.document)
    panel.slider.setValue(1000)
    steps = count_undo(bench.document)
    choose(panel.reach, 1)
    panel.speed.setValue(5)
    choose(panel.way, 1)
    choose(panel.mode, 0)  # at a key z is the same on every path
    assert count_undo(bench.document) == steps


def count_undo(document):
    count = 0
    while document.can_undo:
        document.undo()
        count += 1
    for _ in range(count):
        document.redo()
    return count


# -- without keys ------------------------------------------------------------------------------------------


def test_without_keys_words_say_what_to_do(bench, panel, qtbot):
    document = bench.document
    assert "Keep a sample as A (A) and another as B (B)" in panel.plot._words
    parts = (panel.play, panel.slider, panel.export)
    assert not any(part.isEnabled() for part in parts)
    qtbot.keyClick(panel.slider, Qt.Key.Key_Right)
    qtbot.mouseClick(panel.plot, LEFT, pos=panel.plot.rect().center())
    assert document.t == 0
    qtbot.mouseClick(panel.keep_a, LEFT)
    assert "B (B)" in panel.plot._words
    document.random()
    qtbot.mouseClick(panel.add, LEFT)  # A and a key are a path already
    assert panel.plot._words == ""
    assert all(part.isEnabled() for part in parts)
    assert document.b is None
    document.undo()
    assert "B (B)" in panel.plot._words


def test_a_click_on_an_empty_slot_keeps_the_sample_there(bench, panel, qtbot):
    qtbot.mouseClick(panel.strip, LEFT, pos=centre(panel.strip, 1))
    assert bench.document.b is bench.document.z
    assert bench.document.a is None


# -- the strip ---------------------------------------------------------------------------------------------


def test_the_strip_shows_the_pictures_of_the_keys(bench, panel, qtbot):
    keys = keep(bench.document)
    qtbot.waitUntil(lambda: all(look is not None for look in bench.studio.looks(keys)), timeout=10_000)
    shown = panel.strip.grab().toImage()
    ratio = panel.strip.devicePixelRatioF()
    for index, key in enumerate(keys):
        rect, pixels = panel.strip.rect_of(index), bench.studio.look(key).pixels
        zoom = rect.width() / 28
        assert zoom == 2
        for row, column in ((4, 6), (14, 13), (22, 20)):
            x, y = rect.left() + (column + 0.5) * zoom, rect.top() + (row + 0.5) * zoom
            assert shown.pixelColor(int(x * ratio), int(y * ratio)).red() == pixels[row, column]


def test_the_buttons_of_a_and_b_show_their_pictures(bench, panel, qtbot):
    empty = panel.keep_b.icon().pixmap(16, 16).toImage()
    keep(bench.document)
    qtbot.waitUntil(lambda: panel.keep_b.icon().pixmap(16, 16).toImage() != empty, timeout=10_000)
    bench.document.undo()
    assert panel.keep_b.icon().pixmap(16, 16).toImage() == empty


def test_another_model_draws_the_same_keys_anew(bench, panel, qtbot):
    keys = keep(bench.document)
    panel.strip.select(1)
    qtbot.waitUntil(lambda: all(look is not None for look in bench.studio.looks(keys)), timeout=10_000)
    before = panel.strip.grab().toImage()
    use(bench, make_generator(seed=9))
    assert same(bench.document.keys, keys)
    qtbot.waitUntil(lambda: all(look is not None for look in bench.studio.looks(keys)), timeout=10_000)
    assert panel.strip.grab().toImage() != before
    assert panel.strip.selected == 1


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_a_click_goes_to_the_key_in_one_undo_step(bench, panel, qtbot, index):
    keys = keep(bench.document, 2)
    start = bench.document.z
    qtbot.mouseClick(panel.strip, LEFT, pos=centre(panel.strip, index))
    assert bench.document.z is keys[index]
    assert bench.document.t == pytest.approx(index / 3)
    assert panel.strip._current == [i == index for i in range(4)]
    bench.document.undo()
    assert bench.document.z is start
    assert same(bench.document.keys, keys)


def test_the_button_and_the_key_add_the_current_sample_before_b(bench, panel, qtbot):
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    keys = keep(bench.document)
    z = bench.document.z
    qtbot.mouseClick(panel.add, LEFT)
    assert same(bench.document.keys, (*keys[:2], z, keys[2]))
    bench.document.random()
    qtbot.keyClick(panel.strip, Qt.Key.Key_K)
    assert same(bench.document.keys, (*keys[:2], z, bench.document.z, keys[2]))
    bench.document.undo()
    assert same(bench.document.keys, (*keys[:2], z, keys[2]))


@pytest.mark.parametrize(
    ("start", "goal", "order"),
    [(0, 2, "bcad"), (3, 0, "dabc"), (1, 2, "acbd"), (2, 3, "abdc"), (1, 1, "abcd")],
)
def test_a_drag_reorders_in_one_undo_step(bench, panel, qtbot, start, goal, order):
    keys = keep(bench.document, 2)
    z = bench.document.z
    strip = panel.strip
    if start == goal:
        drag(qtbot, strip, centre(strip, start), centre(strip, 3), centre(strip, goal))
    else:
        drag(qtbot, strip, centre(strip, start), centre(strip, (start + goal) // 2), centre(strip, goal))
    assert same(bench.document.keys, [keys["abcd".index(letter)] for letter in order])
    assert bench.document.a is bench.document.keys[0]
    assert bench.document.b is bench.document.keys[-1]
    assert bench.document.z is z
    assert strip.selected == goal
    if start != goal:
        bench.document.undo()
    assert same(bench.document.keys, keys)


def test_escape_and_another_model_let_go_of_a_dragged_key(bench, panel, qtbot):
    keys = keep(bench.document, 2)
    strip = panel.strip
    qtbot.mousePress(strip, LEFT, NONE, centre(strip, 0))
    qtbot.mouseMove(strip, centre(strip, 2))
    assert strip.goal == 2
    qtbot.keyClick(strip, Qt.Key.Key_Escape)
    qtbot.mouseRelease(strip, LEFT, NONE, centre(strip, 2))
    assert same(bench.document.keys, keys)
    qtbot.mousePress(strip, LEFT, NONE, centre(strip, 0))
    qtbot.mouseMove(strip, centre(strip, 2))
    use(bench, make_generator(seed=2, z_dim=8, prior=Prior.uniform(), image_shape=(3, 16, 16)))
    carried = bench.document.keys
    qtbot.mouseRelease(strip, LEFT, NONE, centre(strip, 2))
    assert same(bench.document.keys, carried)


def test_a_double_click_replaces_by_the_sample_from_before_in_one_undo_step(bench, panel, qtbot):
    keys = keep(bench.document)
    bench.document.random()
    z = bench.document.z
    point = centre(panel.strip, 1)
    qtbot.mouseClick(panel.strip, LEFT, pos=point)
    assert bench.document.z is keys[1]
    qtbot.mouseDClick(panel.strip, LEFT, pos=point)
    assert bench.document.z is z
    assert same(bench.document.keys, (keys[0], z, keys[2]))
    bench.document.undo()
    assert same(bench.document.keys, keys)
    assert bench.document.z is z


def test_keys_move_the_selection_go_and_remove(bench, panel, qtbot):
    keys = keep(bench.document, 2)
    strip, document = panel.strip, bench.document
    for key, selected in (
        (Qt.Key.Key_Home, 0), (Qt.Key.Key_Left, 0), (Qt.Key.Key_Right, 1), (Qt.Key.Key_End, 3), (Qt.Key.Key_Left, 2)
    ):  # fmt: skip
        qtbot.keyClick(strip, key)
        assert strip.selected == selected
    assert "2, 3 of 4" in strip.accessibleDescription()
    qtbot.keyClick(strip, Qt.Key.Key_Return)
    assert document.z is keys[2]
    qtbot.keyClick(strip, Qt.Key.Key_Left, CONTROL)
    assert same(document.keys, (keys[0], keys[2], keys[1], keys[3]))
    assert strip.selected == 1
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    assert same(document.keys, (keys[0], keys[1], keys[3]))
    qtbot.keyClick(strip, Qt.Key.Key_End)
    qtbot.keyClick(strip, Qt.Key.Key_Delete)
    assert document.b is None
    assert same(document.keys, keys[:2])
    for _ in range(3):
        document.undo()
    assert same(document.keys, keys)


def test_the_menu_of_a_key_does_what_it_says(bench, panel):
    keys = keep(bench.document)
    z = bench.document.z

    def trigger(index, word):
        menu = panel.strip.menu_of(index)
        next(action for action in menu.actions() if action.text().startswith(word)).trigger()
        menu.deleteLater()

    trigger(0, "Move right")
    assert same(bench.document.keys, (keys[1], keys[0], keys[2]))
    trigger(1, "Replace")
    assert same(bench.document.keys, (keys[1], z, keys[2]))
    trigger(2, "Go there")
    assert bench.document.z is keys[2]
    trigger(1, "Remove")
    assert same(bench.document.keys, (keys[1], keys[2]))
    for _ in range(4):
        bench.document.undo()
    assert same(bench.document.keys, keys)


def letters(slots):
    return "".join("-" if slot is None else chr(ord("a") + int(slot)) for slot in slots)


@pytest.mark.parametrize(
    ("slots", "start", "goal", "result"),
    [
        ("abcd", 0, 3, "bcda"),
        ("abcd", 3, 1, "adbc"),
        ("-bcd", 1, 2, "-cbd"),
        ("-bcd", 2, 0, "cbd"),  # fills the empty end
        ("ab-", 1, 2, "ab"),
        ("ab-", 0, 2, "-ba"),
        ("a-", 0, 1, "-a"),
        ("--", 0, 1, "--"),
        ("ab-", 2, 0, "ab-"),  # there is nothing to move
    ],
)
def test_how_slots_move(slots, start, goal, result):
    keys = [None if letter == "-" else torch.tensor(ord(letter) - ord("a")) for letter in slots]
    assert letters(moved(keys, start, goal)) == result
    assert letters(keys) == slots


def test_how_slots_go():
    keys = [torch.tensor(i) for i in range(3)]
    assert letters(without(keys, 0)) == "-bc"
    assert letters(without(keys, 1)) == "ac"
    assert letters(without(keys, 2)) == "ab-"


def test_many_keys_shrink_and_then_scroll(bench, panel, qtbot):
    keep(bench.document, 3)
    strip = panel.strip
    assert strip.side == 56
    keep(bench.document, 30)
    assert strip.side == 28
    strip.select(20)
    assert strip.rect().contains(strip.rect_of(20).toRect())
    qtbot.mouseClick(strip, LEFT, pos=centre(strip, 20))
    assert bench.document.z is bench.document.keys[20]
    place = QPointF(strip.rect().center())
    left = strip.rect_of(0).left()
    event = QWheelEvent(
        place, strip.mapToGlobal(place), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, NONE,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(strip, event)
    assert strip.rect_of(0).left() == left + 34
    strip.select(0)
    assert strip.rect_of(0).left() >= 0
    keep(bench.document, 0)
    assert strip.rect_of(0).left() >= 0


# -- t -----------------------------------------------------------------------------------------------------


def test_a_drag_of_the_slider_is_one_undo_step(bench, panel, qtbot):
    keys = keep(bench.document)
    start, slider = bench.document.z, panel.slider
    middle = slider.height() // 2
    drag(qtbot, slider, *(QPoint(x, middle) for x in (20, 60, 100, round(slider.axis.x(0.7)))))
    assert bench.document.t == pytest.approx(0.7, abs=0.003)
    assert torch.equal(bench.document.z, LatentPath(keys, "slerp", Prior.normal()).at(bench.document.t))
    bench.document.undo()
    assert bench.document.z is start


def test_keys_on_the_slider_move_t(bench, panel, qtbot):
    keep(bench.document)
    panel.slider.setValue(500)
    steps = count_undo(bench.document)
    for key, t in (
        (Qt.Key.Key_Right, 0.501), (Qt.Key.Key_PageUp, 0.601), (Qt.Key.Key_End, 1.0), (Qt.Key.Key_Home, 0.0)
    ):  # fmt: skip
        qtbot.keyClick(panel.slider, key)
        assert bench.document.t == t
    assert count_undo(bench.document) == steps + 4


def test_a_drag_on_the_curves_is_one_undo_step_and_moves_the_play_head(bench, panel, qtbot):
    keys = keep(bench.document)
    start, plot = bench.document.z, panel.plot
    y = plot.height() // 2
    drag(qtbot, plot, QPoint(100, y), QPoint(300, y), QPoint(round(plot.axis.x(0.25)), y))
    t = bench.document.t
    assert t == pytest.approx(0.25, abs=0.003)
    assert torch.equal(bench.document.z, LatentPath(keys, "slerp", Prior.normal()).at(t))
    assert panel.slider.value() == round(1000 * t)
    shown, ratio = plot.grab().toImage(), plot.devicePixelRatioF()
    column = [shown.pixelColor(int((round(plot.axis.x(t)) - 0.5) * ratio), y).name() for y in range(shown.height())]
    assert column.count(QColor(theme.DARK.accent).name()) > shown.height() / 2
    drag(qtbot, plot, QPoint(100, y), QPoint(-50, y))
    assert bench.document.t == 0
    for _ in range(2):
        bench.document.undo()
    assert bench.document.z is start


def test_slider_and_curves_share_their_axis(bench, panel):
    keep(bench.document)
    choose(panel.reach, 1)
    for t in (-0.25, 0.0, 0.6, 1.25):
        on_slider = panel.slider.mapTo(panel, QPointF(panel.slider.axis.x(t), 0)).x()
        on_plot = panel.plot.mapTo(panel, QPointF(panel.plot.axis.x(t), 0)).x()
        assert on_slider == pytest.approx(on_plot, abs=0.5)


# -- play --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("morph", "expected"),
    [
        (Morph(), [0, 0.25, 0.5, 1, 0.5, 0, 0.5]),
        (Morph(ping_pong=False), [0, 0.25, 0.5, 0, 0.5, 0, 0.5]),
        (Morph(loop=True), [0, 0.25, 0.5, 0, 0.5, 0, 0.5]),
        (Morph(loop=True, reach=0.5), [0, 0.25, 0.5, 0, 0.5, 0, 0.5]),
        (Morph(reach=0.5), [-0.5, -0.25, 0, 0.5, 1, 1.5, 1]),
        (Morph(reach=0.5, ping_pong=False), [-0.5, -0.25, 0, 0.5, 1, -0.5, 0]),
    ],
)
def test_where_play_is(morph, expected):
    phases = [0, 0.25, 0.5, 1, 1.5, 2, 2.5]
    assert [played(phase, morph) for phase in phases] == expected
    for t in expected:
        assert played(phase_of(t, morph), morph) == t


@pytest.fixture
def clock(monkeypatch):
    """The time that play reads, to be set."""
    now = [100.0]
    monkeypatch.setattr(playing.time, "perf_counter", lambda: now[0])
    return now


def test_play_goes_by_the_clock_from_where_t_is(bench, panel, qtbot, clock):
    keys = keep(bench.document)
    panel.speed.setValue(4)
    panel.slider.setValue(100)
    before = bench.document.z
    qtbot.mouseClick(panel.play, LEFT)
    assert panel.play.text() == "Pause"
    clock[0] += 1.0
    qtbot.waitUntil(lambda: bench.document.t == pytest.approx(0.35))
    assert torch.equal(bench.document.z, LatentPath(keys, "slerp", Prior.normal()).at(bench.document.t))
    panel.speed.setValue(2)  # goes on from there, faster
    clock[0] += 1.0
    qtbot.waitUntil(lambda: bench.document.t == pytest.approx(0.85))
    clock[0] += 0.5
    qtbot.waitUntil(lambda: bench.document.t == pytest.approx(0.9))  # on the way back
    qtbot.mouseClick(panel.play, LEFT)
    assert panel.play.text() == "Play"
    clock[0] += 1.0
    qtbot.wait(50)
    assert bench.document.t == pytest.approx(0.9)
    bench.document.undo()
    assert bench.document.z is before


def test_options_in_mid_play_do_not_end_it(bench, panel, qtbot, clock):
    keys = keep(bench.document)
    qtbot.mouseClick(panel.play, LEFT)
    clock[0] += 0.6
    qtbot.waitUntil(lambda: bench.document.t == pytest.approx(0.3))
    choose(panel.mode, 0)
    qtbot.mouseClick(panel.spline, LEFT)
    choose(panel.way, WAYS.index("Loop"))
    assert panel.play.isChecked()
    clock[0] += 1.6
    qtbot.waitUntil(lambda: bench.document.t == pytest.approx(0.1))
    assert torch.equal(bench.document.z, LatentPath(keys, "lerp", Prior.normal(), True, True).at(bench.document.t))
    bench.document.random()
    assert not panel.play.isChecked()


def test_play_ends_when_a_key_is_gone_to_or_too_few_are_left(bench, panel, qtbot, clock):
    keep(bench.document, 0)
    qtbot.mouseClick(panel.play, LEFT)
    clock[0] += 0.6
    qtbot.waitUntil(lambda: bench.document.t == pytest.approx(0.3))
    qtbot.mouseClick(panel.strip, LEFT, pos=centre(panel.strip, 1))
    assert not panel.play.isChecked()
    assert bench.document.z is bench.document.b
    qtbot.mouseClick(panel.play, LEFT)
    panel.strip.remove(1)
    assert not panel.play.isChecked()
    assert not panel.play.isEnabled()


def test_p_and_space_play(bench, panel, qtbot):
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    keep(bench.document)
    for widget, key in (
        (panel.strip, Qt.Key.Key_Space),
        (panel.slider, Qt.Key.Key_Space),
        (panel.strip, Qt.Key.Key_P),
        (panel.play, Qt.Key.Key_Space),
    ):
        widget.setFocus()
        qtbot.keyClick(widget, key)
        assert panel.play.isChecked()
        qtbot.keyClick(widget, key)
        assert not panel.play.isChecked()


# -- curves ------------------------------------------------------------------------------------------------


def wait_for_picture(panel, qtbot, is_right=lambda picture: True):
    qtbot.waitUntil(lambda: panel.plot.picture is not None and is_right(panel.plot.picture), timeout=10_000)
    return panel.plot.picture


def test_the_curves_are_those_of_the_path_and_of_d(bench, panel, qtbot, generator):
    keys = keep(bench.document)
    bench.document.set_morph(reach=0.25, spline=True)
    picture = wait_for_picture(panel, qtbot, lambda picture: picture.t[0] == -0.25)
    path = LatentPath(keys, "slerp", Prior.normal(), False, True)
    z = path.at(torch.from_numpy(picture.t))
    np.testing.assert_allclose(picture.norm, z.double().norm(dim=1), rtol=1e-6)
    on_path = path.at(torch.linspace(0, 1, 2001, dtype=torch.float64)).double()
    cosine = torch.nn.functional.cosine_similarity(on_path[1:], on_path[:-1])
    turned = torch.rad2deg(torch.acos(cosine.clamp(-1, 1))).cumsum(0)
    assert picture.turned[0] == 0
    assert picture.turned[-1] == pytest.approx(float(turned[-1]), rel=1e-3)
    t = torch.linspace(-0.25, 1.25, VERDICT_POINTS, dtype=torch.float64)
    verdicts = make_discriminator(generator.spec)(generator(path.at(t))).sigmoid()
    np.testing.assert_allclose(picture.verdict, verdicts.double(), atol=1e-5)
    assert picture.is_probability
    bench.document.set_t(float(picture.verdict_t[40]))
    angle, norm, verdict = panel.plot.readings()
    assert angle.endswith("°")
    assert float(norm) == pytest.approx(float(bench.document.z.norm()), abs=0.02)
    assert float(verdict) == pytest.approx(float(verdicts[40]), abs=0.006)
    bench.document.set_t(1.2)
    assert panel.plot.readings()[0] == ""  # turned from the first key to the last, not beyond


def test_a_quarter_turn_is_ninety_degrees(bench, panel, qtbot):
    a, b = torch.zeros(64), torch.zeros(64)
    a[0] = b[1] = 8
    bench.document.set_keys(a, (), b)
    picture = wait_for_picture(panel, qtbot)
    assert picture.turned[-1] == pytest.approx(90, abs=1e-3)
    assert picture.turned[64] == pytest.approx(45, abs=1e-3)
    np.testing.assert_allclose(picture.norm, 8, rtol=1e-6)


def test_the_band_is_where_samples_of_the_prior_are():
    low, high = typical_norms(Prior.normal(0.5, 2.0), 64)
    # the norm of a 64-dimensional normal is about normal itself (Fisher): mean sqrt(63.5), deviation sqrt(1 / 2)
    assert low == pytest.approx(2 * (math.sqrt(63.5) - 1.96 * math.sqrt(0.5)), rel=0.02)
    assert high == pytest.approx(2 * (math.sqrt(63.5) + 1.96 * math.sqrt(0.5)), rel=0.02)
    assert typical_norms(Prior.uniform(-1, 3), 1) == pytest.approx((0.05, 1.95), abs=0.02)
    assert typical_norms(Prior.constant(0.5), 1) is None


def test_without_a_discriminator_there_is_no_verdict(bench, panel, qtbot, generator):
    keep(bench.document)
    use(bench, generator)
    picture = wait_for_picture(panel, qtbot, lambda picture: picture.verdict is None)
    assert picture.norm.shape == picture.t.shape
    assert panel.plot.readings()[2] == ""
    with_words = panel.plot.grab().toImage()
    colors = {with_words.pixelColor(x, y).name() for x in range(80, 480) for y in range(with_words.height())}
    assert theme.D_COLOR not in colors


def test_new_weights_bring_new_verdicts_and_leave_the_rest(bench, panel, qtbot, generator):
    keep(bench.document)
    first = wait_for_picture(panel, qtbot)
    z = bench.document.z
    use(bench, make_generator(seed=5), make_discriminator(generator.spec))
    second = wait_for_picture(panel, qtbot, lambda picture: picture is not first)
    assert bench.document.z is z
    assert np.array_equal(first.norm, second.norm)
    assert not np.allclose(first.verdict, second.verdict)


# -- equal steps -------------------------------------------------------------------------------------------


def steps_of(generator, path, count=40):
    images = generator(path.frames(count)).flatten(1)
    return images.diff(dim=0).square().mean(1).sqrt()


def paced(bench, qtbot, before=None):
    """Wait for an even path that is another one than `before`."""
    qtbot.waitUntil(lambda: bench.document.path.pace is not None and bench.document.path is not before, timeout=10_000)
    return bench.document.path


def test_even_steps_are_used_when_they_are_there(bench, panel, qtbot, generator):
    keys = keep(bench.document, 0)
    panel.slider.setValue(400)
    plain = LatentPath(keys, "slerp", Prior.normal())
    uneven = steps_of(generator, plain)
    qtbot.mouseClick(panel.even, LEFT)
    qtbot.waitUntil(lambda: panel.even.text() == "Even…" or bench.document.path.pace is not None)
    path = paced(bench, qtbot)
    qtbot.waitUntil(lambda: panel.even.text() == "Even")
    even = steps_of(generator, path)
    assert even.max() / even.min() < 1.3
    assert even.max() / even.min() < uneven.max() / uneven.min()
    expected = plain.evenly(Renderer(generator).images)
    assert torch.allclose(path.pace, expected.pace, atol=1e-6)
    assert torch.equal(bench.document.z, path.at(0.4))  # z went along
    panel.slider.setValue(700)
    assert torch.equal(bench.document.z, path.at(0.7))
    qtbot.mouseClick(panel.even, LEFT)
    assert bench.document.path.pace is None
    assert torch.equal(bench.document.z, plain.at(0.7))


def test_even_steps_are_measured_again_for_other_keys_and_ways(bench, panel, qtbot, generator):
    keep(bench.document, 0)
    bench.document.set_morph(even=True)
    first = paced(bench, qtbot)
    bench.document.random()
    z = bench.document.z
    bench.document.add_key()
    second = paced(bench, qtbot, first)
    assert len(second.keys) == 3
    assert bench.document.z is z  # nobody asked it to move
    bench.document.set_morph(mode="lerp")
    third = paced(bench, qtbot, second)
    assert third.mode == "lerp"
    ticks = third.key_positions()
    assert ticks[1] != 0.5
    assert list(panel.slider._ticks) == ticks


def test_under_new_weights_the_old_pace_serves_until_the_new_one_is_there(bench, panel, qtbot):
    keep(bench.document, 1)
    bench.document.set_morph(even=True)
    first = paced(bench, qtbot)
    panel.slider.setValue(300)
    z = bench.document.z
    use(bench, make_generator(seed=5))
    assert torch.equal(bench.document.path.pace, first.pace)
    qtbot.waitUntil(lambda: not torch.equal(bench.document.path.pace, first.pace), timeout=10_000)
    assert bench.document.z is z
    assert not bench.document.can_redo


def test_the_measuring_is_given_up_when_the_window_closes(bench, panel, qtbot):
    keep(bench.document, 1)
    bench.document.set_morph(even=True)
    qtbot.waitUntil(lambda: panel.even.text() == "Even…" or bench.document.path.pace is not None)
    panel.stop()
    bench.studio.stop()


# -- any model ---------------------------------------------------------------------------------------------

ODD = {
    "one number": (1, Prior.normal(), (1, 28, 28)),
    "constant, four bars": (1, Prior.constant(0.5), (1, 1, 4)),
    "uniform colour": (5, Prior.uniform(-1, 1), (3, 16, 16)),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("look", [theme.DARK, theme.LIGHT])
def test_every_kind_of_model_can_be_morphed(bench, panel, qtbot, kind, look):
    z_dim, prior, shape = ODD[kind]
    keep(bench.document)
    generator = make_generator(2, z_dim, prior, shape)
    use(bench, generator, make_discriminator(generator.spec))
    document = bench.document
    document.set_z(document.z + 0.3)
    document.keep_as_b()
    assert all(len(key) == z_dim for key in document.keys)
    document.set_morph(spline=True, even=True, reach=0.5)
    picture = wait_for_picture(panel, qtbot, lambda picture: picture.t[0] == -0.5)
    assert all(np.isfinite(values).all() for values in (picture.turned, picture.norm, picture.verdict))
    panel.slider.setValue(1200)
    assert document.z.shape == (z_dim,)
    before = panel.grab().toImage()
    panel.set_theme(look)
    is_same = panel.grab().toImage() == before
    assert is_same == (look is theme.DARK)


def test_everything_has_a_name_a_tip_and_a_place_in_the_order_of_tab(bench, panel):
    keep(bench.document)
    parts = [
        panel.strip, panel.keep_a, panel.keep_b, panel.add, panel.export, panel.mode, panel.spline, panel.even,
        panel.reach, panel.way, panel.speed, panel.play, panel.slider,
    ]  # fmt: skip
    for part in parts:
        assert part.accessibleName() or part.text()
        assert part is panel.strip or part.toolTip()
        assert part.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert panel.minimumSizeHint().width() <= 560
    assert panel.sizeHint().height() <= 230
