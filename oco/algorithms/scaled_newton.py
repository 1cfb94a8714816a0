"""Sketched Newton steps without curvature: rows scaled by √η_t, as in the papers' experiments.

x_{t+1} = x_t − A_t⁻¹ g_t with A_t = (δ + c ρ_{1:t}) I + Ḡ_t, where Ḡ_t and ρ_{1:t} are the sketch
and the escaped mass of the rows √η_t g_t.  No bound is claimed: where the losses have no curvature
the regret of such steps pays ½ Σ η_t ⟨g_t, x_t − u⟩².
"""

from __future__ import annotations

import math

import numpy as np

from oco import checks, marks
from oco.algorithms.mirror_descent import FusedStep, MirrorDescent
from oco.domains import Domain
from oco.linalg.engine import kernel
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import RANK_CUTOFF, pseudo_power, resolve_rank
from oco.linalg.products import combine, inner, weighted_sum
from oco.linalg.travel import Travelling
from oco.sketch import FrequentDirections
from oco.sketch.kernels import step
from oco.sketch.state import unpack

__all__ = ["ScaledSketch", "fd_son", "rfd_son", "s_ons"]


class ScaledSketch(Travelling, FusedStep):
    """A_t = (δ + c ρ_{1:t}) I + Ḡ_t of rows g_t/√(t^p·η): a whole step without a projection.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.
    share : float
        c, the share of the escaped mass that is added.
    delta : float
        δ ≥ 0; for 0 a singular A_t is inverted on its range.
    power : float
        p.

    Examples
    --------
    >>> sketch = ScaledSketch(d=2, k=2, share=0.0, delta=25.0, power=1.0)
    >>> x, g = np.zeros(2), np.array([3.0, 4.0])
    >>> sketch.descend(x, g, 0.0, 1.0, math.inf)[0]
    array([-0.06, -0.08])
    """

    separable = False

    def __init__(self, d: int, k: int, *, share: float, delta: float, power: float) -> None:
        self.sketch = FrequentDirections(d, k)
        self._share, self._delta, self._power = share, delta, power
        self._rounds = 0
        self._image = np.zeros(len(self.sketch.state.frame))

    @property
    def metric(self) -> LowRankPlusScalar:
        """A_t: a view of the sketch that the next update changes."""
        sketch = self.sketch
        values = _eigenvalues(sketch.eigenvalues, self._share * sketch.escaped_mass, self._delta)
        return LowRankPlusScalar(sketch.basis, values[:-1], float(values[-1]), sketch.d)

    @property
    def potential(self) -> float:
        """Return tr A_t."""
        return self.metric.sum()

    @property
    def escaped_mass(self) -> float:
        """Return ρ_{1:t}, of the scaled rows."""
        return self.sketch.escaped_mass

    @property
    def state_bytes(self) -> int:
        """Return what the sketch holds."""
        return self.sketch.state_bytes + self._image.nbytes

    def descend(
        self, x: np.ndarray, g: np.ndarray, mass: float, lr: float, radius: float
    ) -> tuple[np.ndarray, float, float]:
        """Absorb g_t and return x_t − A_t⁻¹ g_t, η_t g_tᵀ A_t⁻¹ g_t and Σ ‖g_s‖²."""
        square = float(np.dot(g, g))
        if not math.isfinite(mass + square):
            return x, 0.0, mass + square
        self._rounds += 1
        scale, answer = 1 / math.sqrt(self._rounds**self._power * lr), np.empty(len(x))
        quadratic = _newton(
            self.sketch.memory, self._image, self._share, self._delta, x, g, scale, answer
        )
        return answer, quadratic, mass + square


@kernel
def _eigenvalues(eigenvalues, shift, delta):
    """Eigenvalues of Ḡ + (s + δ)I: one an eigenvector, and last that of all else."""
    shifted = np.empty(len(eigenvalues) + 1)
    np.positive(eigenvalues, shifted[:-1])
    shifted[-1] = 0.0
    shifted += shift
    if shift <= RANK_CUTOFF * shifted[0]:
        shifted, _ = resolve_rank(shifted)
    shifted += delta
    return shifted


@kernel
def _newton(memory, image, share, delta, x, g, scale, result):
    """Absorb √η g, put x − A⁻¹g in `result`, and return η gᵀA⁻¹g: O((k + d)k).

    The coordinates in the *updated* eigenvectors hold all of g that is in A's range, so that g is
    never split by eigenvalues at rounding level.  NaN is returned where the step is not finite.
    """
    state = unpack(memory)
    frame, rotation, _, values, c, _, numbers = state
    if not len(x) == len(g) == len(result) == frame.shape[1]:
        # Compiled loops would read and write beyond the arrays.
        raise ValueError("x, g: expected vectors of the learner's length")
    row = scale * g
    square = float(inner(row, row))
    if not math.isfinite(float(numbers["total"]) + square):
        return math.nan
    _, outside = step(state, image, row, square)
    m, n = numbers["m"], len(values)
    inverse = pseudo_power(_eigenvalues(values, share * numbers["escaped"], delta), -1.0)
    along, tail = inverse[:n] * c, inverse[n]
    rows = np.empty(len(frame))
    combine((tail * c - along) / scale, rotation, rows)
    weighted_sum(rows[:m], frame[:m], 1.0, x, -tail, g, result)
    if not math.isfinite(inner(result, result)):
        return math.nan
    return float(inner(along, c) + tail * outside)


def _scaled(
    d: int, k: int, domain: Domain, lr: float, *, share: float, delta: float, power: float
) -> MirrorDescent:
    d = checks.integer("d", d, low=1)
    if domain.bounded:
        raise ValueError(
            f"domain: expected an unbounded one, got {domain!r}; on a bounded domain, Newton steps "
            "are those of oco.algorithms.newton"
        )
    sketch = ScaledSketch(d, k, share=share, delta=delta, power=power)
    return MirrorDescent(d, sketch, domain, lr, diameter=math.inf, bounds=(), k=k)


@marks.learner
def rfd_son(d: int, *, k: int, domain: Domain, lr: float) -> MirrorDescent:
    """RFD-SON: x_t − A_t⁻¹ g_t, A_t = Ḡ_t + ½ρI of rows g_t/√(tη), without a projection.

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    k : int
        Sketch size ℓ, from 2 to d + 1; memory and a round cost O(dk).
    domain : Domain
        Unconstrained.
    lr : float
        η > 0; the step has no further rate.

    Returns
    -------
    MirrorDescent
        That claims no bounds.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the domain is bounded.

    References
    ----------
    L. Luo, C. Chen, Z. Zhang, W.-J. Li, T. Zhang, *Robust Frequent Directions*, JMLR 20, 2019.

    Examples
    --------
    >>> import oco
    >>> learner = rfd_son(2, k=2, domain=oco.Euclidean(), lr=0.5)
    >>> learner.update(np.array([3.0, 4.0]))
    >>> learner.x.round(12)
    array([-0.06, -0.08])
    """
    return _scaled(d, k, domain, lr, share=0.5, delta=0.0, power=1.0)


@marks.learner
def s_ons(d: int, *, k: int, domain: Domain, lr: float) -> MirrorDescent:
    """S-ONS: x_t − A_t⁻¹ g_t, A_t = Ḡ_t + ρI of rows g_t/√(tη), without a projection.

    Parameters
    ----------
    d, k, domain, lr
        As of `rfd_son`.

    Returns
    -------
    MirrorDescent
        That claims no bounds.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the domain is bounded.
    """
    return _scaled(d, k, domain, lr, share=1.0, delta=0.0, power=1.0)


@marks.learner
def fd_son(d: int, *, k: int, domain: Domain, lr: float, delta: float = 1.0) -> MirrorDescent:
    """FD-SON: x_t − A_t⁻¹ g_t, A_t = Ḡ_t + δI of rows g_t/√(√t·η), without a projection.

    Parameters
    ----------
    d, k, domain, lr
        As of `rfd_son`.
    delta : float
        δ > 0.

    Returns
    -------
    MirrorDescent
        That claims no bounds.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the domain is bounded.

    References
    ----------
    H. Luo, A. Agarwal, N. Cesa-Bianchi, J. Langford, *Efficient second order online learning by
    sketching*, NeurIPS 2016.
    """
    delta = checks.number("delta", delta, above=0)
    return _scaled(d, k, domain, lr, share=0.0, delta=delta, power=0.5)
