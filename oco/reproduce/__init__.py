"""Published comparisons, made again with what exists here."""

from __future__ import annotations

from oco.reproduce.appendix_a import AppendixA, appendix_a
from oco.reproduce.separation import Separation, separation
from oco.reproduce.spectra import spectra
from oco.reproduce.tightness import Tightness, tightness

__all__ = [
    "AppendixA",
    "Separation",
    "Tightness",
    "appendix_a",
    "separation",
    "spectra",
    "tightness",
]
