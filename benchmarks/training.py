"""Training: the recipes as the program runs them, against the tutorials' loops and what the machine can multiply.

    uv run python benchmarks/training.py [RECIPE ...] [--data DIR] [--pictures DIR] [--device cuda] [--rounds 5]

Both train in this process, in turns of some seconds, from the same files: MNIST's in DIR, pictures in the class folders
of another; both are drawn when they are not named. The program's side is a whole run, with its log, samples and
snapshots. The ceiling is the floating-point operations of a step (counted by PyTorch) at the speed of a large matrix
product of the same kind of numbers. In steps a second, and for pictures in images a second.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import drawn_data
import measuring
import reference
import torch
from torch.utils.flop_counter import FlopCounterMode

from ganexplorer.core.devices import pick_device
from ganexplorer.core.networks import build, initialize
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Ended, Scalars, TrainRequest
from ganexplorer.train.recipes import recipe
from ganexplorer.train.steps import AdversarialStep
from ganexplorer.train.trainer import Trainer

AIMS = {  # ratio to the tutorial's loop on a CPU, and share of the ceiling
    "mlp-64": (3.5, 0.6),
    "mlp-100-smooth": (3.5, 0.6),
    "mlp-96": (3.5, 0.6),
    "dcgan-64": (2.0, None),
}
AIMS_CUDA: dict[str, tuple[float, float | None]] = {"mlp-64": (15.0, None), "dcgan-64": (4.0, 0.5)}
PLAIN_LOOPS = tuple(AIMS)
PICTURES = {"dcgan-64": (128, 64)}  # recipes of pictures, and sizes of their batches; the others have their recipe's
PRODUCT = 1536  # side of the matrices of a large product


def run_of(config: TrainConfig, name: str, data: str, device: str, folder: Path, seconds: float) -> Callable[[], float]:
    """A run of the program that goes on for so many seconds at each call, and returns its steps a second."""
    config = dataclasses.replace(config, epochs=0, steps=10**8)
    events = Trainer(TrainRequest(config, data, folder, device, recipe=name)).run()

    def until_scalars() -> Scalars:
        for event in events:
            if isinstance(event, Scalars):
                return event
            if isinstance(event, Ended):
                sys.exit(f"{name}: {event.message}")
        raise AssertionError("a run ends with `Ended`")

    until_scalars()

    def go_on() -> float:
        first = last = until_scalars()
        begun = time.perf_counter()
        while (passed := time.perf_counter() - begun) < seconds or last is first:
            last = until_scalars()
        passed = time.perf_counter() - begun
        return (last.step - first.step) / passed

    return go_on


def plain_loop(name: str, batch_size: int, folder: Path, device: str, seconds: float) -> Callable[[], float]:
    """The same of a tutorial's loop; of pictures with batches of that size, the others have their own."""
    if name in PICTURES:
        loop = reference.dcgan_64(folder, 10**8, device, batch_size)
    else:
        loop = reference.LOOPS[name](folder, 10**8, device)

    def go_on() -> float:
        next(loop)
        count, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < seconds:
            next(loop)
            count += 1
        if device == "cuda":
            torch.cuda.synchronize()
        return count / (time.perf_counter() - begun)

    return go_on


def operations(config: TrainConfig, image_shape: tuple[int, int, int], steps: int = 12) -> float:
    """Floating-point operations of matrix products and convolutions in a step, on average over the first ones."""
    generator, discriminator = (build(spec) for spec in config.specs(image_shape))
    rng = torch.Generator().manual_seed(0)
    for network in (generator, discriminator):
        initialize(network, config.init, rng)
    step = AdversarialStep(config, generator, discriminator, rng, 10**8)
    real = torch.zeros(config.batch_size, *image_shape)
    with FlopCounterMode(display=False) as counter:
        for number in range(1, steps + 1):
            step(number, real)
    return counter.get_total_flops() / steps


def ceiling(config: TrainConfig, image_shape: tuple[int, int, int], device: str, seconds: float) -> Callable[[], float]:
    """Steps a second, were a step nothing but its operations at the speed of a large matrix product.

    In float32, on a GPU in bfloat16, the fastest that it could compute in.
    """
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    left, right = (torch.rand(PRODUCT, PRODUCT, device=device, dtype=dtype) for _ in range(2))
    out = torch.empty_like(left)
    count = operations(config, image_shape)

    def multiply() -> float:
        products, begun = 0, time.perf_counter()
        while (passed := time.perf_counter() - begun) < seconds:
            torch.mm(left, right, out=out)
            if device == "cuda":
                torch.cuda.synchronize()
            products += 1
        return products * 2 * PRODUCT**3 / count / passed

    return multiply


def measure(arguments: argparse.Namespace) -> Iterator[measuring.Row]:
    device = str(pick_device(arguments.device))
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        os.environ["GANEXPLORER_HOME"] = str(scratch / "home")  # what is read is kept there
        folders = {"mnist": arguments.data, "folder": arguments.pictures}
        for chosen in ["mlp-64"] if arguments.check else arguments.recipes or PLAIN_LOOPS:
            kind = "folder" if chosen in PICTURES else "mnist"
            if folders[kind] is None:
                folders[kind] = (drawn_data.faces if chosen in PICTURES else drawn_data.digits)(scratch / kind)
            for batch_size in PICTURES.get(chosen, (recipe(chosen).config.batch_size,)):
                yield from rows(chosen, batch_size, kind, folders[kind], device, scratch, arguments)


def rows(
    name: str, batch_size: int, kind: str, folder: Path, device: str, scratch: Path, arguments: argparse.Namespace
) -> Iterator[measuring.Row]:
    """A recipe with batches of that size, against the tutorial's loop and, but for a check, the matrix product."""
    seconds = 0.5 if arguments.check else arguments.seconds
    config = dataclasses.replace(recipe(name).config, batch_size=batch_size)
    unit, scale = ("images/s", batch_size) if name in PICTURES else ("steps/s", 1)
    run = Path(tempfile.mkdtemp(dir=scratch)) / "run"
    ways = {
        "ganexplorer": run_of(config, name, f"{kind}:{folder}", device, run, seconds),
        "tutorial's loop": plain_loop(name, batch_size, folder, device, seconds),
    }
    shape = (3, 64, 64) if name in PICTURES else (1, 28, 28)
    if not arguments.check:
        ways["matrix product"] = ceiling(config, shape, device, seconds / 4)
    found = measuring.alternate(ways, arguments.rounds)
    found = {way: [scale * rate for rate in rates] for way, rates in found.items()}
    ratio, share = (AIMS if device == "cpu" else AIMS_CUDA).get(name, (None, None))
    bounds = [measuring.Bound("ratio", ratio, is_most=False)] if ratio else []
    limit = found.pop("matrix product", None)
    guard = None if name in PICTURES else measuring.Bound("ratio", 1.2, is_most=False)
    yield measuring.Row(f"training {name}, batch {batch_size}, {device}", unit, found, bounds, guard=guard)
    if limit is not None:
        yield measuring.Row(
            f"training {name}, batch {batch_size}, of what the machine's matrix product allows",
            unit,
            {"ganexplorer": found["ganexplorer"], "matrix product": limit},
            [measuring.Bound("ratio", share, is_most=False)] if share else [],
            f"{operations(config, shape) / 1e9:.3f} G operations a step",
        )


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipes", nargs="*", choices=[*PLAIN_LOOPS, []], metavar="RECIPE", help=", ".join(PLAIN_LOOPS))
    parser.add_argument("--data", type=Path, metavar="DIR", help="with MNIST as torchvision keeps it; default drawn")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="with a folder of pictures; default drawn faces")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--seconds", type=float, default=6.0, help="of each turn (default 6)")


if __name__ == "__main__":
    sys.exit(measuring.main(__doc__, measure, add))
