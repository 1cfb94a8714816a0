"""Adam, Shampoo and S-Shampoo, tuned with the same budget; needs the extra ``torch``."""

from __future__ import annotations

# First of all: it says what to install where PyTorch is missing.
import oco.integrations.torch  # noqa: F401 - names PyTorch where it is missing
from oco.reproduce.quality.contest import Contest, Placement, Run, quality
from oco.reproduce.quality.task import TASKS, Task, load

__all__ = ["TASKS", "Contest", "Placement", "Run", "Task", "load", "quality"]
