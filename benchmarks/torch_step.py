"""A step of S-Shampoo for PyTorch on one weight against Shampoo's and Adam's, in one run.

Prints the time of a step on a float32 weight and the memory of its second-moment statistics, as
multiples of the two that they are held against:

- Shampoo, the same optimizer with exact factors (``k=None``); it and S-Shampoo absorb and make
  roots in every step (``update_every=1``).  Targets: 1/10 of its time, 8 % of its memory;
- ``torch.optim.Adam``, for S-Shampoo as it is by default.  Target: 5 of its steps.  The fused
  Adam is shown beside it.

Memory is that of the covariances, sketches or Adam's v: not of momentum and roots.  All other
options are the defaults.  Time is the processor's, of one thread, so that other work on the
machine is not counted, and the steps are taken in turn, so that a machine that slows down slows
all.  Adam's own step takes twice as long where its temporaries come from fresh pages of memory.
The gradients are of two kinds: of a spectrum that decays like 1/i with singular vectors
drawn anew, and white noise.

    python benchmarks/torch_step.py [--shape 1024 4096] [--rank 64] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from rich.console import Console
from rich.table import Table

from oco.integrations.torch import SShampoo

# Steps between two roots of exact factors by default: a round.
UPDATE_EVERY = 10
# Different gradients, taken in turn.
GRADIENTS = 4
DEFAULT, SKETCHED, EXACT = "S-Shampoo", "S-Shampoo, every step", "Shampoo, every step"


def gradients(shape: tuple[int, int], decaying: bool) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=generator) for _ in range(GRADIENTS)]
    if not decaying:
        return drawn
    scale = 1 / torch.arange(1.0, shape[0] + 1)
    turns = [torch.linalg.qr(torch.randn(shape[0], shape[0], generator=generator)).Q for _ in drawn]
    return [(turn * scale) @ g for turn, g in zip(turns, drawn, strict=True)]


class Entrant:
    """An optimizer of one weight, and the processor's seconds for each of its steps."""

    def __init__(self, shape: tuple[int, int], optimizer: Callable, steps: int) -> None:
        self.weight = torch.nn.Parameter(torch.zeros(shape))
        self.optimizer = optimizer([self.weight])
        self.steps, self.seconds = steps, []

    def step(self, drawn: list[torch.Tensor]) -> None:
        """Take a step with the next one of the gradients."""
        self.weight.grad = drawn[len(self.seconds) % len(drawn)]
        started = time.process_time()
        self.optimizer.step()
        self.seconds.append(time.process_time() - started)

    @property
    def mean(self) -> float:
        """Mean seconds of a step in a round, the median over the rounds but the first."""
        rounds = [
            self.seconds[i : i + self.steps]
            for i in range(self.steps, len(self.seconds), self.steps)
        ]
        return statistics.median(map(statistics.mean, rounds))

    @property
    def second_moment_bytes(self) -> int:
        """Memory of the second moment; Adam's is as large as the weight."""
        return getattr(self.optimizer, "second_moment_bytes", self.weight.nbytes)


def measure(
    shape: tuple[int, int], rank: int, rounds: int, drawn: list[torch.Tensor]
) -> dict[str, Entrant]:
    """Let all take their steps of a round in turn, one after the other."""
    entrants = {
        "Adam": Entrant(shape, torch.optim.Adam, UPDATE_EVERY),
        "Adam, fused": Entrant(shape, partial(torch.optim.Adam, fused=True), UPDATE_EVERY),
        DEFAULT: Entrant(shape, partial(SShampoo, k=rank), UPDATE_EVERY),
        SKETCHED: Entrant(shape, partial(SShampoo, k=rank, update_every=1), 1),
        EXACT: Entrant(shape, partial(SShampoo, k=None, max_axis=None, update_every=1), 1),
    }
    for _ in range(rounds + 1):
        for i in range(UPDATE_EVERY):
            for entrant in entrants.values():
                if i < entrant.steps:
                    entrant.step(drawn)
    return entrants


def report(
    console: Console, shape: tuple[int, int], rank: int, rounds: int, decaying: bool
) -> None:
    found = measure(shape, rank, rounds, gradients(shape, decaying))
    adam, shampoo = found["Adam"], found[EXACT]
    table = Table(
        "optimizer", "ms a step", "÷ Adam", "÷ Shampoo", "second moment, MB", "÷ Shampoo",
        title=f"{shape[0]} × {shape[1]}, k = {rank}, gradients of "
        + ("a spectrum like 1/i" if decaying else "white noise")
        + f"; one thread, medians of {rounds} rounds",
    )  # fmt: skip
    for name, entrant in found.items():
        table.add_row(
            name,
            f"{1e3 * entrant.mean:.1f}",
            f"{entrant.mean / adam.mean:.2f}",
            f"{entrant.mean / shampoo.mean:.4f}",
            f"{entrant.second_moment_bytes / 1e6:.2f}",
            f"{entrant.second_moment_bytes / shampoo.second_moment_bytes:.4f}",
        )
    console.print(table)
    memory = found[SKETCHED].second_moment_bytes / shampoo.second_moment_bytes
    for name, value, target in (
        ("a step, roots in every step, ÷ Shampoo's", found[SKETCHED].mean / shampoo.mean, 0.1),
        ("second moment ÷ Shampoo's", memory, 0.08),
        ("a step, by default, ÷ Adam's", found[DEFAULT].mean / adam.mean, 5),
    ):
        verdict = "met" if value <= target else "NOT met"
        console.print(f"{name}: {value:.3g}, target at most {target:g}: {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", type=int, nargs=2, default=[1024, 4096])
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(width=120)
    for decaying in (True, False):
        report(console, tuple(options.shape), options.rank, options.rounds, decaying)


if __name__ == "__main__":
    main()
