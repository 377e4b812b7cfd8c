"""What the tests of several processes do in each of them; torchrun starts this file.

``two_processes.py check OUT PICTURES train ...``: all that needs no start of its own; results to OUT/RANK.pt. Then the
command line.
``two_processes.py die STEP train ...``: the command line, in which process 1 is killed before STEP, the first time.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.rendezvous import rendezvous

from ganexplorer.__main__ import main as command_line
from ganexplorer.core.networks import build, initialize
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Command, Ended, Notice, Scalars, Started, Stop, TrainRequest
from ganexplorer.train.parallel import ALONE, Parallel
from ganexplorer.train.recipes import recipe
from ganexplorer.train.steps import AdversarialStep, NotFinite
from ganexplorer.train.sync_norm import SyncedBatchNorm
from ganexplorer.train.trainer import Trainer

STEPS = 8


def tiny(**changes: Any) -> TrainConfig:
    """Batches of three a process."""
    config = {
        "batch_size": 3, "steps": 10, "z_dim": 5, "g_widths": [7, 6], "d_widths": [8, 5], "image_size": 8,
        "g_lr": 1e-2, "d_lr": 5e-3, "same_z": False,
    }  # fmt: skip
    return TrainConfig.from_dict(config | changes)


DCGAN: dict[str, Any] = {
    "family": "dcgan", "image_size": 16, "g_widths": [6, 4], "d_widths": [4, 6], "init": "dcgan", "sync_bn": True,
}  # fmt: skip
EQUAL_TO_ONE: dict[str, TrainConfig] = {
    "bce, R1, fresh z": tiny(r1_gamma=1.5),
    "R1 and R2, every second step": tiny(r1_gamma=1.5, r2_gamma=0.5, r1_every=2),
    "wgan-gp": tiny(loss="wgan-gp"),
    "wgan": tiny(loss="wgan", optimizer="rmsprop", clip=0.1),
    "relativistic, DiffAugment": tiny(loss="relativistic", augment="color-translation-cutout", r1_gamma=1.0),
    "real then fake, same z": tiny(d_update="real-then-fake", same_z=True, loss="hinge", augment="translation"),
    "average, falling rates": tiny(ema=0.8, lr_decay=0.7, smoothing=0.1, prior="uniform"),
    "D every third, G every second": tiny(d_every=3, g_every=2),
    "pattern, one image a process": tiny(
        batch_size=1, z_dim=1, prior="constant", g_widths=[3], d_widths=[3], g_output="sigmoid", d_output="sigmoid",
        loss="mse", optimizer="sgd", g_lr=0.5, d_lr=0.5, image_size=0, same_z=True, d_update="real-then-fake",
    ),
    "no batch norm to see": tiny(sync_bn=True),
    "batch norm": tiny(**DCGAN),
    "batch norm, R1, average": tiny(**DCGAN, r1_gamma=1.5, ema=0.8),
    "batch norm, relativistic, same z": tiny(**DCGAN | {"same_z": True}, loss="relativistic", d_output="sigmoid"),
}  # fmt: skip
APART = tiny(**DCGAN | {"sync_bn": False})  # each process normalises by its own batch
LONG = (
    "steps=40", "batch_size=2", "z_dim=3", "g_widths=5", "d_widths=6", "image_size=8", "log_every=1",
    "snapshot_every=10", "sample_every=1000", "sample_count=2",
)  # fmt: skip


def image_shape(config: TrainConfig) -> tuple[int, int, int]:
    return (1, config.image_size, config.image_size) if config.image_size else (1, 1, 4)


def whole_batch(config: TrainConfig, count: int, step: int) -> Tensor:
    """`count` real images in [-1, 1]."""
    rng = torch.Generator().manual_seed(100 + step)
    return torch.rand(count, *image_shape(config), generator=rng) * 2 - 1


@contextmanager
def double() -> Iterator[None]:
    """float64 for networks and batches that are made meanwhile."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def begun(config: TrainConfig, parallel: Parallel) -> AdversarialStep:
    """Networks alike in all processes."""
    rng = torch.Generator().manual_seed(11)
    generator, discriminator = (build(spec) for spec in config.specs(image_shape(config)))
    initialize(generator, config.init, rng)
    initialize(discriminator, config.init, rng)
    return AdversarialStep(config, generator, discriminator, torch.Generator().manual_seed(3), config.steps, parallel)


def stepped(config: TrainConfig, parallel: Parallel = ALONE) -> dict[str, Tensor]:
    """Weights, statistics and averages after `STEPS` steps, and the measures of each."""
    optimization = begun(config, parallel)
    measures = []
    for step in range(1, STEPS + 1):
        real = whole_batch(config, config.batch_size * parallel.size, step)[parallel.share(config.batch_size)]
        measured = optimization(step, real, measure=True)
        assert measured is not None
        measures.append(measured)
    result = {"measures": torch.stack(measures)}
    for name in ("generator", "discriminator", "average"):
        network = getattr(optimization, name)
        result |= {} if network is None else {f"{name}.{k}": v for k, v in network.state_dict().items()}
    return result


def normalised(norm: nn.BatchNorm1d | nn.BatchNorm2d, inputs: Tensor, share: slice, mean: Any) -> dict[str, Tensor]:
    """A batch norm's output, derivatives and statistics on a share of `inputs`; `mean` is over all processes."""
    inputs = inputs[share].detach().requires_grad_()
    output = norm(inputs)
    verdict = (output.flatten(1).sum(1) * output.square().flatten(1).sum(1)).sin()
    (slope,) = torch.autograd.grad(verdict.sum(), inputs, create_graph=True)
    loss = verdict.mean() + slope.square().flatten(1).sum(1).mean()
    gradients = mean(torch.autograd.grad(loss, [norm.weight, norm.bias]))
    result = {"output": output.detach(), "slope": slope.detach()}
    result |= {"weight": gradients[0], "bias": gradients[1]}
    return result | {name: value.clone() for name, value in norm.named_buffers()}


def norms(size: int) -> list[tuple[nn.BatchNorm1d | nn.BatchNorm2d, Tensor]]:
    """Batch norms that are not the identity, and inputs far from zero for the whole batch, three a process."""
    rng = torch.Generator().manual_seed(5)
    pairs: list[tuple[nn.BatchNorm1d | nn.BatchNorm2d, Tensor]] = []
    kinds = ((nn.BatchNorm1d, ()), (nn.BatchNorm2d, (4, 2)), (nn.BatchNorm2d, (1, 1)))
    for kind, pixels in kinds:
        norm = kind(4, eps=1e-3, momentum=0.3)
        nn.init.normal_(norm.weight, generator=rng)
        nn.init.normal_(norm.bias, generator=rng)
        inputs = torch.randn(3 * size, 4, *pixels, generator=rng) * 3 + 50
        pairs.append((norm, inputs))
    return pairs


def check(parallel: Parallel, out: Path, pictures: Path) -> None:
    """Everything that `test_distributed` asks for."""
    with double():
        result: dict[str, Any] = {name: stepped(config, parallel) for name, config in EQUAL_TO_ONE.items()}
        result["apart"] = stepped(APART, parallel)
        result["norms"] = [
            normalised(SyncedBatchNorm(norm, parallel.rank, parallel.size), inputs, parallel.share(3), parallel.average)
            for norm, inputs in norms(parallel.size)
        ]
    result["nan"] = not_finite(parallel)
    result["shares"] = shares(parallel)
    result["from first"] = parallel.from_first(lambda: f"made by {parallel.rank}")
    result |= {name: outcome(name, parallel, out, pictures) for name in OUTCOMES}
    torch.save(result, out / f"{parallel.rank}.pt")


def shares(parallel: Parallel) -> Tensor:
    """Which of ten images each process takes, as an average over all."""
    taken = torch.zeros(5 * parallel.size)
    taken[parallel.share(5)] = 1
    return parallel.average([taken])[0]


def not_finite(parallel: Parallel) -> bool:
    """Whether a loss that is nan in process 1 alone is noticed here too, before it touches a weight."""
    config = tiny()
    optimization = begun(config, parallel)
    before = [p.detach().clone() for p in optimization.discriminator.parameters()]
    real = whole_batch(config, config.batch_size, 1) * (float("nan") if parallel.rank else 1.0)
    try:
        optimization(1, real)
    except NotFinite:
        return all(torch.equal(p, q) for p, q in zip(optimization.discriminator.parameters(), before, strict=True))
    return False


def pictures_config(*settings: str) -> TrainConfig:
    return recipe("mlp-64-stable").config.with_settings([*LONG, *settings])


@dataclass(frozen=True)
class Case:
    """A run of both processes: its settings, and what process 1 has otherwise."""

    settings: tuple[str, ...] = ()
    folder: str = ""  # of its pictures, in that of the others
    stop: int = 0  # asked for by it once this step is logged
    start: str = ""
    data: str = ""  # of both, else the folder of pictures


OUTCOMES = {
    "long": Case(),
    "epochs": Case(("steps=0", "epochs=8")),
    "fine-tuned": Case(("steps=260", "z_dim=4", "d_lr=1e-3"), start="generator.safetensors"),
    "stopped by one": Case(stop=7),
    "missing in one": Case(folder="missing"),
    "other data in one": Case(folder="a"),
    "bad networks": Case(("family=dcgan", "g_widths=5-5-5")),
    "judged": Case(("steps=4", "metrics_every=2"), data="toy:digits"),
    "too few to judge": Case(("metrics_every=5",)),
    "long again": Case(),
}


def case_request(case: Case, run: Path, pictures: Path, *settings: str) -> TrainRequest:
    config = pictures_config(*case.settings, *settings)
    start = str(run.parent / case.start) if case.start else ""
    return TrainRequest(config, case.data or f"folder:{pictures}", run, "cpu", start=start)


def outcome(name: str, parallel: Parallel, out: Path, pictures: Path) -> tuple[Any, ...]:
    """How a run ended: reason, kind of error, last step, all steps, what was told; then all notices and distances."""
    case = OUTCOMES[name]
    asked: list[Command] = []
    request = case_request(
        case, out / name.removesuffix(" again"), pictures / case.folder if parallel.rank else pictures
    )
    trainer = Trainer(request, lambda _: asked.pop() if asked else None, parallel)
    total = 0
    notices, distances = [], []
    for event in trainer.run():
        if isinstance(event, Started):
            total = event.total_steps
        if isinstance(event, Notice):
            notices.append(event.text)
        if isinstance(event, Scalars):
            distances += [] if math.isnan(event.distance) else [(event.step, event.distance)]
            if event.step == case.stop and parallel.rank == 1:
                asked.append(Stop())
    assert isinstance(event, Ended)
    return event.reason, type(trainer.error).__name__, event.step, total, event.message, notices, distances


def kill_once(step: int) -> None:
    """Let process 1 die without a word before `step`, unless torchrun has started it anew."""
    if os.environ["RANK"] == "0" or os.environ["TORCHELASTIC_RESTART_COUNT"] != "0":
        return
    original = AdversarialStep.__call__

    def call(self: AdversarialStep, number: int, *arguments: Any, **named: Any) -> Tensor | None:
        if number == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(self, number, *arguments, **named)

    AdversarialStep.__call__ = call  # type: ignore[method-assign]


def main() -> int:
    if sys.argv[1] == "check":
        out, pictures = map(Path, sys.argv[2:4])
        store, rank, size = next(rendezvous("env://"))
        store = dist.PrefixStore("check", store)  # the command line will join once more
        dist.init_process_group("gloo", store=store, rank=rank, world_size=size)
        check(Parallel(rank, size, store), out, pictures)
        dist.destroy_process_group()
        sys.argv[1:4] = []
    else:
        kill_once(int(sys.argv[2]))
        sys.argv[1:3] = []
    return command_line()


if __name__ == "__main__":
    sys.exit(main())
