"""The hyperparameters of a training run.

The fields of :class:`TrainConfig` with their metadata are the one source of names, limits, units and help: ``--set``
on the command line and the form in the window are both made from them.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from ganexplorer.core.errors import UserError, did_you_mean, folded, question
from ganexplorer.core.latent import Prior, PriorKind
from ganexplorer.core.networks import (
    Init,
    dcgan_discriminator,
    dcgan_generator,
    mlp_discriminator,
    mlp_generator,
)
from ganexplorer.core.spec import Layer, LeakyReLU, NetworkSpec, ReLU, Sigmoid, Tanh
from ganexplorer.train.augment import Augment
from ganexplorer.train.losses import LossName
from ganexplorer.train.preparation import Fit, Preparation


class ConfigError(UserError):
    """A hyperparameter that does not exist, cannot be read or is out of its limits."""


def _param(
    default: Any,
    help: str,
    group: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    live: bool = False,
) -> Any:
    metadata = {"help": help, "group": group, "low": low, "high": high, "unit": unit, "live": live}
    return field(default=default, metadata=types.MappingProxyType(metadata))


Activation = Literal["leaky_relu", "relu", "sigmoid"]
ALIASES = {"lsgan": "mse"}  # other names of choices


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What makes a run, apart from its data and device. Checked on creation; raises `ConfigError`."""

    batch_size: int = _param(64, "real images of one step", "Run", low=1, high=4096, unit="images")
    epochs: int = _param(20, "passes over the data; used where steps is 0", "Run", low=0, high=100_000, live=True)
    steps: int = _param(0, "steps in all; 0 counts epochs instead", "Run", low=0, high=100_000_000, live=True)
    seed: int = _param(0, "random seed of first weights, order of images and latents", "Run", low=0, high=2**31 - 1)

    image_size: int = _param(0, "images are brought to this size; 0 keeps the data's own", "Data",
                             low=0, high=256, unit="pixels")  # fmt: skip
    fit: Fit = _param(
        "crop", "how pictures become square: cropped to the middle, bars in the border's colour, or squeezed", "Data"
    )  # fmt: skip
    flip: bool = _param(False, "each image is mirrored left to right at random, every time it is seen", "Data")
    classes: str = _param("", "only images of these classes, as 3,8 or smiling; empty: all", "Data")

    z_dim: int = _param(64, "latent dimensions", "Latent", low=1, high=4096)
    prior: PriorKind = _param("normal", "normal(0, 1), uniform on [-1, 1], or the constant 0.5", "Latent")

    family: Literal["mlp", "dcgan"] = _param("mlp", "linear layers, or (transposed) convolutions", "Networks")
    g_widths: tuple[int, ...] = _param((256, 256), "hidden widths of the generator", "Networks", low=1, high=16384)
    g_activation: Activation = _param("leaky_relu", "activation between the generator's linear layers", "Networks")
    g_slope: float = _param(0.01, "slope of the generator's leaky ReLU below 0", "Networks", low=0, high=1)
    g_mapping: int = _param(
        0, "dcgan: width of two hidden layers between z and the first transposed convolution; 0: none. A model to "
        "fine-tune that has none gets them, and at first makes the same images", "Networks", low=0, high=16384,
    )  # fmt: skip
    g_output: Literal["tanh", "sigmoid"] = _param("tanh", "the generator's last layer", "Networks")
    d_widths: tuple[int, ...] = _param((256, 64), "hidden widths of the discriminator", "Networks", low=1, high=16384)
    d_activation: Activation = _param("leaky_relu", "activation between the discriminator's layers", "Networks")
    d_slope: float = _param(0.2, "slope of the discriminator's leaky ReLU below 0", "Networks", low=0, high=1)
    d_output: Literal["logits", "sigmoid"] = _param("logits", "the discriminator's last layer", "Networks")
    d_norm: Literal["batch", "none"] = _param(
        "batch", "dcgan: what stands between the discriminator's convolutions; none goes with R1, R2 and wgan-gp",
        "Networks",
    )  # fmt: skip
    d_head: int = _param(
        0, "dcgan: width of a hidden layer before the discriminator's verdict, which sees the whole image; 0: none",
        "Networks", low=0, high=16384,
    )  # fmt: skip
    init: Init = _param(
        "default", "first weights: PyTorch's default, N(0, .02) as in the DCGAN paper, or N(0, 2 / inputs)", "Networks"
    )

    loss: LossName = _param(
        "bce",
        "bce: cross entropy, non-saturating; mse: least squares (LSGAN); wgan: a critic of clipped weights; wgan-gp: "
        "one with a gradient penalty; hinge; relativistic: which of two images is the real one (RpGAN)",
        "Loss",
        live=True,
    )
    smoothing: float = _param(0.0, "bce, mse: real labels are 1 minus this for the discriminator (one-sided)", "Loss",
                              low=0, high=0.5, live=True)  # fmt: skip
    clip: float = _param(0.01, "wgan: the critic's weights are clipped to plus and minus this", "Loss",
                         low=1e-6, high=100, live=True)  # fmt: skip
    gp_weight: float = _param(10.0, "wgan-gp: weight of the gradient penalty between real and generated images",
                              "Loss", low=0, high=1000, live=True)  # fmt: skip
    r1_gamma: float = _param(0.0, "weight of the R1 gradient penalty on real images; 0: none", "Loss",
                             low=0, high=1000, live=True)  # fmt: skip
    r2_gamma: float = _param(0.0, "weight of the R2 gradient penalty on generated images; 0: none", "Loss",
                             low=0, high=1000, live=True)  # fmt: skip
    r1_every: int = _param(1, "R1 and R2 only every so many steps, with as many times the weight", "Loss",
                           low=1, high=64, unit="steps", live=True)  # fmt: skip
    top_k: float = _param(
        1.0,
        "share of the generated images of a step, those that D takes for the most real, that G learns from; 1: all",
        "Loss",
        low=0.05,
        high=1,
        live=True,
    )
    augment: Augment = _param(
        "none",
        "DiffAugment: what D sees, real and generated, is changed at random; for small sets of images",
        "Loss",
        live=True,
    )

    optimizer: Literal["adam", "sgd", "rmsprop"] = _param("adam", "what trains both networks", "Optimizer")
    g_lr: float = _param(2e-4, "learning rate of the generator", "Optimizer", low=0, high=10, live=True)
    d_lr: float = _param(2e-4, "learning rate of the discriminator", "Optimizer", low=0, high=10, live=True)
    beta1: float = _param(0.5, "Adam's decay of the first moment", "Optimizer", low=0, high=0.9999, live=True)
    beta2: float = _param(0.999, "Adam's decay of the second moment", "Optimizer", low=0, high=0.999999, live=True)
    lr_decay: float = _param(0.0, "0.5: over the last half of the run both learning rates fall to 0", "Optimizer",
                             low=0, high=1, live=True)  # fmt: skip

    d_every: int = _param(1, "the discriminator is updated on every Nth step only: 3 is a third as often", "Steps",
                          low=1, high=100, live=True)  # fmt: skip
    g_every: int = _param(1, "the generator is updated on every Nth step only: 3 is a third as often", "Steps",
                          low=1, high=100, live=True)  # fmt: skip
    same_z: bool = _param(
        True, "true: one z batch for the steps of both networks; false: a fresh one for the generator", "Steps",
        live=True,
    )  # fmt: skip
    d_update: Literal["together", "real-then-fake"] = _param(
        "together", "one discriminator step on both losses, or one step after the other", "Steps", live=True
    )
    warmup: int = _param(
        1000, "fine-tuning with a fresh discriminator: it trains alone until its loss settles, at most so many steps",
        "Steps", low=0, high=1_000_000, unit="steps",
    )  # fmt: skip
    sync_bn: bool = _param(
        False, "under torchrun: batch norms see the batches of all processes; false: each that of its own", "Steps"
    )
    ema: float = _param(0.0, "decay a step of the averaged generator, which is shown and saved; 0: none", "Steps",
                        low=0, high=0.99999, live=True)  # fmt: skip

    log_every: int = _param(
        10, "losses are measured and logged every so many steps", "Keep", low=1, high=100_000, unit="steps", live=True
    )
    sample_every: int = _param(
        500, "a sheet of the fixed samples is saved every so many steps", "Keep", low=1, high=10**7, unit="steps",
        live=True,
    )  # fmt: skip
    metrics_every: int = _param(
        0, "distance, precision, recall and clear digits of samples are measured every so many steps; 0: never", "Keep",
        low=0, high=10**7, unit="steps", live=True,
    )  # fmt: skip
    sample_count: int = _param(64, "fixed samples on a sheet", "Keep", low=1, high=256)
    snapshot_every: int = _param(
        5000, "both networks are saved every so many steps", "Keep", low=1, high=10**7, unit="steps", live=True
    )
    keep_gb: float = _param(
        2.0, "disk space for snapshots; beyond it they are thinned out, ends and marked ones kept", "Keep",
        low=0.001, high=10_000, unit="GB", live=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        for parameter in parameters():
            parameter.check(getattr(self, parameter.name))
        if self.steps == 0 and self.epochs == 0:
            raise ConfigError("steps and epochs are both 0: set one of them.")
        if not self.g_widths or not self.d_widths:
            raise ConfigError("g_widths and d_widths need at least one width, such as 256,256.")

    @property
    def preparation(self) -> Preparation:
        """What is done to images before training."""
        return Preparation((self.image_size, self.image_size), self.fit, self.flip, self.classes)

    @property
    def latent_prior(self) -> Prior:
        return {"normal": Prior.normal(), "uniform": Prior.uniform(), "constant": Prior.constant(0.5)}[self.prior]

    def generator_spec(self, image_shape: tuple[int, int, int]) -> NetworkSpec:
        """The generator of images of `image_shape`; raises `SpecError` where it cannot make them."""
        output: Layer = Tanh() if self.g_output == "tanh" else Sigmoid()
        if self.family == "dcgan":
            return dcgan_generator(self.z_dim, self.g_widths, image_shape, self.latent_prior, output, self.g_mapping)
        activation = _activation(self.g_activation, self.g_slope)
        return mlp_generator(self.z_dim, self.g_widths, image_shape, self.latent_prior, activation, output)

    def discriminator_spec(
        self, image_shape: tuple[int, int, int], value_range: tuple[float, float] = (-1.0, 1.0)
    ) -> NetworkSpec:
        """The discriminator for a generator of that range; raises `SpecError` where it cannot take the images."""
        output = Sigmoid() if self.d_output == "sigmoid" else None
        activation = _activation(self.d_activation, self.d_slope)
        if self.family == "dcgan":
            batch_norm = self.d_norm == "batch"
            return dcgan_discriminator(
                self.d_widths, image_shape, activation, output, value_range, batch_norm, self.d_head
            )
        return mlp_discriminator(self.d_widths, image_shape, activation, output, value_range)

    def specs(self, image_shape: tuple[int, int, int]) -> tuple[NetworkSpec, NetworkSpec]:
        """Generator and discriminator for images of `image_shape`; raises `SpecError` when they do not fit."""
        generator = self.generator_spec(image_shape)
        return generator, self.discriminator_spec(image_shape, generator.value_range)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of `to_dict`; raises `ConfigError` for unknown names and bad values."""
        known = {p.name: p for p in parameters()}
        for name in data:
            if name not in known:
                raise ConfigError(f"unknown hyperparameter {name!r}; known: {', '.join(known)}.")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**values)

    def with_settings(self, settings: Iterable[str]) -> Self:
        """A copy with ``KEY=VALUE`` settings applied, as given to ``--set``."""
        known = {p.name: p for p in parameters()}
        changes: dict[str, Any] = {}
        for setting in settings:
            name, equals, text = setting.partition("=")
            if not equals or not name.strip():
                example = known.get(name, known["batch_size"]).setting
                raise ConfigError(f"--set {setting}: write it as KEY=VALUE, such as {example}.")
            if name not in known:
                meant = did_you_mean(name, known) or _by_help(name)
                if meant:
                    raise ConfigError(
                        f"unknown hyperparameter {name!r}. {meant} ganexplorer train --help tells of all."
                    )
                raise ConfigError(f"unknown hyperparameter {name!r}; known: {', '.join(known)}.")
            changes[name] = known[name].parse(text)
        return dataclasses.replace(self, **changes)

    def settings(self) -> list[str]:
        """What is not as by default, as `with_settings` takes it: ``g_widths=256,128``."""
        return [f"{p.name}={p.text(getattr(self, p.name))}" for p in parameters() if getattr(self, p.name) != p.default]

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """A copy with these plain JSON values; raises `ConfigError` as `from_dict` does."""
        return self.from_dict(self.to_dict() | dict(values))

    def changed_live(self, values: Mapping[str, Any]) -> Self:
        """Like `with_values`; raises `ConfigError` for what cannot change while a run goes on too."""
        for parameter in parameters():
            if parameter.name in values and not parameter.live:
                raise ConfigError(f"{parameter.name} is fixed while a run goes on: start a new run to change it.")
        changed = self.with_values(values)
        if bool(changed.ema) != bool(self.ema):
            raise ConfigError("ema can change while a run goes on, but not begin or end: start a new run for that.")
        return changed

    def differences(self, other: TrainConfig) -> list[str]:
        """One line for each field that differs: ``g_lr: 0.0002 -> 0.001``."""
        return [
            f"{p.name}: {getattr(self, p.name)} -> {getattr(other, p.name)}"
            for p in parameters()
            if getattr(self, p.name) != getattr(other, p.name)
        ]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field of `TrainConfig` as forms and command lines need it."""

    name: str
    type: Any  # int, float, bool, or tuple (of whole numbers)
    choices: tuple[str, ...]  # of a text field
    default: Any
    help: str
    group: str
    low: float | None
    high: float | None
    unit: str
    live: bool  # whether it may change while a run goes on

    @property
    def setting(self) -> str:
        """Its name and default: ``g_widths=256,256``."""
        return f"{self.name}={self.text(self.default)}"

    def text(self, value: Any) -> str:
        """Inverse of `parse`."""
        return ",".join(map(str, value)) if self.type is tuple else str(value)

    def parse(self, text: str) -> Any:
        """The value of a text; raises `ConfigError`."""
        try:
            if self.type is bool:
                return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
            if self.type is tuple:
                return tuple(int(part) for part in re.sub(r"(?<=\d)-(?=\d)", ",", text).split(",") if part.strip())
            if self.choices:
                return ALIASES[text] if ALIASES.get(text) in self.choices else text
            return self.type(text)
        except (ValueError, KeyError):
            wanted = {bool: "true or false", int: "a whole number", float: "a number", tuple: "widths such as 256,256"}
            limits = "" if self.low is None or self.type is tuple else f" from {self.low} to {self.high}"
            raise ConfigError(f"{self.name}: {text!r} is not {wanted[self.type]}{limits}.") from None

    def check(self, value: Any) -> None:
        """Raises `ConfigError` for a value of the wrong type or out of limits."""
        if self.choices:
            if value not in self.choices:
                aliases = [alias for alias, choice in ALIASES.items() if choice in self.choices]
                meant = did_you_mean(value, [*self.choices, *aliases]) if isinstance(value, str) else ""
                text = f"{self.name}: {value!r} is not one of {', '.join(self.choices)}. {meant}"
                raise ConfigError(text.rstrip())
            return
        if self.type is tuple and not isinstance(value, tuple):
            raise ConfigError(f"{self.name}: {value!r} is not a list of widths such as 256,256.")
        values = value if isinstance(value, tuple) and self.type is tuple else (value,)
        number = int if self.type is tuple else self.type
        for item in values:
            right_type = isinstance(item, number) or (number is float and isinstance(item, int))
            if not right_type or (isinstance(item, bool) and number is not bool):
                raise ConfigError(f"{self.name}: {item!r} is not of type {number.__name__}.")
            # `not (low <= item)` also catches NaN
            if self.low is not None and self.high is not None and not (self.low <= item <= self.high):
                raise ConfigError(f"{self.name}: {item} is not from {self.low} to {self.high}.")


def _parameter(item: dataclasses.Field[Any], annotation: Any) -> Parameter:
    choices = get_args(annotation) if get_origin(annotation) is Literal else ()
    kind = str if choices else (get_origin(annotation) or annotation)
    return Parameter(item.name, kind, choices, item.default, **item.metadata)


_PARAMETERS: list[Parameter] = []


def parameters() -> list[Parameter]:
    """The fields of `TrainConfig`, in order."""
    if not _PARAMETERS:
        hints = get_type_hints(TrainConfig)
        _PARAMETERS.extend(_parameter(item, hints[item.name]) for item in dataclasses.fields(TrainConfig))
    return _PARAMETERS


def _by_help(name: str) -> str:
    """`did_you_mean` for a name of other programs that the help of ours has: learning_rate, latent_dim."""
    words = folded(name).replace("-", " ")
    return question([p.name for p in parameters() if words in p.help.lower()][:3] if len(words) > 4 else [])


def _activation(name: Activation, slope: float) -> Layer:
    if name == "leaky_relu":
        return LeakyReLU(slope)
    return ReLU() if name == "relu" else Sigmoid()
