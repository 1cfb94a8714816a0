"""Gram–Schmidt against orthonormal rows, accurate to rounding whatever the angle."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import kernel

__all__ = ["NEW_DIRECTION", "split"]

# A remainder shorter than this, relative to the vector, is rounding noise: the noise is a few ε
# (2e-16) after re-orthogonalisation, and leaving out a true remainder this small changes g gᵀ by no
# more than 1e-13 ‖g‖².
NEW_DIRECTION = 1e-13
# A remainder longer than half the vector has lost at most one bit to cancellation, so one pass of
# Gram–Schmidt is as good as two.
ONE_PASS = 0.5


@kernel
def split(rows, v):
    """Split v = rowsᵀ c + r·u, with u a unit vector orthogonal to orthonormal `rows`.

    Parameters
    ----------
    rows : ndarray of shape (m, n)
        Orthonormal rows (m may be 0), C-contiguous.
    v : ndarray of shape (n,)
        The vector to split.

    Returns
    -------
    c : ndarray of shape (m,)
        Coordinates in the span of the rows.
    r : float
        Length of the remainder; exactly 0 if it is ``<= NEW_DIRECTION * ‖v‖``.
    u : ndarray of shape (n,)
        The remainder's direction, orthogonal to the rows to rounding; meaningless if r is 0.

    Notes
    -----
    Classical Gram–Schmidt, with a second pass where cancellation asks for it ("twice is enough":
    Giraud, Langou, Rozložník, *The loss of orthogonality in the Gram–Schmidt process*, 2005): even
    a remainder of 1e-12 ‖v‖ then is orthogonal to the rows to rounding.
    """
    length = math.sqrt(np.dot(v, v))
    c = np.dot(rows, v)
    rest = v - np.dot(c, rows)
    r = math.sqrt(np.dot(rest, rest))
    if r < ONE_PASS * length:
        correction = np.dot(rows, rest)
        c += correction
        rest -= np.dot(correction, rows)
        r = math.sqrt(np.dot(rest, rest))
        if r <= NEW_DIRECTION * length:
            return c, 0.0, rest
    if r > 0.0:
        rest /= r
    return c, r, rest
