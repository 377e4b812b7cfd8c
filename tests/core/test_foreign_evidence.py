"""What the statistics of batch norms tell: only what they can, and nothing when they are not of these weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foreign_nets import bn1, bn2, convt, leaky, normed_mlp, settled
from torch import Tensor, nn

from ganexplorer.core.foreign import evidence, opening
from ganexplorer.core.foreign.contents import Contents
from ganexplorer.core.foreign.opening import ForeignFile
from ganexplorer.core.latent import Prior

SIZES = (16, 48, 64, 48, 784)


def opened(network: nn.Module) -> ForeignFile:
    tensors = {name: values.numpy() for name, values in network.state_dict().items()}
    return opening.understand(Path("model.pt"), Contents("pytorch", tensors))


def normal(count: int = 2048) -> Tensor:
    return torch.randn(count, 16, generator=torch.Generator().manual_seed(3))


def hidden(act: Callable[[], nn.Module], bare: bool = False, eps: float = 1e-5) -> Callable[[], nn.Module]:
    return lambda: normed_mlp(*SIZES, bare=bare, eps=eps, act=act)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (hidden(leaky), {}),
        (hidden(nn.ReLU), {"activation": "relu"}),
        (hidden(nn.ELU), {"activation": "elu"}),
        (hidden(nn.SiLU), {"activation": "silu"}),
        (hidden(nn.Tanh), {"activation": "tanh"}),
        (hidden(lambda: leaky(0.3)), {"slope": 0.3}),
        (hidden(leaky, eps=0.8), {"eps": 0.8}),
        (hidden(leaky, bare=True, eps=0.8), {}),
        (hidden(leaky, bare=True), {"eps": 1e-5}),
        (hidden(nn.ReLU, bare=True), {"activation": "relu", "eps": 1e-5}),
    ],
)
def test_activation_and_eps_are_told(make: Callable[[], nn.Module], told: dict[str, Any]) -> None:
    assert opened(settled(make, normal())).evident == told


@pytest.mark.parametrize("prior", [Prior.normal(), Prior.uniform(), Prior.uniform(0.0, 1.0)])
@pytest.mark.parametrize("bare", [False, True])
def test_the_prior_is_told(prior: Prior, bare: bool) -> None:
    z = prior.sample(2048, 16, torch.Generator().manual_seed(3))
    file = opened(settled(hidden(nn.ReLU if not bare else leaky, bare, 0.8 if bare else 1e-5), z))
    assert file.evident.get("prior", Prior.normal()) == prior


def test_what_is_told_becomes_the_usual_value_and_a_person_overrules_it() -> None:
    file = opened(settled(hidden(nn.ReLU), normal()))
    assert file.usual.activation == "relu"
    assert file.choices.activation == "relu"
    other = file.with_choices({"activation": "leaky_relu:0.2"})
    assert (other.choices.activation, other.usual.activation) == ("leaky_relu", "relu")
    assert other.stored == {"activation": "leaky_relu"}


def spoiled(change: Callable[[nn.BatchNorm1d], object]) -> ForeignFile:
    network = settled(hidden(nn.ReLU), normal())
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm1d):
            change(norm)
    return opened(network)


@pytest.mark.parametrize(
    "change",
    [
        lambda norm: norm.reset_running_stats(),
        lambda norm: norm.running_mean.normal_(0, 2),
        lambda norm: norm.running_var.mul_(30),
        lambda norm: norm.num_batches_tracked.fill_(evidence.BATCHES - 1),
        lambda norm: norm.running_var.zero_(),
    ],
)
def test_statistics_that_are_not_of_these_weights_tell_nothing(change: Callable[[nn.BatchNorm1d], object]) -> None:
    assert spoiled(change).evident == {}


def test_an_old_file_without_counts_of_batches_tells_as_much() -> None:
    assert spoiled(lambda norm: norm.num_batches_tracked.zero_()).evident == {"activation": "relu"}


def test_a_few_dead_features_do_not_hide_the_rest() -> None:
    def make() -> nn.Module:
        network = hidden(nn.ReLU)()
        for layer in network.modules():
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.weight[:5])
        return network

    assert opened(settled(make, normal())).evident == {"activation": "relu"}


def test_a_network_without_norms_is_not_asked() -> None:
    file = opened(nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 16)))
    assert file.evident == {}


def test_norms_behind_a_dropout_are_not_asked() -> None:
    def make() -> nn.Module:
        layers = [
            nn.Linear(16, 48),
            bn1(48),
            leaky(),
            nn.Dropout(0.5),
            nn.Linear(48, 64),
            bn1(64),
            leaky(),
            nn.Linear(64, 784),
        ]
        return nn.Sequential(*layers)

    file = opened(settled(make, normal()))
    assert file.reading.clear_norms == 1
    assert file.evident == {}


def test_few_features_convince_no_one() -> None:
    def make() -> nn.Module:
        return nn.Sequential(nn.Linear(16, 3), bn1(3), nn.ReLU(), nn.Linear(3, 2), bn1(2), nn.ReLU(), nn.Linear(2, 784))

    assert "activation" not in opened(settled(make, normal())).evident


def test_a_network_too_large_to_be_tried_keeps_its_usual_values(monkeypatch: pytest.MonkeyPatch) -> None:
    network = settled(hidden(nn.ReLU), normal())
    monkeypatch.setattr(evidence, "WORK", 100)
    assert opened(network).evident == {}


def test_only_some_features_of_a_large_layer_are_made() -> None:
    layer = nn.ConvTranspose2d(4, 64, 4, 2, 1)
    x = torch.randn(2, 4, 5, 5)
    for made in (layer, nn.Conv2d(4, 64, 3, 2, 1), nn.Conv2d(4, 64, 3, bias=False)):
        assert torch.allclose(evidence._some_features(made, x, 7), made(x)[:, :7], atol=1e-6)
    assert torch.allclose(evidence._some_features(nn.ReLU(), x, 7), x.relu())


def test_images_tell_as_vectors_do() -> None:
    def make() -> nn.Module:
        return nn.Sequential(
            nn.Linear(16, 32 * 16),
            nn.Unflatten(1, (32, 4, 4)),
            bn2(32),
            leaky(),
            convt(32, 48),
            bn2(48),
            leaky(),
            convt(48, 3),
        )

    assert opened(settled(make, normal())).evident == {"activation": "leaky_relu"}
