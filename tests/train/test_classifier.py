from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganexplorer.train.classifier import Classifier, train_classifier
from ganexplorer.train.progress import finished

SHAPE = (1, 8, 8)


def halves(count: int) -> tuple[Tensor, Tensor]:
    """Noise that is bright on the left (class 0) or on the right (class 1)."""
    images = torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(0)) * 0.2
    labels = torch.arange(count) % 2
    images[labels == 0, :, :, :4] += 0.8
    images[labels == 1, :, :, 4:] += 0.8
    return images, labels


def test_a_classifier_learns_classes_and_tells_them_on_images_that_it_has_not_seen() -> None:
    images, labels = halves(400)
    model = finished(train_classifier(images[:300], labels[:300], 4, batch=20))
    _, logits = model.judge(images[300:])
    assert (logits.argmax(1) == labels[300:]).float().mean() > 0.95


def test_a_classifier_learns_attributes_of_which_an_image_may_have_both() -> None:
    images, labels = halves(400)
    has = torch.stack([labels == 0, images.mean((1, 2, 3)) > 0], dim=1)
    model = finished(train_classifier(images, has, 4, batch=20))
    assert ((model.judge(images)[1] > 0) == has)[:, 0].float().mean() > 0.95


@pytest.mark.parametrize(("classes", "outputs"), [(0, 2), (5, 5)])
def test_there_may_be_classes_that_no_image_is_of(classes: int, outputs: int) -> None:
    model = finished(train_classifier(*halves(20), 1, classes=classes))
    assert model.judge(halves(3)[0])[1].shape == (3, outputs)


def test_the_generators_of_gpus_are_left_alone_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def seed_all(seed: int) -> None:
        raise AssertionError(seed)

    monkeypatch.setattr(torch.cuda, "manual_seed_all", seed_all)
    finished(train_classifier(torch.zeros(8, 1, 8, 8), torch.arange(8) % 2, 1))


def test_the_same_seed_trains_the_same_and_leaves_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    first, second = (finished(train_classifier(*halves(40), 1, seed=3)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_uint8_images_are_judged_as_those_in_unit_range() -> None:
    model = Classifier(SHAPE, 2).eval()
    levels = torch.randint(0, 256, (5, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(model.judge(levels), model.judge(levels.float() / 127.5 - 1))
