"""Choices as people write them, as files hold them and as messages show them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_nets import quick

from ganexplorer.core.foreign.choices import (
    ACTIVATIONS,
    OUTPUTS,
    UPSAMPLINGS,
    ChoiceError,
    Choices,
    layer_of,
    names,
    to_text,
)
from ganexplorer.core.latent import Prior
from ganexplorer.core.spec import LeakyReLU, ReLU, Sigmoid


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("activation", "relu", "relu"),
        ("activation", "LeakyReLU", "leaky_relu"),
        ("activation", "leaky", "leaky_relu"),
        ("activation", "Leaky ReLU", "leaky_relu"),
        ("activation", "SiLU", "silu"),
        ("activation", "swish", "silu"),
        ("activation", "none", "none"),
        ("activation", "identity", "none"),
        ("output", "tanh", "tanh"),
        ("output", "Sigmoid", "sigmoid"),
        ("output", "linear", "none"),
        ("upsample", "Nearest", "nearest"),
        ("upsample", "bilinear", "bilinear"),
        ("slope", "0.2", 0.2),
        ("slope", 0, 0.0),
        ("eps", "1e-3", 1e-3),
        ("first_eps", 0.8, 0.8),
        ("prior", "normal", Prior.normal()),
        ("prior", "uniform", Prior.uniform()),
        ("prior", "uniform:0,1", Prior.uniform(0, 1)),
        ("prior", "Uniform(-2; 2)", Prior.uniform(-2, 2)),
        ("prior", "constant:0.5", Prior.constant(0.5)),
        ("prior", "normal:1,2", Prior.normal(1, 2)),
        ("prior", Prior.uniform(), Prior.uniform()),
        ("image_shape", "28", (1, 28, 28)),
        ("image_shape", 28, (1, 28, 28)),
        ("image_shape", "28x20", (1, 28, 20)),
        ("image_shape", "3,64,64", (3, 64, 64)),
        ("image_shape", "3 x 64 x 64", (3, 64, 64)),
        ("image_shape", [3, 8, 9], (3, 8, 9)),
        ("transpose", "yes", True),
        ("transpose", False, False),
        ("channels_last", "no", False),
        ("lift_activation", "yes", True),
    ],
)
def test_a_choice_is_read_as_people_write_it(name: str, text: Any, value: Any) -> None:
    assert getattr(Choices().changed({name: text}), name) == value


@pytest.mark.parametrize("text", ["leaky_relu:0.3", "leaky_relu(0.3)", "LeakyReLU(0.3)", "leaky_relu=0.3", "leaky: .3"])
def test_an_activation_brings_its_slope_along(text: str) -> None:
    choices = Choices(slope=0.2).changed({"activation": text})
    assert (choices.activation, choices.slope) == ("leaky_relu", 0.3)
    assert Choices(slope=0.2).changed({"activation": "leaky_relu"}).slope == 0.2


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("activation", "mish", "activation is one of relu"),
        ("activation", "", "activation is one of"),
        ("activation", 3, "one of"),
        ("activation", "leaky_relu:x", "one of"),
        ("activation", "leaky_relu:99", "slope is a number from 0 to 10"),
        ("output", "relu", "output is one of tanh, sigmoid, none"),
        ("upsample", "bicubic", "nearest, bilinear"),
        ("slope", "nan", "slope is a number"),
        ("slope", "inf", "slope is a number"),
        ("slope", -1, "slope is a number"),
        ("slope", True, "slope is a number"),
        ("eps", "", "eps is a number"),
        ("eps", None, "eps is a number"),
        ("prior", "gamma", "prior is normal"),
        ("prior", "uniform:1", "prior is normal"),
        ("prior", "uniform:1,0", "prior is normal"),
        ("prior", "uniform:a,b", "prior is normal"),
        ("prior", "constant", "prior is normal"),
        ("prior", 3, "prior is normal"),
        ("image_shape", "big", "image_shape is channels,height,width"),
        ("image_shape", "0", "image_shape"),
        ("image_shape", "1,2,3,4", "image_shape"),
        ("image_shape", "9999", "image_shape"),
        ("image_shape", None, "image_shape"),
        ("image_shape", [1, None, 3], "image_shape"),
        ("image_shape", {}, "image_shape"),
        ("transpose", "perhaps", "transpose"),
        ("channels_last", 2, "channels_last"),
        ("nonsense", 1, "unknown choice 'nonsense'"),
    ],
)
def test_what_is_no_choice_is_refused_in_words(name: str, text: Any, words: str) -> None:
    with pytest.raises(ChoiceError) as caught:
        Choices().changed({name: text})
    assert words in str(caught.value)


CHOICES = st.builds(
    Choices,
    activation=st.sampled_from(ACTIVATIONS),
    output=st.sampled_from(OUTPUTS),
    upsample=st.sampled_from(UPSAMPLINGS),
    slope=st.floats(0, 10),
    eps=st.floats(0, 10),
    first_eps=st.floats(0, 10),
    lift_activation=st.booleans(),
    transpose=st.booleans(),
    channels_last=st.booleans(),
    image_shape=st.tuples(*[st.integers(1, 4096)] * 3),
    prior=st.sampled_from(
        (Prior.normal(), Prior.normal(0.5, 2), Prior.uniform(), Prior.uniform(0, 3), Prior.constant(0.5))
    ),
)


@given(CHOICES)
@quick
def test_choices_survive_the_file_that_keeps_them(choices: Choices) -> None:
    assert Choices().changed(json.loads(json.dumps(choices.to_dict()))) == choices


@given(CHOICES)
@quick
def test_what_a_message_shows_can_be_given_as_a_flag(choices: Choices) -> None:
    shown = {name: to_text(getattr(choices, name)) for name in names()}
    again = Choices().changed(shown)
    for name in names():
        value, found = getattr(choices, name), getattr(again, name)
        assert found == (pytest.approx(value, rel=1e-4) if isinstance(value, float) else value)


@given(
    st.dictionaries(
        st.sampled_from(names()), st.none() | st.text(max_size=12) | st.floats() | st.lists(st.integers(), max_size=4)
    )
)
@quick
def test_any_values_make_choices_or_are_refused_in_words(values: dict[str, Any]) -> None:
    with contextlib.suppress(ChoiceError):
        assert isinstance(Choices().changed(values), Choices)


def test_each_choice_tells_what_it_is() -> None:
    assert all(item.metadata["help"] for item in dataclasses.fields(Choices))


def test_a_name_becomes_a_layer() -> None:
    assert layer_of("leaky_relu", 0.3) == LeakyReLU(0.3)
    assert Choices(activation="relu", output="sigmoid").hidden() == ReLU()
    assert Choices(activation="relu", output="sigmoid").last() == Sigmoid()
    assert Choices(output="none").last() is None
    assert all(layer_of(name, 0.2) is not None for name in ACTIVATIONS if name != "none")
