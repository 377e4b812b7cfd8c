"""Looks and answers about the model on show."""

import threading

import numpy as np
import pytest
import torch
from small_models import make_discriminator, make_generator

from ganexplorer.core.judge import Judge
from ganexplorer.core.render import Renderer, to_pixels
from ganexplorer.ui.studio import Sight


def latents(bench, count=3, seed=5):
    return list(bench.document.prior.sample(count, len(bench.document.z), torch.Generator().manual_seed(seed)))


def wait_for(qtbot, studio, zs):
    studio.looks(zs)
    qtbot.waitUntil(lambda: all(look is not None for look in studio.looks(zs)), timeout=10_000)
    return studio.looks(zs)


def test_a_look_is_the_picture_and_ds_verdict(bench, generator, qtbot):
    zs = latents(bench, 40)
    assert bench.studio.looks(zs) == [None] * 40
    looks = wait_for(qtbot, bench.studio, zs)
    images = generator(torch.stack(zs))
    discriminator = make_discriminator(generator.spec)
    for look, pixels, verdict in zip(looks, to_pixels(images), discriminator(images).sigmoid(), strict=True):
        assert np.abs(look.pixels.astype(int) - pixels.astype(int)).max() <= 1
        assert look.verdict == pytest.approx(float(verdict), abs=1e-4)
        assert look.image.pixelColor(3, 5).red() == look.pixels[5, 3]


def test_another_model_clears_all_looks_and_makes_its_own(bench, qtbot):
    zs = latents(bench)
    before = wait_for(qtbot, bench.studio, zs)
    other = make_generator(seed=8)
    with qtbot.waitSignal(bench.studio.changed):
        bench.studio.use(Sight(Renderer(other), None))
    after = wait_for(qtbot, bench.studio, zs)
    assert after[0].verdict is None
    assert not np.array_equal(before[0].pixels, after[0].pixels)


def test_a_latent_of_another_size_and_no_model_have_no_look(bench):
    assert bench.studio.look(torch.zeros(3)) is None
    bench.studio.use(None)
    assert bench.studio.look(bench.document.z) is None


def test_an_answer_comes_in_the_thread_of_the_window(bench, qtbot):
    answers = []
    bench.studio.ask("norm", lambda sight: (sight, threading.current_thread()), answers.append)
    qtbot.waitUntil(lambda: bool(answers))
    assert answers[0][0] is bench.sight
    assert answers[0][1] is not threading.current_thread()


def test_only_the_last_question_of_a_name_is_answered(bench, qtbot):
    answers = []
    gate = threading.Event()
    bench.studio.ask("hold", lambda sight: gate.wait(10), lambda _: None)
    for number in range(5):
        bench.studio.ask("q", lambda sight, number=number: number, answers.append)
    gate.set()
    qtbot.waitUntil(lambda: bool(answers))
    qtbot.wait(50)
    assert answers == [4]


def test_a_question_about_the_last_model_is_not_answered(bench, qtbot):
    answers = []
    gate = threading.Event()
    bench.studio.ask("q", lambda sight: gate.wait(10), answers.append)
    bench.studio.use(Sight(Renderer(make_generator(seed=8)), None))
    gate.set()
    bench.studio.ask("after", lambda sight: "new", answers.append)
    qtbot.waitUntil(lambda: bool(answers))
    assert answers == ["new"]


def test_what_a_question_raises_is_told_and_the_next_one_works(bench, qtbot):
    def fail(sight):
        raise ValueError("no luck")

    answers = []
    with qtbot.waitSignal(bench.studio.failed) as told:
        bench.studio.ask("q", fail, answers.append)
    assert str(told.args[0]) == "no luck"
    bench.studio.ask("q", lambda sight: 1, answers.append)
    qtbot.waitUntil(lambda: answers == [1])


def test_a_picture_that_cannot_be_made_is_told_once(bench, qtbot):
    class Broken(Renderer):
        def images(self, z):
            raise RuntimeError("out of memory")

    bench.studio.use(Sight(Broken(make_generator()), Judge(make_discriminator(make_generator().spec))))
    with qtbot.waitSignal(bench.studio.failed) as told:
        bench.studio.look(bench.document.z)
    assert "out of memory" in str(told.args[0])
