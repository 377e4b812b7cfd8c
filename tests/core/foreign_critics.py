"""Layouts of strangers' discriminators."""

from __future__ import annotations

from collections.abc import Callable

from foreign_nets import Net, S, bn2, leaky, mlp
from torch import nn
from torch.nn.utils import parametrizations


def strided(*layers: tuple[int, ...], norms: bool = True, bias: bool = False, eps: float = 1e-5) -> list[nn.Module]:
    made: list[nn.Module] = []
    for i, (inputs, outputs, *rest) in enumerate(layers):
        kernel, stride, padding = rest or (4, 2, 1)
        made += [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias)]
        made += ([bn2(outputs, eps)] if norms and i else []) + [leaky()]
    return made


def collection_critic() -> nn.Module:
    def block(inputs: int, outputs: int, norm: bool = True) -> list[nn.Module]:
        layers = [nn.Conv2d(inputs, outputs, 3, 2, 1), leaky(), nn.Dropout2d(0.25)]
        return [*layers, bn2(outputs, 0.8)] if norm else layers

    model = S(*block(1, 4, False), *block(4, 6), *block(6, 8), *block(8, 8))
    return Net("model flat adv_layer", model=model, adv_layer=S(nn.Linear(8 * 4, 1), nn.Sigmoid()))


# discriminators; of each, a generator of which layout it belongs to
CRITICS: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "mlp-64's": (
        "mlp-64",
        lambda: Net("flat net", net=mlp(784, 256, 64, 1, act=lambda: leaky(0.01), out=nn.Sigmoid())),
    ),
    "mlp-100-smooth's": (
        "mlp-100-smooth",
        lambda: Net("flat net", net=mlp(784, 128, 1, act=lambda: leaky(0.01), out=nn.Identity())),
    ),
    "mlp-96's": ("mlp-96", lambda: Net("flat net", net=mlp(784, 256, 256, 1, out=nn.Identity()))),
    "dcgan-64's": (
        "dcgan-64",
        lambda: Net(
            "main",
            main=S(*strided((3, 4), (4, 8), (8, 12), (12, 16)), nn.Conv2d(16, 1, 4, 1, 0, bias=False), nn.Sigmoid()),
        ),
    ),
    "pattern-1010's": ("pattern-1010", lambda: Net("flat net", net=mlp(4, 3, 1, act=nn.Sigmoid, out=nn.Sigmoid()))),
    "collection mlp's": ("collection mlp", lambda: Net("flat model", model=mlp(784, 16, 12, 1, out=nn.Sigmoid()))),
    "collection dcgan's": ("collection dcgan", collection_critic),
    "conv1, conv2.0, conv2.1, fc": (
        "fc without activation, t_conv",
        lambda: Net(
            "conv1 lrelu:.2 conv2 lrelu:.2 conv3 lrelu:.2 flat fc sigmoid",
            conv1=S(nn.Conv2d(3, 4, 4, 2, 1, bias=False)),
            conv2=S(nn.Conv2d(4, 6, 4, 2, 1, bias=False), bn2(6)),
            conv3=S(nn.Conv2d(6, 8, 4, 2, 1, bias=False), bn2(8)),
            fc=nn.Linear(8 * 16, 1),
        ),
    ),
    "nested blocks": (
        "nested blocks of kernel 4",
        lambda: Net(
            "disc",
            disc=S(
                nn.Conv2d(3, 4, 4, 2, 1),
                leaky(),
                S(nn.Conv2d(4, 6, 4, 2, 1, bias=False), bn2(6), leaky()),
                S(nn.Conv2d(6, 8, 4, 2, 1, bias=False), bn2(8), leaky()),
                nn.Conv2d(8, 1, 4, 2, 0),
                nn.Sigmoid(),
            ),
        ),
    ),
    "course's": (
        "course dcgan",
        lambda: Net(
            "disc",
            disc=S(
                S(nn.Conv2d(1, 4, 4, 2), bn2(4), leaky()),
                S(nn.Conv2d(4, 6, 4, 2), bn2(6), leaky()),
                S(nn.Conv2d(6, 1, 4, 2)),
            ),
        ),
    ),
    "with spectral norm": (
        "layer1 to layer4",
        lambda: Net(
            "main",
            main=S(
                *[
                    layer
                    for a, b in ((3, 4), (4, 6), (6, 8))
                    for layer in (parametrizations.spectral_norm(nn.Conv2d(a, b, 4, 2, 1)), leaky())
                ],
                parametrizations.spectral_norm(nn.Conv2d(8, 1, 4, 1, 0)),
                nn.Sigmoid(),
            ),
        ),
    ),
}
