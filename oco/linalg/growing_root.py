"""The square root of a covariance that grows by a vector at a time, seldom decomposed."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import kernel
from oco.linalg.operators import Dense, SpectralOperator, resolve_rank
from oco.linalg.orthogonal import split
from oco.linalg.quadrature import NODES, WEIGHTS, damped_weights, root_rule
from oco.linalg.resolvents import Resolvents
from oco.linalg.travel import Travelling

__all__ = ["GrowingRoot"]

# The rules hold for eigenvalues from LEAST to GREATEST times the largest one at the last
# decomposition, which is far above the cut-off of `resolve_rank`.  Below LEAST the definition
# itself, computed in floating point, is not certain to 1e-8.
LEAST, GREATEST = 1e-10, 64.0
# Half the nodes do where no multiplier comes in: this rule errs by 6e-13.
PLAIN_NODES, PLAIN_WEIGHTS = root_rule(45, LEAST, GREATEST)
# The other holds for multipliers up to √GREATEST·LONGEST, which is enough for points at most
# LONGEST times longer than the radius: μ ≤ λ_max(H) (‖y‖/R − 1).
LONGEST = 100.0
# Eigenvectors whose eigenvalues were cut off are not kept, though a direction that comes in later
# may overlap them.  That is allowed while it changes the new eigenvalue by at most this share.
NEGLECTED = 1e-8
# A point counts as in the range of G if its part outside is at most this long, relatively; what
# rounding alone puts there is much shorter.
OUTSIDE = 1e-11
# How far the projection's length may exceed R, relatively: a few roundings of the rule.
NORM_ACCURACY = 1e-14
# Up to this dimension a decomposition costs less than a product with the resolvents.
SMALL = 48
# Least and most terms between two decompositions: with about so many, the terms cost as much as a
# decomposition; each takes memory.
FEWEST, MOST = 16, 100
# If Q has at most this share of d directions, G is decomposed on their span only; with more, the
# rotation of Q costs as much as is saved.
ROTATED = 0.75
# Below this norm of G⁻¹ the two decompositions agree to better than 1e-9.
WELL_CONDITIONED = 1e6
# Rows of G that, with as many more numbers, fit into a processor's second cache at d = 1000.
BLOCK = 64


class GrowingRoot(Travelling, SpectralOperator):
    r"""H = G^{1/2} for G = Σ g gᵀ, equal to the definition by a decomposition of G for each g.

    Parameters
    ----------
    dim : int
        d.
    capacity : int, optional
        Terms between two eigendecompositions, at least 2 (a vector that brings a direction takes
        two); 0 decomposes G for each vector.  The default is about the fastest.
    projecting : bool
        Whether to be fast in projections too, for which twice the nodes are needed.

    Notes
    -----
    At a decomposition G = Q diag(λ) Qᵀ the eigenvalues above the cut-off of `resolve_rank` and
    their eigenvectors are kept.  From then on G = Q (diag(λ) + C Cᵀ) Qᵀ, with the coordinates of
    the new vectors in the columns of C and the directions that they bring appended to Q.
    `oco.linalg.quadrature` turns the resolvents of the matrix in the middle into H⁻¹g and into
    projections, at O(d² + N d j) a vector.

    The rule knows no cut-off, so it is used only where the definition would cut nothing off.  A
    vector is absorbed without a decomposition if

    - ‖G⁻¹‖, on the span of Q, is at most 1/LEAST, and 1 + Σ‖g‖² at most GREATEST, in units of
      the largest eigenvalue at the last decomposition: hence all eigenvalues lie where the rule is
      accurate, and above the cut-off.  The norm shrinks with a vector in the span.  With one that
      brings a direction e_r, the block of G⁻¹ on the span of before stays what it was (its inverse
      is a Schur complement, in which the vector cancels), and the norm of a matrix ⪰ 0 is at most
      the sum of those of its diagonal blocks: it grows by at most e_rᵀG⁻¹e_r;
    - what was cut off then is negligible in a direction that comes in now.

    Rounding: a sum behind the resolvent at σ cancels by at most λ/(σ + LEAST) for an eigenvalue λ
    and adds √σ/λ, up to constants, to 1/√λ: a relative error of ε (GREATEST/LEAST)^{1/2} = 2e-10.
    Beside it stands the error ε‖G‖ of a decomposition, which the definition has too and which 1/λ
    multiplies: with eigenvalues near LEAST the two agree to about 1e-8, as each does with H⁻¹g.

    In all other rounds G is decomposed.  So a covariance whose eigenvalues fall through the cut-off
    costs a decomposition a vector.  Where only the number of terms has reached the capacity and the
    rank is low, it is enough to decompose diag(λ) + C Cᵀ and rotate Q.

    Examples
    --------
    >>> root = GrowingRoot(2)
    >>> root.absorb(np.array([3.0, 4.0]))
    array([0.6, 0.8])
    >>> root.sum()
    5.0
    """

    multiplicities: np.ndarray

    def __init__(self, dim: int, capacity: int | None = None, *, projecting: bool = True) -> None:
        if capacity is None:
            capacity = 0 if dim <= SMALL else min(max(dim // 5, FEWEST), MOST)
        self.dim = dim
        self.multiplicities = np.ones(dim)
        self._gram = np.zeros((dim, dim))
        self._rows = np.zeros((max(capacity, 1), dim))
        self._count = 0
        self._frame = np.zeros((dim if capacity else 0, dim))
        self._projecting = projecting
        nodes, self._weights = (NODES, WEIGHTS) if projecting else (PLAIN_NODES, PLAIN_WEIGHTS)
        self._resolvents = Resolvents(nodes**2, dim if capacity else 0, capacity)
        self._capacity = capacity
        # The largest eigenvalue at the last decomposition; below, all is in its units.
        self._unit = 0.0
        self._cut_off, self._largest, self._inverse_norm = 0.0, 1.0, math.inf
        self._spectrum: Dense | None = Dense(np.eye(dim), np.zeros(dim))

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        spectrum = self._spectrum.vectors.nbytes if self._spectrum else 0
        arrays = (self._gram, self._rows, self._frame)
        return sum(array.nbytes for array in arrays) + self._resolvents.nbytes + spectrum

    def absorb(self, g: np.ndarray) -> np.ndarray:
        """Add g gᵀ to G, for g of shape (d,); return H⁻¹ g (pseudo-inverse)."""
        if not g.any():
            return np.zeros(self.dim)
        self._rows[self._count] = g
        self._count += 1
        self._spectrum = None
        if not self._extend(g):
            return self._decompose().power(-1) @ g
        inverse_root = self._resolvents.solve_newest(self._weights)
        return inverse_root @ self._frame[: len(inverse_root)]

    def project_on_ball(self, y, radius):
        """Return argmin_{‖x‖ ≤ R} (x − y)ᵀ H (x − y), of shape (d,)."""
        if self._spectrum is None and self._projecting:
            x = self._project_on_ball(y, radius)
            if x is not None:
                return x
        return self._exact().project_on_ball(y, radius)

    @property
    def values(self) -> np.ndarray:
        """Eigenvalues of H."""
        return self._exact().values

    def decompose(self, v):
        """Split `v` along the eigenvectors."""
        return self._exact().decompose(v)

    def dense(self):
        """Return H as a matrix."""
        return self._exact().dense()

    def map(self, f):
        """Return f(H), which later vectors do not change."""
        return self._exact().map(f)

    def trace(self) -> float:
        """Return tr H without the eigenvectors."""
        if self._spectrum is not None:
            return self._spectrum.sum()
        values, _ = resolve_rank(np.linalg.eigvalsh(self._covariance()))
        return float(np.sqrt(values).sum())

    def _covariance(self) -> np.ndarray:
        return _with_outer_products(self._gram, self._rows[: self._count])

    def _exact(self) -> Dense:
        """Return H with all its eigenvectors; what `absorb` goes by stays as it is."""
        if self._spectrum is None:
            self._spectrum = Dense.of(self._covariance()).power(0.5)
        return self._spectrum

    def _decompose(self) -> Dense:
        """Start anew from the eigenvectors of G; return H."""
        self._gram, self._count = self._covariance(), 0
        values, vectors = np.linalg.eigh(self._gram)
        resolved, _ = resolve_rank(values)
        root = self._spectrum = Dense(vectors, resolved).power(0.5)
        self._unit = resolved[-1]
        if not self._capacity or self._unit == 0:
            return root
        kept = resolved > 0
        self._cut_off = np.abs(values[~kept]).max(initial=0.0) / self._unit
        self._frame[: kept.sum()] = vectors[:, kept].T
        self._restart(resolved[kept] / self._unit)
        return root

    def _rotate(self) -> None:
        """Start anew from the eigenvectors of G on the span of Q: decomposes r × r numbers only."""
        self._gram, self._count = self._covariance(), 0
        values, vectors = np.linalg.eigh(self._resolvents.matrix())
        frame = self._frame[: len(values)]
        frame[:] = vectors.T @ frame
        self._unit *= values[-1]
        self._cut_off /= values[-1]
        self._restart(values / values[-1])

    def _restart(self, eigenvalues: np.ndarray) -> None:
        """Set G = Q diag(λ) Qᵀ, in its new unit."""
        self._largest = 1.0
        self._inverse_norm = 1 / eigenvalues.min()
        self._resolvents.restart(eigenvalues)

    def _extend(self, g: np.ndarray) -> bool:
        """Add g to the terms; tell whether the rule is then exact for G."""
        resolvents, r = self._resolvents, self._resolvents.size
        if self._inverse_norm > 1 / LEAST:
            return False
        if resolvents.terms + 2 > self._capacity:
            if r > ROTATED * self.dim or self._inverse_norm > WELL_CONDITIONED:
                return False
            self._rotate()
        length = math.sqrt(self._unit)
        if r == self.dim:
            coordinates, rest = self._frame @ g, 0.0
        else:
            coordinates, rest, direction = split(self._frame[:r], g)
        coordinates /= length
        rest /= length
        self._largest += coordinates @ coordinates + rest * rest
        if self._largest > GREATEST:
            return False
        if rest == 0:
            resolvents.append(coordinates)
            return True
        # The new diagonal element of G bounds its smallest eigenvalue from above.
        if rest * rest < LEAST:
            return False
        self._frame[r] = direction
        inverse = resolvents.append_direction(np.append(coordinates, rest))
        self._inverse_norm += inverse
        return self._inverse_norm <= 1 / LEAST and self._cut_off * inverse <= NEGLECTED

    def _project_on_ball(self, y: np.ndarray, radius: float) -> np.ndarray | None:
        """Project by the rule; None where it is not exact.

        With R_n = (G + s_n² I)⁻¹ y the projection is x(μ) = y − μ(H + μI)⁻¹ y = y − Σ w_n(μ) R_n,
        and μ the root of ‖x(μ)‖ = R.
        """
        frame = self._frame[: self._resolvents.size]
        coordinates = frame @ y
        if len(frame) < self.dim:
            outside = y - coordinates @ frame
            if outside @ outside > OUTSIDE**2 * (y @ y):
                return None
        coordinates /= radius
        if coordinates @ coordinates > LONGEST**2:
            return None
        resolved = self._resolvents.solve(coordinates)
        mu, x, length = 0.0, coordinates, math.sqrt(coordinates @ coordinates)
        while length - 1 > NORM_ACCURACY:
            shift, slope = np.stack(damped_weights(mu)) @ resolved
            x = coordinates - shift
            square = x @ x
            length = math.sqrt(square)
            mu += (length - 1) * (square / (x @ slope))
        return radius * (x @ frame)


@kernel
def _with_outer_products(gram, rows):
    """Return the lower triangle of gram + Σ g gᵀ, rounded as by adding one term after the other.

    Eigenvalues near the cut-off depend on the last bits of G.  So that they fall on the same side
    as by the definition, the terms are not summed by a matrix product first.
    """
    result = gram.copy()
    for start in range(0, len(gram), BLOCK):
        stop = start + BLOCK
        block = result[start:stop, :stop]
        for k in range(len(rows)):
            block += np.outer(rows[k, start:stop], rows[k, :stop])
    return result
