"""train: a run from the command line, its folder, resuming it, and what is refused."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganexplorer import cli
from ganexplorer.core.errors import UserError
from ganexplorer.train import trainer
from ganexplorer.train.config import RECIPES
from ganexplorer.train.runs import Run

Command = Callable[..., Any]
PATTERN = ("train", "--recipe", "pattern-1010", "--data", "toy:1010", "--device", "cpu")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 50 steps. Only to be read."""
    run = tmp_path_factory.mktemp("runs") / "first"
    assert cli.main([*PATTERN, "--out", str(run), "--steps", "50"]) == 0
    return run


def snapshot(run: Path) -> bytes:
    """The weights of a run's newest snapshot (its card holds the run's name)."""
    data = (run / "snapshots" / (run / "LATEST").read_text().strip()).read_bytes()
    return data[8 + int.from_bytes(data[:8], "little") :]


def logged(run: Path) -> list[dict[str, float]]:
    """What was measured; marks left out."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "event" not in line]


def folders(size: int, count: int, path: Path) -> Path:
    """A folder of gray pictures."""
    path.mkdir()
    for i in range(count):
        Image.new("L", (size, size), 40 * i).save(path / f"{i}.png")
    return path


# ---- a run


def test_a_run_says_how_it_ended_on_stdout_and_shows_progress_on_stderr(command: Command, tmp_path: Path) -> None:
    answer = command(*PATTERN, "--out", tmp_path / "run", "--steps", 20)
    assert answer.status == 0
    assert answer.out == f"finished at step 20: {tmp_path / 'run' / 'snapshots' / '00000020.safetensors'}\n"
    assert "four numbers near 1 0 1 0" in answer.err
    assert "22 and 19 parameters of G and D; on cpu" in answer.err  # 1-3-4 and 4-3-1
    assert "20/20" in answer.err


def test_a_run_folder_holds_all_of_the_run(finished: Path) -> None:
    names = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    assert names == {
        "config.json", "log.jsonl", "LATEST", "checkpoint/00000050.pt", "samples/00000050.png",
        "snapshots/00000050.safetensors",
    }  # fmt: skip
    assert (finished / "LATEST").read_text() == "00000050.safetensors\n"
    assert [record["step"] for record in logged(finished)] == [10, 20, 30, 40, 50]


def test_a_run_folder_remembers_recipe_data_and_settings(command: Command, tmp_path: Path) -> None:
    command(*PATTERN, "--out", tmp_path / "run", "--steps", 5, "--set", "g_lr=0.5", "--set", "log_every=5")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (config["recipe"], config["data"]) == ("pattern-1010", "toy:1010")
    assert (config["config"]["g_lr"], config["config"]["log_every"], config["config"]["steps"]) == (0.5, 5, 5)
    assert config["config"]["d_lr"] == 0.01  # the recipe's own
    assert [record["step"] for record in logged(tmp_path / "run")] == [5]


def test_inspect_opens_a_run_folder(command: Command, finished: Path) -> None:
    facts = json.loads(command("inspect", finished, "--json").out)
    expected = {
        "name": "first", "family": "mlp", "layers": "1-3-4", "z_dim": 1, "prior": "constant(0.5)",
        "image_shape": [1, 1, 4], "value_range": [0.0, 1.0], "parameters": 22, "has_discriminator": True,
        "recipe": "pattern-1010", "data": "toy:1010", "step": 50,
    }  # fmt: skip
    assert {key: facts[key] for key in expected} == expected
    assert facts["source"] == str(finished / "snapshots" / "00000050.safetensors")


def test_sample_opens_a_run_folder(command: Command, finished: Path, tmp_path: Path) -> None:
    assert command("sample", finished, "-n", 2, "-o", tmp_path / "a.npy").status == 0
    images = np.load(tmp_path / "a.npy")
    assert images.shape == (2, 1, 1, 4)
    assert np.array_equal(images[0], images[1])  # the prior is a constant
    assert np.abs(images).max() < 1


def test_the_same_run_again_gives_the_same_weights(command: Command, finished: Path, tmp_path: Path) -> None:
    command(*PATTERN, "--out", tmp_path / "again", "--steps", 50)
    command(*PATTERN, "--out", tmp_path / "other", "--steps", 50, "--set", "seed=1")
    assert snapshot(tmp_path / "again") == snapshot(finished)
    assert snapshot(tmp_path / "other") != snapshot(finished)


def test_training_moves_the_four_numbers_towards_1010(command: Command, tmp_path: Path) -> None:
    fast = ("--set", "g_lr=2", "--set", "d_lr=2", "--set", "batch_size=8", "--set", "log_every=400")
    command(*PATTERN, "--out", tmp_path / "run", "--steps", 400, *fast)
    command("sample", tmp_path / "run", "-n", 1, "-o", tmp_path / "a.npy")
    first, second, third, fourth = np.load(tmp_path / "a.npy").ravel()
    assert min(first, third) > max(second, fourth)


def test_epochs_count_passes_over_the_pictures_of_a_folder(command: Command, tmp_path: Path) -> None:
    folders(8, 5, tmp_path / "pictures")
    small = ("--set", "g_widths=4", "--set", "d_widths=4", "--set", "batch_size=2", "--set", "image_size=8")
    answer = command(
        "train", "--recipe", "mlp-64-stable", "--data", f"folder:{tmp_path / 'pictures'}", "--out", tmp_path / "run",
        "--epochs", 3, "--device", "cpu", *small,
    )  # fmt: skip
    assert answer.status == 0
    assert answer.out.startswith("finished at step 8: ")  # 3 epochs of 5 pictures are 7.5 batches of 2
    facts = json.loads(command("inspect", tmp_path / "run", "--json").out)
    assert (facts["image_shape"], facts["layers"]) == ([1, 8, 8], "64-4-64")


# ---- stopping and resuming


def interrupt_at(step: int, number: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise a signal, as Ctrl+C does, when this step is logged."""
    log = Run.log

    def log_and_interrupt(run: Run, scalars: Any) -> None:
        log(run, scalars)
        if scalars.step == step:
            signal.raise_signal(number)

    monkeypatch.setattr(Run, "log", log_and_interrupt)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_ends_the_run(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    interrupt_at(20, number, monkeypatch)
    answer = command(*PATTERN, "--out", tmp_path / "run", "--steps", 50)
    assert answer.status == 0
    assert answer.out.startswith("stopped at step 20: ")
    assert (tmp_path / "run" / "LATEST").read_text() == "00000020.safetensors\n"
    assert signal.getsignal(number) == before


def test_a_resumed_run_ends_bit_for_bit_where_an_unbroken_one_does(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Path
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(20, signal.SIGINT, patch)
        command(*PATTERN, "--out", tmp_path / "run", "--steps", 50)
    answer = command(*PATTERN, "--out", tmp_path / "run", "--steps", 50, "--resume")
    assert answer.status == 0
    assert answer.out.startswith("finished at step 50: ")
    assert snapshot(tmp_path / "run") == snapshot(finished)
    assert [record["step"] for record in logged(tmp_path / "run")] == [10, 20, 30, 40, 50]


def test_a_run_is_resumed_with_the_recipe_data_and_settings_that_its_folder_remembers(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("--set", "g_lr=0.3", "--set", "log_every=5")
    command(*PATTERN, "--out", tmp_path / "unbroken", "--steps", 40, *settings)
    with monkeypatch.context() as patch:
        interrupt_at(15, signal.SIGINT, patch)
        command(*PATTERN, "--out", tmp_path / "run", "--steps", 40, *settings)
    answer = command("train", "--resume", "--out", tmp_path / "run", "--device", "cpu")
    assert answer.out.startswith("finished at step 40: ")
    assert snapshot(tmp_path / "run") == snapshot(tmp_path / "unbroken")
    assert json.loads(command("inspect", tmp_path / "run", "--json").out)["recipe"] == "pattern-1010"


def test_a_resumed_run_can_be_made_longer_without_naming_its_recipe(
    command: Command, tmp_path: Path, finished: Path
) -> None:
    command(*PATTERN, "--out", tmp_path / "run", "--steps", 30)
    answer = command("train", "--resume", "--out", tmp_path / "run", "--steps", 50, "--device", "cpu")
    assert answer.out.startswith("finished at step 50: ")
    assert snapshot(tmp_path / "run") == snapshot(finished)


def test_resuming_a_run_that_is_not_there_without_a_recipe_is_refused(command: Command, tmp_path: Path) -> None:
    refusal = command("train", "--resume", "--out", tmp_path / "absent").refusal
    assert refusal.startswith(f"{tmp_path / 'absent'}: is no run folder (it has no config.json). Name ")


def test_resuming_a_finished_run_trains_no_further(command: Command, tmp_path: Path, finished: Path) -> None:
    command(*PATTERN, "--out", tmp_path / "run", "--steps", 50)
    answer = command(*PATTERN, "--out", tmp_path / "run", "--steps", 50, "--resume")
    assert answer.status == 0
    assert answer.out.startswith("finished at step 50: ")
    assert snapshot(tmp_path / "run") == snapshot(finished)


def test_a_finished_run_can_be_resumed_for_longer(command: Command, tmp_path: Path, finished: Path) -> None:
    command(*PATTERN, "--out", tmp_path / "run", "--steps", 30)
    answer = command(*PATTERN, "--out", tmp_path / "run", "--steps", 50, "--resume")
    assert answer.out.startswith("finished at step 50: ")
    assert snapshot(tmp_path / "run") == snapshot(finished)


def test_resuming_a_run_that_is_not_there_is_refused(command: Command, tmp_path: Path) -> None:
    refusal = command(*PATTERN, "--out", tmp_path / "absent", "--resume").refusal
    assert refusal.startswith(f"{tmp_path / 'absent'}: is no run folder (it has no config.json). Name ")
    assert not (tmp_path / "absent").exists()


def test_resuming_with_other_settings_is_refused_with_the_differences(command: Command, finished: Path) -> None:
    refusal = command(*PATTERN, "--out", finished, "--resume", "--set", "g_lr=0.5", "--set", "z_dim=2").refusal
    assert "z_dim: 1 -> 2" in refusal
    assert "g_lr: 0.01 -> 0.5" in refusal


def test_starting_anew_in_the_folder_of_a_run_is_refused(command: Command, finished: Path) -> None:
    before = snapshot(finished)
    refusal = command(*PATTERN, "--out", finished, "--steps", 5).refusal
    assert refusal == f"{finished}: holds a run already. Resume it (--resume) or name another folder."
    assert snapshot(finished) == before


# ---- refusals


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("g_lr", "--set g_lr: write it as key=value."),
        ("speed=3", "unknown hyperparameter 'speed'; known: batch_size, "),
        ("g_lr=fast", "g_lr: 'fast' is not a number."),
        ("g_lr=nan", "g_lr: nan is not from 0 to 10."),
        ("g_lr=-1", "g_lr: -1.0 is not from 0 to 10."),
        ("batch_size=1.5", "batch_size: '1.5' is not a whole number."),
        ("batch_size=0", "batch_size: 0 is not from 1 to 4096."),
        ("same_z=maybe", "same_z: 'maybe' is not true or false."),
        ("g_widths=a,b", "g_widths: 'a,b' is not widths such as 256,256."),
        ("g_widths=", "need at least one width"),
        ("loss=hinge-ish", "loss: 'hinge-ish' is not one of "),
        ("=3", "unknown hyperparameter ''"),
    ],
)
def test_a_bad_setting_is_refused_with_its_name_and_leaves_no_folder(
    command: Command, tmp_path: Path, setting: str, message: str
) -> None:
    assert message in command(*PATTERN, "--out", tmp_path / "run", "--set", setting).refusal
    assert not (tmp_path / "run").exists()


def test_a_new_run_without_a_recipe_is_refused_with_the_known_ones(command: Command, tmp_path: Path) -> None:
    refusal = command("train", "--data", "toy:1010", "--out", tmp_path / "run").refusal
    assert refusal.startswith("name a recipe: --recipe ")
    assert all(name in refusal for name in RECIPES)


def test_an_unknown_recipe_is_refused_with_the_known_ones(command: Command, tmp_path: Path) -> None:
    refusal = command("train", "--recipe", "mlp-65", "--out", tmp_path / "run").refusal
    assert refusal.startswith("unknown recipe 'mlp-65'; known: ")
    assert "mlp-64, " in refusal
    assert "pattern-1010" in refusal


@pytest.mark.parametrize("data", ["cifar", "toy:cats", "toy", "folder:", "mnist2:x"])
def test_unknown_data_is_refused_with_the_known_kinds_and_leaves_no_folder(
    command: Command, tmp_path: Path, data: str
) -> None:
    refusal = command("train", "--recipe", "mlp-64", "--data", data, "--out", tmp_path / "run").refusal
    assert refusal.startswith(f"unknown data '{data}'. Use one of: ")
    assert not (tmp_path / "run").exists()


def test_a_recipe_for_pictures_of_one_s_own_asks_for_them(command: Command, tmp_path: Path) -> None:
    refusal = command("train", "--recipe", "dcgan-64", "--out", tmp_path / "run").refusal
    assert refusal == "dcgan-64 needs pictures of yours: add --data folder:DIR."


def test_an_absent_folder_of_pictures_is_refused(command: Command, tmp_path: Path) -> None:
    data = f"folder:{tmp_path / 'absent'}"
    refusal = command("train", "--recipe", "dcgan-64", "--data", data, "--out", tmp_path / "run").refusal
    assert refusal.startswith(f"{tmp_path / 'absent'}: no such folder.")


def test_epochs_of_data_without_end_are_refused(command: Command, tmp_path: Path) -> None:
    answer = command(*PATTERN, "--out", tmp_path / "run", "--epochs", 3)
    assert "This data has no end, so epochs mean nothing: set steps instead." in answer.refusal


@pytest.mark.parametrize("option", ["--steps", "--epochs"])
def test_a_length_below_1_is_refused(command: Command, tmp_path: Path, option: str) -> None:
    assert "0 is not at least 1" in command(*PATTERN, "--out", tmp_path / "run", option, 0).bad_arguments


def test_a_run_in_place_of_a_file_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert "cannot be created" in command(*PATTERN, "--out", tmp_path / "file", "--steps", 5).refusal
    assert (tmp_path / "file").read_text() == "mine"


def test_a_diverged_run_says_so_in_its_last_line(command: Command, tmp_path: Path) -> None:
    folders(8, 4, tmp_path / "pictures")
    wild = ("optimizer=sgd", "g_lr=10", "d_lr=10", "r1_gamma=1000", "image_size=8", "batch_size=4", "log_every=1")
    settings = [word for setting in wild for word in ("--set", setting)]
    answer = command(
        "train", "--recipe", "mlp-64-stable", "--data", f"folder:{tmp_path / 'pictures'}", "--out", tmp_path / "run",
        "--steps", 200, "--device", "cpu", *settings,
    )  # fmt: skip
    assert answer.status == 2
    last = answer.err.splitlines()[-1]
    assert last.startswith("ganexplorer: A loss is no longer a finite number after step ")
    assert "Traceback" not in answer.err


def test_a_failure_in_training_is_status_1_and_the_last_line(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer.latent, "seeded", lambda *_: 1 / 0)
    answer = command(*PATTERN, "--out", tmp_path / "run", "--steps", 5)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.splitlines()[-1].startswith("ganexplorer: ZeroDivisionError: ")
    assert "Traceback" not in answer.err


def test_debug_lets_a_failure_in_training_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer.latent, "seeded", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["--debug", *PATTERN, "--out", str(tmp_path / "run"), "--steps", "5"])


def test_debug_lets_refused_data_through(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown data"):
        cli.main(["--debug", "train", "--recipe", "mlp-64", "--data", "cifar", "--out", str(tmp_path / "run")])


def test_a_device_that_is_not_there_is_refused(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    words = ("train", "--recipe", "pattern-1010", "--out", tmp_path / "run", "--steps", 5, "--device", "mps")
    assert command(*words).refusal.startswith("device 'mps' is not available on this machine. Available: ")
    assert not (tmp_path / "run").exists()
