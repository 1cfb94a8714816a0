"""What a round of each learner costs, beside the sketch's textbook implementations.

Times are those of one thread's CPU, so that other programs on the machine disturb them less; the
learner and what it is compared with take turns, and medians are reported.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np
from threadpoolctl import threadpool_limits

import oco

from .baselines import BufferedSketch, SvdSketch

__all__ = ["LEARNERS", "Ratios", "Rounds", "SketchedRounds", "learner", "measure", "seconds"]

LEARNERS = ("ogd", "adagrad-norm", "adagrad", "full-adagrad", "s-adagrad", "ada-fd")
SKETCHED = ("s-adagrad", "ada-fd")
DIMENSIONS, SIZES = (100, 1000, 10_000, 100_000), (10, 20, 50, 100)
# Full-matrix AdaGrad holds a d × d matrix: beyond this it is not what one would run.
DENSE_DIMENSION = 1000
# Blocks of rounds, each learner and baseline in turn, so that a machine that slows down slows all.
BLOCKS = 9
# Numbers in the gradients of a block, in all dimensions; and at least this many rounds.
BLOCK_NUMBERS, LEAST_ROUNDS = 50_000, 3

Step = Callable[[np.ndarray], object]


def gradients(d: int, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, d)) / d**0.5


def learner(name: str, d: int, k: int, domain=None):
    options = {"k": k} if name in SKETCHED else {}
    factory = oco.algorithms.ALGORITHMS[name]
    return factory(d, domain=domain or oco.Ball(1.0), lr=0.5, **options)


def players(d: int, k: int, names=LEARNERS) -> Iterator[tuple[str, Step]]:
    """Yield learners and baselines with full sketches and buffers: in their steady state."""
    warm = gradients(d, 2 * k, seed=1)
    for name in names:
        if name == "full-adagrad" and d > DENSE_DIMENSION:
            continue
        player = learner(name, d, k)
        for g in gradients(d, d, seed=1) if name == "full-adagrad" else warm:
            player.update(g)
        yield name, player.update
    yield "svd", SvdSketch(warm[:k]).append
    yield "buffered", BufferedSketch(warm[:k]).append


def period(name: str, d: int, k: int) -> int:
    """Return a number of rounds in which the rarest work of `name` is done at least once."""
    if name == "full-adagrad":
        return d // 5
    return 2 * k if name in (*SKETCHED, "buffered") else 1


def seconds(step: Step, rows: np.ndarray) -> float:
    """Return the CPU seconds of one row."""
    started = time.thread_time()
    for row in rows:
        step(row)
    return (time.thread_time() - started) / len(rows)


def reading(memory: np.ndarray) -> float:
    started = time.thread_time()
    memory.sum()
    return time.thread_time() - started


def measure(d: int, k: int, names=LEARNERS) -> dict[str, float]:
    """Return the median seconds of a round of each, and of reading 4kd numbers from memory."""
    with threadpool_limits(limits=1, user_api="blas"):
        entrants = dict(players(d, k, names))
        least = max(BLOCK_NUMBERS // d, LEAST_ROUNDS)
        blocks = {name: max(least, period(name, d, k)) for name in entrants}
        # All of them different: a gradient that the sketch knows already takes another path.
        rows = gradients(d, max(blocks.values()))
        memory = np.ones(4 * k * d)
        times: dict[str, list[float]] = {name: [] for name in (*entrants, "reading")}
        for _ in range(BLOCKS):
            for name, step in entrants.items():
                times[name].append(seconds(step, rows[: blocks[name]]))
            times["reading"].append(reading(memory))
    return {name: float(np.median(taken)) for name, taken in times.items()}


class Rounds:
    """One round of each learner that does not sketch, on the unit ball."""

    params = (tuple(name for name in LEARNERS if name not in SKETCHED), DIMENSIONS[:2])
    param_names = ("learner", "d")

    def setup(self, name: str, d: int) -> None:
        """Bring the learner into its steady state."""
        self.step, self.rows = _ready(name, d, SIZES[0])

    def time_round(self, *_) -> None:
        """One call of ``update``."""
        self.step(next(self.rows))


class SketchedRounds:
    """One round of each learner that sketches, on the unit ball, with a full sketch."""

    params = (SKETCHED, DIMENSIONS, SIZES)
    param_names = ("learner", "d", "k")

    def setup(self, name: str, d: int, k: int) -> None:
        """Bring the learner into its steady state."""
        self.step, self.rows = _ready(name, d, k)

    def time_round(self, *_) -> None:
        """One call of ``update``."""
        self.step(next(self.rows))


def _ready(name: str, d: int, k: int) -> tuple[Step, Iterator[np.ndarray]]:
    """Return a learner in its steady state and gradients that its sketch has forgotten by then."""
    return dict(players(d, k, (name,)))[name], itertools.cycle(gradients(d, 2 * k))


class Ratios:
    """S-AdaGrad's round against the baselines', measured in turn."""

    params = (DIMENSIONS, SIZES)
    param_names = ("d", "k")
    unit = "ratio"
    timeout = 600

    def track_svd_over_s_adagrad(self, d: int, k: int) -> float:
        """Return the time of a decomposition a round ÷ that of a round of S-AdaGrad."""
        times = measure(d, k, ("s-adagrad",))
        return times["svd"] / times["s-adagrad"]

    def track_buffered_over_s_adagrad(self, d: int, k: int) -> float:
        """Return the time of a row of the buffered sketch ÷ that of a round of S-AdaGrad."""
        times = measure(d, k, ("s-adagrad",))
        return times["buffered"] / times["s-adagrad"]
