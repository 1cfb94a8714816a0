"""A step of S-Shampoo for PyTorch on many weights, against Adam's, on a CPU or on a GPU.

Prints the mean and the longest time of a step with the default recipe, with statistics every 10
steps and in every step, also with ``refresh="direct"`` and ``sides="shorter"``, and as multiples of
``torch.optim.Adam(foreach=True)``, for one large weight, for a transformer of width 256 and for 200
small matrices.  All take their steps in turn.  On a CPU time is the processor's, of one thread;
elsewhere the clock's, after the device has finished.

    python benchmarks/torch_device.py [--device cuda] [--k 32] [--steps 20]
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial

import torch

from oco.integrations.torch import SShampoo

# Steps before any is counted: the first one refreshes everything.
WARM = 11
LAYER = [
    (768, 256), (768,), (256, 256), (256,), (1024, 256), (1024,), (256, 1024), (256,),
    *[(256,)] * 4,
]  # fmt: skip
SHAPES = {
    "1024 × 4096": [(1024, 4096)],
    "transformer of width 256": [(98, 256), (64, 256), *LAYER, *LAYER, (256,), (256,), (98, 256)],
    "200 of 64 × 64": [(64, 64)] * 200,
}


def clock(device: torch.device) -> float:
    if device.type == "cpu":
        return time.process_time()
    torch.accelerator.synchronize()
    return time.perf_counter()


def measure(shapes, device: torch.device, k: int, steps: int) -> dict[str, list[float]]:
    """Return the seconds of the steps of each optimizer."""
    entrants = {
        "Adam, foreach": partial(torch.optim.Adam, foreach=True),
        "S-Shampoo": partial(SShampoo, k=k),
        "… statistics every 10": partial(SShampoo, k=k, statistics_every=10),
        "… and shorter side": partial(SShampoo, k=k, statistics_every=10, sides="shorter"),
        "… or direct": partial(SShampoo, k=k, statistics_every=10, refresh="direct"),
        "S-Shampoo, every step": partial(SShampoo, k=k, update_every=1),
        "… direct, every step": partial(SShampoo, k=k, update_every=1, refresh="direct"),
    }
    draw = torch.Generator().manual_seed(0)
    made = {}
    for name, make in entrants.items():
        weights = [torch.nn.Parameter(0.02 * torch.randn(s, generator=draw)) for s in shapes]
        weights = [torch.nn.Parameter(w.detach().to(device)) for w in weights]
        made[name] = (weights, make(weights))
    drawn = [[torch.randn(s, generator=draw).to(device) for s in shapes] for _ in range(2)]
    seconds: dict[str, list[float]] = {name: [] for name in entrants}
    for step in range(WARM + steps):
        for name, (weights, optimizer) in made.items():
            for weight, gradient in zip(weights, drawn[step % 2], strict=True):
                weight.grad = gradient
            started = clock(device)
            optimizer.step()
            seconds[name].append(clock(device) - started)
    return {name: times[WARM:] for name, times in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for title, shapes in SHAPES.items():
        found = measure(shapes, torch.device(options.device), options.k, options.steps)
        adam = statistics.mean(found["Adam, foreach"])
        print(f"{title}, k = {options.k}, on {options.device}")
        for name, times in found.items():
            mean = statistics.mean(times)
            print(
                f"  {name:22} {1e3 * mean:8.2f} ms a step, longest {1e3 * max(times):8.2f} ms, "
                f"{mean / adam:6.2f} × Adam"
            )


if __name__ == "__main__":
    main()
