"""The tutorials' training loops, plainly written as tutorials write them: what recipes are measured against.

    uv run python benchmarks/reference.py mlp-96 --data DIR --epochs 10 -o plain.pth
    uv run ganexplorer convert plain.pth -o plain.safetensors --prior uniform --activation relu
    uv run ganexplorer evaluate plain.safetensors --data mnist:DIR

DIR is where torchvision finds MNIST, or, for dcgan-64, a folder with a folder of pictures for each class. What is
written is a bare state dict, which knows no activations: of the MLPs mlp-96 alone has ReLU. Each loop is a generator
that yields after every iteration, so that it can be timed.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

Loop = Iterator[nn.Module]  # the generator, after each iteration


def mnist(folder: Path, batch: int) -> DataLoader[tuple[Tensor, Tensor]]:
    to_unit = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    return DataLoader(datasets.MNIST(str(folder), train=True, transform=to_unit), batch_size=batch, shuffle=True)


def pictures(folder: Path, batch: int) -> DataLoader[tuple[Tensor, Tensor]]:
    to_unit = transforms.Compose(
        [
            transforms.Resize(64),
            transforms.CenterCrop(64),
            transforms.ToTensor(),
            transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ]
    )
    return DataLoader(
        datasets.ImageFolder(str(folder), transform=to_unit),
        batch_size=batch,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
    )


def mlp_64(folder: Path, epochs: int, device: str = "cpu") -> Loop:
    """G every iteration, D every third; binary cross entropy on probabilities."""
    g = nn.Sequential(
        nn.Linear(64, 256), nn.LeakyReLU(), nn.Linear(256, 256), nn.LeakyReLU(), nn.Linear(256, 784), nn.Tanh()
    ).to(device)
    d = nn.Sequential(
        nn.Linear(784, 256), nn.LeakyReLU(), nn.Linear(256, 64), nn.LeakyReLU(), nn.Linear(64, 1), nn.Sigmoid()
    ).to(device)
    g_optimizer = torch.optim.Adam(g.parameters(), lr=2e-4)
    d_optimizer = torch.optim.Adam(d.parameters(), lr=2e-4)
    criterion = nn.BCELoss()
    batches, iteration = mnist(folder, 64), 0
    for _ in range(epochs):
        for images, _labels in batches:
            images = images.view(images.size(0), -1).to(device)
            ones, zeros = torch.ones(len(images), 1, device=device), torch.zeros(len(images), 1, device=device)
            if iteration % 3 == 0:
                fake = g(torch.randn(len(images), 64, device=device))
                d_loss = criterion(d(images), ones) + criterion(d(fake.detach()), zeros)
                d_optimizer.zero_grad()
                d_loss.backward()
                d_optimizer.step()
            g_loss = criterion(d(g(torch.randn(len(images), 64, device=device))), ones)
            g_optimizer.zero_grad()
            g_loss.backward()
            g_optimizer.step()
            iteration += 1
            yield g


def mlp_100_smooth(folder: Path, epochs: int, device: str = "cpu") -> Loop:
    """One step each on the same z; real labels 0.9."""
    g = nn.Sequential(nn.Linear(100, 128), nn.LeakyReLU(0.01), nn.Linear(128, 784), nn.Tanh()).to(device)
    d = nn.Sequential(nn.Linear(784, 128), nn.LeakyReLU(0.01), nn.Linear(128, 1)).to(device)
    g_optimizer = torch.optim.Adam(g.parameters(), lr=2e-3)
    d_optimizer = torch.optim.Adam(d.parameters(), lr=2e-3)
    return _same_z(g, d, g_optimizer, d_optimizer, mnist(folder, 100), epochs, 100, 0.9, device)


def mlp_96(folder: Path, epochs: int, device: str = "cpu") -> Loop:
    """One step each on the same z."""
    g = nn.Sequential(
        nn.Linear(96, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 784), nn.Tanh()
    ).to(device)
    d = nn.Sequential(
        nn.Linear(784, 256), nn.LeakyReLU(0.2), nn.Linear(256, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1)
    ).to(device)
    g_optimizer = torch.optim.Adam(g.parameters(), lr=3e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(d.parameters(), lr=3e-4, betas=(0.5, 0.999))
    return _same_z(g, d, g_optimizer, d_optimizer, mnist(folder, 128), epochs, 96, 1.0, device)


def _same_z(
    g: nn.Module,
    d: nn.Module,
    g_optimizer: torch.optim.Optimizer,
    d_optimizer: torch.optim.Optimizer,
    batches: DataLoader[tuple[Tensor, Tensor]],
    epochs: int,
    z_dim: int,
    real_label: float,
    device: str,
) -> Loop:
    criterion = nn.BCEWithLogitsLoss()
    for _ in range(epochs):
        for images, _labels in batches:
            images = images.view(images.size(0), -1).to(device)
            ones, zeros = torch.ones(len(images), 1, device=device), torch.zeros(len(images), 1, device=device)
            fake = g(torch.rand(len(images), z_dim, device=device) * 2 - 1)
            d_loss = criterion(d(images), ones * real_label) + criterion(d(fake.detach()), zeros)
            d_optimizer.zero_grad()
            d_loss.backward()
            d_optimizer.step()
            g_loss = criterion(d(fake), ones)
            g_optimizer.zero_grad()
            g_loss.backward()
            g_optimizer.step()
            yield g


def pattern_1010(folder: Path, epochs: int, device: str = "cpu") -> Loop:
    """15,000 steps an epoch on four numbers; D on real, D on fake, then G."""
    g = nn.Sequential(nn.Linear(1, 3), nn.Sigmoid(), nn.Linear(3, 4), nn.Sigmoid()).to(device)
    d = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid()).to(device)
    g_optimizer = torch.optim.SGD(g.parameters(), lr=0.01)
    d_optimizer = torch.optim.SGD(d.parameters(), lr=0.01)
    criterion = nn.MSELoss()
    z = torch.tensor([0.5], device=device)
    for _ in range(15_000 * epochs):
        real = torch.tensor([0.9, 0.0, 0.9, 0.0]) + torch.rand(4) * torch.tensor([0.2, 0.1, 0.2, 0.1])
        real = real.to(device)
        for images, label in ((real, 1.0), (g(z).detach(), 0.0)):
            d_optimizer.zero_grad()
            criterion(d(images), torch.tensor([label], device=device)).backward()
            d_optimizer.step()
        g_optimizer.zero_grad()
        criterion(d(g(z)), torch.tensor([1.0], device=device)).backward()
        g_optimizer.step()
        yield g


def dcgan_64(folder: Path, epochs: int, device: str = "cpu", batch_size: int = 128) -> Loop:
    """The DCGAN loop of PyTorch's example, with its two loading processes: real and fake go through D separately."""
    g = nn.Sequential(
        *_up(100, 512, 1, 0), *_up(512, 256), *_up(256, 128), *_up(128, 64),
        nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh(),
    ).to(device)  # fmt: skip
    d = nn.Sequential(
        nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True), *_down(64, 128), *_down(128, 256),
        *_down(256, 512), nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Sigmoid(),
    ).to(device)  # fmt: skip
    g.apply(_dcgan_weights)
    d.apply(_dcgan_weights)
    g_optimizer = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    criterion = nn.BCELoss()
    batches = pictures(folder, batch_size)
    for _ in range(epochs):
        for images, _labels in batches:
            images = images.to(device)
            ones, zeros = torch.ones(len(images), device=device), torch.zeros(len(images), device=device)
            d.zero_grad()
            criterion(d(images).view(-1), ones).backward()
            fake = g(torch.randn(len(images), 100, 1, 1, device=device))
            criterion(d(fake.detach()).view(-1), zeros).backward()
            d_optimizer.step()
            g.zero_grad()
            criterion(d(fake).view(-1), ones).backward()
            g_optimizer.step()
            yield g


def _up(inputs: int, outputs: int, stride: int = 2, padding: int = 1) -> list[nn.Module]:
    return [
        nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True)
    ]  # fmt: skip


def _down(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)
    ]  # fmt: skip


def _dcgan_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


LOOPS: dict[str, Callable[[Path, int, str], Loop]] = {
    "mlp-64": mlp_64,
    "dcgan-64": dcgan_64,
    "mlp-100-smooth": mlp_100_smooth,
    "pattern-1010": pattern_1010,
    "mlp-96": mlp_96,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("recipe", choices=LOOPS)
    parser.add_argument("--data", type=Path, default=Path("data"), metavar="DIR")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--steps", type=int, help="at most so many iterations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, metavar="FILE.pth", help="the generator's state dict")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    begun = time.perf_counter()
    loop = LOOPS[arguments.recipe](arguments.data, arguments.epochs, arguments.device)
    loop = itertools.islice(loop, arguments.steps)
    ((count, generator),) = collections.deque(enumerate(loop, 1), maxlen=1)
    seconds = time.perf_counter() - begun
    print(f"{arguments.recipe}: {count:,} iterations in {seconds:.1f} s, {count / seconds:.1f} a second")
    if arguments.out is not None:
        torch.save(generator.cpu().state_dict(), arguments.out)


if __name__ == "__main__":
    main()
