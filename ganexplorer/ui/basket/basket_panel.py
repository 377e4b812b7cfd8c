"""Arithmetic of latents, a - b + c, and three kinds of average side by side."""

from __future__ import annotations

import torch
from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget
from torch import Tensor

from ganexplorer.core.basket import at_typical_norm, combine
from ganexplorer.core.norms import typical_norm
from ganexplorer.core.state import Share
from ganexplorer.ui.basket.basket_means import Means, SampleMeans, means_of
from ganexplorer.ui.basket.basket_strip import SLOTS, BasketStrip
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.editing.latent_space import LatentSpace
from ganexplorer.ui.gallery.look_grid import THUMBNAIL
from ganexplorer.ui.gallery.look_model import key_of, verdict_words
from ganexplorer.ui.parts.look_strip import Cell, Strip, StripDelegate, StripModel
from ganexplorer.ui.parts.panel_parts import MINUS, QuietLabel, tool_button, typed
from ganexplorer.ui.theme import GAP, Theme
from ganexplorer.ui.work.studio import Look, Sight, Studio, make_looks

FEW_SAMPLES, MANY_SAMPLES = 256, 1000  # averaged while the basket is empty; by the button
GO = "Click: go there."
LARGEST = 160  # pixels, the most that a picture takes where there is room
SUM, CENTER, PIXELS, MEAN = range(4)  # the pictures to the right


class BasketPanel(QWidget):
    """What is in the basket to the left, what comes of it to the right."""

    notice = Signal(str)

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._studio = document, studio
        self._space: LatentSpace | None = None
        self._looks: tuple[Look, Look] | None = None  # of the sum and the centre
        self._means = Means(0)  # of the basket
        self._samples: SampleMeans | None = None
        self._sample_means: Means | None = None  # the last that are complete
        commands, foot = self._commands(), self._foot()
        self.strip = BasketStrip(document, studio, theme, self)
        self._model = StripModel(self)
        self._delegate = StripDelegate(studio, self._model, theme, 2, 78, self)  # all stand in 560 pixels
        self._show_outcome()
        self.outcome = Strip(self._model, self._delegate, studio, self)
        self.outcome.setAccessibleName("Sum and averages")
        self.outcome.least_cells = self._model.rowCount()
        self.outcome.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Expanding)
        self.outcome.chosen.connect(self._on_chosen)
        body = QHBoxLayout()
        body.setContentsMargins(8, 0, 8, 0)
        body.setSpacing(8)
        body.addWidget(self.strip)
        body.addWidget(self.outcome)
        body.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.setSpacing(4)
        layout.addLayout(commands)
        layout.addLayout(body, 1)
        layout.addLayout(foot)
        document.basket_changed.connect(self.refresh)
        document.subject_changed.connect(self._on_subject_changed)
        document.z_changed.connect(self._on_z_changed)
        studio.changed.connect(self._on_model_changed)
        self.set_theme(theme)
        self._on_subject_changed()
        self._on_z_changed(document.z)

    def sizeHint(self) -> QSize:
        return QSize(560, 200)

    def set_theme(self, theme: Theme) -> None:
        for delegate, view in ((self.strip.delegate, self.strip), (self._delegate, self.outcome)):
            delegate.theme = theme
            view.viewport().update()
        self.strip.set_theme(theme)

    def _commands(self) -> QHBoxLayout:
        self.plus = tool_button("+ Add", "Add the current z to the basket (+)", lambda: self.add(1.0))
        self.minus = tool_button(f"{MINUS} Subtract", "Subtract the current z (-)", lambda: self.add(-1.0))
        self.presets = QToolButton(text="Weights", popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.presets.setToolTip("Give all in the basket their weights at once")
        self.presets.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu(self.presets)
        menu.addAction(f"a {MINUS} b + c: what a has and b lacks, given to c", self.weigh_as_analogy)
        menu.addAction("Mean: equal weights that add up to 1", self.weigh_equally)
        self.presets.setMenu(menu)
        self.clear = tool_button("Clear", "Empty the basket", lambda: self._document.set_basket([]))
        self.go_button = tool_button("Go there", "Make the sum the current z", self.go)
        self.many = tool_button(
            f"Of {MANY_SAMPLES:,} samples", "Average samples of the prior instead of the basket", self.refresh
        )
        self.many.setCheckable(True)
        line = QHBoxLayout()
        line.setContentsMargins(8, 0, 8, 0)
        line.setSpacing(4)
        for item in (self.plus, self.minus, self.presets, self.clear):
            line.addWidget(item)
        line.addStretch(1)
        line.addWidget(self.go_button)
        line.addWidget(self.many)
        return line

    def _foot(self) -> QHBoxLayout:
        self.typical = QCheckBox("At the distance of samples")
        self.typical.setToolTip(
            "Bring the sum to the distance from the centre that samples of the prior have:\n"
            "sums are farther out than anything the generator was trained on (White 2016)"
        )
        self.typical.toggled.connect(self.refresh)
        self.words = QuietLabel()
        line = QHBoxLayout()
        line.setContentsMargins(12, 0, 12, 0)
        line.setSpacing(12)
        line.addWidget(self.typical)
        line.addWidget(self.words, 1)
        return line

    # -- what can be done ----------------------------------------------------------------------------------

    def add(self, weight: float) -> None:
        """Put the current z into the basket."""
        self._document.set_basket([*self._document.basket, Share(self._document.z, weight)])

    @Slot()
    def weigh_as_analogy(self) -> None:
        """+1, -1, +1 for the first three; others stay."""
        basket = self._document.basket
        self._weigh([*(weight for _, weight in SLOTS), *(share.weight for share in basket[len(SLOTS) :])])

    @Slot()
    def weigh_equally(self) -> None:
        count = len(self._document.basket)
        self._weigh([1 / count] * count if count else [])

    def _weigh(self, weights: list[float]) -> None:
        pairs = zip(self._document.basket, weights, strict=False)
        self._document.set_basket([Share(share.z, weight) for share, weight in pairs])

    @Slot()
    def go(self) -> None:
        """Make the sum the current z."""
        z = self.sum()
        if z is not None:
            self._document.leap(z)

    def _on_chosen(self, row: int) -> None:
        z = self._model.cells[row].z
        if z is not None:
            self._document.leap(z)
        elif row == PIXELS:
            self.notice.emit("The mean of pictures is no picture of any z: there is no going there")

    # -- what comes of it ----------------------------------------------------------------------------------

    def sum(self) -> Tensor | None:
        """The latent that the basket makes, (z_dim,); None of an empty one."""
        latents, weights = self._contents()
        if not len(weights):
            return None
        z = combine(latents, weights, self._document.prior)
        return at_typical_norm(z, self._document.prior) if self.typical.isChecked() else z

    def _contents(self) -> tuple[Tensor, Tensor]:
        """Latents, (N, z_dim), and weights, (N,)."""
        basket = self._document.basket
        weights = torch.tensor([share.weight for share in basket], dtype=torch.float64)
        return torch.stack([share.z for share in basket]) if basket else torch.zeros(0, len(self._document.z)), weights

    def _sample_count(self) -> int:
        """How many samples to average; 0: the basket."""
        return MANY_SAMPLES if self.many.isChecked() else 0 if self._document.basket else FEW_SAMPLES

    @Slot()
    def refresh(self) -> None:
        """Ask for what the basket and the settings say now."""
        self._refresh_words()
        self._fit()
        sight = self._studio.sight
        if sight is None or not self.isVisible():
            return
        if sight.renderer.spec.z_dim != len(self._document.z):  # the studio has the next model before the document
            return
        self._show_outcome()
        z, center = self.sum(), torch.full_like(self._document.z, self._document.prior.center)
        latents, weights = self._contents()
        asked = center if z is None else z

        def find(sight: Sight) -> tuple[tuple[Look, Look], Means]:
            first, second = make_looks(sight, torch.stack([asked, center]))
            return (first, second), means_of(sight, latents, weights)

        self._studio.ask("basket", find, self._on_found)
        count = self._sample_count()
        if count and (self._samples is None or self._samples.count != count):
            self._samples = SampleMeans(self._document.prior, len(self._document.z), count)
            self._studio.ask("basket samples", self._samples.go_on, self._on_sampled)

    def _on_found(self, found: tuple[tuple[Look, Look], Means]) -> None:
        self._looks, self._means = found
        self._show_outcome()

    def _on_sampled(self, samples: SampleMeans) -> None:
        if samples is not self._samples:
            return
        if samples.means is not None:
            self._sample_means = samples.means
        else:
            self._studio.ask("basket samples", samples.go_on, self._on_sampled)
        self._show_outcome()

    def _show_outcome(self) -> None:
        """The four pictures; those that are not there yet are as they were."""
        prior, looks = self._document.prior, self._looks or (None, None)
        center = torch.full_like(self._document.z, prior.center)
        tip = f"{self._tip('The centre of the prior: what the model makes of no choice', looks[1])}\n{GO}"
        middle = Cell((f"z = {prior.center:g}", "no choice"), tip, z=center, look=looks[1])
        self._model.show([self._sum_cell(looks[0]), middle, *self._mean_cells()])

    def _sum_cell(self, look: Look | None) -> Cell:
        z, weights = self.sum(), [share.weight for share in self._document.basket]
        if z is None:
            return Cell(("sum", ""), "The weighted sum of what is in the basket", "=")
        name = f"a {MINUS} b + c" if weights == [weight for _, weight in SLOTS] else "sum"
        far = f"|z| {float((z - self._document.prior.center).norm()):.2f}"
        return Cell((name, far), f"{self._tip('The weighted sum of the basket', look)}\n{GO}", z=z, look=look)

    def _mean_cells(self) -> tuple[Cell, Cell]:
        """Of the pixels, and of z."""
        count = self._sample_count()
        means = (self._sample_means or Means(count)) if count else self._means
        words = f"of {means.count:,}"
        if not count and means.z is None:
            tip = "The weights add up to 0, so they have no mean: change one of them"
            return Cell(("pixel mean", words), tip, MINUS), Cell(("mean z", words), tip, MINUS)
        of = f"{means.count:,} samples of the prior" if count else f"the {means.count:,} in the basket"
        mark = "" if means.pixels else "…"
        pixels = self._tip(f"The mean of the pictures of {of}; no z makes it", means.pixels)
        mean = f"{self._tip(f'The picture of the mean of z of {of}', means.look)}\n{GO}"
        return (
            Cell(("pixel mean", words), pixels, mark, look=means.pixels),
            Cell(("mean z", words), mean, mark, means.z, means.look),
        )

    def _tip(self, words: str, look: Look | None) -> str:
        sight = self._studio.sight
        if look is None or look.verdict is None or sight is None or sight.judge is None:
            return words
        return f"{words}\n{verdict_words(look.verdict, sight.judge.is_probability)}"

    def _refresh_words(self) -> None:
        z, prior = self.sum(), self._document.prior
        for item in (self.presets, self.clear, self.go_button):
            item.setEnabled(z is not None)
        self.typical.setVisible(z is not None)
        if z is None:
            words = "Click a frame, or press + and -, to put z there: what a has and b lacks, given to c."
        else:
            usual = typical_norm(prior, len(z))
            words = f"Samples have |z| {usual:.2f} or so" if usual else "The prior is constant: no distance is usual"
        self.words.setText(words)

    @Slot()
    def _on_subject_changed(self) -> None:
        subject = self._document.subject
        if subject is not None and subject.space != self._space:
            self._space = subject.space
            self._looks, self._means, self._samples, self._sample_means = None, Means(0), None, None
        self.refresh()

    @Slot()
    def _on_model_changed(self) -> None:
        self._samples = None
        self.refresh()

    @Slot(object)
    def _on_z_changed(self, z: Tensor) -> None:
        for delegate, view in ((self.strip.delegate, self.strip), (self._delegate, self.outcome)):
            delegate.here = key_of(z)
            view.viewport().update()

    def _fit(self) -> None:
        """Let the pictures be as large as the room allows for all of them side by side."""
        rows = ((self.strip.delegate, self.strip.model().rowCount()), (self._delegate, self._model.rowCount()))
        width, height = self.width() - 3 * GAP, self.outcome.height()
        most = LARGEST
        while most > THUMBNAIL and (
            self._delegate.size_for(most).height() > height
            or sum(count * delegate.size_for(most).width() for delegate, count in rows) > width
        ):
            most -= 1
        for view in (self.strip, self.outcome):
            view.fit(most)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    # -- keys ----------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and typed(event) in ("+", "-"):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if typed(event) in ("+", "-"):
            self.add(1.0 if typed(event) == "+" else -1.0)
        else:
            super().keyPressEvent(event)
