"""What a step along one dimension changes in the picture, as an image to lay over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QImage
from torch import Tensor

from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.parts.bipolar import NEGATIVE, POSITIVE
from ganexplorer.ui.work.studio import Sight, Studio

STEP = 0.5  # standard deviations, to either side
DELAY = 150  # milliseconds that the pointer rests before the difference is shown
LEAST = 0.05  # the change, half of the range of gray being 1, that is shown in full where none is larger
OPACITY = 230  # of 255, of the strongest change


def changes(sight: Sight, z: Tensor, dimension: int, step: float) -> NDArray[np.float32]:
    """Half the difference of the pictures `step` after and before z, (z_dim,), along a dimension: (H, W) in [-1, 1].

    Pictures are those that are seen: clipped to [-1, 1], the first channel of other than three; the mean of colours.
    """
    ends = z.repeat(2, 1)
    ends[0, dimension] += step
    ends[1, dimension] -= step
    images = sight.renderer.images(ends).float().cpu().clamp(-1, 1)
    seen = images if images.shape[1] == 3 else images[:, :1]
    change: NDArray[np.float32] = ((seen[0] - seen[1]).mean(0) / 2).numpy()
    return change


def signed_difference(sight: Sight, z: Tensor, dimension: int, step: float) -> QImage:
    """`changes` as an image (ARGB32): `POSITIVE` where it gets brighter, `NEGATIVE` where darker.

    Opacity goes evenly with the change up to the strongest one, so that it is seen where a weak dimension acts; but
    a strongest change below `LEAST` is not blown up.
    """
    change = changes(sight, z, dimension, step)
    share = np.abs(change) / max(float(np.abs(change).max()), LEAST)
    pixels = np.empty((*change.shape, 4), np.uint8)
    pixels[..., :3] = np.where((change > 0)[..., None], _channels(POSITIVE), _channels(NEGATIVE))
    pixels[..., 3] = np.rint(OPACITY * share)
    height, width = change.shape
    # QImage shares the buffer, the conversion copies it
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    return image.convertToFormat(QImage.Format.Format_ARGB32)


def _channels(name: str) -> tuple[int, int, int]:
    color = QColor(name)
    return color.red(), color.green(), color.blue()


class DifferenceLens(QObject):
    """Shows the difference of the dimension that is pointed at, once the pointer rests, until anything happens."""

    overlay = Signal(object, str)  # QImage and a caption; None and nothing: take it away

    def __init__(self, document: Document, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._studio = studio
        self._dimension = -1
        self._is_shown = False
        self._z = document.z
        self._rest = QTimer(self, singleShot=True, interval=DELAY)
        self._rest.timeout.connect(self._ask)
        document.z_changed.connect(self._on_z_changed)
        studio.changed.connect(self._on_model_changed)

    @Slot(int)
    def point(self, dimension: int) -> None:
        """Show a dimension after a while; -1 shows none."""
        self.clear()
        self._dimension = dimension
        if dimension >= 0:
            self._rest.start()

    @Slot(int)
    def peek(self, dimension: int) -> None:
        """Show a dimension at once; -1 shows none."""
        self.clear()
        self._dimension = dimension
        if dimension >= 0:
            self._ask()

    @Slot()
    def clear(self) -> None:
        self._rest.stop()
        self._dimension = -1
        if self._is_shown:
            self._is_shown = False
            self.overlay.emit(None, "")

    @Slot()
    def _ask(self) -> None:
        sight, z, dimension = self._studio.sight, self._document.z, self._dimension
        if sight is None or len(z) != sight.renderer.spec.z_dim or dimension >= len(z):
            self.clear()
        elif sight.renderer.spec.image_shape[1] > 1:  # a line of numbers is drawn as bars, which nothing lies over
            step = STEP * self._document.unit
            self._studio.ask(
                "difference",
                lambda sight: signed_difference(sight, z, dimension, step),
                lambda image: self._on_found(image, z, dimension),
            )

    def _on_found(self, image: QImage, z: Tensor, dimension: int) -> None:
        if dimension == self._dimension and z is self._document.z:
            self._is_shown = True
            unit = " std" if self._document.prior.std else ""
            self.overlay.emit(image, f"z{dimension} +{STEP:g}{unit}, green: brighter")

    def _on_z_changed(self, z: Tensor) -> None:
        before, self._z = self._z, z
        if z is not before:  # another generator comes with the same z
            self.clear()

    @Slot()
    def _on_model_changed(self) -> None:
        """A training shows new weights: what is pointed at is shown anew."""
        if self._dimension >= 0 and not self._rest.isActive():
            self._ask()
