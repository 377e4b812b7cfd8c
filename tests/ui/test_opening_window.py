"""What stands on the screen while PyTorch loads, and that it gives its place to the window."""

import os
import subprocess
import sys
import time

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from ganexplorer.ui import theme
from ganexplorer.ui.opening_window import OpeningWindow

LIGHT_IMPORTS = """
import sys
import ganexplorer.__main__, ganexplorer.ui.app, ganexplorer.ui.opening_window
print(*[name for name in ("torch", "numpy", "pyqtgraph") if name in sys.modules])
"""

CLOSED = """
import os, sys
from PySide6.QtCore import QTimer
from ganexplorer.__main__ import main
from ganexplorer.ui import opening_window

class Closed(opening_window.OpeningWindow):
    def show_now(self):
        super().show_now()
        print("torch" in sys.modules)
        QTimer.singleShot(0, self.close)  # carried out once Qt gets its turn, as a click while PyTorch loads is

opening_window.OpeningWindow = Closed
status = main()
from ganexplorer.ui import main_window
from PySide6.QtWidgets import QApplication
print([type(widget).__name__ for widget in QApplication.topLevelWidgets() if widget.isVisible()])
sys.exit(status)
"""


@pytest.fixture
def opening(qtbot):
    window = OpeningWindow(theme.DARK, QSize(900, 600))
    qtbot.addWidget(window)
    return window


def python(code, *words):
    words = [sys.executable, "-c", code, *words]
    return subprocess.run(words, env=dict(os.environ), capture_output=True, text=True, timeout=120)


def test_it_is_on_the_screen_before_anything_heavy_is_loaded():
    result = python(LIGHT_IMPORTS)
    assert (result.returncode, result.stdout.strip()) == (0, "")


def test_it_returns_as_soon_as_it_has_been_painted(opening):
    opening.show_now()
    picture = opening.grab().toImage()
    assert opening.isVisible()
    assert picture.pixelColor(450, 5) == QColor(theme.DARK.window)
    assert picture.pixelColor(5, 300) == QColor(theme.DARK.surface)


def test_the_window_takes_its_place_and_size(opening, qtbot):
    opening.show_now()
    opening.setGeometry(30, 40, 700, 500)
    window = QWidget()
    qtbot.addWidget(window)
    opening.give_way(window)
    assert not opening.isVisible()
    assert window.isVisible()
    assert (window.pos(), window.size()) == (opening.pos(), QSize(700, 500))


def test_a_maximised_one_gives_way_to_a_maximised_window(opening, qtbot):
    opening.show_now()
    opening.showMaximized()
    window = QWidget()
    qtbot.addWidget(window)
    opening.give_way(window)
    assert window.isMaximized()
    window.showNormal()
    assert window.size() == QSize(900, 600)


def test_one_that_was_never_shown_still_gives_its_size(opening, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    opening.give_way(window)
    assert window.isVisible()
    assert window.size() == QSize(900, 600)


def test_a_person_who_closes_it_meanwhile_gets_no_window(model_path):
    result = python(CLOSED, "gui", "--model", str(model_path))
    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n")[:2] == ["False", "[]"]


def test_what_is_refused_before_the_window_opens_is_told_in_one_line(tmp_path):
    result = python("import sys; from ganexplorer.__main__ import main; sys.exit(main())", "gui", "--session",
                    str(tmp_path / "absent.ganexplorer"))  # fmt: skip
    told = [line for line in result.stderr.splitlines() if "propagateSizeHints" not in line]
    assert result.returncode == 2
    assert len(told) == 1
    assert "absent.ganexplorer" in told[0]


def test_it_waits_no_longer_than_it_must_for_a_screen_that_never_shows_it(opening, monkeypatch):
    monkeypatch.setattr(opening, "show", lambda: None)
    begun = time.monotonic()
    opening.show_now()
    assert time.monotonic() - begun < 5
