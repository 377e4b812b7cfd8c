"""Parse damaged copies of files in a process of its own: all truncations of each, and copies with flipped bits.

python parse_damaged.py FLIPS FILE...   prints {outcome: count} as JSON
"""

from __future__ import annotations

import collections
import io
import json
import random
import sys
from pathlib import Path

from ganexplorer.core.foreign import containers
from ganexplorer.core.foreign.archive import MAX_GROWTH


def outcome(data: bytes) -> str:
    """ "opened" or "refused"; whatever else comes of it ends this process."""
    try:
        contents = containers.parse(io.BytesIO(data), "x")
    except containers.ContainerError as error:
        text = str(error)
        assert text.startswith("x: ")
        assert text.isprintable()
        assert len(text) < 500
        return "refused"
    assert sum(array.nbytes for array in contents.tensors.values()) <= MAX_GROWTH * len(data)
    return "opened"


def main() -> None:
    flips, files = int(sys.argv[1]), [Path(name).read_bytes() for name in sys.argv[2:]]
    counts = collections.Counter(outcome(data[:end]) for data in files for end in range(len(data)))
    random_ = random.Random(1)
    for number in range(flips):
        data = bytearray(files[number % len(files)])
        for _ in range(random_.randint(1, 8)):
            data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
        counts[f"flipped {outcome(bytes(data))}"] += 1
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
