"""What a training run is told to do: asked for between two steps, and while its folder cannot be written."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable

from ganexplorer.train.events import Command, Stop
from ganexplorer.train.parallel import Parallel

Poll = Callable[[float], Command | None]
PATIENCE_SECONDS = 0.2  # between two looks for a command, while paused
RETRY_SECONDS = 1.0  # between two attempts to write to a folder that cannot be written


def no_command(seconds: float) -> Command | None:
    """Nobody says anything."""
    time.sleep(seconds)
    return None


class Commands:
    """The commands of one run, in the order in which they came.

    Parameters
    ----------
    poll
        Asked for a command, with the seconds to wait for one; returns None when there is none.
    parallel
        The processes that train together: all end at the same step. Their other commands are for windows, and unheard.
    """

    def __init__(self, poll: Poll, parallel: Parallel) -> None:
        self.is_paused = self.is_stopped = False
        self._poll, self._parallel = poll, parallel
        self._postponed: collections.deque[Command] = collections.deque()

    def next(self) -> Command | None:
        """What to do before the next step; waits a moment while the run is paused."""
        if self._postponed:  # these came before a stop
            return self._postponed.popleft()
        if self.is_stopped and self._parallel.size == 1:
            return Stop()
        command = self._poll(PATIENCE_SECONDS if self.is_paused else 0)
        if self._parallel.size > 1:
            return Stop() if self._parallel.any(self.is_stopped or isinstance(command, Stop)) else None
        return command

    def glance(self, seconds: float = 0.0) -> Command | None:
        """A command that came while something else is done: a `Stop` is noted, another can be put off by `postpone`."""
        command = self._poll(seconds)
        self.is_stopped = self.is_stopped or isinstance(command, Stop)
        return command

    def postpone(self, command: Command) -> None:
        """Do this when `next` is asked for, before what comes later."""
        self._postponed.append(command)
