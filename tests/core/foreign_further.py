"""Layouts of strangers' generators that were tried after the grammar was written for the others."""

from __future__ import annotations

from collections import OrderedDict

from foreign_nets import GRAY, RGB32, RGB64, Block, Layout, Net, S, View, blocks, bn1, bn2, convt, leaky, mlp, same, up
from torch import Tensor, nn


def named(**layers: nn.Module) -> nn.Sequential:
    """A Sequential whose layers have names instead of numbers."""
    return S(OrderedDict(layers))


class Dictionary(nn.Module):
    """Blocks in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(10, 24 * 16)
        self.blocks = nn.ModuleDict(
            {
                f"up{i}": Block("conv", convt(a, b), "bn", bn2(b), nn.ReLU())
                for i, (a, b) in enumerate(((24, 12), (12, 6)))
            }
        )
        self.to_rgb = convt(6, 3)

    def forward(self, z: Tensor) -> Tensor:
        x = self.fc(z).view(-1, 24, 4, 4)
        for block in self.blocks.values():
            x = block(x)
        image: Tensor = self.to_rgb(x)
        return image.tanh()


def distilled() -> nn.Module:
    """As networks for distillation without data have it: the last norm stands behind tanh."""
    return Net(
        "l1 view:12,8,8 conv_blocks0 up conv_blocks1 up conv_blocks2",
        l1=S(nn.Linear(10, 12 * 64)),
        conv_blocks0=S(bn2(12)),
        conv_blocks1=S(same(12, 12), bn2(12, 0.8), leaky()),
        conv_blocks2=S(same(12, 6), bn2(6, 0.8), leaky(), same(6, 3), nn.Tanh(), bn2(3, affine=False)),
    )


def halved() -> nn.Module:
    return Net(
        "fc view:1,56,56 br downsample1 downsample2 downsample3",
        fc=nn.Linear(10, 3136),
        br=S(bn2(1), nn.ReLU()),
        downsample1=S(same(1, 8), bn2(8), nn.ReLU()),
        downsample2=S(same(8, 6), bn2(6), nn.ReLU()),
        downsample3=S(nn.Conv2d(6, 1, 2, 2), nn.Tanh()),
    )


def keras_like(norm_first: bool) -> nn.Module:
    def block(inputs: int, outputs: int) -> list[nn.Module]:
        rest = [bn2(outputs), nn.ReLU()]
        return [up(), same(inputs, outputs), *(rest if norm_first else reversed(rest))]

    image = [nn.Linear(10, 12 * 49), nn.ReLU(), nn.Unflatten(1, (12, 7, 7))]
    return S(*image, *block(12, 12), *block(12, 6), same(6, 1), nn.Tanh())


FURTHER: dict[str, Layout] = {
    "a norm behind tanh": Layout(distilled, 10, RGB32),
    "a large image that is halved": Layout(
        halved, 10, GRAY, {"activation": "relu", "eps": 1e-5, "lift_activation": "yes"}
    ),
    "nested blocks, the last one too": Layout(
        lambda: Net("pixel gen", gen=S(*blocks((10, 24, 4, 1, 0), (24, 12), (12, 6), (6, 3), bias=False))), 10, RGB32
    ),
    "linear, main": Layout(
        lambda: Net(
            "linear view:24,4,4 main",
            linear=nn.Linear(10, 24 * 16),
            main=S(convt(24, 12), bn2(12), nn.ReLU(), convt(12, 3), nn.Tanh()),
        ),
        10,
        (3, 16, 16),
    ),
    "linear, nested net": Layout(
        lambda: Net(
            "linear view:24,4,4 net",
            linear=nn.Linear(10, 24 * 16),
            net=S(*blocks((24, 12), (12, 6), (6, 3), bias=False)),
        ),
        10,
        RGB32,
    ),
    "a dictionary of blocks": Layout(Dictionary, 10, RGB32),
    "sequentials with names": Layout(
        lambda: Net(
            "layer1 layer2 layer3",
            layer1=named(
                fc=nn.Linear(10, 24 * 16), reshape=View(24, 4, 4), conv1=convt(24, 12), bn_1=bn2(12), relu1=nn.ReLU()
            ),
            layer2=named(conv2=convt(12, 6), bn_2=bn2(6), relu_2=nn.ReLU()),
            layer3=named(conv3=convt(6, 3), tanh=nn.Tanh()),
        ),
        10,
        RGB32,
    ),
    "an mlp with names": Layout(
        lambda: Net(
            "model",
            model=named(
                fc1=nn.Linear(10, 12),
                act1=leaky(),
                fc2=nn.Linear(12, 14),
                act2=leaky(),
                out=nn.Linear(14, 784),
                tanh=nn.Tanh(),
            ),
        ),
        10,
        GRAY,
    ),
    "kernels of 5 without padding, 8 at the end": Layout(
        lambda: Net(
            "fc1 relu view:24,1,1 tconv2 tconv3 tconv4 tconv5 tconv6",
            fc1=nn.Linear(10, 24),
            tconv2=S(convt(24, 16, 5, 2, 0), bn2(16), nn.ReLU()),
            tconv3=S(convt(16, 12, 5, 2, 0), bn2(12), nn.ReLU()),
            tconv4=S(convt(12, 8, 5, 2, 0), bn2(8), nn.ReLU()),
            tconv5=S(convt(8, 6, 5, 2, 0), bn2(6), nn.ReLU()),
            tconv6=S(convt(6, 3, 8, 2, 0), nn.Tanh()),
        ),
        10,
        (3, 128, 128),
        {"lift_activation": "yes"},
    ),
    "linear blocks with names of their own": Layout(
        lambda: Net(
            "model.0 model.1 model.2 tanh",
            model=nn.ModuleList(
                [
                    Block("linear", nn.Linear(10, 12), "bn", bn1(12), leaky()),
                    Block("linear", nn.Linear(12, 14), "bn", bn1(14), leaky()),
                    nn.Linear(14, 784),
                ]
            ),
        ),
        10,
        GRAY,
    ),
    "one letter a layer": Layout(
        lambda: Net(
            "a ra b rb c t",
            a=nn.Linear(10, 12),
            ra=leaky(),
            b=nn.Linear(12, 14),
            rb=leaky(),
            c=nn.Linear(14, 784),
            t=nn.Tanh(),
        ),
        10,
        GRAY,
    ),
    "g, d and e as layers": Layout(
        lambda: Net("g lrelu:.2 d lrelu:.2 e tanh", g=nn.Linear(10, 12), d=nn.Linear(12, 14), e=nn.Linear(14, 784)),
        10,
        GRAY,
    ),
    "input, hidden and output layer": Layout(
        lambda: Net(
            "input_layer lrelu:.2 hidden_layer lrelu:.2 output_layer tanh",
            input_layer=nn.Linear(10, 12),
            hidden_layer=nn.Linear(12, 14),
            output_layer=nn.Linear(14, 784),
        ),
        10,
        GRAY,
    ),
    "defined in reverse": Layout(
        lambda: Net(
            "l1 lrelu:.2 l2 lrelu:.2 l3 tanh", l3=nn.Linear(14, 784), l2=nn.Linear(12, 14), l1=nn.Linear(10, 12)
        ),
        10,
        GRAY,
    ),
    "first, middle, last": Layout(
        lambda: Net(
            "pixel first bn_first relu middle bn_middle relu last tanh",
            first=convt(10, 24, 4, 1, 0),
            middle=convt(24, 12),
            last=convt(12, 3),
            bn_first=bn2(24),
            bn_middle=bn2(12),
        ),
        10,
        (3, 16, 16),
    ),
    "norms defined first, one width": Layout(
        lambda: Net(
            "pixel conv1 bn1 relu conv2 bn2 relu conv3 bn3 relu conv4 tanh",
            **{f"bn{i}": bn2(8) for i in (1, 2, 3)},
            conv1=convt(8, 8, 4, 1, 0),
            conv2=convt(8, 8),
            conv3=convt(8, 8),
            conv4=convt(8, 1),
        ),
        8,
        (1, 32, 32),
    ),
    "48 pixels": Layout(
        lambda: Net(
            "fc view:24,6,6 net",
            fc=S(nn.Linear(10, 24 * 36), nn.ReLU()),
            net=S(convt(24, 12), bn2(12), nn.ReLU(), convt(12, 6), bn2(6), nn.ReLU(), convt(6, 3), nn.Tanh()),
        ),
        10,
        (3, 48, 48),
    ),
    "96 pixels from a kernel of 6": Layout(
        lambda: Net(
            "pixel net",
            net=S(
                convt(10, 24, 6, 1, 0),
                bn2(24),
                nn.ReLU(),
                convt(24, 12),
                bn2(12),
                nn.ReLU(),
                convt(12, 6),
                bn2(6),
                nn.ReLU(),
                convt(6, 4),
                bn2(4),
                nn.ReLU(),
                convt(4, 3),
                nn.Tanh(),
            ),
        ),
        10,
        (3, 96, 96),
    ),
    "kernels of 5 to 64 pixels": Layout(
        lambda: Net(
            "project view:24,4,4 c",
            project=S(nn.Linear(10, 24 * 16, bias=False), bn1(24 * 16), nn.ReLU()),
            c=S(
                convt(24, 12, 5, 2, 2, 1),
                bn2(12),
                nn.ReLU(),
                convt(12, 8, 5, 2, 2, 1),
                bn2(8),
                nn.ReLU(),
                convt(8, 6, 5, 2, 2, 1),
                bn2(6),
                nn.ReLU(),
                convt(6, 3, 5, 2, 2, 1, bias=True),
                nn.Tanh(),
            ),
        ),
        10,
        RGB64,
    ),
    "as in another library, norm last": Layout(lambda: keras_like(False), 10, GRAY),
    "as in another library, norm first": Layout(lambda: keras_like(True), 10, GRAY, {"activation": "relu"}),
    "conv1, bn1 and interpolate after fc alone": Layout(
        lambda: Net(
            "fc view:12,8,8 up conv1 bn1 relu up conv2 bn2 relu conv3 tanh",
            fc=nn.Linear(10, 12 * 64),
            conv1=same(12, 10),
            bn1=bn2(10),
            conv2=same(10, 8),
            bn2=bn2(8),
            conv3=same(8, 3),
        ),
        10,
        RGB32,
        {"activation": "relu"},
    ),
    "dcgan, sigmoid at the end": Layout(
        lambda: Net("pixel main", main=S(convt(10, 16, 4, 1, 0), bn2(16), nn.ReLU(), convt(16, 3), nn.Sigmoid())),
        10,
        (3, 8, 8),
        {"output": "sigmoid"},
        is_unit=True,
    ),
    "mlp of 12 pixels": Layout(lambda: mlp(8, 20, 144), 8, (1, 12, 12)),
    "mlp of 12 pixels in colour": Layout(lambda: mlp(8, 20, 432), 8, (3, 12, 12)),
    "mlp of upright photos": Layout(lambda: mlp(8, 2, 218 * 178 * 3), 8, (3, 218, 178)),
    "toy of five bars": Layout(lambda: mlp(1, 4, 5, act=nn.Sigmoid, out=nn.Sigmoid()), 1, (1, 1, 5), is_unit=True),
    "toy of one layer": Layout(lambda: mlp(1, 4, out=nn.Sigmoid()), 1, (1, 1, 4), is_unit=True),
}
