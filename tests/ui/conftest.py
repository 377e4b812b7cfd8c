"""A window on a small model, and a guard against threads, timers and widgets left behind."""

import dataclasses
import gc
import multiprocessing

import pytest
import torch
from PySide6.QtCore import QEvent, QObject, QThread, QTimer
from PySide6.QtWidgets import QApplication
from quick_children import forked
from sheets import plain_network
from small_models import make_discriminator, make_generator

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.judge import Judge
from ganexplorer.core.render import Renderer
from ganexplorer.train import host
from ganexplorer.train.recipes import RECIPES
from ganexplorer.ui import theme
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.main_window import MainWindow
from ganexplorer.ui.work.studio import Sight, Studio


@pytest.fixture
def generator():
    return make_generator()


@pytest.fixture
def model_path(tmp_path, generator):
    entry = zoo.save_model(tmp_path / "models" / "small", Checkpoint(generator, card={"name": "small"}))
    return entry.path.parent


@pytest.fixture(autouse=True)
def _quick_children():
    """Processes that train need not import torch."""
    with forked():
        yield


@pytest.fixture
def spawned_children(_quick_children):
    """Processes that train are started as they are for people."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "CHILDREN", multiprocessing.get_context("spawn"))
        yield


@pytest.fixture(autouse=True)
def _no_leftovers(qapp):
    """No QThread, running QTimer or top-level widget outlives a test."""
    yield
    for widget in QApplication.topLevelWidgets():
        if isinstance(widget, MainWindow):  # others are its menus and pop-ups, and go with it
            widget.close()
            widget.deleteLater()
    qapp.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    objects = gc.get_objects()
    kinds = {kind for kind in set(map(type, objects)) if issubclass(kind, QThread | QTimer)}
    alive = [o for o in objects if type(o) in kinds and _is_alive(o)]
    threads = [o for o in alive if isinstance(o, QThread) and o.isRunning()]
    timers = [o for o in alive if isinstance(o, QTimer) and o.isActive()]
    del objects
    shown = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    assert not threads
    assert not timers
    assert not shown


def _is_alive(qobject: QObject) -> bool:
    from shiboken6 import isValid

    return isValid(qobject)


class Shot:
    """A window under test, with the few questions that tests ask of it."""

    def __init__(self, window, qtbot):
        self.window = window
        self.document = window.document
        self.qtbot = qtbot

    def settled(self):
        """Wait until the picture on show belongs to the newest z."""
        self.qtbot.waitUntil(lambda: self.window.canvas.stamp == self.window.stamp, timeout=10_000)
        return self.window.canvas.frame.pixels

    def expected(self, generator, z=None):
        """The picture that the plain network makes of z, by default the document's."""
        from ganexplorer.core.render import to_pixels

        with torch.no_grad():
            return to_pixels(generator((self.document.z if z is None else z)[None]))[0]


@pytest.fixture
def window(qtbot, model_path, tmp_path):
    window = MainWindow(theme.DARK, str(model_path), "cpu", tmp_path / "runs")
    qtbot.addWidget(window)
    window.resize(1280, 800)
    with qtbot.waitSignal(window.first_image, timeout=20_000):
        window.show()
    qtbot.waitUntil(lambda: bool(window.move_tool.axes), timeout=20_000)
    return window


@pytest.fixture
def shot(window, qtbot):
    return Shot(window, qtbot)


@pytest.fixture
def quick_recipe(monkeypatch):
    """Make the recipe pattern-1010 end soon, and the MLP ones cheap; returns a function (name, **changes)."""

    def change(name, **changes):
        recipe = RECIPES[name]
        config = dataclasses.replace(recipe.config, **changes)
        monkeypatch.setitem(RECIPES, name, dataclasses.replace(recipe, config=config))

    return change


@pytest.fixture
def foreign(tmp_path):
    """A stranger's generator with two sets of weights; its activation is not the usual one."""
    path = tmp_path / "stranger.pt"
    average, raw = plain_network(), plain_network()
    with torch.no_grad():
        raw[2].weight.mul_(-1)
    torch.save({"g": raw.state_dict(), "g_ema": average.state_dict()}, path)
    return path


@pytest.fixture
def opened(shot, foreign):
    """The window on that file, its sheet open."""
    shot.window.open(str(foreign))
    shot.qtbot.waitUntil(lambda: shot.document.subject.name == "stranger", timeout=10_000)
    shot.settled()
    return shot


class Bench:
    """A document on a small model and what looks at it, without a window, for one panel at a time."""

    def __init__(self, generator, discriminator=None):
        self.document = Document()
        self.studio = Studio()
        self.subject = Subject("small", generator.spec)
        self.document.show(self.subject)
        judge = None if discriminator is None else Judge(discriminator)
        self.sight = Sight(Renderer(generator), judge)
        self.studio.use(self.sight)


@pytest.fixture
def bench(qtbot, generator):
    """A `Bench` with a discriminator."""
    bench = Bench(generator, make_discriminator(generator.spec))
    yield bench
    bench.studio.stop()
