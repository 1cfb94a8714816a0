"""Whole runs, looked at from outside: what was played, paid, compared with, and concluded.

A run is made by `oco.experiment`, as a user makes it; what the learner plays and is told is written
down on the way, and everything in the result is computed again from that.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from oco import checks
from oco.domains import Box, Domain, Euclidean, Simplex
from oco.results.summary import HOLDS, Trace
from oco.verification.cases import Case
from oco.verification.comparators import Reach, even, independent
from oco.verification.definitions import LOSSES, escape_limit, metric_of, tame
from oco.verification.dual_promises import DUALS, DenseDual
from oco.verification.exactness import LAST_DIGITS, exact_inner, exact_loss
from oco.verification.learners import MATRICES, SHAPES
from oco.verification.observations import Observation, Subject, check
from oco.verification.promises import DenseAccount
from oco.verification.watching import Given, Watched, watch

__all__ = ["runs"]

ROUNDS, DIMENSIONS = 14, 4
ADAPTIVE = 0.3
# Options that only some learners take.
OWN = ("k", "delta")
# The gap that is asked of best fixed points: closer ones take longer and show no more.
GAP = 0.02
# Relative errors: of sums of a few terms, of the independent solver, of the root of a rounding.
SUMS, SOLVED, ROOTS = 1e-12, 1e-6, 1e-6
# A subgradient may be taken anywhere within this distance of a kink.
NEAR = 1e-9


@check(
    "runs",
    gradients="no gradient is longer than the G of the run",
    protocol="each gradient is φ'(⟨a, x⟩, y)a at the point that was played, with the label known",
    enclosed="the interval holds the regret to the best point found in exact arithmetic: rounding "
    "is in it",
    incurred="losses up to each checkpoint, the learner's and the best fixed point's, as paid",
    regret="the regret's interval, of all rounds and of each prefix, holds that to an independent "
    "solver's optimum",
    diameter="D is the diameter of K, or without bounds max‖x_t‖ + ‖x̂‖ as it occurred",
    reported="each bound at each checkpoint is its formula, from the gradients that were handed "
    "over",
    between="a bound whose eigenvalues are bracketed lies between the ends that are reported, and "
    "is said to hold only where the regret is below the lower",
)
def runs(case: Case, subject: Subject) -> Iterator[Observation]:
    """Run one of the learners on a few tame rows."""
    rng = case.rng(10)
    name = list(subject.learners)[int(rng.integers(len(subject.learners)))]
    rows = tame(case, ROUNDS, max(SHAPES) if name in MATRICES else DIMENSIONS)
    rows = rows[np.cumsum(rows.any(axis=1)) > 0]
    entries = next((size for size in SHAPES if size <= rows.shape[1]), rows.shape[1])
    if name in MATRICES:
        rows = rows[:, :entries]
    if not rows.any():
        return
    d, domain = rows.shape[1], _domain(subject, rng)
    loss = list(LOSSES)[int(rng.integers(len(LOSSES)))]
    if not domain.bounded and not even(rows):
        # The best fixed point may lie so far away that squares overflow.
        domain = subject.ball(1.0)
    if not domain.bounded and loss == "linear":
        loss = "squared"
    if "curvature" in inspect.signature(subject.learners[name]).parameters:
        # Only losses with curvature along their gradients, on a bounded domain, will do.
        loss = "squared" if loss in ("absolute", "squared") else "logistic"
        domain = subject.ball(1.0)
    labels = _labels(case, loss, len(rows))
    stream = Given(rows, labels, loss, adaptive=rng.uniform() < ADAPTIVE)
    k = int(rng.integers(2, min(d, 4) + 2))
    options: dict[str, Any] = {"d": d, "T": len(rows), "k": k, "delta": 1.0}
    if name in MATRICES:
        options |= {"d": None, "shape": SHAPES.get(entries, (d, 1))}
    if not domain.bounded or rng.integers(2):
        options["lr"] = 10.0 ** rng.uniform(-1.5, 0.5)
    if name == "hedge":
        domain = Simplex()
    if name in DUALS:
        # δ is the run's own bound on the gradients, which has to be finite.
        options["delta"] = None
        domain = subject.ball(1.0) if loss == "squared" and not domain.bounded else domain
    options |= {"gap": GAP, "checkpoints": 1, "prefix_regret": domain.bounded}
    # By the learner's own sketch, or by one of the gradients: the smallest leaves the most room.
    options |= ({}, {"spectra": "bracket"}, {"spectra": "bracket", "bracket_k": 2})[
        int(case.rng(24).integers(3))
    ]
    taken = inspect.signature(subject.learners[name]).parameters
    given = {key: value for key, value in options.items() if key not in OWN or key in taken}
    seen = watch(subject.learners[name], loss, domain, stream, **given)
    place = f"{name}, {loss}, {domain.name}"
    yield from _as_played(seen, place)
    if seen.result.summary.regret is None:
        yield Observation("regret", f"{place}: {seen.result.summary.message}", 1.0, tolerance=0.0)
        return
    yield from _as_paid(seen, place)
    yield from _compared(seen, place)
    yield from _enclosed(seen, place)
    yield from _bounded(seen, place, name, options)


def _labels(case: Case, loss: str, count: int) -> np.ndarray:
    # From a generator of their own, so that a shrunk case with fewer rows draws all else as before.
    rng = case.rng(18)
    sizes = rng.uniform(0.1, 2, count) if loss in ("squared", "absolute") else 1.0
    return sizes * rng.choice([-1.0, 1.0], count)


def _domain(subject: Subject, rng) -> Domain:
    radius = 10.0 ** rng.uniform(-0.5, 0.7)
    kind = int(rng.integers(3))
    return (subject.ball(radius), Euclidean(), Box(-radius, radius * rng.uniform(0.2, 1)))[kind]


def _as_played(seen: Watched, place: str) -> Iterator[Observation]:
    slope = LOSSES[seen.loss][1]
    yield Observation(
        "protocol", f"{place}, rounds", abs(len(seen.points) - seen.stream.T), 0.0, tolerance=0.0
    )
    longest = max(float(np.linalg.norm(g)) for g in seen.gradients)
    yield Observation("gradients", place, longest, seen.bound, max(longest, 1.0))
    rounds = zip(seen.stream.features, seen.labels, seen.points, seen.gradients, strict=True)
    for t, (a, y, x, g) in enumerate(rounds, start=1):
        z, y, size = float(a @ x), float(y), float(a @ a)
        near = NEAR * (1 + abs(z))
        low, high = slope(z - near, y), slope(z + near, y)
        share = float(g @ a) / size if size else 0.0
        along = float(np.linalg.norm(g - share * a))
        outside = max(low - share, share - high) if size else 0.0
        yield Observation("protocol", f"{place}, round {t}", max(outside, along), 0.0, 1.0, SUMS)


def _as_paid(seen: Watched, place: str) -> Iterator[Observation]:
    result = seen.result
    sums = {"learner": (seen.losses(seen.points), result.trace.loss)}
    if result.comparator is not None:
        fixed = [result.comparator] * len(seen.points)
        sums["best fixed point"] = seen.losses(fixed), result.trace.comparator_loss
    for who, (losses, found) in sums.items():
        for t, total in zip(result.trace.t, found, strict=True):
            expected, scale = math.fsum(losses[:t]), 1.0 + math.fsum(abs(losses[:t]))
            off = abs(float(total) - expected)
            yield Observation("incurred", f"{place}, {who}, to {t}", off, 0.0, scale, SUMS)


def _compared(seen: Watched, place: str) -> Iterator[Observation]:
    result, losses = seen.result, seen.losses(seen.points)
    regret, trace = checks.known("regret", result.summary.regret), result.trace
    intervals = [(len(losses), regret.lo, regret.hi)]
    region: Domain | Reach = seen.domain
    if seen.domain.bounded:
        middle = len(trace.t) // 2
        low, high = (
            float(checks.known("prefix regret", ends)[middle])
            for ends in (trace.prefix_regret_lo, trace.prefix_regret_hi)
        )
        intervals.append((int(trace.t[middle]), low, high))
    else:
        found = checks.known("comparator", result.summary.comparator)
        region = Reach(checks.known("radius", found.radius))
    for t, low, high in intervals:
        best = independent(seen.loss, region, seen.stream.features[:t], seen.labels[:t])
        scale, exact = 1.0 + abs(best), math.fsum(losses[:t]) - best
        yield Observation("regret", f"{place}, to {t}, upper end", exact, high, scale, SOLVED)
        # Without bounds a better point may lie outside the ball of which `best` is the best.
        if seen.domain.bounded:
            yield Observation("regret", f"{place}, to {t}, lower end", low, exact, scale, SOLVED)


def _enclosed(seen: Watched, place: str) -> Iterator[Observation]:
    """Hold the interval against Σ f_t(x_t) − Σ f_t(x̂), computed without rounding."""
    regret = checks.known("regret", seen.result.summary.regret)
    best = checks.known("comparator", seen.result.comparator)
    exact = Fraction(0)
    for a, y, x in zip(seen.stream.features, seen.labels, seen.points, strict=True):
        played, fixed = (
            exact_loss(seen.loss, exact_inner(a, point), float(y)) for point in (x, best)
        )
        exact += played - fixed
    for end, off in (
        ("lower", Fraction(regret.lo) - exact),
        ("upper", exact - Fraction(regret.hi)),
    ):
        yield Observation("enclosed", f"{place}, {end} end", float(off), tolerance=LAST_DIGITS)


def _diameters(seen: Watched, name: str) -> np.ndarray:
    """Return D at each checkpoint: K's diameter, or on all of R^d the distances that occurred."""
    t, domain = seen.result.trace.t, seen.domain
    if isinstance(domain, Box):
        sides = np.broadcast_to(np.subtract(domain.upper, domain.lower), seen.stream.d)
        if name in DUALS:
            sides = np.maximum(domain.upper - seen.points[0], seen.points[0] - domain.lower)
        longest = name in ("adagrad", "da-diagonal")
        return np.full(len(t), sides.max() if longest else np.linalg.norm(sides))
    if isinstance(domain, Simplex):
        return np.full(len(t), math.sqrt(2) if seen.stream.d > 1 else 0.0)
    if domain.bounded:
        return np.full(len(t), (1 if name in DUALS else 2) * domain.radius(seen.stream.d))
    if name in DUALS:
        best = checks.known("comparator", seen.result.comparator)
        return np.full(len(t), float(np.linalg.norm(best)))
    # D covers the point after the last round, too, although it is not played any more.
    points = [*seen.points[1:], seen.result.x]
    lengths = np.maximum.accumulate([float(np.linalg.norm(x)) for x in points])
    best = checks.known("comparator", seen.result.comparator)
    return lengths[t - 1] + float(np.linalg.norm(best))


def _bounded(seen: Watched, place: str, name: str, options: dict) -> Iterator[Observation]:
    trace, summary = seen.result.trace, seen.result.summary
    if not trace.bounds:
        return
    diameters, d = _diameters(seen, name), seen.stream.d
    told = checks.known("diameter", summary.diameter)
    off = abs(told / diameters[-1] - 1) if diameters[-1] else told
    yield Observation("diameter", place, off)
    yield from _summarised(seen, place, options["k"])
    if name in DUALS:
        yield from _dual_bounds(seen, place, name, options["k"], diameters)
        return
    shape = options.get("shape") or (d,)
    absorb = metric_of(name, d=d, k=options["k"], delta=options["delta"], shape=shape)
    if absorb is None:
        return
    long_axes = tuple(n for n in shape if n > 1) or (1,)
    dense = DenseAccount(checks.known("lr", summary.lr), options["k"], long_axes)
    checkpoints = {int(t): i for i, t in enumerate(trace.t)}
    for t, g in enumerate(seen.gradients, start=1):
        metric = absorb(g)
        if not metric.clear:
            return
        dense.enter(g, metric)
        if t not in checkpoints:
            continue
        i = checkpoints[t]
        for rung, values in trace.bounds.items():
            expected = dense.bound(rung, float(diameters[i]), seen.bound)
            scale = max(expected, dense.resolution(float(diameters[i])))
            if rung in trace.least:
                yield from _between(trace, rung, i, expected, scale, place)
                continue
            # Without bounds on K nor on a slope, both are infinite.
            off = 0.0 if values[i] == expected else abs(float(values[i]) - expected)
            yield Observation("reported", f"{place}, {rung}, to {t}", off, 0.0, scale, ROOTS)


def _dual_bounds(
    seen: Watched, place: str, name: str, k: int, diameters: np.ndarray
) -> Iterator[Observation]:
    """Hold each bound of dual averaging at each checkpoint against its dense formula."""
    trace, d = seen.result.trace, seen.stream.d
    lr = checks.known("lr", seen.result.summary.lr)
    dense = DenseDual(name, d, k, seen.bound)
    checkpoints = {int(t): i for i, t in enumerate(trace.t)}
    for t, g in enumerate(seen.gradients, start=1):
        dense.absorb(g)
        if t not in checkpoints:
            continue
        i = checkpoints[t]
        reach = float(diameters[i])
        growth = dense.growth(seen.domain, seen.points[0], reach)
        for rung, values in trace.bounds.items():
            expected = dense.bound(rung, lr, growth, reach)
            off, scale = abs(float(values[i]) - expected), expected + lr * d * seen.bound
            if rung in trace.least:
                yield from _between(trace, rung, i, expected, scale, place)
                continue
            yield Observation("reported", f"{place}, {rung}, to {t}", off, 0.0, scale, ROOTS)


def _between(
    trace: Trace, rung: str, i: int, expected: float, scale: float, place: str
) -> Iterator[Observation]:
    """Hold the ends of a bracketed bound at a checkpoint against its dense formula."""
    place = f"{place}, {rung}, to {trace.t[i]}"
    low, high = float(trace.least[rung][i]), float(trace.bounds[rung][i])
    yield Observation("between", f"{place}, lower end", low, expected, scale, ROOTS)
    yield Observation("between", f"{place}, upper end", expected, high, scale, ROOTS)
    ends = trace.prefix_regret_hi
    if trace.holds[rung][i] == HOLDS and ends is not None:
        yield Observation("between", f"{place}, holds", float(ends[i]), low, tolerance=0.0)


def _summarised(seen: Watched, place: str, k: int) -> Iterator[Observation]:
    """Look at what a summary says of the spectrum of G_T, where it does."""
    summary, gradients = seen.result.summary, np.array(seen.gradients)
    spectrum = np.linalg.eigvalsh(gradients.T @ gradients)[::-1]
    scale, omega = float(spectrum.sum()) or 1.0, escape_limit(spectrum, k)
    if summary.omega is not None:
        yield Observation("reported", f"{place}, Ω", abs(summary.omega - omega), 0.0, scale)
    if summary.omega_range is not None:
        low, high = summary.omega_range.lo, summary.omega_range.hi
        yield Observation("reported", f"{place}, Ω, lower end", low, omega, scale)
        yield Observation("reported", f"{place}, Ω, upper end", omega, high, scale)
    if summary.full_adagrad_bound is not None:
        roots = float(np.sqrt(np.maximum(spectrum, 0.0)).sum())
        diameter = checks.known("diameter", summary.diameter)
        if seen.domain.bounded:
            diameter = seen.domain.diameter(len(spectrum))
        expected = math.sqrt(2) * diameter * roots
        off, unit = abs(summary.full_adagrad_bound - expected), diameter * scale**0.5
        yield Observation("reported", f"{place}, full AdaGrad", off, 0.0, unit, ROOTS)
