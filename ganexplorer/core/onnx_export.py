"""A generator as an ONNX file, for programs without PyTorch; never written unless it gives the same images."""

from __future__ import annotations

import importlib
from pathlib import Path

import torch
from torch import Tensor

from ganexplorer.core import latent
from ganexplorer.core.errors import UserError
from ganexplorer.core.files import atomic_write
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network

PACKAGES = ("onnx", "onnxscript", "onnxruntime")  # of the extra onnx
OPSET = 18  # what torch.onnx writes without converting; runtimes since early 2023 read it
TOLERANCE = 1e-4
BATCH = 64  # of the check; one sample alone is checked too


class OnnxError(UserError):
    """A generator that was not exported. The text names file, reason and remedy."""


def export_onnx(generator: Network, path: Path | str, name: str) -> float:
    """Write a generator as one ONNX file, after a comparison with the original; atomic.

    Its input is ``z``, float32 (N, z_dim), for any N; its output ``images``, (N, C, H, W), in [-1, 1]. The file's
    metadata holds ``name``, ``prior``, ``z_dim`` and ``value_range``.

    Parameters
    ----------
    generator
        In eval mode on the CPU, as `zoo.ModelEntry.load` gives it.
    path
        The file to write, in a folder that exists.
    name
        The model's name, for the metadata.

    Returns
    -------
    float
        The largest difference between a value of the file's images and of the original's, over seeded latents, one
        alone and `BATCH` at once.

    Raises
    ------
    OnnxError
        Packages of the extra ``onnx`` that are missing, a network that cannot be expressed, a difference of more than
        `TOLERANCE`, or a file that cannot be written.
    """
    path = Path(path)
    _check_packages(path)
    if not path.parent.is_dir():
        raise OnnxError(f"{path}: its folder does not exist. Create {path.parent} first.")
    spec = generator.spec
    assert spec.prior is not None
    z = latent.seeded(spec.prior, spec.z_dim, 0, BATCH)
    data = _to_bytes(generator, path, name, spec.prior, z)
    difference = _largest_difference(data, generator, z)
    if not difference <= TOLERANCE:  # also where it is NaN
        raise OnnxError(
            f"{path}: not written, its images would differ from the original's by {difference:.2g}, "
            f"more than {TOLERANCE:g}. Report this model, and use it with ganexplorer meanwhile."
        )
    try:
        with atomic_write(path) as file:
            file.write(data)
    except OSError as error:
        raise OnnxError(f"{path}: cannot be written ({error.strerror or error}). Choose another place.") from None
    return difference


def _check_packages(path: Path) -> None:
    for package in PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise OnnxError(
                f"{path}: not written, ONNX needs packages that are not installed ({error}). "
                'Install them: pip install "ganexplorer[onnx]", or in a clone uv sync --extra onnx.'
            ) from None


def _to_bytes(generator: Network, path: Path, name: str, prior: Prior, z: Tensor) -> bytes:
    from onnxscript.ir.passes import common

    try:
        program = torch.onnx.export(
            generator,
            (z[:2],),  # of a size of 1 the exporter would make a constant
            dynamo=True,
            opset_version=OPSET,
            input_names=["z"],
            output_names=["images"],
            dynamic_shapes=({0: torch.export.Dim("N")},),
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error.__cause__ or error).partition("\n")[0]
        raise OnnxError(f"{path}: not written, PyTorch cannot express this generator as ONNX: {reason}") from error
    assert program is not None
    # the exporter notes at each node the lines of code it comes from, with the folders of this machine
    common.ClearMetadataAndDocStringPass()(program.model)
    program.model.metadata_props.update(name=name, prior=str(prior), z_dim=str(z.shape[1]), value_range="[-1, 1]")
    data: bytes = program.model_proto.SerializeToString()
    return data


@torch.no_grad()
def _largest_difference(data: bytes, generator: Network, z: Tensor) -> float:
    """Between an ONNX model's and a generator's images of z[0] and of z; NaN where either is not a number."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()  # its own choice ignores the cores this process may use
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    differences = []
    for part in (z[:1], z):
        (images,) = session.run(["images"], {"z": part.numpy()})
        differences.append((torch.from_numpy(images) - generator(part)).abs().max())
    return torch.stack(differences).max().item()
