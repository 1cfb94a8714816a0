"""Measure everything that the README claims about speed and memory, in one run.

python -m benchmarks.performance              # about ten minutes; print the tables
python -m benchmarks.performance --update     # and write the README's table and its figure
python -m benchmarks.performance --quick      # the dimensions up to 10,000 only
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import track

from oco.plots import drawing

from . import presentation, processes, scaling
from .rounds import DIMENSIONS, SIZES, measure

ROOT = Path(__file__).resolve().parents[2]
FIGURE, README = ROOT / "docs" / "performance.svg", ROOT / "README.md"
# Besides the grid: a real data set's dimension, with the sketch size that suits it.
EXTRA = (124, 10)
# (d, k, T) of the runs whose memory is measured.
MEMORY = ((100_000, 20, 2000), (1_000_000, 20, 40))
# Dimensions from here on show how the cost grows: below, what a round costs besides d shows too.
LARGE = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--update", action="store_true", help="also write the README's table and figure"
    )
    parser.add_argument("--quick", action="store_true", help="leave out d = 100,000 and more")
    options = parser.parse_args()
    if options.quick and options.update:
        parser.error("--update needs all dimensions: leave out --quick")
    console = Console(width=130, highlight=False)
    dimensions = [d for d in DIMENSIONS if not (options.quick and d > LARGE)]
    grid = [EXTRA, *((d, k) for d in dimensions for k in SIZES)]
    rounds = {case: measure(*case) for case in track(grid, "rounds", console=Console(stderr=True))}
    console.print(presentation.rounds(rounds), "\n")
    found = presentation.Findings(
        rounds=rounds,
        uncompiled=processes.svd_over_uncompiled(),
        full_adagrad=scaling.eigh_over_full_adagrad(),
        headline=processes.headline(),
        phases=processes.phases(),
        k_ratio=scaling.k_ratio(),
        power_of_t=scaling.power_of_t(),
        power_of_d=None if options.quick else scaling.power_of_d(rounds, LARGE),
        memory={} if options.quick else {case: processes.memory(*case) for case in MEMORY},
    )
    console.print(presentation.phases(found.phases), "\n")
    console.print(presentation.claims(found))
    if options.update:
        drawing.save(presentation.figure(rounds), FIGURE)
        presentation.write(README, found)


if __name__ == "__main__":
    main()
