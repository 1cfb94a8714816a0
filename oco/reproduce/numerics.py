"""What average losses owe to rounding: sketched learners as they are here, and as published."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oco import checks
from oco.experiment import Experiment
from oco.sweeps.local import in_parallel
from oco.sweeps.tuning import Trial, measure

__all__ = ["PUBLISHED", "Numerics", "numerics"]

# What to run, by name: the learners that sketch, with the numerics that were published.
PUBLISHED = {
    name: f"oco.reproduce.published:{name.replace('-', '_')}"
    for name in ("s-adagrad", "rfd-son", "fd-son", "ada-fd")
}


@dataclass(frozen=True)
class Numerics:
    """A learner's average training losses at two rates that are the same but for rounding.

    Attributes
    ----------
    algorithm : str
        What was run.
    loss, next_loss : float or None
        At η, and at the next larger double; None if the run failed.
    message : str
        What stopped the first that failed; empty if none did.
    """

    algorithm: str
    loss: float | None
    next_loss: float | None
    message: str = ""


def numerics(
    best: Mapping[str, Experiment],
    jobs: int | None,
    told: Callable[[str, int, int], None] | None = None,
) -> dict[str, tuple[Numerics, ...]]:
    """Run learners that were published as they are here and as they were published.

    Parameters
    ----------
    best : mapping
        By name, what is run here; names that are none of `PUBLISHED` are passed over.
    jobs : int or None
        How many runs at a time; as many as there are cores for None.
    told : callable, optional
        Called with a name for the whole, how many runs are done, and how many there are.

    Returns
    -------
    dict
        By name, ours and the published.
    """
    wanted = {
        (name, algorithm): tuple(
            best[name].replace(algorithm=algorithm, lr=rate)
            for rate in _rates(checks.known("lr", best[name].lr))
        )
        for name in PUBLISHED
        if name in best
        for algorithm in (best[name].algorithm, PUBLISHED[name])
    }
    runs = [experiment for pair in wanted.values() for experiment in pair]
    found: dict[str, tuple[float | None, str]] = {}
    for one in in_parallel(runs, jobs, measure):
        # The rest is of a run whose worker died.
        loss = one.average_loss if isinstance(one, Trial) else None
        found[repr(one.experiment.plain())] = loss, one.message
        if told is not None:
            told("as published", len(found), len(runs))
    result: dict[str, tuple[Numerics, ...]] = {}
    for (name, algorithm), pair in wanted.items():
        (loss, message), (next_loss, other) = (found[repr(one.plain())] for one in pair)
        seen = Numerics(algorithm, loss, next_loss, message or other)
        result[name] = (*result.get(name, ()), seen)
    return result


def _rates(lr: float) -> tuple[float, float]:
    return lr, math.nextafter(lr, math.inf)
