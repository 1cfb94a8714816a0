"""What to train, as plain data: every option of a training, validated, with its default."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial

from oco import checks
from oco.results.records import Record
from oco.training.optimizers import GRAFTS, OPTIMIZERS, s_shampoo
from oco.training.tasks import task_of

__all__ = ["OPTIONS", "Training", "taken_by"]

#: Options of a Training that its optimizer takes, and what the optimizer calls them.
OPTIONS = {
    "lr": "lr",
    "k": "rank",
    "beta1": "beta1",
    "beta2": "beta2",
    "epsilon": "epsilon",
    "graft": "graft",
    "momentum": "momentum",
    "weight_decay": "weight_decay",
    "update_every": "update_every",
    "start_step": "start_step",
}


@dataclass(frozen=True, eq=False)
class Training(Record):
    """What to train.

    Parameters
    ----------
    task : str
        Key of `oco.training.TASKS`.
    algorithm : str
        Key of `oco.training.OPTIMIZERS`.
    seed : int
        ≥ 0; of the initial parameters and of the order of the examples.
    steps : int
        ≥ 1.
    batch : int
        Examples in a step, from 1 to as many as there are to learn from.
    evaluations : int
        ≥ 1: how often loss and accuracy are measured, at even distances; the start comes on top.
    lr : float, optional
        Learning rate, > 0.
    k : int, optional
        Sketch size of each factor, ≥ 2; a factor that is not larger is kept exactly.
    beta1, beta2 : float, optional
        Decay of the first moment, in [0, 1), and of the second, in (0, 1].
    epsilon : float, optional
        ≥ 0: added to a factor's eigenvalues, relative to the largest.
    graft : str, optional
        Which optimizer's length a step takes: one of `oco.shampoo.GRAFTS`.
    momentum : float, optional
        In [0, 1).
    weight_decay : float, optional
        ≥ 0; decoupled from the gradient.
    update_every, start_step : int, optional
        ≥ 1: steps from one refreshment of the factors to the next, and the first that they shape.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range, or the optimizer does not take it; the message starts
        with its name.

    Notes
    -----
    An option that is not given has the optimizer's own default, which is what this record then
    holds; one that the optimizer does not take is None.

    Examples
    --------
    >>> Training("digits-mlp", "s-shampoo").k
    32
    >>> Training("digits-mlp", "adam", k=32)
    Traceback (most recent call last):
    ...
    ValueError: k: adam takes no such option
    """

    task: str
    algorithm: str
    seed: int = 0
    steps: int = 500
    batch: int = 64
    evaluations: int = 25
    lr: float | None = None
    k: int | None = None
    beta1: float | None = None
    beta2: float | None = None
    epsilon: float | None = None
    graft: str | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    update_every: int | None = None
    start_step: int | None = None

    def __post_init__(self) -> None:
        task = task_of(self.task)
        defaults = taken_by(self.algorithm)
        for name, check in _CHECKS.items():
            value = getattr(self, name)
            if name in OPTIONS and value is None:
                value = defaults.get(name)
            elif name in OPTIONS and name not in defaults:
                raise ValueError(f"{name}: {self.algorithm} takes no such option")
            if value is inspect.Parameter.empty:
                raise ValueError(
                    f"{name}: expected a number > 0, for {self.algorithm} has no default"
                )
            object.__setattr__(self, name, value if value is None else check(name, value))
        checks.integer("batch", self.batch, high=len(task.data().labels))

    @property
    def label(self) -> str:
        """What tells the optimizer from others on the same task."""
        return self.algorithm + ("" if self.k is None else f" k={self.k}")

    def optimizer_options(self) -> dict:
        """Return what the optimizer is made with, under the optimizer's names."""
        taken = taken_by(self.algorithm)
        return {OPTIONS[name]: getattr(self, name) for name in taken}


def taken_by(algorithm: str) -> dict:
    """Return the options that an optimizer takes, with its defaults.

    Raises
    ------
    ValueError
        If there is no such optimizer.

    Examples
    --------
    >>> "k" in taken_by("s-shampoo"), "k" in taken_by("adam")
    (True, False)
    """
    factory = OPTIMIZERS[checks.choice("alg", algorithm, OPTIMIZERS)]
    parameters = dict(inspect.signature(factory).parameters)
    if "options" in parameters:
        # Shampoo takes what S-Shampoo takes, without the sketch.
        parameters = dict(inspect.signature(s_shampoo).parameters)
        del parameters["rank"]
    return {name: parameters[own].default for name, own in OPTIONS.items() if own in parameters}


_at_least_one = partial(checks.integer, low=1)
_fraction = partial(checks.number, low=0, below=1)
_CHECKS = {
    "seed": partial(checks.integer, low=0),
    "steps": _at_least_one,
    "batch": _at_least_one,
    "evaluations": _at_least_one,
    "lr": partial(checks.number, above=0),
    "k": partial(checks.integer, low=2),
    "beta1": _fraction,
    "beta2": partial(checks.number, above=0, high=1),
    "epsilon": partial(checks.number, low=0),
    "graft": partial(checks.choice, options=GRAFTS),
    "momentum": _fraction,
    "weight_decay": partial(checks.number, low=0),
    "update_every": _at_least_one,
    "start_step": _at_least_one,
}
