"""Data made on the spot, so that the program trains without a download: drawn digits and the pattern 1010.

A digit is a pen's path: a template of control points, bent, shaken and slanted by seeded noise, smoothed by
a spline and stamped by a round pen. All samples of a chunk go through the same few matrix products; nothing
loops over samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

# Each line is one way to write a digit: (digit, share within the digit, strokes). A stroke is "x,y x,y ...",
# strokes are separated by "|". The height is about 100, y points down. A point written twice in a row is
# a corner (the spline has no tangent there); a point that occurs in two places is shared, so that
# noise never tears a junction apart.
_TEMPLATES: tuple[tuple[int, int, str], ...] = (
    # 0: closed oval, oval that crosses itself at the top, oval left open, start with an inner tick
    (0, 3, "48,1 22,12 6,46 18,86 44,99 68,82 76,44 64,12 44,0 34,4"),
    (0, 3, "58,12 36,3 12,24 6,62 24,96 52,92 72,58 68,20 48,2 34,8"),
    (0, 1, "36,8 12,30 8,68 28,97 56,92 74,58 70,22 50,2"),
    (0, 1, "46,20 56,6 36,2 12,24 6,62 24,97 52,92 72,58 70,22 52,6"),
    # 1: bare stroke, bare curved stroke, with a flag, with flag and base
    (1, 6, "40,0 38,100"),
    (1, 2, "43,0 41,48 36,100"),
    (1, 2, "25,18 42,0 42,0 40,100"),
    (1, 1, "25,17 42,0 42,0 41,98 | 20,100 41,98 62,97"),
    # 2: corner at the foot, loop at the foot, wave at the foot, hooked start with an angular body
    (2, 3, "6,24 22,4 50,3 62,24 48,54 22,82 2,97 2,97 38,94 74,96"),
    (2, 3, "6,20 28,2 54,8 58,34 42,66 18,92 2,94 6,78 26,80 48,92 78,94"),
    (2, 2, "8,26 22,4 50,2 62,26 48,60 12,92 12,92 30,86 52,96 78,88"),
    (2, 1, "12,30 8,12 34,0 58,14 54,42 6,94 6,94 44,96 72,92"),
    # 3: pointed waist, waist with a small loop, round waist, flat top
    (3, 4, "8,14 30,0 56,10 52,34 26,46 26,46 56,54 64,76 42,98 4,90"),
    (3, 2, "6,12 34,0 56,14 48,38 28,48 24,42 36,42 62,60 60,86 34,100 4,86"),
    (3, 2, "12,12 36,1 56,16 46,40 34,47 50,54 64,74 46,97 20,98 6,86"),
    (3, 2, "6,6 34,3 60,4 60,4 44,24 28,42 28,42 56,50 64,76 42,98 4,92"),
    # 4: open top, open top with a round left arm, closed point, one stroke down and a crossing stem
    (4, 4, "18,6 13,28 8,50 8,50 38,50 76,46 | 62,0 58,50 52,100"),
    (4, 3, "16,4 8,34 18,52 42,50 62,36 | 66,2 62,36 58,70 52,100"),
    (4, 1, "54,0 30,30 4,62 4,62 40,62 78,58 | 54,0 53,50 50,100"),
    (4, 2, "30,4 16,30 4,56 4,56 38,56 74,50 | 60,10 54,56 46,100"),
    # 5: neck and roof in one stroke, roof put on afterwards, a flowing s-like 5, small round belly
    (5, 4, "70,3 46,5 24,7 24,7 20,24 15,44 15,44 42,40 62,58 56,86 30,99 2,90"),
    (5, 3, "24,8 20,26 14,46 14,46 42,42 60,60 52,86 28,98 4,92 | 24,8 46,6 74,2"),
    (5, 2, "72,2 44,3 26,12 22,34 46,48 58,68 44,92 20,99 2,90"),
    (5, 2, "66,6 40,6 18,7 18,7 16,28 14,50 14,50 38,38 64,50 68,78 44,98 10,94"),
    # 6: long curved back, closing on itself; steep back; belly that ends inside
    (6, 4, "50,0 24,24 8,60 16,92 40,99 60,82 54,58 34,56 14,76"),
    (6, 3, "34,0 16,34 8,70 20,97 48,96 62,74 46,54 22,62 12,80"),
    (6, 2, "62,4 36,10 12,44 10,82 36,100 62,86 58,60 34,52 18,66 22,78"),
    # 7: angular, with a hook at the start, with a bar, round shoulder
    (7, 4, "4,10 34,8 66,4 66,4 50,36 38,68 30,100"),
    (7, 2, "6,26 8,8 8,8 36,8 68,4 68,4 48,42 34,100"),
    (7, 2, "4,10 34,8 66,4 66,4 48,40 36,70 28,100 | 16,54 40,52 66,48"),
    (7, 2, "4,16 24,6 52,4 64,18 52,48 40,74 34,100"),
    # 8: an s closed on the way back, the same with crossing ends, started in the middle, two rings
    (8, 3, "56,12 34,1 14,18 26,40 46,54 58,76 42,98 16,92 12,72 30,52 54,30 56,12"),
    (8, 3, "64,14 40,2 18,14 24,38 44,54 54,76 38,98 14,92 12,72 34,50 56,28 72,2"),
    (8, 2, "36,48 14,30 20,6 44,2 58,18 50,38 36,48 14,66 8,86 30,100 54,90 54,66 36,48"),
    (8, 1, "38,2 16,12 18,38 38,46 58,36 58,12 38,2 | 38,46 12,60 10,86 36,100 62,88 60,58 38,46"),
    # 9: straight stem after a corner, curved tail, loop flowing into the stem, flat-topped loop
    (9, 4, "60,14 38,1 14,14 10,36 26,48 48,38 60,14 60,14 56,58 52,100"),
    (9, 3, "62,16 40,2 14,14 12,40 34,48 56,30 62,16 62,16 62,56 48,92 26,99 10,90"),
    (9, 3, "58,22 44,2 18,8 8,32 22,46 46,36 60,10 56,40 44,72 34,100"),
    (9, 1, "58,6 32,4 12,20 18,44 40,42 58,22 58,6 58,6 56,52 54,98"),
)  # fmt: skip

DIGITS_CHUNK = 500  # images a chunk: a fixed number, so that the random draws never depend on the caller
_POINTS_AT_28 = 88  # stamps of the pen: on the longest path they lie 0.8 pixels apart, finer than one sees
_BLOCK = 25  # images rendered at a time: the distance field of a block still fits into a processor's cache
_BOX = 20.0  # MNIST's frame: the ink fits into 20 x 20 of 28 x 28
_WAVES = 4  # cosines along the path that make the pen's tremor and its change of pressure


@dataclass(frozen=True)
class _Pen:
    """The templates as padded arrays: T templates, K control points, S stamps, V variants of a digit."""

    points: Tensor  # (T, K, 2), height 1, centred
    neighbour: Tensor  # (T, K) for the end of a stroke the point before it, for any other point itself
    spline: Tensor  # (T, S, K) control points -> stamps, equally spaced along the path
    template: Tensor  # (10, V) template of a variant
    share: Tensor  # (10, V) how often a variant is written, 0 for padding


def draw_digits(count: int, seed: int = 0, size: int = 28) -> Iterator[tuple[Tensor, Tensor]]:
    """Draw handwritten-looking digits, chunk by chunk, so that a caller can show progress or stop.

    Parameters
    ----------
    count : int
        Images in all; the ten digits are equally frequent up to rounding, in a shuffled order.
    seed : int
        The same seed, count and size give the same bytes. Torch's global generator is neither read nor moved.
    size : int
        Side of an image in pixels, at least 12.

    Yields
    ------
    tuple of Tensor
        Images, uint8 (n, 1, size, size), strokes of 255 on 0, and labels, int64 (n,) in 0..9;
        n is `DIGITS_CHUNK` but for the last chunk.

    Raises
    ------
    ValueError
        If `count` is negative or `size` is below 12 (on the first step of the iterator).
    """
    if count < 0 or size < 12:
        raise ValueError(f"count must be at least 0 and size at least 12, not {count} and {size}")
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randperm(count, generator=generator) % 10
    for start in range(0, count, DIGITS_CHUNK):
        chunk = labels[start : start + DIGITS_CHUNK]
        centres, radii, softness = _write(chunk, size, generator)
        blocks = [slice(first, first + _BLOCK) for first in range(0, len(chunk), _BLOCK)]
        images = [_stamp(centres[block], radii[block], softness[block], size) for block in blocks]
        yield torch.cat(images), chunk.clone()


def _noise(generator: torch.Generator, spread: float, *shape: int) -> Tensor:
    """Normal noise, cut at two standard deviations: an outlier would make a digit unreadable."""
    return torch.randn(shape, generator=generator).clamp_(-2.0, 2.0) * spread


def _write(labels: Tensor, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Lead the pen: for labels (n,) its positions (n, S, 2), radii (n, S), softness (n, 1), all in pixels."""
    pen = _pen(math.ceil(_POINTS_AT_28 * size / 28))
    n, stamps, pixel = len(labels), pen.spline.shape[1], size / 28
    variant = torch.multinomial(pen.share[labels], 1, generator=generator)
    chosen = pen.template[labels].gather(1, variant).squeeze(1)  # (n,)

    points = pen.points[chosen]  # (n, K, 2)
    # A smooth bend of the whole plane changes proportions (a big belly, a narrow head, a curved back) ...
    x, y = points.unbind(2)
    bend = torch.stack([x * x, x * y, y * y], dim=2) @ _noise(generator, 0.30, n, 3, 2)
    # ... and every control point moves a little by itself; ends come out too long or too short.
    points = points + bend + _noise(generator, 0.027, n, points.shape[1], 2)
    neighbour = points.gather(1, pen.neighbour[chosen].unsqueeze(2).expand(-1, -1, 2))
    points = points + (points - neighbour) * _noise(generator, 0.13, n, points.shape[1], 1)

    time = torch.arange(stamps) / stamps * math.pi
    waves = torch.stack([torch.cos(k * time) / k for k in range(1, _WAVES + 1)], dim=1)  # (S, waves)
    path = pen.spline[chosen] @ points + waves @ _noise(generator, 0.015, n, _WAVES, 2)

    # Slant (to the right more often than not), width and turn; the height follows from the frame.
    slant, turn = 0.16 + _noise(generator, 0.22, n), _noise(generator, 0.10, n)
    width = torch.exp(0.06 + _noise(generator, 0.21, n))
    cos, sin = turn.cos(), turn.sin()
    rows = [cos * width, sin * width, -cos * slant - sin, -sin * slant + cos]
    path = path @ torch.stack(rows, dim=1).view(n, 2, 2)

    radius = 1.32 * pixel * torch.exp(_noise(generator, 0.24, n, 1))
    pressure = waves @ _noise(generator, 0.09, n, _WAVES, 1)
    radii = radius * torch.exp(pressure.squeeze(2))
    softness = pixel * (1.0 + 0.35 * torch.rand(n, 1, generator=generator))

    # MNIST's framing: fit the ink into the box with its proportions kept, then centre its mass.
    low, high = path.amin(1), path.amax(1)  # (n, 2)
    room = _BOX * pixel * (1.0 - _noise(generator, 0.02, n, 1).abs()) - 2.0 * radius
    path = path * (room / (high - low).amax(1, keepdim=True)).unsqueeze(2)
    mass = path.mean(1) + _noise(generator, 0.3 * pixel, n, 2)
    middle = (path.amin(1) + path.amax(1)) / 2
    # A top-heavy digit would leave the picture at its foot if its mass alone decided.
    middle += (mass - middle).clamp(-2.5 * pixel, 2.5 * pixel)
    return path - middle.unsqueeze(1), radii, softness


def _stamp(centres: Tensor, radii: Tensor, softness: Tensor, size: int) -> Tensor:
    """Ink of a round pen at `centres` (n, S, 2) with `radii` (n, S): uint8 (n, 1, size, size)."""
    axis = torch.arange(size) - (size - 1) / 2
    py, px = torch.meshgrid(axis, axis, indexing="ij")
    pixels = torch.stack([-2.0 * px, -2.0 * py, torch.ones_like(px)]).view(3, -1)
    # |p - c|^2 - r^2 = |p|^2 + (-2 p.c + |c|^2 - r^2): one matrix product for all pixels and stamps, and
    # |p|^2 need not be added before the minimum. Its zero set is the outline of the ink, thick and thin.
    power = centres.square().sum(2, keepdim=True) - radii.square().unsqueeze(2)
    field = (torch.cat([centres, power], dim=2) @ pixels).amin(1) + (px * px + py * py).view(-1)
    mean = radii.mean(1, keepdim=True)
    inside = mean - (field + mean.square()).clamp_(min=0.0).sqrt_()  # pixels to the outline, < 0 outside
    coverage = (inside / softness + 0.5).clamp_(0.0, 1.0)
    return coverage.mul_(255.0).round_().to(torch.uint8).view(-1, 1, size, size)


@lru_cache(maxsize=4)
def _pen(stamps: int) -> _Pen:
    """Parse the table of templates for paths of so many stamps."""
    parsed = [_parse(strokes, stamps) for _, _, strokes in _TEMPLATES]
    most = max(len(points) for points, _, _ in parsed)
    points = torch.zeros(len(parsed), most, 2)
    neighbour = torch.arange(most).repeat(len(parsed), 1)
    spline = torch.zeros(len(parsed), stamps, most)
    for t, (xy, ends, weights) in enumerate(parsed):
        points[t, : len(xy)] = (xy - (xy.amin(0) + xy.amax(0)) / 2) / 100.0
        for end, before in ends:
            neighbour[t, end] = before
        spline[t, :, : len(xy)] = weights
    variants = [[t for t, (digit, _, _) in enumerate(_TEMPLATES) if digit == d] for d in range(10)]
    widest = max(len(row) for row in variants)
    template, share = torch.zeros(10, widest, dtype=torch.int64), torch.zeros(10, widest)
    for digit, row in enumerate(variants):
        template[digit, : len(row)] = torch.tensor(row)
        share[digit, : len(row)] = torch.tensor([float(_TEMPLATES[t][1]) for t in row])
    return _Pen(points, neighbour, spline, template, share)


def _parse(text: str, stamps: int) -> tuple[Tensor, list[tuple[int, int]], Tensor]:
    """One template: its points (k, 2), (end, point before it) of its strokes, spline weights (stamps, k)."""
    strokes = [stroke.split() for stroke in text.split("|")]
    names = list(dict.fromkeys(name for stroke in strokes for name in stroke))
    points = torch.tensor([[float(v) for v in name.split(",")] for name in names])
    ends: list[tuple[int, int]] = []
    pieces: list[Tensor] = []
    for stroke in strokes:
        path = [names.index(name) for name in stroke]
        # A stroke that ends where it began is a ring: its end must not be pulled about.
        if path[0] != path[-1]:
            ends += [(path[0], path[1]), (path[-1], path[-2])]
        pieces.append(_catmull_rom(path, len(names)))
    steps = [(piece @ points).diff(dim=0).norm(dim=1) for piece in pieces]
    total = sum(float(step.sum()) for step in steps)
    # A pen lift has no length on this clock, so stamps are spread over the strokes by ink alone.
    clock, lifted = [], 0.0
    for step in steps:
        clock.append(torch.cat([torch.zeros(1), step.cumsum(0)]) + lifted)
        lifted += float(step.sum())
    wanted = torch.linspace(0.0, total, stamps)
    fine = torch.cat(pieces)
    reached = torch.searchsorted(torch.cat(clock), wanted).clamp_(max=len(fine) - 1)
    return points, ends, fine[reached]


def _catmull_rom(path: list[int], points: int, fine: int = 40) -> Tensor:
    """Weights (fine * segments + 1, points) of a Catmull-Rom spline through the points with indices `path`."""
    one = torch.eye(points)
    knots = one[path]  # a row of weights for each point on the way, corners twice
    knots = torch.cat([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = (torch.arange(fine) / fine).unsqueeze(1)
    rows = []
    for a, b, c, d in zip(knots, knots[1:], knots[2:], knots[3:], strict=False):
        curve = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - 3 * c + d - a) * t**3
        rows.append(curve / 2)
    return torch.cat([*rows, knots[-2:-1]])


# The four numbers that "1010" may be, (low, high) in [0, 1] pixel units: a first GAN's whole data set.
PATTERN_1010_INTERVALS: tuple[tuple[float, float], ...] = ((0.9, 1.1), (0.0, 0.1), (0.9, 1.1), (0.0, 0.1))


def pattern_1010(count: int, generator: torch.Generator) -> Tensor:
    """Draw `count` samples of the pattern 1010, each number uniform in its own interval.

    Parameters
    ----------
    count : int
        Samples, at least 0.
    generator : torch.Generator
        Source of every draw, on the CPU.

    Returns
    -------
    Tensor
        float32 (count, 1, 1, 4) in the pixel convention 2 x - 1, so between -1 and 1.2.
    """
    low, high = torch.tensor(PATTERN_1010_INTERVALS).unbind(1)
    numbers = low + (high - low) * torch.rand(count, 1, 1, 4, generator=generator)
    return 2.0 * numbers - 1.0
