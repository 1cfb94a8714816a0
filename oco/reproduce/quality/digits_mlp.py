"""A ReLU network on the 1,797 images of handwritten digits that scikit-learn ships."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from oco.reproduce.quality.task import Task

# Fractions to learn from and to choose rates by; the rest is the test set.
LEARN, CHOOSE = 0.6, 0.2
BATCH = 64


def _data():
    pixels, labels = load_digits(return_X_y=True)
    # One split for all seeds.
    order = np.random.default_rng(0).permutation(len(labels))
    inputs = torch.tensor(pixels[order] / 16, dtype=torch.float32)
    targets = torch.tensor(labels[order])
    first, second = (round(part * len(labels)) for part in (LEARN, LEARN + CHOOSE))
    parts = [(0, first), (first, second), (second, len(labels))]
    return [(inputs[start:stop], targets[start:stop]) for start, stop in parts]


LEARNT, VALIDATION, TEST = _data()


def model() -> nn.Module:
    """Return the network 64-256-256-10."""
    return nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
    )


def batch(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return images to learn from, and what they show."""
    inputs, targets = LEARNT
    rows = torch.randint(len(targets), (BATCH,), generator=generator)
    return inputs[rows], targets[rows]


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Return the percentage of the images that is classified correctly."""
    return 100 * float((outputs.argmax(1) == targets).float().mean())


TASK = Task(
    name="digits-mlp",
    title="network 64-256-256-10 on 8 × 8 images of digits; cross-entropy",
    model=model,
    batch=batch,
    loss=nn.functional.cross_entropy,
    validation=VALIDATION,
    test=TEST,
    metric="accuracy %",
    measure=accuracy,
    steps=300,
)
