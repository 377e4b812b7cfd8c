"""The morph: its key frames, the way from one to the next, play, and what happens along it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast, get_args

from PySide6.QtCore import QLocale, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QIcon, QKeySequence, QPainter, QPixmap, QShortcut
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ganexplorer.core.latent import PathMode
from ganexplorer.core.zoo import ModelEntry
from ganexplorer.ui.editing.document import Document
from ganexplorer.ui.morph.film_export import FilmDialog
from ganexplorer.ui.morph.film_writing import Source
from ganexplorer.ui.morph.key_strip import KeyStrip
from ganexplorer.ui.morph.path_plot import LEFT, RIGHT, PathPlot
from ganexplorer.ui.morph.path_study import PathStudy
from ganexplorer.ui.morph.playing import Player, reach_of
from ganexplorer.ui.morph.time_slider import T_STEPS, TimeSlider
from ganexplorer.ui.parts.calm_combo import CalmComboBox
from ganexplorer.ui.parts.thumbnails import paint_look
from ganexplorer.ui.theme import Theme
from ganexplorer.ui.work.studio import Look, Sight, Studio

ICON = 16  # pixels of the picture of a slot on its button
REACHES = (0.0, 0.25, 0.5)
WAYS = ("There and back", "From the start", "Loop")
NO_KEYS = "Keep a sample as A (A) and another as B (B) to morph between them."
ONE_KEY = "Keep another sample as {} ({}), or as a key frame between (K), to morph."


class MorphPanel(QWidget):
    """The strip of key frames, how they are joined and played, and the slider t over the curves of the path."""

    notice = Signal(str)  # a film was written

    def __init__(self, document: Document, studio: Studio, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._studio = studio
        self._theme = theme
        self._source: Source | None = None
        self._dialog: FilmDialog | None = None
        self._icons: dict[str, Look | None] = {}
        self._player = Player(document, self)
        self._study = PathStudy(document, studio, self._player, self)

        self.strip = KeyStrip(document, studio, theme)
        self.keep_a = self._button("Keep A", "Keep the current sample as A (A)", document.keep_as_a)
        self.keep_b = self._button("Keep B", "Keep the current sample as B (B)", document.keep_as_b)
        self.add = self._button("+ Key", "Add the current sample as a key frame, before B (K)", self._add_key)
        self.export = self._button("Export…", "Write the morph as a film", self._on_export)
        for button in (self.keep_a, self.keep_b):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setIconSize(QSize(ICON, ICON))
        self.mode = self._combo("Kind of path", list(get_args(PathMode)))
        self.mode.setToolTip(
            "lerp: a straight line\nslerp: a great circle, at the distance from the centre that samples have\n"
            "box: a path that stays inside a uniform prior"
        )
        self.spline = self._toggle("Smooth", "Through the key frames in a curve instead of in corners", "spline")
        self.even = self._toggle(
            "Even…", "Equal steps of the picture, instead of z; measured in the background", "even"
        )
        self.even.setMinimumWidth(self.even.sizeHint().width())
        self.reach = self._combo("Beyond the ends", ["To the ends", *(f"{r:.0%} beyond" for r in REACHES[1:])])
        self.reach.setToolTip("How far slider, play and film go on beyond A and B, as a share of the whole path")
        self.way = self._combo("How play goes", list(WAYS))
        self.way.setToolTip("Play there and back, from A to B again and again, or around, from B back to A")
        self.speed = QDoubleSpinBox(suffix=" s", decimals=1, singleStep=0.5, accessibleName="Seconds one way")
        self.speed.setLocale(QLocale.c())
        self.speed.setRange(0.5, 20.0)
        self.speed.setToolTip("Seconds that play takes from A to B")

        self.play = QToolButton(text="Play", checkable=True)
        self.play.setToolTip("Play the morph (P, or Space in this panel)")
        self.play.setFixedWidth(LEFT - 4)
        self.slider = TimeSlider(theme)
        self._number = QLabel("t 0.000")
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._number.setFixedWidth(RIGHT - 4)
        self.plot = PathPlot(document, theme)
        self._lay_out()

        self.mode.textActivated.connect(lambda text: self._set_morph(mode=cast(PathMode, text)))
        self.reach.activated.connect(lambda index: self._set_morph(reach=REACHES[index]))
        self.way.activated.connect(self._on_way)
        self.speed.valueChanged.connect(lambda seconds: self._set_morph(seconds=seconds))
        self.play.toggled.connect(self._on_play)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.begun.connect(lambda: document.begin_edit(self.slider))
        self.slider.ended.connect(lambda: document.end_edit(self.slider))
        for part in (self.slider, self.strip):
            part.play_wanted.connect(self._toggle_play)
        # not shortcuts of the buttons: those act 100 ms later, and are lost when a text changes
        self.shortcuts = [
            QShortcut(QKeySequence(key), self, slot, context=Qt.ShortcutContext.WindowShortcut)
            for key, slot in (
                ("A", document.keep_as_a),
                ("B", document.keep_as_b),
                ("K", self._add_key),
                ("P", self._toggle_play),
            )
        ]
        document.slots_changed.connect(self._on_slots_changed)
        document.subject_changed.connect(self._on_slots_changed)
        document.t_changed.connect(self._on_t_changed)
        self._player.playing.connect(self._on_playing)
        self._study.drawn.connect(self.plot.set_picture)
        self._study.measuring.connect(lambda is_on: self.even.setText("Even…" if is_on else "Even"))
        studio.arrived.connect(self._refresh_icons)
        studio.changed.connect(self._refresh_icons)
        self._on_slots_changed()
        self._on_t_changed(document.t)

    def sizeHint(self) -> QSize:
        return QSize(560, 226)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._icons.clear()
        self._refresh_icons()
        for part in (self.strip, self.slider, self.plot):
            part.set_theme(theme)

    def set_source(self, entry: ModelEntry, sight: Sight) -> None:
        """Say what a model was read from, for the command line that a film can be made with."""
        source = self._source = Source(entry, sight)
        if self._dialog is not None:
            self._dialog.set_source(source)

    def stop(self) -> None:
        """Stop playing, and a film that is being written."""
        self._player.stop()
        self._study.stop()
        if self._dialog is not None:
            self._dialog.stop()

    # -- parts ---------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        buttons = QGridLayout()
        buttons.setSpacing(2)
        for i, button in enumerate((self.keep_a, self.keep_b, self.add, self.export)):
            buttons.addWidget(button, i // 2, i % 2)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.strip, 1)
        top.addLayout(buttons)
        top.setAlignment(buttons, Qt.AlignmentFlag.AlignTop)  # else the strip is no higher than they are
        options = QHBoxLayout()
        options.setSpacing(4)
        for widget in (self.mode, self.spline, self.even, self.reach, None, self.way, self.speed):
            if widget is None:
                options.addStretch(1)
            else:
                options.addWidget(widget)
        line = QHBoxLayout()
        line.setSpacing(0)
        line.addWidget(self.play)
        line.addSpacing(4)
        line.addWidget(self.slider, 1)
        line.addWidget(self._number)
        line.addSpacing(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 12, 4)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addLayout(options)
        layout.addLayout(line)
        layout.addWidget(self.plot, 1)

    def _button(self, text: str, tip: str, effect: Callable[[], object]) -> QToolButton:
        button = QToolButton(text=text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda: effect())
        return button

    def _toggle(self, text: str, tip: str, field: str) -> QToolButton:
        button = QToolButton(text=text, checkable=True)
        button.setToolTip(tip)
        button.clicked.connect(lambda is_on: self._set_morph(**{field: is_on}))
        return button

    def _combo(self, name: str, items: list[str]) -> CalmComboBox:
        combo = CalmComboBox(accessibleName=name)
        combo.addItems(items)
        return combo

    def _icon_of(self, look: Look | None) -> QIcon:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(ICON * ratio), round(ICON * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        paint_look(painter, QRectF(0, 0, ICON, ICON), look, self._theme)
        painter.end()
        return QIcon(pixmap)

    @Slot()
    def _refresh_icons(self) -> None:
        """The pictures on the buttons of A and B; a dashed square where there is none."""
        for name, button, z in (
            ("A", self.keep_a, self._document.a),
            ("B", self.keep_b, self._document.b),
        ):
            look = None if z is None else self._studio.look(z)
            if name not in self._icons or self._icons[name] is not look:
                self._icons[name] = look
                button.setIcon(self._icon_of(look))

    # -- keys, options and the path ------------------------------------------------------------------------

    @Slot()
    def _add_key(self) -> None:
        self._document.add_key()

    @Slot()
    def _on_export(self) -> None:
        if self._dialog is None:
            self._dialog = FilmDialog(self._document, self._studio, self)
            self._dialog.notice.connect(self.notice)
            if self._source is not None:
                self._dialog.set_source(self._source)
        self._dialog.open_for_now()

    @Slot(int)
    def _on_way(self, index: int) -> None:
        if WAYS[index] == "Loop":
            self._set_morph(loop=True)
        else:
            self._set_morph(loop=False, ping_pong=WAYS[index] == "There and back")

    def _set_morph(self, **changes: Any) -> None:
        """Change an option; z follows its t, and play goes on from there."""
        self._study.follow()
        with self._player.as_own():
            self._document.set_morph(**changes)
        if "seconds" not in changes:
            self._player.resume_from_t()

    @Slot()
    def _on_slots_changed(self) -> None:
        if self._study.keep_pace():
            return  # called again for that
        path, morph = self._document.path, self._document.morph
        reach = reach_of(morph)
        self.mode.setCurrentText(morph.mode)
        self.spline.setChecked(morph.spline)
        self.even.setChecked(morph.even)
        self.reach.setCurrentIndex(min(range(len(REACHES)), key=lambda i: abs(REACHES[i] - morph.reach)))
        self.reach.setEnabled(not morph.loop)
        self.way.setCurrentIndex(2 if morph.loop else 0 if morph.ping_pong else 1)
        self.speed.blockSignals(True)
        self.speed.setValue(morph.seconds)
        self.speed.blockSignals(False)
        self.slider.blockSignals(True)  # a narrower range would move it, and z with it
        self.slider.setRange(-round(reach * T_STEPS), T_STEPS + round(reach * T_STEPS))
        self.slider.setValue(round(self._document.t * T_STEPS))
        self.slider.blockSignals(False)
        for widget in (self.slider, self.play, self.export):
            widget.setEnabled(path is not None)
        if path is None:
            self._player.stop()
            self.slider.set_ticks(())
            self.plot.set_words(self._words())
        else:
            ticks = path.key_positions()
            self.slider.set_ticks(ticks)
            self.plot.set_path(ticks, reach)
        self._refresh_icons()
        self._study.refresh()

    def _words(self) -> str:
        """What to do until there is a path."""
        if not self._document.keys:
            return NO_KEYS
        missing = "A" if self._document.a is None else "B"
        return ONE_KEY.format(missing, missing)

    # -- t -------------------------------------------------------------------------------------------------

    @Slot()
    def _toggle_play(self) -> None:
        if self.play.isEnabled():
            self.play.toggle()

    @Slot(bool)
    def _on_play(self, is_on: bool) -> None:
        if is_on:
            self._player.start()
        else:
            self._player.stop()

    @Slot(bool)
    def _on_playing(self, is_playing: bool) -> None:
        self.play.setChecked(is_playing)
        self.play.setText("Pause" if is_playing else "Play")

    @Slot(float)
    def _on_t_changed(self, t: float) -> None:
        self._number.setText(f"t {t:.3f}")
        self.slider.blockSignals(True)
        self.slider.setValue(round(t * T_STEPS))
        self.slider.blockSignals(False)

    @Slot(int)
    def _on_slider(self, value: int) -> None:
        if self._document.t != value / T_STEPS:
            self._document.set_t(value / T_STEPS)
