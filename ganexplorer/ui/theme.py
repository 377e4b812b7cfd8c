"""Colours, spacing and the style sheet, dark and light."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

D_COLOR = "#e8871e"  # the discriminator, everywhere
G_COLOR = "#2f7fd6"  # the generator, everywhere
REAL_COLOR = "#8a8f98"

GAP = 8  # pixels between neighbours; 4, 12 and 16 are the other steps


@dataclass(frozen=True, slots=True)
class Theme:
    """One palette. Surfaces from back to front, then text from loud to quiet."""

    is_dark: bool
    window: str
    surface: str
    raised: str
    line: str
    text: str
    quiet: str
    faint: str
    accent: str
    on_accent: str
    track: str
    warning: str
    d_text: str  # D_COLOR and G_COLOR as text on `surface`, readable
    g_text: str


DARK = Theme(
    True, "#1b1c1f", "#232529", "#2e3136", "#3a3d43", "#e9eaec", "#a4a8b0", "#6f747d", "#9d84f0", "#17131f",
    "#34373d", "#f0b04f", D_COLOR, "#5c9fe6",
)  # fmt: skip
LIGHT = Theme(
    False, "#f2f2f4", "#fbfbfc", "#ffffff", "#d5d7db", "#1d1f23", "#5b6069", "#8b9099", "#6b4fd0", "#ffffff",
    "#dfe1e5", "#d98a00", "#a85a06", "#1f66b5",
)  # fmt: skip


def system_theme() -> Theme:
    """The theme that the desktop asks for."""
    is_dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return DARK if is_dark else LIGHT


def apply(app: QApplication, theme: Theme) -> None:
    """Give the whole application the colours of `theme`."""
    app.setStyle("Fusion")
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.Base: theme.surface,
        QPalette.ColorRole.AlternateBase: theme.raised,
        QPalette.ColorRole.Button: theme.raised,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.BrightText: theme.text,
        QPalette.ColorRole.ToolTipBase: theme.raised,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.faint,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.on_accent,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Light: theme.raised,
        QPalette.ColorRole.Midlight: theme.line,
        QPalette.ColorRole.Mid: theme.line,
        QPalette.ColorRole.Dark: theme.line,
        QPalette.ColorRole.Shadow: theme.window,
        QPalette.ColorRole.Accent: theme.accent,
    }
    for role, color in roles.items():
        palette.setColor(role, QColor(color))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    app.setPalette(palette)
    app.setPalette(with_edge(palette, theme), "QCheckBox")  # type: ignore[arg-type]  # it takes no bytes
    app.setStyleSheet(_style_sheet(theme))


def with_edge(palette: QPalette, theme: Theme) -> QPalette:
    """A palette with which Fusion draws a box for a check mark that can be seen on a dark ground too."""
    palette = QPalette(palette)
    palette.setColor(QPalette.ColorRole.Window, QColor(theme.quiet))  # it makes the colour of the edge of this one
    return palette


def _style_sheet(theme: Theme) -> str:
    return f"""
        QMainWindow::separator {{ background: {theme.window}; width: 6px; height: 6px; }}
        QDockWidget {{ color: {theme.quiet}; border: 1px solid {theme.line}; }}
        QDockWidget::title {{ padding: 6px 8px; background: {theme.window}; text-align: left; }}
        QTabBar {{ background: {theme.window}; }}
        QTabBar::tab {{ padding: 6px 12px; color: {theme.quiet}; background: transparent; border: 0;
                        border-bottom: 2px solid transparent; }}
        QTabBar::tab:hover {{ color: {theme.text}; }}
        QTabBar::tab:selected {{ color: {theme.text}; border-bottom: 2px solid {theme.accent}; }}
        QToolBar {{ background: {theme.window}; border: 0; border-bottom: 1px solid {theme.line};
                    padding: 4px 8px; spacing: 4px; }}
        QToolBar::separator {{ background: {theme.line}; width: 1px; margin: 4px 8px; }}
        QToolButton {{ padding: 3px 9px; border: 1px solid {theme.line}; border-radius: 5px;
                       background: {theme.raised}; color: {theme.text}; }}
        QToolButton:hover {{ border-color: {theme.quiet}; }}
        QToolButton:pressed {{ background: {theme.track}; }}
        QToolButton:checked {{ background: {theme.track}; border-color: {theme.faint}; }}
        QToolButton:focus {{ border-color: {theme.accent}; }}
        QToolButton:disabled {{ color: {theme.faint}; background: {theme.surface}; }}
        QToolButton[popupMode="2"] {{ padding-right: 20px; }}
        QToolButton::menu-indicator {{ subcontrol-origin: padding; subcontrol-position: center right; right: 6px; }}
        QToolButton#flat, QToolBar QToolButton {{ padding: 4px 10px; border-color: transparent;
                                                  background: transparent; }}
        QToolBar QToolButton:disabled {{ background: transparent; }}
        QToolButton#flat:hover, QToolBar QToolButton:hover {{ background: {theme.raised}; }}
        QToolButton#flat:pressed, QToolBar QToolButton:pressed {{ background: {theme.track}; }}
        QToolButton#flat:focus, QToolBar QToolButton:focus {{ border-color: {theme.accent}; }}
        QToolButton#fold, QToolButton#fold:hover, QToolButton#fold:checked {{
            padding: 4px 0; border: 1px solid transparent; background: transparent; }}
        QToolButton#fold:focus {{ border-color: {theme.accent}; }}
        QPushButton {{ padding: 5px 12px; border: 1px solid {theme.line}; border-radius: 5px;
                       background: {theme.raised}; color: {theme.text}; }}
        QPushButton:hover {{ border-color: {theme.quiet}; }}
        QPushButton:pressed, QPushButton:checked {{ background: {theme.track}; }}
        QPushButton:focus {{ border-color: {theme.accent}; }}
        QPushButton#explore:checked {{ background: {G_COLOR}; border-color: {G_COLOR}; color: white; }}
        QPushButton:disabled {{ color: {theme.faint}; background: {theme.surface}; }}
        QPushButton#primary {{ background: {theme.accent}; color: {theme.on_accent}; border-color: {theme.accent};
                               font-weight: 600; }}
        QPushButton#primary:disabled {{ background: {theme.track}; color: {theme.faint};
                                        border-color: {theme.track}; }}
        QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
        QStatusBar {{ background: {theme.window}; color: {theme.quiet}; border-top: 1px solid {theme.line}; }}
        QStatusBar::item {{ border: 0; }}
        QStatusBar QLabel {{ color: {theme.quiet}; padding: 0 8px; }}
        QListWidget::item {{ padding: 4px 8px; border-left: 3px solid transparent; }}
        QListWidget::item:hover {{ background: {theme.raised}; }}
        QListWidget::item:selected {{ background: {theme.raised}; color: {theme.text};
                                      border-left: 3px solid {theme.accent}; }}
        QComboBox QAbstractItemView {{ border: 1px solid {theme.line}; }}
        QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
        QScrollBar::handle:vertical {{ background: {theme.line}; border-radius: 3px; min-height: 32px; margin: 0 2px; }}
        QScrollBar::handle:vertical:hover {{ background: {theme.faint}; }}
        QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
        QScrollBar::handle:horizontal {{ background: {theme.line}; border-radius: 3px; min-width: 32px;
                                         margin: 2px 0; }}
        QScrollBar::handle:horizontal:hover {{ background: {theme.faint}; }}
        QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
        QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
        QListView, QTreeView {{ background: {theme.surface}; border: 0; outline: 0; }}
        QLabel#quiet {{ color: {theme.quiet}; }}
        QLabel#heading {{ color: {theme.quiet}; font-weight: 600; }}
        QFrame#notice {{ background: {theme.raised}; border: 1px solid {theme.warning}; border-radius: 5px; }}
        QFrame#sheet {{ background: {theme.surface}; border: 0; border-bottom: 1px solid {theme.line}; }}
        QProgressBar {{ border: 0; background: {theme.track}; border-radius: 2px; max-height: 4px; }}
        QProgressBar::chunk {{ background: {theme.accent}; border-radius: 2px; }}
        QToolTip {{ background: {theme.raised}; color: {theme.text}; border: 1px solid {theme.line}; padding: 4px; }}
    """
