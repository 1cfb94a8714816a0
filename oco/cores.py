"""How many threads are worth starting, and when BLAS is to start none."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CORES", "one_blas_thread"]

# More than a few threads gain nothing here: what they work on is made, or read, by one.
MOST = 4


def _usable() -> int:
    """Return how many cores this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


CORES = min(_usable(), MOST)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let NumPy's and SciPy's BLAS use one thread, here or in a function that this decorates.

    The products of a round are too small to share: threads that wait for each other slow them down,
    on a busy machine a hundredfold.  And the results then do not depend on how many cores there
    are.

    Notes
    -----
    Everything in this package that works on many rows or rounds does this itself.  A loop of one's
    own over `FrequentDirections.append` or a learner's `update` does not, as it would cost as much
    as a short row: put the loop in ``with oco.one_blas_thread():``.

    With most builds of BLAS the number of threads belongs to the process: others in it have one
    too.  To enter and leave takes some 20 µs.

    Examples
    --------
    >>> import numpy as np, oco
    >>> sketch = oco.sketch.FrequentDirections(d=40, k=10)
    >>> with oco.one_blas_thread():
    ...     for row in np.random.default_rng(0).standard_normal((500, 40)):
    ...         _ = sketch.append(row)
    >>> sketch.rows
    500
    """
    with blas_libraries().limit(limits=1):
        yield


@functools.cache
def blas_libraries():
    """Return a controller of the BLAS libraries, which takes milliseconds to find."""
    # What is loaded only later would not be found.
    importlib.import_module("scipy.linalg")
    return importlib.import_module("threadpoolctl").ThreadpoolController().select(user_api="blas")
