"""Many experiments: compared, swept over a grid, tuned; on one machine or on many."""

from __future__ import annotations

from oco.sweeps.comparing import Comparison, compare
from oco.sweeps.frame import frame, load_table
from oco.sweeps.outcomes import Outcome
from oco.sweeps.running import Sweep, sweep
from oco.sweeps.store import Store
from oco.sweeps.study import Study, parse_study, read_study
from oco.sweeps.tuning import Trial, Tuning, tune

__all__ = [
    "Comparison",
    "Outcome",
    "Store",
    "Study",
    "Sweep",
    "Trial",
    "Tuning",
    "compare",
    "frame",
    "load_table",
    "parse_study",
    "read_study",
    "sweep",
    "tune",
]
