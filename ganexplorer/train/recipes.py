"""The recipes: configurations that have a name, each with the data it is meant for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from ganexplorer.core.errors import did_you_mean
from ganexplorer.train.config import ConfigError, TrainConfig


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named `TrainConfig`, the data it is meant for, and what to expect of it."""

    name: str
    data: str  # a REF; empty: the person's own folder
    summary: str
    config: TrainConfig


# R1 without momentum lets learning rates be high (Mescheder et al. 2018, arXiv:1801.04406); the average over steps is
# what is shown (Yazıcı et al. 2019, arXiv:1806.04498). Penalties look at one image at a time: no batch norm in D.
_MODERN = TrainConfig(
    family="dcgan", z_dim=100, d_slope=0.2, d_norm="none", d_head=256, init="he", beta1=0.0, beta2=0.99, ema=0.999,
    lr_decay=0.5, same_z=False,
)  # fmt: skip

# The average over steps is shown here too. With photographs batch norms in D stayed ahead of R1 (docs/models.md).
_FACES = TrainConfig(
    family="dcgan", image_size=64, flip=True, z_dim=100, g_widths=(256, 128, 64, 32), d_widths=(32, 64, 128, 256),
    d_slope=0.2, init="dcgan", smoothing=0.1, ema=0.999, batch_size=64, epochs=30, g_lr=2e-4, d_lr=2e-4, beta1=0.5,
    beta2=0.999, sample_every=250, snapshot_every=1000,
)  # fmt: skip


def _recipes(*recipes: Recipe) -> dict[str, Recipe]:
    return {recipe.name: recipe for recipe in recipes}


RECIPES: Mapping[str, Recipe] = _recipes(
    Recipe(
        "mlp-64-stable", "mnist",
        "The generator of mlp-64 with what it takes to hold: a wider discriminator, one step each, no momentum, and a "
        "strong R1 gradient penalty. All ten digits, readable.",
        TrainConfig(
            z_dim=64, g_widths=(256, 256), g_slope=0.01, d_widths=(512, 512), d_slope=0.2, batch_size=128, epochs=150,
            g_lr=1e-3, d_lr=1e-3, beta1=0.0, beta2=0.99, r1_gamma=3.0, r1_every=4, ema=0.999, lr_decay=0.5,
            same_z=False, snapshot_every=10_000,
        ),
    ),
    Recipe(
        "mlp-64", "mnist",
        "The tutorial's MLP to the letter: the generator steps three times as often as the discriminator. It "
        "collapses: within a dozen epochs every sample is the same digit; by epoch 50 D's loss is 0 and G's climbs. "
        "Worth watching once; mlp-64-stable is the one that holds.",
        TrainConfig(
            z_dim=64, g_widths=(256, 256), g_slope=0.01, d_widths=(256, 64), d_slope=0.01, d_output="sigmoid",
            batch_size=64, epochs=200, g_lr=2e-4, d_lr=2e-4, beta1=0.9, beta2=0.999,
            d_every=3, same_z=False, sample_every=300,
        ),
    ),
    Recipe(
        "dcgan-64", "",
        "DCGAN for any folder of pictures, 64x64 pixels. A few epochs show shapes, a few dozen faces.",
        TrainConfig(
            family="dcgan", image_size=64, z_dim=100, g_widths=(512, 256, 128, 64), d_widths=(64, 128, 256, 512),
            d_slope=0.2, d_output="sigmoid", init="dcgan", batch_size=128, epochs=5,
            g_lr=2e-4, d_lr=2e-4, beta1=0.5, beta2=0.999, log_every=5, sample_every=100, snapshot_every=500,
        ),
    ),
    Recipe(
        "mlp-100-smooth", "mnist",
        "A very small MLP with one-sided label smoothing: the discriminator is told 0.9 for real images. All ten "
        "digits can be made out; strokes stay rough and grainy.",
        TrainConfig(
            z_dim=100, prior="uniform", g_widths=(128,), g_slope=0.01, d_widths=(128,), d_slope=0.01, smoothing=0.1,
            batch_size=100, epochs=100, g_lr=2e-3, d_lr=2e-3, beta1=0.9, beta2=0.999, sample_every=600, sample_count=16,
        ),
    ),
    Recipe(
        "pattern-1010", "toy:1010",
        "The smallest GAN there is: four numbers that should read 1 0 1 0, from a constant. Trains in seconds.",
        TrainConfig(
            z_dim=1, prior="constant", g_widths=(3,), g_activation="sigmoid", g_output="sigmoid",
            d_widths=(3,), d_activation="sigmoid", d_output="sigmoid", loss="mse", optimizer="sgd",
            g_lr=1e-2, d_lr=1e-2, batch_size=1, epochs=0, steps=15_000, d_update="real-then-fake", sample_count=1,
        ),
    ),
    Recipe(
        "mlp-96", "mnist",
        "A wide MLP (1024-1024). All ten digits can be made out, in salt and pepper.",
        TrainConfig(
            z_dim=96, prior="uniform", g_widths=(1024, 1024), g_activation="relu", d_widths=(256, 256), d_slope=0.2,
            batch_size=128, epochs=10, g_lr=3e-4, d_lr=3e-4, beta1=0.5, beta2=0.999, sample_every=250, sample_count=16,
        ),
    ),
    Recipe(
        "dcgan-28", "mnist",
        "DCGAN for digits, 28x28 pixels: two transposed convolutions from 7x7. Digits after one epoch.",
        TrainConfig(
            family="dcgan", image_size=28, z_dim=100, g_widths=(256, 128), d_widths=(64, 128), d_slope=0.2,
            init="dcgan", batch_size=128, epochs=10, g_lr=2e-4, d_lr=2e-4, beta1=0.5, beta2=0.999, snapshot_every=1000,
        ),
    ),
    Recipe(
        "faces-64", "",
        "DCGAN for faces, 64x64 pixels, a quarter of dcgan-64's work: half its widths, faces also mirrored, labels "
        "smoothed, samples of the averaged generator.",
        _FACES,
    ),
    Recipe(
        "modern-28", "mnist",
        "What DCGAN has learned since, for digits: R1 gradient penalty, no batch norm in D, no momentum, falling "
        "learning rates, samples of the averaged generator.",
        dataclasses.replace(
            _MODERN, image_size=28, g_widths=(128, 64), d_widths=(64, 128), batch_size=64, epochs=20, g_lr=5e-4,
            d_lr=5e-4, r1_gamma=1.0, r1_every=4,
        ),
    ),
    Recipe(
        "modern-faces-64", "",
        # hinge: Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957
        "faces-64 with the hinge loss, more than twice as long, and with learning rates that fall over the last third, "
        "which helps most. For few pictures (below 5,000) set augment to translation.",
        dataclasses.replace(_FACES, loss="hinge", smoothing=0.0, epochs=72, lr_decay=0.3333),
    ),
    Recipe(
        "modern-64", "",
        "modern-28 for drawn pictures, 64x64 pixels, also in colour. For few of them (below 5,000) set augment to "
        "translation.",
        dataclasses.replace(
            _MODERN, image_size=64, flip=True, g_widths=(256, 128, 64, 32), d_widths=(32, 64, 128, 256), batch_size=32,
            epochs=60, g_lr=2e-4, d_lr=2e-4, r1_gamma=1.0, r1_every=8, sample_every=250, snapshot_every=1000,
        ),
    ),
)  # fmt: skip


def recipe(name: str) -> Recipe:
    """A recipe by name; raises `ConfigError` that lists the names."""
    if name not in RECIPES:
        raise ConfigError(
            f"unknown recipe {name!r}; known: {', '.join(RECIPES)}. {did_you_mean(name, RECIPES)}".rstrip()
        )
    return RECIPES[name]
