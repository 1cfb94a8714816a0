"""Compile the kernels of a learner before the clock of its run starts."""

from __future__ import annotations

import functools
import math

import numpy as np

from oco.algorithms import ALGORITHMS
from oco.algorithms.chunks import Chunk
from oco.algorithms.sparse_chunks import SparseChunk
from oco.domains import Ball, Domain, Euclidean, Simplex
from oco.experiment.game import Game
from oco.experiment.lookup import EXPERTS, Options
from oco.linalg.engine import ENGINE
from oco.rounds import plays_in_kernels
from oco.sparse_rounds import plays_sparse

__all__ = ["compile_kernels"]

# Enough rounds, dimensions and length for a sketch of the smallest size to fill, to fold and to be
# projected, so that every kernel is met.
ROUNDS, SHAPE, LENGTH = 30, (4, 3), 10.0


def compile_kernels(game: Game) -> None:
    """Have the kernels compiled that a game calls, if its learner is built in.

    They are kept on disk, so that this takes seconds once after an installation and milliseconds
    from then on.
    """
    algorithm = game.experiment.algorithm.removeprefix(EXPERTS)
    many = plays_in_kernels(*game.parts)
    thin = game.stream.sparse and plays_sparse(game.learner)
    if ENGINE == "numba" and algorithm in ALGORITHMS:
        domain: type[Domain] = Ball if game.domain.bounded else Euclidean
        _compile(algorithm, Simplex if isinstance(game.domain, Simplex) else domain, many, thin)


@functools.cache
def _compile(algorithm: str, domain: type[Domain], many: bool, thin: bool) -> None:
    """Let a small copy of a learner play, many rounds at a time, sparse ones too, or by updates."""
    options = Options(
        {
            "d": math.prod(SHAPE),
            "shape": SHAPE,
            "k": 2,
            "domain": domain(),
            "lr": 1.0,
            "gradient_bound": 100 * LENGTH,
            "curvature": 1.0,
        }
    )
    learner = options.call("algorithm", ALGORITHMS[algorithm])
    if thin:
        learner.play_sparse(SparseChunk.none())
    if many:
        learner.play(Chunk.none(math.prod(SHAPE)))
        return
    for g in np.random.default_rng(0).standard_normal((ROUNDS, math.prod(SHAPE))):
        learner.update(LENGTH * g.reshape(np.shape(learner.x)))
