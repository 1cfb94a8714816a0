"""Random numbers that can be read from any position, so that a stream replays from any row.

A seed and a purpose name one infinite sequence of 64-bit words.  Reading words 1000–1999 gives the
same numbers whatever was read before, in any process: PCG64 skips ahead in logarithmic time.
Everything is derived from the raw words, whose sequence NumPy keeps fixed from version to version,
and not from `numpy.random.Generator`'s methods, whose outputs it may change.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from scipy.special import ndtri

from oco import checks

__all__ = ["Purpose", "RandomSequence"]

WORD = 64


class Purpose(IntEnum):
    """What a sequence is for: sequences of different purposes are independent."""

    FEATURES = 0
    LABELS = 1
    ROTATION = 2
    COMPARATOR = 3
    RIGHT_FEATURES = 4
    RIGHT_ROTATION = 5


class RandomSequence:
    """The sequence of random words that belongs to a seed and a purpose.

    Parameters
    ----------
    seed : int
        At least 0.
    purpose : Purpose
        Which of the seed's sequences.

    Examples
    --------
    >>> sequence = RandomSequence(0, Purpose.LABELS)
    >>> bool(np.all(sequence.words(0, 9)[4:] == sequence.words(4, 5)))
    True
    """

    def __init__(self, seed: int, purpose: Purpose) -> None:
        seed = checks.integer("seed", seed, low=0)
        self._seeds = np.random.SeedSequence(seed, spawn_key=(int(purpose),))

    def words(self, start: int, count: int) -> np.ndarray:
        """Return `count` words from position `start`: uint64 of shape (count,)."""
        generator = np.random.PCG64(self._seeds)
        generator.advance(start)
        return generator.random_raw(count)

    def bits(self, start: int, stop: int, width: int) -> np.ndarray:
        """Return rows `start` to `stop` of bits: uint8, 0 or 1, shape (stop − start, width)."""
        per_row = -(-width // WORD)
        words = self.words(start * per_row, (stop - start) * per_row)
        # Little-endian bytes on every machine, so that they all unpack the same bits.
        octets = words.astype("<u8", copy=False).view(np.uint8)
        octets = octets.reshape(stop - start, per_row * WORD // 8)
        return np.unpackbits(octets, axis=1, count=width)

    def signs(self, count: int) -> np.ndarray:
        """Return the first `count` random signs: −1.0 or +1.0."""
        return 2.0 * self.bits(0, 1, count)[0] - 1.0

    def uniforms(self, start: int, stop: int) -> np.ndarray:
        """Return numbers `start` to `stop` of a sequence uniform on the open interval (0, 1)."""
        # (n + ½)·2⁻⁵² for n of 52 bits: from 2⁻⁵³ to 1 − 2⁻⁵³, both of them doubles: never 0 or 1.
        return ((self.words(start, stop - start) >> np.uint64(12)) + 0.5) * 2.0**-52

    def normals(self, start: int, stop: int) -> np.ndarray:
        """Return numbers `start` to `stop` of a standard normal sequence."""
        return ndtri(self.uniforms(start, stop))

    def direction(self, d: int) -> np.ndarray:
        """Return a unit vector, uniform on the sphere in R^d."""
        normal = self.normals(0, d)
        return normal / np.linalg.norm(normal)
