"""The gallery by real events: what its cells show, what keys and clicks do, and what stays while the model changes."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication
from small_models import make_discriminator, make_generator

from ganexplorer.core.judge import Judge
from ganexplorer.core.latent import Prior
from ganexplorer.core.render import Renderer, to_pixels
from ganexplorer.ui import theme
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.gallery.gallery_panel import GalleryPanel
from ganexplorer.ui.work.studio import Sight, Studio

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Gallery:
    """A gallery under test."""

    def __init__(self, document, studio, qtbot):
        self.document, self.studio, self.qtbot = document, studio, qtbot
        self.panel = GalleryPanel(document, studio, theme.DARK)
        qtbot.addWidget(self.panel)
        self.panel.resize(700, 400)
        with qtbot.waitExposed(self.panel):
            self.panel.show()
        self.grid, self.model = self.panel.grid, self.panel.model

    def cells(self):
        """The latents in the order of the cells."""
        return torch.stack([self.model.z(cell) for cell in range(self.model.rowCount())])

    def center(self, cell):
        self.grid.scrollTo(self.model.index(cell))
        return self.grid.visualRect(self.model.index(cell)).center()

    def click(self, cell, modifiers=Qt.KeyboardModifier.NoModifier):
        self.qtbot.mouseClick(self.grid.viewport(), LEFT, modifiers, self.center(cell))

    def key(self, key, modifiers=Qt.KeyboardModifier.NoModifier):
        self.qtbot.keyClick(self.grid, key, modifiers)

    def looks(self):
        """Wait for all pictures; those of the cells."""

        def all_there():
            assert all(look is not None for look in self.studio.looks(self.model.rows))

        self.qtbot.waitUntil(all_there, timeout=10_000)
        return self.studio.looks(list(self.cells()))


def end(studio, qapp):
    """Stop a studio in mid-work, and let what was on its way arrive."""
    studio.stop()
    qapp.processEvents()
    qapp.processEvents()


@pytest.fixture
def gallery(bench, qtbot, qapp):
    yield Gallery(bench.document, bench.studio, qtbot)
    end(bench.studio, qapp)


@pytest.fixture
def make_gallery(qtbot, qapp):
    """A gallery of any generator."""
    studios = []

    def make(generator, discriminator=None):
        document, studio = Document(), Studio()
        studios.append(studio)
        document.show(Subject("other", generator.spec))
        studio.use(Sight(Renderer(generator), None if discriminator is None else Judge(discriminator)))
        return Gallery(document, studio, qtbot)

    yield make
    for studio in studios:
        end(studio, qapp)


def samples(document, seed, count):
    """The samples of a seed, drawn one after the other as `ganexplorer sample` does."""
    generator = torch.Generator().manual_seed(seed)
    return torch.cat([document.prior.sample(1, len(document.z), generator) for _ in range(count)])


# -- the sheet ------------------------------------------------------------------------------------------------


def test_the_cells_are_the_samples_of_the_seed_and_their_pictures(gallery, generator):
    gallery.document.set_gallery(seed=11, count=16)
    assert torch.equal(gallery.cells(), samples(gallery.document, 11, 16))
    expected = to_pixels(generator(gallery.cells()))
    for look, pixels in zip(gallery.looks(), expected, strict=True):
        assert np.abs(look.pixels.astype(int) - pixels.astype(int)).max() <= 1


def test_the_boxes_set_seed_truncation_count_and_order(gallery, qtbot):
    panel = gallery.panel
    panel.settings.seed.setFocus()
    panel.settings.seed.selectAll()
    qtbot.keyClicks(panel.settings.seed, "123")
    qtbot.keyClick(panel.settings.seed, Qt.Key.Key_Return)
    panel.settings.truncation.setValue(0.5)
    panel.settings.count.textActivated.emit("36")
    panel.settings.order.activated.emit(1)
    settings = gallery.document.gallery
    assert (settings.seed, settings.truncation, settings.count, settings.order) == (123, 0.5, 36, "most real first")
    expected = 0.5 * samples(gallery.document, 123, 36)
    assert torch.equal(torch.stack(gallery.model.rows), expected)
    assert not gallery.document.can_undo  # settings, not edits


def test_what_the_document_says_stands_in_the_boxes(gallery):
    gallery.document.set_gallery(seed=2**40, truncation=1.25, count=50, order="least real first")  # of a session
    panel = gallery.panel
    assert panel.settings.seed.value() == 2**31 - 1
    assert (panel.settings.truncation.value(), panel.settings.count.currentText()) == (1.25, "50")
    assert panel.settings.order.currentText() == "Least real first"
    assert gallery.model.rowCount() == 50
    assert gallery.document.gallery.seed == 2**40


def test_the_die_draws_another_seed(gallery, qtbot):
    before = gallery.cells()
    qtbot.mouseClick(gallery.panel.settings.new_seed, LEFT)
    seed = gallery.document.gallery.seed
    assert seed == gallery.panel.settings.seed.value() != 0
    assert torch.equal(gallery.cells(), samples(gallery.document, seed, 64))
    assert not torch.equal(gallery.cells(), before)


# -- going and selecting --------------------------------------------------------------------------------------


def test_a_click_goes_there_in_one_step_that_undo_takes_back(gallery):
    document, before = gallery.document, gallery.document.z
    gallery.click(5)
    assert torch.equal(document.z, gallery.model.rows[5])
    assert gallery.model.is_here(5)
    assert not gallery.model.is_here(0)
    document.undo()
    assert document.z is before
    assert gallery.model.is_here(0)
    assert not document.can_undo


def test_arrows_move_without_going_and_return_goes(gallery):
    before = gallery.document.z
    gallery.click(0)  # is z already
    gallery.key(Qt.Key.Key_Right)
    gallery.key(Qt.Key.Key_Right)
    gallery.key(Qt.Key.Key_Down)
    cell = gallery.grid.currentIndex().row()
    assert cell > 8
    assert gallery.document.z is before
    gallery.key(Qt.Key.Key_Return)
    assert torch.equal(gallery.document.z, gallery.model.rows[cell])


def test_ctrl_and_shift_select_without_going(gallery):
    gallery.click(3)
    z = gallery.document.z
    gallery.click(6, CONTROL)
    assert gallery.grid.selected_cells() == [3, 6]
    gallery.click(8, SHIFT)
    assert gallery.grid.selected_cells()[-1] == 8
    assert len(gallery.grid.selected_cells()) >= 3
    assert gallery.document.z is z


def test_a_press_that_is_released_elsewhere_goes_nowhere(gallery, qtbot):
    before, viewport = gallery.document.z, gallery.grid.viewport()
    qtbot.mousePress(viewport, LEFT, pos=gallery.center(1))
    qtbot.mouseMove(viewport, gallery.center(4))
    qtbot.mouseRelease(viewport, LEFT, pos=gallery.center(4))
    assert gallery.document.z is before


def test_where_you_are_is_framed_in_the_picture(gallery):
    gallery.looks()
    accent = theme.DARK.accent

    def corner(cell):
        image = gallery.grid.viewport().grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        spot = gallery.grid.picture_rect(cell).topLeft() + QPointF(1, 20)
        return image.pixelColor(spot.toPoint()).name()

    assert corner(0) == accent
    gallery.click(2)
    gallery.grid.clearSelection()
    assert corner(0) != accent
    assert corner(2) == accent


# -- D's verdict ----------------------------------------------------------------------------------------------


def test_most_and_least_real_first_are_ds_order(gallery, generator):
    discriminator = make_discriminator(generator.spec)
    gallery.document.set_gallery(order="most real first")
    looks = gallery.looks()
    gallery.grid.arrange()
    verdicts = discriminator(generator(torch.stack(gallery.model.rows))).sigmoid()
    order = [gallery.model.row(cell) for cell in range(64)]
    assert order == verdicts.argsort(descending=True, stable=True).tolist()
    gallery.document.set_gallery(order="least real first")
    assert [gallery.model.row(cell) for cell in range(64)] == verdicts.argsort(stable=True).tolist()
    gallery.document.set_gallery(order="drawn")
    assert [gallery.model.row(cell) for cell in range(64)] == list(range(64))
    assert len(looks) == 64


def test_cells_stay_until_all_verdicts_are_there(gallery, qtbot):
    gallery.document.set_gallery(order="most real first", count=144)
    seen = []
    gallery.studio.arrived.connect(lambda: seen.append([gallery.model.row(cell) for cell in range(144)]))
    gallery.looks()
    gallery.grid.arrange()
    assert len(seen) > 3
    assert all(order == list(range(144)) for order in seen[:-2])
    assert gallery.model.row(0) != 0 or gallery.model.row(1) != 1


def test_the_verdict_is_drawn_as_an_orange_bar(gallery):
    looks = gallery.looks()
    image = gallery.grid.viewport().grab().toImage()
    for cell in (0, 1, 2):
        picture = gallery.grid.picture_rect(cell)
        y = int(picture.bottom()) + 3
        orange = [
            image.pixelColor(x, y).name() == theme.D_COLOR for x in range(int(picture.left()), int(picture.right()))
        ]
        assert sum(orange) / len(orange) == pytest.approx(looks[cell].verdict, abs=0.03)
    tip = gallery.model.data(gallery.model.index(1), Qt.ItemDataRole.ToolTipRole)
    assert f"{100 * looks[1].verdict:.0f} %" in tip


def test_selected_pictures_stay_selected_when_the_order_changes(gallery):
    gallery.click(3)
    gallery.click(9, CONTROL)
    gallery.document.set_gallery(order="most real first")
    gallery.looks()
    gallery.grid.arrange()
    assert sorted(gallery.model.row(cell) for cell in gallery.grid.selected_cells()) == [3, 9]


# -- breeding and mutating ------------------------------------------------------------------------------------


def test_two_selected_pictures_are_bred(gallery):
    rows = samples(gallery.document, 0, 64)
    gallery.click(4)
    gallery.click(9, CONTROL)
    assert gallery.panel.breed.isEnabled()
    gallery.key(Qt.Key.Key_X)
    children = gallery.cells()
    assert len(children) == 64
    assert torch.equal(children[0], rows[4])
    assert torch.equal(children[1], rows[9])
    from_a, from_b = children[2:] == rows[4], children[2:] == rows[9]
    assert (from_a ^ from_b).all()
    assert from_a.float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert gallery.panel.crumb.text() == "Children of sample 4 and sample 9"
    assert not gallery.panel.settings.truncation.isEnabled()


def test_one_selected_picture_is_bred_with_z(gallery):
    document = gallery.document
    gallery.click(4)
    assert not gallery.panel.breed.isEnabled()  # z itself
    told = []
    gallery.panel.notice.connect(told.append)
    gallery.key(Qt.Key.Key_X)
    assert "two" in told[0]
    assert gallery.panel.sheet is None
    here = document.z
    for z, is_possible in ((here + 1, True), (here, False), (here + 1, True)):
        document.set_z(z)
        assert gallery.panel.breed.isEnabled() == is_possible
        assert ("Children" in gallery.panel.breed.toolTip()) == is_possible
    gallery.key(Qt.Key.Key_X)
    assert torch.equal(gallery.cells()[0], document.z)
    assert torch.equal(gallery.cells()[1], samples(document, 0, 5)[4])


def test_children_are_of_their_seed_and_back_shows_the_samples_again(gallery, qtbot):
    before = gallery.cells()
    gallery.click(1)
    gallery.click(2, CONTROL)
    gallery.key(Qt.Key.Key_X)
    first = gallery.cells()
    gallery.panel.settings.seed.setValue(5)
    others = gallery.cells()
    assert torch.equal(others[:2], first[:2])
    assert not torch.equal(others, first)
    gallery.panel.settings.seed.setValue(0)
    assert torch.equal(gallery.cells(), first)
    gallery.click(7)
    gallery.key(Qt.Key.Key_M)
    assert gallery.panel.crumb.text() == "Mutants of child 5"
    qtbot.mouseClick(gallery.panel.back, LEFT)
    assert torch.equal(gallery.cells(), first)
    gallery.key(Qt.Key.Key_Backspace)
    assert torch.equal(gallery.cells(), before)
    assert gallery.document.gallery.seed == 0
    assert not gallery.panel.back.isVisible()


def test_the_slider_says_how_far_mutants_are(gallery, qtbot):
    gallery.panel.amount.setValue(10)
    qtbot.mouseClick(gallery.panel.mutate, LEFT)  # nothing is selected: of z
    z = gallery.document.z
    near = gallery.cells()
    assert torch.equal(near[0], z)
    gallery.click(3)
    gallery.panel.amount.setValue(80)
    far = gallery.cells()
    assert torch.equal(far[0], z)
    assert gallery.grid.selected_cells() == [3]
    angles = [torch.cosine_similarity(cells[1:], z, dim=1).acos().mean() for cells in (near, far)]
    # cos(angle) |z| towards z and sin(angle) |n| at right angles, both of norm 8 or so
    assert float(angles[0]) == pytest.approx(0.1 * np.pi / 2, rel=0.15)
    assert float(angles[1]) == pytest.approx(0.8 * np.pi / 2, rel=0.15)


def test_parents_stay_first_in_ds_order(gallery):
    gallery.click(1)
    gallery.click(2, CONTROL)
    gallery.key(Qt.Key.Key_X)
    gallery.document.set_gallery(order="least real first")
    gallery.looks()
    gallery.grid.arrange()
    assert [gallery.model.row(cell) for cell in range(2)] == [0, 1]
    assert [gallery.model.row(cell) for cell in range(64)] != list(range(64))


# -- stars ----------------------------------------------------------------------------------------------------


def test_a_click_on_the_corner_stars_and_goes_nowhere(gallery, qtbot):
    document, before = gallery.document, gallery.document.z
    gallery.center(6)
    spot = gallery.grid.star_rect(6).center().toPoint()
    qtbot.mouseClick(gallery.grid.viewport(), LEFT, pos=spot)
    assert len(document.stars) == 1
    assert torch.equal(document.stars[0], gallery.model.rows[6])
    assert gallery.model.is_starred(6)
    assert document.z is before
    qtbot.mouseClick(gallery.grid.viewport(), LEFT, pos=spot)
    assert document.stars == []
    document.undo()
    assert torch.equal(document.stars[0], gallery.model.rows[6])
    document.undo()
    assert document.stars == []
    assert not document.can_undo


def test_the_asterisk_stars_what_is_selected_as_one_step(gallery):
    gallery.click(3)
    document, z = gallery.document, gallery.document.z
    gallery.click(5, CONTROL)
    gallery.key(Qt.Key.Key_Asterisk, SHIFT)
    assert [gallery.model.is_starred(cell) for cell in (3, 4, 5)] == [True, False, True]
    document.undo()
    assert document.stars == []
    assert document.z is z


def test_starred_shows_the_starred_of_all_seeds(gallery, qtbot):
    panel, document = gallery.panel, gallery.document
    kept = []
    for seed in (1, 2):
        document.set_gallery(seed=seed)
        gallery.click(3)
        gallery.key(Qt.Key.Key_Asterisk)
        kept.append(document.z)
    qtbot.mouseClick(panel.settings.only_starred, LEFT)
    assert torch.equal(gallery.cells(), torch.stack(kept))
    gallery.click(0)
    gallery.key(Qt.Key.Key_Asterisk)
    assert torch.equal(gallery.cells(), kept[1][None])
    document.undo()
    assert gallery.model.rowCount() == 2
    document.set_stars([])
    assert gallery.model.rowCount() == 0
    assert "starred yet" in gallery.grid.empty_words
    panel.grab()
    qtbot.mouseClick(panel.settings.only_starred, LEFT)
    assert torch.equal(gallery.cells(), samples(document, 2, 64))


def star_by(gallery, has):
    """Star all on the sheet that have a hidden attribute."""
    gallery.document.set_stars([z.clone() for z in gallery.model.rows if has(z)])


def test_more_like_the_starred_has_more_of_what_they_have(gallery, qtbot):
    hidden = torch.nn.functional.normalize(torch.randn(64, generator=torch.Generator().manual_seed(2)), dim=0)

    def has(z):
        return z @ hidden > 0

    shares = {False: [], True: []}
    for seed in range(6):
        gallery.document.set_gallery(seed=seed, count=36)
        star_by(gallery, has)
        gallery.document.set_gallery(count=144)
        shares[False].append(has(gallery.cells()).float().mean())
        gallery.document.set_gallery(count=36)
        qtbot.mouseClick(gallery.panel.more, LEFT)
        qtbot.waitUntil(lambda: gallery.panel.sheet is not None, timeout=10_000)
        gallery.document.set_gallery(count=144)
        cells = gallery.cells()
        shares[True].append(has(cells).float().mean())
        assert len(cells) == 144
        assert float(cells.norm(dim=1).mean()) == pytest.approx(8, rel=0.08)
        gallery.panel.go_back()
    assert float(np.mean(shares[False])) == pytest.approx(0.5, abs=0.06)
    assert np.mean(shares[True]) > 0.85


def test_the_way_to_what_is_starred_becomes_a_direction(gallery, qtbot):
    assert not gallery.panel.more.isEnabled()
    star_by(gallery, lambda z: z[3] > 0)
    assert not gallery.panel.add_direction.isVisible()
    qtbot.mouseClick(gallery.panel.more, LEFT)
    qtbot.waitUntil(lambda: gallery.panel.add_direction.isVisible(), timeout=10_000)
    document = gallery.document
    with qtbot.waitSignal(gallery.panel.notice):
        qtbot.mouseClick(gallery.panel.add_direction, LEFT)
    (direction,) = document.directions
    assert direction.name == "liked 1"
    assert direction.origin == "boundary"
    assert direction.effect > 0
    assert direction.vector.argmax() == 3
    qtbot.mouseClick(gallery.panel.add_direction, LEFT)
    assert len(document.directions) == 1
    document.undo()
    assert document.directions == []
    assert len(document.stars) > 20


def test_a_model_that_changes_meanwhile_still_gets_its_answer(gallery, generator, qtbot):
    star_by(gallery, lambda z: z[3] > 0)
    qtbot.mouseClick(gallery.panel.more, LEFT)
    gallery.studio.use(Sight(Renderer(make_generator(seed=4)), None))  # its answer is lost
    qtbot.waitUntil(lambda: gallery.panel.sheet is not None, timeout=10_000)
    assert gallery.panel.crumb.text() == f"Like {len(gallery.document.stars)} starred"


def test_nothing_to_tell_apart_is_told(gallery, qtbot):
    gallery.document.set_stars([torch.zeros(64)])
    gallery.document.set_gallery(truncation=0.0)
    with qtbot.waitSignal(gallery.studio.failed) as told:
        qtbot.mouseClick(gallery.panel.more, LEFT)
    assert "liked 1" in str(told.args[0])
    gallery.studio.use(Sight(Renderer(make_generator(seed=4)), None))
    qtbot.wait(50)
    assert gallery.panel.sheet is None


# -- the menu and other keys ----------------------------------------------------------------------------------


def choose(gallery, cell, words):
    menu = gallery.panel.menu(cell)
    (action,) = [action for action in menu.actions() if action.text() == words]
    action.trigger()
    menu.deleteLater()


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("Go there", lambda document: document.z),
        ("Keep as A", lambda document: document.a),
        ("Keep as B", lambda document: document.b),
        ("Add as key frame", lambda document: document.state.middle[0]),
        ("Star", lambda document: document.stars[0]),
        ("Bookmark", lambda document: document.bookmarks[0].z),
    ],
)
def test_the_menu_does_one_thing_that_undo_takes_back(gallery, words, kept):
    document, before = gallery.document, gallery.document.state
    choose(gallery, 7, words)
    assert torch.equal(kept(document), gallery.model.rows[7])
    document.undo()
    assert document.state is before


def test_the_menu_names_bookmarks_fills_the_basket_and_copies_the_seed(gallery):
    document = gallery.document
    document.set_gallery(seed=12, truncation=0.7)
    choose(gallery, 7, "Add to basket (+)")
    choose(gallery, 8, "Subtract in basket (\N{MINUS SIGN})")
    choose(gallery, 9, "Bookmark")
    choose(gallery, 9, "Copy seed and number")
    assert [share.weight for share in document.basket] == [1, -1]
    assert torch.equal(document.basket[1].z, gallery.model.rows[8])
    assert document.bookmarks[0].name == "seed 12, sample 9, truncation 0.7"
    assert QGuiApplication.clipboard().text() == "seed 12, sample 9, truncation 0.7"
    gallery.panel.mutate_selected()
    menu = gallery.panel.menu(1)
    assert not menu.actions()[-1].isEnabled()
    menu.deleteLater()


@pytest.mark.qt_log_ignore("This plugin does not support")  # as of pop-ups
def test_the_right_button_opens_the_menu_of_its_cell_and_goes_nowhere(gallery, qtbot):
    before, viewport = gallery.document.z, gallery.grid.viewport()
    pos = gallery.center(3)
    qtbot.mouseClick(viewport, RIGHT, pos=pos)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, pos, viewport.mapToGlobal(pos))
    QApplication.sendEvent(viewport, event)
    menu = QApplication.activePopupWidget()
    assert gallery.grid.selected_cells() == [3]
    assert "Keep as A" in [action.text() for action in menu.actions()]
    assert gallery.document.z is before
    menu.close()


def test_plus_and_minus_put_the_selected_pictures_into_the_basket(gallery):
    gallery.click(2)
    gallery.click(3, CONTROL)
    gallery.key(Qt.Key.Key_Plus)
    gallery.grid.clearSelection()
    gallery.key(Qt.Key.Key_Minus)
    basket = gallery.document.basket
    assert [share.weight for share in basket] == [1, 1, -1]
    assert torch.equal(basket[1].z, gallery.model.rows[3])
    assert torch.equal(basket[2].z, gallery.document.z)


# -- other models ---------------------------------------------------------------------------------------------


def test_a_generator_in_training_keeps_selection_sheet_and_order(gallery, generator, qtbot):
    gallery.click(4)
    gallery.click(9, CONTROL)
    document, z = gallery.document, gallery.document.z
    gallery.document.set_gallery(order="most real first")
    gallery.looks()
    gallery.grid.arrange()
    order = [gallery.model.row(cell) for cell in range(64)]
    rows = [gallery.model.row(cell) for cell in gallery.grid.selected_cells()]
    latents = torch.stack(gallery.model.rows)
    for seed in (3, 4):
        new = make_generator(seed=seed)
        document.show(dataclasses.replace(document.subject, step=seed))
        gallery.studio.use(Sight(Renderer(new), Judge(make_discriminator(new.spec))))
        assert [gallery.model.row(cell) for cell in range(64)] == order  # until all are there
        assert gallery.model.look(0) is not None  # what there was is shown meanwhile
    gallery.looks()
    gallery.grid.arrange()
    assert torch.equal(torch.stack(gallery.model.rows), latents)
    assert document.z is z
    assert sorted(gallery.model.row(cell) for cell in gallery.grid.selected_cells()) == sorted(rows)
    assert [gallery.model.row(cell) for cell in range(64)] != order
    arranged = [look.verdict for look in gallery.looks()]
    assert all(a >= b for a, b in itertools.pairwise(arranged))


@pytest.mark.parametrize(
    ("z_dim", "prior", "shape"),
    [
        (1, Prior.constant(0.5), (1, 1, 4)),
        (1, Prior.normal(), (1, 5, 7)),
        (3, Prior.uniform(-2, 3), (3, 8, 8)),
        (20, Prior.uniform(), (3, 70, 90)),
    ],
    ids=str,
)
def test_any_model_without_a_discriminator(make_gallery, z_dim, prior, shape, qtbot):
    gallery = make_gallery(make_generator(z_dim=z_dim, prior=prior, image_shape=shape))
    assert gallery.cells().shape == (64, z_dim)
    gallery.looks()
    assert not gallery.panel.settings.order.isEnabled()
    gallery.key(Qt.Key.Key_M)
    assert gallery.cells().shape == (64, z_dim)
    assert len({tuple(row.tolist()) for row in gallery.cells()}) > 50
    gallery.click(3)
    gallery.click(5, CONTROL)
    gallery.key(Qt.Key.Key_X)
    assert len({tuple(row.tolist()) for row in gallery.cells()}) > 20 or z_dim == 3
    gallery.key(Qt.Key.Key_Asterisk)
    assert len(gallery.document.stars) == 1
    gallery.panel.go_back()
    qtbot.mouseClick(gallery.panel.more, LEFT)
    qtbot.waitUntil(lambda: gallery.panel.crumb.text() == "Like 1 starred", timeout=10_000)
    gallery.looks()
    gallery.panel.grab()


def test_another_latent_space_shows_its_own_samples_and_only_its_stars(gallery, qtbot):
    gallery.click(2)
    gallery.key(Qt.Key.Key_Asterisk)
    gallery.key(Qt.Key.Key_M)
    other = make_generator(z_dim=5, prior=Prior.uniform())
    gallery.document.show(Subject("other", other.spec))
    gallery.studio.use(Sight(Renderer(other), None))
    assert gallery.panel.sheet is None
    assert torch.equal(gallery.cells(), samples(gallery.document, 0, 64))
    qtbot.mouseClick(gallery.panel.settings.only_starred, LEFT)
    assert gallery.model.rowCount() == 0


def test_without_a_model_there_is_nothing_and_nothing_fails(qtbot):
    studio = Studio()
    gallery = Gallery(Document(), studio, qtbot)
    assert gallery.model.rowCount() == 0
    gallery.panel.set_theme(theme.LIGHT)
    gallery.panel.grab()
    studio.stop()


def test_screen_readers_hear_what_a_cell_is(gallery):
    gallery.click(2)
    gallery.key(Qt.Key.Key_Asterisk)
    words = gallery.model.data(gallery.model.index(2), Qt.ItemDataRole.AccessibleTextRole)
    assert words == "sample 2, starred, here"
    for item in (
        gallery.grid,
        gallery.panel.settings.seed,
        gallery.panel.settings.truncation,
        gallery.panel.settings.new_seed,
    ):
        assert item.accessibleName()
