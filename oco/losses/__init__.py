"""Losses φ(z, y) of predictions z and the streams of rounds (a, y) that a learner plays against.

The prediction is the number z = ⟨a, x⟩, or with class labels the vector z = X a.
"""

from __future__ import annotations

from oco.losses.adversarial import Adversary, Starve
from oco.losses.files import DataFile
from oco.losses.functions import MARGIN_LOSSES, Loss
from oco.losses.matrices import MatrixAdversary, MatrixLowRank, MatrixRotating, Multiclass
from oco.losses.softmax import SOFTMAX
from oco.losses.streams import Recorded, Stream
from oco.losses.synthetic import Drift, Orthonormal, Rademacher, Stochastic


def _named(*streams: type[Stream]) -> dict[str, type[Stream]]:
    return {stream.name: stream for stream in streams}


#: Every built-in loss by its name.
LOSSES: dict[str, Loss] = {**MARGIN_LOSSES, SOFTMAX.name: SOFTMAX}

#: Every built-in stream whose variable is a matrix, by its name; made with a `shape`, not a `d`.
MATRIX_STREAMS: dict[str, type[Stream]] = _named(
    MatrixLowRank, MatrixRotating, MatrixAdversary, Multiclass
)

#: Every built-in stream by its name.
STREAMS: dict[str, type[Stream]] = _named(
    *(Stochastic, Drift, Rademacher, Orthonormal, Adversary, Starve),
    *MATRIX_STREAMS.values(),
    DataFile,
)

__all__ = [
    "LOSSES",
    "MARGIN_LOSSES",
    "MATRIX_STREAMS",
    "STREAMS",
    "Adversary",
    "DataFile",
    "Drift",
    "Loss",
    "MatrixAdversary",
    "MatrixLowRank",
    "MatrixRotating",
    "Multiclass",
    "Orthonormal",
    "Rademacher",
    "Recorded",
    "Starve",
    "Stochastic",
    "Stream",
]
