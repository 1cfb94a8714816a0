"""Which rows stay sparse, and how a stream hands them out: views of one CSR array, never copies."""

from __future__ import annotations

import numpy as np
from scipy import sparse

__all__ = ["SPARSE_CHUNK", "piece", "prepared", "stays_sparse"]

# Rows stay sparse where there are more than DIMENSION features, and at most so many of all entries
# are stored: otherwise a dense round, which runs through memory in order, takes less time.
DIMENSION, SHARE = 1000, 1 / 20
# Rows in a chunk: they are views, and a pass that sums up rows costs O(d) a chunk beside them.
SPARSE_CHUNK = 1 << 13


def stays_sparse(table) -> bool:
    """Tell whether rows are played as they are stored, in place of dense ones.

    Examples
    --------
    >>> stays_sparse(sparse.eye_array(1001, format="csr")), stays_sparse(np.eye(1001))
    (True, False)
    """
    if not sparse.issparse(table):
        return False
    rows, columns = table.shape
    return columns > DIMENSION and table.nnz <= SHARE * rows * columns


def prepared(table, bias: bool):
    """Return a CSR array of float64, each place once and in order, with a column of 1 if asked."""
    rows = sparse.csr_array(table).astype(np.float64, copy=False)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    if bias:
        ones = sparse.csr_array(np.ones((rows.shape[0], 1)))
        rows = sparse.csr_array(sparse.hstack([rows, ones], format="csr"))
        rows.sort_indices()
    return rows


def piece(rows, start: int, stop: int):
    """Return rows `start` to `stop` of a CSR array as a view of it.

    Examples
    --------
    >>> piece(sparse.csr_array(np.diag([1.0, 2.0, 3.0])), 1, 3).toarray()
    array([[0., 2., 0.],
           [0., 0., 3.]])
    """
    starts = rows.indptr[start : stop + 1]
    first, last = starts[0], starts[-1]
    found = sparse.csr_array((stop - start, rows.shape[1]))
    # Not by the constructor, which copies what is a small part of an array.
    found.data, found.indices = rows.data[first:last], rows.indices[first:last]
    found.indptr = starts - first
    # What the whole is known to be, so that nobody looks again.
    found.has_sorted_indices = found.has_canonical_format = True
    return found
