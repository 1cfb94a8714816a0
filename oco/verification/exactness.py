"""Lower bounds in exact arithmetic, and losses against their formulas."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import numpy as np

from oco.losses import MARGIN_LOSSES
from oco.regret._minorants import MoreauEnvelope, SmoothLoss
from oco.verification.cases import Case
from oco.verification.definitions import LOSSES
from oco.verification.observations import Observation, Subject, check

__all__ = ["losses", "minorants"]

EPS = np.finfo(np.float64).eps
DIGITS = 60
POINTS = 12
SUMS, DIFFERENCES = 1e-12, 1e-5
# Predictions and labels from here to there: where a loss and its tangent cancel, and where not.
SMALLEST, LARGEST = -12.0, 8.0


def _drawn(rng, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and labels at many scales, some of them at a kink or next to it."""
    z = rng.choice([-1.0, 1.0], POINTS) * 10.0 ** rng.uniform(SMALLEST, LARGEST, POINTS)
    y = rng.choice([-1.0, 1.0], POINTS)
    if name in ("squared", "absolute"):
        y = y * 10.0 ** rng.uniform(SMALLEST, LARGEST, POINTS)
    near = rng.uniform(size=POINTS) < 0.4
    z[near] = y[near] * (1 + rng.choice([0.0, 1e-15, -1e-9, 1e-3], int(near.sum())))
    return z, y


def _conjugate(name: str, u: float, y: float) -> Decimal | Fraction | None:
    """Return φ*(u, y) = sup_z u z − φ(z, y) to 60 digits; None where it is infinite."""
    u, y = Fraction(u), Fraction(y)
    if name == "linear":
        return Fraction(0) if u == -y else None
    if name == "squared":
        return u * u / 2 + u * y
    if name == "absolute":
        return u * y if abs(u) <= 1 else None
    share = -u * y
    if not 0 <= share <= 1:
        return None
    if name == "hinge":
        return -share
    with localcontext(Context(prec=DIGITS)):
        p = Decimal(share.numerator) / Decimal(share.denominator)
        return sum((q * q.ln() for q in (p, 1 - p) if q), Decimal(0))


def _over(name: str, u: float, c: float, y: float) -> float:
    """Return by how much the line u z + c rises above the loss, computed to 60 digits."""
    conjugate = _conjugate(name, u, y)
    if conjugate is None:
        return np.inf
    with localcontext(Context(prec=DIGITS)):
        number = Decimal if isinstance(conjugate, Decimal) else Fraction
        return float(number(c) + conjugate)


@check(
    "minorants",
    minorant="every line of which lower bounds are made lies below its loss, in exact arithmetic, "
    "up to a rounding unit of its terms",
    touching="and touches it, or nearly: lines that are too low would prove nothing",
)
def minorants(case: Case, subject: Subject) -> Iterator[Observation]:
    """Ask for lines at predictions of all scales, also next to kinks."""
    rng = case.rng(12)
    for name, loss in MARGIN_LOSSES.items():
        z, y = _drawn(rng, name)
        smooth = name in ("linear", "squared", "logistic")
        families = [("tangent", SmoothLoss(loss, y))] if smooth else []
        envelope = MoreauEnvelope(loss, y)
        envelope.width = 10.0 ** rng.uniform(-6, 6)
        families.append(("envelope", envelope))
        for kind, family in families:
            lines = family.at(z)
            for point, label, u, c in zip(z, y, lines.slope, lines.offset, strict=True):
                over = _over(name, float(u), float(c), float(label))
                where = f"{kind} of {name} at {point:.3g}, label {label:.3g}"
                # Slope and offset are rounded; the terms that they are made of say how much.
                size = (1 + abs(u)) * (abs(point) + abs(label))
                yield Observation("minorant", where, over, 0.0, size, EPS)
                yield Observation("touching", where, -over, 0.0, size, SUMS)


@check(
    "losses",
    loss="losses and their slopes are those of the formula, and slopes are differences of losses",
)
def losses(case: Case, subject: Subject) -> Iterator[Observation]:
    """Compare numbers at predictions of all scales."""
    rng = case.rng(13)
    for name, loss in MARGIN_LOSSES.items():
        value, slope = LOSSES[name]
        for z, y in zip(*_drawn(rng, name), strict=True):
            z, y, where = float(z), float(y), f"{name} at {z:.3g}, label {y:.3g}"
            expected = float(value(z, y))
            size = 1.0 + abs(expected)
            off = abs(float(loss.value(z, y)) - expected)
            yield Observation("loss", f"{where}, value", off, 0.0, size, SUMS)
            u = float(loss.derivative(z, y))
            conjugate = _conjugate(name, u, y)
            if conjugate is not None:
                off = abs(float(loss.conjugate(u, y)) - float(conjugate))
                size = 1.0 + abs(u) * (abs(u) + abs(y))
                yield Observation("loss", f"{where}, conjugate", off, 0.0, size, SUMS)
            step = 1e-9 * (1 + abs(z) + abs(y))
            low, high = float(slope(z - step, y)), float(slope(z + step, y))
            outside = max(low - u, u - high)
            yield Observation("loss", f"{where}, slope", outside, 0.0, 1 + abs(high), SUMS)
            if loss.smooth:
                width = 1e-4 * (1 + abs(z) + abs(y))
                rise = float(slope(z + width, y)) - float(slope(z - width, y))
                curved = abs(float(loss.curvature(z, y)) - rise / (2 * width))
                yield Observation("loss", f"{where}, curvature", curved, 0.0, 1.0, DIFFERENCES)
