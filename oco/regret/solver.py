"""Minimise a sum of margin losses over K with SciPy's solvers, certifying every point they visit.

The solvers see a smooth convex function of x: F itself, or the sum of its losses' Moreau envelopes.
Nothing that they return is trusted: each evaluation updates the certificate, and the one that
closes the gap ends the search.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import numpy as np

# SciPy imports its optimizers at their first use: not before a game was played.
import scipy

from oco.domains import Ball, Box, Domain, Ellipsoid
from oco.regret.certificate import Certificate
from oco.regret.minorants import Minorants, MoreauEnvelope, SmoothLoss, floor, inner
from oco.regret.passes import Rounds

__all__ = ["Search"]

# Iterations of L-BFGS-B on one smooth problem: before Newton takes over, and where it does not.
BEFORE_NEWTON, ITERATIONS = 100, 1000
# Pairs of vectors that L-BFGS-B remembers: PAIRS, or as many as fit in MEMORY bytes, but not fewer
# than FEWEST_PAIRS.
PAIRS, FEWEST_PAIRS, MEMORY = 20, 5, 64 << 20
# Newton needs about ten, and more only where the minimiser is practically at infinity.
NEWTON_ITERATIONS = 60
# Up to this dimension, where the Hessian takes 32 MB, Newton takes over.
NEWTON_DIMENSION = 2000
# The search gives up after PATIENCE smoothed problems in a row none of which brought the gap below
# PROGRESS times what it was.
PATIENCE, PROGRESS = 10, 0.99
# If new multipliers leave more than SLOW times the gap that the smoothing makes, the width of the
# envelope is multiplied by SHRINK.
SLOW, SHRINK = 0.5, 0.3
# At most so many multipliers μ of a ball are tried on one smooth problem, until log(‖x(μ)‖/R) is
# this near to 0.
SHIFTS, LENGTH_ACCURACY = 40, 1e-9
# The multiplier changes by a factor of at most e^LEAP at a time; below NEGLIGIBLE times the first
# one it is taken as 0.
LEAP, NEGLIGIBLE = 4.0, 1e-12
# While log(‖x(μ)‖/R) is farther than ROUGH_LENGTH from 0, L-BFGS-B stops where an iteration gains
# less than ROUGH, relatively.
ROUGH, ROUGH_LENGTH = 1e-9, 1e-6
# Projected gradient steps on one smooth problem, and by how much their steepness eases with each.
PROJECTIONS, EASE = 3000, 0.8
TINY, EPSILON = np.finfo(np.float64).tiny, np.finfo(np.float64).eps
# A slope this much smaller than the steepest one met is rounding.
FLAT = 1e-12
# Newton's steps may grow to this many times the distance from the origin that they start at.
FAR = 1e6


def _log_step(excess: float, shift: float, last: tuple[float, float] | None) -> float:
    """Return by how much log μ is to change so that log(‖x(μ)‖/R) = `excess` becomes 0.

    ‖x(μ)‖ is close to a power of μ: the secant is taken of the logarithms.
    """
    power = -1.0
    if last is not None and shift and last[0] != shift and last[1] != excess:
        power = (excess - last[1]) / math.log(shift / last[0])
    return min(max(-excess / power, -LEAP), LEAP)


class _GapClosed(Exception):
    """The gap is as small as asked for."""


class _TooSmooth(Exception):
    """Smoothing the loss makes up most of the gap: minimising further would gain little."""


class _Flat(Exception):
    """The slope is rounding of the curvature: there SciPy before 1.17 may search for ever."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x.copy()


class _Evaluation(NamedTuple):
    """The smooth problem at one point x, in the search's units; `smoothing` is F less its value."""

    x: np.ndarray
    value: float
    slope: np.ndarray
    minorants: Minorants
    smoothing: float


class Search:
    """One minimisation of Σ_t φ(⟨a_t, x⟩, y_t) over K.

    Parameters
    ----------
    data : Rounds
        The rounds.
    family : SmoothLoss or MoreauEnvelope
        The loss as minorants with smooth slopes.
    domain : Domain
        K.

    Attributes
    ----------
    certificate : Certificate
        The best point and the best bound so far.

    Notes
    -----
    A box is L-BFGS-B's own.  On a ball, and on an ellipsoid in units of its semiaxes, the solvers
    minimise F(x) + μ‖x‖²/2, with μ the root of ‖x(μ)‖ = R (or 0 if the ball does not bind), found
    by a safeguarded secant.  An unbounded domain needs neither.  On all other domains projected
    gradient steps are taken.
    """

    def __init__(self, data: Rounds, family: SmoothLoss | MoreauEnvelope, domain: Domain) -> None:
        self._data, self._family, self._domain = data, family, domain
        self._envelope = family if isinstance(family, MoreauEnvelope) else None
        # Where K is unbounded, each coordinate of x is measured in units of one over its feature's
        # spread, so that features on different scales do no harm.
        self._units = np.ones(data.d) if domain.bounded else 1.0 / data.spreads
        # The radius of the ball that K is in these units.
        self._ball: float | None = None
        if isinstance(domain, Ball):
            self._ball = domain.radius(data.d)
        elif isinstance(domain, Ellipsoid):
            self._units, self._ball = domain.axes(data.d).copy(), 1.0
        self._projects = domain.bounded and self._ball is None and not isinstance(domain, Box)
        self._newton = False
        self._shift: float | None = None
        self._last_smoothing = math.inf
        self._steepest = 0.0
        self._rough = True
        self._at: _Evaluation | None = None
        self.certificate = Certificate(family.loss, data, domain)

    @property
    def method(self) -> str:
        """What the search has used, in words."""
        solver = "trust-region Newton" if self._newton else "L-BFGS-B"
        solver = "projected gradients" if self._projects else solver
        return solver if self._envelope is None else f"{solver} with the method of multipliers"

    def run(
        self,
        target: Callable[[Certificate], float],
        progress: Callable[[float, float], None] | None = None,
    ) -> None:
        """Search until the gap is at most ``target(certificate)``, or no longer shrinks.

        After each point that was tried, `progress` is told the gap and the target.
        """
        self._target, self._progress = target, progress
        self._certify_floor()
        with suppress(_GapClosed):
            x, waited = self.certificate.x / self._units, 0
            while waited <= PATIENCE:
                before = self.certificate.gap
                try:
                    x = self._minimise(x)
                    if not self._newton and self._newton_fits():
                        self._newton = True
                    elif self._envelope is None:
                        return
                    else:
                        self._sharpen()
                except _TooSmooth:
                    x = self._latest.x
                    self._sharpen()
                # A strict inequality: an infinite gap that stays infinite is no progress.
                waited = 0 if self.certificate.gap < PROGRESS * before else waited + 1

    def _newton_fits(self) -> bool:
        small = self._data.curved and self._data.d <= NEWTON_DIMENSION
        return small and not isinstance(self._domain, Box) and not self._projects

    def _certify_floor(self) -> None:
        """Record the bound Σ min_z φ(z, y_t), where the loss tells it: slopes of zero."""
        flat = floor(self._family.loss, self._family.labels, self._data.shape)
        if flat is not None:
            self.certificate.add_minorants(flat, np.zeros(self._data.d))

    def _sharpen(self) -> None:
        """Take the next multipliers, and a narrower envelope if they alone do not gain enough."""
        assert self._envelope is not None, "a smooth loss is minimised as it is"
        slow = self._latest.smoothing > SLOW * self._last_smoothing
        self._last_smoothing = self._latest.smoothing
        self._envelope.advance(self._latest.minorants, SHRINK if slow else 1.0)
        self._at = None

    @property
    def _latest(self) -> _Evaluation:
        assert self._at is not None, "a smooth problem is evaluated before it is made sharper"
        return self._at

    def _minimise(self, x: np.ndarray) -> np.ndarray:
        """Minimise the smooth problem over K from `x`, in own units; return the last point."""
        if self._projects:
            return self._descend(x)
        if self._ball is None:
            return self._solve(x, 0.0)
        radius = self._ball
        if self._shift is None:
            # Exact for linear losses, whose minimiser is −s/μ.
            self._shift = float(np.linalg.norm(self._evaluate(x).slope)) / radius
        first = self._shift or self._steepest / radius
        inside, outside, last = math.inf, 0.0, None
        for _ in range(SHIFTS):
            shift = self._shift
            x = self._solve(x, shift)
            length = float(np.linalg.norm(x))
            excess = math.log(max(length, TINY)) - math.log(radius)
            if abs(excess) <= (ROUGH_LENGTH if self._rough else LENGTH_ACCURACY):
                if not self._rough:
                    break
                # The bracket was found with rough minimisers: start it anew.
                self._rough, inside, outside, last = False, math.inf, 0.0, None
                continue
            if excess < 0 and shift == 0:
                break
            inside, outside = (shift, outside) if excess < 0 else (inside, shift)
            following = shift * math.exp(_log_step(excess, shift, last))
            if not outside < following < inside:
                # The secant left the bracket: take its middle on a logarithmic scale.  While it has
                # no lower end, one is guessed from the upper end, or from the first multiplier.
                low = outside or (inside * math.exp(-2 * LEAP) if inside < math.inf else first)
                following = math.sqrt(low) * math.sqrt(min(inside, low * math.exp(2 * LEAP)))
            last = (shift, excess) if shift else None
            self._shift = following if following > NEGLIGIBLE * first else 0.0
        return x

    def _solve(self, x: np.ndarray, shift: float) -> np.ndarray:
        """Minimise the smooth problem plus shift·‖x‖²/2 from `x`, in own units."""

        def value(x):
            return self._evaluate(x).value + shift / 2 * float(x @ x)

        def slope(x):
            return self._evaluate(x).slope + shift * x

        def curvature(x):
            hessian = self._hessian(x) + shift * np.eye(len(x))
            if np.linalg.norm(slope(x)) <= len(x) * EPSILON * np.linalg.norm(hessian, np.inf):
                raise _Flat(x)
            return hessian

        if self._newton:
            reach = max(1.0, float(np.linalg.norm(x)))
            try:
                return scipy.optimize.minimize(
                    value,
                    x,
                    jac=slope,
                    hess=curvature,
                    method="trust-exact",
                    options={
                        "maxiter": NEWTON_ITERATIONS,
                        "gtol": FLAT * self._steepest,
                        "initial_trust_radius": reach,
                        "max_trust_radius": FAR * reach,
                    },
                ).x
            except _Flat as flat:
                return flat.x
            except (ValueError, np.linalg.LinAlgError):
                # Squares of features overflow in the Hessian; what has been certified stands.
                return x
        bounds = None
        if isinstance(self._domain, Box):
            bounds = scipy.optimize.Bounds(
                *np.broadcast_arrays(self._domain.lower, self._domain.upper, x)[:2]
            )
        found = scipy.optimize.minimize(
            lambda x: (value(x), slope(x)),
            x,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={
                "maxiter": BEFORE_NEWTON if self._newton_fits() else ITERATIONS,
                "maxcor": max(FEWEST_PAIRS, min(PAIRS, MEMORY // (2 * x.nbytes))),
                "ftol": ROUGH if shift and self._rough else 0.0,
                "gtol": 0.0,
            },
        )
        if found.nit >= BEFORE_NEWTON and self._newton_fits():
            self._newton = True
            return self._solve(found.x, shift)
        return found.x

    def _descend(self, x: np.ndarray) -> np.ndarray:
        """Minimise the smooth problem over K by accelerated projected gradient steps from `x`.

        The step 1/L halves until the quadratic model holds; momentum begins anew where it leads
        uphill (Beck, Teboulle, SIAM J. Imaging Sci. 2, 2009; O'Donoghue, Candès, Found. Comput.
        Math. 15, 2015).  Every point that is evaluated lies in K.
        """
        x = ahead = self._domain.nearest(x)
        steepness, momentum = 0.0, 1.0
        for _ in range(PROJECTIONS):
            here = self._evaluate(ahead)
            size = float(np.linalg.norm(here.slope))
            if not 0 < size < math.inf:
                return x
            # At first a step across K.
            steepness = steepness * EASE or size / self._domain.radius(len(x))
            while True:
                there = self._domain.nearest(ahead - here.slope / steepness)
                moved = there - ahead
                model = float(here.slope @ moved) + steepness / 2 * float(moved @ moved)
                rounding = 8 * EPSILON * abs(here.value)
                if self._evaluate(there).value <= here.value + model + rounding:
                    break
                steepness *= 2.0
                if not steepness < math.inf:
                    return x
            if np.array_equal(there, x):
                return x
            if float((ahead - there) @ (there - x)) > 0:
                momentum = 1.0
            following = (1 + math.sqrt(1 + 4 * momentum * momentum)) / 2
            ahead = self._domain.nearest(there + (momentum - 1) / following * (there - x))
            x, momentum = there, following
        return x

    def _evaluate(self, point: np.ndarray) -> _Evaluation:
        """Evaluate the smooth problem at `point`, in own units, and update the certificate.

        Raises
        ------
        _GapClosed, _TooSmooth
            If there is no use in going on.
        """
        if self._at is not None and np.array_equal(point, self._at.x):
            return self._at
        x = self._units * point
        z = self._data.predictions(x)
        minorants = self._family.at(z)
        s = self._data.combine(minorants.slope)
        losses = self._family.loss.value(z, self._family.labels)
        smoothing = float(np.sum(losses - inner(minorants.slope, z) - minorants.offset))
        value = self._family.total(minorants, z)
        slope = s * self._units
        self._steepest = max(self._steepest, float(np.linalg.norm(slope)))
        self._at = _Evaluation(point.copy(), value, slope, minorants, smoothing)
        if self._ball is not None:
            # A multiple of x lies in K, on a ball the nearest point, and so do its predictions.
            share = min(1.0, self._ball / max(float(np.linalg.norm(point)), TINY))
            x, z = share * x, share * z
            losses = self._family.loss.value(z, self._family.labels)
        self.certificate.add_point(self._domain.nearest(x), float(np.sum(losses)))
        self.certificate.add_minorants(minorants, s)
        target = self._target(self.certificate)
        if self._progress is not None:
            self._progress(self.certificate.gap, max(target, self.certificate.resolution))
        if self.certificate.closed(target):
            raise _GapClosed
        here = float(np.sum(losses - minorants.offset)) + self._support(-s)
        if self._envelope is not None and smoothing > here / 2:
            raise _TooSmooth
        return self._at

    def _support(self, s: np.ndarray) -> float:
        radius = self.certificate.radius
        return self._domain.support(s) if radius is None else radius * float(np.linalg.norm(s))

    def _hessian(self, point: np.ndarray) -> np.ndarray:
        curvature = self._evaluate(point).minorants.curvature
        assert curvature is not None, "Newton is for predictions that are numbers"
        return self._data.gram(curvature) * np.outer(self._units, self._units)
