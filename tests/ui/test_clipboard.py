"""Copying and pasting latents."""

import pytest
import torch
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QGuiApplication
from small_models import make_generator

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior, seeded
from ganexplorer.ui.editing.document import Document, Subject
from ganexplorer.ui.files.clipboard import LatentClipboard, copy_latent, paste_latent


@pytest.fixture
def document(qapp):
    document = Document()
    document.show(Subject("small", make_generator().spec))
    return document


@pytest.fixture
def clipboard(document):
    clipboard = LatentClipboard(document)
    clipboard.said, clipboard.files = [], []
    clipboard.notice.connect(clipboard.said.append)
    clipboard.news.connect(clipboard.said.append)
    clipboard.file_pasted.connect(clipboard.files.append)
    QGuiApplication.clipboard().clear()
    yield clipboard
    QGuiApplication.clipboard().clear()


def put_files(*paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    QGuiApplication.clipboard().setMimeData(mime)


def test_a_latent_is_copied_and_pasted_bit_for_bit_in_an_undo_step(document, clipboard):
    document.random()
    z = document.z
    clipboard.copy()
    assert clipboard.said == ["Copied the latent: 64 numbers."]
    document.random()
    other = document.z
    clipboard.paste()
    assert document.z.numpy().tobytes() == z.numpy().tobytes()
    assert torch.equal(document.history[document.state.node].z, z)
    document.undo()
    assert document.z is other


def test_text_from_elsewhere_is_pasted(document, clipboard):
    z = seeded(Prior.normal(), 64, 5)[0]
    QGuiApplication.clipboard().setText(f"tensor([{' '.join(str(v) for v in z.tolist())}], device='cuda:0')")
    clipboard.paste()
    assert torch.equal(document.z, z)
    assert clipboard.said == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "The clipboard holds no latent"),
        ("1, 2, 3", "The text has 3 numbers, and z of this model has 64"),
        ("hello", "'hello' is not a number"),
        ("1 " * 2**20, "more than 1,048,576 characters"),
    ],
)
def test_what_cannot_be_pasted_is_told_and_changes_nothing(document, clipboard, text, words):
    z = document.z
    if text is not None:
        QGuiApplication.clipboard().setText(text)
    clipboard.paste()
    assert words in clipboard.said[0]
    assert document.z is z
    assert not document.can_undo
    with pytest.raises(UserError):
        paste_latent(document)


def test_one_dimension(document, clipboard):
    document.show(Subject("one", make_generator(0, 1, Prior.constant(0.5), (1, 1, 4)).spec))
    clipboard.copy()
    assert clipboard.said == ["Copied the latent: 1 number."]
    assert QGuiApplication.clipboard().text() == "0.5"
    QGuiApplication.clipboard().setText("0.75\n")
    clipboard.paste()
    assert document.z.tolist() == [0.75]


def test_a_copied_file_is_for_the_window_to_open(document, clipboard, tmp_path):
    z = document.z
    put_files(tmp_path / "x.npy")
    clipboard.paste()
    assert [str(tmp_path / "x.npy")] == clipboard.files
    put_files(tmp_path / "x.npy", tmp_path / "y.npy")
    clipboard.paste()
    assert clipboard.said == ["2 files were copied, and one alone can be pasted."]
    assert document.z is z


def test_without_a_model_there_is_nothing_to_copy_or_paste_into(qapp):
    said, clipboard = [], LatentClipboard(Document())
    clipboard.notice.connect(said.append)
    copy_latent(torch.zeros(2))
    clipboard.copy()
    clipboard.paste()
    assert said == [
        "There is no model on show, and so no latent to copy.",
        "There is no model on show to paste a latent into. Open one first.",
    ]
    assert QGuiApplication.clipboard().text() == "0.0, 0.0"
