"""Thresholds: where numbers less a common amount, cut off at 0, add up to a given sum."""

from __future__ import annotations

import numpy as np

__all__ = ["fill", "fill_in_metric"]

# Weights are relative to the largest; a smaller one is as good as none.
LIGHTEST = 1e-100


def fill(y: np.ndarray, total: float, weights: np.ndarray | None = None) -> np.ndarray:
    """Return max(y − μ/h, 0) with the μ, of either sign, for which it adds up to `total`.

    It is argmin Σ h_i (x_i − y_i)² over x ≥ 0 with Σ x_i = total.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Any finite numbers, n ≥ 1.
    total : float
        At least 0.
    weights : ndarray of shape (n,), optional
        h > 0; all 1 by default.

    Examples
    --------
    >>> fill(np.array([1.0, 0.5, -2.0]), 1.0)
    array([0.75, 0.25, 0.  ])
    >>> fill(np.array([1.0, 0.5]), 1.0, np.array([1.0, 2.0])).round(3)
    array([0.667, 0.333])
    """
    if not total > 0:
        return np.zeros(len(y))
    if weights is None:
        # Nothing is lost beside a large number that all have in common.
        y, shares = y - y.max(), np.ones(len(y))
        ratios = y
    else:
        shares = 1 / np.maximum(weights / weights.max(), LIGHTEST)
        ratios = y / shares
    order = np.argsort(-ratios, kind="stable")
    levels = (np.cumsum(y[order]) - total) / np.cumsum(shares[order])
    # The first is always below its own ratio.
    last = np.flatnonzero(ratios[order] > levels)
    count = last[-1] + 1 if len(last) else 1
    # Rounding may leave out a number whose ratio is the level's but for it: its part is 0 then.
    x, kept = np.zeros(len(y)), order[:count]
    x[kept] = np.maximum(y[kept] - levels[count - 1] * shares[kept], 0.0)
    return x * (total / x.sum())


def fill_in_metric(y: np.ndarray, total: float, h: np.ndarray, *, exactly: bool) -> np.ndarray:
    """Return argmin Σ h_i (x_i − y_i)² over x ≥ 0 with Σ x_i = total, or ≤ total; h may have zeros.

    Where h_i = 0 any x_i is as good: of all minimisers it is one whose coordinates there are
    nearest to y.

    Parameters
    ----------
    y, h : ndarray of shape (n,)
        h ≥ 0.
    total : float
        > 0.
    exactly : bool
        Whether the sum is `total`, or at most that.

    Examples
    --------
    >>> fill_in_metric(np.array([0.5, 3.0]), 1.0, np.array([1.0, 0.0]), exactly=True)
    array([0.5, 0.5])
    """
    seen = h > 0
    x = np.maximum(y, 0.0)
    inside, unseen = float(x[seen].sum()), ~seen
    if inside > total or (exactly and not unseen.any()):
        x[unseen] = 0.0
        x[seen] = fill(y[seen], total, h[seen])
        return x
    rest = total - inside
    if unseen.any() and (exactly or float(x[unseen].sum()) > rest):
        x[unseen] = fill(y[unseen], rest)
    return x
