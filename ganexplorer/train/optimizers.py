"""What changes the weights: PyTorch's optimizers, and a step of its fused Adam without the bookkeeping around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

from ganexplorer.train.config import TrainConfig


def optimizer_of(config: TrainConfig, parameters: Iterable[nn.Parameter], lr: float) -> Optimizer:
    """The optimizer that a configuration names."""
    if config.optimizer == "sgd":
        return SGD(parameters, lr=lr)
    if config.optimizer == "rmsprop":
        return RMSprop(parameters, lr=lr)
    return Adam(parameters, lr=lr, betas=(config.beta1, config.beta2), fused=True)


@torch.no_grad()
def take_step(optimizer: Optimizer, parameters: Sequence[nn.Parameter], gradients: Sequence[Tensor]) -> None:
    """One step with these gradients, in the order of `parameters`, which are all that the optimizer has.

    Adam does the same operation as in its own `step`, bit for bit; but that looks through groups, options and hooks
    each time, which takes longer than the operation where networks are small (docs/benchmarks.md).
    """
    # fused Adam walks memory, not indices: a gradient in another memory order would be applied to other weights
    laid_out = [
        gradient if gradient.stride() == parameter.stride() else torch.empty_like(parameter).copy_(gradient)
        for parameter, gradient in zip(parameters, gradients, strict=True)
    ]
    group = optimizer.param_groups[0]
    is_plain = not any(group.get(name) for name in ("weight_decay", "amsgrad", "maximize"))
    if isinstance(optimizer, Adam) and is_plain and len(optimizer.state) == len(parameters):
        states = [optimizer.state[parameter] for parameter in parameters]
        steps = [state["step"] for state in states]
        torch._foreach_add_(steps, 1)
        torch.ops.aten._fused_adam_(
            parameters, laid_out, [state["exp_avg"] for state in states], [state["exp_avg_sq"] for state in states], [],
            steps, lr=group["lr"], beta1=group["betas"][0], beta2=group["betas"][1], weight_decay=0.0,
            eps=group["eps"], amsgrad=False, maximize=False,
        )  # fmt: skip
        return
    for parameter, gradient in zip(parameters, laid_out, strict=True):
        parameter.grad = gradient
    optimizer.step()  # also Adam's first, which makes its state
    for parameter in parameters:
        parameter.grad = None


def lay_out_state(optimizer: Optimizer) -> None:
    """Bring moments into the memory order of their weights: fused Adam walks memory, and a file may have another."""
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            is_moment = isinstance(value, Tensor) and value.shape == parameter.shape
            if is_moment and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter).copy_(value)
