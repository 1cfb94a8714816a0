"""What was asked and what happened, as plain data: in memory, on disk, and as tables to read."""

from __future__ import annotations

from oco.results.experiment import Experiment
from oco.results.result import Result, load_result
from oco.results.summary import BestFixedPoint, Bound, DynamicRegret, Interval, Summary, Trace

__all__ = [
    "BestFixedPoint",
    "Bound",
    "DynamicRegret",
    "Experiment",
    "Interval",
    "Result",
    "Summary",
    "Trace",
    "load_result",
]
