"""A sheet of samples to choose from; breeding, mutating, starring, and more like what was starred."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QSlider,
    QVBoxLayout,
    QWidget,
)
from torch import Tensor

from ganexplorer.core.breeding import Sheet, liked_amount, samples
from ganexplorer.core.directions import Direction, boundary, measured
from ganexplorer.core.state import Share, is_same
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.editing.latent_space import LatentSpace
from ganexplorer.ui.gallery.gallery_menu import cell_menu
from ganexplorer.ui.gallery.gallery_settings import MOST_SEEDS, GallerySettings, paint_star
from ganexplorer.ui.gallery.look_grid import LookDelegate, LookGrid
from ganexplorer.ui.gallery.look_model import LookModel, key_of
from ganexplorer.ui.parts.panel_parts import QuietLabel, painted_icon, tool_button, typed
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Sight, Studio

KEYS = {"x", "m", "*", "+", "-"}


class GalleryPanel(QWidget):
    """Settings on top, then what can be done with what is selected, then the sheet."""

    notice = Signal(str)

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._studio = document, studio
        self._sheets: list[Sheet] = []  # from the samples of a seed to what is shown
        self._shown: tuple[tuple[object, ...], ...] = ((), ())  # what the cells were made of
        self._is_tuned = False  # while the amount of the mutants on show changes
        self._space: LatentSpace | None = None
        self._find_more: Callable[[Sight], tuple[Direction, float]] | None = None  # while it is not answered
        self.settings = GallerySettings(document, theme, self)
        self.settings.seed_chosen.connect(self._on_seed)
        self.settings.only_starred.clicked.connect(self.refresh)
        actions = self._actions()
        self.model = LookModel(document, studio, self)
        self._delegate = LookDelegate(self.model, theme, self)
        self.grid = LookGrid(self.model, self._delegate, studio, self)
        self.grid.setAccessibleName("Samples")
        self.grid.chosen.connect(self.go)
        self.grid.starred.connect(lambda cell: self._toggle_stars([self.model.z(cell)]))
        self.grid.menu_wanted.connect(self._open_menu)
        self.grid.selectionModel().selectionChanged.connect(self._refresh_actions)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.settings)
        layout.addLayout(actions)
        layout.addWidget(self.grid, 1)
        document.gallery_changed.connect(self.refresh)
        document.subject_changed.connect(self._on_subject_changed)
        document.stars_changed.connect(self._on_stars_changed)
        document.z_changed.connect(self._on_z_changed)
        studio.changed.connect(self._on_model_changed)
        self.set_theme(theme)
        self._on_subject_changed()
        self._on_model_changed()

    def sizeHint(self) -> QSize:
        return QSize(560, 200)

    def set_theme(self, theme: Theme) -> None:
        self._delegate.set_theme(theme)
        self.settings.set_theme(theme)
        self.more.setIcon(painted_icon(self, theme, paint_star))
        self.grid.viewport().update()

    def _actions(self) -> QHBoxLayout:
        self.back = tool_button("Back", "Back to the sheet that this one was made from (Backspace)", self.go_back)
        self.crumb = QuietLabel()
        self.add_direction = tool_button(
            "+ Direction", "Add the way to what you starred to the directions", self.keep_direction
        )
        self.breed = tool_button("Breed", "", self.breed_selected)
        self.mutate = tool_button(
            "Mutate",
            "Latents near the selected picture, or near z (M). The slider says how near.",
            self.mutate_selected,
        )
        self.amount = QSlider(Qt.Orientation.Horizontal, accessibleName="Amount of mutation")
        self.amount.setRange(2, 100)
        self.amount.setValue(30)
        self.amount.setFixedWidth(56)
        self.amount.valueChanged.connect(self._on_amount)
        self._on_amount(self.amount.value())
        self.more = tool_button("More like", "", self.ask_for_more)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        line = QHBoxLayout()
        line.setContentsMargins(8, 0, 8, 0)
        line.setSpacing(4)
        line.addWidget(self.back)
        line.addWidget(self.crumb, 1)
        for item in (self.add_direction, self.breed, self.mutate, self.amount, self.more):
            line.addWidget(item)
        return line

    # -- what is shown -------------------------------------------------------------------------------------

    @property
    def sheet(self) -> Sheet | None:
        """What was made of chosen pictures, on show; None for the samples of a seed."""
        return self._sheets[-1] if self._sheets else None

    def sheet_latents(self) -> Tensor:
        """Of the sheet, starred or not: (count, z_dim)."""
        gallery, prior, z_dim = self._document.gallery, self._document.prior, len(self._document.z)
        if self.sheet is not None:
            return self.sheet.latents(gallery, prior, z_dim)
        return samples(prior, z_dim, gallery)

    @Slot()
    def refresh(self) -> None:
        """Show what the settings say, if anything of it is new."""
        if self._document.subject is None:
            return
        gallery, sheet = self._document.gallery, self.sheet
        is_starred = self.settings.only_starred.isChecked()
        self.model.order_by(gallery.order)
        # of what the cells are made, and how
        content: tuple[object, ...] = (self._space, sheet, gallery.seed if sheet is None else 0)
        settings: tuple[object, ...] = (gallery.truncation, gallery.count)
        if is_starred:
            content, settings = (self._space, "starred", *(key_of(z) for z in self._document.stars)), ()
        if (content, settings) != self._shown:
            is_alike, self._shown = content == self._shown[0], (content, settings)
            if is_starred:
                stars = self._document.stars
                self.model.show(stars, [f"starred {i}" for i in range(len(stars))])
            else:
                kind, pinned = ("sample", 0) if sheet is None else (sheet.kind, len(sheet.parents))
                rows = self.sheet_latents().unbind()
                names = [f"{kind} {i - pinned}" if i >= pinned else "parent" for i in range(len(rows))]
                self.model.show(rows, names, pinned, is_alike or self._is_tuned)
        self.grid.arrange()
        self.settings.show_seed(gallery.seed if sheet is None else sheet.seed)
        self.settings.truncation.setEnabled(sheet is None or sheet.direction is not None)
        self._refresh_actions()

    @Slot()
    def _refresh_actions(self) -> None:
        sheet, parents, stars = self.sheet, self._parents(), len(self._document.stars)
        self.back.setVisible(sheet is not None)
        self.add_direction.setVisible(sheet is not None and sheet.direction is not None)
        self._allow_breeding(parents is not None)
        self.more.setEnabled(stars > 0)
        self.more.setToolTip(
            f"New samples with more of what your {stars} starred ones have and the others on this sheet have not"
            if stars
            else "Star some pictures first, on their upper right corner or with *"
        )
        self.grid.empty_words = "Nothing is starred yet. Click the upper right corner of a picture, or press *."
        self._show_crumb()

    @Slot()
    def _on_z_changed(self) -> None:
        is_possible = self._parents() is not None
        if is_possible != self.breed.isEnabledTo(self):  # else nothing here depends on z
            self._allow_breeding(is_possible)

    def _allow_breeding(self, is_possible: bool) -> None:
        self.breed.setEnabled(is_possible)
        self.breed.setToolTip(
            "Children of the two pictures: each dimension comes from either (X)"
            if is_possible
            else "Select two pictures, or one that is not where you are (X)"
        )

    def _show_crumb(self) -> None:
        words = self.sheet.words if self.sheet is not None else f"Samples of seed {self._document.gallery.seed}"
        if self.settings.only_starred.isChecked():
            words = f"{len(self._document.stars)} starred"
        elif self.sheet is None and not self._document.prior.std:
            words = "The prior is constant: all samples are alike. Mutate them."
        self.crumb.setToolTip(" / ".join(["Samples of a seed", *(sheet.words for sheet in self._sheets)]))
        self.crumb.setText(words)

    @Slot()
    def _on_subject_changed(self) -> None:
        subject = self._document.subject
        if subject is not None and subject.space != self._space:
            self._space = subject.space
            self._sheets = []
            self._find_more = None
            self._shown = ((), ())
        self.refresh()

    @Slot()
    def _on_stars_changed(self) -> None:
        if self.settings.only_starred.isChecked():
            self.refresh()
        self._refresh_actions()

    @Slot()
    def _on_model_changed(self) -> None:
        sight = self._studio.sight
        self.settings.order.setEnabled(sight is not None and sight.judge is not None)
        # its answer was lost with the last model; of another latent space there is none
        if self._find_more is not None and sight is not None and sight.renderer.spec.z_dim == len(self._document.z):
            self._ask(self._find_more)

    # -- settings ------------------------------------------------------------------------------------------

    @Slot(int)
    def _on_seed(self, seed: int) -> None:
        if self.sheet is None:
            self._document.set_gallery(seed=seed)
        else:
            self._replace(seed=seed)

    @Slot(int)
    def _on_amount(self, value: int) -> None:
        self.amount.setToolTip(f"{value} %: how far mutants are from their parent; 100 % are new samples")
        if self.sheet is not None and self.sheet.kind == "mutant":
            self._is_tuned = True
            self._replace(amount=value / 100)
            self._is_tuned = False

    def _replace(self, **changes: object) -> None:
        assert self.sheet is not None
        self._sheets[-1] = dataclasses.replace(self.sheet, **changes)  # type: ignore[arg-type]
        self.refresh()

    # -- what can be done ----------------------------------------------------------------------------------

    def go(self, cell: int) -> None:
        """Go to the latent of a cell."""
        self._document.leap(self.model.z(cell))

    def selected(self) -> list[Tensor]:
        return [self.model.z(cell) for cell in self.grid.selected_cells()]

    def _parents(self) -> tuple[tuple[str, Tensor], tuple[str, Tensor]] | None:
        """The two to breed, with their names."""
        cells = self.grid.selected_cells()
        if not 1 <= len(cells) <= 2:
            return None
        chosen = [(self.model.name(cell), self.model.z(cell)) for cell in cells]
        first, last = chosen[0] if len(chosen) == 2 else ("z", self._document.z), chosen[-1]
        return None if is_same(first[1], last[1]) else (first, last)

    @Slot()
    def breed_selected(self) -> None:
        """Show children of the two selected pictures, or of z and the one selected."""
        parents = self._parents()
        if parents is None:
            self.notice.emit("Breeding takes two: select two pictures, or one that is not where you are")
            return
        (a_name, a), (b_name, b) = parents
        self._open(Sheet("child", f"Children of {a_name} and {b_name}", self.settings.seed.value(), (a, b)))

    @Slot()
    def mutate_selected(self) -> None:
        """Show latents near the selected picture, or near z."""
        cells = self.grid.selected_cells()
        name, z = (self.model.name(cells[0]), self.model.z(cells[0])) if len(cells) == 1 else ("z", self._document.z)
        self._open(Sheet("mutant", f"Mutants of {name}", self.settings.seed.value(), (z,), self.amount.value() / 100))

    def _open(self, sheet: Sheet) -> None:
        self._sheets.append(sheet)
        self.settings.only_starred.setChecked(False)
        self.grid.scrollToTop()
        self.refresh()

    @Slot()
    def go_back(self) -> None:
        """To the sheet that this one was made from."""
        if self._sheets:
            self._sheets.pop()
            self.refresh()

    @Slot()
    def toggle_star(self) -> None:
        """Star the selected pictures, or z; where all are starred already, take the stars away."""
        self._toggle_stars(self.selected() or [self._document.z])

    def _toggle_stars(self, latents: list[Tensor]) -> None:
        stars = {key_of(z): z for z in self._document.stars}
        chosen = {key_of(z): z for z in latents}
        if chosen.keys() <= stars.keys():
            self._document.set_stars([z for key, z in stars.items() if key not in chosen])
        else:
            # the new ones last, and those there were as they were
            self._document.set_stars(list((stars | chosen | stars).values()))

    def add_to_basket(self, weight: float) -> None:
        """The selected pictures, or z."""
        shares = [Share(z, weight) for z in self.selected() or [self._document.z]]
        self._document.set_basket([*self._document.basket, *shares])

    @Slot()
    def ask_for_more(self) -> None:
        """Find what the starred ones have and the others on the sheet have not, and show samples with more of it."""
        stars, prior = self._document.stars, self._document.prior
        if not stars:
            return
        starred = {key_of(z) for z in stars}
        others = [z for z in self.sheet_latents().unbind() if key_of(z) not in starred]
        liked = torch.stack(stars)
        rest = torch.stack(others) if others else liked[:0]
        taken = {direction.name for direction in self._document.directions}
        name = next(name for name in (f"liked {i}" for i in range(1, len(taken) + 2)) if name not in taken)

        def find(sight: Sight) -> tuple[Direction, float]:
            direction = boundary(liked, rest, prior, name)
            (known,) = measured([direction], sight.renderer.images, prior)
            return known, liked_amount(liked, direction, prior)

        self._ask(find)

    def _ask(self, find: Callable[[Sight], tuple[Direction, float]]) -> None:
        self._find_more = find

        def once(sight: Sight) -> tuple[Direction, float]:
            try:
                return find(sight)
            except Exception:
                self._find_more = None
                raise

        self._studio.ask("gallery more", once, self._show_more)

    def _show_more(self, found: tuple[Direction, float]) -> None:
        self._find_more = None
        direction, amount = found
        if len(direction.vector) == len(self._document.z):
            words = f"Like {len(self._document.stars)} starred"
            # one seed on: new samples, not those that were judged
            seed = (self.settings.seed.value() + 1) % MOST_SEEDS
            self._open(Sheet("sample", words, seed, amount=amount, direction=direction))

    @Slot()
    def keep_direction(self) -> None:
        """Add the way to what was starred to the directions."""
        direction = self.sheet.direction if self.sheet is not None else None
        if direction is None or any(known is direction for known in self._document.directions):
            return
        self._document.set_directions([*self._document.directions, direction])
        self.notice.emit(f"Added the direction “{direction.name}”")

    # -- menu and keys -------------------------------------------------------------------------------------

    def _open_menu(self, cell: int, at: QPoint) -> None:
        self.menu(cell).popup(at)

    def menu(self, cell: int) -> QMenu:
        """What can be done with a cell; it deletes itself when closed."""
        z, is_starred = self.model.z(cell), self.model.is_starred(cell)
        has_seed = self.sheet is None and not self.settings.only_starred.isChecked()
        return cell_menu(self, self._document, z, self._origin(cell), has_seed, is_starred, self._toggle_stars)

    def _origin(self, cell: int) -> str:
        """Where a cell's latent is from, as told to someone who wants it too."""
        gallery = self._document.gallery
        if self.settings.only_starred.isChecked():
            return self.model.name(cell)
        if self.sheet is not None:
            return f"{self.model.name(cell)}, {self.sheet.words[0].lower()}{self.sheet.words[1:]}"
        truncated = "" if gallery.truncation == 1 else f", truncation {gallery.truncation:g}"
        return f"seed {gallery.seed}, {self.model.name(cell)}{truncated}"

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and typed(event) in KEYS:
            event.accept()  # the selected pictures are meant, not what the window would do
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = typed(event)
        if key == "x":
            self.breed_selected()
        elif key == "m":
            self.mutate_selected()
        elif key == "*":
            self.toggle_star()
        elif key in ("+", "-"):
            self.add_to_basket(1.0 if key == "+" else -1.0)
        elif event.key() == Qt.Key.Key_Backspace:
            self.go_back()
        else:
            super().keyPressEvent(event)
