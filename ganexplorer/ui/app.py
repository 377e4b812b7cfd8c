"""Starting the window: can it be shown, and, if not, what would help."""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ganexplorer.core.errors import UserError

if TYPE_CHECKING:
    from ganexplorer.ui.theme import Theme

APT_LINE = (
    "apt-get install libegl1 libgl1 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
    "libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxcb-shape0"
)
SIZE = (1280, 800)  # of the window at its first start
SCREENSHOT_PATIENCE = 60_000  # milliseconds


class DisplayError(UserError):
    """No display, or a library that Qt needs is missing."""


def run(arguments: argparse.Namespace) -> int:
    """Open the window and stay until it is closed; with ``screenshot``, save its picture and leave."""
    if sys.stderr is not None:  # as under pythonw
        faulthandler.enable()  # should a library crash, the threads' stacks are told
    if arguments.screenshot is not None and not has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    check_display()
    if sys.platform == "win32":
        import torch  # noqa: F401  before Qt: there, the other order loads clashing libraries
    from PySide6.QtCore import QSize, QSocketNotifier, Qt, QTimer
    from PySide6.QtGui import QAction, QGuiApplication

    from ganexplorer.ui import kept, theme
    from ganexplorer.ui.application import Application
    from ganexplorer.ui.opening_window import OpeningWindow

    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    app = Application(sys.argv[:1])
    app.setApplicationName("ganexplorer")
    app.setDesktopFileName("ganexplorer")

    keeps = arguments.screenshot is None  # a picture is the same whoever takes it
    theme_name: str = arguments.theme or (kept.read_theme() if keeps else "system")

    def colours() -> Theme:
        return {"dark": theme.DARK, "light": theme.LIGHT}.get(theme_name) or theme.system_theme()

    theme.apply(app, colours())
    opening = OpeningWindow(colours(), QSize(*SIZE))
    if arguments.size is not None:
        opening.resize(QSize(*arguments.size))
    elif keeps:
        kept.restore_geometry(opening)
    if keeps:
        opening.show_now()  # before PyTorch, which takes seconds
    with _nothing_collected():
        model = _model_of(arguments)
        from ganexplorer.ui.main_window import MainWindow

        app.processEvents()
        if opening.is_closed:  # by a person who thought better of it
            return 0
        theme.apply(app, colours())  # a desktop may have changed, or told, its own meanwhile
        window = MainWindow(colours(), model, arguments.device, keeps=keeps)
    window.commands.show_theme(theme_name)

    def recolour() -> None:
        theme.apply(app, colours())
        window.set_theme(colours())

    def choose_theme(choice: QAction) -> None:
        nonlocal theme_name
        theme_name = choice.data()
        kept.keep_theme(theme_name)
        recolour()

    app.styleHints().colorSchemeChanged.connect(recolour)
    app.quitting.connect(window.close)
    window.commands.themes.triggered.connect(choose_theme)
    written = True
    if arguments.screenshot is not None:

        def shoot() -> None:
            nonlocal written
            written = window.grab().save(str(arguments.screenshot), "PNG")
            window.close()

        # effects and thumbnails come soon after the first image
        window.first_image.connect(lambda: QTimer.singleShot(1500, window, shoot))
        QTimer.singleShot(SCREENSHOT_PATIENCE, window, shoot)
    # Python's handlers do not run inside Qt's loop: a signal writes a byte to a socket, which wakes it
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    notifier = QSocketNotifier(ours.fileno(), QSocketNotifier.Type.Read)
    for number in (signal.SIGINT, signal.SIGTERM):
        # not at once: Python runs a handler in the middle of whatever it is at, such as telling what a run said
        signal.signal(number, lambda *_: QTimer.singleShot(0, window, window.close))
    notifier.activated.connect(lambda: ours.recv(64))
    app.processEvents()
    try:
        status = 0
        if not opening.is_closed:
            opening.give_way(window)
            status = app.exec()
    finally:
        window.close()  # threads must have ended before the window goes
        signal.set_wakeup_fd(-1)
        notifier.setEnabled(False)
    if not written:
        raise UserError(f"{arguments.screenshot}: the picture cannot be written. Name a PNG in a folder that exists.")
    if arguments.screenshot is not None and window.refusal:
        raise UserError(window.refusal)
    return status


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Make what stays: no cycle is looked for among the 350,000 objects of a start, neither meanwhile nor later.

    That would take half a second of eight (docs/benchmarks.md), and the window would stand still for it ever and again.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _model_of(arguments: argparse.Namespace) -> str | None:
    """The MODEL or session to open; raises `UserError` where a window on something else would be worse than none."""
    from ganexplorer.core import zoo
    from ganexplorer.core.session import SUFFIX, is_session, load_session, model_of

    model: str | None = arguments.model
    if arguments.session is not None:
        model = str(arguments.session)
        if not is_session(model):
            raise UserError(f"{model}: a session's name ends in {SUFFIX}. Rename it.")
        model_of(model, load_session(model))
    elif arguments.screenshot is not None and model is not None:
        zoo.resolve(model)
    return model


def has_display() -> bool:
    """Whether the environment names a display (always true but on Linux and the BSDs)."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def check_display() -> None:
    """Raise `DisplayError` with a remedy where Qt would abort the process without one."""
    if sys.platform in ("win32", "darwin"):
        return
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if not platform and not has_display():
        raise DisplayError(
            "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set). Start it from a desktop, or on a "
            "virtual display: apt-get install xvfb && xvfb-run ganexplorer"
        )
    try:
        from PySide6 import QtWidgets  # noqa: F401
    except ImportError as error:
        raise DisplayError(f"Qt cannot be loaded: {error}. Remedy: {APT_LINE}") from None
    if platform in ("", "xcb") and os.environ.get("DISPLAY"):
        _check_xcb()


def _check_xcb() -> None:
    """Load Qt's X11 plugin and connect to the X server, as Qt will do."""
    package = find_spec("PySide6")
    assert package is not None
    assert package.origin is not None
    plugin = Path(package.origin).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    wayland = bool(os.environ.get("WAYLAND_DISPLAY"))
    try:
        if plugin.is_file():
            ctypes.CDLL(str(plugin))
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError as error:
        if wayland:
            return  # Qt has another way
        raise DisplayError(f"a library that Qt needs is missing ({error}). Remedy: {APT_LINE}") from None
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    refused = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    if refused and not wayland:
        raise DisplayError(
            f"the display {os.environ['DISPLAY']} does not answer. Check DISPLAY, or use a virtual display: "
            "apt-get install xvfb && xvfb-run ganexplorer"
        )
