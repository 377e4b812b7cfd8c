"""The Python face of an opened model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.latent import Prior
from ganexplorer.core.spec import NetworkSpec


class Generator:
    """An opened generator: call it with z, (N, z_dim), for images, (N, C, H, W), in [-1, 1]."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._network = checkpoint.generator
        self.card: Mapping[str, Any] = checkpoint.card

    def __repr__(self) -> str:
        name = self.card.get("name", "Generator")
        return f"<Generator {name}: z {self.z_dim}, {self.prior} -> {self.image_shape}>"

    @property
    def spec(self) -> NetworkSpec:
        return self._network.spec

    @property
    def z_dim(self) -> int:
        return self.spec.z_dim

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return self.spec.image_shape

    @property
    def prior(self) -> Prior:
        assert self.spec.prior is not None
        return self.spec.prior

    @torch.no_grad()
    def __call__(self, z: Tensor) -> Tensor:
        """Images for z; eval mode, so that an image does not depend on its neighbours in the batch."""
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z has shape {tuple(z.shape)}, expected (N, {self.z_dim})")
        return self._network(z)  # type: ignore[no-any-return]
