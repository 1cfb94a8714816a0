"""A convolutional network that takes noise out of the photographs that scikit-learn ships.

Two colour photographs of 427 × 640 pixels, cut by columns: the left parts to learn from, the next
ones to choose rates by, the right ones to be judged on.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_sample_images
from torch import Tensor, nn

from oco.reproduce.quality.task import Task

# Fractions of the columns to learn from and to choose rates by; the rest is the test set.
LEARN, CHOOSE = 0.6, 0.2
PATCH, BATCH = 16, 8
# Patches that a loss is measured on.
JUDGED = 128
# Standard deviation of the noise, on the scale of pixels from 0 to 1.
NOISE = 0.1
CHANNELS = 32


def _data() -> list[list[Tensor]]:
    photographs = [
        torch.tensor(np.moveaxis(image, 2, 0) / 255, dtype=torch.float32)
        for image in load_sample_images().images
    ]
    width = photographs[0].shape[2]
    first, second = (round(part * width) for part in (LEARN, LEARN + CHOOSE))
    parts = [(0, first), (first, second), (second, width)]
    return [[image[:, :, start:stop] for image in photographs] for start, stop in parts]


def _noisy(photographs: list[Tensor], count: int, generator: torch.Generator):
    """Return noisy patches, and the same without noise."""
    patches = []
    for _ in range(count):
        image = photographs[torch.randint(len(photographs), (), generator=generator)]
        row, column = (
            int(torch.randint(length - PATCH + 1, (), generator=generator))
            for length in image.shape[1:]
        )
        patches.append(image[:, row : row + PATCH, column : column + PATCH])
    clean = torch.stack(patches)
    return clean + NOISE * torch.randn(clean.shape, generator=generator), clean


LEARNT, CHOOSING, JUDGING = _data()


class Denoiser(nn.Module):
    """Four convolutions that predict the noise."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, CHANNELS, 3, padding=1), nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1), nn.ReLU(),
            nn.Conv2d(CHANNELS, 3, 3, padding=1),
        )  # fmt: skip

    def forward(self, noisy: Tensor) -> Tensor:
        """Return the image without the noise."""
        return noisy - self.layers(noisy)


def batch(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return noisy patches to learn from, and the same without noise."""
    return _noisy(LEARNT, BATCH, generator)


def loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared error in units of the noise's variance: 1 is doing nothing."""
    return nn.functional.mse_loss(outputs, targets) / NOISE**2


def psnr(outputs: Tensor, targets: Tensor) -> float:
    """Return the peak signal-to-noise ratio in decibels, of pixels from 0 to 1."""
    return -10 * float(torch.log10(nn.functional.mse_loss(outputs, targets)))


TASK = Task(
    name="convnet",
    title="4 convolutions, 32 channels, that take noise out of colour photographs; squared error "
    "÷ variance of the noise",
    model=Denoiser,
    batch=batch,
    loss=loss,
    validation=_noisy(CHOOSING, JUDGED, torch.Generator().manual_seed(1)),
    test=_noisy(JUDGING, JUDGED, torch.Generator().manual_seed(2)),
    metric="PSNR dB",
    measure=psnr,
    steps=300,
)
