"""Children that train, forked from a process that has imported PyTorch already: each would else spend seconds on it."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from typing import Any

import psutil
import pytest
import torch

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
