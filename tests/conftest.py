"""Before any test: no display, one locale, nothing written outside the test's folders, one thread."""

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if sys.platform == "linux":  # where Qt complains of machines whose locale is C, and a complaint fails a test
    os.environ["LC_ALL"] = "C.UTF-8"
if sys.dont_write_bytecode:  # beside the sources; but compiling PyTorch anew takes each process ten seconds
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

import contextlib
import gc
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

import ganexplorer.ui  # noqa: F401  says how PySide is to load, and must come before it


def pytest_sessionfinish() -> None:
    """Else extensions of PyTorch complain of what nobody deletes."""
    gc.unfreeze()


@pytest.fixture(scope="module", autouse=True)
def _only_new_objects() -> None:
    """Looking for garbage and for leftovers need not look at the hundred thousands of objects that imports made."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _quick_flushes() -> Iterator[None]:
    """What a process leaves behind does not depend on them, and on a busy disk each takes a fifth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new path at each turn; pytest's own numbers take the longer the more there are."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A person's folder that is empty, so that no test sees or touches the real one."""
    folder = next(homes)
    folder.mkdir()
    monkeypatch.setenv("GANEXPLORER_HOME", str(folder))
    yield folder
    with contextlib.suppress(OSError):  # something was put there
        folder.rmdir()


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Networks as small as those of the tests lose more to a second thread than they win."""
    import torch  # not before: the process that only hands out tests needs it not

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
