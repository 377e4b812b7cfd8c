"""Weights that were stored in two factors, as single ones: what the layer multiplies by in eval mode.

Weight norm (Salimans and Kingma 2016, arXiv:1602.07868): w = g v / |v|, usually over all dimensions but the first.
Spectral norm (Miyato et al. 2018, arXiv:1802.05957): w = v / sigma, sigma = a W b with the stored vectors a and b.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ganexplorer.core.foreign.parts import NotUnderstood

Tensors = Mapping[str, NDArray[np.generic]]

# leaf names of (direction or matrix, magnitude) and of (matrix, left vector, right vector), old and new style
_WEIGHT_NORMS = (
    ("weight_v", "weight_g"),
    ("parametrizations.weight.original1", "parametrizations.weight.original0"),
)
_SPECTRAL_NORMS = (
    ("weight_orig", "weight_u", "weight_v"),
    ("parametrizations.weight.original", "parametrizations.weight.0._u", "parametrizations.weight.0._v"),
)


def plain(tensors: Tensors) -> dict[str, NDArray[np.generic]]:
    """The tensors with every factored weight replaced by ``weight``; order kept. Raises `NotUnderstood`."""
    result: dict[str, NDArray[np.generic]] = {}
    done: set[str] = set()
    for name, values in tensors.items():
        if name in done:
            continue
        for leaves in (*_SPECTRAL_NORMS, *_WEIGHT_NORMS):
            prefix = next((_prefix(name, leaf) for leaf in leaves if _prefix(name, leaf) is not None), None)
            if prefix is not None and all(prefix + leaf in tensors for leaf in leaves):
                done |= {prefix + leaf for leaf in leaves}
                factors = [np.asarray(tensors[prefix + leaf], np.float32) for leaf in leaves]
                try:
                    result[f"{prefix}weight"] = _spectral(*factors) if len(factors) == 3 else _weight_norm(*factors)
                except ValueError:
                    raise NotUnderstood(f"{prefix}weight is stored in factors that do not fit each other") from None
                break
        else:
            result[name] = values
    return result


def _prefix(name: str, leaf: str) -> str | None:
    """What stands before a leaf's name, with its dot."""
    if name == leaf:
        return ""
    return name[: -len(leaf)] if name.endswith((f".{leaf}", f"/{leaf}")) else None


def _weight_norm(v: NDArray[np.float32], g: NDArray[np.float32]) -> NDArray[np.float32]:
    """The norm is over the dimensions that g has not; over all where g is one number."""
    if g.size != 1 and (g.ndim != v.ndim or any(n not in (1, m) for n, m in zip(g.shape, v.shape, strict=True))):
        raise ValueError
    axes = tuple(i for i in range(v.ndim) if g.size == 1 or g.shape[i] == 1)
    lengths = np.sqrt((v.astype(np.float64) ** 2).sum(axes, keepdims=True))
    scale = (g.reshape(lengths.shape) if g.size == 1 else g) / np.maximum(lengths, 1e-38)
    weight: NDArray[np.float32] = (v * scale).astype(np.float32)
    return weight


def _spectral(matrix: NDArray[np.float32], u: NDArray[np.float32], v: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows are the outputs: dimension 0, but 1 of a transposed convolution."""
    best: tuple[float, float] | None = None
    for dim in range(min(matrix.ndim, 2)):
        rows = np.moveaxis(matrix, dim, 0).reshape(matrix.shape[dim], -1)
        if rows.shape != (u.size, v.size):
            continue
        image = rows @ v
        length = float(np.linalg.norm(image))
        sigma = float(u @ image)
        # of two that fit by size, the one whose left vector is where the matrix sends the right one
        misfit = float(np.linalg.norm(image / max(length, 1e-38) - u))
        if best is None or misfit < best[0]:
            best = misfit, sigma
    if best is None or best[1] == 0:
        raise ValueError
    return (matrix / np.float32(best[1])).astype(np.float32)
