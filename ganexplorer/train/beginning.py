"""What a run begins with: networks, the configuration that fits them, the images they need."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import PriorKind
from ganexplorer.core.networks import Network, build, initialize
from ganexplorer.core.spec import NetworkSpec, SpecError
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import TrainRequest
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.runs import START_FILE


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a run starts: from nothing, or from a model that is to be fine-tuned.

    Attributes
    ----------
    config
        As asked for, with what the model decides (z_dim, prior) put right.
    start
        The model to fine-tune; None: networks as `config` describes them.
    """

    config: TrainConfig
    start: Checkpoint | None

    @classmethod
    def of(cls, request: TrainRequest) -> Beginning:
        """Read the model that a request names, or that a run to resume began with; raises `UserError`."""
        kept = request.run / START_FILE
        if request.resume:
            return cls(request.config, Checkpoint.load(kept) if kept.is_file() else None)
        if not request.start:
            return cls(request.config, None)
        start = zoo.resolve(request.start).load()
        spec = start.generator.spec
        config = dataclasses.replace(request.config, z_dim=spec.z_dim, prior=_kind(spec), image_size=0)
        return cls(config, start)

    @property
    def preparation(self) -> Preparation:
        """What images must become to suit the networks."""
        preparation = self.config.preparation
        if self.start is None:
            return preparation
        channels, height, width = self.start.generator.spec.image_shape
        return dataclasses.replace(preparation, size=(height, width), channels=channels)

    @property
    def needs_warmup(self) -> bool:
        """Whether a fresh discriminator meets a trained generator."""
        return self.start is not None and self.start.discriminator is None

    def networks(self, image_shape: tuple[int, int, int], device: torch.device) -> tuple[Network, Network]:
        """Generator and discriminator with their first weights, seeded; raises `SpecError` where they do not fit."""
        config = self.config
        first_weights = torch.Generator().manual_seed(config.seed)

        def fresh(spec: NetworkSpec) -> Network:
            network = build(spec)
            initialize(network, config.init, first_weights)
            return network.to(device)

        if self.start is None:
            generator_spec, discriminator_spec = config.specs(image_shape)
            return fresh(generator_spec), fresh(discriminator_spec)
        generator = self.start.generator.requires_grad_().to(device)
        if image_shape != generator.spec.image_shape:
            sizes = (" x ".join(map(str, shape)) for shape in (image_shape, generator.spec.image_shape))
            raise UserError("The images are {} and the generator makes {}: choose other data.".format(*sizes))
        if self.start.discriminator is not None:
            return generator, self.start.discriminator.requires_grad_().to(device)
        try:
            return generator, fresh(config.discriminator_spec(image_shape, generator.spec.value_range))
        except SpecError as error:
            raise UserError(
                f"The model has no discriminator, and a fresh one of family {config.family} does not fit its images "
                f"({error}). Choose a recipe of another family."
            ) from None


def total_steps(config: TrainConfig, count: int | None, batch: int) -> int:
    """Steps of a run over `count` images, `batch` of them a step; raises `UserError` for epochs of endless data."""
    if config.steps:
        return config.steps
    if count is None:
        raise UserError("This data has no end, so epochs mean nothing: set steps instead.")
    return math.ceil(config.epochs * count / batch)


def _kind(spec: NetworkSpec) -> PriorKind:
    assert spec.prior is not None  # of every generator
    return spec.prior.kind
