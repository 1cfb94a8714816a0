"""Quadratic models of the total loss, ⟨b, x⟩ + ½ xᵀ B x: metrics B, and minimisers over K."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from scipy.linalg import solve
from scipy.optimize import Bounds, brentq, minimize

from oco.domains import Box, Domain
from oco.linalg.operators import (
    Dense,
    LowRankPlusScalar,
    Scalar,
    SpectralOperator,
    resolve_rank,
)
from oco.regret._passes import Rounds

__all__ = ["SecantMetric", "hessian", "minimise_on_ball", "minimise_on_box", "trust_radius"]

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
# Projected Newton holds the right coordinates after a few steps, each of which must achieve this
# share of the decrease that the slope promises, at no less than this share of its length.
NEWTON_ITERATIONS = 50
DECREASE = 1e-4
SHORTEST = 1e-10


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


def hessian(data: Rounds, weights: np.ndarray, units: np.ndarray) -> SpectralOperator:
    """Return Σ_t w_t b_t b_tᵀ for the rows b_t = a_t · units, weights ≥ 0, with its spectrum.

    Notes
    -----
    With fewer rounds than dimensions it is a low rank plus a zero tail, found from the T × T matrix
    of inner products.
    """
    if data.d <= len(data):
        return Dense.of(data.gram(weights) * np.outer(units, units))
    rows = data.scaled(weights) * units
    values, vectors = np.linalg.eigh(rows @ rows.T)
    values, _ = resolve_rank(values)
    kept = values > 0
    directions = (vectors[:, kept].T @ rows) / np.sqrt(values[kept, None])
    return LowRankPlusScalar.of(directions, values[kept])


def minimise_on_ball(metric: SpectralOperator, linear: np.ndarray, radius: float) -> np.ndarray:
    """Return argmin of ⟨linear, x⟩ + ½ xᵀ B x over ‖x‖ ≤ radius, of shape (d,).

    Notes
    -----
    x = −(B + μI)⁻¹ linear, with μ ≥ 0 the root of ‖x‖ = radius if the unconstrained minimum is
    further out or does not exist: a scalar equation in B's eigenvalues.
    """
    parts = metric.decompose(linear)
    present = parts.squares > 0
    values, coordinates = parts.values[present], np.sqrt(parts.squares[present])

    def excess(shift: float) -> float:
        """Return radius/‖x(shift)‖ − 1, almost linear in the shift."""
        shifted = values + shift
        if not np.all(shifted > 0):
            return -1.0
        return radius / float(np.linalg.norm(coordinates / shifted)) - 1.0

    if not len(values):
        return np.zeros_like(linear)
    shift = 0.0
    with np.errstate(over="ignore"):
        if excess(0.0) < 0:
            # ‖x(shift)‖ ≤ ‖linear‖/shift: twice what makes that the radius is surely enough.
            enough = 2 * float(np.linalg.norm(coordinates)) / radius
            shift = brentq(excess, 0.0, enough, xtol=np.finfo(np.float64).tiny)
    shifted = parts.values + shift
    x = parts.recombine(-np.divide(1.0, shifted, out=np.zeros_like(shifted), where=shifted > 0))
    length = float(np.linalg.norm(x))
    return x if length <= radius else x * (radius / length)


def minimise_on_box(metric: SpectralOperator, s: np.ndarray, box: Box, x: np.ndarray) -> np.ndarray:
    """Return argmin of ⟨s, x' − x⟩ + ½ (x' − x)ᵀ B (x' − x) over x' in the box, of shape (d,).

    Notes
    -----
    A dense B goes to projected Newton [1]_, whose steps do not depend on the condition number; a
    low-rank one to L-BFGS-B.

    References
    ----------
    .. [1] D. P. Bertsekas, "Projected Newton methods for optimization problems with simple
       constraints", SIAM Journal on Control and Optimization 20(2), 1982.
    """
    # Minimised over the step: its model has no large terms that cancel.
    lower, upper = box.lower - x, box.upper - x
    if isinstance(metric, Dense):
        matrix = (metric.vectors * metric.values) @ metric.vectors.T
        return box.nearest(x + _projected_newton(matrix, s, lower, upper))

    def model(step):
        image = metric @ step
        return s @ step + 0.5 * (step @ image), s + image

    found = minimize(
        model,
        np.zeros_like(x),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(lower, upper),
        options={"maxiter": BOX_ITERATIONS, "ftol": 0.0, "gtol": 0.0},
    )
    return box.nearest(x + found.x)


def _projected_newton(matrix, s, lower, upper) -> np.ndarray:
    step, slope = np.zeros_like(s), s
    for _ in range(NEWTON_ITERATIONS):
        held = ((step <= lower) & (slope >= 0)) | ((step >= upper) & (slope <= 0))
        free = np.flatnonzero(~held)
        if not len(free):
            break
        towards = np.zeros_like(s)
        towards[free] = -solve(matrix[np.ix_(free, free)], slope[free], assume_a="pos")
        share = 1.0
        while share > SHORTEST:
            change = np.clip(step + share * towards, lower, upper) - step
            image = matrix @ change
            if slope @ change + 0.5 * (change @ image) <= DECREASE * (slope @ change) < 0:
                break
            share *= 0.5
        else:
            break
        step, slope = step + change, slope + image
    return step


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
