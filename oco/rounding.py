"""What rounds numbers up or down at random, for NumPy and PyTorch alike, from nothing that is kept.

A number that lies between two of a coarser type is rounded to the upper one with a probability of
the distance from the lower one: on average nothing is lost, where rounding to the nearest would
never let a small addition through.  The draw is a hash of the tensor's place, the step and the
entry, so that it can be made again anywhere, on any device, without a generator.

Of an entry's row and column a hash each is made, and of the two together one more multiplication:
a tensor costs few passes.
"""

from __future__ import annotations

__all__ = ["BITS", "MULTIPLIER", "hashed", "lines", "signs"]

# bfloat16 lacks the last 16 bits of float32; the draw is a number of so many bits.
BITS = 16
# Odd numbers that spread bits well; see Knuth, *The Art of Computer Programming*, 6.4, for the
# first, 2^32 over the golden ratio.
MULTIPLIER = 0x9E3779B1
FIRST, SECOND = 0x7FEB352D, 0x846CA68B
WORD = 0xFFFFFFFF


def hashed(numbers):
    """Return 32 bits of each number that look independent of those of the next.

    Parameters
    ----------
    numbers : int, or array or tensor of 64-bit integers
        ≥ 0.

    References
    ----------
    C. Wellons, *Prospecting for hash functions*, 2018 (the multipliers and shifts).

    Examples
    --------
    >>> [f"{hashed(i):08x}" for i in range(3)]
    ['00000000', '688990c0', 'd1132181']
    """
    numbers = numbers & WORD
    numbers = ((numbers ^ (numbers >> 16)) * FIRST) & WORD
    numbers = ((numbers ^ (numbers >> 15)) * SECOND) & WORD
    return numbers ^ (numbers >> 16)


def lines(place, step, rows, columns):
    """Return hashes of rows and of columns; an entry's draw is made of both.

    Parameters
    ----------
    place : int or array
        Of a tensor among all.
    step : int or array
        ≥ 0.
    rows, columns : array of int
        Their numbers, from 0 on.

    Returns
    -------
    rows, columns : array
        r_i and c_j, of 32 bits; the draw of entry (i, j) is the upper half of the 32 bits of
        (r_i xor c_j) · `MULTIPLIER`.
    """
    key = hashed(hashed(place + 1) + step)
    return hashed(hashed(2 * key) + rows), hashed(hashed(2 * key + 1) + columns)


def signs(rows, columns):
    """Return a matrix of 1 and −1 that look independent, always the same ones.

    Parameters
    ----------
    rows, columns : array of 64-bit integers
        Their numbers, from 0 on, of shapes (n, 1) and (k,).

    Examples
    --------
    >>> import numpy as np
    >>> signs(np.arange(2)[:, None], np.arange(5))
    array([[-1,  1,  1,  1,  1],
           [ 1,  1,  1, -1, -1]])
    """
    rows, columns = lines(0, 0, rows, columns)
    return 1 - 2 * ((((rows ^ columns) * MULTIPLIER) & WORD) >> 31)
