"""Online mirror descent with an adaptive metric: what all learners here share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from scipy.linalg.blas import ddot

from oco import checks, marks
from oco.algorithms.chunks import region_of
from oco.algorithms.fused import FusedStep, KernelPlayer
from oco.domains import Ball, Domain, Euclidean
from oco.linalg.lengths import squared_length
from oco.linalg.operators import SpectralOperator
from oco.linalg.travel import Travelling
from oco.sketch.brackets import Bracket

__all__ = ["Diagnostics", "MirrorDescent", "Preconditioner"]

DOUBLE = np.dtype(np.float64)


class Preconditioner(Protocol):
    """What turns gradients into a metric H_t and a direction H_t⁻¹ g_t.

    Attributes
    ----------
    metric : SpectralOperator
        H_t; valid until the next update.
    potential : float
        A bound on Σ_s λ_max(H_s − H_{s−1}), what the metric's growth costs in the regret:
        tr H_t, or the scalar itself for a scalar metric.
    escaped_mass : float or None
        τ_t of a sketch.
    state_bytes : int
        Memory held, in bytes.
    separable : bool
        Whether H_t is diagonal in the coordinates.
    fused : FusedStep or None
        Itself where it takes a whole step at once; None where it answers with directions alone.
    """

    @property
    def metric(self) -> SpectralOperator: ...  # noqa: D102 - it is described above, as the others
    @property
    def potential(self) -> float: ...  # noqa: D102
    @property
    def escaped_mass(self) -> float | None: ...  # noqa: D102
    @property
    def state_bytes(self) -> int: ...  # noqa: D102
    @property
    def separable(self) -> bool: ...  # noqa: D102
    @property
    def fused(self) -> FusedStep | None: ...  # noqa: D102

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Absorb g_t, of shape (d,), with ‖g_t‖²; return H_t⁻¹ g_t (pseudo-inverse)."""
        ...


@dataclass(frozen=True)
class Diagnostics:
    """A learner's account of itself after t rounds: what the bounds of its regret are made of.

    Attributes
    ----------
    potential : float
        Σ_s λ_max(H_s − H_{s−1}) or a bound on it, usually tr H_t.
    quadratic : float
        Σ_s g_sᵀ H_s⁻¹ g_s.
    squared_gradients : float
        Σ_s ‖g_s‖².
    escaped_mass : float or None
        τ_t, where the learner sketches.
    travelled : float or None
        max_s ‖x_s‖, where the domain is unbounded.
    state_bytes : int
        Memory that the learner holds, in bytes.
    bracket : Bracket or None
        What the learner's own sketch proves of the eigenvalues of G_t = Σ_s g_s g_sᵀ, where it
        keeps one of the gradients as they are.
    """

    potential: float
    quadratic: float
    squared_gradients: float
    escaped_mass: float | None
    travelled: float | None
    state_bytes: int
    bracket: Bracket | None = field(default=None, kw_only=True, compare=False, repr=False)


@marks.learner
class MirrorDescent(Travelling, KernelPlayer):
    r"""Online mirror descent: a step against H_t⁻¹ g_t, then a projection in the metric H_t.

    y = x_t − η H_t⁻¹ g_t and x_{t+1} = argmin_{x in K} (x − y)ᵀ H_t (x − y).

    Parameters
    ----------
    d : int
        Dimension of x.
    preconditioner : Preconditioner
        Absorbs g_t and answers with H_t⁻¹ g_t.
    domain : Domain
        K.
    lr : float or None
        η > 0; D/√2, which balances the two terms of the bound below, if None.
    diameter : float
        The D of the learner's regret bound; infinite on an unbounded domain.
    bounds : tuple of str
        Names of the rungs of `oco.bounds` that this learner's regret obeys.
    k : int, optional
        Sketch size.

    Attributes
    ----------
    x : ndarray of shape (d,)
        The point to play, x_t; x_1 is the point of K nearest to the origin.  A new array after each
        update; not to be changed in place, but another may be set.

    Raises
    ------
    ValueError
        If `lr` is not a finite number > 0, is None where D is infinite, or the domain does not take
        such metrics.

    Notes
    -----
    For a metric that never shrinks, any η and any u in K,
    Σ⟨g_t, x_t − u⟩ ≤ D²/(2η)·potential + (η/2)·Σ g_tᵀ H_t⁻¹ g_t
    (Duchi, Hazan, Singer, JMLR 2011).
    """

    def __init__(
        self,
        d: int,
        preconditioner: Preconditioner,
        domain: Domain,
        lr: float | None,
        *,
        diameter: float,
        bounds: tuple[str, ...],
        k: int | None = None,
    ) -> None:
        domain.require(preconditioner.metric, preconditioner.separable)
        if lr is None:
            if not math.isfinite(diameter):
                raise ValueError(
                    "lr: expected a number > 0, got None; the default D/√2 needs a bounded domain"
                )
            lr = diameter / math.sqrt(2)
        self.d, self.k = d, k
        self.preconditioner, self.domain = preconditioner, domain
        self.lr = checks.number("lr", lr, above=0)
        self.diameter, self.bounds = diameter, bounds
        self._x = domain.start(d)
        # Only these two are known to the fused step: a subclass may project in a way of its own.
        self._radius = domain.radius(d) if type(domain) in (Euclidean, Ball) else None
        self._region = region_of(domain, d, preconditioner.separable)
        self._unbounded = not domain.bounded
        self._quadratic = 0.0
        self._squared_gradients = 0.0

    @property
    def preconditioner(self) -> Preconditioner:
        """What turns gradients into steps."""
        return self._preconditioner

    @preconditioner.setter
    def preconditioner(self, preconditioner: Preconditioner) -> None:
        self._preconditioner = preconditioner
        self._fused = preconditioner.fused

    @property
    def _steps(self) -> FusedStep | None:
        return self._fused

    @property
    def x(self) -> np.ndarray:
        """The point to play, x_t."""
        return self._x

    @x.setter
    def x(self, point) -> None:
        self._x = np.array(checks.vector("x", point, self.d))

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
        # Nearly all gradients are float64 arrays already: those are taken without a call.
        if type(g) is not np.ndarray or g.dtype is not DOUBLE or not g.flags.c_contiguous:
            g = np.ascontiguousarray(checks.real("g", g))
        if g.shape != (self.d,):
            raise ValueError(f"g: expected a vector of shape ({self.d},), got shape {g.shape}")
        mass, lr, radius = self._squared_gradients, self.lr, self._radius
        if self._fused is None or radius is None:
            x, quadratic, mass = self._in_steps(self._x, g, mass, lr)
        else:
            x, quadratic, mass = self._fused.descend(self._x, g, mass, lr, radius)
        if not mass < math.inf:
            squared_length("g", g)
            raise ValueError(f"g: expected a finite sum of squares of all gradients, got {mass}")
        length = math.sqrt(ddot(x, x)) if self._unbounded else 0.0
        if not (length < math.inf and quadratic < math.inf):
            raise self._overflow(g)
        self._x = x
        self._squared_gradients = mass
        self._quadratic += quadratic
        if self._unbounded:
            self._travelled = max(self._travelled, length)

    def _overflow(self, g: np.ndarray) -> FloatingPointError:
        return FloatingPointError(
            f"lr: expected steps to finite points, got an overflow with lr = {self.lr:g} and a "
            f"gradient of length {math.sqrt(ddot(g, g)):g}"
        )

    def _in_steps(self, x, g, mass, lr) -> tuple[np.ndarray, float, float]:
        """Do what a preconditioner's own `descend` would, on any domain."""
        square = squared_length("g", g)
        if not math.isfinite(mass + square):
            return x, 0.0, mass + square
        direction = self.preconditioner.update(g, square)
        with np.errstate(over="ignore", invalid="ignore"):
            following = self.domain.project(x - lr * direction, self.preconditioner.metric)
            quadratic = float(np.dot(g, direction))
        if not math.isfinite(ddot(following, following)):
            quadratic = math.nan
        return following, quadratic, mass + square

    def diagnostics(self) -> Diagnostics:
        """Return what the bounds of this learner's regret are made of."""
        return Diagnostics(
            potential=self.preconditioner.potential,
            quadratic=self._quadratic,
            squared_gradients=self._squared_gradients,
            escaped_mass=self.preconditioner.escaped_mass,
            travelled=None if self.domain.bounded else self._travelled,
            state_bytes=self.preconditioner.state_bytes + self._x.nbytes,
            bracket=None if self._fused is None else self._fused.bracket,
        )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({type(self.preconditioner).__name__}, d={self.d}, "
            f"domain={self.domain!r}, lr={self.lr:.6g})"
        )
