"""Every check on every case: the tightest margin of each property, and minimal counterexamples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from oco import checks
from oco.cores import one_blas_thread
from oco.verification.cases import Case, load_case, save_case
from oco.verification.observations import CHECKS, PROPERTIES, Observation, Subject, checks_for
from oco.verification.shrinking import SECONDS, completes, observations, shrink, violation

__all__ = ["Counterexample", "Finding", "Verification", "replay", "verify"]

PROPERTIES["completes"] = "no error, and no wrong shape, on any stream of finite rows"


@dataclass
class Finding:
    """What has been seen of one property.

    Attributes
    ----------
    name, statement : str
        The property.
    tightest : Observation
        The one with the least room, or furthest from holding.
    where : str
        Its case.
    cases, observations : int
        On how many cases it was looked at, and how often.
    violated : int
        In how many cases it was violated.
    """

    name: str
    statement: str
    tightest: Observation
    where: str
    cases: int = 0
    observations: int = 0
    violated: int = 0


@dataclass(frozen=True)
class Counterexample:
    """A case in which a property does not hold, made as small as possible.

    Attributes
    ----------
    property, check : str
        What is violated, and the check that sees it.
    case : Case
        Minimal.
    seen : Observation
        The violation.
    original : str
        The case that it was shrunk from.
    """

    property: str
    check: str
    case: Case
    seen: Observation
    original: str

    def save(self, directory) -> Path:
        """Write it as ``.npz`` for `replay`; return its path."""
        directory = Path(directory)
        path = directory / f"counterexample-{self.property}.npz"
        number = 1
        while path.exists():
            number += 1
            path = directory / f"counterexample-{self.property}-{number}.npz"
        return save_case(path, self.case, property=self.property, check=self.check)


@dataclass
class Verification:
    """The outcome: a finding for each property, and the counterexamples.

    Attributes
    ----------
    findings : dict of str to Finding
        By property.
    counterexamples : list of Counterexample
        At most one a property.
    cases : int
        How many cases were finished.
    seconds : float
        Time taken.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    findings: dict[str, Finding] = field(default_factory=dict)
    counterexamples: list[Counterexample] = field(default_factory=list)
    cases: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def holds(self) -> bool:
        """Whether no property was violated."""
        return not any(finding.violated for finding in self.findings.values())


def verify(
    cases: Iterable[Case],
    subject: Subject | None = None,
    *,
    only: Iterable[str] | None = None,
    progress: Callable[[Case, str], None] | None = None,
    patience: float = SECONDS,
) -> Verification:
    """Look at every property on every case.

    Parameters
    ----------
    cases : iterable of Case
        From `draw`, or of one's own.
    subject : Subject, optional
        What is verified; this package by default.
    only : iterable of str, optional
        Properties, or checks, to look at; all of them by default.  What the same checks see of
        other properties is reported too.
    progress : callable, optional
        Called with the case and the check before each check of each case.
    patience : float
        For how many seconds to shrink the case of each violated property.

    Returns
    -------
    Verification
        Also after an interrupt, with what was seen until then.

    Examples
    --------
    >>> from oco.verification import draw
    >>> verify(draw(2, seed=0, d_max=5), only=["guarantees"]).holds
    True
    """
    subject = subject or Subject()
    names = checks_for(only)
    result, started = Verification(), time.monotonic()
    first: dict[str, tuple[str, Case]] = {}
    with one_blas_thread(), np.errstate(all="ignore"):
        try:
            for case in cases:
                for name in names:
                    if progress is not None:
                        progress(case, name)
                    for violated in _look(case, name, subject, result):
                        first.setdefault(violated, (name, case))
                result.cases += 1
        except KeyboardInterrupt:
            result.interrupted = True
        for name, (check, case) in first.items():
            small = shrink(case, check, name, subject, patience)
            seen = violation(small, check, name, subject)
            if seen is not None:
                result.counterexamples.append(Counterexample(name, check, small, seen, repr(case)))
    result.seconds = time.monotonic() - started
    return result


@one_blas_thread()
def replay(path, subject: Subject | None = None) -> tuple[Case, str, Observation | None]:
    """Look again at a saved counterexample.

    Returns
    -------
    Case, str, Observation or None
        The case, the property, and the violation if it is still there.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or is no counterexample.
    """
    case, facts = load_case(path)
    for fact, known in (("property", PROPERTIES), ("check", CHECKS)):
        checks.choice(f"replay: {fact}", facts.get(fact), known)
    name = facts["property"]
    return case, name, violation(case, facts["check"], name, subject or Subject())


def _look(case: Case, check: str, subject: Subject, result: Verification) -> set[str]:
    """Make one check on one case; return the properties that it violates."""
    seen: dict[str, bool] = {}
    try:
        for observation in observations(case, check, subject):
            _record(observation, case, result)
            seen[observation.name] = seen.get(observation.name, True) & observation.holds
        observation = Observation("completes", check, 0.0)
    except Exception as error:
        observation = completes(error)
    _record(observation, case, result)
    seen["completes"] = observation.holds
    violated = {name for name, holds in seen.items() if not holds}
    for name in seen:
        result.findings[name].cases += 1
        result.findings[name].violated += name in violated
    return violated


def _record(observation: Observation, case: Case, result: Verification) -> None:
    name = observation.name
    if name not in result.findings:
        result.findings[name] = Finding(name, PROPERTIES[name], observation, repr(case))
    finding = result.findings[name]
    finding.observations += 1
    if observation.room < finding.tightest.room:
        finding.tightest, finding.where = observation, repr(case)
