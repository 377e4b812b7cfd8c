"""export."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch
from quick_export import known_operators

from ganexplorer.core import latent, onnx_export
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.zoo import GENERATOR_FILE

Command = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def _quick_exports() -> Iterator[None]:
    with known_operators():
        yield


@pytest.mark.usefixtures("models")
def test_export_writes_a_generator_and_says_how_near_it_is(
    command: Command, tmp_path: Path, checkpoints: dict[str, Checkpoint]
) -> None:
    path = tmp_path / "gray.onnx"
    answer = command("export", "probe-gray", "--format", "onnx", "-o", path)
    assert (answer.status, answer.err) == (0, "")
    start, _, end = answer.out.partition(" at most, ")
    before, _, difference = start.rpartition(" ")
    assert before == f"{path}: differs from the original by"
    assert 0 <= float(difference) <= 1e-4
    assert end == "checked with one sample alone and 64 at once\n"

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map["name"] == "probe-gray"
    generator = checkpoints["probe-gray"].generator
    assert generator.spec.prior is not None
    z = latent.seeded(generator.spec.prior, generator.spec.z_dim, 3, 4)
    (images,) = session.run(["images"], {"z": z.numpy()})
    torch.testing.assert_close(torch.from_numpy(images), generator(z), rtol=0, atol=1e-4)


def test_export_takes_a_file_and_makes_onnx_unasked(command: Command, models: Path, tmp_path: Path) -> None:
    path = tmp_path / "COLOUR.ONNX"
    assert command("export", models / "probe-colour" / GENERATOR_FILE, "-o", path).status == 0
    assert path.is_file()


@pytest.mark.usefixtures("models")
def test_export_leaves_no_file_that_gives_other_images(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "_largest_difference", lambda *_: 0.25)
    refusal = command("export", "probe-gray", "-o", tmp_path / "gray.onnx").refusal
    assert "its images would differ from the original's by 0.25, more than 0.0001" in refusal
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("models")
def test_without_its_extra_export_says_how_to_get_it(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    refusal = command("export", "probe-gray", "-o", tmp_path / "gray.onnx").refusal
    assert refusal.endswith('Install them: pip install "ganexplorer[onnx]", or in a clone uv sync --extra onnx.')
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("models")
def test_export_refuses_a_name_that_is_not_of_its_format(command: Command, tmp_path: Path) -> None:
    refusal = command("export", "probe-gray", "-o", tmp_path / "gray.pt").refusal
    assert refusal == f"{tmp_path / 'gray.pt'}: cannot write this kind of file. Use a name that ends in .onnx."


def test_export_refuses_a_format_it_does_not_know(command: Command) -> None:
    words = command("export", "probe-gray", "--format", "pickle", "-o", "gray.onnx").bad_arguments
    assert "invalid choice: 'pickle'" in words


@pytest.mark.usefixtures("models")
def test_export_refuses_a_folder_that_does_not_exist(command: Command, tmp_path: Path) -> None:
    refusal = command("export", "probe-gray", "-o", tmp_path / "none" / "gray.onnx").refusal
    assert refusal.endswith(f"its folder does not exist. Create {tmp_path / 'none'} first.")


def test_export_refuses_a_model_that_is_not_there(command: Command, tmp_path: Path) -> None:
    assert command("export", "probe-grey", "-o", tmp_path / "a.onnx").refusal.startswith("probe-grey: no such model")
