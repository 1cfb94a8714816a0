"""What a sketch and the exact trace prove about sums over the eigenvalues of G."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.linalg.rounding import UNIT
from oco.sketch import guarantees

__all__ = ["Bracket"]

# Steps of the bisection for the level to which the smallest eigenvalues are raised: as many as
# exhaust a double's digits.
BISECTIONS = 200
# What a sum of n roots, or of n numbers, may round, relatively and a term.
PER_TERM = 4 * UNIT


@dataclass(frozen=True, eq=False)
class Bracket:
    r"""λ̄_i − r ≤ λ_i ≤ λ̄_i + τ + r for all i, Σ λ_i = tr G ± r, and at most n of them above 0.

    Attributes
    ----------
    eigenvalues : ndarray of shape (q,)
        λ̄ of the sketch, descending; λ̄_i = 0 for i > q.
    escaped_mass, total_mass, rounding : float
        τ, tr G and r.
    count : int
        n ≥ q: the rank that G can have.
    outside : float
        A bound on Σ_{i>q} λ_i, where one is known.

    Notes
    -----
    Σ √λ_i is concave.  With l_i = max(λ̄_i − r, 0) and w = τ + 2r, let λ* be what fills up the
    largest l_i first, each by w, until the trace is reached: for every j its top j add up to
    min(Σ_{i≤j} (l_i + w), tr G − Σ_{i>j} l_i), which no spectrum within the bounds exceeds.  So λ*
    majorises them all, and its roots have the least sum [1]_.  The greatest is that of the spectrum
    that raises the smallest to one level, where the roots' slopes agree.

    References
    ----------
    .. [1] A. W. Marshall, I. Olkin, B. C. Arnold, *Inequalities: theory of majorization and its
       applications*, 2nd edition, Springer (2011), chapter 3.

    Examples
    --------
    >>> bracket = Bracket(np.array([9.0]), escaped_mass=1.0, total_mass=12.0, rounding=0.0, count=9)
    >>> [round(end, 9) for end in bracket.root_trace()]  # √10 + √1 + √1, and 3 + 8·√(3/8)
    [5.16227766, 7.898979486]
    >>> bracket.largest(), bracket.escaped_mass_limit(2)
    ((9.0, 10.0), (2.0, 3.0))
    """

    eigenvalues: np.ndarray
    escaped_mass: float
    total_mass: float
    rounding: float
    count: int
    outside: float = math.inf

    @property
    def _floors(self) -> np.ndarray:
        return np.maximum(self.eigenvalues - self.rounding, 0.0)

    @property
    def _width(self) -> float:
        return self.escaped_mass + 2 * self.rounding

    @property
    def _doubt(self) -> float:
        """What of the mass above the floors is not known: r, and what its sums round."""
        return self.rounding + (len(self.eigenvalues) + 1) * PER_TERM * self.total_mass

    def root_trace(self) -> tuple[float, float]:
        """Bound tr G^{1/2} = Σ √λ_i, with rounding."""
        shrunk = (len(self.eigenvalues) + 4) * PER_TERM
        least, most = self._concentrated() * (1 - shrunk), self._spread() * (1 + shrunk)
        return least, max(most, least)

    def largest(self) -> tuple[float, float]:
        """Bound λ_1."""
        top = float(self.eigenvalues.max(initial=0.0))
        most = min(top + self._width, self.total_mass + self._doubt)
        return max(top - self.rounding, 0.0), max(most, top)

    def escaped_mass_limit(self, size: int) -> tuple[float, float]:
        """Bound Ω_ℓ for a sketch size ℓ: see `oco.sketch.escaped_mass_limit_range`."""
        return guarantees.escaped_mass_limit_range(
            self.eigenvalues,
            self.escaped_mass,
            self.total_mass,
            size,
            rounding=self.rounding,
            outside=self.outside,
        )

    def _concentrated(self) -> float:
        """Return the least sum of roots: the mass that is missed fills the largest first."""
        floors, width = self._floors, self._width
        missed = max(self.total_mass - float(floors.sum()) - self._doubt, 0.0)
        if not missed or not width:
            return float(np.sqrt(floors).sum())
        full = int(min(missed // width, self.count))
        rest = min(max(missed - full * width, 0.0), width) if full < self.count else 0.0
        within = min(full, len(floors))
        filled = floors.copy()
        filled[:within] += width
        beyond = (full - within) * math.sqrt(width)
        if full < len(floors):
            filled[full] += rest
        else:
            beyond += math.sqrt(rest)
        return float(np.sqrt(filled).sum()) + beyond

    def _spread(self) -> float:
        """Return the greatest: the mass that is missed raises the smallest to one level."""
        floors = self._floors
        count = max(self.count, len(floors))
        tail = count - len(floors)
        missed = max(self.total_mass - float(floors.sum()), 0.0) + self._doubt
        # Raising all by the width makes up for the missing mass: if rounding says otherwise, it is
        # the width that is too small.
        width = max(self._width, missed / max(count, 1))
        low, high = 0.0, float(floors.max(initial=0.0)) + width
        for _ in range(BISECTIONS):
            level = (low + high) / 2
            raised = np.clip(level - floors, 0.0, width).sum() + tail * min(level, width)
            low, high = (level, high) if raised < missed else (low, level)
        above = np.sqrt(floors + np.clip(high - floors, 0.0, width)).sum()
        most = float(above) + tail * math.sqrt(min(high, width))
        # Another bound, which is smaller where almost no mass lies outside the sketch's directions.
        outside = math.sqrt(tail * self.outside) if tail else 0.0
        return min(most, float(np.sqrt(floors + width).sum()) + outside)
