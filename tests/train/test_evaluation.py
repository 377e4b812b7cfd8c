"""A generator against its data: what known sets get, floors, JSON, and the classifier that is shipped."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import struct
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.datasets import MNIST

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network, build, initialize, mlp_generator
from ganexplorer.core.spec import ReLU, Sigmoid, Tanh
from ganexplorer.train import assets
from ganexplorer.train.assets import AssetError, load_digit_classifier, save_classifier
from ganexplorer.train.classes import Classes
from ganexplorer.train.classifier import Classifier
from ganexplorer.train.evaluation import evaluate, read_real
from ganexplorer.train.events import Progress
from ganexplorer.train.preparation import Preparation
from ganexplorer.train.progress import finished
from ganexplorer.train.reference import ALL, Reference, as_levels
from ganexplorer.train.scores import ClassShare, Evaluation, Row, figure, mean_of, table
from ganexplorer.train.sources import FreshPattern, ResidentImages
from ganexplorer.train.torchvision_sets import DIGITS
from ganexplorer.train.toys import draw_digits

QUICK = ("frechet", "classes", "precision_recall", "diversity")
COUNT = 300
SHARED = Path(__file__).parents[3] / "shared" / "data"  # data that are not part of the project
DIGIT_KEYS = [
    "lenet_fid", "sure", "entropy", "swd", "swd_28", "swd_14", "precision", "recall", "nearest_median", "nearest_1st",
    "copies", "diversity", "feature_diversity",
]  # fmt: skip


def drawn(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    images, labels = zip(*draw_digits(count, seed), strict=True)
    return torch.cat(images), torch.cat(labels)


def source_of(images: Tensor, labels: Tensor, names: tuple[str, ...] = DIGITS) -> ResidentImages:
    return ResidentImages(images, Classes(names, labels.numpy()), 0, f"{len(images)} images")


def small_generator(
    image_shape: tuple[int, int, int] = (1, 28, 28), prior: Prior | None = None, seed: int = 0
) -> Network:
    network = build(mlp_generator(4, (16,), image_shape, prior or Prior.normal(), ReLU(), Tanh()))
    initialize(network, "default", torch.Generator().manual_seed(seed))
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def digits() -> ResidentImages:
    return source_of(*drawn(4 * COUNT))


@pytest.fixture(scope="module")
def unseen() -> tuple[Tensor, Tensor]:
    """Other drawn digits, and their classes."""
    return drawn(3 * COUNT, seed=1)


@pytest.fixture(scope="module")
def reference(digits: ResidentImages, unseen: tuple[Tensor, Tensor]) -> Reference:
    return finished(Reference.of(digits, COUNT, unseen=unseen[0][:COUNT]))


# -- known sets ---------------------------------------------------------------------------------------------


def test_real_digits_get_about_the_floor_everywhere(reference: Reference, unseen: tuple[Tensor, Tensor]) -> None:
    found = reference.score(unseen[0][COUNT : 2 * COUNT])
    assert [row.key for row in found.rows] == DIGIT_KEYS
    assert (found.count, found.features, found.data) == (COUNT, "the shipped digit classifier", "1200 images")
    for key in ("lenet_fid", "swd"):
        assert 0.5 < found[key].value / found[key].floor < 2
    for key in ("precision", "recall", "diversity", "feature_diversity"):
        assert found[key].value == pytest.approx(found[key].floor, abs=0.08)
    for key in ("sure", "copies"):
        assert found[key].value == pytest.approx(found[key].floor, abs=4)
    assert found["nearest_median"].value == pytest.approx(found["nearest_median"].floor, rel=0.1)
    assert found["entropy"].value == pytest.approx(math.log2(10), abs=0.1)
    assert found["copies"].floor == pytest.approx(1, abs=0.1)


def test_training_images_handed_in_as_samples_are_copies(reference: Reference, digits: ResidentImages) -> None:
    found = reference.score(digits.images[:COUNT])
    assert found["copies"].value == 100
    assert found["nearest_median"].value == 0
    assert found["nearest_1st"].value == 0
    assert found["nearest_median"].floor > 10


def test_one_image_many_times_has_no_diversity(reference: Reference, unseen: tuple[Tensor, Tensor]) -> None:
    found = reference.score(unseen[0][:1].repeat(COUNT, 1, 1, 1))
    assert found["entropy"].value == 0
    assert found["diversity"].value == 0
    assert found["feature_diversity"].value == pytest.approx(0, abs=1e-6)
    assert found["recall"].value < 0.02
    assert sorted(share.percent for share in found.classes) == [0] * 9 + [100]


def test_half_of_the_digits_lose_recall_and_a_bit_of_entropy(
    reference: Reference, unseen: tuple[Tensor, Tensor]
) -> None:
    images, labels = unseen
    found = reference.score(images[COUNT:][labels[COUNT:] < 5][:COUNT])
    assert found["entropy"].value == pytest.approx(math.log2(5), abs=0.25)
    assert found["precision"].value > 0.8
    assert found["recall"].value < found["recall"].floor - 0.25
    assert found["lenet_fid"].value > 5 * found["lenet_fid"].floor
    assert found["feature_diversity"].value < found["feature_diversity"].floor
    shares = [share.percent for share in found.classes]
    assert sum(shares) == pytest.approx(100)
    assert sum(shares[5:]) < 10 < 40 < sum(share.floor for share in found.classes[5:])


def test_noise_is_no_digit(reference: Reference) -> None:
    noise = torch.randint(0, 256, (COUNT, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = reference.score(noise)
    assert found["precision"].value == 0
    assert found["swd"].value > 10 * found["swd"].floor
    assert found["copies"].value == 0
    assert found["nearest_median"].value > found["nearest_median"].floor


def test_levels_and_values_of_the_same_samples_score_alike(reference: Reference, unseen: tuple[Tensor, Tensor]) -> None:
    levels = unseen[0][:COUNT]
    assert reference.score(levels.float() / 127.5 - 1) == reference.score(levels)


def test_samples_of_another_number_or_shape_are_refused(reference: Reference) -> None:
    with pytest.raises(ValueError, match="expected \\(300, 1, 28, 28\\)"):
        reference.score(torch.zeros(299, 1, 28, 28, dtype=torch.uint8))


def test_progress_is_told_while_samples_are_looked_at(reference: Reference, unseen: tuple[Tensor, Tensor]) -> None:
    events = list(reference.scoring(unseen[0][:COUNT]))
    assert all(isinstance(event, Progress) for event in events)
    assert {"Looking at samples", "Comparing textures", "Nearest training images"} <= {event.what for event in events}


def test_without_unseen_images_half_of_the_data_is_held_out(digits: ResidentImages) -> None:
    small = source_of(digits.images[:400], torch.zeros(400, dtype=torch.int64))
    found = finished(Reference.of(small, 10_000, groups=("memorization", "frechet")))
    assert found.count == 200
    # each of them is a training image itself, and is not its own nearest
    score = found.score(small.images[:200])
    assert score["nearest_1st"].floor > 0
    assert score["nearest_1st"].value == 0
    assert "other real images" in score.held_out


def test_a_quick_choice_leaves_out_what_is_slow(digits: ResidentImages) -> None:
    quick = finished(Reference.of(digits, COUNT, groups=QUICK)).score(digits.images[:COUNT])
    assert {row.key for row in quick.rows} == {
        "lenet_fid", "sure", "entropy", "precision", "recall", "diversity", "feature_diversity"
    }  # fmt: skip


def test_images_that_are_no_digits_are_compared_by_an_untrained_network(digits: ResidentImages) -> None:
    source = source_of(digits.images, torch.zeros(4 * COUNT, dtype=torch.int64), ("sock",))
    found = finished(Reference.of(source, COUNT, groups=ALL)).score(digits.images[:COUNT])
    assert found.rows[0].key == "frechet_random"
    assert found.features == "an untrained network"
    assert found.classes == ()
    assert {"sure", "entropy", "lenet_fid"}.isdisjoint(row.key for row in found.rows)


@pytest.mark.parametrize(
    ("count", "size", "reason"),
    [(30, 28, "too few images"), (400, 7, "7x7 are too small")],
)
def test_too_few_and_too_small_images_are_refused(count: int, size: int, reason: str) -> None:
    source = source_of(torch.zeros(count, 1, size, size, dtype=torch.uint8), torch.zeros(count, dtype=torch.int64))
    with pytest.raises(UserError, match=reason):
        finished(Reference.of(source))


def test_colour_images_become_the_levels_that_are_shown() -> None:
    images = torch.tensor([-2.0, -1, 0, 1]).view(4, 1, 1, 1).expand(4, 3, 2, 2)
    assert as_levels(images)[:, 0, 0, 0].tolist() == [0, 0, 128, 255]
    assert as_levels(images).shape == (4, 3, 2, 2)


# -- a network ----------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_numbers_and_no_global_state_is_touched(digits: ResidentImages) -> None:
    network, state = small_generator(), torch.get_rng_state()
    one, same = (finished(evaluate(network, digits, 100, seed=3)) for _ in range(2))
    other = finished(evaluate(network, digits, 100, seed=4))
    assert one == same
    assert (one.seed, one.count) == (3, 100)
    assert one.rows != other.rows
    assert torch.equal(torch.get_rng_state(), state)


def test_a_generator_in_training_is_evaluated_in_eval_mode_and_left_alone(digits: ResidentImages) -> None:
    network = small_generator()
    expected = finished(evaluate(network, digits, 50, groups=QUICK))
    network.train().requires_grad_(True)
    assert finished(evaluate(network, digits, 50, groups=QUICK)) == expected
    assert network.training


def test_an_untrained_generator_is_far_from_digits(digits: ResidentImages) -> None:
    found = finished(evaluate(small_generator(), digits, 200))
    assert found["precision"].value < 0.05
    assert found["lenet_fid"].value > 10 * found["lenet_fid"].floor
    assert found["diversity"].value < 0.5


def test_data_are_read_at_the_size_of_the_models_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganexplorer.train.data.TOY_DIGITS", 120)
    found = finished(evaluate(small_generator((1, 16, 16)), "toy:digits", groups=("frechet",)))
    assert found.data == "120 drawn digits, 16x16, gray"
    assert found.count == 120
    assert found.rows[0].key == "frechet_random"


def test_a_gray_model_is_compared_with_gray_versions_of_colour_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganexplorer.train.data.TOY_FACES", 60)
    real = finished(read_real("toy:faces", (1, 32, 32)))
    assert real.source.image_shape == (1, 32, 32)
    assert real.unseen is not None
    assert real.unseen.shape == (60, 1, 32, 32)


@pytest.mark.parametrize(("ref", "shape"), [("toy:digits", (1, 28, 28)), ("toy:faces", (3, 32, 32))])
def test_toys_that_nobody_trains_on_are_others_of_the_same_kind(
    monkeypatch: pytest.MonkeyPatch, ref: str, shape: tuple[int, int, int]
) -> None:
    monkeypatch.setattr("ganexplorer.train.data.TOY_DIGITS", 40)
    monkeypatch.setattr("ganexplorer.train.data.TOY_FACES", 40)
    real = finished(read_real(ref, shape))
    assert isinstance(real.source, ResidentImages)
    assert real.unseen is not None
    assert real.unseen.shape == real.source.images.shape == (40, *shape)
    own = {image.numpy().tobytes() for image in real.source.images}
    assert not any(image.numpy().tobytes() in own for image in real.unseen)


def test_pictures_of_a_folder_have_no_part_that_nobody_trains_on(picture_folder: Path) -> None:
    assert finished(read_real(f"folder:{picture_folder}", (1, 8, 8))).unseen is None


def test_a_colour_model_is_compared_with_gray_images_as_it_can_be_trained_on_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ganexplorer.train.data.TOY_DIGITS", 40)
    images = finished(read_real("toy:digits", (3, 32, 32))).source.images
    assert images.shape == (40, 3, 32, 32)
    assert torch.equal(images[:, 0], images[:, 2])


def test_a_generator_of_what_are_no_numbers_gets_none() -> None:
    network = small_generator((1, 16, 16))
    with torch.no_grad():
        network.layers[0].weight.fill_(torch.nan)
    source = finished(read_real("toy:digits", (1, 16, 16))).source
    with pytest.raises(UserError, match="no numbers"):
        finished(evaluate(network, source, 30))
    pattern = build(mlp_generator(1, (3,), (1, 1, 4), Prior.constant(0.5), ReLU(), Sigmoid()))
    with torch.no_grad():
        pattern.layers[0].weight.fill_(torch.inf)
        pattern.layers[2].weight.fill_(torch.nan)
    with pytest.raises(UserError, match="no numbers"):
        finished(evaluate(pattern, "toy:1010", 1))


def test_sets_with_a_test_part_hold_that_out(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    parts = {"train": drawn(200), "t10k": drawn(90, seed=5)}
    for part, (images, labels) in parts.items():
        for name, values in (("images-idx3", images[:, 0]), ("labels-idx1", labels.byte())):
            header = struct.pack(f">HBB{values.ndim}i", 0, 8, values.ndim, *values.shape)
            (raw / f"{part}-{name}-ubyte").write_bytes(header + values.numpy().tobytes())
    real = finished(read_real(f"mnist:{tmp_path}", (1, 28, 28)))
    assert real.unseen is not None
    assert torch.equal(real.unseen, parts["t10k"][0])
    found = finished(evaluate(small_generator(), real, groups=("memorization",)))
    assert found.count == 90
    assert "no network is trained on" in found.held_out
    threes = finished(read_real(f"mnist:{tmp_path}", (1, 14, 14), Preparation(classes="3", flip=True)))
    assert threes.unseen is not None
    assert len(threes.unseen) == int((parts["t10k"][1] == 3).sum())
    assert threes.unseen.shape[1:] == (1, 14, 14)
    assert threes.source.description.endswith("14x14, gray, classes 3")


@pytest.mark.parametrize(
    ("shape", "ref", "told"),
    [
        ((1, 28, 28), "toy:1010", "are four numbers, and the model makes 28x28 gray"),
        ((1, 1, 4), "toy:digits", "the model makes four numbers. Use toy:1010"),
        ((2, 16, 16), "toy:digits", "images of 2 channels"),
        ((1, 6, 5), "toy:digits", "images of 5x6 are too small"),
        ((1, 28, 28), "no-such-data", "unknown data"),
    ],
)
def test_data_that_can_never_be_like_the_models_images_are_refused(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int, int], ref: str, told: str
) -> None:
    monkeypatch.setattr("ganexplorer.train.data.TOY_DIGITS", 100)
    with pytest.raises(UserError, match=told):
        finished(evaluate(small_generator(shape), ref))


def test_images_in_memory_of_another_shape_are_refused(digits: ResidentImages) -> None:
    with pytest.raises(UserError, match="images of 28x28 gray, and the model makes 16x16 gray"):
        finished(evaluate(small_generator((1, 16, 16)), digits))


@pytest.mark.parametrize(("output", "inside"), [((1.0, 0.05, 0.95, 0.02), True), ((1.0, 0.05, 0.5, 0.02), False)])
def test_four_numbers_are_told_with_their_intervals(output: tuple[float, ...], inside: bool) -> None:
    network = build(mlp_generator(1, (), (1, 1, 4), Prior.constant(0.5), ReLU(), Sigmoid()))
    with torch.no_grad():
        network.layers[0].weight.zero_()
        network.layers[0].bias.copy_(torch.logit(torch.tensor(output), eps=1e-9))
    found = finished(evaluate(network, "toy:1010", 10))
    assert [found[f"number_{place}"].value for place in range(1, 5)] == pytest.approx(output, abs=1e-5)
    assert [found[f"number_{place}"].interval for place in (1, 2)] == [(0.9, 1.1), (0.0, 0.1)]
    assert found["number_3"].is_inside is inside
    assert found["inside"].value == (100 if inside else 0)
    assert Evaluation.from_json(found.to_json()) == found
    lines = table(found)
    assert sum("inside" in line for line in lines) >= 4
    assert any("outside" in line for line in lines) is not inside
    assert any("0.9 to 1.1" in line for line in lines)


def test_a_model_of_images_is_refused_by_four_numbers_in_memory() -> None:
    with pytest.raises(UserError, match="four numbers"):
        finished(evaluate(small_generator(), FreshPattern()))


# -- what is said -------------------------------------------------------------------------------------------

ROW = Row("swd", "SWD", 12.5, 6.25, "", "lower", "a distance")
EVALUATION = Evaluation(
    "some digits", 100, 7, (ROW, dataclasses.replace(ROW, key="copies", unit="%", interval=(1.0, 2.0))), "a net",
    "others", (ClassShare("0", 40.0, 50.0), ClassShare("eins", 60.0, 50.0)), "mine",
)  # fmt: skip


def test_an_evaluation_is_the_same_after_json() -> None:
    assert Evaluation.from_json(EVALUATION.to_json()) == EVALUATION
    document = EVALUATION.to_dict()
    assert document["metrics"]["swd"]["value"] == 12.5
    assert document["classes"] == {"0": 40.0, "eins": 60.0}
    assert "error" not in document["metrics"]["swd"]


@pytest.mark.parametrize(
    "damage",
    ["", "[]", "{}", '{"data": 1}', EVALUATION.to_json().replace("12.5", "NaN"),
     EVALUATION.to_json().replace('"lower"', '"sideways"'),
     EVALUATION.to_json().replace('"count": 100', '"count": "x"')],
)  # fmt: skip
def test_json_that_is_no_evaluation_is_refused(damage: str) -> None:
    with pytest.raises(ValueError, match="not an evaluation"):
        Evaluation.from_json(damage)


def test_several_seeds_become_means_with_standard_deviations() -> None:
    others = [
        dataclasses.replace(EVALUATION, seed=seed, rows=tuple(dataclasses.replace(row, value=value, floor=value / 2)
                                                              for row in EVALUATION.rows))
        for seed, value in ((7, 1.0), (8, 2.0), (9, 6.0))
    ]  # fmt: skip
    found = mean_of(others)
    assert (found.seed, found.repeats) == (7, 3)
    assert (found["swd"].value, found["swd"].floor) == (3.0, 1.5)
    assert found["swd"].error == pytest.approx(math.sqrt(7))
    assert Evaluation.from_json(found.to_json()) == found
    assert mean_of(others[:1]) == others[0]


def test_the_table_has_a_line_a_number_with_columns_below_each_other() -> None:
    lines = table(dataclasses.replace(EVALUATION, rows=(ROW, dataclasses.replace(ROW, name="another", value=1234.5))))
    assert lines[0] == "mine: some digits"
    assert lines[1] == "100 samples; seed 7; features: a net; floor: others"
    header, one, other = lines[2:5]
    assert header.index("floor") + len("floor") == one.index("6.25") + 4 == other.index("6.25") + 4
    assert one.split() == ["SWD", "12.5", "6.25", "lower", "a", "distance"]
    assert other.split()[1] == "1,234"
    assert [line.split()[0] for line in lines[5:]] == ["class", "samples", "floor"]


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.000"), (0.1234, "0.123"), (1.234, "1.23"), (12.34, "12.3"), (-4321.0, "-4,321")]
)
def test_figures_have_about_three_digits(value: float, text: str) -> None:
    assert figure(value) == text


# -- the shipped classifier ---------------------------------------------------------------------------------


def test_the_shipped_classifier_knows_drawn_digits(unseen: tuple[Tensor, Tensor]) -> None:
    images, labels = unseen
    state = torch.get_rng_state()
    classifier = load_digit_classifier()
    assert torch.equal(torch.get_rng_state(), state)
    assert not classifier.training
    _, logits = classifier.judge(images)
    assert (logits.argmax(1) == labels).float().mean() > 0.9


@pytest.mark.skipif(not (SHARED / "MNIST").is_dir(), reason="needs MNIST in ../shared/data")
def test_the_shipped_classifier_knows_digits_of_people() -> None:
    digits = MNIST(str(SHARED), train=False)
    images = digits.data.float()[:, None] / 127.5 - 1
    _, logits = load_digit_classifier().judge(images)
    assert (logits.argmax(1) == digits.targets).float().mean() >= 0.99


def test_a_classifier_is_the_same_after_saving_to_half_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unseen: tuple[Tensor, Tensor]
) -> None:
    classifier = load_digit_classifier()
    path = tmp_path / "deep" / "classifier.safetensors"
    sha = save_classifier(path, classifier, {"accuracy": 99.0})
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha
    monkeypatch.setattr(assets, "DIGIT_CLASSIFIER_SHA256", sha)
    again = load_digit_classifier(path)
    assert torch.equal(again.judge(unseen[0][:20])[1], classifier.judge(unseen[0][:20])[1])


def test_a_classifier_that_half_precision_cannot_hold_is_not_written(tmp_path: Path) -> None:
    classifier = Classifier((1, 8, 8), 2)
    with torch.no_grad():
        classifier.head.bias[0] = 1e6
    with pytest.raises(ValueError, match=r"head\.bias"):
        save_classifier(tmp_path / "classifier.safetensors", classifier, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "no such file"), (b"", "is damaged, or not the digit classifier"), (b"x" * 100, "SHA-256")],
)
def test_a_missing_or_other_classifier_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, told: str, digits: ResidentImages
) -> None:
    monkeypatch.setattr(assets, "assets_folder", lambda: tmp_path)
    if content is not None:
        (tmp_path / assets.DIGIT_CLASSIFIER).write_bytes(content)
    with pytest.raises(AssetError, match=told) as caught:
        finished(evaluate(small_generator(), digits, 50))
    assert str(tmp_path) in str(caught.value)
    assert "install ganexplorer again" in str(caught.value)


def test_a_classifier_of_another_architecture_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "classifier.safetensors"
    monkeypatch.setattr(assets, "DIGIT_CLASSIFIER_SHA256", save_classifier(path, Classifier((1, 28, 28), 4), {}))
    with pytest.raises(AssetError, match="does not fit"):
        load_digit_classifier(path)
