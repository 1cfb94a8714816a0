"""A regret held against a bound, with what rounding may have done to the bound."""

from __future__ import annotations

import math

import numpy as np

from oco.bounds.rungs import Account
from oco.linalg.rounding import UNIT

__all__ = ["allowance", "full_adagrad_bound", "verdict"]

# Eigenvalues are known to rounding of the largest, relatively; their roots are known to this.
ROOTS = 1e-6
# The length of a gradient whose square is no normal number.
SMALLEST_LENGTH = math.sqrt(np.finfo(np.float64).tiny)


def full_adagrad_bound(root_trace: float, diameter: float) -> float:
    """Return √2·D·tr G_T^{1/2}: what full-matrix AdaGrad promises on the same gradients.

    Examples
    --------
    >>> full_adagrad_bound(4.0, diameter=2.0) == 2**0.5 * 2 * 4
    True
    """
    return math.sqrt(2) * diameter * root_trace


def allowance(account: Account, value: float) -> float:
    """Return what rounding may have done to a rung's value, by the rounds that made it.

    A millionth of the value: eigenvalues are known to 1e-13 of the largest, and enter by their
    roots; eight roundings of the value a round, for the steps; and what gradients whose squares
    underflow, which no metric sees, can cost.  It is an allowance, not a proof.

    Parameters
    ----------
    account : Account
        After t rounds.
    value : float
        The rung, evaluated with it.

    Returns
    -------
    float
        At least 0; infinite or NaN where the value is.
    """
    unseen = account.t * account.diameter * SMALLEST_LENGTH
    return (ROOTS + 8 * UNIT * account.t) * abs(value) + unseen


def verdict(
    lo: float, hi: float, value: float, allowance: float = 0.0, least: float | None = None
) -> bool | None:
    """Hold a regret known to lie in [`lo`, `hi`] against a bound.

    Parameters
    ----------
    lo, hi, value : float
        The interval and the bound.
    allowance : float
        What the bound may be off by; an infinite bound is not.
    least : float, optional
        Where the bound itself is only known to lie between two numbers: the lower, `value` being
        the upper.

    Returns
    -------
    bool or None
        True if all of the interval is below by more than the allowance, False if all of it is above
        by more (the bound is violated), None if that cannot be told or the bound was not computed.

    Examples
    --------
    >>> verdict(1.0, 2.0, 3.0), verdict(1.0, 2.0, 0.5), verdict(1.0, 2.0, 1.5)
    (True, False, None)
    >>> verdict(1.0, 2.0, 2.5, allowance=0.6), verdict(1.0, 2.0, 0.5, allowance=0.6)
    (None, None)
    >>> verdict(1.0, 2.0, 3.0, least=1.5), verdict(1.0, 2.0, 3.0, least=2.5)
    (None, True)
    """
    least = value if least is None else least
    if least == math.inf and not math.isnan(lo):
        return True
    if hi <= least - allowance:
        return True
    return False if lo > value + allowance else None
