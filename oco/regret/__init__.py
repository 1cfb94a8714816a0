"""The best fixed point in hindsight, with a certified gap, so that regret is an interval.

`best_fixed_point` minimises F(x) = Σ_t φ(⟨a_t, x⟩, y_t) over K and proves how close it came.
"""

from oco.regret._comparator import Comparator, best_fixed_point, cumulative_losses

__all__ = ["Comparator", "best_fixed_point", "cumulative_losses"]
