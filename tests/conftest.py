"""Before any test: no display, nothing written outside the test's folders, one thread."""

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if sys.dont_write_bytecode:  # beside the sources; but compiling PyTorch anew takes each process ten seconds
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
import torch


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's folder that is empty, so that no test sees or touches the real one."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("GANEXPLORER_HOME", str(folder))
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks as small as those of the tests lose more to a second thread than they win."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any person can reach; pytest's own are closed to all but who runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def as_a_person() -> Callable[[], AbstractContextManager[None]]:
    """Act as somebody whom permissions bind: root reads and writes everything."""
    if not hasattr(os, "seteuid"):
        pytest.skip("needs permissions")

    @contextlib.contextmanager
    def act() -> Iterator[None]:
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            if before == 0:
                os.seteuid(0)

    return act
