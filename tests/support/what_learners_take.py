"""Options for learners that do not all take the same."""

from __future__ import annotations

import inspect

from oco.algorithms import ALGORITHMS
from oco.domains import Ball, Domain, Simplex
from oco.experiment.takers import taken
from oco.results import Experiment

#: Learners that average gradients; the others are mirror descent.
DUALS = ("da-norm", "da-diagonal", "da-full", "ftsl")
#: Learners whose steps have no rate, for losses with curvature.
NEWTONS = ("ons", "s-ons", "rfd-son", "fd-son")
#: Learners that take a rate and play on a ball; `hedge` plays on the simplex.
RATED = [name for name in ALGORITHMS if name not in (*NEWTONS, "hedge")]


def domain_of(name: str) -> Domain:
    """Return a domain that a learner plays on."""
    return Simplex() if name == "hedge" else Ball(1.0)


def own_options(name: str, k: int = 3, bound: float = 100.0) -> dict:
    """Return what a learner needs besides its domain and rate: its sketch's size, δ, and σ."""
    options = {"k": k} if "k" in inspect.signature(ALGORITHMS[name]).parameters else {}
    options |= {"delta": bound} if name in DUALS else {}
    return options | ({"curvature": 0.5} if name in NEWTONS else {})


def only_taken(algorithm: str, **options) -> dict:
    """Return the options without those of an experiment that nothing in it takes."""
    if algorithm == "hedge":
        options = {"domain": "simplex"} | options
    others = set(Experiment.__dataclass_fields__) - taken({"algorithm": algorithm, **options})
    return {name: value for name, value in options.items() if name not in others - {"seed"}}
