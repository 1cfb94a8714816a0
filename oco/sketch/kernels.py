"""The array kernels of Frequent Directions: absorb a vector, turn the frame, solve with a root."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import kernel
from oco.linalg.operators import pseudo_power, resolve_rank
from oco.linalg.orthogonal import split
from oco.linalg.rank_one import rank_one_eigh

__all__ = ["absorb", "fold", "orthonormalise", "solve_root"]

# Columns turned at a time: a block of 1.5 ℓ rows of this length fits the second-level cache.
FOLD_COLUMNS = 1024


@kernel
def absorb(frame, rotation, values, m, q, decay, g, coordinates):
    """One exact Frequent Directions step with the vector `g`; changes the arrays in place.

    The sketch's eigenvectors are the rows of W V.  Only W is rotated: the round costs O((m + q)·d)
    for three products with V, and O(q²·capacity) in the small space.

    Parameters
    ----------
    frame : ndarray of shape (capacity, d)
        V: its first m rows are orthonormal.  A new row may be appended.
    rotation : ndarray of shape (ℓ, capacity)
        W: its first q rows are orthonormal, and 0 beyond column m.
    values : ndarray of shape (ℓ,)
        Eigenvalues λ̄ of the sketch, descending, in the first q entries.
    m, q : int
        Rows in use, m < capacity or m = d, and q < ℓ.
    decay : float
        β: the old covariance is multiplied by it.
    g : ndarray of shape (d,)
        The vector, not zero.
    coordinates : ndarray of shape (ℓ,)
        Receives g's coordinates in the *updated* eigenvectors, in the first q (new) entries.

    Returns
    -------
    m, q : int
        The new counts.
    rho : float
        The mass that escaped, ρ_t = λ_ℓ(β Ḡ + g gᵀ).

    Notes
    -----
    V also spans directions that the sketch has discarded, so the direction that is new to the
    *sketch* is what g has outside span(W V): its part of V-coordinates outside W, and the remainder
    outside span(V).
    """
    size = len(values)
    inside, remainder, unit = split(frame[:m], g)
    in_frame = np.zeros(rotation.shape[1])
    in_frame[:m] = inside
    if remainder > 0.0 and m < len(frame):
        frame[m] = unit
        in_frame[m] = remainder
        m += 1
    z, new, direction = split(rotation[:q], in_frame)
    poles = decay * values[:q]
    n = q
    if new > 0.0:
        n = q + 1
        rotation[q] = direction
        z = np.append(z, new)
        poles = np.append(poles, 0.0)
    w, turn = rank_one_eigh(poles, z)
    rho = 0.0
    q = n
    if n == size:
        rho = max(w[n - 1], 0.0)
        q = n - 1
    rotation[:q] = np.dot(turn[:q], rotation[:n])
    rotation[q:] = 0.0
    coordinates[:q] = np.dot(turn[:q], z)
    for i in range(q):
        values[i] = max(w[i] - rho, 0.0)
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


@kernel
def solve_root(frame, rotation, values, m, q, coordinates, shift, delta, g):
    """Apply the inverse of H = (Ḡ + σI)^{1/2} + δI to the vector just absorbed.

    Parameters
    ----------
    frame, rotation, values, m, q, coordinates
        As `absorb` left them.
    shift, delta : float
        σ, δ ≥ 0.
    g : ndarray of shape (d,)
        The vector.

    Returns
    -------
    roots : ndarray of shape (q,)
        H's eigenvalues on the sketch's eigenvectors.
    tail : float
        Its eigenvalue on all other directions.
    solution : ndarray of shape (d,)
        H⁺g.  The coordinates in the *updated* eigenvectors hold all of g that is in H's range, so
        that g is never split by eigenvalues at rounding level.
    """
    shifted, tail = resolve_rank(values[:q] + shift, shift)
    roots, tail = np.sqrt(shifted) + delta, math.sqrt(tail) + delta
    scale = 1.0 / tail if tail > 0.0 else 0.0
    weights = (pseudo_power(roots, -1.0) - scale) * coordinates[:q]
    solution = np.dot(np.dot(weights, rotation[:q])[:m], frame[:m])
    if tail > 0.0:
        solution += scale * g
    return roots, tail, solution
