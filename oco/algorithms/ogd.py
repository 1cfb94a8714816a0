"""Online gradient descent (Zinkevich, ICML 2003)."""

from __future__ import annotations

import math
import sys

from oco import checks
from oco.algorithms.mirror_descent import MirrorDescent
from oco.algorithms.scalar import ScalarMetric
from oco.domains import Domain

__all__ = ["RoundCount", "ogd"]

LARGEST_RATE = sys.float_info.max


class RoundCount(ScalarMetric):
    """H_t = √t·I.

    Examples
    --------
    >>> import numpy as np
    >>> RoundCount(d=1).update(np.array([3.0]), 9.0)
    array([3.])
    """

    growth = (1.0, 0.0)


def ogd(
    d: int, *, domain: Domain, lr: float | None = None, gradient_bound: float | None = None
) -> MirrorDescent:
    r"""Online gradient descent: x_{t+1} = Π_K(x_t − (η/√t) g_t).

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    domain : Domain
        K.
    lr : float, optional
        η; D/(√2 G) if not given.
    gradient_bound : float, optional
        G ≥ ‖g_t‖ for all t; needed for the default η.

    Returns
    -------
    MirrorDescent
        With metric √t·I.

    Raises
    ------
    ValueError
        If a parameter is out of range, or η is not given and D or G is not finite.

    Notes
    -----
    Regret_T ≤ D²√T/(2η) + (η/2) Σ ‖g_t‖²/√t ≤ √2·D·G·√T with the default η.

    References
    ----------
    M. Zinkevich, *Online convex programming and generalized infinitesimal gradient ascent*,
    ICML 2003.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = ogd(2, domain=oco.Ball(1.0), lr=0.5)
    >>> learner.update(np.array([1.0, 0.0]))
    >>> learner.x
    array([-0.5,  0. ])
    """
    d = checks.integer("d", d, low=1)
    diameter = domain.diameter(d)
    if lr is None:
        if gradient_bound is None or not math.isfinite(gradient_bound):
            raise ValueError(
                f"lr: expected a number > 0, got None; the default D/(√2 G) needs a finite "
                f"gradient_bound, got {gradient_bound}"
            )
        if not math.isfinite(diameter):
            raise ValueError(
                "lr: expected a number > 0, got None; the default D/(√2 G) needs a bounded domain"
            )
        scaled = math.sqrt(2) * checks.number("gradient_bound", gradient_bound, low=0)
        # Gradients so short that the rate would overflow, or that are all zero: any rate will do.
        lr = min(diameter / scaled, LARGEST_RATE) if scaled else LARGEST_RATE
    return MirrorDescent(
        d, RoundCount(d), domain, lr, diameter=diameter, bounds=("certificate", "rounds")
    )
