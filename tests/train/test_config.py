"""Hyperparameters: reading them from text, their limits, JSON, and what forms and command lines are made from."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

import pytest

from ganexplorer.core.latent import Prior
from ganexplorer.train.config import ConfigError, Parameter, TrainConfig, parameters
from ganexplorer.train.recipes import RECIPES, recipe

PARAMETERS = {p.name: p for p in parameters()}
NUMBERS = [p for p in parameters() if p.type in (int, float)]
CHOICES = [p for p in parameters() if p.choices]
WIDTHS = [p for p in parameters() if p.type is tuple]
SWITCHES = [p for p in parameters() if p.type is bool]


def name_of(parameter: Parameter) -> str:
    return parameter.name


def numbers_in(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", text)]


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        ("batch_size=32", "batch_size", 32),
        ("steps=100000000", "steps", 100_000_000),
        ("seed=0", "seed", 0),
        ("g_lr=0.001", "g_lr", 0.001),
        ("g_lr=3e-4", "g_lr", 3e-4),
        ("d_lr=1", "d_lr", 1.0),
        ("smoothing=.1", "smoothing", 0.1),
        ("g_widths=128", "g_widths", (128,)),
        ("g_widths=512,256,128", "g_widths", (512, 256, 128)),
        ("d_widths=256, 64", "d_widths", (256, 64)),
        ("d_widths=256-64", "d_widths", (256, 64)),
        ("prior=uniform", "prior", "uniform"),
        ("family=dcgan", "family", "dcgan"),
        ("loss=mse", "loss", "mse"),
        ("same_z=true", "same_z", True),
        ("same_z=False", "same_z", False),
        ("same_z=yes", "same_z", True),
        ("same_z=no", "same_z", False),
        ("same_z=1", "same_z", True),
        ("same_z=0", "same_z", False),
    ],
)
def test_a_setting_is_read_from_its_text(setting: str, name: str, value: Any) -> None:
    read = getattr(TrainConfig().with_settings([setting]), name)
    assert read == value
    assert type(read) is type(value)


def test_settings_change_what_they_name_and_nothing_else() -> None:
    base = RECIPES["mlp-96"].config
    changed = base.with_settings(["g_lr=0.01", "d_every=2", "prior=normal"])
    assert changed == dataclasses.replace(base, g_lr=0.01, d_every=2, prior="normal")


def test_the_last_of_two_settings_of_a_name_counts() -> None:
    assert TrainConfig().with_settings(["d_every=2", "d_every=5"]).d_every == 5


def test_no_settings_are_the_same_configuration() -> None:
    assert TrainConfig().with_settings([]) == TrainConfig()


@pytest.mark.parametrize(
    ("setting", "example"),
    [("g_lr", "g_lr=0.0002"), ("g_widths", "g_widths=256,256"), ("", "batch_size=64"), ("=3", "batch_size=64"),
     (" =3", "batch_size=64"), ("batch_size 32", "batch_size=64")],
)  # fmt: skip
def test_a_setting_without_name_or_value_is_refused_with_its_form(setting: str, example: str) -> None:
    with pytest.raises(ConfigError) as refused:
        TrainConfig().with_settings([setting])
    assert str(refused.value) == f"--set {setting}: write it as KEY=VALUE, such as {example}."


def test_an_unknown_setting_that_looks_like_none_is_refused_with_the_known_names() -> None:
    with pytest.raises(ConfigError, match="unknown hyperparameter 'dropout'; known: ") as refused:
        TrainConfig().with_settings(["dropout=1"])
    assert all(name in str(refused.value) for name in PARAMETERS)


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("bach_size=3", "batch_size"),
        ("batch-size=3", "batch_size"),
        ("G_LR=1", "g_lr"),
        (" g_lr =1", "g_lr"),
        ("lr=1", "g_lr or d_lr"),  # as near as each other
        ("epoch=3", "epochs"),
        ("learning_rate=1", "g_lr or d_lr or lr_decay"),  # by their help
        ("latent_dim=3", "z_dim"),
    ],
)
def test_an_unknown_setting_is_refused_with_what_it_may_mean(setting: str, meant: str) -> None:
    with pytest.raises(ConfigError) as refused:
        TrainConfig().with_settings([setting])
    name = setting.partition("=")[0]
    assert str(refused.value) == (
        f"unknown hyperparameter {name!r}. Did you mean {meant}? ganexplorer train --help tells of all."
    )


@pytest.mark.parametrize(
    ("setting", "meant"),
    [("loss=hing", "hinge"), ("loss=wgan_gp", "wgan-gp"), ("loss=WGAN", "wgan"), ("loss=lsgn", "lsgan"),
     ("family=DCGAN", "dcgan"), ("prior=gaussian", ""), ("g_output=lsgan", "")],
)  # fmt: skip
def test_an_unknown_choice_is_refused_with_all_and_the_nearest(setting: str, meant: str) -> None:
    name, _, value = setting.partition("=")
    with pytest.raises(ConfigError) as refused:
        TrainConfig().with_settings([setting])
    choices = f"{name}: {value!r} is not one of {', '.join(PARAMETERS[name].choices)}."
    assert str(refused.value) == choices + (f" Did you mean {meant}?" if meant else "")


@pytest.mark.parametrize("name", RECIPES)
def test_the_settings_of_a_configuration_make_it_again(name: str) -> None:
    settings = RECIPES[name].config.settings()
    assert TrainConfig().with_settings(settings) == RECIPES[name].config
    assert len(settings) == len(TrainConfig().differences(RECIPES[name].config))


def test_a_configuration_of_defaults_has_no_settings() -> None:
    assert TrainConfig().settings() == []
    assert TrainConfig(loss="mse", g_widths=(8, 4), flip=True).settings() == ["flip=True", "g_widths=8,4", "loss=mse"]


@pytest.mark.parametrize("text", ["", "many", "1.5", "1e3", "0x10", "nan", "inf", "true"])
@pytest.mark.parametrize("parameter", [p for p in NUMBERS if p.type is int], ids=name_of)
def test_text_that_is_no_whole_number_is_refused_by_name(parameter: Parameter, text: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{parameter.name}: .*whole number") as refused:
        TrainConfig().with_settings([f"{parameter.name}={text}"])
    assert numbers_in(str(refused.value))[-2:] == [parameter.low, parameter.high]


@pytest.mark.parametrize("text", ["", "fast", "1,5", "true", "2e", "nan", "inf", "-inf"])
@pytest.mark.parametrize("parameter", [p for p in NUMBERS if p.type is float], ids=name_of)
def test_text_that_is_no_finite_number_is_refused_by_name(parameter: Parameter, text: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{parameter.name}: "):
        TrainConfig().with_settings([f"{parameter.name}={text}"])


@pytest.mark.parametrize("text", ["", ",", "a,b", "256,x", "12.5", "256;64"])
@pytest.mark.parametrize("parameter", WIDTHS, ids=name_of)
def test_text_that_is_no_widths_is_refused_by_name(parameter: Parameter, text: str) -> None:
    with pytest.raises(ConfigError, match=parameter.name):
        TrainConfig().with_settings([f"{parameter.name}={text}"])


@pytest.mark.parametrize("text", ["-256", "256,-64"])
@pytest.mark.parametrize("parameter", WIDTHS, ids=name_of)
def test_a_width_below_0_is_refused(parameter: Parameter, text: str) -> None:
    with pytest.raises(ConfigError, match=parameter.name):
        TrainConfig().with_settings([f"{parameter.name}={text}"])


@pytest.mark.parametrize("text", ["", "maybe", "2", "tru", "on off"])
@pytest.mark.parametrize("parameter", SWITCHES, ids=name_of)
def test_text_that_is_neither_true_nor_false_is_refused_by_name(parameter: Parameter, text: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{parameter.name}: .*true or false"):
        TrainConfig().with_settings([f"{parameter.name}={text}"])


@pytest.mark.parametrize("text", ["", "gaussian", "Normal"])
@pytest.mark.parametrize("parameter", CHOICES, ids=name_of)
def test_text_that_is_none_of_the_choices_is_refused_with_all_of_them(parameter: Parameter, text: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{parameter.name}: ") as refused:
        TrainConfig().with_settings([f"{parameter.name}={text}"])
    assert all(choice in str(refused.value) for choice in parameter.choices)


def just_outside(parameter: Parameter) -> list[Any]:
    assert parameter.low is not None
    assert parameter.high is not None
    if parameter.type is float:
        return [math.nextafter(parameter.low, -math.inf), math.nextafter(parameter.high, math.inf)]
    return [int(parameter.low) - 1, int(parameter.high) + 1]


@pytest.mark.parametrize("parameter", NUMBERS, ids=name_of)
def test_the_limits_themselves_are_allowed(parameter: Parameter) -> None:
    for limit in (parameter.low, parameter.high):
        assert limit is not None
        value = parameter.type(limit)
        config = dataclasses.replace(TrainConfig(steps=1, epochs=1), **{parameter.name: value})
        assert getattr(config, parameter.name) == value


@pytest.mark.parametrize("parameter", NUMBERS, ids=name_of)
def test_a_number_just_outside_is_refused_by_name_with_both_limits(parameter: Parameter) -> None:
    for value in just_outside(parameter):
        with pytest.raises(ConfigError, match=rf"^{parameter.name}: ") as refused:
            dataclasses.replace(TrainConfig(), **{parameter.name: value})
        assert numbers_in(str(refused.value))[-2:] == [parameter.low, parameter.high]


@pytest.mark.parametrize("widths", [(0,), (256, 0), (16385,), (256, 16385, 64)])
@pytest.mark.parametrize("parameter", WIDTHS, ids=name_of)
def test_a_width_outside_is_refused_by_name_with_both_limits(parameter: Parameter, widths: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=rf"^{parameter.name}: ") as refused:
        dataclasses.replace(TrainConfig(), **{parameter.name: widths})
    assert numbers_in(str(refused.value))[-2:] == [1, 16384]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
@pytest.mark.parametrize("parameter", NUMBERS, ids=name_of)
def test_values_that_are_not_finite_are_refused(parameter: Parameter, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"^{parameter.name}: "):
        dataclasses.replace(TrainConfig(), **{parameter.name: value})


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("parameter", NUMBERS, ids=name_of)
def test_a_truth_value_is_no_number(parameter: Parameter, value: bool) -> None:
    with pytest.raises(ConfigError, match=rf"^{parameter.name}: .*type"):
        dataclasses.replace(TrainConfig(), **{parameter.name: value})


@pytest.mark.parametrize("value", [0, 1, "true", None])
@pytest.mark.parametrize("parameter", SWITCHES, ids=name_of)
def test_only_a_truth_value_is_a_truth_value(parameter: Parameter, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^{parameter.name}: .*type"):
        dataclasses.replace(TrainConfig(), **{parameter.name: value})


@pytest.mark.parametrize("value", ["64", None, [64], (64,), 64.0])
def test_a_value_of_another_type_is_refused_where_a_whole_number_belongs(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^batch_size: .*type"):
        dataclasses.replace(TrainConfig(), batch_size=value)


@pytest.mark.parametrize("value", [256, "256", None, (256.0,), (True,), ("256",), ((256,),)], ids=repr)
@pytest.mark.parametrize("parameter", WIDTHS, ids=name_of)
def test_widths_are_a_tuple_of_whole_numbers_and_nothing_else(parameter: Parameter, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^{parameter.name}: "):
        dataclasses.replace(TrainConfig(), **{parameter.name: value})


@pytest.mark.parametrize("parameter", WIDTHS, ids=name_of)
def test_a_network_without_hidden_layers_is_refused(parameter: Parameter) -> None:
    with pytest.raises(ConfigError, match=parameter.name):
        dataclasses.replace(TrainConfig(), **{parameter.name: ()})


@pytest.mark.parametrize("value", [None, 3, ["normal"]])
def test_a_choice_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^prior: .*normal, uniform, constant"):
        dataclasses.replace(TrainConfig(), prior=value)


def test_a_run_needs_steps_or_epochs() -> None:
    with pytest.raises(ConfigError, match=r"steps.*epochs"):
        TrainConfig(steps=0, epochs=0)


def test_a_whole_number_will_do_where_a_fraction_belongs() -> None:
    assert TrainConfig(g_lr=1).g_lr == 1


@pytest.mark.parametrize("name", RECIPES)
def test_a_configuration_survives_json(name: str) -> None:
    config = RECIPES[name].config
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_configuration_with_no_default_left_survives_json() -> None:
    config = TrainConfig(
        batch_size=3, epochs=7, steps=11, seed=13, z_dim=17, prior="uniform", family="dcgan", image_size=32,
        g_widths=(8, 4, 2), g_activation="relu", g_slope=0.3, g_output="sigmoid", d_widths=(2, 4, 8),
        d_activation="sigmoid", d_slope=0.4, d_output="sigmoid", init="dcgan", loss="mse", smoothing=0.25, r1_gamma=2.5,
        r1_every=16, optimizer="sgd", g_lr=0.125, d_lr=0.0625, beta1=0.25, beta2=0.75, lr_decay=0.5, d_every=5,
        g_every=2, same_z=False, d_update="real-then-fake", ema=0.75, log_every=19, sample_every=23, sample_count=29,
        snapshot_every=31, fit="pad", flip=True, classes="3,8", clip=0.5, gp_weight=3.0, r2_gamma=1.5, top_k=0.75,
        augment="translation", warmup=37, sync_bn=True, keep_gb=0.5, d_norm="none", metrics_every=41, d_head=43,
        g_mapping=47,
    )  # fmt: skip
    same = [p.name for p in parameters() if getattr(config, p.name) == p.default]
    assert same == []  # a field that is new belongs in here
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_json_that_lacks_a_field_takes_its_default() -> None:
    assert TrainConfig.from_dict({"batch_size": 3}) == TrainConfig(batch_size=3)


def test_json_with_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="'momentum'"):
        TrainConfig.from_dict(TrainConfig().to_dict() | {"momentum": 0.9})


@pytest.mark.parametrize(
    ("name", "value"), [("batch_size", 0), ("g_lr", "fast"), ("prior", "none"), ("g_widths", [0]), ("same_z", 1)]
)
def test_json_with_a_bad_value_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}: "):
        TrainConfig.from_dict({name: value})


@pytest.mark.parametrize("value", [256, "256", None, {"a": 1}], ids=repr)
def test_json_with_widths_that_are_no_list_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^g_widths: "):
        TrainConfig.from_dict({"g_widths": value})


def test_equal_configurations_have_no_differences() -> None:
    assert TrainConfig().differences(TrainConfig()) == []


def test_differences_name_the_field_and_both_values() -> None:
    changed = dataclasses.replace(TrainConfig(), g_lr=0.001, d_widths=(8,), same_z=False)
    assert TrainConfig().differences(changed) == [
        "d_widths: (256, 64) -> (8,)",
        "g_lr: 0.0002 -> 0.001",
        "same_z: True -> False",
    ]


def test_a_configuration_cannot_be_changed_behind_its_check() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().batch_size = 0  # type: ignore[misc]


def test_every_field_is_a_parameter_in_order() -> None:
    assert [p.name for p in parameters()] == [field.name for field in dataclasses.fields(TrainConfig)]


@pytest.mark.parametrize("parameter", parameters(), ids=name_of)
def test_every_parameter_has_help_and_a_group(parameter: Parameter) -> None:
    assert len(parameter.help) > 5
    assert parameter.group


@pytest.mark.parametrize("parameter", parameters(), ids=name_of)
def test_every_default_passes_its_own_check(parameter: Parameter) -> None:
    parameter.check(parameter.default)


@pytest.mark.parametrize("parameter", [*NUMBERS, *WIDTHS], ids=name_of)
def test_every_number_has_limits(parameter: Parameter) -> None:
    assert parameter.low is not None
    assert parameter.high is not None
    assert -math.inf < parameter.low < parameter.high < math.inf


@pytest.mark.parametrize("parameter", parameters(), ids=name_of)
def test_every_parameter_is_of_a_type_that_a_form_knows(parameter: Parameter) -> None:
    assert parameter.type in (int, float, bool, tuple, str)
    assert not parameter.choices or parameter.type is str


@pytest.mark.parametrize("parameter", parameters(), ids=name_of)
def test_every_default_written_as_text_reads_back(parameter: Parameter) -> None:
    default = parameter.default
    text = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    assert parameter.parse(text) == default


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("normal", Prior("normal", 0.0, 1.0)),
        ("uniform", Prior("uniform", -1.0, 1.0)),
        ("constant", Prior("constant", 0.5)),
    ],
)
def test_a_prior_by_name_is_the_documented_distribution(kind: Any, expected: Prior) -> None:
    assert TrainConfig(prior=kind).latent_prior == expected


def test_an_unknown_recipe_is_refused_with_the_known_names() -> None:
    with pytest.raises(ConfigError, match="'mlp-65'") as refused:
        recipe("mlp-65")
    assert all(name in str(refused.value) for name in RECIPES)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("mlp_64_stable", "mlp-64-stable"),
        ("MLP-64", "mlp-64"),
        ("dcgan", "dcgan-64 or dcgan-28"),
        ("faces", "faces-64"),
        ("garments", ""),
    ],
)
def test_an_unknown_recipe_is_refused_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(ConfigError) as refused:
        recipe(name)
    _, _, question = str(refused.value).partition(f"{list(RECIPES)[-1]}.")
    assert question.strip() == (f"Did you mean {meant}?" if meant else "")
