"""The eigenvalues of feature covariances: powers, exponentials, low rank with noise, flat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from oco import checks
from oco.notations import Spectrum

__all__ = ["eigenvalues"]


def _power(d: int, exponent: float) -> np.ndarray:
    return np.arange(1.0, d + 1) ** -exponent


def _exponential(d: int, ratio: float) -> np.ndarray:
    # From q⁰ on, so that the largest is 1; the smallest may underflow, to zero.
    return ratio ** np.arange(d)


def _low_rank(d: int, rank: float, noise: float = 0.0) -> np.ndarray:
    r = checks.integer("spectrum: the rank", rank, low=1, high=d)
    # With more noise than 1 − r/d the r leading directions would no longer lead.
    share = checks.number("spectrum: the noise", noise, low=0, high=1 - r / d)
    values = np.full(d, share / max(d - r, 1))
    values[:r] = (1 - share) / r
    return values


def _flat(d: int) -> np.ndarray:
    return np.ones(d)


_VALUES: dict[str, Callable[..., np.ndarray]] = {
    "power": _power,
    "exp": _exponential,
    "lowrank": _low_rank,
    "flat": _flat,
}


def eigenvalues(spectrum: Spectrum | str, d: int) -> np.ndarray:
    """Return the eigenvalues that a spectrum has in dimension `d`, largest first and with sum 1.

    Parameters
    ----------
    spectrum : Spectrum or str
        ``power:α`` (λ_i ∝ i^−α, α ≥ 0), ``exp:q`` (λ_i ∝ q^i, 0 < q ≤ 1), ``lowrank:r[:noise]`` (r
        equal eigenvalues with sum 1 − noise, the other d − r sharing `noise`; none by default) or
        ``flat`` (all equal).
    d : int
        How many, at least 1.

    Returns
    -------
    ndarray of shape (d,)

    Raises
    ------
    TypeError, ValueError
        If `spectrum` is not one of these; the message starts with ``spectrum:``.

    Examples
    --------
    >>> eigenvalues("lowrank:2:0.5", 4)
    array([0.25, 0.25, 0.25, 0.25])
    >>> eigenvalues("exp:0.5", 2).round(3)
    array([0.667, 0.333])
    """
    d = checks.integer("d", d, low=1)
    spectrum = Spectrum.read("spectrum", spectrum)
    values = _VALUES[spectrum.kind](d, *spectrum.numbers)
    return values / values.sum()
