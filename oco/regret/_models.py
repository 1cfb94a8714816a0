"""Quadratic models of the total loss, ⟨b, x⟩ + ½ xᵀ B x: their metrics B, their minimisers over K."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from scipy.optimize import Bounds, brentq, minimize

from oco.domains import Box, Domain
from oco.linalg.operators import LowRankPlusScalar, Scalar, SpectralOperator

__all__ = ["SecantMetric", "minimise_on_ball", "minimise_on_box", "trust_radius"]

# Pairs kept by the limited-memory metric; 10 is the usual choice, and the eigenvalue problem of a
# step has twice that size.
MEMORY = 10
# A secant pair whose curvature is lost in the rounding of the gradients is dropped.
CURVED = 1e-10
# Without bounds a step may go this many times as far from the origin as the current point, and
# always to a distance of 1: enough to reach any scale in a few steps, and it keeps a step finite
# where the model is flat.
GROWTH = 4.0
# Steps of L-BFGS-B on a model over a box: a model costs no pass over the data.
BOX_ITERATIONS = 1000


class SecantMetric:
    """The limited-memory BFGS approximation of a Hessian, as an operator with a known spectrum.

    Parameters
    ----------
    scale : float
        The curvature assumed before any pair is known, > 0.
    d : int
        Dimension.

    References
    ----------
    R. H. Byrd, J. Nocedal, R. B. Schnabel, "Representations of quasi-Newton matrices and their use
    in limited memory methods", Mathematical Programming 63, 1994, eq. (2.17).
    """

    def __init__(self, scale: float, d: int) -> None:
        self._pairs: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=MEMORY)
        self._scale, self._d = scale, d

    def absorb(self, step: np.ndarray, change: np.ndarray) -> None:
        """Learn that the gradient changed by `change` along `step`, both of shape (d,)."""
        curvature = step @ change
        if curvature > CURVED * np.linalg.norm(step) * np.linalg.norm(change):
            self._pairs.append((step, change))
            self._scale = float(change @ change / curvature)

    def operator(self) -> SpectralOperator:
        """Return B as a low rank plus a scalar."""
        if not self._pairs:
            return Scalar(self._scale, self._d)
        steps, changes = (np.array(part) for part in zip(*self._pairs, strict=True))
        products = steps @ changes.T
        lower = np.tril(products, -1)
        middle = np.block(
            [[self._scale * steps @ steps.T, lower], [lower.T, -np.diag(np.diag(products))]]
        )
        basis, factor = np.linalg.qr(np.vstack([self._scale * steps, changes]).T)
        small = -factor @ np.linalg.solve(middle, factor.T)
        values, vectors = np.linalg.eigh(0.5 * (small + small.T))
        values = np.maximum(values + self._scale, 0.0)
        return LowRankPlusScalar.of((basis @ vectors).T, values, self._scale)


def minimise_on_ball(metric: SpectralOperator, linear: np.ndarray, radius: float) -> np.ndarray:
    """Return argmin of ⟨linear, x⟩ + ½ xᵀ B x over ‖x‖ ≤ radius, of shape (d,).

    Notes
    -----
    x = −(B + μI)⁻¹ linear, with μ ≥ 0 the root of ‖x‖ = radius if the unconstrained minimum is
    further out or does not exist: a scalar equation in B's eigenvalues.
    """
    parts = metric.decompose(linear)
    present = parts.squares > 0
    values, squares = parts.values[present], parts.squares[present]

    def inverse_length(shift: float) -> float:
        shifted = values + shift
        if not np.all(shifted > 0):
            return 0.0
        return 1.0 / math.sqrt(float(np.sum(squares / shifted**2)))

    if not len(values):
        return np.zeros_like(linear)
    shift = 0.0
    if inverse_length(0.0) * radius < 1.0:
        largest = math.sqrt(float(squares.sum())) / radius
        shift = brentq(lambda m: inverse_length(m) * radius - 1.0, 0.0, 2 * largest, xtol=1e-300)
    shifted = parts.values + shift
    x = parts.recombine(-np.divide(1.0, shifted, out=np.zeros_like(shifted), where=shifted > 0))
    length = float(np.linalg.norm(x))
    return x if length <= radius else x * (radius / length)


def minimise_on_box(
    metric: SpectralOperator, linear: np.ndarray, box: Box, x: np.ndarray
) -> np.ndarray:
    """Return the minimiser of ⟨linear, x⟩ + ½ xᵀ B x over the box, started from `x`."""

    def model(point):
        image = metric @ point
        return linear @ point + 0.5 * (point @ image), linear + image

    lower, upper = np.broadcast_to(box.lower, x.shape), np.broadcast_to(box.upper, x.shape)
    options = {"maxiter": BOX_ITERATIONS, "ftol": 0.0, "gtol": 0.0}
    found = minimize(
        model, x, jac=True, method="L-BFGS-B", bounds=Bounds(lower, upper), options=options
    )
    return np.clip(found.x, lower, upper)


def trust_radius(domain: Domain, x: np.ndarray) -> float:
    """Return how far from the origin the next point may lie: K's radius, or a multiple of ‖x‖."""
    radius = domain.radius(len(x))
    return radius if math.isfinite(radius) else GROWTH * max(1.0, float(np.linalg.norm(x)))


def minimise_linear(domain: Domain, s: np.ndarray) -> np.ndarray:
    """Return a minimiser of ⟨s, x⟩ over K."""
    start = domain.start(len(s))
    if not np.any(s):
        return start
    if isinstance(domain, Box):
        return np.where(s > 0, domain.lower, np.where(s < 0, domain.upper, start))
    return minimise_on_ball(Scalar(0.0, len(s)), s, domain.radius(len(s)))
