"""A preconditioner whose metric is the root of a Frequent Directions sketch."""

from __future__ import annotations

import math

import numpy as np

from oco.algorithms.chunks import Progress, Tally, meet
from oco.algorithms.mirror_descent import FusedStep
from oco.linalg.engine import inlined_kernel, kernel, released_kernel
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import RANK_CUTOFF, pseudo_power, resolve_rank
from oco.linalg.products import combine, inner, mix, products, scaled, weighted_sum
from oco.linalg.secular import ball_multiplier, ball_weights
from oco.linalg.travel import Travelling
from oco.sketch import FrequentDirections
from oco.sketch.kernels import SMALLEST_MASS, step
from oco.sketch.state import unpack

__all__ = ["SketchedRoot"]

# The products V x are carried from one round to the next.  A long step outside the sketch that the
# ball takes back leaves in them a rounding error of ε times its length, which the next round's step
# multiplies again.  After a step longer than this many radii they are therefore computed anew.
LONGEST_STEP = 1e3


class SketchedRoot(Travelling, FusedStep):
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
        # The share of ρ_{1:t} in σ_t, and δ.
        self._share, self._delta = float(compensate), delta
        # V x, for the x that `descend` last returned and the V of so many steps of the sketch.
        self._image = np.zeros(len(self.sketch.state.frame))
        self._answer: np.ndarray | None = None
        self._steps = -1

    @property
    def metric(self) -> LowRankPlusScalar:
        """H_t: a view of the sketch that the next update changes."""
        sketch = self.sketch
        roots = _roots(sketch.eigenvalues, self._share * sketch.escaped_mass, self._delta)
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
        """Return what the sketch holds, and V x with three numbers beside it."""
        return self.sketch.state_bytes + self._image.nbytes + 3 * 8

    def descend(
        self, x: np.ndarray, g: np.ndarray, mass: float, lr: float, radius: float
    ) -> tuple[np.ndarray, float, float]:
        """Absorb g_t and return x_{t+1} on a ball, g_tᵀ H_t⁻¹ g_t and Σ ‖g_s‖²."""
        steps = self._steps if x is self._answer else -1
        # Set again at the end only: an interrupt may leave products that belong to no point.
        self._answer, answer = None, np.empty(len(x))
        memory = self.sketch.memory
        quadratic, mass, self._steps = _descend(
            memory, self._image, steps, self._share, self._delta, x, g, mass, lr, radius, answer
        )
        if not mass < math.inf:
            return x, quadratic, mass
        self._answer = answer
        return answer, quadratic, mass

    def play(self, chunk, x, tally, lr, region):
        """Play rounds from x on, as far as they go."""
        return self._play(chunk, x, tally, lr, region)[0]

    def _play(self, chunk, x, tally: Tally, lr, region) -> tuple[Progress, float]:
        """Play rounds, and return beside how far it came Σ √ρ_s over them."""
        steps = self._steps if x is self._answer else -1
        self._answer, memory = None, self.sketch.memory
        how = self._share, self._delta
        played, overflowed, x, self._steps, roots, *sums = _play(
            chunk, memory, self._image, steps, *how, x, *tally, lr, region.radius
        )
        self._answer = x
        return Progress(played, overflowed, x, Tally(*sums)), roots


@kernel
def _roots(eigenvalues, shift, delta):
    """Eigenvalues of (Ḡ + σI)^{1/2} + δI: one an eigenvector, and last that of all else."""
    shifted = np.empty(len(eigenvalues) + 1)
    np.positive(eigenvalues, shifted[:-1])
    shifted[-1] = 0.0
    shifted += shift
    # They descend to σ: if that is above the cut-off, all are.
    if shift <= RANK_CUTOFF * shifted[0]:
        shifted, _ = resolve_rank(shifted)
    np.sqrt(shifted, shifted)
    shifted += delta
    return shifted


@inlined_kernel
def _descend(memory, image, steps, share, delta, x, g, mass, lr, radius, result):
    """Absorb g, step against H⁻¹g and project onto the ball in the metric H: O((k + d)k).

    The direction, the step and the projection are combinations of x, of g and of rows of V, found
    in small spaces, which costs one product with V for the round.

    Parameters
    ----------
    memory
        The sketch's.
    image : ndarray of shape (capacity,)
        V x if the sketch has taken as many steps as `steps` says; receives V times the result.
    steps : int
        See `image`; −1 where it is not V x.
    share, delta : float
        The share of ρ_{1:t} in σ_t; δ.
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
    float, float, int
        gᵀH⁺g; Σ ‖g_s‖², which is not finite if the vector has been refused, with nothing changed;
        and the new `steps`.

    Notes
    -----
    The coordinates in the *updated* eigenvectors hold all of g that is in H's range, so that g is
    never split by eigenvalues at rounding level.
    """
    state = unpack(memory)
    frame, rotation, gram, values, c, inside, numbers = state
    if not len(x) == len(g) == len(result) == frame.shape[1]:
        # Compiled loops would read and write beyond the arrays.
        raise ValueError("x, g: expected vectors of the learner's length")
    # Neither BLAS nor a float says anything of an overflow, which the caller reports.
    square = float(inner(g, g))
    mass += square
    if not math.isfinite(max(mass, float(numbers["total"]) + square)):
        return 0.0, math.inf, steps
    if radius < math.inf and steps != numbers["steps"]:
        image[:] = 0.0
        products(frame[: numbers["m"]], x, image[: numbers["m"]])
    grown, outside = step(state, image, g, square)
    m, n = numbers["m"], len(values)
    h = _roots(values, share * numbers["escaped"], delta)
    if h[n] > 0.0:
        along, scale = c / h[:n], 1.0 / h[n]
    else:
        inverse = pseudo_power(h, -1.0)
        along, scale = inverse[:n] * c, inverse[n]
    # In the eigenvectors W V the coordinates of y = x − η H⁺g are the image's − η·along; outside
    # them y is what x + forth·g is there.
    forth, keep = -lr * scale, 1.0
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
        steps = numbers["steps"] if near else -1
    weighted_sum(rows[:m], frame[:m], keep, x, forth, g, result)
    # Where H is ill-conditioned the combination is exact to ε‖g‖/√σ only; in K it is to rounding.
    size = math.sqrt(inner(result, result))
    if size > radius:
        result *= radius / size
        image *= radius / size
    return float(quadratic) if size < math.inf else math.nan, mass, steps


@released_kernel
def _play(chunk, memory, image, steps, share, delta, x, quadratic, mass, travelled, lr, radius):
    """Do what `_descend` does round after round; see `Progress`."""
    x, following, g = x.copy(), np.empty(len(x)), np.empty(len(x))
    # Taken out once: in each round they would be counted in and out.
    features, labels, loss, answers, facts, lengths, held = chunk
    numbers = unpack(memory).numbers
    t, overflowed, roots, square = 0, False, 0.0, inner(x, x)
    while t < len(features):
        lengths[t] = square
        if len(held) > 0:
            held[t] = x
        a = features[t]
        scaled(meet(loss, answers, a, labels[t], x, facts[t]), a, g)
        gained, grown, steps = _descend(
            memory, image, steps, share, delta, x, g, mass, lr, radius, following
        )
        if not grown < math.inf:
            break
        roots += math.sqrt(numbers["last"])
        square = inner(following, following)
        if not (square < math.inf and gained < math.inf):
            overflowed = True
            break
        x, following = following, x
        quadratic += gained
        mass = grown
        travelled = max(travelled, math.sqrt(square))
        t += 1
    return t, overflowed, x, steps, roots, quadratic, mass, travelled
