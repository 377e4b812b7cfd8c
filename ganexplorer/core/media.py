"""Pictures on disk: PNG that remembers its z and model, contact sheets, GIF, MP4."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import math
import os
import re
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, BinaryIO, cast

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from ganexplorer.core.errors import UserError, plain
from ganexplorer.core.files import atomic_write, open_regular
from ganexplorer.core.render import Pixels
from ganexplorer.core.spec import MAX_Z_DIM

PNG_KEY = "ganexplorer"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 1000  # before the pixels of a PNG; others have a dozen
_MAX_TEXT = 8 * 1024**2  # bytes of an origin: z of 15,000 pictures at 100 numbers each
_MAX_NAME = 4096  # characters of a model's name
_INPUT = ("-hide_banner", "-nostdin", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24")
_OUTPUT = (
    *("-filter_threads", "1", "-vf"),
    "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int+bitexact,format=yuv420p",
    *("-an", "-c:v", "libx264", "-threads", "1"),
    *("-crf", "16"),  # x264's scale of quality: 0 lossless, about 18 visually so, 23 its default
    # what the numbers of the film mean, without which players guess
    *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"),
    # neither time nor version in the file
    *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
    *("-movflags", "+faststart", "-f", "mp4"),
)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a picture was made from: the model's name, z, (N, z_dim), and the `checkpoint.fingerprint` if known."""

    model: str
    z: Tensor
    fingerprint: str = ""


def sheet(pixels: Pixels, columns: int | None = None, gap: int = 2) -> Pixels:
    """A contact sheet, (H', W') or (H', W', 3), of pictures (N, H, W[, 3]), row by row, black gaps between.

    `columns` defaults to the squarest layout.
    """
    count, height, width = pixels.shape[:3]
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    result = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, *pixels.shape[3:]), np.uint8)
    for i, picture in enumerate(pixels):
        y, x = (i // columns) * (height + gap), (i % columns) * (width + gap)
        result[y : y + height, x : x + width] = picture
    return result


def unsheet(picture: Pixels, count: int, columns: int | None = None, gap: int = 2) -> Pixels:
    """Inverse of `sheet`: the `count` pictures, (N, H, W[, 3]); raises ValueError where they cannot have made it."""
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    (height, down), (width, across) = (
        divmod(picture.shape[axis] + gap, cells) for axis, cells in ((0, rows), (1, columns))
    )
    if down or across or min(height, width) <= gap:
        raise ValueError(f"{picture.shape[1]}x{picture.shape[0]} pixels are no sheet of {count} pictures")
    cells = [
        picture[y * height : (y + 1) * height - gap, x * width : (x + 1) * width - gap]
        for y, x in (divmod(number, columns) for number in range(count))
    ]
    return np.stack(cells)


def enlarge(picture: Pixels, zoom: int) -> Pixels:
    """Every pixel of (…, H, W) or (H, W, 3) as a crisp block of zoom x zoom."""
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)


def save_png(path: Path | str, picture: Pixels, origin: Origin | None = None) -> None:
    """Write one picture, (H, W) or (H, W, 3); `origin` goes into its metadata, for `read_origin`."""
    info = PngImagePlugin.PngInfo()
    if origin is not None:
        z = origin.z.detach().cpu().to(torch.float32).numpy()
        data = {
            "model": origin.model,
            "shape": z.shape,
            "z": base64.b64encode(z.astype("<f4").tobytes()).decode(),
        }
        if origin.fingerprint:
            data["fingerprint"] = origin.fingerprint
        info.add_text(PNG_KEY, json.dumps(data))
    with _target(path) as file:
        Image.fromarray(picture).save(file, format="PNG", pnginfo=info)


def read_origin(path: Path | str) -> Origin | None:
    """The origin that `save_png` stored, or None for any other file; no pixel is decoded.

    Nothing in the file is trusted: at most 8 MiB of text are read, z is finite and of 1 to 4096 numbers a row.

    Raises
    ------
    FileError, OSError
        No file that can be read.
    """
    with open_regular(path) as file:
        text = _png_text(file)
    if text is None:
        return None
    try:
        data = json.loads(text)
        model, shape, stamp = data["model"], data["shape"], data.get("fingerprint", "")
        rows, z_dim = shape
        z = np.frombuffer(base64.b64decode(data["z"], validate=True), "<f4").astype(np.float32)
        model.encode()  # half a character would fail wherever it is shown
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    is_sane = (
        isinstance(model, str)
        and len(model) <= _MAX_NAME
        and isinstance(stamp, str)
        and re.fullmatch("[0-9a-f]{0,64}", stamp) is not None
        and all(type(side) is int and side >= 1 for side in (rows, z_dim))
        and z_dim <= MAX_Z_DIM
        and rows * z_dim == z.size
        and bool(np.isfinite(z).all())
    )
    return Origin(model, torch.from_numpy(z.reshape(rows, z_dim)), stamp) if is_sane else None


def _png_text(file: BinaryIO) -> str | None:
    """Our text in a PNG, from the chunks before its pixels (PNG specification, 5.3 and 11.3.3.2)."""
    if file.read(len(_PNG_SIGNATURE)) != _PNG_SIGNATURE:
        return None
    key = PNG_KEY.encode() + b"\0"
    for _ in range(_MAX_CHUNKS):
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind in (b"IDAT", b"IEND"):
            return None
        if kind != b"tEXt" or length > _MAX_TEXT:
            file.seek(length + 4, os.SEEK_CUR)
            continue
        data, check = file.read(length), file.read(4)
        if data.startswith(key):
            is_whole = len(data) == length and zlib.crc32(kind + data).to_bytes(4, "big") == check
            return data.removeprefix(key).decode("latin-1") if is_whole else None
    return None


def save_gif(path: Path | str, frames: Iterable[Pixels], fps: float, check: Callable[[], None] = lambda: None) -> None:
    """Write an endlessly repeating GIF of pictures (H, W) or (H, W, 3).

    `check` is called again and again while the frames are written; what it raises ends that, and leaves no file.

    GIF counts time in hundredths of a second: the delays of the frames alternate so that their mean is that of `fps`,
    which is at most 50 (players slow down shorter delays).
    """
    if not 0.01 <= fps <= 50:
        raise UserError(f"a GIF plays at 0.01 to 50 frames a second, not {fps:g}: choose --fps 0.01 to 50.")
    with _target(path) as file:
        images = [Image.fromarray(frame) for frame in frames]
        edges = [round(100 * i / fps) for i in range(len(images) + 1)]
        delays = [10 * (b - a) for a, b in itertools.pairwise(edges)]
        images[0].save(
            cast(IO[bytes], _Watched(file, check)),
            format="GIF",
            save_all=True,
            append_images=images[1:],
            duration=delays,
            loop=0,
            optimize=False,
        )


class _Watched:
    """A file for Pillow to write to that calls `check` before each piece."""

    def __init__(self, file: IO[bytes], check: Callable[[], None]) -> None:
        self._file, self._check = file, check

    def write(self, data: bytes) -> int:
        self._check()
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def save_mp4(path: Path | str, frames: Iterable[Pixels], fps: float) -> None:
    """Write an MP4 (H.264, 4:2:0, BT.709) of pictures (H, W) or (H, W, 3) of one size; the same frames, the same bytes.

    Frames are taken one by one, so that a long film needs no more memory than a short one. Odd sizes get their last
    row or column twice, for H.264 of this kind has even ones. Needs the extra ``video``.

    Raises
    ------
    UserError
        No imageio-ffmpeg, a speed outside 0.01 to 240 frames a second, no such folder, or ffmpeg failed.
    """
    if not 0.01 <= fps <= 240:
        raise UserError(f"an MP4 plays at 0.01 to 240 frames a second, not {fps:g}: choose --fps 0.01 to 240.")
    program = _ffmpeg(path)
    with _target(path) as file, tempfile.TemporaryFile() as log:
        frames = iter(frames)
        first = _even(next(frames))
        size = f"{first.shape[1]}x{first.shape[0]}"
        command = [program, *_INPUT, "-s", size, "-r", str(Fraction(fps).limit_denominator(1001)), "-i", "pipe:0"]
        process = subprocess.Popen(
            [*command, *_OUTPUT, f"file:{os.path.abspath(file.name)}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert process.stdin is not None
        try:
            is_fed = _feed(process.stdin, first) and all(_feed(process.stdin, _even(frame)) for frame in frames)
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(OSError):  # it is gone: its status says why
                process.stdin.close()
            process.wait()
        if not is_fed or process.returncode != 0:
            log.seek(0)
            lines = log.read().decode(errors="replace").split("\n")
            reason = next((line.strip() for line in reversed(lines) if line.strip()), f"status {process.returncode}")
            raise UserError(f"{path}: not written, ffmpeg failed ({plain(reason, 300)}). Write a .gif instead.")


def _ffmpeg(path: Path | str) -> str:
    """The ffmpeg that imageio-ffmpeg brings along."""
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise UserError(
            f"{path}: not written, MP4 needs a package that is not installed or not whole ({error}). "
            'Install it: uv sync --extra video in a clone, or uv tool install ".[video]". Or write a .gif.'
        ) from None


def _even(frame: Pixels) -> Pixels:
    """(H, W, 3), of even sides: the last row and column are repeated where they are not; gray in three channels."""
    frame = np.pad(frame, [(0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)][: frame.ndim], "edge")
    return frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=2)


def _feed(pipe: IO[bytes], frame: Pixels) -> bool:
    """Whether the other end still takes frames."""
    try:
        pipe.write(frame.tobytes())
    except OSError:
        return False
    return True


def save_npy(path: Path | str, values: Tensor) -> None:
    """Write a tensor as a float32 .npy file."""
    with _target(path) as file:
        np.save(file, values.detach().cpu().numpy().astype(np.float32))


def load_latents(path: Path | str, z_dim: int) -> Tensor:
    """Latents, (N, z_dim), of a .npy file of shape (N, z_dim) or (z_dim,); raises `UserError` for anything else."""
    try:
        with open_regular(path) as file:  # not np.load, which takes archives too and leaves them open
            values = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        raise UserError(f"{path}: not a .npy file of numbers ({error}).") from None
    if values.dtype.kind not in "fiu" or values.ndim not in (1, 2):
        raise UserError(f"{path}: expected an array of numbers, (N, {z_dim}).")
    if values.shape[-1] != z_dim:
        raise UserError(f"{path}: has {values.shape[-1]} values a latent, and this model takes {z_dim}.")
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if not np.isfinite(values).all() or values.size == 0:
        raise UserError(f"{path}: is empty or holds NaN or infinite values.")
    return torch.from_numpy(values.reshape(-1, z_dim))


def check_folder(path: Path | str) -> None:
    """Raises `UserError` unless the folder of a file to write is there."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise UserError(f"{path}: its folder does not exist. Create {folder} first.")


def _target(path: Path | str) -> AbstractContextManager[IO[bytes]]:
    check_folder(path)
    return atomic_write(path)
