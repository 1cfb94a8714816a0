"""A preconditioner whose metric is the root of a Frequent Directions sketch."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import kernel
from oco.linalg.operators import RANK_CUTOFF, LowRankPlusScalar, pseudo_power, resolve_rank
from oco.linalg.products import combine, inner, mix, products, weighted_sum
from oco.linalg.secular import ball_multiplier, ball_weights
from oco.sketch import FrequentDirections
from oco.sketch.kernels import SMALLEST_MASS, step, turns
from oco.sketch.state import (
    BESIDE,
    COMPENSATION,
    DELTA,
    ESCAPED,
    FOLLOWED,
    ROWS,
    TOTAL,
    M,
    unpack,
)

__all__ = ["SketchedRoot"]

# V x is followed while a step outside the sketch has at most this many radii: it then is exact to ε
# times the step, which the next round multiplies by a step like it.
LONGEST_STEP = 1e3


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
        numbers = self.sketch.state.numbers
        numbers[COMPENSATION], numbers[DELTA] = compensate, delta
        # The x that `descend` has answered with, to which the sketch's image belongs.
        self._answer: np.ndarray | None = None

    @property
    def metric(self) -> LowRankPlusScalar:
        """H_t: a view of the sketch that the next update changes."""
        sketch, numbers = self.sketch, self.sketch.state.numbers
        shift = numbers[COMPENSATION] * numbers[ESCAPED]
        roots = _roots(sketch.eigenvalues, shift, numbers[DELTA])
        return LowRankPlusScalar(sketch.basis, roots[:-1], float(roots[-1]), sketch.d)

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
        """Return what the sketch holds."""
        return self.sketch.state_bytes

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Return H_t⁻¹ g_t (pseudo-inverse)."""
        return self.descend(np.zeros(len(g)), g, 0.0, -1.0, math.inf)[0]

    def descend(
        self, x: np.ndarray, g: np.ndarray, mass: float, lr: float, radius: float
    ) -> tuple[np.ndarray, float, float]:
        """Absorb g_t and return x_{t+1} on a ball, g_tᵀ H_t⁻¹ g_t and Σ ‖g_s‖².

        Where that sum is not finite, g_t has been refused, and x_{t+1} is x_t.
        """
        if x is not self._answer:
            # The sketch's image is that of another point.
            self.sketch.state.counts[FOLLOWED] = -1
        # Until the end, as an interrupt may leave the image that of neither.
        self._answer, answer = None, np.empty(self.sketch.d)
        quadratic, mass = _descend(self.sketch.memory, x, g, mass, lr, radius, answer)
        if not mass < math.inf:
            return x, quadratic, mass
        self._answer = answer
        return answer, quadratic, mass


@kernel
def _roots(eigenvalues, shift, delta):
    """Eigenvalues of (Ḡ + σI)^{1/2} + δI: on the sketch's eigenvectors, and last the one beside."""
    shifted = np.empty(len(eigenvalues) + 1)
    np.positive(eigenvalues, shifted[:-1])
    shifted[-1] = 0.0
    shifted += shift
    # They descend: where the last of them is no rounding of the first, none is.
    if shift <= RANK_CUTOFF * shifted[0]:
        shifted, _ = resolve_rank(shifted)
    np.sqrt(shifted, shifted)
    shifted += delta
    return shifted


@kernel
def _descend(memory, x, g, mass, lr, radius, result):
    """Absorb g, step against H⁻¹g and project onto the ball in the metric H: O((k + d)k).

    The direction, the step and the projection are combinations of x, of g and of rows of V, found
    in small spaces, which costs one product with V for the round.

    Parameters
    ----------
    memory
        The sketch's, whose `image` is V x if nothing happened since FOLLOWED, and receives V times
        the result.
    x, g : ndarray of shape (d,)
        The point and the gradient.
    mass : float
        Σ ‖g_s‖² before.
    lr, radius : float
        η; the ball's R, which may be infinite.
    result : ndarray of shape (d,)
        Receives argmin_{‖u‖ ≤ R} (u − y)ᵀ H (u − y), with y = x − η H⁺g.

    Returns
    -------
    float, float
        gᵀH⁺g; and Σ ‖g_s‖², which is not finite if the vector has been refused, with nothing
        changed.

    Notes
    -----
    The coordinates in the *updated* eigenvectors hold all of g that is in H's range, so that g is
    never split by eigenvalues at rounding level.
    """
    frame, rotation, gram, values, c, inside, image, numbers, counts = unpack(memory)
    if not len(x) == len(g) == len(result) == frame.shape[1]:
        # Compiled loops would read and write beyond the arrays.
        raise ValueError("x, g: expected vectors of the learner's length")
    # Neither BLAS nor a float says anything of an overflow, which the caller reports.
    square = float(inner(g, g))
    mass += square
    if not math.isfinite(max(mass, float(numbers[TOTAL]) + square)):
        return 0.0, math.inf
    if radius < math.inf and counts[FOLLOWED] != counts[ROWS]:
        products(frame[: counts[M]], x, image[: counts[M]])
    if turns(frame, counts):
        # It may be a row of V.
        g = g.copy()
    grown = step(frame, rotation, gram, values, c, inside, image, numbers, counts, g, square)
    m, n = counts[M], len(values)
    h = _roots(values, numbers[COMPENSATION] * numbers[ESCAPED], numbers[DELTA])
    if h[n] > 0.0:
        along, scale = c / h[:n], 1.0 / h[n]
    else:
        inverse = pseudo_power(h, -1.0)
        along, scale = inverse[:n] * c, inverse[n]
    # In the eigenvectors W V the coordinates of y = x − η H⁺g are the image's − η·along; outside
    # them y is what x + forth·g is there.
    outside, forth, keep = numbers[BESIDE], -lr * scale, 1.0
    quadratic = inner(along, c) + scale * outside
    if radius == math.inf:
        combination = -lr * along - forth * c
    else:
        if grown:
            image[m - 1] = inner(frame[m - 1], x)
        before, y = np.empty(n), np.empty(n + 1)
        products(rotation, image, before)
        rest = (
            inner(x, x)
            - inner(before, before)
            + 2 * forth * (inner(g, x) - inner(before, c))
            + forth * (forth * outside)
        )
        if square < SMALLEST_MASS:
            # The square has lost its digits, but a step may be as long as any.
            moved, kept = x + forth * g, before + forth * c
            rest = inner(moved, moved) - inner(kept, kept)
        # y's coordinates in the eigenvectors, and last its length outside them.
        mix(1.0, before, -lr, along, y[:n])
        y[n] = math.sqrt(max(rest, 0.0))
        if scale > 0.0:
            weights = h / (h + ball_multiplier(h, y / radius, h[n]))
        else:
            weights = ball_weights(h, y * y, radius)
        keep = weights[n]
        combination = weights[:n] * y[:n] - keep * (before + forth * c)
        forth *= keep
    rows = np.empty(len(frame))
    combine(combination, rotation, rows)
    if radius < math.inf:
        gathered = np.empty(len(frame))
        products(gram, rows, gathered)
        np.add(keep * image + forth * inside, gathered, image)
        near = -forth * math.sqrt(square) <= LONGEST_STEP * radius
        counts[FOLLOWED] = counts[ROWS] if near else -1
    weighted_sum(rows[:m], frame[:m], keep, x, forth, g, result)
    # Where H is ill-conditioned the combination is exact to ε‖g‖/√σ only; in K it is to rounding.
    size = math.sqrt(inner(result, result))
    if size > radius:
        result *= radius / size
        image *= radius / size
    return float(quadratic) if size < math.inf else math.nan, mass
