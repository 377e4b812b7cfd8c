"""From process start to the window on the screen and to its first picture, beside `import torch` alone.

    uv run python benchmarks/start.py [--rounds 5]

Each start is a process of its own, its files in memory since the round before, on a screen or on none
(QT_QPA_PLATFORM=offscreen).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import measuring

# notes when a window has been painted and when the picture has; the hooks cost a start some milliseconds
_CHILD = """
import sys, time
import ganexplorer.ui
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

class Watch(QObject):
    told = set()

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and watched.isWidgetType():
            self.tell("window")
            if getattr(watched, "stamp", 0) and type(watched).__name__ == "Canvas":
                self.tell("picture")
                QTimer.singleShot(0, QApplication.instance().closeAllWindows)
        return False

    def tell(self, name):
        if name not in self.told:
            self.told.add(name)
            # after this turn of the loop, when it has been painted
            QTimer.singleShot(0, lambda: print(name, time.time(), flush=True))

watch, begin = Watch(), QApplication.__init__

def begin_watched(app, *arguments):
    begin(app, *arguments)
    app.installEventFilter(watch)

QApplication.__init__ = begin_watched
from ganexplorer.__main__ import main
sys.exit(main())
"""


def started(home: str) -> dict[str, float]:
    """Seconds from process start to the window and to the picture."""
    begun = time.time()
    words = [sys.executable, "-c", _CHILD, "gui", "--device", "cpu"]
    told = subprocess.run(
        words, env={**os.environ, "GANEXPLORER_HOME": home}, stdout=subprocess.PIPE, text=True, timeout=300, check=True
    )
    return {name: float(moment) - begun for name, moment in (line.split() for line in told.stdout.splitlines())}


def imported() -> float:
    """Seconds that a process takes which imports PyTorch and nothing else."""
    begun = time.time()
    code = "import torch, time; print(time.time())"
    told = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=300, check=True)
    return float(told.stdout) - begun


def measure(arguments: argparse.Namespace) -> Iterator[measuring.Row]:
    windows, pictures, imports = [], [], []
    with tempfile.TemporaryDirectory() as home:
        for turn in range(arguments.rounds + 1):
            found, alone = started(home), imported()
            if turn:  # the first one reads the files
                windows.append(found["window"])
                pictures.append(found["picture"])
                imports.append(alone)
    yield measuring.Row("start to window", "s", {"ganexplorer": windows}, [measuring.Bound("p50", 1.0)])
    yield measuring.Row(
        "start to first picture",
        "s",
        {"ganexplorer": pictures, "import torch": imports},
        [measuring.Bound("ratio", 1.5)],
    )


if __name__ == "__main__":
    sys.exit(measuring.main(__doc__, measure, has_guards=False))
