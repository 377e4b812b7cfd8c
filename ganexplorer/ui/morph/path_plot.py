"""The path of the morph over t: the angle turned, the norm of z and D's verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from ganexplorer.core.latent import Prior
from ganexplorer.core.paths import LatentPath, curves
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.morph.time_slider import INSET, TimeAxis
from ganexplorer.ui.theme import D_COLOR, Theme
from ganexplorer.ui.work.studio import Sight

LEFT, RIGHT = 68, 64  # pixels beside the axis: names and numbers
POINTS = 129  # of the curves
VERDICT_POINTS = 65  # pictures that D is asked about
TYPICAL = 0.95  # of the samples of a prior have a norm in the band
BAND_SAMPLES = 4096
ROW_HEIGHT, LEAST_ROW = 24, 16

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PathPicture:
    """What is drawn of a path, float64 arrays.

    Attributes
    ----------
    turned_t, turned
        Degrees turned since the first key, at t from 0 to 1.
    t, norm
        Distance from the prior's centre, at t over all of the reach.
    verdict_t, verdict
        What D says of the pictures there; `verdict` is None without a discriminator.
    is_probability
        Whether verdicts are from 0 to 1.
    band
        The norms between which 95 % of the samples of the prior are; None where all are the same.
    """

    turned_t: Values
    turned: Values
    t: Values
    norm: Values
    verdict_t: Values
    verdict: Values | None
    is_probability: bool
    band: tuple[float, float] | None


def picture_of(path: LatentPath, reach: float, sight: Sight) -> PathPicture:
    """Everything that is drawn of a path; D is asked about `VERDICT_POINTS` pictures, which takes a while."""
    turns = curves(path, POINTS)
    t = torch.linspace(-reach, 1 + reach, POINTS, dtype=torch.float64)
    norm = (path.at(t).double() - path.prior.center).norm(dim=1)
    verdict_t = torch.linspace(-reach, 1 + reach, VERDICT_POINTS, dtype=torch.float64)
    verdict = None
    if sight.judge is not None:
        verdict = sight.judge.verdicts(sight.renderer.images(path.at(verdict_t))).double().numpy()
    return PathPicture(
        turns.t.numpy(),
        turns.angle.numpy(),
        t.numpy(),
        norm.numpy(),
        verdict_t.numpy(),
        verdict,
        sight.judge is not None and sight.judge.is_probability,
        typical_norms(path.prior, len(path.keys[0])),
    )


@lru_cache(maxsize=16)
def typical_norms(prior: Prior, z_dim: int) -> tuple[float, float] | None:
    """Between which distances from the centre 95 % of a prior's samples are, of 4,096 draws; None of a constant."""
    if prior.kind == "constant":
        return None
    drawn = prior.sample(BAND_SAMPLES, z_dim, torch.Generator().manual_seed(0)) - prior.center
    low, high = torch.quantile(drawn.norm(dim=1), torch.tensor([(1 - TYPICAL) / 2, (1 + TYPICAL) / 2])).tolist()
    return low, high


class PathPlot(QWidget):
    """Three curves over t, one below the other, with the play head. A click or a drag goes there: one undo step."""

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._theme = theme
        self.picture: PathPicture | None = None
        self._ticks: Sequence[float] = ()
        self._reach = 0.0
        self._words = ""  # in place of the curves
        self._is_dragged = False
        self._layer: QPixmap | None = None  # all but play head and numbers; None: to be painted
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Path")
        self.setToolTip(
            "Along the path: degrees turned about the prior's centre; the norm of z, with the band that holds\n"
            "95 % of the prior's samples; D's verdict on the pictures. Click or drag to go there."
        )
        document.t_changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(480, 3 * ROW_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(LEFT + RIGHT + 80, 3 * LEAST_ROW)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._redraw()

    def set_path(self, ticks: Sequence[float], reach: float) -> None:
        """Show the axis of a path with the t of its keys; the curves of the last one stay until `set_picture`."""
        self._ticks, self._reach, self._words = ticks, reach, ""
        self._redraw()

    def set_picture(self, picture: PathPicture) -> None:
        self.picture = picture
        self._redraw()

    def set_words(self, words: str) -> None:
        """There is no path: say what to do."""
        self.picture, self._ticks, self._words = None, (), words
        self._let_go()
        self._redraw()

    def _redraw(self) -> None:
        self._layer = None
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        self._redraw()  # another font, perhaps

    @property
    def axis(self) -> TimeAxis:
        return TimeAxis(-self._reach, 1 + self._reach, LEFT + INSET, self.width() - RIGHT - INSET)

    def readings(self) -> tuple[str, str, str]:
        """The numbers at the play head, as they are printed: angle, norm, verdict."""
        picture, t = self.picture, self._document.t
        if picture is None:
            return "", "", ""
        return (
            f"{np.interp(t, picture.turned_t, picture.turned):.1f}°" if 0 <= t <= 1 else "",
            f"{np.interp(t, picture.t, picture.norm):.2f}",
            "" if picture.verdict is None else f"{np.interp(t, picture.verdict_t, picture.verdict):.2f}",
        )

    # -- painting ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), self._theme
        if self._words:
            painter.setPen(QColor(theme.quiet))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(16, 0, -16, 0), flags, self._words)
            return
        ratio = self.devicePixelRatioF()
        if self._layer is None or self._layer.size() != self.size() * ratio:
            self._layer = self._painted_layer(ratio)
        painter.drawPixmap(0, 0, self._layer)
        for row, number in enumerate(self.readings()):
            rect = self._row_rect(row)
            painter.setPen(QColor(theme.d_text if row == 2 else theme.text))
            right = QRectF(self.width() - RIGHT, rect.top(), RIGHT - 4, rect.height())
            painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, number)
        axis = self.axis
        x = round(axis.x(min(max(self._document.t, axis.low), axis.high)))
        painter.fillRect(QRectF(x - 1, 0, 2, self.height()), QColor(theme.accent))

    def _painted_layer(self, ratio: float) -> QPixmap:
        """All that does not move with t: play repaints sixty times a second."""
        layer = QPixmap(self.size() * ratio)
        layer.setDevicePixelRatio(ratio)
        layer.fill(Qt.GlobalColor.transparent)
        painter, theme, axis, picture = QPainter(layer), self._theme, self.axis, self.picture
        painter.setFont(self.font())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.line), 1))
        for tick in self._ticks:
            x = round(axis.x(tick)) + 0.5
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        if picture is None:
            for row, name in enumerate(("turned", "|z|", "D")):
                self._paint_row(painter, row, name)
        else:
            most = max(1.0, float(picture.turned.max()))
            self._paint_row(painter, 0, "turned", f"0 to {most:.0f}°")
            self._paint_curve(painter, 0, picture.turned_t, picture.turned, (0.0, most), theme.quiet)
            low, high = _range(picture.norm, picture.band)
            low, high = max(0.0, low - 0.15 * (high - low)), high + 0.15 * (high - low)  # the band's edges are seen
            self._paint_row(painter, 1, "|z|", f"{low:.1f} to {high:.1f}")
            self._paint_band(painter, picture.band, (low, high))
            self._paint_curve(painter, 1, picture.t, picture.norm, (low, high), theme.quiet)
            self._paint_verdict(painter, picture)
        painter.end()
        return layer

    def _paint_verdict(self, painter: QPainter, picture: PathPicture) -> None:
        theme = self._theme
        if picture.verdict is None:
            self._paint_row(painter, 2, "D")
            painter.setFont(self._small_font())
            painter.setPen(QColor(theme.faint))
            painter.drawText(self._plot_rect(2), Qt.AlignmentFlag.AlignCenter, "no discriminator, no verdict")
            return
        low, high = (0.0, 1.0) if picture.is_probability else _range(picture.verdict, (0.0, 1.0))
        span = "0 to 1" if picture.is_probability else f"{low:.1f} to {high:.1f}"
        self._paint_row(painter, 2, "D", span)
        self._paint_curve(painter, 2, picture.verdict_t, picture.verdict, (low, high), D_COLOR)

    def _row_rect(self, row: int) -> QRectF:
        height = self.height() / 3
        return QRectF(0, row * height, self.width(), height)

    def _plot_rect(self, row: int) -> QRectF:
        axis = self.axis
        rect = self._row_rect(row)
        return QRectF(axis.left, rect.top() + 3, axis.right - axis.left, rect.height() - 7)

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(0.82 * font.pointSizeF())
        return font

    def _paint_row(self, painter: QPainter, row: int, name: str, span: str = "") -> None:
        """The name with what the curve spans, on the left."""
        theme, rect, plot = self._theme, self._row_rect(row), self._plot_rect(row)
        painter.setPen(QPen(QColor(theme.line), 1))
        bottom = round(plot.bottom()) + 0.5
        painter.drawLine(QPointF(plot.left(), bottom), QPointF(plot.right(), bottom))
        left = QRectF(4, rect.top(), LEFT - 8, rect.height())
        has_room = rect.height() >= 22
        painter.setPen(QColor(theme.quiet if name != "D" else theme.d_text))
        painter.setFont(self._small_font())
        upper = left.adjusted(0, 0, 0, -rect.height() / 2) if has_room else left
        painter.drawText(upper, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
        if has_room and span:
            painter.setPen(QColor(theme.faint))
            lower = left.adjusted(0, rect.height() / 2 - 2, 0, -2)
            painter.drawText(lower, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, span)

    def _paint_curve(
        self, painter: QPainter, row: int, t: Values, values: Values, span: tuple[float, float], color: str
    ) -> None:
        axis, plot, (low, high) = self.axis, self._plot_rect(row), span
        is_shown = (t >= axis.low - 1e-9) & (t <= axis.high + 1e-9)
        t, values = t[is_shown], values[is_shown]
        x = axis.left + (axis.right - axis.left) * (t - axis.low) / (axis.high - axis.low)
        y = plot.bottom() - plot.height() * (values - low) / (high - low)
        painter.setPen(QPen(QColor(color), 1.4))
        painter.drawPolyline(QPolygonF([QPointF(*point) for point in zip(x.tolist(), y.tolist(), strict=True)]))

    def _paint_band(self, painter: QPainter, band: tuple[float, float] | None, span: tuple[float, float]) -> None:
        if band is None:
            return
        plot, (low, high) = self._plot_rect(1), span
        top, bottom = (plot.bottom() - plot.height() * (edge - low) / (high - low) for edge in band[::-1])
        painter.fillRect(QRectF(plot.left(), top, plot.width(), bottom - top), QColor(self._theme.track))

    # -- the mouse -----------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._document.path is not None:
            self._is_dragged = True
            self._document.begin_edit(self)
            self._document.set_t(self.axis.t(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._is_dragged:
            self._document.set_t(self.axis.t(event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._let_go()

    def _let_go(self) -> None:
        if self._is_dragged:
            self._is_dragged = False
            self._document.end_edit(self)


def _range(values: Values, also: tuple[float, float] | None) -> tuple[float, float]:
    """What an axis spans to show all values, and `also`; never nothing."""
    edges = [float(values.min()), float(values.max()), *(also or ())]
    low, high = min(edges), max(edges)
    return (low, high) if high - low > 1e-6 * max(1.0, abs(high)) else (low - 0.5, low + 0.5)
