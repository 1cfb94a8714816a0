"""Adam, Shampoo and S-Shampoo, tuned with the same budget, on a small training task.

Each optimizer tries the same rates on the same seeds; the rate with the least validation loss is
then run on other seeds, of which the table shows mean ± standard deviation on the test set, and the
differences from Adam seed by seed: a + is a loss of the contest.  Memory is counted from the
shapes (``oco memory``).  Times are medians of interleaved rounds, one thread.

    python -m benchmarks.quality digits-mlp
    python -m benchmarks.quality char-transformer
    python -m benchmarks.quality convnet
"""

from __future__ import annotations

import argparse
import time

import joblib
from rich.console import Console

from benchmarks.quality import presentation
from benchmarks.quality.contest import contest, second_moment_bytes
from benchmarks.quality.task import MODULES, load
from benchmarks.quality.timing import step_times

# Columns of the printed tables.
WIDTH = 160


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=MODULES)
    parser.add_argument(
        "--jobs",
        type=int,
        default=joblib.cpu_count(),
        help="runs at a time; as many as there are cores by default",
    )
    options = parser.parse_args()
    task = load(options.task)
    console = Console(width=WIDTH, highlight=False)
    started = time.perf_counter()
    console.print(presentation.heading(task), soft_wrap=True)
    console.print()
    placements = contest(task, options.jobs)
    console.print(presentation.tuning(placements))
    console.print()
    times = step_times(task)
    console.print(presentation.results(task, placements, second_moment_bytes(task), times))
    minutes = (time.perf_counter() - started) / 60
    console.print(f"\n{minutes:.1f} minutes, {options.jobs} runs at a time")


if __name__ == "__main__":
    main()
