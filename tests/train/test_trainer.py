"""What a training run says and when: its events, its end, commands, failures."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_runs import (
    PATTERN,
    TINY,
    differing,
    ended,
    log_of,
    of,
    request,
    saved_state,
    snapshot_tensors,
    train,
    variant,
)

from ganexplorer.core import latent
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.media import sheet
from ganexplorer.core.render import to_pixels
from ganexplorer.core.spec import NetworkSpec
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.data import DataError
from ganexplorer.train.events import (
    Command,
    Ended,
    Paused,
    Preview,
    Progress,
    PublishWeights,
    Scalars,
    SnapshotSaved,
    Started,
    Stop,
    TrainEvent,
    Weights,
)
from ganexplorer.train.steps import AdversarialStep
from ganexplorer.train.trainer import Trainer

DCGAN = variant(
    TINY, family="dcgan", image_size=16, g_widths=[6, 4], d_widths=[4, 6], init="dcgan", d_output="sigmoid", steps=8
)


def at_polls(commands: dict[int, Command]) -> Callable[[float], Command | None]:
    """Give each command at the poll of its number, from 1. `toy:1010` polls once before each step."""
    count = 0

    def poll(_: float) -> Command | None:
        nonlocal count
        count += 1
        return commands.get(count)

    return poll


# --- order and content of events -------------------------------------------------------------------------------------


def test_events_come_in_order(tmp_path: Path) -> None:
    config = variant(PATTERN, steps=7, log_every=2, sample_every=3, snapshot_every=4)
    events = train(request(config, "toy:1010", tmp_path / "run"))
    assert [(type(event), getattr(event, "step", None)) for event in events] == [
        (Started, None),
        (Preview, 0),
        (Scalars, 2),
        (Preview, 3),
        (Scalars, 4),
        (SnapshotSaved, 4),
        (Scalars, 6),
        (Preview, 6),
        (Preview, 7),
        (SnapshotSaved, 7),
        (Ended, 7),
    ]


def test_a_last_step_that_is_due_for_a_snapshot_is_saved_once(tmp_path: Path) -> None:
    config = variant(PATTERN, steps=10, snapshot_every=5)
    events = train(request(config, "toy:1010", tmp_path / "run"))
    assert [saved.step for saved in of(SnapshotSaved, events)] == [5, 10]


def test_progress_comes_before_started_and_never_after(tmp_path: Path, picture_folder: Path) -> None:
    events = train(request(TINY, picture_folder, tmp_path / "run"))
    kinds = [type(event) for event in events]
    assert Progress in kinds
    assert set(kinds[: kinds.index(Started)]) == {Progress}
    assert Progress not in kinds[kinds.index(Started) :]


def test_a_finished_run_ends_at_its_last_step_with_its_snapshot(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    end = ended(train(request(TINY, picture_folder, run)))
    assert end == Ended("finished", 12, "", run / "snapshots" / "00000012.safetensors")


def test_started_tells_networks_data_device_and_length(tmp_path: Path, picture_folder: Path) -> None:
    """64 inputs: 3*5+5 + 5*64+64 = 404 weights of G, 64*6+6 + 6+1 = 397 of D; 11 / 4 steps an epoch."""
    run = tmp_path / "run"
    (started,) = of(Started, train(request(TINY, picture_folder, run, recipe="mlp-64")))
    assert (started.run, started.recipe, started.device) == (run, "mlp-64", "cpu")
    assert str(picture_folder) in started.data
    assert started.parameters == (404, 397)
    assert (started.first_step, started.total_steps, started.steps_per_epoch) == (0, 12, 2.75)
    spec = NetworkSpec.from_json(started.generator)
    assert (spec.z_dim, spec.image_shape, spec.is_generator) == (3, (1, 8, 8), True)


@pytest.mark.parametrize(("epochs", "steps", "total"), [(3, 0, 9), (1, 0, 3), (4, 0, 11), (3, 5, 5)])
def test_epochs_count_where_steps_are_0(
    tmp_path: Path, picture_folder: Path, epochs: int, steps: int, total: int
) -> None:
    events = train(request(variant(TINY, epochs=epochs, steps=steps), picture_folder, tmp_path / "run"))
    assert of(Started, events)[0].total_steps == total
    assert ended(events).step == total


def test_scalars_come_at_their_interval_with_the_epoch(tmp_path: Path, picture_folder: Path) -> None:
    scalars = of(Scalars, train(request(variant(TINY, log_every=4), picture_folder, tmp_path / "run")))
    assert [(s.step, s.epoch) for s in scalars] == [(4, 16 / 11), (8, 32 / 11), (12, 48 / 11)]


def test_scalars_are_consistent_numbers(tmp_path: Path, picture_folder: Path) -> None:
    for scalars in of(Scalars, train(request(TINY, picture_folder, tmp_path / "run"))):
        values = dataclasses.asdict(scalars)
        assert all(
            math.isnan(values.pop(name)) for name in ("distance", "precision", "recall", "sure")
        )  # not asked for
        assert all(np.isfinite(value) for value in values.values())
        assert scalars.d_loss == pytest.approx(scalars.d_loss_real + scalars.d_loss_fake, rel=1e-6)
        assert 0 < scalars.d_real < 1
        assert 0 < scalars.d_fake_before < 1
        assert 0 < scalars.d_fake_after < 1
        assert scalars.steps_per_second > 0


def test_the_first_losses_are_those_of_the_first_step(tmp_path: Path) -> None:
    """A sigmoid discriminator near 1/2 and squared errors: all near 1/4."""
    config = variant(PATTERN, d_lr=0.0, g_lr=0.0)
    first = of(Scalars, train(request(config, "toy:1010", tmp_path / "run")))[0]
    assert first.step == 1
    assert first.d_loss_real == pytest.approx((1 - first.d_real) ** 2, rel=1e-5)
    assert first.g_loss == pytest.approx((1 - first.d_fake_before) ** 2, rel=1e-5)
    assert first.d_fake_before == first.d_fake_after  # learning rate 0


@pytest.mark.parametrize(
    ("config", "shape"),
    [(TINY, (3, 8, 8)), (variant(TINY, sample_count=7, image_size=0), (7, 64, 64)), (DCGAN, (3, 16, 16))],
    ids=["mlp", "folder's size", "dcgan"],
)
def test_gray_previews_have_a_row_for_each_sample(
    tmp_path: Path, picture_folder: Path, config: TrainConfig, shape: tuple[int, ...]
) -> None:
    config = variant(config, steps=1)
    for preview in of(Preview, train(request(config, picture_folder, tmp_path / "run"))):
        assert preview.pixels.shape == shape
        assert preview.pixels.dtype == np.uint8


def test_previews_of_colour_have_three_channels_last(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (8, 8), (200, 100, 40)).save(tmp_path / "pictures" / "a.png")
    events = train(request(variant(TINY, steps=1), tmp_path / "pictures", tmp_path / "run"))
    assert of(Preview, events)[0].pixels.shape == (3, 8, 8, 3)


def test_previews_of_the_pattern_are_four_values(tmp_path: Path) -> None:
    events = train(request(PATTERN, "toy:1010", tmp_path / "run"))
    assert of(Preview, events)[0].pixels.shape == (1, 1, 4)


def test_previews_follow_the_same_latents_through_the_run(tmp_path: Path, picture_folder: Path) -> None:
    """The samples of a snapshot are those of its generator for the seed's own latents."""
    config = variant(TINY, seed=5, snapshot_every=5, sample_every=5)
    run = tmp_path / "run"
    previews = {p.step: p.pixels for p in of(Preview, train(request(config, picture_folder, run)))}
    z = latent.seeded(config.latent_prior, 3, 5, 3)
    for step in (5, 10, 12):
        generator = Checkpoint.load(run / "snapshots" / f"{step:08d}.safetensors").generator
        assert np.array_equal(previews[step], to_pixels(generator(z)))


def test_previews_change_while_the_generator_learns(tmp_path: Path, picture_folder: Path) -> None:
    previews = of(Preview, train(request(variant(TINY, g_lr=0.1), picture_folder, tmp_path / "run")))
    assert not np.array_equal(previews[0].pixels, previews[-1].pixels)


def test_previews_come_more_often_when_asked_by_the_clock(tmp_path: Path) -> None:
    asked = request(variant(PATTERN, steps=5), "toy:1010", tmp_path / "run", preview_seconds=1e-9)
    assert {p.step for p in of(Preview, train(asked))} == {0, 1, 2, 3, 4, 5}


def test_previews_by_the_clock_change_nothing_of_the_training(tmp_path: Path, picture_folder: Path) -> None:
    for name, seconds in (("a", 0.0), ("b", 1e-9)):
        train(request(DCGAN, picture_folder, tmp_path / name / "run", preview_seconds=seconds))
    a, b = tmp_path / "a" / "run", tmp_path / "b" / "run"
    assert differing(saved_state(a), saved_state(b)) == []
    assert log_of(a) == log_of(b)


def test_every_event_survives_pickling(tmp_path: Path, picture_folder: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for path in picture_folder.iterdir():
        shutil.copy(path, tmp_path / "pictures")
    (tmp_path / "pictures" / "broken.png").write_bytes(b"broken")
    asked = request(TINY, tmp_path / "pictures", tmp_path / "run")
    asked_again = pickle.loads(pickle.dumps(asked))
    assert asked_again == asked
    events = list(Trainer(asked_again, lambda _: PublishWeights()).run())
    kinds = {type(event).__name__ for event in events}
    assert kinds == {"Progress", "Notice", "Started", "Scalars", "Preview", "Weights", "SnapshotSaved", "Ended"}
    for event in events:
        copy = pickle.loads(pickle.dumps(event))
        assert type(copy) is type(event)
        for field in dataclasses.fields(event):
            ours, theirs = getattr(event, field.name), getattr(copy, field.name)
            if isinstance(event, Weights) and field.name in ("tensors", "discriminator"):
                assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
                assert ours.keys() == theirs.keys()
            else:
                is_nan = isinstance(ours, float) and math.isnan(ours)
                assert math.isnan(theirs) if is_nan else np.array_equal(ours, theirs)


@pytest.mark.parametrize("command", [Stop(), PublishWeights()])
def test_commands_survive_pickling(command: Command) -> None:
    assert pickle.loads(pickle.dumps(command)) == command


def test_events_cannot_be_changed(tmp_path: Path) -> None:
    end = ended(train(request(PATTERN, "toy:1010", tmp_path / "run")))
    with pytest.raises(dataclasses.FrozenInstanceError):
        end.step = 0  # type: ignore[misc]


# --- randomness ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [TINY, DCGAN], ids=["mlp", "dcgan"])
def test_the_same_seed_gives_the_same_run(tmp_path: Path, picture_folder: Path, config: TrainConfig) -> None:
    for name in ("a", "b"):
        train(request(config, picture_folder, tmp_path / name))
    assert differing(saved_state(tmp_path / "a"), saved_state(tmp_path / "b")) == []
    assert log_of(tmp_path / "a") == log_of(tmp_path / "b")


def test_another_seed_gives_other_weights_latents_and_order(tmp_path: Path, picture_folder: Path) -> None:
    for seed in (0, 1):
        train(request(variant(TINY, seed=seed, steps=1), picture_folder, tmp_path / str(seed)))
    first, second = log_of(tmp_path / "0")[0], log_of(tmp_path / "1")[0]
    for name in ("d_loss_real", "d_loss_fake", "g_loss"):
        assert first[name] != second[name]


def test_a_run_neither_reads_nor_moves_the_global_random_state(tmp_path: Path, picture_folder: Path) -> None:
    """The window draws its own latents meanwhile."""
    before = torch.get_rng_state()
    train(request(DCGAN, picture_folder, tmp_path / "a"))
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4711)
        train(request(DCGAN, picture_folder, tmp_path / "b"))
    assert differing(saved_state(tmp_path / "a"), saved_state(tmp_path / "b")) == []


# --- the average -----------------------------------------------------------------------------------------------------


def test_the_last_picture_and_snapshot_are_of_the_average(tmp_path: Path, picture_folder: Path) -> None:
    config, run = variant(TINY, ema=0.9, g_lr=0.05), tmp_path / "run"
    train(request(config, picture_folder, run))
    state, shown = saved_state(run), snapshot_tensors(run, 12)
    average = {k.removeprefix("/average/module."): v for k, v in state.items() if k.startswith("/average/module.")}
    raw = {k.removeprefix("/generator/"): v for k, v in state.items() if k.startswith("/generator/")}
    shown = {k.removeprefix("generator."): v for k, v in shown.items() if k.startswith("generator.")}
    assert differing(shown, average) == []
    assert differing(raw, average) == list(raw)  # else this test would show nothing
    generator = Checkpoint.load(run / "snapshots" / "00000012.safetensors").generator
    expected = sheet(to_pixels(generator(latent.seeded(config.latent_prior, 3, 0, 3))))
    assert np.array_equal(np.asarray(Image.open(run / "samples" / "00000012.png")), expected)


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 4, 5, 11])
def test_stop_ends_the_run_at_the_next_step(tmp_path: Path, picture_folder: Path, step: int) -> None:
    run = tmp_path / "run"
    events = train(request(TINY, picture_folder, run), stop_after=step)
    assert ended(events) == Ended("stopped", step, "", run / "snapshots" / f"{step:08d}.safetensors")
    assert [s.step for s in of(Scalars, events)] == list(range(1, step + 1))


def test_stop_saves_a_snapshot_before_ended(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    events = train(request(TINY, picture_folder, run), stop_after=3)
    assert events[-2] == SnapshotSaved(3, run / "snapshots" / "00000003.safetensors")
    assert Checkpoint.load(run / "snapshots" / "00000003.safetensors").card["step"] == 3
    assert (run / "LATEST").read_text().strip() == "00000003.safetensors"
    assert saved_state(run)["/step"] == 3


def test_stop_saves_the_samples_of_the_step_it_stands_at(tmp_path: Path, picture_folder: Path) -> None:
    events = train(request(TINY, picture_folder, tmp_path / "run"), stop_after=3)
    assert of(Preview, events)[-1].step == 3
    assert (tmp_path / "run" / "samples" / "00000003.png").is_file()


def test_stop_after_the_last_step_is_a_finish(tmp_path: Path, picture_folder: Path) -> None:
    assert ended(train(request(TINY, picture_folder, tmp_path / "run"), stop_after=12)).reason == "finished"


def test_stop_before_the_first_step_saves_step_0(tmp_path: Path) -> None:
    run = tmp_path / "run"
    events = list(Trainer(request(PATTERN, "toy:1010", run), at_polls({1: Stop()})).run())
    assert ended(events) == Ended("stopped", 0, "", run / "snapshots" / "00000000.safetensors")
    assert of(Scalars, events) == []


def test_stop_while_the_data_is_loading_ends_at_once_without_a_folder(tmp_path: Path, picture_folder: Path) -> None:
    run = tmp_path / "run"
    events = list(Trainer(request(TINY, picture_folder, run), lambda _: Stop()).run())
    assert [type(event) for event in events] == [Progress, Ended]
    assert ended(events) == Ended("stopped", 0, "", None)
    assert not run.exists()


@pytest.mark.parametrize("config", [PATTERN, variant(PATTERN, ema=0.5)], ids=["plain", "average"])
@pytest.mark.parametrize("poll", [1, 4])
def test_published_weights_are_those_of_the_generator_at_that_step(
    tmp_path: Path, config: TrainConfig, poll: int
) -> None:
    run, config = tmp_path / "run", variant(config, snapshot_every=1)
    events = list(Trainer(request(config, "toy:1010", run), at_polls({poll: PublishWeights()})).run())
    (weights,) = of(Weights, events)
    assert weights.step == poll - 1
    if poll == 1:  # step 0 has no snapshot: stop another run there
        run = tmp_path / "other"
        list(Trainer(request(config, "toy:1010", run), at_polls({1: Stop()})).run())
    checkpoint = Checkpoint.load(run / "snapshots" / f"{poll - 1:08d}.safetensors")
    assert checkpoint.discriminator is not None
    for published, network in (
        (weights.tensors, checkpoint.generator),
        (weights.discriminator, checkpoint.discriminator),
    ):
        expected = network.state_dict()
        assert published.keys() == expected.keys()
        for name, tensor in expected.items():
            assert np.array_equal(published[name], tensor.numpy())


def test_published_weights_hold_the_statistics_of_batch_norms(tmp_path: Path, picture_folder: Path) -> None:
    run, asked = tmp_path / "run", variant(DCGAN, snapshot_every=1)
    events = list(Trainer(request(asked, picture_folder, run), lambda _: PublishWeights()).run())
    for weights in of(Weights, events)[1:]:
        expected = snapshot_tensors(run, weights.step)
        assert any("running_var" in name for name in weights.tensors)
        for name, values in weights.tensors.items():
            assert np.array_equal(values, expected[f"generator.{name}"].numpy()), (weights.step, name)


def test_publishing_weights_changes_nothing_of_the_training(tmp_path: Path, picture_folder: Path) -> None:
    train(request(DCGAN, picture_folder, tmp_path / "a"))
    list(Trainer(request(DCGAN, picture_folder, tmp_path / "b"), lambda _: PublishWeights()).run())
    assert differing(saved_state(tmp_path / "a"), saved_state(tmp_path / "b")) == []
    assert log_of(tmp_path / "a") == log_of(tmp_path / "b")


# --- failures --------------------------------------------------------------------------------------------------------


def test_an_absent_folder_fails_with_its_name_and_leaves_no_run(tmp_path: Path) -> None:
    trainer = Trainer(request(TINY, tmp_path / "absent", tmp_path / "run"))
    end = ended(list(trainer.run()))
    assert (end.reason, end.step, end.snapshot) == ("failed", 0, None)
    assert str(tmp_path / "absent") in end.message
    assert isinstance(trainer.error, DataError)
    assert not (tmp_path / "run").exists()


def test_a_run_that_goes_well_has_no_error(tmp_path: Path) -> None:
    trainer = Trainer(request(PATTERN, "toy:1010", tmp_path / "run"))
    list(trainer.run())
    assert trainer.error is None


def test_an_absent_device_fails_in_words(tmp_path: Path) -> None:
    asked = dataclasses.replace(request(PATTERN, "toy:1010", tmp_path / "run"), device="tpu")
    end = ended(train(asked))
    assert end.reason == "failed"
    assert "'tpu'" in end.message
    assert not (tmp_path / "run").exists()


UNFIT = {
    "epochs of endless data": (variant(PATTERN, steps=0, epochs=2), "steps"),
    "a DCGAN of another size": (variant(DCGAN, image_size=32), "images of 16, 20, 24, 28 pixels, not for 32x32"),
}


@pytest.mark.parametrize(("config", "word"), UNFIT.values(), ids=UNFIT)
def test_a_configuration_that_does_not_fit_the_data_fails_in_words(
    tmp_path: Path, picture_folder: Path, config: TrainConfig, word: str
) -> None:
    data = "toy:1010" if config.family == "mlp" else picture_folder
    end = ended(train(request(config, data, tmp_path / "run")))
    assert end.reason == "failed"
    assert word in end.message
    assert "Error:" not in end.message  # a sentence, not a Python exception


@pytest.mark.parametrize("config", [config for config, _ in UNFIT.values()], ids=UNFIT)
def test_after_a_configuration_that_did_not_fit_the_same_folder_can_be_used(
    tmp_path: Path, picture_folder: Path, config: TrainConfig
) -> None:
    data = "toy:1010" if config.family == "mlp" else picture_folder
    train(request(config, data, tmp_path / "run"))
    mended = variant(config, steps=2, image_size=16)
    assert ended(train(request(mended, data, tmp_path / "run"))).reason == "finished"


def test_losses_that_are_not_finite_end_the_run_with_advice(tmp_path: Path) -> None:
    config = variant(PATTERN, d_output="logits", d_activation="relu", d_lr=10.0, d_widths=[300], steps=50)
    end = ended(train(request(config, "toy:1010", tmp_path / "run")))
    assert end.reason == "failed"
    assert end.step < 50
    assert f"step {end.step}" in end.message
    assert "learning rate" in end.message


# squares of logits, linear layers and a learning rate of 10: not finite within three or four steps
DIVERGING = variant(PATTERN, d_output="logits", g_lr=10.0, d_lr=10.0, g_activation="leaky_relu", d_activation="relu")


def test_a_diverged_run_keeps_the_last_snapshot_that_opens(tmp_path: Path) -> None:
    run = tmp_path / "run"
    end = ended(train(request(variant(DIVERGING, snapshot_every=1, steps=50), "toy:1010", run)))
    assert end.reason == "failed"
    assert end.snapshot is not None
    assert end.snapshot.name == (run / "LATEST").read_text().strip()
    assert Checkpoint.load(end.snapshot).card["step"] == end.step


def test_a_run_that_diverges_between_two_measurements_saves_no_snapshot_that_cannot_be_opened(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(request(variant(DIVERGING, snapshot_every=10, log_every=40, steps=50), "toy:1010", run))
    for snapshot in (run / "snapshots").iterdir():
        Checkpoint.load(snapshot)


def test_a_run_that_diverged_does_not_end_as_finished_for_want_of_a_measurement(tmp_path: Path) -> None:
    end = ended(train(request(variant(DIVERGING, log_every=100, steps=50), "toy:1010", tmp_path / "run")))
    assert end.reason == "failed"
    assert "finite" in end.message


def failing_at(step: int, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    original = AdversarialStep.__call__

    def fail(self: AdversarialStep, number: int, *arguments: Any, **more: Any) -> Any:
        if number == step:
            raise error
        return original(self, number, *arguments, **more)

    monkeypatch.setattr(AdversarialStep, "__call__", fail)


def test_an_exception_inside_a_step_arrives_as_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ZeroDivisionError("by chance")
    failing_at(8, error, monkeypatch)
    run = tmp_path / "run"
    trainer = Trainer(request(variant(PATTERN, snapshot_every=5), "toy:1010", run))
    end = ended(list(trainer.run()))
    assert end == Ended("failed", 7, "ZeroDivisionError: by chance", run / "snapshots" / "00000005.safetensors")
    assert trainer.error is error


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
    ids=["cuda", "python", "cpu"],
)
def test_lack_of_memory_is_told_with_what_to_make_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing_at(1, error, monkeypatch)
    end = ended(train(request(PATTERN, "toy:1010", tmp_path / "run")))
    assert end.reason == "failed"
    assert "memory" in end.message
    assert "batch_size" in end.message


@pytest.mark.parametrize("fails_at", [1, 6, None])
def test_ended_is_the_last_event_and_closes_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int | None
) -> None:
    if fails_at:
        failing_at(fails_at, ValueError("no"), monkeypatch)
    trainer = Trainer(request(PATTERN, "toy:1010", tmp_path / "run"))
    events: list[TrainEvent] = []
    for event in trainer.run():
        events.append(event)
        if isinstance(event, Ended):  # the log is whole when this is out
            log = tmp_path / "run" / "log.jsonl"
            lines = log.read_text().splitlines() if log.exists() else []  # a run that failed at once leaves none
            assert len(lines) == len(of(Scalars, events))
    assert ended(events).reason == ("failed" if fails_at else "finished")


def test_the_lines_of_a_log_are_strict_json_even_when_the_losses_are_not_finite(tmp_path: Path) -> None:
    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    train(request(DIVERGING, "toy:1010", tmp_path / "run"))
    for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines():
        json.loads(line, parse_constant=refuse)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["on a GPU", "of Python", "on a CPU"],
)
def test_running_out_of_memory_is_told_with_what_would_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*arguments: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(AdversarialStep, "__call__", fail)
    end = ended(train(request(PATTERN, "toy:1010", tmp_path / "run")))
    assert end.reason == "failed"
    assert end.message.startswith("Out of memory. Use a smaller batch_size")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_run_on_a_disk_that_stays_full_waits_until_it_is_stopped(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "log.jsonl").symlink_to("/dev/full")
    commands: list[Command] = []
    events = []
    for event in Trainer(request(PATTERN, "toy:1010", run), lambda _: commands.pop() if commands else None).run():
        events.append(event)
        if isinstance(event, Paused):
            assert "No space left" in event.why
            commands.append(Stop())
    assert [event.step for event in of(Paused, events)] == [1]
    assert "No space left" in ended(events).message
