"""What a sketch holds between two rows, as its kernels read and change it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from oco.linalg.engine import ENGINE, inlined_kernel
from oco.linalg.low_rank import FactoredBasis
from oco.linalg.travel import writable

__all__ = ["State", "allocate", "copy_numbers", "packed", "size", "unpack", "unpacked", "views"]

# The numbers of a sketch by their names, as they stand at the beginning of its memory.
COUNTS = ("d", "k", "capacity", "m", "q", "rows", "steps", "corrected")
NAMES = (*COUNTS, "decay", "total", "rest", "escaped", "last", "swept")
NUMBERS = np.dtype([(name, np.int64 if name in COUNTS else np.float64) for name in NAMES])
COUNT = len(NAMES)
# What stays as it is where a sketch takes over the numbers of another of its size.
SHAPES = ("d", "capacity", "m", "q")


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
    numbers : record or dict
        By name: ``d``, ``k`` (ℓ) and ``capacity``, how many rows V has room for; ``m`` and ``q``,
        the rows of V and of W in use, q < ℓ; ``rows`` that were absorbed, in how many ``steps``
        (each may change V and W), and after how many rows the drift was last ``corrected``;
        ``decay`` β; ``total`` tr G, and ``rest``, what rounding has left of it beside that number;
        ``escaped`` τ and ``last`` ρ_t; ``swept``, ε Σ β^{T−t} (λ̄_1 + τ)_t over all steps t: one
        rounding of each.
    """

    frame: np.ndarray
    rotation: np.ndarray
    gram: np.ndarray
    values: np.ndarray
    coordinates: np.ndarray
    inside: np.ndarray
    numbers: Any

    @property
    def basis(self) -> FactoredBasis:
        """The eigenvectors as W and V: a view that the next step changes."""
        m, q = self.numbers["m"], self.numbers["q"]
        return FactoredBasis(np.ascontiguousarray(self.rotation[:q, :m]), self.frame[:m])


def _capacity(k: int) -> int:
    """Return how many rows V has room for: those of the sketch, and some that come after them."""
    return k - 1 + max(8, k // 2)


def size(d: int, k: int) -> int:
    """Return how many numbers of 8 bytes the memory of a sketch of size k holds."""
    capacity = _capacity(k)
    return COUNT + 2 * k + (1 + k + capacity + d) * capacity


def _views(memory) -> State:
    """Return the `State` whose arrays are the parts of one."""
    numbers = memory[:COUNT].view(NUMBERS)[0]
    d, k, capacity = numbers["d"], numbers["k"], numbers["capacity"]
    start = COUNT
    values, coordinates = memory[start : start + k], memory[start + k : start + 2 * k]
    start += 2 * k
    inside = memory[start : start + capacity]
    start += capacity
    # Compiled, a slice costs nothing, and a new shape as much as a product in the small space.
    small = memory[start : start + (k + capacity) * capacity].reshape((k + capacity, capacity))
    start += (k + capacity) * capacity
    frame = memory[start:].reshape((capacity, d))
    return State(frame, small[:k], small[k:], values, coordinates, inside, numbers)


def _allocate(d: int, k: int, decay: float):
    """Return the memory of an empty sketch, as one array."""
    memory = np.zeros(size(d, k))
    numbers = memory[:COUNT].view(NUMBERS)[0]
    numbers["d"], numbers["k"], numbers["capacity"] = d, k, _capacity(k)
    numbers["decay"] = decay
    return memory


def packed(memory) -> np.ndarray:
    """Return the memory of a sketch as one array, which belongs to neither engine."""
    if isinstance(memory, np.ndarray):
        return memory
    numbers = np.array(tuple(memory.numbers.values()), NUMBERS).reshape(1).view(np.float64)
    small = memory.values, memory.coordinates, memory.inside
    large = memory.rotation, memory.gram, memory.frame
    return np.concatenate([numbers, *small, *(array.ravel() for array in large)])


def unpacked(memory: np.ndarray):
    """Return the memory of a sketch from what `packed` returned, to be written to."""
    memory = writable(memory)
    return memory if ENGINE == "numba" else _uncompiled(memory)


def copy_numbers(source: State, target: State) -> None:
    """Let a sketch take over the numbers of another of its size, which has its own dimension."""
    for name in NAMES:
        if name not in SHAPES:
            target.numbers[name] = source.numbers[name]


if ENGINE == "numba":
    # To hand an array to a compiled kernel takes longer than to find its parts there.
    allocate, views, unpack = _allocate, _views, inlined_kernel(_views)
else:
    # Uncompiled it is finding them that takes long, and NumPy's numbers are slower than Python's.
    def _uncompiled(memory: np.ndarray) -> State:
        state = _views(memory)
        return state._replace(numbers=dict(zip(NAMES, state.numbers.item(), strict=True)))

    def allocate(d: int, k: int, decay: float):
        """Return the memory of an empty sketch, for `views` and `unpack`."""
        return _uncompiled(_allocate(d, k, decay))

    def views(memory) -> State:
        """Return the memory, which is a `State` already."""
        return memory

    unpack = views
