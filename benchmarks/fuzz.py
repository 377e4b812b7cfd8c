"""Damaged copies of small files through `containers.parse`, in a child process that is watched.

uv run python benchmarks/fuzz.py [--cases 10000] [--seed 0]

Exit status 1 when a case crashes, hangs, raises anything but `ContainerError` or gives more values than bounds allow.
"""

from __future__ import annotations

import argparse
import collections
import io
import multiprocessing
import random
import re
import sys
import time
from multiprocessing.connection import Connection

from ganexplorer.core.foreign import containers
from ganexplorer.core.foreign.archive import MAX_GROWTH

SECONDS = 5.0  # for one case


def originals() -> dict[str, bytes]:
    """A small valid file of each format, and some that are refused as they are."""
    import safetensors.torch
    import torch
    from torch import nn

    torch.manual_seed(0)
    module = nn.Sequential(nn.ConvTranspose2d(2, 1, 2), nn.BatchNorm2d(1), nn.LeakyReLU(0.2), nn.Tanh())
    state = {**module.state_dict(), "half": torch.ones(3).half(), "flag": torch.tensor(True)}
    training = {"netG": state, "optG": {"state": {}, "param_groups": []}, "args": argparse.Namespace(nz=2), "epoch": 3}

    def saved(value: object, **options: object) -> bytes:
        file = io.BytesIO()
        torch.save(value, file, **options)
        return file.getvalue()

    torch.serialization.set_crc32_options(False)  # else a checksum refuses most cases before anything is read
    bare = {"state": saved(state), "training": saved(training), "module": saved(module, pickle_protocol=4)}
    torch.serialization.set_crc32_options(True)
    return {
        **bare,
        "checksums": saved(state),
        "safetensors": safetensors.torch.save(state, {"format": "pt"}),
        "legacy": saved(state, _use_new_zipfile_serialization=False),
    }


def damaged(data: bytes, random_: random.Random) -> bytes:
    """A copy with 1 to 8 bits flipped, some bytes replaced, or a piece cut out; each second one in its pickle alone."""
    copy = bytearray(data)
    first, last = 0, len(copy)
    if data[:2] in (b"PK", b"\x80\x02") and random_.random() < 0.5:
        first = next(re.finditer(rb"\x80[\x02\x04]", data)).start()
        last = data.index(b"PK", first) if data.startswith(b"PK") else last
    way = random_.randrange(4)
    if way == 3:
        start = random_.randrange(first, last)
        del copy[start : start + random_.randint(1, 64)]
        return bytes(copy)
    for _ in range(random_.randint(1, 8)):
        place = random_.randrange(first, last)
        copy[place] = random_.randrange(256) if way == 2 else copy[place] ^ 1 << random_.randrange(8)
    return bytes(copy)


def outcome(data: bytes) -> str:
    """What `parse` makes of some bytes."""
    try:
        contents = containers.parse(io.BytesIO(data), "x")
    except containers.ContainerError as error:
        # numbers and names differ from case to case
        words = re.sub(r"(would call|refers to|unknown type|its|holds) [^ ]+ ?(?!pickle)", r"\1 … ", str(error))
        words = re.sub(r"'[^']*'|\(.*?\)|\[.*?\]|\d[\d,.]*( [kMGT]?B| bytes)?", "…", words.removeprefix("x: "))
        return f"refused: {re.split(r'[.:;,] ', words)[0]}"
    except Exception as error:
        return f"FAILED: {type(error).__name__}: {error}"
    total = sum(array.nbytes for array in contents.tensors.values())
    return "opened" if total <= MAX_GROWTH * len(data) else f"FAILED: {total} bytes of {len(data)}"


def serve(connection: Connection) -> None:
    """The child: an outcome for each file it is sent."""
    while data := connection.recv_bytes():
        connection.send(outcome(data))


class Child:
    """A process that parses; started anew when one crashes or hangs."""

    def __init__(self) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def outcome(self, data: bytes) -> str | None:
        """None when the child is of no use any more: see `process.exitcode`."""
        try:
            self.connection.send_bytes(data)
            return str(self.connection.recv()) if self.connection.poll(SECONDS) else None
        except (EOFError, OSError):
            self.process.join()
            return None

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    files, random_ = originals(), random.Random(options.seed)
    names = list(files)
    counts: collections.Counter[str] = collections.Counter()
    slowest, begin, child = 0.0, time.monotonic(), Child()
    child.outcome(b"x")  # the time of starting is no case's
    for number in range(options.cases):
        name = names[number % len(names)]
        started = time.monotonic()
        found = child.outcome(damaged(files[name], random_))
        slowest = max(slowest, time.monotonic() - started)
        if found is None:
            code = child.process.exitcode
            found = "FAILED: hung" if code is None else f"FAILED: crashed with exit status {code}"
            child.end()
            child = Child()
            child.outcome(b"x")
        if found.startswith("FAILED"):
            found = f"{found} (case {number}, {name})"
        counts[found] += 1
    child.end()
    for found, count in counts.most_common():
        print(f"{count:>7,}  {found}")
    failed = sum(count for found, count in counts.items() if found.startswith("FAILED"))
    refused = sum(count for found, count in counts.items() if found.startswith("refused"))
    print(
        f"{options.cases:,} cases of {len(names)} files in {time.monotonic() - begin:.1f} s, "
        f"slowest {slowest * 1e3:.0f} ms: {counts['opened']:,} opened, {refused:,} refused, "
        f"{failed} crashed, hung or failed"
    )
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
