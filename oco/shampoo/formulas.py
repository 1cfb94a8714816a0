"""The scale, the power and the tail of a factor."""

from __future__ import annotations

from typing import Any

from oco.shampoo.recipe import ROOTS, SEEN

__all__ = [
    "power_of",
    "scale_of",
    "statistics_interval",
    "tail_of",
]


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
