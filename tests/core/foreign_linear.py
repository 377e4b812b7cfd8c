"""Layouts of strangers' generators. Linear layers alone: the recipes of the program among them."""

from __future__ import annotations

from foreign_nets import (
    GRAY,
    RELU,
    RGB32,
    RGB64,
    Layout,
    Net,
    S,
    bn1,
    collection_mlp,
    dcgan,
    leaky,
    mlp,
    nested_mlp,
    normed_mlp,
    numbered_functional,
)
from torch import nn

LINEAR: dict[str, Layout] = {
    # the recipes, to the letter; nothing has to be said
    "mlp-64": Layout(lambda: mlp(64, 256, 256, 784, act=lambda: leaky(0.01)), 64, GRAY),
    "mlp-100-smooth": Layout(lambda: mlp(100, 128, 784, act=lambda: leaky(0.01)), 100, GRAY),
    "mlp-96": Layout(lambda: mlp(96, 1024, 1024, 784, act=nn.ReLU), 96, GRAY),
    "dcgan-64": Layout(lambda: Net("pixel main", main=dcgan(100, 4, 3, 64)), 100, RGB64),
    "pattern-1010": Layout(lambda: mlp(1, 3, 4, act=nn.Sigmoid, out=nn.Sigmoid()), 1, (1, 1, 4), is_unit=True),
    # linear layers
    "mlp of one layer": Layout(lambda: mlp(7, 784), 7, GRAY),
    "mlp of one hidden layer": Layout(lambda: Net("net", net=mlp(5, 9, 784)), 5, GRAY),
    "mlp of nine layers of one width": Layout(lambda: mlp(16, *[16] * 8, 784), 16, GRAY),
    "mlp of a big z": Layout(lambda: mlp(512, 8, 256), 512, (1, 16, 16)),
    "mlp of one number": Layout(lambda: mlp(1, 6, 784), 1, GRAY),
    "mlp in colour": Layout(lambda: mlp(9, 8, 3072), 9, RGB32),
    "mlp of big pictures": Layout(lambda: mlp(9, 4, 3 * 64 * 64), 9, RGB64),
    "mlp of an upright picture": Layout(lambda: mlp(9, 8, 560), 9, (1, 28, 20)),
    "mlp of a broad picture": Layout(lambda: mlp(9, 8, 560), 9, (1, 20, 28), {"image_shape": "1,20,28"}),
    "mlp of points": Layout(
        lambda: mlp(2, 16, 16, 2, act=nn.ReLU, out=nn.Identity()), 2, (1, 1, 2), {**RELU, "output": "none"}
    ),
    "mlp in two channels": Layout(lambda: mlp(9, 8, 128), 9, (2, 8, 8), {"image_shape": "2,8,8"}),
    "mlp, colours last": Layout(
        lambda: Net("net view:8,10,3", net=mlp(9, 8, 240)),
        9,
        (3, 8, 10),
        {"image_shape": "3,8,10", "channels_last": "yes"},
    ),
    "mlp, columns first": Layout(
        lambda: Net("net view:1,10,8", net=mlp(9, 8, 80)),
        9,
        (1, 8, 10),
        {"image_shape": "1,8,10", "transpose": "yes"},
    ),
    "mlp, relu": Layout(lambda: mlp(9, 12, 16, 784, act=nn.ReLU), 9, GRAY, RELU),
    "mlp, sigmoid at the end": Layout(
        lambda: mlp(9, 12, 784, out=nn.Sigmoid()), 9, GRAY, {"output": "sigmoid"}, is_unit=True
    ),
    "mlp, gelu": Layout(lambda: mlp(9, 12, 784, act=nn.GELU), 9, GRAY, {"activation": "gelu"}),
    "mlp with dropout": Layout(
        lambda: S(
            nn.Linear(9, 12),
            leaky(),
            nn.Dropout(),
            nn.Linear(12, 14),
            leaky(),
            nn.Dropout(),
            nn.Linear(14, 784),
            nn.Tanh(),
        ),
        9,
        GRAY,
    ),
    "mlp without bias": Layout(
        lambda: S(nn.Linear(9, 12, bias=False), leaky(), nn.Linear(12, 784, bias=False), nn.Tanh()), 9, GRAY
    ),
    "mlp with two linear layers in a row": Layout(
        lambda: S(nn.Linear(9, 12), nn.Linear(12, 14), leaky(), nn.Linear(14, 784), nn.Tanh()),
        9,
        GRAY,
    ),
    "mlp, unflattened": Layout(
        lambda: S(nn.Linear(9, 12), leaky(), nn.Linear(12, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))), 9, GRAY
    ),
    "fc1 to fc4": Layout(
        lambda: numbered_functional(4, sizes=(9, 12, 14, 16, 784), act="lrelu:.2", norms=False), 9, GRAY
    ),
    "fc1 to fc12": Layout(
        lambda: numbered_functional(12, sizes=(9, *[12] * 11, 784), act="lrelu:.2", norms=False), 9, GRAY
    ),
    "fc1 to fc4, bn1 to bn3 after": Layout(
        lambda: numbered_functional(4, sizes=(9, 12, 14, 16, 784), act="lrelu:.2", norms=True), 9, GRAY
    ),
    "fc1 to fc4, norms after, one width": Layout(
        lambda: numbered_functional(4, sizes=(12, 12, 12, 12, 784), act="lrelu:.2", norms=True),
        12,
        GRAY,
    ),
    "fc1, fc2, out": Layout(
        lambda: Net(
            "fc1 lrelu:.2 fc2 lrelu:.2 out tanh", fc1=nn.Linear(9, 12), fc2=nn.Linear(12, 14), out=nn.Linear(14, 784)
        ),
        9,
        GRAY,
    ),
    "hidden0, hidden1, out": Layout(
        lambda: Net(
            "hidden0 hidden1 out",
            hidden0=S(nn.Linear(9, 12), leaky()),
            hidden1=S(nn.Linear(12, 14), leaky()),
            out=S(nn.Linear(14, 784), nn.Tanh()),
        ),
        9,
        GRAY,
    ),
    "a list of linear layers": Layout(
        lambda: Net(
            "each:layers>lrelu:.2 out tanh",
            layers=nn.ModuleList([nn.Linear(9, 12), nn.Linear(12, 12), nn.Linear(12, 14)]),
            out=nn.Linear(14, 784),
        ),
        9,
        GRAY,
    ),
    "a list and a sequential": Layout(
        lambda: Net(
            "each:layers>lrelu:.2 head",
            layers=nn.ModuleList([nn.Linear(9, 12), nn.Linear(12, 12)]),
            head=S(nn.Linear(12, 14), leaky(), nn.Linear(14, 784), nn.Tanh()),
        ),
        9,
        GRAY,
    ),
    "collection mlp": Layout(collection_mlp, 10, GRAY),
    "collection mlp in colour": Layout(lambda: collection_mlp(3072), 10, RGB32),
    "course mlp": Layout(
        lambda: Net("gen", gen=nested_mlp(10, 12, 14, 16, 784)), 10, GRAY, {"output": "sigmoid"}, is_unit=True
    ),
    "first layer bare, usual eps, relu": Layout(
        lambda: normed_mlp(16, 48, 64, 48, 784, bare=True, eps=1e-5, act=nn.ReLU),
        16,
        GRAY,
        {**RELU, "eps": 1e-5},
        told=True,
    ),
    "all layers with norms, leaky": Layout(
        lambda: normed_mlp(16, 48, 64, 48, 784, bare=False, eps=1e-5, act=leaky),
        16,
        GRAY,
    ),
    "all layers with norms, relu": Layout(
        lambda: normed_mlp(16, 48, 64, 48, 784, bare=False, eps=1e-5, act=nn.ReLU),
        16,
        GRAY,
        RELU,
        told=True,
    ),
    "all layers with norms of eps .8, leaky": Layout(
        lambda: normed_mlp(16, 48, 64, 48, 784, bare=False, eps=0.8, act=leaky),
        16,
        GRAY,
        {"eps": 0.8},
        told=True,
    ),
    "norms without scale": Layout(
        lambda: S(nn.Linear(9, 12), bn1(12, affine=False), leaky(), nn.Linear(12, 784), nn.Tanh()),
        9,
        GRAY,
    ),
    "norms after the activation": Layout(
        lambda: S(
            nn.Linear(9, 12), nn.ReLU(), bn1(12), nn.Linear(12, 14), nn.ReLU(), bn1(14), nn.Linear(14, 784), nn.Tanh()
        ),
        9,
        GRAY,
    ),
    "norm before tanh": Layout(
        lambda: S(nn.Linear(9, 12), bn1(12), leaky(), nn.Linear(12, 784), bn1(784), nn.Tanh()), 9, GRAY
    ),
    "norm of z": Layout(
        lambda: Net("net", net=S(bn1(9), nn.Linear(9, 12), bn1(12), leaky(), nn.Linear(12, 784), nn.Tanh())), 9, GRAY
    ),
    "lightning mlp of nested blocks": Layout(
        lambda: Net(
            "_model",
            _model=S(
                S(nn.Linear(9, 12), bn1(12), nn.ReLU()),
                S(nn.Linear(12, 14), bn1(14), nn.ReLU()),
                nn.Linear(14, 784),
                nn.Tanh(),
            ),
        ),
        9,
        GRAY,
    ),
}
