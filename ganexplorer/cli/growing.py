"""film: how the fixed samples of a run grew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ganexplorer.cli.parsing import add_command, parse_finite, parse_positive
from ganexplorer.core.errors import plain


def add(commands: Any) -> None:
    """Add the parser of the command."""
    command = add_command(
        commands,
        "film",
        "show how the fixed samples of a training run grew",
        "ganexplorer film runs/first -o growth.gif",
    )
    command.add_argument("run_folder", type=Path, metavar="RUN", help="a run folder")
    command.add_argument(
        "-o", "--out", type=Path, required=True, help="OUT.gif or OUT.mp4: a film; OUT.png: one sheet, time runs down"
    )
    command.add_argument("--fps", type=parse_finite, default=10.0, help="moments a second of a film (default 10)")
    command.add_argument("--rows", type=parse_positive, default=10, help="moments on a sheet (default 10)")
    command.add_argument("--columns", type=parse_positive, default=6, help="samples on a sheet (default 6)")
    command.set_defaults(run=_film)


def _film(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from ganexplorer.train.growth import write_growth

    with tqdm(desc="reading samples", delay=1) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        shown = write_growth(
            arguments.out, arguments.run_folder, arguments.fps, arguments.rows, arguments.columns, progress
        )
    text = f"{arguments.out}: {len(shown)} moments, from step {shown[0].step:,} to {shown[-1].step:,}"
    print(plain(text), file=sys.stderr)
    return 0
