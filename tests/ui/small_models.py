"""Generators for the tests of the window."""

import torch

from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import build, initialize, mlp_discriminator, mlp_generator
from ganexplorer.core.spec import LeakyReLU, Tanh

Z_DIM = 64


def make_generator(seed=0, z_dim=Z_DIM, prior=None, image_shape=(1, 28, 28)):
    """A generator with weights large enough for every dimension to be seen."""
    spec = mlp_generator(z_dim, (32,), image_shape, prior or Prior.normal(), LeakyReLU(0.2), Tanh())
    network = build(spec)
    initialize(network, "default", torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(4)
    return network.eval().requires_grad_(False)


def make_discriminator(generator_spec, seed=1):
    """A discriminator that has something to say about the pictures of such a generator."""
    spec = mlp_discriminator((16,), generator_spec.image_shape, LeakyReLU(0.2), None)
    network = build(spec)
    initialize(network, "default", torch.Generator().manual_seed(seed))
    return network.eval().requires_grad_(False)
