"""Real images that samples are held against, looked at once: `Reference.of`, then `Reference.score` as often as wanted.

Every number is computed for held-out real images too, in the same way and with the same count: its floor. Images are
uint8 throughout, samples as well, so that no number tells the two apart by rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

import torch
from torch import Tensor

from ganexplorer.core.errors import UserError
from ganexplorer.core.networks import Network
from ganexplorer.core.render import Renderer, to_pixels
from ganexplorer.train import metrics
from ganexplorer.train.assets import DIGIT_SHAPE
from ganexplorer.train.events import Progress
from ganexplorer.train.measures import (
    ALL,
    AnyNet,
    DigitNet,
    Group,
    Measure,
    Memorization,
    Net,
    Working,
    look,
    measure_of,
    row_of,
)
from ganexplorer.train.memory import at_once
from ganexplorer.train.progress import finished
from ganexplorer.train.random_features import LEAST_SIDE
from ganexplorer.train.scores import ClassShare, Evaluation
from ganexplorer.train.sources import ImageSource, ResidentImages
from ganexplorer.train.torchvision_sets import DIGITS

__all__ = ["ALL", "LEAST_COUNT", "Group", "Reference", "as_levels", "drawn", "finished"]

LEAST_COUNT = 20  # images, below which no number means anything

_T = TypeVar("_T")


@dataclass(frozen=True)
class Reference:
    """Real images, looked at once, that samples of one shape and number are held against."""

    image_shape: tuple[int, int, int]
    count: int  # of samples that `score` takes
    seed: int
    data: str
    held_out: str  # which images the floors are of
    _net: Net
    _measures: tuple[Measure, ...]
    _floors: dict[str, float]
    _classes: tuple[float, ...]  # shares of the held-out images
    _device: torch.device

    @classmethod
    def of(
        cls,
        source: ImageSource,
        count: int = 10_000,
        seed: int = 0,
        groups: Sequence[Group] = ALL,
        unseen: Tensor | None = None,
        device: torch.device | str = "cpu",
    ) -> Working[Self]:
        """Look at real images, and at held-out ones for the floors; a generator of progress that returns it.

        Parameters
        ----------
        source
            Images in memory, of at least 8x8 pixels.
        count
            Of images to compare; fewer where there are fewer.
        seed
            Of which images are taken, and of what the measures draw.
        groups
            Which numbers; `ALL`, or few of them for while a network trains.
        unseen
            (N, C, H, W) uint8: real images that no network was trained on, for the floors. None: half of the source's
            own images are held out, and of the nearest training images each leaves itself out.
        device
            Where to compute.

        Raises
        ------
        UserError
            Too few or too small images, data without end, or the digit classifier is missing.
        """
        if not isinstance(source, ResidentImages):
            raise UserError(f"{source.description}: no images to compare with. Choose data that are images.")
        _, height, width = source.image_shape
        if min(height, width) < LEAST_SIDE:
            raise UserError(
                f"{source.description}: images of {width}x{height} are too small to compare, at least "
                f"{LEAST_SIDE}x{LEAST_SIDE} are needed. Choose a model of larger images."
            )
        device, total = torch.device(device), len(source.images)
        count = min(count, total // 2 if unseen is None else min(total, len(unseen)))
        if count < LEAST_COUNT:
            raise UserError(
                f"{source.description}: too few images or samples to compare ({count:,} on each side, at least "
                f"{LEAST_COUNT} are needed). Choose more."
            )
        is_digits = source.members.names == DIGITS and source.image_shape == DIGIT_SHAPE
        net: Net = DigitNet(device) if is_digits else AnyNet(source.image_shape, device)
        rng = torch.Generator().manual_seed(seed)
        order = torch.randperm(total, generator=rng)

        def at(index: Tensor) -> Tensor:
            return source.images[index.to(source.images.device)].to(device)

        real = yield from look(net, at(order[:count]), "Looking at real images")
        own = order[count : 2 * count].to(device) if unseen is None else None
        if unseen is None:
            others, words = at(order[count : 2 * count]), "as many other real images of the data"
        else:
            chosen = torch.randperm(len(unseen), generator=rng)[:count]
            others = unseen[chosen.to(unseen.device)].to(device)
            words = "as many real images that no network is trained on"
        held = yield from look(net, others, "Looking at other real images", own)
        measures: list[Measure] = []
        floors: dict[str, float] = {}
        for group in ALL:
            if group not in groups or (group == "classes" and not is_digits):
                continue
            if group == "memorization":
                memorization, numbers = yield from Memorization.of(source.images.to(device), held)
                measures.append(memorization)
            else:
                measure = measure_of(group, real, seed)
                yield Progress(f"{measure.what} of real images", 0, 0)
                numbers = yield from measure(held)
                measures.append(measure)
            floors |= numbers
        classes = () if held.logits is None else tuple(metrics.class_shares(held.logits))
        return cls(
            source.image_shape, count, seed, source.description, words, net, tuple(measures), floors, classes, device
        )  # fmt: skip

    @property
    def features(self) -> str:
        """Whose features are compared."""
        return self._net.name

    def scoring(self, samples: Tensor) -> Working[Evaluation]:
        """Compare samples; a generator of progress that returns the numbers.

        Parameters
        ----------
        samples
            (`count`, C, H, W), uint8 or in [-1, 1]; of the same shape as the real images.

        Raises
        ------
        ValueError
            Other numbers or shapes of images.
        """
        if tuple(samples.shape) != (self.count, *self.image_shape):
            raise ValueError(f"samples of shape {tuple(samples.shape)}, expected {(self.count, *self.image_shape)}")
        view = yield from look(self._net, as_levels(samples).to(self._device), "Looking at samples")
        values: dict[str, float] = {}
        for measure in self._measures:
            yield Progress(measure.what, 0, 0)
            values |= yield from measure(view)
        shares: list[float] = [] if view.logits is None else metrics.class_shares(view.logits)
        return Evaluation(
            self.data,
            self.count,
            self.seed,
            tuple(row_of(key, value, self._floors[key]) for key, value in values.items()),
            self.features,
            self.held_out,
            tuple(
                ClassShare(name, 100 * share, 100 * floor)
                for name, share, floor in zip(DIGITS, shares, self._classes, strict=False)
            ),
        )

    def score(self, samples: Tensor) -> Evaluation:
        """`scoring`, to its end at once."""
        return finished(self.scoring(samples))


def drawn(generator: Network, z: Tensor, device: torch.device, batch: int) -> Working[Tensor]:
    """Samples (N, C, H, W) uint8 of a generator for z (N, z_dim); a generator of progress that returns them.

    `batch` of them at a time, or fewer of large ones. Raises `UserError` where the generator makes NaN or infinity.
    """
    renderer, parts, done = Renderer(generator, device), [], 0
    for chunk in torch.split(z, at_once(generator.spec.image_shape, batch)):
        images = renderer.images(chunk)
        if not images.isfinite().all():
            raise UserError("This model makes pictures that are no numbers. Choose another, or an earlier snapshot.")
        parts.append(as_levels(images))
        done += len(chunk)
        yield Progress("Drawing samples", done, len(z))
    return torch.cat(parts)


def as_levels(images: Tensor) -> Tensor:
    """Images (N, C, H, W), uint8 or in [-1, 1], of one or three channels, as the uint8 of what is shown and saved."""
    if images.dtype == torch.uint8:
        return images
    pixels = torch.from_numpy(to_pixels(images))
    return pixels[:, None] if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
