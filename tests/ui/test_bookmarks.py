"""The bookmarks, by real events."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from small_models import make_discriminator, make_generator

from ganexplorer.core.judge import Judge
from ganexplorer.core.latent import Prior, seeded
from ganexplorer.core.latent_text import from_text
from ganexplorer.core.media import load_latents, save_npy
from ganexplorer.core.render import Renderer
from ganexplorer.core.state import Bookmark
from ganexplorer.ui import theme
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.files.latent_files import MOST_ROWS, LatentFiles, read_latents
from ganexplorer.ui.memory.bookmarks_panel import BookmarksPanel
from ganexplorer.ui.memory.memory_panel import MemoryPanel
from ganexplorer.ui.work.studio import Sight, Studio
from ganexplorer.ui.work.workers import JobThread

LEFT = Qt.MouseButton.LeftButton
ALT = Qt.KeyboardModifier.AltModifier
CTRL = Qt.KeyboardModifier.ControlModifier


def latents(count, seed=1, z_dim=64):
    return [z.clone() for z in seeded(Prior.normal(), z_dim, seed, count)]


def names(document):
    return "".join(bookmark.name for bookmark in document.bookmarks)


def settled(qtbot, studio):
    qtbot.waitUntil(lambda: not studio._in_hand and not studio._soon.isActive(), timeout=10_000)


@pytest.fixture
def panel(bench, qtbot):
    panel = BookmarksPanel(bench.document, bench.studio, theme.DARK)
    qtbot.addWidget(panel)
    panel.resize(180, 200)
    with qtbot.waitExposed(panel):
        panel.show()
    panel.view.setFocus()
    yield panel
    panel.hide()
    settled(qtbot, bench.studio)


@pytest.fixture
def four(panel, bench):
    """Bookmarks a, b, c, d; the first is selected."""
    bench.document.set_bookmarks([Bookmark(name, z) for name, z in zip("abcd", latents(4), strict=True)])
    panel._select(0)
    return panel


def middle(panel, row):
    return panel.view.visualRect(panel.model.index(row)).center()


def click(qtbot, panel, row):
    qtbot.mouseClick(panel.view.viewport(), LEFT, pos=middle(panel, row))


def move(widget, point):
    position, on_screen = QPointF(point), QPointF(widget.mapToGlobal(point))
    kind, none = QEvent.Type.MouseMove, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QMouseEvent(kind, position, on_screen, Qt.MouseButton.NoButton, LEFT, none))


def drag(qtbot, panel, row, point):
    viewport, start = panel.view.viewport(), middle(panel, row)
    qtbot.mousePress(viewport, LEFT, pos=start)
    for i in range(1, 6):
        move(viewport, start + (point - start) * (i / 5))
    qtbot.mouseRelease(viewport, LEFT, pos=point)


def test_the_button_bookmarks_what_is_on_show_and_undo_takes_it_away(panel, bench, qtbot):
    document = bench.document
    for _ in range(3):
        qtbot.mouseClick(panel.keep, LEFT)
        document.random()
    assert [bookmark.name for bookmark in document.bookmarks] == ["Bookmark 1", "Bookmark 2", "Bookmark 3"]
    assert [bookmark.z for bookmark in document.bookmarks] == [document.history[i].z for i in range(3)]
    assert panel.view.currentIndex().row() == 2
    z = document.z
    document.undo()
    document.undo()
    assert len(document.bookmarks) == 2
    document.redo()
    document.redo()
    assert len(document.bookmarks) == 3
    assert document.z is z


def test_a_name_that_was_given_is_not_given_again(panel, bench):
    document = bench.document
    document.set_bookmarks([Bookmark("Bookmark 7", document.z), Bookmark("Bookmark 12 of mine", document.z)])
    panel.bookmark()
    assert document.bookmarks[-1].name == "Bookmark 8"


def test_a_click_and_return_go_there_in_an_undo_step(four, bench, qtbot):
    document, start = bench.document, bench.document.z
    click(qtbot, four, 2)
    assert document.z is document.bookmarks[2].z
    assert document.history.path(document.state.node) == [0, 1]
    qtbot.keyClick(four.view, Qt.Key.Key_Up)
    assert document.z is document.bookmarks[2].z  # moving the selection alone goes nowhere
    qtbot.keyClick(four.view, Qt.Key.Key_Return)
    assert document.z is document.bookmarks[1].z
    document.undo()
    document.undo()
    assert document.z is start
    click(qtbot, four, 3)
    qtbot.keyClick(four.view, Qt.Key.Key_Home)
    qtbot.keyClick(four.view, Qt.Key.Key_Enter)
    assert document.z is document.bookmarks[0].z


def test_a_press_beside_the_rows_or_with_another_button_goes_nowhere(four, bench, qtbot):
    start = bench.document.z
    qtbot.mouseClick(four.view.viewport(), LEFT, pos=QPoint(90, four.view.viewport().height() - 2))
    qtbot.mouseClick(four.view.viewport(), Qt.MouseButton.RightButton, pos=middle(four, 1))
    assert bench.document.z is start


def test_f2_renames_in_place_in_one_undo_step(four, bench, qtbot):
    document = bench.document
    four._select(1)
    qtbot.keyClick(four.view, Qt.Key.Key_F2)
    line = four.view.viewport().findChild(QLineEdit)
    assert line.text() == "b"
    qtbot.keyClicks(line, " smile")
    line.setText(line.text() + "\N{LINE SEPARATOR}")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: four.view.viewport().findChild(QLineEdit) is None)
    assert [bookmark.name for bookmark in document.bookmarks] == ["a", "smile", "c", "d"]
    assert document.z is document.history[0].z  # Return ended the editing and went nowhere
    assert four.view.currentIndex().row() == 1
    document.undo()
    assert names(document) == "abcd"


@pytest.mark.parametrize("typed", ["", "   ", "b"])
def test_no_name_or_the_same_changes_nothing(four, bench, typed):
    assert not four.model.setData(four.model.index(1), typed)
    assert names(bench.document) == "abcd"
    bench.document.undo()
    assert names(bench.document) == ""


def test_an_editor_that_is_open_lives_through_a_model_in_training(four, bench, qtbot, generator):
    qtbot.keyClick(four.view, Qt.Key.Key_F2)
    line = four.view.viewport().findChild(QLineEdit)
    line.setText("typed so far")
    bench.studio.use(Sight(Renderer(make_generator(seed=3)), None))
    bench.document.show(Subject("small", generator.spec, step=10))
    settled(qtbot, bench.studio)
    assert four.view.viewport().findChild(QLineEdit) is line
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: four.view.viewport().findChild(QLineEdit) is None)
    assert bench.document.bookmarks[0].name == "typed so far"


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace])
def test_delete_removes_the_selected_one_and_selects_the_next(four, bench, qtbot, key):
    document, before = bench.document, bench.document.bookmarks
    four._select(1)
    qtbot.keyClick(four.view, key)
    assert names(document) == "acd"
    assert four.view.currentIndex().row() == 1
    qtbot.keyClick(four.view, key)
    qtbot.keyClick(four.view, key)
    qtbot.keyClick(four.view, key)
    qtbot.keyClick(four.view, key)
    assert document.bookmarks == []
    for _ in range(4):
        document.undo()
    assert all(a is b for a, b in zip(document.bookmarks, before, strict=True))


def test_alt_and_arrows_move_a_bookmark(four, bench, qtbot):
    document = bench.document
    qtbot.keyClick(four.view, Qt.Key.Key_Down, ALT)
    qtbot.keyClick(four.view, Qt.Key.Key_Down, ALT)
    assert names(document) == "bcad"
    assert four.view.currentIndex().row() == 2
    qtbot.keyClick(four.view, Qt.Key.Key_Up, ALT)
    assert names(document) == "bacd"
    four._select(3)
    qtbot.keyClick(four.view, Qt.Key.Key_Down, ALT)  # there is no place below
    assert names(document) == "bacd"
    for _ in range(3):
        document.undo()
    assert names(document) == "abcd"


@pytest.mark.parametrize(
    ("row", "goal", "below", "order"),
    [
        (0, 2, 8, "bcad"),
        (0, 2, -8, "bacd"),
        (3, 0, -8, "dabc"),
        (3, 1, 8, "abdc"),
        (1, 3, 60, "acdb"),
        (2, 0, -200, "cabd"),
        (1, 1, 12, "abcd"),
    ],
)
def test_dragging_moves_a_bookmark_in_one_undo_step_and_goes_nowhere(four, bench, qtbot, row, goal, below, order):
    document, start = bench.document, bench.document.z
    drag(qtbot, four, row, middle(four, goal) + QPoint(5, below))
    assert names(document) == order
    assert document.z is start
    if order != "abcd":
        assert four.view.currentIndex().row() == order.index("abcd"[row])
        document.undo()
    assert names(document) == "abcd"


def test_escape_ends_dragging(four, bench, qtbot):
    viewport, start = four.view.viewport(), middle(four, 0)
    qtbot.mousePress(viewport, LEFT, pos=start)
    move(viewport, start + QPoint(0, 80))
    assert four.view._gap is not None
    viewport.grab()
    qtbot.keyClick(four.view, Qt.Key.Key_Escape)
    qtbot.mouseRelease(viewport, LEFT, pos=start + QPoint(0, 80))
    assert names(bench.document) == "abcd"


def test_the_menu_does_what_it_says(four, bench):
    document = bench.document
    z = document.bookmarks[2].z

    def trigger(text):
        menu = four.menu(2)
        next(action for action in menu.actions() if action.text() == text).trigger()
        menu.deleteLater()

    for text in ("Keep as A", "Keep as B", "Add as key frame", "Add to basket (+)", "Copy latent"):
        trigger(text)
    assert document.keys == (z, z, z)
    assert [(share.z, share.weight) for share in document.basket] == [(z, 1.0)]
    assert torch.equal(from_text(QGuiApplication.clipboard().text(), 64), z)
    assert "Bookmark" not in [action.text() for action in four.menu(2).actions()]
    trigger("Go there")
    assert document.z is z
    trigger("Remove")
    assert names(document) == "abd"


def test_copy_means_the_selected_bookmark(four, bench, qtbot):
    four._select(3)
    qtbot.keyClick(four.view, Qt.Key.Key_C, CTRL)
    assert torch.equal(from_text(QGuiApplication.clipboard().text(), 64), bench.document.bookmarks[3].z)


def test_the_bookmark_that_one_is_at_is_marked(four, bench, qtbot):
    document = bench.document
    assert [row for row in range(4) if four.model.is_here(row)] == []
    document.set_z(document.bookmarks[2].z.clone())
    assert [row for row in range(4) if four.model.is_here(row)] == [2]
    settled(qtbot, bench.studio)
    row = four.view.visualRect(four.model.index(2))
    room = four._delegate.picture_rect(row).toRect()
    image = four.view.viewport().grab().toImage()
    assert image.pixelColor(room.left(), room.center().y()).name() == theme.DARK.accent
    assert four.model.data(four.model.index(2), Qt.ItemDataRole.AccessibleTextRole) == "c, where you are"
    document.random()
    assert not four.model.is_here(2)


def test_a_row_shows_the_picture_of_its_latent(four, bench, qtbot, generator):
    settled(qtbot, bench.studio)
    four.view.viewport().repaint()
    settled(qtbot, bench.studio)
    image = four.view.viewport().grab().toImage()
    for row in range(4):
        expected = Renderer(generator).render(bench.document.bookmarks[row].z[None])[0]
        corner = four._delegate.picture_rect(four.view.visualRect(four.model.index(row))).toRect().topLeft()
        shown = [[image.pixelColor(corner + QPoint(x, y)).red() for x in range(28)] for y in range(28)]
        assert np.array_equal(shown, expected)


def test_long_and_strange_names_are_painted_and_told_as_they_are(panel, bench):
    name = "<b>x</b>" * 20
    bench.document.set_bookmarks([Bookmark(name, bench.document.z), Bookmark("\n\ud800", bench.document.z)])
    panel.view.viewport().grab()
    assert panel.model.data(panel.model.index(1)) == " ?"
    tip = panel.model.data(panel.model.index(0), Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;" in tip
    assert "|z|" in tip


@pytest.mark.parametrize("which", [theme.DARK, theme.LIGHT])
def test_empty_it_says_what_to_do(panel, which):
    panel.set_theme(which)
    assert not panel.view.viewport().grab().toImage().isNull()
    panel.go()
    panel.remove()
    panel.shift(1)
    panel.copy()


def test_bookmarks_of_another_z_dim_wait_for_their_model(four, bench, qtbot, generator):
    document = bench.document
    four._select(2)
    for z_dim, prior, shape in ((1, Prior.constant(0.5), (1, 1, 4)), (5, Prior.uniform(), (3, 64, 64))):
        network = make_generator(2, z_dim, prior, shape)
        bench.studio.use(Sight(Renderer(network), Judge(make_discriminator(network.spec))))
        document.show(Subject("other", network.spec))
        assert four.model.rowCount() == 0
        four.bookmark()
        assert document.bookmarks[0].z.shape == (z_dim,)
        settled(qtbot, bench.studio)
        four.view.viewport().grab()
        click(qtbot, four, 0)
    bench.studio.use(bench.sight)
    document.show(Subject("small", generator.spec))
    assert names(document) == "abcd"
    assert four.model.rowCount() == 4


def test_without_a_model_nothing_can_be_bookmarked(qtbot, qapp):
    studio = Studio()
    panel = MemoryPanel(Document(), studio, theme.LIGHT)
    qtbot.addWidget(panel)
    panel.show()
    assert not panel.bookmarks.keep.isEnabled()
    panel.bookmarks.bookmark()
    assert panel.bookmarks.model.rowCount() == 0
    panel.set_theme(theme.DARK)
    panel.grab()
    studio.stop()


def test_history_and_bookmarks_stand_side_by_side(bench, qtbot):
    panel = MemoryPanel(bench.document, bench.studio, theme.DARK)
    qtbot.addWidget(panel)
    panel.resize(560, 200)
    panel.show()
    assert 150 <= panel.bookmarks.width() <= 200
    assert panel.history.width() >= 350
    assert panel.bookmarks.keep.width() >= panel.bookmarks.keep.sizeHint().width()
    assert panel.bookmarks.more.geometry().right() <= panel.bookmarks.width()
    panel.hide()
    settled(qtbot, bench.studio)


# -- files ----------------------------------------------------------------------------------------------------


@pytest.fixture
def files(four, bench):
    """The panel's files, in a job thread as the window has; with what was said."""
    jobs = JobThread()
    files = LatentFiles(bench.document, jobs)
    files.said, files.errors = [], []
    files.notice.connect(files.said.append)
    files.news.connect(files.said.append)
    jobs.job_done.connect(lambda result: files.errors.append(str(result.error)) if result.error else None)
    four.import_wanted.connect(files.add)
    four.export_wanted.connect(files.save)
    jobs.start()
    yield files
    jobs.finish()


def told(qtbot, files, *words):
    qtbot.waitUntil(lambda: bool(files.said or files.errors), timeout=10_000)
    text = (files.said + files.errors).pop()
    assert all(word in text for word in words), text
    files.said.clear()
    files.errors.clear()


def test_bookmarks_go_to_a_file_and_come_back_bit_for_bit(four, bench, files, tmp_path, qtbot, monkeypatch):
    document, path = bench.document, tmp_path / "mine.npy"
    before = [bookmark.z for bookmark in document.bookmarks]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(path.with_suffix("")), ""))
    four._export_all.trigger()
    told(qtbot, files, "Saved 4 latents as mine.npy")
    assert torch.equal(load_latents(path, 64), torch.stack(before))
    document.set_bookmarks([])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(path), ""))
    z = document.z
    four.choose_import()
    told(qtbot, files, "mine.npy: its 4 latents are bookmarks now.")
    assert [bookmark.name for bookmark in document.bookmarks] == ["mine 1", "mine 2", "mine 3", "mine 4"]
    assert all(torch.equal(bookmark.z, z) for bookmark, z in zip(document.bookmarks, before, strict=True))
    assert document.z is z
    document.undo()
    assert document.bookmarks == []


def test_one_bookmark_goes_to_a_file_of_its_name(four, bench, files, tmp_path, qtbot, monkeypatch):
    asked = []
    bench.document.set_bookmarks([Bookmark("a/../b: 1?", latents(1)[0])])
    monkeypatch.setattr(
        QFileDialog,
        "getSaveFileName",
        lambda parent, title, name, *rest: asked.append(name) or (str(tmp_path / name), ""),
    )
    menu = four.menu(0)
    next(action for action in menu.actions() if action.text() == "Export as .npy…").trigger()
    menu.deleteLater()
    told(qtbot, files, "Saved 1 latent as")
    assert asked == ["a-..-b- 1-.npy"]
    assert load_latents(tmp_path / asked[0], 64).shape == (1, 64)


def test_a_dialog_that_is_cancelled_and_an_empty_list_write_nothing(four, bench, monkeypatch):
    said = []
    four.notice.connect(said.append)
    four.export_wanted.connect(lambda *args: pytest.fail("nothing was chosen"))
    four.import_wanted.connect(lambda *args: pytest.fail("nothing was chosen"))
    for name in ("getSaveFileName", "getOpenFileName"):
        monkeypatch.setattr(QFileDialog, name, lambda *a, **k: ("", ""))
    four._export_all.trigger()
    four.choose_import()
    bench.document.set_bookmarks([])
    assert not four._export_all.isEnabled()
    four.choose_export([])
    assert said == ["There are no bookmarks to export."]


def test_a_file_that_cannot_be_written_is_told(four, bench, files, tmp_path, qtbot):
    files.save(str(tmp_path / "nowhere" / "x.npy"), torch.zeros(1, 64))
    told(qtbot, files, "its folder does not exist")


def test_an_opened_file_goes_to_its_first_latent_in_one_undo_step(four, bench, files, tmp_path, qtbot):
    document, start = bench.document, bench.document.z
    rows = torch.stack(latents(3, seed=9))
    save_npy(tmp_path / "three.npy", rows)
    files.open(str(tmp_path / "three.npy"))
    told(qtbot, files, "its 3 latents are bookmarks now. You are at the first.")
    assert torch.equal(document.z, rows[0])
    assert torch.equal(document.history[document.state.node].z, rows[0])
    assert [bookmark.name for bookmark in document.bookmarks][4:] == ["three 1", "three 2", "three 3"]
    document.undo()
    assert document.z is start
    assert names(document) == "abcd"
    save_npy(tmp_path / "one.npy", rows[1])
    files.open(str(tmp_path / "one.npy"))
    qtbot.waitUntil(lambda: torch.equal(document.z, rows[1]), timeout=10_000)
    assert names(document) == "abcd"


def test_of_very_many_latents_the_first_become_bookmarks(four, bench, files, tmp_path, qtbot):
    save_npy(tmp_path / "many.npy", torch.randn(MOST_ROWS + 5, 64))
    files.add(str(tmp_path / "many.npy"))
    told(qtbot, files, "has 1,005 latents; the first 1,000 are bookmarks now")
    assert four.model.rowCount() == MOST_ROWS + 4
    four.view.viewport().grab()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (torch.zeros(2, 3), "has 3 values a latent, and this model takes 64"),
        (torch.full((64,), torch.nan), "holds NaN or infinite values"),
        (torch.zeros(0, 64), "is empty"),
        (None, "no such file"),
    ],
)
def test_a_file_without_latents_of_the_model_is_told_and_changes_nothing(
    four, bench, files, tmp_path, qtbot, values, words
):
    start = bench.document.z
    if values is not None:
        save_npy(tmp_path / "x.npy", values)
    files.open(str(tmp_path / "x.npy"))
    told(qtbot, files, "x.npy", words)
    assert bench.document.z is start
    assert names(bench.document) == "abcd"


def test_a_huge_file_is_not_read(tmp_path):
    from ganexplorer.core.errors import UserError

    with (tmp_path / "huge.npy").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(UserError, match="is larger than 256 MiB"):
        read_latents(tmp_path / "huge.npy", 64)


def test_latents_that_come_after_the_model_changed_are_not_taken(four, bench, files, tmp_path, qtbot):
    save_npy(tmp_path / "x.npy", torch.zeros(2, 64))
    files.open(str(tmp_path / "x.npy"))
    bench.document.show(Subject("other", make_generator(2, 5).spec))
    told(qtbot, files, "x.npy: another model was opened meanwhile")
    assert bench.document.bookmarks == []


def test_without_a_model_a_file_is_not_opened(qapp, tmp_path):
    jobs = JobThread()
    files, said = LatentFiles(Document(), jobs), []
    files.notice.connect(said.append)
    files.open(str(tmp_path / "x.npy"))
    assert said == ["x.npy: latents need a model that they are of. Open one first."]
