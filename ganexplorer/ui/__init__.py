"""The window, the only part that needs Qt."""

import os

# PySide makes the type of a Qt class when it is first named, and crashes where two threads do so at the same time
# (6.11; seen at one start in some hundreds). All at once costs a start 0.1 s. It is read when PySide is imported.
os.environ.setdefault("PYSIDE6_OPTION_LAZY", "0")
