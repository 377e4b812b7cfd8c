"""Directions from the weights and the activations of the first layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_nets import GENERATORS, latents, seeded_generator, trained_like
from torch import Tensor

from ganexplorer.core import first_layer, zoo
from ganexplorer.core.directions import dimension_effects, effects_along
from ganexplorer.core.errors import UserError
from ganexplorer.core.first_layer import first_weights, pca, sefa
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network
from ganexplorer.core.spec import (
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    Layer,
    Linear,
    NetworkSpec,
    ReLU,
    Reshape,
    Tanh,
    Upsample,
)

PRIORS = [Prior.normal(), Prior.normal(3, 0.2), Prior.uniform(), Prior.uniform(0, 4), Prior.constant(0.5)]


def network_of(*layers: Layer, z_dim: int, shape: tuple[int, int, int]) -> Network:
    return trained_like(NetworkSpec(layers, shape, z_dim, Prior.normal()))


def weight(network: Network, number: int) -> np.ndarray:
    array: np.ndarray = network.layers[number].state_dict()["weight"].numpy()
    return array


def right_vectors(matrix: np.ndarray) -> np.ndarray:
    """Right singular vectors, a row each, strongest first, by numpy."""
    return np.linalg.svd(matrix.astype(np.float64), full_matrices=False)[2]


def linear(weights: Tensor, prior: Prior) -> Network:
    """A generator that is one linear layer, weights (pixels, z_dim)."""
    pixels, z_dim = weights.shape
    spec = NetworkSpec((Linear(z_dim, pixels), Reshape((1, 1, pixels))), (1, 1, pixels), z_dim, prior)
    network = trained_like(spec)
    network.layers[0].load_state_dict({"weight": weights, "bias": torch.ones(pixels)})
    return network


# ---- first_weights


@pytest.mark.parametrize("name", ["mlp-64", "mlp-bn", "pattern"])
def test_the_weights_of_a_linear_layer(name: str) -> None:
    network = trained_like(GENERATORS[name])
    np.testing.assert_array_equal(first_weights(network).numpy(), weight(network, 0))


@pytest.mark.parametrize("name", ["dcgan-16", "dcgan-sigmoid"])
def test_the_weights_of_a_transposed_convolution_are_its_whole_kernel(name: str) -> None:
    network = trained_like(GENERATORS[name])
    raw = weight(network, 1)  # (z_dim, out, 4, 4)
    expected = raw.reshape(len(raw), -1).T
    np.testing.assert_array_equal(first_weights(network).numpy(), expected)


def test_a_transposed_convolution_with_padding_shows_what_is_left_of_its_kernel() -> None:
    network = network_of(Reshape((3, 1, 1)), ConvTranspose2d(3, 2, 4, 2, 1), Tanh(), z_dim=3, shape=(2, 2, 2))
    expected = weight(network, 1)[:, :, 1:3, 1:3].reshape(3, -1).T
    np.testing.assert_array_equal(first_weights(network).numpy(), expected)


def test_a_convolution_of_one_pixel_shows_the_taps_that_see_it() -> None:
    network = network_of(
        Reshape((3, 1, 1)), Conv2d(3, 5, 3, 1, 1), ReLU(), Conv2d(5, 1, 1), Tanh(), z_dim=3, shape=(1, 1, 1)
    )
    np.testing.assert_array_equal(first_weights(network).numpy(), weight(network, 1)[:, :, 1, 1])


def test_a_convolution_after_an_upsampling_shows_the_taps_that_see_the_same_value() -> None:
    network = network_of(Reshape((3, 1, 1)), Upsample(2), Conv2d(3, 2, 3, 1, 1), Tanh(), z_dim=3, shape=(2, 2, 2))
    raw = weight(network, 2)  # (2, 3, 3, 3); each of 2x2 pixels sees a 2x2 corner of the kernel
    corners = [raw[:, :, 1 - y : 3 - y, 1 - x : 3 - x].sum((2, 3)) for y in (0, 1) for x in (0, 1)]
    expected = np.stack(corners, 1).reshape(8, 3)
    np.testing.assert_allclose(first_weights(network).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_batch_norm_on_z_is_a_scale() -> None:
    network = trained_like(GENERATORS["upsampling"])
    norm = network.layers[0].state_dict()
    scale = norm["weight"] / torch.sqrt(norm["running_var"] + 1e-5)
    torch.testing.assert_close(first_weights(network), torch.from_numpy(weight(network, 1)) * scale)


def test_looking_at_the_weights_leaves_the_network_as_it_was() -> None:
    network = trained_like(GENERATORS["upsampling"]).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    sefa(network, 2)
    pca(network, Prior.uniform(), 2, samples=100)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(value.dtype == before[name].dtype for name, value in network.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_generator_without_such_a_layer_is_refused() -> None:
    for layers in [(Tanh(), Reshape((1, 1, 4))), (Tanh(), Linear(4, 4), Reshape((1, 1, 4)))]:
        network = network_of(*layers, z_dim=4, shape=(1, 1, 4))
        with pytest.raises(
            UserError, match=r"^This generator has no linear or convolution layer that z enters, .* Use"
        ):
            sefa(network, 2)
        with pytest.raises(UserError, match="no linear or convolution layer"):
            pca(network, Prior.normal(), 2)


def test_a_layer_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_layer, "MAX_VALUES", 64 * 16 - 1)
    with pytest.raises(UserError, match=r"too large to look for directions in its weights\. Use directions"):
        sefa(trained_like(GENERATORS["mlp-64"]), 2)


# ---- sefa


@pytest.mark.parametrize("name", ["mlp-64", "mlp-sigmoid", "mlp-bn", "dcgan-16", zoo.FIRST_MODEL])
def test_sefa_finds_the_singular_vectors_of_the_raw_weight(name: str) -> None:
    network = zoo.resolve(name).load().generator if name == zoo.FIRST_MODEL else trained_like(GENERATORS[name])
    raw = weight(network, 1 if name == "dcgan-16" else 0)
    matrix = raw.reshape(len(raw), -1).T if raw.ndim == 4 else raw
    found = sefa(network, 5)
    assert [d.name for d in found] == [f"SeFa {i}" for i in range(1, 6)]
    assert {d.origin for d in found} == {"sefa"}
    for direction, expected in zip(found, right_vectors(matrix), strict=False):
        assert abs(float(direction.vector.numpy() @ expected)) == pytest.approx(1, abs=1e-4)
        assert direction.vector[direction.vector.abs().argmax()] > 0
        assert np.isnan(direction.effect)


def test_sefa_takes_weights_as_well() -> None:
    network = trained_like(GENERATORS["mlp-64"])
    for ours, given in zip(sefa(network, 3), sefa(first_weights(network), 3), strict=True):
        assert torch.equal(ours.vector, given.vector)


def test_sefa_gives_no_more_directions_than_are_passed_on() -> None:
    assert len(sefa(trained_like(GENERATORS["mlp-64"]), 100)) == 16  # 64 dimensions, 16 features
    assert len(sefa(trained_like(GENERATORS["mlp-sigmoid"]), 100)) == 7
    assert sefa(torch.zeros(5, 3), 2) == []
    (only,) = sefa(trained_like(GENERATORS["pattern"]), 2)
    assert only.vector.tolist() == [1.0]


def test_in_a_linear_generator_sefa_and_the_dimensions_agree_with_finite_differences() -> None:
    """Axes of known strengths: the same order by weights, by effects along them and by the sliders' effects."""
    strengths = torch.tensor([1.0, 5.0, 0.2, 3.0])
    basis = torch.linalg.qr(torch.randn(50, 4, generator=seeded_generator())).Q
    network = linear(basis * strengths, Prior.normal())
    found = sefa(network, 4)
    assert [int(d.vector.abs().argmax()) for d in found] == [1, 3, 0, 2]
    effects = effects_along(network, Prior.normal(), torch.stack([d.vector for d in found]))
    assert effects.tolist() == sorted(effects.tolist(), reverse=True)
    assert dimension_effects(network, Prior.normal(), 4).argsort(descending=True).tolist() == [1, 3, 0, 2]


# ---- pca


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_pca_finds_a_planted_direction(prior: Prior) -> None:
    planted = torch.nn.functional.normalize(torch.randn(12, generator=seeded_generator(1)), dim=0)
    weights = torch.randn(40, 12, generator=seeded_generator(2)) * 0.1
    weights += 3 * torch.randn(40, 1, generator=seeded_generator(3)) @ planted[None]
    first, *others = pca(linear(weights, prior), prior, 5)
    assert (first.name, first.origin) == ("PCA 1", "pca")
    assert abs(first.vector @ planted) > 0.99
    assert first.vector[first.vector.abs().argmax()] > 0
    assert len(others) == 4
    assert all(abs(other.vector @ planted) < 0.3 for other in others)


@pytest.mark.parametrize("name", ["mlp-bn", "upsampling", "dcgan-16"])
def test_pca_is_that_of_numpy_on_the_activations(name: str) -> None:
    network = trained_like(GENERATORS[name])
    prior = network.spec.prior
    assert prior is not None
    stop = {"mlp-bn": 3, "upsampling": 4, "dcgan-16": 4}[name]  # after batch norm and activation
    z = latents(network.spec, 500, seed=6).double()
    data = network.layers[:stop](z.float()).flatten(1).double().numpy()
    data -= data.mean(0)
    left, values, _ = np.linalg.svd(data, full_matrices=False)
    coordinates = left * values
    solved = np.linalg.lstsq(coordinates[:, :3], z.numpy() - z.numpy().mean(0), rcond=None)[0]  # (3, z_dim)
    solved /= np.linalg.norm(solved, axis=1, keepdims=True)
    for direction, expected in zip(pca(network, prior, 3, samples=500, seed=6), solved, strict=True):
        assert abs(float(direction.vector.numpy() @ expected)) == pytest.approx(1, abs=1e-3)


def test_pca_of_one_dimension_and_of_more_than_there_are() -> None:
    pattern = trained_like(GENERATORS["pattern"])
    (only,) = pca(pattern, Prior.constant(0.5), 3)
    assert only.vector.tolist() == [1.0]
    assert 1 <= len(pca(trained_like(GENERATORS["mlp-sigmoid"]), Prior.uniform(), 100)) <= 7


def test_components_that_no_line_in_z_leads_to_are_left_out() -> None:
    """Two features a dimension, relu(z) and relu(-z): their sum |z| varies, and is no line; their difference is."""
    spec = NetworkSpec((Linear(3, 6), ReLU(), Reshape((1, 1, 6))), (1, 1, 6), 3, Prior.normal())
    network = trained_like(spec)
    axes = torch.eye(3) * torch.tensor([9.0, 3.0, 1.0])
    network.layers[0].load_state_dict({"weight": torch.cat([axes, -axes]), "bias": torch.zeros(6)})
    found = pca(network, Prior.normal(), 6)
    assert [int(d.vector.abs().argmax()) for d in found] == [0, 1, 2]
    assert all(d.vector.max() > 0.99 for d in found)


def test_dead_features_give_no_direction() -> None:
    spec = NetworkSpec((Linear(3, 6), ReLU(), Reshape((1, 1, 6))), (1, 1, 6), 3, Prior.uniform())
    network = trained_like(spec)
    network.layers[0].load_state_dict({"weight": torch.eye(6, 3), "bias": torch.full((6,), -9.0)})
    assert pca(network, Prior.uniform(), 2) == []


def test_fewer_samples_are_taken_where_a_layer_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    network = trained_like(GENERATORS["dcgan-16"])
    prior = Prior.normal()
    monkeypatch.setattr(first_layer, "MAX_VALUES", 300 * 8 * 4 * 4)
    few = pca(network, prior, 1)[0]
    again = pca(network, prior, 1, samples=300)[0]
    assert torch.equal(few.vector, again.vector)


def test_the_same_seed_gives_the_same_components() -> None:
    network = trained_like(GENERATORS["mlp-64"])
    first, again, other = (pca(network, Prior.normal(), 2, samples=500, seed=seed)[0].vector for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_batch_norm_before_the_first_layer_counts_in_both() -> None:
    network = network_of(BatchNorm(2), Linear(2, 8), Reshape((1, 2, 4)), z_dim=2, shape=(1, 2, 4))
    norm = network.layers[0]
    norm.load_state_dict(norm.state_dict() | {"weight": torch.tensor([0.01, 1.0]), "running_var": torch.ones(2)})
    assert sefa(network, 1)[0].vector.abs().argmax() == 1
    assert pca(network, Prior.normal(), 1)[0].vector.abs().argmax() == 1
