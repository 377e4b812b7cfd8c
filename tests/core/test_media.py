"""Pictures on disk: sheets, PNG with its origin, GIF timing, MP4, arrays of latents."""

from __future__ import annotations

import base64
import gc
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import weakref
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
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
    save_mp4,
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


# ---- PNG from strangers


def chunk(kind: bytes, data: bytes, length: int | None = None, check: int | None = None) -> bytes:
    check = zlib.crc32(kind + data) if check is None else check
    return struct.pack(">I", len(data) if length is None else length) + kind + data + struct.pack(">I", check)


def text_of(**changes: object) -> bytes:
    """Our chunk's content for z = [[1, 2]], some of it replaced; None leaves a key out."""
    values = base64.b64encode(np.array([1, 2], "<f4").tobytes()).decode()
    data: dict[str, object] = {"model": "m", "shape": [1, 2], "z": values, "fingerprint": "0" * 16, **changes}
    return b"ganexplorer\0" + json.dumps({k: v for k, v in data.items() if v is not None}).encode()


def png(*chunks: bytes, width: int = 2, height: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", header), *chunks])


def origin_in(tmp_path: Path, data: bytes) -> Origin | None:
    (tmp_path / "a.png").write_bytes(data)
    return read_origin(tmp_path / "a.png")


def test_a_png_remembers_the_fingerprint_of_its_model(tmp_path: Path) -> None:
    save_png(tmp_path / "a.png", pictures(1)[0], Origin("m", torch.ones(1, 3), "0123456789abcdef"))
    origin = read_origin(tmp_path / "a.png")
    assert origin is not None
    assert origin.fingerprint == "0123456789abcdef"


def test_a_png_of_before_fingerprints_is_read(tmp_path: Path) -> None:
    origin = origin_in(tmp_path, png(chunk(b"tEXt", text_of(fingerprint=None))))
    assert origin is not None
    assert (origin.model, origin.z.tolist(), origin.fingerprint) == ("m", [[1, 2]], "")


def test_other_chunks_before_ours_are_passed_over(tmp_path: Path) -> None:
    others = [chunk(b"gAMA", bytes(4)), chunk(b"tEXt", b"Title\0x"), chunk(b"iTXt", bytes(9)), chunk(b"tEXt", b"")]
    assert origin_in(tmp_path, png(*others, chunk(b"tEXt", text_of()))) is not None


def test_no_pixel_of_a_decompression_bomb_is_decoded(tmp_path: Path) -> None:
    bomb = chunk(b"IDAT", zlib.compress(bytes(10**7)))
    data = png(chunk(b"tEXt", text_of()), bomb, width=2**31 - 1, height=2**31 - 1)
    assert origin_in(tmp_path, data) is not None
    assert origin_in(tmp_path, png(bomb, chunk(b"tEXt", text_of()), width=2**31 - 1)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"z": base64.b64encode(np.array([1, np.nan], "<f4").tobytes()).decode()},
        {"z": base64.b64encode(np.array([1, -np.inf], "<f4").tobytes()).decode()},
        {"z": "A" * 10 + "\n!" + "A" * 2},
        {"z": "é"},
        {"z": 5},
        {"z": None},
        {"z": "", "shape": [0, 2]},
        {"z": "", "shape": [1, 0]},
        {"shape": [-1, 2]},
        {"shape": [-1, -2]},
        {"shape": [2]},
        {"shape": [1, 1, 2]},
        {"shape": [1.0, 2.0]},
        {"shape": [True, 2]},
        {"shape": "12"},
        {"shape": {"1": 1, "2": 2}},
        {"shape": [10**400, 2]},
        {"shape": [1, 8192], "z": base64.b64encode(bytes(4 * 8192)).decode()},
        {"model": 3},
        {"model": ["m"]},
        {"model": "m" * 5000},
        {"model": "\ud800"},
        {"fingerprint": 3},
        {"fingerprint": "../../x"},
        {"fingerprint": "0" * 65},
        {"fingerprint": "ABCDEF"},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_metadata_beyond_all_bounds_are_no_origin(tmp_path: Path, changes: dict[str, object]) -> None:
    assert origin_in(tmp_path, png(chunk(b"tEXt", text_of(**changes)))) is None


WHOLE = png(chunk(b"tEXt", text_of()))
HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "jpeg": b"\xff\xd8\xff\xe0",
    "signature": WHOLE[:8],
    "cut header": WHOLE[:20],
    "cut text": WHOLE[:-30],
    "cut check": WHOLE[:-2],
    "wrong check": WHOLE[:-4] + b"\0\0\0\0",
    "claims gigabytes": png(chunk(b"tEXt", text_of(), length=2**32 - 1)),
    "long text": png(chunk(b"tEXt", b"ganexplorer\0" + b" " * (9 * 1024**2) + text_of()[12:])),
    "deep": png(chunk(b"tEXt", b"ganexplorer\0" + b"[" * 10**6)),
    "long number": png(chunk(b"tEXt", b"ganexplorer\0" + b"1" * 10**5)),
    "compressed": png(chunk(b"zTXt", b"ganexplorer\0\0" + zlib.compress(bytes(10**7)))),
    "after a million chunks": png(chunk(b"gAMA", b"") * 20_000, chunk(b"tEXt", text_of())),
    "after the end": png(chunk(b"IEND", b""), chunk(b"tEXt", text_of())),
    "latin-1": png(chunk(b"tEXt", b"ganexplorer\0\xff\xfe")),
    "no value": png(chunk(b"tEXt", b"ganexplorer")),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_png_has_no_origin(tmp_path: Path, kind: str) -> None:
    assert origin_in(tmp_path, WHOLE) is not None
    assert origin_in(tmp_path, HOSTILE[kind]) is None


@quick
@given(st.data())
def test_no_damage_of_a_png_raises(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    damaged = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    path.write_bytes(damaged)
    read_origin(path)


def test_an_absent_png_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_origin(tmp_path / "a.png")


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


# ---- MP4


def film_in(path: Path) -> tuple[list[Pixels], dict[str, str]]:
    """Decoded frames, (H, W, 3), and what ffmpeg says of the file."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-fps_mode", "passthrough", "pipe:1"]
    done = subprocess.run([program, "-nostdin", "-i", str(path), *raw], capture_output=True, check=True)
    told = done.stderr.decode().partition("Output #0")[0]
    pattern = (
        r"Duration: 0?0:00:(?P<seconds>[\d.]+).*Video: (?P<codec>\w+).*? (?P<format>yuv\w+\([^)]*\))"
        r", (?P<width>\d+)x(?P<height>\d+).*, (?P<fps>[\d.]+) fps"
    )
    match = re.search(pattern, told, re.DOTALL)
    assert match is not None, told
    frames = np.frombuffer(done.stdout, np.uint8).reshape(-1, int(match["height"]), int(match["width"]), 3)
    return list(frames), match.groupdict()


def smooth_frames(count: int, height: int, width: int, channels: int) -> list[Pixels]:
    """A wave that moves, in other colours for each channel."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    frames = []
    for i in range(count):
        waves = [np.sin(2 * np.pi * (x + (c + 1) * y / 2 + i / count)) for c in range(channels or 1)]
        values = np.stack(waves, axis=-1) * 110 + 128
        frames.append((values if channels else values[..., 0]).round().astype(np.uint8))
    return frames


@pytest.mark.parametrize("channels", [0, 3])
@pytest.mark.parametrize(
    ("height", "width", "fps", "count"), [(64, 96, 30, 12), (63, 65, 24, 5), (2, 2, 12.5, 3), (64, 256, 60, 1)]
)
def test_an_mp4_decodes_to_its_frames_size_and_speed(
    tmp_path: Path, height: int, width: int, fps: float, count: int, channels: int
) -> None:
    frames = smooth_frames(count, height, width, channels)
    save_mp4(tmp_path / "a.mp4", iter(frames), fps)
    shown, meta = film_in(tmp_path / "a.mp4")
    assert (int(meta["width"]), int(meta["height"])) == (width + width % 2, height + height % 2)
    assert (float(meta["fps"]), meta["codec"]) == (fps, "h264")
    assert meta["format"].startswith("yuv420p(tv, bt709")
    assert float(meta["seconds"]) == pytest.approx(count / fps, abs=0.02)
    assert len(shown) == count
    for i, frame in enumerate(frames):
        colours = frame if channels else np.repeat(frame[..., None], 3, 2)
        errors = [np.abs(picture[:height, :width].astype(int) - colours).mean() for picture in shown]
        assert np.argmin(errors) == i  # and no other frame in its place
        # of 255; colours have half the resolution, and 2x2 pixels a single one
        assert errors[i] < (5 if channels else 2) or height == 2


def test_an_mp4_keeps_pure_colours(tmp_path: Path) -> None:
    """Where the matrix of the conversion is not the one that the file states, red turns orange."""
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 100, 50)]
    save_mp4(tmp_path / "a.mp4", (np.full((16, 16, 3), colour, np.uint8) for colour in colours), 10)
    shown, _ = film_in(tmp_path / "a.mp4")
    for frame, colour in zip(shown, colours, strict=True):
        assert np.abs(frame.astype(int) - colour).max() <= 4, colour


def test_an_mp4_has_the_same_bytes_each_time_and_no_date(tmp_path: Path) -> None:
    frames = smooth_frames(10, 64, 64, 3)
    for name in ("a.mp4", "50%d.mp4"):
        save_mp4(tmp_path / name, frames, 30)
    data = (tmp_path / "a.mp4").read_bytes()
    assert data == (tmp_path / "50%d.mp4").read_bytes()
    movie = data.index(b"mvhd")
    assert data[movie + 8 : movie + 16] == bytes(8)  # created, changed: 0
    assert b"Lavf" not in data


def test_an_mp4_takes_frames_one_by_one(tmp_path: Path) -> None:
    """Each frame is garbage before the one after the next is asked for."""
    alive: list[weakref.ref[Pixels]] = []

    def frames() -> Iterator[Pixels]:
        for i in range(6):
            assert sum(reference() is not None for reference in alive[:-1]) <= 1  # the first tells the size
            frame = np.full((64, 64, 3), i, np.uint8)
            alive.append(weakref.ref(frame))
            yield frame
            del frame

    save_mp4(tmp_path / "a.mp4", frames(), 10)
    assert len(alive) == 6


@pytest.mark.parametrize("fps", [0, -5, 241, float("nan"), float("inf")])
def test_an_mp4_of_impossible_speed_is_refused_with_the_remedy(tmp_path: Path, fps: float) -> None:
    with pytest.raises(UserError, match=r"choose --fps 0\.01 to 240"):
        save_mp4(tmp_path / "a.mp4", pictures(2), fps)
    assert not list(tmp_path.iterdir())


def failing_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    if os.name != "posix":
        pytest.skip("a shell script")
    program = tmp_path / "home of ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", lambda: str(program))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo first >&2; printf 'disk\\033[31m full\\n\\n' >&2; exit 1", r"\(disk\?\[31m full\)"),
        ("cat > /dev/null; exit 3", r"\(status 3\)"),
        ("exec 0<&-; exit 0", r"\(status 0\)"),
    ],
    ids=["at once", "at the end", "deaf"],
)
def test_an_ffmpeg_that_fails_is_told_by_its_last_line_and_leaves_the_old_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    failing_ffmpeg(tmp_path, monkeypatch, script)
    (tmp_path / "a.mp4").write_bytes(b"old")
    before = sorted(os.listdir(tmp_path))
    frames = (np.zeros((512, 512, 3), np.uint8) for _ in range(20))
    with pytest.raises(UserError, match=rf"a\.mp4: not written, ffmpeg failed {reason}"):
        save_mp4(tmp_path / "a.mp4", frames, 10)
    assert (tmp_path / "a.mp4").read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == before


def test_an_error_among_the_frames_is_not_taken_for_ffmpeg_s_and_ends_it(tmp_path: Path) -> None:
    def frames() -> Iterator[Pixels]:
        yield from smooth_frames(3, 64, 64, 0)
        raise BrokenPipeError("of the frames")

    (tmp_path / "a.mp4").write_bytes(b"old")
    with pytest.raises(BrokenPipeError, match="of the frames"):
        save_mp4(tmp_path / "a.mp4", frames(), 10)
    assert os.listdir(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"old"


@pytest.mark.parametrize("how", ["no package", "no program"])
def test_an_mp4_without_ffmpeg_is_refused_with_the_remedy_before_a_frame_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def missing() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    if how == "no package":
        monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    else:
        monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    frames = iter(pictures(2))
    with pytest.raises(UserError, match=r"a\.mp4: not written.*uv sync --extra video"):
        save_mp4(tmp_path / "a.mp4", frames, 10)
    assert len(list(frames)) == 2
    assert not list(tmp_path.iterdir())


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
    "mp4": lambda path: save_mp4(path, pictures(2), 10),
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
