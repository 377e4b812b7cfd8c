"""The data sheet: pictures and numbers are those of the files, settings reach the form, reading can be given up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QThread, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent, QGuiApplication, QImage, QPalette
from PySide6.QtWidgets import QApplication, QFileDialog, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from ganexplorer.core.media import enlarge, sheet
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.recipes import RECIPES
from ganexplorer.train.sources import DataReport
from ganexplorer.ui import theme
from ganexplorer.ui.main_window import MainWindow
from ganexplorer.ui.training.class_list import kept_of
from ganexplorer.ui.training.config_form import ConfigForm
from ganexplorer.ui.training.data_facts import UNKNOWN, facts
from ganexplorer.ui.training.data_look import DataLook
from ganexplorer.ui.training.data_sheet import CANCELLED, DROP_ONE, NO_DATA, DataSheet
from ganexplorer.ui.training.run_setup import RunSetup
from ganexplorer.ui.work import data_reading
from ganexplorer.ui.work.data_reading import HANDFUL, DataReader, DataRequest, DataSeen

LEFT = Qt.MouseButton.LeftButton
Key = Qt.Key
PATIENCE = 20_000  # milliseconds, on a busy machine
SIZE = 16
PLAIN = Preparation((SIZE, SIZE))


def picture(seed: int, is_gray: bool = False, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    shape = (size[1], size[0]) if is_gray else (size[1], size[0], 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures of cats, gray and in colour, four of dogs; three that are none: one cut off, one empty, a text."""
    root = tmp_path / "图片 été"
    for name, seeds in (("猫", range(5)), ("dogs", range(5, 9))):
        (root / name).mkdir(parents=True)
        for seed in seeds:
            Image.fromarray(picture(seed, is_gray=seed % 2 == 1)).save(root / name / f"{seed}.png")
    whole = (root / "dogs" / "5.png").read_bytes()
    (root / "dogs" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "dogs" / "empty.png").write_bytes(b"")
    (root / "猫" / "text.png").write_text("no picture")
    return root


def originals(seeds: range) -> set[bytes]:
    """What the pictures of `folder` hold, in colour, as bytes of (H, W, 3)."""
    found = set()
    for seed in seeds:
        pixels = picture(seed, is_gray=seed % 2 == 1)
        found.add((pixels if pixels.ndim == 3 else np.stack([pixels] * 3, -1)).tobytes())
    return found


@pytest.fixture
def data_sheet(qtbot: QtBot) -> Iterator[DataSheet]:
    made = DataSheet(theme.DARK)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.stop()


def shown(data_sheet: DataSheet, qtbot: QtBot, ref: str, preparation: Preparation = PLAIN, seed: int = 0) -> DataSeen:
    data_sheet.look(ref, preparation, seed)
    return settled(data_sheet, qtbot)


def settled(data_sheet: DataSheet, qtbot: QtBot) -> DataSeen:
    """Wait until the newest request is answered by pictures."""
    qtbot.waitUntil(lambda: not data_sheet.is_reading, timeout=PATIENCE)
    seen = data_sheet._seen
    assert seen is not None, data_sheet.words.text()
    assert seen.request == data_sheet.request
    return seen


def as_bytes(pixels: np.ndarray) -> list[bytes]:
    return [each.tobytes() for each in pixels]


def pixels_of(widget: QWidget) -> np.ndarray:
    """(H, W, 3): what a widget paints."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()  # the buffer is the image's


class SlowLoader:
    """In place of `data.load`: ends only when it is closed, and remembers who was loaded and where it was closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, only: str = "") -> None:
        self.begun: list[str] = []
        self.closed: list[str] = []
        self.threads: set[int] = set()
        self._load, self._only = data_reading.data.load, only
        monkeypatch.setattr(data_reading.data, "load", self.load)

    def load(self, ref: str, *rest: Any) -> Any:
        return self._slow(ref) if not self._only or ref == self._only else self._load(ref, *rest)

    def _slow(self, ref: str) -> Iterator[Progress]:
        self.begun.append(ref)
        self.threads.add(threading.get_ident())
        try:
            for done in range(1, 100_000):
                yield Progress("Reading pictures", done, 100_000)
                time.sleep(0.001)
        finally:
            self.closed.append(ref)
            self.threads.add(threading.get_ident())


# -- what is shown -----------------------------------------------------------------------------------------


def test_counts_and_pictures_are_those_of_the_files(data_sheet: DataSheet, qtbot: QtBot, folder: Path) -> None:
    seen = shown(data_sheet, qtbot, f"folder:{folder}")
    values = {name: label.text() for name, label in data_sheet.facts.values.items()}
    assert values == {
        "Found": "12",
        "Used": "9",
        "Left out by class": "0",
        "Cannot be read": "3",
        "Image": "16 \N{MULTIPLICATION SIGN} 16, colour",
        "Originals": "16 \N{MULTIPLICATION SIGN} 16",
        "In memory": "7 kB",  # 9 * 16 * 16 * 3 bytes
    }
    pictures = as_bytes(seen.handfuls[0])
    assert len(pictures) == 9
    assert set(pictures) == originals(range(9))
    items = [data_sheet.classes.list.item(row).text().split() for row in range(2)]
    assert items == [["dogs", "4"], ["猫", "5"]]
    assert data_sheet.classes.checked == []
    assert data_sheet.title.text() == f"folder:{folder}"


def test_pictures_are_painted_crisp_at_whole_zoom(data_sheet: DataSheet, qtbot: QtBot, folder: Path) -> None:
    seen = shown(data_sheet, qtbot, f"folder:{folder}")
    painted = pixels_of(data_sheet.pictures)
    assert data_sheet.stack.currentWidget() is data_sheet.pictures
    ground = painted[-1, 0]  # the sheet stands at the top, in the middle
    rows, columns = np.nonzero((painted != ground).any(2))
    found = painted[: rows.max() + 1, columns.min() : columns.max() + 1]
    candidates = [sheet(seen.handfuls[0], across) for across in range(1, 10)]
    zooms = [(each, found.shape[0] / each.shape[0]) for each in candidates]
    assert any(
        zoom >= 2 and zoom.is_integer() and np.array_equal(enlarge(each, int(zoom)), found) for each, zoom in zooms
    )


def test_others_shows_other_pictures_and_comes_round(data_sheet: DataSheet, qtbot: QtBot, tmp_path: Path) -> None:
    for number in range(100):
        Image.fromarray(np.full((4, 4), 2 * number, np.uint8)).save(tmp_path / f"{number}.png")
    seen = shown(data_sheet, qtbot, f"folder:{tmp_path}", Preparation((4, 4)))
    values = {2 * number for number in range(100)}
    first = {int(each[0, 0]) for each in seen.handfuls[0]}
    assert len(first) == HANDFUL
    assert first <= values
    qtbot.mouseClick(data_sheet.others, LEFT)
    second = data_sheet.pictures._pixels
    assert second is not None
    assert values - first <= {int(each[0, 0]) for each in second}  # an epoch shows each picture once
    for _ in range(len(seen.handfuls) - 1):
        qtbot.mouseClick(data_sheet.others, LEFT)
    assert data_sheet.pictures._pixels is seen.handfuls[0]


def test_mirrored_pictures_are_shown_as_training_sees_them(data_sheet: DataSheet, qtbot: QtBot, folder: Path) -> None:
    seen = shown(data_sheet, qtbot, f"folder:{folder}", Preparation((SIZE, SIZE), flip=True), seed=3)
    plain = originals(range(9))
    kept = [each.tobytes() in plain for each in seen.handfuls[0]]
    turned = [each[:, ::-1].tobytes() in plain for each in seen.handfuls[0]]
    assert [a != b for a, b in zip(kept, turned, strict=True)] == [True] * 9
    assert {True} < set(kept)
    assert "mirrored" in data_sheet.caption.text()


def test_gray_pictures_and_originals_of_several_sizes(data_sheet: DataSheet, qtbot: QtBot, tmp_path: Path) -> None:
    for seed, size in enumerate([(8, 30), (20, 10)]):
        Image.fromarray(picture(seed, True, size)).save(tmp_path / f"{seed}.png")
    seen = shown(data_sheet, qtbot, f"folder:{tmp_path}")
    assert seen.handfuls[0].shape == (2, SIZE, SIZE)
    assert data_sheet.facts.values["Originals"].text().replace("\N{MULTIPLICATION SIGN}", "x") == "8 x 10 to\n20 x 30"
    assert not data_sheet.classes.list.isVisible()  # there is one folder only
    assert not data_sheet.broken.isVisible()


def test_four_numbers_without_end(data_sheet: DataSheet, qtbot: QtBot) -> None:
    seen = shown(data_sheet, qtbot, "toy:1010", Preparation())
    assert seen.handfuls[0].shape == (HANDFUL, 1, 4)
    assert (seen.handfuls[0].mean(0) > 127).tolist() == [[True, False, True, False]]
    assert data_sheet.facts.values["Found"].text() == "drawn without end"
    assert data_sheet.facts.values["In memory"].text() == UNKNOWN
    pixels_of(data_sheet)  # a warning would be an error


def test_drawn_digits_have_ten_classes(data_sheet: DataSheet, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_reading.data, "TOY_DIGITS", 300)
    shown(data_sheet, qtbot, "toy:digits", Preparation(classes="3"))
    assert data_sheet.classes.checked == ["3"]
    assert data_sheet.classes.all.isEnabled()
    qtbot.mouseClick(data_sheet.classes.all, LEFT)
    settled(data_sheet, qtbot)
    assert data_sheet.classes.list.count() == 10
    assert data_sheet.classes.checked == []
    assert not data_sheet.classes.all.isEnabled()


def test_sizes_in_memory_are_told_in_the_unit_that_fits() -> None:
    told = [facts(DataReport(1, 1, (3, 64, 64), bytes=count))["In memory"] for count in (1, 9e5, 1e6, 49.2e6, 2.44e9)]
    assert told == ["1 kB", "900 kB", "1.0 MB", "49 MB", "2.4 GB"]


# -- broken files ------------------------------------------------------------------------------------------


def test_broken_files_are_counted_listed_copied_and_saved(
    data_sheet: DataSheet, qtbot: QtBot, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown(data_sheet, qtbot, f"folder:{folder}")
    broken = data_sheet.broken
    assert broken.words.text() == "3 of 12 pictures cannot be read"
    assert broken.words.palette().color(QPalette.ColorRole.WindowText) == QColor(theme.DARK.warning)
    qtbot.mouseClick(broken.show_list, LEFT)
    assert data_sheet.stack.currentWidget() is broken.list
    listed = dict(line.split(": ", 1) for line in broken.list.toPlainText().split("\n"))
    assert set(listed) == {str(Path("dogs", "cut.png")), str(Path("dogs", "empty.png")), str(Path("猫", "text.png"))}
    assert listed[str(Path("dogs", "empty.png"))] == "is empty"
    qtbot.mouseClick(broken.copy, LEFT)
    lines = QGuiApplication.clipboard().text().split("\n")
    assert sorted(line.split(": ")[0] for line in lines) == sorted(str(folder / name) for name in listed)
    goal = tmp_path / "list.txt"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(goal), ""))
    qtbot.mouseClick(broken.save, LEFT)
    assert goal.read_text("utf-8").splitlines() == lines
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no" / "list.txt"), ""))
    qtbot.mouseClick(broken.save, LEFT)
    assert "cannot be written" in data_sheet.progress_words.text()
    qtbot.mouseClick(broken.show_list, LEFT)
    assert data_sheet.stack.currentWidget() is data_sheet.pictures


def test_a_list_that_was_open_goes_with_its_folder(data_sheet: DataSheet, qtbot: QtBot, folder: Path) -> None:
    shown(data_sheet, qtbot, f"folder:{folder}")
    qtbot.mouseClick(data_sheet.broken.show_list, LEFT)
    shown(data_sheet, qtbot, "toy:1010", Preparation())
    assert data_sheet.stack.currentWidget() is data_sheet.pictures
    assert not data_sheet.broken.isVisible()


@pytest.mark.parametrize(
    ("ref", "preparation", "words"),
    [
        ("folder:{}/nowhere", PLAIN, "no such folder"),
        ("folder:{}", Preparation((SIZE, SIZE), classes="birds"), "has no class 'birds'"),
        ("folder:{}/only-broken", PLAIN, "none of its 1 pictures can be read"),
        ("celeba:{}", PLAIN, "no CelebA in it"),
        ("toy:1010", Preparation(flip=True), "no mirror image"),
        ("something", PLAIN, "unknown data"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(
    data_sheet: DataSheet, qtbot: QtBot, folder: Path, ref: str, preparation: Preparation, words: str
) -> None:
    (folder / "only-broken").mkdir()
    (folder / "only-broken" / "a.png").write_text("no picture")
    data_sheet.look(ref.format(folder), preparation)
    qtbot.waitUntil(lambda: not data_sheet.is_reading, timeout=PATIENCE)
    assert words in data_sheet.words.text()
    assert data_sheet.stack.currentWidget() is data_sheet.words
    assert {label.text() for label in data_sheet.facts.values.values()} == {UNKNOWN}
    assert data_sheet.cancel.text() == "Read again"
    assert not data_sheet.others.isEnabled()


def test_an_unforeseen_error_is_told_and_the_sheet_goes_on(
    data_sheet: DataSheet, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: Any) -> Iterator[Progress]:
        yield Progress("Reading", 0, 0)
        raise RuntimeError("odd\nthing")

    monkeypatch.setattr(data_reading.data, "load", load)
    data_sheet.look("folder:x", PLAIN)
    qtbot.waitUntil(lambda: not data_sheet.is_reading, timeout=PATIENCE)
    assert data_sheet.words.text() == "folder:x cannot be read (RuntimeError: odd thing)."
    monkeypatch.undo()
    shown(data_sheet, qtbot, "toy:1010", Preparation())


def test_notices_are_told(data_sheet: DataSheet, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    real = data_reading.data.load

    def load(*rest: Any) -> Iterator[Any]:
        yield Notice("The disk is full.")
        return (yield from real(*rest))

    monkeypatch.setattr(data_reading.data, "load", load)
    shown(data_sheet, qtbot, "toy:1010", Preparation())
    assert data_sheet.progress_words.text() == "The disk is full."


# -- giving up ---------------------------------------------------------------------------------------------


def test_cancel_in_the_middle_closes_the_loader_and_leaves_no_thread(
    data_sheet: DataSheet, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowLoader(monkeypatch)
    data_sheet.look("folder:many", PLAIN)
    qtbot.waitUntil(lambda: data_sheet.progress.value() > 3, timeout=PATIENCE)
    assert data_sheet.progress_words.text().startswith("Reading pictures: ")
    assert data_sheet.progress_words.text().endswith(" of 100,000")
    assert data_sheet.progress.isVisible()
    qtbot.mouseClick(data_sheet.cancel, LEFT)
    assert data_sheet.words.text() == CANCELLED
    assert not data_sheet.progress.isVisible()
    qtbot.waitUntil(lambda: slow.closed == ["folder:many"], timeout=PATIENCE)
    qtbot.waitUntil(lambda: not data_sheet.reader.findChildren(QThread), timeout=PATIENCE)
    assert len(slow.threads) == 1  # closed where it ran
    assert threading.get_ident() not in slow.threads
    monkeypatch.undo()
    data_sheet.look("toy:1010", Preparation())
    settled(data_sheet, qtbot)


def test_read_again_reads_what_changed_on_disk(data_sheet: DataSheet, qtbot: QtBot, folder: Path) -> None:
    shown(data_sheet, qtbot, f"folder:{folder}")
    (folder / "dogs" / "cut.png").unlink()
    qtbot.mouseClick(data_sheet.cancel, LEFT)
    assert settled(data_sheet, qtbot).report.broken_count == 2


def test_escape_closes_and_gives_up(data_sheet: DataSheet, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowLoader(monkeypatch)
    data_sheet.look("folder:many", PLAIN)
    qtbot.waitUntil(lambda: data_sheet.progress.value() > 0, timeout=PATIENCE)
    qtbot.keyClick(data_sheet, Key.Key_Escape)
    assert not data_sheet.isVisible()
    qtbot.waitUntil(lambda: slow.closed == ["folder:many"], timeout=PATIENCE)


def test_return_in_a_field_closes_nothing(data_sheet: DataSheet, qtbot: QtBot, folder: Path) -> None:
    shown(data_sheet, qtbot, f"folder:{folder}")
    qtbot.keyClick(data_sheet.fields["image_size"].editor, Key.Key_Return)
    assert data_sheet.isVisible()
    assert not data_sheet.is_reading


def test_the_newest_request_wins(
    data_sheet: DataSheet, qtbot: QtBot, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowLoader(monkeypatch, only="folder:many")
    seen: list[DataSeen] = []
    data_sheet.reader.seen.connect(seen.append)
    data_sheet.look("folder:many", PLAIN)
    qtbot.waitUntil(lambda: slow.begun == ["folder:many"], timeout=PATIENCE)
    for size in (4, 8, SIZE):
        data_sheet.look(f"folder:{folder}", Preparation((size, size)))
    result = settled(data_sheet, qtbot)
    assert slow.closed == ["folder:many"]
    assert [each.request for each in seen] == [data_sheet.request]  # those between were never begun
    assert result.handfuls[0].shape[1:3] == (SIZE, SIZE)


def test_a_reader_that_is_stopped_says_nothing_more(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = SlowLoader(monkeypatch)
    reader = DataReader()
    said: list[object] = []
    for signal in (reader.progressed, reader.seen, reader.failed):
        signal.connect(said.append)
    reader.read(DataRequest("folder:many", PLAIN))
    qtbot.waitUntil(lambda: bool(said), timeout=PATIENCE)
    reader.stop()
    assert slow.closed == ["folder:many"]
    assert reader.request is None
    before = len(said)
    qtbot.wait(20)
    assert len(said) == before
    reader.stop()  # and again


# -- settings ----------------------------------------------------------------------------------------------


class Panel(QWidget):
    """Setup, form and look, as the training panel has them."""

    def __init__(self) -> None:
        super().__init__()
        self.setup, self.form = RunSetup(self), ConfigForm(self)
        self.look = DataLook(self.setup, self.form, theme.DARK, self)
        self.setup.recipe_changed.connect(lambda name: self.form.set_config(RECIPES[name].config))


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[Panel]:
    made = Panel()
    qtbot.addWidget(made)
    yield made
    made.look.stop()


@pytest.fixture
def looked(panel: Panel, qtbot: QtBot, folder: Path) -> tuple[Panel, DataSheet]:
    """A panel whose sheet shows `folder` at its 16 pixels."""
    panel.setup.choose_data(f"folder:{folder}")
    panel.form.set_value("image_size", SIZE)
    qtbot.mouseClick(panel.setup.preview, LEFT)
    assert panel.look.sheet is not None
    settled(panel.look.sheet, qtbot)
    return panel, panel.look.sheet


def type_size(qtbot: QtBot, data_sheet: DataSheet, text: str) -> None:
    editor = data_sheet.fields["image_size"].editor
    editor.selectAll()  # type: ignore[attr-defined]
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Key.Key_Return)


def set_fit(qtbot: QtBot, data_sheet: DataSheet) -> None:
    qtbot.keyClick(data_sheet.fields["fit"].editor, Key.Key_Down)  # crop, then pad


def click_flip(qtbot: QtBot, data_sheet: DataSheet) -> None:
    box = data_sheet.fields["flip"].editor
    qtbot.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))


def check_first(qtbot: QtBot, data_sheet: DataSheet) -> None:
    data_sheet.classes.list.setCurrentRow(0)
    qtbot.keyClick(data_sheet.classes.list, Key.Key_Space)


@pytest.mark.parametrize(
    ("act", "name", "value"),
    [
        (lambda qtbot, sheet: type_size(qtbot, sheet, "8"), "image_size", 8),
        (set_fit, "fit", "pad"),
        (click_flip, "flip", True),
        (check_first, "classes", "dogs"),
    ],
)
def test_a_setting_is_read_anew_and_reaches_the_form(
    looked: tuple[Panel, DataSheet],
    qtbot: QtBot,
    act: Callable[[QtBot, DataSheet], None],
    name: str,
    value: object,
) -> None:
    panel, data_sheet = looked
    told: list[tuple[str, object]] = []
    data_sheet.setting_changed.connect(lambda *change: told.append(change))
    act(qtbot, data_sheet)
    settled(data_sheet, qtbot)
    assert told == [(name, value)]
    config = panel.form.config()
    assert getattr(config, name) == value
    assert data_sheet.request.preparation == config.preparation


def test_the_class_filter_keeps_the_pictures_of_the_class(looked: tuple[Panel, DataSheet], qtbot: QtBot) -> None:
    panel, data_sheet = looked
    check_first(qtbot, data_sheet)
    seen = settled(data_sheet, qtbot)
    assert set(as_bytes(seen.handfuls[0])) == originals(range(5, 9))
    assert (seen.report.used, seen.report.skipped, seen.report.broken_count) == (4, 6, 2)
    assert data_sheet.classes.list.count() == 2  # the other one can still be chosen
    assert data_sheet.classes.checked == ["dogs"]
    check_first(qtbot, data_sheet)
    assert settled(data_sheet, qtbot).report.used == 9
    assert panel.form.config().classes == ""


def test_another_fit_changes_the_pictures(panel: Panel, qtbot: QtBot, tmp_path: Path) -> None:
    """A red picture of 32x16 with a blue edge left and right: cut off, or squeezed to a quarter each."""
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[..., 0] = 255
    pixels[:, :8] = pixels[:, 24:] = (0, 0, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    panel.setup.choose_data(f"folder:{tmp_path}")
    panel.form.set_value("image_size", SIZE)
    panel.look.look()
    data_sheet = panel.look.sheet
    assert data_sheet is not None
    (cropped,) = settled(data_sheet, qtbot).handfuls[0]
    assert (cropped == (255, 0, 0)).all()
    set_fit(qtbot, data_sheet)
    set_fit(qtbot, data_sheet)
    (squeezed,) = settled(data_sheet, qtbot).handfuls[0]
    assert (squeezed[:, [0, 15]] == (0, 0, 255)).all()
    assert (squeezed[:, 7:9] == (255, 0, 0)).all()


def test_the_second_time_comes_from_the_cache(
    looked: tuple[Panel, DataSheet], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, data_sheet = looked
    first = data_sheet._seen
    set_fit(qtbot, data_sheet)
    settled(data_sheet, qtbot)
    monkeypatch.setattr("ganexplorer.train.folders.decode", None)  # nothing can be decoded any more
    qtbot.keyClick(data_sheet.fields["fit"].editor, Key.Key_Up)
    again = settled(data_sheet, qtbot)
    assert first is not None
    assert np.array_equal(again.handfuls[0], first.handfuls[0])
    assert again.report == first.report


def test_sheet_and_list_of_data_keep_in_step(looked: tuple[Panel, DataSheet], qtbot: QtBot) -> None:
    panel, data_sheet = looked
    panel.setup.recipe.setCurrentText("pattern-1010")
    qtbot.waitUntil(lambda: data_sheet.request.ref == "toy:1010", timeout=PATIENCE)
    assert settled(data_sheet, qtbot).request.preparation == RECIPES["pattern-1010"].config.preparation
    panel.setup.recipe.setCurrentText("dcgan-64")  # for a folder of one's own
    qtbot.waitUntil(lambda: data_sheet.words.text() == NO_DATA, timeout=PATIENCE)
    assert not data_sheet.is_reading
    assert not data_sheet.cancel.isEnabled()
    panel.form.set_value("flip", True)  # nothing tells of it until the person turns to the sheet
    data_sheet.activated.emit()
    assert data_sheet.request.preparation.flip


def test_an_edit_of_the_form_reaches_the_open_sheet(looked: tuple[Panel, DataSheet], qtbot: QtBot) -> None:
    panel, data_sheet = looked
    box = panel.form.editor("flip")
    panel.form.resize(300, 2000)
    assert not data_sheet.request.preparation.flip
    qtbot.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))
    assert data_sheet.request.preparation.flip
    assert settled(data_sheet, qtbot).request.preparation == panel.form.config().preparation
    data_sheet.hide()
    qtbot.mouseClick(box, LEFT, pos=QPoint(8, box.height() // 2))
    assert data_sheet.request.preparation.flip


def drop(data_sheet: DataSheet, *paths: Path) -> bool:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    how = (Qt.DropAction.CopyAction | Qt.DropAction.MoveAction, mime, LEFT, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(data_sheet, QDragEnterEvent(QPoint(5, 5), *how))
    event = QDropEvent(QPointF(5, 5), *how)
    QApplication.sendEvent(data_sheet, event)
    return event.isAccepted()


def test_a_folder_that_is_dropped_or_chosen_is_looked_at_and_trained_on(
    looked: tuple[Panel, DataSheet], qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, data_sheet = looked
    before = data_sheet.request
    other = tmp_path / "other"
    other.mkdir()
    Image.fromarray(picture(1)).save(other / "a.png")
    assert drop(data_sheet, other / "a.png")
    assert data_sheet.progress_words.text() == DROP_ONE
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    qtbot.mouseClick(data_sheet.choose, LEFT)
    assert data_sheet.request == before
    drop(data_sheet, other)
    qtbot.waitUntil(lambda: data_sheet.request.ref == f"folder:{other}", timeout=PATIENCE)
    settled(data_sheet, qtbot)
    assert panel.setup.data_ref == f"folder:{other}"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: before.ref.partition(":")[2])
    qtbot.mouseClick(data_sheet.choose, LEFT)
    qtbot.waitUntil(lambda: data_sheet.request == before, timeout=PATIENCE)
    assert settled(data_sheet, qtbot).report.used == 9
    data_sheet.set_fixed(True)
    drop(data_sheet, other)
    assert "fixed while a run goes on" in data_sheet.progress_words.text()
    assert panel.setup.data_ref == before.ref


def test_a_form_with_an_error_is_told(panel: Panel, qtbot: QtBot) -> None:
    panel.form.set_value("g_widths", "wide")
    with qtbot.waitSignal(panel.look.notice) as notice:
        qtbot.mouseClick(panel.setup.preview, LEFT)
    assert "g_widths" in notice.args[0]
    assert panel.look.sheet is None


@pytest.mark.parametrize(
    ("classes", "used", "needs_all", "kept"),
    [
        ("", ("a", "b", "c"), False, set()),
        (" , ", ("a", "b", "c"), False, set()),
        ("B", ("b",), False, {"b"}),
        ("2", ("c",), False, {"c"}),
        ("a,c", ("a", "b", "c"), True, {"a", "c"}),  # of what is left, some are b too
        ("nobody", (), False, set()),
        ("0,b", (), False, {"a", "b"}),  # it could not be read
    ],
)
def test_boxes_say_what_the_text_means(classes: str, used: tuple[str, ...], needs_all: bool, kept: set[str]) -> None:
    counts = tuple((name, 1) for name in "abc")
    assert kept_of(classes, counts, tuple((name, 1) for name in used), needs_all) == kept


def test_a_class_that_the_text_cannot_name_cannot_be_chosen(data_sheet: DataSheet, qtbot: QtBot, folder: Path) -> None:
    (folder / "dogs").rename(folder / "dogs, big")
    shown(data_sheet, qtbot, f"folder:{folder}")
    check_first(qtbot, data_sheet)
    assert data_sheet.classes.checked == []
    assert "rename" in data_sheet.classes.list.item(0).toolTip()


# -- as a window -------------------------------------------------------------------------------------------


def test_everything_has_its_place_in_the_smallest_sheet(data_sheet: DataSheet, qtbot: QtBot, folder: Path) -> None:
    data_sheet.resize(560, 520)
    shown(data_sheet, qtbot, f"folder:{folder}")
    labels = data_sheet.facts.values.values()
    # the layout has its turn after the words
    qtbot.waitUntil(lambda: all(label.height() >= label.fontMetrics().height() for label in labels))
    qtbot.waitUntil(lambda: data_sheet.broken.isVisible() and data_sheet.broken.height() >= 20)
    assert (data_sheet.width(), data_sheet.height()) == (560, 520)
    assert all(label.geometry().right() <= data_sheet.facts.width() for label in labels)
    assert data_sheet.classes.list.height() >= 40
    shown_parts = [w for w in data_sheet.findChildren(QWidget) if w.isVisible()]
    bounds = data_sheet.rect()
    assert all(bounds.contains(w.mapTo(data_sheet, w.rect().center())) for w in shown_parts if w.width())


def test_tab_goes_through_everything_and_all_has_a_name(data_sheet: DataSheet, qtbot: QtBot, folder: Path) -> None:
    shown(data_sheet, qtbot, f"folder:{folder}")
    data_sheet.activateWindow()
    data_sheet.choose.setFocus()
    stops = []
    for _ in range(12):
        stops.append(QApplication.focusWidget())
        qtbot.keyClick(stops[-1], Key.Key_Tab)
    fields = [field.editor for field in data_sheet.fields.values()]
    broken = data_sheet.broken
    buttons = [broken.show_list, broken.copy, broken.save, data_sheet.cancel, data_sheet.close_button]
    wanted = [data_sheet.choose, data_sheet.others, *fields, data_sheet.classes.list, *buttons]
    assert [stop.accessibleName() or stop.text() for stop in stops[: len(wanted)]] == [  # type: ignore[union-attr]
        "Choose folder…", "Others", "image_size", "fit", "flip", "Classes", "Which?", "Copy", "Save…", "Read again",
        "Close",
    ]  # fmt: skip
    assert stops[: len(wanted)] == wanted
    assert not isinstance(stops[0], QSpinBox)
    assert data_sheet.pictures.accessibleName() == "Pictures as the networks see them"
    assert data_sheet.progress.accessibleName()


@pytest.mark.parametrize("of", [theme.DARK, theme.LIGHT])
def test_the_theme_reaches_the_sheet(panel: Panel, qtbot: QtBot, folder: Path, of: theme.Theme) -> None:
    panel.look.set_theme(of)
    panel.setup.choose_data(f"folder:{folder}")
    panel.look.look()
    data_sheet = panel.look.sheet
    assert data_sheet is not None
    settled(data_sheet, qtbot)
    other = theme.LIGHT if of is theme.DARK else theme.DARK
    amber = data_sheet.broken.words.palette().color(QPalette.ColorRole.WindowText)
    panel.look.set_theme(other)
    assert data_sheet.broken.words.palette().color(QPalette.ColorRole.WindowText) != amber
    panel.look.set_theme(of)
    assert data_sheet.broken.words.palette().color(QPalette.ColorRole.WindowText) == amber
    assert 20 < amber.hue() < 50
    assert abs(amber.lightness() - QColor(of.window).lightness()) > 100
    pixels_of(data_sheet)


def test_closing_the_window_closes_the_sheet_in_the_middle_of_reading(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowLoader(monkeypatch)
    qtbot.mouseClick(window.train.setup.preview, LEFT)
    data_sheet = window.train.look.sheet
    assert data_sheet is not None
    assert data_sheet.isVisible()
    assert not data_sheet.isModal()
    qtbot.waitUntil(lambda: data_sheet.progress.value() > 0, timeout=PATIENCE)
    window.set_theme(theme.LIGHT)
    window.close()
    assert len(slow.closed) == 1
    assert not data_sheet.isVisible()
