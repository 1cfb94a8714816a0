"""A block of weighted rows, centred by its own mean: dense, or sparse and never made dense.

The scatter of all rows about their mean is the sum of the blocks' scatters about their own, and of
one row for each block: see `oco.sketch.scatter`.  What a sketch needs of a block are products.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

__all__ = ["Block", "DenseBlock", "SparseBlock", "block_of"]


class Block:
    """What both kinds of blocks know.

    Attributes
    ----------
    mean, rest : ndarray of shape (d,)
        The weighted mean of the rows as a sum of two numbers, the second a rounding of the first;
        0 where nothing is centred.
    count : int
        How many rows there are.
    weight : float
        Σ w_i.
    mass : float
        Σ w_i ‖x_i − mean‖².
    handled : float
        The squares that products had to add up for it, of which they round: `mass`, but with that
        of the mean where centring is implicit.
    """

    mean: np.ndarray
    rest: np.ndarray
    count: int
    weight: float
    mass: float
    handled: float

    def gram(self, top: np.ndarray) -> np.ndarray:
        """Return the products of all pairs of rows of [top; block], of shape (p + b, p + b)."""
        raise NotImplementedError

    def combine(self, top: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Return the coefficients, of shape (m, p + b), times [top; block]."""
        raise NotImplementedError


class DenseBlock(Block):
    """Dense rows; the ones given are left as they are."""

    def __init__(self, rows: np.ndarray, weights: np.ndarray | None, center: bool) -> None:
        count, d = rows.shape
        self.count = count
        self.weight = float(count) if weights is None else math.fsum(weights)
        self.mean = self.rest = np.zeros(d)
        self.handled = 0.0
        if center:
            self.mean = rows.mean(axis=0) if weights is None else weights @ rows / self.weight
            rows = rows - self.mean
            # How far rounding has left the mean from where the rows' weights balance.
            self.rest = rows.mean(axis=0) if weights is None else weights @ rows / self.weight
            self.handled = self.weight * float(self.rest @ self.rest) / np.finfo(float).eps
        if weights is not None:
            rows = np.sqrt(weights)[:, None] * rows
        self._rows = rows
        self.mass = float(np.einsum("ij,ij->", rows, rows))
        self.handled += self.mass

    def gram(self, top: np.ndarray) -> np.ndarray:
        """Return [top; rows] [top; rows]ᵀ."""
        stacked = self.stacked(top)
        return stacked @ stacked.T

    def combine(self, top: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Return the coefficients times [top; rows]."""
        p = len(top)
        return coefficients[:, :p] @ top + coefficients[:, p:] @ self._rows

    def stacked(self, top: np.ndarray) -> np.ndarray:
        """Return [top; rows] as one array."""
        return np.concatenate([top, self._rows])


class SparseBlock(Block):
    """Rows of a CSR matrix X: √w (X − 1 meanᵀ) is never formed."""

    def __init__(self, rows, weights: np.ndarray | None, center: bool) -> None:
        count, d = rows.shape
        self.count = count
        self.weight = float(count) if weights is None else math.fsum(weights)
        roots = np.ones(count) if weights is None else np.sqrt(weights)
        self._rows = sparse.csr_array(rows) if weights is None else _scaled(rows, roots)
        self._roots = roots
        self.mean = self.rest = np.zeros(d)
        products = (self._rows @ self._rows.T).toarray()
        self.handled = float(np.trace(products))
        if center:
            self.mean = (self._rows.T @ roots) / self.weight
            along = self._rows @ self.mean
            square = float(self.mean @ self.mean)
            products -= np.outer(along, roots) + np.outer(roots, along)
            products += square * np.outer(roots, roots)
            self.handled += self.weight * square
        self._products = products
        self.mass = max(float(np.trace(products)), 0.0)

    def gram(self, top: np.ndarray) -> np.ndarray:
        """Return the products from those of the rows as they are."""
        p = len(top)
        result = np.empty((p + len(self._roots),) * 2)
        result[:p, :p] = top @ top.T
        result[p:, p:] = self._products
        # The columns of `top` are contiguous: a sparse product copies what is not.
        across = self._rows @ np.asarray(top.T, order="C") - np.outer(self._roots, top @ self.mean)
        result[p:, :p] = across
        result[:p, p:] = across.T
        return result

    def combine(self, top: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Return the coefficients times [top; rows], with contiguous columns."""
        p = len(top)
        own = np.ascontiguousarray(coefficients[:, p:].T)
        result = top.T @ coefficients[:, :p].T
        result += self._rows.T @ own
        if self.mean.any():
            result -= np.outer(self.mean, self._roots @ own)
        return result.T


def block_of(rows, weights: np.ndarray | None, center: bool) -> Block:
    """Return a block of dense rows, or of a sparse matrix's."""
    kind = SparseBlock if sparse.issparse(rows) else DenseBlock
    return kind(rows, weights, center)


def _scaled(rows, factors: np.ndarray):
    """Return a CSR array with each row multiplied by a number."""
    result = sparse.csr_array(rows, copy=True)
    result.data *= np.repeat(factors, np.diff(result.indptr))
    return result
