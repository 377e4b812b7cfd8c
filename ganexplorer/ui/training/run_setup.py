"""What a new run is to be: recipe, data, and what it begins with."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QSizePolicy, QWidget

from ganexplorer.train.data import is_mnist_present, ref_of_folder
from ganexplorer.train.recipes import RECIPES
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.parts.panel_parts import tool_button

CHOOSE_FOLDER = "Choose a folder…"
NEW_NETWORKS = "New networks"


class RunSetup(QWidget):
    """Recipe, data, and whether new networks are trained or the open model is fine-tuned."""

    recipe_changed = Signal(str)
    data_changed = Signal(str)  # REF; empty where a folder is still to be chosen
    preview_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._last_ref = "toy:digits"  # what to return to when no folder is chosen after all
        self._told_ref = ""
        self._model = ""
        self.recipe = CalmComboBox(accessibleName="Recipe")
        self.recipe.addItems(list(RECIPES))
        self.data = CalmComboBox(accessibleName="Data")
        self.start = CalmComboBox(accessibleName="Begin with")
        self.start.setToolTip("New networks as the recipe says, or the model that is open, trained further")
        self.start.addItem(NEW_NETWORKS)
        for box in (self.data, self.start):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.preview = tool_button("Preview…", "See the images as the networks will see them", self.preview_wanted.emit)
        form = QFormLayout(self)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Recipe", self.recipe)
        data = QHBoxLayout()
        data.setSpacing(4)
        data.addWidget(self.data, 1)
        data.addWidget(self.preview)
        form.addRow("Data", data)
        form.addRow("Begin with", self.start)
        for name, text in _data_choices():
            self.data.addItem(text, name)
        self.data.addItem(CHOOSE_FOLDER)
        self.recipe.currentTextChanged.connect(self._on_recipe_changed)
        self.data.activated.connect(self._on_data_activated)
        self._on_recipe_changed(self.recipe.currentText())

    @property
    def data_ref(self) -> str:
        """REF of the chosen data; empty where a folder is still to be chosen."""
        return self.data.currentData() or ""

    @property
    def is_fine_tuning(self) -> bool:
        """Whether the open model is to be trained further."""
        return self.start.currentIndex() == 1

    def choose_data(self, ref: str) -> None:
        """Select a REF, adding it to the list where it is new."""
        index = self.data.findData(ref)
        if index < 0:
            kind, _, rest = ref.partition(":")
            text = Path(rest).name if kind in ("folder", "celeba") else f"{kind} in {rest}"
            self.data.insertItem(self.data.count() - 1, text, ref)
            index = self.data.findData(ref)
            self.data.setItemData(index, ref, Qt.ItemDataRole.ToolTipRole)
        self.data.setCurrentIndex(index)
        self._last_ref = ref
        self._tell_data()

    def ask_for_folder(self, parent: QWidget | None) -> bool:
        """Let the person choose a folder to train on; false where they did not."""
        folder = QFileDialog.getExistingDirectory(parent, "A folder of pictures, or of class folders of pictures")
        if folder:
            self.choose_data(ref_of_folder(Path(folder)))
        return bool(folder)

    def offer_model(self, name: str) -> None:
        """The model that can be fine-tuned; empty: none. Another model than before is not meant yet."""
        if name == self._model:
            return
        self._model = name
        self.start.setCurrentIndex(0)
        self.start.removeItem(1)
        if name:
            self.start.addItem(f"Fine-tune {name}")

    @Slot(str)
    def _on_recipe_changed(self, name: str) -> None:
        recipe = RECIPES[name]
        if recipe.data == "mnist":
            # what works at once: the network is asked only when the person chooses MNIST
            self.choose_data("mnist" if is_mnist_present() else "toy:digits")
        elif recipe.data:
            self.choose_data(recipe.data)
        elif not self.data_ref.startswith("folder:"):
            self.data.setCurrentIndex(self.data.count() - 1)
        self.recipe_changed.emit(name)
        self._tell_data()

    @Slot(int)
    def _on_data_activated(self, index: int) -> None:
        if self.data.itemText(index) == CHOOSE_FOLDER:
            if not self.ask_for_folder(self):
                self.choose_data(self._last_ref)
        else:
            self._last_ref = self.data_ref
            self._tell_data()

    def _tell_data(self) -> None:
        if self.data_ref != self._told_ref:
            self._told_ref = self.data_ref
            self.data_changed.emit(self._told_ref)


def _data_choices() -> list[tuple[str, str]]:
    return [
        ("toy:digits", "Drawn digits (toy:digits)"),
        ("toy:faces", "Drawn faces (toy:faces)"),
        ("mnist", "MNIST" if is_mnist_present() else "MNIST (downloads 12 MB)"),
        ("fashion-mnist", "Fashion-MNIST (downloads 31 MB)"),
        ("kmnist", "KMNIST (downloads 21 MB)"),
        ("toy:1010", "Four numbers (toy:1010)"),
    ]
