"""What all charts have in common for the eye: axes, zoom, the read-out. `HandChart` adds pointer and keys."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QImage,
    QPainter,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from ganexplorer.ui.parts.figures import tabular
from ganexplorer.ui.plots.chart_axis import ChartAxis
from ganexplorer.ui.plots.frame import Frame, Range
from ganexplorer.ui.plots.read_out import ReadOut, Slot
from ganexplorer.ui.theme import Theme

BELOW = 4  # pixels: names of axes stand out of them
SMALL = 0.88  # font, of the widget's


class Chart(pg.GraphicsView):  # type: ignore[misc]
    """A chart with one point under the pointer, or under the keys.

    It is drawn when `redraw` is called while it is visible, and when it is shown or resized after that.
    """

    zoomed = Signal(bool)  # whether less than all is shown

    def __init__(self, theme: Theme, name: str, right: int, parent: QWidget | None = None) -> None:
        """`right`: pixels beside the curves, for the last values."""
        super().__init__(parent)
        self._theme = theme
        self._right = right
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False)
        self._bottom, self._left = ChartAxis("bottom"), ChartAxis("left")
        for axis, row, column in ((self._left, 0, 0), (self._box, 0, 1), (self._bottom, 1, 1)):
            self.centralLayout.addItem(axis, row, column)
        self.centralLayout.setSpacing(0)
        self._left.linkToView(self._box)
        self._bottom.linkToView(self._box)
        self._read_out = ReadOut()
        self.frame = Frame(QRectF(0, 0, 1, 1), (0.0, 1.0), (0.0, 1.0))
        self._zoom_x: Range | None = None
        self._zoom_y: Range | None = None
        self._hovered: int | None = None
        self._is_stale = True
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        self.setMinimumSize(140, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(name)
        self.set_theme(theme)

    # -- what a kind of chart says -------------------------------------------------------------------------

    def _slots(self) -> Sequence[Slot]:
        raise NotImplementedError

    def _readings(self, index: int) -> Sequence[str]:
        """The values at a point, one a slot."""
        raise NotImplementedError

    def _prepare(self) -> tuple[Range, Range] | None:
        """The ranges to show, `_zoom_x` and `_zoom_y` heeded; None where there is nothing. Names the axes."""
        raise NotImplementedError

    def _draw(self, frame: Frame) -> None:
        """Make what `_paint` paints."""
        raise NotImplementedError

    def _paint(self, painter: QPainter, frame: Frame) -> None:
        raise NotImplementedError

    def _hint(self) -> str:
        """What stands where nothing is to be shown."""
        raise NotImplementedError

    # -- what views ask for --------------------------------------------------------------------------------

    @property
    def hovered(self) -> int | None:
        """The index of the point whose values are read out."""
        return self._hovered

    @property
    def readings(self) -> list[str]:
        """The values that are read out, as they stand there."""
        return [] if self._hovered is None else list(self._readings(self._hovered))

    @property
    def is_zoomed(self) -> bool:
        return self._zoom_x is not None or self._zoom_y is not None

    def zoom(self, x: Range | None, y: Range | None) -> None:
        """Show these ranges; None: all there is."""
        self._zoom_x, self._zoom_y = x, y
        self.zoomed.emit(self.is_zoomed)
        self.redraw()

    def reset_zoom(self) -> None:
        self.zoom(None, None)

    def hover(self, index: int | None) -> None:
        if index != self._hovered:
            self._hovered = index
            self._tell()
            self.viewport().update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.setBackground(theme.surface)
        for axis in (self._left, self._bottom):
            axis.set_look(theme, self._small_font())
        self.redraw()

    def sizeHint(self) -> QSize:
        return QSize(346, 190)

    def redraw(self) -> None:
        """Draw what there is now; when it is hidden, as soon as it is shown."""
        self._is_stale = True
        if not self.isVisible():
            return
        self._is_stale = False
        font = self._small_font()
        self._read_out.lay_out(self._slots(), font, 8, max(1, self.width() - 12))
        self.centralLayout.setContentsMargins(0, math.ceil(self._read_out.height), self._right, BELOW)
        self.centralLayout.activate()
        ranges = self._prepare()
        for axis in (self._left, self._bottom):
            axis.show_values(ranges is not None)
        x, y = ranges or ((0.0, 1.0), (0.0, 1.0))
        self._box.setRange(xRange=x, yRange=y, padding=0)
        self.frame = Frame(self._box.sceneBoundingRect(), x, y)
        self._draw(self.frame)
        self._tell()
        self.viewport().update()

    def picture(self, scale: float = 2.0) -> QImage:
        """The chart as an image, `scale` pixels to one on the screen; without pointer and focus."""
        self.redraw()
        hovered, self._hovered = self._hovered, None
        image = QImage(self.size() * scale, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(scale)
        image.fill(QColor(self._theme.surface))
        painter = QPainter(image)
        self.render(painter, QRectF(self.rect()), self.rect())
        painter.end()
        self._hovered = hovered
        return image

    # -- painting ------------------------------------------------------------------------------------------

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        # pixels of the viewport are those of the scene; all but the axes is painted here
        painter.save()
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            self._paint_all(painter)
        finally:
            painter.restore()

    def _paint_all(self, painter: QPainter) -> None:
        theme = self._theme
        words = self._hint()
        if words:
            painter.setPen(QColor(theme.quiet))
            painter.drawText(self.frame.area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
        else:
            self._paint(painter, self.frame)
            self._read_out.paint(painter, self.readings, theme)
        if self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0, 0, -1, -1))

    def _small_font(self) -> QFont:
        font = tabular(self.font())
        font.setPointSizeF(SMALL * font.pointSizeF())
        return font

    def _tell(self) -> None:
        """What is read out, for those who do not see it."""
        values = self.readings
        names = [slot.name for slot in self._slots()]
        said = ", ".join(f"{name} {value}".strip() for name, value in zip(names, values, strict=True)) if values else ""
        if said != self.accessibleDescription():
            self.setAccessibleDescription(said)

    # -- coming into sight ---------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_is_stale"):  # the base class resizes before there is anything
            self.redraw()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self.redraw()
