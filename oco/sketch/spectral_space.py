"""The small space that a sketch and any sparse rows span, known by their Gram matrix alone."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular

from oco.linalg.rounding import UNIT
from oco.sketch.absorbed import NOISE, PER_BLOCK, TINY
from oco.sketch.blocks import hold
from oco.sketch.rows import SparseBlock
from oco.sketch.state import State, allocate, copy_numbers, views

__all__ = ["SpectralSpace"]

# Squared lengths of nearly orthogonal rows that are closer than this, relatively, leave Cholesky's
# decomposition of their Gram matrix enough digits for a second to put the rest right.
CLOSE = 1e-10


class SpectralSpace:
    r"""Rows S of a CSR array and a sketch Ḡ = Uᵀ diag(λ̄) U, however near to each other they lie.

    Parameters
    ----------
    state : State
        The sketch's.
    rows : csr_array of shape (b, d)
        S: finite, each place once; their squares and tr G stay finite.

    Attributes
    ----------
    count : int
        How many rows there are: b.
    masses : ndarray of shape (b,)
        Their squared lengths.
    coordinates : ndarray of shape (b, n)
        The rows in an orthonormal basis.

    Notes
    -----
    With M = [diag(λ̄)^{1/2} U; S] and M Mᵀ = E Λ Eᵀ, the rows of E Λ^{1/2} are those of M in an
    orthonormal basis of their span, q + b numbers each.  What comes of the sketch there, C, has
    C ⪯ Λ whatever escapes, so that the rows of C^{1/2} Λ^{-1/2} Eᵀ, which turn M into a factor of
    the new Ḡ, are no longer than 1: nothing is divided by what is small.  Only that factor is
    dense; its directions are taken anew.  Accurate to rounding of tr G, where `Embedding` is to
    that of each row; a vector beside the sketch has no coordinates here.
    """

    def __init__(self, state: State, rows) -> None:
        self._state, d, k = state, rows.shape[1], int(state.numbers["k"])
        self._held = held = int(state.numbers["q"])
        self._factor = np.sqrt(state.values[:held])[:, None] * state.basis.rows()
        self._block = SparseBlock(rows, None, False)
        gram = self._block.gram(self._factor)
        size, trace = max(len(gram), d), float(np.trace(gram))
        self.count, self.masses = rows.shape[0], gram.diagonal()[held:].copy()
        self._doubt = PER_BLOCK * UNIT * math.sqrt(size) * 2 * trace + (len(gram) + 1) * d * TINY
        values, vectors = eigh(gram / (trace or 1.0), driver="evd")
        # What is below this may be rounding alone: it is left out, and accounted for above.
        kept = int(np.count_nonzero(values > NOISE * UNIT * math.sqrt(size)))
        roots = np.sqrt(trace) * np.sqrt(values[::-1][:kept])
        vectors = vectors[:, ::-1][:, :kept]
        self._all = np.zeros((len(gram), max(kept, k)))
        self._all[:, :kept] = vectors * roots
        self._back = np.zeros((max(kept, k), len(gram)))
        self._back[:kept] = (vectors / roots).T
        self.coordinates = np.ascontiguousarray(self._all[held:])

    def sketch(self, decay: float):
        """Return the memory of the sketch in these coordinates."""
        held, own = self._held, self._all[: self._held]
        small = allocate(own.shape[1], int(self._state.numbers["k"]), decay)
        inner = views(small)
        start = np.linalg.qr(own.T)[0].T if held else own
        signs = np.where(np.einsum("ij,ij->i", start, own) < 0, -1.0, 1.0)
        hold(inner, self._state.values[:held], signs[:, None] * start)
        copy_numbers(self._state, inner)
        return small

    def hand_back(self, small) -> float:
        """Turn the sketch into what came of it here; return what that may have rounded of G."""
        inner, q = views(small), int(views(small).numbers["q"])
        turns = np.sqrt(inner.values[:q])[:, None] * inner.basis.rows() @ self._back
        hold(self._state, *_spectral(self._block.combine(self._factor, turns)))
        before = float(self._state.numbers["total"])
        copy_numbers(inner, self._state)
        self._state.numbers["corrected"] = self._state.numbers["rows"]
        root = math.sqrt(max(len(self._all), self._state.frame.shape[1]))
        return self._doubt + PER_BLOCK * UNIT * root * before


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
