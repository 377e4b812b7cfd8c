"""Starting: the picture of the window, and plain words where it cannot be shown."""

import ctypes
import gc
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QDockWidget, QMainWindow
from quick_children import program

from ganexplorer.train.runs import last_step
from ganexplorer.train.snapshots import snapshots
from ganexplorer.ui import app, kept, theme
from ganexplorer.ui.panels import VERSION

WORDS = [sys.executable, "-m", "ganexplorer"]


def run(*words, **environment):
    clean = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    return subprocess.run([*WORDS, *words], env=clean | environment, capture_output=True, text=True, timeout=120)


def test_without_a_display_it_says_so_in_one_line_with_the_remedy():
    for words in ([], ["gui"]):
        result = run(*words)
        assert result.returncode == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert "there is no display" in result.stderr
        assert "apt-get install xvfb" in result.stderr


def test_the_screenshot_needs_no_display_and_shows_the_model_as_anyone_would_see_it(tmp_path, model_path):
    picture = tmp_path / "window.png"
    kept.keep_theme("dark")
    before = kept.kept_file().read_bytes()
    result = run("gui", "--model", str(model_path), "--screenshot", str(picture))
    assert result.returncode == 0, result.stderr
    assert kept.kept_file().read_bytes() == before
    with Image.open(picture) as image:
        assert image.convert("RGB").getpixel((2, 2)) == QColor(theme.LIGHT.window).getRgb()[:3]
        assert image.size == (1280, 800)
        middle = np.asarray(image.convert("L").crop((420, 120, 860, 600)))
    assert len(np.unique(middle)) > 50  # the gray levels of a generated image, not an empty canvas


@pytest.fixture
def thawed():
    """Objects that imports made are looked at again, in the test, as in a program that begins, and by what follows."""
    gc.unfreeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
def test_what_a_start_makes_is_not_looked_through_for_cycles():
    assert gc.get_freeze_count() == 0
    with app._nothing_collected():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 100_000  # PyTorch's alone are more
    with pytest.raises(ZeroDivisionError), app._nothing_collected():
        raise ZeroDivisionError
    assert gc.isenabled()


NAMING = """
import random, sys, threading
import ganexplorer.ui
from PySide6 import QtCore, QtGui, QtWidgets
sys.setswitchinterval(1e-6)
names = [(module, name) for module in (QtCore, QtGui, QtWidgets) for name in dir(module) if name.startswith("Q")]
def name_all(seed):
    for module, name in random.Random(seed).sample(names, len(names)):
        getattr(module, name)
threads = [threading.Thread(target=name_all, args=(seed,)) for seed in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("named", len(names))
"""


def test_threads_may_name_classes_of_qt_for_the_first_time_side_by_side():
    clean = {key: value for key, value in os.environ.items() if key != "PYSIDE6_OPTION_LAZY"}
    result = subprocess.run([sys.executable, "-c", NAMING], env=clean, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr  # without a word to PySide, it dies in nine of ten runs
    assert int(result.stdout.split()[1]) > 500


def test_a_screenshot_that_cannot_be_written_is_told(tmp_path, model_path):
    picture = tmp_path / "absent" / "window.png"
    result = run("gui", "--model", str(model_path), "--screenshot", str(picture))
    assert result.returncode == 2, result.stderr
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_screenshot_of_no_such_model_is_refused(tmp_path):
    picture = tmp_path / "window.png"
    result = program(tmp_path, "gui", "--model", "no-such-model", "--screenshot", str(picture))
    assert result.returncode == 2
    assert "no-such-model: no such model" in result.stderr
    assert not picture.exists()


@pytest.fixture
def on_x11(monkeypatch):
    if sys.platform != "linux":
        pytest.skip("X11 only")
    monkeypatch.delenv("QT_QPA_PLATFORM")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")


def test_a_missing_library_is_named_with_the_line_that_installs_it(on_x11, monkeypatch):
    def missing(name):
        raise OSError("libxcb-cursor.so.0: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(app.DisplayError) as refused:
        app.check_display()
    assert "libxcb-cursor.so.0" in str(refused.value)
    assert "apt-get install " in str(refused.value)
    assert "libxcb-cursor0" in str(refused.value)


def test_a_display_that_does_not_answer_is_told(on_x11, monkeypatch):
    class Function:
        def __init__(self, value):
            self.value = value

        def __call__(self, *arguments):
            return self.value

    class Xcb:
        def __init__(self, name):
            self.xcb_connect, self.xcb_connection_has_error = Function(1), Function(1)
            self.xcb_disconnect = Function(None)

    monkeypatch.setattr(ctypes, "CDLL", Xcb)
    with pytest.raises(app.DisplayError, match="does not answer"):
        app.check_display()


TRAINING = """
import dataclasses, gc, os, signal, sys
from ganexplorer.__main__ import main
from ganexplorer.train.recipes import RECIPES
from ganexplorer.ui import main_window
from PySide6.QtWidgets import QApplication

recipe = RECIPES["pattern-1010"]
config = dataclasses.replace(recipe.config, steps=10**8, log_every=10, snapshot_every=10**6)
RECIPES["pattern-1010"] = dataclasses.replace(recipe, config=config)

class Window(main_window.MainWindow):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.train.setup.recipe.setCurrentText("pattern-1010")
        self.first_image.connect(self.train.start)
        self.train.session.scalars.connect(self.end)  # in the middle of what the session does

    def end(self, scalars):
        print(gc.isenabled(), gc.get_freeze_count() > 100_000)
        print(self.palette().window().color().name(), f"{self.width()}x{self.height()}")
        self.commands.themes.actions()[1].trigger()
        print(self.palette().window().color().name())
        if number:
            os.kill(os.getpid(), number)
        else:  # as the system asks for it; docks that float are windows, which Qt closes one after the other
            for dock in self.panels.docks[:4]:
                dock.setFloating(True)
            QApplication.instance().quit()

main_window.MainWindow = Window
number = int(sys.argv.pop(1))
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.qt_log_ignore("does not support raise", extend=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, 0], ids=["SIGTERM", "SIGINT", "quit"])
def test_asked_to_end_it_saves_the_run_keeps_its_layout_and_ends_with_status_0(tmp_path, model_path, home, number):
    kept.keep_theme("dark")
    words = [sys.executable, "-c", TRAINING, str(int(number)), "gui", "--model", str(model_path)]
    words += ["--theme", "light", "--size", "1500x720"]
    result = subprocess.run(words, env=dict(os.environ), capture_output=True, text=True, timeout=120)
    told = [line for line in result.stderr.splitlines() if "This plugin does not support" not in line]
    assert (result.returncode, told) == (0, [])
    is_collected, is_frozen, first_colour, size, colour = result.stdout.split()[:5]
    assert (is_collected, is_frozen) == ("True", "True")  # what the start has made is not looked through for cycles
    assert (first_colour, size) == (theme.LIGHT.window, "1500x720")
    assert (colour, kept.read_theme()) == (theme.DARK.window, "dark")
    window = QMainWindow()
    docks = [QDockWidget(objectName=title) for title in ("Models", "Latent", "Directions", "Train")]
    for dock in docks:
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    assert window.restoreState(kept.read_panels(), VERSION)
    assert [dock.isFloating() for dock in docks] == [number == 0] * 4
    assert not any(dock.isHidden() for dock in docks)
    (run,) = (home / "runs").iterdir()
    assert 0 < last_step(run) == snapshots(run)[-1].step
    assert snapshots(run)[-1].has_state
