"""Losses φ(⟨a, x⟩, y) and the streams of rounds (a, y) that a learner plays against."""

from __future__ import annotations

from oco.losses.adversarial import Adversary, Starve
from oco.losses.files import DataFile
from oco.losses.functions import LOSSES, Loss
from oco.losses.streams import Recorded, Stream
from oco.losses.synthetic import Drift, Orthonormal, Rademacher, Stochastic

#: Every built-in stream by its name.
STREAMS: dict[str, type[Stream]] = {
    stream.name: stream
    for stream in (Stochastic, Drift, Rademacher, Orthonormal, Adversary, Starve, DataFile)
}

__all__ = [
    "LOSSES",
    "STREAMS",
    "Adversary",
    "DataFile",
    "Drift",
    "Loss",
    "Orthonormal",
    "Rademacher",
    "Recorded",
    "Starve",
    "Stochastic",
    "Stream",
]
