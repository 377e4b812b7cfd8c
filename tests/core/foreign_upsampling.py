"""Layouts of strangers' generators. Upsamplings and convolutions; and weights that are stored in two factors."""

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
    bn2,
    collection_dcgan,
    convt,
    leaky,
    old_weight_norm,
    same,
    up,
)
from torch import nn
from torch.nn.utils import parametrizations

UPSAMPLING: dict[str, Layout] = {
    # upsampling and convolution
    "collection dcgan": Layout(collection_dcgan, 10, (1, 32, 32)),
    "collection dcgan of 64": Layout(lambda: collection_dcgan(64, 3), 10, RGB64),
    "collection dcgan of 28": Layout(lambda: collection_dcgan(28), 10, GRAY),
    "collection dcgan, bilinear": Layout(
        lambda: collection_dcgan(32, 3, "bilinear"), 10, RGB32, {"upsample": "bilinear"}, told=True
    ),
    "blocks that begin with an upsampling": Layout(
        lambda: Net(
            "fc view:24,4,4 blocks.0 blocks.1 blocks.2 out tanh",
            fc=S(nn.Linear(10, 24 * 16), bn1(24 * 16), leaky()),
            blocks=nn.ModuleList([S(up(), same(a, b), bn2(b), leaky()) for a, b in ((24, 12), (12, 8), (8, 6))]),
            out=same(6, 3),
        ),
        10,
        RGB32,
    ),
    "blocks that end with an upsampling": Layout(
        lambda: Net(
            "fc view:24,4,4 block1 block2 block3 out tanh",
            fc=S(nn.Linear(10, 24 * 16), bn1(24 * 16), leaky()),
            **{
                f"block{i}": S(same(a, b), bn2(b), leaky(), up())
                for i, (a, b) in enumerate(((24, 12), (12, 8), (8, 6)), 1)
            },
            out=same(6, 3),
        ),
        10,
        RGB32,
    ),
    "conv1, bn1 and interpolate": Layout(
        lambda: Net(
            "fc bn0 lrelu:.2 view:16,4,4 up conv1 bn1 lrelu:.2 up conv2 bn2 lrelu:.2 up conv3 bn3 lrelu:.2 conv4 tanh",
            fc=nn.Linear(10, 256),
            bn0=bn1(256),
            conv1=same(16, 12),
            bn1=bn2(12),
            conv2=same(12, 8),
            bn2=bn2(8),
            conv3=same(8, 6),
            bn3=bn2(6),
            conv4=same(6, 3),
        ),
        10,
        RGB32,
    ),
    "upsampling before the last one too": Layout(
        lambda: Net(
            "fc_layer view:24,4,4 conv_layer",
            fc_layer=S(nn.Linear(10, 24 * 16, bias=False), bn1(24 * 16), nn.ReLU()),
            conv_layer=S(
                up(),
                same(24, 12, bias=False),
                bn2(12),
                nn.ReLU(),
                up(),
                same(12, 6, bias=False),
                bn2(6),
                nn.ReLU(),
                up(),
                same(6, 3),
                nn.Tanh(),
            ),
        ),
        10,
        RGB32,
        RELU,
        told=True,
    ),
    "two convolutions a size": Layout(
        lambda: Net(
            "fc view:24,4,4 conv",
            fc=S(nn.Linear(10, 24 * 16), leaky()),
            conv=S(
                up(),
                same(24, 12),
                bn2(12),
                leaky(),
                same(12, 12),
                bn2(12),
                leaky(),
                up(),
                same(12, 8),
                bn2(8),
                leaky(),
                same(8, 8),
                bn2(8),
                leaky(),
                up(),
                same(8, 6),
                bn2(6),
                leaky(),
                same(6, 3),
                nn.Tanh(),
            ),
        ),
        10,
        RGB32,
    ),
    "convolutions of kernel 5": Layout(
        lambda: Net(
            "fc view:24,4,4 conv",
            fc=S(nn.Linear(10, 24 * 16), leaky()),
            conv=S(
                up(),
                same(24, 12, 5),
                bn2(12),
                leaky(),
                up(),
                same(12, 8, 5),
                bn2(8),
                leaky(),
                up(),
                same(8, 6, 5),
                bn2(6),
                leaky(),
                same(6, 3, 5),
                nn.Tanh(),
            ),
        ),
        10,
        RGB32,
    ),
    "activation before the norm of a convolution": Layout(
        lambda: Net(
            "l1 view:12,7,7 conv",
            l1=S(nn.Linear(10, 12 * 49), nn.ReLU()),
            conv=S(up(), same(12, 10), nn.ReLU(), bn2(10), up(), same(10, 8), nn.ReLU(), bn2(8), same(8, 1), nn.Tanh()),
        ),
        10,
        GRAY,
    ),
    # factored weights
    "old weight norm": Layout(
        lambda: S(old_weight_norm(nn.Linear(9, 12)), leaky(), old_weight_norm(nn.Linear(12, 784)), nn.Tanh()), 9, GRAY
    ),
    "weight norm": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                parametrizations.weight_norm(convt(9, 12, 4, 1, 0)),
                nn.ReLU(),
                parametrizations.weight_norm(convt(12, 3)),
                nn.Tanh(),
            ),
        ),
        9,
        (3, 8, 8),
    ),
    "old spectral norm": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                nn.utils.spectral_norm(convt(9, 12, 4, 1, 0)),
                bn2(12),
                nn.ReLU(),
                nn.utils.spectral_norm(convt(12, 3)),
                nn.Tanh(),
            ),
        ),
        9,
        (3, 8, 8),
    ),
    "spectral norm": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                parametrizations.spectral_norm(convt(9, 12, 4, 1, 0)),
                bn2(12),
                nn.ReLU(),
                parametrizations.spectral_norm(convt(12, 3)),
                nn.Tanh(),
            ),
        ),
        9,
        (3, 8, 8),
    ),
}
