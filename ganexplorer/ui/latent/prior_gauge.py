"""Where z lies among the samples of its prior: its distance from the centre, on the distribution of those."""

from __future__ import annotations

import math

import torch
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QSizePolicy, QWidget
from torch import Tensor

from ganexplorer.core.latent import Prior
from ganexplorer.core.norms import norm_of, norm_percentile, norm_share, typical_norm
from ganexplorer.ui.parts.figures import percentile_words, tabular
from ganexplorer.ui.theme import Theme

SCALE_HEIGHT = 22
BINS = 120  # of the shaded distribution
CALM = 50  # milliseconds: numbers that change more often cannot be read, and cost a drag a fifth of its time


class PriorGauge(QWidget):
    """A line of text over a small scale from the centre outwards, the distribution of samples shaded."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._prior: Prior | None = None
        self._z_dim = 0
        self._end = 1.0  # of the scale
        self._shape = QPolygonF()  # the density of |z| in each bin, both axes from 0 to 1
        self.norm, self.percentile = 0.0, math.nan
        self.text = ""
        self._waiting: tuple[Tensor, Prior] | None = None
        self._calm = QTimer(self, singleShot=True, interval=CALM)
        self._calm.timeout.connect(self._show_waiting)
        self.setFont(tabular(self.font()))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Distance from the prior's centre")

    def sizeHint(self) -> QSize:
        return QSize(240, self.fontMetrics().height() + 4 + SCALE_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    @property
    def is_behind(self) -> bool:
        """Whether a latent waits to be shown."""
        return self._waiting is not None

    @property
    def is_unusual(self) -> bool:
        """Whether less than one of 1000 samples lies so far out, or so near."""
        if math.isnan(self.percentile):
            return self.norm > 0
        return not 0.1 <= self.percentile <= 99.9

    def show_latent(self, z: Tensor, prior: Prior) -> None:
        """Show where z, (z_dim,), lies: at once, or soon where another was shown a moment ago."""
        self._waiting = (z, prior)
        if not self._calm.isActive():
            self._show_waiting()

    @Slot()
    def _show_waiting(self) -> None:
        if self._waiting is None:
            return
        (z, prior), self._waiting = self._waiting, None
        self._calm.start()
        if prior != self._prior or len(z) != self._z_dim:
            self._use(prior, len(z))
        self.norm = norm_of(z, prior)
        self.percentile = norm_percentile(self.norm, prior, len(z))
        self.text = f"|z| {self.norm:.2f}{' · ' * bool(self._words())}{self._words()}"
        self.setAccessibleDescription(self.text)
        self.setToolTip(self._tip())
        self.update()

    def _use(self, prior: Prior, z_dim: int) -> None:
        self._prior, self._z_dim = prior, z_dim
        typical = typical_norm(prior, z_dim)
        self._end = max(2 * typical, typical + 3 * prior.std * (prior.kind == "normal")) or 1.0
        self._shape = QPolygonF()
        if prior.std:
            masses = norm_share(torch.linspace(0, self._end, BINS + 1), prior, z_dim).diff()
            heights = (masses / masses.max()).tolist()
            inner = [QPointF((i + 0.5) / BINS, height) for i, height in enumerate(heights)]
            self._shape = QPolygonF([QPointF(0, 0), *inner, QPointF(1, 0)])

    def _words(self) -> str:
        if self._prior is not None and not self._prior.std:
            return "from the prior's one value" if self.norm else "the prior's one value"
        return percentile_words(self.percentile)

    def _tip(self) -> str:
        assert self._prior is not None
        if not self._prior.std:
            return f"The prior has one value, {self._prior.center:g}: |z| is how far z was moved from it."
        nearer = f"{self.percentile:.1f}" if self.is_unusual else f"{self.percentile:.0f}"
        return (
            "|z| is how far z lies from the centre of the prior; shaded: how far samples lie.\n"
            f"Here most lie near {typical_norm(self._prior, self._z_dim):.1f}, and {nearer} of 100 are nearer than z.\n"
            "The generator has learnt from such distances only: much nearer pictures get alike, much farther crude."
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme, mark = self._theme, QColor(self._theme.warning if self.is_unusual else self._theme.text)
        line = QRectF(0, 0, self.width(), self.fontMetrics().height())
        painter.setPen(QColor(theme.text))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        scale = QRectF(0, self.height() - SCALE_HEIGHT, self.width(), SCALE_HEIGHT - 3).adjusted(3, 0, -3, 0)
        shade = QColor(theme.faint)
        shade.setAlpha(110)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        place = QTransform(scale.width(), 0, 0, 2 - scale.height(), scale.left(), scale.bottom())
        painter.drawPolygon(place.map(self._shape))
        painter.setPen(QPen(QColor(theme.faint), 1))
        painter.drawLine(scale.bottomLeft(), scale.bottomRight())
        if self._prior is None:
            return
        x = scale.left() + scale.width() * min(self.norm / self._end, 1.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(mark)
        painter.drawRoundedRect(QRectF(x - 1.5, scale.top() - 1, 3, scale.height() + 3), 1.5, 1.5)
        if self.norm > self._end:  # it lies beyond the scale
            tip = QPointF(scale.right() + 2, scale.center().y())
            painter.drawPolygon(QPolygonF([tip, tip + QPointF(-6, -4), tip + QPointF(-6, 4)]))
