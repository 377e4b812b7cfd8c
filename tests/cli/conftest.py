"""The command line run in this process, in a home of its own that holds three small models."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tqdm import tqdm

from ganexplorer import cli
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import (
    Network,
    build,
    dcgan_discriminator,
    dcgan_generator,
    initialize,
    mlp_discriminator,
    mlp_generator,
)
from ganexplorer.core.spec import LeakyReLU, NetworkSpec, ReLU, Sigmoid, Tanh
from ganexplorer.core.zoo import save_model


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The text of an error for people: status 2, one plain line on stderr, nothing else anywhere."""
        assert self.status == 2
        assert self.out == ""
        assert self.err.startswith("ganexplorer: ")
        assert self.err.count("\n") == 1
        assert self.err.endswith("\n")
        assert "Traceback" not in self.err
        return self.err.removeprefix("ganexplorer: ").strip()

    @property
    def bad_arguments(self) -> str:
        """What the argument parser refuses: an error like any other, that points at the help."""
        message, _, hint = self.refusal.rpartition(". See ganexplorer ")
        assert hint.endswith("--help")
        return message


Command = Callable[..., Answer]


class _Patient(tqdm):  # type: ignore[type-arg]
    """A progress bar that a busy machine does not bring to light: one that waits does so for ever."""

    def __init__(self, *arguments: Any, delay: float = 0, **given: Any) -> None:
        super().__init__(*arguments, delay=math.inf if delay else 0, **given)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run ``ganexplorer ARGUMENTS``."""
    monkeypatch.setattr("tqdm.tqdm", _Patient)

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as leave:  # argparse
            status = leave.code if isinstance(leave.code, int) else 1
        printed = capsys.readouterr()
        return Answer(status, printed.out, printed.err)

    return call


def _built(spec: NetworkSpec, seed: int) -> Network:
    network = build(spec)
    initialize(network, "default", torch.Generator().manual_seed(seed))
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def checkpoints() -> dict[str, Checkpoint]:
    """A gray MLP with its discriminator, a colour DCGAN, and the four numbers of a constant prior."""
    gray, colour = (1, 6, 5), (3, 16, 16)
    return {
        "probe-gray": Checkpoint(
            _built(mlp_generator(7, (12,), gray, Prior.normal(), LeakyReLU(0.01), Tanh()), 0),
            _built(mlp_discriminator((8,), gray, LeakyReLU(0.2), None), 1),
            {"name": "Gray", "recipe": "mlp-64", "data": "mnist", "step": 1500},
        ),
        "probe-colour": Checkpoint(
            _built(dcgan_generator(10, (8, 6), colour, Prior.uniform(), Tanh()), 2),
            _built(dcgan_discriminator((6, 8), colour, LeakyReLU(0.2), Sigmoid()), 3),
        ),
        "probe-pattern": Checkpoint(
            _built(mlp_generator(1, (3,), (1, 1, 4), Prior.constant(0.5), ReLU(), Sigmoid()), 4)
        ),
    }


@pytest.fixture
def models(home: Path, checkpoints: dict[str, Checkpoint]) -> Path:
    """The person's folder of models, `checkpoints` in it."""
    for name, checkpoint in checkpoints.items():
        save_model(home / "models" / name, checkpoint)
    return home / "models"
