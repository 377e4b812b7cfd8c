"""A stranger's file as a model: read in a guarded process, understood by the grammar, adjusted by choices."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError, plain
from ganexplorer.core.files import FileError, atomic_write, read_small
from ganexplorer.core.foreign import evidence, guard, weights
from ganexplorer.core.foreign.candidates import Candidate, candidates
from ganexplorer.core.foreign.choices import ChoiceError, Choices, to_json, to_text
from ganexplorer.core.foreign.contents import Contents
from ganexplorer.core.foreign.critic import discriminator
from ganexplorer.core.foreign.grammar import GeneratorReading
from ganexplorer.core.foreign.parts import Facts, NotUnderstood, Shape, describe
from ganexplorer.core.networks import Network, batch_size, build, check_cost
from ganexplorer.core.spec import NetworkSpec, SpecError

EXPECTED = (
    "Expected linear layers, (transposed) convolutions and batch norms whose sizes lead from z to an image: "
    "docs/formats.md lists what opens"
)
MAX_CHOICES_BYTES = 65536
MAX_NETWORKS = 64  # that are looked at in one file

_SMALLER = "Take a smaller model."
_NO_SENSE = "what the file tells of its layers makes no sense"
# what arithmetic on numbers that mean harm ends in
_NONSENSE = (ArithmeticError, LookupError, TypeError, ValueError)


class ForeignError(UserError):
    """A file that cannot be opened as a model. The text names file, reason and remedy."""


@dataclass(frozen=True)
class ForeignFile:
    """A file that holds at least one generator, understood.

    Parameters
    ----------
    path
        Where it was read from.
    contents
        Its tensors by name, factored weights multiplied out.
    generators
        What each generator of the file was understood as, the one to take first.
    """

    path: Path
    contents: Contents
    generators: Sequence[tuple[Candidate, GeneratorReading]]
    others: Sequence[Candidate]  # that are no generators
    network: str  # label of the generator that was chosen
    stored: Mapping[str, Any]  # choices that differ from the usual ones
    known_evidence: Mapping[str, Any] | None = None  # `evident`, where it was found before

    @cached_property
    def labels(self) -> list[str]:
        """What the file's generators are called, the usual one first."""
        return [candidate.label for candidate, _ in self.generators]

    @cached_property
    def candidate(self) -> Candidate:
        return self.generators[self.labels.index(self.network)][0]

    @cached_property
    def reading(self) -> GeneratorReading:
        return self.generators[self.labels.index(self.network)][1]

    @cached_property
    def usual(self) -> Choices:
        """What the statistics of its batch norms speak for, else what the family has."""
        return self.reading.usual().changed(self.evident)

    @cached_property
    def evident(self) -> dict[str, Any]:
        """The choices that the statistics of batch norms speak for, where they differ from those of the family."""
        if self.known_evidence is not None:
            return dict(self.known_evidence)
        family = self.reading.usual()

        def build_with(changes: Mapping[str, Any]) -> Network:
            return self._network(*self.reading.build(family.changed(changes)), self.candidate)

        try:
            asked = {"activation", "slope", "eps", "lift_activation", "upsample", "prior"} - self.reading.told.keys()
            usual = {name: getattr(family, name) for name in self.reading.open_choices if name in asked}
            return evidence.told(build_with, usual, self.reading.clear_norms)
        except ForeignError:
            return {}  # weights that cannot be used; `checkpoint` says so

    @cached_property
    def choices(self) -> Choices:
        """The usual values with what a person chose instead."""
        return self.usual.changed(self.stored)

    def with_choices(self, changes: Mapping[str, Any], network: str | None = None) -> ForeignFile:
        """The same file with further choices; raises `ForeignError` when they are none or do not fit its weights."""
        label = self.network if network is None else network
        if label not in self.labels:
            raise ForeignError(
                f"{self.path}: has no network {label!r}. Those that can be opened: {', '.join(self.labels)}."
            )
        try:
            evidence_of_it = self.evident if label == self.network else None
            other = dataclasses.replace(self, network=label, stored={}, known_evidence=evidence_of_it)
            wanted = other.usual.changed({**self.stored, **changes})
            usual = other.usual.to_dict()
            stored = {name: value for name, value in wanted.to_dict().items() if value != usual[name]}
            return dataclasses.replace(other, stored=stored)
        except ChoiceError as error:
            raise ForeignError(f"{self.path}: {error}.") from None

    @cached_property
    def spec(self) -> NetworkSpec:
        """Of the generator, with the choices; raises `ForeignError` when they do not fit its weights."""
        return self._built[0]

    @cached_property
    def _built(self) -> tuple[NetworkSpec, dict[int, str]]:
        try:
            return _built(self.reading, self.choices)
        except NotUnderstood as error:
            raise ForeignError(f"{self.path}: {error}. Change the choices, or take another file.") from None

    @cached_property
    def _critic(self) -> tuple[Candidate, NetworkSpec, dict[int, str]] | str:
        """The discriminator that fits the generator, or why there is none."""
        reason = ""
        for candidate in sorted(self.others, key=lambda other: other.role != "discriminator"):
            if candidate.role == "generator":
                continue
            try:
                found = discriminator(
                    candidate.shapes, self._is_ordered, _facts(self.contents, candidate), self.spec, self.choices
                )
                check_cost(found[0])
                return candidate, *found
            except (NotUnderstood, SpecError) as error:
                reason = reason or f"{candidate.label}: {error}"
            except _NONSENSE:
                reason = reason or f"{candidate.label}: {_NO_SENSE}"
        return reason

    @property
    def _is_ordered(self) -> bool:
        return self.contents.kind == "pytorch"

    @property
    def has_discriminator(self) -> bool:
        return not isinstance(self._critic, str)

    @property
    def assumed(self) -> str:
        """The choices that matter for this network, as a person would write them."""
        return ", ".join(
            f"{name} {to_text(getattr(self.choices, name))}"
            for name in self.reading.open_choices
            if name != "slope" or self.choices.activation == "leaky_relu"
        )

    @property
    def note(self) -> str:
        """What was in the file and is not opened, as a sentence; empty when there is nothing to say."""
        if isinstance(self._critic, str) and self._critic:
            return f"The discriminator was not opened ({self._critic})."
        return ""

    def checkpoint(self) -> Checkpoint:
        """The networks, built, checked and tried on one z; raises `ForeignError`."""
        spec, sources = self._built
        generator = self._network(spec, sources, self.candidate)
        assert spec.prior is not None
        z = spec.prior.sample(2, spec.z_dim, torch.Generator().manual_seed(0))
        try:
            with torch.inference_mode():
                is_finite = all(
                    bool(torch.isfinite(generator(one)).all()) for one in torch.split(z, batch_size(spec, 2))
                )
        except RuntimeError as error:  # which is how PyTorch tells that there is no memory left
            raise ForeignError(
                f"{self.path}: its images cannot be made ({plain(str(error), 200)}). {_SMALLER}"
            ) from None
        if not is_finite:
            raise ForeignError(
                f"{self.path}: its images are not finite. Choose another activation or take another file."
            )
        critic = self._critic
        judge = None if isinstance(critic, str) else self._network(critic[1], critic[2], critic[0])
        return Checkpoint(generator, judge, self.card)

    @property
    def card(self) -> dict[str, Any]:
        """What is known of it, for people."""
        return {
            "name": self.path.stem,
            "source": self.path.name,
            "network": self.network,
            "assumed": {name: self.choices.to_dict()[name] for name in self.reading.open_choices},
            "evident": sorted(self.evident),
        }

    def _network(self, spec: NetworkSpec, sources: Mapping[int, str], candidate: Candidate) -> Network:
        network = build(spec)
        state = network.state_dict()
        for name, expected in state.items():
            _, number, leaf = name.split(".")
            part = sources[int(number)]
            source = candidate.prefix + (f"{part}.{leaf}" if part else leaf)
            values = self.contents.tensors.get(source)
            if values is None:  # of a batch norm without scale and shift, or one that never counted
                state[name] = torch.ones_like(expected) if leaf == "weight" else torch.zeros_like(expected)
                continue
            if source not in self._sound:
                self._sound[source] = self._checked(source, values, expected)
            state[name] = self._sound[source]
        network.load_state_dict(state, assign=True)
        return network.eval().requires_grad_(False)

    @cached_property
    def _sound(self) -> dict[str, torch.Tensor]:
        """The tensors that were checked: evidence builds many networks of the same weights."""
        return {}

    def _checked(self, name: str, values: NDArray[np.generic], expected: torch.Tensor) -> torch.Tensor:
        if expected.is_floating_point() and values.dtype.kind != "f":
            raise ForeignError(
                f"{self.path}: {name} is of type {values.dtype}, expected floating point. Save the weights as float32."
            )
        tensor = torch.from_numpy(np.ascontiguousarray(values)).to(expected.dtype)
        if tensor.numel() == expected.numel() == 1:
            tensor = tensor.reshape(expected.shape)
        if tensor.shape != expected.shape:
            raise ForeignError(
                f"{self.path}: {name} has shape {list(tensor.shape)}, expected {list(expected.shape)}. "
                "Save the model again."
            )
        if expected.is_floating_point() and not torch.isfinite(tensor).all():
            count = int((~torch.isfinite(tensor)).sum())
            raise ForeignError(
                f"{self.path}: {name} holds NaN or infinite values ({count:,} of {tensor.numel():,}). "
                "Take an earlier checkpoint."
            )
        if name.endswith("running_var") and (tensor < 0).any():
            raise ForeignError(f"{self.path}: {name} holds negative variances; the file is damaged. Save it again.")
        return tensor


def read(path: Path | str) -> ForeignFile:
    """Understand a stranger's file: its usual generator, with the choices that are kept beside it.

    Raises
    ------
    UserError
        `FileError` or `ContainerError`: it cannot be read or is not safe. `ForeignError`: no generator was
        recognised; the text lists what was found and what was expected.
    """
    path = Path(path)
    contents = guard.read(path)
    try:
        with np.errstate(all="ignore"):  # what is not finite is told later
            contents = dataclasses.replace(contents, tensors=weights.plain(contents.tensors))
    except NotUnderstood as error:
        raise ForeignError(f"{path}: {error}. Save the model again.") from None
    except _NONSENSE:
        raise ForeignError(f"{path}: a weight is stored in factors that do not fit. Save the model again.") from None
    except MemoryError:
        raise ForeignError(f"{path}: needs more memory than there is. {_SMALLER}") from None
    file = understand(path, contents)
    kept = kept_choices(path)
    try:
        with_kept = file.with_choices(kept.get("choices", {}), kept.get("network") or None)
        _ = with_kept.spec
        return with_kept
    except (ForeignError, RecursionError, *_NONSENSE):
        return file  # kept for another version of the file, or by no one


def understand(path: Path, contents: Contents) -> ForeignFile:
    """The generators among the tensors of a file; raises `ForeignError`."""
    shapes: dict[str, Shape] = {name: tuple(values.shape) for name, values in contents.tensors.items()}
    if not shapes:
        raise ForeignError(f"{path}: holds no tensors. Save the generator's state_dict().")
    found: list[tuple[Candidate, GeneratorReading]] = []
    others: list[Candidate] = []
    reasons: dict[str, str] = {}
    networks = candidates(shapes)
    if len(networks) > MAX_NETWORKS:  # those that are called generators, whatever else there is
        networks = sorted(networks, key=lambda candidate: candidate.role != "generator")[:MAX_NETWORKS]
    for candidate in networks:
        try:
            if candidate.role == "discriminator":
                raise NotUnderstood("it is called a discriminator")
            reading = GeneratorReading.of(candidate.shapes, contents.kind == "pytorch", _facts(contents, candidate))
            _built(reading, reading.usual())
            found.append((candidate, reading))
        except NotUnderstood as error:
            others.append(candidate)
            reasons[candidate.label] = str(error)
        except _NONSENSE:
            others.append(candidate)
            reasons[candidate.label] = _NO_SENSE
    named = [candidate.label for candidate in others if candidate.role == "generator"]
    if named and not any(candidate.role == "generator" for candidate, _ in found):
        found = []
    if not found:
        told = {label: reason for label, reason in reasons.items() if not named or label in named}
        raise ForeignError(_not_recognised(path, told, shapes))
    found.sort(key=lambda item: (item[0].role != "generator", not item[0].is_average))
    return ForeignFile(path, contents, found, others, found[0][0].label, {})


def _built(reading: GeneratorReading, choices: Choices) -> tuple[NetworkSpec, dict[int, str]]:
    """The spec and the sources of its weights; raises `NotUnderstood`, also where an image would take too long."""
    spec, sources = reading.build(choices)
    try:
        check_cost(spec)
    except SpecError as error:
        raise NotUnderstood(str(error)) from None
    return spec, sources


def _not_recognised(path: Path, reasons: Mapping[str, str], shapes: Mapping[str, Shape]) -> str:
    only = len(reasons) == 1
    told = "; ".join(reason if only else f"{label}: {reason}" for label, reason in list(reasons.items())[:3])
    return f"{path}: no generator was recognised: {told}; found {describe(shapes)}. {EXPECTED}."


def _facts(contents: Contents, candidate: Candidate) -> Facts:
    """What the file tells of a network's layers, by their names inside it."""
    prefix = candidate.prefix
    return {
        name[len(prefix) :]: {"class": module.class_name.rpartition(".")[2], **module.values}
        for name, module in contents.modules.items()
        if name.startswith(prefix) and len(name) > len(prefix)
    }


def choices_file(path: Path) -> Path:
    """Where the choices for a model's file are kept: beside it."""
    return path.with_name(f"{path.name}.ganexplorer.json")


def kept_choices(path: Path) -> dict[str, Any]:
    """The choices kept for a file, ``choices`` and ``network``; empty when there are none that can be read."""
    try:
        data = json.loads(read_small(choices_file(path), MAX_CHOICES_BYTES))
        choices = data.get("choices", {})
        network = data.get("network", "")
        return {"choices": dict(choices), "network": str(network)}
    except (FileError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def keep_choices(file: ForeignFile) -> Path | None:
    """Write the choices beside the file, or remove them when all are usual. Returns the path, None when removed.

    Raises
    ------
    ForeignError
        The folder cannot be written to.
    """
    target = choices_file(file.path)
    is_usual = not file.stored and file.network == file.labels[0]
    try:
        if is_usual:
            target.unlink(missing_ok=True)
            return None
        data = {"choices": {k: to_json(v) for k, v in file.stored.items()}, "network": file.network}
        with atomic_write(target) as out:
            out.write(json.dumps(data, indent=2).encode() + b"\n")
    except OSError as error:
        raise ForeignError(
            f"{target}: the choices cannot be kept ({error.strerror or error}). "
            "Save the model in a folder of yours (File > Save model)."
        ) from None
    return target
