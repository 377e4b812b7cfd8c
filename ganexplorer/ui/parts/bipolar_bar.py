"""What rows with a bipolar slider share: what a bar spans, and how bar, number and effect are painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from torch import Tensor

from ganexplorer.core.latent import Prior
from ganexplorer.ui.theme import Theme

REACH = 4.0  # standard deviations that a slider along a direction spans to either side
SURE = 3.5  # standard deviations to either side that samples of a prior are expected within

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Scale:
    """What a bar spans, in the units of its value.

    Attributes
    ----------
    center
        Where bars grow from.
    inner
        The part that the prior covers; the rest fades.
    """

    low: float
    high: float
    center: float
    inner: tuple[float, float]
    ticks: tuple[float, ...]

    @classmethod
    def of_dimension(cls, prior: Prior) -> Self:
        """For the value of one dimension of z: ticks at one and two standard deviations, or at the edges."""
        low, high = prior.slider_range
        is_normal = prior.kind == "normal"
        ticks = tuple(prior.a + k * prior.b for k in (-2, -1, 1, 2)) if is_normal else prior.support
        return cls(low, high, prior.center, prior.support, ticks)

    @classmethod
    def along(cls, prior: Prior, vector: Tensor) -> Self:
        """For the amount of a direction, (z_dim,): standard deviations from the centre (units of z without any).

        A uniform prior covers the part in which its box is not left when z comes from the centre.
        """
        if not prior.std:
            low, high = (edge - prior.center for edge in prior.slider_range)
            return cls(low, high, 0.0, (0.0, 0.0), (0.0,))
        edge = SURE
        if prior.kind == "uniform":
            edge = min(edge, (prior.b - prior.center) / prior.std / float(vector.abs().max()))
        ticks = tuple(float(tick) for tick in (-2, -1, 1, 2) if abs(tick) < edge)
        return cls(-REACH, REACH, 0.0, (-edge, edge), ticks)

    def share(self, value: float) -> float:
        """Where a value stands on the bar, [0, 1]; those beyond an end stand at it."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)

    def value(self, share: float) -> float:
        """The value at a share of the bar; beyond [0, 1] too."""
        return self.low + (self.high - self.low) * share

    def covers(self, value: float) -> bool:
        """Whether the prior does."""
        return self.inner[0] <= value <= self.inner[1]


class _Places:
    """What of a bar does not move. It is the same for all rows that are painted from a corner of their own."""

    def __init__(self, track: QRectF, scale: Scale) -> None:
        self.track, self.scale = QRectF(track), scale
        left, width, top, bottom = track.left(), track.width(), track.top(), track.bottom()
        low, high = (left + width * scale.share(at) for at in scale.inner)
        self.inner = QRectF(low, top, high - low, track.height())
        self.zero = left + width * scale.share(scale.center)
        self.zero_line = QLineF(self.zero, top, self.zero, bottom)
        across = [left + width * scale.share(tick) for tick in scale.ticks]
        self.ticks = [QLineF(x, bottom - 3, x, bottom) for x in across]


class BarPainter:
    """Paints the parts of a row. What that needs of the theme is made once, not for each of a hundred rows."""

    def __init__(self, theme: Theme) -> None:
        self._text, self._faint = QColor(theme.text), QColor(theme.faint)
        self._accent, self._warning = QColor(theme.accent), QColor(theme.warning)
        self._track, self._fading = QColor(theme.track), QColor(theme.track)
        self._fading.setAlpha(90)
        self._surface = QColor(theme.surface)
        self._line_pen, self._tick_pen = QPen(QColor(theme.line), 1), QPen(self._faint, 1)
        self._places = _Places(QRectF(), Scale(0.0, 1.0, 0.0, (0.0, 1.0), ()))
        self._zero_pen, self._arrow_pen = QPen(QColor(theme.quiet), 1), QPen(QColor(theme.quiet), 1.2)

    def bar(
        self, painter: QPainter, track: QRectF, value: float, scale: Scale, is_outside: bool, is_locked: bool = False
    ) -> None:
        """A bar from the centre to `value`, in the warning colour where it is outside of the prior."""
        self.ground(painter, track, scale, is_locked)
        self.value(painter, track, value, scale, is_outside, is_locked)

    def ground(self, painter: QPainter, track: QRectF, scale: Scale, is_locked: bool) -> None:
        """What of a bar is the same for all values."""
        places = self._places_of(track, scale)
        # the part that the prior covers is solid, what lies outside fades
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._fading)
        painter.drawRoundedRect(track, 3, 3)
        if not is_locked:
            painter.fillRect(places.inner, self._track)
        painter.setPen(self._tick_pen)
        painter.drawLines(places.ticks)

    def value(
        self, painter: QPainter, track: QRectF, value: float, scale: Scale, is_outside: bool, is_locked: bool
    ) -> None:
        """What is painted over the ground of a bar."""
        places = self._places_of(track, scale)
        zero, end = places.zero, track.left() + track.width() * scale.share(value)
        bar = QRectF(min(zero, end), track.top() + 3, abs(end - zero), track.height() - 6)
        painter.fillRect(bar, self._warning if is_outside else self._faint if is_locked else self._accent)
        painter.setPen(self._zero_pen)
        painter.drawLine(places.zero_line)
        if not is_locked:  # nothing to take hold of
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._text)
            painter.drawRoundedRect(QRectF(end - 2, track.top() - 1, 4, track.height() + 2), 2, 2)

    def _places_of(self, track: QRectF, scale: Scale) -> _Places:
        if track != self._places.track or scale is not self._places.scale:
            self._places = _Places(track, scale)
        return self._places

    def number(
        self, painter: QPainter, rect: QRect, value: float, is_near: bool = True, is_locked: bool = False
    ) -> None:
        """A value, and where the pointer is near the frame and arrows of the spin box that a click opens."""
        if is_near and not is_locked:
            self.field(painter, rect)
        self.digits(painter, rect, value, is_locked)

    def field(self, painter: QPainter, rect: QRect) -> None:
        """The frame and arrows around a number."""
        painter.setPen(self._line_pen)
        painter.setBrush(self._surface)
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setPen(self._arrow_pen)
        x, y = rect.right() - 9, rect.center().y() + 0.5
        for way in (-1, 1):
            tip = QPointF(x, y + way * 6)
            painter.drawLine(QPointF(x - 3, y + way * 3), tip)
            painter.drawLine(tip, QPointF(x + 3, y + way * 3))

    def digits(self, painter: QPainter, rect: QRect, value: float, is_locked: bool) -> None:
        painter.setPen(self._faint if is_locked else self._text)
        value = 0.0 if abs(value) < 0.005 else value  # not "-0.00"
        painter.drawText(rect.adjusted(4, 0, -18, 0), _RIGHT, f"{value:.2f}")

    def effect(self, painter: QPainter, rect: QRect, share: float) -> None:
        """A short line in `rect`: how much a row does to the picture, against the one that does most, [0, 1]."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._faint)
        painter.drawRect(QRectF(rect.left(), rect.center().y() - 0.5, max(1.0, rect.width() * share), 2.5))
