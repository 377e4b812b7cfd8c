"""The docks of the window."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QCheckBox, QTabBar

from ganexplorer.ui.theme import DARK, LIGHT, apply


def bars(window):
    found = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return [[bar.tabText(i) for i in range(bar.count())] for bar in found if bar.isVisible()]


def test_panels_share_their_places_as_tabs_and_leave_the_window_its_size(window):
    assert sorted(bars(window)) == [["Latent", "Directions"], ["Morph", "Gallery", "Basket", "Memory"]]
    assert (window.width(), window.height()) == (1280, 800)
    assert window.latent.isVisible()
    assert window.morph.isVisible()
    assert window.panels.gallery.visibleRegion().isEmpty()


@pytest.mark.qt_log_ignore(r"This plugin does not support")  # raise() of a window, offscreen
def test_a_tab_is_its_panels_title_and_a_floating_panel_has_one_of_its_own(window, qtbot):
    gallery = next(dock for dock in window.panels.docks if dock.windowTitle() == "Gallery")
    assert gallery.titleBarWidget() is not None
    gallery.setFloating(True)
    qtbot.waitUntil(lambda: gallery.titleBarWidget() is None)
    gallery.setFloating(False)
    qtbot.waitUntil(lambda: gallery.titleBarWidget() is not None)
    models = next(dock for dock in window.panels.docks if dock.windowTitle() == "Models")
    assert models.titleBarWidget() is None


def test_every_panel_can_be_hidden_and_shown_by_the_view_menu(window):
    for dock in window.panels.docks:
        dock.toggleViewAction().trigger()
    assert all(not dock.isVisibleTo(window) for dock in window.panels.docks)
    for dock in window.panels.docks:
        dock.toggleViewAction().trigger()
    assert all(dock.toggleViewAction().isChecked() for dock in window.panels.docks)
    assert window.models.isVisible()


def test_ctrl_f_finds_the_sliders_behind_another_tab(window, qtbot):
    directions = next(dock for dock in window.panels.docks if dock.windowTitle() == "Directions")
    directions.raise_()
    qtbot.waitUntil(lambda: window.latent.visibleRegion().isEmpty())
    qtbot.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not window.latent.search.visibleRegion().isEmpty())
    assert window.latent.search.hasFocus() or window.focusWidget() is window.latent.search


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_the_edge_of_a_box_for_a_check_mark_can_be_seen(qtbot, theme):
    apply(QApplication.instance(), theme)
    try:
        box = QCheckBox("There and back")
        qtbot.addWidget(box)
        picture = box.grab().toImage()
        middle = picture.height() // 2
        grounds = QColor(theme.window).lightnessF()
        strongest = max(abs(picture.pixelColor(x, middle).lightnessF() - grounds) for x in range(8))
        assert strongest > 0.2
    finally:
        apply(QApplication.instance(), DARK)
