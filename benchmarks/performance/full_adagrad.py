"""A round of full-matrix AdaGrad against the eigendecomposition that its definition asks for.

Prints, for each dimension and domain, the time of a round while the rank grows (t ≤ d) and after
that (t > d), decompositions included, and how many times it goes into NumPy's `eigh` of the
same covariance, timed between the blocks of rounds.  One BLAS thread for both.

    python -m benchmarks.performance.full_adagrad [--d 123 200 1000]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

import oco
from oco.linalg.engine import ENGINE
from oco.losses.spectra import eigenvalues
from oco.notations import DEFAULT_SPECTRUM

# Logistic losses, so that the gradients depend on the iterates, as in a run.
LOSS = oco.losses.LOSSES["logistic"]
# Blocks of rounds in each phase; their median is reported, since other programs may interfere.
BLOCKS = 5


def seconds(function, *arguments) -> float:
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def rounds(learner, features, labels) -> None:
    for a, y in zip(features, labels, strict=True):
        learner.update(LOSS.derivative(a @ learner.x, y) * a)


def measure(d: int, domain) -> list[tuple[str, float, float]]:
    """Return (phase, seconds a round, seconds an eigh), medians over blocks of d/5 rounds."""
    rng = np.random.default_rng(0)
    learner = oco.algorithms.full_adagrad(d, domain=domain, lr=0.3)
    scale = np.sqrt(eigenvalues(DEFAULT_SPECTRUM, d))
    planted, gram, found = rng.standard_normal(d), np.zeros((d, d)), []
    for phase in ("t <= d", "t > d"):
        played, decomposed = [], []
        for _ in range(BLOCKS):
            features = rng.standard_normal((d // BLOCKS, d)) * scale
            labels = np.sign(features @ planted)
            gram += features.T @ features
            played.append(seconds(rounds, learner, features, labels) / len(features))
            decomposed.append(seconds(np.linalg.eigh, gram))
        found.append((phase, float(np.median(played)), float(np.median(decomposed))))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d", type=int, nargs="+", default=[123, 200, 1000])
    options = parser.parse_args()
    print(f"engine {ENGINE}, spectrum {DEFAULT_SPECTRUM}")
    print(f"{'d':>5} {'domain':>14} {'phase':>7} {'round (us)':>11} {'eigh (us)':>10} {'ratio':>8}")
    with threadpool_limits(limits=1, user_api="blas"):
        # The first projection compiles, or loads, the kernels.
        rounds(oco.algorithms.full_adagrad(60, domain=oco.Ball(0.01)), np.eye(60), np.ones(60))
        for d in options.d:
            for domain in (oco.Ball(1.0), oco.Euclidean()):
                for phase, played, decomposed in measure(d, domain):
                    print(
                        f"{d:5} {domain.name:>14} {phase:>7} {1e6 * played:11.0f} "
                        f"{1e6 * decomposed:10.0f}   1/{decomposed / played:<5.1f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
