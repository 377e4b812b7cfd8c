"""Cartoon faces drawn by our own code: data that need no download, and whose features are known exactly.

A face is painted back to front, each part from a signed distance field in the head's own units: the origin between the
eyes, the crown about 0.5 above it and the chin as far below, u to the right and v down. What comes in pairs is drawn
once on mirrored coordinates, and each part only where it can lie. Nothing loops over faces.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from ganexplorer.core.render import one_thread
from ganexplorer.train.distance_fields import Canvas, box, egg, ellipse
from ganexplorer.train.face_features import (
    BEARDS,
    FACE_ATTRIBUTES,
    GLASSES,
    GROUNDS,
    HAIR_STYLES,
    SHIRTS,
    WITH_FRINGE,
    Faces,
    random_faces,
)
from ganexplorer.train.face_measures import (
    CAVITY,
    GOLD,
    GROUND_FAR,
    GROUND_NEAR,
    INK,
    IRIS,
    RIM,
    SHADE,
    SHIRT,
    SHIRT_TRIM,
    SKIN_SHADE,
    TONGUE,
    WHITE,
    Head,
    measured,
)

__all__ = ["FACES_CHUNK", "FACE_ATTRIBUTES", "Faces", "draw_faces", "paint"]

FACES_CHUNK = 500  # faces a chunk: a fixed number, so that the random draws never depend on the caller
MIN_SIZE = 16  # pixels, below which no face can be made out
_BLOCK = 125  # faces painted at a time: fewer cost more calls, for which threads wait; more fit into no cache
_ZOOM = 1.17  # half pictures that a head's unit takes

# How hair grows, a row for each of `HAIR_STYLES`: volume at the sides and on top, the middle of its cap, the hairline,
# how steeply that falls at the temples, where hair ends at the sides, how far it hangs down, curls, lean of the top
_GROWTH = torch.tensor(
    [
        [0.000, 0.000, -0.06, -0.90, 0.00, -0.90, 0.00, 0.000, 0.00],
        [0.030, 0.075, -0.06, -0.29, 0.50, 0.02, 0.00, 0.000, 0.00],
        [0.022, 0.165, -0.06, -0.33, 0.45, -0.04, 0.00, 0.000, 0.30],
        [0.040, 0.110, -0.06, -0.32, 0.50, 0.03, 0.00, 0.000, 0.15],
        [0.150, 0.190, -0.18, -0.29, 0.55, 2.00, 0.00, 0.022, 0.00],
        [0.060, 0.095, -0.06, -0.34, 1.20, 2.00, 0.68, 0.000, 0.00],
        [0.080, 0.100, -0.06, -0.33, 1.20, 2.00, 0.36, 0.000, 0.00],
        [0.020, 0.060, -0.06, -0.33, 0.55, 0.06, 0.00, 0.000, 0.00],
        [0.025, 0.065, -0.06, -0.32, 0.55, 0.05, 0.00, 0.014, 0.00],
        [0.090, 0.120, -0.06, -0.31, 1.10, 2.00, 0.48, 0.024, 0.00],
    ]
)


def draw_faces(count: int, seed: int = 0, size: int = 64) -> Iterator[tuple[Tensor, Faces]]:
    """Draw cartoon faces, chunk by chunk, so that a caller can show progress or stop.

    Parameters
    ----------
    count : int
        Images in all. The first ones are the same whatever the count.
    seed : int
        The same seed gives the same faces, at the same size also the same bytes. Torch's global generator is neither
        read nor moved.
    size : int
        Side of an image in pixels, at least 16.

    Yields
    ------
    tuple of Tensor and Faces
        Images, uint8 (n, 3, size, size), and the features that they are painted from; n is `FACES_CHUNK`
        but for the last chunk.

    Raises
    ------
    ValueError
        If `count` is negative or `size` is below 16 (on the first step of the iterator).
    """
    if count < 0 or size < MIN_SIZE:
        raise ValueError(f"count must be at least 0 and size at least {MIN_SIZE}, not {count} and {size}")
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, count, FACES_CHUNK):
        faces = random_faces(FACES_CHUNK, generator)[: count - start]
        yield paint(faces, size), faces


def paint(faces: Faces, size: int = 64) -> Tensor:
    """Paint faces from their features: uint8 (n, 3, size, size), the same bytes on any number of cores."""
    blocks = [faces[start : start + _BLOCK] for start in range(0, len(faces), _BLOCK)]
    # A block a thread: sharing each of the many small steps instead costs more than it gives, on busy cores ten times
    # as much. Threads that begin inside `one_thread` compute on one thread, too.
    with one_thread(), ThreadPoolExecutor(os.cpu_count(), "painting") as pool:
        painted = list(pool.map(lambda block: _painted(block, size), blocks))
    return torch.cat(painted) if painted else torch.zeros(0, 3, size, size, dtype=torch.uint8)


def _painted(faces: Faces, size: int) -> Tensor:
    """One block, at once."""
    head, n = measured(faces), len(faces)
    axis = (torch.arange(size) + 0.5) * (2.0 / size) - 1.0
    x, y = axis.view(1, 1, -1), axis.view(1, -1, 1)
    pixels, pixel = torch.empty(n, 3, size, size), torch.full((n, 1, 1), 2.0 / size)
    picture = Canvas(pixels, x.expand(n, size, size), y.expand(n, size, size), pixel)
    # the head nods about its chin
    scale, tilt, chin = _ZOOM * (1.0 + 0.05 * head.of("scale")), 0.09 * head.of("tilt"), 0.6
    x, y = x - 0.035 * head.of("shift_x"), y - 0.07 - 0.02 * head.of("shift_y")
    cos, sin = tilt.cos() / scale, tilt.sin() / scale
    u = x * cos + (y - chin) * sin
    v = (y - chin) * cos + chin / scale - x * sin
    turned = Canvas(pixels, u, v, pixel / scale)
    skull = egg(u, v, head.a, head.b, head.square, head.taper)
    curls = (x * (24.0 / scale)).cos_() * (y * (24.0 / scale)).cos_()  # bumps, of which outlines show some
    wave = (y * (10.0 / scale)).sin_()

    _ground(head, picture)
    _shirt(head, picture)
    front = _hair_behind(head, turned, curls, wave)
    _neck(head, picture, skull)
    _skin(head, turned, skull, front)
    _beard(head, turned, skull)
    _nose(head, turned)
    _mouth(head, turned)
    _eyes(head, turned)
    _brows(head, turned)
    _glasses(head, turned)
    _hair(head, turned, front)
    _earrings(head, turned)
    return pixels.mul_(255.0).add_(0.5).byte()


def _ground(head: Head, canvas: Canvas) -> None:
    near, far = GROUND_NEAR[head.faces.ground_colour], GROUND_FAR[head.faces.ground_colour]
    u, v, pixel = canvas.u[:1], canvas.v[:1], canvas.pixel[:1]  # the same in all pictures
    radius = (u.square() + (v - 0.02).square()).sqrt_()
    disc, glow = ((0.86 - radius) / pixel + 0.5).clamp_(0.0, 1.0), (1.15 - radius).clamp_(0.0, 1.0)
    mix = torch.where(head.is_of("ground", GROUNDS, "disc"), disc, glow)
    mix = torch.where(head.is_of("ground", GROUNDS, "gradient"), 0.5 - 0.5 * v, mix)
    torch.lerp(near[:, :, None, None], far[:, :, None, None], mix.unsqueeze(1), out=canvas.pixels)


def _shirt(head: Head, canvas: Canvas) -> None:
    canvas = canvas.at(canvas.window(0.84, 1.0, 0.0, 1.0))
    main, trim = SHIRT[head.faces.shirt_colour], SHIRT_TRIM[head.faces.shirt_colour]
    u, v = canvas.u - 0.02 * head.of("shift_x"), canvas.v
    shirt = canvas.coverage(ellipse(u, v - 1.32, 0.86, 0.56))
    canvas.lay(shirt, main)
    stripes = head.only(head.is_of("shirt", SHIRTS, "striped"), (v - 0.86).remainder(0.16).sub_(0.08).abs_() - 0.038)
    opening = head.only(head.is_of("shirt", SHIRTS, "jacket"), u.abs() + 0.3 * v - 0.445)
    canvas.lay(torch.minimum(canvas.coverage(torch.minimum(stripes, opening)), shirt), trim)
    canvas.shade(u.mul_(0.9).clamp_(0.0, 0.6).mul_(shirt), SHADE)


def _neck(head: Head, canvas: Canvas, skull: Tensor) -> None:
    window = canvas.window(0.7, 1.0, 0.25, 0.75)
    canvas = canvas.at(window)
    u, v = canvas.u - 0.03 * head.of("shift_x"), canvas.v - 0.80
    main, trim = SHIRT[head.faces.shirt_colour], SHIRT_TRIM[head.faces.shirt_colour]
    collar = torch.maximum(ellipse(u, v - 0.006, 0.285, 0.155), 0.02 - v)
    canvas.lay(canvas.coverage(collar), torch.where(head.is_of("shirt", SHIRTS, "plain")[:, 0], main * 0.85, trim))
    neck = canvas.coverage(torch.minimum(ellipse(u, v, 0.255, 0.13), box(u, v + 0.2, 0.175, 0.25, 0.02)))
    canvas.lay(neck, head.skin * SKIN_SHADE.sqrt())
    # the chin's shadow fades away from the head
    canvas.shade((1.0 - skull[window] / 0.16).clamp_(0.0, 1.0).mul_(neck), SKIN_SHADE)


def _hair_behind(head: Head, canvas: Canvas, curls: Tensor, wave: Tensor) -> Tensor:
    """Paint the hair behind the head; returns the field of the hair before it."""
    side, top, middle, line, arch, end, back, curl, lean = _GROWTH[head.faces.hair].view(-1, 9, 1, 1).unbind(1)
    volume, parting, u, v, a, b = head.of("volume"), head.of("parting"), canvas.u, canvas.v, head.a, head.b
    half = a + side * (1.0 + 0.25 * volume)
    leaning = (v + 0.15).clamp_(max=0.0).mul_(lean * -parting.sign()).add_(u)
    outer = ellipse(leaning, v - middle, half, b + top * (1.0 + 0.25 * volume) + middle)
    # hanging hair begins above the ears, and spreads a little
    hang = 0.1 + back * (1.0 + 0.14 * head.of("length"))
    spread = (v + 0.1).clamp_(0.0, 0.6).mul_(0.09).add_(half - 0.01)
    fall = box(u + 0.016 * wave, v + (0.2 - hang / 2), spread, hang / 2 + 0.1, 0.16)
    outer = torch.minimum(outer, head.only(back > 0, fall)).add_(curls * curl)

    window = canvas.window(0.0, 0.5, 0.0, 1.0)
    above = canvas.at(window)
    bun = ellipse(above.u, above.v + (b + 0.13), 0.17 + 0.03 * volume, 0.15 + 0.02 * volume)
    size = 0.175 + 0.025 * volume
    puffs = ellipse(above.mirrored() - a, above.v + (b - 0.09), size, size).add_(curls[window], alpha=0.012)
    has_bun, has_puffs = (head.is_of("hair", HAIR_STYLES, style) for style in ("bun", "puffs"))
    knots = torch.minimum(head.only(has_bun, bun), head.only(has_puffs, puffs))
    above.lay(above.coverage(knots), head.hair_dark)
    loose = head.is_of("hair", HAIR_STYLES, "afro", "long", "bob", "curls")
    canvas.lay(canvas.coverage(head.only(loose, outer)), head.hair_dark)

    # the hairline: lowest at the temples, and falling away from the parting or low in a fringe
    fringe = head.is_of("hair", HAIR_STYLES, *WITH_FRINGE) * head.of("fringe")
    fall_off = (0.28 - 0.25 * fringe) * ~head.is_of("hair", HAIR_STYLES, "short", "quiff")
    away = canvas.mirrored(parting * 0.16 * (1.0 - fringe))
    w = u / a
    temple = w.square().square_()  # (u / a)⁴
    hairline = away.mul_(fall_off).add_(line + 0.16 * fringe - 0.02 * volume).add_(w.square().mul_(temple).mul_(arch))
    stretch = w.mul_(temple).mul_(arch * 6.0 / a).square_().add_(1.0).sqrt_()
    front = torch.maximum(torch.maximum(outer, (v - hairline).div_(stretch)), v - end)
    return head.only(~head.is_of("hair", HAIR_STYLES, "bald"), front)


def _skin(head: Head, canvas: Canvas, skull: Tensor, front: Tensor) -> None:
    ears = canvas.at(canvas.window(0.38, 0.75, 0.0, 1.0))
    pair, v = ears.mirrored() - head.a, ears.v - 0.04
    ears.lay(ears.coverage(ellipse(pair - 0.005, v, 0.075, 0.105)), head.skin * SKIN_SHADE.sqrt())
    ears.lay(ears.coverage(ellipse(pair - 0.015, v, 0.035, 0.06)), head.skin * SKIN_SHADE)
    window = canvas.window(0.15, 0.92, 0.1, 0.9)
    canvas, front = canvas.at(window), front[window]
    face = canvas.coverage(skull[window].clone())
    canvas.lay(face, head.skin)
    # light comes from the upper left; hair throws a soft shadow
    dark = (canvas.u * 0.9).add_(canvas.v, alpha=0.5).sub_(0.08)
    fallen = (1.0 - front / 0.07).clamp_(0.0, 1.0).mul_(0.55)
    canvas.lay(torch.maximum(dark, fallen).mul_(face), head.skin * SKIN_SHADE)
    lit = canvas.coverage(ellipse(canvas.u + 0.14, canvas.v + 0.30, 0.16, 0.11), 8.0).mul_(0.25)
    canvas.lay(lit.mul_(face), head.skin_light)
    away = (canvas.mirrored() - 0.26).square_().add_((canvas.v - 0.18).square_()).sqrt_()
    blush = (1.0 - away / 0.13).clamp_(0.0, 1.0).mul_(0.9 * head.of("blush") + 0.1)
    canvas.shade(blush.mul_(face), torch.tensor([[1.0, 0.78, 0.78]]))


def _beard(head: Head, canvas: Canvas, skull: Tensor) -> None:
    window = canvas.window(0.45, 0.95, 0.15, 0.85)
    canvas = canvas.at(window)
    is_stubble, is_full = (head.is_of("beard", BEARDS, kind) for kind in ("stubble", "full"))
    reach = (canvas.u / head.a).square_().clamp_(max=1.0)
    line = (reach * 4.0).clamp_(max=1.0).mul_(0.10).add_(0.26).sub_(reach.square_(), alpha=0.40)
    cheeks = canvas.coverage(head.only(is_stubble | is_full, line.sub_(canvas.v)), torch.where(is_stubble, 4.0, 1.0))
    cheeks = torch.minimum(cheeks, canvas.coverage(skull[window] - 0.035 * is_full))
    lobe = canvas.mirrored() - 0.075
    moustache = ellipse(lobe, canvas.v - 0.25 - 0.25 * lobe, 0.11, 0.042)
    moustache = canvas.coverage(head.only(head.is_of("beard", BEARDS, "moustache", "full"), moustache))
    beard = torch.maximum(cheeks, moustache).mul_(torch.where(is_stubble, 0.34, 1.0))
    canvas.lay(beard, head.hair_dark.lerp(head.hair, 0.4))


def _nose(head: Head, canvas: Canvas) -> None:
    canvas = canvas.at(canvas.window(0.45, 0.72, 0.35, 0.65))
    size = 1.0 + 0.25 * head.of("nose")
    tip = canvas.coverage(ellipse(canvas.u, canvas.v - 0.14, 0.066 * size, 0.052 * size))
    bite = canvas.coverage(ellipse(canvas.u, canvas.v - 0.112, 0.080 * size, 0.057 * size))
    canvas.shade(tip.sub_(bite).clamp_(min=0.0), SKIN_SHADE.square() * 0.95)
    bridge = canvas.coverage(ellipse(canvas.u + 0.01, canvas.v - 0.08, 0.018, 0.07), 3.0)
    canvas.lay(bridge.mul_(0.3), head.skin_light)


def _mouth(head: Head, canvas: Canvas) -> None:
    canvas = canvas.at(canvas.window(0.55, 0.95, 0.25, 0.75))
    half = 0.175 + 0.03 * head.of("mouth_width")
    curve = head.of("mouth") * torch.where(head.of("mouth") > 0, 1.0, 0.65)  # as much frown would be despair
    x = canvas.u / half
    dome = 1.0 - x.square()  # 1 in the middle of the mouth, 0 at its corners
    below = canvas.v - 0.315 - 0.115 * curve * (dome - 0.45)  # the line between the lips
    stretch = x.mul_(curve * (0.23 / half)).square_().add_(1.0).sqrt_()
    gap = dome * (head.of("mouth_open") * (0.09 + 0.035 * curve))
    up, down = gap * (0.55 - 0.5 * curve), gap * (0.75 + 0.5 * curve)
    opening = torch.maximum(-below - up, below - down).div_(stretch)
    # What is thinner than a pixel would still cover half of every pixel that it passes, so lips end before that.
    most = 0.021 + 0.013 * head.of("lips")
    lips = opening - most - (dome.clamp(min=0.0).sqrt_() - 1.0) * (most + 0.5 * canvas.pixel)
    canvas.lay(canvas.coverage(torch.maximum(lips, canvas.u.abs() - half)), head.lips)
    inside = canvas.coverage(opening.add_(0.5 * canvas.pixel))
    canvas.lay(inside, CAVITY)
    tongue = canvas.coverage(ellipse(canvas.u, below - down - 0.012, 0.09, 0.05))
    canvas.lay(torch.minimum(inside, tongue), TONGUE)
    teeth = canvas.coverage(below + up - (0.008 + 0.05 * curve))
    canvas.lay(torch.minimum(inside, teeth), WHITE)


def _eyes(head: Head, canvas: Canvas) -> None:
    canvas = canvas.at(canvas.window(0.34, 0.68, 0.12, 0.88))
    a, b, look = head.eye_a, head.eye_b, 0.02 * head.of("gaze")
    pair, v = canvas.mirrored() - head.eye_x, canvas.v - 0.02
    canvas.lay(canvas.coverage(ellipse(pair, v + 0.022, a + 0.018, b + 0.012)), INK)  # lashes
    white = canvas.coverage(ellipse(pair, v, a, b))
    canvas.lay(white, WHITE)
    pair = canvas.mirrored(look) - head.eye_x
    radius = 0.067 + 0.013 * head.of("eye_size")
    iris = canvas.coverage(ellipse(pair, v, radius, radius))
    canvas.lay(torch.minimum(iris, white), IRIS[head.faces.eye_colour])
    pupil = canvas.coverage(ellipse(pair, v, radius * 0.52, radius * 0.52))
    canvas.lay(torch.minimum(pupil, white), INK)
    glint = canvas.coverage(ellipse(canvas.mirrored(look - 0.026) - head.eye_x, v + 0.028, 0.022, 0.022))
    canvas.lay(torch.minimum(glint, white), WHITE)


def _brows(head: Head, canvas: Canvas) -> None:
    canvas = canvas.at(canvas.window(0.25, 0.6, 0.12, 0.88))
    half = head.eye_a + 0.025
    x = (canvas.mirrored() - head.eye_x).div_(half)  # -1 at the inner end, 1 at the outer
    line = (x - 1.1 * head.of("brow_angle") + 0.15).mul_(x).mul_(0.05).sub_(0.068 + head.eye_b)
    weight = (1.0 - 0.25 * x).mul_(0.023 + 0.012 * head.of("brow_weight"))
    brow = torch.maximum((canvas.v - line).abs_().sub_(weight), x.abs_().sub_(1.0).mul_(half))
    canvas.lay(canvas.coverage(brow), head.hair_dark.lerp(INK, 0.35))


def _glasses(head: Head, canvas: Canvas) -> None:
    canvas = canvas.at(canvas.window(0.34, 0.78, 0.05, 0.95))
    is_round, has = head.is_of("glasses", GLASSES, "round"), ~head.is_of("glasses", GLASSES, "none")
    pair, v, half = canvas.mirrored(), canvas.v - 0.03, head.eye_x - 0.028
    lens = box(pair - head.eye_x, v, half, half * torch.where(is_round, 1.0, 0.8), torch.where(is_round, half, 0.05))
    bridge = torch.maximum((v + 0.02).abs_().sub_(0.015), pair - 0.04)
    temple = torch.maximum((v + 0.03).abs_().sub_(0.015), torch.maximum(head.eye_x + half - pair, pair - head.a))
    frame = torch.minimum(lens.abs().sub_(0.017), torch.minimum(bridge, temple))
    canvas.lay(canvas.coverage(head.only(has, lens)).mul_(0.12), WHITE)
    canvas.lay(canvas.coverage(head.only(has, frame)), RIM[head.faces.rim])


def _hair(head: Head, canvas: Canvas, front: Tensor) -> None:
    hair = canvas.coverage(front)
    canvas.lay(hair, head.hair)
    canvas.lay((canvas.u * 0.6).add_(canvas.v, alpha=0.5).clamp_(0.0, 0.5).mul_(hair), head.hair_dark)
    window = canvas.window(0.0, 0.55, 0.1, 0.8)
    canvas = canvas.at(window)
    radius = (canvas.u / (head.a + 0.05)).square_().add_(((canvas.v + 0.06) / (head.b + 0.04)).square_()).sqrt_()
    gloss = (1.0 - (radius - 0.80).abs_() / 0.10).clamp_(0.0, 1.0).mul_((0.55 - canvas.u * 2.0).clamp_(0.0, 1.0))
    gloss.mul_((canvas.v * -5.0).clamp_(0.0, 0.6))
    canvas.lay(gloss.mul_(hair[window]), head.hair_light)


def _earrings(head: Head, canvas: Canvas) -> None:
    canvas = canvas.at(canvas.window(0.45, 0.75, 0.0, 1.0))
    ring = ellipse(canvas.mirrored() - head.a - 0.03, canvas.v - 0.185, 0.038, 0.038)
    canvas.lay(canvas.coverage(head.only(head.of("earrings") > 0, ring)), GOLD)
