"""The dialog that asks for what is needed to write the morph as a film."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal, Slot
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ganexplorer.core.errors import UserError, plain
from ganexplorer.core.film import frame_path, is_sequence
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.morph.film_writing import (
    FORMATS,
    MAX_FRAMES,
    NUMBERS,
    Film,
    FilmThread,
    Source,
    command_line,
    fitted_path,
    keys_path,
    model_argument,
)
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.theme import GAP
from ganexplorer.ui.work.studio import Studio

NO_PATH = "There is no path: keep two samples as A and B first."


class FilmDialog(QDialog):
    """Asks what to write, shows the equal command line, and writes; the window can be used meanwhile.

    The film is of the morph, and the weights, at the moment that Write is pressed.
    """

    notice = Signal(str)  # a film is there

    def __init__(self, document: Document, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export the morph")
        self._document = document
        self._studio = studio
        self._source: Source | None = None
        self._model = ""  # MODEL of the command line; empty until it is found
        self._thread: FilmThread | None = None
        self._agreed: Path | None = None  # a file that is there and may be replaced

        self.kind = CalmComboBox(accessibleName="Format")
        self.kind.addItems(list(FORMATS))
        self.kind.setToolTip("GIF and MP4 play; PNGs keep every pixel, and the latents in their metadata")
        self.frames = _spin(2, MAX_FRAMES, 60, "Frames", "How many pictures, one way")
        self.fps = _spin(1, 50, 30, "Frames a second", "How fast a GIF or MP4 plays")
        self.ping_pong = QCheckBox("There and back")
        self.ping_pong.setToolTip("From A to B and back again, without a jump when the film repeats; not for a loop")
        self.length = QLabel(objectName="quiet")
        self.file = QLineEdit(str(_first_folder() / "morph.gif"))
        self.file.setAccessibleName("File")
        self.file.setToolTip("Where the film goes; the right ending is added")
        self.choose = QPushButton("Choose…")
        self.choose.setToolTip("Choose the file")
        self.choose.setAutoDefault(False)
        self.with_keys = QCheckBox("Write the key latents too")
        self.with_keys.setChecked(True)
        self.with_keys.setToolTip("An array (keys, z dim) beside the film, from which the command makes it again")
        self._about = QLabel(objectName="quiet")
        self.command = QPlainTextEdit(readOnly=True)
        self.command.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.command.setAccessibleName("The equal command line")
        self.command.setToolTip("Writes the same film, byte for byte, in a terminal")
        self.command.setTabChangesFocus(True)
        self.command.setFixedHeight(4 * self.command.fontMetrics().lineSpacing() + 2 * GAP)
        self.copy = QPushButton("Copy")
        self.copy.setToolTip("Copy the command")
        self.copy.setAutoDefault(False)
        self.words = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName("Frames written")
        self.go = QPushButton("Write", objectName="primary")
        self.go.setDefault(True)
        self.cancel = QPushButton("Close")
        self.cancel.setAutoDefault(False)
        self._lay_out()

        self.kind.currentIndexChanged.connect(self._on_kind_changed)
        for spin in (self.frames, self.fps):
            spin.valueChanged.connect(self._refresh)
        for box in (self.ping_pong, self.with_keys):
            box.toggled.connect(self._refresh)
        self.file.textChanged.connect(self._refresh)
        self.file.editingFinished.connect(self._on_file_typed)
        self.choose.clicked.connect(self._on_choose)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.toPlainText()))
        self.go.clicked.connect(self.start)
        self.cancel.clicked.connect(self._on_cancel)
        document.slots_changed.connect(self._refresh)
        document.subject_changed.connect(self._refresh)

    def _lay_out(self) -> None:
        file = QHBoxLayout()
        file.setSpacing(GAP)
        file.addWidget(self.file, 1)
        file.addWidget(self.choose)
        frames = QHBoxLayout()
        frames.setSpacing(GAP)
        frames.addWidget(self.frames)
        frames.addWidget(self.length, 1)
        speed = QHBoxLayout()
        speed.addWidget(self.fps)
        speed.addStretch(1)
        form = QFormLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(GAP)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Format", self.kind)
        form.addRow("Frames", frames)
        form.addRow("Frames a second", speed)
        form.addRow("", self.ping_pong)
        form.addRow("File", file)
        form.addRow("", self.with_keys)
        head = QHBoxLayout()
        head.addWidget(self._about, 1)
        head.addWidget(self.copy)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addLayout(head)
        layout.addWidget(self.command)
        layout.addWidget(self.words)
        layout.addWidget(self.progress)
        layout.addLayout(buttons)
        self.progress.setVisible(False)
        self.setMinimumWidth(480)

    # -- what is to be written -----------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        return self._thread is not None

    @property
    def out(self) -> Path:
        return fitted_path(self.file.text(), self.kind.currentText())

    def set_source(self, source: Source) -> None:
        """Say what a model was read from."""
        self._source, self._model = source, ""
        if self.isVisible():
            self._find_model()
        self._refresh()

    def open_for_now(self) -> None:
        """Show the dialog with the settings that play has."""
        morph = self._document.morph
        if not self.is_running:
            self.ping_pong.setChecked(morph.ping_pong and not morph.loop)
            way = morph.seconds * (1 + 2 * (0 if morph.loop else morph.reach))
            self.frames.setValue(round(way * self.fps.value()))
            self.words.setText("")
        self._find_model()
        self._refresh()
        self.show()
        self.activateWindow()

    def film(self) -> Film | None:
        """The film as it would be written now; None without a path or a model."""
        path, sight, subject, morph = (
            self._document.path, self._studio.sight, self._document.subject, self._document.morph
        )  # fmt: skip
        if path is None or sight is None or subject is None or sight.renderer.spec.z_dim != len(path.keys[0]):
            return None
        return Film(
            dataclasses.replace(path, pace=None),  # an even one is made anew
            sight.renderer,
            subject.name,
            sight.fingerprint,
            self.out,
            self.frames.value(),
            min(self.fps.value(), FORMATS[self.kind.currentText()][1] or self.fps.value()),
            0.0 if path.loop else morph.reach,
            self.ping_pong.isChecked() and not path.loop,
            morph.even,
            keys_path(self.out) if self.with_keys.isChecked() else None,
        )

    def _known_source(self) -> Source | None:
        """That of the model on show; None for a generator in training."""
        sight, source = self._studio.sight, self._source
        return source if source is not None and source.sight is sight else None

    def _find_model(self) -> None:
        source = self._known_source()
        if source is not None and not self._model:
            self._studio.ask("model argument", lambda sight: (source, model_argument(source.entry)), self._on_model)

    def _on_model(self, found: tuple[Source, str]) -> None:
        source, model = found
        if source is self._source:
            self._model = model
            self._refresh()

    @Slot()
    def _refresh(self) -> None:
        """Show what the fields mean."""
        film = self.film()
        is_loop = self._document.morph.loop
        self.go.setEnabled(film is not None and not self.is_running)
        self.ping_pong.setEnabled(not is_loop and not self.is_running)
        speed = FORMATS[self.kind.currentText()][1]
        self.fps.setEnabled(bool(speed) and not self.is_running)
        needs = "" if self.with_keys.isChecked() else ", once the key latents are written"
        self._about.setText(f"The same in a terminal{needs}")
        if self._agreed != self.out:
            self._agreed = None
            self.go.setText("Write")
        if film is None:
            self.command.setPlainText("")
            self.length.setText("")
            self.copy.setEnabled(False)
            if not self.is_running:
                self.words.setText(NO_PATH)
            return
        if self.words.text() == NO_PATH:
            self.words.setText("")
        seconds = f", {film.count / film.fps:.1f} s" if speed else ""
        self.length.setText(f"{film.count:,} in all{seconds}")
        is_known = self._known_source() is not None
        self.copy.setEnabled(is_known and bool(self._model))
        if is_known:
            self.command.setPlainText(command_line(film, self._model) if self._model else "")
        else:
            self.command.setPlainText("None: the generator on show has no file yet. Its film is of its weights now.")

    @Slot(int)
    def _on_kind_changed(self, index: int) -> None:
        most = FORMATS[self.kind.currentText()][1]
        if most:
            self.fps.setMaximum(most)
        self._on_file_typed()
        self._refresh()

    @Slot()
    def _on_file_typed(self) -> None:
        self.file.setText(str(self.out))

    @Slot()
    def _on_choose(self) -> None:
        kind = self.kind.currentText()
        suffix = FORMATS[kind][0]
        start = str(self.out).replace(NUMBERS, "")
        # whether to replace a file is asked for the name with its ending
        path, _ = QFileDialog.getSaveFileName(
            self, "Write the film", start, f"{kind} (*{suffix})", "", QFileDialog.Option.DontConfirmOverwrite
        )
        if path:
            self.file.setText(str(fitted_path(path, kind)))

    # -- writing -------------------------------------------------------------------------------------------

    @Slot()
    def start(self) -> None:
        """Write the film; a file that is there only when that was pressed twice."""
        film = self.film()
        if film is None or self.is_running:
            return
        self._on_file_typed()
        written = [frame_path(film.out, 1) if is_sequence(film.out) else film.out]
        written += [film.keys_file] if film.keys_file is not None else []
        existing = next((path for path in written if path.exists()), None)
        if self._agreed != film.out and existing is not None:
            self._agreed = film.out
            self.go.setText("Replace")
            self.words.setText(f"{existing.name} is there already. Press Replace to write over it.")
            return
        self._thread = FilmThread(film, self)
        self._thread.progressed.connect(self._on_progress)
        self._thread.finished.connect(self._on_finished)
        self.words.setText("")
        self.progress.setRange(0, 0 if film.even else film.count)
        self.progress.setValue(0)
        self._show_running(True)
        self._thread.start()

    def stop(self) -> None:
        """Give up what is being written and close."""
        if self._thread is not None:
            self._thread.finished.disconnect(self._on_finished)
            self._thread.cancel()
            self._thread.wait()
            self._thread.deleteLater()
            self._thread = None
            self._show_running(False)
        self.hide()

    def reject(self) -> None:
        """Escape, or the dialog closed."""
        if self._thread is not None:
            self._thread.cancel()
        super().reject()

    def _show_running(self, is_running: bool) -> None:
        for widget in (self.kind, self.frames, self.file, self.choose, self.with_keys):
            widget.setEnabled(not is_running)
        self.progress.setVisible(is_running)
        self.cancel.setText("Cancel" if is_running else "Close")
        self._refresh()

    @Slot()
    def _on_cancel(self) -> None:
        if self._thread is not None:
            self.words.setText("Stopping…")
            self._thread.cancel()
        else:
            self.reject()

    @Slot(int, int)
    def _on_progress(self, done: int, total: int) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    @Slot()
    def _on_finished(self) -> None:
        thread, self._thread = self._thread, None
        if thread is None:  # stopped meanwhile
            return
        thread.wait()
        thread.deleteLater()
        self._agreed = None
        self._show_running(False)
        if thread.was_cancelled:
            self.words.setText("Cancelled: nothing was written.")
        elif thread.error is not None:
            error = thread.error
            self.words.setText(
                str(error) if isinstance(error, UserError) else plain(f"{type(error).__name__}: {error}")
            )
            if not self.isVisible():
                self.show()
        else:
            keys = f", and its keys to {thread.film.keys_file.name}" if thread.film.keys_file is not None else ""
            place = str(thread.film.out).replace(NUMBERS, f"{NUMBERS % 1}.png to {NUMBERS % thread.film.count}")
            self.notice.emit(f"{thread.film.count:,} frames were written to {place}{keys}.")
            self.accept()


def _spin(least: int, most: int, value: int, name: str, tip: str) -> QSpinBox:
    spin = QSpinBox(accessibleName=name)
    spin.setMinimumWidth(88)
    spin.setRange(least, most)
    spin.setValue(value)
    spin.setToolTip(tip)
    return spin


def _first_folder() -> Path:
    """Where films go first: a person's folder of videos, or else their own."""
    named = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
    return Path(named) if named and Path(named).is_dir() else Path.home()
