"""Convex domains K: the sets that a learner may play in, with projection in the learner's metric.

The projection of y in the metric H is argmin_{x in K} (x − y)ᵀ H (x − y).
"""

from oco.domains.ball import Ball
from oco.domains.box import Box
from oco.domains.domain import FEASIBLE, Domain
from oco.domains.euclidean import Euclidean

__all__ = ["DOMAINS", "FEASIBLE", "Ball", "Box", "Domain", "Euclidean"]

#: Every domain by its name.
DOMAINS: dict[str, type[Domain]] = {K.name: K for K in (Euclidean, Ball, Box)}
