"""Where a person's own things are kept."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def home_folder() -> Path:
    """``GANEXPLORER_HOME``, or the data folder that ``platformdirs`` names."""
    home = os.environ.get("GANEXPLORER_HOME")
    return Path(home) if home else platformdirs.user_data_path("ganexplorer", appauthor=False)
