"""The digit classifier that comes with the program: found in a checkout or an installed copy, and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from ganexplorer.core.errors import UserError
from ganexplorer.core.files import FileError, atomic_write, read_small
from ganexplorer.train.classifier import Classifier

DIGIT_CLASSIFIER = "digit-classifier.safetensors"
DIGIT_CLASSIFIER_SHA256 = "b43802ff7476b6a678f3530829a92065e5a1f87e79e835a0e5650a72188ecc8f"
DIGIT_SHAPE = (1, 28, 28)
_FORMAT = "ganexplorer-classifier-1"
_MAX_BYTES = 10_000_000


class AssetError(UserError):
    """A file of the program itself is missing or another. The text names file and remedy."""


def assets_folder() -> Path:
    """Where such files are: in the checkout, or in the installed package."""
    package = Path(__file__).parent.parent
    is_checkout = (package.parent / "pyproject.toml").is_file()
    return package.parent / "assets" if is_checkout else package / "assets"


def save_classifier(path: Path, model: Classifier, facts: Mapping[str, Any]) -> str:
    """Write a classifier's weights as float16, with what is known of it, atomically; returns the file's SHA-256.

    Parameters
    ----------
    facts
        JSON values, such as ``accuracy`` and the ``command`` that made it.

    Raises
    ------
    ValueError
        A weight is not finite, or too large for float16.
    """
    tensors = {}
    for name, value in model.state_dict().items():
        half = value.detach().cpu().half() if value.is_floating_point() else value.detach().cpu()
        if value.is_floating_point() and not torch.isfinite(half).all():
            raise ValueError(f"{name} holds values that are not finite in float16")
        tensors[name] = half.contiguous()
    about = {"image_shape": model.image_shape, "outputs": model.outputs, **facts}
    data = safetensors.torch.save(tensors, {"format": _FORMAT, "facts": json.dumps(about)})
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest()


def load_digit_classifier(path: Path | None = None) -> Classifier:
    """The shipped classifier of digits: gray images of 28x28 to ten logits, in eval mode, float32 on the CPU.

    Only the one file that this version was made with is taken, so that numbers compare between machines.

    Raises
    ------
    AssetError
        It is missing, or another file.
    """
    path = path or assets_folder() / DIGIT_CLASSIFIER
    remedy = "Put back the one of this version: git checkout it, or install ganexplorer again."
    try:
        data = read_small(path, _MAX_BYTES)
    except FileError as error:
        reason = str(error).removeprefix(f"{path}: ").partition(". ")[0].rstrip(".")
        raise AssetError(f"{path}: the digit classifier cannot be opened: {reason}. {remedy}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != DIGIT_CLASSIFIER_SHA256:
        raise AssetError(
            f"{path}: is damaged, or not the digit classifier of this version (SHA-256 {found[:12]}…, not "
            f"{DIGIT_CLASSIFIER_SHA256[:12]}…). {remedy}"
        )
    with torch.random.fork_rng(devices=[]):  # first weights are drawn, only to be replaced
        model = Classifier(DIGIT_SHAPE, 10)
    try:
        model.load_state_dict(safetensors.torch.load(data))
    except (SafetensorError, RuntimeError) as error:
        raise AssetError(f"{path}: does not fit this version's digit classifier ({error}). {remedy}") from None
    return model.eval().requires_grad_(False)
