"""Batch norm over the batches of all processes, as if one process had the whole batch.

torch's own SyncBatchNorm works on GPUs alone, and cannot be differentiated twice, which gradient penalties need.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganexplorer.core.networks import Network
from ganexplorer.train.parallel import Parallel, sum_


class SyncedBatchNorm(nn.BatchNorm2d):
    """A batch norm of (N, C) or (N, C, H, W) that stands in for another, whose parameters and buffers it takes over.

    In training it normalises by mean and variance of the N of all processes, who must all have as many; its running
    statistics are the same in all of them. In evaluation nothing is asked of the others. Slower than torch's: it is
    made of plain operations, for they can be differentiated as often as one likes.
    """

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d, rank: int, size: int) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.weight, self.bias = norm.weight, norm.bias
        self.running_mean, self.running_var = norm.running_mean, norm.running_var
        self.num_batches_tracked = norm.num_batches_tracked
        self._rank, self._size = rank, size
        self.train(norm.training)

    def forward(self, input: Tensor) -> Tensor:
        """Like torch's batch norm, also in what `track_running_stats` means."""
        if not self.training:
            return super().forward(input)
        variance, mean = torch.var_mean(input, [0, *range(2, input.dim())], correction=0)
        means, variances = self._of_all(torch.stack([mean, variance])).unbind(1)
        # Chan, Golub and LeVeque 1983, for parts of the same size; a mean of squares would lose digits
        mean = means.mean(0)
        variance = (variances + (means - mean).square()).mean(0)
        if self.track_running_stats:
            self._track(mean.detach(), variance.detach(), input.numel() // self.num_features * self._size)
        scale = self.weight * (variance + self.eps).rsqrt()
        shape = (1, self.num_features, *(1 for _ in input.shape[2:]))
        return (input - mean.view(shape)) * scale.view(shape) + self.bias.view(shape)

    def _of_all(self, values: Tensor) -> Tensor:
        """`values` of each process, (processes, ...); differentiable."""
        slots = [values if rank == self._rank else torch.zeros_like(values) for rank in range(self._size)]
        total: Tensor = _Sum.apply(torch.stack(slots))
        return total

    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        weight = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance * (count / (count - 1)), weight)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of pixels, none too."""


def synchronise_norms(network: Network, parallel: Parallel) -> None:
    """Make the batch norms of a network see the batches of all processes, in place; of one process: nothing to do.

    Names, parameters and buffers stay what they are, and with them the network's checkpoints.
    """
    if parallel.size == 1:
        return
    for number, layer in enumerate(network.layers):
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            network.layers[number] = SyncedBatchNorm(layer, parallel.rank, parallel.size)


class _Sum(torch.autograd.Function):
    """The sum over all processes, of each loss's gradient too: each input reaches the losses of all."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return sum_(values.clone())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total: Tensor = _Sum.apply(gradient)
        return total
