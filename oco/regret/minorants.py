"""Affine minorants of the rounds' losses: what every lower bound on the best fixed loss is made of.

Each class turns predictions z into slopes u and offsets c with φ(z', y) ≥ u z' + c for *all* z':
summed over the rounds this is F(x) ≥ ⟨s, x⟩ + Σ c_t with s = Σ u_t a_t, which is Fenchel's bound
(c_t = −φ*(u_t, y_t)) without needing the conjugate.  The slopes are also the gradient of a smooth
convex function of z, which is what the solver minimises: F itself, or its Moreau envelope.

The offsets are proven with their rounding, for a slope within the stated doubt of u: by the loss
itself where it has `minorant`, else from its tangents and what `Loss.error` says of its values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oco.linalg.rounding import UNIT, gamma
from oco.losses.loss import ASSUMED

__all__ = ["Minorants", "MoreauEnvelope", "SmoothLoss", "floor", "inner", "supporting"]

# Bisection reaches neighbouring floating-point numbers in about 53 halvings, plus one for every
# factor of 2 by which the bracket is longer than the root is far from 0.
BISECTIONS = 200
# Step of the difference quotient that stands for φ'', relative to 1 + |w|: the cube root of the
# rounding unit, where truncation and rounding errors balance.
DIFFERENCE = float(np.cbrt(np.finfo(np.float64).eps))


class Minorants(NamedTuple):
    """φ(z', y_t) ≥ ⟨v_t, z'⟩ + offset_t for all z', with equality or nearly so at z' = z_t.

    Attributes
    ----------
    slope : ndarray of shape (T,), or (T, c) with vectors of c predictions
        u_t, next to v_t.
    offset : ndarray of shape (T,)
        c_t ≤ −φ*(v_t, y_t).
    doubt : ndarray of shape (T,)
        A bound on ‖v_t − u_t‖.
    curvature : ndarray of shape (T,), or None with vectors of predictions
        The derivative of u_t in z_t, ≥ 0.
    """

    slope: np.ndarray
    offset: np.ndarray
    doubt: np.ndarray
    curvature: np.ndarray | None


class SmoothLoss:
    """The tangents of a loss with a second derivative.

    Parameters
    ----------
    loss : Loss
        With `value`, `derivative` and `curvature`.
    labels : ndarray of shape (T,)
        y_t.
    """

    def __init__(self, loss, labels: np.ndarray) -> None:
        self.loss, self.labels = loss, labels

    def at(self, z: np.ndarray) -> Minorants:
        """Return the tangents at the predictions `z`, of shape (T,) or (T, c)."""
        slope = self.loss.derivative(z, self.labels)
        curvature = self.loss.curvature(z, self.labels) if z.ndim == 1 else None
        return Minorants(slope, *supporting(self.loss, slope, z, self.labels), curvature)

    def total(self, minorants: Minorants, z: np.ndarray) -> float:
        """Return Σ φ(z_t, y_t)."""
        return float(np.sum(self.loss.value(z, self.labels)))


class MoreauEnvelope:
    """Minorants of any convex loss at its proximal points, for the method of multipliers.

    The solver minimises Σ_t e(z_t + ε λ_t), where e(v) = min_w φ(w) + (v − w)²/(2ε) is smooth with
    the slope u = (v − w)/ε, a subgradient of φ at the minimiser w.  `advance` sets λ ← u; the
    minima of that sequence of problems converge to the minimum of Σ φ with ε fixed [1]_.

    Parameters
    ----------
    loss : Loss
        With `value` and `derivative` (any subgradient).
    labels : ndarray of shape (T,)
        y_t.

    Attributes
    ----------
    width : float
        ε > 0, in units of z².
    multipliers : ndarray of shape (T,)
        λ_t.

    Notes
    -----
    w is bisected from subgradients alone, so a loss needs no proximal operator and no conjugate.
    The bisection ends with subgradients g₋ at w₋ and g₊ at w₊ that enclose u, and the convex
    combination of those two tangents that has slope u is a minorant whatever its accuracy.

    References
    ----------
    .. [1] R. T. Rockafellar, "Augmented Lagrangians and applications of the proximal point
       algorithm in convex programming", Mathematics of Operations Research 1(2), 1976.
    """

    def __init__(self, loss, labels: np.ndarray) -> None:
        self.loss, self.labels = loss, labels
        self.multipliers = np.zeros(len(labels))
        self.width = self._natural_width()

    def _natural_width(self) -> float:
        # The step from z = 0 along the slope that would bring the loss to 0, over the slope.
        at_zero = np.zeros(len(self.labels))
        slope = self.loss.derivative(at_zero, self.labels)
        level = np.abs(self.loss.value(at_zero, self.labels)).sum()
        squares = float(slope @ slope)
        width = float(level / squares) if squares > 0 else 1.0
        return width if 0 < width < np.inf else 1.0

    def advance(self, minorants: Minorants, factor: float) -> None:
        """Take the slopes for multipliers, and multiply ε by `factor`."""
        self.multipliers = minorants.slope
        self.width *= factor

    def total(self, minorants: Minorants, z: np.ndarray) -> float:
        """Return Σ e(z_t + ε λ_t): each term is the largest u v − φ*(u) − ε u²/2, v = z + ε λ."""
        u, v = minorants.slope, z + self.width * self.multipliers
        return float(np.sum(minorants.offset + u * v - self.width / 2 * u * u))

    def at(self, z: np.ndarray) -> Minorants:
        """Return minorants at the proximal points of ``z + ε λ``, for `z` of shape (T,)."""
        loss, y, width = self.loss, self.labels, self.width
        v = z + width * self.multipliers
        slope = loss.derivative(v, y)
        # Subgradients are monotone: w lies between v and the explicit step from v.
        other = v - width * slope
        kinked = np.flatnonzero(loss.derivative(other, y) != slope)
        slope = np.array(slope, dtype=np.float64)
        offset, doubt = supporting(loss, slope, v, y)
        curvature = np.zeros(len(v))
        if len(kinked):
            bracket = np.minimum(v, other)[kinked], np.maximum(v, other)[kinked]
            found = self._bisect(v[kinked], y[kinked], *bracket)
            slope[kinked], offset[kinked] = found.slope, found.offset
            doubt[kinked], curvature[kinked] = found.doubt, found.curvature
        return Minorants(slope, offset, doubt, curvature)

    def _bisect(self, v, y, low, high) -> Minorants:
        loss, width = self.loss, self.width
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            if np.all((middle == low) | (middle == high)):
                break
            beyond = middle + width * loss.derivative(middle, y) > v
            high = np.where(beyond, middle, high)
            low = np.where(beyond, low, middle)
        below, above = loss.derivative(low, y), loss.derivative(high, y)
        slope = np.clip((v - 0.5 * (low + high)) / width, below, above)
        jump = above - below
        if loss.minorant is None:
            share = np.divide(slope - below, jump, out=np.zeros_like(jump), where=jump > 0)
            (first, first_doubt), (second, second_doubt) = (
                supporting(loss, u, w, y) for u, w in ((below, low), (above, high))
            )
            offset = (1 - share) * first + share * second
            offset -= 4 * UNIT * (np.abs(first) + np.abs(second))
            doubt = np.maximum(first_doubt, second_doubt) + 4 * UNIT * (np.abs(slope) + jump)
        else:
            offset, doubt = loss.minorant(slope, y)
        step = DIFFERENCE * (1 + np.abs(low))
        rise = loss.derivative(high + step, y) - loss.derivative(low - step, y)
        rate = np.maximum(rise, 0.0) / (2 * step)
        return Minorants(slope, offset, doubt, rate / (1 + width * rate))


def floor(loss, labels: np.ndarray, shape: tuple[int, ...]) -> Minorants | None:
    """Return the minorants of slope 0, Σ min_z φ(z, y_t), where the loss tells them."""
    flat = np.zeros(shape)
    if loss.minorant is not None:
        offset, doubt = loss.minorant(flat, labels)
        return Minorants(flat, offset, doubt, flat)
    if loss.conjugate is None:
        return None
    offset = -np.asarray(loss.conjugate(flat, labels), dtype=np.float64)
    return Minorants(flat, offset - ASSUMED * np.abs(offset), 0.0 * offset, flat)


def supporting(loss, slope, z, y) -> tuple[np.ndarray, np.ndarray]:
    """Return offsets and doubts of minorants with these slopes, which were taken at z.

    A loss without `minorant` is assumed to return a slope that is right to 16u at some point within
    16u|z| of z; the value there is then within `Loss.error` of the computed one.
    """
    if loss.minorant is not None:
        return loss.minorant(slope, y)
    vectors = slope.ndim > 1
    size = np.linalg.norm(slope, axis=1) if vectors else np.abs(slope)
    off = ASSUMED * (np.max(np.abs(z), axis=1) if vectors else np.abs(z))
    rounding = 4 * ASSUMED + (gamma(slope.shape[1] + 1) if vectors else 0.0)
    level = loss.value(z, y) - loss.error(z, y, off)
    offset = level - inner(slope, z) - rounding * inner(np.abs(slope), np.abs(z))
    return offset - 4 * UNIT * np.abs(level), ASSUMED * size


def inner(u: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return ⟨u_t, z_t⟩ for each round, of shape (T,), for numbers and for vectors."""
    return u * z if u.ndim == 1 else np.einsum("tc,tc->t", u, z)
