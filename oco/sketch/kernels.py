"""The array kernels of Frequent Directions: absorb a vector, turn the frame, correct the drift."""

from __future__ import annotations

import math

import numpy as np

from oco.linalg.engine import inlined_kernel, kernel
from oco.linalg.orthogonal import NEW_DIRECTION, ONE_PASS
from oco.linalg.products import combine, inner, products
from oco.linalg.rank_one import EPS, rank_one_eigh
from oco.sketch.state import unpack

__all__ = ["SMALLEST_MASS", "accumulate", "append", "extend", "fold", "orthonormalise", "step"]

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

# Dekker's: x·SPLITTER − (x·SPLITTER − x) is x with the upper half of its digits; and what x is
# multiplied by first, so that the product stays finite.
SPLITTER, SHRUNK = 2.0**27 + 1, 2.0**-40
# Columns turned at a time: a block of 1.5 ℓ rows of this length fits the second-level cache.
FOLD_COLUMNS = 1024


@inlined_kernel
def step(state, image, g, mass):
    """One Frequent Directions step with the vector `g`, exact; changes the sketch in place.

    The sketch's eigenvectors are the rows of W V.  Only W is rotated: the round costs one product
    of V with a vector, and O(q²·capacity) in the small space; V is turned when it is full.

    Parameters
    ----------
    state : State
        The sketch.  `coordinates` and `inside` are those of `g` afterwards; V may get a new row,
        its last.
    image : ndarray of shape (capacity,)
        V x, for a vector x of the caller's: it is turned along with V.  The entry of a new row is
        the caller's to fill in.
    g : ndarray of shape (d,)
        The vector, finite; it may be a row of V.
    mass : float
        ‖g‖².

    Returns
    -------
    grown : bool
        Whether V has got a new row.
    beside : float
        The square of what g has outside the updated eigenvectors.
    before : ndarray of shape (ℓ,)
        g's coordinates in the eigenvectors before.
    """
    frame, rotation, gram, values, coordinates, inside, numbers = state
    decay, m, q, rows = numbers["decay"], numbers["m"], numbers["q"], numbers["rows"] + 1
    escaped = decay * numbers["escaped"]
    numbers["total"], numbers["rest"] = accumulate(numbers["total"], numbers["rest"], decay, mass)
    numbers["rows"] = rows
    numbers["steps"] += 1
    if mass < SMALLEST_MASS:
        values *= decay
        products(frame[:m], g, inside[:m])
        products(rotation, inside, coordinates)
        grown, rho, z = False, 0.0, coordinates
        beside = max(mass - inner(coordinates, coordinates), 0.0)
    else:
        drifted = rows - numbers["corrected"] >= CORRECT_EVERY
        if drifted:
            orthonormalise(frame, rotation, m, q)
            numbers["corrected"] = rows
        if drifted or m == len(frame):
            # Where g is a row of V, it changes too.
            g = g.copy()
            fold(frame, rotation, gram, image, m, q)
            m = q
            inside[:] = 0.0
        z, new = _split(frame, rotation, gram, inside, m, q, g, mass)
        grown = new > 0.0
        rho, beside, q = _update(rotation, values, coordinates, q + grown, decay, z)
        numbers["m"], numbers["q"] = m + grown, q
    escaped += rho
    numbers["last"], numbers["escaped"] = rho, escaped
    numbers["swept"] = decay * numbers["swept"] + EPS * float(values[0]) + EPS * escaped
    return grown, beside, z[: len(values)]


@kernel
def append(memory, g, mass):
    """Absorb `g` and return its coordinates in the updated eigenvectors, of shape (q,)."""
    state = unpack(memory)
    # There is no x to follow: what the step is about to overwrite takes the place of its image.
    step(state, state.inside, g, mass)
    return state.coordinates[: state.numbers["q"]].copy()


@kernel
def extend(memory, rows, masses):
    """Absorb rows, of these squared lengths, one after the other."""
    for i in range(len(rows)):
        append(memory, rows[i], masses[i])


@kernel
def accumulate(total, rest, decay, mass):
    """Return β (total + rest) + mass, exact to ε² over any number of terms, as two such numbers.

    T. J. Dekker, *A floating-point technique for extending the available precision*, Numer. Math.
    18 (1971): the roundings of the product and of the sum are numbers, and are carried along.
    """
    kept = decay * total
    if decay < 1.0:
        # Small enough to be split; the power of two rounds nothing but what no row may weigh.
        small = total * SHRUNK
        high, above = _upper_half(small), _upper_half(decay)
        low, below = small - high, decay - above
        error = ((high * above - small * decay) + high * below + low * above) + low * below
        rest = decay * rest + error / SHRUNK
    result = kept + mass
    taken = result - kept
    rest += (kept - (result - taken)) + (mass - taken)
    final = result + rest
    return final, rest - (final - result)


@kernel
def _upper_half(number):
    """Return the upper half of a number's digits."""
    shifted = SPLITTER * number
    return shifted - (shifted - number)


@kernel
def _split(frame, rotation, gram, inside, m, q, g, mass):
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
    z, out = np.empty(len(rotation)), np.empty(len(frame))
    products(frame[:m], g, inside[:m])
    products(rotation, inside, z)
    new = math.sqrt(max(1.0 - inner(z, z) / mass, 0.0))
    combine(z, rotation, out)
    if new > ONE_PASS and 1.0 + inner(out, out) / mass <= AMPLIFICATION * new * new:
        np.multiply(g, 1.0 / length, frame[m])
        np.multiply(inside, 1.0 / length, gram[m])
        inside[m] = length
        np.multiply(out, -1.0 / (length * new), rotation[q])
        rotation[q, m] = 1.0 / new
    else:
        known, again, correction = np.empty(len(g)), np.zeros(len(frame)), np.empty(len(z))
        combine(out[:m], frame[:m], known)
        rest = (g - known) / length
        products(frame[:m], rest, again[:m])
        products(rotation, again, correction)
        z += length * correction
        combine(correction, rotation, out)
        combine(out[:m], frame[:m], known)
        rest -= known
        new = math.sqrt(inner(rest, rest))
        if new <= NEW_DIRECTION:
            return z, 0.0
        np.multiply(rest, 1.0 / new, frame[m])
        back = np.empty(len(frame))
        products(gram, out, back)
        np.divide(again - back, new, gram[m])
        inside[m] = new * length
        rotation[q] = 0.0
        rotation[q, m] = 1.0
    np.positive(gram[m], gram[:, m])
    gram[m, m] = 1.0
    z[q] = new * length
    return z, new


@inlined_kernel
def _update(rotation, values, coordinates, n, decay, z):
    """Decompose β diag(λ̄) + z zᵀ, turn W and deflate, in place.

    W has n rows, with its new one, which may be one too many.  Returns ρ = λ_ℓ; the square of z's
    coordinate in the direction that is let go, since the difference of ‖z‖² and the other squares
    would be rounding where it is small; and how many rows W has then.
    """
    w, turn = rank_one_eigh(decay * values[:n], z[:n])
    rho, q = 0.0, n
    if n == len(values):
        rho, q = max(float(w[n - 1]), 0.0), n - 1
    products(turn, z[:n], coordinates[:n])
    np.positive(np.dot(turn, rotation[:n]), rotation[:n])
    np.positive(np.maximum(w - rho, 0.0), values[:n])
    if q == n:
        return rho, 0.0, q
    beside = float(coordinates[q]) ** 2
    coordinates[q], rotation[q], values[q] = 0.0, 0.0, 0.0
    return rho, beside, q


@kernel
def fold(frame, rotation, gram, image, m, q):
    """Replace V by W V, `image` by W times it, and W and V Vᵀ by the identity, in place."""
    turn = np.ascontiguousarray(rotation[:q, :m])
    turned = np.zeros(len(image))
    products(rotation[:q], image, turned[:q])
    np.positive(turned, image)
    # A block of columns at a time: the copy stays small and in cache whatever d is.
    for start in range(0, frame.shape[1], FOLD_COLUMNS):
        block = np.ascontiguousarray(frame[:m, start : start + FOLD_COLUMNS])
        np.positive(np.dot(turn, block), frame[:q, start : start + FOLD_COLUMNS])
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
    np.subtract(1.5 * turn, 0.5 * np.dot(gram, turn), rotation[:q, :m])
