"""Rounds with sparse rows in kernels against updates, one at a time, with the same rows dense."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import numpy as np
from scipy import sparse

from oco.algorithms.fused import KernelPlayer
from oco.algorithms.sparse_chunks import SparseChunk
from oco.domains import Box, Domain, Euclidean
from oco.losses import MARGIN_LOSSES
from oco.losses.kernels import loss_code
from oco.verification.cases import Case
from oco.verification.compiled import GENTLE, LOSSES
from oco.verification.definitions import POSITIVE, tame
from oco.verification.learners import ITERATES, ROOTS
from oco.verification.observations import Observation, Subject, check

__all__ = ["thin"]

ROUNDS, DIMENSIONS = 48, 12
# Each entry of a row is put into one of so many copies of its column, so that most rows lie far
# from the span of the others and few are left to `update`.
COPIES = 8
# Rounds after which points are compared: as many as a kernel is given at once.
AT_ONCE = 16
# Of accounts; the last is that of Newton steps alone.
TOLD = (
    "quadratic",
    "squared_gradients",
    "potential",
    "travelled",
    "escaped_mass",
    "log_determinant",
)


@check(
    "thin",
    sparse_point="rounds with sparse rows lead to the points that updates with dense ones lead to",
    sparse_account="and leave the account that these updates leave",
    sparse_loss="predictions and losses of sparse rows are those of the dense ones",
)
def thin(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play learners that take sparse rows, and update others with the gradients of the record."""
    rng = case.rng(29)
    radius, rate = 10.0 ** rng.uniform(-1, 1, 2)
    rows, lengths = _scattered(tame(case, ROUNDS, DIMENSIONS), rng)
    domain = _domain(rng, subject, radius, rows.shape[1])
    loss = GENTLE[int(rng.integers(len(GENTLE)))]
    labels = rng.choice([-1.0, 1.0], len(rows))
    bound = float(lengths.max(initial=1.0))
    # With this curvature a Newton step is about as long as the radius.
    curvature = 1 / bound / radius
    options = {"k": case.k, "gradient_bound": bound, "delta": bound, "curvature": curvature}
    if not domain.bounded:
        options["lr"] = rate
    elif rng.integers(2):
        # So that steps lead out of the domain in most rounds.
        options["lr"] = 10 * radius
    for name, factory in subject.learners.items():
        taken = inspect.signature(factory).parameters
        given = {option: value for option, value in options.items() if option in taken}
        try:
            ours, theirs = (factory(rows.shape[1], domain=domain, **given) for _ in range(2))
        except (TypeError, ValueError):
            continue
        if isinstance(ours, KernelPlayer) and ours.plays_sparse:
            where = f"{name}, {domain.name}, {loss}"
            yield from _played(where, ours, theirs, rows, labels, loss)


def _domain(rng, subject: Subject, radius: float, d: int) -> Domain:
    """Return a ball, half of the times, Euclidean space, or a box that need not hold the origin."""
    kind = int(rng.integers(4))
    if kind > 1:
        return subject.ball(radius)
    lower = radius * rng.uniform(-1, 0.1, d)
    return Box(lower, lower + radius * rng.uniform(0.1, 2, d)) if kind else Euclidean()


def _scattered(few: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of several lengths, with entries in copies of their columns, and the lengths."""
    T, d = few.shape
    rows, lengths = np.zeros((T, COPIES * d)), 10.0 ** rng.uniform(-0.5, 0.5, T)
    places = np.arange(d) + d * rng.integers(COPIES, size=(T, d))
    np.put_along_axis(rows, places, few * lengths[:, None], axis=1)
    # Some come again.
    again = rng.uniform(size=T) < 1 / 8
    rows[again] = rows[(np.arange(T) // 2)[again]]
    return rows, np.linalg.norm(rows, axis=1)


def _clear(learner) -> bool:
    """Tell whether no eigenvalue of a sketched metric is small, and its direction uncertain."""
    sketch = getattr(getattr(learner, "preconditioner", None), "sketch", None)
    if sketch is None:
        return True
    values = sketch.eigenvalues + sketch.escaped_mass
    return not np.any((values > 0.0) & (values < POSITIVE * values.max(initial=0.0)))


def _played(where, ours, theirs, rows, labels, loss) -> Iterator[Observation]:
    """Let one play sparse rows, and the other take the gradients of its record."""
    loss, code = MARGIN_LOSSES[loss], loss_code(MARGIN_LOSSES[loss])
    facts, squares, done = np.empty((len(rows), 4)), np.empty(len(rows)), 0
    # Points are as accurate as the steps to them.
    size = min(theirs.domain.radius(rows.shape[1]), 1.0)
    while done < len(rows):
        now = slice(done, done + AT_ONCE)
        some, records = sparse.csr_array(rows[now]), (facts[now], squares[now])
        played, _ = ours.play_sparse(SparseChunk.of(some, labels[now], code, *records))
        stop = done + played
        if played < some.shape[0]:
            # What kernels leave over is played as a dense row.
            z, y = float(rows[stop] @ ours.x), labels[stop]
            facts[stop] = z, loss.derivative(z, y), y, loss.value(z, y)
            ours.update(facts[stop, 1] * rows[stop])
            stop += 1
        for t in range(done, stop):
            place, length = f"{where}, row {t + 1}", float(np.linalg.norm(rows[t])) or 1.0
            off = abs(facts[t, 0] - float(rows[t] @ theirs.x))
            yield Observation(
                "sparse-loss", f"{place}, prediction", off, 0.0, size * length, ITERATES
            )
            expected = float(loss.value(facts[t, 0], labels[t]))
            off, scale = abs(facts[t, 3] - expected), 1.0 + abs(expected)
            yield Observation("sparse-loss", f"{place}, loss", off, 0.0, scale, LOSSES)
            before = theirs.x
            theirs.update(facts[t, 1] * rows[t])
            if not _clear(theirs):
                return
            moved = float(np.linalg.norm(theirs.x - before))
            size = max(size, moved, float(np.linalg.norm(theirs.x)))
        off, done = float(np.linalg.norm(ours.x - theirs.x)), stop
        yield Observation("sparse-point", f"{where}, row {done}", off, 0.0, size, ITERATES)
    told, expected = ours.diagnostics(), theirs.diagnostics()
    # A root of the escaped mass may be off by the root of what rounds all of it.
    mass = expected.squared_gradients
    for what in TOLD:
        found, wanted = (getattr(account, what, None) for account in (told, expected))
        if wanted is not None:
            off, scale = abs(found - wanted), max(abs(wanted), mass, np.sqrt(mass)) or 1.0
            yield Observation("sparse-account", f"{where}, {what}", off, 0.0, scale, ROOTS)
