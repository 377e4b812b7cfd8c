"""A picture and a sheet of 64 by `Renderer` against the plain module in eval mode, with one thread and with all.

uv run python benchmarks/render.py [--rounds 9]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import measuring
import torch
from torch import nn

from ganexplorer.core.networks import Network, build, initialize
from ganexplorer.core.render import Renderer
from ganexplorer.train.recipes import recipe

AIMS = {("dcgan-64", 1): 0.45, ("dcgan-64", 64): 0.35}  # of the time of the plain module
GUARDS = {  # one and a half to twice what was measured
    ("mlp-64", 1): 1.3,
    ("mlp-64", 64): 1.4,
    ("dcgan-64", 1): 0.9,
    ("dcgan-64", 64): 1.0,
}


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


def compare(name: str, image_shape: tuple[int, int, int], batch: int, rounds: int) -> measuring.Row:
    network = generator(name, image_shape)
    renderer = Renderer(network)
    z = torch.randn(batch, network.spec.z_dim, generator=torch.Generator().manual_seed(1))

    for module in network.modules():  # as a tutorial's module is, without what makes ours faster
        if isinstance(module, nn.ConvTranspose2d):
            module.__class__ = nn.ConvTranspose2d

    def plain() -> object:
        with torch.no_grad():
            return network(z)

    def rendered() -> object:
        return renderer.images(z)

    count = measuring.calls_for(plain)
    found = measuring.alternate(
        {
            "Renderer": lambda: measuring.milliseconds(rendered, count),
            "plain module": lambda: measuring.milliseconds(plain, count),
        },
        rounds,
    )
    aim = AIMS.get((name, batch))
    what = f"{name}, {batch} image{'s' if batch > 1 else ''}, {torch.get_num_threads()} thread(s)"
    guard = measuring.Bound("ratio", GUARDS[name, batch])
    return measuring.Row(what, "ms", found, [measuring.Bound("ratio", aim)] if aim else [], guard=guard)


def measure(arguments: argparse.Namespace) -> Iterator[measuring.Row]:
    for threads in [1] if arguments.check else sorted({1, torch.get_num_threads()}):
        torch.set_num_threads(threads)
        for batch in (1, 64):
            yield compare("mlp-64", (1, 28, 28), batch, arguments.rounds)
            yield compare("dcgan-64", (3, 64, 64), batch, arguments.rounds)


if __name__ == "__main__":
    sys.exit(measuring.main(__doc__, measure))
