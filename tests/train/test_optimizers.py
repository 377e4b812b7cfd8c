"""A step of the optimizers: what PyTorch's own `step` does, to the last bit."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from ganexplorer.train.config import TrainConfig
from ganexplorer.train.optimizers import lay_out_state, optimizer_of, take_step


def weights() -> list[nn.Parameter]:
    rng = torch.Generator().manual_seed(0)
    image = torch.randn(6, 5, 4, 4, generator=rng).to(memory_format=torch.channels_last)
    return [nn.Parameter(torch.randn(7, 3, generator=rng)), nn.Parameter(torch.randn(7, generator=rng)),
            nn.Parameter(image)]  # fmt: skip


def gradients(parameters: list[nn.Parameter], step: int, contiguous: bool = False) -> list[Tensor]:
    rng = torch.Generator().manual_seed(10 + step)
    drawn = [torch.randn(parameter.shape, generator=rng) for parameter in parameters]
    if contiguous:
        return drawn
    return [g.to(memory_format=torch.channels_last) if g.ndim == 4 else g for g in drawn]


@pytest.mark.parametrize("contiguous", [False, True])
@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop"])
def test_steps_are_those_of_pytorch_bit_for_bit(name: str, contiguous: bool) -> None:
    config = TrainConfig.from_dict({"optimizer": name, "beta1": 0.3, "beta2": 0.97})
    ours, theirs = weights(), weights()
    mine, other = optimizer_of(config, ours, 0.01), optimizer_of(config, theirs, 0.01)
    for step in range(6):
        if step == 3:  # as when a person changes them
            for optimizer in (mine, other):
                optimizer.param_groups[0]["lr"] = 0.5
                if name == "adam":
                    optimizer.param_groups[0]["betas"] = (0.6, 0.9)
        take_step(mine, ours, gradients(ours, step, contiguous))
        for parameter, gradient in zip(theirs, gradients(theirs, step), strict=True):
            parameter.grad = gradient
        other.step()
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a, b)
        assert a.grad is None
    for one, another in zip(mine.state.values(), other.state.values(), strict=True):
        assert one.keys() == another.keys()
        assert all(torch.equal(one[key], another[key]) for key in one if one[key] is not None)


def test_a_state_that_was_loaded_in_another_memory_order_goes_on_alike() -> None:
    config = TrainConfig()
    through, stopped = weights(), weights()
    first, second = optimizer_of(config, through, 0.01), optimizer_of(config, stopped, 0.01)
    for step in range(3):
        for optimizer, parameters in ((first, through), (second, stopped)):
            take_step(optimizer, parameters, gradients(parameters, step))
    state = copy.deepcopy(second.state_dict())
    for moments in state["state"].values():
        for key in ("exp_avg", "exp_avg_sq"):
            moments[key] = moments[key].contiguous()  # as a file may have it
    resumed = optimizer_of(config, stopped, 0.01)
    resumed.load_state_dict(state)
    lay_out_state(resumed)
    for optimizer, parameters in ((first, through), (resumed, stopped)):
        take_step(optimizer, parameters, gradients(parameters, 3))
    assert all(torch.equal(a, b) for a, b in zip(through, stopped, strict=True))


@pytest.mark.parametrize("option", [{"weight_decay": 0.5}, {"amsgrad": True}, {"maximize": True}])
def test_options_that_a_state_brings_along_are_heeded(option: dict[str, float]) -> None:
    ours, theirs = weights(), weights()
    mine, other = (torch.optim.Adam(w, lr=0.1, fused=True, **option) for w in (ours, theirs))
    for step in range(3):
        take_step(mine, ours, gradients(ours, step))
        for parameter, gradient in zip(theirs, gradients(theirs, step), strict=True):
            parameter.grad = gradient
        other.step()
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
