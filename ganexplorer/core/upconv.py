"""Faster ways through some transposed convolutions, for pictures on a CPU. They have no gradients."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganexplorer.core.spec import ConvTranspose2d, Shape

DOUBLING = (4, 2, 1, 0)  # kernel, stride, padding and output padding: twice as many pixels each way
SMALL_MAP, MANY_WEIGHTS = 4 * 4, 128 * 128 * 16  # pixels of a map, and weights of a layer
FEW_CHANNELS, MANY_INPUTS, LARGE_MAP = 4, 32, 32 * 32  # that come out, that go in, and pixels
ALONE_MAP = 8 * 8  # pixels of a map of one image
AT_ONCE = 16  # images; what lies between product and sums then stays near the processor


class MatrixConvTranspose2d(nn.Module):
    """A transposed convolution with kernel 4, stride 2 and padding 1 as one matrix product and sums of its columns.

    Where the map is small and the weights are many, or few channels come out, PyTorch's own takes two to five times
    as long (docs/benchmarks.md). Values (N, C, H, W), weights as `nn.ConvTranspose2d` has them; equal up to rounding.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self._inputs, self._outputs = weight.shape[:2]
        self._bias = bias
        self._columns = weight.permute(0, 2, 3, 1).flatten(1).contiguous()  # (inputs, 16 * outputs)

    @staticmethod
    def suits(layer: ConvTranspose2d, shape: Shape) -> bool:
        """Whether it is such a layer, and of a size, for values of `shape`, at which it was measured to be faster."""
        if not _doubles(layer):
            return False
        pixels = math.prod(shape[1:])
        is_deep = pixels <= SMALL_MAP and layer.inputs * layer.outputs * 16 >= MANY_WEIGHTS
        return is_deep or (layer.outputs <= FEW_CHANNELS and layer.inputs >= MANY_INPUTS and pixels <= LARGE_MAP)

    def forward(self, x: Tensor) -> Tensor:
        if len(x) <= AT_ONCE:
            return self._up(x)
        return torch.cat([self._up(some) for some in torch.split(x, AT_ONCE)])

    def _up(self, x: Tensor) -> Tensor:
        count, _, height, width = x.shape
        pixels = x.permute(0, 2, 3, 1).reshape(-1, self._inputs)
        grown = (pixels @ self._columns).view(count, height, width, 4, 4, self._outputs)
        # pixel i of a column becomes the pixels 2i - 1 to 2i + 2: an even one is the sum of the second value of its
        # own and the fourth of the one before, an odd one of the third and of the first of the one behind
        rows = grown.new_empty(count, height, 2, width, 4, self._outputs)
        rows[:, :, 0], rows[:, :, 1] = grown[:, :, :, 1], grown[:, :, :, 2]
        rows[:, 1:, 0] += grown[:, :-1, :, 3]
        rows[:, :-1, 1] += grown[:, 1:, :, 0]
        y = grown.new_empty(count, height, 2, width, 2, self._outputs)
        y[..., 0, :], y[..., 1, :] = rows[..., 1, :], rows[..., 2, :]
        y[:, :, :, 1:, 0] += rows[:, :, :, :-1, 3]
        y[:, :, :, :-1, 1] += rows[:, :, :, 1:, 0]
        if self._bias is not None:
            y += self._bias
        return y.view(count, 2 * height, 2 * width, self._outputs).permute(0, 3, 1, 2)


class PhasedConvTranspose2d(nn.Module):
    """The same transposed convolution of one image as four matrix products, one for each phase of its output's pixels.

    Each of the four pixels that come of one is a sum over 2x2 pixels by 4 of the 16 weights, so that nothing has to be
    added up behind the products. A single small map takes a half to nine tenths of the time (docs/benchmarks.md), many
    take longer: those go through `several`. Weights are held once more, in the order of the products.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, several: nn.Module) -> None:
        super().__init__()
        self._inputs, self._outputs = weight.shape[:2]
        self._bias = None if bias is None else bias.expand(4, 1, -1)
        # pixel 2i is of pixels i - 1 and i by weights 3 and 1, pixel 2i + 1 of i and i + 1 by 2 and 0
        taps = ((3, 1), (2, 0))
        places = weight.permute(2, 3, 0, 1).contiguous()  # in one piece, then by places: 5 to 9 times as fast
        phases = places.new_empty(4, 4, self._inputs, self._outputs)
        for phase, (rows, columns) in enumerate(itertools.product(taps, taps)):
            for tap, (row, column) in enumerate(itertools.product(rows, columns)):
                phases[phase, tap] = places[row, column]
        self._phases = phases.flatten(1, 2)  # (4, 4 * inputs, outputs)
        self._several = several

    @staticmethod
    def suits(layer: ConvTranspose2d, shape: Shape) -> bool:
        """Whether it is such a layer, and of a size, for values of `shape`, at which it was measured to be faster."""
        return _doubles(layer) and math.prod(shape[1:]) <= ALONE_MAP and layer.outputs > FEW_CHANNELS

    def forward(self, x: Tensor) -> Tensor:
        if len(x) != 1:
            several: Tensor = self._several(x)
            return several
        height, width = x.shape[2:]
        padded = F.pad(x[0].permute(1, 2, 0), (0, 0, 1, 1, 1, 1)).contiguous()
        row, column, channel = padded.stride()
        windows = padded.as_strided(
            (2, 2, height, width, 2, 2, self._inputs), (row, column, row, column, row, column, channel)
        ).reshape(4, height * width, 4 * self._inputs)
        y = windows @ self._phases if self._bias is None else torch.baddbmm(self._bias, windows, self._phases)
        y = y.view(2, 2, height, width, self._outputs).permute(2, 0, 3, 1, 4)
        return y.reshape(1, 2 * height, 2 * width, self._outputs).permute(0, 3, 1, 2)


def _doubles(layer: ConvTranspose2d) -> bool:
    return (layer.kernel, layer.stride, layer.padding, layer.output_padding) == DOUBLING
