"""The array kernels of Frequent Directions: absorb a vector, turn the frame, correct the drift."""

from __future__ import annotations

import numpy as np

from oco.linalg.engine import kernel
from oco.linalg.orthogonal import split
from oco.linalg.rank_one import rank_one_eigh

__all__ = [
    "CORRECTED",
    "DECAY",
    "ESCAPED",
    "LAST",
    "ROWS",
    "SMALLEST_MASS",
    "TOTAL",
    "M",
    "Q",
    "absorb",
    "fold",
    "orthonormalise",
    "step",
]

# Where a sketch's counts and numbers stand in the two arrays that its steps change.
M, Q, ROWS, CORRECTED = range(4)
DECAY, TOTAL, ESCAPED, LAST = range(4)
# Rows between two corrections of the rounding drift, a few ε a row: often enough to keep it
# below 1e-13, and rare enough to cost nothing.
CORRECT_EVERY = 256
# Below the smallest normal number a squared length has lost its digits: normalising by it would
# give a direction that is not of unit length.  Such a row (‖g‖ < 1.5e-154) counts as zero.
SMALLEST_MASS = float(np.finfo(np.float64).tiny)

# Columns turned at a time: a block of 1.5 ℓ rows of this length fits the second-level cache.
FOLD_COLUMNS = 1024


@kernel
def step(frame, rotation, values, coordinates, inside, counts, numbers, g, mass):
    """One Frequent Directions step with the vector `g`, exact; changes the arrays in place.

    The sketch's eigenvectors are the rows of W V.  Only W is rotated: the round costs two products
    of V with a vector, and O(q²·capacity) in the small space; V is turned when it is full.

    Parameters
    ----------
    frame : ndarray of shape (capacity, d)
        V: its first m rows are orthonormal.  A new row may be appended.
    rotation : ndarray of shape (ℓ, capacity)
        W: its first q rows are orthonormal, and 0 beyond column m.
    values : ndarray of shape (ℓ,)
        Eigenvalues λ̄ of the sketch, descending, in the first q entries.
    coordinates : ndarray of shape (ℓ,)
        Receives g's coordinates in the *updated* eigenvectors, in the first q (new) entries.
    inside : ndarray of shape (capacity,)
        Receives V g, in the first m (new) entries.
    counts : ndarray of int, indexed by M, Q, ROWS, CORRECTED
        Rows of V and of W in use, q < ℓ; steps so far, and at the last correction of the drift.
    numbers : ndarray, indexed by DECAY, TOTAL, ESCAPED, LAST
        β, tr G, τ and ρ_t.
    g : ndarray of shape (d,)
        The vector, finite.
    mass : float
        ‖g‖².

    Returns
    -------
    first : int
        V has new rows from this one on: 0 where it was turned, m where it is what it was.
    """
    decay = numbers[DECAY]
    numbers[TOTAL] = decay * numbers[TOTAL] + mass
    counts[ROWS] += 1
    first = counts[M]
    if mass < SMALLEST_MASS:
        values *= decay
        numbers[ESCAPED] *= decay
        numbers[LAST] = 0.0
        coordinates[:] = 0.0
        inside[:] = 0.0
        return first
    m, q = counts[M], counts[Q]
    drifted = counts[ROWS] - counts[CORRECTED] >= CORRECT_EVERY
    if drifted:
        orthonormalise(frame, rotation, m, q)
        counts[CORRECTED] = counts[ROWS]
    if drifted or m == len(frame) < frame.shape[1]:
        fold(frame, rotation, m, q)
        m, first = q, 0
    counts[M], counts[Q], rho = absorb(frame, rotation, values, m, q, decay, g, coordinates, inside)
    numbers[LAST] = rho
    numbers[ESCAPED] = decay * numbers[ESCAPED] + rho
    return first


@kernel
def absorb(frame, rotation, values, m, q, decay, g, coordinates, inside):
    """Do what `step` does, with room in V for one row more or m = d.

    Returns the new m and q, and the mass that escaped, ρ_t = λ_ℓ(β Ḡ + g gᵀ).

    Notes
    -----
    V also spans directions that the sketch has discarded, so the direction that is new to the
    *sketch* is what g has outside span(W V): its part of V-coordinates outside W, and the remainder
    outside span(V).
    """
    size = len(values)
    in_frame, remainder, unit = split(frame[:m], g)
    inside[:m] = in_frame
    inside[m:] = 0.0
    if remainder > 0.0 and m < len(frame):
        frame[m] = unit
        inside[m] = remainder
        m += 1
    in_sketch, new, direction = split(rotation[:q], inside)
    n = q
    if new > 0.0:
        rotation[q] = direction
        n = q + 1
    z, poles = np.zeros(q + 1), np.zeros(q + 1)
    z[:q], z[q], poles[:q] = in_sketch, new, decay * values[:q]
    z, poles = z[:n], poles[:n]
    w, turn = rank_one_eigh(poles, z)
    rho = 0.0
    q = n
    if n == size:
        rho = max(w[n - 1], 0.0)
        q = n - 1
    rotation[:q] = np.dot(turn[:q], rotation[:n])
    rotation[q:] = 0.0
    coordinates[:q] = np.dot(turn[:q], z)
    values[:q] = np.maximum(w[:q] - rho, 0.0)
    return m, q, rho


@kernel
def fold(frame, rotation, m, q):
    """Replace V by W V and W by the identity, in place."""
    turn = np.ascontiguousarray(rotation[:q, :m])
    # A block of columns at a time: the copy stays small and in cache whatever d is.
    for start in range(0, frame.shape[1], FOLD_COLUMNS):
        block = np.ascontiguousarray(frame[:m, start : start + FOLD_COLUMNS])
        frame[:q, start : start + FOLD_COLUMNS] = np.dot(turn, block)
    rotation[:] = 0.0
    for i in range(q):
        rotation[i, i] = 1.0


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
