"""What the statistics of batch norms tell.

With the right activation, eps and prior, the layers before a norm give the mean and variance that the norm remembers
from training, nearly: weights went on changing. With wrong ones they do not. So each hypothesis costs the logarithm of
its misfit and something for being unusual, and the cheapest is believed, if it fits at all.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network
from ganexplorer.core.spec import Activation

SAMPLES = (16, 1024)  # at least and at most
ENOUGH = 64  # for two norms to be asked together
SEED = 517_402_889  # unlike any that a person took: the same draws would be in the first weights
WORK = 1.5e8  # multiplications that a trial may cost; three times as many where fewer samples would not do
BATCHES = 60  # after fewer, a norm's statistics are in part those that it began with
VALUE = 40  # multiplications that a value of a layer's output costs besides, in time
FEATURES = 32  # of the last norm that is asked, where all are too many
MANY = 24  # features of a norm; fewer tell less
NORMS = 2  # that are asked about activations; further ones cost more time than they tell
AGREES = 0.15  # misfit a norm, more than which no hypothesis is believed
AGREES_EARLY = 0.3  # of a norm that the prior alone tells of
HOPELESS = 0.5  # misfit of a norm that the prior alone tells of; its statistics are not those of these weights
FITS = 0.002  # misfit a norm, less than which nothing rarer is tried
DRIFT = 0.002  # misfit a norm, less than which is luck

Changes = Mapping[str, Any]

# what a hypothesis costs where it is not the usual one; the commonest first
_ACTIVATIONS: Sequence[tuple[Changes, float]] = (
    ({"activation": "relu"}, 0.5),
    ({"activation": "leaky_relu", "slope": 0.2}, 0.5),
    ({"activation": "leaky_relu", "slope": 0.01}, 1.5),  # too like relu to tell
    ({"activation": "leaky_relu", "slope": 0.1}, 1.5),
    ({"activation": "leaky_relu", "slope": 0.3}, 1.5),
    ({"activation": "elu"}, 1.5),
    ({"activation": "gelu"}, 1.5),
    ({"activation": "silu"}, 1.5),
    ({"activation": "tanh"}, 1.5),
)
_COMMON = 2  # so many of them are tried together with the rest
_EPS: Sequence[tuple[Changes, float]] = (({"eps": 1e-5}, 0.5), ({"eps": 0.8}, 0.7))  # 1e-3 is too like 1e-5 to tell
_LIFTS: Sequence[tuple[Changes, float]] = (({"lift_activation": True}, 0.4), ({"lift_activation": False}, 0.4))
_UPSAMPLINGS: Sequence[tuple[Changes, float]] = (({"upsample": "nearest"}, 0.4), ({"upsample": "bilinear"}, 0.7))
_PRIORS: Sequence[tuple[Changes, float]] = (
    ({"prior": Prior.normal()}, 0.5),
    ({"prior": Prior.uniform()}, 0.5),
    ({"prior": Prior.uniform(0.0, 1.0)}, 1.5),
)
UNBEATEN = DRIFT * (math.exp(0.4) - 1)  # misfit of the usual values, less than which no other is cheaper


def told(build: Callable[[Changes], Network], usual: Changes, clear: int | None = None) -> dict[str, Any]:
    """The choices among activation, slope, eps, lift_activation, upsample and prior that the norms speak for.

    Empty where they are silent.

    Parameters
    ----------
    build
        Makes the generator, in eval mode, with some choices changed from the usual ones.
    usual
        The usual values of the choices that are open.
    clear
        How many norms, the first ones, may be asked; None: all.
    """
    network = build({})
    norms = [i for i, layer in enumerate(network.layers) if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    if not all(_was_trained(network.layers[i]) for i in norms):
        return {}
    first_act = next((i for i, layer in enumerate(network.spec.layers) if isinstance(layer, Activation)), 0)
    norms = norms[:clear]
    before = [i for i in norms if i < first_act][:1]  # told by the prior alone
    after = [i for i in norms if i > first_act][:NORMS]
    if "lift_activation" in usual:  # then nothing is told by the prior alone
        before, after = [], [*before, *after][:NORMS]

    def best_of(
        best: Changes, options: Sequence[Changes], asked: list[int], agrees: float = AGREES
    ) -> tuple[Changes, float]:
        while asked and ((effort := _effort(network, asked)) is None or (effort[0] < ENOUGH and asked[1:])):
            asked = asked[:-1]
        if not asked or not options or effort is None:
            return best, 0.0
        orders = [norms.index(i) for i in asked]  # a choice may shift a norm by a layer
        doubt = max(1.0, MANY / min(network.spec.shapes[i][0] for i in asked))
        scored = []
        for option in [{}, *options]:
            changes = {**best, **option}
            misfit = _misfit(build(changes), orders, *effort)
            if changes == {} and misfit < UNBEATEN:
                return best, misfit
            scored.append((math.log(misfit + DRIFT) + doubt * _penalty(changes, usual), misfit, changes))
        _, misfit, changes = min(scored, key=lambda item: item[0])
        return (changes, misfit) if misfit < agrees else (best, misfit)

    priors, activations = _options(_PRIORS, usual), _options(_ACTIVATIONS, usual)
    best, misfit = best_of({}, priors, before, AGREES_EARLY)
    if misfit > HOPELESS:
        return {}
    others = [_options(options, usual) for options in (_EPS, _LIFTS, _UPSAMPLINGS)]
    if not before:
        others.append(priors)
    together = [
        {name: value for option in options for name, value in option.items()}
        for options in itertools.product(activations[:_COMMON], *(options or [{}] for options in others))
    ]
    best, misfit = best_of(best, together, after)
    if misfit > FITS:
        rarer = itertools.product(activations[_COMMON:], _options(_EPS, usual) or [{}])
        best, _ = best_of(best, [{**activation, **eps} for activation, eps in rarer], after)
    return {name: value for name, value in best.items() if value != usual[name]}


def _options(options: Sequence[tuple[Changes, float]], usual: Changes) -> list[Changes]:
    return [option for option, _ in options if option.keys() <= usual.keys()]


def _penalty(changes: Changes, usual: Changes) -> float:
    total = 0.0
    for options in (_ACTIVATIONS, _EPS, _LIFTS, _UPSAMPLINGS, _PRIORS):
        for option, cost in options:
            is_so = all(changes.get(name) == value for name, value in option.items())
            if is_so and any(usual[name] != value for name, value in option.items()):
                total += cost
    return total


def _was_trained(norm: nn.Module) -> bool:
    """Whether its statistics are no longer those that a norm begins with, nor in part; old files do not count."""
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    count = int(norm.num_batches_tracked or 0)
    return (
        bool(norm.running_mean.any()) and not bool((norm.running_var == 1).all()) and (count == 0 or count >= BATCHES)
    )


def _effort(network: Network, asked: Sequence[int]) -> tuple[int, int] | None:
    """How many z a trial passes to the last of the norms, and how many of its features it looks at.

    None when it would cost too much.
    """
    spec, last = network.spec, asked[-1]
    low, high = SAMPLES
    costs = [1.0]
    for layer, before, after in zip(spec.layers[:last], spec.shapes, spec.shapes[1:], strict=False):
        pixels = before if layer.kind == "conv_transpose2d" else after
        costs.append(layer.parameter_count * math.prod(pixels[1:]) + VALUE * math.prod(after))
    total, features = sum(costs), spec.shapes[last][0]
    if total * high > WORK and features > FEATURES:
        total, features = sum(costs[:-1]) + costs[-1] * FEATURES / features, FEATURES
    return None if total * low > 3 * WORK else (int(min(max(WORK / total, low), high)), features)


@torch.inference_mode()
def _misfit(network: Network, orders: Sequence[int], samples: int, features: int) -> float:
    """How far the inputs of some norms, by their order, are from what they remember: 0 is agreement.

    The median over features of the squared difference of means in standard deviations, and of the squared difference
    of the logarithms of the variances; the mean over norms; infinite where they are not finite.
    """
    assert network.spec.prior is not None
    norms = [i for i, layer in enumerate(network.layers) if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)]
    wanted = [norms[order] for order in orders]
    x = network.spec.prior.sample(samples, network.spec.z_dim, torch.Generator().manual_seed(SEED))
    total = 0.0
    for i, layer in enumerate(network.layers[: wanted[-1]]):
        x = _some_features(layer, x, features) if i + 1 == wanted[-1] else layer(x)
        if i + 1 in wanted:
            total += _distance(x, network.layers[i + 1])
    return total / len(wanted)


def _some_features(layer: nn.Module, x: Tensor, count: int) -> Tensor:
    """The first features of a layer's output, where it can be told to make no others."""
    match layer:
        case nn.Linear():
            return F.linear(x, layer.weight[:count], _first(layer.bias, count))
        case nn.Conv2d():
            return F.conv2d(x, layer.weight[:count], _first(layer.bias, count), layer.stride, layer.padding)
        case nn.ConvTranspose2d():
            weight, bias = layer.weight[:, :count], _first(layer.bias, count)
            return F.conv_transpose2d(x, weight, bias, layer.stride, layer.padding, layer.output_padding)  # type: ignore[arg-type]
        case _:
            result: Tensor = layer(x)
            return result


def _first(bias: Tensor | None, count: int) -> Tensor | None:
    return None if bias is None else bias[:count]


def _distance(x: Tensor, norm: nn.Module) -> float:
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(x, [dim for dim in range(x.ndim) if dim != 1])
    small = norm.running_var.mean() * 1e-3 + 1e-12
    remembered = norm.running_var[: len(mean)] + small
    by_mean = (mean - norm.running_mean[: len(mean)]).square() / remembered
    by_variance = ((variance + small) / remembered).log().square()
    # the median: a few dead or runaway features say nothing
    value = float(by_mean.median() + by_variance.median())
    return value if value == value else float("inf")
