"""Compile the kernels of a learner before the clock of its run starts."""

from __future__ import annotations

import functools
import math

import numpy as np

from oco.algorithms import ALGORITHMS
from oco.domains import Ball, Euclidean
from oco.experiment.lookup import EXPERTS, Options
from oco.linalg.engine import ENGINE

__all__ = ["compile_kernels"]

# Enough rounds, dimensions and length for a sketch of the smallest size to fill, to fold and to be
# projected, so that every kernel is met.
ROUNDS, SHAPE, LENGTH = 30, (4, 3), 10.0


@functools.cache
def compile_kernels(algorithm: str, bounded: bool) -> None:
    """Let a small copy of a built-in learner play, where kernels are compiled at their first use.

    The compiled kernels are kept on disk, so that this takes seconds once after an installation and
    milliseconds from then on.

    Parameters
    ----------
    algorithm : str
        The learner's name; nothing is known of the kernels of one that is not built in.
    bounded : bool
        Whether it plays on a bounded domain.
    """
    algorithm = algorithm.removeprefix(EXPERTS)
    if ENGINE != "numba" or algorithm not in ALGORITHMS:
        return
    options = Options(
        {
            "d": math.prod(SHAPE),
            "shape": SHAPE,
            "k": 2,
            "domain": Ball(1.0) if bounded else Euclidean(),
            "lr": 1.0,
            "gradient_bound": 100 * LENGTH,
            "curvature": 1.0,
        }
    )
    learner = options.call("algorithm", ALGORITHMS[algorithm])
    for g in np.random.default_rng(0).standard_normal((ROUNDS, math.prod(SHAPE))):
        learner.update(LENGTH * g.reshape(np.shape(learner.x)))
