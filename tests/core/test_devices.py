"""Which device is picked."""

from __future__ import annotations

import pytest
import torch

from ganexplorer.core.devices import pick_device
from ganexplorer.core.errors import UserError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A machine that has the devices of the test's `there`."""
    there = request.getfixturevalue("there")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("there", "picked"), [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("cuda", "mps"), "cuda")]
)
def test_auto_is_the_fastest_device_there_is(there: tuple[str, ...], picked: str) -> None:
    assert pick_device("auto") == torch.device(picked)
    assert pick_device() == torch.device(picked)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("there", [("cuda", "mps")])
@pytest.mark.parametrize("name", ["cpu", "cuda", "mps", "cuda:1"])
def test_a_device_that_is_there_is_picked_by_name(there: tuple[str, ...], name: str) -> None:
    assert pick_device(name) == torch.device(name)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("there", "name", "available"),
    [
        ((), "cuda", "cpu"),
        ((), "cuda:0", "cpu"),
        (("mps",), "cuda", "cpu, mps"),
        (("cuda",), "mps", "cpu, cuda"),
        ((), "tpu", "cpu"),
        ((), "", "cpu"),
    ],
)
def test_a_device_that_is_not_there_is_refused_with_those_that_are(
    there: tuple[str, ...], name: str, available: str
) -> None:
    with pytest.raises(UserError, match=rf"device '{name}' is not available.* Available: {available}\.$"):
        pick_device(name)


def test_a_device_number_that_is_no_number_is_refused_in_words() -> None:
    with pytest.raises(UserError, match="cpu:x"):
        pick_device("cpu:x")
