"""The move tool: dragging the picture moves z along two directions, the wheel changes its distance from the centre."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QWheelEvent
from torch import Tensor

from ganexplorer.core.directions import Direction
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.editing.latent_space import LatentSpace
from ganexplorer.ui.latent.latent_rows import FINE, KEY_STEP
from ganexplorer.ui.picture.axes import Axes, AxisChoice, Pair
from ganexplorer.ui.picture.canvas import Canvas
from ganexplorer.ui.picture.plane_map import Plane, PlaneMap
from ganexplorer.ui.theme import DARK, Theme
from ganexplorer.ui.work.studio import Studio

DRAG_SPAN = 3.0  # standard deviations for a drag over half of the picture
WHEEL_STEP = 1.05  # of the distance from the centre, for each notch
EDIT_PAUSE = 400  # milliseconds of quiet that end a turn of the wheel
GRID = 0.5  # standard deviations from the centre that Ctrl snaps to, and of a key's step with Ctrl

_WAYS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


@dataclass(slots=True)
class _Drag:
    """A drag over the picture, or on the map if there is a `plane`."""

    start: Tensor
    last: QPointF
    plane: Plane | None = None
    pair: Pair | None = None  # that it goes along, from its first movement on
    x: float = 0.0  # so far: units of z along the axes; where it is on the map
    y: float = 0.0


class MoveTool(QObject):
    """Takes part in the canvas as its first tool.

    Parameters
    ----------
    studio
        Finds axes; without it there are dimensions and named directions to choose from.
    """

    cursor = Qt.CursorShape.OpenHandCursor
    notice = Signal(str)
    map_toggled = Signal(bool)

    def __init__(self, document: Document, canvas: Canvas, studio: Studio | None = None, theme: Theme = DARK) -> None:
        super().__init__(canvas)
        self._document = document
        self._canvas = canvas
        self._theme = theme
        self.chooser = Axes(document, studio, self)
        self.chooser.notice.connect(self.notice)
        self.map = PlaneMap(document, self.chooser)
        self.map.changed.connect(self._on_map_changed)
        self.is_map_shown = False
        self._drag: _Drag | None = None
        self._space: LatentSpace | None = None  # that of the drag
        self._keys_editor = object()
        # notches in quick succession are one undo step
        self._wheel_pause = QTimer(self, singleShot=True, interval=EDIT_PAUSE)
        self._wheel_pause.timeout.connect(self._on_wheel_at_rest)
        document.subject_changed.connect(self._on_subject_changed)
        canvas.installEventFilter(self)  # for the keys

    @property
    def axes(self) -> list[Direction]:
        """The directions to the right and up; empty until the strongest dimensions are known."""
        return self.chooser.directions

    @axes.setter
    def axes(self, strongest: list[Direction]) -> None:
        """What is used where a person did not choose something else."""
        self.chooser.set_strongest(strongest)

    def set_effects(self, effects: Tensor) -> None:
        """Measured effects of the dimensions, (z_dim,): the strongest are the axes unless others were chosen."""
        self.chooser.set_effects(effects)

    @Slot(object, int)
    def use_as_axis(self, direction: Direction, which: int) -> None:
        """Put a direction of the document on an axis: 0 to the right, 1 up."""
        self.chooser.choose(which, AxisChoice("named", 0, direction.vector))

    @Slot(bool)
    def show_map(self, is_shown: bool) -> None:
        """Show or hide the map of the plane of both axes."""
        if is_shown != self.is_map_shown:
            self.is_map_shown = is_shown
            self.map_toggled.emit(is_shown)
            self._canvas.update()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._canvas.update()

    # -- the mouse -----------------------------------------------------------------------------------------

    def press(self, event: QMouseEvent) -> None:
        assert self._document.subject is not None  # the canvas sees to that
        self._space = self._document.subject.space
        self._document.begin_edit(self)
        self._drag = _Drag(self._document.z, event.position())
        if self._is_on_map(event.position()):
            self._drag.plane = self.map.plane
            self._drag.x, self._drag.y = self.map.to_point(event.position())
            self.chooser.hold()
            self._go_on_map(self._drag, event.modifiers())
        else:
            self._canvas.setCursor(Qt.CursorShape.ClosedHandCursor)

    def move(self, event: QMouseEvent) -> None:
        drag = self._drag
        if drag is None:
            on_map = self._is_on_map(event.position())
            self._canvas.setCursor(Qt.CursorShape.CrossCursor if on_map else self.cursor)
        elif drag.plane is not None:
            (x, y), (last_x, last_y) = self.map.to_point(event.position()), self.map.to_point(drag.last)
            self._add(drag, x - last_x, y - last_y, event)
            self._go_on_map(drag, event.modifiers())
        elif self.axes:
            if drag.pair is None:
                drag.pair = self.chooser.pair
                self.chooser.hold()
            span = max(self._canvas.picture_rect().width(), 200.0) / 2
            speed = DRAG_SPAN * (self._document.prior.std or 0.5) / span
            offset = event.position() - drag.last
            self._add(drag, offset.x() * speed, -offset.y() * speed, event)
            self._go_along(drag, drag.pair, event.modifiers())

    def release(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            self.let_go()

    def wheel(self, event: QWheelEvent) -> None:
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120  # some systems turn the wheel with Shift
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            notches *= FINE
        self._document.begin_edit(self._wheel_pause)
        self._document.scale(WHEEL_STEP**notches)
        self._wheel_pause.start()

    def paint(self, painter: QPainter) -> None:
        if self.is_map_shown:
            self.map.place(QRectF(self._canvas.rect()))
            self.map.paint(painter, self._theme)

    def let_go(self) -> None:
        if self._drag is not None:
            self._drag = None
            self._document.end_edit(self)
            self.chooser.let_go()
            self._canvas.setCursor(self.cursor)

    def _is_on_map(self, position: QPointF) -> bool:
        if not self.is_map_shown or self.map.plane is None:
            return False
        self.map.place(QRectF(self._canvas.rect()))
        return self.map.rect.contains(position)

    @staticmethod
    def _add(drag: _Drag, x: float, y: float, event: QMouseEvent) -> None:
        """Add to the way so far, so that Shift can be pressed and released on it without a jump."""
        share = FINE if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        drag.x += x * share
        drag.y += y * share
        drag.last = event.position()

    def _go_along(self, drag: _Drag, pair: Pair, modifiers: Qt.KeyboardModifier) -> None:
        vectors = [axis.vector for axis in pair if axis is not None]
        amounts = [amount for axis, amount in zip(pair, (drag.x, drag.y), strict=True) if axis is not None]
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            before = (self._shares(drag.start, vectors)).tolist()
            unit = self._document.unit
            amounts = [
                _snapped(share + amount / unit) * unit - share * unit
                for share, amount in zip(before, amounts, strict=True)
            ]
        self._document.move(drag.start, list(zip(vectors, amounts, strict=True)))

    def _shares(self, z: Tensor, vectors: list[Tensor]) -> Tensor:
        """How many units of each vector make z, less the prior's centre, in their plane, (K,)."""
        offset = (z - self._document.prior.center).double() / self._document.unit
        return torch.linalg.pinv(torch.stack(vectors, dim=1).double()) @ offset

    def _go_on_map(self, drag: _Drag, modifiers: Qt.KeyboardModifier) -> None:
        """Put z to a point of the plane and leave what is at right angles to it."""
        assert drag.plane is not None
        x, y = drag.x, drag.y
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            x, y = _snapped(x), _snapped(y)
        before = drag.plane.points(drag.start[None])[0]
        unit = drag.plane.unit
        right, up = drag.plane.basis
        along = [(right, float(x - before[0]) * unit), (up, float(y - before[1]) * unit)]
        self._document.move(drag.start, along)

    # -- the keys ------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is not self._canvas or self._canvas.tool is not self:
            return False
        kind = event.type()
        if kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._on_key(event)
        if kind == QEvent.Type.KeyRelease and isinstance(event, QKeyEvent):
            if not event.isAutoRepeat():
                self._document.end_edit(self._keys_editor)
        elif kind == QEvent.Type.FocusOut:
            self._document.end_edit(self._keys_editor)
        return False

    def _on_key(self, event: QKeyEvent) -> bool:
        """Whether the key was for this tool."""
        if event.key() == Qt.Key.Key_Escape and self._drag is not None:
            self._document.cancel_edit(self)
            self.let_go()
            return True
        modifiers = event.modifiers()
        is_plain = not modifiers & (Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier)
        if event.key() not in _WAYS or not is_plain or self._drag is not None or not self._document.subject:
            return False
        step = KEY_STEP
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            step = GRID
        elif modifiers & Qt.KeyboardModifier.ShiftModifier:
            step *= FINE
        ways = _WAYS[Qt.Key(event.key())]
        along = [
            (axis.vector, way * step * self._document.unit)
            for axis, way in zip(self.chooser.pair, ways, strict=True)
            if axis is not None and way
        ]
        self._document.begin_edit(self._keys_editor)  # until the key is released
        self._document.move(self._document.z, along)
        return True

    # -- what changes --------------------------------------------------------------------------------------

    @Slot()
    def _on_map_changed(self) -> None:
        if self.is_map_shown:
            self._canvas.update()

    def _on_subject_changed(self, subject: Subject) -> None:
        if self._drag is not None and subject.space != self._space:
            self.let_go()

    @Slot()
    def _on_wheel_at_rest(self) -> None:
        self._document.end_edit(self._wheel_pause)


def _snapped(amount: float) -> float:
    """The nearest multiple of `GRID`."""
    return round(amount / GRID) * GRID
