"""The step of each coordinate by its own second moment, kept for each or as means along axes."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from oco.integrations.torch.batches import Batch
from oco.integrations.torch.masks import norms, wide
from oco.integrations.torch.sharding import Shards
from oco.integrations.torch.state import FACTORED, needed

__all__ = ["coordinatewise", "lengths", "new_part", "next_means"]


def coordinatewise(
    batch: Batch, gradients: Tensor, x: Tensor, weights: dict[str, Tensor], group: dict[str, Any]
) -> Tensor:
    """Return m̂/(√v̂ + eps), with x in the place of m̂ but for the graft "adam"."""
    state, (beta1, beta2) = batch.numbers, group["betas"]
    factored = FACTORED in needed(group, batch.layout)
    if factored:
        root = _outer(batch, next_means(batch, gradients, beta2), gradients).sqrt_()
    else:
        root = state["second_moment"] * beta2
        root.addcmul_(gradients, gradients, value=new_part(beta2)).sqrt_()
    # An eps that the type cannot tell from zero would make 0/0 of a coordinate without gradient.
    eps: Any = max(group["eps"], torch.finfo(root.dtype).tiny)
    scale: Any = 1.0
    if group["bias_correction"] and beta2 < 1:
        scale = weights[FACTORED if factored else "second_moment"].sqrt()
        eps = (scale * group["eps"]).clamp_min(torch.finfo(root.dtype).tiny)
    if group["graft"] == "adam" and not factored:
        x = torch.lerp(state["first_moment"], gradients, 1 - beta1)
        if group["bias_correction"]:
            scale = scale / weights["first_moment"]
    root.add_(wide(eps, root) if isinstance(eps, Tensor) else eps)
    result = torch.div(x, root, out=root)
    return result.mul_(wide(scale, root) if isinstance(scale, Tensor) else scale)


def next_means(batch: Batch, gradients: Tensor, beta2: float) -> Tensor:
    """Return r_i ← β₂ r_i + (1 − β₂) (the mean of g² over all axes but i), one after the other.

    Of a tensor that is cut by rows all processes have all of them.
    """
    shape, size = batch.layout.shape, math.prod(batch.layout.shape)
    squares = gradients.square().view(len(gradients), -1, *shape[1:])
    sums = []
    for axis, length in enumerate(shape):
        total = squares.sum([i + 1 for i in range(len(shape)) if i != axis])
        if axis == 0 and batch.rows is not None:
            own, total = total, total.new_zeros(1, length)
            total[:, batch.rows] = own
        sums.append(total * (length / size))
    means = batch.shards.total(torch.cat(sums, dim=1))
    return torch.add(means * new_part(beta2), batch.numbers[FACTORED], alpha=beta2)


def _outer(batch: Batch, means: Tensor, like: Tensor) -> Tensor:
    """Return (r_1 ⊗ ... ⊗ r_p)/r̄^(p − 1), this process's part of it."""
    first, *others = means.split(batch.layout.shape, dim=1)
    overall = first.mean(1, keepdim=True)
    result = first if batch.rows is None else first[:, batch.rows]
    for mean in others:
        relative = torch.where(overall > 0, mean / overall, 0.0)
        result = result[..., None] * relative.view(len(mean), *[1] * (result.ndim - 1), -1)
    return result.view(like.shape)


def lengths(batch: Batch, tensors: Tensor) -> Tensor:
    """Return the Frobenius norms of all of the tensors of which this process may hold a part."""
    if not isinstance(batch.shards, Shards):
        return norms(tensors)
    return batch.shards.total(norms(tensors).square()).sqrt()


def new_part(beta: float) -> float:
    """Return how much of an average is new: 1 − β, or 1 where it sums without forgetting."""
    return 1 - beta if beta < 1 else 1.0
