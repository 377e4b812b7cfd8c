"""The pictures of the guide, taken from the running window.

    uv run python docs/pictures.py            all of them, both themes where it matters; about a minute
    uv run python docs/pictures.py morph      one

It trains two small runs of drawn digits first, one of which collapses. Needs no display.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import torch
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from ganexplorer import cli
from ganexplorer.core import zoo
from ganexplorer.core.latent import seeded
from ganexplorer.core.state import Share
from ganexplorer.ui import theme
from ganexplorer.ui.main_window import MainWindow
from ganexplorer.ui.picture.axes import AxisChoice
from ganexplorer.ui.plots.plots import TABS

FOLDER = Path(__file__).parent / "guide"
MODEL = "mnist-mlp-64"
RUNS = {  # recipe, steps, steps between snapshots
    "a-run": ("mlp-64-stable", 1200, 300),  # is compared and explored
    "collapsed": ("mlp-64", 3000, 500),
}
PATIENCE = 60  # seconds


class Studio:
    """A window on the shipped model, and pictures of parts of it."""

    def __init__(self) -> None:
        self.app = QApplication(sys.argv[:1])
        theme.apply(self.app, theme.DARK)
        self.window = MainWindow(theme.DARK, MODEL, "cpu")
        self.window.resize(1280, 800)
        self.window.show()
        self.document = self.window.document
        self.panels = self.window.panels
        self.until(lambda: bool(self.window.move_tool.axes))

    def until(self, is_done: Callable[[], bool]) -> None:
        limit = time.perf_counter() + PATIENCE
        while not is_done():
            self.app.processEvents()
            time.sleep(0.002)
            if time.perf_counter() > limit:
                raise TimeoutError("the window did not get there")

    def rest(self, seconds: float = 0.6) -> None:
        """Let everything that was asked for arrive."""
        end = time.perf_counter() + seconds
        self.until(lambda: time.perf_counter() > end)

    def fresh(self, seed: int = 0) -> None:
        """The window as it opens, at a sample of the shipped model."""
        if self.document.subject is None or self.document.subject.name != MODEL:
            self.window.open(MODEL)
            self.until(lambda: self.document.subject is not None and self.document.subject.name == MODEL)
        self.document.set_z(self.sample(seed))
        self.rest(0.2)

    def sample(self, seed: int) -> torch.Tensor:
        return seeded(self.document.prior, len(self.document.z), seed)[0]

    def show_panel(self, title: str) -> None:
        dock = next(dock for dock in self.panels.docks if dock.windowTitle() == title)
        dock.show()
        dock.raise_()
        self.rest(0.2)

    def save(self, name: str, *parts: QWidget, margin: int = 0) -> None:
        """The window, or the rectangle about some parts of it."""
        self.rest()
        whole = QRect()
        for part in parts:
            whole |= QRect(part.mapTo(self.window, QPoint(0, 0)), part.size())
        picture = self.window.grab(whole.adjusted(-margin, -margin, margin, margin) if parts else QRect(0, 0, -1, -1))
        FOLDER.mkdir(exist_ok=True)
        if not picture.save(str(FOLDER / f"{name}.png")):
            raise OSError(f"{name}.png is not written")
        print(f"{name}.png {picture.width()}x{picture.height()}")


def window(studio: Studio) -> None:
    _show_run(studio, "a-run")  # stays in the panel
    studio.fresh()
    studio.document.set_keys(studio.sample(0), tuple(studio.sample(seed) for seed in (2, 3, 5)), studio.sample(6))
    studio.save("window")
    studio.document.set_keys(None, (), None)


def sliders(studio: Studio) -> None:
    studio.fresh(5)
    view = studio.panels.latent.view
    z = studio.document.z.clone()
    z[studio.panels.latent.model.dimension(3)] = 3.9
    studio.document.set_z(z)
    studio.document.set_locks(frozenset({studio.panels.latent.model.dimension(1)}))
    view.setFocus()
    view.setCurrentIndex(view.model().index(0, 0))
    QTest.keyPress(view, Qt.Key.Key_D)
    studio.until(lambda: studio.window.canvas.overlay is not None)
    studio.save("sliders", studio.panels.latent, studio.window.canvas)
    QTest.keyRelease(view, Qt.Key.Key_D)
    studio.document.set_locks(frozenset())


def palette(studio: Studio) -> None:
    studio.fresh(5)
    studio.panels.latent.as_palette.click()
    studio.save("palette", studio.panels.latent)
    studio.panels.latent.as_sliders.click()


def directions(studio: Studio) -> None:
    studio.fresh(3)
    studio.show_panel("Directions")
    for action in studio.panels.directions.menu.actions():
        if action.isEnabled() and action.text().startswith(("SeFa", "PCA", "Local")):
            action.trigger()
    studio.until(lambda: len(studio.document.directions) >= 10)
    studio.document.set_amount(studio.document.directions[0], -2.0)
    studio.save("directions", studio.panels.directions, studio.window.canvas)
    studio.show_panel("Latent")


def drag(studio: Studio) -> None:
    studio.fresh(8)
    tool, canvas = studio.window.move_tool, studio.window.canvas
    tool.chooser.choose(0, AxisChoice("local", 0))
    tool.chooser.choose(1, AxisChoice("local", 1))
    studio.rest(1.5)
    tool.show_map(True)
    centre = canvas.rect().center()
    for way in (QPoint(60, -40), QPoint(-90, -20), QPoint(20, 90), QPoint(70, 10)):
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=centre)
        QTest.mouseMove(canvas, centre + way)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=centre + way)
        studio.rest(0.5)
    studio.save("drag", studio.window.canvas, studio.panels.axis_bar, studio.panels.verdict)
    tool.show_map(False)
    for which in (0, 1):
        tool.chooser.choose(which, AxisChoice("strongest", which))


def morph(studio: Studio) -> None:
    studio.fresh()
    studio.document.set_keys(studio.sample(0), tuple(studio.sample(seed) for seed in (2, 3, 5)), studio.sample(6))
    studio.document.set_morph(spline=True, even=True)
    studio.show_panel("Morph")
    studio.rest(1.5)
    studio.document.set_t(0.4)
    studio.save("morph", studio.window.canvas, studio.panels.morph)


def gallery(studio: Studio) -> None:
    studio.fresh()
    studio.document.set_gallery(seed=4, order="most real first")
    studio.document.set_stars(list(seeded(studio.document.prior, len(studio.document.z), 4, 12)[[2, 5, 9]]))
    studio.show_panel("Gallery")
    studio.save("gallery", studio.panels.gallery)


def basket(studio: Studio) -> None:
    studio.fresh()
    studio.document.set_basket([Share(studio.sample(2)), Share(studio.sample(7), -1.0), Share(studio.sample(3))])
    studio.show_panel("Basket")
    studio.rest(1)
    studio.save("basket", studio.panels.basket)


def memory(studio: Studio) -> None:
    studio.fresh()
    document = studio.document
    for branch in (3, 2, 4):
        start = document.state.node
        for _ in range(branch):
            document.random()
        studio.panels.memory.bookmarks.bookmark()
        document.visit(start)
    document.random()
    studio.show_panel("Memory")
    studio.save("memory", studio.panels.memory)
    studio.show_panel("Morph")


def compare(studio: Studio) -> None:
    studio.fresh()
    snapshots = sorted((zoo.runs_folder() / "a-run" / "snapshots").glob("*.safetensors"))
    entries = [zoo.ModelEntry("a-run", path) for path in snapshots]
    studio.window.open_entry(entries[-1])
    studio.until(lambda: studio.document.subject is not None and studio.document.subject.name == "a-run")
    studio.window.comparison.start_with(entries, entries[0])
    studio.until(lambda: studio.window.canvas.second is not None)
    studio.panels.compare_bar.wipe.click()
    studio.save("compare", studio.panels.compare_bar, studio.window.canvas)
    studio.window.comparison.stop()


def training(studio: Studio) -> None:
    studio.window.resize(1280, 1100)  # all of the panel
    _show_run(studio, "a-run")
    timeline = studio.window.train.timeline
    timeline.line.pick(1)
    studio.until(lambda: studio.document.subject is not None and studio.document.subject.snapshot is not None)
    studio.save("training", studio.window.canvas, studio.window.train)
    timeline.go_back()
    studio.window.resize(1280, 800)


def collapse(studio: Studio) -> None:
    studio.window.resize(1280, 1100)
    _show_run(studio, "collapsed")
    plots = studio.window.train.plots
    plots.tabs.setCurrentIndex(TABS.index("Quality"))
    studio.save("collapse", plots.widget, studio.window.train.timeline, studio.window.train.samples, margin=6)
    plots.tabs.setCurrentIndex(0)
    studio.window.resize(1280, 800)


def _show_run(studio: Studio, name: str) -> None:
    studio.window.open(str(zoo.runs_folder() / name))
    train = studio.window.train
    studio.until(lambda: train.view.run is not None and train.view.run.name == name and bool(train.timeline.snapshots))
    studio.rest(1)


PICTURES = (window, sliders, palette, directions, drag, morph, gallery, basket, memory, compare, training, collapse)
NEEDS = {window: "a-run", compare: "a-run", training: "a-run", collapse: "collapsed"}


def main(names: list[str]) -> None:
    """Take the pictures of these names, or all."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["GANEXPLORER_HOME"] = home  # nothing of a person's own is on the pictures
        take([picture for picture in PICTURES if not names or picture.__name__ in names])


def take(wanted: list[Callable[[Studio], None]]) -> None:
    """Train what they show, and take the pictures."""
    for name in sorted({NEEDS[picture] for picture in wanted if picture in NEEDS}):
        recipe, steps, every = RUNS[name]
        command = f"train --recipe {recipe} --data toy:digits --out {zoo.runs_folder() / name} --steps {steps}"
        if cli.main([*command.split(), "--set", f"snapshot_every={every}"]):
            sys.exit(f"{name} failed")
    studio = Studio()
    try:
        for picture in wanted:
            picture(studio)
    finally:
        studio.window.close()


if __name__ == "__main__":
    main(sys.argv[1:])
