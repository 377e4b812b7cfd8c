"""Layouts of strangers' generators. Transposed convolutions, from one pixel or from a linear layer."""

from __future__ import annotations

from foreign_nets import (
    GRAY,
    RGB32,
    RGB64,
    Block,
    Layout,
    Net,
    S,
    View,
    blocks,
    bn1,
    bn2,
    convt,
    dcgan,
    deconvs,
    leaky,
    named_blocks,
    same,
    wasserstein,
)
from torch import nn

TRANSPOSED: dict[str, Layout] = {
    # transposed convolutions
    **{
        f"dcgan of {size} pixels": Layout(
            lambda size=size: Net("pixel main", main=dcgan(10, 2, 3, size)), 10, (3, size, size)
        )
        for size in (16, 32, 128, 256)
    },
    "dcgan, gray, one z": Layout(lambda: Net("pixel main", main=dcgan(1, 4, 1, 64, bias=True)), 1, (1, 64, 64)),
    "dcgan of two channels": Layout(lambda: Net("pixel main", main=dcgan(10, 2, 2, 32)), 10, (2, 32, 32)),
    "dcgan of four channels": Layout(lambda: Net("pixel main", main=dcgan(10, 4, 4, 32)), 10, (4, 32, 32)),
    "dcgan of one width": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                convt(8, 8, 4, 1, 0),
                bn2(8),
                nn.ReLU(),
                convt(8, 8),
                bn2(8),
                nn.ReLU(),
                convt(8, 8),
                bn2(8),
                nn.ReLU(),
                convt(8, 3),
                nn.Tanh(),
            ),
        ),
        8,
        RGB32,
    ),
    "dcgan without norms, leaky": Layout(
        lambda: Net(
            "pixel gen",
            gen=S(
                convt(10, 16, 4, 1, 0, bias=True),
                leaky(),
                convt(16, 8, bias=True),
                leaky(),
                convt(8, 3, bias=True),
                nn.Tanh(),
            ),
        ),
        10,
        (3, 16, 16),
        {"activation": "leaky_relu"},
    ),
    "dcgan with dropout": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                convt(10, 16, 4, 1, 0),
                bn2(16),
                nn.ReLU(),
                nn.Dropout2d(),
                convt(16, 8),
                bn2(8),
                nn.ReLU(),
                nn.Dropout2d(),
                convt(8, 3),
                nn.Tanh(),
            ),
        ),
        10,
        (3, 16, 16),
    ),
    "deconv1, deconv1_bn": Layout(lambda: deconvs(1, "deconv{}", "deconv{}_bn"), 10, (1, 32, 32)),
    "tconv1, bn1": Layout(lambda: deconvs(3, "tconv{}", "bn{}", bias=False), 10, RGB32),
    "conv_t1, batch_norm1": Layout(lambda: deconvs(3, "conv_t{}", "batch_norm{}"), 10, RGB32),
    "layer1 to layer4": Layout(
        lambda: Net(
            "pixel layer1 layer2 layer3 layer4",
            **named_blocks("layer", (10, 24, 4, 1, 0), (24, 12), (12, 8), (8, 3), bias=False),
        ),
        10,
        RGB32,
    ),
    "96 pixels by a kernel of 5": Layout(
        lambda: Net(
            "pixel layer1 layer2 layer3 layer4 layer5",
            **named_blocks(
                "layer",
                (10, 24, 4, 1, 0),
                (24, 12),
                (12, 8),
                (8, 6),
                (6, 3, 5, 3, 1),
                bias=False,
            ),
        ),
        10,
        (3, 96, 96),
    ),
    "course dcgan": Layout(
        lambda: Net(
            "pixel gen", gen=S(*blocks((10, 24, 3, 2, 0), (24, 12, 4, 1, 0), (12, 6, 3, 2, 0), (6, 1, 4, 2, 0)))
        ),
        10,
        GRAY,
    ),
    "course dcgan, separate layers": Layout(
        lambda: Net(
            "pixel gen_layer0 gen_layer1 gen_layer2 gen_layer3",
            **{
                f"gen_layer{i}": block
                for i, block in enumerate(
                    blocks((10, 24, 3, 2, 0), (24, 12, 4, 1, 0), (12, 6, 3, 2, 0), (6, 1, 4, 2, 0))
                )
            },
        ),
        10,
        GRAY,
    ),
    "nested blocks of kernel 4": Layout(
        lambda: Net(
            "pixel gen",
            gen=S(
                *[S(convt(*c), bn2(c[1]), nn.ReLU()) for c in ((10, 24, 4, 1, 0), (24, 12), (12, 6))],
                convt(6, 3, bias=True),
                nn.Tanh(),
            ),
        ),
        10,
        RGB32,
    ),
    "7x7 first": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                convt(10, 24, 7, 1, 0), bn2(24), nn.ReLU(), convt(24, 12), bn2(12), nn.ReLU(), convt(12, 1), nn.Tanh()
            ),
        ),
        10,
        GRAY,
    ),
    "7x7 first, 3x3 last": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                convt(10, 24, 7, 1, 0),
                bn2(24),
                nn.ReLU(),
                convt(24, 12),
                bn2(12),
                nn.ReLU(),
                convt(12, 8),
                bn2(8),
                nn.ReLU(),
                convt(8, 1, 3, 1, 1),
                nn.Tanh(),
            ),
        ),
        10,
        GRAY,
    ),
    "kernel 1, padding 2": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                convt(10, 24, 4, 1, 0),
                bn2(24),
                nn.ReLU(),
                convt(24, 12),
                bn2(12),
                nn.ReLU(),
                convt(12, 8),
                bn2(8),
                nn.ReLU(),
                convt(8, 6),
                bn2(6),
                nn.ReLU(),
                convt(6, 1, 1, 1, 2),
                nn.Tanh(),
            ),
        ),
        10,
        GRAY,
    ),
    "kernels 4, 3, 4, 4 to 28": Layout(
        lambda: Net(
            "pixel network",
            network=S(
                convt(10, 24, 4, 1, 0),
                bn2(24),
                nn.ReLU(),
                convt(24, 12, 3, 2, 1),
                bn2(12),
                nn.ReLU(),
                convt(12, 6),
                bn2(6),
                nn.ReLU(),
                convt(6, 1),
                nn.Tanh(),
            ),
        ),
        10,
        GRAY,
    ),
    "kernel 2": Layout(
        lambda: Net(
            "preprocess view:24,4,4 block1 block2 deconv_out tanh",
            preprocess=S(nn.Linear(10, 24 * 16), bn1(24 * 16), nn.ReLU()),
            block1=S(convt(24, 12, 2, 2, 0, bias=True), bn2(12), nn.ReLU()),
            block2=S(convt(12, 6, 2, 2, 0, bias=True), bn2(6), nn.ReLU()),
            deconv_out=convt(6, 3, 2, 2, 0, bias=True),
        ),
        10,
        RGB32,
    ),
    "kernel 6": Layout(
        lambda: Net(
            "fc view:24,4,4 main",
            fc=S(nn.Linear(10, 24 * 16), nn.ReLU()),
            main=S(
                convt(24, 12, 6, 2, 2),
                bn2(12),
                nn.ReLU(),
                convt(12, 6, 6, 2, 2),
                bn2(6),
                nn.ReLU(),
                convt(6, 3, 6, 2, 2),
                nn.Tanh(),
            ),
        ),
        10,
        RGB32,
    ),
    "kernel 8, stride 4": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                convt(10, 24, 4, 1, 0),
                bn2(24),
                nn.ReLU(),
                convt(24, 12, 8, 4, 2),
                bn2(12),
                nn.ReLU(),
                convt(12, 3, 8, 4, 2),
                nn.Tanh(),
            ),
        ),
        10,
        RGB64,
    ),
    "kernel 5, output padding": Layout(
        lambda: Net(
            "fc view:24,4,4 up1 up2 up3 out tanh",
            fc=S(nn.Linear(10, 24 * 16), bn1(24 * 16), nn.ReLU()),
            **{
                f"up{i}": Block("convt", convt(a, b, 5, 2, 2, 1), "norm", bn2(b), nn.ReLU())
                for i, (a, b) in enumerate(((24, 12), (12, 8), (8, 6)), 1)
            },
            out=convt(6, 3, 5, 2, 2, 1),
        ),
        10,
        RGB64,
    ),
    "kernel 3, output padding": Layout(
        lambda: S(
            nn.Linear(10, 12 * 49),
            nn.ReLU(),
            nn.Unflatten(1, (12, 7, 7)),
            convt(12, 8, 3, 2, 1, 1),
            bn2(8),
            nn.ReLU(),
            convt(8, 1, 3, 2, 1, 1),
            nn.Tanh(),
        ),
        10,
        GRAY,
    ),
    "kernel 5, first keeps the size": Layout(
        lambda: Net(
            "net",
            net=S(
                nn.Linear(10, 12 * 49, bias=False),
                bn1(12 * 49),
                leaky(0.3),
                nn.Unflatten(1, (12, 7, 7)),
                convt(12, 48, 5, 1, 2),
                bn2(48),
                leaky(0.3),
                convt(48, 32, 5, 2, 2, 1),
                bn2(32),
                leaky(0.3),
                convt(32, 1, 5, 2, 2, 1),
                nn.Tanh(),
            ),
        ),
        10,
        GRAY,
        {"activation": "leaky_relu:0.3"},
        told=True,
    ),
    "5x5 first, to 20 pixels": Layout(
        lambda: Net(
            "pixel main",
            main=S(convt(10, 12, 5, 1, 0), bn2(12), nn.ReLU(), convt(12, 6), bn2(6), nn.ReLU(), convt(6, 1), nn.Tanh()),
        ),
        10,
        (1, 20, 20),
    ),
    "4x4 last convolutions": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                convt(10, 24, 4, 1, 0),
                bn2(24),
                nn.ReLU(),
                convt(24, 12),
                bn2(12),
                nn.ReLU(),
                convt(12, 8),
                bn2(8),
                nn.ReLU(),
                same(8, 3),
                nn.Tanh(),
            ),
        ),
        10,
        (3, 16, 16),
    ),
    "7x7 convolution last": Layout(
        lambda: Net(
            "pixel main head tanh",
            main=S(
                convt(10, 24, 4, 1, 0),
                bn2(24),
                nn.ReLU(),
                convt(24, 12),
                bn2(12),
                nn.ReLU(),
                convt(12, 8),
                bn2(8),
                nn.ReLU(),
            ),
            head=same(8, 3, 7),
        ),
        10,
        (3, 16, 16),
    ),
    "1x1 convolution to colours": Layout(
        lambda: Net(
            "pixel main to_rgb tanh",
            main=S(
                convt(10, 24, 4, 1, 0),
                bn2(24),
                nn.ReLU(),
                convt(24, 12),
                bn2(12),
                nn.ReLU(),
                convt(12, 8),
                bn2(8),
                nn.ReLU(),
            ),
            to_rgb=nn.Conv2d(8, 3, 1),
        ),
        10,
        (3, 16, 16),
    ),
    "transposed and plain by turns": Layout(
        lambda: Net(
            "pixel main",
            main=S(
                convt(10, 24, 4, 1, 0),
                bn2(24),
                nn.ReLU(),
                convt(24, 12),
                bn2(12),
                nn.ReLU(),
                same(12, 12),
                bn2(12),
                nn.ReLU(),
                convt(12, 8),
                bn2(8),
                nn.ReLU(),
                same(8, 8),
                bn2(8),
                nn.ReLU(),
                convt(8, 3),
                nn.Tanh(),
            ),
        ),
        10,
        RGB32,
    ),
    "names that tell sizes": Layout(lambda: wasserstein(False), 10, RGB32),
    "names that tell sizes, extra layers": Layout(lambda: wasserstein(True), 10, RGB32),
    "blocks of our own names": Layout(
        lambda: Net(
            "pixel layers.0 layers.1 layers.2 out tanh",
            layers=nn.ModuleList(
                [Block("conv", convt(*c), "bn", bn2(c[1]), nn.ReLU()) for c in ((10, 24, 4, 1, 0), (24, 12), (12, 6))]
            ),
            out=convt(6, 3),
        ),
        10,
        RGB32,
    ),
    "activation before each layer": Layout(
        lambda: Net(
            "pixel first block1 block2 block3 tanh",
            first=S(convt(10, 24, 4, 1, 0), bn2(24)),
            block1=S(nn.ReLU(), convt(24, 12), bn2(12)),
            block2=S(nn.ReLU(), convt(12, 6), bn2(6)),
            block3=S(nn.ReLU(), convt(6, 3)),
        ),
        10,
        RGB32,
    ),
    # a linear layer first
    "project, block1, block2, out": Layout(
        lambda: Net(
            "project view:24,4,4 block1 block2 out",
            project=S(nn.Linear(10, 24 * 16), bn1(24 * 16), nn.ReLU()),
            block1=S(convt(24, 12), bn2(12), nn.ReLU()),
            block2=S(convt(12, 6), bn2(6), nn.ReLU()),
            out=S(convt(6, 3), nn.Tanh()),
        ),
        10,
        RGB32,
    ),
    "linear, unflatten, norm in one": Layout(
        lambda: S(
            nn.Linear(10, 24 * 16),
            nn.Unflatten(1, (24, 4, 4)),
            bn2(24),
            nn.ReLU(),
            convt(24, 12, bias=True),
            bn2(12),
            nn.ReLU(),
            convt(12, 6, bias=True),
            bn2(6),
            nn.ReLU(),
            nn.ConvTranspose2d(6, 3, 3, 1, 1),
            nn.Tanh(),
        ),
        10,
        (3, 16, 16),
    ),
    "linear, norm, view in one": Layout(
        lambda: Net(
            "net",
            net=S(
                nn.Linear(10, 12 * 49, bias=False),
                bn1(12 * 49),
                nn.ReLU(),
                View(12, 7, 7),
                convt(12, 6),
                bn2(6),
                nn.ReLU(),
                convt(6, 1),
                nn.Tanh(),
            ),
        ),
        10,
        GRAY,
    ),
    "linear, view in one": Layout(
        lambda: Net(
            "net",
            net=S(nn.Linear(10, 12 * 16), View(12, 4, 4), convt(12, 6), bn2(6), nn.ReLU(), convt(6, 3), nn.Tanh()),
        ),
        10,
        (3, 16, 16),
    ),
    "two linear layers, then deconv": Layout(
        lambda: Net(
            "fc view:12,7,7 deconv",
            fc=S(nn.Linear(10, 20), bn1(20), nn.ReLU(), nn.Linear(20, 12 * 49), bn1(12 * 49), nn.ReLU()),
            deconv=S(convt(12, 6), bn2(6), nn.ReLU(), convt(6, 1), nn.Tanh()),
        ),
        10,
        GRAY,
    ),
    "fc, fc2, up1, up2, norms after": Layout(
        lambda: Net(
            "fc bn_fc relu fc2 bn_fc2 relu view:12,7,7 up1 bn_up1 relu up2 tanh",
            fc=nn.Linear(10, 20),
            fc2=nn.Linear(20, 12 * 49),
            up1=convt(12, 6),
            up2=convt(6, 1),
            bn_fc=bn1(20),
            bn_fc2=bn1(12 * 49),
            bn_up1=bn2(6),
        ),
        10,
        GRAY,
    ),
    "fc without activation, t_conv": Layout(
        lambda: Net(
            "fc view:24,4,4 t_conv1 relu t_conv2 relu t_conv3 tanh",
            fc=nn.Linear(10, 24 * 16),
            t_conv1=S(convt(24, 12), bn2(12)),
            t_conv2=S(convt(12, 6), bn2(6)),
            t_conv3=S(convt(6, 3)),
        ),
        10,
        RGB32,
    ),
    "fc with activation, deconv": Layout(
        lambda: Net(
            "fc1 relu view:24,4,4 deconv1 bn1 relu deconv2 bn2 relu deconv3 tanh",
            fc1=nn.Linear(10, 24 * 16),
            deconv1=convt(24, 12),
            bn1=bn2(12),
            deconv2=convt(12, 6),
            bn2=bn2(6),
            deconv3=convt(6, 3),
        ),
        10,
        RGB32,
        {"lift_activation": "yes"},
        told=True,
    ),
    "linear to one pixel": Layout(
        lambda: Net(
            "l1 relu view:24,1,1 network tanh",
            l1=nn.Linear(10, 24),
            network=S(convt(24, 12, 4, 1, 0), bn2(12), nn.ReLU(), convt(12, 6), bn2(6), nn.ReLU(), convt(6, 3)),
        ),
        10,
        (3, 16, 16),
        {"lift_activation": "yes"},
    ),
}
