"""What a discriminator thinks of pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from ganexplorer.core.checkpoint import Checkpoint
from ganexplorer.core.networks import Network, batch_size
from ganexplorer.core.render import MAX_BATCH, fold_batch_norm

SCORES = ("wgan", "wgan-gp", "hinge", "relativistic")  # losses whose discriminator gives no probability


class Judge:
    """A private copy of a discriminator, inference only and in eval mode.

    Parameters
    ----------
    discriminator
        Its weights are copied.
    loss
        The loss it was trained with, a name of `train.losses`. ``bce``, and whatever is not known: a verdict is the
        probability that an image is real, [0, 1]. ``mse``: the network's output, for which 1 is the target of real
        images, 0 of generated ones (Mao et al. 2017). Others: a score before any last sigmoid, higher for what it
        takes for real.
    """

    def __init__(self, discriminator: Network, device: torch.device | str = "cpu", loss: object = "bce") -> None:
        self.spec = discriminator.spec
        self.is_probability = loss not in ("mse", *SCORES)
        self._is_score = loss in SCORES
        self._device = torch.device(device)
        self._network = fold_batch_norm(discriminator).to(self._device).eval().requires_grad_(False)

    @torch.inference_mode()
    def verdicts(self, images: Tensor) -> Tensor:
        """Verdicts (N,), on the CPU, on images (N, C, H, W) in [-1, 1]."""
        chunks = torch.split(images.to(self._device), batch_size(self.spec, MAX_BATCH))
        judged = torch.cat([self._judge(chunk) for chunk in chunks])
        return judged.float().cpu()

    def _judge(self, images: Tensor) -> Tensor:
        if self.is_probability:
            return self._network.logits(images).sigmoid()
        return self._network.logits(images) if self._is_score else self._network(images)


def judge_of(checkpoint: Checkpoint, device: torch.device | str = "cpu") -> Judge | None:
    """The judge that a checkpoint brings, or None without a discriminator.

    Its verdicts are probabilities unless the card names a loss whose discriminator gives scores.
    """
    if checkpoint.discriminator is None:
        return None
    config = checkpoint.card.get("config")
    loss = config.get("loss") if isinstance(config, dict) else None
    return Judge(checkpoint.discriminator, device, loss)
