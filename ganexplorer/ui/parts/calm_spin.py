"""A box for one number that does nothing by accident, and writes numbers short."""

from __future__ import annotations

import math
import re

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QWidget

DECIMALS = 12  # what a value is rounded to
SMALLEST_PLAIN = 1e-6  # smaller ones are written with an exponent
FIRST_STEP = 0.01  # up from 0, which has no size to go by
_UNFINISHED = re.compile(r"-?\d*\.?\d*(e[-+]?\d*)?", re.IGNORECASE)


def short_number(value: float) -> str:
    """A number as a person writes it: 10000, 0.0002, 1e-7."""
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    if abs(value) >= SMALLEST_PLAIN:
        return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
    return re.sub(r"e-0*", "e-", f"{value:.6g}")


class CalmSpinBox(QDoubleSpinBox):
    """A number between limits, whole or not; what is typed may have an exponent, as in 2e-4.

    Steps follow the size of the value. The wheel passes over it unless it has the keys. `valueChanged` follows each
    key; `committed` comes when the person is done: Return, leaving, or the end of stepping by arrows or wheel. What is
    typed beyond a limit becomes the limit.
    """

    committed = Signal()

    def __init__(self, low: float, high: float, is_whole: bool, unit: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_whole = is_whole
        self._unit = unit  # a plural, such as steps, or a symbol
        self._has_stepped = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # not by the wheel
        self.setDecimals(0 if is_whole else DECIMALS)
        self.setRange(low, high)
        self.editingFinished.connect(self._commit)
        if unit:
            self._name_unit()
            self.valueChanged.connect(self._name_unit)

    def textFromValue(self, value: float) -> str:
        return short_number(value)

    def valueFromText(self, text: str) -> float:
        try:
            value = float(self._number(text))
        except ValueError:
            return self.value()  # nothing that could be meant: as it was
        return float(round(value)) if self._is_whole and math.isfinite(value) else value

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        number = self._number(text)
        if _UNFINISHED.fullmatch(number) is None:
            return QValidator.State.Invalid, text, position
        try:
            value = float(number)
        except ValueError:
            return QValidator.State.Intermediate, text, position
        is_right = self.minimum() <= value <= self.maximum() and (value.is_integer() or not self._is_whole)
        return QValidator.State.Acceptable if is_right else QValidator.State.Intermediate, text, position

    def fixup(self, text: str) -> str:
        value = min(max(self.valueFromText(text), self.minimum()), self.maximum())
        return f"{self.textFromValue(value)}{self.suffix()}"

    def stepBy(self, steps: int) -> None:
        """One in the second figure of the value; in the first of its distance to 1 for decays, which end below 1."""
        self._has_stepped = True
        step = self._own_step(steps > 0)
        if step is None:
            self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        else:
            self.setStepType(QAbstractSpinBox.StepType.DefaultStepType)
            self.setSingleStep(step)
        super().stepBy(steps)

    def _own_step(self, is_up: bool) -> float | None:
        """The step where that of Qt, which follows the size of the value, is no use."""
        value = self.value()
        if self._is_whole:
            return None
        if value == 0:
            return FIRST_STEP
        if value >= 0.9 and self.maximum() < 1:  # towards 1 in ever finer steps: 0.99, 0.991 … 0.999, 0.9991
            rest = (1 - value) * (0.99 if is_up else 1.01)
            return min(FIRST_STEP, 10.0 ** math.floor(math.log10(rest)))
        return None

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.hasFocus():
            event.ignore()  # scrolling what it stands on must not change what is under the pointer
            return
        super().wheelEvent(event)
        self._commit_steps()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._commit_steps()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        super().keyReleaseEvent(event)
        if not event.isAutoRepeat():
            self._commit_steps()

    def _commit_steps(self) -> None:
        if self._has_stepped:
            self._commit()

    def _commit(self) -> None:
        self._has_stepped = False
        self.committed.emit()

    def _name_unit(self) -> None:
        unit = self._unit.removesuffix("s") if self.value() == 1 else self._unit
        if self.suffix() != f" {unit}":
            self.setSuffix(f" {unit}")

    def _number(self, text: str) -> str:
        """What is typed, without the unit."""
        return text.removesuffix(self.suffix()).strip()
