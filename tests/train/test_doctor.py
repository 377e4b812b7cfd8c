"""The training doctor: what it says of invented measurements, each ailment by each loss, and of tiny real runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from ganexplorer.train.config import TrainConfig
from ganexplorer.train.doctor import CURED, LOOK_MEASUREMENTS, LOOK_STEPS, PATIENCE, WARM_UP, Doctor
from ganexplorer.train.events import Changed, Mark, Scalars
from ganexplorer.train.losses import LOSSES, LossName
from tests.train.tiny_runs import TINY, of, request, train, variant

LOSS_NAMES: tuple[LossName, ...] = get_args(LossName)
WITH_SCALE: tuple[LossName, ...] = ("bce", "mse", "hinge", "relativistic")
CRITICS: tuple[LossName, ...] = ("wgan", "wgan-gp")
COLLAPSE, DEAD, OVERPOWERS = "collapsed", "D no longer learns", "overpowers G"
DIVERGES, OVERSHOOTS = "diverges", "worse than by guessing"
AILMENTS = (COLLAPSE, DEAD, OVERPOWERS, DIVERGES, OVERSHOOTS)
REMEDIES = ("d_lr", "g_lr", "d_every", "r1_gamma", "smoothing", "augment", "snapshot", "mlp-64-stable", "clip")
PARAMETERS = set(TrainConfig.__dataclass_fields__)


def softplus(x: float) -> float:
    return math.log1p(math.exp(-abs(x))) + max(x, 0.0)


def losses(loss: LossName, real: float, fake: float) -> tuple[float, float, float]:
    """D's losses on a real and a generated image with these verdicts, and G's, by the papers' formulas."""
    match loss:
        case "bce":
            return softplus(-real), softplus(fake), softplus(-fake)
        case "mse":
            return (real - 1) ** 2, fake**2, (fake - 1) ** 2
        case "hinge":
            return max(0.0, 1 - real), max(0.0, 1 + fake), -fake
        case "relativistic":
            return softplus(fake - real) / 2, softplus(fake - real) / 2, softplus(real - fake)
        case _:
            return -real, fake, -fake


def measured(loss: LossName, step: int, real: float, fake: float, **more: float) -> Scalars:
    """One measurement of a D that gives these verdicts to all images of a kind."""
    d_real, d_fake, g_loss = losses(loss, real, fake)
    shown: Callable[[float], float] = (lambda x: 1 / (1 + math.exp(-x))) if LOSSES[loss].is_probability else float
    usual = {
        "d_loss": d_real + d_fake, "d_loss_real": d_real, "d_loss_fake": d_fake, "g_loss": g_loss,
        "d_real": shown(real), "d_fake_before": shown(fake), "d_fake_after": shown(fake), "steps_per_second": 100.0,
        "d_grad": 1.0, "g_grad": 0.5, "diversity": 0.8, "seconds": step / 100,
    }  # fmt: skip
    return Scalars(step, step / 100, **usual | more)


# verdicts, as the losses take them, of a D in balance with G, of one that has won, and of one that is fooled
BALANCE: dict[LossName, tuple[float, float]] = {
    "bce": (0.5, -0.5), "mse": (0.65, 0.3), "hinge": (0.5, -0.6), "relativistic": (0.6, -0.4),
    "wgan": (0.13, 0.1), "wgan-gp": (12.0, 9.5),
}  # fmt: skip
WON: dict[LossName, tuple[float, float]] = {
    "bce": (7.0, -7.0), "mse": (0.99, 0.01), "hinge": (2.0, -1.5), "relativistic": (6.0, -5.0),
}  # fmt: skip
FOOLED: dict[LossName, tuple[float, float]] = {
    "bce": (-0.2, 3.0), "mse": (-0.2, 0.98), "hinge": (-0.2, 5.0), "relativistic": (-0.2, 5.0),
    "wgan": (-0.005, 0.3), "wgan-gp": (-0.2, 5.0),
}  # fmt: skip


def steady(loss: LossName, verdicts: tuple[float, float], steps: Iterable[int], **more: float) -> Iterator[Scalars]:
    """The same again and again, D(x) trembling by a thousandth of D's gap."""
    real, fake = verdicts
    tremor = 1e-3 * abs(real - fake)
    return (measured(loss, step, real + tremor * (number % 3 - 1), fake, **more) for number, step in enumerate(steps))


def healthy(loss: LossName, steps: range, seed: int) -> Iterator[Scalars]:
    """Both networks in a restless balance: drifting verdicts, noise of batches, now and then a spike."""
    rng = np.random.default_rng(seed)
    count = len(steps)
    real, fake = BALANCE[loss]
    unit = real - fake
    drift = np.convolve(rng.normal(size=count + 199), np.ones(200) / math.sqrt(200), "valid")  # of deviation 1
    other = np.convolve(rng.normal(size=count + 199), np.ones(200) / math.sqrt(200), "valid")
    reals = real + unit * (0.25 * drift + 0.3 * rng.normal(size=count))
    fakes = fake + unit * (0.25 * drift + 0.1 * other + 0.3 * rng.normal(size=count))
    spikes = np.where(rng.random(count) < 0.01, 50.0, 1.0) * np.exp(0.4 * rng.normal(size=count))
    has_d_stepped = rng.random(count) < 0.5
    rise = 0.8 - 0.72 * np.exp(-np.arange(count) / 40)  # as mlp-96: alike at first
    spread = np.clip(rise * (1 + 0.08 * other) + 0.04 * rng.normal(size=count), 0.03, None)
    for i, step in enumerate(steps):
        yield measured(
            loss, step, float(reals[i]), float(fakes[i]), d_grad=float(spikes[i]) if has_d_stepped[i] else math.nan,
            g_grad=float(spikes[i] / 2), diversity=float(spread[i]),
        )  # fmt: skip


def said(doctor: Doctor, scalars: Iterable[Scalars]) -> list[tuple[int, str]]:
    return [(item.step, text) for item in scalars for text in doctor.examine(item)]


def named(told: list[tuple[int, str]]) -> list[str]:
    """Which ailments were told, in order."""
    return [ailment for _, text in told for ailment in AILMENTS if ailment in text]


def look_steps(log_every: int) -> int:
    """Steps of a look, by its definition: the least multiple of log_every with enough measurements and steps."""
    return log_every * max(LOOK_MEASUREMENTS, math.ceil(LOOK_STEPS / log_every))


def assert_is_advice(text: str) -> None:
    """One plain line with a number and a remedy that exists."""
    assert "\n" not in text
    assert text.endswith(".")
    assert any(character.isdigit() for character in text)
    assert any(remedy in text for remedy in REMEDIES)
    assert {word.strip("(),.;:") for word in text.split() if "_" in word} <= PARAMETERS
    assert "nan" not in text


def is_told_in_time(loss: LossName, ailment: str, ill: Callable[[range], Iterable[Scalars]], looks: int) -> None:
    """After a healthy time `ill` is told once, by this ailment first, within so many looks; at several log_every."""
    for log_every in (1, 10, 30, 1000):
        look = look_steps(log_every)
        # an onset in the middle of a look
        onset = log_every * (round(12.4 * look / log_every))
        doctor = Doctor(loss)
        assert said(doctor, steady(loss, BALANCE[loss], range(log_every, onset, log_every))) == []
        told = said(doctor, ill(range(onset, onset + 25 * look, log_every)))
        assert named(told) == [ailment], (log_every, told)
        step, text = told[0]
        assert onset + 2 * look < step <= onset + looks * look
        assert_is_advice(text)


@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_a_sharp_fall_of_diversity_is_a_collapse_for_every_loss(loss: LossName) -> None:
    is_told_in_time(loss, COLLAPSE, lambda steps: steady(loss, BALANCE[loss], steps, diversity=0.2), 6)


@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_a_discriminator_that_is_fooled_and_stands_still_is_dead(loss: LossName) -> None:
    is_told_in_time(loss, DEAD, lambda steps: steady(loss, FOOLED[loss], steps), 6)


@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_a_discriminator_that_says_the_same_of_all_is_dead(loss: LossName) -> None:
    same = (0.5, 0.5)
    is_told_in_time(loss, DEAD, lambda steps: steady(loss, same, steps, d_grad=0.0, g_grad=0.0), 6)


@pytest.mark.parametrize("loss", WITH_SCALE)
def test_a_discriminator_that_sees_through_everything_overpowers(loss: LossName) -> None:
    is_told_in_time(loss, OVERPOWERS, lambda steps: steady(loss, WON[loss], steps), 10)


@pytest.mark.parametrize("loss", WITH_SCALE)
def test_losses_a_hundred_times_beyond_their_scale_diverge(loss: LossName) -> None:
    is_told_in_time(
        loss, DIVERGES, lambda steps: steady(loss, BALANCE[loss], steps, d_loss=900.0, g_loss=400.0, d_grad=5e4), 6
    )


@pytest.mark.parametrize("loss", WITH_SCALE)
def test_a_gradient_that_grew_by_orders_of_magnitude_with_the_losses_diverges(loss: LossName) -> None:
    def growing(steps: range) -> Iterator[Scalars]:
        return steady(loss, BALANCE[loss], steps, d_loss=3.0, g_loss=25.0, g_grad=300.0)

    doctor = Doctor(loss)
    told = said(doctor, [*steady(loss, BALANCE[loss], range(10, 3000, 10)), *growing(range(3000, 3600, 10))])
    assert named(told) == [DIVERGES]


@pytest.mark.parametrize("loss", CRITICS)
def test_a_critic_may_grow_but_not_beyond_what_a_bounded_slope_allows(loss: LossName) -> None:
    doctor = Doctor(loss)
    growing = (measured(loss, 10 * i, 10 * math.exp(i / 200), 0.0, d_grad=math.exp(i / 200)) for i in range(1, 900))
    assert said(doctor, growing) == []  # up to 890
    is_told_in_time(loss, DIVERGES, lambda steps: steady(loss, (9000.0, -4000.0), steps), 6)


@pytest.mark.parametrize("loss", CRITICS)
def test_a_critic_that_tells_all_apart_does_what_it_is_for(loss: LossName) -> None:
    assert said(Doctor(loss), steady(loss, (47.0, -1.5), range(10, 20_000, 10))) == []
    # any constant may be added to its scores
    assert said(Doctor(loss), steady(loss, (90_000.5, 90_000.0), range(10, 20_000, 10))) == []


@pytest.mark.parametrize("loss", WITH_SCALE)
def test_a_discriminator_worse_than_guessing_overshoots(loss: LossName) -> None:
    chance = 2 * losses(loss, 0.5 if loss == "mse" else 0.0, 0.5 if loss == "mse" else 0.0)[0]
    is_told_in_time(loss, OVERSHOOTS, lambda steps: steady(loss, BALANCE[loss], steps, d_loss=2.4 * chance), 10)


@pytest.mark.parametrize("seed", range(20))
def test_healthy_noise_is_no_ailment(seed: int) -> None:
    loss = LOSS_NAMES[seed % len(LOSS_NAMES)]
    log_every = (1, 10, 10, 100)[seed % 4]
    assert said(Doctor(loss), healthy(loss, range(log_every, 10_000 * log_every + 1, log_every), seed)) == []


@pytest.mark.parametrize("log_every", [1, 7, 10, 100, 938, 100_000])
@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_nothing_is_said_in_the_first_steps(loss: LossName, log_every: int) -> None:
    first = range(log_every, log_every + WARM_UP * look_steps(log_every), log_every)
    for verdicts in (FOOLED[loss], WON.get(loss, (1e5, 0.0)), (1e6, -1e6) if loss != "bce" else (500.0, -500.0)):
        assert said(Doctor(loss), steady(loss, verdicts, first, diversity=0.0, d_grad=1e9)) == []


@pytest.mark.parametrize("log_every", [1, 10, 100, 938])
def test_samples_alike_from_the_start_get_time_to_vary(log_every: int) -> None:
    look = look_steps(log_every)
    told = said(Doctor("bce"), steady("bce", BALANCE["bce"], range(log_every, 60 * look, log_every), diversity=0.08))
    assert named(told) == [COLLAPSE]
    step, text = told[0]
    assert max(PATIENCE, WARM_UP * look) < step <= max(PATIENCE, WARM_UP * look) + 6 * look
    assert f"spread 8 % of the real images') and have been since step {log_every:,}:" in text
    assert_is_advice(text)


def test_samples_alike_for_eight_hundred_steps_and_varied_then_are_healthy() -> None:
    doctor = Doctor("bce")
    assert said(doctor, steady("bce", BALANCE["bce"], range(10, 800, 10), diversity=0.07)) == []
    assert said(doctor, steady("bce", BALANCE["bce"], range(800, 9000, 10), diversity=0.5)) == []


def test_a_wild_batch_now_and_then_says_nothing() -> None:
    doctor = Doctor("bce")
    for step in range(10, 30_000, 10):
        wild = {"d_loss": 1e9, "g_loss": 1e9, "diversity": 0.0, "d_grad": 1e12} if step % 30 == 0 else {}
        assert doctor.examine(measured("bce", step, 0.5, -0.5, **wild)) == []


def test_what_was_not_measured_is_not_judged() -> None:
    unknown = {"d_grad": math.nan, "g_grad": math.nan, "diversity": math.nan}
    assert said(Doctor("mse"), steady("mse", (0.5, 0.5), range(10, 9000, 10), **unknown)) == []  # pattern-1010, batch 1
    endless = steady("bce", BALANCE["bce"], range(10, 9000, 10), diversity=math.inf)  # of real images all alike
    assert said(Doctor("bce"), endless) == []
    nothing = dict.fromkeys(("d_loss", "d_loss_fake", "g_loss", "d_real", "d_fake_before"), math.nan)
    assert said(Doctor("bce"), steady("bce", BALANCE["bce"], range(10, 9000, 10), **nothing)) == []


def test_samples_from_a_constant_are_alike_by_nature() -> None:
    steps = range(10, 9000, 10)
    assert said(Doctor("bce", "constant"), steady("bce", BALANCE["bce"], steps, diversity=0.0)) == []
    assert named(said(Doctor("bce", "uniform"), steady("bce", BALANCE["bce"], steps, diversity=0.0))) == [COLLAPSE]


def test_label_smoothing_hides_no_overpowering() -> None:
    # real labels of 0.9: D(x) stays at 0.9 and D's loss at the entropy of that, 0.325
    smoothed = {"d_loss": 0.3255, "d_loss_real": 0.325, "d_real": 0.9}
    told = said(Doctor("bce"), steady("bce", (2.2, -7.6), range(10, 3000, 10), **smoothed))
    assert named(told) == [OVERPOWERS]


def test_a_generator_that_catches_up_is_not_overpowered() -> None:
    # G's loss falls by a third each ten looks, from 40 to 4: slow, but it learns
    falling = (measured("bce", 10 * i, 8.0, -40.0 * 0.96 ** (i / 10)) for i in range(1, 550))
    assert said(Doctor("bce"), falling) == []


def test_an_ailment_is_told_once_and_again_only_after_a_long_health() -> None:
    doctor, step = Doctor("bce"), 0

    def pass_looks(count: int, diversity: float) -> list[str]:
        nonlocal step
        steps = range(step + 10, step + 100 * count + 10, 10)
        step += 100 * count
        return named(said(doctor, steady("bce", BALANCE["bce"], steps, diversity=diversity)))

    assert pass_looks(30, 0.8) == []
    assert pass_looks(20, 0.1) == [COLLAPSE]
    assert pass_looks(300, 0.1) == []
    assert pass_looks(CURED - 1, 0.8) == []  # a short recovery
    assert pass_looks(30, 0.1) == []
    assert pass_looks(100, 0.4) == []  # neither
    assert pass_looks(30, 0.1) == []
    assert pass_looks(CURED, 0.8) == []  # a long one
    assert pass_looks(30, 0.1) == [COLLAPSE]


@pytest.mark.parametrize(
    ("ailing", "ailment"),
    [(FOOLED["hinge"], DEAD), (WON["hinge"], OVERPOWERS), ((-3.0, 4.0), OVERSHOOTS), ((-300.0, 300.0), DIVERGES)],
)
def test_each_ailment_can_come_back(ailing: tuple[float, float], ailment: str) -> None:
    doctor, found = Doctor("hinge"), []
    for start in range(0, 24_000, 4_000):
        verdicts = BALANCE["hinge"] if start % 8_000 == 0 else ailing
        restless = (verdicts[1] - verdicts[0]) / 5 if ailment in (OVERSHOOTS, DIVERGES) else 0.0  # moves: not dead
        for step in range(start + 10, start + 4_010, 10):
            shake = restless * (step // 100 % 3)
            found += doctor.examine(measured("hinge", step, verdicts[0] + shake, verdicts[1] + shake))
    assert named([(0, text) for text in found]) == [ailment] * 3


def test_a_doctor_that_comes_in_the_middle_of_a_run_waits_likewise() -> None:
    doctor = Doctor("bce")
    told = said(doctor, steady("bce", WON["bce"], range(50_010, 56_000, 10), diversity=0.05))
    assert set(named(told)) == {OVERPOWERS, COLLAPSE}
    assert all(step > 50_000 + WARM_UP * LOOK_STEPS for step, _ in told)
    (alike,) = [text for _, text in told if COLLAPSE in text]
    assert "since step 50,010" in alike
    doctor = Doctor("bce")
    assert said(doctor, healthy("bce", range(50_000, 90_000, 10), 5)) == []


def test_the_way_back_leads_to_before_the_onset() -> None:
    doctor = Doctor("bce")
    assert said(doctor, steady("bce", BALANCE["bce"], range(1, 5001))) == []
    ((_, text),) = said(doctor, steady("bce", BALANCE["bce"], range(5001, 6000), diversity=0.12))
    assert "spread 12 % of the real images', after 80 %" in text
    assert "before step 5,001," in text
    ((_, text),) = said(Doctor("bce"), steady("bce", FOOLED["bce"], range(10, 2000, 10)))
    assert "Start anew" in text


def test_the_same_measurements_give_the_same_words() -> None:
    stream = [*healthy("hinge", range(10, 3000, 10), 3), *steady("hinge", WON["hinge"], range(3000, 9000, 10))]
    assert said(Doctor("hinge"), stream) == said(Doctor("hinge"), stream) != []


# -- real runs --------------------------------------------------------------------------------------------------

QUICK = variant(
    TINY, batch_size=8, g_widths=[16], d_widths=[32], g_lr=1e-3, d_lr=1e-3, log_every=20, sample_every=10_000,
    snapshot_every=10_000,
)  # fmt: skip


def health_of(folder: Path, run: Path, script: tuple[Changed, ...] = (), **changes: Any) -> list[tuple[int, str]]:
    events = train(request(variant(QUICK, **changes), folder, run, script=script))
    return [(mark.step, mark.text) for mark in of(Mark, events) if mark.kind == "health"]


def test_a_discriminator_that_stops_is_named_and_so_is_the_collapse_that_follows(
    picture_folder: Path, tmp_path: Path
) -> None:
    stop = Changed(900, {"d_lr": 0.0, "d_every": 100, "g_lr": 1e-2})
    told = health_of(picture_folder, tmp_path / "run", (stop,), steps=1520, loss="hinge")
    assert sorted(named(told)) == sorted([DEAD, COLLAPSE])
    assert all(900 < step <= 1520 for step, _ in told)


def test_a_generator_that_stands_still_is_overpowered(picture_folder: Path, tmp_path: Path) -> None:
    told = health_of(picture_folder, tmp_path / "run", steps=1220, g_lr=0.0, g_every=100)
    assert named(told) == [OVERPOWERS]


def test_a_critic_without_bounds_diverges(picture_folder: Path, tmp_path: Path) -> None:
    told = health_of(picture_folder, tmp_path / "run", steps=720, loss="wgan", clip=100.0, d_lr=0.05, g_lr=0.05)
    assert named(told) == [DIVERGES]
