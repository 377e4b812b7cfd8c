"""The Python face: load, sample, and the generator they speak of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_nets import DISCRIMINATORS, GENERATORS, latents, trained_like

import ganexplorer
from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.errors import UserError
from ganexplorer.core.generator import Generator
from ganexplorer.core.latent import seeded, truncate
from ganexplorer.core.zoo import save_model


@pytest.fixture(params=GENERATORS)
def generator(request: pytest.FixtureRequest) -> Generator:
    return Generator(Checkpoint(trained_like(GENERATORS[request.param]), None, {"step": 3}))


def test_a_generator_tells_its_shapes_prior_spec_and_card(generator: Generator) -> None:
    spec = generator.spec
    assert spec in GENERATORS.values()
    assert (generator.z_dim, generator.image_shape, generator.prior) == (spec.z_dim, spec.image_shape, spec.prior)
    assert generator.card == {"step": 3}


def test_a_generator_gives_the_images_of_its_network(generator: Generator) -> None:
    z = latents(generator.spec, 3)
    assert torch.equal(generator(z), trained_like(generator.spec)(z))


def test_images_need_no_gradient_even_when_z_has_one(generator: Generator) -> None:
    assert not generator(latents(generator.spec, 2).requires_grad_(True)).requires_grad


def test_an_image_does_not_depend_on_its_neighbours(generator: Generator) -> None:
    z = latents(generator.spec, 8)
    torch.testing.assert_close(generator(z)[:1], generator(z[:1]), rtol=0, atol=1e-5)


@pytest.mark.parametrize("shape", [(64,), (1, 63), (1, 65), (1, 64, 1), ()])
def test_z_of_the_wrong_shape_is_refused_with_both_shapes(shape: tuple[int, ...]) -> None:
    generator = Generator(Checkpoint(trained_like(GENERATORS["mlp-64"])))
    with pytest.raises(ValueError, match=r"expected \(N, 64\)") as caught:
        generator(torch.zeros(shape))
    assert f"z has shape {shape}" in str(caught.value)


def test_no_latents_are_no_images(generator: Generator) -> None:
    assert generator(torch.zeros(0, generator.z_dim)).shape == (0, *generator.image_shape)


def test_load_opens_a_model_of_the_person_s_own_by_name(home: Path) -> None:
    network = trained_like(GENERATORS["dcgan-16"])
    save_model(home / "models" / "my-faces", Checkpoint(network, trained_like(DISCRIMINATORS["dcgan-logits"])))
    generator = ganexplorer.load("my-faces")
    z = latents(network.spec, 2)
    assert torch.equal(generator(z), network(z))


def test_load_opens_a_file(tmp_path: Path) -> None:
    Checkpoint(trained_like(GENERATORS["pattern"]), None, {"step": 9}).save(tmp_path / "p.safetensors")
    assert ganexplorer.load(str(tmp_path / "p.safetensors")).card == {"step": 9}


def test_load_of_an_unknown_model_is_a_user_error() -> None:
    with pytest.raises(UserError, match="no such model"):
        ganexplorer.load("no-model-of-that-name")


def test_sample_draws_seeded_latents_from_the_prior(generator: Generator) -> None:
    z = ganexplorer.sample(generator, 5, seed=4)
    assert torch.equal(z, seeded(generator.prior, generator.z_dim, 4, 5))
    assert torch.equal(ganexplorer.sample(generator, seed=4), z[:1])


def test_sample_truncates_about_the_centre_of_the_prior(generator: Generator) -> None:
    z = seeded(generator.prior, generator.z_dim, 0, 3)
    assert torch.equal(ganexplorer.sample(generator, 3, truncation=0.5), truncate(z, generator.prior, 0.5))
