"""Generators of progress, shown as bars on stderr."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, TypeVar

from ganexplorer.core.errors import plain

if TYPE_CHECKING:
    from ganexplorer.train.events import Notice, Progress

T = TypeVar("T")


def pause() -> float:
    """Seconds between two states of a bar: a file or a pipe keeps each of them."""
    return 0.1 if sys.stderr.isatty() else 5.0


def shown(working: Generator[Progress | Notice, None, T] | Generator[Progress, None, T], before: str = "") -> T:
    """What a generator of progress returns; bars only of what takes long, notices as lines between them.

    `before` stands before the name of each bar.
    """
    from tqdm import tqdm

    from ganexplorer.train.events import Notice

    bar, what = tqdm(disable=True), ""
    try:
        while True:
            event = next(working)
            if isinstance(event, Notice):
                tqdm.write(plain(event.text), file=sys.stderr)
                continue
            if event.what != what:
                bar.close()
                what = event.what
                bar = tqdm(
                    desc=plain(before + what), total=event.total or None, leave=False, delay=0.5, mininterval=pause()
                )
            bar.update(event.done - bar.n)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        bar.close()
