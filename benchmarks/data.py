"""Images a second of the drawn toys; and loading a folder of pictures: the first start, which decodes, against the
second, which reads what the first kept.

The folder's starts in alternating rounds, each first one with an empty cache. The folder is read once before, so that
the system has it in memory.

uv run python benchmarks/data.py [FOLDER] [--size 64] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import torch

from ganexplorer.train import data
from ganexplorer.train.data import DataReport
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.toy_faces import draw_faces
from ganexplorer.train.toys import draw_digits


def start(ref: str, size: int) -> tuple[float, float, float, DataReport]:
    """Seconds, seconds of processor time, the longest wait for an event in ms, what was found."""
    begin, processor, longest = time.perf_counter(), time.process_time(), 0.0
    loading, last = data.load(ref, Preparation((size, size)), torch.device("cpu"), 0), begin
    while True:
        try:
            next(loading)
        except StopIteration as done:
            seconds = time.perf_counter() - begin
            return seconds, time.process_time() - processor, 1000 * longest, done.value.report
        now = time.perf_counter()
        longest, last = max(longest, now - last), now


def drawing(rounds: int, count: int = 2000) -> None:
    """Print images a second of wall time and of processor time; the first round is not counted."""
    for name, draw in (("digits, 28x28", draw_digits), ("faces, 64x64", draw_faces)):
        found = []
        for _ in range(rounds + 1):
            begin, processor = time.perf_counter(), time.process_time()
            for _ in draw(count):
                pass
            found.append((time.perf_counter() - begin, time.process_time() - processor))
        wall, processor = (statistics.median(times) for times in zip(*found[1:], strict=True))
        print(
            f"drawn {name}: {count / wall:6,.0f} images a second, {1000 * processor / count:.2f} ms of processor time "
            f"an image, {torch.get_num_threads()} threads"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, torch {torch.__version__}, {arguments.size}x{arguments.size}")
    drawing(arguments.rounds)
    if not arguments.folder:
        return
    ref = f"folder:{arguments.folder}"
    found: dict[str, list[float]] = {"first": [], "second": []}
    for round_ in range(arguments.rounds + 1):
        with tempfile.TemporaryDirectory() as home:
            os.environ["GANEXPLORER_HOME"] = home
            for name, times in found.items():
                seconds, processor, longest, report = start(ref, arguments.size)
                if round_ == 0:
                    continue  # the system reads the files for the first time
                times.append(seconds)
                print(
                    f"{name:<7} {seconds:7.2f} s   processor {processor:7.2f} s   longest wait for an event "
                    f"{longest:5.0f} ms   {report.used:,} of {report.found:,} pictures, {report.bytes / 1e6:.1f} MB"
                )
    first, second = (statistics.median(times) for times in found.values())
    print(f"medians: first start {first:.2f} s, second {second:.2f} s: {first / second:.0f} times as fast")


if __name__ == "__main__":
    main()
