"""Covariances of a sequence of gradients: exact, and as a sketch of size k sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oco.linalg.kronecker import Kronecker, unfold
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import Dense, pseudo_power, resolve_rank
from oco.shampoo import EPSILON, ROOTS
from oco.sketch import FrequentDirections
from oco.spectra.measures import overlap

__all__ = ["TOP", "FactorTracker", "GradientTracker", "preconditioned"]

#: How many leading directions are followed as they turn; all where there are fewer.
TOP = 16


class FactorTracker:
    """One factor C ← β C + M Mᵀ, exact and sketched, and what is measured of both.

    Parameters
    ----------
    dim : int
        n, the length of the gradient's axis.
    k : int
        Sketch size, ≥ 2; at most n + 1 is used, which loses nothing.
    decay : float
        β in (0, 1].

    Attributes
    ----------
    matrix : ndarray of shape (n, n)
        C.
    sketch : FrequentDirections
        C̄ and τ.
    """

    def __init__(self, dim: int, k: int, decay: float) -> None:
        self.matrix = np.zeros((dim, dim))
        self.sketch = FrequentDirections(dim, min(k, dim + 1), decay=decay)
        self._top = min(TOP, dim)
        self._reference: np.ndarray | None = None

    def absorb(self, columns: np.ndarray) -> None:
        """Absorb an unfolded gradient, of shape (n, anything)."""
        self.matrix *= self.sketch.decay
        self.matrix += columns @ columns.T
        self.sketch.update(columns.T)

    def measure(self, covariance: Dense, refer: bool) -> dict[str, np.ndarray | float]:
        """Return what there is to say of the factor now.

        Parameters
        ----------
        covariance : Dense
            C, decomposed.
        refer : bool
            Whether to keep the present leading directions, for later overlaps with them.

        Returns
        -------
        dict
            ``eigenvalues`` of C, shape (n,), and ``sketched``, λ̄, shape (k − 1,), padded with 0,
            both descending; ``escaped_mass``, τ; ``captured``, the fraction of tr C in the sketch's
            directions; ``overlap`` of C's leading directions with those that were kept, NaN before;
            ``agreement``, the overlap of the sketch's leading directions with C's.
        """
        sketch = self.sketch
        leading = covariance.vectors.T[::-1][: self._top]
        if refer:
            self._reference = leading
        rows = sketch.directions
        shared = min(self._top, len(rows))
        total = covariance.sum()
        captured = np.einsum("id,de,ie->", rows, self.matrix, rows, optimize=True)
        return {
            "eigenvalues": covariance.values[::-1],
            "sketched": np.pad(sketch.eigenvalues, (0, sketch.k - 1 - len(rows))),
            "escaped_mass": sketch.escaped_mass,
            "captured": captured / total if total > 0 else 1.0,
            "overlap": np.nan if self._reference is None else overlap(self._reference, leading),
            "agreement": overlap(rows[:shared], leading[:shared]) if shared else np.nan,
        }


class GradientTracker:
    """A factor for each axis of gradients of one shape.

    A vector g has one, Σ β^{t−s} g gᵀ; a matrix G has L = Σ β^{t−s} G Gᵀ and R = Σ β^{t−s} Gᵀ G.

    Parameters
    ----------
    shape : tuple of int
        Of a gradient.
    k : int
        Sketch size, ≥ 2.
    decay : float
        β in (0, 1].

    Attributes
    ----------
    factors : tuple of FactorTracker
    """

    def __init__(self, shape: tuple[int, ...], k: int, decay: float) -> None:
        self.factors = tuple(FactorTracker(dim, k, decay) for dim in shape)

    def absorb(self, gradient: np.ndarray) -> None:
        """Absorb G; one that is not finite is left out, as optimizers leave it out."""
        if np.isfinite(gradient).all():
            for axis, factor in enumerate(self.factors):
                factor.absorb(unfold(gradient, axis))

    def measure(self, gradient: np.ndarray, refer: bool = False) -> tuple[tuple[dict, ...], float]:
        """Measure every factor, and the angle between the exact and the sketched step.

        Parameters
        ----------
        gradient : ndarray
            G, the gradient absorbed last.
        refer : bool
            As for `FactorTracker.measure`.

        Returns
        -------
        measurements : tuple of dict
            Of each factor.
        alignment : float
            Cosine of the angle between `preconditioned` with the exact factors and with the
            sketched ones; NaN if one of them is 0.
        """
        exact = [Dense.of(factor.matrix) for factor in self.factors]
        measurements = tuple(
            factor.measure(covariance, refer)
            for factor, covariance in zip(self.factors, exact, strict=True)
        )
        sketched = [factor.sketch.compensated_covariance() for factor in self.factors]
        steps = [preconditioned(covariances, gradient) for covariances in (exact, sketched)]
        lengths = np.prod([np.linalg.norm(step) for step in steps])
        return measurements, float(steps[0] @ steps[1] / lengths) if lengths > 0 else np.nan


def preconditioned(
    covariances: Sequence[Dense] | Sequence[LowRankPlusScalar], gradient: np.ndarray
) -> np.ndarray:
    """Return (⊗ Ĉ_i^{−1/(2p)}) vec(G) for its p factors, where Ĉ = C + ε λ_max(C) I.

    For a vector that is Ĉ^{−1/2} g, for a matrix L̂^{−1/4} G R̂^{−1/4}: Shampoo's step.
    """

    def inverse_root(values: np.ndarray) -> np.ndarray:
        damped, _ = resolve_rank(values + EPSILON * values.max())
        return pseudo_power(damped, -1 / (ROOTS["shampoo"] * len(covariances)))

    factors = [covariance.map(inverse_root) for covariance in covariances]
    return Kronecker(factors) @ gradient.reshape(-1)
