"""Chunks of rounds in one kernel against updates, one at a time, with the same gradients."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import numpy as np

from oco.algorithms.chunks import Chunk
from oco.algorithms.fused import KernelPlayer
from oco.losses import MARGIN_LOSSES
from oco.losses.kernels import UNKNOWN, loss_code, suffer
from oco.verification.cases import Case
from oco.verification.exactness import drawn
from oco.verification.games import DENSE, DENSE_DIMENSION, ITERATES, SMALLEST_BOUND
from oco.verification.observations import Observation, Subject, check

__all__ = ["compiled"]

# Rounds, of which a sketch folds and projects in most.
ROUNDS = 48
# Slopes of at most 1, so that no gradient is longer than its feature.
GENTLE = ("linear", "absolute", "hinge", "logistic")
# Values and slopes of losses are a few roundings of numbers of this size.
LOSSES = 1e-12


@check(
    "compiled",
    kernel_point="rounds in one kernel are played at the points that updates with their gradients "
    "move to",
    kernel_account="and leave the account that these updates leave",
    kernel_loss="what a kernel suffers, and the slope, are those of the loss",
)
def compiled(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play every learner that has kernels, and update another with the gradients of the record."""
    rng = case.rng(17)
    yield from _losses(rng)
    rows = np.ascontiguousarray(case.rows[:ROUNDS], dtype=np.float64)
    lengths = np.ldexp(np.linalg.norm(case.scaled(0, len(rows)), axis=1), case.exponent)
    if not lengths.any():
        return
    bound = max(float(lengths.max()), SMALLEST_BOUND)
    radius = 10.0 ** rng.uniform(-2, 2)
    loss = GENTLE[int(rng.integers(len(GENTLE)))]
    labels = rng.choice([-1.0, 1.0], len(rows))
    # With this curvature a Newton step is about as long as the radius.
    curvature = 1 / bound / radius
    options = {"k": case.k, "gradient_bound": bound, "delta": bound, "curvature": curvature}
    # A learner does not see a gradient whose square underflows.
    floor = np.sqrt(min(case.floor, 1.0))
    for name, factory in subject.learners.items():
        if name in DENSE and case.d > DENSE_DIMENSION:
            continue
        taken = inspect.signature(factory).parameters
        given = {option: value for option, value in options.items() if option in taken}
        pair = []
        for _ in range(2):
            try:
                pair.append(factory(case.d, domain=subject.ball(radius), **given))
            except ValueError:
                break
        if len(pair) < 2 or not isinstance(pair[0], KernelPlayer) or not pair[0].plays:
            continue
        where = f"{name}, {loss}"
        facts, squares, points = np.empty((len(rows), 4)), np.empty(len(rows)), np.empty(rows.shape)
        code = loss_code(MARGIN_LOSSES[loss])
        chunk = Chunk.of(rows, labels, code, UNKNOWN, facts, squares, points)
        played, _ = pair[0].play(chunk)
        for t in range(played):
            off = float(np.linalg.norm(points[t] - pair[1].x))
            place = f"{where}, row {t + 1}"
            yield Observation("kernel-point", place, off, 0.0, radius, ITERATES + floor)
            z = float(rows[t] @ points[t])
            off, size = abs(facts[t, 0] - z), float(lengths[t]) * radius or 1.0
            yield Observation("kernel-loss", f"{place}, prediction", off, 0.0, size, LOSSES + floor)
            pair[1].update(facts[t, 1] * rows[t])
        if played == len(rows):
            yield from _accounts(pair[0], pair[1], where, floor)
        else:
            # What stops a kernel stops an update.
            refused = _refuses(pair[1], facts[played, 1] * rows[played])
            yield Observation("kernel-point", f"{where}, all rows", float(not refused))


def _refuses(learner, g) -> bool:
    try:
        learner.update(g)
    except (ValueError, FloatingPointError):
        return True
    return False


def _accounts(one, other, where, floor) -> Iterator[Observation]:
    ours, theirs = one.diagnostics(), other.diagnostics()
    for what in ("quadratic", "squared_gradients"):
        expected = getattr(theirs, what)
        off = abs(getattr(ours, what) - expected)
        place = f"{where}, {what}"
        yield Observation("kernel-account", place, off, 0.0, expected or 1.0, ITERATES + floor)


def _losses(rng) -> Iterator[Observation]:
    for name, loss in MARGIN_LOSSES.items():
        for z, y in zip(*drawn(rng, name), strict=True):
            value, slope = suffer(loss_code(loss), float(z), float(y))
            for what, found, expected in (
                ("value", value, float(loss.value(z, y))),
                ("slope", slope, float(loss.derivative(z, y))),
            ):
                off, place = abs(found - expected), f"{name} at {z:.3g}, label {y:.3g}, {what}"
                yield Observation("kernel-loss", place, off, 0.0, 1.0 + abs(expected), LOSSES)
