"""train: a run from the command line, its folder, resuming it, and what is refused."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganexplorer import cli
from ganexplorer.core.errors import UserError
from ganexplorer.train.recipes import RECIPES
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
        "config.json", "log.jsonl", "LATEST", "checkpoint/00000050.pt", "samples/00000000.png",
        "samples/00000050.png", "snapshots/00000050.safetensors",
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
    with monkeypatch.context() as patch:
        interrupt_at(20, number, patch)
        answer = command(*PATTERN, "--out", tmp_path / "run", "--steps", 50)
    assert answer.status == 0
    assert answer.out.startswith("stopped at step 20: ")
    assert (tmp_path / "run" / "LATEST").read_text() == "00000020.safetensors\n"
    assert signal.getsignal(number) == before
    last = answer.err.splitlines()[-1]
    assert last.startswith("To go on: ganexplorer train ")
    answer = command(*shlex.split(last.removeprefix("To go on: ganexplorer ")), "--device", "cpu")
    assert answer.out.startswith("finished at step 50: ")


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


def test_a_finished_run_can_be_resumed_for_longer(command: Command, tmp_path: Path, finished: Path) -> None:
    command(*PATTERN, "--out", tmp_path / "run", "--steps", 30)
    answer = command(*PATTERN, "--out", tmp_path / "run", "--steps", 50, "--resume")
    assert answer.out.startswith("finished at step 50: ")
    assert snapshot(tmp_path / "run") == snapshot(finished)


@pytest.fixture
def no_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused is refused before data is loaded."""
    monkeypatch.setattr("ganexplorer.train.data.load", lambda *_: pytest.fail("data was loaded"))


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("no_loading")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "{run}: has done all its 50 steps. Ask for more with --steps (more than 50)."),
        (("--steps", 50), "{run}: has done all its 50 steps. Ask for more with --steps (more than 50)."),
        (("--set", "steps=50"), "{run}: has done all its 50 steps. Ask for more with --steps (more than 50)."),
        (("--steps", 30), "{run}: has done 50 steps, and only 30 are asked for. Ask for more with --steps (more than "
         "50)."),
        (("--rollback", 50), "{run} at step 50: has done all its 50 steps. Ask for more with --steps (more than 50)."),
        (("--rollback", 60), "{run}: has no snapshot of step 60 to go on from. Those it has: 50."),
    ],
)  # fmt: skip
def test_a_run_with_nothing_left_to_do_is_not_resumed(
    command: Command, finished: Path, words: tuple[object, ...], said: str
) -> None:
    before = contents(finished)
    assert command("train", "--out", finished, "--resume", *words).refusal == said.format(run=finished)
    assert contents(finished) == before


@pytest.mark.usefixtures("no_loading")
@pytest.mark.parametrize("step", ["", "@50"])
def test_a_run_is_not_forked_where_nothing_is_left_to_do(
    command: Command, finished: Path, tmp_path: Path, step: str
) -> None:
    refusal = command("train", "--out", tmp_path / "child", "--fork", f"{finished}{step}").refusal
    assert refusal == (
        f"{finished} at step 50: has done all its 50 steps. Ask for more with --steps (more than 50), or fork an "
        f"earlier snapshot: {finished}@STEP."
    )
    assert not list(tmp_path.iterdir())


def test_a_fork_at_the_last_step_goes_on_for_as_long_as_is_asked(
    command: Command, finished: Path, tmp_path: Path
) -> None:
    before = contents(finished)
    answer = command("train", "--out", tmp_path / "child", "--fork", finished, "--steps", 60, "--device", "cpu")
    assert answer.out.startswith("finished at step 60: ")
    assert contents(finished) == before
    again = command("train", "--out", tmp_path / "child", "--resume").refusal  # 60 stands in its log alone
    assert again.startswith(f"{tmp_path / 'child'}: has done all its 60 steps.")


@pytest.fixture(scope="module")
def of_epochs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three epochs of 5 pictures in batches of 2, which are 8 steps; `quick` logs none of them. Only to be read."""
    base = tmp_path_factory.mktemp("epochs")
    folders(8, 5, base / "pictures")
    for name, log_every in (("run", 3), ("quick", 50)):
        settings = ("g_widths=4", "d_widths=4", "batch_size=2", "image_size=8", f"log_every={log_every}")
        words = ["train", "--recipe", "mlp-64-stable", "--data", f"folder:{base / 'pictures'}", "--device", "cpu"]
        words += ["--epochs", "3", "--out", str(base / name)]
        assert cli.main([*words, *(word for setting in settings for word in ("--set", setting))]) == 0
    return base


@pytest.mark.usefixtures("no_loading")
def test_the_steps_of_epochs_are_counted_as_the_log_tells(command: Command, of_epochs: Path) -> None:
    run = of_epochs / "run"
    ends = "Ask for more with --steps (more than 8) or --epochs (at least 4)."
    refusals = [
        command("train", "--out", run, "--resume", *words).refusal for words in ((), ("--epochs", 3), ("--epochs", 2))
    ]
    assert refusals == [
        f"{run}: has done all its 8 steps. {ends}", f"{run}: has done all its 8 steps. {ends}",
        f"{run}: has done 8 steps, and only 5 are asked for. {ends}",
    ]  # fmt: skip


def test_what_only_the_data_can_tell_is_refused_once_that_is_there(
    command: Command, of_epochs: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(of_epochs / "quick", run)
    before = contents(run)
    answer = command("train", "--out", run, "--resume", "--device", "cpu")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.splitlines()[-1] == (
        f"ganexplorer: {run}: has done all its 8 steps. Ask for more with --steps (more than 8) or --epochs (at least "
        "4) and --resume."
    )
    assert contents(run) == before
    answer = command("train", "--out", run, "--resume", "--device", "cpu", "--epochs", 4)
    assert answer.out.startswith("finished at step 10: ")


def test_a_finished_run_whose_last_checkpoint_is_damaged_goes_on_from_the_one_before(
    command: Command, tmp_path: Path, finished: Path
) -> None:
    run = tmp_path / "run"
    command(*PATTERN, "--out", run, "--steps", 50, "--set", "snapshot_every=30")
    (run / "checkpoint" / "00000050.pt").write_bytes(b"damaged")
    answer = command("train", "--out", run, "--resume", "--device", "cpu")
    assert answer.out.startswith("finished at step 50: ")
    assert "Going on from step 30" in answer.err
    assert snapshot(run) == snapshot(finished)


def test_the_bar_of_a_run_done_again_knows_how_long_it_became(command: Command, finished: Path, tmp_path: Path) -> None:
    command("train", "--out", tmp_path / "longer", "--fork", finished, "--steps", 60, "--device", "cpu")
    answer = command("train", "--out", tmp_path / "again", "--replay", tmp_path / "longer", "--device", "cpu")
    assert answer.out.startswith("finished at step 60: ")
    assert "60/60" in answer.err
    assert snapshot(tmp_path / "again") == snapshot(tmp_path / "longer")


# ---- beginning with another run


@pytest.mark.usefixtures("no_loading")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--fork", "RUN", "--resume"), "--fork begins a new run in RUN, and --resume goes on with the one there"),
        (("--fork", "RUN", "--rollback", 5), "--fork takes the step to begin at with @, as in --fork OTHER@5000"),
        (("--fork", "RUN", "--replay", "RUN"), "--fork and --replay both begin a new run in RUN"),
        (("--fork", "RUN", "--recipe", "mlp-64"), "--fork goes on with the recipe and the data of the run"),
        (("--replay", "RUN", "--resume"), "--replay begins a new run in RUN, and --resume goes on with the one there"),
        (("--replay", "RUN", "--rollback", 5), "--replay does all of a run again, from its first step"),
        (("--replay", "RUN", "--steps", 5), "--replay does again what the log of a run tells, and takes no other"),
        (("--replay", "RUN", "--sync-bn"), "--replay does again what the log of a run tells, and takes no other"),
        (("--recipe", "mlp-64", "--rollback", 5), "--rollback STEP goes with --resume"),
        (("--resume", "--start", "mnist-mlp-64"), "--start begins a new run, and --resume goes on with one"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_ways_to_begin_that_exclude_each_other_are_refused(
    command: Command, finished: Path, tmp_path: Path, words: tuple[object, ...], said: str
) -> None:
    named = [finished if word == "RUN" else word for word in words]
    assert command("train", "--out", tmp_path / "new", *named).refusal.startswith(said)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_loading")
@pytest.mark.parametrize(
    ("step", "what"),
    [("two", "'two' is no step"), ("", "the step is missing"), ("-5", "'-5' is no step"), ("5,000", "'5,000' is no"),
     ("²", "'²' is no step"), ("9" * 30, "is no step")],
)  # fmt: skip
def test_a_fork_at_what_is_no_step_names_those_there_are(
    command: Command, finished: Path, tmp_path: Path, step: str, what: str
) -> None:
    refusal = command("train", "--out", tmp_path / "new", "--fork", f"{finished}@{step}").refusal
    assert refusal.startswith(f"--fork {finished}@{step}: ")
    assert what in refusal
    assert refusal.endswith(f"of a snapshot that there is (50), or leave out @{step} for the newest.")
    assert not list(tmp_path.iterdir())


def test_a_fork_of_what_is_no_run_says_so(command: Command, finished: Path, tmp_path: Path) -> None:
    for text, named in (("absent", "absent"), ("absent@5", "absent"), ("absent@two", "absent@two")):
        refusal = command("train", "--out", tmp_path / "new", "--fork", tmp_path / text).refusal
        assert refusal.startswith(f"{tmp_path / named}: is no run folder")
    refusal = command("train", "--out", tmp_path / "new", "--fork", f"{finished}@40").refusal
    assert refusal == f"{finished}: has no snapshot of step 40 to go on from. Those it has: 50."
    assert not list(tmp_path.iterdir())


def test_the_name_of_a_run_to_fork_may_have_an_at_in_it(command: Command, finished: Path, tmp_path: Path) -> None:
    """As those have that the window names."""
    words = ("--steps", 55, "--device", "cpu")
    for name in ("me@home", "other@50"):
        shutil.copytree(finished, tmp_path / name)
        answer = command("train", "--out", tmp_path / f"of-{name}", "--fork", tmp_path / name, *words)
        assert answer.out.startswith("finished at step 55: ")
    answer = command("train", "--out", tmp_path / "a", "--fork", f"{tmp_path / 'me@home'}@50", *words)
    assert answer.out.startswith("finished at step 55: ")
    shutil.copytree(finished, tmp_path / "other")
    text = f"{tmp_path / 'other'}@50"
    refusal = command("train", "--out", tmp_path / "b", "--fork", text, *words).refusal
    assert refusal == (
        f"--fork {text}: is a run itself, and step 50 of {tmp_path / 'other'} too. Write {text}@STEP or "
        f"{tmp_path / 'other'}/@50."
    )
    for number, clear in enumerate((f"{text}@50", f"{tmp_path / 'other'}/@50")):
        out = tmp_path / f"clear-{number}"
        assert command("train", "--out", out, "--fork", clear, *words).status == 0
    parents = [json.loads((tmp_path / f"clear-{n}" / "config.json").read_text())["parent"]["run"] for n in (0, 1)]
    assert parents == [text, str(tmp_path / "other")]


def test_a_run_that_never_did_a_step_is_neither_forked_nor_done_again(
    command: Command, finished: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(finished / "config.json", run)
    (run / "log.jsonl").touch()
    refusal = command("train", "--out", tmp_path / "new", "--fork", run).refusal
    assert refusal == f"{run}: has no snapshot to go on from yet. Wait for its first one, or name another run."
    refusal = command("train", "--out", tmp_path / "new", "--replay", run).refusal
    assert refusal == f"{run}: its log tells of no step, so there is nothing to do again. Name another run."
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


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
        ("g_lr", "--set g_lr: write it as KEY=VALUE, such as g_lr=0.0002."),
        ("batch_size", "--set batch_size: write it as KEY=VALUE, such as batch_size=64."),
        ("=3", "--set =3: write it as KEY=VALUE, such as batch_size=64."),
        ("dropout=3", "unknown hyperparameter 'dropout'; known: batch_size, "),
        ("bach_size=3", "unknown hyperparameter 'bach_size'. Did you mean batch_size?"),
        ("g_lr=fast", "g_lr: 'fast' is not a number from 0 to 10."),
        ("steps=abc", "steps: 'abc' is not a whole number from 0 to 100000000."),
        ("g_lr=nan", "g_lr: nan is not from 0 to 10."),
        ("g_lr=-1", "g_lr: -1.0 is not from 0 to 10."),
        ("batch_size=1.5", "batch_size: '1.5' is not a whole number from 1 to 4096."),
        ("batch_size=0", "batch_size: 0 is not from 1 to 4096."),
        ("same_z=maybe", "same_z: 'maybe' is not true or false."),
        ("g_widths=a,b", "g_widths: 'a,b' is not widths such as 256,256."),
        ("g_widths=", "need at least one width"),
        ("loss=hinge-ish", "loss: 'hinge-ish' is not one of "),
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
    assert "Did you mean mlp-64?" in command("train", "--recipe", "mlp_64", "--out", tmp_path / "run").refusal


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
@pytest.mark.parametrize("value", [0, -1])
def test_a_length_below_1_is_refused(command: Command, tmp_path: Path, option: str, value: int) -> None:
    refused = command(*PATTERN, "--out", tmp_path / "run", option, value).bad_arguments
    assert refused == f"argument {option}: {value} is not at least 1"


def test_a_run_in_place_of_a_file_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refusal = command(*PATTERN, "--out", tmp_path / "file", "--steps", 5).refusal
    assert refusal == f"{tmp_path / 'file'}: is a file. Name a folder for the run, which need not be there yet."
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
    monkeypatch.setattr("ganexplorer.core.latent.seeded", lambda *_: 1 / 0)
    answer = command(*PATTERN, "--out", tmp_path / "run", "--steps", 5)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.splitlines()[-1].startswith("ganexplorer: ZeroDivisionError: ")
    assert "Traceback" not in answer.err


def test_debug_lets_a_failure_in_training_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganexplorer.core.latent.seeded", lambda *_: 1 / 0)
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


def test_a_folder_of_pictures_is_found_again_from_anywhere(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders(8, 4, tmp_path / "pictures")
    monkeypatch.chdir(tmp_path)
    words = ("--recipe", "mlp-64", "--device", "cpu", "--set", "image_size=8", "--set", "batch_size=4", "--steps", 2)
    assert command("train", *words, "--data", "folder:pictures", "--out", "run").status == 0
    monkeypatch.chdir("/")
    answer = command("train", "--resume", "--out", tmp_path / "run", "--steps", 4)
    assert (answer.status, answer.out.startswith("finished at step 4")) == (0, True)


@pytest.mark.parametrize(
    ("data", "guess"),
    [
        ("toy:digit", "Did you mean toy:digits?"),
        ("fashion_mnist", "Did you mean fashion-mnist?"),
        ("{folder}", "folder:"),
    ],
)
def test_data_that_is_not_known_is_guessed(command: Command, tmp_path: Path, data: str, guess: str) -> None:
    refusal = command("train", "--recipe", "mlp-64", "--out", tmp_path / "run", "--data", data.format(folder=tmp_path))
    assert guess in refusal.refusal.rpartition(". ")[2]
    assert not (tmp_path / "run").exists()


def test_what_a_model_to_fine_tune_decides_cannot_be_set(command: Command, tmp_path: Path) -> None:
    words = ("--recipe", "mlp-64", "--start", "mnist-mlp-64", "--set", "z_dim=32", "--set", "g_lr=0.1")
    refusal = command("train", *words, "--set", "g_widths=12", "--out", tmp_path / "run").refusal
    assert refusal == "--start mnist-mlp-64: the model decides g_widths, z_dim. Leave that out of --set."


def test_the_end_of_a_run_says_what_can_be_done_next(command: Command, tmp_path: Path) -> None:
    answer = command(*PATTERN, "--out", tmp_path / "a run", "--steps", 5)
    assert answer.err.splitlines()[-1] == f"To explore it: ganexplorer gui --model '{tmp_path / 'a run'}'"
