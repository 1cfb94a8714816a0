"""Preconditioners whose metrics have the eigenvectors of a Frequent Directions sketch."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from oco.algorithms.fused import REFUSED, FusedStep, kernels_of
from oco.algorithms.small_spaces import play_in_spaces
from oco.linalg.engine import inlined_kernel, kernel
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import RANK_CUTOFF, pseudo_power, resolve_rank
from oco.linalg.products import combine, inner, mix, products, weighted_sum
from oco.linalg.secular import ball_multiplier, ball_weights
from oco.linalg.travel import Travelling
from oco.sketch import FrequentDirections
from oco.sketch.brackets import Bracket
from oco.sketch.kernels import SMALLEST_MASS, step
from oco.sketch.state import unpack

__all__ = ["Eigenvalues", "SketchedMetric", "SketchedRoot", "sketched_step"]

# The products V x are carried from one round to the next.  A long step outside the sketch that the
# ball takes back leaves in them a rounding error of ε times its length, which the next round's step
# multiplies again.  After a step longer than this many radii they are therefore computed anew.
LONGEST_STEP = 1e3
# What is noted: for how many steps of the sketch V x is that of x, −1 for none; what adds up; and
# d, which is not that of the sketch where steps are taken in a small space.
STEPS, ROOTS, CORRECTION, DIMENSION, NOTES = range(5)


class Eigenvalues(NamedTuple):
    """How a metric's eigenvalues come from a sketch's: (σ(λ̄ + cρ_{1:t}))^p + δ.

    Attributes
    ----------
    scale, share, delta : float
        σ, c and δ.
    root : bool
        Whether p is ½; else it is 1.
    flattest : float
        The least that the smallest eigenvalue in a step may be of the largest.
    """

    scale: float
    share: float
    delta: float
    root: bool
    flattest: float


class SketchedMetric(Travelling, FusedStep):
    """H_t with the eigenvectors of a sketch, and eigenvalues that a `Eigenvalues` makes of its own.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.
    spectrum : Eigenvalues
        For δ = 0 a singular H_t is inverted on its range.
    """

    separable = False

    def __init__(self, d: int, k: int, spectrum: Eigenvalues) -> None:
        self.sketch = FrequentDirections(d, k)
        self.spectrum, self._settings = spectrum, tuple(spectrum)
        # V x, for the x that the kernels last stepped to.
        self._image = np.zeros(len(self.sketch.state.frame))
        self._answer: np.ndarray | None = None
        self._notes = np.zeros(NOTES)
        self._notes[STEPS], self._notes[DIMENSION] = -1.0, d

    @property
    def metric(self) -> LowRankPlusScalar:
        """H_t: a view of the sketch that the next update changes."""
        sketch = self.sketch
        values = _spectrum(sketch.eigenvalues, sketch.escaped_mass, self.spectrum)
        return LowRankPlusScalar(sketch.basis, values[:-1], float(values[-1]), sketch.d)

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
        """Return what the sketch holds, and V x with what is noted beside it."""
        return self.sketch.state_bytes + self._image.nbytes + self._notes.nbytes

    def memory(self, x):
        """Return the sketch, V x and notes: whether it is V x still, and what adds up."""
        if x is not self._answer:
            self._notes[STEPS] = -1.0
        # Set again at the end only: an interrupt may leave products that belong to no point.
        self._answer = None
        return self.sketch.memory, self._image, self._notes

    def settings(self):
        """Return the `Eigenvalues`; plain, as a call takes longer with a named tuple."""
        return self._settings

    @property
    def root_escapes(self) -> float:
        """Σ √ρ_s, for a metric that is a root."""
        return float(self._notes[ROOTS])

    @property
    def correction(self) -> float:
        """For Newton steps: see `oco.algorithms.newton.NewtonDiagnostics.log_determinant`."""
        return float(self._notes[CORRECTION])

    def add_correction(self, lost: float) -> None:
        """Add to `correction`, for a round that another than the kernel has played."""
        self._notes[CORRECTION] += lost

    def stepped(self, x):
        """Take note that V x is that of x."""
        self._answer = x

    @property
    def plays_sparse(self) -> bool:  # type: ignore[override]
        """Whether there are small spaces: with room for every direction there is none."""
        return self.sketch.k <= self.sketch.d

    def play_sparse(self, rounds, x, tally, lr, region):
        """Play rounds in the small spaces that some rows at a time span with the sketch and x."""
        return play_in_spaces(self, self.sketch, rounds, x, tally, lr, region.radius)

    def enter(self, space, small, image):
        """Return the sketch, V x and the notes, without V x."""
        self._answer, self._notes[STEPS] = None, -1.0
        return small, image, self._notes

    def leave(self, space, x, before, after):
        """Return x with other coordinates."""
        return space.moved(x, before, after)


class SketchedRoot(SketchedMetric):
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

    def __init__(self, d: int, k: int, *, compensate: bool, delta: float = 0.0) -> None:
        super().__init__(d, k, Eigenvalues(1.0, float(compensate), delta, True, 0.0))

    @property
    def bracket(self) -> Bracket:
        """What the sketch proves of the eigenvalues of G_t."""
        return self.sketch.bracket()


@kernel
def _spectrum(eigenvalues, escaped, spectrum):
    """Eigenvalues of the metric: one an eigenvector, and last that of all else."""
    scale, share, delta, root, _ = spectrum
    shift = share * escaped
    values = np.empty(len(eigenvalues) + 1)
    np.positive(eigenvalues, values[:-1])
    values[-1] = 0.0
    values += shift
    # They descend to the shift: if that is above the cut-off, all are.
    if shift <= RANK_CUTOFF * values[0]:
        values, _ = resolve_rank(values)
    if root:
        np.sqrt(values, values)
    else:
        values *= scale
    values += delta
    return values


@inlined_kernel
def sketched_step(memory, spectrum, x, g, square, lr, radius, result):
    """Absorb g, step against H⁻¹g and project onto the ball in the metric H: O((k + d)k).

    The direction, the step and the projection are combinations of x, of g and of rows of V, found
    in small spaces, which costs one product with V for the round.

    Parameters
    ----------
    memory : tuple
        The sketch's, V x and the notes: V x is that of x if the sketch has taken as many steps as
        they say, and is then replaced by V times the result.
    spectrum : Eigenvalues
        How H comes from the sketch.
    x, g, square, lr, radius, result
        As of `oco.algorithms.fused.step`.

    Returns
    -------
    float, float
        gᵀH⁺g, `REFUSED` if nothing has been absorbed; and the squared length of the result.

    Notes
    -----
    The coordinates in the *updated* eigenvectors hold all of g that is in H's range, so that g is
    never split by eigenvalues at rounding level.
    """
    sketch, image, notes = memory
    state = unpack(sketch)
    frame, rotation, gram, values, c, inside, numbers = state
    if len(g) != frame.shape[1]:
        raise ValueError("x, g: expected vectors of the learner's length")
    # Not only Σ‖g‖², also the eigenvalues must be numbers.
    if not (float(numbers["total"]) + square) * max(spectrum.scale, 1.0) < math.inf:
        return REFUSED, 0.0
    if radius < math.inf and notes[STEPS] != numbers["steps"]:
        image[:] = 0.0
        products(frame[: numbers["m"]], x, image[: numbers["m"]])
    grown, outside, _ = step(state, image, g, square)
    m, n = numbers["m"], len(values)
    h = _spectrum(values, numbers["escaped"], spectrum)
    if h[n] < spectrum.flattest * h[0]:
        return math.nan, 0.0
    _note(notes, h, spectrum, state)
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
        notes[STEPS] = numbers["steps"] if near else -1.0
    weighted_sum(rows[:m], frame[:m], keep, x, forth, g, result)
    # Where H is ill-conditioned the combination is exact to ε‖g‖/√σ only; in K it is to rounding.
    length2 = inner(result, result)
    size = math.sqrt(length2)
    if size > radius:
        result *= radius / size
        image *= radius / size
        length2 = inner(result, result) if size < math.inf else math.inf
    return float(quadratic), length2


@kernel
def _note(notes, h, spectrum, state):
    """Add to the notes √ρ_t, or for Newton steps σρ_t (tr H⁻¹P − c tr H⁻¹) of `Newton`."""
    numbers = state.numbers
    rho, n, q = numbers["last"], len(h) - 1, numbers["q"]
    if spectrum.root:
        notes[ROOTS] += math.sqrt(rho)
    elif rho > 0.0:
        kept = 0.0
        for i in range(q):
            kept += 1.0 / h[i]
        lost, rest = kept + (n - q) / h[n], kept + (notes[DIMENSION] - q) / h[n]
        notes[CORRECTION] += spectrum.scale * rho * (lost - spectrum.share * rest)


@kernel
def _step(memory, settings, x, g, square, lr, radius, lower, upper, result):
    """Step by the sketch: see `oco.algorithms.fused.step`."""
    scale, share, delta, root, flattest = settings
    spectrum = Eigenvalues(scale, share, delta, root, flattest)
    return sketched_step(memory, spectrum, x, g, square, lr, radius, result)


SketchedMetric.kernels = kernels_of(_step)
