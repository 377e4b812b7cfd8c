"""Pictures on disk: sheets, PNG with its origin, GIF timing, arrays of latents."""

from __future__ import annotations

import base64
import gc
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence, PngImagePlugin
from small_nets import quick, seeded_generator

from ganexplorer.core.errors import UserError
from ganexplorer.core.media import (
    PNG_KEY,
    Origin,
    enlarge,
    load_latents,
    read_origin,
    save_gif,
    save_npy,
    save_png,
    sheet,
)
from ganexplorer.core.render import Pixels


def pictures(count: int, height: int = 3, width: int = 4, channels: int = 0) -> Pixels:
    """Pictures of one colour each, none black."""
    shape = (count, height, width, channels) if channels else (count, height, width)
    values = np.arange(10, 10 + count, dtype=np.uint8)
    return np.broadcast_to(values.reshape(-1, *[1] * (len(shape) - 1)), shape).copy()


# ---- sheet, enlarge


def test_a_sheet_is_filled_row_by_row_with_black_gaps() -> None:
    result = sheet(pictures(3, 1, 2), columns=2, gap=1)
    assert result.tolist() == [[10, 10, 0, 11, 11], [0, 0, 0, 0, 0], [12, 12, 0, 0, 0]]


@pytest.mark.parametrize("channels", [0, 3])
@pytest.mark.parametrize(("count", "columns"), [(1, None), (2, None), (5, None), (64, None), (7, 3), (3, 8), (5, 1)])
def test_every_picture_stands_unchanged_in_its_place_on_a_sheet(count: int, columns: int | None, channels: int) -> None:
    shape = (count, 3, 4, channels) if channels else (count, 3, 4)
    all_pictures = np.random.default_rng(0).integers(1, 256, shape, np.uint8)  # no black in them
    result = sheet(all_pictures, columns)
    width = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // width)
    assert result.shape[:2] == (rows * 5 - 2, width * 6 - 2)
    assert result.shape[2:] == all_pictures.shape[3:]
    for i, picture in enumerate(all_pictures):
        y, x = i // width * 5, i % width * 6
        assert np.array_equal(result[y : y + 3, x : x + 4], picture)
    assert np.count_nonzero(result) == np.count_nonzero(all_pictures)  # all else is black


def test_a_sheet_of_64_is_8_by_8() -> None:
    assert sheet(pictures(64, 28, 28)).shape == (8 * 30 - 2, 8 * 30 - 2)


@pytest.mark.parametrize("channels", [0, 3])
def test_enlarging_makes_crisp_blocks(channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (2, 3, channels) if channels else (2, 3), np.uint8)
    large = enlarge(picture, 4)
    assert large.shape[:2] == (8, 12)
    assert all(np.array_equal(large[y, x], picture[y // 4, x // 4]) for y in range(8) for x in range(12))


# ---- PNG


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3)])
def test_a_png_holds_the_picture_to_the_bit(tmp_path: Path, shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    save_png(tmp_path / "a.png", picture)
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
        assert np.array_equal(np.asarray(image), picture)


@pytest.mark.parametrize("model", ["mnist-mlp-64", '面孔 ✓ "quoted" \\ \n'])
def test_a_png_remembers_its_model_and_z_bit_for_bit(tmp_path: Path, model: str) -> None:
    z = torch.randn(5, 64, generator=seeded_generator())
    z[0, :4] = torch.tensor([1e-38, -0.0, 3.4e38, 0.1])
    save_png(tmp_path / "a.png", pictures(1)[0], Origin(model, z))
    origin = read_origin(tmp_path / "a.png")
    assert origin is not None
    assert origin.model == model
    assert origin.z.dtype == torch.float32
    assert origin.z.shape == (5, 64)
    assert origin.z.numpy().tobytes() == z.numpy().tobytes()


def test_the_z_that_is_read_back_can_be_written_to(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", pictures(1)[0], Origin("m", torch.zeros(1, 3)))
    origin = read_origin(tmp_path / "a.png")
    assert origin is not None
    origin.z.add_(1)  # a read-only buffer would warn, or crash


def test_z_with_a_gradient_or_in_other_order_is_stored(tmp_path: Path) -> None:
    z = torch.randn(3, 5, generator=seeded_generator(), dtype=torch.float64).T.requires_grad_(True)
    save_png(tmp_path / "a.png", pictures(1)[0], Origin("m", z))
    origin = read_origin(tmp_path / "a.png")
    assert origin is not None
    assert torch.equal(origin.z, z.detach().float())


def test_a_png_without_an_origin_has_none(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", pictures(1)[0])
    assert read_origin(tmp_path / "a.png") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "3",
        "null",
        "{}",
        json.dumps({"model": "m", "shape": [1, 2], "z": "AAAA"}),  # three bytes
        json.dumps({"model": "m", "shape": [2, 2], "z": base64.b64encode(bytes(8)).decode()}),
        json.dumps({"model": "m", "shape": [1, 2], "z": "?"}),
        json.dumps({"model": "m", "shape": None, "z": 3}),
        json.dumps({"model": "m", "shape": ["a"], "z": base64.b64encode(bytes(8)).decode()}),
    ],
)
def test_a_foreign_png_has_no_origin_whatever_its_metadata(tmp_path: Path, text: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text(PNG_KEY, text)
    Image.new("L", (2, 2)).save(tmp_path / "a.png", pnginfo=info)
    assert read_origin(tmp_path / "a.png") is None


# ---- GIF


def frames_and_delays(path: Path) -> tuple[list[Image.Image], list[int]]:
    with Image.open(path) as image:
        frames = [(frame.convert("RGB"), frame.info["duration"]) for frame in ImageSequence.Iterator(image)]
        return [frame for frame, _ in frames], [delay for _, delay in frames]


@pytest.mark.parametrize("channels", [0, 3])
@pytest.mark.parametrize(("fps", "count"), [(30, 60), (24, 48), (25, 5), (50, 7), (1, 3), (12.5, 10), (0.5, 2)])
def test_a_gif_has_every_frame_and_the_duration_of_its_fps(
    tmp_path: Path, fps: float, count: int, channels: int
) -> None:
    save_gif(tmp_path / "a.gif", pictures(count, channels=channels), fps)
    frames, delays = frames_and_delays(tmp_path / "a.gif")
    assert len(frames) == count
    assert sum(delays) == pytest.approx(1000 * count / fps, abs=5)
    assert max(delays) - min(delays) <= 10  # hundredths of a second, evenly spread
    assert min(delays) >= 20  # players slow down shorter ones


@pytest.mark.parametrize("channels", [0, 3])
def test_frames_of_a_gif_show_the_pictures_in_order(tmp_path: Path, channels: int) -> None:
    all_pictures = pictures(6, 5, 4, channels)
    all_pictures[:, 1, 2] = 200  # not of one colour
    save_gif(tmp_path / "a.gif", all_pictures, 25)
    frames, _ = frames_and_delays(tmp_path / "a.gif")
    for frame, picture in zip(frames, all_pictures, strict=True):
        shown = np.asarray(frame) if channels else np.asarray(frame)[..., 0]
        assert np.array_equal(shown, picture)


def test_a_gif_plays_for_ever(tmp_path: Path) -> None:
    save_gif(tmp_path / "a.gif", pictures(2), 10)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info["loop"] == 0


def test_pictures_that_stand_still_take_their_time(tmp_path: Path) -> None:
    still = np.stack([pictures(1)[0]] * 10 + [pictures(2)[1]] * 10)
    save_gif(tmp_path / "a.gif", still, 20)
    _, delays = frames_and_delays(tmp_path / "a.gif")
    assert sum(delays) == 1000


def test_a_gif_takes_frames_one_by_one(tmp_path: Path) -> None:
    save_gif(tmp_path / "a.gif", (picture for picture in pictures(4)), 10)
    assert len(frames_and_delays(tmp_path / "a.gif")[0]) == 4


@pytest.mark.parametrize("fps", [0, -5, 50.5, 60, float("nan"), float("inf")])
def test_a_gif_of_impossible_speed_is_refused_with_the_remedy(tmp_path: Path, fps: float) -> None:
    with pytest.raises(UserError, match=f"not {fps:g}: choose --fps 0.01 to 50"):
        save_gif(tmp_path / "a.gif", pictures(2), fps)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fps", [1e-3, 1e-9])
def test_a_gif_slower_than_the_format_can_say_is_refused(tmp_path: Path, fps: float) -> None:
    with pytest.raises(UserError, match="frames a second"):
        save_gif(tmp_path / "a.gif", pictures(2), fps)


# ---- latents


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.uint8, ">f4"])
@pytest.mark.parametrize("shape", [(5, 4), (1, 4), (4,)])
def test_latents_are_read_as_float32_rows(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    np.save(tmp_path / "z.npy", values)
    z = load_latents(tmp_path / "z.npy", 4)
    assert z.dtype == torch.float32
    assert z.tolist() == values.reshape(-1, 4).tolist()


def test_latents_in_fortran_order_are_read(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.save(tmp_path / "z.npy", np.asfortranarray(values))
    assert load_latents(tmp_path / "z.npy", 4).tolist() == values.tolist()


@quick
@given(st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=1))  # fmt: skip # noqa: E501
def test_saved_latents_are_read_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]]
) -> None:
    z, path = torch.tensor(rows), tmp_path_factory.getbasetemp() / "z.npy"
    save_npy(path, z)
    assert load_latents(path, 3).numpy().tobytes() == z.numpy().tobytes()


def refusal_of_latents(path: Path, z_dim: int = 4) -> str:
    with pytest.raises(UserError) as caught:
        load_latents(path, z_dim)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


def test_an_absent_file_of_latents_is_refused(tmp_path: Path) -> None:
    assert refusal_of_latents(tmp_path / "z.npy") == "no such file. Check its name and folder."


def test_a_folder_is_no_file_of_latents(tmp_path: Path) -> None:
    assert refusal_of_latents(tmp_path).startswith("is a folder")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 5)), "has 5 values a latent, and this model takes 4."),
        (np.zeros(3), "has 3 values a latent, and this model takes 4."),
        (np.zeros((0, 4)), "is empty or holds NaN or infinite values."),
        (np.array([[0, 0, np.nan, 0]]), "is empty or holds NaN or infinite values."),
        (np.array([0, 0, -np.inf, 0]), "is empty or holds NaN or infinite values."),
        (np.zeros((1, 2, 4)), "expected an array of numbers, (N, 4)."),
        (np.float32(3), "expected an array of numbers, (N, 4)."),
        (np.array(["a", "b", "c", "d"]), "expected an array of numbers, (N, 4)."),
        (np.zeros(4, bool), "expected an array of numbers, (N, 4)."),
        (np.zeros(4, complex), "expected an array of numbers, (N, 4)."),
        (np.zeros(4, [("x", "f4")]), "expected an array of numbers, (N, 4)."),
    ],
    ids=str,
)
def test_an_array_that_is_no_latents_is_refused(tmp_path: Path, values: np.ndarray, message: str) -> None:
    np.save(tmp_path / "z.npy", values)
    assert refusal_of_latents(tmp_path / "z.npy") == message


def test_latents_that_float32_cannot_hold_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.full((1, 4), 1e300))
    assert "infinite" in refusal_of_latents(tmp_path / "z.npy")


class Trap:
    """Unpickled, it would leave a mark."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("unpickled",)


def test_pickled_latents_are_refused_without_running_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "z.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(Trap()))
    for name in ("z.npy", "pickle.npy"):
        assert "not a .npy file of numbers" in refusal_of_latents(tmp_path / name)
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x09\x00\x02\x00{}",
        b"\x89PNG\r\n\x1a\n",
        b"PK\x03\x04 the start of a zip, and no more",
    ],
    ids=["empty", "text", "magic", "header", "version", "png", "zip"],
)
def test_a_file_that_is_no_npy_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "z.npy").write_bytes(data)
    assert "number" in refusal_of_latents(tmp_path / "z.npy")


@pytest.mark.parametrize("kept", [10, 100, 130, 140])
def test_truncated_latents_are_refused(tmp_path: Path, kept: int) -> None:
    np.save(tmp_path / "z.npy", np.zeros((1, 4), np.float32))  # 144 bytes
    (tmp_path / "z.npy").write_bytes((tmp_path / "z.npy").read_bytes()[:kept])
    assert refusal_of_latents(tmp_path / "z.npy").startswith("not a .npy file of numbers")


def test_a_header_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "z.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (10**13, 4)}
        np.lib.format.write_array_header_1_0(file, header)
    assert "number" in refusal_of_latents(tmp_path / "z.npy")


def test_an_archive_of_arrays_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "z.npz", z=np.zeros((1, 4)))
    assert "number" in refusal_of_latents(tmp_path / "z.npz")


@pytest.mark.parametrize("archive", [True, False], ids=["archive", "broken archive"])
def test_a_refused_file_is_not_kept_open(tmp_path: Path, archive: bool) -> None:
    """A file left to the garbage collector warns, and a warning fails this test."""
    path = tmp_path / "z.npz"
    np.savez(path, z=np.zeros((1, 4)))
    if not archive:
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError):
        load_latents(path, 4)
    gc.collect()


# ---- saving


def test_values_are_saved_as_float32_npy(tmp_path: Path) -> None:
    values = torch.randn(2, 3, generator=seeded_generator(), dtype=torch.float64).requires_grad_(True)
    save_npy(tmp_path / "a.npy", values)
    read = np.load(tmp_path / "a.npy")
    assert read.dtype == np.float32
    assert np.array_equal(read, values.detach().float().numpy())


SAVERS: dict[str, Callable[[Path], None]] = {
    "png": lambda path: save_png(path, pictures(1)[0]),
    "gif": lambda path: save_gif(path, pictures(2), 10),
    "npy": lambda path: save_npy(path, torch.zeros(2)),
}


@pytest.mark.parametrize("kind", SAVERS)
def test_saving_into_a_folder_that_does_not_exist_is_refused_with_the_remedy(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "absent" / f"a.{kind}"
    with pytest.raises(UserError, match=r"its folder does not exist\. Create .*absent first") as caught:
        SAVERS[kind](path)
    assert str(caught.value).startswith(f"{path}: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", SAVERS)
def test_saving_replaces_an_old_file_and_leaves_nothing_else(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(b"old")
    SAVERS[kind](path)
    assert path.read_bytes() != b"old"
    assert os.listdir(tmp_path) == [path.name]


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", pictures(1)[0])
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(TypeError):
        save_png(tmp_path / "a.png", np.zeros((2, 2, 7), np.uint8))
    assert (tmp_path / "a.png").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]
