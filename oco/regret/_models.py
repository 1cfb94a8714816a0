"""Minimisers over K of the quadratic models ⟨s, x' − x⟩ + ½ (x' − x)ᵀ B (x' − x)."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import Bounds, brentq, minimize

from oco.domains import Box, Domain
from oco.linalg.operators import Scalar, SpectralOperator

__all__ = ["minimise_linear", "minimise_on_ball", "minimise_on_box", "trust_radius"]

# Without bounds a step may go this many times as far from the origin as the current point, and
# always to a distance of 1: enough to reach any scale in a few steps, and it keeps a step finite
# where the model is almost flat.
GROWTH = 4.0
# Newton's method on the secular equation gains digits quadratically, from one side: 6 steps are
# usual; the length that it leaves is corrected by scaling.
SECULAR_STEPS = 30
SECULAR_ACCURACY = 1e-10
# Steps of L-BFGS-B on a model over a box: a model costs no pass over the data.
BOX_ITERATIONS = 1000
# Projected Newton holds the right coordinates after a few steps, each of which must achieve this
# share of the decrease that the slope promises, at no less than this share of its length.
NEWTON_ITERATIONS = 100
DECREASE = 1e-4
SHORTEST = 1e-18


def trust_radius(domain: Domain, x: np.ndarray) -> float:
    """Return how far from the origin the next point may lie: K's radius, or a multiple of ‖x‖."""
    radius = domain.radius(len(x))
    return radius if math.isfinite(radius) else GROWTH * max(1.0, float(np.linalg.norm(x)))


def minimise_linear(domain: Domain, s: np.ndarray) -> np.ndarray:
    """Return a minimiser of ⟨s, x⟩ over K, a ball or a box unless s = 0."""
    start = domain.start(len(s))
    if not np.any(s):
        return start
    if isinstance(domain, Box):
        return np.where(s > 0, domain.lower, np.where(s < 0, domain.upper, start))
    return _on_ball_by_spectrum(Scalar(0.0, len(s)), s, domain.radius(len(s)))


def minimise_on_ball(
    metric: np.ndarray | SpectralOperator, s: np.ndarray, x: np.ndarray, radius: float
) -> np.ndarray:
    """Return the minimiser of the model over ‖x'‖ ≤ radius, of shape (d,).

    Notes
    -----
    It is −(B + μI)⁻¹ (s − Bx), with μ ≥ 0 the root of ‖x'‖ = radius where μ = 0 would leave the
    ball: a scalar equation, solved in B's eigenvalues if they are known and otherwise by Newton's
    method with a Cholesky factorisation a step [1]_.

    References
    ----------
    .. [1] J. J. Moré, D. C. Sorensen, "Computing a trust region step", SIAM Journal on Scientific
       and Statistical Computing 4(3), 1983.
    """
    by_kind = _on_ball_by_factor if isinstance(metric, np.ndarray) else _on_ball_by_spectrum
    point = by_kind(metric, s - metric @ x, radius)
    length = float(np.linalg.norm(point))
    return point if length <= radius else point * (radius / length)


def minimise_on_box(
    metric: np.ndarray | SpectralOperator, s: np.ndarray, x: np.ndarray, box: Box
) -> np.ndarray:
    """Return the minimiser of the model over the box, of shape (d,).

    Notes
    -----
    A matrix goes to projected Newton [1]_, whose steps do not depend on the condition number; an
    operator to L-BFGS-B.

    References
    ----------
    .. [1] D. P. Bertsekas, "Projected Newton methods for optimization problems with simple
       constraints", SIAM Journal on Control and Optimization 20(2), 1982.
    """
    # Minimised over the step: its model has no large terms that cancel.
    by_kind = _on_box_by_newton if isinstance(metric, np.ndarray) else _on_box_by_lbfgs
    return box.nearest(x + by_kind(metric, s, box.lower - x, box.upper - x))


def _on_ball_by_spectrum(metric: SpectralOperator, linear, radius):
    parts = metric.decompose(linear)
    present = parts.squares > 0
    values, coordinates = parts.values[present], np.sqrt(parts.squares[present])
    if not len(values):
        return np.zeros_like(linear)

    def excess(shift: float) -> float:
        """Return radius/‖x(shift)‖ − 1, almost linear in the shift."""
        shifted = values + shift
        if not np.all(shifted > 0):
            return -1.0
        return radius / float(np.linalg.norm(coordinates / shifted)) - 1.0

    shift = 0.0
    with np.errstate(over="ignore"):
        if excess(0.0) < 0:
            # ‖x(shift)‖ ≤ ‖linear‖/shift: twice what makes that the radius is surely enough.
            enough = 2 * float(np.linalg.norm(coordinates)) / radius
            shift = brentq(excess, 0.0, enough, xtol=np.finfo(np.float64).tiny)
    shifted = parts.values + shift
    return parts.recombine(-np.divide(1.0, shifted, out=np.zeros_like(shifted), where=shifted > 0))


def _on_ball_by_factor(matrix, linear, radius):
    # ‖x(shift)‖ ≥ ‖linear‖/(‖B‖ + shift): a start below the root, from where Newton's method on
    # 1/‖x(shift)‖, which is concave, increases towards it.
    shift = max(0.0, float(np.linalg.norm(linear)) / radius - float(np.linalg.norm(matrix, 1)))
    shifted = matrix.copy()
    for _ in range(SECULAR_STEPS):
        shifted.flat[:: len(matrix) + 1] = matrix.flat[:: len(matrix) + 1] + shift
        factor = cho_factor(shifted, lower=True)
        x = -cho_solve(factor, linear)
        length = float(np.linalg.norm(x))
        if length <= radius * (1 + SECULAR_ACCURACY):
            break
        pull = float(np.linalg.norm(solve_triangular(factor[0], x, lower=True)))
        shift += (length / pull) ** 2 * (length / radius - 1.0)
    return x


def _on_box_by_lbfgs(metric: SpectralOperator, s, lower, upper):
    def model(step):
        image = metric @ step
        return s @ step + 0.5 * (step @ image), s + image

    found = minimize(
        model,
        np.zeros_like(s),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(lower, upper),
        options={"maxiter": BOX_ITERATIONS, "ftol": 0.0, "gtol": 0.0},
    )
    return found.x


def _on_box_by_newton(matrix, s, lower, upper):
    step, slope = np.zeros_like(s), s
    for _ in range(NEWTON_ITERATIONS):
        held = ((step <= lower) & (slope >= 0)) | ((step >= upper) & (slope <= 0))
        free = np.flatnonzero(~held)
        if not len(free):
            break
        towards = np.zeros_like(s)
        towards[free] = -cho_solve(cho_factor(matrix[np.ix_(free, free)]), slope[free])
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
