"""A random rotation of R^d that costs O(d log d) a vector instead of O(d²)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import fft

from oco import checks
from oco.cores import CORES
from oco.losses.randomness import WORD, Purpose, RandomSequence

__all__ = ["RandomRotation"]

# After one round the first coordinates are still smooth, low-frequency cosines; after two they are
# scattered.
ROUNDS = 2
# Rows turned at once: their working memory stays near the processor's second-level cache, which
# halves the time of the permutation at d = 1000.
CACHED_NUMBERS = 1 << 17


class RandomRotation:
    """A random orthogonal matrix Q, applied in O(d log d).

    Q is two rounds of: a random permutation, random signs, the orthonormal cosine transform.

    Parameters
    ----------
    d : int
        The dimension, at least 1; nothing is gained by a power of two.
    seed : int
        At least 0.
    purpose : Purpose
        Which of the seed's rotations.

    Notes
    -----
    Random signs followed by a fast trigonometric transform flatten any fixed vector with high
    probability; see N. Ailon and B. Chazelle, *The Fast Johnson–Lindenstrauss Transform*, SIAM J.
    Comput. 39(1), 2009.

    Examples
    --------
    >>> Q = RandomRotation(5, seed=0).apply(np.eye(5)).T
    >>> bool(np.allclose(Q.T @ Q, np.eye(5), atol=1e-14))
    True
    """

    def __init__(self, d: int, seed: int, purpose: Purpose = Purpose.ROTATION) -> None:
        self.d = checks.integer("d", d, low=1)
        sequence = RandomSequence(seed, purpose)
        words = sequence.words(0, 2 * ROUNDS * d).reshape(ROUNDS, 2, d)
        self._permutations = [np.argsort(keys, kind="stable") for keys, _ in words]
        self._signs = [np.where(coins >> np.uint64(WORD - 1), 1.0, -1.0) for _, coins in words]

    def apply(self, rows: np.ndarray) -> np.ndarray:
        """Return Q v for each row v of `rows`, shape (n, d), as a new array of that shape."""
        rows = np.asarray(rows, dtype=np.float64)
        result = np.empty(rows.shape)
        step = max(1, CACHED_NUMBERS // self.d)

        def turn(start: int) -> None:
            block = rows[start : start + step]
            for permutation, signs in zip(self._permutations, self._signs, strict=True):
                block = np.take(block, permutation, axis=1)
                block *= signs
                block = fft.dct(block, type=2, norm="ortho", axis=1, overwrite_x=True)
            result[start : start + step] = block

        starts = range(0, len(rows), step)
        if len(starts) > 1:
            with ThreadPoolExecutor(CORES) as pool:
                # Taking the results raises here what was raised in a thread.
                list(pool.map(turn, starts))
        elif starts:
            turn(0)
        return result

    def columns(self, indices: np.ndarray) -> np.ndarray:
        """Return the columns of Q at `indices`, shape (n,), as rows of shape (n, d)."""
        coordinates = np.zeros((len(indices), self.d))
        coordinates[np.arange(len(indices)), indices] = 1.0
        return self.apply(coordinates)
