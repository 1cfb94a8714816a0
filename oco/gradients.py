"""Spectra of what the gradients of a play sum up to, which some of the bounds are made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from oco.cores import CORES
from oco.linalg.kronecker import unfold
from oco.sketch.brackets import Bracket
from oco.sketch.rows import scaled_rows
from oco.sketch.scatter import ScatterSketch

__all__ = ["axis_spectra", "gradient_brackets", "gradient_spectra", "spectrum_affordable"]

# The spectrum of G_t is computed at each checkpoint up to this dimension: an eigenvalue
# computation of this size takes about 1/20 s, a run has a few dozen, and G_t takes 8 MB.
SPECTRUM_DIMENSION = 1000
# Threads that compute spectra, beside the one that sums up G_t and cannot feed many; and how many
# matrices may wait for them.
WORKERS = max(1, CORES - 1)
WAITING = 8


def spectrum_affordable(d: int) -> bool:
    """Tell whether spectra of d × d matrices are computed at each checkpoint."""
    return d <= SPECTRUM_DIMENSION


def gradient_spectra(
    stream,
    slopes: np.ndarray,
    checkpoints: np.ndarray,
    progress: Callable[[int], None] | None = None,
) -> tuple:
    """Compute the eigenvalues of G_t = Σ_{s≤t} u_s² a_s a_sᵀ at each checkpoint, in one pass.

    Parameters
    ----------
    stream : object
        Replays the features: ``stream.chunks(stop)`` yields (features, labels).
    slopes : ndarray of shape (n,)
        u_s: the gradients were u_s a_s; of shape (n, c) where they were the matrices u_s a_sᵀ.
    checkpoints : ndarray of int
        Ascending, at most n.
    progress : callable, optional
        Called after each spectrum with how many there are.

    Returns
    -------
    tuple of ndarray
        Eigenvalues in descending order, min(t, d) of them at checkpoint t.

    Notes
    -----
    While t < d the t × t Gram matrix of the gradients has the same non-zero eigenvalues and is
    smaller.
    """
    return _spectra(covariances(stream, slopes, checkpoints), progress)


def covariances(stream, slopes: np.ndarray, checkpoints: np.ndarray) -> Iterator[np.ndarray]:
    """Yield at each checkpoint the smaller of G_t and the gradients' Gram matrix."""
    d = stream.d
    covariance, product, held, t = np.zeros((d, d)), np.empty((d, d)), [], 0
    for gradients, due in _segments(stream, slopes, checkpoints):
        held.append(gradients.toarray() if sparse.issparse(gradients) else gradients)
        t += len(gradients)
        if t < d and not due:
            continue
        rows = gradients if len(held) == 1 else np.concatenate(held)
        if t < d:
            yield rows @ rows.T
        else:
            held.clear()
            covariance += np.matmul(rows.T, rows, out=product)
            if due:
                yield covariance.copy()


def gradient_brackets(
    stream,
    slopes: np.ndarray,
    checkpoints: np.ndarray,
    size: int,
    progress: Callable[[int], None] | None = None,
) -> tuple[Bracket, ...]:
    """Bracket sums over the eigenvalues of G_t at each checkpoint, in any dimension.

    Parameters
    ----------
    stream, slopes, checkpoints
        As for `gradient_spectra`.
    size : int
        Of the sketch of the gradients that proves it, beside their exact trace; from 2 to d + 1.
    progress : callable, optional
        Called after each checkpoint with how many there are.

    Returns
    -------
    tuple of Bracket
        They know of rounding.
    """
    # All of the sketch is deflated: the mass that it has lost is then known from below as well.
    sketch, found = ScatterSketch(stream.d, size, center=False, deflated=1), []
    for gradients, due in _segments(stream, slopes, checkpoints):
        sketch.extend(gradients)
        if due:
            found.append(sketch.spectrum().bracket())
            if progress is not None:
                progress(len(found))
    return tuple(found)


def axis_spectra(
    stream,
    slopes: np.ndarray,
    checkpoints: np.ndarray,
    shape: tuple[int, ...],
    progress: Callable[[int], None] | None = None,
    axes: Sequence[int] | None = None,
) -> tuple[tuple[np.ndarray, ...], ...]:
    """Compute the spectra along each axis of the gradients, taken as arrays of a shape.

    Parameters
    ----------
    stream, slopes, checkpoints
        As for `gradient_spectra`.
    shape : tuple of int
        Of the gradients, whose entries are in C order.
    progress : callable, optional
        Called after each spectrum with how many there are.
    axes : sequence of int, optional
        Of which axes; all by default.

    Returns
    -------
    tuple of tuple of ndarray
        At each checkpoint t, for each axis: the eigenvalues of Σ_{s≤t} M_s M_sᵀ with M_s the
        gradient unfolded along the axis, in descending order.
    """
    axes = range(len(shape)) if axes is None else axes
    found = _spectra(_axis_covariances(stream, slopes, checkpoints, shape, axes), progress)
    return tuple(found[i : i + len(axes)] for i in range(0, len(found), len(axes)))


def _axis_covariances(stream, slopes, checkpoints, shape, axes) -> Iterator[np.ndarray]:
    """Yield at each checkpoint the covariance along each of the axes in turn."""
    covariances = [np.zeros((shape[axis], shape[axis])) for axis in axes]
    for gradients, due in _segments(stream, slopes, checkpoints):
        gradients = gradients.toarray() if sparse.issparse(gradients) else gradients
        tensors = gradients.reshape(-1, *shape)
        for axis, covariance in zip(axes, covariances, strict=True):
            columns = unfold(tensors, axis + 1)
            covariance += columns @ columns.T
        if due:
            yield from (covariance.copy() for covariance in covariances)


def _segments(stream, slopes: np.ndarray, checkpoints) -> Iterator[tuple[Any, bool]]:
    """Yield the gradients as rows, cut at the checkpoints, each with whether it ends at one.

    Those of sparse features are CSR arrays.
    """
    due, t = {int(c) for c in checkpoints}, 0
    for features, _ in stream.chunks(max(due, default=0)):
        n = features.shape[0]
        u = slopes[t : t + n]
        if sparse.issparse(features):
            gradients = scaled_rows(features, u)
        elif u.ndim == 1:
            gradients = u[:, None] * features
        else:
            gradients = (u[:, :, None] * features[:, None, :]).reshape(n, -1)
        ends = sorted({c - t for c in due if t < c < t + n} | {n})
        for first, last in pairwise([0, *ends]):
            yield gradients[first:last], t + last in due
        t += n


def _spectra(
    matrices: Iterator[np.ndarray], progress: Callable[[int], None] | None
) -> tuple[np.ndarray, ...]:
    """Return the eigenvalues of each matrix, a few matrices at a time.

    The caller limits BLAS to one thread: at these sizes a second one gains little, and on a busy
    machine threads that wait for each other in every reflection slow the reduction down a
    hundredfold.  Not here, where another thread may be importing a library: to list the libraries
    for their limits, and to load one, each waits for what the other holds.
    """
    found: list[np.ndarray] = []
    begun: deque[Future] = deque()

    def take() -> None:
        found.append(begun.popleft().result())
        if progress is not None:
            progress(len(found))

    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for matrix in matrices:
                begun.append(pool.submit(descending, matrix))
                if len(begun) > WAITING + WORKERS:
                    take()
            while begun:
                take()
        except BaseException:
            # Nobody waits for the others any more.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(found)


def descending(matrix: np.ndarray) -> np.ndarray:
    return np.maximum(np.linalg.eigvalsh(matrix)[::-1], 0.0)
