"""What a training run says: frozen, picklable events, and the commands it takes.

`Ended` is always the last, whatever happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganexplorer.train.config import TrainConfig
from ganexplorer.train.losses import LossName


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """Everything that starts a run."""

    config: TrainConfig
    data: str  # a REF such as mnist:DIR
    run: Path
    device: str = "auto"
    recipe: str = ""
    resume: bool = False
    preview_seconds: float = 0.0  # fixed samples as `Preview` at least this often; 0: only at sample_every


@dataclass(frozen=True, slots=True)
class Progress:
    """Something that takes a while before the first step. `total` 0: length unknown."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know, in a plain sentence; the run goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Started:
    """Networks and data are ready."""

    run: Path
    recipe: str
    data: str
    device: str
    generator: str  # NetworkSpec as JSON
    discriminator: str  # likewise
    loss: LossName
    parameters: tuple[int, int]  # of G and of D
    first_step: int  # the step before the first: 0, or where a resumed run stood
    total_steps: int
    steps_per_epoch: float


@dataclass(frozen=True, slots=True)
class Scalars:
    """Measured at one step. Losses are batch means; D(x) and D(G(z)) are mean verdicts.

    A verdict is a probability in [0, 1] for `bce`, the discriminator's raw output for `mse`.
    """

    step: int
    epoch: float
    d_loss: float
    d_loss_real: float
    d_loss_fake: float
    g_loss: float
    d_real: float  # D(x)
    d_fake_before: float  # D(G(z)) before the generator's step
    d_fake_after: float  # D(G(z)), same z, after it
    steps_per_second: float


@dataclass(frozen=True, slots=True)
class Preview:
    """The fixed samples at a step, (N, H, W[, 3]) uint8."""

    step: int
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Weights:
    """Both networks at a step (of the generator its average, where EMA is on), asked for by `PublishWeights`."""

    step: int
    tensors: Mapping[str, NDArray[np.generic]]  # a copy of the generator's state_dict
    discriminator: Mapping[str, NDArray[np.generic]]  # likewise


@dataclass(frozen=True, slots=True)
class SnapshotSaved:
    step: int
    path: Path


@dataclass(frozen=True, slots=True)
class Ended:
    """The last event. `reason`: all steps done, asked to stop, or an error that `message` tells."""

    reason: Literal["finished", "stopped", "failed"]
    step: int
    message: str
    snapshot: Path | None


TrainEvent = Progress | Notice | Started | Scalars | Preview | Weights | SnapshotSaved | Ended


@dataclass(frozen=True, slots=True)
class Stop:
    """Save and end at the next step boundary."""


@dataclass(frozen=True, slots=True)
class PublishWeights:
    """Send one `Weights` at the next step boundary."""


Command = Stop | PublishWeights
