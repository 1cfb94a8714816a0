"""Trainings in parallel on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

import numpy as np

from oco import checks
from oco.results.versions import versions
from oco.sweeps.local import in_parallel
from oco.sweeps.outcomes import one_line
from oco.training.loop import optimizer_of, train
from oco.training.outcome import FAILED, Curves, Outcome, Summary
from oco.training.settings import OPTIONS, Training, taken_by
from oco.training.tasks import task_of
from oco.training.trainings import Trainings

__all__ = ["plan", "train_all"]


def plan(
    algorithms: Sequence[str],
    *,
    rates: Sequence[float | None] = (None,),
    sizes: Sequence[int | None] = (None,),
    seeds: int = 1,
    seed: int = 0,
    **options,
) -> list[Training]:
    """Return the trainings of several optimizers, sketch sizes and rates, each on several seeds.

    Parameters
    ----------
    algorithms : sequence of str
        Keys of `oco.training.OPTIMIZERS`.
    rates : sequence of float, optional
        Learning rates to try; each optimizer's own by default.
    sizes : sequence of int, optional
        Sketch sizes k of the optimizers that sketch.
    seeds : int
        ≥ 1: how many, from `seed` on.
    seed : int
        The first.
    **options
        Others of `Training`.  What an optimizer does not take is left out for it.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range, or none of the optimizers takes it.

    Examples
    --------
    >>> found = plan(["adam", "s-shampoo"], sizes=[16], task="digits-mlp", seeds=2)
    >>> [(training.label, training.seed) for training in found]
    [('adam', 0), ('adam', 1), ('s-shampoo k=16', 0), ('s-shampoo k=16', 1)]
    """
    algorithms = list(dict.fromkeys(algorithms))
    if not algorithms:
        raise ValueError("alg: expected at least one optimizer, got none")
    taken = {algorithm: taken_by(algorithm) for algorithm in algorithms}
    first, count = checks.integer("seed", seed, low=0), checks.integer("seeds", seeds, low=1)
    given = {name for name in OPTIONS if options.get(name) is not None}
    given |= {"k"} if any(sizes) else set()
    for name in sorted(given.difference(*taken.values())):
        raise ValueError(f"{name}: {', '.join(algorithms)}: nothing here takes it")
    return [
        Training(
            algorithm=algorithm, k=k, lr=lr, seed=number, **_fitting(options, taken[algorithm])
        )
        for algorithm in algorithms
        for k in (sizes if "k" in taken[algorithm] else [None])
        for lr in rates
        for number in range(first, first + count)
    ]


def _fitting(options: dict, taken: dict) -> dict:
    """Return the options without those of other optimizers."""
    return {name: value for name, value in options.items() if name not in OPTIONS or name in taken}


def train_all(
    trainings: Sequence[Training],
    *,
    jobs: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> Trainings:
    """Train every one, several at a time; what goes wrong with one does not stop the others.

    Parameters
    ----------
    trainings : sequence of Training
    jobs : int, optional
        How many at a time; None for as many as there are cores.
    progress : callable, optional
        Called with the number of trainings that are done; with the number of steps if there is
        one training alone.

    Returns
    -------
    Trainings
        In the order given.

    Raises
    ------
    TypeError, ValueError
        If an optimizer refuses an option; before the first step.

    Notes
    -----
    What Ctrl-C keeps from being done is not in the answer.

    Examples
    --------
    >>> trained = train_all(plan(["adam"], task="digits-softmax", steps=10, seeds=2))
    >>> [outcome.summary.status for outcome in trained.outcomes]
    ['complete', 'complete']
    """
    trainings = list(trainings)
    for training in trainings:
        optimizer_of(training, task_of(training.task).network.initial(training.seed))
    found: dict[str, Outcome] = {}
    try:
        if len(trainings) == 1:
            done = [train(trainings[0], progress=progress)]
        else:
            done = in_parallel(trainings, jobs, attempt)
        for outcome in done:
            if not isinstance(outcome, Outcome):
                outcome = _lost(outcome.experiment, outcome.message)
            found[repr(outcome.training.plain())] = outcome
            if progress is not None and len(trainings) > 1:
                progress(len(found))
    except KeyboardInterrupt:
        pass
    keys = (repr(training.plain()) for training in trainings)
    return Trainings(tuple(found[key] for key in keys if key in found), versions())


def attempt(training: Training) -> Outcome:
    """Train; whatever goes wrong becomes a message."""
    try:
        return train(training)
    except Exception as error:
        return _lost(training, one_line(error))


def _lost(training: Training, message: str) -> Outcome:
    """Return the outcome of a training of which nothing is known but what stopped it."""
    return Outcome(training, Summary(FAILED, message), Curves(*[np.empty(0)] * len(fields(Curves))))
