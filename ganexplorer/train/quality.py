"""How good the samples of a generator in training are, measured every now and then beside the losses."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import torch

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network
from ganexplorer.train.events import Progress
from ganexplorer.train.memory import is_out_of_memory
from ganexplorer.train.reference import Group, Reference, drawn
from ganexplorer.train.sources import ImageSource

COUNT = 1000  # samples, and real images, that are compared
GROUPS: tuple[Group, ...] = ("frechet", "classes", "precision_recall")
_BATCH = 50  # samples drawn between two looks at what else is wanted
_NAMES = {  # of `Scalars`, with those of `measures.ROWS` and what one of theirs is here
    "distance": (("lenet_fid", 1.0), ("frechet_random", 1.0)),
    "precision": (("precision", 1.0),),
    "recall": (("recall", 1.0),),
    "sure": (("sure", 0.01),),
}


class Quality:
    """Holds samples against real images, always from the same z, so that a curve moves only when the generator does.

    Parameters
    ----------
    source
        Of the real images; they are looked at when a measurement is first asked for.
    prior, z_dim
        Of the generator.
    seed
        Of which images and which z are taken. No random state of the training is touched.
    """

    def __init__(self, source: ImageSource, prior: Prior, z_dim: int, seed: int, device: torch.device) -> None:
        self._source, self._seed, self._device = source, seed, device
        self._z = prior.sample(COUNT, z_dim, torch.Generator().manual_seed(seed + 2))
        self._reference: Reference | None = None

    def attempt(self, generator: Network) -> Generator[Progress, None, tuple[Mapping[str, float], str]]:
        """`measure`, or in words why nothing can be measured, which is no reason to end a run."""
        try:
            return (yield from self.measure(generator)), ""
        except (UserError, RuntimeError, MemoryError, ImportError) as error:
            return {}, "There is not memory enough beside the training." if is_out_of_memory(error) else str(error)

    def measure(self, generator: Network) -> Generator[Progress, None, Mapping[str, float]]:
        """Distance, precision, recall, of digits `sure`, as `Scalars` has them; a generator of progress, then these.

        `generator` itself is left as it is. Raises `UserError` where the data are not such as can be compared.
        """
        if self._reference is None:
            self._reference = yield from Reference.of(self._source, COUNT, self._seed, GROUPS, device=self._device)
        samples = yield from drawn(generator, self._z[: self._reference.count], self._device, _BATCH)
        found = yield from self._reference.scoring(samples)
        values = {row.key: row.value for row in found.rows}
        return {name: one * values[key] for name, keys in _NAMES.items() for key, one in keys if key in values}
