"""Lower bounds in exact arithmetic, and losses against their formulas."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from operator import mul

import numpy as np

from oco.losses import MARGIN_LOSSES, Loss
from oco.regret.minorants import MoreauEnvelope, SmoothLoss
from oco.verification.cases import Case
from oco.verification.definitions import LOSSES
from oco.verification.observations import Observation, Subject, check

__all__ = ["Bare", "drawn", "exact_inner", "exact_loss", "least_over", "losses", "minorants"]

# Logarithms and exponentials have DIGITS, of which the last may be off; all else is exact.  From
# FLAT on, log(1 + e^p) is taken as p.
DIGITS, LAST_DIGITS, FLAT = 60, 1e-50, 200
POINTS = 8
SUMS, DIFFERENCES = 1e-12, 1e-5
# Powers of ten of the predictions and labels that are drawn.
SMALLEST, LARGEST = -12.0, 8.0


class Bare(Loss):
    """A loss of one's own: nothing but values and slopes."""

    def __init__(self, name: str) -> None:
        self.name = f"bare {name}"
        self._value, self._slope = LOSSES[name]

    def value(self, z, y):
        """Return φ(z, y)."""
        return self._value(z, y)

    def derivative(self, z, y):
        """Return φ'(z, y)."""
        return self._slope(z, y)

    def curvature(self, z, y):
        """Return 1, in whatever units: nothing that is looked at depends on it."""
        return np.ones(np.broadcast(z, y).shape)


def drawn(rng, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return predictions and labels at many scales, some of them at a kink or next to it."""
    z = rng.choice([-1.0, 1.0], POINTS) * 10.0 ** rng.uniform(SMALLEST, LARGEST, POINTS)
    y = rng.choice([-1.0, 1.0], POINTS)
    if name in ("squared", "absolute"):
        y = y * 10.0 ** rng.uniform(SMALLEST, LARGEST, POINTS)
    near = rng.uniform(size=POINTS) < 0.4
    z[near] = y[near] * (1 + rng.choice([0.0, 1e-15, -1e-9, 1e-3], int(near.sum())))
    return z, y


def _conjugate(name: str, slope: Fraction | float, label: float) -> Fraction | None:
    """Return φ*(u, y) = sup_z u z − φ(z, y), logarithms to 60 digits; None where it is infinite."""
    u, y = Fraction(slope), Fraction(label)
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
        return Fraction(sum((q * q.ln() for q in (p, 1 - p) if q), Decimal(0)))


def exact_inner(a: np.ndarray, x: np.ndarray) -> Fraction:
    """Return ⟨a, x⟩."""
    return sum(map(mul, map(Fraction, a.tolist()), map(Fraction, x.tolist())), Fraction(0))


def exact_loss(name: str, z: Fraction, label: float) -> Fraction:
    """Return φ(z, y); the logistic loss to 60 digits, all others exactly."""
    y = Fraction(label)
    if name == "linear":
        return -y * z
    if name == "squared":
        return (z - y) ** 2 / 2
    if name == "absolute":
        return abs(z - y)
    if name == "hinge":
        return max(Fraction(0), 1 - y * z)
    with localcontext(Context(prec=DIGITS)):
        if -y * z > FLAT:
            # log(1 + e^p) = p + e^−p to far more than 60 digits, and e^−p is below them too.
            return -y * z
        power = Decimal((-y * z).numerator) / Decimal((y * z).denominator)
        return Fraction((1 + power.exp()).ln())


def _over(name: str, u: Fraction, c: float, y: float) -> float:
    """Return by how much the line u z + c rises above the loss, computed to 60 digits."""
    conjugate = _conjugate(name, u, y)
    if conjugate is None:
        return np.inf
    return float(Fraction(c) + conjugate)


def least_over(name: str, u: float, doubt: float, c: float, y: float) -> float:
    """Return the least that a line with a slope within `doubt` of `u` rises above the loss."""
    over = _over(name, Fraction(u), c, y)
    if over > 0 and doubt:
        slopes = (Fraction(u) + sign * Fraction(doubt) for sign in (1, -1))
        over = min(over, *(_over(name, slope, c, y) for slope in slopes))
    return over


@check(
    "minorants",
    minorant="every line of which lower bounds are made lies below its loss, in exact arithmetic",
    touching="and touches it, or nearly: lines that are too low would prove nothing",
)
def minorants(case: Case, subject: Subject) -> Iterator[Observation]:
    """Ask for lines at predictions of all scales, also next to kinks."""
    rng = case.rng(12)
    for name, loss in MARGIN_LOSSES.items():
        z, y = drawn(rng, name)
        smooth = name in ("linear", "squared", "logistic")
        families: list[tuple[str, SmoothLoss | MoreauEnvelope]] = []
        if smooth:
            families.append(("tangent", SmoothLoss(loss, y)))
            families.append(("tangent of a bare", SmoothLoss(Bare(name), y)))
        envelope = MoreauEnvelope(loss, y)
        envelope.width = 10.0 ** rng.uniform(-6, 6)
        own = MoreauEnvelope(Bare(name), y)
        own.width = envelope.width
        families += [("envelope", envelope), ("envelope of a bare", own)]
        for kind, family in families:
            lines = family.at(z)
            numbers = (z, y, lines.slope, lines.offset, lines.doubt)
            for point, label, u, c, doubt in map(tuple, np.transpose(numbers)):
                over = least_over(name, u, doubt, c, label)
                where = f"{kind} of {name} at {point:.3g}, label {label:.3g}"
                size = (1 + abs(u)) * (abs(point) + abs(label))
                yield Observation("minorant", where, over, 0.0, size, LAST_DIGITS)
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
        for z, y in zip(*drawn(rng, name), strict=True):
            z, y, where = float(z), float(y), f"{name} at {z:.3g}, label {y:.3g}"
            expected = float(value(z, y))
            size = 1.0 + abs(expected)
            off = abs(float(loss.value(z, y)) - expected)
            yield Observation("loss", f"{where}, value", off, 0.0, size, SUMS)
            u = float(loss.derivative(z, y))
            conjugate = _conjugate(name, u, y)
            if conjugate is not None and loss.conjugate is not None:
                off = abs(float(loss.conjugate(u, y)) - float(conjugate))
                size = 1.0 + abs(u) * (abs(u) + abs(y))
                yield Observation("loss", f"{where}, conjugate", off, 0.0, size, SUMS)
            step = 1e-9 * (1 + abs(z) + abs(y))
            low, high = float(slope(z - step, y)), float(slope(z + step, y))
            outside = max(low - u, u - high)
            yield Observation("loss", f"{where}, slope", outside, 0.0, 1 + abs(high), SUMS)
            if loss.curvature is not None:
                width = 1e-4 * (1 + abs(z) + abs(y))
                rise = float(slope(z + width, y)) - float(slope(z - width, y))
                curved = abs(float(loss.curvature(z, y)) - rise / (2 * width))
                yield Observation("loss", f"{where}, curvature", curved, 0.0, 1.0, DIFFERENCES)
