"""Adam, Shampoo, S-Shampoo and peers, tuned with the same budget; needs the extra ``torch``."""

from __future__ import annotations

# First of all: it says what to install where PyTorch is missing.
import oco.integrations.torch  # noqa: F401 - names PyTorch where it is missing
from oco.reproduce.quality.contest import Contest, Placement, quality
from oco.reproduce.quality.runs import Run
from oco.reproduce.quality.task import TASKS, Task, load

__all__ = ["TASKS", "Contest", "Placement", "Run", "Task", "load", "quality"]
