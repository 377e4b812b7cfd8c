"""A picture by `Renderer` against the plain module in eval mode, in alternating rounds.

uv run python benchmarks/render.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from ganexplorer.core.networks import Network, build, initialize
from ganexplorer.core.render import Renderer
from ganexplorer.train.recipes import recipe

ROUNDS = 9


def generator(name: str, image_shape: tuple[int, int, int]) -> Network:
    """The generator of a recipe, with weights and batch norm statistics as after some training."""
    config = recipe(name).config
    network = build(config.specs(image_shape)[0])
    random = torch.Generator().manual_seed(0)
    initialize(network, config.init, random)
    with torch.no_grad():
        for _ in range(3):
            network.train()(config.latent_prior.sample(16, config.z_dim, random))
    return network.eval()


def milliseconds(function: Callable[[], object], count: int) -> float:
    begin = time.perf_counter()
    for _ in range(count):
        function()
    return 1000 * (time.perf_counter() - begin) / count


def compare(name: str, image_shape: tuple[int, int, int], batch: int) -> None:
    network = generator(name, image_shape)
    renderer = Renderer(network)
    z = torch.randn(batch, network.spec.z_dim, generator=torch.Generator().manual_seed(1))

    def plain() -> object:
        with torch.no_grad():
            return network(z)

    def rendered() -> object:
        return renderer.images(z)

    count = max(1, int(100 / max(milliseconds(plain, 3), 0.01)))
    rounds = [(milliseconds(plain, count), milliseconds(rendered, count)) for _ in range(ROUNDS)]
    slow, fast = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{name:<10} {batch:>3} images   plain {slow:7.2f} ms   Renderer {fast:7.2f} ms   ratio {fast / slow:.2f}")


def main() -> None:
    for threads in (1, torch.get_num_threads()):
        torch.set_num_threads(threads)
        print(f"{threads} thread{'s' if threads > 1 else ''}, torch {torch.__version__}, medians of {ROUNDS} rounds")
        for batch in (1, 64):
            compare("mlp-64", (1, 28, 28), batch)
            compare("dcgan-64", (3, 64, 64), batch)


if __name__ == "__main__":
    main()
