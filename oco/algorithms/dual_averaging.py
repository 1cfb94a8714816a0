"""Dual averaging with an adaptive metric: what `ftsl` and its kin share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from oco import checks, marks
from oco.algorithms.chunks import region_of
from oco.algorithms.dual_steps import DualStep, KernelStatistic, too_long
from oco.algorithms.fused import FusedStep, KernelPlayer
from oco.algorithms.mirror_descent import Diagnostics
from oco.domains import Ball, Box, Domain
from oco.linalg.lengths import squared_length
from oco.linalg.operators import SpectralOperator
from oco.linalg.secular import ball_weights
from oco.linalg.travel import Travelling
from oco.sketch.brackets import Bracket

__all__ = [
    "DualAveraging",
    "DualDiagnostics",
    "KernelStatistic",
    "Statistic",
    "longest_gradient",
    "too_long",
]

# δ² is a normal number, and so are sums of many of them.
SMALLEST_DELTA, LARGEST_DELTA = 2.0**-511, 1e150


class Statistic(Protocol):
    """What gradients add up to, with the metric H_t = (δ²I + statistic)^{1/2} that it gives.

    Attributes
    ----------
    metric : SpectralOperator
        H_t; valid until the next gradient.
    largest : float
        λ_max(H_t).
    root_trace : float or None
        A number S with Σ_s g_sᵀ H_{s−1}⁻¹ g_s ≤ 2 S, if it is known without the spectrum of G_t.
    escaped_mass : float or None
        ρ_{1:t} of a sketch.
    state_bytes : int
        Memory held, in bytes.
    separable : bool
        Whether H_t is diagonal in the coordinates.
    bracket : Bracket or None
        What a sketch of the gradients proves of the eigenvalues of G_t; None without one.
    delta : float
        δ, which may be made larger.
    """

    delta: float

    @property
    def metric(self) -> SpectralOperator: ...  # noqa: D102 - it is described above, as the others
    @property
    def largest(self) -> float: ...  # noqa: D102
    @property
    def root_trace(self) -> float | None: ...  # noqa: D102
    @property
    def escaped_mass(self) -> float | None: ...  # noqa: D102
    @property
    def state_bytes(self) -> int: ...  # noqa: D102
    @property
    def separable(self) -> bool: ...  # noqa: D102
    @property
    def bracket(self) -> Bracket | None: ...  # noqa: D102

    def absorb(self, g: np.ndarray, square: float) -> float:
        """Return g_tᵀ H_{t−1}⁻¹ g_t, for g_t of shape (d,) with ‖g_t‖², and then absorb it."""
        ...


@dataclass(frozen=True)
class DualDiagnostics(Diagnostics):
    """What the bounds of dual averaging are made of, after t rounds.

    Here `potential` is max_{u in K} (u − x_1)ᵀ H_t (u − x_1)/D², which is λ_max(H_t) but for a
    diagonal metric on a box; `quadratic` is Σ_s g_sᵀ H_{s−1}⁻¹ g_s; and `travelled` is 0 on an
    unbounded domain, as the bounds hold with D = ‖u‖ alone.

    Attributes
    ----------
    delta : float
        δ.
    root_trace : float or None
        What half of `quadratic` is at most, where that is known without the spectrum of G_t.
    """

    delta: float
    root_trace: float | None


@marks.learner
class DualAveraging(Travelling, KernelPlayer):
    r"""Dual averaging: the best point for all gradients so far, regularised by a metric.

    x_{t+1} = argmin_{x in K} ⟨Σ_{s≤t} g_s, x⟩ + (x − x_1)ᵀ H_t (x − x_1)/(2η), with
    H_t = (δ²I + Σ_{s≤t} ...)^{1/2}.

    Parameters
    ----------
    d : int
        Dimension of x.
    statistic : Statistic
        Absorbs gradients and holds H_t.
    domain : Domain
        K.
    lr : float or None
        η > 0; D/√2 if None.
    delta : float
        δ, at least as long as every gradient.
    bounds : tuple of str
        Names of the rungs of `oco.bounds` that this learner's regret obeys.
    k : int, optional
        Sketch size.
    coordinatewise : bool
        Whether H_t is a diagonal with an entry for each coordinate: on a box D is then taken in the
        maximum norm, and each entry counts with the square of its own side.

    Attributes
    ----------
    x : ndarray of shape (d,)
        The point to play, x_t; x_1 is the point of K nearest to the origin.  A new array after each
        update.
    diameter : float
        The D of the bounds: max_{u in K} ‖u − x_1‖, which is the radius of a ball; on a box, with a
        diagonal metric, the same in the maximum norm.  Infinite on an unbounded domain.

    Raises
    ------
    ValueError
        If `lr` is not a finite number > 0, is None where D is infinite, or the domain does not take
        such metrics.

    Notes
    -----
    For any metric that never shrinks, any η and any u in K,

        Σ⟨g_t, x_t − u⟩ ≤ (u − x_1)ᵀ H_T (u − x_1)/(2η) + (η/2)·Σ g_tᵀ H_{t−1}⁻¹ g_t,

    with λ_max(H_T) where mirror descent has tr H_T, and with ‖u‖² on an unbounded domain (Duchi,
    Hazan, Singer, JMLR 2011, proposition 2; docs/theory.md proves it).  δ is what makes the metric
    before the gradient large enough for it: δ²I + G_{t−1} ⪰ G_t.
    """

    def __init__(
        self,
        d: int,
        statistic: Statistic,
        domain: Domain,
        lr: float | None,
        *,
        delta: float,
        bounds: tuple[str, ...],
        k: int | None = None,
        coordinatewise: bool = False,
    ) -> None:
        domain.require(statistic.metric, statistic.separable)
        self.d, self.k, self.domain, self.bounds = d, k, domain, bounds
        self.statistic, self.delta = statistic, delta
        self._x = self._start = domain.start(d)
        self._scales: np.ndarray | None = None
        self.diameter = domain.reach(d)
        if coordinatewise and isinstance(domain, Box):
            spans = domain.spans(d)
            self.diameter = float(spans.max())
            self._scales = (spans / (self.diameter or 1.0)) ** 2
        if lr is None:
            if not math.isfinite(self.diameter):
                raise ValueError(
                    "lr: expected a number > 0, got None; the default D/√2 needs a bounded domain"
                )
            lr = self.diameter / math.sqrt(2)
        self.lr = checks.number("lr", lr, above=0)
        # A subclass may project in a way of its own.
        self._radius = domain.radius(d) if type(domain) is Ball else None
        self._region = region_of(domain, d, statistic.separable)
        self._gradients = np.zeros(d)
        self._quadratic = self._squared_gradients = 0.0

    @property
    def x(self) -> np.ndarray:
        """The point to play, x_t."""
        return self._x

    def update(self, g) -> None:
        """Absorb the gradient of the loss at `x` and move to the next point.

        Parameters
        ----------
        g : array_like of shape (d,)
            g_t.

        Raises
        ------
        TypeError, ValueError
            If it holds no real numbers, the shape is wrong, it is longer than δ, or Σ‖g_s‖² is not
            finite; the learner is then unchanged.
        FloatingPointError
            If the step or the projection overflows: x then stays what it was, but the metric has
            absorbed g_t.
        """
        g = checks.entries("g", g, self.d)
        square = squared_length("g", g)
        mass = self._squared_gradients + square
        if not mass < math.inf:
            raise ValueError(f"g: expected a finite sum of squares of all gradients, got {mass}")
        if too_long(square, self.delta):
            raise ValueError(
                f"delta: expected at least the length of every gradient, got {self.delta:g} and a "
                f"gradient of length {math.sqrt(square):g}"
            )
        quadratic = self.statistic.absorb(g, square)
        self._gradients += g
        with np.errstate(over="ignore", invalid="ignore"):
            x = self._best(self.statistic.metric)
            finite = math.isfinite(float(np.dot(x, x)))
        if not finite:
            raise self._overflow(g)
        self._x, self._squared_gradients = x, mass
        self._quadratic += quadratic

    @property
    def _steps(self) -> FusedStep | None:
        statistic = self.statistic
        if not isinstance(statistic, KernelStatistic) or not statistic.plays:
            return None
        return DualStep(statistic, self._gradients, self._start)

    def _overflow(self, g: np.ndarray) -> FloatingPointError:
        return FloatingPointError(
            f"lr: expected steps to finite points, got an overflow with lr = {self.lr:g} and a "
            f"sum of gradients of length {np.linalg.norm(self._gradients):g}"
        )

    def lengthen(self, delta: float) -> None:
        """Allow longer gradients from now on: `x` becomes what it is with a larger δ.

        Parameters
        ----------
        delta : float
            The new δ, at least the present one.

        Raises
        ------
        TypeError, ValueError
            If it is out of range.

        Notes
        -----
        Before a point is played, that is a metric which grows: the bounds hold with the last δ.

        Examples
        --------
        >>> import oco
        >>> learner = oco.algorithms.ftsl(2, k=2, domain=oco.Ball(1.0), lr=1.0, delta=5.0)
        >>> learner.update(np.array([-5.0, 0.0]))
        >>> learner.lengthen(12.0)
        >>> 13 * learner.x
        array([5., 0.])
        """
        delta = checks.number("delta", delta, low=self.delta, high=LARGEST_DELTA)
        if delta > self.delta:
            self.delta = self.statistic.delta = delta
            self._x = self._best(self.statistic.metric)

    def _best(self, metric: SpectralOperator) -> np.ndarray:
        """Return the projection of x_1 − η H⁻¹ Σg onto K, in the metric H."""
        parts = metric.decompose(self._gradients)
        steps = -self.lr / parts.values
        if self._radius is None:
            return self.domain.project(self._start + parts.recombine(steps), metric)
        # The components of what is projected are known: no need to split it anew.
        steps *= ball_weights(parts.values, (np.sqrt(parts.squares) * steps) ** 2, self._radius)
        return self.domain.nearest(parts.recombine(steps))

    def diagnostics(self) -> DualDiagnostics:
        """Return what the bounds of this learner's regret are made of."""
        statistic = self.statistic
        if self._scales is None:
            potential = statistic.largest
        else:
            potential = float(self._scales @ statistic.metric.values)
        return DualDiagnostics(
            potential=potential,
            quadratic=self._quadratic,
            squared_gradients=self._squared_gradients,
            escaped_mass=statistic.escaped_mass,
            travelled=None if self.domain.bounded else 0.0,
            state_bytes=statistic.state_bytes + self._x.nbytes + self._gradients.nbytes,
            delta=self.delta,
            root_trace=statistic.root_trace,
            bracket=statistic.bracket,
        )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({type(self.statistic).__name__}, d={self.d}, "
            f"domain={self.domain!r}, lr={self.lr:.6g}, delta={self.delta:.6g})"
        )


def longest_gradient(delta: float | None, gradient_bound: float | None) -> float:
    """Return δ, checked: as given, or the bound G ≥ ‖g_t‖.

    Raises
    ------
    ValueError
        If neither is a finite number, or δ is out of range.

    Examples
    --------
    >>> longest_gradient(None, 3.0)
    3.0
    """
    if delta is None:
        if gradient_bound is None or not math.isfinite(gradient_bound):
            raise ValueError(
                "delta: expected a number >= ‖g_t‖ for all t, got None; its default, a bound on "
                f"the gradients, needs a finite gradient_bound, got {gradient_bound}"
            )
        # Gradients that are all zero, or so short that their squares are: any δ will do.
        delta = max(checks.number("gradient_bound", gradient_bound, low=0), SMALLEST_DELTA)
    return checks.number("delta", delta, low=SMALLEST_DELTA, high=LARGEST_DELTA)
