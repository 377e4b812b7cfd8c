import json, sys, time, math, dataclasses
import numpy as np
import pytest, torch
from PySide6.QtCore import Qt, QEvent, QPoint, QPointF
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from small_models import make_generator, make_discriminator
from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.judge import Judge
from ganexplorer.core.render import Renderer
from ganexplorer.core.latent import Prior
from ganexplorer.core.state import Bookmark, Share
from ganexplorer.core.directions import Direction
from ganexplorer.ui import theme
from ganexplorer.ui.document import Subject
from ganexplorer.ui.studio import Sight
from ganexplorer.ui.main_window import MainWindow

def dock(window, title):
    return next(d for d in window.panels.docks if d.windowTitle()==title)

def fill(document):
    d=document
    for _ in range(3): d.random()
    d.keep_as_a(); d.random(); d.keep_as_b(); d.add_key(); d.random()
    d.set_bookmarks([Bookmark("one", d.z)])
    d.set_directions([Direction.of("up", torch.arange(len(d.z))+1.0)])
    d.set_stars([d.z]); d.set_basket([Share(d.z,-2.0), Share(d.keys[0], 1.)])
    d.set_gallery(order="most real first")

def show(shot, g, disc=None, prob=True, name="x", step=None):
    sight = Sight(Renderer(g), None if disc is None else Judge(disc, "cpu", prob), "f")
    shot.window._show_subject(Subject(name, g.spec, step), sight)
    shot.window.effects.measure(sight.renderer, shot.document.subject.space)

TITLES=("Gallery","Basket","Memory","Morph","Directions","Latent")
def tour(shot, w=120):
    for t in TITLES:
        dock(shot.window, t).raise_(); shot.qtbot.wait(w)
    shot.window.grab()

CASES = {
 "nan": (lambda: nanned(make_generator()), True),
 "1d": (lambda: make_generator(z_dim=1), True),
 "1d_uniform": (lambda: make_generator(z_dim=1, prior=Prior.uniform(0,1)), True),
 "const": (lambda: make_generator(z_dim=5, prior=Prior.constant(0.5)), True),
 "const1": (lambda: make_generator(z_dim=1, prior=Prior.constant(0.)), True),
 "row": (lambda: make_generator(z_dim=3, image_shape=(1,1,4)), True),
 "row3": (lambda: make_generator(z_dim=3, image_shape=(3,1,4)), True),
 "col": (lambda: make_generator(z_dim=3, image_shape=(1,4,1)), True),
 "px": (lambda: make_generator(z_dim=3, image_shape=(1,1,1)), False),
 "two": (lambda: make_generator(z_dim=3, image_shape=(2,5,5)), True),
 "rgb": (lambda: make_generator(z_dim=100, image_shape=(3,32,16), prior=Prior.uniform()), False),
}
def nanned(g):
    with torch.no_grad():
        for p in g.parameters(): p.fill_(math.nan)
    return g

@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_models(shot, qtbot, case, raw):
    make, d = CASES[case]
    g = make()
    w = shot.window
    w.move_tool.show_map(True)
    fill(shot.document)
    tour(shot, 20)
    disc = make_discriminator(g.spec) if d else None
    show(shot, g, disc, not raw)
    tour(shot)
    w.move_tool.chooser.swap(); qtbot.wait(30)
    fill(shot.document)
    shot.document.set_morph(even=True, spline=True)
    tour(shot)
    c = w.canvas
    qtbot.mousePress(c, Qt.MouseButton.LeftButton, pos=QPoint(200,200))
    for i in range(5): qtbot.mouseMove(c, QPoint(200+9*i,200+5*i)); 
    qtbot.mouseRelease(c, Qt.MouseButton.LeftButton, pos=QPoint(200,200))
    w.morph.play.click(); qtbot.wait(200); w.morph.play.click()
    shot.document.set_truncation(0.5); shot.document.set_truncation(0.); shot.document.set_truncation(1.)
    shot.document.solo(0); shot.document.zero()
    for kind in ("local","sefa","pca"):
        from ganexplorer.ui.axes import AxisChoice
        w.move_tool.chooser.choose(0, AxisChoice(kind, 0)); w.move_tool.chooser.choose(1, AxisChoice(kind, 1)); qtbot.wait(250)
    for a in w.panels.directions.menu.actions():
        if a.isEnabled(): a.trigger()
    qtbot.wait(600)
    w.comparison.start(w.models.entries, None); qtbot.wait(200)
    w.panels.compare_bar.wipe.setChecked(True); qtbot.wait(50); w.grab()
    tour(shot, 60)
    print("NOTICE", w.notices.text)

    qtbot.waitUntil(lambda: c.stamp == w.stamp)
    # back
    w._show_file(); tour(shot, 30)
