"""What connects the data sheet with the settings of a run, so that both always say the same."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QWidget

from ganexplorer.core.errors import UserError
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.training.config_form import ConfigForm
from ganexplorer.ui.training.data_sheet import DataSheet
from ganexplorer.ui.training.run_setup import RunSetup


class DataLook(QObject):
    """Opens the sheet when it is wanted, and keeps it in step with data and form; `parent` is the panel of both."""

    notice = Signal(str)  # why there is nothing to look at

    def __init__(self, setup: RunSetup, form: ConfigForm, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._setup, self._form, self._theme, self._panel = setup, form, theme, parent
        self._is_fixed = False
        self.sheet: DataSheet | None = None  # made when it is first wanted
        setup.preview_wanted.connect(self.look)
        # queued: once the form, too, has what the recipe says
        setup.data_changed.connect(self._follow, Qt.ConnectionType.QueuedConnection)
        form.edited.connect(self._follow)
        setup.recipe_changed.connect(self._follow, Qt.ConnectionType.QueuedConnection)

    @Slot()
    def look(self) -> None:
        """Show the chosen data as the networks will see them."""
        try:
            config = self._form.config()
        except UserError as error:
            self.notice.emit(str(error))
            return
        if self.sheet is None:
            self.sheet = self._made()
        self.sheet.look(self._setup.data_ref, config.preparation, config.seed)
        self.sheet.show()
        self.sheet.activateWindow()

    def set_fixed(self, is_fixed: bool) -> None:
        """Whether data and settings cannot be changed, as while a run goes on."""
        self._is_fixed = is_fixed
        if self.sheet is not None:
            self.sheet.set_fixed(is_fixed)

    def set_theme(self, theme: Theme) -> None:
        """Take other colours."""
        self._theme = theme
        if self.sheet is not None:
            self.sheet.set_theme(theme)

    def stop(self) -> None:
        """Close the sheet and end its thread."""
        if self.sheet is not None:
            self.sheet.stop()

    def _made(self) -> DataSheet:
        sheet = DataSheet(self._theme, self._panel)
        sheet.set_fixed(self._is_fixed)
        sheet.setting_changed.connect(self._form.set_value)
        sheet.folder_wanted.connect(self._on_folder_wanted)
        sheet.data_chosen.connect(self._setup.choose_data)
        sheet.activated.connect(self._follow)
        return sheet

    @Slot()
    def _on_folder_wanted(self) -> None:
        self._setup.ask_for_folder(self.sheet)

    @Slot()
    def _follow(self) -> None:
        if self.sheet is None or not self.sheet.isVisible():
            return
        try:
            config = self._form.config()
        except UserError:
            return  # it is told at the field, and when the person asks again
        self.sheet.follow(self._setup.data_ref, config.preparation, config.seed)
