"""Names and shapes alone: which networks a file holds, which layers those have, what numbers in names tell."""

from __future__ import annotations

import pytest

from ganexplorer.core.foreign.candidates import candidates
from ganexplorer.core.foreign.chain import steps_of
from ganexplorer.core.foreign.parts import (
    MAX_PARTS,
    MAX_SIZE,
    Gap,
    NotUnderstood,
    Part,
    Shape,
    check_names,
    describe,
    gap,
    natural,
    parts_of,
)


def linear(name: str, inputs: int = 3, outputs: int = 4) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, features: int = 4) -> dict[str, Shape]:
    leaves = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{leaf}": (features,) for leaf in leaves} | {f"{name}.num_batches_tracked": ()}


def labels(shapes: dict[str, Shape]) -> list[tuple[str, str, bool]]:
    return [(found.label, found.role, found.is_average) for found in candidates(shapes)]


# ---- which networks


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *[(name, "generator") for name in ("G", "g", "netG", "net_g", "gen", "Generator", "generator_state_dict")],
        *[
            (name, "generator")
            for name in ("G_state_dict", "model_g", "modelG", "netGmodel", "gan_g", "GNet", "g_params")
        ],
        *[(name, "discriminator") for name in ("D", "netD", "disc", "critic", "discriminator_model", "d_state")],
        *[(name, "") for name in ("model", "state_dict", "params", "net", "ema", "netG_A", "stage1", "encoder")],
    ],
)
def test_a_dictionary_tells_by_its_name_which_network_it_holds(name: str, role: str) -> None:
    assert labels({f"{name}/{key}": shape for key, shape in linear("main.0").items()})[0][1] == role


@pytest.mark.parametrize("name", ["g_ema", "ema", "G_avg", "netG_ema", "emaG", "averaged", "shadow", "g_running"])
def test_an_average_is_known_by_its_name(name: str) -> None:
    assert labels({f"{name}/{key}": shape for key, shape in linear("0").items()})[0][2]


def test_prefixes_of_names_split_a_file_as_dictionaries_do() -> None:
    shapes = linear("generator.main.0") | linear("discriminator.main.0") | {"fixed_noise": (4, 3)}
    assert labels(shapes) == [
        ("generator", "generator", False),
        ("discriminator", "discriminator", False),
        ("the file", "", False),
    ]


def test_a_generator_beside_its_average_is_two_networks() -> None:
    assert labels(linear("G.0") | linear("G_ema.0")) == [("G", "generator", False), ("G_ema", "generator", True)]
    shapes = linear("online_model.0") | linear("ema_model.0") | {"initted": (), "step": ()}
    assert labels(shapes) == [("online_model", "", False), ("ema_model", "", True)]


def test_what_remains_beside_a_discriminator_is_one_network() -> None:
    found = candidates(linear("fc1") | linear("fc2") | linear("critic.0"))
    assert [(one.label, one.role) for one in found] == [("the file", ""), ("critic", "discriminator")]
    assert found[0].shapes.keys() == {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}


@pytest.mark.parametrize(
    "shapes", [linear("gen.0") | linear("final"), linear("net.0") | linear("last.0"), linear("g") | linear("d")]
)
def test_layers_are_not_taken_for_networks_by_their_names(shapes: dict[str, Shape]) -> None:
    assert labels(shapes) == [("the file", "", False)]


def test_counters_of_wrappers_are_no_layers() -> None:
    (found,) = candidates({"n_averaged": (), **linear("module.0")})
    assert list(found.shapes) == ["module.0.weight", "module.0.bias"]


def test_a_dictionary_for_each_layer_is_not_opened_layer_by_layer() -> None:
    shapes: dict[str, Shape] = {"fc1/weight": (4, 3), "fc1/bias": (4,), "fc2/weight": (784, 4), "fc2/bias": (784,)}
    (found,) = candidates(shapes)
    with pytest.raises(NotUnderstood, match="fc1/bias"):
        parts_of(found.shapes)


# ---- which layers


def test_parts_are_told_apart_by_their_tensors() -> None:
    shapes = linear("fc") | {"conv.weight": (4, 3, 5, 5)} | norm("bn")
    assert [(part.name, part.kind) for part in parts_of(shapes)] == [("fc", "linear"), ("conv", "conv"), ("bn", "norm")]


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"a.weight": (4,), "a.bias": (4,)}, "a has 4 weights and no running statistics: a layer, group or instance"),
        ({"a.weight": (1,)}, "a PReLU"),
        ({"a.bias": (4,)}, "a lacks its weight (it has bias)"),
        ({"a.weight": (4, 3, 5)}, "a has a weight of 3 dimensions [4, 3, 5], expected 2 or 4"),
        ({"a.weight": (4, 3, 3, 5)}, "a has a kernel of 3x5; only square ones"),
        ({"a.weight": (4, 3, 65, 65)}, "only square ones of up to 64"),
        ({"a.weight": (4, 3), "a.bias": (3,)}, "a has a bias that does not fit its weight: weight [4, 3], bias [3]"),
        ({"a.weight": (4, 3), "a.bias": (4, 1)}, "does not fit"),
        ({"a.weight": (4, 0)}, "a has an empty weight of shape [4, 0]"),
        ({"a.weight": (MAX_SIZE + 1, 3)}, "at most 16,777,216"),
        ({"a.weight": (2**20, 2**20)}, "1,099,511,627,776 weights; at most 500,000,000"),
        ({"a.running_mean": (4,)}, "a is a batch norm that lacks running_var"),
        ({"a.running_mean": (4,), "a.running_var": (5,)}, "a is a batch norm whose tensors differ in size"),
        ({"a.running_mean": (0,), "a.running_var": (0,)}, "empty running_mean"),
        ({"a.running_mean": (4, 1), "a.running_var": (4, 1)}, "differ in size"),
        ({"a.running_mean": (4,), "a.running_var": (4,), "a.weight": (4,)}, "only one of weight and bias"),
        ({"a.weight": (4,), "a.bias": (4,), "a.num_batches_tracked": ()}, "lacks its running statistics"),
        ({"attn.gamma": (1,)}, "attn holds gamma, expected weight and bias"),
        ({"rnn.weight_ih_l0": (4, 3)}, "rnn holds weight_ih_l0"),
        ({"weight": (4,)}, "the top level has 4 weights"),
    ],
)
def test_what_is_no_layer_of_the_grammar_is_named_with_what_was_expected(shapes: dict[str, Shape], words: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        parts_of(shapes)
    assert words in str(caught.value)


def test_too_many_layers_are_refused_before_they_are_looked_at() -> None:
    shapes = {name: shape for i in range(MAX_PARTS + 1) for name, shape in linear(f"{i}").items()}
    with pytest.raises(NotUnderstood, match="201 layers with weights; at most 200"):
        parts_of(shapes)


def test_a_class_that_a_file_tells_and_the_grammar_does_not_know_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="label is a Embedding, expected Linear"):
        parts_of({"label.weight": (10, 3)}, {"label": {"class": "Embedding"}})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("label_emb", "of labels"),
        ("fc_mu", "of an encoder"),
        ("encoder.0", "of an encoder"),
        ("attn1.query_conv", "of attention"),
        ("block2.c_sc", "beside the path"),
        ("resBlock.0", "beside the path"),
        ("style.0", "of a style"),
    ],
)
def test_a_name_tells_a_layer_that_shapes_would_hide(name: str, words: str) -> None:
    with pytest.raises(NotUnderstood, match=f"{name} .*is by its name a layer {words}"):
        check_names(parts_of(linear(name)))


@pytest.mark.parametrize("name", ["main.0", "deconv1_bn", "project", "block1.0", "to_rgb", "gen.0.1", "fc_layer.0"])
def test_common_names_of_layers_are_not_refused(name: str) -> None:
    check_names(parts_of(linear(name)))


def test_a_message_shows_the_first_names_and_how_many_more_there_are() -> None:
    assert describe({f"{i}.weight": (i,) for i in range(1, 9)}, 2) == "1.weight [1], 2.weight [2] and 6 more"


# ---- numbers


def test_names_sort_by_their_numbers() -> None:
    assert sorted(["main.10", "main.9", "main", "a.1"], key=natural) == ["a.1", "main", "main.9", "main.10"]
    assert natural("9" * 5000)  # no number is too long


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("main.0", "main.1", Gap(0, 0)),
        ("main.1", "main.3", Gap(1, 1)),
        ("0", "3", Gap(2, 2)),
        ("main._orig_mod.1", "main._orig_mod.3", Gap(1, 1)),
        ("net.0", "net.1.0", Gap(0, 0)),
        ("net.0", "net.1.2", Gap(2, 2)),
        ("fc1", "fc2", Gap()),
        ("l1.0", "blocks.0", Gap()),
        ("l1.0", "blocks.1", Gap(None, 1)),
        ("gen.0.1", "gen.1.0", Gap(None, 0)),
        ("gen.0.1", "gen.1.1", Gap(None, 1)),
        ("gen.0.1", "gen.3.0", Gap(None, 2)),
        ("main.3", "main.1", Gap(None, 0)),
        ("main.1", "main.99999999999999999999", Gap(None, 0)),
        ("a.0", "a.0", Gap()),
    ],
)
def test_numbers_tell_how_many_layers_without_weights_stand_between(before: str, after: str, expected: Gap) -> None:
    found = gap(*(Part(name, "linear", {"weight": (4, 4)}) for name in (before, after)))
    assert (found.exact, found.least) == (expected.exact, expected.least)


# ---- order


def order(shapes: dict[str, Shape], is_ordered: bool = False) -> list[str]:
    return [step.part.name for step in steps_of(parts_of(shapes), is_ordered, "generator")]


def test_norms_are_put_behind_the_layers_that_they_are_called_after() -> None:
    shapes = norm("bn1", 6) | norm("bn2", 6) | linear("fc1", 6, 6) | linear("fc2", 6, 6) | linear("fc3", 6, 9)
    assert order(shapes) == ["fc1", "bn1", "fc2", "bn2", "fc3"]


def test_norms_whose_numbers_are_one_off_are_put_behind_the_layers_of_their_size() -> None:
    shapes = (
        norm("bn1", 32)
        | norm("bn2", 5)
        | {"conv1.weight": (2, 5, 4, 4), "conv2.weight": (5, 3, 4, 4)}
        | linear("fc", 4, 32)
    )
    assert order(shapes) == ["fc", "bn1", "conv1", "bn2", "conv2"]


def test_sorted_names_of_no_order_are_put_in_the_order_in_which_sizes_follow() -> None:
    shapes = linear("head", 6, 9) | linear("input", 3, 5) | linear("middle", 5, 6)
    assert order(shapes) == ["input", "middle", "head"]


def test_layers_whose_names_differ_by_a_number_keep_its_order() -> None:
    """Else a discriminator without biases could be read backwards."""
    shapes: dict[str, Shape] = {
        f"conv{i}.weight": (b, a, 4, 4) for i, (a, b) in enumerate(((3, 8), (8, 16), (16, 1)), 1)
    }
    with pytest.raises(NotUnderstood):
        order(shapes)
    with pytest.raises(NotUnderstood):
        order({"first.weight": (8, 3, 4, 4), "second.weight": (16, 8, 4, 4), "last.weight": (1, 16, 4, 4)})


def test_the_first_place_where_sizes_do_not_follow_is_told() -> None:
    with pytest.raises(NotUnderstood, match="fc2 takes 9 values, expected 4 values"):
        order(linear("fc1", 3, 4) | linear("fc2", 9, 20))
