"""convert, and strangers' files in the other commands."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

import ganexplorer
from ganexplorer.cli import build_parser
from ganexplorer.core.checkpoint import read_metadata
from ganexplorer.core.foreign import choices


@pytest.fixture
def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 16), nn.Tanh()).eval()


@pytest.fixture
def file(tmp_path: Path, network: nn.Sequential) -> Path:
    path = tmp_path / "netG.pth"
    critic = nn.Sequential(nn.Linear(16, 4), nn.LeakyReLU(0.2), nn.Linear(4, 1), nn.Sigmoid())
    torch.save({"netG": network.state_dict(), "netD": critic.state_dict(), "epoch": 4}, path)
    return path


def test_convert_writes_a_model_that_draws_what_the_plain_network_draws(command, file, network, tmp_path):
    out = tmp_path / "own.safetensors"
    answer = command("convert", file, "-o", out, "--activation", "relu", "--prior", "uniform")
    assert (answer.status, answer.err) == (0, "")
    assert "5-9-16, z 5" in answer.out
    assert "activation relu" in answer.out
    assert "prior uniform:-1,1" in answer.out
    generator = ganexplorer.load(str(out))
    z = torch.randn(64, 5, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = network(z).reshape(-1, 1, 4, 4)
    assert torch.allclose(generator(z), wanted, atol=1e-5)
    assert torch.allclose(generator(z[3:4]), wanted[3:4], atol=1e-5)
    facts = json.loads(command("inspect", out, "--json").out)
    assert facts["has_discriminator"]
    assert facts["prior"] == "uniform(-1, 1)"


def test_each_choice_has_its_flag_and_no_flag_is_without_a_choice():
    parser = build_parser()
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    flags = {action.dest for action in commands.choices["convert"]._actions}
    assert flags - {"help", "debug", "file", "out", "network"} == set(choices.names())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--activation", "mish"), "activation is one of relu, leaky_relu"),
        (("--eps", "-1"), "eps is a number from 0 to 10"),
        (("--prior", "uniform:3,1"), "prior is normal"),
        (("--image-shape", "3,7,7"), "do not make an image of 3x7x7"),
        (("--network", "netE"), "has no network 'netE'. Those that can be opened: netG."),
    ],
)
def test_a_choice_that_is_none_is_refused_and_nothing_is_written(command, file, tmp_path, arguments, words):
    out = tmp_path / "own.safetensors"
    refusal = command("convert", file, "-o", out, *arguments).refusal
    assert words in refusal
    assert str(file) in refusal
    assert not out.exists()


def test_a_model_of_our_own_needs_no_converting(command, file, tmp_path):
    own = tmp_path / "own.safetensors"
    command("convert", file, "-o", own)
    assert "is a model of ganexplorer already" in command("convert", own, "-o", tmp_path / "b.safetensors").refusal
    assert "file to convert itself" in command("convert", own, "-o", own).refusal


def test_only_a_safetensors_file_is_written_and_only_where_one_can_be(command, file, tmp_path):
    assert "ends in .safetensors" in command("convert", file, "-o", tmp_path / "own.pt").refusal
    assert "cannot be written" in command("convert", file, "-o", tmp_path / "none" / "own.safetensors").refusal


def test_a_strangers_file_is_a_model_for_every_command(command, file, network, tmp_path):
    facts = json.loads(command("inspect", file, "--json").out)
    assert (facts["family"], facts["z_dim"], facts["image_shape"]) == ("mlp", 5, [1, 4, 4])
    assert facts["assumed"]["activation"] == "leaky_relu"
    assert "activation leaky_relu, slope 0.2" in command("inspect", file).out
    z = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    np.save(tmp_path / "z.npy", z)
    command("convert", file, "-o", tmp_path / "own.safetensors", "--activation", "relu")
    for model in (file, tmp_path / "own.safetensors"):
        out = tmp_path / f"{model.stem}.npy"
        assert command("sample", model, "--z", tmp_path / "z.npy", "-o", out).status == 0
        images = np.load(out)
        assert images.shape == (3, 1, 4, 4)
    with torch.no_grad():
        wanted = network(torch.from_numpy(z)).reshape(-1, 1, 4, 4).numpy()
    np.testing.assert_allclose(np.load(tmp_path / "own.npy"), wanted, atol=1e-5)
    assert command("interpolate", file, "--seeds", "1,2", "--frames", "4", "-o", tmp_path / "m.png").status == 0


def test_a_file_that_is_refused_is_refused_in_the_same_words_by_every_command(command, tmp_path):
    path = tmp_path / "bad.pt"
    torch.save({"generator": {"emb.weight": torch.ones(10, 3), "0.weight": torch.ones(16, 5)}}, path)
    refusals = {
        command(*arguments).refusal
        for arguments in (
            ("inspect", path),
            ("sample", path, "-o", tmp_path / "x.png"),
            ("convert", path, "-o", tmp_path / "x.safetensors"),
            ("export", path, "-o", tmp_path / "x.onnx"),
            ("interpolate", path, "--seeds", "1,2", "-o", tmp_path / "x.gif"),
        )
    }
    assert len(refusals) == 1
    assert "no generator was recognised" in refusals.pop()


def test_a_newer_file_of_our_own_is_refused_as_everywhere(command, tmp_path):
    path = tmp_path / "newer.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(1)}, path, {"format": "ganexplorer-2"})
    refusals = {command("inspect", path).refusal, command("convert", path, "-o", tmp_path / "x.safetensors").refusal}
    assert len(refusals) == 1
    assert "written by a newer ganexplorer" in refusals.pop()


def test_a_file_that_is_not_there_is_told_where_the_one_to_write_is(command, tmp_path):
    (tmp_path / "out.safetensors").write_bytes(b"")
    text = command("convert", tmp_path / "absent.pt", "-o", tmp_path / "out.safetensors").refusal
    assert text == f"{tmp_path / 'absent.pt'}: no such file. Check its name and folder."


def test_names_in_a_file_do_not_steer_the_terminal(command, network, tmp_path):
    path = tmp_path / "net\x1b[31m.pth"
    torch.save({"\x1b]0;x\x07netG": network.state_dict(), "\x1b[2Jg_ema": network.state_dict()}, path)
    out = tmp_path / "own.safetensors"
    for answer in (command("inspect", path), command("convert", path, "-o", out), command("inspect", out)):
        assert answer.status == 0
        assert all(line.isprintable() for line in answer.out.splitlines())


def test_a_card_does_not_steer_the_terminal(command, file, tmp_path):
    own = tmp_path / "own.safetensors"
    command("convert", file, "-o", own)
    tensors = safetensors.torch.load(own.read_bytes())
    card = {"recipe": "\x1b[31m" + "r" * 9999, "data": "a\nb\x07", "step": ["\x1b"]}
    safetensors.torch.save_file(tensors, own, read_metadata(own) | {"card": json.dumps(card)})
    answer = command("inspect", own)
    assert answer.status == 0
    assert all(line.isprintable() and len(line) <= 2000 for line in answer.out.splitlines())


def test_what_was_chosen_is_told_apart_from_what_was_assumed(command, file, tmp_path):
    lines = command("convert", file, "-o", tmp_path / "own.safetensors", "--activation", "relu").out.splitlines()
    (chosen,) = [line for line in lines if line.startswith("chosen")]
    (assumed,) = [line for line in lines if line.startswith("assumed")]
    assert "activation relu" in chosen
    assert "activation" not in assumed
    assert "output tanh" in assumed


def test_a_flag_that_changes_nothing_is_told(command, file, tmp_path):
    out = command("convert", file, "-o", tmp_path / "own.safetensors", "--eps", "0.8").out
    assert "no effect on this network: --eps" in out


def test_inspect_says_which_network_was_taken_and_how_to_take_another(command, tmp_path):
    weights = nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 16)).state_dict()
    path = tmp_path / "two.pt"
    torch.save({"g": weights, "g_ema": weights}, path)
    out = command("inspect", path).out
    assert "g_ema" in out
    assert "convert" in out


def test_choices_kept_by_the_window_are_told_as_chosen(command, file):
    file.with_name("netG.pth.ganexplorer.json").write_text('{"choices": {"activation": "elu"}}')
    (chosen,) = [line for line in command("inspect", file).out.splitlines() if line.startswith("chosen")]
    assert "activation elu" in chosen
