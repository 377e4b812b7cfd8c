"""Generators and discriminators as strangers write them: plain PyTorch modules of many layouts, small.

The layouts themselves are in `foreign_linear`, `foreign_transposed`, `foreign_upsampling` and `foreign_critics`.
A module is a dictionary of its layers, in the order in which its author defines them, and the way through them.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import weight_norm

S = nn.Sequential
Shape = tuple[int, int, int]


class Net(nn.Module):
    """Layers in the order of their definition, and the way through them.

    `way` names layers, or functions: ``relu``, ``lrelu:SLOPE``, ``tanh``, ``sigmoid``, ``up``, ``bilinear``,
    ``pixel`` (a vector as an image of one pixel), ``view:C,H,W``, ``flat``, ``each:NAME`` (the layers of a list, with
    the function named behind a ``>`` after each).
    """

    def __init__(self, way: str, /, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self._way = way

    def forward(self, x: Tensor) -> Tensor:
        for word in self._way.split():
            x = self._step(word, x)
        return x

    def _step(self, word: str, x: Tensor) -> Tensor:
        name, _, value = word.partition(":")
        match name:
            case "relu" | "tanh" | "sigmoid":
                return getattr(torch, name)(x)
            case "lrelu":
                return F.leaky_relu(x, float(value))
            case "up":
                return F.interpolate(x, scale_factor=2)
            case "bilinear":
                return F.interpolate(x, scale_factor=2, mode="bilinear")
            case "pixel":
                return x.reshape(len(x), -1, 1, 1)
            case "view":
                return x.reshape(-1, *map(int, value.split(",")))
            case "flat":
                return x.flatten(1)
            case "each":
                layers, _, then = value.partition(">")
                for layer in self.get_submodule(layers):
                    x = self._step(then, layer(x)) if then else layer(x)
                return x
            case _:
                return self.get_submodule(word)(x)


class View(nn.Module):
    """A reshape as a layer, as people write it who put everything into one Sequential."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.shape)


@dataclass(frozen=True)
class Layout:
    """A stranger's network.

    Parameters
    ----------
    make
        Makes it.
    z_dim, image
        What it takes and gives; of a discriminator `z_dim` is 0.
    choices
        What has to be said because names and shapes do not tell.
    told
        Whether the statistics of its batch norms tell what names and shapes do not, so that nothing has to be said.
    is_unit
        Whether its own images are in [0, 1].
    """

    make: Callable[[], nn.Module]
    z_dim: int
    image: Shape
    choices: Mapping[str, Any] = field(default_factory=dict)
    told: bool = False
    is_unit: bool = False


def leaky(slope: float = 0.2) -> nn.Module:
    return nn.LeakyReLU(slope)


def convt(
    inputs: int, outputs: int, kernel: int = 4, stride: int = 2, padding: int = 1, *rest: int, bias: bool = False
) -> nn.Module:
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, *rest, bias=bias)


def same(inputs: int, outputs: int, kernel: int = 3, bias: bool = True) -> nn.Module:
    return nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2, bias=bias)


def up() -> nn.Module:
    return nn.Upsample(scale_factor=2)


def bn1(features: int, eps: float = 1e-5, affine: bool = True) -> nn.Module:
    return nn.BatchNorm1d(features, eps, affine=affine)


def bn2(features: int, eps: float = 1e-5, affine: bool = True) -> nn.Module:
    return nn.BatchNorm2d(features, eps, affine=affine)


def old_weight_norm(layer: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # files of the old style go on existing
        return weight_norm(layer)


# ---- layers one after the other


def mlp(*sizes: int, act: Callable[[], nn.Module] = leaky, out: nn.Module | None = None) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), act()]
    return S(*layers[:-1], out or nn.Tanh())


def normed_mlp(*sizes: int, bare: bool, eps: float, act: Callable[[], nn.Module]) -> nn.Sequential:
    """A norm behind each layer but the last, and but the first where that is bare."""
    layers: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(itertools.pairwise(sizes[:-1])):
        layers += [nn.Linear(inputs, outputs), *([] if bare and i == 0 else [bn1(outputs, eps)]), act()]
    return S(*layers, nn.Linear(sizes[-2], sizes[-1]), nn.Tanh())


def nested_mlp(*sizes: int) -> nn.Module:
    blocks = [S(nn.Linear(a, b), bn1(b), nn.ReLU()) for a, b in itertools.pairwise(sizes[:-1])]
    return S(*blocks, nn.Linear(sizes[-2], sizes[-1]), nn.Sigmoid())


def dcgan(nz: int, width: int, channels: int, size: int, bias: bool = False) -> nn.Sequential:
    """From one pixel by kernels of 4."""
    widths = [width * 2**i for i in range(size.bit_length() - 4, -1, -1)]
    layers = [convt(nz, widths[0], 4, 1, 0, bias=bias), bn2(widths[0]), nn.ReLU()]
    for a, b in itertools.pairwise(widths):
        layers += [convt(a, b, bias=bias), bn2(b), nn.ReLU()]
    return S(*layers, convt(widths[-1], channels, bias=bias), nn.Tanh())


def blocks(*layers: tuple[int, ...], act: Callable[[], nn.Module] = nn.ReLU, bias: bool = True) -> list[nn.Module]:
    """Sequentials of a transposed convolution, a norm and an activation; the last one ends in tanh."""
    made: list[nn.Module] = [S(convt(*layer, bias=bias), bn2(layer[1]), act()) for layer in layers[:-1]]
    return [*made, S(convt(*layers[-1], bias=bias), nn.Tanh())]


def named_blocks(prefix: str, *layers: tuple[int, ...], **options: Any) -> dict[str, nn.Module]:
    return {f"{prefix}{i}": block for i, block in enumerate(blocks(*layers, **options), 1)}


class Block(nn.Module):
    """A block with names of its own."""

    def __init__(self, first: str, layer: nn.Module, second: str, norm: nn.Module, act: nn.Module) -> None:
        super().__init__()
        self.add_module(first, layer)
        self.add_module(second, norm)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = layer(x)
        return x


def collection_mlp(image: int = 784) -> nn.Module:
    return Net("model", model=normed_mlp(10, 12, 16, 20, image, bare=True, eps=0.8, act=leaky))


def collection_dcgan(size: int = 32, channels: int = 1, mode: str = "nearest") -> nn.Module:
    def enlarged() -> nn.Module:
        return nn.Upsample(scale_factor=2, mode=mode)

    start = size // 4
    return Net(
        f"l1 view:12,{start},{start} conv_blocks",
        l1=S(nn.Linear(10, 12 * start**2)),
        conv_blocks=S(
            bn2(12), enlarged(), same(12, 12), bn2(12, 0.8), leaky(), enlarged(), same(12, 6), bn2(6, 0.8), leaky(),
            same(6, channels), nn.Tanh(),
        ),
    )  # fmt: skip


def numbered_functional(count: int, *, sizes: tuple[int, ...], act: str, norms: bool) -> nn.Module:
    """fc1, fc2, … and after all of them bn1, bn2, …; activations are functions."""
    layers: dict[str, nn.Module] = {f"fc{i}": nn.Linear(*sizes[i - 1 : i + 1]) for i in range(1, count + 1)}
    if norms:
        layers |= {f"bn{i}": bn1(sizes[i]) for i in range(1, count)}
    steps = [f"fc{i} {f'bn{i}' if norms else ''} {act}" for i in range(1, count)]
    return Net(" ".join([*steps, f"fc{count} tanh view:1,28,28"]), **layers)


def wasserstein(extra: bool) -> nn.Module:
    """Names that tell sizes, and perhaps layers that keep the size."""
    layers: dict[str, nn.Module] = {
        "initial:10-24:convt": convt(10, 24, 4, 1, 0), "initial:24:batchnorm": bn2(24), "initial:24:relu": nn.ReLU(),
        "pyramid:24-12:convt": convt(24, 12), "pyramid:12:batchnorm": bn2(12), "pyramid:12:relu": nn.ReLU(),
        "pyramid:12-6:convt": convt(12, 6), "pyramid:6:batchnorm": bn2(6), "pyramid:6:relu": nn.ReLU(),
    }  # fmt: skip
    if extra:
        layers |= {
            "extra-layers-0:6:conv": same(6, 6, bias=False), "extra-layers-0:6:batchnorm": bn2(6),
            "extra-layers-0:6:relu": nn.ReLU(),
        }  # fmt: skip
    layers |= {"final:6-3:convt": convt(6, 3), "final:3:tanh": nn.Tanh()}
    main = S()
    for name, layer in layers.items():
        main.add_module(name, layer)
    return Net("pixel main", main=main)


def deconvs(channels: int, *names: str, bias: bool = True) -> nn.Module:
    """Named layers with functions between; `names` are patterns of a layer's and of its norm's name."""
    widths = (10, 24, 12, 8, channels)
    layers: dict[str, nn.Module] = {}
    way = ["pixel"]
    for i, (a, b) in enumerate(itertools.pairwise(widths), 1):
        first = i == 1
        layers[names[0].format(i)] = convt(a, b, 4, 1 if first else 2, 0 if first else 1, bias=bias)
        way.append(names[0].format(i))
        if i < len(widths) - 1:
            layers[names[1].format(i)] = bn2(b)
            way += [names[1].format(i), "relu"]
    return Net(" ".join([*way, "tanh"]), **layers)


GRAY, RGB32, RGB64 = (1, 28, 28), (3, 32, 32), (3, 64, 64)
RELU = {"activation": "relu"}


def settled(make: Callable[[], nn.Module], z: Tensor | None, seed: int = 0) -> nn.Module:
    """A network as after training, in eval mode: no norm is the identity.

    With `z`, running statistics are those of passing it through in training; else they are drawn.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = make()
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                torch.nn.init.normal_(parameter, 0, 0.1)
        norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
        for norm in norms:
            if norm.affine:
                torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
                torch.nn.init.normal_(norm.bias, 0, 0.2)
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.normal_(0, 0.3)
            norm.running_var.uniform_(0.3, 2)
            norm.momentum = None  # a plain average of all batches
            if z is not None:
                norm.reset_running_stats()
        if z is not None and norms:
            network.train()
            with torch.no_grad():
                for batch in z.split(max(len(z) // 64, 2)):
                    network(batch)
    return network.eval().requires_grad_(False)
