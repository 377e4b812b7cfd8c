"""Paths through latent space: cornered and smooth, open and looped, at even pace in t and in the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise, product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_nets import GENERATORS, quick, seeded_generator, trained_like
from torch import Tensor

from ganexplorer.core.latent import PathMode, Prior, interpolate
from ganexplorer.core.networks import mlp_generator
from ganexplorer.core.paths import LatentPath, curves
from ganexplorer.core.spec import Tanh

PRIORS = {
    "normal": Prior.normal(),
    "shifted": Prior.normal(2.0, 0.5),
    "uniform": Prior.uniform(),
    "off-centre": Prior.uniform(1.0, 5.0),
    "constant": Prior.constant(0.5),
}
MODES: tuple[PathMode, ...] = ("lerp", "slerp", "box")

priors = pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
modes = pytest.mark.parametrize("mode", MODES)
loops = pytest.mark.parametrize("loop", [False, True], ids=["open", "loop"])
splines = pytest.mark.parametrize("spline", [False, True], ids=["corners", "spline"])


def some_keys(count: int, prior: Prior = PRIORS["normal"], z_dim: int = 16, seed: int = 0) -> tuple[Tensor, ...]:
    """Different latents of a prior; of a constant one, around it."""
    z = prior.sample(count, z_dim, seeded_generator(seed))
    if prior.kind == "constant":
        z = z + torch.randn(z.shape, generator=seeded_generator(seed))
    return tuple(z)


def make(
    keys: Sequence[Tensor],
    mode: PathMode = "lerp",
    prior: Prior = PRIORS["normal"],
    loop: bool = False,
    spline: bool = False,
) -> LatentPath:
    return LatentPath(tuple(keys), mode, prior, loop, spline)


def uneven_pace(count: int = 33) -> Tensor:
    return torch.linspace(0, 1, count, dtype=torch.float64) ** 1.5


def speeds(path: LatentPath, t: float, h: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Velocities just before and just after t, (z_dim,) each, by one-sided differences of second order."""
    before = 3 * path.at(t).double() - 4 * path.at(t - h).double() + path.at(t - 2 * h).double()
    after = -3 * path.at(t).double() + 4 * path.at(t + h).double() - path.at(t + 2 * h).double()
    return before / (2 * h), after / (2 * h)


# ---- frames: what a path of corners has always been


@modes
@splines
@pytest.mark.parametrize(("keys", "frames"), [(2, 2), (2, 7), (3, 60), (4, 10), (5, 3)])
def test_an_open_path_has_its_frames_and_starts_and_ends_on_its_keys(
    mode: PathMode, spline: bool, keys: int, frames: int
) -> None:
    z = some_keys(keys)
    points = make(z, mode, spline=spline).frames(frames)
    assert points.shape == (frames, 16)
    assert points.dtype == torch.float32
    assert torch.equal(points[0], z[0])
    assert torch.equal(points[-1], z[-1])


def test_frames_are_spread_evenly_over_the_segments() -> None:
    keys = [torch.tensor([0.0]), torch.tensor([1.0]), torch.tensor([5.0])]
    torch.testing.assert_close(make(keys).frames(9)[:, 0], torch.tensor([0, 0.25, 0.5, 0.75, 1, 2, 3, 4, 5]))


@modes
@splines
def test_a_loop_returns_to_its_first_key_without_repeating_a_frame(mode: PathMode, spline: bool) -> None:
    z = some_keys(3)
    path = make(z, mode, loop=True, spline=spline)
    points = path.frames(30)
    assert points.shape == (30, 16)
    assert torch.equal(points[::10], torch.stack(z))
    assert len(points.unique(dim=0)) == 30
    assert torch.equal(points[29], path.at(29 / 30))


@priors
@modes
@loops
@pytest.mark.parametrize(("keys", "count"), [(2, 9), (3, 13), (7, 50)])
def test_frames_are_the_interpolations_of_their_segments(
    prior: Prior, mode: PathMode, loop: bool, keys: int, count: int
) -> None:
    z = some_keys(keys, prior)
    ends = [*z, z[0]] if loop else z
    expected = []
    for number in range(count):
        # in whole numbers: which segment, and how far into it
        segment, rest = divmod(number * (len(ends) - 1), count if loop else count - 1)
        if segment == len(ends) - 1:
            expected.append(ends[-1])
        else:
            t = rest / (count if loop else count - 1)
            expected.append(interpolate(ends[segment], ends[segment + 1], t, mode, prior))
    torch.testing.assert_close(make(z, mode, prior, loop=loop).frames(count), torch.stack(expected), rtol=0, atol=1e-5)


def test_a_loop_of_two_keys_goes_there_and_back() -> None:
    keys = [torch.tensor([0.0]), torch.tensor([2.0])]
    points = make(keys, loop=True).frames(8)
    torch.testing.assert_close(points[:, 0], torch.tensor([0, 0.5, 1, 1.5, 2, 1.5, 1, 0.5]))
    eased = make(keys, loop=True, spline=True).frames(8)[:, 0]
    torch.testing.assert_close(eased, torch.tensor([0, 0.3125, 1, 1.6875, 2, 1.6875, 1, 0.3125]))  # 3 t^2 - 2 t^3


def test_frames_that_reach_beyond_the_ends_are_evenly_spaced_in_t() -> None:
    keys = [torch.tensor([0.0]), torch.tensor([1.0])]
    torch.testing.assert_close(make(keys).frames(7, 0.25)[:, 0], torch.linspace(-0.25, 1.25, 7))


# ---- keys


@priors
@modes
@pytest.mark.parametrize("count", [2, 3, 11])
def test_keys_come_back_bit_for_bit_at_their_own_t(prior: Prior, mode: PathMode, count: int) -> None:
    z = some_keys(count, prior)
    for loop, spline, pace in product((False, True), (False, True), (None, uneven_pace())):
        path = LatentPath(z, mode, prior, loop, spline, pace)
        places = path.key_positions()
        assert len(places) == count
        assert torch.equal(path.at(torch.tensor(places)), torch.stack(z))  # float32
        assert torch.equal(path.at(torch.tensor(places, dtype=torch.float64)), torch.stack(z))
        assert all(torch.equal(path.at(t), key) for t, key in zip(places, z, strict=True))
        assert torch.equal(path.at(1.0), z[0] if loop else z[-1])


def test_keys_are_evenly_spaced_in_t_unless_there_is_a_pace() -> None:
    z = some_keys(5)
    assert make(z).key_positions() == [0, 0.25, 0.5, 0.75, 1]
    assert make(z, loop=True).key_positions() == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    paced = LatentPath(
        z, "lerp", Prior.normal(), pace=torch.tensor([0.0, 0.75, 1.0])
    )  # three segments in the first half
    assert paced.key_positions() == pytest.approx([0, 1 / 6, 1 / 3, 1 / 2, 1])


def test_a_number_gives_one_latent_and_many_give_rows() -> None:
    path = make(some_keys(3), "slerp")
    assert path.at(0.3).shape == (16,)
    assert path.at(torch.tensor(0.3)).shape == (16,)
    assert path.at(torch.tensor([0.3])).shape == (1, 16)
    assert path.at(torch.zeros(0)).shape == (0, 16)
    t = torch.tensor([0.9, 0.1, -0.2, 0.5, 1.3], dtype=torch.float64)
    for spline in (False, True):
        path = make(some_keys(3), "slerp", spline=spline)
        rows = torch.stack([path.at(one) for one in t.tolist()])
        torch.testing.assert_close(path.at(t), rows, rtol=0, atol=1e-6)


# ---- norms and angles


@pytest.mark.parametrize("prior", [Prior.normal(), Prior.normal(2.0, 0.5)], ids=str)
@loops
def test_the_norm_of_a_slerp_path_is_linear_between_the_keys(prior: Prior, loop: bool) -> None:
    z = some_keys(4, prior, 64)
    z = tuple(prior.center + (key - prior.center) * scale for key, scale in zip(z, (1.0, 2.0, 0.5, 1.5), strict=True))
    norms = [(key - prior.center).norm().item() for key in ([*z, z[0]] if loop else z)]
    segments = len(norms) - 1
    measured = curves(make(z, "slerp", prior, loop=loop), 10 * segments + 1).norm
    expected = torch.cat([torch.linspace(a, b, 11)[:-1] for a, b in pairwise(norms)])
    torch.testing.assert_close(measured[:-1].float(), expected, rtol=1e-5, atol=1e-4)


@loops
@splines
def test_the_norm_of_a_slerp_path_of_equal_keys_is_constant(loop: bool, spline: bool) -> None:
    z = [8 * key / key.norm() for key in some_keys(5, z_dim=64)]
    norm = curves(make(z, "slerp", loop=loop, spline=spline), 301).norm
    torch.testing.assert_close(norm, torch.full_like(norm, 8.0), rtol=0, atol=1e-4)


@loops
def test_the_norm_of_a_smooth_slerp_path_stays_between_those_of_the_keys_around(loop: bool) -> None:
    lengths = [9.0, 0.2, 0.1, 7.0, 6.9]
    z = [length * key / key.norm() for length, key in zip(lengths, some_keys(5, z_dim=64), strict=True)]
    norm = curves(make(z, "slerp", loop=loop, spline=True), 501).norm
    ends = [*lengths, 9.0] if loop else lengths
    per_segment = 500 // (len(ends) - 1)
    for i, (a, b) in enumerate(pairwise(ends)):
        part = norm[i * per_segment : (i + 1) * per_segment]
        assert min(a, b) - 1e-4 <= part.min() <= part.max() <= max(a, b) + 1e-4


def test_a_slerp_path_turns_evenly_by_the_angles_between_its_keys() -> None:
    z = some_keys(4, z_dim=64)
    angles = [
        math.degrees(math.acos(torch.nn.functional.cosine_similarity(a.double(), b.double(), dim=0)))
        for a, b in pairwise(z)
    ]
    measured = curves(make(z, "slerp"), 31)
    torch.testing.assert_close(measured.t, torch.linspace(0, 1, 31, dtype=torch.float64))
    steps = measured.angle.diff().view(3, 10)
    torch.testing.assert_close(
        steps, torch.tensor(angles, dtype=torch.float64)[:, None].expand(3, 10) / 10, rtol=1e-4, atol=0
    )
    assert measured.angle[0] == 0
    assert measured.angle[-1].item() == pytest.approx(sum(angles), rel=1e-5)


def test_the_angle_counts_whole_turns_and_a_passage_through_the_centre() -> None:
    corners = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    for spline in (False, True):
        angle = curves(make(corners.unbind(), "slerp", loop=True, spline=spline), 41).angle
        torch.testing.assert_close(angle, torch.linspace(0, 360, 41, dtype=torch.float64), rtol=0, atol=1e-3)
    line = curves(make([torch.tensor([2.0]), torch.tensor([-2.0])]), 5)
    assert line.angle.tolist() == pytest.approx([0, 0, 0, 180, 180])
    assert line.norm.tolist() == pytest.approx([2, 1, 0, 1, 2])


def test_the_curves_of_a_path_that_stays_on_the_centre_are_flat() -> None:
    flat = curves(make([torch.full((3,), 0.1)] * 2, "slerp", Prior.constant(0.1)), 4)
    assert flat.angle.tolist() == [0] * 4
    assert flat.norm.max() < 1e-6


# ---- beyond the ends


@modes
@priors
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_a_path_goes_on_smoothly_beyond_its_ends(mode: PathMode, prior: Prior, end: float) -> None:
    """No jump, no kink (the second difference is of second order), also where a spline or a pace ends."""
    for spline in (False, True):
        for pace in (None, uneven_pace().flip(0).neg() + 1):
            path = LatentPath(some_keys(3, prior), mode, prior, spline=spline, pace=pace)
            h = 0.002
            before, here, after = (path.at(end + step).double() for step in (-h, 0, h))
            size = max(1.0, (after - before).norm().item() / (2 * h))
            assert (after - here).norm() < 3 * size * h
            # C1: of order h^2, where a corner would be of order h
            assert (after - 2 * here + before).norm() < 40 * size * h**2 + 1e-5
            if not spline and pace is None:
                a, b = (path.keys[0], path.keys[1]) if end == 0 else (path.keys[1], path.keys[2])
                expected = interpolate(a, b, -0.6 if end == 0 else 1.6, mode, prior)
                torch.testing.assert_close(path.at(-0.3 if end == 0 else 1.3), expected, rtol=0, atol=1e-5)


def test_lerp_goes_on_straight_at_the_same_speed() -> None:
    keys = [torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]), torch.tensor([1.0, 5.0])]
    for spline in (False, True):
        path = make(keys, spline=spline)
        torch.testing.assert_close(path.at(-0.25), torch.tensor([-0.5, 1.0]))
        torch.testing.assert_close(path.at(1.25), torch.tensor([1.0, 7.0]))


def test_slerp_goes_on_along_the_circle_and_its_norm_ends_at_zero() -> None:
    keys = [torch.tensor([3.0, 0.0]), torch.tensor([0.0, 2.0])]
    for spline in (False, True):
        path = make(keys, "slerp", spline=spline)
        torch.testing.assert_close(path.at(2.0), torch.tensor([-1.0, 0.0]), rtol=0, atol=1e-6)
        torch.testing.assert_close(path.at(-1.0), torch.tensor([0.0, -4.0]), rtol=0, atol=1e-6)
        for t in (3.0, 3.5, 9.0):  # 3 - t would be negative: no turning back through the centre
            assert path.at(t).norm() < 1e-6


@priors
@modes
@splines
def test_far_beyond_the_ends_there_are_numbers_still(prior: Prior, mode: PathMode, spline: bool) -> None:
    t = torch.tensor([-1000.0, -3.0, 4.0, 1000.0])
    points = make(some_keys(3, prior), mode, prior, spline=spline).at(t)
    assert torch.isfinite(points).all()
    if mode == "box" and prior.kind == "uniform":
        assert prior.a <= points.min() <= points.max() <= prior.b


def test_beyond_the_ends_the_pace_goes_on_but_not_in_haste() -> None:
    keys = (torch.tensor([0.0]), torch.tensor([1.0]))
    path = LatentPath(keys, "lerp", Prior.normal(), pace=torch.tensor([0.0, 0.2, 0.3, 1.0]))
    # speeds of 0.6 at the start, 2.1 at the end
    torch.testing.assert_close(path.at(torch.tensor([-0.5, 0.5, 1.5]))[:, 0], torch.tensor([-0.3, 0.25, 2.05]))
    hasty = LatentPath(keys, "lerp", Prior.normal(), pace=torch.tensor([0.0, 0.1, 0.1, 0.1, 1.0]))
    assert hasty.at(1.5).item() == pytest.approx(1 + 3 * 0.5)


@modes
@splines
def test_a_loop_wraps(mode: PathMode, spline: bool) -> None:
    for pace in (None, uneven_pace()):
        path = LatentPath(some_keys(3), mode, Prior.normal(), True, spline, pace)
        t = torch.tensor([0.0, 0.25, 0.6, 0.96875], dtype=torch.float64)
        for turns in (1, -1, 5):
            torch.testing.assert_close(path.at(t + turns), path.at(t), rtol=0, atol=1e-6)
        assert torch.equal(path.at(1.25), path.at(0.25))
        assert torch.equal(path.at(-1e-18), path.keys[0])


# ---- the smooth path


@priors
@modes
def test_an_open_path_of_two_keys_is_the_same_smooth_or_not(prior: Prior, mode: PathMode) -> None:
    for z_dim in (1, 2, 40):
        z = some_keys(2, prior, z_dim, seed=3)
        t = torch.linspace(-0.4, 1.4, 37)
        torch.testing.assert_close(
            make(z, mode, prior, spline=True).at(t), make(z, mode, prior).at(t), rtol=1e-5, atol=2e-5
        )


def test_the_straight_spline_is_catmull_and_roms() -> None:
    z = torch.stack(some_keys(6)).double()
    # their matrix, for the segment between the second and the third of four points
    matrix = torch.tensor([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]], dtype=torch.float64) / 2
    path = make(z.float().unbind(), spline=True)
    loop = make(z.float().unbind(), spline=True, loop=True)
    for x in (0.1, 0.5, 0.8):
        powers = torch.tensor([1, x, x**2, x**3], dtype=torch.float64)
        for segment in (1, 2, 3):
            expected = powers @ matrix @ z[segment - 1 : segment + 3]
            torch.testing.assert_close(path.at((segment + x) / 5).double(), expected, rtol=0, atol=1e-5)
        torch.testing.assert_close(loop.at(x / 6).double(), powers @ matrix @ z[[5, 0, 1, 2]], rtol=0, atol=1e-5)
        torch.testing.assert_close(loop.at((5 + x) / 6).double(), powers @ matrix @ z[[4, 5, 0, 1]], rtol=0, atol=1e-5)


@priors
@modes
@loops
@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_spline_has_one_velocity_at_each_key_and_at_the_seam(
    prior: Prior, mode: PathMode, loop: bool, count: int
) -> None:
    z = some_keys(count, prior, 32, seed=1)
    path = make(z, mode, prior, loop=loop, spline=True)
    for t in path.key_positions():
        before, after = speeds(path, t)
        chord = (z[1] - z[0]).norm() * (count - (not loop))  # the mean speed of a segment
        assert (before - after).norm() < 0.01 * chord


@modes
def test_a_path_of_corners_has_two_velocities_at_a_key(mode: PathMode) -> None:
    """So that the test of the spline's velocities can fail."""
    before, after = speeds(make(some_keys(3), mode), 0.5)
    assert (before - after).norm() > 0.5 * before.norm()


def test_a_smooth_slerp_through_keys_of_one_great_circle_stays_on_it() -> None:
    u, v = torch.linalg.qr(torch.randn(9, 2, generator=seeded_generator()))[0].T
    angles = [0.0, 0.5, 2.0, 1.2, 3.0]
    path = make([5 * (math.cos(a) * u + math.sin(a) * v) for a in angles], "slerp", spline=True)
    points = path.at(torch.linspace(0, 1, 101))
    on_circle = (points @ u)[:, None] * u + (points @ v)[:, None] * v
    torch.testing.assert_close(points, on_circle, rtol=0, atol=1e-5)
    # there it is the ordinary spline of the angles
    flat = make([torch.tensor([a]) for a in angles], spline=True).at(torch.linspace(0, 1, 101))[:, 0]
    torch.testing.assert_close(torch.atan2(points @ v, points @ u), flat, rtol=0, atol=1e-5)


@quick
@given(seed=st.integers(0, 10_000), count=st.integers(2, 5), z_dim=st.integers(2, 4), loop=st.booleans())
def test_a_smooth_slerp_never_jumps_however_its_keys_lie(seed: int, count: int, z_dim: int, loop: bool) -> None:
    z = torch.randn(count, z_dim, generator=seeded_generator(seed))
    path = make((z / z.norm(dim=1, keepdim=True)).unbind(), "slerp", loop=loop, spline=True)
    coarse, fine = (curves(path, 250 * scale + 1).angle.diff().max().item() for scale in (4, 16))
    # a jump would stay as large in the finer steps
    assert fine < 0.5 * coarse + 0.2


# ---- the box


@quick
@given(
    keys=st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(st.floats(-1, 1, width=32), min_size=n, max_size=n), min_size=2, max_size=5)
    ),
    t=st.lists(st.floats(0, 1), min_size=1, max_size=9),
    limits=st.sampled_from([(-1.0, 1.0), (1.0, 5.0), (-0.25, 0.0)]),
    loop=st.booleans(),
    spline=st.booleans(),
)
def test_a_box_path_never_leaves_the_box(
    keys: list[list[float]], t: list[float], limits: tuple[float, float], loop: bool, spline: bool
) -> None:
    low, high = limits
    z = [(torch.tensor(key) + 1) / 2 * (high - low) + low for key in keys]
    points = make(z, "box", Prior.uniform(low, high), loop=loop, spline=spline).at(torch.tensor(t))
    assert low <= points.min() <= points.max() <= high  # NaN would not be


def test_a_smooth_straight_path_does_leave_the_box_that_a_smooth_box_path_keeps() -> None:
    z = [torch.tensor([0.0, 0.0]), torch.tensor([0.99, 0.5]), torch.tensor([0.99, -0.5]), torch.tensor([0.0, 0.0])]
    t = torch.linspace(0, 1, 101)
    assert make(z, "lerp", Prior.uniform(), spline=True).at(t).abs().max() > 1.05
    assert make(z, "box", Prior.uniform(), spline=True).at(t).abs().max() < 1


# ---- steps of the picture


def step_ratio(images: Tensor, loop: bool = False) -> float:
    """The longest step between consecutive pictures over the shortest."""
    images = torch.cat([images, images[:1]]) if loop else images
    steps = (images[1:] - images[:-1]).double().flatten(1).norm(dim=1)
    return (steps.max() / steps.min()).item()


SMOOTH = trained_like(mlp_generator(64, (16, 12), (1, 6, 5), Prior.normal(), Tanh(), Tanh()))


@pytest.mark.parametrize("count", [30, 60])
@pytest.mark.parametrize(("spline", "loop"), [(False, False), (True, False), (True, True)])
def test_an_even_pace_changes_the_picture_equally_per_step(count: int, spline: bool, loop: bool) -> None:
    z = some_keys(5 if spline else 2, z_dim=64, seed=5)
    z = tuple(key * scale for key, scale in zip(z, (0.3, 1.5, 0.7, 1.2, 1.0), strict=False))
    path = make(z, "slerp", loop=loop, spline=spline)
    even = path.evenly(SMOOTH)
    frames = count * (len(z) - (not loop))
    assert step_ratio(SMOOTH(path.frames(frames)), loop) > 1.5
    assert step_ratio(SMOOTH(even.frames(frames)), loop) <= 1.15


def test_an_even_pace_of_a_known_picture_is_its_inverse() -> None:
    """A picture whose brightness goes as z squared: equal steps are at square roots."""
    path = make([torch.tensor([0.0]), torch.tensor([1.0])]).evenly(
        lambda z: z.square().view(-1, 1, 1, 1).expand(-1, 1, 1, 4)
    )
    torch.testing.assert_close(path.frames(11)[:, 0], torch.linspace(0, 1, 11).sqrt(), rtol=0, atol=3e-3)
    assert path.at(0.5).item() == pytest.approx(math.sqrt(0.5), abs=1e-3)


def test_an_even_pace_around_corners_leaves_only_the_steps_over_them_uneven() -> None:
    path = make(some_keys(4, z_dim=64), "slerp").evenly(SMOOTH)
    images = SMOOTH(path.frames(92))  # 91 steps: no key is a frame
    steps = (images[1:] - images[:-1]).flatten(1).norm(dim=1)
    over = torch.tensor([int(t * 91) for t in path.key_positions()[1:-1]])
    straight = torch.ones(91, dtype=torch.bool)
    straight[over] = False
    assert steps[straight].max() / steps[straight].min() <= 1.15
    assert steps[over].max() <= 1.15 * steps[straight].min()


def test_an_even_pace_keeps_the_path_and_asks_for_few_images_at_a_time() -> None:
    sizes: list[int] = []

    def images(z: Tensor) -> Tensor:
        sizes.append(len(z))
        return SMOOTH(z)

    path = make(some_keys(3, z_dim=64), "slerp", loop=True)
    even = path.evenly(images, samples=20, chunk_size=7, rounds=2)
    assert max(sizes) == 7
    assert sum(sizes) == 3 * 61
    assert even.pace is not None
    assert (even.keys, even.mode, even.prior, even.loop, even.spline) == (path.keys, path.mode, path.prior, True, False)
    places = even.key_positions()
    assert places == sorted(places)
    assert torch.equal(even.at(torch.tensor(places)), torch.stack(path.keys))
    at_once = path.evenly(SMOOTH, samples=20, chunk_size=64, rounds=2)
    assert at_once.pace is not None
    torch.testing.assert_close(at_once.pace, even.pace, rtol=0, atol=1e-5)


def test_an_even_pace_does_not_build_on_the_one_before() -> None:
    path = make(some_keys(2, z_dim=64), "slerp")
    once = path.evenly(SMOOTH)
    twice = once.evenly(SMOOTH)
    assert once.pace is not None
    assert twice.pace is not None
    assert torch.equal(once.pace, twice.pace)


@splines
@loops
def test_a_path_whose_pictures_do_not_change_keeps_even_t(spline: bool, loop: bool) -> None:
    path = make(some_keys(3), "slerp", loop=loop, spline=spline)
    even = path.evenly(lambda z: torch.full((len(z), 1, 1, 4), 0.25))
    torch.testing.assert_close(even.frames(20), path.frames(20))
    assert even.key_positions() == path.key_positions()


def test_a_stretch_of_still_pictures_is_passed_fast_and_keeps_its_keys() -> None:
    a, b = some_keys(2, z_dim=64)
    path = make([a, a.clone(), b], "slerp").evenly(SMOOTH)
    first, second, third = path.key_positions()
    assert first == 0 < second < 0.01
    assert third == 1
    assert torch.equal(path.at(torch.tensor([first, second, third])), torch.stack([a, a, b]))


def test_an_even_pace_of_the_smallest_image() -> None:
    spec = GENERATORS["pattern"]
    assert spec.prior is not None
    network = trained_like(spec)
    path = make([torch.tensor([-6.0]), torch.tensor([7.0])], "slerp", spec.prior)
    assert step_ratio(network(path.frames(20))) > 1.5
    assert step_ratio(network(path.evenly(network).frames(20))) <= 1.15


# ---- keys without angles


@priors
@modes
@pytest.mark.parametrize("case", ["z_dim 1", "identical", "opposite", "a zero", "all zero", "on the box"])
def test_awkward_keys_give_a_path_without_jumps(prior: Prior, mode: PathMode, case: str) -> None:
    a, b = some_keys(2, prior, 6, seed=2)
    center = torch.full_like(a, prior.center)
    low, high = prior.support if prior.kind != "constant" else (0.0, 1.0)
    keys = {
        "z_dim 1": [a[:1], b[:1], 2 * center[:1] - a[:1]],
        "identical": [a, a.clone(), a.clone()],
        "opposite": [a, 2 * center - a, b],
        "a zero": [a, center, b],
        "all zero": [center, center.clone()],
        "on the box": [torch.full_like(a, low), torch.full_like(a, high), b],
    }[case]
    spread = max((p - q).norm().item() for p in keys for q in keys)
    for loop, spline in product((False, True), (False, True)):
        path = make(keys, mode, prior, loop=loop, spline=spline)
        points = path.at(torch.linspace(0, 1, 2001))
        assert torch.isfinite(points).all()
        assert points.diff(dim=0).norm(dim=1).max() <= 0.02 * spread + 1e-5
        assert torch.equal(path.at(torch.tensor(path.key_positions())), torch.stack(keys))
        if case == "identical":
            torch.testing.assert_close(points, a.expand_as(points), rtol=0, atol=1e-5)


def test_opposite_keys_are_joined_by_a_straight_line() -> None:
    a = some_keys(1)[0]
    t = torch.linspace(0, 1, 9)
    for spline in (False, True):
        torch.testing.assert_close(make([a, -a], "slerp", spline=spline).at(t), (1 - 2 * t)[:, None] * a)


def test_a_key_on_a_centre_that_is_not_zero_has_no_direction() -> None:
    """A box from 0 to 0.2 has its middle at 0.1 to rounding only."""
    prior = Prior.uniform(0.0, 0.2)
    centre, b = torch.full((8,), 0.1), some_keys(1, prior, 8)[0]
    for spline in (False, True):
        quantiles = prior.to_normal(make([centre, b], "box", prior, spline=spline).at(torch.linspace(0, 1, 5)))
        expected = torch.linspace(0, 1, 5)[:, None] * prior.to_normal(b)
        torch.testing.assert_close(quantiles, expected, rtol=0, atol=1e-5)


# ---- what is refused


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "at least two key latents, not 0"),
        ([torch.zeros(3)], "at least two key latents, not 1"),
        ([torch.zeros(3), torch.zeros(4)], r"one shape \(z_dim,\), not \(3,\), \(4,\)"),
        ([torch.zeros(1, 3), torch.zeros(1, 3)], r"one shape \(z_dim,\), not \(1, 3\), \(1, 3\)"),
        ([torch.zeros(3), torch.full((3,), math.nan)], "key latent 1 of the path has values that are not finite"),
    ],
)
def test_keys_that_make_no_path_are_refused(keys: list[Tensor], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(keys)


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown interpolation 'cubic'; known: lerp, slerp, box"):
        make(some_keys(2), "cubic")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pace", [[0.0], [0.0, 0.5], [0.1, 1.0], [0.0, 0.6, 0.5, 1.0], [0.0, math.nan, 1.0], [[0.0, 1.0]]], ids=str
)
def test_a_pace_that_goes_back_or_not_from_end_to_end_is_refused(pace: list[float]) -> None:
    with pytest.raises(ValueError, match="positions that rise from 0 to 1"):
        LatentPath(some_keys(2), "lerp", Prior.normal(), pace=torch.tensor(pace))


@pytest.mark.parametrize(
    ("loop", "count", "reach", "message"),
    [
        (False, 1, 0.0, "at least two frames"),
        (True, 1, 0.0, "at least two frames"),
        (False, 5, -0.1, "reaches 0 or more beyond its ends, not -0.1"),
        (False, 5, math.inf, "reaches 0 or more"),
        (True, 5, 0.1, "its reach must be 0"),
    ],
)
def test_frames_that_cannot_be_are_refused(loop: bool, count: int, reach: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(some_keys(2), loop=loop).frames(count, reach)


@pytest.mark.parametrize("t", [math.nan, math.inf, torch.zeros(2, 2), torch.tensor([0.0, math.nan])], ids=str)
def test_a_t_that_is_no_number_is_refused(t: float | Tensor) -> None:
    with pytest.raises(ValueError, match=r"finite number or finite numbers of shape \(N,\)"):
        make(some_keys(2)).at(t)


def test_too_few_samples_for_a_pace_or_points_for_curves_are_refused() -> None:
    path = make(some_keys(2, z_dim=64))
    with pytest.raises(ValueError, match="at least one sample a segment"):
        path.evenly(SMOOTH, samples=0)
    with pytest.raises(ValueError, match="chunks of at least one image"):
        path.evenly(SMOOTH, chunk_size=0)
    with pytest.raises(ValueError, match="at least two points"):
        curves(path, 1)
