"""What a window leaves for the next one: place, panels, theme, session."""

import pytest
import torch
from PySide6.QtCore import QByteArray, QRect, QSize, Qt
from PySide6.QtWidgets import QDockWidget, QWidget

from ganexplorer.core.session import last_session
from ganexplorer.ui import kept, theme
from ganexplorer.ui.files import recent
from ganexplorer.ui.main_window import MainWindow
from ganexplorer.ui.opening_window import OpeningWindow


@pytest.fixture
def start(qtbot, model_path, tmp_path):
    """Show a window that keeps; returns it once its first picture is there."""

    def show(model=model_path):
        window = MainWindow(theme.DARK, str(model), "cpu", tmp_path / "runs", keeps=True)
        qtbot.addWidget(window)
        with qtbot.waitSignal(window.first_image, timeout=20_000):
            window.show()
        return window

    return show


def dock(window, title):
    return window.findChild(QDockWidget, title)


def titled(window):
    """The panels whose title is shown, floating or docked."""
    return {panel.windowTitle() for panel in window.panels.docks if panel.titleBarWidget() is None}


@pytest.mark.qt_log_ignore("does not support raise", extend=True)
def test_a_window_begins_with_the_panels_as_the_last_one_left_them(start, window):
    first = start()
    dock(first, "Models").close()
    dock(first, "Train").setFloating(True)
    first.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock(first, "Memory"))
    first.close()
    second = start()
    assert dock(second, "Models").isHidden()
    assert dock(second, "Train").isFloating()
    assert second.dockWidgetArea(dock(second, "Memory")) == Qt.DockWidgetArea.RightDockWidgetArea
    assert not dock(window, "Models").isHidden()  # one that is made for a picture, say, keeps nothing
    window.close()
    assert dock(start(), "Models").isHidden()


@pytest.mark.qt_log_ignore("does not support raise", extend=True)
def test_reset_panels_puts_all_back_in_a_window_of_the_same_size(start, qtbot):
    window = start()
    size, places = window.size(), {panel.windowTitle(): panel.geometry() for panel in window.panels.docks}
    titles = titled(window)
    assert titles == {"Models", "Train"}  # the others have tabs
    dock(window, "Models").close()
    dock(window, "Train").setFloating(True)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock(window, "Memory"))
    window.commands.reset_panels.trigger()
    qtbot.waitUntil(lambda: dock(window, "Train").geometry() == places["Train"])
    assert window.size() == size
    assert titled(window) == titles
    for title in ("Models", "Latent", "Morph"):
        assert dock(window, title).isVisible()
        place, was = dock(window, title).geometry(), places[title]
        assert abs(place.height() - was.height()) < 20
        assert abs(place.width() - was.width()) < 20
    assert {panel.windowTitle() for panel in window.tabifiedDockWidgets(dock(window, "Morph"))} == {
        "Gallery", "Basket", "Memory",
    }  # fmt: skip


def test_what_stands_there_first_has_the_place_of_the_last_window(qtbot):
    window, opening = QWidget(), OpeningWindow(theme.DARK, QSize(1280, 800))
    for widget in (window, opening):
        qtbot.addWidget(widget)
    window.setGeometry(40, 60, 640, 500)
    window.show()
    kept.keep_layout(window, QByteArray(b"panels"))
    kept.restore_geometry(opening)
    assert opening.geometry() == QRect(40, 60, 640, 500)
    assert kept.panels() == QByteArray(b"panels")


def test_at_first_there_is_nothing(qtbot):
    assert (kept.theme(), kept.panels().isEmpty(), last_session().exists()) == ("system", True, False)
    opening = OpeningWindow(theme.DARK, QSize(700, 500))
    qtbot.addWidget(opening)
    kept.restore_geometry(opening)
    assert opening.size() == QSize(700, 500)


@pytest.mark.parametrize(
    "content",
    [
        b"\0\xff\n[[[",
        b"theme=dark\ngeometry=@ByteArray(odd)\npanels=@ByteArray(odd)\n",
        b"[General]\ntheme=pink\ngeometry=7\npanels=a, b, c\n",
    ],
)
def test_a_damaged_file_keeps_no_window_from_opening(home, start, content):
    (home / "window.ini").write_bytes(content)
    window = start()
    assert dock(window, "Train").isVisible()
    assert kept.theme() in kept.THEMES
    window.close()
    kept.keep_theme("light")
    assert kept.theme() == "light"
    assert not kept.panels().isEmpty()


def test_a_folder_that_cannot_be_written_keeps_no_window_from_closing(home, start):
    (home / "window.ini").mkdir()
    last_session().mkdir()
    window = start()
    window.document.random()
    window.close()
    assert not window.isVisible()
    assert list(last_session().iterdir()) == []


def test_the_theme_that_was_chosen_is_ticked(window):
    window.commands.show_theme("light")
    ticked = [action.data() for action in window.commands.themes.actions() if action.isChecked()]
    assert ticked == ["light"]


def test_the_last_session_is_kept_and_reopened(start, qtbot):
    first = start()
    first.document.random()
    first.panels.memory.bookmarks.bookmark()
    z, marks = first.document.z, first.document.state.bookmarks
    first.close()
    second = start()
    assert not torch.equal(second.document.z, z)
    second.commands.reopen_session.trigger()
    qtbot.waitUntil(lambda: torch.equal(second.document.z, z), timeout=20_000)
    assert [mark.name for mark in second.document.state.bookmarks] == [mark.name for mark in marks]
    assert len(second.document.history) == 2
    assert last_session() not in recent.read()  # it has a command of its own


def test_a_window_in_which_nothing_was_done_leaves_the_last_session_alone(start):
    window = start()
    window.document.random()
    window.close()
    before = last_session().read_bytes()
    start().close()
    assert last_session().read_bytes() == before


def test_where_no_session_was_kept_that_is_told(window):
    window.commands.reopen_session.trigger()
    assert "no last session yet" in window.notices.text
