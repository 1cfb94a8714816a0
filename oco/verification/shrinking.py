"""A smaller case that still violates the same property."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from oco.verification.cases import Case
from oco.verification.observations import CHECKS, Observation, Subject

__all__ = ["SECONDS", "completes", "observations", "shrink", "violation"]

# Shrinking stops after this long: what it has by then is small enough to look at.
SECONDS = 10.0


def observations(case: Case, check: str, subject: Subject) -> Iterator[Observation]:
    """Yield what `check` observes on a case, as far as it claims anything."""
    return (seen for seen in CHECKS[check].observe(case, subject) if seen.claims)


def violation(case: Case, check: str, name: str, subject: Subject) -> Observation | None:
    """Return the first observation of `check` that violates the property `name`, if any."""
    try:
        with np.errstate(all="ignore"):
            for seen in observations(case, check, subject):
                if seen.name == name and not seen.holds:
                    return seen
    except Exception as error:
        if name == "completes":
            return completes(error)
    return None


def completes(error: Exception) -> Observation:
    """Return the observation that an implementation raised an error."""
    return Observation("completes", f"{type(error).__name__}: {error}", np.inf)


def shrink(case: Case, check: str, name: str, subject: Subject, seconds: float = SECONDS) -> Case:
    """Return a case that is as small as greedy steps make it and violates `name` like `case`.

    Rows go in blocks, then one by one; then columns; then the sketch size, the decay and the
    numbers become simpler.

    Examples
    --------
    >>> from oco.verification import make
    >>> class Forgetful:
    ...     directions, eigenvalues, escaped_mass = np.zeros((0, 3)), np.zeros(0), 0.0
    ...     def __init__(self, d, k, decay): ...
    ...     def append(self, row): ...
    >>> case = make("signs", T=9, d=3, k=2, decay=0.5, seed=0)
    >>> small = shrink(case, "guarantees", "P1-P2-over", Subject(sketch=Forgetful))
    >>> small.rows, small.decay
    (array([[1.]]), 1.0)
    """
    deadline = time.monotonic() + seconds

    def still(candidate: Case) -> bool:
        return violation(candidate, check, name, subject) is not None

    shrunk = True
    while shrunk and time.monotonic() < deadline:
        shrunk = False
        for candidates in (_fewer_rows, _fewer_columns, _plainer):
            case, smaller = _greedy(case, candidates, still, deadline)
            shrunk |= smaller
    return case


def _greedy(
    case: Case,
    candidates: Callable[[Case], Iterator[Case]],
    still: Callable[[Case], bool],
    deadline: float,
) -> tuple[Case, bool]:
    """Take the first candidate that still fails, again and again."""
    shrunk, searching = False, True
    while searching and time.monotonic() < deadline:
        searching = False
        for candidate in candidates(case):
            if time.monotonic() > deadline:
                break
            if still(candidate):
                case, shrunk, searching = candidate, True, True
                break
    return case, shrunk


def _fewer_rows(case: Case) -> Iterator[Case]:
    size = case.T
    while size > 1:
        size = (size + 1) // 2
        # The last rows first: what comes after the violation is not needed.
        for start in reversed(range(0, case.T, size)):
            kept = np.delete(case.rows, slice(start, start + size), axis=0)
            if len(kept):
                yield case.with_rows(kept)


def _fewer_columns(case: Case) -> Iterator[Case]:
    size = case.d
    while size > 1:
        size = (size + 1) // 2
        for start in reversed(range(0, case.d, size)):
            kept = np.delete(case.rows, slice(start, start + size), axis=1)
            if kept.shape[1]:
                yield case.with_rows(kept)


def _plainer(case: Case) -> Iterator[Case]:
    if case.decay != 1:
        yield replace(case, decay=1.0)
    for k in range(2, case.k):
        yield replace(case, k=k)
    if case.seed:
        yield replace(case, seed=0)
    rows = np.asarray(case.rows, dtype=np.float64)
    for plain in (_signs(rows), _rounded(rows)):
        if not np.array_equal(plain, rows):
            yield case.with_rows(plain)
    for t, i in np.argwhere(rows != 0):
        for value in (0.0, np.copysign(1.0, rows[t, i])):
            if abs(value) < abs(rows[t, i]) or (value and abs(rows[t, i]) not in (0.0, 1.0)):
                changed = rows.copy()
                changed[t, i] = value
                yield case.with_rows(changed)


def _signs(rows: np.ndarray) -> np.ndarray:
    return np.sign(rows)


def _rounded(rows: np.ndarray) -> np.ndarray:
    """Keep one significant binary digit."""
    mantissa, exponent = np.frexp(rows)
    return np.ldexp(np.rint(2 * mantissa) / 2, exponent)
