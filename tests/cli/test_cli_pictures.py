"""sample and interpolate: files that hold exactly what the library, and the window, give."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from tqdm import tqdm

import ganexplorer
from ganexplorer.core import film, latent, media
from ganexplorer.core.checkpoint import Checkpoint, fingerprint
from ganexplorer.core.paths import LatentPath
from ganexplorer.core.render import Renderer, to_pixels
from ganexplorer.core.zoo import GENERATOR_FILE, resolve

Command = Callable[..., Any]
NAMES = ["probe-gray", "probe-colour", "probe-pattern"]
pytestmark = pytest.mark.usefixtures("models")


def written(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


# ---- sample


@pytest.mark.parametrize("name", NAMES)
def test_a_sampled_npy_holds_the_images_as_float32_in_range(command: Command, tmp_path: Path, name: str) -> None:
    answer = command("sample", name, "-n", 5, "--seed", 3, "-o", tmp_path / "a.npy")
    assert (answer.status, answer.err) == (0, "")
    generator = ganexplorer.load(name)
    images = np.load(tmp_path / "a.npy")
    assert images.dtype == np.float32
    assert images.shape == (5, *generator.image_shape)
    assert -1 <= images.min() <= images.max() <= 1
    assert np.array_equal(images, generator(ganexplorer.sample(generator, 5, seed=3)).numpy())


@pytest.mark.parametrize("name", NAMES)
def test_a_sampled_png_is_the_sheet_of_those_images_and_remembers_their_z(
    command: Command, tmp_path: Path, name: str
) -> None:
    assert command("sample", name, "-n", 7, "--seed", 2, "--truncation", 0.7, "-o", tmp_path / "a.png").status == 0
    generator = ganexplorer.load(name)
    z = ganexplorer.sample(generator, 7, seed=2, truncation=0.7)
    assert np.array_equal(written(tmp_path / "a.png"), media.sheet(to_pixels(generator(z))))
    origin = media.read_origin(tmp_path / "a.png")
    assert origin is not None
    assert origin.model == name
    assert origin.fingerprint == fingerprint(resolve(name).load().generator)
    assert torch.equal(origin.z, z)


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_written_as_a_file_each_that_remembers_its_own_z(
    command: Command, tmp_path: Path, name: str
) -> None:
    answer = command("sample", name, "-n", 70, "--seed", 2, "-o", tmp_path / "face-%03d.png")
    assert (answer.status, answer.out, answer.err) == (0, "", "")
    assert sorted(path.name for path in tmp_path.glob("face*")) == [f"face-{i:03d}.png" for i in range(1, 71)]
    generator = ganexplorer.load(name)
    z = ganexplorer.sample(generator, 70, seed=2)
    for i, picture in enumerate(Renderer(resolve(name).load().generator).stills(z)):
        path = tmp_path / f"face-{i + 1:03d}.png"
        assert np.array_equal(written(path), picture)
        origin = media.read_origin(path)
        assert origin is not None
        assert (origin.model, origin.fingerprint) == (name, fingerprint(resolve(name).load().generator))
        assert torch.equal(origin.z, z[i : i + 1])


def test_numbered_samples_that_cannot_all_be_written_leave_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "s-2.png").mkdir()
    answer = command("sample", "probe-gray", "-n", 3, "-o", tmp_path / "s-%d.png")
    assert answer.status == 2
    assert answer.err == f"ganexplorer: {tmp_path / 's-2.png'}: is a folder. Use another name for the pictures.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["s-2.png"]


def test_numbered_samples_for_a_folder_that_is_not_there_are_refused(command: Command, tmp_path: Path) -> None:
    answer = command("sample", "probe-gray", "-o", tmp_path / "none" / "s-%d.png")
    assert answer.status == 2
    assert answer.err.endswith(f"its folder does not exist. Create {tmp_path / 'none'} first.\n")


def test_64_samples_are_drawn_unless_asked_otherwise(command: Command, tmp_path: Path) -> None:
    command("sample", "probe-gray", "-o", tmp_path / "a.npy")
    command("sample", "probe-gray", "-n", 64, "--seed", 0, "--truncation", 1, "-o", tmp_path / "b.npy")
    assert np.load(tmp_path / "a.npy").shape[0] == 64
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_the_first_of_many_is_the_single_sample_of_that_seed(command: Command, tmp_path: Path) -> None:
    command("sample", "probe-gray", "-n", 64, "--seed", 9, "-o", tmp_path / "many.npy")
    command("sample", "probe-gray", "-n", 1, "--seed", 9, "-o", tmp_path / "one.npy")
    np.testing.assert_allclose(np.load(tmp_path / "many.npy")[:1], np.load(tmp_path / "one.npy"), atol=1e-6)


def test_another_seed_gives_other_images(command: Command, tmp_path: Path) -> None:
    for seed in (1, 2):
        command("sample", "probe-gray", "-n", 3, "--seed", seed, "-o", tmp_path / f"{seed}.npy")
    assert not np.isclose(np.load(tmp_path / "1.npy"), np.load(tmp_path / "2.npy")).all(axis=(1, 2, 3)).any()


def test_truncation_0_gives_the_image_of_the_prior_s_centre(command: Command, tmp_path: Path) -> None:
    command("sample", "probe-gray", "-n", 3, "--truncation", 0, "-o", tmp_path / "a.npy")
    centre = ganexplorer.load("probe-gray")(torch.zeros(3, 7))
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), centre.numpy(), atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 7), (7,)])
def test_given_latents_are_used_in_place_of_a_seed(command: Command, tmp_path: Path, shape: tuple[int, ...]) -> None:
    z = np.random.default_rng(0).normal(size=shape)
    np.save(tmp_path / "z.npy", z)
    assert command("sample", "probe-gray", "--z", tmp_path / "z.npy", "-o", tmp_path / "a.npy").status == 0
    expected = ganexplorer.load("probe-gray")(torch.from_numpy(z.astype(np.float32).reshape(-1, 7)))
    assert np.array_equal(np.load(tmp_path / "a.npy"), expected.numpy())


def test_given_latents_outside_the_prior_are_used_as_they_are(command: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.array([[0.9]]))  # the prior is the constant 0.5
    command("sample", "probe-pattern", "--z", tmp_path / "z.npy", "-o", tmp_path / "a.npy")
    generator = ganexplorer.load("probe-pattern")
    assert np.array_equal(np.load(tmp_path / "a.npy"), generator(torch.tensor([[0.9]])).numpy())


def test_given_latents_are_truncated_too(command: Command, tmp_path: Path) -> None:
    z = np.random.default_rng(0).normal(size=(2, 7)).astype(np.float32)
    np.save(tmp_path / "z.npy", z)
    command("sample", "probe-gray", "--z", tmp_path / "z.npy", "--truncation", 0.5, "-o", tmp_path / "a.npy")
    expected = ganexplorer.load("probe-gray")(torch.from_numpy(z / 2))
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), expected.numpy(), atol=1e-6)


def test_the_z_of_a_png_draws_the_same_images_again(command: Command, tmp_path: Path) -> None:
    command("sample", "probe-colour", "-n", 4, "--seed", 8, "-o", tmp_path / "a.png")
    origin = media.read_origin(tmp_path / "a.png")
    assert origin is not None
    np.save(tmp_path / "z.npy", origin.z.numpy())
    command("sample", origin.model, "--z", tmp_path / "z.npy", "-o", tmp_path / "b.png")
    assert np.array_equal(written(tmp_path / "a.png"), written(tmp_path / "b.png"))


def test_a_file_can_be_sampled_wherever_it_lies(
    command: Command, tmp_path: Path, checkpoints: dict[str, Checkpoint]
) -> None:
    checkpoints["probe-gray"].save(tmp_path / "copy.safetensors")
    command("sample", tmp_path / "copy.safetensors", "-n", 2, "-o", tmp_path / "a.npy")
    command("sample", "probe-gray", "-n", 2, "-o", tmp_path / "b.npy")
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.gif", "a.npz"])
def test_a_sample_of_an_unknown_kind_is_refused_with_the_known_ones(
    command: Command, tmp_path: Path, name: str
) -> None:
    refusal = command("sample", "probe-gray", "-o", tmp_path / name).refusal
    assert refusal.startswith(f"{tmp_path / name}: ")
    assert refusal.endswith("ends in .png or .npy.")


@pytest.mark.parametrize("name", ["a.png", "a.npy"])
def test_a_sample_into_an_absent_folder_is_refused(command: Command, tmp_path: Path, name: str) -> None:
    refusal = command("sample", "probe-gray", "-o", tmp_path / "absent" / name).refusal
    assert refusal == f"{tmp_path / 'absent' / name}: its folder does not exist. Create {tmp_path / 'absent'} first."


def test_a_sample_of_an_unknown_model_is_refused(command: Command, tmp_path: Path) -> None:
    assert command("sample", "probe", "-o", tmp_path / "a.png").refusal.startswith("probe: no such model")
    assert not list(tmp_path.iterdir())


def test_latents_of_another_model_are_refused_with_both_sizes(command: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.zeros((2, 10)))
    refusal = command("sample", "probe-gray", "--z", tmp_path / "z.npy", "-o", tmp_path / "a.png").refusal
    assert refusal == f"{tmp_path / 'z.npy'}: has 10 values a latent, and this model takes 7."


def test_an_absent_file_of_latents_is_refused(command: Command, tmp_path: Path) -> None:
    refusal = command("sample", "probe-gray", "--z", tmp_path / "z.npy", "-o", tmp_path / "a.png").refusal
    assert refusal == f"{tmp_path / 'z.npy'}: no such file. Check its name and folder."


@pytest.mark.parametrize("truncation", ["nan", "inf"])
def test_a_truncation_that_is_no_number_is_refused(command: Command, tmp_path: Path, truncation: str) -> None:
    answer = command("sample", "probe-gray", "--truncation", truncation, "-o", tmp_path / "a.png")
    assert answer.status == 2
    assert "truncation" in answer.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", [2**64, -(2**64)])
def test_a_seed_too_large_is_bad_input_and_no_failure(command: Command, tmp_path: Path, seed: int) -> None:
    answer = command("sample", "probe-gray", "--seed", seed, "-o", tmp_path / "a.png")
    assert answer.status == 2
    assert "seed" in answer.err


@pytest.mark.parametrize("seed", [-5, 2**63])
def test_any_seed_of_64_bits_is_taken(command: Command, tmp_path: Path, seed: int) -> None:
    assert command("sample", "probe-gray", "--seed", seed, "-n", 1, "-o", tmp_path / "a.npy").status == 0


def test_a_model_with_weights_that_are_not_finite_is_refused(command: Command, models: Path, tmp_path: Path) -> None:
    path = models / "probe-gray" / GENERATOR_FILE
    data = path.read_bytes()
    path.write_bytes(data[:-4] + np.float32("nan").tobytes())
    assert "NaN or infinite" in command("sample", "probe-gray", "-o", tmp_path / "a.png").refusal


# ---- interpolate


def expected_path(name: str, frames: int, mode: latent.PathMode, *, loop: bool = False) -> torch.Tensor:
    """z from seed 1 over 2 to 3."""
    generator = ganexplorer.load(name)
    keys = tuple(ganexplorer.sample(generator, seed=seed)[0] for seed in (1, 2, 3))
    return LatentPath(keys, mode, generator.prior, loop).frames(frames)


@pytest.mark.parametrize("mode", ["lerp", "slerp", "box"])
@pytest.mark.parametrize("name", NAMES)
def test_a_morph_as_png_is_the_sheet_of_its_frames(
    command: Command, tmp_path: Path, name: str, mode: latent.PathMode
) -> None:
    words = ("--seeds", "1,2,3", "--frames", 9, "--mode", mode, "-o", tmp_path / "m.png")
    answer = command("interpolate", name, *words)
    assert (answer.status, answer.err) == (0, "")
    generator, z = ganexplorer.load(name), expected_path(name, 9, mode)
    assert np.array_equal(written(tmp_path / "m.png"), media.sheet(to_pixels(generator(z))))
    origin = media.read_origin(tmp_path / "m.png")
    assert origin is not None
    assert torch.equal(origin.z, z)


def test_a_morph_is_a_slerp_unless_asked_otherwise(command: Command, tmp_path: Path) -> None:
    command("interpolate", "probe-gray", "--seeds", "1,2,3", "--frames", 5, "-o", tmp_path / "m.png")
    origin = media.read_origin(tmp_path / "m.png")
    assert origin is not None
    assert torch.equal(origin.z, expected_path("probe-gray", 5, "slerp"))


def test_a_morph_starts_and_ends_on_the_samples_of_its_seeds(command: Command, tmp_path: Path) -> None:
    command("interpolate", "probe-gray", "--seeds", "1,2,3", "--frames", 5, "-o", tmp_path / "m.png")
    origin = media.read_origin(tmp_path / "m.png")
    assert origin is not None
    generator = ganexplorer.load("probe-gray")
    keys = torch.cat([ganexplorer.sample(generator, seed=seed) for seed in (1, 2, 3)])
    assert torch.equal(origin.z[[0, 2, 4]], keys)


def gif(path: Path) -> tuple[list[np.ndarray], int]:
    """Frames (H, W, 3), and the milliseconds that they take together."""
    with Image.open(path) as image:
        frames = [(np.asarray(f.convert("RGB")), f.info["duration"]) for f in ImageSequence.Iterator(image)]
    return [frame for frame, _ in frames], sum(duration for _, duration in frames)


@pytest.mark.parametrize(("frames", "fps"), [(12, 24), (30, 30), (7, 50)])
def test_a_morph_as_gif_has_its_frames_and_takes_its_time(
    command: Command, tmp_path: Path, frames: int, fps: int
) -> None:
    words = ("--seeds", "1,2,3", "--frames", frames, "--fps", fps, "-o", tmp_path / "m.gif")
    assert command("interpolate", "probe-gray", *words).status == 0
    shown, duration = gif(tmp_path / "m.gif")
    assert len(shown) == frames
    assert duration == pytest.approx(1000 * frames / fps, abs=5)


def test_a_morph_lasts_two_seconds_unless_asked_otherwise(command: Command, tmp_path: Path) -> None:
    command("interpolate", "probe-gray", "--seeds", "1,2", "-o", tmp_path / "m.gif")
    shown, duration = gif(tmp_path / "m.gif")
    assert (len(shown), duration) == (60, 2000)


@pytest.mark.parametrize("loop", [False, True])
def test_the_frames_of_a_gif_are_the_enlarged_pictures(command: Command, tmp_path: Path, loop: bool) -> None:
    words = ["--seeds", "1,2,3", "--frames", 9, "-o", tmp_path / "m.gif", *(["--loop"] if loop else [])]
    command("interpolate", "probe-gray", *words)
    shown, _ = gif(tmp_path / "m.gif")
    z = expected_path("probe-gray", 9, "slerp", loop=loop)
    pictures = to_pixels(ganexplorer.load("probe-gray")(z))
    assert len(shown) == 9
    for frame, picture in zip(shown, pictures, strict=True):
        assert frame.shape == (6 * 42, 5 * 42, 3)
        assert np.array_equal(frame[21::42, 21::42, 0], picture)


def test_a_colour_morph_as_gif_shows_nearly_its_colours(command: Command, tmp_path: Path) -> None:
    command("interpolate", "probe-colour", "--seeds", "1,2,3", "--frames", 4, "-o", tmp_path / "m.gif")
    shown, _ = gif(tmp_path / "m.gif")
    pictures = to_pixels(ganexplorer.load("probe-colour")(expected_path("probe-colour", 4, "slerp")))
    for frame, picture in zip(shown, pictures, strict=True):
        assert np.abs(frame[8::16, 8::16].astype(int) - picture).mean() < 6  # of 255; a GIF has 256 colours


def test_a_morph_that_stands_still_takes_its_time(command: Command, tmp_path: Path) -> None:
    command("interpolate", "probe-pattern", "--seeds", "1,2", "--frames", 20, "--fps", 20, "-o", tmp_path / "m.gif")
    assert gif(tmp_path / "m.gif")[1] == 1000


@pytest.mark.parametrize("name", ["m.jpg", "m", "m.npy"])
def test_a_morph_of_an_unknown_kind_is_refused(command: Command, tmp_path: Path, name: str) -> None:
    refusal = command("interpolate", "probe-gray", "--seeds", "1,2", "-o", tmp_path / name).refusal
    assert refusal.startswith(f"{tmp_path / name}: cannot write this kind of file.")


def test_a_morph_of_one_frame_is_refused(command: Command, tmp_path: Path) -> None:
    words = ("--seeds", "1,2", "--frames", 1, "-o", tmp_path / "m.gif")
    assert command("interpolate", "probe-gray", *words).refusal == "--frames: a morph needs at least 2."


@pytest.mark.parametrize("fps", [0, 60, -1, "nan"])
def test_a_gif_of_impossible_speed_is_refused_with_the_remedy(
    command: Command, tmp_path: Path, fps: float | str
) -> None:
    words = ("--seeds", "1,2", "--frames", 3, "--fps", fps, "-o", tmp_path / "m.gif")
    assert "choose --fps 0.01 to 50" in command("interpolate", "probe-gray", *words).refusal
    assert not list(tmp_path.iterdir())


def test_a_morph_into_an_absent_folder_is_refused(command: Command, tmp_path: Path) -> None:
    words = ("--seeds", "1,2", "--frames", 3, "-o", tmp_path / "absent" / "m.gif")
    assert "its folder does not exist" in command("interpolate", "probe-gray", *words).refusal


def test_nothing_but_the_picture_is_written(command: Command, tmp_path: Path) -> None:
    command("sample", "probe-gray", "-n", 2, "-o", tmp_path / "a.png")
    command("interpolate", "probe-gray", "--seeds", "1,2", "--frames", 3, "-o", tmp_path / "m.gif")
    assert sorted(os.listdir(tmp_path)) == ["a.png", "m.gif"]


# ---- interpolate: keys, ways, kinds of file


def z_of(command: Command, folder: Path, *words: object, name: str = "probe-gray") -> torch.Tensor:
    """The latents of a morph of 5 frames with these flags."""
    answer = command("interpolate", name, "--frames", 5, *words, "-o", folder / "z.png")
    assert (answer.status, answer.err) == (0, "")
    origin = media.read_origin(folder / "z.png")
    assert origin is not None
    return origin.z


def like_the_window(out: Path, name: str, spline: bool, even: bool, ping_pong: bool) -> None:
    """Export from seed 1 over 2 to 3 as a thread of the window does: one that has one CPU thread."""

    def export() -> None:
        torch.set_num_threads(1)
        generator = resolve(name).load().generator
        assert generator.spec.prior is not None
        keys = tuple(latent.seeded(generator.spec.prior, generator.spec.z_dim, seed)[0] for seed in (1, 2, 3))
        renderer = Renderer(generator)
        path = LatentPath(keys, "slerp", generator.spec.prior, spline=spline)
        z = film.film_latents(path, 6, 0.0, ping_pong, renderer.images if even else None)
        film.write_film(out, renderer, z, 20, media.Origin(name, z, fingerprint(generator)))

    thread = threading.Thread(target=export)
    thread.start()
    thread.join()


@pytest.mark.parametrize("kind", ["m.gif", "m.mp4", "m.png", "m-%02d.png"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("threads", [1, 2])
def test_window_and_command_line_write_the_same_bytes(
    command: Command, tmp_path: Path, name: str, kind: str, threads: int
) -> None:
    flags = {"--spline": name == "probe-gray", "--even": name != "probe-pattern", "--ping-pong": kind == "m.gif"}
    for folder in ("window", "line"):
        (tmp_path / folder).mkdir()
    like_the_window(tmp_path / "window" / kind, name, *flags.values())
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        words = [flag for flag, is_given in flags.items() if is_given]
        answer = command(
            "interpolate", name, "--seeds", "1,2,3", "--frames", 6, "--fps", 20, *words, "-o", tmp_path / "line" / kind
        )
    finally:
        torch.set_num_threads(before)
    assert (answer.status, answer.err) == (0, "")
    files = [{path.name: path.read_bytes() for path in (tmp_path / side).iterdir()} for side in ("window", "line")]
    assert files[0] == files[1]
    assert len(files[0]) == (6 if "%" in kind else 1)


def test_a_sequence_is_a_png_a_frame_that_remembers_its_z(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "frame-%03d.png"
    assert command("interpolate", "probe-colour", "--seeds", "1,2,3", "--frames", 5, "-o", out).status == 0
    assert sorted(os.listdir(tmp_path)) == [f"frame-00{number}.png" for number in range(1, 6)]
    z = expected_path("probe-colour", 5, "slerp")
    for i in range(5):
        origin = media.read_origin(tmp_path / f"frame-00{i + 1}.png")
        assert origin is not None
        assert torch.equal(origin.z, z[i : i + 1])


def test_keys_may_come_from_a_file(command: Command, tmp_path: Path) -> None:
    keys = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)
    np.save(tmp_path / "keys.npy", keys)
    z = z_of(command, tmp_path, "--z", tmp_path / "keys.npy")
    assert np.array_equal(z[[0, 2, 4]].numpy(), keys)


def test_the_slerp_of_a_morph_is_shoemake_s(command: Command, tmp_path: Path) -> None:
    keys = np.random.default_rng(1).normal(size=(2, 7))
    np.save(tmp_path / "keys.npy", keys)
    z = z_of(command, tmp_path, "--z", tmp_path / "keys.npy")
    (a, b), norms = keys, np.linalg.norm(keys, axis=1)
    omega = np.arccos(a @ b / norms.prod())
    for row, t in zip(z.numpy(), np.linspace(0, 1, 5), strict=True):
        direction = (np.sin((1 - t) * omega) * a / norms[0] + np.sin(t * omega) * b / norms[1]) / np.sin(omega)
        np.testing.assert_allclose(row, direction * (norms[0] + t * (norms[1] - norms[0])), atol=1e-5)


def test_keys_are_truncated_as_samples_are(command: Command, tmp_path: Path) -> None:
    z = z_of(command, tmp_path, "--seeds", "1,2,3", "--truncation", 0.5)
    generator = ganexplorer.load("probe-gray")
    keys = torch.cat([ganexplorer.sample(generator, seed=seed, truncation=0.5) for seed in (1, 2, 3)])
    assert torch.equal(z[[0, 2, 4]], keys)


def test_there_and_back_is_the_way_and_its_reverse_without_the_ends(command: Command, tmp_path: Path) -> None:
    there = z_of(command, tmp_path, "--seeds", "1,2")
    assert torch.equal(z_of(command, tmp_path, "--seeds", "1,2", "--ping-pong"), there[[0, 1, 2, 3, 4, 3, 2, 1]])


def test_a_morph_goes_on_beyond_its_ends_by_a_share_of_its_way(command: Command, tmp_path: Path) -> None:
    z = z_of(command, tmp_path, "--seeds", "1,2", "--mode", "lerp", "--extrapolate", 0.5)
    generator = ganexplorer.load("probe-gray")
    a, b = (ganexplorer.sample(generator, seed=seed)[0] for seed in (1, 2))
    expected = torch.stack([a + t * (b - a) for t in (-0.5, 0.0, 0.5, 1.0, 1.5)])
    torch.testing.assert_close(z, expected, rtol=0, atol=1e-5)


def test_a_spline_goes_through_the_keys_and_turns_no_corner(command: Command, tmp_path: Path) -> None:
    words = ("--seeds", "1,2,3", "--mode", "lerp", "--frames", 201)
    turns = []
    for extra in ((), ("--spline",)):
        z = z_of(command, tmp_path, *words, *extra).double()
        torch.testing.assert_close(z[[0, 100, 200]].float(), expected_path("probe-gray", 3, "lerp"))
        before, after = z[100] - z[99], z[101] - z[100]
        turns.append(torch.nn.functional.cosine_similarity(before, after, dim=0).item())
    assert turns[0] < 0.9
    assert turns[1] > 0.99


def test_even_frames_differ_equally(command: Command, tmp_path: Path) -> None:
    words = ("--seeds", "1,2,3", "--spline", "--frames", 40)
    unevenness = []
    for extra in ((), ("--even",)):
        z = z_of(command, tmp_path, *words, *extra)
        values = ganexplorer.load("probe-gray")(z).flatten(1).double()
        steps = values.diff(dim=0).square().mean(1).sqrt()
        unevenness.append((steps.max() / steps.min()).item())
    assert unevenness[1] < min(1.5, 0.7 * unevenness[0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--seeds", "1,2", "--loop", "--ping-pong"],
            "--ping-pong: a loop has no ends. Leave out --loop or --ping-pong.",
        ),
        (["--seeds", "1,2", "--loop", "--extrapolate", 0.1], "--extrapolate: a loop has no ends."),
        (["--seeds", "1,2", "--extrapolate", -0.1], "--extrapolate: -0.1 is below 0. Give a share such as 0.25."),
        (["--seeds", "1,2", "--frames", 100_001], "--frames: a morph has 100,000 at most, not 100,001."),
        (["--z", "absent.npy"], "absent.npy: no such file."),
        (["--z", "one.npy"], "one.npy: holds one latent, and a morph needs two or more."),
        (["--z", "other.npy"], "other.npy: has 9 values a latent, and this model takes 7."),
    ],
    ids=str,
)
def test_a_way_that_is_none_is_refused_with_the_remedy(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[object], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("one.npy", np.zeros((1, 7)))
    np.save("other.npy", np.zeros((2, 9)))
    assert command("interpolate", "probe-gray", *words, "-o", "m.gif").refusal.startswith(message)
    assert sorted(os.listdir()) == ["one.npy", "other.npy"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: --seeds or --z"),
        (["--seeds", "1,2", "--z", "keys.npy"], "not allowed with argument --seeds"),
        (["--seeds", "1,2", "--extrapolate", "nan"], "'nan' is not a number"),
        (["--seeds", "1,2", "--device", "abacus"], "invalid choice: 'abacus'"),
    ],
)
def test_bad_flags_of_a_morph_point_at_the_help(command: Command, words: list[str], message: str) -> None:
    assert message in command("interpolate", "probe-gray", *words, "-o", "m.gif").bad_arguments


def test_an_mp4_without_imageio_ffmpeg_is_refused_with_the_remedy(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    refusal = command("interpolate", "probe-gray", "--seeds", "1,2", "-o", tmp_path / "m.mp4").refusal
    assert "uv sync --extra video" in refusal
    assert not list(tmp_path.iterdir())


def test_progress_of_a_long_morph_is_told_on_stderr(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tqdm.tqdm", lambda **given: tqdm(**{**given, "delay": 0, "mininterval": 0}))
    answer = command("interpolate", "probe-gray", "--seeds", "1,2", "--frames", 7, "-o", tmp_path / "m.gif")
    assert answer.status == 0
    assert "rendering" in answer.err
    assert "7/7" in answer.err
