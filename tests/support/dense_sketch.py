"""Frequent Directions as its definition reads, on dense matrices: the twin of the fast one."""

import numpy as np


def dense_sketch(rows, size, decay=1.0):
    """Yield (Ḡ_t, τ_t, G_t) after each of an iterable of rows."""
    sketch, exact, tau = 0.0, 0.0, 0.0
    for g in rows:
        d = len(g)
        exact = decay * exact + np.outer(g, g)
        values, vectors = np.linalg.eigh(decay * sketch + np.outer(g, g))
        values, vectors = values[::-1], vectors[:, ::-1]
        rho = max(values[size - 1], 0.0) if size <= d else 0.0
        top = np.maximum(values[:size] - rho, 0.0)
        sketch = (vectors[:, :size] * top) @ vectors[:, :size].T
        tau = decay * tau + rho
        yield sketch, tau, exact


def gradient_streams(d, T, seed):
    """Return streams that a careless sketch gets wrong, by name."""
    rng = np.random.default_rng(seed)
    gaussian = rng.standard_normal((T, d))
    line = np.outer(rng.standard_normal(T), rng.standard_normal(d))
    low_rank = rng.standard_normal((T, min(3, d))) @ rng.standard_normal((min(3, d), d))
    return {
        "gaussian": gaussian,
        "decaying spectrum": gaussian * 0.7 ** np.arange(d),
        "low rank": low_rank,
        "nearly parallel": line + 1e-7 * gaussian,
        "parallel to rounding": line + 1e-14 * gaussian,
        "orthonormal": np.eye(d)[rng.integers(0, d, T)],
        "cycle": np.eye(d)[np.arange(T) % d],
        "repeated": np.repeat(gaussian[: T // 5 + 1], 5, axis=0)[:T],
        "graded rows": gaussian * 10.0 ** rng.uniform(-6, 6, (T, 1)),
        "growing": gaussian * 1.1 ** np.arange(T)[:, None],
        "shrinking": gaussian * 1.1 ** -np.arange(T)[:, None],
        "zeros between": gaussian * (rng.uniform(size=(T, 1)) < 0.5),
        "sparse": (rng.uniform(size=(T, d)) < 0.2).astype(float),
        "tiny": 1e-140 * gaussian,
        "huge": 1e140 * gaussian,
    }
