"""The two hues of signed values: latents in the palette, and what a step makes brighter or darker."""

from __future__ import annotations

from PySide6.QtGui import QColor

# Lime and magenta: neither D's orange nor G's blue. Red-green blindness sees the one yellow and light, the other blue
# and dark.
POSITIVE = "#9ccc3c"
NEGATIVE = "#b8348f"


def bipolar(share: float, neutral: QColor) -> QColor:
    """`neutral` at 0, `POSITIVE` at 1 and `NEGATIVE` at -1, evenly between; beyond, the end's colour."""
    end, part = QColor(POSITIVE if share > 0 else NEGATIVE), min(abs(share), 1.0)
    pairs = ((neutral.red(), end.red()), (neutral.green(), end.green()), (neutral.blue(), end.blue()))
    return QColor(*(round(a + (b - a) * part) for a, b in pairs))
