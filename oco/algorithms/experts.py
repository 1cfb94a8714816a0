"""No rate to tune: copies of a learner at several rates, weighed by AdaHedge."""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oco import checks, marks
from oco.algorithms.adahedge import AdaHedge
from oco.algorithms.mirror_descent import Diagnostics
from oco.algorithms.reshaped import reshaped
from oco.domains import Domain
from oco.linalg.lengths import squared_length
from oco.linalg.travel import Travelling
from oco.notations import Grid, log_grid

__all__ = ["Experts", "ExpertsDiagnostics", "Standing", "experts"]

# The grid where none is given: so many rates between these multiples of the learner's own.
LOWEST, HIGHEST, COUNT = 1e-3, 10.0, 9
# Each copy has the memory of a learner: more than these are a slip of the hand.
MOST_COPIES = 1000


@dataclass(frozen=True)
class Standing:
    """How a copy stands after t rounds.

    Attributes
    ----------
    lr : float
        Its rate η_i.
    k : int or None
        Its sketch size.
    diameter : float
        The D of its bounds.
    bound : str or Rung
        Its certificate: the first of its bounds.
    diagnostics : Diagnostics
        Its account.
    behind : float
        Σ⟨g_s, x_s − x_s^i⟩: what playing it in every round would have saved, to first order.
    """

    lr: float
    k: int | None
    diameter: float
    bound: Any
    diagnostics: Diagnostics
    behind: float


@dataclass(frozen=True)
class ExpertsDiagnostics(Diagnostics):
    """What the bounds of experts are made of, after t rounds.

    `potential`, `quadratic` and `escaped_mass` are those of the copy that has lost least.

    Attributes
    ----------
    standings : tuple of Standing
        Of each copy.
    gap, variance, widest : float
        Δ, V and S of `AdaHedge`.
    """

    standings: tuple[Standing, ...]
    gap: float
    variance: float
    widest: float


@marks.learner
class Experts(Travelling):
    r"""Copies of a learner at several rates, of which a weighted mean is played.

    x_t = Σ w_i x_t^i.  Each copy is given g_t, the gradient at x_t, and AdaHedge has the weights w
    from the losses ⟨g_t, x_t^i⟩.

    Parameters
    ----------
    copies : sequence of learners
        With rates `lr`, on the same domain; the first of the `bounds` of each is its certificate.
    domain : Domain
        K: bounded.

    Attributes
    ----------
    x : ndarray of shape (d,)
        The point to play, x_t; a new array after each update.
    copies : tuple
        The copies.
    weights : ndarray of shape (N,)
        w, with which `x` is made.
    lr : float
        The rate that has won so far: of the copy that has lost least, the smallest of several.

    Raises
    ------
    ValueError
        If there is no copy, the domain is unbounded, or a copy has no rate or claims no bound.

    Notes
    -----
    For every copy i and every u in K

        Σ⟨g_t, x_t − u⟩ = Σ⟨g_t, x_t − x_t^i⟩ + Σ⟨g_t, x_t^i − u⟩ ≤ behind_i + certificate_i,

    so that the certificate is min_i (certificate_i + behind_i): at worst AdaHedge's own regret,
    at most 2Δ, above the best copy's certificate.
    """

    bounds = ("experts-certificate", "adahedge", "adahedge-theorem")

    def __init__(self, copies: Sequence[Any], domain: Domain) -> None:
        _require_bounded(domain)
        if not copies:
            raise ValueError("grid: expected at least one rate, got none")
        self.d = int(np.size(copies[0].x))
        self.copies = tuple(
            reshaped(one, (self.d,)) if np.ndim(one.x) > 1 else one for one in copies
        )
        for one in self.copies:
            if getattr(one, "lr", None) is None or not getattr(one, "bounds", ()):
                raise ValueError(
                    f"algorithm: experts need a learner with a rate and a bound, got {one!r}"
                )
        self.domain, self.k = domain, getattr(self.copies[0], "k", None)
        self.diameter = domain.diameter(self.d)
        self.hedge = AdaHedge(len(self.copies))
        self._behind = np.zeros(len(self.copies))
        self._squared_gradients = 0.0
        self._x = self._mean()

    @property
    def x(self) -> np.ndarray:
        """The point to play, x_t."""
        return self._x

    @property
    def weights(self) -> np.ndarray:
        """w_t."""
        return self.hedge.weights

    @property
    def lr(self) -> float:
        """The rate of the copy that has lost least."""
        return self.copies[int(self.hedge.losses.argmin())].lr

    def _mean(self) -> np.ndarray:
        points = np.stack([one.x for one in self.copies])
        return self.domain.nearest(self.weights @ points)

    def update(self, g) -> None:
        """Absorb the gradient of the loss at `x` and move to the next point.

        Parameters
        ----------
        g : array_like of shape (d,)
            g_t.

        Raises
        ------
        TypeError, ValueError
            If it holds no real numbers, the shape is wrong, Σ‖g_s‖² is not finite, or the copies
            refuse it; the learner is then unchanged.
        FloatingPointError
            If a copy's step overflows: x then stays what it was, but copies may have absorbed g_t.
        """
        g = checks.entries("g", g, self.d)
        mass = self._squared_gradients + squared_length("g", g)
        if not mass < math.inf:
            raise ValueError(f"g: expected a finite sum of squares of all gradients, got {mass}")
        # One by one: equal points then have equal losses, to the last digit.
        losses = np.array([float(np.dot(g, one.x)) for one in self.copies])
        # What the first refuses, all would: no copy has changed then.
        for one in self.copies:
            one.update(g)
        self._behind += float(np.dot(g, self._x)) - losses
        self._squared_gradients = mass
        self.hedge.absorb(losses)
        self._x = self._mean()

    def diagnostics(self) -> ExpertsDiagnostics:
        """Return what the bounds of this learner's regret are made of."""
        standings = tuple(
            Standing(
                lr=one.lr,
                k=getattr(one, "k", None),
                diameter=getattr(one, "diameter", self.diameter),
                bound=one.bounds[0],
                diagnostics=one.diagnostics(),
                behind=float(behind),
            )
            for one, behind in zip(self.copies, self._behind, strict=True)
        )
        first = standings[int(self.hedge.losses.argmin())].diagnostics
        held = sum(standing.diagnostics.state_bytes for standing in standings)
        return ExpertsDiagnostics(
            potential=first.potential,
            quadratic=first.quadratic,
            squared_gradients=self._squared_gradients,
            escaped_mass=first.escaped_mass,
            travelled=None,
            state_bytes=held + self._x.nbytes + self._behind.nbytes + self.hedge.losses.nbytes,
            standings=standings,
            gap=self.hedge.gap,
            variance=self.hedge.variance,
            widest=self.hedge.widest,
        )

    def __repr__(self) -> str:
        first, last = self.copies[0], self.copies[-1]
        return (
            f"{type(self).__name__}({len(self.copies)} × {first!r}, lr from {first.lr:.6g} to "
            f"{last.lr:.6g})"
        )


def experts(learner: Callable[..., Any]) -> Callable[..., Experts]:
    """Return the factory of a learner without a rate: copies at several rates, weighed.

    Parameters
    ----------
    learner : callable
        A factory with a parameter `lr`, whose learners claim bounds on Σ⟨g_t, x_t − u⟩ for any
        gradients; a learner that needs a loss with curvature has no such bound.

    Returns
    -------
    callable
        With the parameters of `learner`, but `grid` in the place of `lr`: an `oco.notations.Grid`,
        its text, or a sequence of rates > 0; by default 9 from 1/1000 to 10 times the rate that
        `learner` would have by itself.  It returns an `Experts`.

    Raises
    ------
    ValueError
        If `learner` takes no rate, or needs a loss with curvature.

    References
    ----------
    S. de Rooij, T. van Erven, P. D. Grünwald, W. M. Koolen, *Follow the leader if you can, hedge if
    you must*, JMLR 15, 2014.

    Examples
    --------
    >>> import oco
    >>> make = experts(oco.algorithms.s_adagrad)
    >>> learner = make(3, k=2, domain=oco.Ball(1.0), grid="0.01:1:3")
    >>> learner.update(np.array([0.0, 3.0, 4.0]))
    >>> [one.lr for one in learner.copies], learner.weights.round(2)
    ([0.01, 0.1, 1.0], array([0.33, 0.33, 0.33]))
    >>> learner.x.round(3)
    array([ 0.   , -0.222, -0.296])
    """
    parameters = dict(inspect.signature(learner).parameters)
    name = str(getattr(learner, "__name__", learner))
    if "lr" not in parameters or "curvature" in parameters:
        raise ValueError(
            f"algorithm: experts need a learner with a rate, whose bound holds for any losses; "
            f"{name} has none"
        )

    def factory(*sizes, domain, grid=None, **options) -> Experts:
        """AdaHedge over copies of a learner at several rates: none to tune, on a bounded domain."""
        _require_bounded(domain)
        if "domain" in parameters:
            options["domain"] = domain
        if grid is None:
            own = getattr(learner(*sizes, **options), "lr", None)
            if own is None:
                raise ValueError(
                    "grid: not given, and the learner has no rate of its own to choose rates by"
                )
            rates = log_grid(LOWEST * own, min(HIGHEST * own, sys.float_info.max), COUNT)
        else:
            rates = _rates(grid)
        return Experts([learner(*sizes, lr=rate, **options) for rate in rates], domain)

    kept = [one for word, one in parameters.items() if word not in ("lr", "domain")]
    for word, default in (("domain", inspect.Parameter.empty), ("grid", None)):
        kept.append(inspect.Parameter(word, inspect.Parameter.KEYWORD_ONLY, default=default))
    factory.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]
    factory.__name__ = factory.__qualname__ = f"experts:{name}"
    return factory


def _require_bounded(domain: Domain) -> None:
    if not domain.bounded:
        raise ValueError(
            f"domain: experts need a bounded domain, got {domain!r}: where points may lie any "
            "distance apart, a round may cost any of them any amount"
        )


def _rates(grid) -> tuple[float, ...]:
    """Return the rates of a grid, checked."""
    if isinstance(grid, str):
        grid = Grid.read("grid", grid)
    values = grid.values if isinstance(grid, Grid) else tuple(grid)
    if len(values) > MOST_COPIES:
        raise ValueError(f"grid: expected at most {MOST_COPIES:,} rates, got {len(values):,}")
    return tuple(checks.number("grid", value, above=0) for value in values)
