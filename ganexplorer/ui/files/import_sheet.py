"""What a stranger's file could not say: each choice as a field."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ganexplorer.core.errors import plain
from ganexplorer.core.foreign.choices import ACTIVATIONS, OUTPUTS, UPSAMPLINGS, Choices, to_text
from ganexplorer.core.foreign.opening import ForeignFile
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.parts.tips import plain_tip
from ganexplorer.ui.theme import GAP

COLUMNS = 5  # at most; a narrow sheet has fewer
COLUMN_WIDTH = 104  # pixels that a field and its title need
NETWORK = "network"  # not one of the choices, but chosen in the same way

_TITLES = {
    NETWORK: "Weights",
    "activation": "Activation",
    "slope": "Slope",
    "output": "Last layer",
    "eps": "Batch norm eps",
    "first_eps": "First norm eps",
    "lift_activation": "Act before reshape",
    "upsample": "Upsampling",
    "prior": "Prior of z",
    "image_shape": "Image",
    "transpose": "Rows ⇄ columns",
    "channels_last": "Colours last",
}
_YES_NO = ("no", "yes")
# what is offered; a field whose values are not all listed can be typed into
_OFFERED: dict[str, tuple[str, ...]] = {
    "activation": ACTIVATIONS,
    "slope": ("0.01", "0.1", "0.2", "0.3"),
    "output": OUTPUTS,
    "eps": ("1e-05", "0.001", "0.8"),
    "first_eps": ("1e-05", "0.001", "0.8"),
    "lift_activation": _YES_NO,
    "upsample": UPSAMPLINGS,
    "prior": ("normal", "uniform:-1,1", "uniform:0,1", "constant:0.5"),
    "transpose": _YES_NO,
    "channels_last": _YES_NO,
}
_EDITABLE = ("slope", "eps", "first_eps", "prior", "image_shape")


class ImportSheet(QFrame):
    """Fields for the choices of a `ForeignFile`; hidden while the open model is one of our own.

    `changed` asks for a choice; `show_file` brings the answer, and the field says what is so. What is being typed is
    left alone meanwhile.
    """

    changed = Signal(str, str)  # field, value as text
    reset = Signal()  # back to the usual values
    save_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="sheet")
        self._file: ForeignFile | None = None
        self._is_quiet = False  # a field that goes away loses the focus, but nobody has ended typing
        self._is_away = False
        self._is_wanted = False  # once it is no longer away
        self._heading = QLabel("What the file does not say", objectName="heading", wordWrap=True)
        self._note = QLabel(textFormat=Qt.TextFormat.PlainText, objectName="quiet", wordWrap=True)
        for label in (self._heading, self._note):
            label.setMinimumWidth(1)
        self._heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.usual = _button("Usual values", "Go back to what is usual for such a network")
        self.usual.clicked.connect(self._on_usual)
        self.save = _button("Save model…", "Write a model file of ganexplorer's own, with these choices in it")
        self.save.clicked.connect(self.save_wanted)
        self.close_button = _button("✕", "Close; View > Import sheet shows it again")
        self.close_button.setAccessibleName("Close the import sheet")
        self.close_button.clicked.connect(self.hide)
        top = QHBoxLayout()
        top.setSpacing(GAP // 2)
        top.addWidget(self._heading, 1)
        for button in (self.usual, self.save, self.close_button):
            top.addWidget(button)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, GAP, GAP, 12)
        layout.setSpacing(GAP // 2)
        layout.addLayout(top)
        layout.addWidget(self._note)
        layout.addLayout(self._grid)
        self.fields: dict[str, QComboBox] = {}
        self._titles: list[QLabel] = []  # one for each field
        self._columns = COLUMNS
        self.hide()

    def minimumSizeHint(self) -> QSize:
        return QSize(3 * COLUMN_WIDTH, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        columns = max(3, min(COLUMNS, event.size().width() // COLUMN_WIDTH))
        if columns != self._columns:
            self._columns = columns
            self._lay_out()

    def _lay_out(self) -> None:
        """Put the fields into rows."""
        while self._grid.takeAt(0) is not None:
            pass
        for column in range(COLUMNS):
            self._grid.setColumnStretch(column, int(column < self._columns))
        for i, (title, field) in enumerate(zip(self._titles, self.fields.values(), strict=True)):
            row, column = divmod(i, self._columns)
            title.setContentsMargins(0, 0 if row == 0 else GAP // 2, 0, 0)
            self._grid.addWidget(title, 2 * row, column)
            self._grid.addWidget(field, 2 * row + 1, column)

    @property
    def file(self) -> ForeignFile | None:
        """What the fields are about."""
        return self._file

    def show_file(self, file: ForeignFile | None) -> None:
        """Show the choices of `file`; None: the open model needs none, and the sheet goes."""
        before, self._file = self._file, file
        is_same = before is not None and file is not None and before.path == file.path
        if file is None:
            with self._quiet():
                self._is_wanted = False
                self.hide()
            return
        names = ([NETWORK] if len(file.labels) > 1 else []) + file.reading.open_choices
        if list(self.fields) != names:
            with self._quiet():
                self._make_fields(names)
        if "slope" in self.fields:
            with self._quiet():
                self.fields["slope"].setEnabled(file.choices.activation == "leaky_relu")
        for name, field in self.fields.items():
            if not (is_same and field.isEnabled() and _is_typed_into(field)):
                self._fill(name, field, file)
        self.usual.setEnabled(bool(file.stored) or file.network != file.labels[0])
        self._heading.setToolTip(plain_tip(f"Assumed for {file.path}: change what looks wrong, the picture follows"))
        told = ", ".join(_TITLES[name].lower() for name in file.evident if name in self.fields)
        notes = [file.note, f"Told by the statistics of its batch norms: {told}." if told else ""]
        self._note.setText(plain(" ".join(note for note in notes if note)))
        self._note.setVisible(any(notes))
        if not is_same:
            self._is_wanted = True
            self.setVisible(not self._is_away)

    def set_away(self, is_away: bool) -> None:
        """Whether something else than the file is on show: the sheet is away for so long."""
        if is_away == self._is_away:
            return
        self._is_away = is_away
        with self._quiet():
            if is_away:
                self._is_wanted = not self.isHidden()
                self.hide()
            else:
                self.setVisible(self._is_wanted)
        if is_away and self._file is not None:
            for name, field in self.fields.items():
                self._fill(name, field, self._file)  # what was half typed is not there when it comes back

    def commit(self) -> None:
        """Ask for what was typed, as leaving the field does; a click on a button leaves none."""
        for name, field in self.fields.items():
            if _is_typed_into(field):
                self._ask(name)

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        self._is_quiet = True
        try:
            yield
        finally:
            self._is_quiet = False

    def _make_fields(self, names: list[str]) -> None:
        focused = next((name for name, field in self.fields.items() if field.hasFocus()), None)
        for widget in (*self._titles, *self.fields.values()):
            self._grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self.fields, self._titles = {}, []
        help_of = {field.name: field.metadata["help"] for field in dataclasses.fields(Choices)}
        for name in names:
            title = QLabel(_TITLES[name], objectName="quiet")
            title.setMinimumWidth(1)
            field = _Field()
            field.setEditable(name in _EDITABLE)
            field.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            field.setMinimumContentsLength(6)
            field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            field.setAccessibleName(_TITLES[name])
            tip = help_of.get(name, "which of the generators in the file")
            field.setToolTip(tip[0].upper() + tip[1:])
            title.setToolTip(field.toolTip())
            title.setBuddy(field)
            field.setProperty("choice", name)
            field.activated.connect(self._on_activated)
            if (line := field.lineEdit()) is not None:
                line.editingFinished.connect(self._on_typed)
                line.setProperty("choice", name)
                field.setCompleter(None)  # type: ignore[arg-type]  # it would make 0.01 of 0
                line.setAcceptDrops(False)  # a file goes on to the window; as text, its path is no choice
            self.fields[name] = field
            self._titles.append(title)
        self._lay_out()
        chain = [self.usual, self.save, self.close_button, *self.fields.values()]
        for earlier, later in pairwise(chain):
            self.setTabOrder(earlier, later)
        if focused in self.fields:
            self.fields[focused].show()  # the layout would do so later, and what is hidden takes no focus
            self.fields[focused].setFocus()

    def _fill(self, name: str, field: QComboBox, file: ForeignFile) -> None:
        text = shown_value(file, name)
        offered = [*_offered(name, file)]
        if text not in offered:
            offered.append(text)
        field.blockSignals(True)
        if [field.itemText(i) for i in range(field.count())] != offered:
            field.clear()
            field.addItems(offered)
        field.setCurrentIndex(offered.index(text))
        field.setEditText(text) if field.isEditable() else None
        if (line := field.lineEdit()) is not None:
            line.setCursorPosition(0)
        field.blockSignals(False)

    @Slot()
    def _on_usual(self) -> None:
        self.commit()
        self.reset.emit()

    @Slot(int)
    def _on_activated(self, _: int) -> None:
        field = self.sender()
        if isinstance(field, QComboBox):
            self._ask(field.property("choice"))

    @Slot()
    def _on_typed(self) -> None:
        name = self.sender().property("choice")
        if name in self.fields and _is_typed_into(self.fields[name]):  # else it is only left, or an item was chosen
            self._ask(name)

    def _ask(self, name: str) -> None:
        field = self.fields.get(name)
        if field is None or self._is_quiet:
            return
        if (line := field.lineEdit()) is not None:
            line.setModified(False)
        self.changed.emit(name, field.currentText())


class _Field(CalmComboBox):
    def minimumSizeHint(self) -> QSize:
        return QSize(64, super().minimumSizeHint().height())


def shown_value(file: ForeignFile, name: str) -> str:
    """A choice as its field shows it."""
    return file.network if name == NETWORK else to_text(getattr(file.choices, name))


def _is_typed_into(field: QComboBox) -> bool:
    line = field.lineEdit()
    return line is not None and line.isModified()


def _offered(name: str, file: ForeignFile) -> tuple[str, ...]:
    if name == NETWORK:
        return tuple(file.labels)
    if name == "image_shape":
        return tuple(to_text(shape) for shape in file.reading.image_shapes)
    return _OFFERED[name]


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton(text=text)
    button.setToolTip(tip)
    return button
