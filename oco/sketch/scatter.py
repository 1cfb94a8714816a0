"""Frequent Directions of a stream's scatter about its mean, block by block, in one pass."""

from __future__ import annotations

import copy

import numpy as np
from scipy import sparse

from oco import checks
from oco.cores import one_blas_thread
from oco.sketch.absorbed import DEFLATED, Absorbed
from oco.sketch.rows import joined, sparse_rows
from oco.sketch.spectrum import ScatterSpectrum

__all__ = ["ScatterSketch"]

FLOATS = (np.float32, np.float64)
# Rows absorbed at a time, in units of the sketch size: a decomposition costs least per row where
# the block is a little longer than the sketch, and more rows let less mass escape.
BLOCK = 1.5
# What a sketch that is far from full is taken for, in units of what it holds.
FILLING = 2, 64
# Numbers that a block may hold whatever the sketch size, as calls cost more than they compute.
FEW = 1 << 16
# A sparse block costs the memory of its entries: longer ones fold the dense sketch less often.
SPARSE_BLOCK = 8


class ScatterSketch:
    r"""A sketch of S = Σ w_i (x_i − μ)(x_i − μ)ᵀ in O(dℓ) memory, with the mass that escaped it.

    Parameters
    ----------
    d : int
        Length of the rows, ≥ 1.
    size : int
        ℓ from 2 to d + 1; at most ℓ − 1 directions are kept, or more if `error` asks for them.
    decay : float
        β in (0, 1]: a row of weight w multiplies the weights of all before it by β^w, and counts
        itself as w rows in turn, 1 + β + … + β^(w−1).
    center : bool
        Whether μ is the weighted mean of all rows; it is 0 otherwise.
    error : float, optional
        From 0 to below 1: the sketch grows so that min(j·τ, tr S − tr S̄) ≤ error·tr S always, j
        being `components`.
    components : int, optional
        How many directions `error` is about; by default all, with tr S − tr S̄ to be bounded.
    block : int, optional
        Rows absorbed at a time; 3ℓ/2 by default, more where they are short or sparse.
    deflated : int
        One in so many directions is deflated, the last of them; with 1 all are.

    Attributes
    ----------
    d, size, decay, center, error, components, deflated
        As given; `size` grows.
    rows : int
        Rows seen, of weight 0 too.

    Raises
    ------
    TypeError, ValueError
        If a parameter is outside its range.

    Notes
    -----
    A block with weight w_b, mean b and scatter S_b about it turns S into

        S + S_b + (W w_b/(W + w_b)) (b − μ)(b − μ)ᵀ,

    so that the centred scatter is itself a stream of rows, and Frequent Directions of that stream
    keeps 0 ⪯ S − S̄ ⪯ τ I.  With C the right side for S̄ in place of S: ρ = λ_ℓ(C), S̄ becomes C's
    top ℓ eigenpairs, the last fifth of them (or what `deflated` says) less ρ, and τ grows by ρ.
    S̄ = FᵀF is kept as F, whose Gram matrix is taken anew each time: what rounding does to the
    orthogonality of its rows does not add up.

    To deflate a fifth alone [2]_ costs the bound on τ that factor, with a = ⌈ℓ/5⌉ in place of ℓ,
    τ ≤ min_{j<a} Σ_{i>j} λ_i/(a − j) without decay; the leading directions, which nothing is then
    taken from, are found 10 to 100 times as well.

    Rows are absorbed in blocks that do not depend on how they are handed in; those that wait are
    seen to by `spectrum`.

    References
    ----------
    .. [1] M. Ghashami, E. Liberty, J. M. Phillips, D. P. Woodruff, *Frequent Directions: simple and
       deterministic matrix sketching*, SIAM J. Comput. 45 (2016).
    .. [2] A. Desai, M. Ghashami, J. M. Phillips, *Improved practical matrix sketching with
       guarantees*, IEEE Transactions on Knowledge and Data Engineering 28 (2016).
    .. [3] T. F. Chan, G. H. Golub, R. J. LeVeque, *Algorithms for computing the sample variance*,
       The American Statistician 37 (1983).

    Examples
    --------
    >>> sketch = ScatterSketch(d=3, size=4)
    >>> sketch.extend(np.array([[5.0, 1.0, 7.0], [7.0, 1.0, 7.0]]))
    >>> sketch.extend(np.array([[6.0, 4.0, 7.0]]))
    >>> spectrum = sketch.spectrum()
    >>> spectrum.eigenvalues.round(12), spectrum.escaped_mass, spectrum.mean
    (array([6., 2.]), 0.0, array([6., 2., 7.]))
    """

    def __init__(
        self,
        d: int,
        size: int,
        *,
        decay: float = 1.0,
        center: bool = True,
        error: float | None = None,
        components: int | None = None,
        block: int | None = None,
        deflated: int = DEFLATED,
    ) -> None:
        self.d = checks.integer("d", d, low=1)
        size = checks.integer("size", size, low=2, high=self.d + 1)
        self.decay = checks.number("decay", decay, above=0, high=1)
        self.center = bool(center)
        self.error = None if error is None else checks.number("error", error, low=0, below=1)
        self.components = (
            None if components is None else checks.integer("components", components, low=1)
        )
        self.block = None if block is None else checks.integer("block", block, low=1)
        self.deflated = checks.integer("deflated", deflated, low=1)
        self.rows = 0
        self._absorbed = Absorbed(
            self.d, size, self.decay, self.center, self.error, self.components, self.deflated
        )
        self._waiting: list = []
        self._cached: ScatterSpectrum | None = None

    @one_blas_thread()
    def extend(self, rows, weights=None) -> None:
        """Absorb rows.

        Parameters
        ----------
        rows : array_like or sparse matrix of shape (n, d)
            A sparse matrix is never made dense.
        weights : array_like of shape (n,), optional
            w_i ≥ 0; 1 by default.  A row of weight 0 counts as seen and does nothing else.

        Raises
        ------
        TypeError, ValueError
            If they are no finite real numbers, a weight is negative, or a shape is wrong; nothing
            has then been absorbed.
        """
        if sparse.issparse(rows):
            rows = sparse_rows("rows", rows, self.d)
        else:
            # Float32 becomes float64 a block at a time.  A sum that is finite spares the search for
            # an entry that is not.
            rows = np.asarray(rows)
            with np.errstate(all="ignore"):
                plain = rows.dtype in FLOATS and rows.ndim == 2 and rows.shape[1] == self.d
                plain = plain and bool(np.isfinite(np.sum(rows)))
            if not plain:
                rows = checks.matrix("rows", rows, self.d)
        count = rows.shape[0]
        if weights is not None:
            weights = checks.vector("weights", weights, count)
            if (weights < 0).any():
                raise ValueError(f"weights: expected numbers >= 0, got {weights.min():g}")
            kept = np.flatnonzero(weights)
            if len(kept) < count:
                rows, weights = rows[kept], weights[kept]
        self.rows += count
        self._cached = None
        self._wait_for(rows, weights)

    @one_blas_thread()
    def flush(self) -> None:
        """Absorb the rows that wait for more of them to fill a block."""
        if self._waiting:
            rows, weights = joined(self._waiting)
            self._waiting = []
            self._absorbed.absorb(rows, weights)

    @one_blas_thread()
    def merge(self, other: ScatterSketch) -> None:
        """Absorb another sketch, so that the guarantees hold for the rows of both.

        Parameters
        ----------
        other : ScatterSketch
            With the same d, decay and centring, of a stream that ends at the same time; it is left
            as it is.

        Raises
        ------
        TypeError, ValueError
            If `other` is no such sketch.
        """
        if not isinstance(other, ScatterSketch):
            raise TypeError(f"other: expected a ScatterSketch, got {type(other).__name__}")
        same = ("d", "decay", "center")
        for name in same:
            if getattr(self, name) != getattr(other, name):
                raise ValueError(
                    f"other: expected a sketch with {name} = {getattr(self, name)}, "
                    f"got {getattr(other, name)}"
                )
        other = other.copy()
        other.flush()
        self.flush()
        self._cached = None
        self.rows += other.rows
        self._absorbed.merge(other._absorbed)

    def append_stream(self, other: ScatterSketch) -> None:
        """Absorb a sketch of rows that came after this one's: all before them decay."""
        self.flush()
        other = other.copy()
        other.flush()
        self._absorbed.age(other._absorbed.elapsed)
        self.merge(other)

    def copy(self) -> ScatterSketch:
        """Return a sketch that goes on by itself; arrays are replaced and never changed."""
        result = copy.copy(self)
        result._absorbed = copy.copy(self._absorbed)
        result._waiting = list(self._waiting)
        return result

    @one_blas_thread()
    def spectrum(self) -> ScatterSpectrum:
        """Return what is known of S after all rows; the sketch is left as it is."""
        if self._cached is None:
            seen = self.copy() if self._waiting else self
            seen.flush()
            self._cached = seen._absorbed.spectrum(self.rows)
        return self._cached

    @property
    def size(self) -> int:
        """ℓ, as given or as large as `error` has made it."""
        return self._absorbed.size

    @property
    def state_bytes(self) -> int:
        """Memory that the sketch and the rows that wait hold, in bytes."""
        held = sum(
            rows.data.nbytes if sparse.issparse(rows) else rows.nbytes for rows, _ in self._waiting
        )
        absorbed = self._absorbed
        return absorbed.factor.nbytes + absorbed.mean.nbytes + absorbed.rest.nbytes + held

    def __repr__(self) -> str:
        return (
            f"ScatterSketch(d={self.d}, size={self.size}, decay={self.decay:g}: {self.rows} rows)"
        )

    def _block_rows(self, rows) -> int:
        """Return how many rows fill a block."""
        if self.block is not None:
            return self.block
        size = min(self.size, max(FILLING[0] * len(self._absorbed.factor), FILLING[1]))
        if sparse.issparse(rows):
            return SPARSE_BLOCK * size
        return max(int(BLOCK * size), FEW // self.d)

    def _wait_for(self, rows, weights) -> None:
        """Absorb as many full blocks as there are, and let the other rows wait."""
        if self._waiting and sparse.issparse(self._waiting[0][0]) != sparse.issparse(rows):
            self.flush()
        waiting = sum(part.shape[0] for part, _ in self._waiting)
        start = 0
        while waiting + rows.shape[0] - start >= self._block_rows(rows):
            stop = start + self._block_rows(rows) - waiting
            part = rows[start:stop], None if weights is None else weights[start:stop]
            block = joined([*self._waiting, part])
            self._waiting, waiting, start = [], 0, stop
            self._absorbed.absorb(*block)
        if start < rows.shape[0]:
            # Copied: the caller may write to them.
            rest = rows[start:].astype(np.float64, copy=True)
            self._waiting.append((rest, None if weights is None else weights[start:].copy()))
