"""What a result was computed with."""

from __future__ import annotations

import platform

import numpy as np
import scipy

import oco

__all__ = ["versions"]


def versions() -> dict[str, str]:
    """Return the versions of this package, Python, NumPy and SciPy.

    Examples
    --------
    >>> list(versions())
    ['oco', 'python', 'numpy', 'scipy']
    """
    return {
        "oco": oco.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
