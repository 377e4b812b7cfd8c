"""A small convolutional classifier: what judges digits, and what names the directions of a generator."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganexplorer.train.events import Progress
from ganexplorer.train.progress import Pace

FEATURES = 84  # of the layer before the last, as LeNet-5 has it (LeCun et al. 1998)
_WIDTH = 32  # channels at half the size of the image
_LEAST_SIDE = 4  # pixels of the last feature map, at least
_SHIFT = 2  # pixels that an image is moved by, at most, in training
_CHUNK = 500  # images at once


class Classifier(nn.Module):
    """Images (N, C, H, W) in [-1, 1] to logits, (N, outputs): of classes, or of attributes that may be there or not.

    Strided convolutions halve the image as long as a side keeps at least 4 pixels; the layer before the last has
    `FEATURES` values.
    """

    def __init__(self, image_shape: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        self.image_shape, self.outputs = image_shape, outputs
        layers: list[nn.Module] = []
        features = _WIDTH
        while min(height, width) >= 2 * _LEAST_SIDE:
            layers += [nn.Conv2d(channels, features, 4, 2, 1, bias=False), nn.BatchNorm2d(features), nn.ReLU()]
            channels, features = features, min(2 * features, 4 * _WIDTH)
            height, width = height // 2, width // 2
        layers += [nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
        layers += [nn.Flatten(), nn.Dropout(0.3), nn.Linear(channels * height * width, FEATURES), nn.ReLU()]
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(FEATURES, outputs)

    def features(self, images: Tensor) -> Tensor:
        """What the last layer sees, (N, `FEATURES`)."""
        return self.trunk(images)  # type: ignore[no-any-return]

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.trunk(images))  # type: ignore[no-any-return]

    @torch.inference_mode()
    def judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, `FEATURES`) and logits (N, outputs) of images in [-1, 1] or uint8, in eval mode, in chunks."""
        was_training = self.training
        self.eval()
        parts = [self.trunk(as_unit(chunk)) for chunk in torch.split(images, _CHUNK)]
        self.train(was_training)
        features = torch.cat(parts) if parts else torch.zeros(0, FEATURES)
        return features, self.head(features)


def as_unit(images: Tensor) -> Tensor:
    """Images as float32 in [-1, 1]: uint8 ones are scaled, others are left as they are."""
    return images.float().mul_(1 / 127.5).sub_(1) if images.dtype == torch.uint8 else images.float()


def train_classifier(
    images: Tensor,
    targets: Tensor,
    epochs: float,
    seed: int = 0,
    batch: int = 128,
    flip: bool = False,
    classes: int = 0,
) -> Generator[Progress, None, Classifier]:
    """Train a classifier; a generator of progress that returns it, in eval mode.

    Adam under a one-cycle schedule (Smith & Topin 2017, arXiv:1708.07120); images are moved by up to two pixels at
    random. The same seed gives the same weights on the same machine; torch's global generator is put back.

    Parameters
    ----------
    images
        (N, C, H, W), uint8 or in [-1, 1].
    targets
        (N,) int64: the number of each image's class. Or (N, A) bool: the attributes that each image has.
    flip
        Mirror images at random: where that does not change what they are.
    classes
        How many there are, also such as no image is of; 0: as many as `targets` show.
    """
    count, *image_shape = images.shape
    is_binary = targets.ndim == 2
    outputs = targets.shape[1] if is_binary else classes or int(targets.max()) + 1
    steps = max(1, math.ceil(epochs * count / batch))
    pace = Pace()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed also sets the generators of all GPUs
        model = Classifier((image_shape[0], image_shape[1], image_shape[2]), outputs)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        schedule: Any = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps, pct_start=0.2)
        state = torch.get_rng_state()
    rng = torch.Generator()
    rng.set_state(state)
    order = torch.randperm(count, generator=rng)
    for step in range(steps):
        at = step * batch % count
        index = order[at : at + batch]
        seen = _moved(as_unit(images[index]), rng, flip)
        wanted = targets[index]
        # dropout draws from the global generator: lent for the step, and put back
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed + step)
            logits = model(seen) if len(index) > 1 else None
        if logits is not None:
            loss = (
                F.binary_cross_entropy_with_logits(logits, wanted.float())
                if is_binary
                else F.cross_entropy(logits, wanted)
            )
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
        schedule.step()
        if at + batch >= count:
            order = torch.randperm(count, generator=rng)
        if pace.is_due():
            yield Progress("Training a classifier", step + 1, steps)
    return model.eval()


def _moved(images: Tensor, rng: torch.Generator, flip: bool) -> Tensor:
    """Each batch by another few pixels, its borders repeated; and, where asked, mirrored in one batch of two."""
    down, right = torch.randint(-_SHIFT, _SHIFT + 1, (2,), generator=rng).tolist()
    height, width = images.shape[2:]
    padded = F.pad(images, (_SHIFT,) * 4, mode="replicate")
    images = padded[:, :, _SHIFT + down : _SHIFT + down + height, _SHIFT + right : _SHIFT + right + width]
    mirrored = flip and bool(torch.rand((), generator=rng) < 0.5)
    return images.flip(-1) if mirrored else images
