"""Children forked from a process that has imported PyTorch already: each would else spend seconds on that."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from ganexplorer.__main__ import main
from ganexplorer.train import host

CAN_FORK = "forkserver" in multiprocessing.get_all_start_methods()


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """Meanwhile children that train are forked, where that can be done."""
    with pytest.MonkeyPatch.context() as patch:
        if CAN_FORK:
            patch.setattr(host, "CHILDREN", Forking())
        yield


class Forking:
    """Instead of a context of multiprocessing; one server for all processes, started with the first one."""

    Pipe = staticmethod(multiprocessing.Pipe)

    def Process(self, target: Callable[..., object], args: tuple[Any, ...], **named: Any) -> BaseProcess:
        multiprocessing.set_forkserver_preload(
            ["torch._dynamo", "ganexplorer.train.memory", "ganexplorer.train.trainer"]
        )
        context: Any = multiprocessing.get_context("forkserver")
        process: BaseProcess = context.Process(target=_run, args=(dict(os.environ), target, args), **named)
        return process


def program(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What ``python -m ganexplorer WORDS`` does and says, but for the end of the interpreter; `folder` is for texts."""
    if not CAN_FORK:
        command = [sys.executable, "-m", "ganexplorer", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)
    said = [folder / "stdout.txt", folder / "stderr.txt"]
    process = Forking().Process(_program, (words, said))
    process.start()
    process.join()
    output, errors = (path.read_text() for path in said)
    assert process.exitcode is not None
    return subprocess.CompletedProcess(words, process.exitcode, output, errors)


def _program(words: tuple[str, ...], said: list[Path]) -> None:
    for number, path in enumerate(said, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["ganexplorer", *words]
    sys.exit(main())


def _run(environment: dict[str, str], target: Callable[..., object], args: tuple[Any, ...]) -> None:
    """In the child: with the environment of its parent, not of the server, and one thread."""
    gc.freeze()  # what is not looked at need not be copied
    os.environ.clear()
    os.environ.update(environment)
    torch.set_num_threads(1)
    target(*args)


def children() -> dict[psutil.Process, str]:
    """The processes that this one has started, with their command lines; those that multiprocessing needs left out."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            words = " ".join(child.cmdline())
            is_server = "forkserver" in words and child.ppid() == os.getpid()
            if not is_server and "resource_tracker" not in words:
                found[child] = words
    return found


def trainers() -> list[psutil.Process]:
    """The processes that train, spawned by this one or forked for it."""
    return [child for child, words in children().items() if "spawn_main" in words or "forkserver" in words]
