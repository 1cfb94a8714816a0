"""The sketch as textbooks and scripts have it: what S-AdaGrad's round is compared with.

Both only sketch: they compute no direction and play no point.
"""

from __future__ import annotations

import numpy as np

__all__ = ["BufferedSketch", "SvdSketch"]


class SvdSketch:
    """Exact Frequent Directions with one singular value decomposition of a k × d matrix a row.

    Parameters
    ----------
    rows : ndarray of shape (k, d)
        What it starts from.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self.rows, self.escaped_mass = rows.copy(), 0.0

    def append(self, g: np.ndarray) -> None:
        """Absorb one row."""
        self.rows[-1] = g
        _, s, vectors = np.linalg.svd(self.rows, full_matrices=False)
        rho = s[-1] ** 2
        self.rows = np.sqrt(np.maximum(s**2 - rho, 0))[:, None] * vectors
        self.escaped_mass += rho


class BufferedSketch:
    """The Frequent Directions of Ghashami et al. (2016), with a buffer of as many rows again.

    It decomposes the 2k rows when they are full, and knows neither its spectrum nor the escaped
    mass in between.

    Parameters
    ----------
    rows : ndarray of shape (k, d)
        What it starts from.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self.k = self.used = len(rows)
        self.rows = np.vstack([rows, np.zeros_like(rows)])

    def append(self, g: np.ndarray) -> None:
        """Absorb one row."""
        if self.used == len(self.rows):
            _, s, vectors = np.linalg.svd(self.rows, full_matrices=False)
            shrunk = np.sqrt(np.maximum(s**2 - s[self.k - 1] ** 2, 0))
            self.rows = shrunk[:, None] * vectors
            self.used = self.k - 1
        self.rows[self.used] = g
        self.used += 1
