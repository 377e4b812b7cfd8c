"""Steering a run from the window: pause, single steps, changes, snapshots on a line, rolling back, forking, tuning."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QFileDialog, QInputDialog
from safetensors.torch import load_file

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import mlp_generator
from ganexplorer.core.render import Renderer
from ganexplorer.core.spec import LeakyReLU, Tanh
from ganexplorer.train import run_log
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import Changed, Continued, Mark, Paused, Scalars, Started, Stepped, TrainRequest
from ganexplorer.train.growth import write_growth
from ganexplorer.train.recipes import RECIPES
from ganexplorer.train.snapshots import Snapshot, snapshots
from ganexplorer.train.trainer import Trainer
from ganexplorer.ui.plots.chart_words import WORDS
from ganexplorer.ui.theme import DARK, LIGHT
from ganexplorer.ui.training.run_controls import RunControls, RunState
from ganexplorer.ui.training.timeline import Timeline

LEFT = Qt.MouseButton.LeftButton
PATIENCE = 120_000  # a child process that imports torch, on a busy machine


@pytest.fixture
def line(qtbot, tmp_path):
    """A timeline of five snapshots, the third without a state."""
    timeline = Timeline(DARK)
    qtbot.addWidget(timeline)
    found = []
    (tmp_path / "checkpoint").mkdir()
    for step in (100, 200, 300, 400, 800):
        found.append(Snapshot(tmp_path, step))
        if step != 300:
            found[-1].state.write_bytes(b"state")
    timeline.show_snapshots(found, {200})
    timeline.resize(340, 90)
    timeline.show()
    timeline.chosen.connect(chosen := [].append)
    timeline.heard = chosen.__self__
    return timeline


def steps(timeline):
    return [None if snapshot is None else snapshot.step for snapshot in timeline.heard]


def test_a_press_chooses_the_nearest_snapshot_and_a_drag_those_on_the_way(line, qtbot):
    middle = line.line.height() // 2
    qtbot.mousePress(line.line, LEFT, pos=QPoint(round(line.line.x_of(1)) + 3, middle))
    for index in (2, 3, 4):
        qtbot.mouseMove(line.line, QPoint(round(line.line.x_of(index)), middle))
    qtbot.mouseRelease(line.line, LEFT, pos=QPoint(round(line.line.x_of(4)), middle))
    assert steps(line) == [200, 300, 400, 800]
    assert line.words.text() == "Step 800: snapshot 5 of 5"


def test_ticks_stand_where_their_steps_do(line):
    xs = [line.line.x_of(index) for index in range(5)]
    assert np.allclose(np.diff(xs) / (xs[-1] - xs[0]), np.array([100, 100, 100, 400]) / 700)


def test_keys_walk_along_the_line(line, qtbot):
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Home, Qt.Key.Key_Right, Qt.Key.Key_End, Qt.Key.Key_Right):
        qtbot.keyClick(line.line, key)
    assert steps(line) == [800, 400, 100, 200, 800]


def test_the_wheel_moves_the_line_only_while_it_has_the_focus(line, qtbot):
    def wheel(delta):
        where = QPointF(50, 10)
        event = QWheelEvent(
            where, line.line.mapToGlobal(where), QPoint(), QPoint(0, delta), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        line.line.wheelEvent(event)

    line.line.clearFocus()
    wheel(-120)
    assert steps(line) == []
    line.line.pick(1)
    line.line.setFocus()
    qtbot.waitUntil(line.line.hasFocus)
    wheel(-120)
    assert steps(line) == [200, 300]


def test_only_what_can_be_done_with_a_snapshot_is_offered(line):
    branching = (line.roll_back, line.fork)
    assert not any(button.isEnabled() for button in (line.now, *branching))
    line.line.pick(0)
    assert all(button.isEnabled() for button in (line.now, *branching))
    line.line.pick(2)  # one without a state: it can be looked at, no more
    assert line.now.isEnabled()
    assert not any(button.isEnabled() for button in branching)
    assert not line.keep.isEnabled()
    line.show_training(True)
    assert line.keep.isEnabled()


def test_now_goes_back_and_the_buttons_name_the_step(line, qtbot):
    line.line.pick(3)
    with qtbot.waitSignal(line.roll_back_wanted) as rolled:
        qtbot.mouseClick(line.roll_back, LEFT)
    with qtbot.waitSignal(line.fork_wanted) as forked:
        qtbot.mouseClick(line.fork, LEFT)
    assert (rolled.args, forked.args) == ([400], [400])
    qtbot.mouseClick(line.now, LEFT)
    assert steps(line) == [400, None]
    assert line.snapshot is None


def test_play_goes_through_all_snapshots_and_ends(line, qtbot):
    line._player.setInterval(1)
    qtbot.mouseClick(line.play, LEFT)
    qtbot.waitUntil(lambda: not line.play.isChecked())
    assert steps(line) == [100, 200, 300, 400, 800]


def test_a_snapshot_that_is_looked_at_stays_so_when_others_come_and_go(line, tmp_path):
    line.line.pick(3)
    more = [Snapshot(tmp_path, step) for step in (100, 400, 900)]
    line.show_snapshots(more, set())
    assert line.snapshot is more[1]
    line.show_snapshots(more[:1], set())
    assert line.snapshot is None
    assert line.words.text() == "1 snapshot, step 100"


def test_the_line_paints_in_both_themes(line):
    line.line.pick(3)
    pictures = []
    for theme in (DARK, LIGHT):
        line.set_theme(theme)
        pictures.append(line.line.grab().toImage())
    assert pictures[0] != pictures[1]
    line.show_snapshots([], set())
    assert not line.grab().isNull()


def test_the_buttons_say_what_can_be_done(qtbot):
    controls = RunControls()
    qtbot.addWidget(controls)
    controls.show()
    buttons = {name: getattr(controls, name) for name in ("start", "pause", "go_on", "step", "stop", "resume")}

    def on():
        return {name for name, button in buttons.items() if button.isVisible() and button.isEnabled()}

    assert on() == {"start"}
    controls.offer_resume(True)
    assert on() == {"start", "resume"}
    controls.show_state(RunState.STARTING)
    assert on() == {"stop"}
    controls.show_state(RunState.RUNNING)
    assert on() == {"pause", "stop"}
    controls.show_state(RunState.PAUSED)
    assert on() == {"go_on", "step", "stop"}
    controls.show_state(RunState.WAITING)
    assert on() == {"stop"}
    controls.show_state(RunState.STOPPING)
    assert on() == set()


# --- a real run ------------------------------------------------------------------------------------------------------


def choose(window, name, ref):
    window.train.setup.recipe.setCurrentText(name)
    window.train.setup.choose_data(ref)


def wait_state(window, qtbot, state):
    qtbot.waitUntil(lambda: window.train.controls.state is state, timeout=PATIENCE)


def entries(run, kind):
    return [entry for entry in run_log.read_entries(run / "log.jsonl") if isinstance(entry, kind)]


def test_a_run_is_paused_stepped_changed_kept_stopped_resumed_rolled_back_and_forked(
    window, qtbot, tmp_path, quick_recipe
):
    quick_recipe("pattern-1010", steps=10**8, log_every=10, snapshot_every=10**6)
    train, controls = window.train, window.train.controls
    choose(window, "pattern-1010", "toy:1010")
    qtbot.mouseClick(controls.start, LEFT)
    wait_state(window, qtbot, RunState.RUNNING)
    run = train.view.run
    qtbot.mouseClick(controls.pause, LEFT)
    wait_state(window, qtbot, RunState.PAUSED)
    assert train.status.text().startswith("Paused after step")
    assert window.status.training.text() == ""

    both, d_only, g_only = controls.step.menu().actions()
    for action in (d_only, g_only, both):
        action.trigger()
    qtbot.waitUntil(lambda: len(entries(run, Stepped)) == 3, timeout=PATIENCE)
    assert [entry.networks for entry in entries(run, Stepped)] == ["d", "g", "both"]

    train.form.change_wanted.emit({"g_lr": 0.5})
    qtbot.waitUntil(lambda: train.form.config().g_lr == 0.5, timeout=PATIENCE)
    train.form.change_wanted.emit({"steps": 1})
    qtbot.waitUntil(lambda: "steps are done already" in window.notices.text, timeout=PATIENCE)
    assert entries(run, Changed)[-1].settings == {"g_lr": 0.5}

    qtbot.mouseClick(train.timeline.keep, LEFT)
    qtbot.waitUntil(lambda: train.timeline.film.isEnabled(), timeout=PATIENCE)
    kept = snapshots(run)[0].step
    qtbot.mouseClick(controls.go_on, LEFT)
    wait_state(window, qtbot, RunState.RUNNING)
    qtbot.waitUntil(lambda: train.plots.points[0][-1] > kept + 100, timeout=PATIENCE)
    qtbot.mouseClick(controls.stop, LEFT)
    wait_state(window, qtbot, RunState.IDLE)
    stopped = snapshots(run)[-1].step

    assert controls.resume.isEnabled()
    qtbot.mouseClick(controls.resume, LEFT)
    wait_state(window, qtbot, RunState.RUNNING)
    assert train.form.config().g_lr == 0.5  # as it had become
    qtbot.waitUntil(lambda: train.plots.points[0][-1] > stopped, timeout=PATIENCE)

    train.timeline.line.pick(0)
    qtbot.mouseClick(train.timeline.roll_back, LEFT)  # stops it first
    qtbot.waitUntil(lambda: any(mark.kind == "rolled back" for mark in entries(run, Mark)), timeout=PATIENCE)
    wait_state(window, qtbot, RunState.RUNNING)
    assert train.view.run == run
    assert (run / "abandoned").is_dir()

    train.timeline.line.pick(0)
    qtbot.mouseClick(train.timeline.fork, LEFT)
    qtbot.waitUntil(lambda: train.view.run not in (run, None), timeout=PATIENCE)
    wait_state(window, qtbot, RunState.RUNNING)
    child = train.view.run
    assert child.name == f"{run.name}@{kept}"
    qtbot.mouseClick(controls.stop, LEFT)
    wait_state(window, qtbot, RunState.IDLE)
    assert entries(child, Mark)[0].kind in ("kept", "forked")


@pytest.fixture(scope="module")
def past_run(tmp_path_factory):
    """A run of 64-dimensional z with four snapshots."""
    folder = tmp_path_factory.mktemp("past")
    pictures = folder / "pictures"
    pictures.mkdir()
    random = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(random.integers(0, 255, (28, 28), np.uint8)).save(pictures / f"{number}.png")
    config = TrainConfig(
        batch_size=4, steps=8, z_dim=64, g_widths=(16,), d_widths=(8,), image_size=28, log_every=1, sample_every=2,
        sample_count=4, snapshot_every=2, g_lr=0.05,
    )  # fmt: skip
    list(Trainer(TrainRequest(config, f"folder:{pictures}", folder / "run", "cpu")).run())
    return folder / "run"


def test_a_run_that_is_done_is_trained_for_longer_from_its_end_or_from_a_fork(
    window, qtbot, past_run, tmp_path, monkeypatch
):
    run = tmp_path / "run"
    shutil.copytree(past_run, run)
    window.open(str(run))
    train = window.train
    qtbot.waitUntil(train.controls.resume.isEnabled, timeout=20_000)
    asked = []
    answers = [(0, False), (10, True), (14, True), (13, True)]

    def answer(_parent, _title, words, value, low, high):
        asked.append((words, value, low, high))
        return answers.pop(0)

    monkeypatch.setattr(QInputDialog, "getInt", answer)
    qtbot.mouseClick(train.controls.resume, LEFT)
    assert train.controls.state is RunState.IDLE  # the person let it be
    qtbot.mouseClick(train.controls.resume, LEFT)
    assert asked == [("run has done all its 8 steps.\nTrain until step:", 16, 9, 10**8)] * 2
    qtbot.waitUntil(lambda: train.status.text().startswith("Finished at step 10"), timeout=PATIENCE)
    assert entries(run, Changed) == [Changed(8, {"steps": 10})]
    assert [entry.step for entry in entries(run, Scalars)] == list(range(1, 11))

    train.form.set_value("g_lr", 0.5)
    qtbot.mouseClick(train.controls.resume, LEFT)
    assert asked[2][0].startswith("run has done all its 10 steps")
    qtbot.waitUntil(lambda: train.status.text().startswith("Finished at step 14"), timeout=PATIENCE)
    assert entries(run, Changed)[1:] == [Changed(10, {"g_lr": 0.5, "steps": 14})]

    train.timeline.line.pick(0)  # of step 2: there is enough to do from there
    qtbot.mouseClick(train.timeline.roll_back, LEFT)
    qtbot.waitUntil(lambda: any(mark.kind == "rolled back" for mark in entries(run, Mark)), timeout=PATIENCE)
    qtbot.waitUntil(lambda: train.controls.state is RunState.IDLE, timeout=PATIENCE)
    assert len(asked) == 3
    assert snapshots(run)[-1].step == 8  # what made it longer came later, and was set aside

    train.timeline.line.pick(3)
    qtbot.mouseClick(train.timeline.fork, LEFT)
    assert len(asked) == 4
    qtbot.waitUntil(lambda: train.view.run not in (run, None), timeout=PATIENCE)
    wait_state(window, qtbot, RunState.IDLE)
    assert snapshots(train.view.run)[-1].step == 13


def test_an_edit_of_what_is_fixed_in_a_run_is_not_dropped_by_going_on(window, qtbot, tmp_path, quick_recipe):
    quick_recipe("pattern-1010", steps=10**8, log_every=10, snapshot_every=10**6)
    train = window.train
    choose(window, "pattern-1010", "toy:1010")
    qtbot.mouseClick(train.controls.start, LEFT)
    wait_state(window, qtbot, RunState.RUNNING)
    qtbot.mouseClick(train.controls.stop, LEFT)
    wait_state(window, qtbot, RunState.IDLE)
    train.form.set_value("batch_size", 7)
    train.form.set_value("d_lr", 0.25)
    qtbot.mouseClick(train.controls.resume, LEFT)
    assert "Not resumed: batch_size cannot change in a run that has begun" in window.notices.text
    assert train.controls.state is RunState.IDLE
    assert train.form.config().batch_size == 7
    train.form.set_value("batch_size", RECIPES["pattern-1010"].config.batch_size)
    qtbot.mouseClick(train.controls.resume, LEFT)
    wait_state(window, qtbot, RunState.RUNNING)
    run = train.view.run
    qtbot.waitUntil(lambda: bool(entries(run, Changed)), timeout=PATIENCE)  # at the first step
    assert entries(run, Changed)[0].settings == {"d_lr": 0.25}
    assert train.form.config().d_lr == 0.25
    qtbot.mouseClick(train.controls.stop, LEFT)
    wait_state(window, qtbot, RunState.IDLE)

    train.form.set_value("ema", 0.9)  # may change while it is on, but not begin
    train.form.set_value("d_lr", 0.3)
    qtbot.mouseClick(train.controls.resume, LEFT)
    qtbot.waitUntil(lambda: train.status.text() == "Failed before it began", timeout=PATIENCE)
    assert "ema" in window.notices.text
    assert (train.form.config().ema, train.form.config().d_lr) == (0.9, 0.3)
    train.form.set_value("ema", 0.0)
    train.timeline.line.pick(0)
    qtbot.mouseClick(train.timeline.roll_back, LEFT)
    wait_state(window, qtbot, RunState.RUNNING)
    last = {"d_lr": 0.3}  # written when the run has begun
    qtbot.waitUntil(lambda: [change.settings for change in entries(run, Changed)][-1:] == [last], timeout=PATIENCE)
    qtbot.mouseClick(train.controls.stop, LEFT)
    wait_state(window, qtbot, RunState.IDLE)


def test_a_run_that_waits_for_its_folder_says_so_and_offers_to_stop(window, tmp_path):
    train, spec = window.train, mlp_generator(4, (8,), (1, 4, 4), Prior.normal(), LeakyReLU(0.2), Tanh()).to_json()
    config = TrainConfig(steps=20)
    started = Started(tmp_path, "r", "d", "cpu", spec, spec, "bce", (1, 1), 0, 20, 0.0, config)
    train.session.happened.emit(started)
    train.session.happened.emit(Paused(10, "No room"))
    train.session.scalars.emit([Scalars(10, 0, *[0.5] * 7, 30.0)])  # of the step whose sheet could not be written
    assert train.status.text().startswith("Waiting after step 10")
    assert train.controls.state is RunState.WAITING
    assert "No room" in window.notices.text
    train.session.happened.emit(Continued(10))
    assert train.controls.state is RunState.RUNNING
    train.session.happened.emit(Paused(10))
    assert (train.controls.state, train.status.text()) == (RunState.PAUSED, "Paused after step 10")


def test_the_view_knows_how_long_a_run_is_and_what_its_loss_has_become(window, tmp_path):
    view = window.train.view
    view.begin(tmp_path / "a", TrainConfig(epochs=3))
    assert view.total_steps == 0  # nobody knows how long an epoch is
    view.show_entries([Scalars(10, 0.25, *[0.5] * 7, 30.0), Mark(10, "kept", "")])
    assert view.total_steps == 120
    view.show_entries([Changed(10, {"steps": 400}), Changed(10, {"loss": "wgan"}), Changed(10, {"from": "tomorrow"})])
    assert view.total_steps == 400
    assert view.plots._data.words is WORDS["wgan"]
    view.begin(tmp_path / "a", TrainConfig(), after=10)
    assert view._kept == {10}
    view.begin(tmp_path / "a", TrainConfig(), after=9)  # rolled back
    assert view._kept == set()
    view.mark(Mark(10, "kept", ""))
    view.begin(tmp_path / "b", TrainConfig(), after=10)
    assert view._kept == set()


def test_scrubbing_shows_each_snapshot_under_the_latent_of_now(window, shot, qtbot, past_run):
    window.open(str(past_run))
    qtbot.waitUntil(lambda: len(window.train.timeline.snapshots) == 4, timeout=20_000)
    window.document.random()
    z = window.document.z.clone()
    opened = shot.settled()
    seen = []
    for index in (0, 1, 2):
        window.train.timeline.line.pick(index)
        qtbot.waitUntil(lambda step=2 * index + 2: window.document.subject.snapshot == step, timeout=20_000)
        path = past_run / "snapshots" / f"{2 * index + 2:08d}.safetensors"
        expected = Renderer(Checkpoint.load(path).generator).render(z[None])[0]
        qtbot.waitUntil(lambda expected=expected: np.array_equal(shot.settled(), expected), timeout=20_000)
        assert window.train.samples.step == 2 * index + 2
        assert window.canvas._label == f"run, step {2 * index + 2}"
        seen.append(expected.tobytes())
    assert len(set(seen)) == 3
    assert torch.equal(window.document.z, z)
    qtbot.mouseClick(window.train.timeline.now, LEFT)
    qtbot.waitUntil(lambda: np.array_equal(shot.settled(), opened), timeout=20_000)


def test_a_click_on_the_loss_curve_chooses_the_nearest_snapshot(window, qtbot, past_run):
    window.open(str(past_run))
    qtbot.waitUntil(lambda: len(window.train.timeline.snapshots) == 4, timeout=20_000)
    window.train.plots.point_clicked.emit(5)
    assert window.train.timeline.snapshot.step in (4, 6)
    qtbot.waitUntil(lambda: window.document.subject.snapshot in (4, 6), timeout=20_000)


def test_a_damaged_snapshot_is_told_and_leaves_the_picture_as_it_was(window, shot, qtbot, past_run, tmp_path):
    import shutil

    run = tmp_path / "copy"
    shutil.copytree(past_run, run)
    (run / "snapshots" / "00000004.safetensors").write_bytes(b"nothing")
    window.open(str(run))
    qtbot.waitUntil(lambda: len(window.train.timeline.snapshots) == 4, timeout=20_000)
    before = shot.settled().copy()
    window.train.timeline.line.pick(1)
    qtbot.waitUntil(lambda: "00000004" in window.notices.text, timeout=20_000)
    assert np.array_equal(shot.settled(), before)


def test_the_film_of_a_run_is_written(window, qtbot, past_run, tmp_path, monkeypatch):
    path = tmp_path / "growth.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    window.open(str(past_run))
    qtbot.waitUntil(lambda: window.train.timeline.film.isEnabled(), timeout=20_000)
    qtbot.mouseClick(window.train.timeline.film, LEFT)
    assert window.status.activity.text() == "Writing the film…"
    qtbot.waitUntil(lambda: not window.status.activity.text(), timeout=20_000)
    assert [moment.step for moment in write_growth(tmp_path / "same.png", past_run)] == [0, 2, 4, 6, 8]
    assert path.read_bytes() == (tmp_path / "same.png").read_bytes()


def test_the_open_model_is_tuned_further(window, qtbot, tmp_path, past_run, quick_recipe, model_path):
    quick_recipe("mlp-64-stable", d_widths=(8,), batch_size=4, steps=10**6, warmup=120)
    choose(window, "mlp-64-stable", f"folder:{past_run.parent / 'pictures'}")
    window.train.form.set_config(RECIPES["mlp-64-stable"].config)  # it was chosen already
    window.train.setup.start.setCurrentIndex(1)
    assert window.train.setup.start.currentText() == f"Fine-tune {model_path.stem}"
    qtbot.mouseClick(window.train.controls.start, LEFT)
    wait_state(window, qtbot, RunState.RUNNING)
    run = window.train.view.run
    qtbot.waitUntil(lambda: any(mark.kind == "warmed up" for mark in entries(run, Mark)), timeout=PATIENCE)
    qtbot.mouseClick(window.train.controls.stop, LEFT)
    wait_state(window, qtbot, RunState.IDLE)
    model, start = load_file(model_path / "generator.safetensors"), load_file(run / "start.safetensors")
    assert all(torch.equal(value, start[name]) for name, value in model.items() if name.startswith("generator."))
    assert [path for path in (tmp_path / "runs").iterdir() if path.name.startswith(".")] == []
    assert "no discriminator" in window.notices.text


def test_a_fork_that_cannot_be_made_is_told(window, qtbot, past_run, monkeypatch):
    window.open(str(past_run))
    qtbot.waitUntil(lambda: len(window.train.timeline.snapshots) == 4, timeout=20_000)
    window.train.timeline.line.pick(1)
    (past_run / "checkpoint" / "00000004.pt").rename(past_run / "checkpoint" / "gone")
    try:
        window.train.fork(4)
        qtbot.waitUntil(lambda: not window.train.session.is_running, timeout=PATIENCE)
    finally:
        (past_run / "checkpoint" / "gone").rename(past_run / "checkpoint" / "00000004.pt")
    assert "no snapshot of step 4" in window.notices.text
    assert window.train.controls.state is RunState.IDLE


def test_recipes_and_forms_agree(window):
    for name, recipe in RECIPES.items():
        window.train.setup.recipe.setCurrentText(name)
        assert dataclasses.asdict(window.train.form.config()) == dataclasses.asdict(recipe.config)


def test_another_run_is_laid_over_the_one_on_show(window, qtbot, past_run, tmp_path):
    import shutil

    shutil.copytree(past_run, tmp_path / "runs" / "other & more")
    window.open(str(past_run))
    qtbot.waitUntil(lambda: len(window.train.timeline.snapshots) == 4, timeout=20_000)
    menu = window.train.plots.settings.overlays
    menu.aboutToShow.emit()
    choices = {action.text(): action for action in menu.actions()}
    choices["other && more"].trigger()
    overlaid = window.train.plots._data
    qtbot.waitUntil(lambda: overlaid.overlay is not None, timeout=20_000)
    assert overlaid.overlay_title == "other & more"
    assert len(overlaid.overlay.steps) == 8
    choices["Nothing"].trigger()
    assert overlaid.overlay is None
