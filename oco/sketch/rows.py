"""A block of weighted rows, centred by its own mean: dense, or sparse and never made dense.

The scatter of all rows about their mean is the sum of the blocks' scatters about their own, and of
one row for each block: see `oco.sketch.scatter`.  What a sketch needs of a block are products.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from oco import checks
from oco.linalg.rounding import SMALLEST, UNIT

__all__ = [
    "Block",
    "DenseBlock",
    "FactorBlock",
    "SparseBlock",
    "aged",
    "block_of",
    "joined",
    "require_finite_trace",
    "scaled_rows",
    "single_row",
    "sparse_rows",
    "summable_rows",
]


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

    def covariance(self, top: np.ndarray) -> np.ndarray | None:
        """Return [top; block]ᵀ[top; block], of shape (d, d); None for what is not dense."""
        return None

    def combine(self, top: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Return the coefficients, of shape (m, p + b), times [top; block]."""
        raise NotImplementedError


class FactorBlock(Block):
    """Rows whose centring is done: a sketch's F, of rows with a mean, a weight and a mass."""

    def __init__(
        self, rows: np.ndarray, mean: np.ndarray, rest: np.ndarray, weight: float, mass: float
    ) -> None:
        self._rows = rows
        self.mean, self.rest, self.weight = mean, rest, weight
        self.count = len(rows)
        self.mass = self.handled = mass

    def gram(self, top: np.ndarray) -> np.ndarray:
        """Return [top; rows] [top; rows]ᵀ."""
        stacked = np.concatenate([top, self._rows])
        return stacked @ stacked.T

    def covariance(self, top: np.ndarray) -> np.ndarray:
        """Return topᵀtop + rowsᵀrows."""
        return top.T @ top + self._rows.T @ self._rows

    def combine(self, top: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Return the coefficients times [top; rows]."""
        p = len(top)
        return coefficients[:, :p] @ top + coefficients[:, p:] @ self._rows


class DenseBlock(FactorBlock):
    """Dense rows; the ones given are left as they are."""

    def __init__(self, rows: np.ndarray, weights: np.ndarray | None, center: bool) -> None:
        count, d = rows.shape
        weight = float(count) if weights is None else math.fsum(weights)
        mean = rest = np.zeros(d)
        lost = 0.0
        if center:
            mean = rows.mean(axis=0) if weights is None else weights @ rows / weight
            rows = rows - mean
            # How far rounding has left the mean from where the rows' weights balance.
            rest = rows.mean(axis=0) if weights is None else weights @ rows / weight
            lost = weight * float(rest @ rest)
        if weights is not None:
            rows = np.sqrt(weights)[:, None] * rows
        super().__init__(rows, mean, rest, weight, float(np.einsum("ij,ij->", rows, rows)))
        # Not rounded but added to the scatter: it weighs in full.
        self.handled += lost / UNIT


class SparseBlock(Block):
    """Rows of a CSR matrix X: √w (X − 1 meanᵀ) is never formed."""

    def __init__(self, rows, weights: np.ndarray | None, center: bool) -> None:
        count, d = rows.shape
        self.count = count
        self.weight = float(count) if weights is None else math.fsum(weights)
        roots = np.ones(count) if weights is None else np.sqrt(weights)
        self._rows = sparse.csr_array(rows) if weights is None else scaled_rows(rows, roots)
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


def sparse_rows(name: str, rows, d: int):
    """Return a sparse matrix as a CSR array of finite float64, each place once.

    Raises
    ------
    TypeError, ValueError
        If its rows have another length than d, or an entry is no finite real number.
    """
    if rows.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected real numbers, got a sparse matrix of {rows.dtype}")
    if rows.ndim != 2 or rows.shape[1] != d:
        raise ValueError(f"{name}: expected a matrix of shape (n, {d}), got shape {rows.shape}")
    rows = sparse.csr_array(rows).astype(np.float64, copy=False)
    if not rows.has_canonical_format:
        # Entries of one place may cancel: what that rounds is not to be counted as exact.
        rows = rows.copy()
        rows.sum_duplicates()
    checks.vector(f"{name}.data", rows.data, len(rows.data))
    return rows


def require_finite_trace(name: str, total: float) -> None:
    """Refuse what would make tr G, which bounds all that a sketch keeps, overflow."""
    if not math.isfinite(total):
        raise ValueError(f"{name}: expected a finite sum of squares of all rows, got {total}")


def summable_rows(name: str, rows, d: int, total: float):
    """Return what `sparse_rows` does, if tr G = `total` stays finite with them."""
    rows = sparse_rows(name, rows, d)
    with np.errstate(over="ignore"):
        require_finite_trace(name, total + float(np.square(rows.data).sum()))
    return rows


def single_row(name: str, row, d: int) -> np.ndarray:
    """Return one row, which may be a sparse matrix of one, as a vector of shape (d,)."""
    if sparse.issparse(row):
        row = sparse_rows(name, row, d).toarray()
        row = row[0] if len(row) == 1 else row
    row = np.ascontiguousarray(checks.real(name, row))
    if row.shape != (d,):
        raise ValueError(f"{name}: expected a vector of shape ({d},), got shape {row.shape}")
    return row


def scaled_rows(rows, factors: np.ndarray):
    """Return a CSR array with each row multiplied by a number."""
    result = sparse.csr_array(rows, copy=True)
    result.data *= np.repeat(factors, np.diff(result.indptr))
    return result


def aged(weights: np.ndarray, decay: float) -> tuple[np.ndarray, float]:
    """Return what each row of a block counts for at its end, and what its square does in sum."""
    log = math.log(decay)
    after = np.append(np.cumsum(weights[:0:-1])[::-1], 0.0)
    own = np.expm1(weights * log) / math.expm1(log)
    squares = np.expm1(2 * weights * log) / math.expm1(2 * log)
    # What has decayed to nothing would have no mean.
    return (
        np.maximum(own * np.exp(after * log), SMALLEST),
        float(squares @ np.exp(2 * after * log)),
    )


def joined(parts: list):
    """Return rows and weights of several parts as one block."""
    if len(parts) == 1:
        return parts[0]
    rows = [part for part, _ in parts]
    stacked = (
        sparse.vstack(rows, format="csr") if sparse.issparse(rows[0]) else np.concatenate(rows)
    )
    if all(weights is None for _, weights in parts):
        return stacked, None
    return stacked, np.concatenate(
        [np.ones(part.shape[0]) if weights is None else weights for part, weights in parts]
    )
