"""Before any test: no display, nothing written outside the test's folders."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest


@pytest.fixture(autouse=True)
def _home(tmp_path_factory, monkeypatch):
    """Models, runs and data of the person who runs the tests are out of reach."""
    monkeypatch.setenv("GANEXPLORER_HOME", str(tmp_path_factory.mktemp("home")))
