"""The basket by real events: sums and averages against direct computation, weights, and undo."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QDoubleSpinBox
from small_models import make_discriminator, make_generator

from ganexplorer.core.judge import Judge
from ganexplorer.core.latent import Prior, seeded
from ganexplorer.core.render import Renderer, to_pixels
from ganexplorer.core.state import Share
from ganexplorer.ui import theme
from ganexplorer.ui.basket import basket_means
from ganexplorer.ui.basket.basket_panel import CENTER, MEAN, PIXELS, SUM, BasketPanel
from ganexplorer.ui.basket.basket_strip import weight_words
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.work.studio import Sight, Studio

LEFT = Qt.MouseButton.LeftButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


class Basket:
    """A basket under test."""

    def __init__(self, document, studio, qtbot):
        self.document, self.studio, self.qtbot = document, studio, qtbot
        self.panel = BasketPanel(document, studio, theme.DARK)
        qtbot.addWidget(self.panel)
        self.panel.resize(700, 240)
        with qtbot.waitExposed(self.panel):
            self.panel.show()
        self.strip, self.outcome = self.panel.strip, self.panel.outcome

    def latents(self, count, seed=5):
        prior = self.document.prior
        return prior.sample(count, len(self.document.z), torch.Generator().manual_seed(seed))

    def fill(self, *weights):
        z = self.latents(len(weights))
        self.document.set_basket([Share(row.clone(), weight) for row, weight in zip(z, weights, strict=True)])
        return z

    def weights(self):
        return [share.weight for share in self.document.basket]

    def shown(self):
        """Wait for what belongs to the settings; the cells to the right."""
        answered = []
        self.qtbot.waitUntil(lambda: not self.studio._answers, timeout=20_000)
        self.studio.ask("test", lambda sight: True, answered.append)
        self.qtbot.waitUntil(lambda: bool(answered) and not self.studio._answers, timeout=20_000)
        return self.outcome.model().cells

    def pixels(self, number):
        return self.shown()[number].look.pixels

    def spot(self, strip, row):
        return strip.picture_rect(row).center().toPoint()

    def click(self, strip, row):
        self.qtbot.mouseClick(strip.viewport(), LEFT, NONE, self.spot(strip, row))

    def wheel(self, row, notches, modifiers=NONE):
        pos = QPointF(self.spot(self.strip, row))
        view = self.strip.viewport()
        event = QWheelEvent(
            pos, QPointF(view.mapToGlobal(pos.toPoint())), QPoint(), QPoint(0, round(120 * notches)),
            Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(view, event)


def end(studio, qapp):
    """Stop a studio in mid-work, and let what was on its way arrive."""
    studio.stop()
    qapp.processEvents()
    qapp.processEvents()


@pytest.fixture
def basket(bench, qtbot, qapp):
    basket = Basket(bench.document, bench.studio, qtbot)
    yield basket
    at_rest(basket)
    end(bench.studio, qapp)


def at_rest(basket):
    """The wheel's pause is over."""
    basket.qtbot.waitUntil(lambda: not basket.strip._wheel_pause.isActive(), timeout=5000)


@pytest.fixture
def make_basket(qtbot, qapp):
    """A basket of any generator."""
    studios = []

    def make(generator, discriminator=None):
        document, studio = Document(), Studio()
        studios.append(studio)
        document.show(Subject("other", generator.spec))
        studio.use(Sight(Renderer(generator), None if discriminator is None else Judge(discriminator)))
        return Basket(document, studio, qtbot)

    yield make
    for studio in studios:
        end(studio, qapp)


def picture(generator, z):
    """What the plain network makes of one z."""
    return to_pixels(generator(z[None]))[0]


# -- what comes of it -----------------------------------------------------------------------------------------


def test_a_minus_b_plus_c_is_that_sum_and_go_there_goes_there(basket, generator, qtbot):
    a, b, c = basket.fill(1.0, -1.0, 1.0)
    expected = (a.double() - b.double() + c.double()).float()
    assert np.array_equal(basket.pixels(SUM), picture(generator, expected))
    assert basket.shown()[SUM].lines == ("a \N{MINUS SIGN} b + c", f"|z| {float(expected.norm()):.2f}")
    before = basket.document.z
    qtbot.mouseClick(basket.panel.go_button, LEFT)
    assert torch.equal(basket.document.z, expected)
    basket.document.undo()
    assert basket.document.z is before


def test_the_sum_can_be_brought_to_the_distance_of_samples(basket, generator, qtbot):
    a, b, c = basket.fill(1.0, -1.0, 1.0)
    basket.panel.typical.click()
    total = (a - b + c).double()
    expected = (total * (8 / total.norm())).float()
    assert np.array_equal(basket.pixels(SUM), picture(generator, expected))
    basket.click(basket.outcome, SUM)
    assert float(basket.document.z.norm()) == pytest.approx(8, rel=1e-6)


def test_three_averages_are_those_of_direct_computation(basket, generator):
    z = basket.fill(0.5, 2.0, 1.5, -0.25)
    weights = np.array([0.5, 2.0, 1.5, -0.25])
    images = generator(z).double().numpy()
    mean_image = torch.from_numpy(np.average(images, axis=0, weights=weights)).float()
    mean_z = torch.from_numpy(np.average(z.double().numpy(), axis=0, weights=weights)).float()
    assert np.array_equal(basket.pixels(CENTER), picture(generator, torch.zeros(64)))
    assert np.array_equal(basket.pixels(PIXELS), to_pixels(mean_image[None])[0])
    assert np.array_equal(basket.pixels(MEAN), picture(generator, mean_z))
    discriminator = make_discriminator(generator.spec)
    verdict = float(discriminator(mean_image[None]).sigmoid())
    assert basket.shown()[PIXELS].look.verdict == pytest.approx(verdict, abs=1e-4)


def test_an_empty_basket_shows_the_averages_of_samples(basket, generator):
    z = seeded(Prior.normal(), 64, 0, 256)
    cells = basket.shown()
    assert np.array_equal(cells[PIXELS].look.pixels, to_pixels(generator(z).double().mean(0).float()[None])[0])
    assert np.array_equal(cells[MEAN].look.pixels, picture(generator, z.double().mean(0).float()))
    assert cells[MEAN].lines == ("mean z", "of 256")
    assert cells[SUM].look is None
    assert basket.panel.words.text().startswith("Click a frame")


def test_a_thousand_samples_are_averaged_instead_of_the_basket(basket, generator, qtbot):
    basket.fill(1.0, 1.0)
    qtbot.mouseClick(basket.panel.many, LEFT)
    z = seeded(Prior.normal(), 64, 0, 1000)
    cells = basket.shown()
    assert np.array_equal(cells[PIXELS].look.pixels, to_pixels(generator(z).double().mean(0).float()[None])[0])
    assert np.array_equal(cells[MEAN].look.pixels, picture(generator, z.double().mean(0).float()))
    assert cells[PIXELS].lines == ("pixel mean", "of 1,000")
    qtbot.mouseClick(basket.panel.many, LEFT)
    assert basket.shown()[PIXELS].lines == ("pixel mean", "of 2")


def test_centre_and_mean_z_can_be_gone_to_and_the_mean_of_pictures_says_why_not(basket):
    z = basket.fill(1.0, 3.0)
    basket.shown()
    basket.click(basket.outcome, CENTER)
    assert torch.equal(basket.document.z, torch.zeros(64))
    basket.click(basket.outcome, MEAN)
    expected = np.average(z.double().numpy(), axis=0, weights=[1, 3]).astype(np.float32)
    assert np.array_equal(basket.document.z.numpy(), expected)
    told, before = [], basket.document.z
    basket.panel.notice.connect(told.append)
    basket.click(basket.outcome, PIXELS)
    assert basket.document.z is before
    assert "no picture of any z" in told[0]


def test_the_pictures_are_reached_by_keys(basket, qtbot):
    basket.fill(1.0)
    basket.shown()
    basket.outcome.setFocus()
    basket.outcome.setCurrentIndex(basket.outcome.model().index(0, 0))
    qtbot.keyClick(basket.outcome, Qt.Key.Key_Right)
    qtbot.keyClick(basket.outcome, Qt.Key.Key_Return)
    assert torch.equal(basket.document.z, torch.zeros(64))


def test_weights_that_cancel_have_a_sum_and_no_mean(basket, generator):
    a, b = basket.fill(1.0, -1.0)
    cells = basket.shown()
    assert np.array_equal(cells[SUM].look.pixels, picture(generator, (a.double() - b.double()).float()))
    assert cells[PIXELS].look is cells[MEAN].look is None
    assert "add up to 0" in cells[MEAN].tip
    basket.panel.grab()


# -- the basket -----------------------------------------------------------------------------------------------


def test_plus_and_minus_add_z_and_undo_takes_it_out(basket, qtbot):
    document = basket.document
    before = document.state
    qtbot.mouseClick(basket.panel.plus, LEFT)
    qtbot.keyClick(basket.strip, Qt.Key.Key_Minus)
    qtbot.keyClick(basket.outcome, Qt.Key.Key_Plus)
    assert basket.weights() == [1, -1, 1]
    assert all(share.z is document.z for share in document.basket)
    for _ in range(3):
        document.undo()
    assert document.state is before


def test_the_empty_frames_take_z_with_their_sign(basket):
    document, kept = basket.document, []
    for row in range(3):
        document.set_dimension(0, float(row))
        kept.append(document.z)
        basket.click(basket.strip, row)
    assert basket.weights() == [1, -1, 1]
    assert all(share.z is z for share, z in zip(document.basket, kept, strict=True))
    assert basket.strip.model().rowCount() == 3


def test_a_click_on_a_picture_goes_there(basket):
    z = basket.fill(1.0, 2.0)
    basket.click(basket.strip, 1)
    assert torch.equal(basket.document.z, z[1])


def test_the_wheel_changes_a_weight_as_one_step(basket):
    basket.fill(1.0, -1.0)
    before = basket.document.state
    basket.wheel(1, 1)
    basket.wheel(1, 2)
    basket.wheel(1, -1, SHIFT)
    assert basket.weights() == [1, pytest.approx(-0.72)]
    at_rest(basket)
    basket.document.undo()
    assert basket.document.state is before
    basket.wheel(2, 1)  # an empty frame
    assert basket.document.state is before


def test_up_and_down_change_a_weight_until_the_key_is_released(basket, qtbot):
    basket.fill(1.0, 0.5)
    before = basket.document.state
    basket.strip.setFocus()
    basket.strip.setCurrentIndex(basket.strip.model().index(1, 0))
    for _ in range(3):
        qtbot.keyPress(basket.strip, Qt.Key.Key_Down)
    qtbot.keyRelease(basket.strip, Qt.Key.Key_Down)
    qtbot.keyClick(basket.strip, Qt.Key.Key_Up, SHIFT)
    assert basket.weights() == [1, pytest.approx(0.22)]
    basket.document.undo()
    assert basket.weights() == [1, pytest.approx(0.2)]
    basket.document.undo()
    assert basket.document.state is before


def test_a_click_on_the_number_opens_a_box_and_its_visit_is_one_step(basket, qtbot):
    basket.fill(1.0)
    before, z = basket.document.state, basket.document.z
    rect = basket.strip.visualRect(basket.strip.model().index(0, 0))
    spot = basket.strip.delegate.words_rect(rect).center()
    qtbot.mouseClick(basket.strip.viewport(), LEFT, NONE, spot)
    (box,) = basket.strip.findChildren(QDoubleSpinBox)
    box.selectAll()
    qtbot.keyClicks(box, "-0.35")
    qtbot.keyClick(box, Qt.Key.Key_Up)
    assert basket.weights() == [pytest.approx(-0.25)]
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert basket.document.z is z
    assert basket.strip.model().cells[0].lines == ("\N{MINUS SIGN}0.25",)
    basket.document.undo()
    assert basket.document.state is before


def test_delete_takes_one_out_and_clear_all(basket, qtbot):
    z = basket.fill(1.0, 2.0, 3.0, 4.0)
    before = basket.document.state
    basket.strip.setFocus()
    basket.strip.setCurrentIndex(basket.strip.model().index(1, 0))
    qtbot.keyClick(basket.strip, Qt.Key.Key_Delete)
    assert basket.weights() == [1, 3, 4]
    assert torch.equal(basket.document.basket[1].z, z[2])
    qtbot.keyClick(basket.strip, Qt.Key.Key_Delete)
    assert basket.weights() == [1, 4]
    qtbot.mouseClick(basket.panel.clear, LEFT)
    assert basket.weights() == []
    assert basket.panel.sum() is None
    for _ in range(3):
        basket.document.undo()
    assert basket.document.state is before


def test_weights_by_preset(basket):
    basket.fill(0.1, 0.2, 0.3, 0.4)
    analogy, mean = basket.panel.presets.menu().actions()
    analogy.trigger()
    assert basket.weights() == [1, -1, 1, 0.4]
    mean.trigger()
    assert basket.weights() == [0.25] * 4
    basket.document.undo()
    assert basket.weights() == [1, -1, 1, 0.4]


def test_a_weight_is_written_with_its_sign():
    assert [weight_words(weight) for weight in (1.0, -1.0, 0.3, 1 / 3, -0.02, 0.0)] == [
        "+1.0", "\N{MINUS SIGN}1.0", "+0.3", "+0.33", "\N{MINUS SIGN}0.02", "+0.0",
    ]  # fmt: skip


# -- other models ---------------------------------------------------------------------------------------------


def test_another_model_makes_its_own_pictures_of_the_same_basket(basket, generator):
    (z,) = basket.fill(1.0)
    assert np.array_equal(basket.pixels(SUM), picture(generator, z))
    other = make_generator(seed=9)
    basket.studio.use(Sight(Renderer(other), None))
    assert basket.shown()[SUM].look is not None
    assert np.array_equal(basket.pixels(SUM), picture(other, z))
    assert basket.pixels(PIXELS) is not None


def test_what_does_not_fit_another_space_waits_for_its_own(basket, generator):
    basket.fill(1.0, 2.0)
    small = make_generator(z_dim=3, prior=Prior.uniform())
    basket.document.show(Subject("small", small.spec))
    basket.studio.use(Sight(Renderer(small), None))
    assert basket.panel.sum() is None
    assert basket.pixels(CENTER).shape == (28, 28)
    basket.document.show(Subject("first", generator.spec))
    basket.studio.use(Sight(Renderer(generator), None))
    assert basket.weights() == [1, 2]


@pytest.mark.parametrize(
    ("z_dim", "prior", "shape"),
    [
        (1, Prior.constant(0.5), (1, 1, 4)),
        (1, Prior.normal(), (1, 5, 7)),
        (20, Prior.uniform(0, 1), (3, 70, 90)),
    ],
    ids=str,
)
def test_any_model_without_a_discriminator(make_basket, z_dim, prior, shape):
    generator = make_generator(z_dim=z_dim, prior=prior, image_shape=shape)
    basket = make_basket(generator)
    basket.fill(1.0, -0.5)
    basket.panel.typical.click()
    center = torch.full((z_dim,), prior.center)
    assert np.array_equal(basket.pixels(CENTER), picture(generator, center))
    assert all(cell.look is not None for cell in basket.shown())
    basket.panel.set_theme(theme.LIGHT)
    basket.panel.grab()


def test_nothing_is_computed_while_the_panel_is_hidden(basket, monkeypatch):
    basket.shown()
    asked = []
    monkeypatch.setattr(basket.studio, "ask", lambda name, find, then: asked.append(name))
    basket.panel.hide()
    basket.fill(1.0)
    assert asked == []
    basket.panel.show()
    assert asked == ["basket"]


def test_samples_that_were_begun_for_another_model_are_dropped(basket, generator, monkeypatch):
    monkeypatch.setattr(basket_means, "CHUNK", 8)
    basket.panel.many.setChecked(True)
    basket.panel.refresh()
    other = make_generator(seed=9)
    basket.studio.use(Sight(Renderer(other), None))
    z = seeded(Prior.normal(), 64, 0, 1000)
    assert np.array_equal(basket.pixels(PIXELS), to_pixels(other(z).double().mean(0).float()[None])[0])


def test_without_a_model_there_is_nothing_and_nothing_fails(qtbot):
    studio = Studio()
    basket = Basket(Document(), studio, qtbot)
    assert basket.panel.sum() is None
    basket.panel.grab()
    studio.stop()


def test_screen_readers_hear_what_a_cell_is(basket):
    basket.fill(1.0)
    model = basket.strip.model()
    words = [model.data(model.index(row, 0), Qt.ItemDataRole.AccessibleTextRole) for row in range(3)]
    assert words == ["+1.0", "\N{MINUS SIGN} b empty", "+ c empty"]
    assert basket.strip.accessibleName()
    assert basket.outcome.accessibleName()
