from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ganexplorer.core import zoo
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import build, initialize, mlp_generator
from ganexplorer.core.spec import ReLU, Tanh
from ganexplorer.train.assets import load_digit_classifier
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import (
    Change,
    Changed,
    Command,
    Ended,
    Keep,
    Mark,
    Notice,
    PublishWeights,
    Scalars,
    Stop,
    TrainRequest,
    Weights,
)
from ganexplorer.train.progress import finished
from ganexplorer.train.quality import COUNT, Quality
from ganexplorer.train.run_log import read_entries
from ganexplorer.train.sources import ResidentImages
from ganexplorer.train.torchvision_sets import DIGITS
from ganexplorer.train.toys import draw_digits
from ganexplorer.train.trainer import Trainer

CONFIG = TrainConfig(
    g_widths=(16,), d_widths=(16,), z_dim=8, batch_size=8, steps=12, log_every=5, sample_every=100, snapshot_every=6,
    metrics_every=4,
)  # fmt: skip
MEASURED = ("distance", "precision", "recall", "sure")


@pytest.fixture
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """toy:digits with so many that a run is quick."""
    monkeypatch.setattr("ganexplorer.train.data.TOY_DIGITS", 400)


def source(count: int = 200, names: tuple[str, ...] = DIGITS) -> ResidentImages:
    """Drawn digits, of which it is known that they are some, or not."""
    images = torch.cat([images for images, _ in draw_digits(count)])
    members: Any = type("Members", (), {"names": names})()
    return ResidentImages(images, members, 0, "drawn digits")


def generator(seed: int = 0) -> Any:
    network = build(mlp_generator(8, (16,), (1, 28, 28), Prior.normal(), ReLU(), Tanh()))
    initialize(network, "default", torch.Generator().manual_seed(seed))
    return network.train()


def run(config: TrainConfig, folder: Path, data: str = "toy:digits", **request: Any) -> Iterator[Any]:
    poll = request.pop("poll", lambda seconds: None)
    return Trainer(TrainRequest(config, data, folder, "cpu", **request), poll).run()


def scalars(events: Any) -> list[Scalars]:
    return [event for event in events if isinstance(event, Scalars)]


def test_a_generator_is_measured_alike_each_time_and_left_as_it_is() -> None:
    quality = Quality(source(), Prior.normal(), 8, 0, torch.device("cpu"))
    network = generator()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    first, second = (finished(quality.measure(network)) for _ in range(2))
    assert first == second
    assert set(first) == set(MEASURED)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_untrained_networks_are_far_from_real_images_and_real_images_are_not() -> None:
    real = source(2 * COUNT)
    quality = Quality(real, Prior.normal(), 8, 0, torch.device("cpu"))
    untrained = finished(quality.measure(generator()))
    assert untrained["recall"] < 0.1
    assert quality._reference is not None
    others = finished(quality._reference.scoring(real.images[torch.randperm(2 * COUNT)[: quality._reference.count]]))
    assert untrained["distance"] > 5 * others.rows[0].value


def test_clear_digits_are_those_that_the_classifier_is_sure_of() -> None:
    """Of a trained generator, as it is sure of all that an untrained one makes."""
    network = zoo.resolve("mnist-mlp-64").load().generator
    quality = Quality(source(2 * COUNT), Prior.normal(), 64, 0, torch.device("cpu"))
    found = finished(quality.measure(network))["sure"]
    shown = network.eval()(Prior.normal().sample(COUNT, 64, torch.Generator().manual_seed(2)))
    odds = load_digit_classifier().judge(shown)[1].softmax(1).amax(1)
    assert found == pytest.approx((odds > 0.9).float().mean().item(), abs=0.005)
    assert 0.8 < found < 0.97


def test_clear_digits_are_measured_of_digits_alone() -> None:
    quality = Quality(source(names=()), Prior.normal(), 8, 0, torch.device("cpu"))
    assert set(finished(quality.measure(generator()))) == {*MEASURED} - {"sure"}


@pytest.mark.usefixtures("few_digits")
def test_a_run_measures_at_its_steps_and_at_no_others(tmp_path: Path) -> None:
    found = scalars(run(CONFIG, tmp_path / "run"))
    assert [item.step for item in found] == [4, 5, 8, 10, 12]
    for item in found:
        values = [getattr(item, name) for name in MEASURED]
        assert all(math.isfinite(value) == (item.step % 4 == 0) for value in values)
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [line.count("distance") for line in lines] == [1, 0, 1, 0, 1]
    logged = scalars(read_entries(tmp_path / "run" / "log.jsonl"))
    assert [item.distance for item in logged if item.step == 8] == [item.distance for item in found if item.step == 8]


@pytest.mark.usefixtures("few_digits")
def test_measuring_changes_no_step(tmp_path: Path) -> None:
    with_it = scalars(run(CONFIG, tmp_path / "a"))
    without = scalars(run(dataclasses.replace(CONFIG, metrics_every=0), tmp_path / "b"))
    losses = {item.step: (item.d_loss, item.g_loss) for item in with_it}
    assert without
    assert all(losses[item.step] == (item.d_loss, item.g_loss) for item in without)


@pytest.mark.usefixtures("few_digits")
def test_weights_that_are_asked_for_meanwhile_come_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measuring = False
    asked: list[Command] = [PublishWeights()]
    original = Quality.measure

    def measure(self: Quality, network: Any) -> Any:
        nonlocal measuring
        measuring = True
        result = yield from original(self, network)
        measuring = False
        return result

    monkeypatch.setattr(Quality, "measure", measure)
    answered = [
        measuring
        for event in run(CONFIG, tmp_path / "run", poll=lambda seconds: asked.pop() if measuring and asked else None)
        if isinstance(event, Weights)
    ]
    assert answered == [True]


@pytest.mark.usefixtures("few_digits")
def test_a_stop_meanwhile_ends_the_run_with_a_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    polls = 0

    def poll(seconds: float) -> Command | None:
        nonlocal polls
        polls += 1
        return Stop() if polls > 8 else None

    *_, ended = run(CONFIG, tmp_path / "run", poll=poll)
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.step) == ("stopped", 4)
    assert ended.snapshot is not None


@pytest.mark.usefixtures("few_digits")
def test_a_snapshot_that_a_stop_meanwhile_wants_kept_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was asked before the stop is done before it."""
    measuring = False
    asked: list[Command] = [Stop(8), Change({"g_lr": 0.01}), Keep("of mine")]
    original = Quality.measure

    def measure(self: Quality, network: Any) -> Any:
        nonlocal measuring
        measuring = len(list((tmp_path / "run" / "snapshots").glob("*"))) > 1
        result = yield from original(self, network)
        measuring = False
        return result

    monkeypatch.setattr(Quality, "measure", measure)
    request = TrainRequest(
        dataclasses.replace(CONFIG, steps=1000, snapshot_every=4), "toy:digits", tmp_path / "run", "cpu"
    )
    trainer = Trainer(request, lambda seconds: asked.pop() if measuring and asked else None)
    *_, ended = trainer.run()
    assert isinstance(ended, Ended)
    assert (ended.reason, asked) == ("stopped", [])
    assert trainer._writer.kept == {8, ended.step}
    entries = read_entries(tmp_path / "run" / "log.jsonl")
    assert [entry.settings for entry in entries if isinstance(entry, Changed)] == [{"g_lr": 0.01}]
    assert [entry.text for entry in entries if isinstance(entry, Mark) and entry.kind == "kept"] == ["of mine"]


@pytest.mark.usefixtures("few_digits")
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "There is not memory enough beside the training."),
        (torch.linalg.LinAlgError("did not converge"), "did not converge"),
        (ModuleNotFoundError("No module named 'torchmetrics'"), "No module named 'torchmetrics'"),
    ],
)
def test_a_measurement_that_fails_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fail(*arguments: Any, **named: Any) -> None:
        raise error

    monkeypatch.setattr("ganexplorer.train.measures.metrics.Frechet", fail)
    events = list(run(CONFIG, tmp_path / "run"))
    assert [event.text for event in events if isinstance(event, Notice)] == [f"Quality is not measured: {told}"]
    assert events[-1].reason == "finished"
    assert [item.step for item in scalars(events)] == [4, 5, 8, 10, 12]
    assert all(math.isnan(item.distance) for item in scalars(events))


def test_data_that_cannot_be_compared_is_told_once_and_training_goes_on(tmp_path: Path) -> None:
    config = TrainConfig(
        z_dim=1, prior="constant", g_widths=(3,), d_widths=(3,), loss="mse", batch_size=1, steps=9, metrics_every=2
    )
    events = list(run(config, tmp_path / "run", "toy:1010"))
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert len([text for text in notices if text.startswith("Quality is not measured: ")]) == 1
    assert events[-1].reason == "finished"
    assert all(math.isnan(item.distance) for item in scalars(events))
