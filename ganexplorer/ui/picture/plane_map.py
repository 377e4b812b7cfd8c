"""A small map of the plane that the two axes of the move tool span: the prior, the way that z went, and where it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF
from torch import Tensor

from ganexplorer.core.latent import Prior
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.picture.axes import Axes, Pair
from ganexplorer.ui.theme import Theme

Points = NDArray[np.float64]  # (N, 2): to the right and up, in units of the document

SIDE = 132  # pixels
EDGE = 12  # from the canvas
REACH = 4.0  # units that the map shows to each side
PARALLEL = 1e-4  # of the second axis at right angles to the first, below which there is no plane
RINGS = (1, 2, 3)  # standard deviations
CORNERS = 144  # of the outline of a uniform prior; a multiple of 8, so that the corners of a square are among them


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """The plane through the centre of the prior that two axes span, or the line where they span no plane.

    Attributes
    ----------
    basis
        (2, z_dim): the first axis, and what of the second is at right angles to it; zero where there is nothing.
    slopes
        (2, 2): the axes in that basis.
    """

    prior: Prior
    unit: float
    basis: Tensor
    slopes: Points

    @classmethod
    def of(cls, pair: Pair, prior: Prior) -> Self | None:
        """None where there is no axis at all."""
        vectors = [torch.zeros(0) if axis is None else axis.vector.double() for axis in pair]
        z_dim = max(map(len, vectors))
        if z_dim == 0:
            return None
        right, up = (vector if len(vector) else torch.zeros(z_dim, dtype=torch.float64) for vector in vectors)
        across = up - right * (right @ up)
        length = float(across.norm())
        across = across / length if length > PARALLEL else torch.zeros_like(across)
        basis = torch.stack([right, across])
        slopes = torch.stack([basis @ right, basis @ up]).numpy()
        return cls(prior, prior.std or 1.0, basis.float(), slopes)

    def points(self, latents: Tensor) -> Points:
        """Where latents (N, z_dim) are, seen at right angles to the plane."""
        points: Points = (((latents - self.prior.center) @ self.basis.T) / self.unit).double().numpy()
        return points

    def outline(self) -> Points | None:
        """The edge of a uniform prior's box in the plane; None for other priors and where there is no plane."""
        if self.prior.kind != "uniform" or not self.basis.any(1).all():
            return None
        angles = np.arange(CORNERS) * (2 * math.pi / CORNERS)
        ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        half = (self.prior.b - self.prior.a) / 2 / self.unit
        farthest = np.abs(ways @ self.basis.double().numpy()).max(axis=1)
        edge: Points = ways * (half / farthest)[:, None]
        return edge


class PlaneMap(QObject):
    """Painted over the lower right corner of the canvas, by the tool."""

    changed = Signal()  # something on it, but z

    def __init__(self, document: Document, axes: Axes) -> None:
        super().__init__(axes)
        self._document = document
        self._axes = axes
        self.rect = QRectF(0, 0, SIDE, SIDE)
        self.plane: Plane | None = None
        self._path: Points | None = None
        self._branches: Points | None = None
        self._branch_lines: list[QLineF] | None = None  # in pixels from the centre of the map
        self._path_pixels: list[QPointF] | None = None
        axes.changed.connect(self._on_axes_changed)
        document.subject_changed.connect(self._on_axes_changed)
        document.history_changed.connect(self._on_history_changed)
        document.slots_changed.connect(self.changed)

    def place(self, room: QRectF) -> None:
        """Go to the corner of `room`."""
        self.rect.moveBottomRight(QPointF(room.right() - EDGE, room.bottom() - EDGE))

    # -- between latents, points of the plane and pixels ---------------------------------------------------

    def path(self) -> Points:
        """The steps from the root of the history to where z is in it."""
        if self._path is None:
            history = self._document.history
            self._path = self._points([history[n].z for n in history.path(self._document.state.node)])
        return self._path

    def branches(self) -> Points:
        """All other ways of the history, (N, 2, 2): from the step before to the step."""
        if self._branches is None:
            history = self._document.history
            on_path = set(history.path(self._document.state.node))
            steps = [step for step in history if step.number not in on_path and step.parent is not None]
            ends = [z for step in steps for z in (history[step.parent or 0].z, step.z)]
            self._branches = self._points(ends).reshape(-1, 2, 2)
        return self._branches

    def point(self) -> Points:
        """Where z is, (2,)."""
        return self._points([self._document.z]).reshape(-1)[:2]

    def _points(self, latents: list[Tensor]) -> Points:
        if self.plane is None or not latents:
            return np.zeros((0, 2))
        return self.plane.points(torch.stack(latents))

    def _offsets(self, points: Points) -> Points:
        """Points of the plane as pixels from the centre of the map; what lies beyond the map is at its edge."""
        offsets: Points = np.clip(points, -REACH, REACH) * (np.array([1, -1]) * (self.rect.width() / 2 / REACH))
        return offsets

    def to_pixel(self, x: float, y: float) -> QPointF:
        """Where a point of the plane is on the canvas."""
        return self.rect.center() + QPointF(*self._offsets(np.array([x, y])).tolist())

    def to_point(self, pixel: QPointF) -> tuple[float, float]:
        """The inverse of `to_pixel`."""
        scale = self.rect.width() / 2 / REACH
        offset = pixel - self.rect.center()
        x, y = (min(max(value / scale, -REACH), REACH) for value in (offset.x(), -offset.y()))
        return x, y

    def _on_axes_changed(self, _: object = None) -> None:
        pair, z = self._axes.pair, self._document.z
        is_fit = all(axis is None or axis.vector.shape == z.shape for axis in pair)
        self.plane = Plane.of(pair, self._document.prior) if is_fit else None
        self._on_history_changed()

    def _on_history_changed(self) -> None:
        self._path = self._branches = self._branch_lines = self._path_pixels = None
        self.changed.emit()

    # -- painting ------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, theme: Theme) -> None:
        if self.plane is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(theme.window)
        ground.setAlpha(244)
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(self.rect.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        painter.setClipRect(self.rect.adjusted(2, 2, -2, -2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        self._paint_prior(painter, self.plane, theme)
        self._paint_axes(painter, self.plane, theme)
        self._paint_ways(painter, theme)
        self._paint_keys(painter, theme)
        self._paint_z(painter, theme)
        painter.restore()

    def _paint_prior(self, painter: QPainter, plane: Plane, theme: Theme) -> None:
        ring_color = QColor(theme.faint)
        ring_color.setAlpha(150)
        painter.setPen(QPen(ring_color, 1))
        scale = self.rect.width() / 2 / REACH
        if plane.prior.kind == "normal":
            for ring in RINGS:
                painter.drawEllipse(self.rect.center(), ring * scale, ring * scale)
        outline = plane.outline()
        if outline is not None:
            center = self.rect.center()  # not clamped: the outline runs out of the map
            painter.drawPolygon(
                QPolygonF([QPointF(center.x() + x * scale, center.y() - y * scale) for x, y in outline])
            )

    def _paint_axes(self, painter: QPainter, plane: Plane, theme: Theme) -> None:
        center, far = self.rect.center(), self.rect.width()
        painter.setPen(QPen(QColor(theme.line), 1))
        for x, y in plane.slopes:
            way = QPointF(x * far, -y * far)
            painter.drawLine(center - way, center + way)
        font = QFont(painter.font())
        font.setPointSizeF(0.85 * font.pointSizeF())
        painter.setFont(font)
        painter.setPen(QColor(theme.quiet))
        right, up = self._axes.pair
        metrics, room = painter.fontMetrics(), self.rect.adjusted(6, 4, -6, -4)
        for axis, arrow, place in (
            (right, "→", Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom),
            (up, "↑", Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop),
        ):
            if axis is not None:
                name = metrics.elidedText(f"{arrow} {axis.name}", Qt.TextElideMode.ElideRight, int(room.width()))
                painter.drawText(room, place, name)

    def _paint_ways(self, painter: QPainter, theme: Theme) -> None:
        if self._branch_lines is None or self._path_pixels is None:
            ends = self._offsets(self.branches().reshape(-1, 2)).reshape(-1, 4).tolist()
            self._branch_lines = [QLineF(*line) for line in ends]
            self._path_pixels = [QPointF(x, y) for x, y in self._offsets(self.path()).tolist()]
        faint = QColor(theme.faint)
        faint.setAlpha(110)
        painter.save()
        painter.translate(self.rect.center())
        painter.setPen(QPen(faint, 1))
        painter.drawLines(self._branch_lines)
        painter.setPen(QPen(QColor(theme.quiet), 1.3))
        here = QPointF(*self._offsets(self.point()[None])[0].tolist())
        painter.drawPolyline(QPolygonF([*self._path_pixels, here]))
        painter.setPen(QPen(QColor(theme.quiet), 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(QPolygonF(self._path_pixels))
        painter.restore()

    def _paint_keys(self, painter: QPainter, theme: Theme) -> None:
        document = self._document
        painter.setPen(QPen(QColor(theme.text), 1))
        painter.setBrush(QColor(theme.surface))
        for x, y in self._points([z for z in document.state.middle if z.shape == document.z.shape]):
            pixel = self.to_pixel(x, y)
            painter.drawRect(QRectF(pixel.x() - 2.5, pixel.y() - 2.5, 5, 5))
        font = QFont(painter.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        for letter, z in (("A", document.a), ("B", document.b)):
            if z is not None and z.shape == document.z.shape:
                pixel = self.to_pixel(*self._points([z])[0])
                painter.setPen(QColor(theme.text))
                painter.drawText(QRectF(pixel.x() - 8, pixel.y() - 8, 16, 16), Qt.AlignmentFlag.AlignCenter, letter)

    def _paint_z(self, painter: QPainter, theme: Theme) -> None:
        x, y = self.point()
        is_beyond = max(abs(x), abs(y)) > REACH
        painter.setPen(QPen(QColor(theme.warning if is_beyond else theme.surface), 1.5))
        painter.setBrush(QColor(theme.accent))
        painter.drawEllipse(self.to_pixel(x, y), 4.5, 4.5)
