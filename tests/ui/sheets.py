"""A stranger's generator, and what a person does on the sheet about it."""

from __future__ import annotations

import numpy as np
import torch
from PySide6.QtCore import Qt
from torch import nn

from ganexplorer.core.render import to_pixels


def plain_network(act=nn.ReLU, out=nn.Tanh, sizes=(6, 9, 25)):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(sizes[0], sizes[1]), act(), nn.Linear(sizes[1], sizes[2]), out()).eval()


def drawn(shot, network, shape=(1, 5, 5), z=None):
    """What the plain network draws of the z on show."""
    with torch.no_grad():
        images = network((shot.document.z if z is None else z)[None]).reshape(1, *shape)
    if isinstance(network[-1], nn.Sigmoid):
        images = images * 2 - 1
    return to_pixels(images)[0]


def choose(shot, name, text):
    """Pick an item of a field, or type into it, as a person does."""
    field = shot.window.sheet.fields[name]
    if field.isEditable():
        line = field.lineEdit()
        line.selectAll()
        shot.qtbot.keyClicks(line, text)
        shot.qtbot.keyClick(line, Qt.Key.Key_Return)
    else:
        field.setFocus()
        field.setCurrentText(text)
        field.activated.emit(field.currentIndex())


def wait_for(shot, picture):
    shot.qtbot.waitUntil(lambda: np.array_equal(shot.settled(), picture), timeout=10_000)
