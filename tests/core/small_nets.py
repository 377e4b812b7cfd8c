"""Small networks that the tests of the core share: every family, prior, output range and odd layer among them."""

from __future__ import annotations

import torch
from hypothesis import settings
from torch import Tensor, nn

from ganexplorer.core.latent import Prior
from ganexplorer.core.networks import (
    Network,
    build,
    dcgan_discriminator,
    dcgan_generator,
    initialize,
    mlp_discriminator,
    mlp_generator,
)
from ganexplorer.core.spec import (
    BatchNorm,
    Conv2d,
    LeakyReLU,
    Linear,
    NetworkSpec,
    ReLU,
    Reshape,
    Sigmoid,
    Tanh,
    Upsample,
)

# the same examples in every run and nothing left on the disk; the machine may be busy, so no deadline
quick = settings(max_examples=60, deadline=None, database=None, derandomize=True)

GENERATORS: dict[str, NetworkSpec] = {
    "mlp-64": mlp_generator(64, (16, 12), (1, 6, 5), Prior.normal(), LeakyReLU(0.01), Tanh()),
    "mlp-sigmoid": mlp_generator(7, (9,), (3, 4, 4), Prior.uniform(), ReLU(), Sigmoid()),
    "pattern": mlp_generator(1, (3,), (1, 1, 4), Prior.constant(0.5), Sigmoid(), Sigmoid()),
    "dcgan-16": dcgan_generator(10, (8, 6), (3, 16, 16), Prior.normal(), Tanh()),
    "dcgan-sigmoid": dcgan_generator(6, (5,), (1, 8, 8), Prior.uniform(-2, 3), Sigmoid()),
    "mlp-bn": NetworkSpec(
        (
            Linear(12, 16),
            BatchNorm(16),
            LeakyReLU(0.2),
            Linear(16, 18, bias=False),
            BatchNorm(18, eps=1e-3, momentum=0.2),
            Tanh(),
            Reshape((2, 3, 3)),
        ),
        (2, 3, 3),
        12,
        Prior.normal(),
    ),
    # batch norms that follow no linear or convolution layer, and convolutions with a bias
    "upsampling": NetworkSpec(
        (
            BatchNorm(4),
            Linear(4, 27),
            ReLU(),
            BatchNorm(27),
            Reshape((3, 3, 3)),
            Upsample(2, "bilinear"),
            Conv2d(3, 5, 3, 1, 1),
            BatchNorm(5),
            BatchNorm(5),
            LeakyReLU(0.1),
            Upsample(2),
            Conv2d(5, 1, 3, 1, 1),
            Tanh(),
        ),
        (1, 12, 12),
        4,
        Prior.uniform(),
    ),
}

DISCRIMINATORS: dict[str, NetworkSpec] = {
    "mlp-logits": mlp_discriminator((12, 8), (1, 6, 5), LeakyReLU(0.2), None),
    "mlp-sigmoid": mlp_discriminator((9,), (3, 4, 4), ReLU(), Sigmoid(), (0.0, 1.0)),
    "mlp-for-bn": mlp_discriminator((6,), (2, 3, 3), LeakyReLU(0.2), None),
    "dcgan-logits": dcgan_discriminator((4, 6), (3, 16, 16), LeakyReLU(0.2), None),
    "dcgan-sigmoid": dcgan_discriminator((5,), (1, 8, 8), LeakyReLU(0.2), Sigmoid()),
}


def seeded_generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def trained_like(spec: NetworkSpec, seed: int = 0) -> Network:
    """A network in eval mode whose batch norms look as after training: none is the identity."""
    generator = seeded_generator(seed)
    network = build(spec)
    initialize(network, "default", generator)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.weight.uniform_(-1.5, 1.5, generator=generator)
            module.bias.normal_(generator=generator)
            assert module.running_mean is not None
            assert module.running_var is not None
            assert module.num_batches_tracked is not None
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.05, 4.0, generator=generator)
            module.num_batches_tracked.fill_(1234)
    return network.eval().requires_grad_(False)


def latents(spec: NetworkSpec, count: int, seed: int = 0) -> Tensor:
    assert spec.prior is not None
    return spec.prior.sample(count, spec.z_dim, seeded_generator(seed))


def same_state(a: nn.Module, b: nn.Module) -> bool:
    """Equal names, types and bits of all parameters and buffers."""
    left, right = a.state_dict(), b.state_dict()
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype and torch.equal(left[name], right[name]) for name in left
    )
