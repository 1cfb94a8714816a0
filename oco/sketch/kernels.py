"""The array kernels of Frequent Directions: absorb a vector, turn the frame, correct the drift."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import kernel
from oco.linalg.orthogonal import NEW_DIRECTION, ONE_PASS
from oco.linalg.products import combine, inner, products
from oco.linalg.rank_one import rank_one_eigh

__all__ = [
    "BESIDE",
    "CORRECTED",
    "DECAY",
    "ESCAPED",
    "FOLLOWED",
    "LAST",
    "ROWS",
    "SMALLEST_MASS",
    "TOTAL",
    "M",
    "Q",
    "fold",
    "orthonormalise",
    "step",
]

# Where a sketch's counts and numbers stand in the two arrays that its steps change.
M, Q, ROWS, CORRECTED, FOLLOWED = range(5)
DECAY, TOTAL, ESCAPED, LAST, BESIDE = range(5)
# Rows between two corrections of the rounding drift, a few ε a row: often enough to keep it
# below 1e-13, and rare enough to cost nothing.
CORRECT_EVERY = 256
# Below the smallest normal number a squared length has lost its digits: normalising by it would
# give a direction that is not of unit length.  Such a row (‖g‖ < 1.5e-154) counts as zero.
SMALLEST_MASS = float(np.finfo(np.float64).tiny)
# A direction may be kept as a combination of V's rows whose squared coefficients sum to this: its
# rounding errors are at most 8 times those of a row.  Where V has just been turned, and one pass of
# Gram–Schmidt is accurate, the sum is at most 7.
AMPLIFICATION = 64.0

# Columns turned at a time: a block of 1.5 ℓ rows of this length fits the second-level cache.
FOLD_COLUMNS = 1024


@kernel
def step(frame, rotation, values, gram, coordinates, inside, image, counts, numbers, g, mass):
    """One Frequent Directions step with the vector `g`, exact; changes the arrays in place.

    The sketch's eigenvectors are the rows of W V.  Only W is rotated: the round costs one product
    of V with a vector, and O(q²·capacity) in the small space; V is turned when it is full.

    Parameters
    ----------
    frame : ndarray of shape (capacity, d)
        V: m rows of unit length.  A new row may be appended.
    rotation : ndarray of shape (ℓ, capacity)
        W: q rows such that those of W V are orthonormal; 0 in all other rows, and beyond column m.
    values : ndarray of shape (ℓ,)
        Eigenvalues λ̄ of the sketch, descending, in the first q entries; then 0.
    gram : ndarray of shape (capacity, capacity)
        V Vᵀ, in the first m rows and columns; 0 elsewhere.
    coordinates : ndarray of shape (ℓ,)
        Receives g's coordinates in the *updated* eigenvectors: the first q (new) entries; then 0.
    inside : ndarray of shape (capacity,)
        Receives V g, in the first m (new) entries; then 0.
    image : ndarray of shape (capacity,)
        V x, for a vector x that the caller follows: turned along with V.  What belongs to a new row
        is the caller's to fill in.
    counts : ndarray of int, indexed by M, Q, ROWS, CORRECTED, FOLLOWED
        Rows of V and of W in use, q < ℓ; rows absorbed so far, at the last correction of the drift,
        and when the caller last saw to `image`.
    numbers : ndarray, indexed by DECAY, TOTAL, ESCAPED, LAST, BESIDE
        β, tr G, τ, ρ_t, and the square of what g has outside the updated eigenvectors.
    g : ndarray of shape (d,)
        The vector, finite.
    mass : float
        ‖g‖².

    Returns
    -------
    bool
        Whether V has got a new row, its last.
    """
    # Numbers of Python's own, which uncompiled are quicker than NumPy's.
    decay, m, q = float(numbers[DECAY]), int(counts[M]), int(counts[Q])
    numbers[TOTAL] = decay * numbers[TOTAL] + mass
    counts[ROWS] += 1
    if mass < SMALLEST_MASS:
        values *= decay
        numbers[ESCAPED] *= decay
        numbers[LAST] = 0.0
        inside[:m] = np.dot(frame[:m], g)
        inside[m:] = 0.0
        coordinates[:] = products(rotation, inside)
        numbers[BESIDE] = max(mass - inner(coordinates, coordinates), 0.0)
        return False
    drifted = counts[ROWS] - counts[CORRECTED] >= CORRECT_EVERY
    if drifted:
        orthonormalise(frame, rotation, m, q)
        counts[CORRECTED] = counts[ROWS]
    if drifted or m == len(frame):
        fold(frame, rotation, gram, image, m, q)
        m = q
    z, new = _split(frame, rotation, gram, m, q, g, mass, inside)
    grown = new > 0.0
    counts[M], counts[Q] = m + grown, q + grown
    numbers[LAST], numbers[BESIDE] = _update(rotation, values, counts, decay, z, coordinates)
    numbers[ESCAPED] = decay * numbers[ESCAPED] + numbers[LAST]
    return grown


@kernel
def _split(frame, rotation, gram, m, q, g, mass, inside):
    """Split g = (W V)ᵀz, with a unit vector orthogonal to the sketch as W's new row q.

    Returns z, with z_q the length of what is new to the sketch, and what part of ‖g‖ that is:
    exactly 0 if it is rounding, and then there is no new row.  Fills `inside`.

    Notes
    -----
    What is new to the *sketch* is what g has outside span(W V), also where V spans it: V's rows
    need not be orthogonal.  As long as that is accurate, g itself becomes V's new row, and the new
    direction is a combination of rows; where g lies near the sketch, or the combination would
    amplify rounding, the direction is computed, with a second pass of Gram–Schmidt (see
    `oco.linalg.orthogonal.split`).
    """
    length = math.sqrt(mass)
    inside[:m] = np.dot(frame[:m], g)
    inside[m:] = 0.0
    z = products(rotation, inside)
    new = math.sqrt(max(1.0 - inner(z, z) / mass, 0.0))
    out = combine(z, rotation)
    if new > ONE_PASS and 1.0 + inner(out, out) / mass <= AMPLIFICATION * new * new:
        np.divide(g, length, frame[m])
        gram[m] = inside / length
        inside[m] = length
        rotation[q] = out / (-length * new)
        rotation[q, m] = 1.0 / new
    else:
        rest = (g - np.dot(out[:m], frame[:m])) / length
        again = np.zeros(len(frame))
        again[:m] = np.dot(frame[:m], rest)
        correction = products(rotation, again)
        z += length * correction
        back = combine(correction, rotation)
        rest -= np.dot(back[:m], frame[:m])
        new = math.sqrt(np.dot(rest, rest))
        if new <= NEW_DIRECTION:
            return z, 0.0
        np.divide(rest, new, frame[m])
        gram[m] = (again - products(gram, back)) / new
        inside[m] = new * length
        rotation[q] = 0.0
        rotation[q, m] = 1.0
    gram[:, m] = gram[m]
    gram[m, m] = 1.0
    z[q] = new * length
    return z, new


@kernel
def _update(rotation, values, counts, decay, z, coordinates):
    """Decompose β diag(λ̄) + z zᵀ, turn W and deflate, in place.

    W has got its new row already, and `counts` its new q, which may be one too many.  Returns
    ρ = λ_ℓ, and the square of z's coordinate in the direction that is let go; the difference of
    ‖z‖² and the other coordinates' squares would be rounding where it is small.
    """
    n = int(counts[Q])
    w, turn = rank_one_eigh(decay * values[:n], z[:n])
    rho, q = 0.0, n
    if n == len(values):
        rho, q = max(float(w[n - 1]), 0.0), n - 1
    counts[Q] = q
    coordinates[:n] = products(turn, z[:n])
    rotation[:n] = np.dot(turn, rotation[:n])
    values[:n] = np.maximum(w - rho, 0.0)
    beside = float(coordinates[q]) ** 2 if q < n else 0.0
    coordinates[q:], rotation[q:], values[q:] = 0.0, 0.0, 0.0
    return rho, beside


@kernel
def fold(frame, rotation, gram, image, m, q):
    """Replace V by W V, `image` by W times it, and W and V Vᵀ by the identity, in place."""
    turn = np.ascontiguousarray(rotation[:q, :m])
    image[:q] = products(rotation[:q], image)
    image[q:] = 0.0
    # A block of columns at a time: the copy stays small and in cache whatever d is.
    for start in range(0, frame.shape[1], FOLD_COLUMNS):
        block = np.ascontiguousarray(frame[:m, start : start + FOLD_COLUMNS])
        frame[:q, start : start + FOLD_COLUMNS] = np.dot(turn, block)
    rotation[:] = 0.0
    gram[:] = 0.0
    for i in range(q):
        rotation[i, i] = gram[i, i] = 1.0


@kernel
def orthonormalise(frame, rotation, m, q):
    """Remove the drift of W V from orthonormality, in place, by a correction to W.

    Notes
    -----
    Rounding lets the rows of W V drift by a few ε a round.  With W V Vᵀ Wᵀ = I + E, the rows of
    (I − E/2) W V are orthonormal up to O(E²): one Newton–Schulz step for the polar factor.
    """
    rows = frame[:m]
    turn = np.ascontiguousarray(rotation[:q, :m])
    gram = np.dot(np.dot(turn, np.dot(rows, rows.T)), turn.T)
    rotation[:q, :m] = 1.5 * turn - 0.5 * np.dot(gram, turn)
