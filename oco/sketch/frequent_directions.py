"""Frequent Directions with the escaped mass, exact after every row."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.linalg.operators import FactoredBasis, LowRankPlusScalar
from oco.sketch import guarantees
from oco.sketch.kernels import absorb, fold, orthonormalise, solve_root

__all__ = ["FrequentDirections"]

# Rows between two corrections of the rounding drift, a few ε a row: often enough to keep it
# below 1e-13, and rare enough to cost nothing.
CORRECT_EVERY = 256
# Singular values of a block at or below this, relative to the largest, are rounding noise of the
# decomposition and not directions.
BLOCK_RANK = 1e-13
# Below the smallest normal number a squared length has lost its digits: normalising by it would
# give a direction that is not of unit length.  Such a row (‖g‖ < 1.5e-154) counts as zero.
SMALLEST_MASS = float(np.finfo(np.float64).tiny)


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
    rows : int
        How many rows have been absorbed.
    escaped_mass : float
        τ_t = β τ_{t−1} + ρ_t, in the units of the squared rows; ρ_{1:t} when β = 1.
    last_escape : float
        ρ_t of the last step.
    total_mass : float
        tr G_t.
    eigenvalues : ndarray of shape (rank,)
        Eigenvalues λ̄ of the sketch Ḡ, descending.

    Raises
    ------
    TypeError, ValueError
        If a parameter is outside its range.

    Notes
    -----
    One step is C = β Ḡ + g gᵀ; ρ = λ_ℓ(C); Ḡ = the top ℓ eigenpairs of C with ρ subtracted.
    Then 0 ⪯ G − Ḡ ⪯ τ I and τ ≤ min_{j<ℓ} Σ_{i>j} λ_i(G)/(ℓ − j); see `guarantees`.

    The eigenvectors are kept as W V with V a frame of at most ℓ + max(7, ℓ/2) orthonormal rows of
    length d.
    A step multiplies by V three times and rotates only W, in O(ℓ²) to O(ℓ³) operations free of d;
    every ≥ ℓ/2 steps W is folded into V.  The step is nevertheless exact, not a buffered
    approximation: it equals the dense definition to rounding after each row.

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
        capacity = min(self.k - 1 + max(8, self.k // 2), self.d)
        self.rows = 0
        self.escaped_mass = 0.0
        self.last_escape = 0.0
        self.total_mass = 0.0
        self._frame = np.zeros((capacity, self.d))
        self._rotation = np.zeros((self.k, capacity))
        self._values = np.zeros(self.k)
        self._coordinates = np.zeros(self.k)
        self._m = self._q = self._corrected = 0

    @property
    def rank(self) -> int:
        """Number of directions held, at most k − 1."""
        return self._q

    @property
    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues λ̄ of the sketch, descending, of shape (rank,)."""
        return self._values[: self._q].copy()

    @property
    def basis(self) -> FactoredBasis:
        """The sketch's eigenvectors as W and V: a view that the next step changes."""
        rotation = np.ascontiguousarray(self._rotation[: self._q, : self._m])
        return FactoredBasis(rotation, self._frame[: self._m])

    @property
    def directions(self) -> np.ndarray:
        """The sketch's eigenvectors in orthonormal rows, of shape (rank, d)."""
        return self.basis.rows()

    @property
    def state_bytes(self) -> int:
        """Memory that the sketch holds, in bytes."""
        arrays = (self._frame, self._rotation, self._values, self._coordinates)
        return sum(array.nbytes for array in arrays)

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
        """
        row = np.ascontiguousarray(row, dtype=np.float64)
        if row.shape != (self.d,):
            raise ValueError(f"row: expected a vector of shape ({self.d},), got shape {row.shape}")
        return self.absorb(row, checks.squared_length("row", row))

    def absorb(self, row: np.ndarray, mass: float) -> np.ndarray:
        """Do what `append` does, for a caller that has checked the row.

        Parameters
        ----------
        row : ndarray of shape (d,)
            Finite, float64 and C-contiguous.
        mass : float
            ‖row‖².

        Returns
        -------
        ndarray of shape (rank,)
            The row's coordinates in the *updated* eigenvectors; valid until the next step.
        """
        self._add_mass("row", self.decay * self.total_mass + mass)
        self.rows += 1
        if mass < SMALLEST_MASS:
            self._values *= self.decay
            self.escaped_mass *= self.decay
            self.last_escape = 0.0
            self._coordinates[:] = 0.0
            return self._coordinates[: self._q]
        if self.rows - self._corrected >= CORRECT_EVERY:
            orthonormalise(self._frame, self._rotation, self._m, self._q)
            fold(self._frame, self._rotation, self._m, self._q)
            self._m, self._corrected = self._q, self.rows
        elif self._m == len(self._frame) < self.d:
            fold(self._frame, self._rotation, self._m, self._q)
            self._m = self._q
        self._m, self._q, escape = absorb(
            self._frame,
            self._rotation,
            self._values,
            self._m,
            self._q,
            self.decay,
            row,
            self._coordinates,
        )
        # A NumPy scalar where the kernel is not compiled; a number of Python's in either case.
        self.last_escape = float(escape)
        self.escaped_mass = self.decay * self.escaped_mass + self.last_escape
        return self._coordinates[: self._q]

    def solve_root(
        self, row: np.ndarray, shift: float, delta: float
    ) -> tuple[np.ndarray, float, np.ndarray]:
        """Apply the pseudo-inverse of H = (Ḡ + σI)^{1/2} + δI to the row absorbed last.

        Parameters
        ----------
        row : ndarray of shape (d,)
            As it was given to `absorb`.
        shift, delta : float
            σ, δ ≥ 0.

        Returns
        -------
        roots : ndarray of shape (rank,)
            H's eigenvalues on the sketch's eigenvectors.
        tail : float
            Its eigenvalue on all other directions.
        solution : ndarray of shape (d,)
            H⁺g.
        """
        return solve_root(
            self._frame,
            self._rotation,
            self._values,
            self._m,
            self._q,
            self._coordinates,
            shift,
            delta,
            row,
        )

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
        self._add_mass("matrix", self.decay * self.total_mass + _mass("matrix", matrix))
        self.rows += len(matrix)
        self.escaped_mass *= self.decay
        self._absorb_block(matrix, self.decay)

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
        self._add_mass("other", self.total_mass + other.total_mass)
        rows = np.sqrt(other.eigenvalues)[:, None] * other.directions
        self.rows += other.rows
        self.escaped_mass += other.escaped_mass
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

    def _add_mass(self, name: str, total: float) -> None:
        """Take the new trace of G, which bounds every number in the sketch, unless it overflows."""
        if not math.isfinite(total):
            raise ValueError(f"{name}: expected a finite sum of squares of all rows, got {total}")
        self.total_mass = total

    def _absorb_block(self, block: np.ndarray, decay: float) -> None:
        """One step with the decomposition of the stacked factors: O((rank + n)² d)."""
        factor = np.sqrt(decay * self._values[: self._q])[:, None] * self.directions
        _, singular, vectors = np.linalg.svd(np.vstack([factor, block]), full_matrices=False)
        singular = singular[singular > BLOCK_RANK * singular.max(initial=0.0)]
        values = singular**2
        self.last_escape = float(values[self.k - 1]) if len(values) >= self.k else 0.0
        self._q = self._m = min(len(values), self.k - 1)
        self._corrected = self.rows
        self._values[:] = 0.0
        self._values[: self._q] = values[: self._q] - self.last_escape
        self._frame[: self._q] = vectors[: self._q]
        self._rotation[:] = 0.0
        np.fill_diagonal(self._rotation[: self._q, : self._q], 1.0)
        self.escaped_mass += self.last_escape


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
