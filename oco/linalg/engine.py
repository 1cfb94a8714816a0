"""Which engine runs the hot kernels: numba where it is installed, NumPy otherwise.

A kernel is written once, as a function on arrays.  ``OCO_ENGINE=numpy`` in the environment turns
compilation off, ``OCO_ENGINE=numba`` insists on it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os

from oco import checks

__all__ = ["ENGINE", "kernel", "summing_kernel"]


def _choose() -> str:
    installed = importlib.util.find_spec("numba") is not None
    wanted = os.environ.get("OCO_ENGINE") or ("numba" if installed else "numpy")
    checks.choice("OCO_ENGINE", wanted, ["numba", "numpy"])
    if wanted == "numba" and not installed:
        raise ImportError("OCO_ENGINE: numba is not installed; pip install 'oco-sketch[fast]'")
    return wanted


ENGINE = _choose()

if ENGINE == "numba":
    import numba

    # numba's products call SciPy's BLAS.  It is loaded here, not in the middle of the first
    # product, so that a caller who limits the threads of all loaded libraries reaches it.
    importlib.import_module("scipy.linalg")

    # Compiled once and kept on disk.  Division by zero follows NumPy (inf, not an exception), and
    # no fast-math: the kernels rely on IEEE arithmetic to recognise rounding.
    kernel = numba.njit(cache=True, error_model="numpy")
    # For functions that do nothing but add up terms, in whatever order is fastest.
    summing_kernel = numba.njit(cache=True, error_model="numpy", fastmath={"reassoc"})
else:

    def kernel(function):
        """Return `function` as it is: it runs as NumPy."""
        return function

    summing_kernel = kernel
