"""The way from z to a picture: a folded, inference-only copy of a generator, and the only [-1, 1] -> 0..255."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ganexplorer.core.networks import Network, batch_size, build
from ganexplorer.core.spec import BatchNorm, Conv2d, ConvTranspose2d, Layer, Linear, NetworkSpec
from ganexplorer.core.upconv import MatrixConvTranspose2d, PhasedConvTranspose2d

MAX_BATCH = 1024  # samples at once

Pixels = NDArray[np.uint8]  # (N, H, W, 3) colour or (N, H, W) gray


def to_pixels(images: Tensor) -> Pixels:
    """Images (N, C, H, W) in [-1, 1] as uint8: (N, H, W) for one channel, (N, H, W, 3) for three.

    Values outside are clipped, 127.5 per unit, rounded to nearest. More or other channels than 1 and 3 show the first.
    """
    scaled = images.detach().float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    if scaled.shape[1] == 3:
        return scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return scaled[:, 0].contiguous().cpu().numpy()


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one CPU thread inside the block, so that the bits of a result do not depend on the number of cores.

    Touches the calling thread only: PyTorch keeps the number for each thread.
    """
    threads = torch.get_num_threads()  # also fixes this thread's number, which else follows the last one set anywhere
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Renderer:
    """A private copy of a generator, tuned for speed; safe to use while the original is trained or closed.

    Batch norm is folded into the layer before it (exact in eval mode up to float32 rounding), image layers run in
    channels-last memory order, some transposed convolutions as matrix products, linear layers and the commonest
    activations without what `nn.Module` does around a call, the latter in place: all measure faster on a CPU
    (docs/benchmarks.md).

    Parameters
    ----------
    generator
        Its weights are copied. Always rendered in eval mode. Kept as `generator`, for who looks into its layers.
    device
        Where to render, ``"cpu"``, ``"cuda"``, …
    """

    def __init__(self, generator: Network, device: torch.device | str = "cpu") -> None:
        self.spec = generator.spec
        self.generator = generator
        self.device = torch.device(device)
        self._batch_size = batch_size(self.spec, MAX_BATCH)
        network = fold_batch_norm(generator).to(self.device)
        if any(isinstance(layer, Conv2d | ConvTranspose2d) for layer in network.spec.layers):
            network = network.to(memory_format=torch.channels_last)
        self._network = network.eval().requires_grad_(False)
        if self.device.type == "cpu":
            _hasten(self._network)
        self._calls = [_call(module) for module in self._network.layers]

    @torch.inference_mode()
    def images(self, z: Tensor) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] on this renderer's device for z (N, z_dim)."""
        if z.ndim != 2 or z.shape[1] != self.spec.z_dim:
            raise ValueError(f"z has shape {tuple(z.shape)}, expected (N, {self.spec.z_dim})")
        # a copy: how rows lie in memory, which may decide the order of sums, is then the same for all callers
        z = z.to(self.device, torch.float32, copy=True, memory_format=torch.contiguous_format)
        if len(z) <= self._batch_size:
            return self._forward(z)
        return torch.cat([self._forward(chunk) for chunk in torch.split(z, self._batch_size)])

    def _forward(self, z: Tensor) -> Tensor:
        """What `Network.forward` gives; overwrites z."""
        for call in self._calls:
            z = call(z)
        return self._network.to_unit(z)

    @torch.inference_mode()
    def render(self, z: Tensor) -> Pixels:
        """`to_pixels` of `images`."""
        return to_pixels(self.images(z))

    def stills(self, z: Tensor) -> Iterator[Pixels]:
        """One picture, (H, W) or (H, W, 3), after the other for z (N, z_dim), each computed alone on one CPU thread.

        The bytes of a picture depend on its own z only: not on its neighbours, the batch or the number of cores. They
        are those that ``render(z[i : i + 1])[0]`` has in a thread of one CPU thread, as the window's canvas does.
        """
        for i in range(len(z)):
            with one_thread():  # not across the yield: who takes the pictures computes as before
                picture = self.render(z[i : i + 1])[0]
            yield picture


@torch.no_grad()
def _hasten(network: Network) -> None:
    """Put `MatrixConvTranspose2d` and `PhasedConvTranspose2d` where they suit."""
    for number, (layer, shape) in enumerate(zip(network.spec.layers, network.spec.shapes, strict=False)):
        if isinstance(layer, ConvTranspose2d):
            module = network.layers[number]
            assert isinstance(module, nn.ConvTranspose2d)
            weight, bias = module.weight, module.bias
            if MatrixConvTranspose2d.suits(layer, shape):
                network.layers[number] = MatrixConvTranspose2d(weight, bias)
            if PhasedConvTranspose2d.suits(layer, shape):
                network.layers[number] = PhasedConvTranspose2d(weight, bias, network.layers[number])


def _call(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """What a module of a chain computes, by itself; an activation may overwrite what it is given."""
    match module:
        case nn.Linear(weight=weight, bias=bias):
            return lambda x: F.linear(x, weight, bias)
        case nn.LeakyReLU(negative_slope=slope):
            return lambda x: F.leaky_relu(x, slope, inplace=True)
        case nn.ReLU():
            return torch.relu_
        case nn.Tanh():
            return torch.tanh_
        case nn.Sigmoid():
            return torch.sigmoid_
        case _:
            return module


@torch.no_grad()
def fold_batch_norm(network: Network) -> Network:
    """An eval-mode copy without those batch norm layers that follow a linear or convolution layer directly.

    With s = weight / sqrt(running_var + eps): W' = s W and b' = s (b - running_mean) + bias.
    """
    folded: list[tuple[Layer, nn.Module]] = []
    for layer, module in zip(network.spec.layers, network.layers, strict=True):
        before = folded[-1][0] if folded else None
        if isinstance(layer, BatchNorm) and isinstance(before, Linear | Conv2d | ConvTranspose2d):
            assert isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
            folded[-1] = _folded(before, folded[-1][1], module)
        else:
            folded.append((layer, module))
    spec = dataclasses.replace(network.spec, layers=tuple(layer for layer, _ in folded))
    return _assemble(spec, (module for _, module in folded))


def _folded(
    layer: Linear | Conv2d | ConvTranspose2d, module: nn.Module, norm: nn.BatchNorm1d | nn.BatchNorm2d
) -> tuple[Layer, nn.Module]:
    state = module.state_dict()
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    # outputs are dim 0 of a weight, dim 1 of a transposed convolution's
    shape = [1] * state["weight"].ndim
    shape[1 if isinstance(layer, ConvTranspose2d) else 0] = -1
    with_bias = dataclasses.replace(layer, bias=True)
    result = nn.Module()
    result.weight = nn.Parameter(state["weight"] * scale.view(shape))
    result.bias = nn.Parameter((state.get("bias", 0) - norm.running_mean) * scale + norm.bias)
    return with_bias, result


def _assemble(spec: NetworkSpec, modules: Iterable[nn.Module]) -> Network:
    network = build(spec)
    for number, module in enumerate(modules):
        network.layers[number].load_state_dict(copy.deepcopy(module.state_dict()), assign=True)
    return network.eval()
