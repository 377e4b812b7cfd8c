"""Directions that are found in the first layer of a generator, without a picture being looked at."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from ganexplorer.core.directions import Direction, exploring, oriented, principal_axes
from ganexplorer.core.errors import UserError
from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import Network, batch_size
from ganexplorer.core.spec import Activation, BatchNorm, Conv2d, ConvTranspose2d, Linear

MAX_VALUES = 2**26  # of the first layer's weights as one matrix, and of the activations that are looked at together


@torch.no_grad()
def first_weights(network: Network) -> Tensor:
    """A of the first linear or convolution layer's output A z + b, (features, z_dim), float32 on the CPU.

    What comes before it (a batch norm on z, a reshape, an upsampling) is part of A: each of them is affine, so that a
    column of A is what the output changes by when one dimension of z goes from 0 to 1. A convolution shows
    with just those taps that see z.

    Raises `UserError` where no such layer comes before an activation, or the matrix would be too large.
    """
    index = _first_layer(network)
    layers = copy.deepcopy(network.layers[: index + 1]).cpu().double().eval()
    z_dim = network.spec.z_dim
    offset = layers(torch.zeros(1, z_dim, dtype=torch.float64)).flatten(1)
    chunks = torch.split(torch.eye(z_dim, dtype=torch.float64), batch_size(network.spec, 64))
    return torch.cat([(layers(chunk).flatten(1) - offset).float() for chunk in chunks]).T.contiguous()


def sefa(network: Network | Tensor, count: int) -> list[Direction]:
    """The directions that the first layer passes on most strongly, strongest first; `SeFa 1`, `SeFa 2`, …

    Eigenvectors of A^T A, A being `first_weights` (or given itself): Shen & Zhou 2021, arXiv:2007.06600. No more than
    A has directions that it passes on. Raises `UserError` as `first_weights` does.
    """
    weights = first_weights(network) if isinstance(network, Network) else network.detach().cpu()
    weights = weights.double()
    axes = principal_axes(weights.T @ weights, count)
    return [Direction.of(f"SeFa {number}", axis, origin="sefa") for number, axis in enumerate(axes, 1)]


@torch.no_grad()
def pca(network: Network, prior: Prior, count: int, samples: int = 4096, seed: int = 0) -> list[Direction]:
    """Principal components of the first layer's activations, strongest first; `PCA 1`, `PCA 2`, …

    GANSpace (Härkönen et al. 2020, arXiv:2004.02546): activations (after the batch norm and activation that follow the
    layer) of `samples` latents of the prior, each component brought back to z by least squares. Components
    that hardly follow any line in z, and such as lead to a direction that is there already, are left out.

    Raises `UserError` as `first_weights` does.
    """
    index = _first_layer(network)
    layers = network.spec.layers
    while index + 1 < len(layers) and isinstance(layers[index + 1], BatchNorm | Activation):
        index += 1
    modules = copy.deepcopy(network.layers[: index + 1]).cpu().eval()
    z_dim = network.spec.z_dim
    samples = min(samples, MAX_VALUES // math.prod(network.spec.shapes[index + 1]))
    random = torch.Generator().manual_seed(seed)
    z = exploring(prior).sample(samples, z_dim, random)
    count = min(count, z_dim)
    activations = _activations(modules, z, batch_size(network.spec, 256))
    coordinates, strengths = _principal_coordinates(activations, count + z_dim + 16, random)
    z = z - z.mean(0)
    correlations = (coordinates.T @ z) / z.norm(dim=0).clamp(min=1e-12)  # (components, z_dim)
    explained = correlations.square().sum(1)
    # what noise reaches (its mean and five standard deviations), and 2 percent
    least = (z_dim + 5 * math.sqrt(2 * z_dim)) / samples + 0.02
    found: list[Direction] = []
    for i in range(len(strengths)):
        if len(found) == count or not strengths[i] > 1e-5 * strengths[0]:
            break
        vector = coordinates[:, i] @ z
        if explained[i] <= least or not vector.any():
            continue
        direction = Direction.of(f"PCA {len(found) + 1}", oriented(vector), origin="pca")
        if all(abs(float(direction.vector @ other.vector)) < 0.98 for other in found):
            found.append(direction)
    return found


def _first_layer(network: Network) -> int:
    """The number of the first linear or convolution layer; raises `UserError`."""
    spec = network.spec
    for index, layer in enumerate(spec.layers):
        if isinstance(layer, Activation):
            break
        if isinstance(layer, Linear | Conv2d | ConvTranspose2d):
            if math.prod(spec.shapes[index + 1]) * spec.z_dim > MAX_VALUES:
                raise UserError(
                    "The first layer of this generator is too large to look for directions in its weights. "
                    "Use directions that are measured on pictures."
                )
            return index
    raise UserError(
        "This generator has no linear or convolution layer that z enters, so its weights show no directions. "
        "Use directions that are measured on pictures."
    )


def _activations(layers: nn.Module, z: Tensor, chunk_size: int) -> Tensor:
    """What `layers` make of z less its mean, (N, features)."""
    activations = torch.cat([layers(chunk).flatten(1) for chunk in torch.split(z, chunk_size)])
    return activations.sub_(activations.mean(0))


def _principal_coordinates(data: Tensor, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Left singular vectors, (N, K), and singular values, (K,), of data, (N, features): the `count` largest or all.

    Subspace iteration from random vectors (Halko et al. 2011, arXiv:0909.4061); exact where `count` reaches `features`.
    """
    count = min(count, *data.shape)
    basis = torch.randn(data.shape[1], count, generator=random)
    for _ in range(5):
        basis = torch.linalg.qr(data.T @ (data @ basis)).Q
    left, values, _ = torch.linalg.svd(data @ basis, full_matrices=False)
    return left, values
