"""The guide and the script that takes its pictures."""

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def pictures():
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_takes_every_picture_of_the_guide_and_all_are_there(pictures):
    shown = re.findall(r"\(guide/(\w+)\.png\)", (DOCS / "guide.md").read_text())
    assert sorted(shown) == sorted(picture.__name__ for picture in pictures.PICTURES)
    assert sorted(shown) == sorted(path.stem for path in (DOCS / "guide").glob("*.png"))


@pytest.mark.parametrize("name", ["sliders", "morph", "basket"])
def test_a_picture_is_taken_from_a_window(pictures, name, window, qtbot, tmp_path, monkeypatch):
    """On a small model, as far as one is enough."""
    studio = pictures.Studio.__new__(pictures.Studio)
    studio.window, studio.document, studio.panels = window, window.document, window.panels
    from PySide6.QtWidgets import QApplication

    studio.app = QApplication.instance()
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    monkeypatch.setattr(pictures, "MODEL", window.document.subject.name)
    {picture.__name__: picture for picture in pictures.PICTURES}[name](studio)
    assert (tmp_path / f"{name}.png").stat().st_size > 5000
