"""Streams of rows that find the faults of a sketch: what a numerical analyst would try.

Each family is a function of a random generator, T, d and the sketch size k, and returns a finite
array of shape (T, d).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["FAMILIES", "family"]

Family = Callable[[np.random.Generator, int, int, int], np.ndarray]

#: Every family by its name.
FAMILIES: dict[str, Family] = {}
# Squares of rows, and sums of a thousand of them, stay in range.
WIDEST = 150.0


def family(name: str) -> Callable[[Family], Family]:
    """Register a family under `name`."""

    def register(function: Family) -> Family:
        FAMILIES[name] = function
        return function

    return register


def _rotation(rng, d: int) -> np.ndarray:
    return np.linalg.qr(rng.standard_normal((d, d)))[0]


@family("gaussian, any spectrum")
def gaussian(rng, T, d, k):
    """Draw normal rows with a covariance whose spectrum decays by a power, a ratio, or a step."""
    i = np.arange(1.0, d + 1)
    spectra = (
        i ** -rng.uniform(0, 3),
        rng.uniform(0.05, 1) ** i,
        np.where(i <= rng.integers(1, d + 1), 1.0, 10.0 ** -rng.uniform(0, 12)),
    )
    roots = np.sqrt(spectra[rng.integers(3)])
    return rng.standard_normal((T, d)) * roots @ _rotation(rng, d)


@family("exact low rank")
def low_rank(rng, T, d, k):
    """Small whole numbers of rank below the sketch size: exact in floating point."""
    rank = int(rng.integers(1, min(k, d + 1)))
    factors = rng.integers(-3, 4, (T, rank)), rng.integers(-3, 4, (rank, d))
    return (factors[0] @ factors[1]).astype(np.float64)


@family("repeated rows")
def repeated(rng, T, d, k):
    """Repeat a few rows over and over, some with the other sign."""
    few = rng.standard_normal((int(rng.integers(1, 2 * k)), d))
    return few[rng.integers(0, len(few), T)] * rng.choice([-1.0, 1.0], (T, 1))


@family("nearly parallel rows")
def nearly_parallel(rng, T, d, k):
    """Multiples of few directions, plus noise down to the rounding level."""
    few = rng.standard_normal((int(rng.integers(1, k + 1)), d))
    noise = 10.0 ** rng.uniform(-17, -4) * rng.standard_normal((T, d))
    return rng.standard_normal((T, 1)) * few[rng.integers(0, len(few), T)] + noise


@family("zero rows between")
def zeros_between(rng, T, d, k):
    """Most rows are zero, perhaps all of the first or last ones."""
    rows = rng.standard_normal((T, d)) * (rng.uniform(size=(T, 1)) < 0.4)
    cut = int(rng.integers(0, T + 1))
    rows[:cut] *= rng.integers(2)
    return rows


@family("orthonormal set")
def orthonormal(rng, T, d, k):
    """Take the vectors of one orthonormal set, in cycles or at random."""
    basis = _rotation(rng, d)[: int(rng.integers(1, d + 1))]
    order = np.arange(T) if rng.integers(2) else rng.integers(0, len(basis), T)
    return basis[order % len(basis)]


@family("graded between rows")
def graded_between(rng, T, d, k):
    """Lengths spread over as much as 300 orders of magnitude."""
    width = rng.uniform(0, WIDEST)
    return rng.standard_normal((T, d)) * 10.0 ** rng.uniform(-width, width, (T, 1))


@family("graded within rows")
def graded_within(rng, T, d, k):
    """Entries of one row spread over as much as 300 orders of magnitude."""
    width = rng.uniform(0, WIDEST)
    return rng.standard_normal((T, d)) * 10.0 ** rng.uniform(-width, width, d)


@family("one extreme scale")
def one_scale(rng, T, d, k):
    """All rows at one scale, between 1e-150 and 1e150."""
    return rng.standard_normal((T, d)) * 10.0 ** rng.uniform(-WIDEST, WIDEST)


@family("denormal")
def denormal(rng, T, d, k):
    """Rows whose squares underflow, alone or between rows of ordinary size."""
    ordinary = (rng.uniform(size=(T, 1)) < 0.5) * rng.integers(2)
    return rng.standard_normal((T, d)) * np.where(ordinary, 1.0, 10.0 ** rng.uniform(-320, -153))


@family("sparse 0/1")
def sparse(rng, T, d, k):
    """Rows of zeros and ones, as indicator features are."""
    return (rng.uniform(size=(T, d)) < rng.uniform(0, 0.5)).astype(np.float64)


@family("signs")
def signs(rng, T, d, k):
    """Rows of −1 and +1: all of one length, so that ties decide."""
    return rng.choice([-1.0, 1.0], (T, d))


@family("growing")
def growing(rng, T, d, k):
    """Sorted by length, the longest last."""
    rows = rng.standard_normal((T, d)) * 10.0 ** rng.uniform(-rng.uniform(0, 8), 0, (T, 1))
    return rows[np.argsort(np.linalg.norm(rows, axis=1))]


@family("shrinking")
def shrinking(rng, T, d, k):
    """Sorted by length, the longest first."""
    return growing(rng, T, d, k)[::-1].copy()


@family("starving adversary")
def starving(rng, T, d, k):
    """Each row is the unit vector that the sketch so far misses most: the escaped mass is maximal.

    Played against the dense definition of the sketch.
    """
    rows, sketch, exact = np.empty((T, d)), np.zeros((d, d)), np.zeros((d, d))
    order = _rotation(rng, d)
    for t in range(T):
        # The order breaks ties between directions that have not occurred at all.
        missed = exact - sketch - sketch + 1e-3 * (order * np.linspace(1, 2, d)) @ order.T
        rows[t] = g = np.linalg.eigh(missed)[1][:, -1]
        exact += np.outer(g, g)
        values, vectors = np.linalg.eigh(sketch + np.outer(g, g))
        rest = values - max(values[-k], 0.0) if k <= d else values
        sketch = (vectors * np.maximum(rest, 0.0)) @ vectors.T
    return rows


@family("drift")
def drift(rng, T, d, k):
    """Turn the leading subspace into its complement while the rows come."""
    angle = np.linspace(0, np.pi / 2, T)[:, None]
    rows = rng.standard_normal((T, d)) * 0.6 ** np.arange(d)
    half = d // 2
    first, second = rows[:, :half].copy(), rows[:, half : 2 * half].copy()
    rows[:, :half] = np.cos(angle) * first - np.sin(angle) * second
    rows[:, half : 2 * half] = np.sin(angle) * first + np.cos(angle) * second
    return rows @ _rotation(rng, d)
