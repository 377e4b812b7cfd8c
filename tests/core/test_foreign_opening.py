"""A stranger's file as a model: which network is taken, what a person changes, what is refused and in which words."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

import ganexplorer
from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.foreign import opening
from ganexplorer.core.foreign.opening import ForeignError


def mlp(*sizes: int, slope: float = 0.2, seed: int = 0) -> nn.Sequential:
    """Linear layers with leaky ReLUs between, without a last activation."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers[:-1]).eval()


def images_of(network: nn.Module, z: Tensor, shape: tuple[int, ...] = (1, 4, 4)) -> Tensor:
    with torch.no_grad():
        return torch.tanh(network(z)).reshape(-1, *shape)


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def write(data: object, name: str = "model.pt") -> Path:
        path = tmp_path / name
        torch.save(data, path)
        return path

    return write


@pytest.fixture
def z() -> Tensor:
    return torch.randn(64, 5, generator=torch.Generator().manual_seed(1))


def same(path: Path | str, network: nn.Module, z: Tensor) -> bool:
    """Whether the file's generator draws what the plain network draws, alone and in a batch."""
    generator = ganexplorer.load(str(path))
    wanted = images_of(network, z)
    return torch.allclose(generator(z), wanted, atol=1e-5) and torch.allclose(generator(z[:1]), wanted[:1], atol=1e-5)


def test_a_bare_state_dict_opens_by_the_name_of_its_file(save, z):
    network = mlp(5, 9, 16)
    path = save(network.state_dict())
    assert same(path, network, z)
    entry = zoo.resolve(str(path))
    assert (entry.name, entry.spec.z_dim, entry.spec.image_shape) == ("model", 5, (1, 4, 4))
    assert not entry.has_discriminator


def test_a_safetensors_file_of_a_stranger_opens(tmp_path, z):
    network = mlp(5, 9, 16)
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file(network.state_dict(), path)
    assert same(path, network, z)


@pytest.mark.parametrize("suffix", [".pt", ".ckpt", ".safetensors", ".png", ""])
def test_the_suffix_of_a_file_does_not_matter(save, z, suffix):
    network = mlp(5, 9, 16)
    assert same(save(network.state_dict(), f"model{suffix}"), network, z)


def test_a_path_with_spaces_and_chinese_characters_opens(save, z, tmp_path):
    (tmp_path / "我的 模型").mkdir()
    network = mlp(5, 9, 16)
    path = save(network.state_dict(), "我的 模型/生成器 1.pt")
    assert same(path, network, z)
    assert zoo.resolve(str(path)).name == "生成器 1"


def test_the_average_of_a_generator_is_taken_before_the_generator_and_each_can_be_asked_for(save, z):
    raw, average = mlp(5, 9, 16, seed=1), mlp(5, 9, 16, seed=2)
    path = save({"epoch": 3, "g": raw.state_dict(), "g_ema": average.state_dict()})
    assert same(path, average, z)
    file = opening.read(path)
    assert file.labels == ["g_ema", "g"]
    other = file.with_choices({}, "g")
    assert torch.allclose(other.checkpoint().generator(z), images_of(raw, z), atol=1e-5)
    with pytest.raises(ForeignError, match=r"no network 'h'.*g_ema, g"):
        file.with_choices({}, "h")


def test_the_discriminator_beside_a_generator_is_opened_too(save, z):
    generator, critic = mlp(5, 9, 16), mlp(16, 7, 1)
    path = save({"netG": generator.state_dict(), "netD": critic.state_dict()})
    entry = zoo.resolve(str(path))
    assert entry.has_discriminator
    checkpoint = entry.load()
    images = images_of(generator, z)
    with torch.no_grad():
        logits = critic(images.flatten(1)).reshape(-1)
    assert checkpoint.discriminator is not None
    assert torch.allclose(checkpoint.discriminator.logits(images), logits, atol=1e-5)


def test_a_discriminator_that_is_not_understood_leaves_the_generator_open_and_is_told(save, z):
    network = mlp(5, 9, 16)
    path = save({"G": network.state_dict(), "D": mlp(99, 7, 1).state_dict()})
    assert same(path, network, z)
    file = opening.read(path)
    assert not file.has_discriminator
    assert "D:" in file.note
    assert "99" in file.note


def test_a_person_changes_what_names_and_shapes_do_not_tell(save, z):
    network = nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 12), nn.Sigmoid()).eval()
    file = opening.read(save(network.state_dict()))
    changed = file.with_choices(
        {"activation": "relu", "output": "sigmoid", "prior": "uniform:0,1", "image_shape": "3,2,2"}
    )
    checkpoint = changed.checkpoint()
    with torch.no_grad():
        wanted = network(z).reshape(-1, 3, 2, 2) * 2 - 1
    assert torch.allclose(checkpoint.generator(z), wanted, atol=1e-5)
    assert str(checkpoint.generator.spec.prior) == "uniform(0, 1)"
    assert checkpoint.card["assumed"]["activation"] == "relu"


@pytest.mark.parametrize(
    ("choices", "order"),
    [
        ({"transpose": True}, lambda x: x.reshape(-1, 3, 4, 2).transpose(2, 3)),
        ({"channels_last": True}, lambda x: x.reshape(-1, 2, 4, 3).permute(0, 3, 1, 2)),
        ({"transpose": True, "channels_last": True}, lambda x: x.reshape(-1, 4, 2, 3).permute(0, 3, 2, 1)),
    ],
)
def test_the_order_of_pixels_can_be_changed_and_the_discriminator_sees_them_as_before(save, z, choices, order):
    generator, critic = mlp(5, 9, 24), mlp(24, 7, 1)
    path = save({"G": generator.state_dict(), "D": critic.state_dict()})
    checkpoint = opening.read(path).with_choices({"image_shape": "3,2,4", **choices}).checkpoint()
    images = checkpoint.generator(z)
    with torch.no_grad():
        flat = torch.tanh(generator(z))
        assert torch.allclose(images, order(flat), atol=1e-5)
        assert checkpoint.discriminator is not None
        assert torch.allclose(checkpoint.discriminator.logits(images), critic(flat).reshape(-1), atol=1e-5)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"activation": "mish"}, "activation is one of relu"),
        ({"slope": "steep"}, "slope is a number"),
        ({"prior": "gamma"}, "prior is normal"),
        ({"image_shape": "3,5,5"}, "3x5x5"),
        ({"colour": "red"}, "unknown choice 'colour'"),
    ],
)
def test_a_choice_that_is_none_or_does_not_fit_is_refused_in_words(save, choices, words):
    path = save(mlp(5, 9, 16).state_dict())
    with pytest.raises(ForeignError, match=words) as error:
        opening.read(path).with_choices(choices).checkpoint()
    assert str(path) in str(error.value)


def test_choices_are_kept_beside_the_file_and_found_again(save, z):
    path = save(mlp(5, 9, 16).state_dict())
    file = opening.read(path).with_choices({"activation": "relu", "prior": "uniform:0,2"})
    kept = opening.keep_choices(file)
    assert kept == path.with_name("model.pt.ganexplorer.json")
    again = ganexplorer.load(str(path))
    assert again.prior == file.spec.prior
    assert again.spec == file.spec
    assert opening.keep_choices(again_usual := opening.read(path).with_choices(file.usual.to_dict())) is None
    assert not kept.exists()
    assert again_usual.stored == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b'{"choices": 3}', b'{"choices": {"slope": "x"}}', b'{"choices": {"nonsense": 1}}', b"\xff"],
)
def test_a_damaged_file_of_choices_is_ignored(save, z, content):
    network = mlp(5, 9, 16)
    path = save(network.state_dict())
    opening.choices_file(path).write_bytes(content)
    assert same(path, network, z)


def test_kept_choices_that_fit_the_file_no_more_are_ignored(save, z):
    path = save(mlp(5, 9, 16).state_dict())
    opening.keep_choices(opening.read(path).with_choices({"image_shape": "1,2,8"}))
    other = mlp(5, 9, 25)
    save(other.state_dict())
    with torch.no_grad():
        wanted = torch.tanh(other(z)).reshape(-1, 1, 5, 5)
    assert torch.allclose(ganexplorer.load(str(path))(z), wanted, atol=1e-5)


def test_a_folder_that_cannot_be_written_to_is_told(open_folder, as_a_person):
    path = open_folder / "model.pt"
    torch.save(mlp(5, 9, 16).state_dict(), path)
    file = opening.read(path).with_choices({"slope": 0.3})
    open_folder.chmod(0o555)
    try:
        with as_a_person(), pytest.raises(ForeignError, match="cannot be kept"):
            opening.keep_choices(file)
    finally:
        open_folder.chmod(0o755)


def test_the_choice_of_a_network_is_kept_too(save, z):
    raw, average = mlp(5, 9, 16, seed=1), mlp(5, 9, 16, seed=2)
    path = save({"g": raw.state_dict(), "g_ema": average.state_dict()})
    kept = opening.keep_choices(opening.read(path).with_choices({}, "g"))
    assert kept is not None
    assert json.loads(kept.read_text())["network"] == "g"
    assert same(path, raw, z)


def test_a_converted_model_is_one_of_our_own_and_draws_the_same(save, z, tmp_path):
    generator, critic = mlp(5, 9, 16), mlp(16, 7, 1)
    file = opening.read(save({"G": generator.state_dict(), "D": critic.state_dict()}))
    file.checkpoint().save(tmp_path / "own.safetensors")
    own = Checkpoint.load(tmp_path / "own.safetensors")
    assert torch.allclose(own.generator(z), images_of(generator, z), atol=1e-5)
    assert own.discriminator is not None
    assert own.card["source"] == "model.pt"
    assert zoo.resolve(str(tmp_path / "own.safetensors")).foreign is None


# -- what is refused ---------------------------------------------------------------------------------------


def broken(**changes: object) -> dict[str, object]:
    return {**mlp(5, 9, 16).state_dict(), **changes}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (broken(**{"0.weight": torch.full((9, 5), float("nan"))}), "0.weight holds NaN or infinite values"),
        (broken(**{"2.bias": torch.full((16,), float("inf"))}), "2.bias holds NaN or infinite values"),
        (broken(**{"0.weight": torch.ones(9, 5, dtype=torch.int64)}), "0.weight is of type int64, expected floating"),
        ({k: v for k, v in broken().items() if k != "2.weight"}, "2 lacks its weight"),
        (broken(**{"gamma": torch.ones(3, 3, 3)}), "gamma"),
        (broken(**{"1.weight": torch.ones(7)}), "1 has 7 weights and no running statistics"),
        (broken(**{"2.weight": torch.ones(16, 8)}), "2 takes 8 values, expected 9"),
        ({"epoch": 3}, "holds no tensors"),
        ({"netD": mlp(16, 7, 1).state_dict()}, "discriminator"),
    ],
)
def test_a_network_that_is_not_understood_is_refused_with_what_was_found_and_expected(save, data, words):
    path = save(data)
    with pytest.raises(UserError) as error:
        ganexplorer.load(str(path))
    text = str(error.value)
    assert words in text
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")


def test_a_generator_that_is_refused_is_not_replaced_by_another_network(save):
    """An encoder may look like a generator; it is not the one that was meant."""
    encoder = mlp(16, 9, 25)
    data = {"generator": broken(**{"gamma": torch.ones(3, 3, 3)}), "encoder": encoder.state_dict()}
    with pytest.raises(ForeignError, match="gamma"):
        opening.read(save(data))


def test_images_that_are_not_finite_are_refused(save):
    network = nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 16))
    with torch.no_grad():
        network[2].weight.fill_(3e38)
        network[0].weight.fill_(3e38)
    path = save(network.state_dict())
    with pytest.raises(ForeignError, match="not finite"):
        opening.read(path).with_choices({"activation": "relu", "output": "none"}).checkpoint()
