"""A round of each learner against what a round of S-AdaGrad costs by its textbook implementations.

Prints, for each dimension d and sketch size k, the median time of a round on the unit ball, and how
many times it goes into a round of two baselines, measured in turn with it in the same run:

- ``svd``: exact Frequent Directions by a singular value decomposition of a k × d matrix a round;
- ``buffered``: the Frequent Directions of Ghashami et al. (2016), which decomposes a buffer of 2k
  rows when it is full, and knows neither its spectrum nor the escaped mass in between.

Both only sketch: they compute no direction and play no point.  The last column is the time of
S-AdaGrad's round over that of reading 4kd numbers from memory.  One BLAS thread for all.

    python benchmarks/rounds.py [--d 124 1000 10000 100000] [--k 10 20 50 100]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

import oco
from oco.linalg.engine import ENGINE

LEARNERS = ("ogd", "adagrad-norm", "adagrad", "s-adagrad", "ada-fd")
SKETCHED = ("s-adagrad", "ada-fd")
# Blocks of rounds, each learner and baseline in turn, so that a machine that slows down slows all.
BLOCKS = 15
# Numbers in the gradients of a block, in all dimensions; and at least this many rounds.
BLOCK_NUMBERS, LEAST_ROUNDS = 50_000, 3


class SvdSketch:
    """Frequent Directions with one singular value decomposition a row."""

    def __init__(self, d: int, k: int) -> None:
        self.rows, self.escaped_mass = np.zeros((k, d)), 0.0

    def append(self, g: np.ndarray) -> None:
        """Absorb one row."""
        self.rows[-1] = g
        _, s, vectors = np.linalg.svd(self.rows, full_matrices=False)
        rho = s[-1] ** 2
        self.rows = np.sqrt(np.maximum(s**2 - rho, 0))[:, None] * vectors
        self.escaped_mass += rho


class BufferedSketch:
    """Frequent Directions with a buffer of as many rows again."""

    def __init__(self, d: int, k: int) -> None:
        self.rows, self.k, self.used = np.zeros((2 * k, d)), k, 0

    def append(self, g: np.ndarray) -> None:
        """Absorb one row."""
        if self.used == len(self.rows):
            _, s, vectors = np.linalg.svd(self.rows, full_matrices=False)
            shrunk = np.sqrt(np.maximum(s**2 - s[self.k - 1] ** 2, 0))
            self.rows = shrunk[:, None] * vectors
            self.used = self.k - 1
        self.rows[self.used] = g
        self.used += 1


def players(d: int, k: int) -> Iterator[tuple[str, Callable[[np.ndarray], object]]]:
    for name in LEARNERS:
        options = {"k": k} if name in SKETCHED else {}
        factory = oco.algorithms.ALGORITHMS[name]
        yield name, factory(d, domain=oco.Ball(1.0), lr=0.5, **options).update
    yield "svd", SvdSketch(d, k).append
    yield "buffered", BufferedSketch(d, k).append


def seconds(step: Callable[[np.ndarray], object], rows: np.ndarray) -> float:
    started = time.perf_counter()
    for row in rows:
        step(row)
    return (time.perf_counter() - started) / len(rows)


def measure(d: int, k: int) -> dict[str, float]:
    """Return the median seconds of a round of each, and of reading 4kd numbers."""
    rng = np.random.default_rng(0)
    entrants = dict(players(d, k))
    count = max(BLOCK_NUMBERS // d, LEAST_ROUNDS)
    # Full sketches and full buffers, so that every player is in its steady state.
    for row in rng.standard_normal((3 * k, d)):
        for step in entrants.values():
            step(row)
    memory = rng.standard_normal(4 * k * d)
    times: dict[str, list[float]] = {name: [] for name in (*entrants, "reading")}
    for _ in range(BLOCKS):
        rows = rng.standard_normal((count, d)) / d**0.5
        for name, step in entrants.items():
            # A buffer is decomposed every k rows: count whole periods.
            times[name].append(
                seconds(step, np.resize(rows, (k, d)) if name == "buffered" else rows)
            )
        started = time.perf_counter()
        memory.sum()
        times["reading"].append(time.perf_counter() - started)
    return {name: float(np.median(taken)) for name, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d", type=int, nargs="+", default=[124, 1000, 10_000, 100_000])
    parser.add_argument("--k", type=int, nargs="+", default=[10, 20, 50, 100])
    options = parser.parse_args()
    table = Table(
        "d",
        "k",
        *(f"{name} µs" for name in LEARNERS),
        "svd ÷",
        "buffered ÷",
        "÷ reading 4kd",
        title=f"a round, engine {ENGINE}; ÷ compares with s-adagrad",
    )
    found = {}
    with threadpool_limits(limits=1, user_api="blas"):
        for d in options.d:
            for k in options.k:
                found[d, k] = times = measure(d, k)
                sketched = times["s-adagrad"]
                table.add_row(
                    str(d),
                    str(k),
                    *(f"{1e6 * times[name]:.1f}" for name in LEARNERS),
                    f"{times['svd'] / sketched:.1f}",
                    f"{times['buffered'] / sketched:.2f}",
                    f"{sketched / times['reading']:.2f}",
                )
    console = Console(width=120)
    console.print(table)
    for k in options.k:
        sizes = [d for d in options.d if d >= 10_000]
        if len(sizes) > 1:
            costs = [found[d, k]["s-adagrad"] for d in sizes]
            slope = np.polyfit(np.log(sizes), np.log(costs), 1)[0]
            console.print(f"k = {k}: s-adagrad's cost grows like d^{slope:.2f} from d = {sizes[0]}")


if __name__ == "__main__":
    main()
