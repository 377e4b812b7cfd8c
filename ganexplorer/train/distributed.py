"""Joining the processes that torchrun has started: ``torchrun --nproc-per-node=N -m ganexplorer train ...``.

Which processes there are, and where they meet, is torchrun's business; it tells each of them in environment variables
(https://docs.pytorch.org/docs/stable/elastic/run.html). gloo on CPUs; on GPUs, one process a GPU, NCCL for gradients,
and gloo for what is decided on the CPU, so that no GPU waits for a decision.

Each process holds all images of the data set in its own memory. The first process alone needs the run folder. All
others end by themselves when one is gone; with ``--max-restarts`` torchrun then starts all of them again, and
`restarted` makes the same command go on with what had been saved.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from ganexplorer.core.devices import pick_device
from ganexplorer.core.errors import UserError
from ganexplorer.train import run_log
from ganexplorer.train.events import Mark, TrainRequest
from ganexplorer.train.parallel import ALONE, Parallel
from ganexplorer.train.requests import still_to_do
from ganexplorer.train.runs import read_config
from ganexplorer.train.states import newest_step

# as long as the others may wait while one decodes pictures, or its disk is full; who is gone is noticed at once
PATIENCE = timedelta(hours=12)


@contextmanager
def joined(device: str) -> Iterator[tuple[Parallel, str]]:
    """The processes that train together, and the device of this one; alone where torchrun did not start it.

    Raises
    ------
    UserError
        There is no such device, or not one for each process; in all processes (`Parallel.as_one`).
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        yield ALONE, device
        return
    # MPS has no means of communication
    is_cuda = torch.cuda.is_available() and device != "cpu"
    backend = "cpu:gloo,cuda:nccl" if is_cuda else "gloo"
    previous = signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own is not heard by those who wait for others
    store, rank, size = next(rendezvous("env://", timeout=PATIENCE))
    lasting = store
    while isinstance(lasting, PrefixStore):  # of this start alone
        lasting = lasting.underlying_store
    store = PrefixStore(met(store, rank, size), store)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=PATIENCE)
    signal.signal(signal.SIGINT, previous)
    parallel = Parallel(rank, size, store, lasting)
    try:
        with parallel.as_one():
            name = _own_device("cpu" if device == "auto" and not is_cuda else device)
        yield parallel, name
    finally:
        dist.destroy_process_group()


def met(store: Store, rank: int, size: int) -> str:
    """Wait until all processes are there; returns a name that they share, and no earlier start of them has used.

    torchrun keeps the store when it starts the processes anew. What those before have left there, such as the addresses
    of the dead, must not be taken for what those of now say: each tells a name of its own that is new, and takes the
    first one's name from the answer to that.
    """
    own = uuid.uuid4().hex
    if rank > 0:
        store.set(f"ganexplorer/there/{rank}", own)
        shared: str = store.get(f"ganexplorer/answer/{own}").decode()
        store.set(f"ganexplorer/heard/{shared}/{rank}", "")
        return shared
    missing = set(range(1, size))
    while missing:
        for other in sorted(missing):
            there = f"ganexplorer/there/{other}"
            if store.check([there]):  # left by one that is dead, perhaps: the answer then reaches nobody
                store.set(f"ganexplorer/answer/{store.get(there).decode()}", own)
        missing = {other for other in missing if not store.check([f"ganexplorer/heard/{own}/{other}"])}
        time.sleep(0.01)
    return own


def is_restart() -> bool:
    """Whether torchrun has started the processes anew, with the same command line."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def restarted(request: TrainRequest, parallel: Parallel = ALONE) -> TrainRequest:
    """`request`, or what goes on with the run that it has begun, where torchrun has started the processes anew.

    A run that was there before, and was refused, is not gone on with: those of `parallel` remember what they began.
    Raises `RunError` for a folder that cannot be read.
    """
    path = request.run
    if not is_restart() or not (path / "config.json").is_file() or parallel.has_begun is False:
        return request
    if request.resume:
        is_done = parallel.has_begun or any(
            isinstance(entry, Mark) and entry.kind == "rolled back" and entry.step == request.rollback
            for entry in run_log.read_entries(path / "log.jsonl")
        )
        return dataclasses.replace(request, rollback=None) if is_done else request
    config, begun = request.config, read_config(path).config
    if request.start:  # the model has decided these
        config = dataclasses.replace(config, z_dim=begun.z_dim, prior=begun.prior, image_size=begun.image_size)
    step = newest_step(path)
    script = request.script if step is None else still_to_do(request.script, path, step)
    return dataclasses.replace(request, config=config, resume=True, script=script)


def _own_device(name: str) -> str:
    kind = pick_device(name).type
    if kind == "cpu":
        return "cpu"
    if kind != "cuda":
        raise UserError(f"device {kind!r} cannot be shared by several processes. Use cpu, or train without torchrun.")
    number, there = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if number >= there:
        raise UserError(f"This machine has {there} GPUs, one for each process. Use torchrun --nproc-per-node={there}.")
    torch.cuda.set_device(number)
    return f"cuda:{number}"
