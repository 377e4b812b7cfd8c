"""Several processes that train one pair of networks: what each of them draws, and how their gradients become one.

The processes are started by torchrun; see `distributed` for joining them. All of them hold the same weights and the
same random generator. Each draws what the whole batch needs and takes its share, so that two processes with batches of
n do what one does with a batch of 2 n, to rounding. Three things differ:

- With `top_k` below 1 each takes the best images of its own share, not of the whole batch.
- A batch norm sees the batch of its own process, unless `sync_norm` makes it see all of them.
- The measure `diversity` is the mean of what the processes measure, each on its share. All other measures are means
  over images, and so those of the whole batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import Store

from ganexplorer.core.errors import UserError

Value = TypeVar("Value")
LINGER_SECONDS = 2.0
BEGUN = "ganexplorer/begun"
_CPU = torch.device("cpu")


class Elsewhere(UserError):
    """What another process failed of, and tells."""


class Lost(UserError):
    """Another process has ended in the middle of its work."""


class Parallel:
    """One process of `size`; this default is a process on its own.

    All processes must call the methods that talk to the others in the same order. Those raise `Lost` where one of the
    others is gone.

    Parameters
    ----------
    store
        What all processes can reach as long as one of them, or torchrun, lives.
    lasting
        The same, where what is written there is also seen by those that torchrun starts after these.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Store | None = None, lasting: Store | None = None) -> None:
        self.rank, self.size = rank, size
        self._store, self._lasting = store, lasting

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Where in the whole batch this process's `count` images are."""
        return slice(self.rank * count, (self.rank + 1) * count)

    def average(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """The mean of each tensor over all processes, bit for bit the same in all of them."""
        if self.size == 1:
            return tensors
        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        flat = sum_(flat) / self.size
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return flag if self.size == 1 else bool(sum_(torch.tensor(int(flag))))

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """What the block raises in one process ends it in all: with `Elsewhere`, where it did not fail first."""
        if self.size == 1:
            yield
            return
        failure: Exception | None = None
        try:
            yield
        except Exception as error:
            failure = error
        failed = torch.tensor(self.size if failure is None else self.rank)
        first = int(_reduce(failed, dist.ReduceOp.MIN))
        if failure is not None and first == self.rank:
            raise failure
        if first < self.size:
            raise Elsewhere(f"Process {first} of this training has failed, and tells why.") from failure

    def from_first(self, make: Callable[[], Value]) -> Value:
        """What the first process makes, alone, in all of them; raises in all what that raises, as `as_one` does."""
        if self.size == 1:
            return make()
        values: list[Value | None] = [None]
        with self.as_one():
            if self.is_first:
                values[0] = make()
        with _lost_where_broken():
            dist.broadcast_object_list(values, src=0, device=_CPU)
        value: Value = values[0]  # type: ignore[assignment]
        return value

    @property
    def has_begun(self) -> bool | None:
        """Whether these, or those that torchrun started before them, have begun their run; None: not known."""
        return None if self._lasting is None else bool(self._lasting.check([BEGUN]))

    def note_begun(self) -> None:
        """The run of these processes is in its folder, or gone on with."""
        if self._lasting is not None and self.is_first:
            self._lasting.set(BEGUN, "")

    def tells(self, error: Exception | None) -> bool:
        """Whether this process is the one to tell people of an error that ends all; asked when it is to be told."""
        if self._store is None:
            return True
        if isinstance(error, Elsewhere):
            return False
        try:
            return bool(self._store.add("ganexplorer/told", 1) == 1)
        except RuntimeError:  # torchrun itself is gone
            return self.is_first


ALONE = Parallel()


def linger() -> None:
    """Wait a little where another process tells of the error: torchrun ends all as soon as one has left."""
    time.sleep(LINGER_SECONDS)


def sum_(values: Tensor) -> Tensor:
    """`values` summed over all processes, in place; returns it. Raises `Lost`."""
    return _reduce(values, dist.ReduceOp.SUM)


def _reduce(values: Tensor, how: dist.ReduceOp.RedOpType) -> Tensor:
    with _lost_where_broken():
        dist.all_reduce(values, op=how)
    return values


@contextmanager
def _lost_where_broken() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise Lost(
            "Another process of this training has ended unexpectedly. What was saved before is kept: go on from there "
            "with --resume."
        ) from error
