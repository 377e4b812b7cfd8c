"""The PyTorch module of a layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganexplorer.core.spec import (
    ELU,
    GELU,
    SELU,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    Layer,
    LeakyReLU,
    Linear,
    Permute,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    SpecError,
    Tanh,
    Upsample,
)


def module_of(layer: Layer, shape: tuple[int, ...]) -> nn.Module:
    """The module of a layer that takes values of `shape`, its weights as memory has them."""
    match layer:
        case Linear(inputs, outputs, bias):
            return _EmptyLinear(inputs, outputs, bias=bias)
        case Conv2d(inputs, outputs, kernel, stride, padding, bias):
            return _EmptyConv2d(inputs, outputs, kernel, stride, padding, bias=bias)
        case ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias, output_padding):
            return _EmptyConvTranspose2d(inputs, outputs, kernel, stride, padding, output_padding, bias=bias)
        case BatchNorm(features, eps, momentum):
            norm = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            return norm(features, eps=eps, momentum=momentum)
        case LeakyReLU(slope):
            return nn.LeakyReLU(slope)
        case ReLU():
            return nn.ReLU()
        case ELU(alpha):
            return nn.ELU(alpha)
        case SELU():
            return nn.SELU()
        case GELU():
            return nn.GELU()
        case SiLU():
            return nn.SiLU()
        case Tanh():
            return nn.Tanh()
        case Sigmoid():
            return nn.Sigmoid()
        case Reshape(new_shape):
            return nn.Unflatten(1, new_shape) if len(shape) == 1 and len(new_shape) == 3 else nn.Flatten()
        case Permute(dims):
            return _Permute(dims)
        case Upsample(scale, mode):
            return nn.Upsample(scale_factor=scale, mode=mode)
        case _:
            raise SpecError(f"no module for layer kind {layer.kind!r}")


class _Empty:
    """A layer that takes memory for its weights and leaves them as they are, to be drawn by `initialize` or loaded.

    PyTorch's own way there, the meta device, imports sympy at its first use, which takes longer than all the rest of
    opening a model; drawing weights that are thrown away would disturb the global random state.
    """

    def reset_parameters(self) -> None:
        pass

    def _get_name(self) -> str:
        return type(self).__name__.removeprefix("_Empty")


class _EmptyLinear(_Empty, nn.Linear):
    pass


class _EmptyConv2d(_Empty, nn.Conv2d):
    pass


class _EmptyConvTranspose2d(_Empty, nn.ConvTranspose2d):
    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        if x.shape[2:] != (1, 1) or self.padding != (0, 0) or self.output_padding != (0, 0):
            return super().forward(x, output_size)
        # one pixel becomes a kernel: a matrix product, five times as fast (docs/benchmarks.md); channels come last
        side = self.kernel_size
        grown = x.flatten(1) @ self.weight.permute(0, 2, 3, 1).flatten(1)
        y = torch.unflatten(grown, 1, (*side, self.out_channels)).permute(0, 3, 1, 2)
        return y if self.bias is None else y + self.bias.view(-1, 1, 1)


class _Permute(nn.Module):
    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self._dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, *self._dims)
