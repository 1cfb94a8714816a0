"""What a sketch holds between two rows, as its kernels read and change it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oco.linalg.engine import ENGINE, kernel

__all__ = [
    "BESIDE",
    "CORRECTED",
    "DECAY",
    "ESCAPED",
    "FOLLOWED",
    "LAST",
    "ROWS",
    "TOTAL",
    "M",
    "Q",
    "State",
    "allocate",
    "numbers",
    "unpack",
    "views",
]

# Where a sketch's counts and numbers stand in the two arrays of them.
M, Q, ROWS, CORRECTED, FOLLOWED = range(5)
DECAY, TOTAL, ESCAPED, LAST, BESIDE = range(5)


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
    numbers : ndarray, indexed by DECAY, TOTAL, ESCAPED, LAST, BESIDE
        β, tr G, τ, ρ_t, and the square of what g has outside the updated eigenvectors.
    counts : ndarray of int, indexed by M, Q, ROWS, CORRECTED, FOLLOWED
        Rows of V and of W in use, q < ℓ; rows absorbed so far, at the last correction of the drift,
        and when the user last saw to `image`.
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


if ENGINE == "numba":
    # To hand an array to a compiled kernel takes about as long as a product in the small space, so
    # all the small ones are rows of a single matrix.

    def allocate(d: int, k: int) -> tuple[np.ndarray, ...]:
        """Return the memory of an empty sketch of size k, for `views` and `unpack`."""
        capacity = _capacity(k)
        small = np.zeros((k + capacity + 5, capacity))
        return np.zeros((capacity, d)), small, np.zeros(5, dtype=np.int64)

    def views(memory: tuple[np.ndarray, ...]) -> State:
        """Return the `State` whose arrays are views of the memory."""
        frame, small, counts = memory
        capacity = len(frame)
        k = len(small) - capacity - 5
        vectors = small[k + capacity :]
        return State(
            frame,
            small[:k],
            small[k : k + capacity],
            vectors[0, :k],
            vectors[1, :k],
            vectors[2],
            vectors[3],
            vectors[4, :5],
            counts,
        )

    unpack = kernel(views)

    def numbers(memory: tuple[np.ndarray, ...]) -> np.ndarray:
        """Return the numbers alone, as `views` would."""
        return memory[1][-1, :5]

else:

    def allocate(d: int, k: int) -> State:
        """Return the memory of an empty sketch of size k, for `views` and `unpack`."""
        capacity = _capacity(k)
        matrices = map(np.zeros, ((capacity, d), (k, capacity), (capacity, capacity)))
        vectors = map(np.zeros, (k, k, capacity, capacity, 5))
        return State(*matrices, *vectors, np.zeros(5, dtype=np.int64))

    def views(memory: State) -> State:
        """Return the memory, which is a `State` already."""
        return memory

    unpack = views

    def numbers(memory: State) -> np.ndarray:
        """Return the numbers alone, as `views` would."""
        return memory.numbers
