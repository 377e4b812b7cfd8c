"""How good a generator is: its samples against the data, in numbers that stand beside those of real images."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganexplorer.core import latent
from ganexplorer.core.errors import UserError
from ganexplorer.core.networks import Network
from ganexplorer.core.render import Renderer
from ganexplorer.train import data
from ganexplorer.train.events import Notice, Progress
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.reference import ALL, Group, Reference, drawn
from ganexplorer.train.scores import Evaluation, Row
from ganexplorer.train.sources import FreshPattern, ImageSource, ResidentImages
from ganexplorer.train.toys import PATTERN_1010_INTERVALS

DEFAULT_COUNT = 10_000
_PATTERN_SHAPE = FreshPattern.image_shape
_BATCH = 1000  # samples drawn at a time

Evaluating = Generator[Progress | Notice, None, Evaluation]


@dataclass(frozen=True, slots=True)
class RealImages:
    """Data as a model needs them: images to compare with, and (N, C, H, W) uint8 ones that nobody trains on."""

    source: ImageSource
    unseen: Tensor | None = None


def read_real(
    ref: str,
    image_shape: tuple[int, int, int],
    preparation: Preparation | None = None,
    device: torch.device | str = "cpu",
) -> Generator[Progress | Notice, None, RealImages]:
    """Read the data REF at the size, and where it has colour in the channels, of a model's images.

    Parameters
    ----------
    preparation
        For its `fit` and `classes`; nothing is mirrored.

    Raises
    ------
    UserError
        It cannot be read, or can never be like the model's images.
    """
    channels, height, width = image_shape
    if (ref == "toy:1010") != (image_shape == _PATTERN_SHAPE):
        raise _mismatch(ref, image_shape, "four numbers" if ref == "toy:1010" else "images")
    if channels not in (1, 3):
        raise UserError(
            f"the model makes images of {channels} channels, and only gray and colour ones can be compared. Choose "
            "another model."
        )
    device, shape = torch.device(device), dataclasses.replace(preparation or Preparation(), flip=False)
    if image_shape != _PATTERN_SHAPE:
        shape = dataclasses.replace(shape, size=(height, width), channels=channels)
    source = yield from data.load(ref, shape, device, 0)
    unseen = yield from data.load_unseen(ref, shape, device)
    return RealImages(source, unseen)


def evaluate(
    network: Network,
    real: str | ImageSource | RealImages,
    count: int = DEFAULT_COUNT,
    seed: int = 0,
    device: torch.device | str = "cpu",
    groups: Sequence[Group] = ALL,
) -> Evaluating:
    """Compare samples of a generator with real images; a generator of progress that returns the numbers.

    z is drawn from the model's own prior, as ``ganexplorer sample --seed`` does, without truncation; the generator is
    in eval mode and its images are rounded to 256 levels, as the real ones are, before anything is measured. The same
    seed gives the same numbers on the same machine; no global random state is touched.

    Parameters
    ----------
    network
        A generator.
    real
        A REF, which is read at the size of the model's images; or images of just that shape.
    count
        Samples; fewer where there are fewer real images to compare with, of which half are held out for the floors
        unless there are some that no network is trained on (see `data.load_unseen`).
    seed
        Of the samples, and of which real images are taken.
    groups
        Which numbers; see `reference`.

    Raises
    ------
    UserError
        The data cannot be read, or are not such images as the model makes.
    """
    device, image_shape = torch.device(device), network.spec.image_shape
    if isinstance(real, str):
        real = yield from read_real(real, image_shape, device=device)
    elif not isinstance(real, RealImages):
        real = RealImages(real)
    if isinstance(real.source, FreshPattern):
        return _evaluate_pattern(network, real.source, count, seed, device)
    if not isinstance(real.source, ResidentImages) or real.source.image_shape != image_shape:
        raise _mismatch(real.source.description, image_shape, f"images of {_words(real.source.image_shape)}")
    reference = yield from Reference.of(real.source, count, seed, groups, real.unseen, device)
    samples = yield from drawn(network, _latents(network, reference.count, seed), device, _BATCH)
    return (yield from reference.scoring(samples))


def _latents(network: Network, count: int, seed: int) -> Tensor:
    assert network.spec.prior is not None  # of every generator
    return latent.seeded(network.spec.prior, network.spec.z_dim, seed, count)


def _evaluate_pattern(
    network: Network, source: FreshPattern, count: int, seed: int, device: torch.device
) -> Evaluation:
    """The four numbers as they come out of the network, not rounded, each with its target interval."""
    if network.spec.image_shape != _PATTERN_SHAPE:
        raise _mismatch("toy:1010", network.spec.image_shape, "four numbers")
    images = Renderer(network, device).images(_latents(network, count, seed)).cpu()
    numbers = (images.flatten(1).double() + 1) / 2  # (N, 4)
    if not numbers.isfinite().all():
        raise UserError("This model makes what are no numbers. Choose another, or an earlier snapshot.")
    low, high = torch.tensor(PATTERN_1010_INTERVALS, dtype=torch.float64).unbind(1)
    inside = ((numbers >= low) & (numbers <= high)).all(1).double().mean().item()
    rows = [
        Row(f"number_{place}", f"number {place}", value, sum(interval) / 2, "", "like real",
            "mean of the samples" if count > 1 else "", interval=interval)
        for place, (value, interval) in enumerate(zip(numbers.mean(0).tolist(), PATTERN_1010_INTERVALS, strict=True), 1)
    ]  # fmt: skip
    rows.append(
        Row("inside", "inside", 100 * inside, 100.0, "%", "higher", "samples with all four numbers in their intervals")
    )
    return Evaluation(source.description, count, seed, tuple(rows), held_out="the middle of each target interval")


def _mismatch(what: str, image_shape: tuple[int, int, int], are: str) -> UserError:
    remedy = "toy:1010" if image_shape == _PATTERN_SHAPE else "data of such images, for example folder:DIR"
    return UserError(f"{what}: are {are}, and the model makes {_words(image_shape)}. Use {remedy}.")


def _words(image_shape: tuple[int, int, int]) -> str:
    channels, height, width = image_shape
    if image_shape == _PATTERN_SHAPE:
        return "four numbers"
    return f"{width}x{height} {({1: 'gray', 3: 'colour'}).get(channels, f'x{channels}')}"
