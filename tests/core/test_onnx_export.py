"""ONNX files: read with onnxruntime and compared with the network they were made of."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from quick_export import known_operators
from small_nets import GENERATORS, latents, same_state, trained_like
from torch import Tensor, nn

from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network
from ganexplorer.core.onnx_export import OPSET, PACKAGES, OnnxError, export_onnx
from ganexplorer.core.spec import (
    ELU,
    GELU,
    LAYER_KINDS,
    SELU,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    LeakyReLU,
    Linear,
    NetworkSpec,
    Permute,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    Tanh,
    Upsample,
)

ALL_KINDS = NetworkSpec(
    (
        Linear(5, 18),
        ELU(0.7),
        Reshape((3, 3, 2)),
        Permute((3, 1, 2)),
        SELU(),
        ConvTranspose2d(2, 4, 3, 2, 1, output_padding=1),
        GELU(),
        BatchNorm(4),
        SiLU(),
        Upsample(2, "bilinear"),
        LeakyReLU(0.2),
        Conv2d(4, 3, 3, 2, 1),
        ReLU(),
        Upsample(2),
        Conv2d(3, 3, 1),
        Tanh(),
        Conv2d(3, 3, 1),
        Sigmoid(),
    ),
    (3, 12, 12),
    5,
    Prior.normal(),
    (0.0, 1.0),
)


@pytest.fixture(scope="module", autouse=True)
def _quick_exports() -> Iterator[None]:
    with known_operators():
        yield


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Network, Path]]:
    """A network of `GENERATORS` and its ONNX file; each is exported once."""
    folder = tmp_path_factory.mktemp("onnx")

    def export(name: str) -> tuple[Network, Path]:
        network, path = trained_like(GENERATORS[name]), folder / f"{name}.onnx"
        if not path.exists():
            export_onnx(network, path, name)
        return network, path

    return export


def images_of(path: Path, z: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (images,) = session.run(["images"], {"z": z.numpy()})
    return torch.from_numpy(images)


def same_images(path: Path, network: Network, count: int) -> None:
    z = latents(network.spec, count, seed=5)
    torch.testing.assert_close(images_of(path, z), network(z), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_file_gives_the_images_of_its_generator_for_any_number_of_samples(
    name: str, exported: Callable[[str], tuple[Network, Path]]
) -> None:
    network, path = exported(name)
    for count in (1, 64, 5):
        same_images(path, network, count)


@pytest.mark.parametrize("name", GENERATORS)
def test_a_file_says_what_goes_in_and_what_comes_out(
    name: str, exported: Callable[[str], tuple[Network, Path]]
) -> None:
    network, path = exported(name)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (z,), (images,) = session.get_inputs(), session.get_outputs()
    assert (z.name, z.type, z.shape) == ("z", "tensor(float)", ["N", network.spec.z_dim])
    assert (images.name, images.type, images.shape) == ("images", "tensor(float)", ["N", *network.spec.image_shape])
    assert session.get_modelmeta().custom_metadata_map == {
        "name": name,
        "prior": str(network.spec.prior),
        "z_dim": str(network.spec.z_dim),
        "value_range": "[-1, 1]",
    }


def test_a_file_is_sound_small_and_tells_nothing_of_the_machine(
    exported: Callable[[str], tuple[Network, Path]],
) -> None:
    _, path = exported("mlp-64")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", OPSET)]
    kinds = ["Gemm", "LeakyRelu", "Gemm", "LeakyRelu", "Gemm", "Tanh", "Reshape"]
    assert [node.op_type for node in model.graph.node] == kinds
    assert b".py" not in path.read_bytes()


def test_every_kind_of_layer_can_be_exported(tmp_path: Path) -> None:
    assert {layer.kind for layer in ALL_KINDS.layers} | {"batch_norm"} == LAYER_KINDS.keys()
    network = trained_like(ALL_KINDS)
    assert 0 <= export_onnx(network, tmp_path / "all.onnx", "all") <= 1e-4
    for count in (1, 64):
        same_images(tmp_path / "all.onnx", network, count)


def test_an_export_leaves_the_generator_as_it_is_and_no_other_file(tmp_path: Path) -> None:
    network = trained_like(GENERATORS["mlp-bn"])
    export_onnx(network, tmp_path / "a.onnx", "a")
    assert same_state(network, trained_like(GENERATORS["mlp-bn"]))
    assert not network.training
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


# ---- refusals: the file that was there stays, and no other comes


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.onnx"
    path.write_bytes(b"what was there")
    return path


def refusal(network: Network, path: Path) -> str:
    before = {item: item.read_bytes() for item in path.parent.glob("*") if item.is_file()}
    with pytest.raises(OnnxError) as caught:
        export_onnx(network, path, "name")
    assert {item: item.read_bytes() for item in path.parent.glob("*") if item.is_file()} == before
    return str(caught.value)


def test_other_images_than_the_original_s_are_refused(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, export = GENERATORS["mlp-64"], torch.onnx.export
    other = trained_like(spec, seed=1)
    monkeypatch.setattr(torch.onnx, "export", lambda _, *others, **options: export(other, *others, **options))
    text = refusal(trained_like(spec), old)
    assert text.startswith(f"{old}: not written, its images would differ from the original's by ")
    assert "more than 0.0001" in text


def test_images_that_are_no_numbers_are_refused(old: Path) -> None:
    network = trained_like(GENERATORS["mlp-64"])
    network.layers[0].bias.fill_(torch.inf)
    network.layers[2].weight.zero_()
    assert "differ from the original's by nan" in refusal(network, old)


class _Bessel(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.special.bessel_j0(x)


def test_a_layer_that_onnx_does_not_know_is_refused_in_words(old: Path) -> None:
    network = trained_like(GENERATORS["mlp-64"])
    network.layers[1] = _Bessel()
    text = refusal(network, old)
    assert text.startswith(f"{old}: not written, PyTorch cannot express this generator as ONNX: ")
    assert "bessel" in text
    assert "\n" not in text


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_that_are_missing_are_named_with_the_remedy(
    package: str, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    text = refusal(trained_like(GENERATORS["mlp-64"]), old)
    assert text.startswith(f"{old}: not written, ONNX needs packages that are not installed (")
    assert package in text.removeprefix(str(old)).partition(")")[0].partition("(")[2]
    assert 'pip install "ganexplorer[onnx]"' in text
    assert "uv sync --extra onnx" in text


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    text = refusal(trained_like(GENERATORS["mlp-64"]), tmp_path / "none" / "a.onnx")
    assert text.endswith(f"its folder does not exist. Create {tmp_path / 'none'} first.")


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").mkdir()
    text = refusal(trained_like(GENERATORS["mlp-64"]), tmp_path / "a.onnx")
    assert text.startswith(f"{tmp_path / 'a.onnx'}: cannot be written (")
