"""Small games at all scales, their sums taken exactly: what certified intervals are held against.

``python tests/support/exact_intervals.py 5000`` plays as many and prints, for each loss and each
kind of number, how many were compared and the largest share of its allowance that an error took.
Values of the linear, squared, absolute and hinge losses are exact fractions, of the others mpmath's
with 50 digits and more.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from fractions import Fraction
from itertools import accumulate

import mpmath
import numpy as np

from oco.domains import Ball, Box
from oco.linalg.rounding import lengths
from oco.losses import LOSSES
from oco.regret import best_fixed_point, linear_minima, rounds_of, running_losses
from oco.regret.certificate import Certificate
from oco.regret.minorants import MoreauEnvelope, SmoothLoss

DIGITS = 50


def exactly(number) -> Fraction:
    return Fraction(float(number))


def real(fraction: Fraction):
    return mpmath.mpf(fraction.numerator) / fraction.denominator


def product(a, x) -> Fraction:
    return sum((exactly(p) * exactly(q) for p, q in zip(a, x, strict=True)), Fraction(0))


def phi(name: str, z, y):
    """Return φ(z, y) for an exact z, which is a list for the softmax loss."""
    if name == "softmax":
        z = [real(entry) for entry in z]
        top = max(z)
        return mpmath.log(sum(mpmath.exp(e - top) for e in z)) + top - z[int(y)]
    y = exactly(y)
    if name == "linear":
        return -y * z
    if name == "squared":
        return (z - y) ** 2 / 2
    if name == "absolute":
        return abs(z - y)
    if name == "hinge":
        return max(Fraction(0), 1 - y * z)
    m = -real(y * z)
    return mpmath.log1p(mpmath.exp(m)) if m < 0 else m + mpmath.log1p(mpmath.exp(-m))


def conjugate(name: str, u, y):
    """Return φ*(u, y) for an exact slope u in its domain, labels ±1 where they are binary."""
    u, y = exactly(u), exactly(y)
    if name == "linear":
        assert u == -y
        return Fraction(0)
    if name == "squared":
        return u * u / 2 + u * y
    share = -u * y
    if name == "absolute":
        assert abs(u) <= 1
        return u * y
    assert 0 <= share <= 1
    if name == "hinge":
        return -share
    s, rest = real(share), real(1 - share)
    return sum(p * mpmath.log(p) for p in (s, rest) if p)


def total(name: str, rows, points, labels) -> list:
    """Return the exact running sums of φ(⟨a_t, x_t⟩, y_t)."""
    classes = len(points[0]) // len(rows[0]) if name == "softmax" else 0
    losses = []
    for a, x, y in zip(rows, points, labels, strict=True):
        z = [product(a, part) for part in np.split(x, classes)] if classes else product(a, x)
        losses.append(phi(name, z, y))
    return list(accumulate(losses))


def smallest(name: str, domain, rows, labels, slopes):
    """Return the exact Σ −φ*(u_t, y_t) − max_{x in K} ⟨−Σ u_t a_t, x⟩."""
    s = [sum(exactly(u) * exactly(e) for u, e in zip(slopes, c, strict=True)) for c in rows.T]
    dual = -sum(conjugate(name, u, y) for u, y in zip(slopes, labels, strict=True))
    return (real(Fraction(dual)) if is_exact(dual) else dual) - support(domain, s)


def support(domain, s: list[Fraction]):
    """Return max_{x in K} ⟨−s, x⟩."""
    if isinstance(domain, Ball):
        return real(exactly(domain.radius(1))) * mpmath.sqrt(real(sum(e * e for e in s)))
    low, high = exactly(domain.lower), exactly(domain.upper)
    return real(sum(max(-low * e, -high * e) for e in s))


def is_exact(number) -> bool:
    return isinstance(number, Fraction | int)


class Game:
    """A game drawn at random: features and labels of some scale, a domain, points to play."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 14])
        self.name = list(LOSSES)[int(rng.integers(len(LOSSES)))]
        self.loss = LOSSES[self.name]
        self.outputs = int(rng.integers(2, 5)) if self.name == "softmax" else None
        T, width = int(rng.integers(1, 30)), int(rng.integers(1, 6))
        self.d = width * (self.outputs or 1)
        # Most scales are ordinary; some are as far as doubles go.
        reach = rng.choice([4, 70, 140], p=[0.6, 0.25, 0.15])
        self.features = rng.standard_normal((T, width)) * 10.0 ** rng.uniform(-reach, reach)
        if rng.random() < 0.3:
            self.features *= 10.0 ** rng.uniform(-3, 3, (T, 1))
        if rng.random() < 0.1:
            self.features[:, 0] = 0.0
        radius = 10.0 ** rng.uniform(-reach, reach)
        if self.name in ("logistic", "softmax"):
            # So that predictions are of all sizes, but not beyond what 50 digits can tell.
            radius = 10.0 ** rng.uniform(-6, 6) / max(lengths(self.features).max(), 1e-290)
            radius = float(np.clip(radius, 1e-140, 1e140))
        self.domain = Ball(radius) if rng.random() < 0.6 else Box(-radius, radius / 3)
        if self.loss.labels == "class":
            self.labels = rng.integers(0, self.outputs, T).astype(float)
        else:
            self.labels = rng.choice([-1.0, 1.0], T)
        if self.loss.labels == "real":
            self.labels *= rng.uniform(0, 2, T) * 10.0 ** rng.uniform(-reach, reach)
        points = rng.uniform(-1, 1, (T, self.d)) * radius * rng.choice([0.0, 1e-3, 1.0])
        self.points = np.array([self.domain.nearest(x) for x in points])
        self.rng = rng

    def chunks(self, stop=None):
        stop = len(self.labels) if stop is None else stop
        for start in range(0, stop, 7):
            rows = slice(start, min(start + 7, stop))
            yield self.features[rows], self.labels[rows]

    def predictions(self, points):
        parts = points.reshape(len(points), -1, self.features.shape[1])
        z = np.array([part @ a for part, a in zip(parts, self.features, strict=True)])
        return z if self.outputs else z[:, 0]


def compare(game: Game):
    """Yield (what, error, allowance): the error must be at most the allowance."""
    data, name = rounds_of(game), game.name
    steps = np.arange(1, len(data) + 1)
    # What was incurred, at every round.
    z = game.predictions(game.points)
    doubt = data.prediction_doubt(lengths(game.points))
    known = running_losses(game.loss, z, game.labels, doubt, steps)
    exact = total(name, game.features, game.points, game.labels)
    for value, error, true in zip(known.value, known.error, exact, strict=True):
        if not np.isfinite(error):
            # Beyond the largest number nothing is claimed.
            continue
        assert np.isfinite(value), "an infinite value with a finite error"
        yield "incurred", abs(_minus(value, true)), error
    # What the best fixed point found paid, and that it lies in K.
    best = best_fixed_point(game.loss, game.domain, game, relative_gap=1e-4)
    if isinstance(game.domain, Ball):
        inside = sum(exactly(e) ** 2 for e in best.x) <= exactly(game.domain.radius(1)) ** 2
    else:
        inside = bool(np.all((best.x >= game.domain.lower) & (best.x <= game.domain.upper)))
    assert inside, "x̂ is outside K"
    attained = total(name, game.features, [best.x] * len(data), game.labels)[-1]
    if np.isfinite(best.upper):
        yield "attained", _minus(attained, best.value), best.upper - best.value
    # That nothing lies below the lower bound: x̂, its neighbours, and the points played.
    near = best.x * (1 + 1e-9 * game.rng.standard_normal((3, game.d)))
    for x in (
        ()
        if best.lower == -np.inf
        else (best.x, *map(game.domain.within, near), game.domain.within(game.points[0]))
    ):
        paid = total(name, game.features, [x] * len(data), game.labels)[-1]
        assert _minus(best.lower, paid) <= 0, "a point of K lies below the lower bound"
    if name == "linear":
        least = linear_minima(game.domain, data, steps)
        for t, value, error in zip(steps, least.value, least.error, strict=True):
            rows, labels = game.features[:t], game.labels[:t]
            true = smallest(name, game.domain, rows, labels, -labels)
            yield "prefix minimum", abs(_minus(value, true)), error
    if name != "softmax":
        yield from _duals(game, data)


def _duals(game: Game, data):
    """Hold the lower bound from slopes of any kind against its exact value."""
    kinds = [MoreauEnvelope] if game.loss.curvature is None else [SmoothLoss, MoreauEnvelope]
    for kind in kinds:
        certificate = Certificate(game.loss, data, game.domain)
        family = kind(game.loss, game.labels)
        z = game.predictions(np.tile(game.points[-1], (len(data), 1)))
        with np.errstate(over="ignore", invalid="ignore"):
            minorants = family.at(z)
            s = data.combine(minorants.slope)
            certificate.add_minorants(minorants, s)
        computed, lower = certificate.lower, certificate.proof().lower
        if lower == -np.inf:
            continue
        if game.name != "linear":
            assert not np.any(minorants.doubt), "slopes of built-in losses are exact"
        slopes = np.clip(minorants.slope, -1, 1) if game.name == "absolute" else minorants.slope
        true = smallest(game.name, game.domain, game.features, game.labels, slopes)
        assert _minus(lower, true) <= 0, "the proven bound is above its exact value"
        yield "dual", _minus(computed, true), computed - lower


def _minus(a, b):
    """Return a − b to far more digits than doubles have."""
    if is_exact(a) or is_exact(b) or isinstance(a, float):
        a, b = (exactly(x) if isinstance(x, float) else x for x in (a, b))
    if is_exact(a) and is_exact(b):
        return real(Fraction(a - b))
    a, b = (real(Fraction(x)) if is_exact(x) else x for x in (a, b))
    return a - b


def share(error, allowance: float) -> float:
    """Return which share of the allowance an error takes; infinite if more than all of it."""
    if error <= 0:
        return 0.0
    if not np.isfinite(allowance):
        return 0.0
    return float(error / mpmath.mpf(float(allowance))) if allowance > 0 else np.inf


def campaign(seeds) -> dict:
    """Return for each (loss, what): how many were compared, and the largest share taken."""
    found = defaultdict(lambda: [0, 0.0, None])
    with mpmath.workdps(DIGITS + 350):
        for seed in seeds:
            game = Game(seed)
            for what, error, allowance in compare(game):
                entry = found[game.name, what]
                entry[0] += 1
                taken = share(error, allowance)
                if taken >= entry[1]:
                    entry[1:] = taken, seed
    return found


if __name__ == "__main__":
    first, count = 0, int(sys.argv[1])
    print(f"{'loss':10} {'number':16} {'compared':>9} {'worst share':>12}  seed")
    results = campaign(range(first, first + count))
    for (name, what), (compared, worst, seed) in sorted(results.items()):
        print(f"{name:10} {what:16} {compared:9,} {worst:12.3g}  {seed}")
    sys.exit(any(worst > 1 for _, worst, _ in results.values()))
