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

from oco.linalg.engine import ENGINE, inlined_kernel, kernel, summing_kernel
from oco.linalg.products import inner

__all__ = ["EPS", "rank_one_eigh", "secular_eigh"]

EPS = float(np.finfo(np.float64).eps)
# An entry of z is dropped, and two poles are merged, where that changes the matrix by at most this,
# relative to ‖z‖².  LAPACK's divide and conquer compares with the norm of the whole matrix: of a
# small z it would drop all, and over many such updates what it drops would add up.
DEFLATION = EPS
# Entries of z below this are dropped in any case, once the largest number is scaled to about 1: a
# root lies about z_j² from its pole, and a division by that distance cubed must not overflow.
SMALLEST_WEIGHT = 1e-60
# Rational iterations: 3 to 5 are typical, and the bracket halves in each that misbehaves.
MAX_ITERATIONS = 100
# The iteration converges cubically: a step this small, relative to the distance from the nearer
# pole, leaves an error that is a rounding of it, and needs no confirmation.
LAST_STEP = 1e-6


def lapack_eigh(poles, z):
    """Decompose diag(poles) + z zᵀ as a dense matrix; see `rank_one_eigh`."""
    n = len(poles)
    # LAPACK's eigenvalues ascend: those of the negative matrix, negated, descend.
    negative = np.zeros((n, n), order="F")
    negative.ravel(order="F")[:: n + 1] = -poles
    negative = dsyr(-1.0, z, a=negative, lower=True, overwrite_a=True)
    values, vectors, failed = dsyevd(negative, lower=True, overwrite_a=True)
    if failed:
        raise np.linalg.LinAlgError("the eigenvalues did not converge")
    return -values, vectors.T


@summing_kernel
def secular_sums(d, z2, origin, mu):
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
def _zero_of_fit(a, b, c):
    """Return the zero of c η² − a η + b that lies between the poles, if one does."""
    root = math.sqrt(abs(a * a - 4 * b * c))
    top, bottom = (2 * b, a + root) if a > 0 else (a - root, 2 * c)
    return top / bottom if bottom != 0.0 else math.inf


@kernel
def _choose_poles(poles, weights, f, gap, low, high, origin, mu):
    """Choose the pole that each root is nearer to, and a first guess of its distance from there.

    A root lies between two poles, and the sign of f in their middle tells in which half.  The guess
    is the zero of the function that has the two poles with their weights, and the value f in the
    middle; derivatives in the middle would tell nothing of a root that is much nearer to a pole.
    `gap` is the distance between the poles; afterwards it has a sign, from the nearer to the other.
    """
    for i in range(len(f)):
        upper = f[i] < 0
        above, below, half = weights[i], weights[i + 1], gap[i] / 2
        near, far, half = (above, below, -half) if upper else (below, above, half)
        lowest, highest = (half, 0.0) if upper else (0.0, half)
        c = f[i] + (near - far) / half
        fit = _zero_of_fit(2 * half * c + near + far, 2 * half * near, c)
        # Only rounding can put it outside.
        mu[i] = min(max(fit, lowest), highest)
        origin[i] = poles[i] if upper else poles[i + 1]
        gap[i], low[i], high[i] = 2 * half, lowest, highest


@kernel
def _improve(f, slope, curvature, gap, low, high, mu):
    """Take one step of the iteration for each root; one that is found gets an empty bracket."""
    for i in range(len(f)):
        at = mu[i]
        # f rises from −∞ at the pole below to +∞ at the one above.
        lowest, highest = (at, high[i]) if f[i] < 0 else (low[i], at)
        both, product = gap[i] - 2 * at, at * (at - gap[i])
        c = f[i] - both * slope[i] + product * curvature[i]
        fit = at + _zero_of_fit(both * f[i] - product * slope[i], product * f[i], c)
        # In the bracket, and not at the pole itself.
        fits = (lowest <= fit) & (fit <= highest) & (fit != 0.0)
        mu[i] = fit if fits else (lowest + highest) / 2
        last = fits & (abs(fit - at) <= LAST_STEP * abs(at))
        low[i], high[i] = (fit, fit) if last else (lowest, highest)


@kernel
def secular_roots(d, z2):
    """Solve for the roots of 1 + Σ z2_j/(d_j − w) = 0, largest first; poles d are descending.

    Returns for each root the nearer of the poles on its two sides, and its distance from that: it
    is accurate until the sum is 0 but for its rounding, as the eigenvectors depend on the distances
    and not on the roots.  Above the largest root there is a pole without weight.

    The iteration fits c + s/(d_a − w) + t/(d_b − w), with the poles a and b on the two sides, to
    the function and its first two derivatives: the cubically convergent iteration of W. B. Gragg
    (C. F. Borges, W. B. Gragg, *A parallel divide and conquer algorithm for the generalized real
    symmetric definite tridiagonal eigenproblem*, 1993), safeguarded by bisection.  It starts in the
    middle.  All roots take a step at a time, so that none has to wait for another's result.
    """
    n = len(d)
    ends, work = np.empty((2, n + 1)), np.empty((8, n))
    poles, weights, origin, mu, gap = ends[0], ends[1], work[0], work[1], work[2]
    f, slope, curvature, low, high = work[3], work[4], work[5], work[6], work[7]
    poles[0], weights[0] = d[0], 0.0
    np.positive(d, poles[1:])
    np.positive(z2, weights[1:])
    for i in range(n):
        gap[i] = d[i - 1] - d[i] if i > 0 else 2 * z2.sum()
        f[i] = 1 + secular_sums(d, z2, d[i], gap[i] / 2)[0]
    # The largest root is at most d_0 + Σ z2, the middle: f is at least 0 there, but for rounding.
    f[0] = max(f[0], 0.0)
    _choose_poles(poles, weights, f, gap, low, high, origin, mu)
    if f[0] < 0.5:
        # A second lower bound, better where it is the larger: that of all weight at one pole.
        mu[0] = max(mu[0], gap[0] / 2 * (1 - 2 * f[0]) / (1 - f[0]))
    for _ in range(MAX_ITERATIONS):
        finished = True
        for i in range(n):
            # An empty bracket keeps a root where it is, whatever its step.
            if low[i] < high[i]:
                total, size, slope[i], curvature[i] = secular_sums(d, z2, origin[i], mu[i])
                f[i] = 1 + total
                if abs(f[i]) <= EPS * n * (1 + size):
                    low[i] = high[i] = mu[i]
                else:
                    finished = False
        if finished:
            break
        _improve(f, slope, curvature, gap, low, high, mu)
    return origin, mu


@kernel
def _deflate(d, z, live, rotations):
    """Set entries of z to 0 and merge poles where that changes z zᵀ by a rounding; in place.

    Fills `live` with the indices that stay and `rotations` with rows (p, i, c, s); returns how many
    of each.
    """
    kept, turned = 0, 0
    least = max(DEFLATION * math.sqrt(inner(z, z)), SMALLEST_WEIGHT)
    for i in range(len(d)):
        if abs(z[i]) <= least:
            z[i] = 0.0
            continue
        if kept:
            p = live[kept - 1]
            square = z[p] * z[p] + z[i] * z[i]
            if (d[p] - d[i]) * abs(z[p] * z[i]) <= DEFLATION * square * square:
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


@kernel
def _unit(z, row):
    """Replace `row` by z ÷ row, at unit length."""
    for j in range(len(row)):
        row[j] = z[j] / row[j]
    scale = 1 / math.sqrt(inner(row, row))
    for j in range(len(row)):
        row[j] *= scale


@inlined_kernel
def _undeflated(d, z):
    """Decompose diag(d) + z zᵀ for distinct descending poles and a z without zeros.

    The eigenvectors are those of a nearby z for which the computed roots are exact (M. Gu,
    S. C. Eisenstat, SIAM J. Matrix Anal. Appl. 15, 1994): orthogonal to rounding however close the
    roots are.
    """
    n = len(d)
    values, rows = np.empty(n), np.empty((n, n))
    origin, mu = secular_roots(d, z * z)
    # ẑ_j² = Π_r (w_r − d_j)/(d_r − d_j), where the factor r = j has no denominator.
    nearby = np.ones(n)
    for r in range(n):
        values[r] = origin[r] + mu[r]
        _differences(d, r, origin[r], mu[r], rows[r], nearby)
    for j in range(n):
        nearby[j] = math.copysign(math.sqrt(abs(nearby[j])), z[j])
    for r in range(n):
        _unit(nearby, rows[r])
    return values, rows


@kernel
def _sort(values, rows):
    """Bring values into descending order and their rows along, in place: few are out of place."""
    for i in range(1, len(values)):
        value, row, j = values[i], rows[i].copy(), i
        while j > 0 and values[j - 1] < value:
            values[j] = values[j - 1]
            np.positive(rows[j - 1], rows[j])
            j -= 1
        if j < i:
            values[j] = value
            np.positive(row, rows[j])


@kernel
def secular_eigh(poles, z):
    """Decompose diag(poles) + z zᵀ by its secular equation; see `rank_one_eigh`."""
    n = len(poles)
    largest = max(abs(poles[0]), abs(poles[n - 1]), inner(z, z))
    if largest == 0.0:
        return np.zeros(n), np.eye(n)
    # A power of 4: neither the poles nor z are rounded.
    root = math.ldexp(1.0, (math.frexp(largest)[1] - 1) // 2)
    scale = root * root
    d, u = poles / scale, z / root
    live, rotations = np.empty(n, dtype=np.int64), np.empty((n, 4))
    kept, turned = _deflate(d, u, live, rotations)
    if kept == n:
        values, vectors = _undeflated(d, u)
        values *= scale
        return values, vectors
    live = live[:kept]
    values, vectors = np.zeros(n), np.zeros((n, n))
    if kept > 0:
        roots, rows = _undeflated(d[live], u[live])
        for i in range(kept):
            values[i] = roots[i]
            for j in range(kept):
                vectors[i, live[j]] = rows[i, j]
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
    _sort(values, vectors)
    values *= scale
    return values, vectors


_eigh = secular_eigh if ENGINE == "numba" else lapack_eigh


@inlined_kernel
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
