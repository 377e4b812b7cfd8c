"""What a stranger's file could not say: each choice as a field, and the picture follows."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import QObject, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ganexplorer.core.foreign.choices import ACTIVATIONS, OUTPUTS, UPSAMPLINGS, Choices, to_text
from ganexplorer.core.foreign.opening import ForeignFile, keep_choices
from ganexplorer.core.zoo import ModelEntry
from ganexplorer.ui.opening import Opener, OpenRequest
from ganexplorer.ui.theme import GAP
from ganexplorer.ui.workers import JobThread

COLUMNS = 5
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

    `changed` asks for another choice; the field goes back to what is so until `show_file` brings the answer.
    """

    changed = Signal(str, str)  # field, value as text
    reset = Signal()  # back to the usual values
    save_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, objectName="sheet")
        self._file: ForeignFile | None = None
        self._heading = QLabel("What the file does not say", objectName="heading")
        self._note = QLabel(textFormat=Qt.TextFormat.PlainText, objectName="quiet", wordWrap=True)
        for label in (self._heading, self._note):
            label.setMinimumWidth(1)
        self._heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.usual = _button("Usual values", "Go back to what is usual for such a network")
        self.usual.clicked.connect(self.reset)
        self.save = _button("Save model…", "Write a model file of ganexplorer's own, with these choices in it")
        self.save.clicked.connect(self.save_wanted)
        close = _button("✕", "Close; View > Import sheet shows it again")
        close.setAccessibleName("Close the import sheet")
        close.clicked.connect(self.hide)
        top = QHBoxLayout()
        top.setSpacing(GAP // 2)
        top.addWidget(self._heading, 1)
        for button in (self.usual, self.save, close):
            top.addWidget(button)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(2)
        for column in range(COLUMNS):
            self._grid.setColumnStretch(column, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, GAP, GAP, 12)
        layout.setSpacing(GAP // 2)
        layout.addLayout(top)
        layout.addWidget(self._note)
        layout.addLayout(self._grid)
        self.fields: dict[str, QComboBox] = {}
        self.hide()

    @property
    def file(self) -> ForeignFile | None:
        """What the fields are about."""
        return self._file

    def show_file(self, file: ForeignFile | None) -> None:
        """Show the choices of `file`; None: the open model needs none, and the sheet goes."""
        before, self._file = self._file, file
        if file is None:
            self.hide()
            return
        names = ([NETWORK] if len(file.labels) > 1 else []) + file.reading.open_choices
        if list(self.fields) != names:
            self._make_fields(names)
        for name, field in self.fields.items():
            self._fill(name, field, file)
        if "slope" in self.fields:
            self.fields["slope"].setEnabled(file.choices.activation == "leaky_relu")
        self.usual.setEnabled(bool(file.stored) or file.network != file.labels[0])
        self._heading.setToolTip(f"Assumed for {file.path}: change what looks wrong, the picture follows")
        told = ", ".join(_TITLES[name].lower() for name in file.evident if name in self.fields)
        notes = [file.note, f"Told by the statistics of its batch norms: {told}." if told else ""]
        self._note.setText(" ".join(note for note in notes if note))
        self._note.setVisible(any(notes))
        if before is None or before.path != file.path:
            self.show()

    def _make_fields(self, names: list[str]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            assert widget is not None
            widget.hide()
            widget.deleteLater()
        self.fields = {}
        help_of = {field.name: field.metadata["help"] for field in dataclasses.fields(Choices)}
        for i, name in enumerate(names):
            row, column = divmod(i, COLUMNS)
            title = QLabel(_TITLES[name], objectName="quiet")
            title.setContentsMargins(0, 0 if row == 0 else GAP // 2, 0, 0)
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
            self._grid.addWidget(title, 2 * row, column)
            self._grid.addWidget(field, 2 * row + 1, column)
            self.fields[name] = field

    def _fill(self, name: str, field: QComboBox, file: ForeignFile) -> None:
        text = _value(file, name)
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

    @Slot(int)
    def _on_activated(self, _: int) -> None:
        field = self.sender()
        if isinstance(field, QComboBox):
            self._ask(field.property("choice"), field.currentText())

    @Slot()
    def _on_typed(self) -> None:
        name = self.sender().property("choice")
        self._ask(name, self.fields[name].currentText())

    def _ask(self, name: str, text: str) -> None:
        """Ask for another choice, unless it is the one that stands."""
        if self._file is not None and text != _value(self._file, name):
            self.changed.emit(name, text)


class Importer(QObject):
    """Puts what a person chooses on the sheet into effect: the model is understood anew, and the choice kept."""

    def __init__(self, sheet: ImportSheet, opener: Opener, jobs: JobThread, parent: QObject) -> None:
        super().__init__(parent)
        self._sheet, self._opener, self._jobs = sheet, opener, jobs
        self._entry: ModelEntry | None = None
        self._asked: dict[str, Any] = {}  # choices whose effect is not seen yet
        self._network: str | None = None
        sheet.changed.connect(self._on_changed)
        sheet.reset.connect(self._on_reset)
        sheet.save_wanted.connect(self.save_model)

    def show_entry(self, entry: ModelEntry) -> None:
        """The model on show is another, or is understood in another way."""
        was_asked = (bool(self._asked) or self._network is not None) and (
            self._entry is not None and entry.path == self._entry.path
        )
        self._asked, self._network = {}, None
        self._entry = entry
        file = entry.foreign
        self._sheet.show_file(file)
        if was_asked and file is not None:
            self._jobs.submit(f"keep {entry.path}", lambda: keep_choices(file), first=True)

    def give_up(self) -> None:
        """What was asked for cannot be: show what is so."""
        self._asked, self._network = {}, None
        self._sheet.show_file(self._sheet.file)

    @Slot(str, str)
    def _on_changed(self, name: str, text: str) -> None:
        if name == NETWORK:
            self._network = text
        else:
            self._asked[name] = text
        self._ask()

    @Slot()
    def _on_reset(self) -> None:
        assert self._entry is not None
        assert self._entry.foreign is not None
        self._asked = self._entry.foreign.usual.to_dict()
        self._network = self._entry.foreign.labels[0]
        self._ask()

    def _ask(self) -> None:
        assert self._entry is not None
        self._opener.open(OpenRequest(self._entry, choices=dict(self._asked), network=self._network))

    @Slot()
    def save_model(self) -> None:
        """Write the model on show as a file of ganexplorer's own."""
        if self._entry is None:
            return
        entry = self._entry
        path, _ = QFileDialog.getSaveFileName(
            self._sheet, "Save the model", f"{entry.name}.safetensors", "Models (*.safetensors)"
        )
        if path:
            self._jobs.submit(f"save {path}", lambda: entry.load().save(path), first=True)


class _Field(QComboBox):
    """A field that the wheel passes over: it would redraw the model by accident."""

    def wheelEvent(self, event: object) -> None:
        event.ignore()  # type: ignore[attr-defined]

    def minimumSizeHint(self) -> QSize:
        return QSize(64, super().minimumSizeHint().height())


def _value(file: ForeignFile, name: str) -> str:
    return file.network if name == NETWORK else to_text(getattr(file.choices, name))


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
