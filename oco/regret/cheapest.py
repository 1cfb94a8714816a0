"""The cheapest way through blocks in runs that cost what they say, with at most k switches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Cover", "cheapest"]


class Cover(NamedTuple):
    """What is cheapest.

    Attributes
    ----------
    cost : float
        Of the whole; infinite if there is no way.
    runs : list of (int, int)
        The runs (i, j) of whole blocks i+1..j, in their order; an empty one has i = j.
    """

    cost: float
    runs: list[tuple[int, int]]


def cheapest(runs: np.ndarray, changing: np.ndarray, switches: int) -> Cover:
    """Cover n blocks by runs and by blocks with switches inside, at the least cost.

    Parameters
    ----------
    runs : ndarray of shape (n + 1, n + 1)
        What a run from after block i to after block j costs; infinite for i > j.
    changing : ndarray of shape (k, n)
        What each block costs with 1..k switches inside.
    switches : int
        k: switches inside blocks, and those between two runs that meet, are at most so many.

    Returns
    -------
    Cover

    Notes
    -----
    Bellman's recursion over (switches used, blocks covered), in O(kn² + k²n).

    Examples
    --------
    >>> runs = np.array([[0, 5, 9], [np.inf, 0, 5], [np.inf, np.inf, 0]])
    >>> cheapest(runs, np.array([[np.inf, 1.0]]), 1)
    Cover(cost=6.0, runs=[(0, 1), (2, 2)])
    """
    n = len(runs) - 1
    columns = np.arange(n + 1)
    ends = np.full((switches + 1, n + 1), np.inf)
    starts_of = np.zeros((switches + 1, n + 1), dtype=np.int64)
    used = np.zeros((switches + 1, n + 1), dtype=np.int64)
    for c in range(switches + 1):
        # What it costs to have come to where a run begins, with c switches.
        if c:
            ways = [ends[c - 1]]
            ways += [np.r_[np.inf, ends[c - q, :-1] + changing[q - 1]] for q in range(1, c + 1)]
            offers = np.array(ways)
            used[c] = np.argmin(offers, axis=0)
            begun = offers[used[c], columns]
        else:
            begun = np.r_[0.0, np.full(n, np.inf)]
        totals = begun[:, None] + runs
        starts_of[c] = np.argmin(totals, axis=0)
        ends[c] = totals[starts_of[c], columns]
    c, j = int(np.argmin(ends[:, n])), n
    cost, found = float(ends[c, n]), []
    while np.isfinite(cost):
        i = int(starts_of[c, j])
        found.append((i, j))
        if c == 0:
            break
        q = int(used[c, i])
        c, j = (c - q, i - 1) if q else (c - 1, i)
    return Cover(cost, found[::-1])
