"""What the grammar refuses and in which words, what a person can choose, and names and shapes made to break it."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from foreign_nets import Net, bn2, convt, leaky, mlp, same, settled, up
from hypothesis import given
from hypothesis import strategies as st
from small_nets import quick
from torch import nn

from ganexplorer.core.foreign import opening
from ganexplorer.core.foreign.candidates import candidates
from ganexplorer.core.foreign.choices import Choices
from ganexplorer.core.foreign.contents import Contents
from ganexplorer.core.foreign.critic import discriminator
from ganexplorer.core.foreign.grammar import GeneratorReading
from ganexplorer.core.foreign.opening import ForeignError
from ganexplorer.core.foreign.parts import NotUnderstood, Shape
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import mlp_generator
from ganexplorer.core.spec import LeakyReLU, Tanh

S, L, C = nn.Sequential, nn.Linear, nn.Conv2d


def shapes_of(network: nn.Module) -> dict[str, Shape]:
    return {name: tuple(values.shape) for name, values in network.state_dict().items()}


def reading_of(network: nn.Module, is_ordered: bool = True, facts: Mapping[str, Any] | None = None) -> GeneratorReading:
    return GeneratorReading.of(shapes_of(network), is_ordered, facts or {})


def refusal(network: nn.Module, is_ordered: bool = True) -> str:
    """Why a file with this state dict is refused."""
    tensors = {name: values.numpy() for name, values in network.state_dict().items()}
    if not is_ordered:
        tensors = dict(sorted(tensors.items()))
    with pytest.raises(ForeignError) as caught:
        opening.understand(Path("model.pt"), Contents("pytorch" if is_ordered else "safetensors", tensors))
    return str(caught.value)


class Holder(nn.Module):
    """Layers and parameters by name; it is never run."""

    def __init__(self, **members: nn.Module | nn.Parameter) -> None:
        super().__init__()
        for name, member in members.items():
            setattr(self, name, member)


def residual(inputs: int, outputs: int) -> nn.Module:
    return Holder(
        c1=same(inputs, outputs), c2=same(outputs, outputs), b1=bn2(inputs), b2=bn2(outputs), c_sc=C(inputs, outputs, 1)
    )


def strided(*widths: int) -> dict[str, nn.Module]:
    return {f"conv{i}": C(a, b, 4, 2, 1, bias=False) for i, (a, b) in enumerate(itertools.pairwise(widths), 1)}


# what is refused, with what the message names
REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "conditional by an embedding": (
        lambda: Holder(label_emb=nn.Embedding(10, 10), model=mlp(20, 16, 784)),
        "label_emb",
    ),
    "conditional by a product": (
        lambda: Holder(label_emb=nn.Embedding(10, 10), l1=S(L(10, 12 * 49)), conv=S(up(), same(12, 1))),
        "label_emb",
    ),
    "conditional by two inputs": (
        lambda: Holder(deconv1_1=convt(10, 16), deconv1_2=convt(10, 16), deconv2=convt(32, 8), deconv3=convt(8, 1)),
        "deconv",
    ),
    "residual of one width": (
        lambda: Holder(l1=L(10, 256), block2=residual(16, 16), block3=residual(16, 16), b5=bn2(16), c5=same(16, 3)),
        "c_sc",
    ),
    "residual of falling widths": (
        lambda: Holder(l1=L(10, 512), block2=residual(32, 16), b5=bn2(16), c5=same(16, 3)),
        "c_sc",
    ),
    "residual by no name": (
        lambda: Holder(
            l=L(10, 256), blocks=nn.ModuleList([Holder(conv1=same(16, 16), conv2=same(16, 16))]), out=same(16, 3)
        ),
        "blocks.0",
    ),
    "attention": (
        lambda: Holder(
            l1=S(convt(10, 16, 4, 1, 0), bn2(16), nn.ReLU()),
            last=S(convt(16, 3)),
            attn1=Holder(query_conv=C(16, 2, 1), gamma=nn.Parameter(torch.zeros(1))),
        ),
        "attn1",
    ),
    "style": (lambda: Holder(style=S(L(16, 16), L(16, 16)), synthesis=S(convt(16, 3))), "style.0"),
    "constant": (
        lambda: Holder(mapping=S(L(9, 9)), synthesis=Holder(const=nn.Parameter(torch.zeros(9, 4, 4)))),
        "synthesis",
    ),
    "recurrent": (lambda: Holder(lstm=nn.LSTM(10, 20), fc=L(20, 784)), "lstm"),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16), "self_attn|norm1"),
    "classifier of convolutions": (
        lambda: S(C(3, 8, 3), nn.ReLU(), C(8, 8, 3), nn.Flatten(), L(128, 10)),
        "0 is a convolution",
    ),
    "classifier by names": (
        lambda: Holder(conv1=C(1, 6, 5), conv2=C(6, 16, 5), fc1=L(256, 84), fc2=L(84, 10)),
        "conv1 is a convolution",
    ),
    "classifier of linear layers": (lambda: mlp(784, 128, 10), "takes 784 values and gives 10"),
    "classifier of small pictures": (lambda: mlp(64, 32, 10), "takes 64 values and gives 10"),
    "classifier of a hundred": (lambda: mlp(3072, 32, 100), "takes 3,072 values and gives 100"),
    "regressor": (lambda: mlp(8, 16, 1), "2 gives 1 value, as a discriminator does"),
    "autoencoder": (lambda: mlp(784, 16, 784), "an autoencoder"),
    "encoder and decoder": (lambda: Holder(encoder=mlp(784, 32), decoder=mlp(32, 784)), "encoder.0"),
    "vae": (lambda: Holder(fc1=L(784, 40), fc21=L(40, 20), fc22=L(40, 20), fc3=L(20, 40), fc4=L(40, 784)), "fc"),
    "vae of two dimensions": (
        lambda: Holder(fc1=L(784, 40), fc21=L(40, 2), fc22=L(40, 2), fc3=L(2, 40), fc4=L(40, 784)),
        "fc",
    ),
    "vae by other names": (
        lambda: Holder(a=L(784, 40), b1=L(40, 25), b2=L(40, 25), c=L(25, 40), d=L(40, 784)),
        "b2|takes",
    ),
    "instance norm": (
        lambda: S(convt(10, 16), nn.InstanceNorm2d(16, affine=True), nn.ReLU(), convt(16, 3)),
        "1 has 16 weights",
    ),
    "layer norm": (lambda: S(L(10, 16), nn.LayerNorm(16), nn.ReLU(), L(16, 784)), "1 has 16 weights"),
    "group norm": (lambda: S(convt(10, 16), nn.GroupNorm(4, 16), nn.ReLU(), convt(16, 3)), "1 has 16 weights"),
    "prelu": (lambda: S(L(10, 16), nn.PReLU(), L(16, 784)), "1 has 1 weights.*PReLU"),
    "pixel shuffle": (
        lambda: Holder(l1=L(10, 256), conv=S(same(16, 32), nn.PixelShuffle(2), leaky(), same(8, 3))),
        "conv",
    ),
    "discriminator": (lambda: Holder(**strided(3, 8, 16, 1)), "conv"),
    "discriminator without order": (
        lambda: Holder(
            first=C(3, 8, 4, 2, 1, bias=False), second=C(8, 16, 4, 2, 1, bias=False), last=C(16, 1, 4, bias=False)
        ),
        "takes",
    ),
    "one dimension": (lambda: S(nn.ConvTranspose1d(10, 8, 4)), "3 dimensions"),
    "three dimensions": (lambda: S(nn.ConvTranspose3d(10, 8, 4)), "5 dimensions"),
    "features": (
        lambda: S(convt(10, 16, 4, 1, 0), nn.ReLU(), convt(16, 64)),
        "2 gives 64 channels, expected an image of 1 to 4",
    ),
    "embedding": (lambda: nn.Embedding(100, 20), "one matrix alone"),
    "part of a generator": (
        lambda: Holder(gen=mlp(10, 16, 64), attn=nn.MultiheadAttention(64, 2), final=L(64, 784)),
        "attn",
    ),
    "norms alone": (lambda: S(bn2(3)), "no linear layer and no convolution"),
    "too large z": (lambda: mlp(5000, 3, 6000), "5,000 values, expected a z of up to 4,096"),
}


@pytest.mark.parametrize("is_ordered", [True, False], ids=["in the order of the file", "sorted"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_plain_generator_is_refused_by_the_layer_that_tells(name: str, is_ordered: bool) -> None:
    make, words = REFUSED[name]
    text = refusal(make(), is_ordered)
    assert re.search(words, text), text
    assert "; found " in text
    assert "Expected linear layers" in text
    assert "\n" not in text


def test_a_generator_that_is_refused_is_not_replaced_by_a_part_of_it() -> None:
    network = Holder(netG=Holder(gen=mlp(10, 16, 64), norm=nn.LayerNorm(64), final=L(64, 784)), netD=mlp(784, 8, 1))
    assert "norm has 64 weights and no running statistics" in refusal(network)


def test_a_missing_layer_and_one_too_many_are_named() -> None:
    state = dict(mlp(5, 9, 12, 16).state_dict())
    without = {name: values.numpy() for name, values in state.items() if not name.startswith("2.")}
    with pytest.raises(ForeignError, match="4 takes 12 values, expected 9 values"):
        opening.understand(Path("model.pt"), Contents("pytorch", without))
    more = {name: values.numpy() for name, values in state.items()} | {"extra.weight": np.ones((3, 3), np.float32)}
    with pytest.raises(ForeignError, match="extra takes 3 values, expected 16 values"):
        opening.understand(Path("model.pt"), Contents("pytorch", more))


# ---- what a person can choose


def test_only_choices_that_make_a_difference_are_open() -> None:
    common = {"activation", "slope", "output", "prior", "image_shape", "transpose"}
    assert set(reading_of(mlp(5, 9, 16)).open_choices) == common | {"channels_last"}
    assert set(reading_of(mlp(5, 16)).open_choices) == common - {"activation", "slope"} | {"channels_last"}
    in_one = S(L(5, 48), nn.Unflatten(1, (12, 2, 2)), bn2(12), up(), same(12, 6), bn2(6), leaky(), same(6, 1))
    assert set(reading_of(in_one).open_choices) == common | {"eps", "first_eps", "upsample"}
    apart = Net("", fc=L(5, 48), conv1=same(12, 6), conv2=same(6, 1))
    assert set(reading_of(apart).open_choices) == common | {"lift_activation", "upsample"}


@pytest.mark.parametrize(
    ("values", "usual"),
    [
        (784, (1, 28, 28)),
        (3072, (3, 32, 32)),
        (12288, (3, 64, 64)),
        (256, (1, 16, 16)),
        (16, (1, 4, 4)),
        (4, (1, 1, 4)),
        (560, (1, 28, 20)),
        (240, (1, 16, 15)),
        (3 * 218 * 178, (3, 218, 178)),
        (9, (1, 1, 9)),
        (1009, (1, 1, 1009)),
    ],
)
def test_values_of_a_last_linear_layer_make_the_usual_picture(values: int, usual: tuple[int, int, int]) -> None:
    reading = reading_of(mlp(2, 3, values))
    assert reading.image_shape() == usual
    assert reading.image_shapes[0] == usual
    assert all(np.prod(shape) == values for shape in reading.image_shapes)


def test_the_sizes_that_layers_can_lead_to_are_offered_and_each_can_be_built() -> None:
    network = Net("", fc=L(5, 12 * 16), conv1=same(12, 8), conv2=same(8, 6), conv3=same(6, 3))
    reading = reading_of(network)
    assert reading.sizes == [8, 16, 32]
    for shape in reading.image_shapes:
        spec, sources = reading.build(reading.usual().changed({"image_shape": list(shape)}))
        assert spec.image_shape == shape
        assert sorted(sources.values()) == ["conv1", "conv2", "conv3", "fc"]
    with pytest.raises(NotUnderstood, match="do not lead to 28x28 pixels; possible: 8x8, 16x16, 32x32"):
        reading.build(reading.usual().changed({"image_shape": "3,28,28"}))
    with pytest.raises(NotUnderstood, match="square images of 3 channels, not 1x32x32"):
        reading.build(reading.usual().changed({"image_shape": "32"}))
    with pytest.raises(NotUnderstood, match="channels_last is for networks of linear layers"):
        reading.build(reading.usual().changed({"channels_last": True}))


def test_facts_of_a_file_are_taken_for_strides_and_paddings() -> None:
    network = S(convt(5, 8, 4, 1, 0), nn.ReLU(), convt(8, 3, 4, 2, 2))
    facts = {
        "0": {"class": "ConvTranspose2d", "stride": [1, 1], "padding": [0, 0]},
        "2": {"class": "ConvTranspose2d", "stride": [2, 2], "padding": [2, 2], "output_padding": [0, 0]},
    }
    reading = reading_of(network, True, facts)
    assert reading.image_shape() == (3, 6, 6)
    assert "3@6x6" in reading.build(reading.usual())[0].summary()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"0": {"class": "ConvTranspose2d", "stride": [2, 1]}}, "stride"),
        ({"0": {"class": "ConvTranspose2d", "stride": [1, 1], "dilation": [2, 2]}}, "dilation 2"),
        ({"0": {"class": "ConvTranspose2d", "stride": [1, 1], "padding_mode": "reflect"}}, "padding by reflect"),
        ({"0": {"class": "ConvTranspose2d", "stride": [1, 1], "padding": "same"}}, "padding 'same'"),
        ({"0": {"class": "ConvTranspose2d", "stride": [-1, -1]}}, "stride -1"),
        ({"0": {"class": "EqualConvTranspose"}}, "0 is a EqualConvTranspose, expected Conv2d or ConvTranspose2d"),
        ({"1": {"class": "PixelNorm"}}, "1 is a PixelNorm, which is not opened"),
        ({"1": {"class": "ReflectionPad2d"}}, "1 is a ReflectionPad2d"),
        ({"1": {"class": "InstanceNorm2d", "affine": False}}, "1 is a InstanceNorm2d"),
        ({"1": {"class": "LeakyReLU", "negative_slope": [1]}}, "expected a number from 0 to 10"),
        ({"1": {"class": "ReLU"}, "3": {"class": "LeakyReLU", "negative_slope": 0.2}}, "differ from layer to layer"),
        ({"1": {"class": "Upsample", "scale_factor": 3.0, "mode": "nearest"}}, "expected one by 2"),
        ({"1": {"class": "Upsample", "scale_factor": 2.0, "mode": "bicubic"}}, "bicubic"),
        ({"1": {"class": "ELU", "alpha": 0.5}}, "a parameter of its own"),
    ],
)
def test_facts_of_a_file_that_the_grammar_has_no_word_for_are_refused(facts: dict[str, Any], words: str) -> None:
    network = S(convt(5, 8, 4, 1, 0), nn.ReLU(), convt(8, 3))
    with pytest.raises(NotUnderstood, match=words):
        reading_of(network, True, facts).usual()


def test_facts_of_a_file_tell_activations_eps_and_output() -> None:
    network = S(L(5, 9), nn.BatchNorm1d(9, 0.3), nn.ELU(), L(9, 16), nn.Sigmoid())
    facts = {"0": {"class": "Linear"}, "1": {"class": "BatchNorm1d", "eps": 0.3}, "2": {"class": "ELU", "alpha": 1.0}}
    choices = reading_of(network, True, facts | {"3": {"class": "Linear"}, "4": {"class": "Sigmoid"}}).usual()
    assert (choices.activation, choices.eps, choices.output) == ("elu", 0.3, "sigmoid")


def test_a_dropout_that_a_file_tells_of_is_no_activation() -> None:
    network = S(L(5, 9), nn.Dropout(), L(9, 12), nn.ReLU(), L(12, 16), nn.Tanh())
    facts = {str(i): {"class": type(layer).__name__} for i, layer in enumerate(network)}
    reading = reading_of(network, True, facts)
    kinds = [layer.kind for layer in reading.build(reading.usual())[0].layers]
    assert kinds == ["linear", "linear", "relu", "linear", "tanh", "reshape"]


def test_activations_that_are_defined_before_the_layers_are_told_apart() -> None:
    network = Holder(tanh=nn.Tanh(), relu=nn.ReLU(), fc1=L(5, 9), fc2=L(9, 16))
    facts = {
        "tanh": {"class": "Tanh"},
        "relu": {"class": "ReLU"},
        "fc1": {"class": "Linear"},
        "fc2": {"class": "Linear"},
    }
    choices = reading_of(network, True, facts).usual()
    assert (choices.activation, choices.output) == ("relu", "tanh")


# ---- discriminators


def judged(network: nn.Module, image: tuple[int, int, int] = (3, 32, 32), **choices: Any) -> Any:
    generator = mlp_generator(4, (5,), image, Prior.normal(), LeakyReLU(0.2), Tanh())
    return discriminator(shapes_of(network), True, {}, generator, Choices(image_shape=image, **choices))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: mlp(99, 8, 1), "takes 99 values"),
        (lambda: mlp(3072, 8, 10), "2 gives 10 values, expected 1 of a discriminator"),
        (lambda: S(C(1, 4, 4, 2, 1), leaky(), C(4, 1, 16)), "takes an image of 1 channels"),
        (lambda: S(C(3, 4, 4, 2, 1), leaky(), C(4, 1, 3)), "no usual strides and paddings lead from 32x32"),
        (lambda: Holder(conv=S(C(3, 4, 4, 2, 1)), label_emb=L(4, 1)), "label_emb"),
        (lambda: S(C(3, 4, 4, 2, 1), nn.PReLU(), C(4, 1, 16)), "1 has 1 weights"),
    ],
)
def test_a_discriminator_that_does_not_fit_is_told_in_words(make: Callable[[], nn.Module], words: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        judged(make())
    assert words in str(caught.value)


def test_a_discriminator_of_convolutions_needs_a_square_image() -> None:
    with pytest.raises(NotUnderstood, match="take a square image"):
        judged(S(C(3, 4, 4, 2, 1), leaky(), C(4, 1, 8)), (3, 16, 32))


# ---- names and shapes made to break it

WORDS = (
    "main",
    "0",
    "1",
    "2",
    "10",
    "fc",
    "conv1",
    "bn1",
    "block",
    "G",
    "netD",
    "module",
    "",
    "weight",
    "99999999999999999999",
)
LEAVES = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked", "weight", "weight")
SIZES = st.sampled_from((0, 1, 2, 3, 4, 8, 16, 64, 512, 2**24, 2**62))
SHAPES = st.lists(SIZES, max_size=5).map(tuple)
NAMES = st.builds(
    lambda words, leaf, joint: joint.join([*words, leaf]),
    st.lists(st.sampled_from(WORDS), max_size=5),
    st.sampled_from(LEAVES),
    st.sampled_from((".", "/", ".")),
)


JUDGED = mlp_generator(4, (5,), (3, 32, 32), Prior.normal(), LeakyReLU(0.2), Tanh())


def assert_ends_well(shapes: dict[str, Shape]) -> None:
    """Each candidate is refused in words or becomes a spec within bounds; the slowest take about 1 s."""
    for is_ordered in (True, False):
        start = time.process_time()
        for candidate in candidates(shapes):
            with contextlib.suppress(NotUnderstood):
                reading = GeneratorReading.of(candidate.shapes, is_ordered, {})
                spec, _ = reading.build(reading.usual())
                assert reading.image_shapes
                assert reading.open_choices
                assert spec.parameter_count <= 500_000_000
            with contextlib.suppress(NotUnderstood):
                discriminator(candidate.shapes, is_ordered, {}, JUDGED, Choices(image_shape=JUDGED.image_shape))
        assert time.process_time() - start < 10


@given(st.dictionaries(NAMES, SHAPES, max_size=12))
@quick
def test_any_names_and_shapes_end_in_words_or_in_a_spec(shapes: dict[str, Shape]) -> None:
    assert_ends_well(shapes)


@given(st.data())
@quick
def test_any_chain_of_layers_ends_in_words_or_in_a_spec(data: st.DataObject) -> None:
    """Layers that are well-formed, of few widths, so that much follows on much."""
    widths = st.sampled_from((1, 3, 4, 8, 16, 64))
    shapes: dict[str, Shape] = {}
    for i in range(data.draw(st.integers(1, 14))):
        name = data.draw(st.sampled_from(("{}", "main.{}", "layer{}", "b{}.0", "x{}y", "bn{}"))).format(i)
        a, b = data.draw(widths), data.draw(widths)
        match data.draw(st.sampled_from(("linear", "conv", "norm"))):
            case "linear":
                shapes[f"{name}.weight"] = (a, b)
            case "conv":
                kernel = data.draw(st.sampled_from((1, 2, 3, 4, 5, 7, 8)))
                shapes[f"{name}.weight"] = (a, b, kernel, kernel)
            case _:
                shapes[f"{name}.running_mean"] = shapes[f"{name}.running_var"] = (a,)
    assert_ends_well(shapes)


def shuffled(shapes: dict[str, Shape]) -> dict[str, Shape]:
    names = list(shapes)
    random.Random(0).shuffle(names)
    return {name: shapes[name] for name in names}


def named(count: int) -> list[str]:
    return ["".join(random.Random(i).choices("abcdefghijklmnop", k=6)) for i in range(count)]


ADVERSARIAL: dict[str, Callable[[], dict[str, Shape]]] = {
    "thousands of names": lambda: {f"layer{i}.weight": (8, 8) for i in range(20_000)},
    "thousands of networks": lambda: {f"{i}/fc.weight": (16, 8) for i in range(500)},
    "equal widths and no order": lambda: shuffled({f"{name}.weight": (8, 8) for name in named(40)}),
    "equal convolutions and no order": lambda: shuffled(
        {f"{name}.weight": (8, 8, 3, 3) for name in named(40)} | {"z.weight": (16, 8, 4, 4)}
    ),
    "equal norms and layers": lambda: shuffled(
        {f"{name}.weight": (8, 8, 4, 4) for name in named(30)}
        | {f"q{name}.{leaf}": (8,) for name in named(30) for leaf in ("running_mean", "running_var")}
    ),
    "widths that divide each other": lambda: shuffled(
        {f"{name}.weight": (2**i, 2 ** (39 - i)) for i, name in enumerate(named(20))}
    ),
    "a chain in reverse": lambda: {f"x{name}.weight": (41 - i, 40 - i) for i, name in enumerate(named(40))},
    "two hundred layers": lambda: {f"{2 * i}.weight": (8, 8) for i in range(199)} | {"398.weight": (784, 8)},
    "two hundred transposed ones": lambda: {f"{2 * i}.weight": (4, 4, 3, 3) for i in range(200)},
    "two hundred of a growing kind": lambda: {f"{i}.weight": (4, 4, 4, 4) for i in range(90)} | {"99.bias": (4,)},
    "deep names": lambda: {"module." * 120 + f"{i}.weight": (8, 8) for i in range(5)},
    "deep dictionaries": lambda: {"G/" * 100 + f"{i}.weight": (8, 8) for i in range(5)},
    "huge outputs": lambda: {"0.weight": (2**24, 8)},
    "outputs without divisors": lambda: {"0.weight": (16777213, 8), "0.bias": (16777213,)},
    "a huge linear layer before an image": lambda: {"0.weight": (2**24, 4), "1.weight": (1, 3, 4, 4)},
    "kernels as large as they may be": lambda: {f"{i}.weight": (3, 3, 64, 64) for i in range(60)},
    "numbers without end": lambda: {f"{'9' * 250}{i}.weight": (8, 8) for i in range(9)},
    "empty names": lambda: {"": (3,), ".": (3,), "..weight": (3, 3), "/": (), "//.": (2, 2)},
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_names_and_shapes_made_to_keep_us_busy_do_not(name: str) -> None:
    assert_ends_well(ADVERSARIAL[name]())


def test_nothing_is_allocated_for_shapes_before_they_were_checked() -> None:
    """A network of claimed shapes of terabytes is refused by its spec or before."""
    huge: dict[str, Shape] = {"0.weight": (2**24, 2**24), "0.bias": (2**24,)}
    with pytest.raises(NotUnderstood):
        GeneratorReading.of(huge, True, {})


def test_a_settled_network_is_in_eval_mode_and_no_norm_is_the_identity() -> None:
    network = settled(lambda: S(L(3, 4), nn.BatchNorm1d(4)), torch.randn(256, 3))
    assert not network.training
    assert bool((network[1].running_var != 1).all())  # type: ignore[index]
