"""The scale, the power and the tail of a factor."""

from __future__ import annotations

import math
from typing import Any

from oco.shampoo.recipe import ROOTS, SEEN

__all__ = [
    "floor_of",
    "power_of",
    "scale_of",
    "statistics_interval",
    "tail_of",
]


# The variance of a number that is rounded up or down to bfloat16 at random, over its square: a
# sixth of the squared spacing, which is 2^-14 for numbers in [1, 2), times the mean of 1/m² over
# significands m as they are found (Benford), 3/(8 ln 2).
ROUNDING = 2.0**-18 / math.log(2)


def floor_of(options: dict[str, Any], sides: int) -> float:
    r"""Return what a factor's eigenvalues are raised by for rounding, over their mean.

    Parameters
    ----------
    options : dict
        momentum, μ; average; momentum_dtype.
    sides : int
        p ≥ 1, the number of factors of a block.

    Notes
    -----
    An average of gradients that is rounded to bfloat16 in every step holds noise beside what the
    statistics have absorbed: v = Σ_s μ^{2s} · 2^-18/ln 2 of its squared length, spread over all
    entries.  A Kronecker product of covariances of trace T, C_1 ⊗ ... ⊗ C_p/T^{p−1}, accounts for
    it, in directions that were never seen, once each C_i is raised by v^{1/p} T/n_i, the mean of
    its eigenvalues times v^{1/p}.  0 where nothing is rounded, or only after the root is taken.

    Examples
    --------
    >>> options = {"momentum": 0.9, "average": "gradient", "momentum_dtype": "bfloat16"}
    >>> round(floor_of(options, 2), 5), floor_of({**options, "momentum_dtype": None}, 2)
    (0.00538, 0.0)
    """
    momentum = options["momentum"]
    if options["momentum_dtype"] is None or options["average"] != "gradient" or momentum == 0:
        return 0.0
    return (ROUNDING / (1 - momentum**2)) ** (1 / sides)


def scale_of(decay: float, weight: Any, corrected: bool) -> Any:
    """Return c, what a statistic C ← β C + M Mᵀ is multiplied by to be an average.

    Parameters
    ----------
    decay : float
        β in (0, 1].
    weight : float or array
        a ← β a + 1, at each gradient that was absorbed: (1 − β^t)/(1 − β) where β never changed.
    corrected : bool
        Whether the few gradients of the beginning count as what they are; otherwise c = 1 − β.

    Examples
    --------
    >>> scale_of(1.0, 7.0, True), scale_of(0.5, 1.5, False), round(scale_of(0.5, 1.5, True), 4)
    (1.0, 0.5, 0.6667)
    """
    if decay == 1:
        return 1.0
    return 1 / weight if corrected else 1 - decay


def power_of(exponent: str, sides: int) -> float:
    """Return e, where each factor's power is −e: 1/(2p) with "shampoo", 1/p with "shampoo2".

    Parameters
    ----------
    exponent : {"shampoo", "shampoo2"}
    sides : int
        p ≥ 1, the number of factors of a block.

    Notes
    -----
    e is at most ½, which with both factors of a matrix (Shampoo²) or with its one factor (one-sided
    Shampoo) brings its singular values together; beyond it they would change their order.

    Examples
    --------
    >>> power_of("shampoo", 2), power_of("shampoo2", 2), power_of("shampoo2", 1)
    (0.25, 0.5, 0.5)
    """
    return min(0.5, 1 / (ROOTS[exponent] * sides))


def statistics_interval(statistics_every: int | None, update_every: int) -> int:
    """Return r: within s = `update_every` steps, statistics absorb gradients 0, r, 2r, ....

    Parameters
    ----------
    statistics_every : int or None
        r itself; with None it is s/5, rounded down, and at least 1.
    update_every : int
        s ≥ 1.

    Examples
    --------
    >>> [statistics_interval(None, every) for every in (1, 3, 10, 12)]
    [1, 1, 2, 2]
    >>> statistics_interval(10, 10)
    10
    """
    return statistics_every or max(1, update_every // SEEN)


def tail_of(kind: str, escaped: float, missed: float, outside: int) -> tuple[float, float]:
    r"""Return what is added to a sketch's eigenvalues, and what stands for all others.

    Parameters
    ----------
    kind : {"escaped", "half", "mean"}
        (τ, τ), which keeps C̄ + τ I ⪰ C and with it the theorem; (τ/2, τ/2), the middle of what C
        can be (robust Frequent Directions); or (τ, min(τ, m/q)).
    escaped : float
        τ ≥ 0.
    missed : float
        m = tr C − Σ (λ̄_i + τ), the sum over the sketch's directions.
    outside : int
        q ≥ 1, the dimension of the space beside those directions.

    Returns
    -------
    tuple of float

    References
    ----------
    L. Luo, C. Chen, Z. Zhang, W.-J. Li, T. Zhang, *Robust frequent directions with application in
    online learning*, JMLR 2019 (half).

    Examples
    --------
    >>> [tail_of(kind, 2.0, missed=3.0, outside=6) for kind in ("escaped", "half", "mean")]
    [(2.0, 2.0), (1.0, 1.0), (2.0, 0.5)]
    """
    if kind == "half":
        return escaped / 2, escaped / 2
    if kind == "mean":
        return escaped, min(escaped, max(missed, 0.0) / outside)
    return escaped, escaped
