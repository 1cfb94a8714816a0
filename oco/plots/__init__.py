"""Figures: one a file, each a function of results that returns a matplotlib Figure."""

from __future__ import annotations

from oco.plots.drawing import save
from oco.plots.learners import learners
from oco.plots.rates import rates, rates_of_results
from oco.plots.regret import regret

__all__ = ["learners", "rates", "rates_of_results", "regret", "save"]
