"""The rank-one eigenvalue update: the eigendecomposition of diag(λ) + z zᵀ.

Compiled, it solves the secular equation 1 + Σ z_j²/(λ_j − w) = 0 for each eigenvalue in O(n²)
altogether.  Uncompiled, its loops would cost more than LAPACK's O(n³), which then takes its place;
the two agree to a few roundings of the norm.
"""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import ENGINE, kernel, summing_kernel

__all__ = ["rank_one_eigh", "secular_eigh"]

EPS = np.finfo(np.float64).eps
# Entries of the eigenproblem below this, relative to its norm, are dropped before it is solved: the
# constant of LAPACK's divide and conquer, which costs no more than the rounding of the input.
DEFLATION = 8 * EPS
# Rational iterations a root: 3 to 5 are typical and the bracket halves in each that misbehaves.
MAX_ITERATIONS = 100


@kernel
def lapack_eigh(poles, z):
    """Decompose diag(poles) + z zᵀ as a dense matrix; see `rank_one_eigh`."""
    matrix = np.outer(z, z)
    for i in range(len(poles)):
        matrix[i, i] += poles[i]
    ascending, vectors = np.linalg.eigh(matrix)
    return ascending[::-1].copy(), np.ascontiguousarray(vectors.T[::-1])


@summing_kernel
def _halves(delta, z2, mu, i):
    """Sum z2_j/(δ_j − μ) and its derivative in μ, over j ≥ i and over j < i."""
    left, left_slope, right, right_slope = 0.0, 0.0, 0.0, 0.0
    for j in range(i, len(delta)):
        gap = delta[j] - mu
        term = z2[j] / gap
        left += term
        left_slope += term / gap
    for j in range(i):
        gap = delta[j] - mu
        term = z2[j] / gap
        right += term
        right_slope += term / gap
    return left, left_slope, right, right_slope


@kernel
def _first_guess(delta, z2, i, half):
    """Start in the interval between poles i and i−1: the two poles exactly, the rest a constant.

    Returns the index of the nearer pole, the distance of the guess from it, and a bracket of the
    root's distance.
    """
    left, _, right, _ = _halves(delta, z2, half, i)
    f = 1 + left + right
    rest = f + z2[i] / half - z2[i - 1] / half
    # f rises from −∞ at d_i to +∞ at d_{i−1}: its sign in the middle tells the nearer pole.
    if f >= 0:
        origin, low, high, gap, weight = i, 0.0, half, 2 * half, z2[i]
    else:
        origin, low, high, gap, weight = i - 1, -half, 0.0, -2 * half, z2[i - 1]
    b = weight * gap
    a = rest * gap + z2[i] + z2[i - 1]
    root = math.sqrt(max(a * a - 4 * b * rest, 0.0))
    mu = 2 * b / (a + root) if a > 0 else (a - root) / (2 * rest)
    if not low < mu < high:
        mu = (low + high) / 2
    return origin, mu, low, high


@kernel
def _root(d, z2, i):
    """Solve for the i-th largest root of 1 + Σ z2_j/(d_j − w) = 0; poles d are descending.

    Returns the index of the nearer pole and the root's distance from it, which is accurate to a few
    ulps of itself: the eigenvectors depend on the distances, not on the root.

    The iteration fits c + r/(d_a − w) + s/(d_b − w), with poles a and b on either side (or, for the
    largest root, the two poles below it), to the function and to the slopes of its two parts: the
    "middle way" of R.-C. Li (LAPACK Working Note 89, 1993), safeguarded by bisection.
    """
    n = len(d)
    a_pole, b_pole = i, i - 1
    if i == 0:
        if n == 1:
            return 0, z2[0]
        a_pole, b_pole = 0, 1
        origin, low, high = 0, 0.0, z2.sum()
        mu = high
    else:
        origin, mu, low, high = _first_guess(d - d[i], z2, i, (d[i - 1] - d[i]) / 2)
    delta = d - d[origin]
    for _ in range(MAX_ITERATIONS):
        left, left_slope, right, right_slope = _halves(delta, z2, mu, i)
        f = 1 + left + right
        if abs(f) <= EPS * n * (1 + abs(left) + abs(right)):
            break
        if f < 0:
            low = mu
        else:
            high = mu
        a_gap, b_gap = delta[a_pole] - mu, delta[b_pole] - mu
        a_slope, b_slope = left_slope, right_slope
        if i == 0:
            a_slope = z2[0] / (a_gap * a_gap)
            b_slope = left_slope - a_slope
        c = f - a_gap * a_slope - b_gap * b_slope
        a = (a_gap + b_gap) * f - a_gap * b_gap * (a_slope + b_slope)
        b = a_gap * b_gap * f
        root = math.sqrt(abs(a * a - 4 * b * c))
        # Of the two zeros of c η² − a η + b: the smaller between the poles, the larger beyond them.
        if i == 0:
            step = (a + root) / (2 * abs(c)) if a >= 0 else 2 * b / (a - root)
        else:
            step = 2 * b / (a + root) if a > 0 else (a - root) / (2 * c)
        following = mu + step
        if not low < following < high:
            following = (low + high) / 2
        if following == mu:
            break
        mu = following
    return origin, mu


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
            length = math.hypot(z[p], z[i])
            c, s = z[i] / length, z[p] / length
            if (d[p] - d[i]) * abs(c * s) <= tolerance:
                # A rotation in the plane (p, i) moves all of z to i.
                z[p], z[i] = 0.0, length
                d[p], d[i] = c * c * d[p] + s * s * d[i], s * s * d[p] + c * c * d[i]
                rotations[turned, 0], rotations[turned, 1] = p, i
                rotations[turned, 2], rotations[turned, 3] = c, s
                turned += 1
                kept -= 1
        live[kept] = i
        kept += 1
    return kept, turned


@kernel
def secular_eigh(poles, z):
    """Decompose diag(poles) + z zᵀ by its secular equation; see `rank_one_eigh`.

    The eigenvectors are those of a nearby z for which the computed roots are exact (M. Gu,
    S. C. Eisenstat, SIAM J. Matrix Anal. Appl. 15, 1994): orthogonal to rounding however close the
    roots are.
    """
    n = len(poles)
    values, vectors = np.zeros(n), np.zeros((n, n))
    scale = 0.0
    for i in range(n):
        scale = max(scale, abs(poles[i]))
    scale = max(scale, np.dot(z, z))
    if scale == 0.0:
        for i in range(n):
            vectors[i, i] = 1.0
        return values, vectors
    d, u = poles / scale, z / math.sqrt(scale)
    live, rotations = np.zeros(n, dtype=np.int64), np.zeros((n, 4))
    kept, turned = _deflate(d, u, DEFLATION, live, rotations)
    live = live[:kept]
    poles_left, z_left = d[live], u[live]
    z2 = z_left * z_left
    gaps = np.empty((kept, kept))
    for r in range(kept):
        origin, mu = _root(poles_left, z2, r)
        values[r] = poles_left[origin] + mu
        for j in range(kept):
            gaps[r, j] = (poles_left[j] - poles_left[origin]) - mu
    for j in range(kept):
        product = -gaps[j, j]
        for r in range(kept):
            if r != j:
                product *= gaps[r, j] / (poles_left[j] - poles_left[r])
        z_left[j] = math.copysign(math.sqrt(abs(product)), z_left[j])
    for r in range(kept):
        row = z_left / gaps[r]
        row /= math.sqrt(np.dot(row, row))
        for j in range(kept):
            vectors[r, live[j]] = row[j]
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
    if kept < n:
        order = np.argsort(-values)
        values, vectors = values[order], vectors[order]
    return scale * values, vectors


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
