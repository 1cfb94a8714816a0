"""A sketch of a chunked array on many workers: each chunk by itself, merged in a tree.

Merging keeps the guarantees of the sketch for all rows together (Ghashami et al., SIAM J. Comput.
2016), so the advice is valid whatever the order; its brackets are a little wider.
"""

from __future__ import annotations

import copy

import numpy as np

from oco import checks
from oco.ranks.files import GradientFile, absorb_rows
from oco.sketch import FrequentDirections
from oco.sweeps.cluster import connected

__all__ = ["sketch_array", "sketch_on_cluster"]

# Sketches merged into one at a time.
BRANCHES = 4


def sketch_array(array, k: int):
    """Sketch the rows of a Dask array by a tree of merges.

    Parameters
    ----------
    array : dask.array.Array of shape (T, d)
        Chunked by rows; chunks of columns are joined.
    k : int
        Sketch size, from 2 to d + 1.

    Returns
    -------
    dask.delayed.Delayed
        Of a `FrequentDirections`: ``.compute()`` it on any scheduler.

    Raises
    ------
    TypeError, ValueError
        If the array is no matrix with known chunks, or `k` is out of range.

    Examples
    --------
    >>> import dask.array
    >>> rows = dask.array.from_array(np.eye(6), chunks=(2, 6))
    >>> sketch_array(rows, 7).compute(scheduler="sync").eigenvalues
    array([1., 1., 1., 1., 1., 1.])
    """
    from dask import delayed

    if array.ndim != 2 or np.isnan(array.shape).any():
        raise ValueError(f"array: expected known shape (T, d), got shape {array.shape}")
    d = array.shape[1]
    k = checks.integer("k", k, low=2, high=d + 1)
    blocks = array.rechunk({1: d}).to_delayed()[:, 0]
    return _reduced([delayed(sketch_rows)(block, k) for block in blocks])


def sketch_on_cluster(file: GradientFile, k: int, address: str) -> FrequentDirections:
    """Sketch a file that every worker can read, on the workers of a Dask scheduler.

    Parameters
    ----------
    file : GradientFile
        Its path must be valid on the workers.
    k : int
        Sketch size, from 2 to d + 1.
    address : str
        Of the scheduler.

    Raises
    ------
    ImportError, TypeError, ValueError
        If Dask is not installed, the scheduler cannot be reached, `k` or a row is wrong, or the
        gradients are in no file that a worker could open.
    """
    if not file.mapped:
        raise ValueError(
            f"dask: expected gradients in a file that workers can open, got {file.path}, which is "
            "compressed or a pipe"
        )
    k = checks.integer("k_max", k, low=2, high=file.d + 1)
    with connected(address) as client:
        from dask import array, delayed

        blocks = [
            array.from_delayed(
                delayed(read_rows)(str(file.path.resolve()), start, stop),
                shape=(stop - start, file.d),
                dtype=np.float64,
            )
            for start, stop in file.windows()
        ]
        return client.compute(sketch_array(array.concatenate(blocks), k)).result()


def read_rows(path: str, start: int, stop: int) -> np.ndarray:
    """Return rows of a file: what a worker does first."""
    return GradientFile(path).read(start, stop)


def sketch_rows(rows: np.ndarray, k: int) -> FrequentDirections:
    """Return the sketch of one chunk: what a worker does next."""
    rows = checks.real("rows", rows)
    sketch = FrequentDirections(rows.shape[1], k)
    absorb_rows(sketch, rows)
    return sketch


def merged(sketches: list[FrequentDirections]) -> FrequentDirections:
    """Return a sketch of the rows of several; they are left as they are."""
    result = copy.deepcopy(sketches[0])
    for sketch in sketches[1:]:
        result.merge(sketch)
    return result


def _reduced(sketches: list):
    from dask import delayed

    while len(sketches) > 1:
        groups = [sketches[i : i + BRANCHES] for i in range(0, len(sketches), BRANCHES)]
        sketches = [delayed(merged)(group) for group in groups]
    return sketches[0]
