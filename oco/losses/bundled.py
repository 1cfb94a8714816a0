"""Data sets that scikit-learn brings along, by name: nothing is fetched."""

from __future__ import annotations

import numpy as np

from oco import checks

__all__ = ["BUNDLED", "PREFIX", "is_bundled", "load_bundled"]

PREFIX = "sklearn:"
#: Names after ``sklearn:``, each of a function ``load_…`` of `sklearn.datasets`.
BUNDLED = ("breast_cancer", "diabetes", "digits", "iris", "wine")


def is_bundled(name: str) -> bool:
    """Return whether a data file's name is that of a bundled data set."""
    return name.startswith(PREFIX)


def load_bundled(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the features and labels of a data set that scikit-learn brings along.

    Examples
    --------
    >>> features, labels = load_bundled("sklearn:breast_cancer")
    >>> features.shape, sorted(set(labels.tolist()))
    ((569, 30), [0.0, 1.0])
    """
    wanted = name.removeprefix(PREFIX)
    if wanted not in BUNDLED:
        near = checks.closest(wanted, BUNDLED)
        raise ValueError(f"unknown data set{near} (known: {', '.join(BUNDLED)})")
    from sklearn import datasets

    load = getattr(datasets, f"load_{wanted}")
    features, labels = load(return_X_y=True)
    return np.ascontiguousarray(features, dtype=np.float64), labels.astype(np.float64)
