"""Frequent Directions of sparse rows: steps in the small space that sketch and rows span."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular

from oco.linalg.rounding import UNIT
from oco.sketch.absorbed import NOISE, PER_BLOCK, TINY
from oco.sketch.blocks import absorb_block, hold
from oco.sketch.kernels import accumulate, extend
from oco.sketch.rows import SparseBlock
from oco.sketch.state import NAMES, State, allocate, views

__all__ = ["absorb_sparse", "rows_at_once"]

# What stays as it is where a sketch takes over the numbers of another of its size.
SHAPES = ("d", "capacity", "m", "q")
# Squared lengths of nearly orthogonal rows that are closer than this, relatively, leave Cholesky's
# decomposition of their Gram matrix enough digits for a second to put the rest right.
CLOSE = 1e-10


def rows_at_once(d: int, k: int) -> int:
    """Return how many sparse rows to take together.

    For b of them an eigenproblem costs b³, and the dense sketch, turned once, k²d: per row they
    come to the least where b³ is about k²d.
    """
    return max(2 * k, min(int((4.0 * k * k * d) ** (1 / 3)), d))


def absorb_sparse(state: State, rows, *, decay: float, together: bool) -> float:
    r"""Absorb the rows S of a CSR array, one after the other or in one step.

    Parameters
    ----------
    state : State
        The sketch Ḡ = Uᵀ diag(λ̄) U, which is changed.
    rows : csr_array of shape (b, d)
        Finite, without duplicates; their squares and tr G stay finite.
    decay : float
        β, of each step.
    together : bool
        Whether it is one step.

    Returns
    -------
    float
        What this may have rounded beside what dense steps do, in the spectral norm.

    Notes
    -----
    With M = [diag(λ̄)^{1/2} U; S] and M Mᵀ = E Λ Eᵀ, the rows of E Λ^{1/2} are those of M in an
    orthonormal basis of their span, q + b numbers each: there the steps are taken, exactly as for
    dense rows.  What comes of them, C, has C ⪯ Λ whatever escapes, so that the rows of
    C^{1/2} Λ^{-1/2} Eᵀ, which turn M into a factor of the new Ḡ, are no longer than 1: nothing is
    divided by what is small.  Only that factor is dense; its directions are taken anew.
    """
    numbers, d, k = state.numbers, int(state.numbers["d"]), int(state.numbers["k"])
    held = int(numbers["q"])
    factor = np.sqrt(state.values[:held])[:, None] * state.basis.rows()
    block = SparseBlock(rows, None, False)
    gram = block.gram(factor)
    masses = gram.diagonal()[held:]
    trace = float(np.trace(gram))
    doubt = PER_BLOCK * UNIT * math.sqrt(max(len(gram), d)) * (2 * trace + float(numbers["total"]))
    doubt += (len(gram) + 1) * d * TINY
    coordinates, back = _coordinates(gram, d, k)
    small = allocate(coordinates.shape[1], k, decay)
    inner = views(small)
    start = np.linalg.qr(coordinates[:held].T)[0].T if held else coordinates[:0]
    signs = np.where(np.einsum("ij,ij->i", start, coordinates[:held]) < 0, -1.0, 1.0)
    hold(inner, state.values[:held], signs[:, None] * start)
    for name in NAMES:
        if name not in SHAPES:
            inner.numbers[name] = numbers[name]
    total = float(numbers["total"]), float(numbers["rest"])
    if together:
        total = accumulate(*total, decay, float(masses.sum()))
        absorb_block(inner, coordinates[held:], decay, len(masses), total)
    else:
        for mass in masses:
            total = accumulate(*total, decay, float(mass))
        rows = np.ascontiguousarray(coordinates[held:])
        extend(small, rows, np.einsum("ij,ij->i", rows, rows))
    inner.numbers["total"], inner.numbers["rest"] = total
    _hand_back(state, inner, block, factor, back)
    return doubt


def _coordinates(gram: np.ndarray, d: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return E Λ^{1/2}, of k columns or more, and Λ^{-1/2} Eᵀ, without what is rounding."""
    trace = float(np.trace(gram))
    values, vectors = eigh(gram / (trace or 1.0), driver="evd")
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = int(np.count_nonzero(values > NOISE * UNIT * math.sqrt(max(len(gram), d))))
    roots = np.sqrt(trace) * np.sqrt(values[:kept])
    coordinates = np.zeros((len(gram), max(kept, k)))
    coordinates[:, :kept] = vectors[:, :kept] * roots
    back = np.zeros((max(kept, k), len(gram)))
    back[:kept] = (vectors[:, :kept] / roots).T
    return coordinates, back


def _hand_back(state: State, inner: State, block, factor: np.ndarray, back: np.ndarray) -> None:
    """Turn the sketch into what came of the steps in the small space."""
    q = int(inner.numbers["q"])
    turns = np.sqrt(inner.values[:q])[:, None] * inner.basis.rows() @ back
    values, directions = _spectral(block.combine(factor, turns))
    hold(state, values, directions)
    for name in NAMES:
        if name not in SHAPES:
            state.numbers[name] = inner.numbers[name]
    state.numbers["corrected"] = state.numbers["rows"]


def _spectral(factor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the eigenvalues of FᵀF, descending, and orthonormal eigenvectors as rows.

    From two Cholesky decompositions of small Gram matrices, which is accurate where lengths are not
    too far apart (Yamamoto, Nakatsukasa, Yanagisawa, Fukaya, *Roundoff error analysis of the
    CholeskyQR2 algorithm*, ETNA 44, 2015); from Householder's reflections otherwise.
    """
    gram = factor @ factor.T
    lengths = gram.diagonal()
    if len(gram) and lengths.min() > CLOSE * lengths.max():
        first = cholesky(gram, lower=True)
        basis = solve_triangular(first, factor, lower=True)
        second = cholesky(basis @ basis.T, lower=True)
        left, singular, _ = np.linalg.svd((first @ second).T)
        turn = solve_triangular(second, left, lower=True, trans="T").T
    else:
        q, r = np.linalg.qr(factor.T)
        left, singular, _ = np.linalg.svd(r)
        basis, turn = q.T, left.T
    kept = np.count_nonzero(singular > max(len(gram), 1) * 2 * UNIT * singular.max(initial=0.0))
    return singular[:kept] ** 2, turn[:kept] @ basis
