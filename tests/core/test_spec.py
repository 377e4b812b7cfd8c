"""Network descriptions: what they say of themselves, their JSON, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_nets import DISCRIMINATORS, GENERATORS, quick

from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import build, dcgan_discriminator, dcgan_generator, mlp_discriminator, mlp_generator
from ganexplorer.core.spec import (
    ELU,
    GELU,
    LAYER_KINDS,
    MAX_LAYERS,
    MAX_Z_DIM,
    SELU,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    Layer,
    LeakyReLU,
    Linear,
    NetworkSpec,
    Permute,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    SpecError,
    Tanh,
    Upsample,
)

NORMAL = Prior.normal()
SPECS = GENERATORS | {f"D {name}": spec for name, spec in DISCRIMINATORS.items()}

# one network for each kind of layer, with no option at its default
ONE_OF_EACH: dict[str, NetworkSpec] = {
    "linear": NetworkSpec((Linear(3, 4, bias=False), Reshape((1, 2, 2))), (1, 2, 2), 3, NORMAL),
    "conv2d": NetworkSpec((Conv2d(2, 1, 3, 2, 1, bias=False), Reshape((1,))), (2, 2, 2)),
    "conv_transpose2d": NetworkSpec(
        (Reshape((2, 2, 1)), ConvTranspose2d(2, 3, 4, 3, 1, False, output_padding=2)), (3, 7, 4), 4, NORMAL
    ),
    "batch_norm": NetworkSpec((BatchNorm(4, eps=0.01, momentum=0.5), Reshape((4, 1, 1))), (4, 1, 1), 4, NORMAL),
    "leaky_relu": NetworkSpec((LeakyReLU(0.3), Reshape((1, 1, 2))), (1, 1, 2), 2, Prior.uniform(-0.5, 2)),
    "relu": NetworkSpec((ReLU(), Reshape((1, 1, 2))), (1, 1, 2), 2, Prior.constant(0.25)),
    "elu": NetworkSpec((ELU(0.5), Reshape((1, 1, 2))), (1, 1, 2), 2, NORMAL),
    "selu": NetworkSpec((SELU(), Reshape((1, 1, 2))), (1, 1, 2), 2, NORMAL),
    "gelu": NetworkSpec((GELU(), Reshape((1, 1, 2))), (1, 1, 2), 2, NORMAL),
    "silu": NetworkSpec((SiLU(), Reshape((1, 1, 2))), (1, 1, 2), 2, NORMAL),
    "tanh": NetworkSpec((Tanh(), Reshape((1, 1, 2))), (1, 1, 2), 2, Prior.normal(1, 3)),
    "sigmoid": NetworkSpec((Sigmoid(), Reshape((1, 1, 2))), (1, 1, 2), 2, NORMAL, (0.0, 1.0)),
    "reshape": NetworkSpec((Reshape((12,)), Linear(12, 1)), (3, 2, 2), value_range=(0.0, 1.0)),
    "permute": NetworkSpec((Reshape((2, 4, 3)), Permute((3, 1, 2))), (3, 2, 4), 24, NORMAL),
    "upsample": NetworkSpec((Reshape((1, 2, 1)), Upsample(3, "bilinear")), (1, 6, 3), 2, NORMAL),
}


def generator_json(**changes: Any) -> str:
    """A valid description of a generator, entries replaced."""
    data = {
        "layers": [{"kind": "linear", "inputs": 2, "outputs": 4}, {"kind": "reshape", "shape": [1, 2, 2]}],
        "image_shape": [1, 2, 2],
        "value_range": [-1, 1],
        "z_dim": 2,
        "prior": {"kind": "normal", "a": 0.0, "b": 1.0},
    }
    return json.dumps(data | changes)


def with_layer(first: object) -> str:
    """A description whose second layer is `first` (between two that fit when it is an activation)."""
    return generator_json(layers=[{"kind": "linear", "inputs": 2, "outputs": 4}, first, {"kind": "reshape",
                                  "shape": [1, 2, 2]}])  # fmt: skip


def test_every_layer_kind_is_covered_here() -> None:
    assert ONE_OF_EACH.keys() == LAYER_KINDS.keys()


@pytest.mark.parametrize("spec", [*ONE_OF_EACH.values(), *SPECS.values()], ids=[*ONE_OF_EACH, *SPECS])
def test_json_gives_the_same_spec_back(spec: NetworkSpec) -> None:
    assert NetworkSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_json_keeps_every_option_of_a_layer(kind: str) -> None:
    spec = ONE_OF_EACH[kind]
    layer = next(layer for layer in spec.layers if layer.kind == kind)
    written = next(item for item in json.loads(spec.to_json())["layers"] if item["kind"] == kind)
    options = {name: list(value) if isinstance(value, tuple) else value for name, value in written.items()}
    fields = {name: getattr(layer, name) for name in layer.__dataclass_fields__}
    assert options == {"kind": kind} | {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}


def test_options_that_json_leaves_out_have_their_defaults() -> None:
    spec = NetworkSpec.from_json(with_layer({"kind": "leaky_relu"}))
    assert spec.layers[:2] == (Linear(2, 4, bias=True), LeakyReLU(0.01))


def test_json_of_a_discriminator_mentions_no_latent() -> None:
    assert not {"z_dim", "prior"} & json.loads(DISCRIMINATORS["mlp-logits"].to_json()).keys()


@pytest.mark.parametrize("spec", [*ONE_OF_EACH.values(), *SPECS.values()], ids=[*ONE_OF_EACH, *SPECS])
def test_parameter_count_is_that_of_the_module(spec: NetworkSpec) -> None:
    assert spec.parameter_count == sum(parameter.numel() for parameter in build(spec).parameters())


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_shapes_are_those_that_the_module_gives(spec: NetworkSpec) -> None:
    x = torch.zeros(2, *spec.input_shape)
    seen = [tuple(x.shape[1:])]
    for module in build(spec).eval().layers:
        x = module(x)
        seen.append(tuple(x.shape[1:]))
    assert spec.shapes == tuple(seen)


def test_shapes_of_a_dcgan_double_from_four_pixels() -> None:
    spec = dcgan_generator(100, (512, 256, 128, 64), (3, 64, 64), NORMAL, Tanh())
    images = [shape for shape in spec.shapes if len(shape) == 3]
    assert list(dict.fromkeys(images)) == [
        (100, 1, 1), (512, 4, 4), (256, 8, 8), (128, 16, 16), (64, 32, 32), (3, 64, 64),
    ]  # fmt: skip


def test_summary_of_an_mlp_is_its_widths() -> None:
    spec = mlp_generator(64, (256, 256), (1, 28, 28), NORMAL, LeakyReLU(), Tanh())
    assert spec.summary() == "64-256-256-784"


def test_summary_of_a_dcgan_names_channels_and_sizes() -> None:
    spec = dcgan_generator(100, (64, 32), (3, 16, 16), NORMAL, Tanh())
    assert spec.summary() == "100-64@4x4-32@8x8-3@16x16"


def test_summary_of_a_discriminator_goes_from_image_to_verdict() -> None:
    assert mlp_discriminator((256, 64), (1, 28, 28), LeakyReLU(), Sigmoid()).summary() == "1@28x28-256-64-1"
    assert dcgan_discriminator((8, 16), (3, 16, 16), LeakyReLU(), None).summary() == "3@16x16-8@8x8-16@4x4-1@1x1"


@pytest.mark.parametrize(
    ("name", "family"), [("mlp-64", "mlp"), ("mlp-bn", "mlp"), ("dcgan-16", "dcgan"), ("upsampling", "dcgan")]
)
def test_family_is_told_by_the_layers(name: str, family: str) -> None:
    assert GENERATORS[name].family == family


def test_a_generator_has_a_prior_and_takes_z() -> None:
    spec = GENERATORS["dcgan-16"]
    assert spec.is_generator
    assert spec.input_shape == (10,)


def test_a_discriminator_has_no_prior_and_takes_images() -> None:
    spec = DISCRIMINATORS["dcgan-logits"]
    assert not spec.is_generator
    assert spec.input_shape == (3, 16, 16)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((Linear(3, 4), Reshape((1, 2, 2))), r"layer 0 \(linear\): linear layer takes 3 values, gets 2 values"),
        ((Linear(2, 5), Linear(4, 4), Reshape((1, 2, 2))), r"layer 1 \(linear\): .*takes 4 values, gets 5 values"),
        ((Linear(2, 5), Reshape((1, 2, 2))), r"layer 1 \(reshape\): 5 values cannot be reshaped to 1 x 2 x 2"),
        ((Reshape((2, 1, 1)), Reshape((1, 2, 1))), r"layer 1 \(reshape\)"),
        ((Linear(2, 4), Conv2d(1, 1, 1)), r"layer 1 \(conv2d\): .*image of 1 channels, gets 4 values"),
        ((Reshape((2, 1, 1)), Conv2d(1, 1, 1)), r"layer 1 \(conv2d\): .*1 channels, gets 2 x 1 x 1"),
        ((Reshape((2, 1, 1)), Conv2d(2, 1, 3)), r"layer 1 \(conv2d\): convolution 3x3 is larger than its input"),
        ((Reshape((2, 1, 1)), ConvTranspose2d(3, 1, 2)), r"layer 1 \(conv_transpose2d\): .*3 channels"),
        ((Reshape((2, 1, 1)), ConvTranspose2d(2, 1, 2, 1, 1)), r"layer 1 .*leaves nothing of its input 2 x 1 x 1"),
        ((BatchNorm(3), Linear(2, 4), Reshape((1, 2, 2))), r"layer 0 \(batch_norm\): .*3 features, gets 2 values"),
        ((Upsample(2), Reshape((1, 2, 2))), r"layer 0 \(upsample\): upsampling takes an image, gets 2 values"),
    ],
)
def test_layers_that_do_not_fit_each_other_are_refused_by_number(layers: tuple[Layer, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        NetworkSpec(layers, (1, 2, 2), 2, NORMAL)


def test_a_generator_that_ends_in_another_shape_than_its_image_is_refused() -> None:
    with pytest.raises(SpecError, match=r"gives 1 x 4 x 1, the network should give 1 x 2 x 2"):
        NetworkSpec((Linear(2, 4), Reshape((1, 4, 1))), (1, 2, 2), 2, NORMAL)


def test_a_generator_that_ends_in_a_flat_image_is_refused() -> None:
    with pytest.raises(SpecError, match="gives 4 values, the network should give 1 x 2 x 2"):
        NetworkSpec((Linear(2, 4),), (1, 2, 2), 2, NORMAL)


def test_a_discriminator_that_gives_two_values_is_refused() -> None:
    with pytest.raises(SpecError, match="gives 2 values, the network should give 1 values"):
        NetworkSpec((Reshape((4,)), Linear(4, 2)), (1, 2, 2))


def test_a_discriminator_with_a_z_dim_is_refused() -> None:
    with pytest.raises(SpecError, match="a discriminator has no z_dim"):
        NetworkSpec((Reshape((4,)), Linear(4, 1)), (1, 2, 2), z_dim=3)


@pytest.mark.parametrize("count", [0, MAX_LAYERS + 1])
def test_no_layers_and_too_many_are_refused(count: int) -> None:
    with pytest.raises(SpecError, match=f"1 to {MAX_LAYERS} layers, not {count}"):
        NetworkSpec((ReLU(),) * count, (1, 1, 1), 1, NORMAL)


def test_as_many_layers_as_allowed_are_taken() -> None:
    spec = NetworkSpec((*[ReLU()] * (MAX_LAYERS - 1), Reshape((1, 1, 1))), (1, 1, 1), 1, NORMAL)
    assert NetworkSpec.from_json(spec.to_json()) == spec


def test_too_many_layers_in_json_are_refused() -> None:
    with pytest.raises(SpecError, match=f"1 to {MAX_LAYERS} layers"):
        NetworkSpec.from_json(generator_json(layers=[{"kind": "relu"}] * (MAX_LAYERS + 1)))


@pytest.mark.parametrize("z_dim", [0, -1, MAX_Z_DIM + 1])
def test_z_dim_out_of_bounds_is_refused(z_dim: int) -> None:
    with pytest.raises(SpecError, match=f"z_dim is 1 to {MAX_Z_DIM}, not {z_dim}"):
        NetworkSpec((Reshape((1, 1, 1)),), (1, 1, 1), z_dim, NORMAL)


@pytest.mark.parametrize("shape", [(1, 2), (1, 2, 2, 1), (), (1, 0, 2), (-1, 2, 2)])
def test_an_image_shape_without_three_sizes_is_refused(shape: Any) -> None:
    with pytest.raises(SpecError, match="image_shape"):
        NetworkSpec((Linear(2, 4), Reshape((1, 2, 2))), shape, 2, NORMAL)


@pytest.mark.parametrize("value_range", [(0.0, 2.0), (1.0, -1.0), (0.0, 0.0), (float("nan"), 1.0)])
def test_another_value_range_is_refused(value_range: tuple[float, float]) -> None:
    with pytest.raises(SpecError, match="value_range"):
        NetworkSpec((Linear(2, 4), Reshape((1, 2, 2))), (1, 2, 2), 2, NORMAL, value_range)


@pytest.mark.parametrize(
    "layer",
    [
        Conv2d(2, 1, 65, padding=64),
        Conv2d(2, 1, 0),
        Conv2d(2, 1, 1, stride=0),
        Conv2d(2, 1, 1, stride=65),
        Conv2d(2, 1, 1, padding=-1),
        Conv2d(2, 1, 1, padding=65),
        Conv2d(2, 0, 1),
        Conv2d(2, -3, 1),
        Conv2d(2, 2**24 + 1, 1),
        ConvTranspose2d(2, 1, 65),
        ConvTranspose2d(2, 1, 1, stride=65),
        Upsample(65),
        Upsample(0),
        Upsample(-2),
    ],
    ids=repr,
)
def test_sizes_of_image_layers_out_of_bounds_are_refused_by_name(layer: Layer) -> None:
    with pytest.raises(SpecError, match=rf"layer 1 \({layer.kind}\): \w+ is -?\d+, not [01] to \d+"):
        NetworkSpec((Reshape((2, 1, 1)), layer), (1, 1, 1), 2, NORMAL)


@pytest.mark.parametrize(
    ("layer", "option"),
    [
        (LeakyReLU(float("nan")), "slope"),
        (LeakyReLU(float("inf")), "slope"),
        (LeakyReLU(-0.1), "slope"),
        (LeakyReLU(10.5), "slope"),
        (BatchNorm(2, eps=float("nan")), "eps"),
        (BatchNorm(2, eps=-1e-5), "eps"),
        (BatchNorm(2, momentum=float("-inf")), "momentum"),
    ],
    ids=repr,
)
def test_numbers_of_a_layer_that_are_nan_infinite_or_negative_are_refused(layer: Layer, option: str) -> None:
    with pytest.raises(SpecError, match=rf"layer 0 \({layer.kind}\): {option}"):
        NetworkSpec((layer, Reshape((1, 1, 2))), (1, 1, 2), 2, NORMAL)


def test_more_parameters_than_allowed_are_refused_with_the_number() -> None:
    layers = (Linear(1, 2**15), Linear(2**15, 2**15), Linear(2**15, 1), Reshape((1, 1, 1)))
    with pytest.raises(SpecError, match="1,073,872,897 parameters are more than 500,000,000"):
        NetworkSpec(layers, (1, 1, 1), 1, NORMAL)


def test_an_output_too_large_for_memory_is_refused() -> None:
    layers = (Reshape((1, 1, 1)), *[Upsample(64)] * 3)
    with pytest.raises(SpecError, match=r"layer 3 \(upsample\): output 1 x 262144 x 262144 is too large"):
        NetworkSpec(layers, (1, 64**3, 64**3), 1, NORMAL)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"kind": "linear", "inputs": True, "outputs": 4}, "inputs is not a whole number: True"),
        ({"kind": "linear", "inputs": 4, "outputs": True}, "outputs is not a whole number: True"),
        ({"kind": "linear", "inputs": 4.0, "outputs": 4}, "inputs is not a whole number: 4.0"),
        ({"kind": "linear", "inputs": 4, "outputs": 4, "bias": 1}, "bias is not true or false: 1"),
        ({"kind": "leaky_relu", "slope": True}, "slope is True, not a number"),
        ({"kind": "leaky_relu", "slope": "0.1"}, "slope is '0.1', not a number"),
        ({"kind": "leaky_relu", "slope": None}, "slope is None, not a number"),
        ({"kind": "upsample", "mode": "bicubic"}, "mode is 'bicubic', not nearest or bilinear"),
        ({"kind": "upsample", "scale": 2.0}, "scale is not a whole number: 2.0"),
        ({"kind": "reshape", "shape": [True, 4, 1]}, "shape is not made of whole numbers"),
        ({"kind": "reshape", "shape": "4"}, "shape is not made of whole numbers"),
        ({"kind": "reshape", "shape": 4}, "shape is not made of whole numbers"),
        ({"kind": "reshape", "shape": [2, 2]}, "shape is not 1 or 3 sizes"),
        ({"kind": "reshape", "shape": []}, "shape is not 1 or 3 sizes"),
        ({"kind": "reshape", "shape": [-1, -4, 1]}, "shape is not 1 or 3 sizes"),
        ({"kind": "reshape", "shape": [0]}, "shape is not 1 or 3 sizes"),
    ],
)
def test_an_option_of_the_wrong_type_is_refused_by_name(layer: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        NetworkSpec.from_json(with_layer(layer))


@pytest.mark.parametrize(
    "layer",
    [
        Linear("2", 4),  # type: ignore[arg-type]
        Linear(2, None),  # type: ignore[arg-type]
        Linear(2, 4, bias="no"),  # type: ignore[arg-type]
        BatchNorm([2]),  # type: ignore[arg-type]
        Conv2d(2, 4, "3"),  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_a_size_of_the_wrong_type_is_told_by_layer_and_option(layer: Layer) -> None:
    with pytest.raises(SpecError, match=rf"layer 0 \({layer.kind}\): \w+ is not"):
        NetworkSpec((layer, Reshape((1, 2, 2))), (1, 2, 2), 2, NORMAL)


def test_a_text_for_a_size_is_refused_before_it_is_multiplied() -> None:
    with pytest.raises(SpecError):
        NetworkSpec.from_json(with_layer({"kind": "linear", "inputs": "4", "outputs": 10**15}))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"kind": "lstm"}, r"layer 1 has the unknown kind 'lstm'; known: linear, conv2d"),
        ({"kind": None}, "layer 1 has the unknown kind None"),
        ({"kind": ["linear"]}, "layer 1 has the unknown kind"),
        ({}, "layer 1 has the unknown kind None"),
        ({"kind": "relu", "inplace": True}, r"layer 1 \(relu\) has no option 'inplace'"),
        ({"kind": "linear", "inputs": 4}, r"layer 1 \(linear\): .*outputs"),
        ({"kind": "reshape"}, r"layer 1 \(reshape\): .*shape"),
        ("relu", "layer 1 is not a JSON object"),
        (None, "layer 1 is not a JSON object"),
        ([["kind", "relu"]], "layer 1 is not a JSON object"),
    ],
)
def test_an_unknown_layer_or_option_is_refused_by_number(layer: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        NetworkSpec.from_json(with_layer(layer))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '"layers"', "{}", "[" * 100_000, '{"layers": ' + "9" * 5000 + "}"],
    ids=lambda text: text[:12],
)
def test_text_that_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        NetworkSpec.from_json(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": {}}, "lacks a list"),
        ({"layers": None}, "lacks a list"),
        ({"layers": []}, "1 to 200 layers, not 0"),
        ({"image_shape": None}, "image_shape is not made of whole numbers"),
        ({"image_shape": [True, 2, 2]}, "image_shape is not made of whole numbers"),
        ({"image_shape": [1, 2.0, 2]}, "image_shape is not made of whole numbers"),
        ({"image_shape": "122"}, "image_shape is not made of whole numbers"),
        ({"z_dim": True}, "z_dim is not made of whole numbers"),
        ({"z_dim": "2"}, "z_dim is not made of whole numbers"),
        ({"z_dim": None}, "z_dim is not made of whole numbers"),
        ({"z_dim": 10**30}, "z_dim is 1 to"),
        ({"value_range": [0]}, "value_range is not a pair"),
        ({"value_range": None}, "value_range is not a pair"),
        ({"value_range": [None, 1]}, "malformed|value_range"),
        ({"value_range": [0, 10**400]}, "malformed|value_range"),
        ({"value_range": [float("nan"), 1]}, "value_range"),
        ({"prior": {"kind": "cauchy", "a": 0, "b": 1}}, "unknown prior 'cauchy'"),
        ({"prior": {"kind": "normal", "a": 0, "b": -1}}, "standard deviation above 0"),
        ({"prior": {"kind": "normal", "a": float("nan"), "b": 1}}, "not finite"),
        ({"prior": {"kind": "normal"}}, "not a prior"),
        ({"prior": "normal"}, "not a prior"),
        ({"prior": 1}, "not a prior"),
        ({"seed": 1}, "unknown entries in the network description: seed"),
    ],
)
def test_a_malformed_entry_of_a_description_is_refused_by_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        NetworkSpec.from_json(generator_json(**changes))


@pytest.mark.parametrize("value_range", ["01", ["0", "1"], [False, True]], ids=str)
def test_texts_and_truth_values_are_no_value_range(value_range: object) -> None:
    with pytest.raises(SpecError, match="value_range"):
        NetworkSpec.from_json(generator_json(value_range=value_range))


@pytest.mark.parametrize(("a", "b"), [("0", 1), (0, True), (False, 1)])
def test_texts_and_truth_values_are_no_numbers_of_a_prior(a: object, b: object) -> None:
    with pytest.raises(SpecError, match="prior"):
        NetworkSpec.from_json(generator_json(prior={"kind": "normal", "a": a, "b": b}))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@quick
@given(data=st.data(), value=ANY_JSON)
def test_any_json_value_in_any_place_gives_a_valid_spec_or_a_spec_error(data: st.DataObject, value: object) -> None:
    description = json.loads(GENERATORS["upsampling"].to_json())
    place: Any = description
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans())):
            place[key] = value
            break
        place = place[key]
    try:
        spec = NetworkSpec.from_json(json.dumps(description))
    except SpecError:
        return
    assert NetworkSpec.from_json(spec.to_json()) == spec


@quick
@given(
    z_dim=st.integers(1, 20),
    hidden=st.lists(st.integers(1, 30), max_size=3),
    image_shape=st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
)
def test_mlps_of_any_size_are_valid_and_survive_json(
    z_dim: int, hidden: list[int], image_shape: tuple[int, int, int]
) -> None:
    generator = mlp_generator(z_dim, hidden, image_shape, NORMAL, ReLU(), Sigmoid())
    discriminator = mlp_discriminator(hidden, image_shape, ReLU(), None)
    assert generator.shapes[-1] == image_shape
    assert discriminator.shapes[-1] == (1,)
    assert [NetworkSpec.from_json(spec.to_json()) for spec in (generator, discriminator)] == [generator, discriminator]
