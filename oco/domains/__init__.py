"""Convex domains K: the sets that a learner may play in, with projection in the learner's metric.

The projection of y in the metric H is argmin_{x in K} (x − y)ᵀ H (x − y).
"""

from collections.abc import Callable

from oco.domains.ball import Ball
from oco.domains.box import Box
from oco.domains.domain import FEASIBLE, Domain
from oco.domains.ellipsoid import Ellipsoid
from oco.domains.euclidean import Euclidean
from oco.domains.l1_ball import L1Ball
from oco.domains.operator_ball import OperatorBall
from oco.domains.simplex import Simplex

__all__ = [
    "DOMAINS",
    "FEASIBLE",
    "Ball",
    "Box",
    "Domain",
    "Ellipsoid",
    "Euclidean",
    "L1Ball",
    "OperatorBall",
    "Simplex",
]

#: Every domain by its name.
DOMAINS: dict[str, Callable[..., Domain]] = {
    K.name: K for K in (Euclidean, Ball, Box, Simplex, L1Ball, OperatorBall, Ellipsoid)
}
