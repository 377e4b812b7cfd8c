"""Latents as text."""

import struct

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganexplorer.core.errors import UserError
from ganexplorer.core.latent_text import MAX_TEXT, from_text, to_text

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(FLOATS, min_size=1, max_size=8))
def test_there_and_back_is_the_same_bit_for_bit(values: list[float]) -> None:
    z = torch.tensor(values, dtype=torch.float32)
    assert from_text(to_text(z), len(values)).numpy().tobytes() == z.numpy().tobytes()


@given(st.integers(0, 2**32 - 1))
def test_every_finite_pattern_of_bits_comes_back(bits: int) -> None:
    z = torch.from_numpy(np.frombuffer(struct.pack("<I", bits), "<f4").copy())
    if z.isfinite().all():
        assert from_text(to_text(z), 1).numpy().tobytes() == struct.pack("<I", bits)


def test_the_text_is_short_and_readable() -> None:
    assert to_text(torch.tensor([0.1, -1.0, 0.0, 1e-10, 3.4e38])) == "0.1, -1.0, 0.0, 1e-10, 3.4e+38"


@pytest.mark.parametrize("z_dim", [1, 2, 64, 100, 4096])
@pytest.mark.parametrize("spell", [str, repr, lambda z: str(z[None])])
def test_what_pytorch_prints_is_understood(z_dim: int, spell) -> None:  # type: ignore[no-untyped-def]
    z = torch.randn(z_dim, generator=torch.Generator().manual_seed(z_dim))
    torch.set_printoptions(precision=9, threshold=10_000)
    try:
        text = spell(z)
    finally:
        torch.set_printoptions(profile="default")
    assert torch.allclose(from_text(text, z_dim), z, atol=1e-8)


def test_what_pytorch_says_beside_the_numbers_is_passed_over() -> None:
    z = torch.tensor([0.5, -2.0], dtype=torch.float64, requires_grad=True)
    assert from_text(repr(z), 2).tolist() == [0.5, -2.0]
    assert from_text(repr(z * 2), 2).tolist() == [1.0, -4.0]  # has a grad_fn
    assert from_text("tensor([0.5000, -2.0000], device='cuda:0', dtype=torch.float16)", 2).tolist() == [0.5, -2.0]


def test_what_numpy_prints_is_understood() -> None:
    z = np.random.default_rng(0).standard_normal(64).astype(np.float32)
    with np.printoptions(threshold=10_000):
        texts = [str(z), repr(z), repr(z.astype(np.float64)), repr(list(z)), repr(z.tolist()), repr(z[None])]
    for text in texts:
        assert np.allclose(from_text(text, 64), z, atol=1e-7), text
    assert np.array_equal(from_text(repr(list(z)), 64), z)  # np.float32(…) each, all digits


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3",
        "1 2 3",
        "1;2;3",
        "1\n2\r\n3\n",
        "\t1,\t2 ;3 ,",
        "[1, 2, 3]",
        "(1 2 3)",
        "[[1.], [2.], [3.]]",
        "+1 2e0 .3e1",
    ],
)
def test_whatever_stands_between_the_numbers(text: str) -> None:
    assert from_text(text, 3).tolist() == [1.0, 2.0, 3.0]


def test_one_dimension_is_one_number() -> None:
    assert from_text("0.5", 1).tolist() == [0.5]
    with pytest.raises(UserError, match=r"The text has 2 numbers, and z of this model has 1\. Copy one of its"):
        from_text("0.5 0.6", 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no numbers. Copy 3 numbers"),
        ("tensor([])", "holds no numbers"),
        ("1, 2", "has 2 numbers, and z of this model has 3. Copy 3 numbers"),
        ("1, 2, 3, 4", "has 4 numbers, and z of this model has 3. Copy 3 numbers"),
        ("1 2 3\n4 5 6", "has 6 numbers, and z of this model has 3. Copy one of its latents alone"),
        ("1, nan, 3", "nan is not finite"),
        ("1, -Infinity, 3", "-Infinity is not finite"),
        ("1, 1e39, 3", "1e39 is beyond the largest float32"),
        ("1, -1e999, 3", "-1e999 is beyond the largest float32"),
        ("1, two, 3", "'two' is not a number"),
        ("1, 0x10, 3", "'0x10' is not a number"),
        ("1, 1_0, 3", "'1_0' is not a number"),
        ("1, ٣, 3", "is not a number"),
        ("1, --2, 3", "'--2' is not a number"),
        ("1, 2j, 3", "'2j' is not a number"),
        ("tensor([0.1, 0.2, ..., 0.3])", "'...' stands where numbers were left out"),
        ("exec(1, 2, 3)", "'exec' is not a number"),
        ("http://example.org/a\x1b[31m\n1 2", "is not a number"),
    ],
)
def test_anything_else_is_told_in_one_line(text: str, words: str) -> None:
    with pytest.raises(UserError) as told:
        from_text(text, 3)
    assert words in str(told.value)
    assert str(told.value).isprintable()


def test_too_much_text_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(UserError, match="more than 1,048,576 characters"):
        from_text("1 " * MAX_TEXT, 3)


@given(st.text(max_size=200))
def test_no_text_does_anything_but_fail_in_words(text: str) -> None:
    try:
        z = from_text(text, 2)
    except UserError:
        return
    assert z.shape == (2,)
    assert z.isfinite().all()


@pytest.mark.parametrize("text", ["dtype" * 200_000, "dtype" + " " * 1_000_000, "tensor(" * 140_000, "1e" * 500_000])
def test_text_that_means_harm_takes_no_long_time(text: str) -> None:
    with pytest.raises(UserError):
        from_text(text, 3)
