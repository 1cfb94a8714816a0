"""The best fixed point in hindsight, with a certified gap, so that regret is an interval.

`best_fixed_point` minimises F(x) = Σ_t φ(⟨a_t, x⟩, y_t) over K and proves how close it came.
"""

from oco.regret.comparator import (
    Comparator,
    best_fixed_point,
    cumulative_losses,
    linear_minima,
    losses_of,
)
from oco.regret.enclosures import Totals, above, below, running_losses
from oco.regret.inspection import LossError, require_convex
from oco.regret.passes import Rounds, rounds_of
from oco.regret.switching import MOST_NUMBERS, Switching, best_switching

__all__ = [
    "MOST_NUMBERS",
    "Comparator",
    "LossError",
    "Rounds",
    "Switching",
    "Totals",
    "above",
    "below",
    "best_fixed_point",
    "best_switching",
    "cumulative_losses",
    "linear_minima",
    "losses_of",
    "require_convex",
    "rounds_of",
    "running_losses",
]
