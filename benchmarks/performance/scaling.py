"""How the cost grows: S-AdaGrad with d, T and k, full-matrix AdaGrad against `eigh`."""

from __future__ import annotations

import math
import time

import numpy as np
from threadpoolctl import threadpool_limits

import oco

from . import full_adagrad
from .rounds import gradients, learner, measure

__all__ = ["eigh_over_full_adagrad", "k_ratio", "power_of_d", "power_of_t"]

SIZE = 20
# Rounds in a play, and how many times as many in the longer one.
ROUNDS, LONGER, TURNS = 4000, 8, 5


def power_of_d(measured: dict[tuple[int, int], dict[str, float]], low: int, k: int = SIZE) -> float:
    """Return p of the fit d^p to the cost of a round at dimensions from `low` on."""
    sizes = sorted(d for d, size in measured if size == k and d >= low)
    costs = [measured[d, k]["s-adagrad"] for d in sizes]
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def power_of_t(d: int = 1000, k: int = SIZE) -> float:
    """Return p of the growth T^p of all T rounds, from two plays that take turns."""
    rows = gradients(d, ROUNDS)
    shorter, longer = [], []
    with threadpool_limits(limits=1, user_api="blas"):
        for _ in range(TURNS):
            for times, repeats in ((shorter, 1), (longer, LONGER)):
                player = learner("s-adagrad", d, k)
                started = time.thread_time()
                for _ in range(repeats):
                    for g in rows:
                        player.update(g)
                times.append(time.thread_time() - started)
    return math.log(np.median(longer) / np.median(shorter)) / math.log(LONGER)


def k_ratio(d: int = 10_000, low: int = SIZE, high: int = 80) -> float:
    """Return the cost of a round at k = `high` over that at `low`."""
    names = ("s-adagrad",)
    return measure(d, high, names)["s-adagrad"] / measure(d, low, names)["s-adagrad"]


def eigh_over_full_adagrad(d: int = 1000) -> float:
    """Return the time of `eigh` ÷ that of a round of full-matrix AdaGrad of full rank."""
    with threadpool_limits(limits=1, user_api="blas"):
        _, (_, played, decomposed) = full_adagrad.measure(d, oco.Ball(1.0))
    return decomposed / played
