"""ganexplorer: hold a GAN in your hands.

>>> import ganexplorer
>>> generator = ganexplorer.load("mnist-mlp-64")
>>> images = generator(ganexplorer.sample(generator, 16, seed=0))  # (16, 1, 28, 28) in [-1, 1]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from ganexplorer.core.generator import Generator

__version__ = "0.1.0"
__all__ = ["load", "sample"]


# PyTorch takes seconds to import: only when it is needed
def load(model: str) -> Generator:
    """Open MODEL: a name that ``ganexplorer models`` lists, a run folder or a file.

    Raises
    ------
    ganexplorer.core.errors.UserError
        No such model, or a file that cannot be opened.
    """
    from ganexplorer.core import generator, zoo

    return generator.Generator(zoo.resolve(model).load())


def sample(generator: Generator, count: int = 1, seed: int = 0, truncation: float = 1.0) -> Tensor:
    """`count` latents, (count, z_dim), from the generator's prior; the same as ``ganexplorer sample --seed``."""
    from ganexplorer.core import latent

    z = latent.seeded(generator.prior, generator.z_dim, seed, count)
    return latent.truncate(z, generator.prior, truncation)
