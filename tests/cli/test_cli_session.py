"""sample and interpolate from a session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganexplorer import cli, sample
from ganexplorer.core import zoo
from ganexplorer.core.checkpoint import fingerprint
from ganexplorer.core.generator import Generator
from ganexplorer.core.media import read_origin
from ganexplorer.core.render import to_pixels
from ganexplorer.core.session import Session, save_session
from ganexplorer.core.state import Morph, State, Step

MODEL = "mnist-mlp-64"


def frames(path: Path) -> int:
    with Image.open(path) as image:
        return int(image.n_frames)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(zoo.resolve(MODEL).load())


@pytest.fixture
def session(tmp_path: Path, generator: Generator) -> Path:
    z = sample(generator, 4, seed=9)
    state = State(z[0], 0, a=z[1], b=z[2], middle=(z[3],))
    morph = Morph(mode="lerp", spline=True, reach=0.25, ping_pong=True)
    mark = fingerprint(zoo.resolve(MODEL).load().generator)
    path = tmp_path / "s.ganexplorer"
    save_session(path, Session(MODEL, MODEL, mark, generator.prior, state, (Step(0, None, z[0]),), morph))
    return path


def test_sample_makes_the_picture_of_a_session(session: Path, tmp_path: Path, generator: Generator) -> None:
    out = tmp_path / "out.png"
    assert cli.main(["sample", "--session", str(session), "-o", str(out)]) == 0
    expected = to_pixels(generator(sample(generator, 1, seed=9)))[0]
    with Image.open(out) as image:
        assert np.abs(np.asarray(image).astype(int) - expected.astype(int)).max() <= 1
    origin = read_origin(out)
    assert origin is not None
    assert torch.equal(origin.z, sample(generator, 1, seed=9))
    assert (origin.model, len(origin.fingerprint)) == (MODEL, 16)


def test_sample_makes_the_picture_of_a_session_also_by_number(session: Path, tmp_path: Path) -> None:
    for name in ("out.png", "out-%04d.png"):
        assert cli.main(["sample", "--session", str(session), "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / "out-0001.png").read_bytes() == (tmp_path / "out.png").read_bytes()
    assert len(list(tmp_path.glob("out*"))) == 2


def test_sample_writes_the_numbers_of_a_session(session: Path, tmp_path: Path, generator: Generator) -> None:
    out = tmp_path / "out.npy"
    assert cli.main(["sample", "--session", str(session), "-o", str(out)]) == 0
    np.testing.assert_allclose(np.load(out), generator(sample(generator, 1, seed=9)).numpy(), atol=1e-5)


def test_a_session_of_other_weights_is_told(
    session: Path, tmp_path: Path, generator: Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    text = session.read_text()
    mark = fingerprint(zoo.resolve(MODEL).load().generator)
    session.write_text(text.replace(mark, "0" * 16))
    assert cli.main(["sample", "--session", str(session), "-o", str(tmp_path / "out.png")]) == 0
    assert "other weights" in capsys.readouterr().err


def test_interpolate_goes_the_way_of_a_session(session: Path, tmp_path: Path, generator: Generator) -> None:
    """The same bytes as with its keys and settings given one by one."""
    z = sample(generator, 4, seed=9)
    np.save(tmp_path / "keys.npy", torch.stack([z[1], z[3], z[2]]).numpy())
    by_session, by_flags = tmp_path / "a.gif", tmp_path / "b.gif"
    common = ["--frames", "7", "-o"]
    assert cli.main(["interpolate", "--session", str(session), *common, str(by_session)]) == 0
    flags = ["--z", str(tmp_path / "keys.npy"), "--mode", "lerp", "--spline", "--extrapolate", "0.25", "--ping-pong"]
    assert cli.main(["interpolate", MODEL, *flags, *common, str(by_flags)]) == 0
    assert by_session.read_bytes() == by_flags.read_bytes()
    assert frames(by_session) == 12


def test_a_flag_outdoes_the_session(session: Path, tmp_path: Path) -> None:
    plain, loop, once = tmp_path / "a.gif", tmp_path / "b.gif", tmp_path / "c.gif"
    assert cli.main(["interpolate", "--session", str(session), "--frames", "6", "-o", str(plain)]) == 0
    flags = ["--no-ping-pong", "--frames", "6", "-o", str(once)]
    assert cli.main(["interpolate", "--session", str(session), *flags]) == 0
    assert frames(once) == 6
    assert cli.main(["interpolate", "--session", str(session), "--loop", "--frames", "6", "-o", str(loop)]) == 0
    assert frames(loop) == 6
    assert frames(plain) == 10


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["sample", "-o", "out.png"], "name a MODEL"),
        (["sample", "--session", "no.ganexplorer", "-o", "out.png"], "no such file"),
        (["interpolate", MODEL, "-o", "out.gif"], "--seeds"),
        (["sample", "--session", "s.ganexplorer", "-n", "4", "-o", "out.png"], "--count: a session has the one z"),
        (["sample", "--session", "s.ganexplorer", "--truncation", "1", "-o", "out.png"], "--truncation"),
    ],
)
def test_what_is_missing_is_named(arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert word in capsys.readouterr().err


def test_a_session_without_keys_is_no_film(
    tmp_path: Path, generator: Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.ganexplorer"
    z = sample(generator, 1)[0]
    save_session(path, Session(MODEL, MODEL, "", generator.prior, State(z, a=z), (Step(0, None, z),)))
    assert cli.main(["interpolate", "--session", str(path), "-o", str(tmp_path / "out.gif")]) == 2
    assert "fewer than two key frames" in capsys.readouterr().err


def test_a_session_of_another_space_is_refused(
    tmp_path: Path, generator: Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.ganexplorer"
    z = torch.zeros(3)
    save_session(path, Session(MODEL, MODEL, "", generator.prior, State(z), (Step(0, None, z),)))
    assert cli.main(["sample", "--session", str(path), "-o", str(tmp_path / "out.png")]) == 2
    assert "z 64" in capsys.readouterr().err


def test_a_session_in_the_place_of_a_model_is_told(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["sample", str(session), "-o", str(tmp_path / "out.png")], ["inspect", str(session)]):
        assert cli.main(command) == 2
        assert "is a session, not a model. Name it after --session." in capsys.readouterr().err
