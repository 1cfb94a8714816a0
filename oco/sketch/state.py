"""What a sketch holds between two rows, as its kernels read and change it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oco.linalg.engine import ENGINE, kernel
from oco.linalg.travel import writable

__all__ = [
    "BESIDE",
    "CORRECTED",
    "DECAY",
    "ESCAPED",
    "FOLLOWED",
    "LAST",
    "REST",
    "ROWS",
    "SWEPT",
    "TOTAL",
    "M",
    "Q",
    "State",
    "allocate",
    "numbers",
    "packed",
    "unpack",
    "unpacked",
    "views",
]

# Where a sketch's counts and numbers stand in the two arrays of them.
COUNTS, NUMBERS = 8, 9
M, Q, ROWS, CORRECTED, FOLLOWED, D, K, CAPACITY = range(COUNTS)
DECAY, TOTAL, ESCAPED, LAST, BESIDE, COMPENSATION, DELTA, REST, SWEPT = range(NUMBERS)


class State(NamedTuple):
    """The arrays of a sketch, whose eigenvectors are the rows of W V; ℓ is its size.

    Attributes
    ----------
    frame : ndarray of shape (capacity, d)
        V: m rows of unit length.
    rotation : ndarray of shape (ℓ, capacity)
        W: q rows such that those of W V are orthonormal; 0 in all other rows, and beyond column m.
    gram : ndarray of shape (capacity, capacity)
        V Vᵀ, in the first m rows and columns; 0 elsewhere.
    values : ndarray of shape (ℓ,)
        Eigenvalues λ̄ of the sketch, descending, in the first q entries; then 0.
    coordinates : ndarray of shape (ℓ,)
        The last row's coordinates in the *updated* eigenvectors: the first q entries; then 0.
    inside : ndarray of shape (capacity,)
        V g for the last row g, in the first m entries; then 0.
    image : ndarray of shape (capacity,)
        V x, for a vector x that the sketch's user follows; turned along with V.
    numbers : ndarray, indexed by DECAY, … SWEPT
        β, tr G, τ, ρ_t, and the square of what g has outside the updated eigenvectors; two for
        the sketch's user: the share of τ that is added back, and δ; what rounding has left of tr G
        beside the number itself; and ε Σ β^{T−t} (λ̄_1 + τ)_t over all steps t: a rounding of each.
    counts : ndarray of int, indexed by M, … CAPACITY
        Rows of V and of W in use, q < ℓ; rows absorbed so far, at the last correction of the drift,
        and when the user last saw to `image`; d, ℓ, and how many rows V has room for.
    """

    frame: np.ndarray
    rotation: np.ndarray
    gram: np.ndarray
    values: np.ndarray
    coordinates: np.ndarray
    inside: np.ndarray
    image: np.ndarray
    numbers: np.ndarray
    counts: np.ndarray


def _capacity(k: int) -> int:
    """Return how many rows V has room for: those of the sketch, and some that come after them."""
    return k - 1 + max(8, k // 2)


def _views(memory) -> State:
    """Return the `State` whose arrays are the parts of one."""
    counts = memory[:COUNTS].view(np.int64)
    d, k, capacity = counts[D], counts[K], counts[CAPACITY]
    start = COUNTS
    numbers = memory[start : start + NUMBERS]
    start += NUMBERS
    values, coordinates = memory[start : start + k], memory[start + k : start + 2 * k]
    start += 2 * k
    inside, image = memory[start : start + capacity], memory[start + capacity :][:capacity]
    start += 2 * capacity
    # Compiled, a slice costs nothing, and a new shape as much as a product in the small space.
    small = memory[start : start + (k + capacity) * capacity].reshape((k + capacity, capacity))
    start += (k + capacity) * capacity
    frame = memory[start:].reshape((capacity, d))
    return State(frame, small[:k], small[k:], values, coordinates, inside, image, numbers, counts)


def _allocate(d: int, k: int) -> np.ndarray:
    """Return the memory of an empty sketch of size k, as one array."""
    capacity = _capacity(k)
    memory = np.zeros(COUNTS + NUMBERS + 2 * k + (2 + k + capacity + d) * capacity)
    counts = memory[:COUNTS].view(np.int64)
    counts[D], counts[K], counts[CAPACITY] = d, k, capacity
    return memory


def packed(memory) -> np.ndarray:
    """Return the memory of a sketch as one array, which belongs to neither engine."""
    if isinstance(memory, np.ndarray):
        return memory
    counts, numbers = memory.counts.view(np.float64), memory.numbers
    small = memory.values, memory.coordinates, memory.inside, memory.image
    large = memory.rotation, memory.gram, memory.frame
    return np.concatenate([counts, numbers, *small, *(array.ravel() for array in large)])


def unpacked(memory: np.ndarray):
    """Return the memory of a sketch from what `packed` returned, to be written to."""
    memory = writable(memory)
    return memory if ENGINE == "numba" else _views(memory)


if ENGINE == "numba":
    # To hand an array to a compiled kernel takes longer than to find its parts there.
    views, unpack = _views, kernel(_views)

    def allocate(d: int, k: int) -> np.ndarray | State:
        """Return the memory of an empty sketch of size k, for `views` and `unpack`."""
        return _allocate(d, k)

    def numbers(memory) -> np.ndarray:
        """Return the numbers alone, as `views` would."""
        return memory[COUNTS : COUNTS + NUMBERS]

else:
    # Uncompiled it is finding them that takes long.
    def allocate(d: int, k: int) -> np.ndarray | State:
        """Return the memory of an empty sketch of size k, for `views` and `unpack`."""
        return _views(_allocate(d, k))

    def views(memory) -> State:
        """Return the memory, which is a `State` already."""
        return memory

    unpack = views

    def numbers(memory) -> np.ndarray:
        """Return the numbers alone, as `views` would."""
        return memory.numbers
