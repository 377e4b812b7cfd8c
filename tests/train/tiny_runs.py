"""Runs that take a blink, driven to their end, and how to compare two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor

from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Command, Ended, Scalars, Stop, TrainEvent, TrainRequest
from ganexplorer.train.trainer import Trainer

Event = TypeVar("Event")

# eleven pictures, batches of four: step 3 runs over the end of the first epoch
TINY = TrainConfig(
    batch_size=4, steps=12, z_dim=3, g_widths=(5,), d_widths=(6,), image_size=8, log_every=1, sample_every=5,
    sample_count=3, snapshot_every=5, g_lr=0.01, d_lr=0.01,
)  # fmt: skip
PATTERN = TrainConfig(
    batch_size=1, steps=12, z_dim=1, prior="constant", g_widths=(3,), g_activation="sigmoid", g_output="sigmoid",
    d_widths=(3,), d_activation="sigmoid", d_output="sigmoid", loss="mse", optimizer="sgd", g_lr=0.1, d_lr=0.1,
    d_update="real-then-fake", log_every=1, sample_count=1, sample_every=100, snapshot_every=100,
)  # fmt: skip


def variant(base: TrainConfig, **changes: Any) -> TrainConfig:
    return TrainConfig.from_dict(base.to_dict() | changes)


def request(config: TrainConfig, data: Path | str, run: Path, **more: Any) -> TrainRequest:
    """On the CPU; `data` is a REF, or a folder of pictures."""
    ref = f"folder:{data}" if isinstance(data, Path) else data
    return TrainRequest(config, ref, run, "cpu", **more)


def train(asked: TrainRequest, stop_after: int | None = None) -> list[TrainEvent]:
    """All events of a run, stopped once the losses of step `stop_after` are out."""
    commands: list[Command] = []
    events = []
    for event in Trainer(asked, lambda _: commands.pop() if commands else None).run():
        events.append(event)
        if isinstance(event, Scalars) and event.step == stop_after:
            commands.append(Stop())
    return events


def of(kind: type[Event], events: list[TrainEvent]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def ended(events: list[TrainEvent]) -> Ended:
    """The last event, which must be the only `Ended`."""
    (end,) = of(Ended, events)
    assert events[-1] is end
    return end


def log_of(run: Path) -> list[dict[str, Any]]:
    """The scalars of the log without the speeds, which differ from run to run."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    varying = ("steps_per_second", "seconds")
    return [
        {name: value for name, value in line.items() if name not in varying} for line in lines if "event" not in line
    ]


def snapshot_tensors(run: Path, step: int) -> dict[str, Tensor]:
    return load_file(run / "snapshots" / f"{step:08d}.safetensors")


def saved_state(run: Path) -> dict[str, Any]:
    newest = max((run / "checkpoint").glob("*.pt"))
    state = torch.load(newest, weights_only=True)
    del state["seconds"]  # of training: differ from run to run
    return dict(leaves(state))


def leaves(state: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(state, dict):
        for key, value in state.items():
            yield from leaves(value, f"{path}/{key}")
    elif isinstance(state, list | tuple):
        for number, value in enumerate(state):
            yield from leaves(value, f"{path}/{number}")
    else:
        yield path, state


def differing(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    """Names whose values are not the same, bit for bit."""
    assert a.keys() == b.keys()
    return [k for k, v in a.items() if not (torch.equal(v, b[k]) if isinstance(v, Tensor) else v == b[k])]
