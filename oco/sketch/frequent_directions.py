"""Frequent Directions with the escaped mass, exact after every row."""

from __future__ import annotations

import copy
import math

import numpy as np
from scipy import sparse

from oco import checks, marks
from oco.cores import one_blas_thread
from oco.linalg.lengths import squared_length
from oco.linalg.low_rank import FactoredBasis, LowRankPlusScalar
from oco.sketch import accuracy, guarantees
from oco.sketch.blocks import absorb_block, absorb_sketch, grown_trace, squared_lengths
from oco.sketch.brackets import Bracket
from oco.sketch.kernels import append
from oco.sketch.rows import require_finite_trace, single_row, summable_rows
from oco.sketch.state import allocate, packed, size, unpacked, views
from oco.sketch.steps import extend_dense, extend_sparse, update_sparse

__all__ = ["FrequentDirections"]


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
    state : State
        The sketch's own arrays, which the next step changes.
    blurred : float
        What sparse rows may have rounded beside what dense ones do: a part of `rounding`.

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
        self.blurred = 0.0
        self.memory = allocate(self.d, self.k, self.decay)
        self.state = views(self.memory)

    def __getstate__(self) -> dict:
        """Return what a copy or a pickle is made of: the same under either engine."""
        return {**self.__dict__, "memory": packed(self.memory), "state": None}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self.memory = unpacked(state["memory"])
        self.state = views(self.memory)

    @property
    def rows(self) -> int:
        """How many rows have been absorbed."""
        return int(self.state.numbers["rows"])

    @property
    def escaped_mass(self) -> float:
        """τ_t = β τ_{t−1} + ρ_t, in the units of the squared rows; ρ_{1:t} when β = 1."""
        return float(self.state.numbers["escaped"])

    @property
    def last_escape(self) -> float:
        """ρ_t of the last step."""
        return float(self.state.numbers["last"])

    @property
    def total_mass(self) -> float:
        """The trace tr G_t."""
        return float(self.state.numbers["total"])

    @property
    def rounding(self) -> float:
        """What rounding may have added up to: the r to which P1 to P5 hold (see `guarantees`)."""
        return accuracy.rounded(self.state.numbers) + self.blurred

    @property
    def mass_outside(self) -> float:
        """A bound on tr G − tr P G, for the projection P on the sketch's directions."""
        return accuracy.mass_outside(self.state, self.rounding, self.blurred)

    @property
    def rank(self) -> int:
        """Number of directions held, at most k − 1."""
        return int(self.state.numbers["q"])

    @property
    def eigenvalues(self) -> np.ndarray:
        """Eigenvalues λ̄ of the sketch, descending, of shape (rank,)."""
        return self.state.values[: self.rank].copy()

    @property
    def basis(self) -> FactoredBasis:
        """The sketch's eigenvectors as W and V: a view that the next step changes."""
        return self.state.basis

    @property
    def directions(self) -> np.ndarray:
        """The sketch's eigenvectors in orthonormal rows, of shape (rank, d)."""
        return self.basis.rows()

    @property
    def state_bytes(self) -> int:
        """Memory that the sketch holds, in bytes."""
        return 8 * size(self.d, self.k)

    def append(self, row) -> np.ndarray:
        """Absorb one row.

        Parameters
        ----------
        row : array_like of shape (d,), or sparse matrix of shape (1, d)
            g_t; a sparse one saves no time here, but in `extend`.

        Returns
        -------
        ndarray of shape (rank,)
            The row's coordinates in the *updated* eigenvectors.

        Raises
        ------
        TypeError, ValueError
            If it holds no real numbers, the shape is wrong, or the row, its squared length or the
            sum of all squared lengths is not finite; the sketch is then unchanged.

        Notes
        -----
        A row whose squared length is below the smallest normal number, 2.2e-308, counts as zero.

        A loop over many rows is faster, where BLAS has several threads, inside
        `oco.cores.one_blas_thread`, as `extend` is.
        """
        row = single_row("row", row, self.d)
        mass = squared_length("row", row)
        require_finite_trace("row", self.decay * float(self.state.numbers["total"]) + mass)
        return append(self.memory, row, mass)

    @one_blas_thread()
    def extend(self, rows) -> None:
        """Absorb the rows of an array, or sparse matrix, of shape (n, d) one after the other.

        Sparse rows are taken some hundreds at a time in the small space that they span with the
        sketch, to the same end: one costs O(k·nnz) products, and its share of O(dk²) for them all.

        Raises
        ------
        TypeError, ValueError
            If they are no real numbers, the shape is wrong, or an entry or a squared length is not
            finite; then no row has been absorbed.
        """
        if sparse.issparse(rows):
            rows = summable_rows("rows", rows, self.d, self.total_mass)
            for blurred in extend_sparse(self.memory, rows, self.blurred):
                self.blurred = blurred
            return
        rows = np.ascontiguousarray(checks.matrix("rows", rows, self.d))
        if np.may_share_memory(rows, self.state.frame):
            # Directions of this sketch, which the steps turn.
            rows = rows.copy()
        added = squared_lengths("rows", rows)
        if not math.isfinite(self.total_mass + added):
            # Decay may still make room for the next row.
            for row in rows:
                self.append(row)
            return
        extend_dense(self.memory, rows)

    @one_blas_thread()
    def update(self, matrix) -> None:
        """Absorb MᵀM in one step, for the rows of M, of shape (n, d), which may be sparse.

        The rule is the same with M's Gram matrix in the place of g gᵀ: one decay, one deflation.

        Raises
        ------
        TypeError, ValueError
            If they are no real numbers, the shape is wrong, or an entry or the sum of all squares
            is not finite; the sketch is then unchanged.
        """
        if sparse.issparse(matrix):
            matrix = summable_rows("matrix", matrix, self.d, self.total_mass)
            mass = float(np.square(matrix.data).sum())
            total = grown_trace("matrix", self.state, self.decay, mass)
            doubt = update_sparse(self.memory, matrix, total)
            self.blurred = self.decay * self.blurred + doubt
            return
        matrix = checks.matrix("matrix", matrix, self.d)
        total = grown_trace("matrix", self.state, self.decay, squared_lengths("matrix", matrix))
        absorb_block(self.state, matrix, self.decay, len(matrix), total)

    @one_blas_thread()
    def merge(self, other: FrequentDirections) -> None:
        """Absorb another sketch, so that the guarantees hold for both streams together.

        Parameters
        ----------
        other : FrequentDirections
            With the same d, k and decay, of a stream that ends at the same time; it is left as it
            is.

        Raises
        ------
        TypeError, ValueError
            If `other` is no sketch, or its d, k or decay differ.
        """
        if not isinstance(other, FrequentDirections):
            raise TypeError(f"other: expected a FrequentDirections, got {type(other).__name__}")
        if (other.d, other.k, other.decay) != (self.d, self.k, self.decay):
            raise ValueError(
                f"other: expected a sketch with d={self.d}, k={self.k} and decay={self.decay:g}, "
                f"got d={other.d}, k={other.k} and decay={other.decay:g}"
            )
        absorb_sketch(self.state, other.state)
        self.blurred += other.blurred

    def escaped_mass_limit_range(self, size: int | None = None) -> tuple[float, float]:
        """Bound Ω_ℓ(G) for a sketch size ℓ, this one's if not given; rounding is allowed for.

        Returns
        -------
        lower, upper : float
            See `oco.sketch.escaped_mass_limit_range`.

        Raises
        ------
        TypeError, ValueError
            If `size` is no integer ≥ 1.

        Examples
        --------
        >>> sketch = FrequentDirections(d=9, k=3)
        >>> sketch.extend([[2.0] + 8 * [0.0]])
        >>> low, high = sketch.escaped_mass_limit_range()
        >>> low, high < 1e-20
        (0.0, True)
        """
        return self.bracket().escaped_mass_limit(
            self.k if size is None else checks.integer("size", size, low=1)
        )

    def bracket(self) -> Bracket:
        """Return what the sketch proves about tr G^{1/2}, λ_1 and Ω; rounding is allowed for."""
        return Bracket(
            self.eigenvalues,
            self.escaped_mass,
            self.total_mass,
            self.rounding,
            count=min(self.d, max(self.rows, self.rank)),
            outside=self.mass_outside,
        )

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
            for each rank, each with its margin, and with `rounding` and that of G in its slack;
            see `oco.sketch.guarantees`.

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
            self.rounding,
        )

    def __copy__(self) -> FrequentDirections:
        """Return a sketch that goes on by itself: what a shallow copy shares, a step changes."""
        return copy.deepcopy(self)

    def __repr__(self) -> str:
        return (
            f"FrequentDirections(d={self.d}, k={self.k}, decay={self.decay:g}: {self.rows} rows, "
            f"rank {self.rank}, escaped mass {self.escaped_mass:.4g} of {self.total_mass:.4g})"
        )
