"""What Frequent Directions promises about a stream's covariance, as numbers that can be checked.

P1 to P5 are the error bounds of Ghashami et al. (SIAM J. Comput. 2016) and Feinberg et al.
(NeurIPS 2023), for the sketch Ḡ of G with sketch size ℓ and escaped mass τ.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from oco import checks

__all__ = ["Guarantee", "check", "escaped_mass_limit", "escaped_mass_limit_range"]

# Rounding in G as it was added up, and in its dense eigenvalues, stays well below this, relative to
# tr G; a wrong deflation is off by a fraction of an eigenvalue.
ROUNDING = 1e-11


class Guarantee(NamedTuple):
    """One inequality ``value <= limit``, with both sides in the units of the squared rows.

    Attributes
    ----------
    name : str
        The property and what it compares.
    value, limit : float
        The two sides.
    slack : float
        Rounding that is granted: ``ROUNDING * tr G`` for G, and the sketch's own.
    """

    name: str
    value: float
    limit: float
    slack: float

    @property
    def margin(self) -> float:
        """How far the inequality is from failing: limit − value."""
        return self.limit - self.value

    @property
    def holds(self) -> bool:
        """Whether ``value <= limit`` up to rounding."""
        return self.value <= self.limit + self.slack


def escaped_mass_limit(spectrum: np.ndarray, size: int) -> float:
    r"""Return Ω_ℓ = min_{0 ≤ j < ℓ} (Σ_{i > j} λ_i)/(ℓ − j), the most mass an ℓ-sketch can lose.

    Parameters
    ----------
    spectrum : ndarray of shape (n,)
        Eigenvalues of G in any order; those not listed count as 0.
    size : int
        ℓ ≥ 1.

    Examples
    --------
    >>> escaped_mass_limit(np.array([4.0, 1.0, 1.0]), size=2)
    2.0
    """
    ordered = np.sort(np.maximum(checks.real("spectrum", spectrum), 0.0))[::-1]
    # Summed from the small end, so that a tail is not the difference of two large numbers.
    tails = np.append(np.cumsum(ordered[::-1])[::-1], 0.0)
    j = np.arange(min(size, len(tails)))
    return float(np.min(tails[j] / (size - j)))


def escaped_mass_limit_range(
    eigenvalues: np.ndarray,
    escaped_mass: float,
    total_mass: float,
    size: int,
    *,
    rounding: float = 0.0,
    outside: float = math.inf,
) -> tuple[float, float]:
    """Bound Ω_ℓ(G) from the sketch alone.

    Parameters
    ----------
    eigenvalues : ndarray of shape (rank,)
        λ̄ of the sketch, descending.
    escaped_mass, total_mass : float
        τ and tr G.
    size : int
        ℓ of the Ω that is asked for.
    rounding : float
        r ≥ 0 with λ̄_i − r ≤ λ_i(G) ≤ λ̄_i + τ + r, to which tr G is known too.
    outside : float
        A bound on Σ_{i>rank} λ_i(G), where one is known.

    Returns
    -------
    lower, upper : float
        Since λ̄_i ≤ λ_i(G), the tail Σ_{i>j} λ_i is at most tr G − Σ_{i≤j} λ̄_i; and it is at least
        tr G − Σ_{i≤j} (λ̄_i + τ).  Both are widened by (j + 1) r.

    Examples
    --------
    >>> escaped_mass_limit_range(np.array([3.0]), 1.0, total_mass=5.0, size=2)
    (1.0, 2.0)
    """
    known = np.append(eigenvalues, np.zeros(size))[: size - 1]
    j = np.arange(size)
    missed = total_mass - np.append(0.0, np.cumsum(known))
    room = (j + 1) * rounding
    most = np.where(j < len(eigenvalues), missed + room, np.minimum(missed + room, outside))
    upper = np.min(most / (size - j))
    lower = np.min(np.maximum(missed - room - j * escaped_mass, 0.0) / (size - j))
    return float(lower), float(upper)


def check(
    covariance: np.ndarray,
    directions: np.ndarray,
    eigenvalues: np.ndarray,
    escaped_mass: float,
    size: int,
    rounding: float = 0.0,
) -> tuple[Guarantee, ...]:
    """Hold a sketch against the exact covariance.

    Parameters
    ----------
    covariance : ndarray of shape (d, d)
        G.
    directions : ndarray of shape (q, d)
        Orthonormal eigenvectors of Ḡ, by descending eigenvalue.
    eigenvalues : ndarray of shape (q,)
        λ̄.
    escaped_mass : float
        τ.
    size : int
        ℓ.
    rounding : float
        r ≥ 0: how far the sketch's own rounding may have moved Ḡ, in the spectral norm.

    Returns
    -------
    tuple of Guarantee
        P1 −λ_min(G − Ḡ) ≤ 0 and λ_max(G − Ḡ) ≤ τ (the second is also P2, G ⪯ Ḡ + τ I);
        P3 τ ≤ Ω_ℓ(G); P4 ℓ τ ≤ tr G − tr Ḡ; P5 for each k ≤ q, k < ℓ:
        tr G − Σ_{i≤k} u_iᵀ G u_i ≤ (1 + k/(ℓ−k)) Σ_{i>k} λ_i(G).
    """
    trace = float(np.trace(covariance))
    slack = ROUNDING * trace + rounding
    spectrum = np.linalg.eigvalsh(covariance)[::-1]
    error = np.linalg.eigvalsh(covariance - (directions.T * eigenvalues) @ directions)
    found = [
        Guarantee("P1 the sketch never overestimates", -float(error[0]), 0.0, slack),
        Guarantee("P1, P2 it underestimates by at most τ", float(error[-1]), escaped_mass, slack),
        # Its proof adds up the errors of ℓ eigenvalues: see the theory page.
        Guarantee(
            "P3 τ is at most Ω_ℓ",
            escaped_mass,
            escaped_mass_limit(spectrum, size),
            slack + (size - 1) * rounding,
        ),
        Guarantee(
            "P4 ℓτ is at most the lost trace",
            size * escaped_mass,
            trace - float(eigenvalues.sum()),
            size * slack,
        ),
    ]
    captured = np.einsum("id,de,ie->i", directions, covariance, directions)
    for k in range(1, min(len(directions), size - 1) + 1):
        found.append(
            Guarantee(
                f"P5 projection on the top {k}",
                trace - float(captured[:k].sum()),
                (1 + k / (size - k)) * float(spectrum[k:].sum()),
                (1 + k / (size - k)) * slack,
            )
        )
    return tuple(found)
