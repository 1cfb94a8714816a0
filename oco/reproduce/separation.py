"""How fast the certificates of Ada-FD and S-AdaGrad grow on orthonormal gradients.

Linear losses with gradients drawn uniformly from r orthonormal vectors, sketch size ℓ ≤ r
(Feinberg et al., NeurIPS 2023, Observation 2).  The gradients do not depend on the play, so one run
tells the certificate D²/(2η)·P + (η/2)·Q for every η, and the best η in hindsight: D·√(P·Q).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from joblib import delayed

from oco import checks
from oco.experiment import Experiment
from oco.experiment.game import set_up
from oco.notations import log_grid
from oco.simulator import log_checkpoints, play
from oco.sweeps.local import computed, resolve_jobs

__all__ = ["CAPS", "DELTAS", "Growth", "Separation", "separation"]

# Gradients have length 1: values of δ from a hundredth of that to far above what a run sums up to.
DELTAS = log_grid(1e-2, 1e6, 9)
# The largest δ that may be chosen in hindsight.
CAPS = (1.0, 10.0, 100.0, 1000.0, math.inf)
# The exponent is fitted from this round on: before, the sketch is not full.
FIT_FROM = 30


@dataclass(frozen=True)
class Growth:
    """A certificate over time.

    Attributes
    ----------
    name : str
        Of the learner, with the range of its δ.
    values : ndarray of shape (c,)
        The certificate at each checkpoint, with the best η for it.
    exponent : float
        Slope of log certificate against log t.
    """

    name: str
    values: np.ndarray
    exponent: float


@dataclass(frozen=True)
class Separation:
    """The comparison.

    Attributes
    ----------
    d, T, r, k, seed : int
        The setting.
    t : ndarray of shape (c,)
        Checkpoints.
    sketched : Growth
        S-AdaGrad.
    capped : tuple of Growth
        Ada-FD, with the best δ at each t among those up to each of `CAPS`.
    """

    d: int
    T: int
    r: int
    k: int
    seed: int
    t: np.ndarray
    sketched: Growth
    capped: tuple[Growth, ...]


def separation(
    *,
    d: int = 100,
    T: int = 20_000,
    r: int = 20,
    k: int = 5,
    seed: int = 0,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Separation:
    """Compare the growth of the two certificates.

    Parameters
    ----------
    d, T, r, k, seed : int
        Dimension, rounds (at least 100), orthonormal vectors, sketch size (at most r), seed.
    jobs : int, optional
        How many runs at a time; as many as there are cores by default.
    progress : callable, optional
        Called with the number of runs that are done.

    Returns
    -------
    Separation

    Raises
    ------
    TypeError, ValueError
        If a number is out of range.

    Notes
    -----
    With δ → ∞ Ada-FD is gradient descent with a constant rate, whose best certificate, D·√(dT),
    grows like √T.  The separation is one for bounded δ; `CAPS` show how it depends on the bound.

    Examples
    --------
    >>> found = separation(d=30, T=500, jobs=1)
    >>> found.sketched.exponent < found.capped[0].exponent
    True
    """
    T = checks.integer("T", T, low=100)
    checks.integer("k", k, low=2, high=checks.integer("r", r, low=2))
    sketched = Experiment("s-adagrad", stream="orthonormal", d=d, T=T, r=r, k=k, seed=seed, lr=1.0)
    set_up(sketched)
    shifted = [sketched.replace(algorithm="ada-fd", delta=delta) for delta in DELTAS]
    rows: dict[int, np.ndarray] = {}
    tasks = (delayed(_certificates)(i, e) for i, e in enumerate([sketched, *shifted]))
    for i, row in computed(tasks, resolve_jobs(jobs)):
        rows[i] = row
        if progress is not None:
            progress(len(rows))
    t = log_checkpoints(T)
    ours = np.array([rows[i + 1] for i in range(len(DELTAS))])
    capped = tuple(
        _growth(f"ada-fd, δ ≤ {cap:g}" if cap < math.inf else "ada-fd, any δ",
                t, ours[np.array(DELTAS) <= cap].min(axis=0))
        for cap in CAPS
    )  # fmt: skip
    return Separation(d, T, r, k, seed, t, _growth("s-adagrad", t, rows[0]), capped)


def _certificates(index: int, experiment: Experiment) -> tuple[int, np.ndarray]:
    """Return the certificate with the best η in hindsight at each checkpoint."""
    game = set_up(experiment)
    t = log_checkpoints(game.stream.T)
    played = play(game.learner, game.loss, game.stream, checkpoints=t).unless_interrupted()
    accounts = [checks.known("diagnostics", account) for account in played.diagnostics]
    products = [account.potential * account.quadratic for account in accounts]
    return index, game.domain.diameter(game.stream.d) * np.sqrt(products)


def _growth(name: str, t: np.ndarray, values: np.ndarray) -> Growth:
    late = t >= FIT_FROM
    slope = np.polyfit(np.log(t[late]), np.log(values[late]), 1)[0]
    return Growth(name, values, float(slope))
