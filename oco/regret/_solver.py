"""Minimise a sum of margin losses over K by steps in a metric, certifying every point on the way.

Each step goes towards the minimiser over K of a quadratic model of the (smoothed) sum.  The model's
metric is a limited-memory secant approximation, which costs no more than the gradient, and after a
while the exact Hessian, where d allows it.  Predictions are linear in x, so that the search along a
step touches T numbers and not the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from oco.domains import Box, Domain
from oco.linalg.operators import SpectralOperator
from oco.regret._certificate import Certificate
from oco.regret._metrics import SecantMetric, has_hessian, hessian
from oco.regret._minorants import Minorants, MoreauEnvelope, SmoothLoss
from oco.regret._models import minimise_on_ball, minimise_on_box, trust_radius
from oco.regret._passes import Rounds

__all__ = ["Search"]

# Secant steps before the first Newton step: a Newton step costs as much as about d/20 of them.
SECANT_STEPS = 10
SECANT_STEPS_PER_DIMENSION = 1 / 20
# Hard problems with kinks take about 150 steps; this many are a failure.
STEPS = 500
# Give up after so many steps that did not shrink the gap by a hundredth.
PATIENCE = 50
PROGRESS = 0.99
# Multiplier updates that leave more than half of the smoothing's share of the gap halve the width.
SLOW = 0.5
SHRINK = 0.5
# A full step is taken unless the slope at its end is more than this share of the slope at its
# start, with the other sign; a shorter one is then found to 1% of the step.
OVERSHOOT = 0.1
SEARCH_ACCURACY = 1e-2
# A model over a box is minimised to this share of what the point before could gain.
MODEL_ACCURACY = 1e-3
TINY, HUGE = np.finfo(np.float64).tiny, np.finfo(np.float64).max


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
    """

    def __init__(self, data: Rounds, family: SmoothLoss | MoreauEnvelope, domain: Domain) -> None:
        self._data, self._family, self._domain = data, family, domain
        self._secant: SecantMetric | None = None
        self._secant_steps = 0
        self._newton = False
        self._last_smoothing = math.inf
        # A bounded K fixes the units of x; otherwise each coordinate gets the units of its feature.
        self._units = np.ones(data.d) if domain.bounded else 1.0 / data.spreads
        self.certificate = Certificate(data, domain)

    @property
    def method(self) -> str:
        """What the search has used, in words."""
        metric = "Newton" if self._newton else "L-BFGS"
        smoothing = "" if self._family.exact else " with the method of multipliers"
        return f"projected {metric}{smoothing}"

    def run(self, target: Callable[[Certificate], float]) -> None:
        """Step until the gap is at most ``target(certificate)``, or no longer shrinks."""
        self._certify_floor()
        x = self.certificate.x
        z = self._data.predictions(x)
        gap, waited = math.inf, 0
        for _ in range(STEPS):
            minorants = self._family.at(z)
            s = self._data.combine(minorants.slope)
            smoothing = self._certify(x, z, minorants, s)
            if self.certificate.gap <= max(target(self.certificate), self.certificate.resolution):
                return
            waited = 0 if self.certificate.gap <= PROGRESS * gap else waited + 1
            gap = gap if waited else self.certificate.gap
            if waited > PATIENCE:
                return
            excess = self._excess(x, s)
            if smoothing > excess:
                self._sharpen(minorants, smoothing)
                continue
            moved = self._step(x, z, minorants, s, excess)
            if moved is not None:
                x, z = moved
            elif not self._unblock(minorants):
                return

    def _certify_floor(self) -> None:
        """Record the bound Σ min_z φ(z, y_t), where the conjugate tells it: slopes of zero."""
        conjugate = getattr(self._family.loss, "conjugate", None)
        if conjugate is not None:
            flat = np.zeros(len(self._data))
            floor = -np.asarray(conjugate(flat, self._family.labels), dtype=np.float64)
            self.certificate.add_minorants(Minorants(flat, floor, flat), np.zeros(self._data.d))

    def _certify(self, x, z, minorants: Minorants, s) -> float:
        """Record the point and the bound; return what smoothing the loss adds to the gap at x."""
        losses = self._family.loss.value(z, self._family.labels)
        self.certificate.add_point(x, float(np.sum(losses)))
        self.certificate.add_minorants(minorants, s)
        if self._family.exact:
            return 0.0
        return float(np.sum(losses - minorants.slope * z - minorants.offset))

    def _excess(self, x, s) -> float:
        """Return max over x' in K of ⟨s, x − x'⟩: what minimising the smoothed sum could gain."""
        radius = self.certificate.radius
        support = self._domain.support(-s) if radius is None else radius * np.linalg.norm(s)
        return float(s @ x + support)

    def _sharpen(self, minorants: Minorants, smoothing: float) -> None:
        """Take the next multipliers, and a narrower envelope if they alone do not gain enough."""
        slow = smoothing > SLOW * self._last_smoothing
        self._last_smoothing = smoothing
        self._replace(minorants, SHRINK if slow else 1.0)

    def _unblock(self, minorants: Minorants) -> bool:
        """Help where rounding hides any descent; return False if nothing is left to try."""
        switched = self._switch_to_newton()
        if self._family.exact:
            return switched
        # The slopes of an envelope are accurate to a rounding error of z over its width.
        self._replace(minorants, 1 / SHRINK)
        return True

    def _replace(self, minorants: Minorants, factor: float) -> None:
        self._family.advance(minorants, factor)
        self._switch_to_newton()
        self._secant = None

    def _switch_to_newton(self) -> bool:
        switched = not self._newton and has_hessian(self._data)
        self._newton |= switched
        return switched

    def _step(self, x, z, minorants: Minorants, s, excess: float):
        """Return the next point and its predictions, or None if rounding hides any descent."""
        try:
            towards = self._minimise_model(self._metric(minorants, s), x, s, excess)
        except (ValueError, np.linalg.LinAlgError):
            # Squares of features overflow in the model; what has been certified so far stands.
            return None
        step = towards - x
        descent = float(s @ step)
        if not descent < 0:
            return None
        change = self._data.predictions(towards) - z

        def slope(share: float) -> float:
            along = float(self._family.at(z + share * change).slope @ change)
            return along if math.isfinite(along) else HUGE

        share = 1.0
        if slope(1.0) > -OVERSHOOT * descent:
            if not slope(0.0) < 0:
                return None
            share = brentq(slope, 0.0, 1.0, xtol=TINY, rtol=SEARCH_ACCURACY, disp=False)
        x, z = x + share * step, z + share * change
        if not self._newton:
            after = self._data.combine(self._family.at(z).slope)
            self._secant.absorb(share * step / self._units, (after - s) * self._units)
        return x, z

    def _metric(self, minorants: Minorants, s) -> np.ndarray | SpectralOperator:
        d = self._data.d
        budget = SECANT_STEPS + SECANT_STEPS_PER_DIMENSION * d
        if self._secant_steps > budget:
            self._switch_to_newton()
        if self._newton:
            return hessian(self._data, minorants.curvature, self._units)
        self._secant_steps += 1
        if self._secant is None:
            slope = s * self._units
            along = self._data.predictions(slope * self._units)
            bend = float(minorants.curvature @ along**2)
            self._secant = SecantMetric(bend / float(slope @ slope) if bend > 0 else 1.0, d)
        return self._secant.operator()

    def _minimise_model(self, metric: np.ndarray | SpectralOperator, x, s, excess) -> np.ndarray:
        """Return the minimiser over K of the model at x whose Hessian is `metric`, in own units."""
        if isinstance(self._domain, Box):
            return minimise_on_box(metric, s, x, self._domain, MODEL_ACCURACY * excess)
        point = x / self._units
        radius = trust_radius(self._domain, point)
        return self._units * minimise_on_ball(metric, s * self._units, point, radius)
