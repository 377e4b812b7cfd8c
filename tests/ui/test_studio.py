"""Looks and answers about the model on show."""

import threading
import time

import numpy as np
import pytest
import torch
from small_models import make_discriminator, make_generator

from ganexplorer.core.judge import Judge
from ganexplorer.core.render import Renderer, to_pixels
from ganexplorer.ui.editing.document import Subject
from ganexplorer.ui.work import studio
from ganexplorer.ui.work.studio import Sight


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
    assert answers[0][0].renderer.spec is bench.sight.renderer.spec
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


def test_large_pictures_are_kept_small_and_as_many_as_memory_allows(bench, qtbot, monkeypatch):
    monkeypatch.setattr(studio, "LOOK_BYTES", 2_000_000)
    bench.document.show(Subject("wide", make_generator(z_dim=2, image_shape=(3, 200, 520)).spec))
    bench.studio.use(Sight(Renderer(make_generator(z_dim=2, image_shape=(3, 200, 520))), None))
    zs = latents(bench, 20)
    (look,) = wait_for(qtbot, bench.studio, zs[:1])
    assert (look.image.width(), look.image.height()) == (256, 98)
    assert look.pixels.shape == (67, 174, 3)
    assert look.pixels.base is None
    for z in zs:
        wait_for(qtbot, bench.studio, [z])
    kept = bench.studio._looks.values()
    assert 10 < len(kept) < 20
    assert sum(look.size for look in kept) <= 2_000_000


def test_what_takes_long_is_given_up_when_the_window_closes(bench, qtbot):
    begun, count = threading.Event(), []

    def find(sight):
        for _ in range(10_000):
            count.append(sight.renderer.images(torch.zeros(1, 64)))
            begun.set()
            time.sleep(0.001)

    bench.studio.ask("long", find, lambda _: None)
    assert begun.wait(10)
    bench.studio.stop()  # waits for the thread
    assert len(count) < 9000


@pytest.mark.parametrize("gives_up", [False, True])
def test_what_takes_long_goes_on_for_the_next_weights_unless_it_gives_up(bench, qtbot, gives_up):
    begun, end, done = threading.Event(), threading.Event(), []

    def find(sight):
        sight.renderer.images(torch.zeros(1, 64))
        begun.set()
        end.wait(10)
        done.append(sight.renderer.images(torch.zeros(1, 64)))

    bench.studio.ask("long", find, lambda _: None, gives_up)
    assert begun.wait(10)
    bench.studio.use(Sight(Renderer(make_generator(seed=8)), None))
    end.set()
    answers = []
    bench.studio.ask("after", lambda sight: "new", answers.append)
    qtbot.waitUntil(lambda: bool(answers))
    assert len(done) == (not gives_up)


def test_an_error_about_the_last_model_leaves_what_is_wanted_of_the_next(bench, qtbot):
    gate, errors = threading.Event(), []

    class Broken(Renderer):
        def images(self, z):
            gate.wait(10)
            raise MemoryError

    zs = latents(bench)
    bench.studio.failed.connect(errors.append)
    bench.studio.use(Sight(Broken(make_generator()), None))
    bench.studio.looks(zs)
    qtbot.waitUntil(lambda: bool(bench.studio._in_hand))
    bench.studio.use(bench.sight)
    assert bench.studio.looks(zs) == [None] * 3
    gate.set()
    qtbot.waitUntil(lambda: len(bench.studio._looks) == 3)  # without being asked for again
    assert not errors
