"""What a training run says: frozen, picklable events, and the commands it takes.

`Ended` is always the last, whatever happened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ganexplorer.train.config import TrainConfig
from ganexplorer.train.losses import LossName

Networks = Literal["d", "g", "both"]
MarkKind = Literal["resumed", "rolled back", "forked", "warmed up", "health", "kept", "trouble", "changed", "stepped"]


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
    start: str = ""  # MODEL to fine-tune; empty: new networks, as the configuration says
    rollback: int | None = None  # with resume: go on from the snapshot of this step, what came later is set aside
    changes: Mapping[str, Any] = field(default_factory=dict)  # of live hyperparameters, before the first step
    script: tuple[Changed | Stepped, ...] = ()  # do to this run what was done to another by hand
    until: int = 0  # end after this step; 0: where the configuration says
    threads: int = 0  # of the CPU; 0: as many as there are


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
    config: TrainConfig  # of the next step: with all that was changed so far


@dataclass(frozen=True, slots=True)
class Scalars:
    """Measured at one step. Losses are batch means; D(x) and D(G(z)) are mean verdicts.

    A verdict is what `losses.LOSSES` says: a probability in [0, 1] for `bce`, D's raw output for others. Nan stands for
    what this step did not measure (the gradient of a network that did not step), or an older log does not know.
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
    d_grad: float = math.nan  # norm of the gradient of D's loss in all its weights
    g_grad: float = math.nan  # likewise of G
    diversity: float = math.nan  # spread of the generated batch in pixels, over that of the real one; 1: alike
    seconds: float = math.nan  # of training, pauses not counted, since the first step of the run
    distance: float = math.nan  # Fréchet distance of samples to real images; of digits LeNet-FID
    precision: float = math.nan  # share of samples that look like real images
    recall: float = math.nan  # share of real images that samples look like
    sure: float = math.nan  # share of samples that the digit classifier is more than 90 % sure of; of digits alone


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


@dataclass(frozen=True, slots=True)
class Changed:
    """From the step after `step` on, these fields of `TrainConfig` have these values."""

    step: int
    settings: Mapping[str, Any]  # plain JSON values


@dataclass(frozen=True, slots=True)
class Refused:
    """A `Change` that was not made, and why."""

    settings: Mapping[str, Any]
    why: str


@dataclass(frozen=True, slots=True)
class Stepped:
    """Step number `step` was taken alone, by these networks only."""

    step: int
    networks: Networks


@dataclass(frozen=True, slots=True)
class Mark:
    """Something worth a mark on the curves, in a plain sentence."""

    step: int
    kind: MarkKind
    text: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The run waits, and takes commands. `why` is empty where a person asked for it."""

    step: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Continued:
    """The run goes on after `step`."""

    step: int


LogEntry = Scalars | Changed | Stepped | Mark  # what a run's log holds
TrainEvent = (
    Progress
    | Notice
    | Started
    | Scalars
    | Preview
    | Weights
    | SnapshotSaved
    | Changed
    | Refused
    | Stepped
    | Mark
    | Paused
    | Continued
    | Ended
)


@dataclass(frozen=True, slots=True)
class Stop:
    """Save and end at the next step boundary; the snapshot of step `keep` is not thinned out meanwhile."""

    keep: int | None = None


@dataclass(frozen=True, slots=True)
class PublishWeights:
    """Send one `Weights` at the next step boundary."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait at the next step boundary; answered by `Paused`."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on after a pause; answered by `Continued`."""


@dataclass(frozen=True, slots=True)
class StepOnce:
    """While paused, take one step of these networks; answered by `Stepped` and `Scalars`."""

    networks: Networks = "both"


@dataclass(frozen=True, slots=True)
class Change:
    """Change hyperparameters from the next step on; answered by `Changed` or `Refused`.

    Only fields whose `config.Parameter.live` is true can change.
    """

    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Keep:
    """Save a snapshot at the next step boundary that thinning never takes; `text` is its mark."""

    text: str = "kept"


Command = Stop | PublishWeights | Pause | Continue | StepOnce | Change | Keep
