"""A million rows through one sketch: rounding does not add up.

Prints the distance of the sketch's directions from orthonormal at powers of ten, and at the end
P1 to P5 against the exact covariance, for several kinds of streams.  Nothing is ever restarted.

    python benchmarks/long_run.py [--rows 1000000] [--d 100] [--k 10]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

from oco.linalg.engine import ENGINE
from oco.sketch import FrequentDirections

# Rows made at once.
CHUNK = 10_000
# What is claimed of the directions after any number of rows.
ORTHONORMAL = 1e-10


def streams(d: int):
    """Return functions of (generator, index of the first row) that make a chunk, by name."""
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((d, d)))[0]
    decaying = np.sqrt(0.9 ** np.arange(d))

    def gaussian(rng, start):
        return rng.standard_normal((CHUNK, d)) * decaying @ basis

    def graded(rng, start):
        return rng.standard_normal((CHUNK, d)) * 10.0 ** rng.uniform(-8, 0, (CHUNK, 1))

    def cycle(rng, start):
        return basis[(start + np.arange(CHUNK)) % d]

    def low_rank(rng, start):
        return rng.standard_normal((CHUNK, 5)) @ basis[:5]

    return {"gaussian": gaussian, "graded": graded, "cycle": cycle, "low rank": low_rank}


def run(name: str, make, rows: int, d: int, k: int) -> bool:
    """Feed one stream; print and return whether all that is claimed holds."""
    rng, sketch = np.random.default_rng(1), FrequentDirections(d, k)
    exact, worst, seconds, due = np.zeros((d, d)), 0.0, 0.0, CHUNK
    for start in range(0, rows, CHUNK):
        chunk = make(rng, start)[: rows - start]
        began = time.perf_counter()
        for row in chunk:
            sketch.append(row)
        seconds += time.perf_counter() - began
        exact += chunk.T @ chunk
        directions = sketch.directions
        error = float(np.abs(directions @ directions.T - np.eye(sketch.rank)).max())
        worst = max(worst, error)
        while due <= start + len(chunk):
            due *= 10
            print(f"  {name:9}  after {start + len(chunk):>9,} rows: orthonormal to {error:.1e}")
    found = sketch.guarantees(exact)
    trace = np.trace(exact)
    for guarantee in found[:4]:
        print(
            f"  {name:9}  {guarantee.name:40} margin {guarantee.margin / trace: .2e} tr G  "
            f"{'holds' if guarantee.holds else 'VIOLATED'}"
        )
    print(f"  {name:9}  worst {worst:.1e}, {1e6 * seconds / rows:.1f} µs a row\n")
    return worst <= ORTHONORMAL and all(guarantee.holds for guarantee in found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--d", type=int, default=100)
    parser.add_argument("--k", type=int, default=10)
    options = parser.parse_args()
    print(f"{options.rows:,} rows, d = {options.d}, k = {options.k}, engine {ENGINE}")
    with threadpool_limits(limits=1, user_api="blas"):
        held = [
            run(name, make, options.rows, options.d, options.k)
            for name, make in streams(options.d).items()
        ]
    raise SystemExit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
