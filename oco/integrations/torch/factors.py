"""The factor of an axis: an exact covariance, or a Frequent Directions sketch of it.

A factor knows sizes only.  Its numbers are a dictionary of tensors, which is part of the
optimizer's state and is handed to every method.  Methods put new tensors into it and never write to
those that are there: a shallow copy of the dictionary is a copy that can be returned to.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from oco.integrations.torch.eigenvectors import eigh, leading_eigenvectors, orthonormal_basis
from oco.integrations.torch.roots import Root, inverse_root
from oco.integrations.torch.unfoldings import Unfolding
from oco.shampoo import NOISE, RANK_CUTOFF, tail_of

__all__ = ["ExactFactor", "SketchedFactor"]


@dataclass(frozen=True)
class ExactFactor:
    """C ← β C + M Mᵀ, and its inverse root as a matrix (Shampoo).

    Attributes
    ----------
    dim : int
        n, the length of the axis.
    """

    dim: int

    def zeros(self, like: torch.Tensor) -> dict:
        """Return the state before the first gradient, of `like`'s type and on its device."""
        return {
            "covariance": like.new_zeros(self.dim, self.dim),
            "root": like.new_zeros(self.dim, self.dim),
        }

    def absorb(self, state: dict, unfolding: Unfolding, decay: float) -> None:
        """Absorb an unfolded gradient M, of shape (n, anything)."""
        state["covariance"] = torch.add(unfolding.gram, state["covariance"], alpha=decay)

    def invert(self, state: dict, root: Root) -> None:
        """Bring the inverse root up to date.

        Raises
        ------
        torch.linalg.LinAlgError
            If the covariance is not finite.
        """
        values, vectors = eigh(state["covariance"])
        # Eigenvalues of a rounded matrix are in error by up to about n ε λ_max.
        cutoff = self.dim * torch.finfo(values.dtype).eps
        weights = inverse_root(values.clamp_min(0.0), root, cutoff).to(values.dtype)
        state["root"] = (vectors * weights) @ vectors.T

    def apply_(self, state: dict, matrix: torch.Tensor) -> None:
        """Multiply a matrix of shape (n, anything) by the inverse root, in place."""
        matrix.copy_(state["root"] @ matrix)


@dataclass(frozen=True)
class SketchedFactor:
    r"""C̃ = U diag(λ̄) Uᵀ + τ I by Frequent Directions of the decayed sum of M Mᵀ (S-Shampoo).

    Attributes
    ----------
    dim : int
        n, the length of the axis.
    rank : int
        Sketch size ℓ, from 2 to n − 1; at most ℓ − 1 directions are kept.

    Notes
    -----
    One step is C = β U diag(λ̄) Uᵀ + M Mᵀ = B Bᵀ with B = [√β U diag(λ̄)^½, M]; ρ = λ_ℓ(C); the top
    ℓ eigenpairs of C with ρ subtracted are kept; τ ← β τ + ρ.

    The eigenvectors are those of the smaller one of B Bᵀ and Bᵀ B.  Squaring B loses half of the
    digits of its small singular values, and a product with B the orthogonality of eigenvectors
    computed from Bᵀ B; so they only span the subspace, within which the eigenvalues are computed
    again, from B itself and in double precision (Rayleigh–Ritz).  A direction that rounding
    could not tell from the null space of C has the eigenvalue 0.

    τ, tr C and the root's weight outside U are on the CPU wherever the rest is: they are scalars of
    the host's arithmetic, and reading them must not wait for a device.
    """

    dim: int
    rank: int

    def zeros(self, like: torch.Tensor) -> dict:
        """Return the state before the first gradient, of `like`'s type and on its device."""
        return {
            "directions": like.new_zeros(self.dim, self.rank - 1),
            "eigenvalues": like.new_zeros(self.rank - 1),
            "escaped_mass": torch.zeros((), dtype=torch.float64),
            "total_mass": torch.zeros((), dtype=torch.float64),
            "root": like.new_zeros(self.rank - 1),
            "root_tail": torch.zeros((), dtype=torch.float64),
        }

    def absorb(self, state: dict, unfolding: Unfolding, decay: float) -> None:
        """Absorb an unfolded gradient M, of shape (n, anything).

        Raises
        ------
        torch.linalg.LinAlgError
            If the gradient or the state is not finite.
        """
        old = state["directions"] * (decay * state["eigenvalues"]).sqrt()
        basis = orthonormal_basis(self._leading_subspace(old, unfolding))
        inside = torch.cat([old.T @ basis, unfolding.matrix.T @ basis]).double()
        values, turn = eigh(inside.T @ inside)
        values = torch.where(values > _noise(basis.dtype) * values[-1], values, 0.0).flip(0)
        state["directions"] = basis @ turn.flip(1)[:, :-1].to(basis.dtype)
        state["eigenvalues"] = (values[:-1] - values[-1]).to(basis.dtype)
        state["escaped_mass"] = decay * state["escaped_mass"] + values[-1].cpu()
        square = float(torch.linalg.vector_norm(unfolding.matrix)) ** 2
        state["total_mass"] = decay * state["total_mass"] + square

    def _leading_subspace(self, old: torch.Tensor, unfolding: Unfolding) -> torch.Tensor:
        """Return vectors that span the leading ℓ eigenvectors of C, of shape (n, ℓ)."""
        columns, kept = unfolding.matrix, old.shape[1]
        if self.dim <= kept + columns.shape[1]:
            return leading_eigenvectors(torch.addmm(unfolding.gram, old, old.T), self.rank)
        corner = old.T @ columns
        gram = torch.cat(
            [
                torch.cat([old.T @ old, corner], dim=1),
                torch.cat([corner.T, unfolding.T.gram], dim=1),
            ]
        )
        vectors = leading_eigenvectors(gram, self.rank)
        return old @ vectors[:kept] + columns @ vectors[kept:]

    def invert(self, state: dict, root: Root) -> None:
        """Bring the inverse root up to date: its weights on U, and on everything else."""
        kept = state["eigenvalues"]
        values = torch.nn.functional.pad(kept.double(), (0, 1))
        weights = inverse_root(values + self._tail(state, values, root.tail), root, RANK_CUTOFF)
        state["root_tail"] = weights[-1].cpu()
        state["root"] = (weights[:-1] - weights[-1]).to(kept.dtype)

    def _tail(self, state: dict, values: torch.Tensor, kind: str) -> torch.Tensor:
        """Return what is added to eigenvalues, where 0 means one that the sketch does not have."""
        escaped = float(state["escaped_mass"])
        held, missed, outside = values > 0, 0.0, 1
        if kind == "mean":
            count = int(held.sum())
            missed = float(state["total_mass"]) - float(values.sum()) - count * escaped
            outside = self.dim - count
        return torch.where(held, *values.new_tensor(tail_of(kind, escaped, missed, outside)))

    def apply_(self, state: dict, matrix: torch.Tensor) -> None:
        """Multiply a matrix of shape (n, anything) by the inverse root, in place."""
        directions = state["directions"]
        weighted = (directions * state["root"]).T @ matrix
        matrix.addmm_(directions, weighted, beta=float(state["root_tail"]))


def _noise(dtype: torch.dtype) -> float:
    return NOISE[str(dtype).removeprefix("torch.")]
