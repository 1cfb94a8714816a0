"""Many experiments: compared, swept over a grid, tuned; on one machine or on many."""

from __future__ import annotations

from oco.sweeps.comparing import Comparison, compare
from oco.sweeps.frame import frame, load
from oco.sweeps.outcomes import Outcome
from oco.sweeps.running import Sweep, sweep
from oco.sweeps.store import Store
from oco.sweeps.study import Study, parse_study, read_study
from oco.sweeps.tuning import Curve, Rate, tune

__all__ = [
    "Comparison",
    "Curve",
    "Outcome",
    "Rate",
    "Store",
    "Study",
    "Sweep",
    "compare",
    "frame",
    "load",
    "parse_study",
    "read_study",
    "sweep",
    "tune",
]
