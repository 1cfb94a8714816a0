"""Verification: the properties of sketches and learners as code, on streams made to break them.

A *case* is a stream with a sketch size; a *check* looks at a case and makes *observations*, each an
inequality that some *property* claims.  The test suite and ``oco verify`` use the same ones.
"""

from oco.verification import (
    comparators,
    compiled,
    duals,
    estimates,
    exactness,
    experts,
    games,
    guaranteed,
    hedging,
    invariances,
    learners,
    newtons,
    replaying,
    roundings,
    runs,
    sequences,
    sided,
    thin,
    verdicts,
)
from oco.verification.cases import Case, load_case, load_rows, save_case
from oco.verification.drawing import D_MAX, draw, make
from oco.verification.observations import (
    CHECKS,
    PROPERTIES,
    Check,
    Observation,
    Subject,
    checks_for,
)
from oco.verification.running import Counterexample, Finding, Verification, replay, verify
from oco.verification.shrinking import shrink, violation
from oco.verification.streams import FAMILIES

__all__ = [
    "CHECKS",
    "D_MAX",
    "FAMILIES",
    "PROPERTIES",
    "Case",
    "Check",
    "Counterexample",
    "Finding",
    "Observation",
    "Subject",
    "Verification",
    "checks_for",
    "comparators",
    "compiled",
    "draw",
    "duals",
    "estimates",
    "exactness",
    "experts",
    "games",
    "guaranteed",
    "hedging",
    "invariances",
    "learners",
    "load_case",
    "load_rows",
    "make",
    "newtons",
    "replay",
    "replaying",
    "roundings",
    "runs",
    "save_case",
    "sequences",
    "shrink",
    "sided",
    "thin",
    "verdicts",
    "verify",
    "violation",
]
