"""What gradients span: how few directions, how fast they turn, and what a sketch sees of it."""

from __future__ import annotations

from oco.spectra.following import follow
from oco.spectra.measures import (
    directions_for,
    intrinsic_dimension,
    overlap,
    top_count,
    top_mass,
)
from oco.spectra.study import FactorSpectra, SpectralStudy, load_study

__all__ = [
    "FactorSpectra",
    "SpectralStudy",
    "directions_for",
    "follow",
    "intrinsic_dimension",
    "load_study",
    "overlap",
    "top_count",
    "top_mass",
]
