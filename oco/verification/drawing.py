"""Seeded cases: every family of streams in turn, with sizes, sketch sizes and decays drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oco import checks
from oco.verification.cases import Case
from oco.verification.streams import FAMILIES

__all__ = ["D_MAX", "draw", "make"]

# Large enough for frames to fill and fold many times, small enough for dense eigenvalues.
D_MAX = 40
# Beyond, the dense eigenvalues of a single case take minutes.
LARGEST_D = 2000
# A stream has up to this many times d rows.
LONGEST = 4


def make(family: str, T: int, d: int, k: int, decay: float, seed: int) -> Case:
    """Return a case with T rows of a family.

    Examples
    --------
    >>> make("signs", T=2, d=3, k=2, decay=1.0, seed=0)
    signs: T=2, d=3, k=2, decay=1, seed=0
    """
    rows = FAMILIES[family](np.random.default_rng(seed), T, d, k)
    return Case(rows, k, decay, seed, family)


def draw(count: int, seed: int, d_max: int = D_MAX, k: int | None = None) -> Iterator[Case]:
    """Iterate over `count` cases.

    Parameters
    ----------
    count : int
        How many, ≥ 1.
    seed : int
        At least 0.
    d_max : int
        Largest dimension, from 1 to 2000.
    k : int, optional
        Sketch size of all of them, from 2 to `d_max` + 1; otherwise drawn from 2 to d + 1.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    """
    count = checks.integer("cases", count, low=1)
    seed = checks.integer("seed", seed, low=0)
    d_max = checks.integer("d-max", d_max, low=1, high=LARGEST_D)
    if k is not None:
        k = checks.integer("k", k, low=2, high=d_max + 1)
    return (_drawn(seed, i, d_max, k) for i in range(count))


def _drawn(seed: int, i: int, d_max: int, k: int | None) -> Case:
    rng, names = np.random.default_rng([seed, i]), list(FAMILIES)
    smallest = 1 if k is None else k - 1
    d = int(np.rint(np.exp(rng.uniform(np.log(smallest), np.log(d_max)))))
    size = k or int(rng.integers(2, d + 2))
    T = int(rng.integers(1, LONGEST * d + 1))
    decay = 1.0 if rng.uniform() < 0.5 else float(1 - 10.0 ** rng.uniform(-4, -0.05))
    return make(names[i % len(names)], T, d, size, decay, int(rng.integers(1 << 31)))
