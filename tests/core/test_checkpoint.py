"""Checkpoint files: the round trip, what is refused and in which words, and writing that cannot do half a job."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_nets import DISCRIMINATORS, GENERATORS, latents, quick, same_state, trained_like
from torch import Tensor

from ganexplorer.core.checkpoint import (
    FORMAT,
    MAX_HEADER_BYTES,
    Checkpoint,
    CheckpointError,
    card_of,
    is_own,
    read_metadata,
    read_networks,
    write_networks,
)
from ganexplorer.core.files import FileError, atomic_write

CARD = {"name": "probe", "step": 1200, "data": "toy:digits", "note": "naïve ✓", "config": {"widths": [3, 4]}}


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A file with a batch-normed generator and a discriminator."""
    path = tmp_path / "good.safetensors"
    Checkpoint(trained_like(GENERATORS["mlp-bn"]), trained_like(DISCRIMINATORS["mlp-for-bn"]), CARD).save(path)
    return path


def rewrite(
    path: Path,
    tensors: Callable[[dict[str, Tensor]], object] = lambda tensors: None,
    metadata: Callable[[dict[str, str]], object] = lambda metadata: None,
) -> None:
    """Write a file anew after its tensors or metadata were changed in place."""
    content, described = safetensors.torch.load(path.read_bytes()), read_metadata(path)
    tensors(content)
    metadata(described)
    path.write_bytes(safetensors.torch.save(content, described))


def refusal(path: Path) -> str:
    """The text with which a file is refused; it is plain and names the file first."""
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert "Traceback" not in text
    return text.removeprefix(f"{path}: ")


# ---- the round trip


@pytest.mark.parametrize("name", GENERATORS)
def test_a_saved_generator_comes_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    network = trained_like(GENERATORS[name], seed=3)
    Checkpoint(network, None, CARD).save(tmp_path / "a.safetensors")
    loaded = Checkpoint.load(tmp_path / "a.safetensors")
    assert loaded.generator.spec == network.spec
    assert same_state(loaded.generator, network)  # running statistics and batch counts among it
    z = latents(network.spec, 5)
    assert torch.equal(loaded.generator(z), network(z))
    assert loaded.discriminator is None
    assert loaded.card == CARD


@pytest.mark.parametrize("name", DISCRIMINATORS)
def test_generator_and_discriminator_share_one_file(name: str, tmp_path: Path) -> None:
    discriminator = trained_like(DISCRIMINATORS[name])
    generator = next(spec for spec in GENERATORS.values() if spec.image_shape == discriminator.spec.image_shape)
    saved = Checkpoint(trained_like(generator), discriminator, CARD)
    saved.save(tmp_path / "both.safetensors")
    loaded = Checkpoint.load(tmp_path / "both.safetensors")
    assert same_state(loaded.generator, saved.generator)
    assert loaded.discriminator is not None
    assert loaded.discriminator.spec == discriminator.spec
    assert same_state(loaded.discriminator, discriminator)


def test_loaded_networks_are_frozen_and_in_eval_mode(tmp_path: Path) -> None:
    network = trained_like(GENERATORS["mlp-bn"]).train().requires_grad_(True)
    Checkpoint(network).save(tmp_path / "a.safetensors")
    loaded = Checkpoint.load(tmp_path / "a.safetensors").generator
    assert not any(module.training for module in loaded.modules())
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert network.training  # and saving changed nothing


def test_a_loaded_model_does_not_depend_on_its_file_any_more(good: Path) -> None:
    network, z = Checkpoint.load(good).generator, latents(GENERATORS["mlp-bn"], 2)
    before = network(z)
    good.write_bytes(b"\0" * good.stat().st_size)
    assert torch.equal(network(z), before)


def test_half_precision_weights_are_read_as_float32(good: Path) -> None:
    rewrite(good, lambda tensors: tensors.update({k: v.half() for k, v in tensors.items() if v.is_floating_point()}))
    loaded = Checkpoint.load(good).generator
    assert all(parameter.dtype == torch.float32 for parameter in loaded.parameters())


def test_a_discriminator_alone_can_be_written_and_read_as_networks(tmp_path: Path) -> None:
    network = trained_like(DISCRIMINATORS["dcgan-logits"])
    write_networks(tmp_path / "d.safetensors", {"discriminator": network}, CARD)
    networks, card = read_networks(tmp_path / "d.safetensors")
    assert networks.keys() == {"discriminator"}
    assert same_state(networks["discriminator"], network)
    assert card == CARD


def test_a_discriminator_alone_is_no_model(tmp_path: Path) -> None:
    write_networks(tmp_path / "d.safetensors", {"discriminator": trained_like(DISCRIMINATORS["mlp-logits"])}, {})
    assert refusal(tmp_path / "d.safetensors") == "holds a discriminator alone. Open the generator's file instead."


def test_saving_again_replaces_the_old_file(good: Path) -> None:
    other = trained_like(GENERATORS["dcgan-16"])
    Checkpoint(other).save(good)
    assert same_state(Checkpoint.load(good).generator, other)
    assert os.listdir(good.parent) == [good.name]


def test_a_card_that_is_no_json_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        Checkpoint(trained_like(GENERATORS["pattern"]), None, {"path": tmp_path}).save(tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def test_whatever_can_be_saved_can_be_loaded(tmp_path: Path) -> None:
    """A card too long for the header is refused when it is written, not when the work is to be opened again."""
    path = tmp_path / "a.safetensors"
    try:
        Checkpoint(trained_like(GENERATORS["pattern"]), None, {"note": "x" * MAX_HEADER_BYTES}).save(path)
    except CheckpointError:
        assert not path.exists()
    else:
        Checkpoint.load(path)


# ---- metadata


def test_metadata_is_read_from_the_first_bytes_alone(good: Path) -> None:
    data = good.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    good.write_bytes(data[:header])  # no weights at all
    metadata = read_metadata(good)
    assert metadata.keys() == {"format", "card", "generator", "discriminator"}
    assert metadata["generator"] == GENERATORS["mlp-bn"].to_json()
    assert card_of(metadata) == CARD


@pytest.mark.parametrize("card", ["", "{", "[1]", "null", "3", "[" * 100_000], ids=lambda text: text[:4])
def test_a_malformed_card_is_an_empty_one(card: str) -> None:
    assert card_of({"card": card}) == {}


def test_a_missing_card_is_an_empty_one() -> None:
    assert card_of({}) == {}


def test_a_model_with_a_malformed_card_still_opens(good: Path) -> None:
    rewrite(good, metadata=lambda metadata: metadata.update(card="not json"))
    assert Checkpoint.load(good).card == {}


@pytest.mark.parametrize("cut", [0, 4, 8, 9, 60])
def test_metadata_of_a_truncated_header_is_refused(good: Path, cut: int) -> None:
    good.write_bytes(good.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match="safetensors"):
        read_metadata(good)


def test_metadata_of_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        read_metadata(tmp_path / "absent.safetensors")


# ---- refusals


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.safetensors") == "no such file. Check its name and folder."


def test_a_file_below_a_file_is_refused(good: Path) -> None:
    assert "cannot be read" in refusal(good / "x.safetensors")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).startswith("is a folder.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").startswith("is a pipe, not a regular file.")
    with pytest.raises(CheckpointError, match="is a pipe"):
        read_metadata(tmp_path / "pipe")


def test_a_file_without_permission_is_refused(  # type: ignore[no-untyped-def]
    good: Path, open_folder: Path, as_a_person
) -> None:
    closed = open_folder / good.name
    closed.write_bytes(good.read_bytes())
    closed.chmod(0)
    with as_a_person():
        assert "cannot be read (Permission denied)" in refusal(closed)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"{}", b"hello, this is a text file", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"PK\x03\x04" + b"\0" * 50],
    ids=["empty", "a byte", "braces", "text", "png", "zip"],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    assert refusal(tmp_path / "x").startswith("is not a safetensors file.")


@pytest.mark.parametrize("header", [b"{", b'{"__metadata__"', b'{"a": \xff\xfe}', b'{"a":' * 50_000], ids=range(4))
def test_a_broken_header_is_refused(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "x").write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0")
    assert refusal(tmp_path / "x").startswith("damaged safetensors header.")


@pytest.mark.parametrize("kept", [1, 7, 8, 9, 100, 0.3, 0.5, 0.9, 0.999, -1])
def test_a_truncated_file_is_refused(good: Path, kept: float) -> None:
    data = good.read_bytes()
    good.write_bytes(data[: int(kept * len(data)) if 0 < kept < 1 else int(kept)])
    assert "safetensors" in refusal(good)


def test_a_file_with_bytes_added_is_refused(good: Path) -> None:
    good.write_bytes(good.read_bytes() + b"\0")
    assert "damaged safetensors file" in refusal(good)


@pytest.mark.parametrize("size", [MAX_HEADER_BYTES + 1, 2**63, 2**64 - 1])
def test_an_oversized_header_is_refused_without_reading_it(tmp_path: Path, size: int) -> None:
    (tmp_path / "x").write_bytes(struct.pack("<Q", size) + b"{" + b" " * 100)
    assert f"its header claims {size:,} bytes" in refusal(tmp_path / "x")


def test_a_file_of_99_mb_with_a_long_header_is_refused_with_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.write(struct.pack("<Q", 99_000_000) + b"{")
        file.truncate(99_000_100)  # sparse
    tracemalloc.start()
    try:
        assert "its header claims 99,000,000 bytes" in refusal(tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 10 * 1024**2
    finally:
        tracemalloc.stop()


def test_a_large_file_of_another_kind_is_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(10**9)  # sparse
    tracemalloc.start()
    try:
        assert refusal(tmp_path / "x").startswith("is not a safetensors file.")
        assert tracemalloc.get_traced_memory()[1] < 10 * 1024**2
    finally:
        tracemalloc.stop()


def test_a_safetensors_file_without_a_network_description_is_refused(tmp_path: Path) -> None:
    safetensors.torch.save_file({"weight": torch.zeros(3)}, tmp_path / "x")
    assert refusal(tmp_path / "x").startswith("a safetensors file without ganexplorer's network description.")


@pytest.mark.parametrize("entry", ["format", "generator"])
def test_a_file_that_lacks_an_entry_is_refused(tmp_path: Path, entry: str) -> None:
    Checkpoint(trained_like(GENERATORS["pattern"])).save(tmp_path / "x")
    rewrite(tmp_path / "x", metadata=lambda metadata: metadata.pop(entry))
    assert "without ganexplorer's network description" in refusal(tmp_path / "x")


def test_a_newer_format_is_refused_with_both_versions(good: Path) -> None:
    rewrite(good, metadata=lambda metadata: metadata.update(format="ganexplorer-2"))
    text = refusal(good)
    assert text.startswith("written by a newer ganexplorer, in format 'ganexplorer-2'")
    assert FORMAT in text
    assert text.endswith("Update ganexplorer.")


def test_a_newer_format_may_describe_its_networks_otherwise(good: Path) -> None:
    rewrite(good, metadata=lambda metadata: (metadata.clear(), metadata.update(format="ganexplorer-2", nets="{}")))
    assert refusal(good).startswith("written by a newer ganexplorer")


# ---- whose file it is


def test_own_files_are_known_also_newer_and_cut_ones(good: Path) -> None:
    assert is_own(good)
    good.write_bytes(good.read_bytes()[:-10])
    assert is_own(good)
    safetensors.torch.save_file({"a": torch.zeros(1)}, good, {"format": "ganexplorer-2"})
    assert is_own(good)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"name": "ganexplorer-1"}], ids=str)
def test_a_safetensors_file_of_another_program_is_not_own(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "x", metadata)
    assert not is_own(tmp_path / "x")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"x" * 50, b"\xff" * 8 + b"{}", struct.pack("<Q", 4) + b"null", struct.pack("<Q", 9000) + b"{}"]
)
def test_another_file_is_not_own(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    assert not is_own(tmp_path / "x")


def test_whose_an_absent_file_is_cannot_be_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        is_own(tmp_path / "absent")


@pytest.mark.parametrize("role", ["generator", "discriminator"])
def test_a_malformed_description_is_refused_by_role(good: Path, role: str) -> None:
    rewrite(good, metadata=lambda metadata: metadata.update({role: '{"layers": [{"kind": "lstm"}]}'}))
    assert refusal(good).startswith(f"its {role} cannot be built: layer 0 has the unknown kind 'lstm'")


def test_a_discriminator_that_is_called_a_generator_is_refused(good: Path) -> None:
    rewrite(good, metadata=lambda metadata: metadata.update(generator=metadata["discriminator"]))
    assert "calls its generator is described as something else" in refusal(good)


def test_a_discriminator_of_other_images_is_refused(tmp_path: Path) -> None:
    """Together they would fail later, when the window asks for the verdict on an image."""
    path = tmp_path / "x.safetensors"
    networks = {
        "generator": trained_like(GENERATORS["mlp-bn"]),
        "discriminator": trained_like(DISCRIMINATORS["dcgan-logits"]),
    }
    write_networks(path, networks, {})
    assert "discriminator" in refusal(path)


def test_missing_weights_are_refused_by_name(good: Path) -> None:
    rewrite(good, lambda tensors: tensors.pop("generator.layers.1.running_var"))
    assert "the generator's weights do not match its description: missing layers.1.running_var." in refusal(good)


def test_weights_too_many_are_refused_by_name(good: Path) -> None:
    rewrite(good, lambda tensors: tensors.update({"discriminator.layers.9.weight": torch.zeros(2)}))
    assert "the discriminator's weights do not match its description: extra layers.9.weight." in refusal(good)


def test_many_missing_weights_are_told_in_one_short_line(good: Path) -> None:
    rewrite(good, lambda tensors: [tensors.pop(name) for name in list(tensors) if name.startswith("generator")])
    assert len(refusal(good)) < 300


@pytest.mark.parametrize("shape", [(16, 13), (12, 16), (16,), (1, 16, 12)])
def test_a_weight_of_the_wrong_shape_is_refused_with_both_shapes(good: Path, shape: tuple[int, ...]) -> None:
    rewrite(good, lambda tensors: tensors.update({"generator.layers.0.weight": torch.zeros(shape)}))
    assert f"generator layers.0.weight has shape {list(shape)}, expected [16, 12]." in refusal(good)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["generator.layers.0.weight", "generator.layers.1.running_var", "discriminator.layers.1.bias"])  # fmt: skip # noqa: E501
def test_weights_that_are_not_finite_are_refused_by_name(good: Path, name: str, value: float) -> None:
    rewrite(good, lambda tensors: tensors[name].view(-1)[-1:].fill_(value))
    role, _, tensor = name.partition(".")
    assert f"{role} {tensor} holds NaN or infinite values" in refusal(good)


def test_an_infinity_of_either_sign_does_not_hide_the_other(good: Path) -> None:
    rewrite(
        good, lambda tensors: tensors["generator.layers.0.weight"][0, :2].copy_(torch.tensor([torch.inf, -torch.inf]))
    )
    assert "holds NaN or infinite values" in refusal(good)


def test_large_finite_weights_whose_sum_overflows_are_taken(good: Path) -> None:
    rewrite(good, lambda tensors: tensors["generator.layers.0.weight"].fill_(3e38))
    assert Checkpoint.load(good).generator.layers[0].weight[0, 0] == 3e38


def test_double_weights_that_float32_cannot_hold_are_refused(good: Path) -> None:
    name = "generator.layers.0.weight"
    rewrite(good, lambda tensors: tensors.update({name: torch.full_like(tensors[name], 1e300, dtype=torch.float64)}))
    assert "infinite" in refusal(good)


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.complex64])
def test_weights_that_are_no_real_numbers_are_refused(good: Path, dtype: torch.dtype) -> None:
    name = "generator.layers.0.weight"
    rewrite(good, lambda tensors: tensors.update({name: tensors[name].to(dtype)}))
    assert f"generator layers.0.weight is of type {dtype}, expected floating point." in refusal(good)


@settings(quick, max_examples=150)
@given(data=st.data())
def test_a_flipped_byte_in_the_header_gives_a_model_or_a_plain_refusal(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "flipped.safetensors"
    Checkpoint(trained_like(GENERATORS["pattern"]), None, CARD).save(path)
    content = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    content[data.draw(st.integers(0, header - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        generator = Checkpoint.load(path).generator
    except CheckpointError as error:
        generator, refusal = None, str(error)
    if generator is None:
        assert refusal.startswith(f"{path}: ")
    else:
        images = generator(latents(generator.spec, 2))
        assert images.shape == (2, *generator.spec.image_shape)


# ---- atomic_write


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path) as file:  # noqa: PT012
        file.write(b"half of the new")
        file.flush()
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_block_that_raises_leaves_no_file_where_there_was_none(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic_write(tmp_path / "file") as file:  # noqa: PT012
        file.write(b"x")
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_nothing_is_visible_under_the_name_before_the_block_ends(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "file") as file:
        file.write(b"new")
        file.flush()
        assert not (tmp_path / "file").exists()
        beside = os.listdir(tmp_path)
    assert len(beside) == 1
    assert beside[0].startswith(".file.")
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_the_file_is_on_the_disk_before_it_gets_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync: Callable[[int], None] = os.fsync
    replace: Callable[..., Any] = os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append("fsync"), fsync(number)))
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    with atomic_write(tmp_path / "file") as file:
        file.write(b"x")
    assert calls[:2] == ["fsync", "replace"]


def test_a_rename_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "good.safetensors"
    network = trained_like(GENERATORS["pattern"])
    Checkpoint(network, None, CARD).save(path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        Checkpoint(network, None, {"step": 2}).save(path)
    assert Checkpoint.load(path).card == CARD
    assert os.listdir(tmp_path) == ["good.safetensors"]


def test_two_writers_of_one_name_do_not_meet(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "file") as first, atomic_write(tmp_path / "file") as second:
        first.write(b"first")
        second.write(b"second")
    assert (tmp_path / "file").read_bytes() == b"first"  # the outer block ends last
    assert os.listdir(tmp_path) == ["file"]


def test_the_metadata_is_json_that_other_programs_can_read(good: Path) -> None:
    data = good.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header["__metadata__"]["format"] == FORMAT
    assert json.loads(header["__metadata__"]["card"]) == CARD
    assert json.loads(header["__metadata__"]["generator"])["image_shape"] == [2, 3, 3]
    assert header["generator.layers.0.weight"]["shape"] == [16, 12]
