"""What the statistics of batch norms tell.

With the right activation, eps and prior, the layers before a norm give the mean and variance that the norm remembers
from training; with wrong ones they do not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network
from ganexplorer.core.spec import ConvTranspose2d, NetworkSpec

SAMPLES = (12, 256)  # at least and at most
WORK = 1e9  # multiplications a trial may cost
HOPELESS = 5.0  # misfit of statistics that no change of activation and eps would mend
AGREES = 0.12  # misfit of statistics that agree; wrong hypotheses measure far more
TIMES_BETTER = 1.8  # than the usual values, to be believed instead of them
UNUSUAL = 1.2  # a hypothesis with an unusual value more must fit so much better than its neighbour
NORMS = 3  # further ones cost more time than they tell

_ACTIVATIONS: Sequence[Mapping[str, Any]] = (
    {"activation": "relu"},
    {"activation": "leaky_relu", "slope": 0.2},
    {"activation": "leaky_relu", "slope": 0.01},
    {"activation": "leaky_relu", "slope": 0.1},
    {"activation": "leaky_relu", "slope": 0.3},
    {"activation": "elu"},
    {"activation": "gelu"},
    {"activation": "silu"},
    {"activation": "tanh"},
)
_EPS: Sequence[Mapping[str, Any]] = ({"eps": 1e-5}, {"eps": 0.8})  # 1e-3 is too like 1e-5 to tell
_PRIORS: Sequence[Mapping[str, Any]] = (
    {"prior": Prior.normal()},
    {"prior": Prior.uniform()},
    {"prior": Prior.uniform(0.0, 1.0)},
)


def told(build: Callable[[Mapping[str, Any]], Network], usual: Mapping[str, Any]) -> dict[str, Any]:
    """The choices among activation, slope, eps and prior that the norms speak for; empty where they are silent.

    Parameters
    ----------
    build
        Makes the generator, in eval mode, with some choices changed from the usual ones.
    usual
        The usual values of those choices.
    """
    network = build({})
    if not _were_trained(network):
        return {}
    result: dict[str, Any] = {}
    # the first norm depends on the prior alone, the next ones on the rest too
    for alternatives, norms in (
        ([dict(prior) for prior in _PRIORS], 1),
        ([{**a, **e} for a, e in itertools.product(_ACTIVATIONS, _EPS)], NORMS),
    ):
        baseline = _misfit(build(result), norms)
        scores = [
            (_misfit(build({**result, **changes}), norms) * UNUSUAL ** _unusual(changes, usual), changes)
            for changes in alternatives
        ]
        best, changes = min(scores, key=lambda item: item[0])
        if best > HOPELESS:
            return {}
        if best < AGREES and best * TIMES_BETTER < baseline:
            result |= changes
    return {name: value for name, value in result.items() if value != usual[name]}


def _unusual(changes: Mapping[str, Any], usual: Mapping[str, Any]) -> int:
    return sum(value != usual[name] for name, value in changes.items())


def _norms(network: Network) -> Iterator[tuple[int, nn.BatchNorm1d | nn.BatchNorm2d]]:
    for i, module in enumerate(network.layers):
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            yield i, module


def _were_trained(network: Network) -> bool:
    """Whether there are norms, and their statistics are not those that they begin with."""
    found = list(_norms(network))
    return bool(found) and all(
        norm.running_mean is not None and norm.running_var is not None
        and bool(norm.running_mean.any()) and not bool((norm.running_var == 1).all())
        for _, norm in found
    )  # fmt: skip


@torch.inference_mode()
def _misfit(network: Network, count: int) -> float:
    """How far the first norms' inputs are from what they remember: 0 is agreement.

    The mean over features of the squared difference of means in standard deviations and of the squared difference of
    the logarithms of the variances; infinite where they are not finite.
    """
    assert network.spec.prior is not None
    wanted = [i for i, _ in _norms(network)][:count]
    samples = int(min(max(WORK / _work(network.spec, wanted[-1]), SAMPLES[0]), SAMPLES[1]))
    x = network.spec.prior.sample(samples, network.spec.z_dim, torch.Generator().manual_seed(0))
    total = 0.0
    for i, layer in enumerate(network.layers[: wanted[-1] + 1]):
        if i in wanted:
            total += _distance(x, layer)
        x = layer(x)
    return total / len(wanted)


def _work(spec: NetworkSpec, stop: int) -> int:
    """Multiplications for one sample in the layers before `stop`."""
    shapes = spec.shapes
    total = 1
    for layer, before, after in zip(spec.layers[:stop], shapes, shapes[1:], strict=False):
        pixels = before if isinstance(layer, ConvTranspose2d) else after
        total += layer.parameter_count * math.prod(pixels[1:])
    return total


def _distance(x: Tensor, norm: nn.Module) -> float:
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    rows = x.transpose(0, 1).flatten(1).double()
    mean, variance = rows.mean(1), rows.var(1)
    small = norm.running_var.double().mean() * 1e-3 + 1e-12
    remembered = norm.running_var.double() + small
    by_mean = (mean - norm.running_mean).square() / remembered
    by_variance = ((variance + small) / remembered).log().square()
    # the median: a few dead or runaway features say nothing
    value = float(by_mean.median() + by_variance.median())
    return value if value == value else float("inf")
