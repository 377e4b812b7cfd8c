"""Films: the same bytes on any thread and number of cores, every format by number, and nothing left by a cancel."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from small_nets import GENERATORS, latents, trained_like
from torch import Tensor

from ganexplorer.core.checkpoint import Checkpoint, fingerprint
from ganexplorer.core.errors import UserError
from ganexplorer.core.film import MAX_FRAMES, film_latents, frame_path, is_sequence, write_film
from ganexplorer.core.latent import Prior
from ganexplorer.core.media import Origin, read_origin, sheet
from ganexplorer.core.paths import LatentPath
from ganexplorer.core.render import Pixels, Renderer

KINDS = ["film.gif", "film.mp4", "film.png", "film-%03d.png"]
EDGES = [
    "pattern",
    "dcgan-sigmoid",
    "dcgan-16",
    "mlp-64",
]  # z of one number and a constant prior; uniform; colour; gray


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def renderer_of(name: str) -> Renderer:
    return Renderer(trained_like(GENERATORS[name]))


def path_of(renderer: Renderer, keys: int = 3, loop: bool = False, spline: bool = False) -> LatentPath:
    assert renderer.spec.prior is not None
    return LatentPath(tuple(latents(renderer.spec, keys, seed=5)), "slerp", renderer.spec.prior, loop, spline)


def in_a_thread(work: Callable[[], None]) -> None:
    """Do `work` as the window does: in a thread of one CPU thread."""
    errors: list[BaseException] = []

    def run() -> None:
        torch.set_num_threads(1)
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# ---- fingerprint


@pytest.mark.parametrize("name", GENERATORS)
def test_a_saved_and_loaded_network_has_the_fingerprint_of_the_original(name: str, tmp_path: Path) -> None:
    network = trained_like(GENERATORS[name])
    stamp = fingerprint(network)
    assert re.fullmatch("[0-9a-f]{16}", stamp)
    assert fingerprint(trained_like(GENERATORS[name])) == stamp
    Checkpoint(network, card={"name": "any"}).save(tmp_path / "a.safetensors")
    assert fingerprint(Checkpoint.load(tmp_path / "a.safetensors").generator) == stamp


def test_every_changed_number_changes_the_fingerprint() -> None:
    network = trained_like(GENERATORS["mlp-bn"])
    stamps = {fingerprint(network)}
    for name, tensor in network.state_dict().items():  # batch norms' statistics among them
        value = tensor.view(-1)[-1].clone()
        tensor.view(-1)[-1] = torch.nextafter(value, value + 1) if value.is_floating_point() else value + 1
        stamp = fingerprint(network)
        assert stamp not in stamps, name
        stamps.add(stamp)


def test_networks_of_the_same_weights_and_other_layers_have_other_fingerprints() -> None:
    """The slope of an activation is no weight."""
    specs = [GENERATORS["mlp-64"].to_json(), GENERATORS["mlp-64"].to_json().replace("0.01", "0.02")]
    assert specs[0] != specs[1]
    networks = [trained_like(type(GENERATORS["mlp-64"]).from_json(text)) for text in specs]
    assert torch.equal(networks[0](torch.zeros(1, 64)), networks[0](torch.zeros(1, 64)))
    assert fingerprint(networks[0]) != fingerprint(networks[1])


# ---- stills


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", GENERATORS)
def test_stills_are_what_the_canvas_shows_bit_for_bit_on_any_number_of_threads(name: str, threads: int) -> None:
    renderer, z = renderer_of(name), latents(GENERATORS[name], 9)
    canvas: list[Pixels] = []
    in_a_thread(lambda: canvas.extend(renderer.render(row[None])[0] for row in z))
    torch.set_num_threads(threads)
    for _ in range(20):
        renderer.render(latents(renderer.spec, 33, seed=1))
    stills = list(renderer.stills(z))
    assert [picture.shape for picture in stills] == [picture.shape for picture in canvas]
    assert all(np.array_equal(a, b) for a, b in zip(stills, canvas, strict=True))
    assert torch.get_num_threads() == threads


def test_a_still_does_not_depend_on_its_neighbours_nor_on_where_z_lies_in_memory() -> None:
    renderer = renderer_of("dcgan-16")
    z = latents(renderer.spec, 8)
    alone = list(renderer.stills(z))
    shifted = torch.empty(z.numel() + 1)[1:].view_as(z).copy_(z)  # its rows begin at odd addresses
    for other in (z.flip(0).flip(0), shifted, z.T.contiguous().T, z.double()):
        assert all(np.array_equal(a, b) for a, b in zip(renderer.stills(other), alone, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(renderer.stills(z.flip(0)), reversed(alone), strict=True))


def test_who_takes_stills_keeps_the_number_of_threads_between_them() -> None:
    torch.set_num_threads(2)
    for _ in renderer_of("mlp-64").stills(latents(GENERATORS["mlp-64"], 2)):
        assert torch.get_num_threads() == 2


def test_z_of_another_size_makes_no_stills() -> None:
    with pytest.raises(ValueError, match=r"expected \(N, 10\)"):
        next(iter(renderer_of("dcgan-16").stills(torch.zeros(2, 9))))


# ---- film_latents


def test_a_film_goes_from_the_first_key_to_the_last() -> None:
    path = path_of(renderer_of("mlp-64"))
    z = film_latents(path, 9)
    assert z.shape == (9, 64)
    assert torch.equal(z[[0, 4, 8]], torch.stack(path.keys))


def test_there_and_back_repeats_neither_end_so_that_it_loops() -> None:
    path = path_of(renderer_of("mlp-64"))
    there, both = film_latents(path, 5), film_latents(path, 5, ping_pong=True)
    order = [0, 1, 2, 3, 4, 3, 2, 1]
    assert torch.equal(both, there[order])
    assert torch.equal(film_latents(path, 2, ping_pong=True), film_latents(path, 2))


def test_reach_goes_on_straight_beyond_both_ends() -> None:
    path = LatentPath((torch.tensor([0.0, 0.0]), torch.tensor([2.0, 4.0])), "lerp", Prior.normal())
    z = film_latents(path, 4, reach=0.25)  # t = -0.25, 0.25, 0.75, 1.25
    np.testing.assert_allclose(z.numpy(), [[-0.5, -1.0], [0.5, 1.0], [1.5, 3.0], [2.5, 5.0]], atol=1e-6)


@pytest.mark.parametrize("name", ["mlp-64", "dcgan-16", "mlp-sigmoid"])
def test_an_even_film_changes_equally_from_frame_to_frame(name: str) -> None:
    renderer = renderer_of(name)
    path = path_of(renderer, spline=True)
    unevenness = []
    for images in (None, renderer.images):
        values = renderer.images(film_latents(path, 40, images=images)).flatten(1).double()
        steps = values.diff(dim=0).square().mean(1).sqrt()
        unevenness.append((steps.max() / steps.min()).item())
    assert unevenness[1] < min(1.5, 0.7 * unevenness[0])


@pytest.mark.parametrize("loop", [False, True])
def test_an_even_film_is_the_same_on_any_number_of_threads_and_ignores_an_older_pace(loop: bool) -> None:
    renderer = renderer_of("dcgan-16")
    path = path_of(renderer, loop=loop)
    made: list[Tensor] = []
    in_a_thread(lambda: made.append(film_latents(path, 11, images=renderer.images)))
    torch.set_num_threads(2)
    made.append(film_latents(path, 11, images=renderer.images))
    paced = LatentPath(path.keys, path.mode, path.prior, loop, pace=torch.tensor([0.0, 0.9, 1.0]))
    made.append(film_latents(paced, 11, images=renderer.images))
    assert all(torch.equal(z, made[0]) for z in made)
    assert torch.get_num_threads() == 2


def test_an_even_film_of_pictures_that_never_change_is_the_plain_one() -> None:
    path = path_of(renderer_of("mlp-64"))
    z = film_latents(path, 7, images=lambda z: torch.zeros(len(z), 1, 2, 2))
    assert torch.equal(z, film_latents(path, 7))


@pytest.mark.parametrize(("frames", "words"), [(1, "at least 2"), (0, "at least 2"), (MAX_FRAMES + 1, "at most")])
def test_impossible_numbers_of_frames_are_refused(frames: int, words: str) -> None:
    with pytest.raises(UserError, match=f"--frames: .*{words}"):
        film_latents(path_of(renderer_of("pattern")), frames)


@pytest.mark.parametrize(("reach", "ping_pong"), [(0.1, False), (0.0, True)])
def test_a_loop_has_no_ends_to_reach_beyond_or_to_turn_at(reach: float, ping_pong: bool) -> None:
    with pytest.raises(UserError, match="a loop has no ends"):
        film_latents(path_of(renderer_of("mlp-64"), loop=True), 5, reach, ping_pong)


# ---- names


@pytest.mark.parametrize(
    ("name", "third"),
    [
        ("frame-%04d.png", "frame-0003.png"),
        ("%d.png", "3.png"),
        ("a%02db.PNG", "a03b.PNG"),
        ("%03d-%03d.png", "003-003.png"),
        ("morph.png", None),
        ("50%done.png", None),
        ("100%.png", None),
        ("%s.png", None),
        ("%99999d.png", None),
        ("frame-%04d.gif", None),
    ],
)
def test_names_with_a_number_in_printf_s_way_are_sequences(name: str, third: str | None) -> None:
    assert is_sequence(Path("dir") / name) == (third is not None)
    assert not is_sequence(Path("%04d") / "a.png")
    if third is not None:
        assert frame_path(Path("dir-%d") / name, 3) == Path("dir-%d") / third


# ---- write_film


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", EDGES)
def test_a_film_has_the_same_bytes_from_any_thread_and_each_time(tmp_path: Path, name: str, kind: str) -> None:
    network = trained_like(GENERATORS[name])
    written = []

    def write(folder: Path) -> None:
        folder.mkdir()
        renderer = Renderer(network)
        z = film_latents(path_of(renderer), 6, 0.1, True, renderer.images)
        write_film(folder / kind, renderer, z, 25, Origin("m", z, fingerprint(network)))
        written.append(files_in(folder))

    in_a_thread(lambda: write(tmp_path / "window"))
    for threads in (2, 1):
        torch.set_num_threads(threads)
        write(tmp_path / f"{threads}")
    assert len(written[0]) == (10 if "%" in kind else 1)
    assert written[0] == written[1] == written[2]


@pytest.mark.parametrize("name", EDGES)
def test_a_sequence_is_a_png_a_frame_each_with_its_own_z(tmp_path: Path, name: str) -> None:
    renderer, z = renderer_of(name), latents(GENERATORS[name], 3)
    write_film(tmp_path / "f-%02d.png", renderer, z, 25, Origin("m", z, "0123456789abcdef"))
    assert sorted(os.listdir(tmp_path)) == ["f-01.png", "f-02.png", "f-03.png"]
    for i, picture in enumerate(renderer.stills(z)):
        path = tmp_path / f"f-0{i + 1}.png"
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), picture)
        origin = read_origin(path)
        assert origin is not None
        assert (origin.model, origin.fingerprint) == ("m", "0123456789abcdef")
        assert torch.equal(origin.z, z[i : i + 1])


def test_a_png_is_the_sheet_of_all_with_all_z(tmp_path: Path) -> None:
    renderer, z = renderer_of("dcgan-16"), latents(GENERATORS["dcgan-16"], 5)
    write_film(tmp_path / "f.png", renderer, z, 25, Origin("m", z[:1]))
    with Image.open(tmp_path / "f.png") as image:
        assert np.array_equal(np.asarray(image), sheet(np.stack(list(renderer.stills(z)))))
    origin = read_origin(tmp_path / "f.png")
    assert origin is not None
    assert torch.equal(origin.z, z)


def test_tiny_pictures_are_enlarged_for_players(tmp_path: Path) -> None:
    renderer, z = renderer_of("pattern"), torch.tensor([[0.0], [0.5], [1.0]])
    write_film(tmp_path / "f.gif", renderer, z, 10, Origin("m", z))
    with Image.open(tmp_path / "f.gif") as image:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(image)]
    for frame, picture in zip(frames, renderer.stills(z), strict=True):
        assert frame.shape == (64, 256)
        assert np.array_equal(frame[32::64, 32::64], picture)


@pytest.mark.parametrize("kind", KINDS)
def test_one_frame_is_a_film_too(tmp_path: Path, kind: str) -> None:
    renderer, z = renderer_of("mlp-64"), latents(GENERATORS["mlp-64"], 1)
    write_film(tmp_path / kind, renderer, z, 10, Origin("m", z))
    assert len(os.listdir(tmp_path)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_progress_is_told_after_each_frame(tmp_path: Path, kind: str) -> None:
    renderer, z = renderer_of("mlp-64"), latents(GENERATORS["mlp-64"], 4)
    told: list[tuple[int, int]] = []
    write_film(tmp_path / kind, renderer, z, 10, Origin("m", z), lambda *counts: told.append(counts))
    assert told[:4] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert set(told[4:]) <= ({(4, 4)} if kind.endswith(".gif") else set())


class CancelledError(Exception):
    pass


@pytest.mark.parametrize("at", [1, 3, 5])
@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_cancelled_film_leaves_nothing_or_the_old_one(tmp_path: Path, kind: str, old: bool, at: int) -> None:
    renderer, z = renderer_of("mlp-64"), latents(GENERATORS["mlp-64"], 5)
    if old:
        (tmp_path / kind.replace("%03d", "002")).write_bytes(b"old")
    before = files_in(tmp_path)

    def cancel(done: int, total: int) -> None:
        if done == at:
            raise CancelledError

    with pytest.raises(CancelledError):
        write_film(tmp_path / kind, renderer, z, 10, Origin("m", z), cancel)
    assert files_in(tmp_path) == before


def test_a_frame_of_an_older_longer_sequence_is_replaced_or_left(tmp_path: Path) -> None:
    for number in (1, 4):
        (tmp_path / f"f{number}.png").write_bytes(b"old")
    renderer, z = renderer_of("mlp-64"), latents(GENERATORS["mlp-64"], 3)
    write_film(tmp_path / "f%d.png", renderer, z, 10, Origin("m", z))
    files = files_in(tmp_path)
    assert list(files) == ["f1.png", "f2.png", "f3.png", "f4.png"]
    assert files["f1.png"] != b"old" == files["f4.png"]


def test_a_folder_in_the_place_of_a_frame_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "f2.png").mkdir()
    renderer, z = renderer_of("mlp-64"), latents(GENERATORS["mlp-64"], 3)
    with pytest.raises(UserError, match=r"f2\.png: is a folder"):
        write_film(tmp_path / "f%d.png", renderer, z, 10, Origin("m", z))
    assert os.listdir(tmp_path) == ["f2.png"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_into_an_absent_folder_is_refused_before_a_frame_is_rendered(tmp_path: Path, kind: str) -> None:
    renderer, z = renderer_of("mlp-64"), latents(GENERATORS["mlp-64"], 2)
    told: list[int] = []
    with pytest.raises(UserError, match="its folder does not exist"):
        write_film(tmp_path / "absent" / kind, renderer, z, 10, Origin("m", z), lambda done, _: told.append(done))
    assert not told


def test_an_unknown_kind_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    z = latents(GENERATORS["mlp-64"], 2)
    with pytest.raises(UserError, match=r"f\.avi: cannot write .* \.gif or \.mp4 or \.png"):
        write_film(tmp_path / "f.avi", renderer_of("mlp-64"), z, 10, Origin("m", z))


@pytest.mark.parametrize(("kind", "fps"), [("f.gif", 60), ("f.gif", float("nan")), ("f.mp4", 0), ("f.mp4", 1e9)])
def test_an_impossible_speed_is_refused_with_the_remedy(tmp_path: Path, kind: str, fps: float) -> None:
    z = latents(GENERATORS["mlp-64"], 2)
    with pytest.raises(UserError, match=r"choose --fps 0\.01 to"):
        write_film(tmp_path / kind, renderer_of("mlp-64"), z, fps, Origin("m", z))
    assert not os.listdir(tmp_path)


def test_without_imageio_ffmpeg_only_mp4_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    renderer, z = renderer_of("mlp-64"), latents(GENERATORS["mlp-64"], 2)
    with pytest.raises(UserError, match=r"f\.mp4: not written.*uv sync --extra video.*\.gif"):
        write_film(tmp_path / "f.mp4", renderer, z, 10, Origin("m", z))
    assert not os.listdir(tmp_path)
    write_film(tmp_path / "f.gif", renderer, z, 10, Origin("m", z))


def test_a_gif_can_be_cancelled_while_it_is_encoded(tmp_path: Path) -> None:
    """Its frames are all there by then."""
    renderer, z = Renderer(trained_like(GENERATORS["mlp-64"])), latents(GENERATORS["mlp-64"], 30)
    calls = []

    def cancel(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) > 35:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        write_film(tmp_path / "a.gif", renderer, z, 10, Origin("m", z), cancel)
    assert calls[:30] == list(range(1, 31))
    assert list(tmp_path.iterdir()) == []
