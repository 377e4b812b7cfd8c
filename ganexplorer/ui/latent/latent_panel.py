"""All dimensions of z: as sliders or as a palette, under a head that says where z lies in its prior."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QKeySequence, QPainter, QPixmap, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QDockWidget,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from torch import Tensor

from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.latent.difference import DifferenceLens
from ganexplorer.ui.latent.latent_delegate import LatentDelegate
from ganexplorer.ui.latent.latent_rows import LatentModel
from ganexplorer.ui.latent.latent_search import EXAMPLES
from ganexplorer.ui.latent.latent_view import LatentView
from ganexplorer.ui.latent.palette_page import PalettePage
from ganexplorer.ui.latent.prior_gauge import PriorGauge
from ganexplorer.ui.latent.truncation_row import TruncationRow
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Studio

_NARROW = "QToolButton { padding: 4px 6px; }"  # all of the first line fits into 340 pixels


class SearchField(QLineEdit):
    """Escape empties it, or leaves it where it is empty; Return and Down go on to what was found."""

    left = Signal()

    def event(self, event: QEvent) -> bool:
        is_key = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_key and event.key() == Qt.Key.Key_Escape:  # type: ignore[attr-defined]
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class LatentPanel(QWidget):
    """Where z lies, its truncation, and its values."""

    overlay = Signal(object, str)  # QImage and a caption to lay over the picture; None and nothing: take it away

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.model = LatentModel(document, self)
        self._delegate = LatentDelegate(document, self.model, theme, self)
        self.view = LatentView(document, self.model, self._delegate, self)
        self.lens = DifferenceLens(document, studio, self)
        self.lens.overlay.connect(self.overlay)
        self.view.pointed.connect(self.lens.point)
        self.view.peeked.connect(self.lens.peek)
        self.view.touched.connect(self.lens.clear)
        self.page = PalettePage(document, theme)
        self.gauge = PriorGauge(theme)
        self.truncation = TruncationRow(document)
        self.search = SearchField(clearButtonEnabled=True, accessibleName="Search the sliders")
        self.search.setToolTip(f"Show some of the sliders: {EXAMPLES} (Ctrl+F; Escape shows all)")
        self.search.textChanged.connect(self._on_search)
        self.search.left.connect(self._on_search_left)
        self.order = CalmComboBox(accessibleName="Order of the sliders")
        self.order.addItems(["Strongest first", "By number"])
        self.order.setToolTip("Order of the sliders: by how much each changes the picture, or by its number")
        self.order.currentIndexChanged.connect(self._on_order_changed)
        self.as_sliders, self.as_palette = self._switch("Sliders"), self._switch("Palette")
        self.as_sliders.setToolTip("A slider for each dimension")
        self.as_palette.setToolTip("A cell for each dimension, to paint on")
        self._views = QButtonGroup(self)
        self._views.addButton(self.as_sliders, 0)
        self._views.addButton(self.as_palette, 1)
        self.as_sliders.setChecked(True)
        self.outside = QToolButton(toolButtonStyle=Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.outside.setStyleSheet(_NARROW)
        self.outside.setIconSize(QSize(10, 10))
        self.outside.setToolTip("Values outside the prior, that none of its samples has: show their sliders")
        self.outside.clicked.connect(self._show_outside)
        # of one size, whether the mark is there or not: else the whole window is laid out anew under the hand
        self._mark_room = QWidget()
        room = QHBoxLayout(self._mark_room)
        room.setContentsMargins(0, 0, 0, 0)
        room.addWidget(self.outside)
        self.more = self._more_button()
        self.stack = QStackedWidget()
        self._views.idClicked.connect(self.stack.setCurrentIndex)
        self._lay_out()
        QShortcut(QKeySequence.StandardKey.Find, self, self._find, context=Qt.ShortcutContext.WindowShortcut)
        document.z_changed.connect(self._on_z_changed)
        document.subject_changed.connect(self._on_subject_changed)
        self.set_theme(theme)
        self._on_subject_changed(document.subject)
        self._on_z_changed(document.z)

    def _switch(self, text: str) -> QToolButton:
        button = QToolButton(text=text, checkable=True, accessibleName=f"Latent as {text.lower()}")
        button.setStyleSheet(_NARROW)
        return button

    def _more_button(self) -> QToolButton:
        button = QToolButton(text="⋯", accessibleName="More for the latent", toolTip="Lock, unlock and reset")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setStyleSheet(f"{_NARROW} QToolButton::menu-indicator {{ image: none; }}")
        menu = QMenu(button)
        self.lock_shown = menu.addAction("Lock all shown", self._lock_shown)
        self.unlock_all = menu.addAction("Unlock all", self._unlock_all)
        menu.addSeparator()
        self.reset_all = menu.addAction("All back to the centre", self._document.zero)
        menu.aboutToShow.connect(self._on_menu)
        button.setMenu(menu)
        return button

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        first.setContentsMargins(0, 0, 0, 0)
        first.setSpacing(4)
        for button in (self.as_sliders, self.as_palette):
            first.addWidget(button)
        first.addStretch(1)
        first.addWidget(self._mark_room)
        first.addWidget(self.more)
        head = QVBoxLayout()
        head.setContentsMargins(12, 8, 12, 8)
        head.setSpacing(8)
        head.addLayout(first)
        head.addWidget(self.gauge)
        head.addWidget(self.truncation)
        finding = QHBoxLayout()
        finding.setContentsMargins(12, 0, 12, 8)
        finding.setSpacing(8)
        finding.addWidget(self.search, 1)
        finding.addWidget(self.order)
        sliders = QWidget()
        column = QVBoxLayout(sliders)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(finding)
        column.addWidget(self.view, 1)
        self.stack.addWidget(sliders)
        self.stack.addWidget(self.page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.stack, 1)

    def sizeHint(self) -> QSize:
        return QSize(340, 600)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_mark()

    def _fit_mark(self) -> None:
        text = self.outside.text()
        self.outside.setText(f"{max(100, len(self._document.z))} outside")
        self.outside.ensurePolished()
        self._mark_room.setFixedSize(self.outside.sizeHint())
        self.outside.setText(text)

    def set_theme(self, theme: Theme) -> None:
        self._delegate.set_theme(theme)
        self.view.viewport().update()
        self.page.set_theme(theme)
        self.gauge.set_theme(theme)
        self.outside.setIcon(_mark(QColor(theme.warning), self.devicePixelRatioF()))
        self._fit_mark()

    # -- what is asked of the sliders ----------------------------------------------------------------------

    @Slot(str)
    def _on_search(self, text: str) -> None:
        self.model.set_search(text)
        self.view.scrollTo(self.view.currentIndex())
        self.view.viewport().update()  # what is found by nothing is said

    @Slot(int)
    def _on_order_changed(self, index: int) -> None:
        self.model.sort_by_effect(index == 0)
        self.view.scrollTo(self.view.currentIndex())

    @Slot()
    def _find(self) -> None:
        dock = self.parentWidget()
        if isinstance(dock, QDockWidget):  # it may be closed, or lie under another tab
            dock.show()
            dock.raise_()
        self.as_sliders.click()
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    @Slot()
    def _on_search_left(self) -> None:
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        if not self.view.currentIndex().isValid() and self.model.rowCount():
            self.view.setCurrentIndex(self.model.index(0))

    @Slot()
    def _show_outside(self) -> None:
        self.as_sliders.click()
        self.search.setText("outside")

    # -- the menu ------------------------------------------------------------------------------------------

    @property
    def _shown(self) -> set[int]:
        """The dimensions that can be seen or scrolled to."""
        return set(self.model.shown if self.stack.currentIndex() == 0 else range(len(self._document.z)))

    @Slot()
    def _on_menu(self) -> None:
        self.lock_shown.setEnabled(not self._shown <= self._document.locked)
        self.unlock_all.setEnabled(bool(self._document.locked))
        self.reset_all.setEnabled(len(self._document.z) > 0)

    @Slot()
    def _lock_shown(self) -> None:
        self._document.set_locks(self._document.locked | self._shown)

    @Slot()
    def _unlock_all(self) -> None:
        self._document.set_locks(frozenset())

    # -- the document --------------------------------------------------------------------------------------

    def _on_subject_changed(self, subject: Subject | None) -> None:
        count = 0 if subject is None else subject.spec.z_dim
        words = f"Search {count} dimension{'s' * (count != 1)}" if count else "Search"
        self.search.setPlaceholderText(words)
        self._fit_mark()
        for widget in (self.gauge, self.truncation, self.search, self.more):
            widget.setEnabled(count > 0)

    def _on_z_changed(self, z: Tensor) -> None:
        if len(z):
            self.gauge.show_latent(z, self._document.prior)
        count = len(self.model.outside)
        self.outside.setText(f"{count} outside")
        self.outside.setVisible(count > 0)


def _mark(color: QColor, ratio: float) -> QIcon:
    """A small dot."""
    pixmap = QPixmap(round(10 * ratio), round(10 * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(1, 1, 8, 8)
    painter.end()
    return QIcon(pixmap)
