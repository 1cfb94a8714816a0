"""A file of T gradients, read a window at a time, and one sketch of its rows."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from oco import checks
from oco.archives import npy_header
from oco.cores import one_blas_thread
from oco.losses.sources import source
from oco.sketch import FrequentDirections

__all__ = ["GradientFile", "absorb_rows", "sketch_file"]

# Bytes mapped, and held as float64, at a time: far below any machine's memory.
WINDOW = 32 << 20
# Rows absorbed in one step, in units of the sketch size: one decomposition for all of them costs
# less than a step for each and lets less mass escape, under the same guarantees.
BLOCK = 2
# The shape of a file's array, by how many axes its gradients have.
SHAPES = {1: "(T, d)", 2: "(T, m, n)"}


class GradientFile:
    """A ``.npy`` file whose rows are gradients.

    Parameters
    ----------
    path : str or path-like
        Of an array of real numbers, of shape (T, d), or (T, m, n) if `axes` says so; in column
        (Fortran) order each row of a window is put together from all columns.  It may be compressed
        or come through a pipe; ``-`` is standard input.
    axes : tuple of int
        How many axes a gradient may have.
    name : str
        What errors call the parameter.

    Attributes
    ----------
    rows, d : int
        T, and how many entries a gradient has.
    shape : tuple of int
        Of a gradient.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is something else; nothing is unpickled.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "g.npy", np.ones((5, 3), dtype=np.float32))
    ...     file = GradientFile(Path(folder) / "g.npy")
    ...     file.rows, file.d, file.read(1, 3).dtype
    (5, 3, dtype('float64'))
    """

    def __init__(self, path, axes: tuple[int, ...] = (1,), name: str = "gradients") -> None:
        self.path, self._name = Path(path), name
        try:
            self._source = source(path).unpacked()
            with self._source.open() as file:
                shape, self._columns_first, self._dtype = npy_header(file)
                self._offset = file.tell()
                held = file.seek(0, os.SEEK_END)
        except FileNotFoundError:
            raise FileNotFoundError(f"{name}: {self.path}: no such file") from None
        except (OSError, ValueError) as error:
            raise self._error(f"not a readable .npy file ({error})") from None
        if len(shape) - 1 not in axes or 0 in shape:
            expected = " or ".join(SHAPES[count] for count in axes if count in SHAPES)
            expected += ", or of more axes" * (max(axes) > max(SHAPES))
            raise self._error(f"expected an array of shape {expected}, got shape {shape}")
        if self._dtype.kind not in "fiu":
            raise self._error(f"expected real numbers, got {self._dtype}")
        self.rows, self.shape = shape[0], shape[1:]
        self.d = math.prod(self.shape)
        size = self._offset + self.rows * self.d * self._dtype.itemsize
        if held < size:
            raise self._error(f"truncated: {held} bytes of {size}")

    @property
    def mapped(self) -> bool:
        """Whether `array` maps a file, so that other processes can read it by its path, too."""
        return self._source.path is not None

    def array(self) -> np.ndarray:
        """Return all gradients as stored, of shape ``(T, *shape)``; those in a file are mapped."""
        if self._source.path is not None:
            return np.load(self._source.path, mmap_mode="r", allow_pickle=False)
        with self._source.open() as file:
            return np.lib.format.read_array(file, allow_pickle=False)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return gradients `start` to `stop` as float64, each a row of d entries in C order.

        Raises
        ------
        ValueError
            If an entry is NaN or infinite; the message names the row.
        """
        n = stop - start
        # Not mapped: pages of a mapping count as memory of the process.
        with self._source.open() as file:
            if self._columns_first:
                rows = np.empty((n, self.d))
                stored = np.arange(self.d).reshape(self.shape, order="F").reshape(-1)
                for column, place in enumerate(stored.tolist()):
                    rows[:, column] = self._numbers(file, place * self.rows + start, n)
            else:
                numbers = self._numbers(file, start * self.d, n * self.d)
                rows = numbers.astype(np.float64).reshape(n, self.d)
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            row, column = bad[0]
            raise self._error(f"row {start + row + 1}: entry {column + 1} is {rows[row, column]}")
        return rows

    def _numbers(self, file: IO[bytes], start: int, count: int) -> np.ndarray:
        """Return numbers of the file as they are stored, counted from its first one."""
        file.seek(self._offset + start * self._dtype.itemsize)
        return np.frombuffer(file.read(count * self._dtype.itemsize), self._dtype)

    def windows(self) -> Iterator[tuple[int, int]]:
        """Iterate over (start, stop) of the pieces in which the file is read."""
        step = max(1, WINDOW // (8 * self.d))
        for start in range(0, self.rows, step):
            yield start, min(start + step, self.rows)

    def gradients(self) -> Iterator[np.ndarray]:
        """Iterate over the gradients, each as float64 in its shape.

        Raises
        ------
        ValueError
            As for `read`.
        """
        for start, stop in self.windows():
            yield from self.read(start, stop).reshape(-1, *self.shape)

    def _error(self, problem: str) -> ValueError:
        return ValueError(f"{self._name}: {self.path}: {problem}")


@one_blas_thread()
def sketch_file(path, k: int, progress: Callable[[int], None] | None = None) -> FrequentDirections:
    """Sketch the rows of a file in O(dk) memory.

    Parameters
    ----------
    path : str or path-like or GradientFile
        Of the gradients.
    k : int
        Sketch size, from 2 to d + 1.
    progress : callable, optional
        Called with the number of rows read.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If the file or `k` is wrong.
    """
    file = path if isinstance(path, GradientFile) else GradientFile(path)
    sketch = FrequentDirections(file.d, checks.integer("k_max", k, low=2, high=file.d + 1))
    for start, stop in file.windows():
        absorb_rows(sketch, file.read(start, stop))
        if progress is not None:
            progress(stop)
    return sketch


@one_blas_thread()
def absorb_rows(sketch: FrequentDirections, rows: np.ndarray) -> None:
    """Absorb rows of shape (n, d) in blocks, in O(dk) memory."""
    step = BLOCK * sketch.k
    for start in range(0, len(rows), step):
        sketch.update(rows[start : start + step])
