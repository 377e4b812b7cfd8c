"""From a spec to a PyTorch module, and the spec builders of the two families."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ganexplorer.core.latent import Prior
from ganexplorer.core.layers import module_of
from ganexplorer.core.spec import (
    MAX_ACTIVATIONS,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    Layer,
    LeakyReLU,
    Linear,
    NetworkSpec,
    ReLU,
    Reshape,
    Sigmoid,
    SpecError,
)

MAX_IMAGE = 16 * 1024 * 1024  # values
MAX_WORK = 1e11  # multiplications for one image: seconds of one core
# measured on one core: 5e10 multiplications a second, but with kernels larger than this a hundredth of it
FAST_KERNEL, SLOWDOWN = 16, 100
SLOPE = 0.2  # of a leaky ReLU below 0, in a mapping
ELEMENTWISE = 400  # multiplications that take as long as one value of an activation

Init = Literal["default", "dcgan", "he"]


class Network(nn.Module):
    """A built `NetworkSpec`.

    A generator maps z, (N, z_dim), to images, (N, C, H, W), in [-1, 1]. A discriminator maps such images to its
    verdict, (N,): a logit, or a probability where the spec ends in a sigmoid (`logits` stops before it).
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.layers = nn.Sequential(
            *(module_of(layer, shape) for layer, shape in zip(spec.layers, spec.shapes, strict=False))
        )
        low, high = spec.value_range
        # x in [-1, 1] = native * scale + shift; the identity costs nothing below
        self._scale, self._shift = 2 / (high - low), -1 - low * 2 / (high - low)

    def forward(self, x: Tensor) -> Tensor:
        if self.spec.is_generator:
            return self.to_unit(self.layers(x))
        return self.layers(self._to_native(x)).reshape(-1)  # type: ignore[no-any-return]

    def logits(self, x: Tensor) -> Tensor:
        """A discriminator's verdict, (N,), before its last sigmoid, if it has one."""
        stop = len(self.layers) - isinstance(self.layers[-1], nn.Sigmoid)
        x = self._to_native(x)
        for layer in self.layers[:stop]:
            x = layer(x)
        return x.reshape(-1)

    def to_unit(self, x: Tensor) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] from what a generator's last layer gives, in the value range of the spec."""
        return (x if self._scale == 1 else x * self._scale + self._shift).reshape(-1, *self.spec.image_shape)

    def _to_native(self, x: Tensor) -> Tensor:
        return x if self._scale == 1 else (x - self._shift) / self._scale


def build(spec: NetworkSpec, device: torch.device | str = "cpu") -> Network:
    """The module of a spec, weights uninitialised: fill them by `initialize` or `load_state_dict`."""
    return Network(spec).to(device)


def state_shapes(spec: NetworkSpec) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights of `build(spec)`, without the memory for them."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i, layer in enumerate(spec.layers):
        name = f"layers.{i}"
        match layer:
            case Linear(inputs, outputs):
                shapes[f"{name}.weight"] = (outputs, inputs)
            case Conv2d(inputs, outputs, kernel):
                shapes[f"{name}.weight"] = (outputs, inputs, kernel, kernel)
            case ConvTranspose2d(inputs, outputs, kernel):
                shapes[f"{name}.weight"] = (inputs, outputs, kernel, kernel)
            case BatchNorm(features):
                for leaf in ("weight", "bias", "running_mean", "running_var"):
                    shapes[f"{name}.{leaf}"] = (features,)
                shapes[f"{name}.num_batches_tracked"] = ()
        if isinstance(layer, Linear | Conv2d | ConvTranspose2d) and layer.bias:
            shapes[f"{name}.bias"] = (layer.outputs,)
    return shapes


def batch_size(spec: NetworkSpec, most: int) -> int:
    """How many samples go through a network at once, at most `most`, without filling the memory."""
    return max(1, min(most, MAX_ACTIVATIONS // max(math.prod(shape) for shape in spec.shapes)))


def check_cost(spec: NetworkSpec) -> None:
    """Raise `SpecError` for a network that fits within the bounds of a spec and would still keep a person waiting."""
    if math.prod(spec.image_shape) > MAX_IMAGE:
        shape = "x".join(map(str, spec.image_shape))
        raise SpecError(f"its images of {shape} have more than the {MAX_IMAGE:,} values that are shown")
    shapes = spec.shapes
    work = 0
    for layer, before, after in zip(spec.layers, shapes, shapes[1:], strict=False):
        pixels = math.prod((before if isinstance(layer, ConvTranspose2d) else after)[1:])
        is_slow = isinstance(layer, Conv2d | ConvTranspose2d) and layer.kernel > FAST_KERNEL
        work += layer.parameter_count * pixels * (SLOWDOWN if is_slow else 1) + ELEMENTWISE * math.prod(after)
    if work > MAX_WORK:
        raise SpecError(
            f"one image would take {work / 1e9:,.0f} billion multiplications, at most {MAX_WORK / 1e9:,.0f} are allowed"
        )


@torch.no_grad()
def initialize(network: Network, scheme: Init, generator: torch.Generator) -> None:
    """Draw first weights, from `generator` alone (the global random state is not touched).

    ``default``: PyTorch's own for linear and convolution layers, U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weight
    and bias, in its order. ``dcgan``: weights of (transposed) convolutions and linear layers N(0, .02), biases
    0, batch norm scale N(1, .02), shift 0 (Radford et al. 2016, arXiv:1511.06434, section 4). ``he``: weights
    N(0, 2 / fan_in), biases 0 (He et al. 2015, arXiv:1502.01852, eq. 10): signals keep their size where no batch norm
    holds them. The fan-in is what PyTorch takes for it, which of a transposed convolution is that of its gradient: its
    pictures begin in strong contrast. With the true one, modern-28 learned more slowly (LeNet-FID 405 instead of 283
    after 1,000 steps).
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            if scheme == "dcgan":
                module.weight.normal_(1.0, 0.02, generator=generator)
            else:
                module.weight.fill_(1.0)
            module.bias.zero_()
        elif isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            if scheme == "dcgan":
                module.weight.normal_(0.0, 0.02, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
                continue
            # dim 1 of every weight counts the fan-in, also (as PyTorch has it) of a transposed convolution
            fan_in = module.weight[0].numel()
            if scheme == "he":
                module.weight.normal_(0.0, math.sqrt(2 / fan_in), generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
                continue
            bound = 1 / math.sqrt(fan_in)
            module.weight.uniform_(-bound, bound, generator=generator)
            if module.bias is not None:
                module.bias.uniform_(-bound, bound, generator=generator)


def mlp_generator(
    z_dim: int,
    hidden: Sequence[int],
    image_shape: tuple[int, int, int],
    prior: Prior,
    activation: Layer,
    output: Layer,
) -> NetworkSpec:
    """Linear layers z_dim-hidden-pixels, `activation` between, `output` (tanh or sigmoid) at the end."""
    layers = _mlp([z_dim, *hidden, math.prod(image_shape)], activation)
    layers += [output, Reshape(image_shape)]
    return NetworkSpec(tuple(layers), image_shape, z_dim, prior, _range_of(output))


def mlp_discriminator(
    hidden: Sequence[int],
    image_shape: tuple[int, int, int],
    activation: Layer,
    output: Layer | None,
    value_range: tuple[float, float] = (-1.0, 1.0),
) -> NetworkSpec:
    """Linear layers pixels-hidden-1; `output` is a sigmoid, or None for logits."""
    pixels = math.prod(image_shape)
    layers: list[Layer] = [Reshape((pixels,)), *_mlp([pixels, *hidden, 1], activation)]
    if output is not None:
        layers.append(output)
    return NetworkSpec(tuple(layers), image_shape, value_range=value_range)


def dcgan_generator(
    z_dim: int,
    widths: Sequence[int],
    image_shape: tuple[int, int, int],
    prior: Prior,
    output: Layer,
    mapping: int = 0,
) -> NetworkSpec:
    """Transposed 4x4 convolutions without bias, batch norm and ReLU between (Radford et al. 2016).

    The first lifts z to ``widths[0]`` channels of a few pixels, 4x4 to 7x7; each further one doubles the size: an image
    of 64 pixels needs four widths (from 4x4), one of 28 two (from 7x7).

    `mapping` above 0 puts two hidden layers of that width (`mapping_layers`) before the first: with them a generator
    can go from one kind of image to another within a shorter way of z (the mapping network of Karras et al. 2019,
    arXiv:1812.04948, section 2).
    """
    channels, first = _dcgan_sizes(widths, image_shape)
    layers: list[Layer] = mapping_layers(z_dim, mapping) if mapping else []
    inputs = mapping or z_dim
    layers += [Reshape((inputs, 1, 1)), ConvTranspose2d(inputs, widths[0], first, 1, 0, bias=False)]
    layers += [BatchNorm(widths[0]), ReLU()]
    for inputs, outputs in itertools.pairwise(widths):
        layers += [ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), BatchNorm(outputs), ReLU()]
    layers += [ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=False), output]
    return NetworkSpec(tuple(layers), image_shape, z_dim, prior, _range_of(output))


def mapping_layers(z_dim: int, width: int) -> list[Layer]:
    """Two hidden layers of `width`, each with a leaky ReLU of `SLOPE`."""
    return [Linear(z_dim, width), LeakyReLU(SLOPE), Linear(width, width), LeakyReLU(SLOPE)]


def dcgan_discriminator(
    widths: Sequence[int],
    image_shape: tuple[int, int, int],
    activation: Layer,
    output: Layer | None,
    value_range: tuple[float, float] = (-1.0, 1.0),
    batch_norm: bool = True,
    head: int = 0,
) -> NetworkSpec:
    """Strided 4x4 convolutions without bias, batch norm except first and last (Radford et al. 2016).

    Without batch norm convolutions have biases. Gradient penalties ask for that: through a batch norm, the verdict on
    an image depends on its neighbours (Gulrajani et al. 2017, arXiv:1704.00028, section 4).

    `head` above 0 puts a hidden layer of that width before the verdict, which sees the whole image at little cost; the
    DCGAN paper has none, later discriminators do (Karras et al. 2018, arXiv:1710.10196, table 2).
    """
    channels, last = _dcgan_sizes(widths, image_shape)
    bias = not batch_norm
    layers: list[Layer] = [Conv2d(channels, widths[0], 4, 2, 1, bias=bias), activation]
    for inputs, outputs in itertools.pairwise(widths):
        norm = [BatchNorm(outputs)] if batch_norm else []
        layers += [Conv2d(inputs, outputs, 4, 2, 1, bias=bias), *norm, activation]
    if head:
        inputs = widths[-1] * last * last
        layers += [Reshape((inputs,)), Linear(inputs, head), activation, Linear(head, 1)]
    else:
        layers += [Conv2d(widths[-1], 1, last, 1, 0, bias=bias), Reshape((1,))]
    if output is not None:
        layers.append(output)
    return NetworkSpec(tuple(layers), image_shape, value_range=value_range)


def _mlp(sizes: Sequence[int], activation: Layer) -> list[Layer]:
    layers: list[Layer] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [Linear(inputs, outputs), activation]
    return layers[:-1]


def _range_of(output: Layer) -> tuple[float, float]:
    return (0.0, 1.0) if isinstance(output, Sigmoid) else (-1.0, 1.0)


def _dcgan_sizes(widths: Sequence[int], image_shape: tuple[int, int, int]) -> tuple[int, int]:
    """Channels of the image, and the side in pixels of what is next to z (in D: to the verdict)."""
    channels, height, width = image_shape
    scale = 2 ** len(widths)
    side, rest = divmod(height, scale)
    if not widths or height != width or rest or not 4 <= side <= 7:
        sizes = ", ".join(str(scale * side) for side in range(4, 8))
        raise SpecError(
            f"{len(widths)} widths make a DCGAN for square images of {sizes} pixels, not for {height}x{width}: "
            "change the widths or the image size"
        )
    return channels, side
