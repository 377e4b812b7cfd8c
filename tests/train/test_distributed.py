"""Training in several processes: against one process with the whole batch, errors, signals, and being started anew.

Each start of torchrun takes seconds of imports; what one start can find out is checked by many tests.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
import torch.distributed as dist
import two_processes as two
from conftest import random_picture
from tiny_runs import TINY, differing, ended, log_of, request, saved_state, snapshot_tensors, train, variant
from torch import Tensor, nn

from ganexplorer import cli
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import build, initialize, mlp_generator
from ganexplorer.core.spec import LeakyReLU, Tanh
from ganexplorer.train.distributed import joined, met, restarted
from ganexplorer.train.events import Changed, Mark, Stepped, TrainRequest
from ganexplorer.train.parallel import ALONE, Elsewhere, Parallel
from ganexplorer.train.requests import forked, replayed, resumed
from ganexplorer.train.run_log import read_entries
from ganexplorer.train.steps import MEASURES, AdversarialStep
from ganexplorer.train.sync_norm import SyncedBatchNorm, synchronise_norms

fcntl = pytest.importorskip("fcntl")  # torchrun is for Linux and macOS
ROOT = Path(__file__).parents[2]
SCRIPT = Path(two.__file__)
PATIENCE = 400  # seconds, on a machine that has much else to do
ENDLESS = ("steps=100000000", "snapshot_every=10000000", "log_every=10")
TWO = Parallel(1, 2)  # never asked to talk


@contextmanager
def torchrun(*words: object, home: Path, restarts: int = 0) -> Iterator[subprocess.Popen[str]]:
    """torchrun with two processes; whatever is left of it at the end is killed."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += [f"--max-restarts={restarts}", *map(str, words)]
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path, "GANEXPLORER_HOME": str(home)}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
        process.communicate()


def words(pictures: Path, run: Path, *settings: str) -> list[object]:
    sets = [word for setting in settings for word in ("--set", setting)]
    return [
        "train",
        "--recipe",
        "mlp-64-stable",
        "--data",
        f"folder:{pictures}",
        "--out",
        run,
        "--device",
        "cpu",
        *sets,
    ]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all test processes."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "two-processes"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def checked(shared: Path) -> list[dict[str, Any]]:
    """What `two_processes.check` found in each of two processes; started once, whichever tests run where."""
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "1.pt").exists():
            pictures = shared / "pictures"
            (pictures / "a").mkdir(parents=True)
            for number in range(11):
                random_picture(number).save(pictures / ("a" if number > 8 else "") / f"{number:02d}.png")
            generator_alone(shared / "generator.safetensors")
            endless = words(pictures, shared / "signalled", *two.LONG, *ENDLESS)
            with torchrun(SCRIPT, "check", shared, pictures, *endless, home=shared / "home") as process:
                (shared / "signalled.txt").write_text(terminated(process, shared / "signalled" / "log.jsonl"))
    return [torch.load(shared / f"{rank}.pt", weights_only=True) for rank in range(2)]


def terminated(process: subprocess.Popen[str], log: Path) -> str:
    """Send SIGTERM once there is a log; returns what was printed on stdout."""
    deadline = time.monotonic() + PATIENCE
    while not log.is_file() or not log.stat().st_size:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=PATIENCE)
    _, alive = psutil.wait_procs(children, timeout=PATIENCE)
    assert alive == []
    assert "ganexplorer:" not in errors  # of an error
    return output


@pytest.fixture
def pictures(checked: object, shared: Path) -> Path:
    return shared / "pictures"


def generator_alone(path: Path) -> None:
    """A generator of 8x8 pixels without a discriminator."""
    generator = build(mlp_generator(4, (5,), (1, 8, 8), Prior.normal(), LeakyReLU(0.1), Tanh()))
    initialize(generator, "default", torch.Generator().manual_seed(1))
    Checkpoint(generator, None, {"name": "alone"}).save(path)


def in_one(config: Any) -> dict[str, Tensor]:
    """The steps of one process with the whole batch."""
    with two.double():
        return two.stepped(dataclasses.replace(config, batch_size=2 * config.batch_size))


# ---- two processes are one with twice the batch


@pytest.mark.parametrize("name", two.EQUAL_TO_ONE)
def test_weights_statistics_and_averages_are_those_of_the_whole_batch(checked: list[dict[str, Any]], name: str) -> None:
    one = in_one(two.EQUAL_TO_ONE[name])
    for result in checked:
        assert result[name].keys() == one.keys()
        for key in one.keys() - {"measures"}:
            assert torch.allclose(result[name][key], one[key], rtol=1e-9, atol=1e-11), key


@pytest.mark.parametrize("name", two.EQUAL_TO_ONE)
def test_both_processes_hold_the_same_bits(checked: list[dict[str, Any]], name: str) -> None:
    first, second = (
        {k: v.nan_to_num(-1) if v.is_floating_point() else v for k, v in result[name].items()} for result in checked
    )
    assert differing(first, second) == []


@pytest.mark.parametrize("name", two.EQUAL_TO_ONE)
def test_measures_are_those_of_the_whole_batch_but_for_the_diversity(checked: list[dict[str, Any]], name: str) -> None:
    exact = [i for i, measure in enumerate(MEASURES) if measure != "diversity"]
    one, both = in_one(two.EQUAL_TO_ONE[name])["measures"], checked[0][name]["measures"]
    torch.testing.assert_close(both[:, exact], one[:, exact], rtol=1e-5, atol=1e-6, equal_nan=True)


def test_diversity_is_the_mean_of_what_each_share_has(checked: list[dict[str, Any]]) -> None:
    """In step 1 both have the first weights, so that each share can be measured alone."""
    config = two.EQUAL_TO_ONE["bce, R1, fresh z"]
    with two.double(), torch.no_grad():
        optimization = two.begun(config, ALONE)
        prior = optimization.generator.spec.prior
        assert prior is not None
        prior.sample(6, 5, optimization.rng)  # for the step of D
        z = prior.sample(6, 5, optimization.rng)
        fake, real = optimization.generator(z).flatten(1), two.whole_batch(config, 6, 1).flatten(1)
        parts = [(fake[i : i + 3].var(0).sum() / real[i : i + 3].var(0).sum()).sqrt() for i in (0, 3)]
    measured = checked[0]["bce, R1, fresh z"]["measures"][0, MEASURES.index("diversity")]
    assert float(measured) == pytest.approx(float(sum(parts)) / 2, rel=1e-5)


def test_without_sync_bn_each_process_normalises_by_its_own_batch(checked: list[dict[str, Any]]) -> None:
    one, (first, second) = in_one(two.APART), (result["apart"] for result in checked)
    statistics = [key for key in one if "running" in key]
    assert len(statistics) == 6  # of two batch norms in G, one in D
    for key in statistics:
        assert not torch.equal(first[key], second[key])
    weights = [key for key in one if key.endswith("weight")]
    assert all(torch.equal(first[key], second[key]) for key in weights)
    assert not all(torch.allclose(first[key], one[key], rtol=1e-3) for key in weights)


@pytest.mark.parametrize("number", range(3), ids=["(N, C)", "(N, C, 4, 2)", "(N, C, 1, 1)"])
def test_a_synced_norm_is_torchs_norm_of_the_whole_batch(checked: list[dict[str, Any]], number: int) -> None:
    with two.double():
        norm, inputs = two.norms(2)[number]
        one = two.normalised(norm, inputs, slice(0, 6), lambda gradients: gradients)
    results = [result["norms"][number] for result in checked]
    both = results[0] | {name: torch.cat([result[name] for result in results]) for name in ("output", "slope")}
    assert both.keys() == one.keys()
    for name, value in one.items():
        assert torch.allclose(both[name], value, rtol=1e-9, atol=1e-10), name


def test_a_run_logs_epochs_and_losses_of_the_whole_batch(
    checked: list[dict[str, Any]], shared: Path, pictures: Path, tmp_path: Path
) -> None:
    """11 pictures, 8 epochs, batches of 4 in all: 22 steps. float32: to its rounding, in 22 steps of Adam."""
    one = two.case_request(two.OUTCOMES["epochs"], tmp_path / "one", pictures, "batch_size=4")
    assert ended(train(one)).step == 22
    assert [result["epochs"][:4] for result in checked] == [("finished", "NoneType", 22, 22)] * 2
    for ours, theirs in zip(log_of(shared / "epochs"), log_of(tmp_path / "one"), strict=True):
        assert ours["epoch"] == theirs["epoch"] == ours["step"] * 4 / 11
        for name in set(ours) - {"diversity"}:
            assert ours[name] == pytest.approx(theirs[name], rel=1e-3, abs=1e-4), (ours["step"], name)


def test_a_fresh_discriminator_settles_at_the_same_step(
    checked: list[dict[str, Any]], shared: Path, pictures: Path, tmp_path: Path
) -> None:
    shutil.copy(shared / "generator.safetensors", tmp_path)
    train(two.case_request(two.OUTCOMES["fine-tuned"], tmp_path / "one", pictures, "batch_size=4"))
    steps = []
    for run in (shared / "fine-tuned", tmp_path / "one"):
        entries = read_entries(run / "log.jsonl")
        steps += [entry.step for entry in entries if isinstance(entry, Mark) and entry.kind == "warmed up"]
    assert len(steps) == 2
    assert steps[0] == steps[1] < 260
    assert [result["fine-tuned"][2] for result in checked] == [260, 260]


# ---- all as one


def test_each_image_of_the_whole_batch_is_of_one_process(checked: list[dict[str, Any]]) -> None:
    for result in checked:
        assert torch.equal(result["shares"], torch.full((10,), 0.5))
    assert [Parallel(rank, 3).share(4) for rank in range(3)] == [slice(0, 4), slice(4, 8), slice(8, 12)]


def test_the_first_process_decides(checked: list[dict[str, Any]]) -> None:
    assert [result["from first"] for result in checked] == ["made by 0"] * 2


def test_a_loss_that_is_not_finite_in_one_is_noticed_by_all_in_time(checked: list[dict[str, Any]]) -> None:
    assert [result["nan"] for result in checked] == [True, True]


def test_all_stop_after_the_step_in_which_one_was_asked_to(checked: list[dict[str, Any]], shared: Path) -> None:
    assert [result["stopped by one"][:3] for result in checked] == [("stopped", "NoneType", 7)] * 2
    assert (shared / "stopped by one" / "LATEST").read_text() == "00000007.safetensors\n"


@pytest.mark.parametrize(
    ("name", "failing", "error", "text"),
    [
        ("missing in one", 1, "DataError", "missing: no such folder. Use folder:DIR with a folder of pictures."),
        ("other data in one", 1, "DataError", "Process 1 finds other data than the first one: 2 pictures of .*, not "
         "11 pictures of .*Give all machines the same files."),
        ("bad networks", 0, "SpecError", "3 widths make a DCGAN for square images of 32, 40, 48, 56 pixels, "
         "not for 8x8"),
        ("long again", 0, "RunError", "long: holds a run already. Resume it"),
    ],
)  # fmt: skip
def test_what_fails_in_one_ends_all_and_is_told_once(
    checked: list[dict[str, Any]], shared: Path, name: str, failing: int, error: str, text: str
) -> None:
    outcomes = [result[name] for result in checked]
    assert [outcome[0] for outcome in outcomes] == ["failed", "failed"]
    assert outcomes[failing][1] == error
    assert re.search(text, outcomes[failing][4])
    assert outcomes[1 - failing][1] == ("Elsewhere" if name != "bad networks" else error)  # which all find out alone
    assert (shared / name).exists() == (name == "long")


def test_the_first_judges_for_both(checked: list[dict[str, Any]], shared: Path) -> None:
    first, second = (result["judged"] for result in checked)
    assert first[:3] == second[:3] == ("finished", "NoneType", 4)
    assert [step for step, _ in first[6]] == [2, 4]
    assert first[6] == second[6]
    logged = [entry for entry in log_of(shared / "judged") if "distance" in entry]
    assert [(entry["step"], entry["distance"]) for entry in logged] == first[6]


def test_what_cannot_be_judged_is_told_and_ends_neither(checked: list[dict[str, Any]]) -> None:
    for result in checked:
        assert result["too few to judge"][:3] == ("finished", "NoneType", 40)
        assert result["too few to judge"][6] == []
        (notice,) = (text for text in result["too few to judge"][5] if "Quality" in text)
        assert re.search("too few images or samples to compare", notice)


# ---- the command under torchrun


def test_a_run_whose_process_was_killed_goes_on_to_the_same_end(
    shared: Path, pictures: Path, tmp_path: Path, home: Path
) -> None:
    """Process 1 dies in step 25; the last checkpoint is of step 20."""
    run = tmp_path / "run"
    with torchrun(SCRIPT, "die", 25, *words(pictures, run, *two.LONG), restarts=1, home=home) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert f"finished at step 40: {run / 'snapshots' / '00000040.safetensors'}" in output
    assert output.count("finished") == 1
    told = [line for line in errors.splitlines() if line.startswith("ganexplorer:")]
    assert len(told) == 1
    assert "Another process of this training has ended unexpectedly" in told[0]
    assert ", 2 processes" in errors
    marks = [entry for entry in read_entries(run / "log.jsonl") if isinstance(entry, Mark)]
    assert [(mark.kind, mark.step) for mark in marks] == [("resumed", 20)]
    assert log_of(run) == log_of(shared / "long")
    assert differing(snapshot_tensors(run, 40), snapshot_tensors(shared / "long", 40)) == []
    assert differing(saved_state(run), saved_state(shared / "long")) == []


def test_an_error_is_one_line_and_leaves_nothing(pictures: Path, tmp_path: Path, home: Path) -> None:
    asked = words(pictures / "nowhere", tmp_path / "run", *two.LONG)
    with torchrun("-m", "ganexplorer", *asked, home=home) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    told = [line for line in errors.splitlines() if line.startswith("ganexplorer:")]
    assert told == [f"ganexplorer: {pictures / 'nowhere'}: no such folder. Use folder:DIR with a folder of pictures."]
    assert re.search(r"exitcode\s*: 2 ", errors)  # in torchrun's report; its own status is 1
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("checked")
def test_a_signal_to_torchrun_saves_and_ends_all(shared: Path) -> None:
    """Without an end it would go on; see `terminated`."""
    run = shared / "signalled"
    (step,) = re.findall(r"stopped at step ([\d,]+): ", (shared / "signalled.txt").read_text())
    state = torch.load(max((run / "checkpoint").glob("*.pt")), weights_only=True)
    assert state["step"] == int(step.replace(",", "")) >= log_of(run)[-1]["step"]
    assert state["processes"] == 2
    assert (run / "LATEST").read_text() == f"{state['step']:08d}.safetensors\n"


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_gpus_train_as_one(pictures: Path, tmp_path: Path, home: Path) -> None:
    sets = ("steps=20", *two.LONG[1:])
    here = [word if word != "cpu" else "cuda" for word in words(pictures, tmp_path / "two", *sets)]
    with torchrun("-m", "ganexplorer", *here, home=home) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    alone = [word if word != tmp_path / "two" else tmp_path / "one" for word in here]
    assert cli.main([*map(str, alone), "--set", "batch_size=4"]) == 0
    for ours, theirs in zip(log_of(tmp_path / "two"), log_of(tmp_path / "one"), strict=True):
        assert ours["d_loss"] == pytest.approx(theirs["d_loss"], rel=1e-2, abs=1e-3)


# ---- going on


def test_another_number_of_processes_cannot_go_on(shared: Path, pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(shared / "long", run)
    asked = two.case_request(two.OUTCOMES["long"], run, pictures)
    end = ended(train(dataclasses.replace(asked, resume=True)))
    assert end.reason == "failed"
    assert end.message == (
        f"{run}: was trained by 2 processes and cannot go on in one process, which see the images in another order. "
        "Resume it with torchrun --nproc-per-node=2."
    )


def test_a_state_from_before_processes_were_counted_is_of_one(picture_folder: Path, tmp_path: Path) -> None:
    asked = request(TINY, picture_folder, tmp_path / "run")
    train(asked, stop_after=4)
    (file,) = (tmp_path / "run" / "checkpoint").glob("*.pt")
    state = torch.load(file, weights_only=True)
    assert state.pop("processes") == 1
    torch.save(state, file)
    assert ended(train(dataclasses.replace(asked, resume=True))).reason == "finished"


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")


@pytest.fixture
def begun(picture_folder: Path, tmp_path: Path) -> TrainRequest:
    """A run that has come to step 5, and then step 7."""
    asked = request(TINY, picture_folder, tmp_path / "run")
    train(asked, stop_after=7)
    return asked


def test_a_first_start_goes_on_with_nothing(begun: TrainRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    assert restarted(begun) is begun
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    assert restarted(begun) is begun


@pytest.mark.usefixtures("anew")
def test_a_second_start_goes_on_with_what_the_first_began(begun: TrainRequest, tmp_path: Path) -> None:
    assert restarted(begun) == dataclasses.replace(begun, resume=True)
    fresh = dataclasses.replace(begun, run=tmp_path / "other")
    assert restarted(fresh) is fresh
    assert ended(train(restarted(begun))).step == 12


@pytest.mark.usefixtures("anew")
def test_a_second_start_does_not_go_on_with_somebody_elses_run(begun: TrainRequest) -> None:
    other = dataclasses.replace(begun, config=variant(TINY, d_widths=[7]))
    end = ended(train(restarted(other)))
    assert "was started with another configuration: d_widths: (6,) -> (7,)" in end.message


@pytest.mark.usefixtures("anew")
def test_a_second_start_knows_what_a_model_to_fine_tune_decided(picture_folder: Path, tmp_path: Path) -> None:
    generator_alone(tmp_path / "generator.safetensors")
    config = variant(TINY, warmup=3)  # of z_dim 3, and the model's is 4
    asked = request(config, picture_folder, tmp_path / "run", start=str(tmp_path / "generator.safetensors"))
    train(asked, stop_after=6)
    assert ended(train(restarted(asked))).reason == "finished"


@pytest.mark.usefixtures("anew")
def test_a_second_start_rolls_back_once(begun: TrainRequest) -> None:
    back = dataclasses.replace(begun, resume=True, rollback=5)
    assert restarted(back) is back
    train(back, stop_after=6)
    assert restarted(back) == dataclasses.replace(back, rollback=None)


@pytest.mark.usefixtures("anew")
def test_a_second_start_goes_on_with_a_run_done_again(picture_folder: Path, tmp_path: Path) -> None:
    """Changed by hand at the start, at the snapshot that is gone on from, and after it; then a step by hand."""
    source, again = tmp_path / "source", tmp_path / "again"
    changes = [Changed(0, {"g_lr": 0.02}), Changed(5, {"d_lr": 0.02}), Changed(7, {"r1_gamma": 1.0}), Stepped(9, "g")]
    config = variant(TINY, sample_every=100)
    train(request(config, picture_folder, source, script=tuple(changes)))
    whole = [entry for entry in read_entries(source / "log.jsonl") if isinstance(entry, Changed | Stepped)]
    assert whole == changes
    asked = dataclasses.replace(replayed(source, again), device="cpu")
    assert restarted(asked) is asked  # died before there was anything
    train(asked, stop_after=6)
    for newest in (again / "checkpoint" / "00000006.pt", again / "snapshots" / "00000006.safetensors"):
        newest.unlink()  # as if it had been killed after step 6: the last checkpoint is of step 5
    anew = restarted(asked)
    assert (anew.resume, anew.until) == (True, 12)
    assert anew.script == tuple(changes[2:])
    assert ended(train(anew)).step == 12
    assert log_of(again) == log_of(source)
    assert differing(saved_state(again), saved_state(source)) == []
    done = [entry for entry in read_entries(again / "log.jsonl") if isinstance(entry, Changed | Stepped)]
    assert done == changes


@pytest.mark.usefixtures("anew")
def test_a_second_start_does_not_go_on_with_a_run_that_the_first_has_refused(begun: TrainRequest) -> None:
    lasting = dist.HashStore()  # what torchrun keeps over its starts
    assert restarted(begun, Parallel(0, 2, dist.HashStore(), lasting)) is begun
    Parallel(1, 2, dist.HashStore(), lasting).note_begun()  # the first process alone knows
    back = dataclasses.replace(begun, resume=True, rollback=5)
    assert restarted(back, Parallel(0, 2, dist.HashStore(), lasting)) is back
    Parallel(0, 2, dist.HashStore(), lasting).note_begun()
    assert restarted(begun, Parallel(0, 2, dist.HashStore(), lasting)) == dataclasses.replace(begun, resume=True)
    assert restarted(back, Parallel(0, 2, dist.HashStore(), lasting)).rollback is None


def test_a_run_done_again_that_was_stopped_is_gone_on_with(picture_folder: Path, tmp_path: Path) -> None:
    source, again = tmp_path / "source", tmp_path / "again"
    changes = (Changed(0, {"g_lr": 0.02}), Changed(7, {"d_lr": 0.02}), Stepped(9, "g"))
    train(request(TINY, picture_folder, source, script=changes), stop_after=10)
    train(dataclasses.replace(replayed(source, again), device="cpu"), stop_after=6)
    assert resumed(again).script == changes[1:]
    assert ended(train(dataclasses.replace(resumed(again), device="cpu"))).step == 10
    assert log_of(again) == log_of(source)
    assert differing(saved_state(again), saved_state(source)) == []
    assert (resumed(again).script, resumed(again).until) == ((), 0)  # and from there on by itself
    assert resumed(again, rollback=5).script == changes[1:]
    branch = forked(again, 5, tmp_path / "branch")
    assert (branch.script, branch.until) == ((), 0)


@pytest.mark.usefixtures("anew")
def test_a_second_start_makes_a_change_that_a_run_done_again_has_not_come_to(
    picture_folder: Path, tmp_path: Path
) -> None:
    """Killed between the checkpoint of step 5 and the change after it."""
    source, again = tmp_path / "source", tmp_path / "again"
    change = Changed(5, {"g_lr": 0.02})
    train(request(TINY, picture_folder, source, script=(change,)))
    asked = dataclasses.replace(replayed(source, again), device="cpu")
    train(dataclasses.replace(asked, script=(), until=5))
    anew = restarted(asked)
    assert anew.script == (change,)
    train(anew)
    assert log_of(again) == log_of(source)


@pytest.mark.usefixtures("anew")
def test_a_second_start_goes_on_with_the_fork_that_the_first_made(
    begun: TrainRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = tmp_path / "child"

    def again(*words: str, out: Path = child) -> int:
        return cli.main(["train", "--out", str(out), "--device", "cpu", *words])

    fork = ["--fork", f"{begun.run}@5", "--set", "g_lr=0.05"]
    assert again(*fork) == 0  # nothing was there yet
    for path in (child / "checkpoint" / "00000012.pt", child / "snapshots" / "00000012.safetensors"):
        path.unlink()  # as if it had been killed after the checkpoint of step 10
    assert again(*fork) == 0
    assert "Going on" not in capsys.readouterr().err
    entries = read_entries(child / "log.jsonl")
    assert [entry for entry in entries if isinstance(entry, Changed)] == [Changed(5, {"g_lr": 0.05})]
    marks = [(mark.kind, mark.step) for mark in entries if isinstance(mark, Mark)]
    assert marks == [("forked", 5), ("resumed", 5), ("resumed", 10)]
    assert again(*fork) == 0  # all was done, and torchrun is told so
    assert again("--resume", out=begun.run) == 0
    assert again("--resume", out=begun.run) == 0
    assert again("--fork", f"{begun.run}@10") == 2  # another fork than that
    assert again("--fork", str(child), "--steps", "30", out=begun.run) == 2
    assert capsys.readouterr().err.count("exists already") == 2


# ---- alone


def test_a_process_on_its_own_talks_to_nobody(tmp_path: Path) -> None:
    tensors = [torch.ones(2), torch.ones(())]
    assert ALONE.average(tensors) is tensors
    assert ALONE.any(True)
    assert not ALONE.any(False)
    assert ALONE.from_first(lambda: 3) == 3
    assert ALONE.tells(None)
    with pytest.raises(ZeroDivisionError), ALONE.as_one():
        raise ZeroDivisionError


def test_a_process_that_failed_for_others_tells_nothing() -> None:
    store = dist.HashStore()
    first, second = Parallel(0, 2, store), Parallel(1, 2, store)
    assert not first.tells(Elsewhere("process 1"))
    assert second.tells(ValueError("it"))
    assert not first.tells(ValueError("it"))


def test_a_start_meets_its_own_processes_not_those_of_an_earlier_one() -> None:
    """The store is kept; in the last start the first process comes last."""
    store, rooms = dist.HashStore(), []
    for order in ((0, 1, 2), (0, 1, 2), (1, 2, 0)):
        with ThreadPoolExecutor(3) as pool:
            waiting = []
            for rank in order:
                waiting.append(pool.submit(met, store, rank, 3))
                time.sleep(0.05)
            rooms.append({room.result(PATIENCE) for room in waiting})
    assert [len(room) for room in rooms] == [1, 1, 1]
    assert len(set.union(*rooms)) == 3


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1", "RANK": "0"}, {"WORLD_SIZE": "2"}])
def test_who_was_not_started_by_torchrun_is_alone(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with joined("auto") as (parallel, device):
        assert parallel is ALONE
        assert device == "auto"


def test_norms_of_one_process_stay_as_they_are() -> None:
    with two.double():
        optimization = two.begun(two.EQUAL_TO_ONE["batch norm"], ALONE)
    kinds = [type(m) for m in optimization.generator.modules() if isinstance(m, nn.BatchNorm2d)]
    assert kinds == [nn.BatchNorm2d] * 2


def test_synced_norms_change_neither_a_checkpoint_nor_what_the_network_makes(tmp_path: Path) -> None:
    config = two.EQUAL_TO_ONE["batch norm"]
    before = two.begun(dataclasses.replace(config, sync_bn=False), ALONE).generator
    after = copy.deepcopy(before)
    synchronise_norms(after, TWO)
    norms = [m for m in after.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [type(m) for m in norms] == [SyncedBatchNorm] * 2
    assert [name for name, _ in after.named_parameters()] == [name for name, _ in before.named_parameters()]
    assert list(after.state_dict()) == list(before.state_dict())
    z = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(copy.deepcopy(after).eval()(z), before.eval()(z))
    Checkpoint(after, None, {"name": "same"}).save(tmp_path / "after.safetensors")
    saved = Checkpoint.load(tmp_path / "after.safetensors").generator
    assert saved.spec == before.spec
    assert differing(saved.state_dict(), before.state_dict()) == []


def test_synced_norms_hold_the_parameters_that_an_optimizer_knows() -> None:
    with two.double():
        optimization = two.begun(dataclasses.replace(two.EQUAL_TO_ONE["batch norm"], ema=0.5), TWO)
    stepped = {id(p) for group in optimization.g_optimizer.param_groups for p in group["params"]}
    assert stepped == {id(p) for p in optimization.generator.parameters()}
    assert isinstance(optimization, AdversarialStep)


def test_the_flag_sync_bn_sets_the_hyperparameter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pattern = ["train", "--recipe", "pattern-1010", "--device", "cpu", "--steps", "2", "--out", str(tmp_path / "run")]
    assert cli.main([*pattern, "--sync-bn"]) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["sync_bn"] is True
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "without it each sees that of its own process alone" in text
    assert "sync_bn=False" in text
