"""Putting into effect what a person chooses on the import sheet, and saving the model with it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QFileDialog

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.foreign.opening import ForeignFile, keep_choices
from ganexplorer.core.zoo import ModelEntry
from ganexplorer.ui.files.import_sheet import NETWORK, ImportSheet, shown_value
from ganexplorer.ui.files.opening import Opened, Opener, OpenFailed, OpenRequest
from ganexplorer.ui.menus import Commands
from ganexplorer.ui.work.workers import JobThread

_USUAL = "usual"  # a step that goes back to the usual values


class Importer(QObject):
    """The model is understood anew under what was chosen, and what was chosen is kept beside its file.

    Choices may follow on each other faster than answers: what was asked for since the last answer is a list of steps,
    all asked for together. A step that cannot be is taken back, the others hold.
    """

    def __init__(
        self, sheet: ImportSheet, commands: Commands, opener: Opener, jobs: JobThread, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._sheet, self._commands, self._opener, self._jobs = sheet, commands, opener, jobs
        self._opened: Opened | None = None  # the model on show, or behind a training that is explored
        self._is_live = False
        self._steps: list[tuple[str, str]] = []  # choices whose effect is not seen yet: name, value as text
        sheet.changed.connect(self._on_changed)
        sheet.reset.connect(self._on_reset)
        sheet.save_wanted.connect(self.save_model)
        commands.save_model.triggered.connect(self.save_model)
        commands.show_sheet.triggered.connect(sheet.show)

    def show_opened(self, opened: Opened) -> None:
        """The model on show is another, or is understood in another way."""
        is_answer = opened.request.choices is not None
        is_same = self._opened is not None and self._opened.entry.path == opened.entry.path
        if not is_answer and not is_same:
            self.settle()
        self._opened = opened
        self._enable()
        file = opened.entry.foreign
        if is_answer or file is None:
            if self._steps and file is not None:
                self._keep(file)
            self._steps = []
        self._sheet.show_file(file)
        if self._steps:  # the file was opened again meanwhile
            self._ask()

    def give_up(self, failed: OpenFailed) -> None:
        """Something could not be opened. If that was the last choice, it is taken back; those before it hold."""
        if failed.request.choices is not None and self._steps:
            self._steps.pop()
        if self._steps:
            self._ask(is_retry=True)
        else:
            self._sheet.show_file(self._sheet.file)

    def show_live(self, is_live: bool) -> None:
        """Whether the picture is that of a training: the choices are not about it."""
        self._is_live = is_live
        self._sheet.set_away(is_live)
        self._enable()

    def settle(self) -> None:
        """Keep what was asked for and will not be seen: another model comes, or the window goes."""
        if not self._steps:
            return
        request = self._request()
        self._steps = []
        entry, choices, network = request.model, request.choices, request.network
        assert isinstance(entry, ModelEntry)
        assert choices is not None

        def keep() -> None:
            file = entry.with_choices(choices, network).foreign
            assert file is not None
            _ = file.spec  # raises where the choices do not fit
            keep_choices(file)

        self._jobs.submit(_job_name(entry.path), keep, first=True)

    @Slot()
    def save_model(self) -> None:
        """Write the model on show as a file of ganexplorer's own."""
        if self._opened is None:
            return
        self._sheet.commit()
        opened = self._opened
        path, _ = QFileDialog.getSaveFileName(
            self._sheet.window(), "Save the model", f"{opened.entry.name}.safetensors", "Models (*.safetensors)"
        )
        if path:
            if self._opened.entry.path == opened.entry.path:
                opened = self._opened  # a choice may have taken effect while the dialog was open
            checkpoint = opened.checkpoint
            self._jobs.submit(f"save {path}", lambda: _save(checkpoint, path), first=True)

    @Slot(str, str)
    def _on_changed(self, name: str, text: str) -> None:
        assert self._opened is not None
        file = self._opened.entry.foreign
        if file is not None and (self._steps or text != shown_value(file, name)):
            self._steps.append((name, text))
            self._ask()

    @Slot()
    def _on_reset(self) -> None:
        self._steps.append((_USUAL, ""))
        self._ask()

    def _ask(self, is_retry: bool = False) -> None:
        self._opener.open(self._request(is_retry))

    def _request(self, is_retry: bool = False) -> OpenRequest:
        """For all steps together, added to what is on show."""
        assert self._opened is not None
        entry, network = self._opened.entry, None
        choices: dict[str, str] = {}
        for name, text in self._steps:
            if name == _USUAL:
                file = entry.foreign
                assert file is not None
                # first without choices: the usual values of the usual network may be others
                entry, network, choices = entry.with_choices(file.usual.to_dict()), file.labels[0], {}
            elif name == NETWORK:
                network = text
            else:
                choices[name] = text
        return OpenRequest(entry, choices=choices, network=network, is_retry=is_retry)

    def _keep(self, file: ForeignFile) -> None:
        self._jobs.submit(_job_name(file.path), lambda: keep_choices(file), first=True)

    def _enable(self) -> None:
        is_file_on_show = self._opened is not None and not self._is_live
        self._commands.save_model.setEnabled(is_file_on_show)
        self._commands.show_sheet.setEnabled(
            is_file_on_show and self._opened is not None and self._opened.entry.foreign is not None
        )


def _job_name(path: Path) -> str:
    return f"save choices for {path}"  # what begins with "save" is done even when the window closes


def _save(checkpoint: Checkpoint, path: str) -> None:
    try:
        checkpoint.save(path)
    except OSError as error:
        raise UserError(
            f"{path}: the model cannot be written ({error.strerror or error}). Choose a folder of yours."
        ) from None
