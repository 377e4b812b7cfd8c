"""What a first use of the window found: keys after a list, room for pictures, models of other latent spaces."""

import dataclasses

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow, QWidget
from small_models import make_generator

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.directions import Direction
from ganexplorer.core.render import Renderer
from ganexplorer.core.state import Share
from ganexplorer.ui import theme
from ganexplorer.ui.basket.basket_panel import BasketPanel
from ganexplorer.ui.directions.direction_rows import DirectionModel
from ganexplorer.ui.editing.document import Subject
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.work.studio import Sight

LEFT = Qt.MouseButton.LeftButton


@pytest.mark.qt_log_ignore("This plugin does not support")  # as of pop-ups
def test_after_a_choice_with_the_mouse_a_letter_is_a_shortcut_of_the_window(shot, qtbot):
    window = shot.window
    window.activateWindow()
    window.canvas.setFocus()
    box = window.panels.axis_bar.lists[1]
    qtbot.mouseClick(box, LEFT)
    view = box.view()
    qtbot.waitUntil(view.isVisible)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not view.isVisible())
    chosen, z = box.currentText(), shot.document.z
    assert window.focusWidget() is window.canvas
    qtbot.keyClick(window.focusWidget(), Qt.Key.Key_R)
    assert box.currentText() == chosen
    assert not torch.equal(shot.document.z, z)


def test_a_list_that_can_be_typed_into_takes_the_keys_by_a_click(qtbot):
    box = CalmComboBox()
    qtbot.addWidget(box)
    assert box.focusPolicy() == Qt.FocusPolicy.TabFocus
    box.setEditable(True)
    assert box.focusPolicy() == Qt.FocusPolicy.StrongFocus


@pytest.fixture
def basket(bench, qtbot):
    panel = BasketPanel(bench.document, bench.studio, theme.DARK)
    qtbot.addWidget(panel)
    panel.resize(558, 219)
    with qtbot.waitExposed(panel):
        panel.show()
    z = bench.document.prior.sample(3, len(bench.document.z), torch.Generator().manual_seed(1))
    bench.document.set_basket([Share(row.clone(), 1.0) for row in z])
    return panel


def test_the_basket_of_stripes_that_fill_their_place_fits_too(bench, basket, qtbot):
    bench.document.set_basket([])
    other = make_generator(seed=9, z_dim=1, image_shape=(1, 1, 4))
    bench.studio.use(Sight(Renderer(other, "cpu"), None))
    bench.document.show(Subject("pattern", other.spec))
    strips = basket.strip, basket.outcome
    for width in range(558, 620, 4):
        basket.resize(width, 260)
        qtbot.waitUntil(lambda: all(strip.horizontalScrollBar().maximum() == 0 for strip in strips))


def test_the_basket_fits_into_its_narrowest_place_and_grows_with_the_room(bench, basket, qtbot):
    strips = basket.strip, basket.outcome
    qtbot.waitUntil(lambda: all(strip.horizontalScrollBar().maximum() == 0 for strip in strips))
    small, least = basket.strip.picture_rect(0).width(), basket.minimumSizeHint()
    basket.resize(1190, 260)
    qtbot.waitUntil(lambda: basket.strip.picture_rect(0).width() > small)
    assert basket.strip.picture_rect(0).width() == basket.outcome.picture_rect(0).width()
    assert basket.minimumSizeHint() == least  # so that it can be made lower again
    qtbot.waitUntil(lambda: all(strip.horizontalScrollBar().maximum() == 0 for strip in strips))
    for strip in strips:
        assert strip.sizeHint().height() <= strip.height()
    basket.resize(558, 219)
    qtbot.waitUntil(lambda: basket.strip.picture_rect(0).width() == small)


def test_the_basket_asks_nothing_of_a_model_that_the_document_does_not_show_yet(bench, basket, qtbot):
    bench.document.set_basket([])
    failed = []
    bench.studio.failed.connect(failed.append)
    other = make_generator(seed=9, z_dim=100, image_shape=(1, 8, 8))
    renderer = Renderer(other, "cpu")
    qtbot.waitUntil(lambda: not bench.studio._answers, timeout=20_000)
    bench.studio.use(Sight(renderer, None))
    assert not bench.studio._answers
    bench.document.show(Subject("other", other.spec))
    qtbot.waitUntil(lambda: basket.outcome.model().cells[3].look is not None, timeout=20_000)
    assert len(basket.outcome.model().cells[3].z) == 100
    assert failed == []


def test_what_was_measured_at_one_place_does_not_dwarf_what_samples_change_by(bench, qtbot):
    axes = torch.eye(len(bench.document.z))
    effects = {"sefa": (2.0, 1.0), "jacobian": (50.0,)}
    found = [
        Direction(f"{origin} {number}", axes[10 * number + len(origin)], effect, origin)
        for origin, values in effects.items()
        for number, effect in enumerate(values)
    ]
    bench.document.set_directions(found)
    parent = QWidget()
    qtbot.addWidget(parent)
    model = DirectionModel(bench.document, parent)
    assert [model.share(row) for row in range(3)] == [1.0, 0.5, 1.0]
    bench.document.set_directions([dataclasses.replace(found[2], effect=e, name=f"{e}") for e in (40.0, 10.0)])
    assert [model.share(row) for row in range(2)] == [1.0, 0.25]


def test_another_latent_space_shows_its_strongest_sliders(shot, tmp_path, qtbot):
    window, view = shot.window, shot.window.latent.view
    last = view.model().rowCount() - 1
    view.setCurrentIndex(view.model().index(last))
    qtbot.waitUntil(lambda: view.verticalScrollBar().value() > 0)
    wide = zoo.save_model(tmp_path / "wide", Checkpoint(make_generator(seed=5, z_dim=100)))
    window.open(str(wide.path))
    qtbot.waitUntil(lambda: shot.document.subject.name == "wide", timeout=20_000)
    qtbot.waitUntil(lambda: window.latent.model.effects is not None, timeout=20_000)
    QTest.qWait(0)
    assert view.verticalScrollBar().value() == 0


def test_a_model_that_is_opened_by_its_file_has_the_name_of_its_folder(tmp_path):
    entry = zoo.save_model(tmp_path / "faces", Checkpoint(make_generator()))
    assert zoo.resolve(str(entry.path), []).name == "faces"
    (entry.path.parent / "card.json").unlink()  # a stranger's
    assert zoo.resolve(str(entry.path), []).name == "generator"


def test_a_panel_is_dragged_out_by_its_tab(window):
    assert window.dockOptions() & QMainWindow.DockOption.GroupedDragging
    bar = window.panels.compare_bar
    window.notices.tell("something")
    with_notice = bar.mapTo(window, QPoint(0, 0))
    window.notices.withdraw("something")
    assert bar.mapTo(window, QPoint(0, 0)) == with_notice
