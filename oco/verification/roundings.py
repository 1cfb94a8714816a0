"""The errors that are stated for sums, predictions and losses, against exact arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from oco.linalg.rounding import ABOVE, running_sums
from oco.losses import MARGIN_LOSSES
from oco.regret import rounds_of, running_losses
from oco.verification.cases import Case
from oco.verification.comparators import Played
from oco.verification.exactness import LAST_DIGITS, Bare, drawn, exact_inner, exact_loss, least_over
from oco.verification.observations import Observation, Subject, check

__all__ = ["roundings"]

ROUNDS, DIMENSIONS, TERMS = 8, 12, 300


@check(
    "roundings",
    sums="running sums are off by no more than is said with them",
    totals="total losses lie between what is said, for predictions that are off",
    predictions="predictions are off by no more than is said of their rounds",
    errors="losses at predictions that are off are off by no more than the loss says, but for the "
    "rounding of what it says",
    offsets="for any slope, a loss names a line of a slope that near which lies below it",
)
def roundings(case: Case, subject: Subject) -> Iterator[Observation]:
    """Compute everything again with fractions, logarithms to 60 digits."""
    rng = case.rng(19)
    yield from _summed(rng)
    yield from _predicted(case, rng)
    for name, loss in MARGIN_LOSSES.items():
        z, y = drawn(rng, name)
        doubt = np.abs(z) * 10.0 ** rng.uniform(-16, -2, len(z)) * rng.integers(0, 2, len(z))
        shift = doubt * rng.choice([-1.0, 1.0, 0.5], len(z))
        for kind, one in ((name, loss), (f"bare {name}", Bare(name))):
            yield from _totalled(name, one, z, y, doubt, shift)
            errors = np.broadcast_to(one.error(z, y, doubt), len(z))
            for point, label, off, said in zip(z, y, shift, errors, strict=True):
                value = Fraction(float(one.value(float(point), float(label))))
                exact = exact_loss(name, Fraction(point) + Fraction(off), label)
                where = f"{kind} at {point:.3g}, label {label:.3g}"
                yield _covered("errors", where, abs(value - exact), said * ABOVE)
        if loss.minorant is None:
            continue
        u = loss.derivative(z, y) * rng.choice([1.0, 1.0, 1 + 1e-15, 0.5, 1.1], len(z))
        for slope, label, c, off in zip(u, y, *loss.minorant(u, y), strict=True):
            over = least_over(name, float(slope), float(off), float(c), float(label))
            where = f"{name} with slope {slope:.3g}, label {label:.3g}"
            yield Observation("offsets", where, over, 0.0, 1.0, LAST_DIGITS)


def _covered(name: str, where: str, error: Fraction, said: float) -> Observation:
    """Observe whether an exact error is at most what is said, which may be infinite."""
    beyond = float(error - Fraction(said)) if np.isfinite(said) else 0.0
    return Observation(name, where, beyond, 0.0, 1.0, LAST_DIGITS)


def _totalled(name: str, loss, z, y, doubt, shift) -> Iterator[Observation]:
    found = running_losses(loss, z, y, doubt, [len(z)])
    points = [Fraction(point) + Fraction(off) for point, off in zip(z, shift, strict=True)]
    exact = sum(exact_loss(name, point, label) for point, label in zip(points, y, strict=True))
    if np.isfinite(found.error[0]):
        for end, off in (
            ("below", Fraction(found.lower[0]) - exact),
            ("above", exact - Fraction(found.upper[0])),
        ):
            where = f"{loss.name}, {end}"
            yield Observation("totals", where, float(off), 0.0, 1.0, LAST_DIGITS)


def _summed(rng) -> Iterator[Observation]:
    values = rng.standard_normal(TERMS) * 10.0 ** rng.uniform(-20, 20, TERMS)
    checkpoints = np.sort(rng.integers(0, TERMS + 1, 6))
    for t, total, said in zip(checkpoints, *running_sums(values, checkpoints), strict=True):
        exact = sum(map(Fraction, values[:t].tolist()), Fraction(0))
        yield _covered("sums", f"{t} terms", abs(Fraction(float(total)) - exact), float(said))


def _predicted(case: Case, rng) -> Iterator[Observation]:
    features = np.array(case.scaled(0, ROUNDS)[:, :DIMENSIONS])
    x = rng.standard_normal(features.shape[1]) * 10.0 ** rng.uniform(-3, 3)
    data = rounds_of(Played(features, np.ones(len(features))))
    said = data.prediction_doubt(float(np.linalg.norm(x)) * (1 + 1e-15))
    for t, (a, z, off) in enumerate(zip(features, data.predictions(x), said, strict=True), 1):
        off_by = abs(Fraction(float(z)) - exact_inner(a, x))
        yield _covered("predictions", f"row {t}", off_by, float(off))
