"""Frequent Directions with the escaped mass, exact after every row."""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg import eigh

from oco import checks, marks
from oco.cores import one_blas_thread
from oco.linalg.operators import FactoredBasis, LowRankPlusScalar
from oco.sketch import guarantees
from oco.sketch.kernels import append
from oco.sketch.state import (
    CORRECTED,
    DECAY,
    ESCAPED,
    FOLLOWED,
    LAST,
    ROWS,
    TOTAL,
    M,
    Q,
    State,
    allocate,
    numbers,
    packed,
    unpacked,
    views,
)

__all__ = ["FrequentDirections"]

# Eigenvalues of a block at or below this, relative to the largest, are rounding noise of the
# decomposition (a few ε, growing slowly with its size) and not directions.
BLOCK_RANK = 1e-13


@marks.sketch
class FrequentDirections:
    r"""A sketch of G = Σ β^{T−t} g_t g_tᵀ in O(dk) memory, with the mass that escaped it.

    Parameters
    ----------
    d : int
        Length of the rows, ≥ 1.
    k : int
        Sketch size ℓ, from 2 to d + 1; at most ℓ − 1 directions are kept.
    decay : float
        β in (0, 1]: each step multiplies the covariance, and the escaped mass, by it.

    Attributes
    ----------
    d, k, decay
        As given.
    memory : ndarray or State
        The sketch, as compiled kernels take it: see `oco.sketch.state.unpack`.

    Raises
    ------
    TypeError, ValueError
        If a parameter is outside its range.

    Notes
    -----
    One step is C = β Ḡ + g gᵀ; ρ = λ_ℓ(C); Ḡ = the top ℓ eigenpairs of C with ρ subtracted.
    Then 0 ⪯ G − Ḡ ⪯ τ I and τ ≤ min_{j<ℓ} Σ_{i>j} λ_i(G)/(ℓ − j); see `guarantees`.

    The eigenvectors are kept as W V, with V at most ℓ + max(7, ℓ/2) rows of length d: eigenvectors
    of some steps ago, and the rows that have come since.  A step multiplies V once with a vector
    and rotates only W, in O(ℓ²) to O(ℓ³) operations free of d; every ≥ ℓ/2 steps W is folded into
    V.  The step is nevertheless exact, not a buffered approximation: it equals the dense definition
    to rounding after each row.

    References
    ----------
    .. [1] M. Ghashami, E. Liberty, J. M. Phillips, D. P. Woodruff, *Frequent Directions: simple and
       deterministic matrix sketching*, SIAM J. Comput. 45 (2016).
    .. [2] V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
       regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764.

    Examples
    --------
    >>> sketch = FrequentDirections(d=3, k=2)
    >>> sketch.extend([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> sketch.eigenvalues, sketch.escaped_mass
    (array([3.]), 1.0)
    """

    def __init__(self, d: int, k: int, decay: float = 1.0) -> None:
        self.d = checks.integer("d", d, low=1)
        self.k = checks.integer("k", k, low=2, high=self.d + 1)
        self.decay = checks.number("decay", decay, above=0, high=1)
        self.memory = allocate(self.d, self.k)
        self.state.numbers[DECAY] = self.decay

    def __getstate__(self) -> dict:
        """Return what a copy or a pickle is made of: the same under either engine."""
        return self.__dict__ | {"memory": packed(self.memory)}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state, memory=unpacked(state["memory"]))

    @property
    def state(self) -> State:
        """The sketch's own arrays, which the next step changes."""
        return views(self.memory)

    @property
    def rows(self) -> int:
        """How many rows have been absorbed."""
        return int(self.state.counts[ROWS])

    @property
    def escaped_mass(self) -> float:
        """τ_t = β τ_{t−1} + ρ_t, in the units of the squared rows; ρ_{1:t} when β = 1."""
        return float(numbers(self.memory)[ESCAPED])

    @property
    def last_escape(self) -> float:
        """ρ_t of the last step."""
        return float(numbers(self.memory)[LAST])

    @property
    def total_mass(self) -> float:
        """The trace tr G_t."""
        return float(numbers(self.memory)[TOTAL])

    @property
    def rank(self) -> int:
        """Number of directions held, at most k − 1."""
        return int(self.state.counts[Q])

    @property
    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues λ̄ of the sketch, descending, of shape (rank,)."""
        return self.state.values[: self.rank].copy()

    @property
    def basis(self) -> FactoredBasis:
        """The sketch's eigenvectors as W and V: a view that the next step changes."""
        state = self.state
        m, q = state.counts[M], state.counts[Q]
        return FactoredBasis(np.ascontiguousarray(state.rotation[:q, :m]), state.frame[:m])

    @property
    def directions(self) -> np.ndarray:
        """The sketch's eigenvectors in orthonormal rows, of shape (rank, d)."""
        return self.basis.rows()

    @property
    def state_bytes(self) -> int:
        """Memory that the sketch holds, in bytes."""
        return sum(array.nbytes for array in self.state)

    def append(self, row) -> np.ndarray:
        """Absorb one row.

        Parameters
        ----------
        row : array_like of shape (d,)
            g_t.

        Returns
        -------
        ndarray of shape (rank,)
            The row's coordinates in the *updated* eigenvectors.

        Raises
        ------
        ValueError
            If the shape is wrong, or the row, its squared length or the sum of all squared lengths
            is not finite; the sketch is then unchanged.

        Notes
        -----
        A row whose squared length is below the smallest normal number, 2.2e-308, counts as zero.

        A loop over many rows is faster, where BLAS has several threads, inside
        `oco.cores.one_blas_thread`, as `extend` is.
        """
        row = np.ascontiguousarray(row, dtype=np.float64)
        if row.shape != (self.d,):
            raise ValueError(f"row: expected a vector of shape ({self.d},), got shape {row.shape}")
        mass = checks.squared_length("row", row)
        self._require_finite("row", self.decay * self.total_mass + mass)
        return append(self.memory, row, mass)

    @one_blas_thread()
    def extend(self, rows) -> None:
        """Absorb the rows of an array of shape (n, d) one after the other.

        Raises
        ------
        ValueError
            If the shape is wrong, or an entry or a squared length is not finite; then no row has
            been absorbed.
        """
        rows = checks.matrix("rows", rows, self.d)
        _mass("rows", rows)
        for row in rows:
            self.append(row)

    @one_blas_thread()
    def update(self, matrix) -> None:
        """Absorb MᵀM in one step, for the rows of M, of shape (n, d).

        The rule is the same with M's Gram matrix in the place of g gᵀ: one decay, one deflation.

        Raises
        ------
        ValueError
            If the shape is wrong, or an entry or the sum of all squares is not finite; the sketch
            is then unchanged.
        """
        matrix = checks.matrix("matrix", matrix, self.d)
        total = self.decay * self.total_mass + _mass("matrix", matrix)
        self._require_finite("matrix", total)
        self.state.numbers[TOTAL] = total
        self.state.counts[ROWS] += len(matrix)
        self.state.numbers[ESCAPED] *= self.decay
        self._absorb_block(matrix, self.decay)

    @one_blas_thread()
    def merge(self, other: FrequentDirections) -> None:
        """Absorb another sketch, so that the guarantees hold for both streams together.

        Parameters
        ----------
        other : FrequentDirections
            With the same d and k; it is left as it is.

        Raises
        ------
        TypeError, ValueError
            If `other` is no sketch, or its d or k differ.
        """
        if not isinstance(other, FrequentDirections):
            raise TypeError(f"other: expected a FrequentDirections, got {type(other).__name__}")
        if (other.d, other.k) != (self.d, self.k):
            raise ValueError(
                f"other: expected a sketch with d={self.d} and k={self.k}, "
                f"got d={other.d} and k={other.k}"
            )
        total = self.total_mass + other.total_mass
        self._require_finite("other", total)
        rows = np.sqrt(other.eigenvalues)[:, None] * other.directions
        self.state.numbers[TOTAL] = total
        self.state.counts[ROWS] += other.rows
        self.state.numbers[ESCAPED] += other.escaped_mass
        self._absorb_block(rows, 1.0)

    def covariance(self) -> LowRankPlusScalar:
        """Return Ḡ as an operator; later steps do not change it."""
        return LowRankPlusScalar.of(self.directions, self.eigenvalues)

    def compensated_covariance(self) -> LowRankPlusScalar:
        """Return G̃ = Ḡ + τ I ⪰ G as an operator; later steps do not change it."""
        return LowRankPlusScalar.of(
            self.directions, self.eigenvalues + self.escaped_mass, self.escaped_mass
        )

    def guarantees(self, covariance) -> tuple[guarantees.Guarantee, ...]:
        """Hold the sketch against the exact covariance of the same stream.

        Parameters
        ----------
        covariance : array_like of shape (d, d)
            The exact G_t (with the same decay).

        Returns
        -------
        tuple of Guarantee
            P1 under- and over-estimation, P2 domination, P3 escaped mass, P4 trace, P5 projection
            for each rank, each with its margin; see `oco.sketch.guarantees`.

        Examples
        --------
        >>> rows = np.random.default_rng(0).standard_normal((50, 6))
        >>> sketch = FrequentDirections(d=6, k=3)
        >>> sketch.extend(rows)
        >>> all(guarantee.holds for guarantee in sketch.guarantees(rows.T @ rows))
        True
        """
        return guarantees.check(
            checks.matrix("covariance", covariance, self.d),
            self.directions,
            self.eigenvalues,
            self.escaped_mass,
            self.k,
        )

    def __repr__(self) -> str:
        return (
            f"FrequentDirections(d={self.d}, k={self.k}, decay={self.decay:g}: {self.rows} rows, "
            f"rank {self.rank}, escaped mass {self.escaped_mass:.4g} of {self.total_mass:.4g})"
        )

    @staticmethod
    def _require_finite(name: str, total: float) -> None:
        """Refuse what would make the trace of G, which bounds all that is kept, overflow."""
        if not math.isfinite(total):
            raise ValueError(f"{name}: expected a finite sum of squares of all rows, got {total}")

    def _absorb_block(self, block: np.ndarray, decay: float) -> None:
        """One step with the decomposition of the stacked factors."""
        factor = np.sqrt(decay * self.eigenvalues)[:, None] * self.directions
        values, vectors = _leading(np.vstack([factor, block]), self.k)
        rho = values[self.k - 1] if len(values) == self.k else 0.0
        q = min(len(values), self.k - 1)
        state = self.state
        for array in (state.values, state.rotation, state.gram, state.coordinates, state.inside):
            array[:] = 0.0
        state.values[:q] = values[:q] - rho
        state.frame[:q] = vectors[:q]
        np.fill_diagonal(state.rotation[:q, :q], 1.0)
        np.fill_diagonal(state.gram[:q, :q], 1.0)
        state.counts[M] = state.counts[Q] = q
        state.counts[CORRECTED] = state.counts[ROWS]
        # V is another: its image of a vector is lost.
        state.counts[FOLLOWED] = -1
        state.numbers[LAST] = rho
        state.numbers[ESCAPED] += rho


def _leading(rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `count` largest eigenvalues of MᵀM, without rounding noise, and eigenvectors.

    From the smaller of M Mᵀ and MᵀM; in the first case, what rounding left of one vector in another
    is removed by a QR decomposition.  The eigenvectors are rows.
    """
    scale = np.abs(rows).max(initial=0.0)
    if not scale:
        return np.zeros(0), np.zeros((0, rows.shape[1]))
    rows = rows / scale
    wide = len(rows) < rows.shape[1]
    gram = rows @ rows.T if wide else rows.T @ rows
    size = len(gram)
    values, vectors = eigh(gram, subset_by_index=(max(size - count, 0), size - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = np.count_nonzero(values > BLOCK_RANK * values[0])
    values, vectors = values[:kept], vectors[:, :kept]
    if wide:
        vectors, _ = np.linalg.qr(rows.T @ vectors)
    return scale**2 * values, vectors.T


def _mass(name: str, rows: np.ndarray) -> float:
    """Return the sum of squares of finite rows, none of which may overflow alone."""
    with np.errstate(over="ignore"):
        squares = np.einsum("ij,ij->i", rows, rows)
        total = float(squares.sum())
    overflowing = np.flatnonzero(np.isinf(squares))
    if len(overflowing):
        raise ValueError(
            f"{name}: expected finite squared lengths, got inf (overflow) for row {overflowing[0]}"
        )
    return total
