"""One row of the form of hyperparameters: name, editor, the way back to the recipe's value, what is wrong."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QPointF, QRectF, QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QStyle, QStyleOptionToolButton, QToolButton, QWidget

from ganexplorer.train.config import Parameter
from ganexplorer.ui import theme
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.parts.calm_spin import CalmSpinBox, short_number
from ganexplorer.ui.parts.tips import plain_tip

GUTTER = 10  # pixels before a name, for the dot of a changed one
BACK_WIDTH = 22  # pixels, of the button that puts a value back
EDITOR_WIDTH = 96  # pixels at least
WRONG_LINES = 2
FIXED = "fixed while a run goes on"


def is_text(parameter: Parameter) -> bool:
    """Whether a person writes the value as text: widths, names of classes."""
    return not parameter.choices and parameter.type in (tuple, str)


def shown(parameter: Parameter, value: Any) -> Any:
    """A value as its editor has it: text for what is written as text."""
    return ",".join(map(str, value)) if is_text(parameter) and not isinstance(value, str) else value


def in_words(parameter: Parameter, value: Any) -> str:
    """A value as `--set` takes it, with its unit; "empty" for no text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = short_number(value) if isinstance(value, int | float) else str(shown(parameter, value))
    return f"{text} {parameter.unit}".rstrip() if text else "empty"


def tip_of(parameter: Parameter) -> str:
    """Help, unit and limits."""
    if parameter.low is None or parameter.high is None:
        return parameter.help
    limits = f"{short_number(parameter.low)} to {short_number(parameter.high)}"
    return f"{parameter.help} ({f'{parameter.unit}, ' if parameter.unit else ''}{limits})"


def row_height(widget: QWidget) -> int:
    """Of every row, whatever is edited in it, so that the height of a form is known before there is one; pixels."""
    return widget.fontMetrics().height() + 10


def name_width(widget: QWidget, name: str) -> int:
    """Pixels that the label of `name` takes."""
    return GUTTER + widget.fontMetrics().horizontalAdvance(name) + 4


class FieldLabel(QLabel):
    """The name of a field, with a dot before it where the value is not the recipe's."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(name, parent, indent=GUTTER, textFormat=Qt.TextFormat.PlainText)
        self.is_marked = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.is_marked:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.palette().color(QPalette.ColorRole.Accent))
            painter.drawEllipse(QPointF(3.0, self.height() / 2), 2.5, 2.5)


class TextEdit(QLineEdit):
    """A line of text with an amber border while it cannot be read."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.is_wrong = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.is_wrong:
            is_dark = self.palette().color(QPalette.ColorRole.Window).lightness() < 128
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor((theme.DARK if is_dark else theme.LIGHT).warning), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 2, 2)


class BackButton(QToolButton):
    """An arrow that turns back."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, objectName="flat")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        self.style().drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option, painter, self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self.palette().color(QPalette.ColorRole.Accent)
        painter.setPen(QPen(color, 1.5))
        centre, radius = QRectF(self.rect()).center(), 4.5
        box = QRectF(centre.x() - radius, centre.y() - radius, 2 * radius, 2 * radius)
        painter.drawArc(box, -150 * 16, 280 * 16)  # sixteenths of a degree, counterclockwise from the right
        angle = math.radians(130)
        tip = QPointF(centre.x() + radius * math.cos(angle), centre.y() - radius * math.sin(angle))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawPolygon(QPolygonF([tip + QPointF(-3.0, 1.6), tip + QPointF(2.2, -2.8), tip + QPointF(2.4, 3.2)]))


class ConfigField(QWidget):
    """The editor of a field, beside it the way back. `label` stands in the other column of the form.

    `edited` carries what the editor has, also while it is typed; `committed` says that the person is done with it.
    """

    edited = Signal(object)
    committed = Signal()
    back_wanted = Signal()

    def __init__(self, parameter: Parameter, row: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._parameter = parameter
        self._row = row  # height in pixels
        self._recipe_words = ""  # empty: the value is the recipe's
        self._is_fixed = False
        self.wrong = ""  # what cannot be read, in words
        self.label = FieldLabel(parameter.name, parent)
        self.label.setFixedHeight(row)
        self.back: BackButton | None = None  # most fields never need one
        self._words: QLabel | None = None
        self.editor = self._make_editor()
        self.editor.setAccessibleName(parameter.name)
        self.setFixedHeight(row)
        self.setMinimumWidth(EDITOR_WIDTH + BACK_WIDTH)
        self._describe()

    @property
    def last_stop(self) -> QWidget:
        """Where the keys leave this row."""
        return self.editor if self.back is None else self.back

    def _make_editor(self) -> QWidget:
        parameter = self._parameter
        if parameter.choices:
            combo = CalmComboBox(self)
            combo.addItems(list(parameter.choices))
            combo.currentTextChanged.connect(lambda text: self.edited.emit(text))
            combo.activated.connect(lambda _: self.committed.emit())
            return combo
        if parameter.type is bool:
            box = QCheckBox(self)
            box.toggled.connect(self._on_toggled)
            return box
        if is_text(parameter):
            line = TextEdit(self)
            line.textChanged.connect(lambda text: self.edited.emit(text))
            line.editingFinished.connect(self.committed)
            return line
        assert parameter.low is not None
        assert parameter.high is not None
        spin = CalmSpinBox(parameter.low, parameter.high, parameter.type is int, parameter.unit, self)
        spin.valueChanged.connect(lambda value: self.edited.emit(parameter.type(value)))
        spin.committed.connect(self.committed)
        return spin

    def show_value(self, value: Any) -> None:
        """Put a value into the editor, as `shown` has it; tells nobody."""
        editor = self.editor
        with QSignalBlocker(self):
            if isinstance(editor, CalmComboBox):
                editor.setCurrentText(value)
            elif isinstance(editor, QCheckBox):
                editor.setChecked(value)
            elif isinstance(editor, TextEdit):
                editor.setText(value)
                editor.setCursorPosition(0)  # the first widths, where there is no room for all
            elif isinstance(editor, CalmSpinBox):
                editor.setValue(value)

    def mark(self, recipe_words: str) -> None:
        """Say that the value is not the recipe's, which is `recipe_words`; empty: that it is."""
        if recipe_words == self._recipe_words:
            return
        self._recipe_words = recipe_words
        self.label.is_marked = bool(recipe_words)
        self.label.update()
        self._describe()

    def set_fixed(self, is_fixed: bool) -> None:
        """Whether nothing can be changed for now."""
        self._is_fixed = is_fixed
        self.editor.setEnabled(not is_fixed)
        self.label.setEnabled(not is_fixed)
        self._describe()

    def tell(self, wrong: str) -> None:
        """Say what is wrong with the text, under it; empty: nothing."""
        if wrong == self.wrong:
            return
        self.wrong = wrong
        if wrong and self._words is None:
            self._words = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
            self._words.setAlignment(Qt.AlignmentFlag.AlignTop)
        if isinstance(self.editor, TextEdit):
            self.editor.is_wrong = bool(wrong)
            self.editor.update()
        if self._words is not None:
            self._words.setText(wrong)
            self._words.setVisible(bool(wrong))
        self.setFixedHeight(self._row + (WRONG_LINES * self.fontMetrics().lineSpacing() + 4 if wrong else 0))
        self._place()
        self._describe()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        width = self.width() - BACK_WIDTH
        self.editor.setGeometry(0, 0, width, self._row)
        if self.back is not None:
            self.back.setGeometry(width + 2, (self._row - BACK_WIDTH) // 2 + 1, BACK_WIDTH - 2, BACK_WIDTH - 2)
        if self._words is not None:
            self._words.setGeometry(0, self._row + 2, self.width(), self.height() - self._row - 2)

    def _describe(self) -> None:
        """Tooltips, texts for a screen reader, and whether there is a way back."""
        recipe = f"The recipe has {self._recipe_words}." if self._recipe_words else ""
        lines = [self.wrong, tip_of(self._parameter), recipe, FIXED if self._is_fixed else ""]
        tip = "\n".join(filter(None, lines))
        for widget in (self.editor, self.label):
            widget.setToolTip(plain_tip(tip))
        self.editor.setAccessibleDescription(tip)
        has_back = bool(self._recipe_words) and not self._is_fixed
        if has_back and self.back is None:
            self.back = BackButton(self)
            self.back.setAccessibleName(f"Put {self._parameter.name} back")
            self.back.clicked.connect(self._on_back)
            QWidget.setTabOrder(self.editor, self.back)
            self._place()
        if self.back is not None:
            self.back.setToolTip(plain_tip(f"Put back what the recipe has: {self._recipe_words}"))
            self.back.setVisible(has_back)

    @Slot(bool)
    def _on_toggled(self, is_on: bool) -> None:
        self.edited.emit(is_on)
        self.committed.emit()

    @Slot()
    def _on_back(self) -> None:
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)  # the button goes, and must not take the keys along
        self.back_wanted.emit()
