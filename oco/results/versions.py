"""What a result was computed with."""

from __future__ import annotations

import platform
from importlib import metadata

import numpy as np
import scipy

__all__ = ["versions"]

# The distribution's name: the package index knows another `oco`.
DISTRIBUTION = "oco-sketch"


def versions() -> dict[str, str]:
    """Return the versions of this package, Python, NumPy and SciPy.

    Examples
    --------
    >>> list(versions())
    ['oco', 'python', 'numpy', 'scipy']
    """
    return {
        "oco": metadata.version(DISTRIBUTION),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
