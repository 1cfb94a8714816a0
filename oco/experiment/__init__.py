"""From an Experiment, what to run, to a Result, what happened."""

from __future__ import annotations

from oco.experiment.running import perform, prepare, run
from oco.results import Experiment

__all__ = ["Experiment", "perform", "prepare", "run"]
