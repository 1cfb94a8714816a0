"""Online Newton steps with a sketch: what `ons`, `s-ons`, `rfd-son` and `fd-son` share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco import checks, marks
from oco.algorithms.chunks import region_of
from oco.algorithms.fused import KernelPlayer
from oco.algorithms.mirror_descent import Diagnostics
from oco.algorithms.sketched import Eigenvalues, SketchedMetric
from oco.domains import Domain
from oco.linalg.lengths import squared_length
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.travel import Travelling
from oco.sketch import FrequentDirections

__all__ = ["Newton", "NewtonDiagnostics"]

# Numbers whose products and quotients with gradients are normal numbers.
SMALLEST, LARGEST = 1e-300, 1e300
# A step is a difference of numbers of up to this many times its size where the eigenvalues of A are
# as far apart: four of sixteen digits are left.
STEEPEST = 1e12


@dataclass(frozen=True)
class NewtonDiagnostics(Diagnostics):
    """What the bounds of Newton steps are made of, after t rounds.

    Here `potential` is tr A_t, and `quadratic` is Σ_s g_sᵀ A_s⁻¹ g_s.

    Attributes
    ----------
    alpha, curvature, compensation : float
        α, σ and c.
    reach : float
        R = max_{u in K} ‖u − x_1‖.
    log_determinant : float
        log det A_t/det A_0 + Σ_s σ ρ_s (tr A_s⁻¹P_s − c tr A_s⁻¹), P_s the projection on the ℓ
        directions that lost ρ_s: at least σ times `quadratic`.
    """

    alpha: float
    curvature: float
    compensation: float
    reach: float
    log_determinant: float


@marks.learner
class Newton(Travelling, KernelPlayer):
    r"""Online Newton steps for losses with curvature along their gradients.

    x_{t+1} = argmin_{x in K} (x − y)ᵀ A_t (x − y) with y = x_t − A_t⁻¹ g_t,
    A_t = αI + σ(Ḡ_t + c ρ_{1:t} I), and Ḡ_t, ρ_{1:t} the sketch of the gradients and its escaped
    mass.

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    k : int or None
        Sketch size ℓ, from 2 to d + 1; None for the exact Σ g gᵀ.
    domain : Domain
        K, bounded.
    curvature : float
        σ > 0 with f(x) − f(u) ≤ ⟨g, x − u⟩ − (σ/2)⟨g, x − u⟩² for all x and u in K.
    alpha : float or None
        α > 0; the sketch's size, or d without one, over σR² if None.
    compensation : float
        c, the share of the escaped mass that is added.
    bounds : tuple of str
        Names of the rungs of `oco.bounds` that this learner's regret obeys.

    Attributes
    ----------
    x : ndarray of shape (d,)
        The point to play, x_t; a new array after each update.
    lr : None
        There is no rate: the step is A_t⁻¹ g_t.

    Raises
    ------
    ValueError
        If a parameter is out of range, or K is unbounded or does not take such metrics.

    Notes
    -----
    With D the diameter of K and R = max ‖u − x_1‖, for every u in K (docs/theory.md proves it):

        Σ f_t(x_t) − f_t(u) ≤ ½ Σ g_tᵀ A_t⁻¹ g_t + ½ α R² + ½ c σ ρ_{1:T} D².
    """

    lr = None

    def __init__(
        self,
        d: int,
        k: int | None,
        domain: Domain,
        *,
        curvature: float,
        alpha: float | None,
        compensation: float,
        bounds: tuple[str, ...] = ("newton-certificate", "log-det"),
    ) -> None:
        self.d, self.k, self.domain, self.bounds = checks.integer("d", d, low=1), k, domain, bounds
        if not domain.bounded:
            raise ValueError(
                f"domain: Newton steps need a bounded domain, got {domain!r}: no loss here has "
                "curvature along its gradients everywhere"
            )
        self.curvature = checks.number("curvature", curvature, low=SMALLEST, high=LARGEST)
        self.diameter, self._reach = domain.diameter(d), domain.reach(d)
        if alpha is None:
            alpha = (k or d) / self.curvature / self._reach / self._reach
        self.alpha = checks.number("alpha", alpha, low=SMALLEST, high=LARGEST)
        self.compensation = compensation
        spectrum = Eigenvalues(self.curvature, compensation, self.alpha, False, 1 / STEEPEST)
        self._sketched = SketchedMetric(d, d + 1 if k is None else k, spectrum)
        self._region = region_of(domain, d, separable=False)
        domain.require(self.metric, separable=False)
        self._x = domain.start(d)
        self._quadratic = self._squared_gradients = 0.0

    @property
    def x(self) -> np.ndarray:
        """The point to play, x_t."""
        return self._x

    @property
    def _steps(self) -> SketchedMetric:
        return self._sketched

    @property
    def sketch(self) -> FrequentDirections:
        """That of the gradients."""
        return self._sketched.sketch

    @property
    def metric(self) -> LowRankPlusScalar:
        """A_t: a view of the sketch that the next update changes."""
        sketch = self.sketch
        tail = self.alpha + self.curvature * self.compensation * sketch.escaped_mass
        values = self.curvature * sketch.eigenvalues + tail
        return LowRankPlusScalar(sketch.basis, values, tail, sketch.d)

    def update(self, g) -> None:
        """Absorb the gradient of the loss at `x` and move to the next point.

        Parameters
        ----------
        g : array_like of shape (d,)
            g_t.

        Raises
        ------
        TypeError, ValueError
            If it holds no real numbers, the shape is wrong, or Σ‖g_s‖² is not finite; the learner
            is then unchanged.
        FloatingPointError
            If the step or the projection overflows: x then stays what it was, but the metric has
            absorbed g_t.
        """
        g = checks.entries("g", g, self.d)
        mass = self._squared_gradients + squared_length("g", g)
        if not mass * max(self.curvature, 1.0) < math.inf:
            raise ValueError(f"g: expected a finite sum of squares of all gradients, got {mass}")
        self.sketch.append(g)
        metric = self.metric
        if float(metric.values.max()) > STEEPEST * metric.tail:
            raise self._overflow(g)
        with np.errstate(over="ignore", invalid="ignore"):
            parts = metric.decompose(g)
            quadratic = float((parts.squares / parts.values).sum())
            x = self.domain.project(self._x - parts.recombine(1 / parts.values), metric)
            finite = math.isfinite(float(np.dot(x, x))) and math.isfinite(quadratic)
        if not finite:
            raise self._overflow(g)
        self._x, self._squared_gradients = x, mass
        self._quadratic += quadratic
        self._sketched.add_correction(self._lost(metric))

    def _overflow(self, g: np.ndarray) -> FloatingPointError:
        metric = self.metric
        steepest = float(metric.values.max())
        if steepest > STEEPEST * metric.tail:
            return FloatingPointError(
                f"alpha: expected more than 1/{STEEPEST:g} of the largest eigenvalue of A, "
                f"{steepest:g}, got {self.alpha:g}: the step would be rounding"
            )
        return FloatingPointError(
            f"alpha: expected steps to finite points, got an overflow with alpha = "
            f"{self.alpha:g} and a gradient of length {np.linalg.norm(g):g}"
        )

    def _lost(self, metric: LowRankPlusScalar) -> float:
        """Return σ ρ_t (tr A_t⁻¹P_t − c tr A_t⁻¹)."""
        escape = self.curvature * self.sketch.last_escape
        if not escape:
            return 0.0
        kept = float((1 / metric.values[:-1]).sum())
        rest = self.sketch.k - self.sketch.rank
        return escape * (kept + rest / metric.tail - self.compensation * metric.power(-1).sum())

    def diagnostics(self) -> NewtonDiagnostics:
        """Return what the bounds of this learner's regret are made of."""
        metric = self.metric
        determinant = metric.map(lambda values: values / self.alpha).sum(np.log)
        return NewtonDiagnostics(
            potential=metric.sum(),
            quadratic=self._quadratic,
            squared_gradients=self._squared_gradients,
            escaped_mass=None if self.k is None else self.sketch.escaped_mass,
            travelled=None,
            state_bytes=self._sketched.state_bytes + self._x.nbytes,
            alpha=self.alpha,
            curvature=self.curvature,
            compensation=self.compensation,
            reach=self._reach,
            log_determinant=determinant + self._sketched.correction,
        )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(d={self.d}, k={self.k}, domain={self.domain!r}, "
            f"curvature={self.curvature:.6g}, alpha={self.alpha:.6g}, c={self.compensation:g})"
        )
