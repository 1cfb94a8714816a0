"""The rank-one eigenvalue update: the eigendecomposition of diag(λ) + z zᵀ.

Compiled, it solves the secular equation 1 + Σ z_j²/(λ_j − w) = 0 for each eigenvalue in O(n²)
altogether.  Uncompiled, its loops would cost more than LAPACK's O(n³), which then takes its place;
the two agree to a few roundings of the norm.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.linalg.blas import dsyr
from scipy.linalg.lapack import dsyevd

from oco.linalg.engine import ENGINE, kernel, summing_kernel

__all__ = ["rank_one_eigh", "secular_eigh"]

EPS = np.finfo(np.float64).eps
# Entries of the eigenproblem below this, relative to its norm, are dropped before it is solved: the
# constant of LAPACK's divide and conquer, which costs no more than the rounding of the input.
DEFLATION = 8 * EPS
# Rational iterations a root: 3 to 5 are typical and the bracket halves in each that misbehaves.
MAX_ITERATIONS = 100
# The iteration converges cubically: a step this small, relative to the distance from the nearer
# pole, leaves an error that is a rounding of it, and needs no confirmation.
LAST_STEP = 1e-6


def lapack_eigh(poles, z):
    """Decompose diag(poles) + z zᵀ as a dense matrix; see `rank_one_eigh`."""
    n = len(poles)
    # LAPACK's order is ascending: that of the negative matrix is the one wanted.
    negative = np.zeros((n, n), order="F")
    negative.ravel(order="F")[:: n + 1] = -poles
    negative = dsyr(-1.0, z, a=negative, lower=True, overwrite_a=True)
    values, vectors, failed = dsyevd(negative, lower=True, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError("the eigenvalues did not converge")
    return -values, vectors.T


@summing_kernel
def _sums(d, z2, origin, mu):
    """Sum z2_j/(d_j − w)^p at w = origin + μ, for p = 1, its absolute value, and p = 2 and 3."""
    total, size, slope, curvature = 0.0, 0.0, 0.0, 0.0
    for j in range(len(d)):
        inverse = 1 / ((d[j] - origin) - mu)
        term = z2[j] * inverse
        total += term
        size += abs(term)
        term *= inverse
        slope += term
        curvature += term * inverse
    return total, size, slope, curvature


@kernel
def _root(d, z2, i):
    """Solve for the i-th largest root of 1 + Σ z2_j/(d_j − w) = 0; poles d are descending.

    Returns the index of the nearer pole and the root's distance from it, which is accurate until
    the sum is 0 but for its rounding: the eigenvectors depend on the distances, not on the root.

    The iteration fits c + s/(d_a − w) + t/(d_b − w) to the function and its first two derivatives,
    where a and b are the poles on the two sides of the root, or for the largest root the two below:
    the cubically convergent iteration of W. B. Gragg (C. F. Borges, W. B. Gragg, *A parallel divide
    and conquer algorithm for the generalized real symmetric definite tridiagonal eigenproblem*,
    1993), safeguarded by bisection.  It starts in the middle between the poles.  The first fit is
    to the function alone, with the weights that the two poles have, and is solved for the distance
    itself: the derivatives in the middle tell nothing of a root that is much nearer to a pole.
    """
    n = len(d)
    if i == 0:
        # With a single pole this start is the root, and there is no other pole to look at.
        nearer, other, low, high = 0, 1, 0.0, z2.sum()
        mu = high
    else:
        nearer, other, low, high = i, i - 1, 0.0, d[i - 1] - d[i]
        mu = high / 2
    origin = d[nearer]
    for iteration in range(MAX_ITERATIONS):
        total, size, slope, curvature = _sums(d, z2, origin, mu)
        f = 1 + total
        if abs(f) <= EPS * n * (1 + size):
            break
        # f rises from −∞ at the pole below to +∞ at the one above, or to 1 beyond the largest.
        if f < 0:
            low = mu
        else:
            high = mu
        if iteration == 0 and i > 0 and f < 0:
            nearer, other = other, nearer
            origin, mu, low, high = d[nearer], -mu, -mu, 0.0
        gap = d[other] - origin
        a_gap, b_gap = -mu, gap - mu
        if iteration == 0:
            start = 0.0
            c = f - z2[nearer] / a_gap - z2[other] / b_gap
            a = c * gap + z2[nearer] + z2[other]
            b = z2[nearer] * gap
        else:
            start = mu
            c = f - (a_gap + b_gap) * slope + a_gap * b_gap * curvature
            a = (a_gap + b_gap) * f - a_gap * b_gap * slope
            b = a_gap * b_gap * f
        root = math.sqrt(abs(a * a - 4 * b * c))
        # Of the two zeros of c η² − a η + b: the smaller between the poles, the larger beyond them.
        if i == 0:
            top, bottom = (a + root, 2 * c) if a > 0 else (2 * b, a - root)
        else:
            top, bottom = (2 * b, a + root) if a > 0 else (a - root, 2 * c)
        following = start + top / bottom if bottom != 0.0 else low
        if not low < following < high:
            following = (low + high) / 2
        done = iteration > 0 and abs(following - mu) <= LAST_STEP * abs(mu)
        mu = following
        if done:
            break
    return nearer, mu


@kernel
def _deflate(d, z, tolerance, live, rotations):
    """Drop entries of z, and merge poles, that do not matter at `tolerance`; in place.

    Fills `live` with the indices that stay and `rotations` with rows (p, i, c, s); returns how many
    of each.
    """
    kept, turned = 0, 0
    for i in range(len(d)):
        if abs(z[i]) <= tolerance:
            z[i] = 0.0
            continue
        if kept:
            p = live[kept - 1]
            square = z[p] * z[p] + z[i] * z[i]
            if (d[p] - d[i]) * abs(z[p] * z[i]) <= tolerance * square:
                # A rotation in the plane (p, i) moves all of z to i.
                length = math.sqrt(square)
                c, s = z[i] / length, z[p] / length
                z[p], z[i] = 0.0, length
                # c² + s² is 1 but for rounding, which over many rotations would move a pole past
                # the next; the sum of the two is kept instead.
                moved = s * s * (d[p] - d[i])
                d[p], d[i] = d[p] - moved, d[i] + moved
                rotations[turned, 0], rotations[turned, 1] = p, i
                rotations[turned, 2], rotations[turned, 3] = c, s
                turned += 1
                kept -= 1
        live[kept] = i
        kept += 1
    return kept, turned


@kernel
def _differences(d, r, origin, mu, row, nearby):
    """Fill `row` with d_j − w_r, w_r = origin + μ, and multiply ẑ_j² with its factor of r."""
    for j in range(len(d)):
        row[j] = (d[j] - origin) - mu
        gap = d[j] - d[r]
        nearby[j] *= row[j] / (gap if j != r else 1.0)


@summing_kernel
def _unit(z, row):
    """Replace `row` by z ÷ row, at unit length."""
    square = 0.0
    for j in range(len(row)):
        row[j] = z[j] / row[j]
        square += row[j] * row[j]
    scale = 1 / math.sqrt(square)
    for j in range(len(row)):
        row[j] *= scale


@kernel
def _undeflated(d, z):
    """Decompose diag(d) + z zᵀ for distinct descending poles and a z without zeros.

    The eigenvectors are those of a nearby z for which the computed roots are exact (M. Gu,
    S. C. Eisenstat, SIAM J. Matrix Anal. Appl. 15, 1994): orthogonal to rounding however close the
    roots are.
    """
    n = len(d)
    values, rows, z2 = np.empty(n), np.empty((n, n)), z * z
    # ẑ_j² = Π_r (w_r − d_j)/(d_r − d_j), where the factor r = j has no denominator.
    nearby = np.ones(n)
    for r in range(n):
        nearer, mu = _root(d, z2, r)
        values[r] = d[nearer] + mu
        _differences(d, r, d[nearer], mu, rows[r], nearby)
    for j in range(n):
        nearby[j] = math.copysign(math.sqrt(abs(nearby[j])), z[j])
    for r in range(n):
        _unit(nearby, rows[r])
    return values, rows


@kernel
def secular_eigh(poles, z):
    """Decompose diag(poles) + z zᵀ by its secular equation; see `rank_one_eigh`."""
    n = len(poles)
    scale = max(np.abs(poles).max(), np.dot(z, z))
    if scale == 0.0:
        return np.zeros(n), np.eye(n)
    d, u = poles / scale, z / math.sqrt(scale)
    live, rotations = np.zeros(n, dtype=np.int64), np.zeros((n, 4))
    kept, turned = _deflate(d, u, DEFLATION, live, rotations)
    if kept == n:
        values, vectors = _undeflated(d, u)
        return scale * values, vectors
    live = live[:kept]
    values, vectors = np.zeros(n), np.zeros((n, n))
    values[:kept], rows = _undeflated(d[live], u[live])
    for j in range(kept):
        vectors[:kept, live[j]] = rows[:, j]
    r = kept
    for i in range(n):
        if u[i] == 0.0:
            values[r] = d[i]
            vectors[r, i] = 1.0
            r += 1
    for turn in range(turned - 1, -1, -1):
        p, i = int(rotations[turn, 0]), int(rotations[turn, 1])
        c, s = rotations[turn, 2], rotations[turn, 3]
        for r in range(n):
            at_p, at_i = vectors[r, p], vectors[r, i]
            vectors[r, p] = c * at_p + s * at_i
            vectors[r, i] = c * at_i - s * at_p
    order = np.argsort(-values)
    return scale * values[order], vectors[order]


_eigh = secular_eigh if ENGINE == "numba" else lapack_eigh


@kernel
def rank_one_eigh(poles, z):
    """Decompose diag(poles) + z zᵀ = Q diag(w) Qᵀ.

    Parameters
    ----------
    poles : ndarray of shape (n,)
        λ, in descending order.
    z : ndarray of shape (n,)
        The vector of the update.

    Returns
    -------
    w : ndarray of shape (n,)
        Eigenvalues, in descending order.
    Qt : ndarray of shape (n, n)
        Qᵀ: the orthonormal eigenvectors in its rows, in the same order.

    Examples
    --------
    >>> w, Qt = rank_one_eigh(np.array([3.0, 0.0]), np.array([0.0, 2.0]))
    >>> w
    array([4., 3.])
    """
    return _eigh(poles, z)
