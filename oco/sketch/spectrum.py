"""What a sketch proves about a scatter's eigenvalues and its leading eigenvectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oco.linalg.rounding import SMALLEST
from oco.sketch.brackets import Bracket

__all__ = ["ScatterSpectrum"]


@dataclass(frozen=True)
class ScatterSpectrum:
    r"""A sketch S̄ of S with 0 ⪯ S − S̄ ⪯ τ I and tr S, all to within a rounding r.

    Attributes
    ----------
    d, rows, positive : int
        Length of the rows; how many were seen, and how many of positive weight.
    weight, weight_squares : float
        W = Σ β^age and V = Σ β^(2 age) over all rows, one of weight w being w of them; without
        decay both the sum of the weights.
    mean : ndarray of shape (d,)
        μ, or 0 where nothing is centred.
    directions : ndarray of shape (q, d)
        Orthonormal eigenvectors of S̄.
    relative, relative_escaped, relative_total, relative_rounding
        λ̄ (descending), τ, tr S and r, in units of `scale` squared.
    scale : float
        A power of two.
    size : int
        ℓ.
    centered : bool
        Whether S is about μ.

    Notes
    -----
    With m = tr S − Σ λ̄_i, which is tr(S − S̄): λ̄_i ≤ λ_i ≤ λ̄_i + min(τ, m).  For the span U of the
    top j of S̄ and that of S, with E = S − S̄ − (τ/2) I, ‖E‖ ≤ τ/2, the sin θ theorem [1]_ gives
    sin θ ≤ (τ/2)/(λ̄_j + τ/2 − λ_{j+1}), θ being the largest angle between them.

    References
    ----------
    .. [1] C. Davis, W. M. Kahan, *The rotation of eigenvectors by a perturbation. III*, SIAM J.
       Numer. Anal. 7 (1970).
    """

    d: int
    rows: int
    positive: int
    weight: float
    weight_squares: float
    mean: np.ndarray
    directions: np.ndarray
    relative: np.ndarray
    relative_escaped: float
    relative_total: float
    relative_rounding: float
    scale: float
    size: int
    centered: bool

    @property
    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues λ̄ of S̄, descending."""
        return self._absolute(self.relative)

    @property
    def escaped_mass(self) -> float:
        """The escaped mass τ."""
        return float(self._absolute(self.relative_escaped))

    @property
    def total_mass(self) -> float:
        """The trace tr S."""
        return float(self._absolute(self.relative_total))

    @property
    def rounding(self) -> float:
        """The rounding r."""
        return float(self._absolute(self.relative_rounding)) + SMALLEST

    @property
    def degrees(self) -> float:
        """What S is divided by to give a variance: W − V/W, n − 1 for rows of weight 1."""
        if not self.centered or not self.weight:
            return self.weight or 1.0
        free = self.weight - self.weight_squares / self.weight
        # Weights that add up to no more than one row are shares and no counts.
        return free if free > self.weight * 1e-12 else self.weight

    @cached_property
    def negligible(self) -> bool:
        """Whether all of tr S may be rounding: then nothing is known to vary."""
        return self.relative_total <= self.relative_rounding

    def intervals(self, count: int) -> np.ndarray:
        """Return bounds of the top `count` eigenvalues, of shape (count, 2), with rounding."""
        return self._absolute(self.relative_intervals(count), outward=True)

    def ratio_intervals(self, count: int) -> np.ndarray:
        """Return bounds of λ_i/tr S, of shape (count, 2); [0, 1] where tr S may be 0."""
        if self.negligible:
            return np.tile([0.0, 1.0], (count, 1))
        low, high = self.relative_intervals(count).T
        total, r = self.relative_total, self.relative_rounding
        ratios = np.stack([low / (total + r), np.minimum(high / (total - r), 1.0)], axis=1)
        return ratios * (1 - 1e-15, 1 + 1e-15)

    def bracket(self) -> Bracket:
        """Return what is proven about tr S^{1/2}, λ_1 and Ω."""
        missed = max(self.total_mass - float(self.eigenvalues.sum()), 0.0)
        return Bracket(
            self.eigenvalues,
            float(self._absolute(self._slack)),
            self.total_mass,
            self.rounding,
            count=min(self.d, max(self.positive, len(self.relative))),
            outside=missed + (len(self.relative) + 1) * self.rounding,
        )

    def estimates(self, count: int) -> np.ndarray:
        """Return λ̄_i, which leading directions lose next to nothing of."""
        return self._absolute(self._relative_estimates(count))

    def estimated_ratios(self, count: int) -> np.ndarray:
        """Return `estimates` over tr S; 0 where tr S may be rounding."""
        return self._relative_estimates(count) / (self.relative_total or 1.0)

    def rest(self, count: int) -> float:
        """Return tr S less the estimates of the top `count`."""
        left = self.relative_total - self._relative_estimates(count).sum()
        return float(self._absolute(max(left, 0.0)))

    def missed_interval(self, count: int) -> tuple[float, float]:
        """Bound the share of tr S outside the top `count` directions of the sketch.

        The rows are no nearer to any other subspace of that dimension than the lower bound says.
        """
        if self.negligible:
            return 0.0, 1.0
        held = self.relative[:count]
        r, total = self.relative_rounding, self.relative_total
        most = total - held.sum() + (len(held) + 1) * r
        best = np.minimum(held + self._slack, total).sum() + max(count - len(held), 0) * self._slack
        least = max(total - best - (count + 1) * r, 0.0)
        return float(least / (total + r)), float(min(max(most, 0.0) / (total - r), 1.0))

    def components_for(self, share: float) -> int:
        """Return how many directions are proven to carry a share of tr S; all if none are."""
        if self.negligible:
            return min(1, self.d)
        r, total = self.relative_rounding, self.relative_total
        held = np.cumsum(self.relative - r)
        enough = np.flatnonzero(held >= share * (total + r))
        return int(enough[0]) + 1 if len(enough) else max(len(self.relative), 1)

    def angle(self, count: int) -> float:
        """Bound the largest angle between the found and the true leading subspace, in radians.

        π/2 where the gap after the eigenvalue `count` proves nothing; 0 for all of the space.
        """
        if count >= self.d:
            return 0.0
        if count > len(self.relative):
            return math.pi / 2
        r = self.relative_rounding
        half = self._slack / 2
        following = float(self.relative_intervals(count + 1)[count, 1])
        gap = float(self.relative[count - 1]) + half - r - following
        sine = (half + r) / gap if gap > 0 else 1.0
        return math.asin(min(sine, 1.0))

    def basis(self, count: int) -> np.ndarray:
        """Return `count` orthonormal rows: the directions, then any that complete them.

        Signs are such that the entry of largest magnitude is positive.
        """
        found = self.directions[:count]
        missing = min(count, self.d) - len(found)
        if missing:
            # Coordinate axes are what is most outside of few directions.
            free = np.argsort(np.einsum("ij,ij->j", found, found), kind="stable")[:missing]
            axes = np.zeros((missing, self.d))
            axes[np.arange(missing), free] = 1.0
            q, _ = np.linalg.qr(np.concatenate([found, axes]).T)
            found = np.concatenate([found, q.T[len(found) :]])
        largest = found[np.arange(len(found)), np.argmax(np.abs(found), axis=1)]
        # No zero has a sign.
        return found * np.where(largest < 0, -1.0, 1.0)[:, None] + 0.0

    @property
    def _slack(self) -> float:
        """How much more than λ̄ an eigenvalue may be, but for rounding: min(τ, m)."""
        missed = self.relative_total - self.relative.sum()
        doubt = (len(self.relative) + 1) * self.relative_rounding
        return float(min(self.relative_escaped, max(missed, 0.0) + doubt))

    def relative_intervals(self, count: int) -> np.ndarray:
        """Return an interval for each of the `count` largest eigenvalues, in units of scale²."""
        held = np.append(self.relative, np.zeros(count))[:count]
        r = self.relative_rounding
        # No eigenvalue is more than its share of the trace.
        most = (self.relative_total + r) / np.arange(1, count + 1)
        high = np.minimum(held + self._slack + r, most)
        return np.stack([np.maximum(held - r, 0.0), np.maximum(high, held)], axis=1)

    def _relative_estimates(self, count: int) -> np.ndarray:
        if self.negligible:
            return np.zeros(count)
        return np.append(self.relative, np.zeros(count))[:count]

    def _absolute(self, value, outward: bool = False):
        with np.errstate(over="ignore", under="ignore"):
            result = np.asarray(value) * self.scale * self.scale
        if outward and self.scale != 1:
            result = result + np.array([-SMALLEST, SMALLEST])
        return np.maximum(result, 0.0) if outward else result
