"""AdaHedge: weights for experts, without a rate to tune (de Rooij et al., JMLR 2014)."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.travel import Travelling

__all__ = ["AdaHedge"]


class AdaHedge(Travelling):
    r"""Weights w_i ∝ exp(−L_i/κ) with κ = Δ/ln N, that pay ⟨w, ℓ⟩ in each round.

    L_i are the losses of the N experts so far, and Δ, the mixability gap, is the sum of ⟨w, ℓ⟩ −
    m, where m = −κ ln Σ w_i exp(−ℓ_i/κ) is the mix loss.  As long as Δ is 0 the experts that have
    lost least share the weight.

    Parameters
    ----------
    count : int
        N ≥ 1.
    rate : float, optional
        1/κ > 0 that is kept, in the place of ln N/Δ.

    Attributes
    ----------
    losses : ndarray of shape (N,)
        L.
    gap : float
        Δ.
    variance : float
        V: the sum of the variances of ℓ_i under w.
    widest : float
        S: the largest max ℓ_i − min ℓ_i of a round.

    Notes
    -----
    What is paid is at most min L_i + 2Δ, and Δ ≤ √(V ln N) + S(⅔ ln N + 1).

    References
    ----------
    S. de Rooij, T. van Erven, P. D. Grünwald, W. M. Koolen, *Follow the leader if you can, hedge if
    you must*, JMLR 15, 2014: lemma 3 and theorem 6.

    Examples
    --------
    >>> hedge = AdaHedge(2)
    >>> hedge.weights
    array([0.5, 0.5])
    >>> hedge.absorb(np.array([1.0, 0.0]))
    >>> hedge.gap, hedge.weights
    (0.5, array([0.2, 0.8]))
    """

    def __init__(self, count: int, rate: float | None = None) -> None:
        self.rate = rate
        self.losses = np.zeros(count)
        self.gap = self.variance = self.widest = 0.0

    @property
    def weights(self) -> np.ndarray:
        """Return w, of shape (N,): numbers ≥ 0 that add up to 1."""
        ahead = self.losses.min() - self.losses
        scale = self._scale
        # Far behind is −∞, and no weight.
        with np.errstate(over="ignore"):
            shares = np.exp(ahead / scale) if scale > 0.0 else (ahead == 0.0).astype(np.float64)
        return shares / shares.sum()

    def absorb(self, losses: np.ndarray) -> None:
        """Pay a round's losses ℓ, of shape (N,): any finite numbers."""
        weights, least = self.weights, float(losses.min())
        # Above the least, so that nothing is lost beside a large number that all have in common.
        above = losses - least
        paid = float(weights @ above)
        self.gap += max(paid - self._mixed(above), 0.0)
        self.variance += float(weights @ (above - paid) ** 2)
        self.widest = max(self.widest, float(above.max()))
        self.losses = self.losses + losses

    @property
    def _scale(self) -> float:
        """Return κ; 0 as long as Δ is."""
        if self.rate is not None:
            return 1 / self.rate
        return self.gap / math.log(len(self.losses)) if self.gap > 0.0 else 0.0

    def _mixed(self, above: np.ndarray) -> float:
        """Return the mix loss of losses ≥ 0, before they are absorbed."""
        behind = self.losses - self.losses.min()
        ahead, scale = behind + above, self._scale
        least = float(ahead.min())
        if scale > 0.0:
            # The least is taken out of both sums, so that one exponent of each is 0 at any scale.
            with np.errstate(over="ignore"):
                return least + scale * (
                    _log_sum(-behind / scale) - _log_sum(-(ahead - least) / scale)
                )
        return least


def _log_sum(exponents: np.ndarray) -> float:
    top = float(exponents.max())
    return top + math.log(float(np.exp(exponents - top).sum()))
