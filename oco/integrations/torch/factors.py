"""Factors of a batch of tensors of one shape: exact covariances, or Frequent Directions sketches.

A factor knows sizes only.  Its numbers are a dictionary of tensors whose first axis is the batch;
methods return new ones and write to none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from oco.integrations.torch import masks
from oco.integrations.torch.eigenvectors import (
    eigh,
    leading_eigenvectors,
    orthonormal_basis,
    scipy_linalg,
)
from oco.integrations.torch.masks import times, wide
from oco.rounding import signs
from oco.shampoo import MORE_DIRECTIONS, NOISE, RANK_CUTOFF, Side

__all__ = [
    "BatchedExactFactor",
    "BatchedRoot",
    "BatchedSketchedFactor",
    "Factor",
    "Unfolding",
    "make_factor",
    "unfoldings",
]

# On a CPU, NumPy's product of a matrix and its own transpose, which takes half of the operations,
# pays where the result is at least this large.
LARGE = 128

FactorState = dict[str, Tensor]


class BatchedRoot(NamedTuple):
    """Which root of a covariance estimate C̃ preconditions: (c C̃ + ε λ_max(c C̃) I)^(−e).

    Attributes
    ----------
    scale : Tensor of shape (batch,)
        c > 0, in float64.
    epsilon : float
        ε ≥ 0.
    power : float
        e > 0.
    tail : {"escaped", "half", "mean"}
        What C̃ is where it is made from a sketch: `oco.shampoo.tail_of`.
    floor : float
        φ ≥ 0: so many times the mean eigenvalue of C is added: `oco.shampoo.floor_of`.
    """

    scale: Tensor
    epsilon: float
    power: float
    tail: str = "escaped"
    floor: float = 0.0

    def weights(self, values: Tensor, mean: Tensor, noise: float = 0.0) -> Tensor:
        """Return the inverse roots of eigenvalues of C̃, of shape (batch, n), in float64.

        `mean` is that of all eigenvalues of C.  Values may be in error by `noise` times the
        largest.  An ε of at least a rounding is more than what rounding makes of zero; without one,
        what may be zero has the inverse 0.

        Examples
        --------
        >>> root = BatchedRoot(torch.ones(1, dtype=torch.float64), epsilon=0.0, power=0.25)
        >>> root.weights(torch.tensor([[16.0, 1e-8]]), mean=torch.tensor([8.0]), noise=1e-6)
        tensor([[0.5000, 0.0000]], dtype=torch.float64)
        """
        if self.epsilon >= torch.finfo(values.dtype).eps:
            noise = 0.0
        values = self.scale[:, None] * values.double()
        values = values + self.epsilon * values.amax(1, keepdim=True)
        if self.floor:
            values += (self.floor * self.scale * mean.double())[:, None]
        zero = values <= max(noise, RANK_CUTOFF) * values.amax(1, keepdim=True)
        return values.masked_fill_(zero, torch.inf).pow_(-self.power)


class Unfolding:
    """Matrices M whose Gram matrices M Mᵀ and Mᵀ M are computed on demand, at most once.

    Parameters
    ----------
    matrix : Tensor of shape (batch, n, r)
        M.

    Examples
    --------
    >>> unfolding = Unfolding(torch.tensor([[[1.0, 2.0]]]))
    >>> unfolding.gram, unfolding.T.gram
    (tensor([[[5.]]]), tensor([[[1., 2.], [2., 4.]]]))
    """

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix

    @cached_property
    def gram(self) -> Tensor:
        """M Mᵀ, of shape (batch, n, n); not to be changed."""
        if self.matrix.device.type != "cpu" or self.matrix.shape[1] < LARGE:
            return self.matrix @ self.matrix.mT
        _, pool = scipy_linalg()
        array = self.matrix.detach().numpy()
        with pool.limit(limits=torch.get_num_threads()):
            return torch.from_numpy(array @ array.swapaxes(1, 2))

    @cached_property
    def T(self) -> Unfolding:
        """The unfolding of Mᵀ, whose own transpose is this one."""
        transposed = Unfolding(self.matrix.mT)
        transposed.T = self
        return transposed


def unfoldings(tensor: Tensor, axes: Sequence[int]) -> list[Unfolding]:
    """Return the unfoldings along axes beside the batch; those of matrices share Gram matrices."""
    if tensor.ndim == 3:
        rows = Unfolding(tensor)
        return [(rows, rows.T)[axis] for axis in axes]
    return [
        Unfolding(tensor.movedim(axis + 1, 1).reshape(len(tensor), tensor.shape[axis + 1], -1))
        for axis in axes
    ]


@dataclass(frozen=True)
class BatchedExactFactor:
    """C ← β C + M Mᵀ, and its inverse root as a matrix (Shampoo).

    Attributes
    ----------
    dim : int
        n, the length of the axis.
    """

    dim: int

    def zeros(self, like: Tensor) -> FactorState:
        """Return one tensor's state before its first gradient, of `like`'s type and device."""
        return {
            "covariance": like.new_zeros(self.dim, self.dim),
            "root": like.new_zeros(self.dim, self.dim),
        }

    def absorbed(
        self, state: FactorState, unfolding: Unfolding, decay: float, refresh: str
    ) -> tuple[FactorState, Tensor]:
        """Return the statistics after unfolded gradients, and of which tensors they are right."""
        covariance = torch.add(unfolding.gram, state["covariance"], alpha=decay)
        right = torch.ones(len(covariance), dtype=torch.bool, device=covariance.device)
        return {"covariance": covariance}, right

    def rooted(self, state: FactorState, root: BatchedRoot) -> tuple[FactorState, Tensor]:
        """Return what is made of the statistics, and of which tensors it is right."""
        values, vectors, right = eigh(state["covariance"])
        # Eigenvalues of a rounded matrix are in error by up to about n ε λ_max.
        noise = self.dim * torch.finfo(values.dtype).eps
        values = values.clamp_min(0.0)
        weights = root.weights(values, values.mean(1), noise).to(values.dtype)
        return {"root": (vectors * weights[:, None]) @ vectors.mT}, right

    def apply(self, state: FactorState, rows: Tensor) -> Tensor:
        """Multiply rows, of shape (batch, anything, n), by the inverse root."""
        return rows @ state["root"]


@dataclass(frozen=True)
class BatchedSketchedFactor:
    r"""C̃ = U diag(λ̄) Uᵀ + τ I by Frequent Directions of the decayed sum of M Mᵀ (S-Shampoo).

    Attributes
    ----------
    dim : int
        n, the length of the axis.
    k : int
        Sketch size, from 2 to n − 1; at most k − 1 directions are kept.

    Notes
    -----
    One step is C = β U diag(λ̄) Uᵀ + M Mᵀ = B Bᵀ with B = [√β U diag(λ̄)^½, M]; ρ = λ_k(C); the top
    k eigenpairs of C with ρ subtracted are kept; τ ← β τ + ρ.

    The eigenvectors are those of the smaller one of B Bᵀ and Bᵀ B.  Squaring B loses half of the
    digits of its small singular values, and a product with B the orthogonality of eigenvectors
    computed from Bᵀ B; so they only span the subspace, within which the eigenvalues are computed
    again, from B itself and in double precision (Rayleigh–Ritz).  A direction that rounding
    could not tell from the null space of C has the eigenvalue 0.

    By "subspace" iteration the span is that of C S instead, S having the directions of before and
    p + 1 more, which are fixed; where there are none yet, all are.  That takes products with B
    alone.  Each eigenvalue found is then at most the one in whose place it stands (Cauchy), so that
    τ is an estimate from below, and C̃ ⪰ C need not hold.
    """

    dim: int
    k: int

    def zeros(self, like: Tensor) -> FactorState:
        """Return one tensor's state before its first gradient, of `like`'s type and device."""
        zero = torch.zeros((), dtype=torch.float64, device=like.device)
        return {
            "directions": like.new_zeros(self.dim, self.k - 1),
            "eigenvalues": like.new_zeros(self.k - 1),
            "escaped_mass": zero,
            "total_mass": zero.clone(),
            "root": like.new_zeros(self.k - 1),
            "root_tail": zero.clone(),
        }

    def absorbed(
        self, state: FactorState, unfolding: Unfolding, decay: float, refresh: str
    ) -> tuple[FactorState, Tensor]:
        """Return the statistics after unfolded gradients, and of which tensors they are right.

        `refresh` is the way to them, "direct" or "subspace".
        """
        old = state["directions"] * (decay * state["eigenvalues"]).sqrt()[:, None]
        if refresh == "subspace":
            span, spans = self._warm_subspace(state, old, unfolding)
        else:
            span, spans = self._leading_subspace(old, unfolding)
        basis, orthonormal = orthonormal_basis(span)
        inside = torch.cat([basis.mT @ old, basis.mT @ unfolding.matrix], dim=2).double()
        values, turn, right = eigh(inside @ inside.mT)
        noise = NOISE[str(basis.dtype).removeprefix("torch.")]
        values = torch.where(values > noise * values[:, -1:], values, 0.0).flip(1)[:, : self.k]
        square = torch.linalg.vector_norm(unfolding.matrix, dim=(1, 2)).double().square()
        return {
            "directions": basis @ turn.flip(2)[..., : self.k - 1].to(basis.dtype),
            "eigenvalues": (values[:, :-1] - values[:, -1:]).to(basis.dtype),
            "escaped_mass": decay * state["escaped_mass"] + values[:, -1],
            "total_mass": decay * state["total_mass"] + square,
        }, spans & orthonormal & right

    def rooted(self, state: FactorState, root: BatchedRoot) -> tuple[FactorState, Tensor]:
        """Return what is made of the statistics, and of which tensors it is right."""
        mean = state["total_mass"] / self.dim
        weights = root.weights(self._estimate(state, root.tail), mean)
        values = (weights[:, :-1] - weights[:, -1:]).to(state["directions"].dtype)
        right = torch.ones(len(weights), dtype=torch.bool, device=weights.device)
        return {"root": values, "root_tail": weights[:, -1]}, right

    def _leading_subspace(self, old: Tensor, unfolding: Unfolding) -> tuple[Tensor, Tensor]:
        """Return vectors that span the leading k eigenvectors of C, of shape (batch, n, k)."""
        columns, kept = unfolding.matrix, old.shape[2]
        if self.dim <= kept + columns.shape[2]:
            return leading_eigenvectors(torch.baddbmm(unfolding.gram, old, old.mT), self.k)
        corner = old.mT @ columns
        gram = torch.cat(
            [
                torch.cat([old.mT @ old, corner], dim=2),
                torch.cat([corner.mT, unfolding.T.gram], dim=2),
            ],
            dim=1,
        )
        vectors, right = leading_eigenvectors(gram, self.k)
        return old @ vectors[:, :kept] + times(columns, vectors[:, kept:]), right

    def _warm_subspace(
        self, state: FactorState, old: Tensor, unfolding: Unfolding
    ) -> tuple[Tensor, Tensor]:
        """Return C S, of shape (batch, n, k + p), for old directions S, or fixed ones, and more."""
        matrix, kept = unfolding.matrix, state["eigenvalues"][:, None] > 0
        count = min(self.k + MORE_DIRECTIONS, self.dim)
        rows, columns = (torch.arange(n, device=old.device) for n in (self.dim, count))
        start = signs(rows[:, None], columns[self.k - 1 :]).to(old.dtype).expand(len(old), -1, -1)
        held = state["directions"]
        if not masks.certain(kept, True):
            fixed = signs(rows[:, None], columns[: self.k - 1]).to(old.dtype)
            held = torch.where(kept, held, fixed)
        start = torch.cat([held, start], dim=2)
        # C's own scale is left out: its entries may be too small for the type.
        size = torch.linalg.vector_norm(matrix, dim=(1, 2)) + torch.linalg.vector_norm(
            old, dim=(1, 2)
        )
        start = start / wide(size, start).clamp_min(torch.finfo(start.dtype).tiny)
        span = old @ (old.mT @ start) + times(matrix, (start.mT @ matrix).mT)
        return span, torch.ones_like(size, dtype=torch.bool)

    def _estimate(self, state: FactorState, tail: str) -> Tensor:
        """Return the eigenvalues of C̃: those on the directions, then the one outside."""
        values = torch.nn.functional.pad(state["eigenvalues"].double(), (0, 1))
        held, escaped = values > 0, state["escaped_mass"][:, None]
        if tail == "half":
            return values + escaped / 2
        outside = escaped
        if tail == "mean":
            count = held.sum(1, keepdim=True)
            missed = state["total_mass"][:, None] - values.sum(1, keepdim=True) - count * escaped
            outside = torch.minimum(escaped, missed.clamp_min(0.0) / (self.dim - count))
        return values + torch.where(held, escaped, outside)

    def apply(self, state: FactorState, rows: Tensor) -> Tensor:
        """Multiply rows, of shape (batch, anything, n), by the inverse root."""
        directions = state["directions"]
        inside = times(rows, directions) * state["root"][:, None]
        tail = state["root_tail"].to(rows.dtype)[:, None, None]
        return (inside @ directions.mT).addcmul_(rows, tail)


Factor = BatchedExactFactor | BatchedSketchedFactor


def make_factor(side: Side) -> Factor:
    """Return the factor of an axis."""
    if side.k is None:
        return BatchedExactFactor(side.dim)
    return BatchedSketchedFactor(side.dim, side.k)
