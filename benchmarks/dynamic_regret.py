"""What it costs to certify the regret against sequences with k switches, and how closely it is.

Prints, for each loss, the processor time of the bracket in units of that of the best fixed point of
the same rounds, and its width in units of what switching saves, both of one run.

    python benchmarks/dynamic_regret.py [--T 500] [--d 20] [--k 2] [--loss logistic ...]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from oco.domains import Ball
from oco.losses import LOSSES, STREAMS, Recorded
from oco.regret import best_fixed_point, best_switching


def seconds(compute):
    """Return what a computation gives, and its processor time."""
    began = time.process_time()
    return compute(), time.process_time() - began


def main() -> None:
    """Print a line for each loss."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--T", type=int, default=500)
    parser.add_argument("--d", type=int, default=20)
    parser.add_argument("--k", type=int, default=2)
    parser.add_argument("--loss", nargs="+", default=["linear", "logistic", "squared"])
    options = parser.parse_args()
    print("loss      time ÷ fixed point's  width ÷ what is saved  segments")
    for name in options.loss:
        stream = STREAMS["drift"](d=options.d, T=options.T, turns=1.0, loss=name)
        labels = np.concatenate([labels for _, labels in stream.chunks()])
        game = LOSSES[name], Ball(1.0), Recorded(stream, labels)
        # What is loaded or compiled at its first use is no part of it.
        best_fixed_point(*game, rounds=5)
        fixed, alone = seconds(lambda game=game: best_fixed_point(*game))
        found, taken = seconds(lambda game=game: best_switching(*game, options.k))
        saved = fixed.lower - found.upper
        width = (found.upper - found.lower) / saved
        print(f"{name:9s} {taken / alone:20.0f} {width:22.2g} {found.segments:9d}")


if __name__ == "__main__":
    main()
