"""What a run begins with: its past, networks, the configuration that fits them, the images they need."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import torch

from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import PriorKind
from ganexplorer.core.mapping import has_mapping, has_place, with_mapping
from ganexplorer.core.networks import Network, build, initialize
from ganexplorer.core.spec import NetworkSpec, SpecError
from ganexplorer.train import data
from ganexplorer.train.commands import Commands
from ganexplorer.train.config import TrainConfig
from ganexplorer.train.events import TrainEvent, TrainRequest
from ganexplorer.train.parallel import Parallel
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.run_writer import RunWriter
from ganexplorer.train.runs import START_FILE, Past, Run, RunError, refuse_existing


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
        width = request.config.g_mapping
        if width and not has_mapping(start.generator, width):
            if not has_place(start.generator):
                raise UserError(
                    f"{request.start}: has no place for a mapping, for its generator does not go from z straight to a "
                    "transposed convolution. Set g_mapping to 0."
                )
            mapped = with_mapping(start.generator, width, request.config.seed)
            start = dataclasses.replace(start, generator=mapped)
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

    def images(
        self, ref: str, device: torch.device, commands: Commands
    ) -> Generator[TrainEvent, None, data.ImageSource | None]:
        """The data that `ref` names; a generator of progress that returns None when asked to stop meanwhile."""
        loading = data.load(ref, self.preparation, device, self.config.seed)
        while True:
            try:
                yield next(loading)
            except StopIteration as done:
                source: data.ImageSource = done.value
                return source
            command = commands.glance()
            if commands.is_stopped:
                loading.close()
                return None
            if command is not None:
                commands.postpone(command)

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


def reopen(request: TrainRequest, writer: RunWriter, parallel: Parallel) -> Past | None:
    """What a run to resume goes on from, its folder open for `writer`; a new one must not be there yet."""

    def opened() -> Past | None:
        if not request.resume:
            refuse_existing(request.run)  # before a long load
            return None
        writer.run, past = Run.resume(request)
        return past

    past = parallel.from_first(opened)
    if past is not None:
        _check_processes(request.run, past, parallel)
    return past


def check_data_of_all(description: str, parallel: Parallel) -> None:
    """Raise `DataError` where a process finds other data, as they are described, than the first one."""
    theirs = parallel.from_first(lambda: description)
    with parallel.as_one():
        if description != theirs:
            raise data.DataError(
                f"Process {parallel.rank} finds other data than the first one: {description}, not {theirs}. "
                "Give all machines the same files."
            )


def total_steps(config: TrainConfig, count: int | None, batch: int) -> int:
    """Steps of a run over `count` images, `batch` of them a step; raises `UserError` for epochs of endless data."""
    if config.steps:
        return config.steps
    if count is None:
        raise UserError("This data has no end, so epochs mean nothing: set steps instead.")
    return math.ceil(config.epochs * count / batch)


def _check_processes(run: Path, past: Past, parallel: Parallel) -> None:
    then, now = past.state.get("processes", 1), parallel.size
    if then != now:
        remedy = f"with torchrun --nproc-per-node={then}" if then > 1 else "without torchrun"
        raise RunError(
            f"{run}: was trained by {_processes(then)} and cannot go on in {_processes(now)}, which "
            f"see the images in another order. Resume it {remedy}."
        )


def _processes(count: int) -> str:
    return "one process" if count == 1 else f"{count} processes"


def _kind(spec: NetworkSpec) -> PriorKind:
    assert spec.prior is not None  # of every generator
    return spec.prior.kind
