"""The same runs on a CUDA device: ``pytest -m gpu -n 0``."""

from __future__ import annotations

import dataclasses
import gc
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from test_control import at, both, steer
from tiny_runs import TINY, ended, log_of, of, request, snapshot_tensors, train, variant

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.train.events import Change, Continue, Mark, Pause, SnapshotSaved, StepOnce, Stepped, Stop, TrainRequest
from ganexplorer.train.losses import LossName
from ganexplorer.train.requests import forked, replayed, resumed

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
KINDS = {
    "mlp": TINY,
    "mlp with everything": variant(TINY, ema=0.9, r1_gamma=1.0, r2_gamma=0.5, same_z=False, lr_decay=0.5, d_every=2),
    "dcgan": variant(TINY, family="dcgan", image_size=16, g_widths=[6, 4], d_widths=[4, 6], init="dcgan"),
}


def on_gpu(asked: TrainRequest) -> TrainRequest:
    return dataclasses.replace(asked, device="cuda")


def losses(run: Path) -> list[list[float]]:
    return [[line["d_loss"], line["g_loss"]] for line in log_of(run)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop_after", [1, 7])
def test_a_resumed_run_follows_the_one_never_stopped(
    tmp_path: Path, picture_folder: Path, kind: str, stop_after: int
) -> None:
    train(on_gpu(request(KINDS[kind], picture_folder, tmp_path / "a")))
    train(on_gpu(request(KINDS[kind], picture_folder, tmp_path / "b")), stop_after)
    train(on_gpu(resumed(tmp_path / "b")))
    a, b = snapshot_tensors(tmp_path / "a", 12), snapshot_tensors(tmp_path / "b", 12)
    torch.testing.assert_close(a, b, **CLOSE)


@pytest.mark.parametrize("loss", get_args(LossName))
def test_every_loss_trains_with_penalties_and_augmentation(tmp_path: Path, picture_folder: Path, loss: str) -> None:
    config = variant(TINY, loss=loss, r1_gamma=0.1, r2_gamma=0.1, augment="color-translation-cutout", ema=0.9)
    assert ended(train(on_gpu(request(config, picture_folder, tmp_path / "run")))).reason == "finished"
    assert torch.isfinite(torch.tensor(losses(tmp_path / "run"))).all()


def test_a_steered_run_is_replayed_from_its_log(tmp_path: Path, picture_folder: Path) -> None:
    steered = both(
        at(3, Change({"g_lr": 0.03, "loss": "hinge"})),
        at(6, Pause(), StepOnce("d"), StepOnce("g"), Continue()),
        at(10, Stop()),
    )
    events = steer(on_gpu(request(TINY, picture_folder, tmp_path / "a")), steered)
    assert [step.networks for step in of(Stepped, events)] == ["d", "g"]
    train(on_gpu(replayed(tmp_path / "a", tmp_path / "b")))
    torch.testing.assert_close(torch.tensor(losses(tmp_path / "a")), torch.tensor(losses(tmp_path / "b")), **CLOSE)


def test_runs_are_rolled_back_and_forked(tmp_path: Path, picture_folder: Path) -> None:
    train(on_gpu(request(TINY, picture_folder, tmp_path / "a")))
    before = losses(tmp_path / "a")
    train(on_gpu(forked(tmp_path / "a", 5, tmp_path / "b")))
    train(on_gpu(resumed(tmp_path / "a", rollback=5)))
    for run in ("a", "b"):
        torch.testing.assert_close(torch.tensor(losses(tmp_path / run)), torch.tensor(before), **CLOSE)


def test_a_loss_that_is_not_finite_ends_the_run_within_a_step(tmp_path: Path, picture_folder: Path) -> None:
    config = variant(TINY, snapshot_every=1, log_every=1000, steps=200)

    def break_it(event: Any) -> list[Any]:
        return [Change({"g_lr": 10.0, "d_lr": 10.0})] if isinstance(event, SnapshotSaved) and event.step == 5 else []

    events = steer(
        on_gpu(request(variant(config, optimizer="sgd", loss="mse"), picture_folder, tmp_path / "run")), break_it
    )
    end = ended(events)
    assert end.reason == "failed"
    assert "no longer a finite number" in end.message
    assert [mark.kind for mark in of(Mark, events)][-1] == "trouble"
    assert end.snapshot is not None
    assert all(torch.isfinite(value).all() for value in Checkpoint.load(end.snapshot).generator.state_dict().values())


def test_out_of_memory_ends_the_run_and_gives_the_memory_back(tmp_path: Path, picture_folder: Path) -> None:
    train(on_gpu(request(TINY, picture_folder, tmp_path / "warm")))
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.set_per_process_memory_fraction(0.02)
    try:
        wide = variant(TINY, g_widths=[16384, 16384, 16384, 16384], d_widths=[16384, 16384, 16384, 16384])
        end = ended(train(on_gpu(request(wide, picture_folder, tmp_path / "run"))))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert end.reason == "failed"
    assert "memory" in end.message
    gc.collect()
    assert torch.cuda.memory_allocated() <= before + 2**20
    assert ended(train(on_gpu(request(TINY, picture_folder, tmp_path / "after")))).reason == "finished"
