"""What rounding may have done to a sketch."""

from __future__ import annotations

import math

from oco.linalg.orthogonal import NEW_DIRECTION
from oco.linalg.rank_one import EPS
from oco.sketch.kernels import SMALLEST_MASS

__all__ = ["mass_outside", "rounded"]

# What a step may round, in units of ε √ℓ (λ̄_1 + τ): products with ℓ terms, in which coefficients
# are up to 8 (the root of the kernels' AMPLIFICATION).
PER_STEP = 8.0
# What the products of a row with V may round, in units of ε √d ‖g‖²: a handful of them are taken.
PER_PRODUCT = 4.0


def rounded(numbers) -> float:
    """Return what dense steps may have rounded, from the numbers of a `State`."""
    turned = PER_STEP * math.sqrt(numbers["k"]) * float(numbers["swept"])
    total = float(numbers["total"])
    projected = (NEW_DIRECTION + PER_PRODUCT * EPS * math.sqrt(numbers["d"])) * total
    return turned + projected + int(numbers["rows"]) * SMALLEST_MASS


def mass_outside(state, rounding: float, blurred: float) -> float:
    """Bound tr G − tr P G, for the projection P on a sketch's directions.

    Parameters
    ----------
    state : State
        The sketch.
    rounding : float
        What all of it may have rounded.
    blurred : float
        What sparse rows may have.

    Notes
    -----
    As long as nothing escapes, the directions only gather, and each dense row lies in their span
    but for how far rounding has turned it since: the square of an angle.
    """
    numbers = state.numbers
    total, rows, k = float(numbers["total"]), int(numbers["rows"]), int(numbers["k"])
    missed = total - float(state.values.sum()) + k * rounding
    if numbers["escaped"] > 0 or blurred > 0:
        return missed
    # A row is absorbed once, and merged with others at most once more.
    turned = 2 * rows * PER_STEP * EPS * math.sqrt(k)
    angle = turned + NEW_DIRECTION * math.sqrt(rows * int(numbers["d"]))
    return min(missed, angle**2 * total + rows * SMALLEST_MASS)
