"""How concentrated a covariance is, and how fast its leading eigenspace turns.

The three quantities by which Feinberg et al. (*Sketchy*, NeurIPS 2023, Section 5.2) describe the
gradient covariances of neural networks: a sketch of size k loses little where few directions hold
most of the mass, and follows them where they turn slowly.
"""

from __future__ import annotations

import math

import numpy as np

from oco import checks

__all__ = ["directions_for", "intrinsic_dimension", "overlap", "top_count", "top_mass"]

#: The q of the top-q mass, as a fraction of the dimension.
TOP_FRACTION = 0.25


def intrinsic_dimension(eigenvalues: np.ndarray) -> float:
    """Return tr C/λ_max(C): between 1 and the rank of C; 0 for C = 0.

    Parameters
    ----------
    eigenvalues : ndarray of shape (d,)
        All of C's, ≥ 0, in any order and unit.

    Examples
    --------
    >>> intrinsic_dimension(np.array([4.0, 1.0, 1.0, 0.0]))
    1.5
    """
    largest = eigenvalues.max(initial=0.0)
    return float(eigenvalues.sum() / largest) if largest > 0 else 0.0


def top_count(d: int) -> int:
    """Return 25 % of d, at least 1: the q of the top-q mass.

    Examples
    --------
    >>> top_count(256), top_count(3)
    (64, 1)
    """
    return max(1, math.floor(TOP_FRACTION * d))


def top_mass(eigenvalues: np.ndarray, q: int) -> float:
    """Return Σ_{i≤q} λ_i/tr C: the fraction of the mass in the top q directions; 1 for C = 0.

    Parameters
    ----------
    eigenvalues : ndarray of shape (d,)
        All of C's, ≥ 0, in any order and unit.
    q : int
        From 1 to d.

    Raises
    ------
    TypeError, ValueError
        If q is out of its range.

    Examples
    --------
    >>> top_mass(np.array([1.0, 6.0, 1.0, 0.0]), q=2)
    0.875
    """
    q = checks.integer("q", q, low=1, high=len(eigenvalues))
    total = eigenvalues.sum()
    return float(np.sort(eigenvalues)[::-1][:q].sum() / total) if total > 0 else 1.0


def directions_for(eigenvalues: np.ndarray, mass: float) -> int:
    """Return the least q with a top-q mass of at least `mass`: how many directions hold it.

    Parameters
    ----------
    eigenvalues : ndarray of shape (d,)
        All of C's, ≥ 0, in any order and unit.
    mass : float
        In (0, 1].

    Raises
    ------
    TypeError, ValueError
        If `mass` is out of its range.

    Examples
    --------
    >>> directions_for(np.array([1.0, 6.0, 1.0, 0.0]), mass=0.8)
    2
    """
    mass = checks.number("mass", mass, above=0, high=1)
    sums = np.cumsum(np.sort(eigenvalues)[::-1])
    return int(np.searchsorted(sums, mass * sums[-1])) + 1 if sums[-1] > 0 else 0


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return ‖U Vᵀ‖_F²/q: 1 for two bases of one subspace, 0 for orthogonal subspaces.

    Parameters
    ----------
    first, second : ndarray of shape (q, d)
        U and V: orthonormal rows, as many in one as in the other.

    Returns
    -------
    float
        The mean squared cosine of the angles between the subspaces; q/d in the mean for two random
        ones.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> overlap(np.eye(3)[:2], np.eye(3)[1:])
    0.5
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(
            "second: expected as many directions of the same length as in the first, shape "
            f"{first.shape}, got shape {second.shape}"
        )
    return float(np.sum((first @ second.T) ** 2) / len(first))
