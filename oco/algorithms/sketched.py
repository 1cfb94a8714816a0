"""A preconditioner whose metric is the root of a Frequent Directions sketch."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import kernel
from oco.linalg.operators import LowRankPlusScalar, pseudo_power, resolve_rank
from oco.linalg.secular import ball_weights
from oco.sketch import FrequentDirections
from oco.sketch.kernels import ESCAPED, TOTAL, M, Q, step

__all__ = ["SketchedRoot"]


class SketchedRoot:
    """H_t = (Ḡ_t + σ_t I)^{1/2} + δ I, with σ_t the escaped mass ρ_{1:t} or 0.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.
    compensate : bool
        Whether σ_t = ρ_{1:t}, so that H_t² ⪰ G_t.
    delta : float
        δ ≥ 0.

    Examples
    --------
    >>> SketchedRoot(d=2, k=2, compensate=True).update(np.array([3.0, 4.0]), 25.0)
    array([0.6, 0.8])
    """

    separable = False

    def __init__(self, d: int, k: int, *, compensate: bool, delta: float = 0.0) -> None:
        self.sketch = FrequentDirections(d, k)
        self.compensate, self.delta = compensate, delta
        self._arrays = self.sketch.arrays
        # V x, for the x that `descend` has answered with.
        self._image = np.zeros(len(self.sketch.arrays[0]))
        self._answer: np.ndarray | None = None

    @property
    def metric(self) -> LowRankPlusScalar:
        """H_t: a view of the sketch that the next update changes."""
        sketch = self.sketch
        shift = sketch.escaped_mass if self.compensate else 0.0
        roots, tail = _roots(sketch.eigenvalues, shift, self.delta)
        return LowRankPlusScalar(sketch.basis, roots, tail, sketch.d)

    @property
    def potential(self) -> float:
        """Return tr H_t."""
        return self.metric.sum()

    @property
    def escaped_mass(self) -> float:
        """Return ρ_{1:t}."""
        return self.sketch.escaped_mass

    @property
    def state_bytes(self) -> int:
        """Return what the sketch holds, and the image of x."""
        return self.sketch.state_bytes + self._image.nbytes

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Return H_t⁻¹ g_t (pseudo-inverse)."""
        return self.descend(np.zeros(len(g)), g, 0.0, -1.0, math.inf)[0]

    def descend(
        self, x: np.ndarray, g: np.ndarray, mass: float, lr: float, radius: float
    ) -> tuple[np.ndarray, float, float]:
        """Absorb g_t and return x_{t+1} on a ball, g_tᵀ H_t⁻¹ g_t and Σ ‖g_s‖²."""
        self._answer, quadratic, mass = _descend(
            *self._arrays,
            self._image,
            x is self._answer,
            x,
            g,
            mass,
            lr,
            radius,
            self.compensate,
            self.delta,
        )
        return self._answer, quadratic, mass


@kernel
def _roots(eigenvalues, shift, delta):
    """Return the eigenvalues of (Ḡ + σI)^{1/2} + δI: on the sketch's eigenvectors, and beside."""
    shifted, tail = resolve_rank(eigenvalues + shift, shift)
    return np.sqrt(shifted) + delta, math.sqrt(tail) + delta


@kernel
def _descend(
    frame,
    rotation,
    values,
    gram,
    coordinates,
    inside,
    counts,
    numbers,
    image,
    known,
    x,
    g,
    mass,
    lr,
    radius,
    compensate,
    delta,
):
    """Absorb g, step against H⁻¹g and project onto the ball in the metric H: O((k + d)k).

    The direction, the step and the projection are combinations of x, of g and of rows of V, found
    in small spaces, which costs one product with V for the round.

    Parameters
    ----------
    frame, rotation, values, gram, coordinates, inside, counts, numbers
        The sketch: see `oco.sketch.kernels.step`.
    image : ndarray of shape (capacity,)
        V x; receives V times the result.
    known : bool
        Whether `image` belongs to `x`.
    x, g : ndarray of shape (d,)
        The point and the gradient.
    mass : float
        Σ ‖g_s‖² before.
    lr, radius : float
        η; the ball's R, which may be infinite.
    compensate : bool
        Whether σ is the escaped mass, or 0.
    delta : float
        δ.

    Returns
    -------
    ndarray of shape (d,), float, float
        argmin_{‖u‖ ≤ R} (u − y)ᵀ H (u − y) with y = x − η H⁺g; gᵀH⁺g; and Σ ‖g_s‖², which is not
        finite if the vector has been refused, with nothing changed.  The coordinates in the
        *updated* eigenvectors hold all of g that is in H's range, so that g is never split by
        eigenvalues at rounding level.
    """
    # Neither vdot nor a float says anything of an overflow, which the caller reports.
    square = float(np.vdot(g, g))
    mass += square
    if not math.isfinite(mass + float(numbers[TOTAL])):
        return x, 0.0, math.inf
    first = step(frame, rotation, values, gram, coordinates, inside, counts, numbers, g, square)
    m, q = counts[M], counts[Q]
    turn, c = rotation[:q], coordinates[:q]
    roots, tail = _roots(values[:q], numbers[ESCAPED] if compensate else 0.0, delta)
    scale = 1.0 / tail if tail > 0.0 else 0.0
    # H⁺g = (W V)ᵀ along + scale·g.
    along = (pseudo_power(roots, -1.0) - scale) * c
    inner = np.dot(along, c)
    quadratic = inner + scale * square
    combination, keep = -lr * along, 1.0
    if radius < math.inf:
        if not known:
            first = 0
        image[first:m] = np.dot(frame[first:m], x)
        before = np.dot(turn, image)
        seen = before - lr * (along + scale * c)
        length = (
            np.dot(x, x)
            - 2 * lr * (np.dot(along, before) + scale * np.dot(g, x))
            + lr * lr * (np.dot(along, along) + scale * (quadratic + inner))
        )
        eigenvalues, squares = np.empty(q + 1), np.empty(q + 1)
        eigenvalues[:q], eigenvalues[q] = roots, tail
        squares[:q], squares[q] = seen * seen, max(length - np.dot(seen, seen), 0.0)
        weights = ball_weights(eigenvalues, squares, radius)
        keep = weights[q]
        combination = (weights[:q] - keep) * seen + keep * combination
    combination = np.dot(combination, turn)
    if radius < math.inf:
        image[:] = keep * (image - (lr * scale) * inside) + np.dot(gram, combination)
    result = np.dot(combination[:m], frame[:m])
    result += keep * x - (keep * lr * scale) * g
    # Where H is ill-conditioned the combination is exact to ε‖g‖/√σ only; in K it is to rounding.
    size = math.sqrt(np.dot(result, result))
    if size > radius:
        result *= radius / size
        image *= radius / size
    return result, quadratic, mass
