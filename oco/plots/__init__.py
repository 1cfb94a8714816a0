"""Figures: one a file, each a function of results that returns a matplotlib Figure."""

from __future__ import annotations

from oco.plots.advice import advice
from oco.plots.drawing import save
from oco.plots.ladder import ladder
from oco.plots.learners import learners
from oco.plots.memory import memory
from oco.plots.progress import progress
from oco.plots.quality import quality
from oco.plots.rank import rank
from oco.plots.rates import rates, rates_of_results, regret_of_results
from oco.plots.regret import regret
from oco.plots.separation import separation
from oco.plots.spectra import spectra
from oco.plots.spectrum import spectrum
from oco.plots.tightness import tightness

#: What ``oco plot --kind`` draws of a directory of runs.
KINDS = {
    "regret": learners,
    "rank": rank,
    "spectrum": spectrum,
    "bounds": ladder,
    "loss": rates_of_results,
    "rate": regret_of_results,
}

__all__ = [
    "KINDS",
    "advice",
    "ladder",
    "learners",
    "memory",
    "progress",
    "quality",
    "rank",
    "rates",
    "rates_of_results",
    "regret",
    "regret_of_results",
    "save",
    "separation",
    "spectra",
    "spectrum",
    "tightness",
]
