"""Shampoo's preconditioner of one tensor: where its blocks lie, and a factor for each axis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import torch

from oco.integrations.torch.factors import ExactFactor, SketchedFactor
from oco.integrations.torch.roots import Root
from oco.integrations.torch.unfoldings import unfold, unfoldings
from oco.shampoo import Side, layout

__all__ = ["Preconditioner", "preconditioner"]

CACHED = 1024


@dataclass(frozen=True)
class Preconditioner:
    """The Kronecker-factored preconditioner of tensors of one shape.

    Attributes
    ----------
    shape : tuple of int
        The axes that are longer than 1.
    blocks : tuple of tuple of slice
        Where each block lies in a tensor of that shape.
    factors : tuple of tuple of ExactFactor or SketchedFactor
        For each block, the factor of each axis.

    Notes
    -----
    The state is a dictionary of the blocks, by their number as a text, each of them a dictionary of
    the axes' states in the same manner: PyTorch flattens nested dictionaries, and no lists.
    """

    shape: tuple[int, ...]
    blocks: tuple[tuple[slice, ...], ...]
    factors: tuple[tuple[ExactFactor | SketchedFactor, ...], ...]

    @property
    def order(self) -> int:
        """p, the number of axes; tensors with fewer than two are not preconditioned here."""
        return len(self.shape)

    def zeros(self, like: torch.Tensor) -> dict:
        """Return the state before the first gradient, of `like`'s type and on its device."""
        return _numbered(
            _numbered(factor.zeros(like) for factor in factors) for factors in self.factors
        )

    def refreshed(self, state: dict, gradient: torch.Tensor, decay: float, root: Root) -> dict:
        """Return the state after a gradient; the one that is given stays as it was.

        Parameters
        ----------
        state : dict
            From `zeros` or from here.
        gradient : Tensor
            Of shape `shape`.
        decay : float
            What the statistics are multiplied by before they absorb the gradient.
        root : Root
            What the inverse roots are.

        Raises
        ------
        torch.linalg.LinAlgError
            If something is not finite.
        """
        result = {}
        for b, (block, factors) in enumerate(zip(self.blocks, self.factors, strict=True)):
            states = []
            parts = unfoldings(gradient[block])
            for axis, (factor, unfolding) in enumerate(zip(factors, parts, strict=True)):
                numbers = dict(state[str(b)][str(axis)])
                factor.absorb(numbers, unfolding, decay)
                factor.invert(numbers, root)
                states.append(numbers)
            result[str(b)] = _numbered(states)
        return result

    def apply_(self, state: dict, tensor: torch.Tensor) -> None:
        """Precondition a tensor of shape `shape`, in place."""
        for b, (block, factors) in enumerate(zip(self.blocks, self.factors, strict=True)):
            part = tensor[block]
            for axis, factor in enumerate(factors):
                numbers = state[str(b)][str(axis)]
                matrix = unfold(part, axis)
                factor.apply_(numbers, matrix)
                if matrix.data_ptr() != part.data_ptr():
                    # The unfolding of a tensor of higher order is a copy, as a rule.
                    moved = part.movedim(axis, 0)
                    moved.copy_(matrix.reshape(moved.shape))


@lru_cache(CACHED)
def preconditioner(
    shape: tuple[int, ...],
    k: int | tuple[int | None, ...] | None,
    max_axis: int | None,
) -> Preconditioner:
    """Return the preconditioner of tensors of a shape.

    Parameters
    ----------
    shape : tuple of int
        Shape of the parameter; its axes of length 1 are merged away.
    k : int, None, or tuple of these
        As for `oco.shampoo.layout`.
    max_axis : int or None
        A longer axis is cut into blocks of this length, the last of which may be shorter.

    Examples
    --------
    >>> preconditioner((3, 1, 9), 4, None).factors
    ((ExactFactor(dim=3), SketchedFactor(dim=9, rank=4)),)
    """
    plan = layout(shape, k, max_axis)
    factors = tuple(tuple(map(_factor, sides)) for sides in plan.sides)
    return Preconditioner(plan.shape if plan.order else (), plan.blocks, factors)


def _numbered(states: Iterable[dict]) -> dict:
    return {str(i): state for i, state in enumerate(states)}


def _factor(side: Side) -> ExactFactor | SketchedFactor:
    return ExactFactor(side.dim) if side.k is None else SketchedFactor(side.dim, side.k)
