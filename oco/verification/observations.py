"""An observation: one inequality, with both sides, that a property makes at one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import numpy as np

from oco import checks
from oco.algorithms import ALGORITHMS, Diagnostics, Preconditioner
from oco.domains import Ball, Domain
from oco.sketch import FrequentDirections
from oco.verification.cases import Case

__all__ = [
    "CHECKS",
    "PROPERTIES",
    "ROUNDING",
    "Check",
    "Observation",
    "Subject",
    "check",
    "checks_for",
]

# What rounding in T rank-one steps, and in the dense eigenvalues that they are held against, may
# add up to, relative to tr G: far above what is seen (1e-13), far below what a wrong step does.
ROUNDING = 1e-11
# A tolerance of this much of the scale claims nothing.
VACUOUS = 0.1
SMALLEST = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Observation:
    """``value <= limit`` is claimed, up to rounding.

    Attributes
    ----------
    name : str
        Of the property: a key of `PROPERTIES`.
    where : str
        At which point of the case.
    value, limit : float
        The two sides.
    scale : float
        What differences are measured against, > 0.
    tolerance : float
        Rounding that is granted, relative to `scale`.
    """

    name: str
    where: str
    value: float
    limit: float = 0.0
    scale: float = 1.0
    tolerance: float = ROUNDING

    @property
    def margin(self) -> float:
        """How far the claim is from failing, relative to the scale: at least −tolerance."""
        return (self.limit - self.value) / self.scale

    @property
    def holds(self) -> bool:
        """Whether the claim is true up to rounding; a NaN is not."""
        return bool(self.margin >= -self.tolerance)

    @property
    def claims(self) -> bool:
        """Whether anything is claimed: where squares underflow, rounding may hide everything."""
        return self.tolerance < VACUOUS

    @property
    def room(self) -> float:
        """The margin in units of the tolerance: below −1 the claim fails; −∞ if it is NaN."""
        room = self.margin / max(self.tolerance, SMALLEST)
        return -np.inf if np.isnan(room) else room


class Learner(Protocol):
    """What is asked of a learner, as `oco.algorithms.MirrorDescent` has it."""

    x: np.ndarray
    lr: float
    k: int | None
    domain: Domain
    diameter: float
    bounds: tuple[str, ...]
    preconditioner: Preconditioner

    def update(self, g: np.ndarray) -> None:
        """Absorb g_t and move to x_{t+1}."""

    def diagnostics(self) -> Diagnostics:
        """Return the learner's account of itself."""
        ...


@dataclass(frozen=True)
class Subject:
    """What is verified: replace a part to verify another implementation of it.

    Attributes
    ----------
    sketch : callable
        ``sketch(d, k, decay)`` with `append(row)`, `eigenvalues`, `directions` and `escaped_mass`;
        what else `FrequentDirections` offers is verified where it is there.
    learners : mapping
        Name to factory of a `Learner`, as `oco.algorithms.ALGORITHMS`.
    ball : callable
        ``ball(radius)``: the domain that is projected onto.
    """

    sketch: Callable = FrequentDirections
    learners: Mapping[str, Callable[..., Learner]] = field(
        default_factory=lambda: cast(Mapping[str, Callable[..., Learner]], ALGORITHMS)
    )
    ball: Callable = Ball

    def offers(self, *methods: str) -> bool:
        """Tell whether the sketch has these methods."""
        return all(hasattr(self.sketch, method) for method in methods)


Observe = Callable[[Case, Subject], Iterator[Observation]]


@dataclass(frozen=True)
class Check:
    """A procedure that looks at a case and makes observations on one or more properties."""

    name: str
    properties: tuple[str, ...]
    observe: Observe


#: Every property: its name and what it says.
PROPERTIES: dict[str, str] = {}
#: Every check by its name.
CHECKS: dict[str, Check] = {}


def checks_for(names: Iterable[str] | None = None) -> list[str]:
    """Return the names of the checks that look at what is named, each once; all by default.

    Parameters
    ----------
    names : iterable of str, optional
        Of properties, as a verification's table prints them, or of checks.

    Raises
    ------
    ValueError
        If a name is neither.

    Examples
    --------
    >>> from oco.verification import checks_for
    >>> checks_for(["P3-escaped", "guarantees", "signs"])
    ['guarantees', 'signs']
    """
    if names is None:
        return list(CHECKS)
    found: dict[str, None] = {}
    for name in names:
        if checks.choice("check", name, dict.fromkeys([*PROPERTIES, *CHECKS])) in CHECKS:
            found[name] = None
        else:
            seeing = [check.name for check in CHECKS.values() if name in check.properties]
            # That checks complete is a property of all of them.
            found |= dict.fromkeys(seeing or CHECKS)
    return list(found)


def check(name: str, **properties: str) -> Callable[[Observe], Observe]:
    """Register a check and the properties that it observes (``_`` stands for ``-``)."""

    def register(observe: Observe) -> Observe:
        stated = {key.replace("_", "-"): statement for key, statement in properties.items()}
        PROPERTIES.update(stated)
        CHECKS[name] = Check(name, tuple(stated), observe)
        return observe

    return register
