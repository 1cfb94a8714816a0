"""Products of a batch of tensors with the inverse roots of their factors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from oco.integrations.torch.factors import BatchedSketchedFactor, Factor, FactorState
from oco.integrations.torch.masks import one_by_one, times

__all__ = ["precondition"]


def precondition(
    axes: Sequence[int],
    factors: Sequence[Factor],
    states: Sequence[FactorState],
    tensor: Tensor,
    out: Tensor,
) -> None:
    """Multiply tensors along axes by their factors' inverse roots.

    Parameters
    ----------
    axes : sequence of int
        Of which there are factors: all p ≥ 2 of them in their order, or one.
    factors : sequence of Factor
        Theirs.
    states : sequence of dict
        Their numbers.
    tensor : Tensor of shape (batch, n_1, ..., n_p)
    out : Tensor of that shape
        Takes the result; has no memory in common with `tensor`, or all of it.
    """
    if tensor.ndim == 3 and all(isinstance(factor, BatchedSketchedFactor) for factor in factors):
        if len(axes) == 2:
            _both_sides(states[0], states[1], tensor, out)
        else:
            _one_side(axes[0], states[0], tensor, out)
        return
    if len(axes) == 1:
        moved = tensor.movedim(axes[0] + 1, -1)
        rows = moved.reshape(len(tensor), -1, factors[0].dim)
        result = factors[0].apply(states[0], rows).view(moved.shape)
        out.copy_(result.movedim(-1, axes[0] + 1))
        return
    current = tensor
    for factor, state in zip(factors, states, strict=True):
        # The axis is the first one; multiplied from the right, it becomes the last, and the next
        # one the first: after p axes all are where they were, and nothing has been copied.
        rows = current.reshape(len(tensor), factor.dim, -1).mT
        current = factor.apply(state, rows)
    out.copy_(current.reshape(tensor.shape))


def _both_sides(left: FactorState, right: FactorState, x: Tensor, out: Tensor) -> None:
    """Compute (t I + U w Uᵀ) X (s I + V z Vᵀ), for sketches on both sides, in few passes over X."""
    u, v = left["directions"], right["directions"]
    w, z = left["root"][:, :, None], right["root"][:, None]
    t = left["root_tail"].to(x.dtype)[:, None, None]
    s = right["root_tail"].to(x.dtype)[:, None, None]
    rows, columns = u.mT @ x, times(x, v) * z
    within = s * rows + (u.mT @ columns) @ v.mT
    thin, flat = torch.cat([u, t * columns], dim=2), torch.cat([w * within, v.mT], dim=1)
    _scaled_plus(x, s * t, thin, flat, out)


def _one_side(axis: int, state: FactorState, x: Tensor, out: Tensor) -> None:
    """Compute (t I + U w Uᵀ) X, or X (t I + U w Uᵀ)."""
    directions, root = state["directions"], state["root"]
    tail = state["root_tail"].to(x.dtype)[:, None, None]
    if axis == 0:
        thin, flat = directions, root[:, :, None] * (directions.mT @ x)
    else:
        thin, flat = times(x, directions) * root[:, None], directions.mT
    _scaled_plus(x, tail, thin, flat, out)


def _scaled_plus(x: Tensor, scale: Tensor, thin: Tensor, flat: Tensor, out: Tensor) -> None:
    """Compute scale X + (a thin matrix times a flat one)."""
    if x.data_ptr() == out.data_ptr() and one_by_one(x):
        # A factor that is a number costs no pass of its own.
        each = zip(
            out.unbind(), thin.unbind(), flat.unbind(), scale.flatten().tolist(), strict=True
        )
        for own, left, right, number in each:
            own.addmm_(left, right, beta=number)
        return
    torch.mul(x, scale, out=out)
    out.baddbmm_(thin, flat)
