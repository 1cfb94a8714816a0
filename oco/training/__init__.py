"""Training neural networks with the optimizers of this package, and what their gradients span."""

from __future__ import annotations

from oco.training.following import study_spectra
from oco.training.loop import train
from oco.training.network import Network
from oco.training.optimizers import OPTIMIZERS
from oco.training.outcome import Curves, Outcome, Summary
from oco.training.running import plan, train_all
from oco.training.settings import Training, taken_by
from oco.training.study import FactorSpectra, SpectralStudy, load_study
from oco.training.tasks import TASKS, Task
from oco.training.trainings import Group, Trainings, load

__all__ = [
    "OPTIMIZERS",
    "TASKS",
    "Curves",
    "FactorSpectra",
    "Group",
    "Network",
    "Outcome",
    "SpectralStudy",
    "Summary",
    "Task",
    "Training",
    "Trainings",
    "load",
    "load_study",
    "plan",
    "study_spectra",
    "taken_by",
    "train",
    "train_all",
]
