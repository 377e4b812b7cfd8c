"""bench: how fast the program is on this machine, measured by the scripts of the repository."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ganexplorer.cli.parsing import add_command, fail, parse_minutes, parse_positive
from ganexplorer.core.errors import UserError

SCRIPTS = Path(__file__).parents[2] / "benchmarks"
BENCHMARKS = {
    "render": "a picture and a sheet, by the renderer and by the plain module",
    "training": "the recipes, and the tutorials' loops",
    "window": "from slider to pixels, idle and beside a training; what the hand costs the training; play",
    "start": "from process start to the window and its first picture, and `import torch` alone",
    "plots": "a chart of a million points, and pyqtgraph's own curves",
    "memory": "memory in an hour of training with a hand on a slider",
}
CHECKED = ("render", "training", "plots")  # have guards, which hold on any machine
LONG = ("memory",)  # watched for an hour, not in rounds: only by name
REGRESSION = 3  # exit status of a benchmark whose guard does not hold; of measuring.py
NEED_QT = ("window", "start", "plots", "memory")


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands,
        "bench",
        "measure how fast the program is on this machine, beside what is aimed at",
        "ganexplorer bench render plots",
    )
    listed = "; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items())
    command.add_argument("names", nargs="*", metavar="NAME", help=f"default all but {', '.join(LONG)}. {listed}")
    command.add_argument("--rounds", type=parse_positive, metavar="N", help="alternating rounds (default 5)")
    command.add_argument("--minutes", type=parse_minutes, metavar="M", help="how long memory is watched (default 60)")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--check", action="store_true", help="in about a minute, whether anything is far slower than it ever was"
    )
    command.set_defaults(run=_bench)


def _bench(arguments: argparse.Namespace) -> int:
    if not all((SCRIPTS / f"{name}.py").is_file() for name in BENCHMARKS):
        raise UserError(
            f"{SCRIPTS}: the benchmarks are not there, for they come with the repository, not with an installed copy. "
            "Clone it, and run `uv run ganexplorer bench` in the clone."
        )
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        raise UserError(f"unknown benchmark {unknown[0]!r}; known: {', '.join(BENCHMARKS)}.")
    unguarded = [name for name in arguments.names if arguments.check and name not in CHECKED]
    if unguarded:
        raise UserError(f"--check: {unguarded[0]} has nothing to check. Those that have: {', '.join(CHECKED)}.")
    every = [name for name in BENCHMARKS if name not in LONG]
    _check_options(arguments)
    names = arguments.names or (CHECKED if arguments.check else every)
    found: dict[str, Any] = {}
    has_broken = False
    for name in names:
        if not arguments.json:
            print(f"== {name}: {BENCHMARKS[name]}", flush=True)
        done = _run(name, _words(name, arguments), arguments.json)
        if done.returncode not in (0, REGRESSION):
            return fail(f"benchmark {name} failed, with exit status {done.returncode}", 1)
        has_broken |= done.returncode == REGRESSION
        if arguments.json:
            found[name] = json.loads(done.stdout)
    if arguments.json:
        print(json.dumps(found, indent=2))
    return int(has_broken)


def _check_options(arguments: argparse.Namespace) -> None:
    watched = [name for name in arguments.names if name in LONG]
    if arguments.minutes and (not watched or watched != arguments.names):
        raise UserError(f"--minutes: only {', '.join(LONG)} is watched for so long. Name it, and nothing else.")
    if arguments.rounds and watched:
        raise UserError(f"--rounds: {watched[0]} is watched for --minutes, not measured in rounds.")


def _words(name: str, arguments: argparse.Namespace) -> list[str]:
    """What one benchmark is told of what `bench` was told."""
    told = {"--minutes": arguments.minutes} if name in LONG else {"--rounds": arguments.rounds}
    words = [word for option, value in told.items() if value for word in (option, str(value))]
    return [*words, *(["--check"] * arguments.check), *(["--json"] * arguments.json)]


def _run(name: str, words: list[str], is_read: bool) -> subprocess.CompletedProcess[str]:
    """One benchmark in a process of its own, so that none finds what another has left in memory."""
    environment = dict(os.environ)
    if name in NEED_QT and sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & environment.keys():
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), *words]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE if is_read else None, text=True, check=False)
