"""How often the batch norms of a trained generator tell its activation, eps and prior.

Small generators of three layouts are trained for a while on drawn digits, under each combination of those three,
saved as bare state dicts, and opened without a word about them.

uv run python benchmarks/evidence.py [--steps 300]
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from ganexplorer.core.foreign import opening
from ganexplorer.core.latent import Prior
from ganexplorer.train.toys import draw_digits

Z = 64
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "elu": nn.ELU,
}
PRIORS = {"normal": Prior.normal(), "uniform:-1,1": Prior.uniform(), "uniform:0,1": Prior.uniform(0, 1)}
EPS = (1e-5, 0.8)


def mlp(act: Callable[[], nn.Module], eps: float) -> nn.Sequential:
    """Batch norm behind each hidden layer."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((Z, 128), (128, 256)):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, eps), act()]
    return nn.Sequential(*layers, nn.Linear(256, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))


def half_bare(act: Callable[[], nn.Module], eps: float) -> nn.Sequential:
    """Batch norm behind all hidden layers but the first."""
    layers: list[nn.Module] = [nn.Linear(Z, 128), act()]
    for inputs, outputs in ((128, 256), (256, 256)):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs, eps), act()]
    return nn.Sequential(*layers, nn.Linear(256, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))


def dcgan(act: Callable[[], nn.Module], eps: float) -> nn.Sequential:
    """Transposed convolutions."""
    layers: list[nn.Module] = [nn.Unflatten(1, (Z, 1, 1))]
    for inputs, outputs, kernel, stride, padding in ((Z, 64, 4, 1, 0), (64, 48, 3, 2, 1), (48, 32, 4, 2, 1)):
        layers += [
            nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False),
            nn.BatchNorm2d(outputs, eps),
            act(),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh())


def train(generator: nn.Module, prior: Prior, images: Tensor, steps: int) -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1))
    g = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))
    d = torch.optim.Adam(critic.parameters(), 2e-4, (0.5, 0.999))
    random = torch.Generator().manual_seed(0)
    for _ in range(steps):
        real = images[torch.randint(len(images), (64,), generator=random)]
        fake = generator(prior.sample(64, Z, random))
        d.zero_grad()
        (F.softplus(-critic(real)).mean() + F.softplus(critic(fake.detach())).mean()).backward()
        d.step()
        g.zero_grad()
        F.softplus(-critic(fake)).mean().backward()
        g.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    images = torch.cat([pictures for pictures, _ in draw_digits(2000)]).float() / 127.5 - 1
    print("layout      activation, eps, prior right of all; with the family's usual values alone")
    for layout in (mlp, half_bare, dcgan):
        cases = list(itertools.product(ACTIVATIONS, EPS if layout is not dcgan else EPS[:1], PRIORS))
        right, usual = [0, 0, 0], [0, 0, 0]
        for activation, eps, prior in tqdm(cases, desc=layout.__name__, leave=False):
            torch.manual_seed(0)
            network = layout(ACTIVATIONS[activation], eps)
            train(network, PRIORS[prior], images, steps)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "netG.pt"
                torch.save(network.state_dict(), path)
                file = opening.read(path)
            truth = (activation, eps, PRIORS[prior])
            for counts, found in ((right, file.usual), (usual, file.reading.usual())):
                for i, value in enumerate((found.activation, found.eps, found.prior)):
                    counts[i] += value == truth[i]
        words = [", ".join(f"{count}/{len(cases)}" for count in counts) for counts in (right, usual)]
        print(f"{layout.__name__:<12}{words[0]};  {words[1]}")


if __name__ == "__main__":
    main()
