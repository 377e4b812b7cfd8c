"""Paths through latent space: from key to key in corners or smoothly, there and back, in even steps of the picture.

The smooth path is a Catmull-Rom spline (Catmull & Rom 1974). It is the uniform one, whose keys are evenly spaced
in t: they are so on the path with corners too, and latents of a prior are nearly equally far apart. On the sphere
each segment is a Bezier curve by de Casteljau's rule with arcs in place of lines (Shoemake 1985). Its arcs are
shorter than half a turn wherever those between neighbouring keys are, so that it never jumps. The other known way,
a blend of extrapolated arcs (Barry & Goldman 1988), jumps where two of them reach opposite points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from ganexplorer.core.directions import ImageFunction
from ganexplorer.core.latent import PathMode, Prior, interpolate

# log(p, q): the step from p to q; exp(p, step): the point that it leads to. Rows (N, D).
Step = Callable[[Tensor, Tensor], Tensor]

STILL = 1e-6  # mean change a sample, of a range of 2, below which pictures count as unchanged: rounding
SHARE = 1e-3  # of the time that goes to the way itself: a stretch of still pictures is passed fast, not skipped
HASTE = 3.0  # times the mean speed, at most, beyond the ends: a still end must not fling z out of the prior


@dataclass(frozen=True, slots=True, eq=False)
class LatentPath:
    """A path through two or more key latents, (z_dim,) each; t from 0 to 1 spans all of it.

    `mode` says how to get from key to key (`latent.interpolate`). A `loop` returns to the first key, and t wraps.
    `spline` goes through the keys smoothly (C1) instead of in corners: straight in z for `lerp`, in directions and
    norms about the prior's centre for `slerp`, the same among the prior's quantiles for `box`, which so stays in
    the box. Norms stay between those of the neighbouring keys. Where slerp has no angle, because a key is the centre
    or neighbours are opposite, the spline is straight all along. Open splines of two keys are the plain path.

    `pace`, (n,), warps t: the positions on the path, from 0 to 1 and never back, at n evenly spaced t; see `evenly`.
    Raises ValueError for keys, mode or pace that make no path.
    """

    keys: tuple[Tensor, ...]
    mode: PathMode
    prior: Prior
    loop: bool = False
    spline: bool = False
    pace: Tensor | None = None

    def __post_init__(self) -> None:
        if len(self.keys) < 2:
            raise ValueError(f"a path needs at least two key latents, not {len(self.keys)}")
        if any(key.ndim != 1 or key.shape != self.keys[0].shape for key in self.keys):
            shapes = ", ".join(str(tuple(key.shape)) for key in self.keys)
            raise ValueError(f"the key latents of a path need one shape (z_dim,), not {shapes}")
        for number, key in enumerate(self.keys):
            if not torch.isfinite(key).all():
                raise ValueError(f"key latent {number} of the path has values that are not finite")
        if self.mode not in get_args(PathMode):
            raise ValueError(f"unknown interpolation {self.mode!r}; known: {', '.join(get_args(PathMode))}")
        pace = self.pace
        if pace is not None and not (
            pace.ndim == 1 and len(pace) > 1 and pace[0] == 0 and pace[-1] == 1 and (pace.diff() >= 0).all()
        ):
            raise ValueError("the pace of a path needs two or more positions that rise from 0 to 1")

    def at(self, t: float | Tensor) -> Tensor:
        """The latent at t: (z_dim,) for a number, (N, z_dim) for (N,). Keys come back bit for bit at their own t.

        Outside [0, 1] a loop wraps. An open path goes on as its first or last segment does, at the pace of that
        end (at most 3 times the mean): straight on (lerp); along the circle, the norm going on evenly until it is 0
        (slerp); the same in quantiles (box), which never leaves the box of a uniform prior. Raises ValueError for
        t that is not finite.
        """
        times = torch.as_tensor(t, dtype=None if isinstance(t, Tensor) else torch.float64).detach().cpu()
        if times.ndim > 1 or not torch.isfinite(times).all():
            raise ValueError("t on a path must be a finite number or finite numbers of shape (N,)")
        blur = 4 * torch.finfo(times.dtype).eps if times.is_floating_point() else 0.0
        scalar, times = times.ndim == 0, times.double().reshape(-1)
        blurs = blur * (1 + times.abs())
        if self.loop:
            times = times.remainder(1)
        corners = self._corners()
        position = self._position(times) * (len(corners) - 1)
        index = position.floor().clamp(0, len(corners) - 2).long()
        go = _smooth if self.spline else _cornered
        z = go(corners, self.mode, self.prior, self.loop, index, position - index)
        # the keys are the person's own samples
        own = (times[:, None] - torch.tensor(self._corner_times(), dtype=torch.float64)).abs() <= blurs[:, None]
        key, at_key = corners[own.int().argmax(1).to(corners.device)], own.any(1, keepdim=True).to(corners.device)
        z = torch.where(at_key, key, z)
        return z[0] if scalar else z

    def frames(self, count: int, reach: float = 0.0) -> Tensor:
        """`count` latents, (count, z_dim), evenly spaced in t.

        On an open path from -`reach` to 1 + `reach`, both included. A loop does not repeat its first frame at the
        end, so that it plays without a stutter, and has nothing to reach for.

        Raises ValueError for fewer than two frames, a reach that is negative or not finite, or a loop with one.
        """
        if count < 2:
            raise ValueError("a path needs at least two frames")
        if not (math.isfinite(reach) and reach >= 0):
            raise ValueError(f"a path reaches 0 or more beyond its ends, not {reach}")
        if self.loop and reach:
            raise ValueError("a loop has no ends to reach beyond: its reach must be 0")
        number = torch.arange(count, dtype=torch.float64)
        return self.at(number / count if self.loop else number * (1 + 2 * reach) / (count - 1) - reach)

    def key_positions(self) -> list[float]:
        """The t of each key, with the pace taken into account; a loop has its first key at 0 alone."""
        return self._corner_times()[: len(self.keys)]

    def evenly(self, images: ImageFunction, samples: int = 128, chunk_size: int = 64, rounds: int = 1) -> LatentPath:
        """The same path at a pace at which the picture changes equally from step to step.

        The change is the root mean square difference of the pixels of consecutive pictures (perceptual path length,
        Karras et al. 2019, with pixels in place of a network's features). It is measured at `samples` points a
        segment, summed up and inverted, and `rounds` times again at the points so found; at most `chunk_size` images
        at once. Of a network without kinks, and 30 to 60 frames a segment, the longest step is at most 1.15 times
        the shortest; only a step over a corner of the path can be shorter. Where no picture changes, t stays even.

        Raises ValueError for `samples` or `chunk_size` below 1.
        """
        if samples < 1 or chunk_size < 1:
            raise ValueError("an even pace needs at least one sample a segment, and chunks of at least one image")
        even = np.linspace(0, 1, samples * (len(self._corners()) - 1) + 1)
        unpaced = replace(self, pace=None)
        positions = even
        for _ in range(1 + rounds):
            steps = _changes(images, unpaced.at(torch.from_numpy(positions)), chunk_size)
            if not steps.mean() >= STILL:  # or they are no numbers
                return unpaced
            way = np.cumsum((1 - SHARE) * steps / steps.sum() + SHARE * np.diff(positions))
            positions = np.interp(even, np.concatenate([[0.0], way / way[-1]]), positions)
        return replace(self, pace=torch.from_numpy(positions))

    def _corners(self) -> Tensor:
        """The ends of all segments, (segments + 1, z_dim)."""
        return torch.stack([*self.keys, self.keys[0]] if self.loop else list(self.keys))

    def _corner_times(self) -> list[float]:
        """The t of each corner; that of a loop's last is 1."""
        segments = len(self.keys) - (not self.loop)
        if self.pace is None:
            return [corner / segments for corner in range(segments + 1)]
        pace = self.pace.double().cpu().numpy()
        times: list[float] = np.interp(np.arange(segments + 1) / segments, pace, np.linspace(0, 1, len(pace))).tolist()
        return times

    def _position(self, times: Tensor) -> Tensor:
        """The share of the way that is behind at each t, (N,); below 0 and above 1 outside."""
        if self.pace is None:
            return times
        pace = self.pace.double().cpu()
        inside = torch.from_numpy(np.interp(times.numpy(), np.linspace(0, 1, len(pace)), pace.numpy()))
        speed = (pace.diff() * (len(pace) - 1)).clamp(max=HASTE)
        return inside + speed[0] * times.clamp(max=0) + speed[-1] * (times - 1).clamp(min=0)


@dataclass(frozen=True, slots=True, eq=False)
class PathCurves:
    """How a path runs, at N values of t, float64.

    `t` (N,) from 0 to 1; `angle` (N,), degrees turned since the start, about the prior's centre, never falling;
    `norm` (N,), distance from the prior's centre.
    """

    t: Tensor
    angle: Tensor
    norm: Tensor


def curves(path: LatentPath, count: int) -> PathCurves:
    """The curves of a path at `count` values of t, both ends of [0, 1] among them.

    The angle is summed from point to point, so that it counts a whole loop; passing through the centre is half a turn.

    Raises ValueError for a count below 2.
    """
    if count < 2:
        raise ValueError("the curves of a path need at least two points")
    t = torch.linspace(0, 1, count, dtype=torch.float64)
    offset = path.at(t).double().cpu() - path.prior.center
    norm = offset.norm(dim=1)
    # the centre itself has no direction: the turn is that between the points around it
    (directed,) = torch.nonzero(norm > 1e-6 * norm.max(), as_tuple=True)
    units = offset[directed] / norm[directed, None]
    angle = torch.zeros_like(t)
    angle[directed[1:]] = torch.rad2deg(_angle(units[:-1], units[1:]))[:, 0]
    return PathCurves(t, angle.cumsum(0), norm)


def _changes(images: ImageFunction, z: Tensor, chunk_size: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Root mean square difference between the pictures of consecutive latents, (N - 1,)."""
    changes, last = [], None
    with torch.no_grad():
        for chunk in torch.split(z, chunk_size):
            pictures = images(chunk).float().flatten(1)
            row = pictures if last is None else torch.cat([last, pictures])
            changes.append(row.diff(dim=0).square().mean(1).sqrt().double().cpu())
            last = pictures[-1:]
    result: np.ndarray[tuple[int], np.dtype[np.float64]] = torch.cat(changes).numpy()
    return result


def _cornered(corners: Tensor, mode: PathMode, prior: Prior, loop: bool, index: Tensor, x: Tensor) -> Tensor:
    """The points at `x` (N,) of the segments `index` (N,) between `corners`."""
    z = corners.new_empty(len(x), corners.shape[1])
    for segment in sorted(set(index.tolist())):
        here = (index == segment).to(corners.device)
        z[here] = interpolate(corners[segment], corners[segment + 1], x[index == segment], mode, prior)
    return z


def _smooth(corners: Tensor, mode: PathMode, prior: Prior, loop: bool, index: Tensor, x: Tensor) -> Tensor:
    """As `_cornered`, on the spline through all corners."""
    index, x = index.to(corners.device), x.to(corners.device).unsqueeze(-1)
    if mode == "lerp":
        return _straight(corners.double(), loop, index, x).to(corners.dtype)
    points = (prior.to_normal(corners) if mode == "box" else corners - prior.center).double()
    norms = points.norm(dim=1, keepdim=True)
    units = points / norms.clamp(min=torch.finfo(points.dtype).tiny)
    # as slerp itself does
    if norms.min() <= 1e-6 * norms.max() or (units[1:] + units[:-1]).norm(dim=1).min() < 1e-4:
        path = _straight(points, loop, index, x)
    else:
        direction = _bezier(units, _tangents(units, loop, _log), index, x, _log, _exp)
        norm = _bezier(norms, _monotone(norms, loop), index, x, _minus, _plus)
        path = direction * norm.clamp(min=0)
    return (prior.from_normal(path) if mode == "box" else path + prior.center).to(corners.dtype)


def _straight(points: Tensor, loop: bool, index: Tensor, x: Tensor) -> Tensor:
    """The ordinary Catmull-Rom spline."""
    return _bezier(points, _tangents(points, loop, _minus), index, x, _minus, _plus)


def _bezier(points: Tensor, tangents: Tensor, index: Tensor, x: Tensor, log: Step, exp: Step) -> Tensor:
    """Cubic through `points` with these `tangents` (per segment), at `x` (N, 1) of the segments `index` (N,).

    Outside [0, 1] the geodesic through the segment's ends, which the tangent at an open end follows.
    """
    a, b = points[index], points[index + 1]
    row = [a, exp(a, tangents[index] / 3), exp(b, -tangents[index + 1] / 3), b]
    while len(row) > 1:
        row = [exp(p, x * log(p, q)) for p, q in pairwise(row)]
    return torch.where((x < 0) | (x > 1), exp(a, x * log(a, b)), row[0])


def _tangents(points: Tensor, loop: bool, log: Step) -> Tensor:
    """Catmull-Rom: the mean of the steps from the key before and to the key after; at an open end the one there is."""
    onward, from_before = log(points[:-1], points[1:]), -log(points[1:], points[:-1])
    inner = (onward[1:] + from_before[:-1]) / 2
    if loop:
        seam = (onward[:1] + from_before[-1:]) / 2
        return torch.cat([seam, inner, seam])
    return torch.cat([onward[:1], inner, from_before[-1:]])


def _monotone(values: Tensor, loop: bool) -> Tensor:
    """`_tangents` of numbers, limited so that the spline stays between neighbours (Fritsch & Carlson 1980)."""
    after = torch.cat([values.diff(dim=0), values[1:2] - values[:1] if loop else values[-1:] - values[-2:-1]])
    before = torch.cat([values[-1:] - values[-2:-1] if loop else values[1:2] - values[:1], values.diff(dim=0)])
    limit = 3 * torch.minimum(before.abs(), after.abs()) * (before * after > 0)
    return torch.clamp(_tangents(values, loop, _minus), -limit, limit)


def _minus(p: Tensor, q: Tensor) -> Tensor:
    return q - p


def _plus(p: Tensor, step: Tensor) -> Tensor:
    return p + step


def _angle(p: Tensor, q: Tensor) -> Tensor:
    """Radians between unit vectors, (N, 1); exact near 0 and pi too (Kahan)."""
    angle: Tensor = 2 * torch.atan2((p - q).norm(dim=-1, keepdim=True), (p + q).norm(dim=-1, keepdim=True))
    return angle


def _log(p: Tensor, q: Tensor) -> Tensor:
    """The step on the unit sphere from p to q: tangent at p, as long as their angle."""
    across: Tensor = q - (p * q).sum(-1, keepdim=True) * p
    step: Tensor = across * (_angle(p, q) / across.norm(dim=-1, keepdim=True).clamp(min=1e-12))
    return step


def _exp(p: Tensor, step: Tensor) -> Tensor:
    """Where a `step` along a great circle leads from p."""
    angle = step.norm(dim=-1, keepdim=True)
    point: Tensor = angle.cos() * p + torch.sinc(angle / math.pi) * step
    return point
