"""Rows that are more than memory holds: windows of a memory map, chunks of a Dask collection."""

from __future__ import annotations

import copy

import numpy as np
from sklearn.base import clone

__all__ = ["fit_dask", "is_dask", "transform_dask", "windows"]

# Numbers of a memory map that are looked at at a time.
WINDOW = 1 << 22
# Sketches merged into one at a time.
BRANCHES = 4


def windows(X, sample_weight):
    """Yield rows and their weights: all of them at once, but of a memory map some at a time."""
    if not isinstance(X, np.memmap) or X.ndim != 2 or not X.size:
        yield X, sample_weight
        return
    if sample_weight is not None and np.shape(sample_weight) not in ((), (len(X),)):
        # What is wrong is said of all rows.
        yield X, sample_weight
        return
    step = max(1, WINDOW // X.shape[1])
    for start in range(0, len(X), step):
        part = slice(start, start + step)
        weights = sample_weight
        if sample_weight is not None and np.ndim(sample_weight):
            weights = np.asarray(sample_weight)[part]
        yield np.asarray(X[part]), weights


def is_dask(X) -> bool:
    """Return whether X is a collection of Dask's, without importing it."""
    return hasattr(X, "__dask_graph__") and hasattr(X, "to_delayed")


def fit_dask(estimator, X, sample_weight, reset: bool = True):
    """Return the model of a Dask array's or data frame's rows, by a tree of merges.

    Raises
    ------
    ValueError
        If a chunk holds what `fit` refuses.
    """
    from dask import delayed

    blocks = _blocks(X)
    weights = [None] * len(blocks)
    if sample_weight is not None:
        weights = _split(sample_weight, X, len(blocks))
    worker = clone(estimator)
    fits = [
        delayed(_fitted)(worker, block, part) for block, part in zip(blocks, weights, strict=True)
    ]
    while len(fits) > 1:
        groups = [fits[i : i + BRANCHES] for i in range(0, len(fits), BRANCHES)]
        fits = [delayed(_merged)(group) for group in groups]
    fitted = fits[0].compute()
    if fitted is None:
        raise ValueError(
            f"Found array with 0 sample(s) while a minimum of 1 is required by "
            f"{type(estimator).__name__}."
        )
    if reset:
        estimator.n_features_in_ = fitted.n_features_in_
        if hasattr(fitted, "feature_names_in_"):
            estimator.feature_names_in_ = fitted.feature_names_in_
        elif hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
    elif estimator.n_features_in_ != fitted.n_features_in_:
        raise ValueError(
            f"X has {fitted.n_features_in_} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )
    return fitted._model


def transform_dask(estimator, X):
    """Return the transformed rows of a Dask array as one, of a data frame as one: lazily."""
    fitted = copy.copy(estimator)
    if not hasattr(X, "rechunk"):
        import pandas as pd

        fitted.set_output(transform="pandas")
        names = fitted.get_feature_names_out()
        return X.map_partitions(fitted.transform, meta=pd.DataFrame(columns=names, dtype=float))
    fitted.set_output(transform="default")
    X = X.rechunk({1: X.shape[1]})
    dtype = X.dtype if X.dtype == np.float32 else np.dtype(np.float64)
    return X.map_blocks(
        fitted.transform,
        dtype=dtype,
        chunks=(X.chunks[0], (fitted.n_components_,)),
        meta=np.empty((0, 0), dtype=dtype),
    )


def _blocks(X) -> list:
    """Return chunks of whole rows, in order."""
    if not hasattr(X, "rechunk"):
        return list(X.to_delayed())
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead")
    return list(X.rechunk({1: X.shape[1]}).to_delayed()[:, 0])


def _split(sample_weight, X, count: int) -> list:
    """Return the weights of each chunk."""
    if is_dask(sample_weight):
        parts = list(np.ravel(sample_weight.to_delayed()))
        if len(parts) != count:
            raise ValueError(f"sample_weight has {len(parts)} chunks, X has {count}")
        return parts
    sizes = getattr(X, "chunks", ((np.nan,),))[0]
    if np.isnan(sizes).any():
        raise ValueError("sample_weight of chunks of unknown length must be a Dask array")
    sample_weight = np.asarray(sample_weight)
    if sample_weight.shape != (sum(sizes),):
        raise ValueError(f"sample_weight.shape == {sample_weight.shape}, expected {(sum(sizes),)}!")
    return np.split(sample_weight, np.cumsum(sizes)[:-1])


def _fitted(estimator, rows, weights):
    """Return the estimator of one chunk; None for one without rows that count."""
    if not rows.shape[0] or (weights is not None and not np.any(weights)):
        return None
    return clone(estimator).fit(rows, sample_weight=weights)


def _merged(fits: list):
    """Return the estimator of the rows of several chunks, in order."""
    fits = [fit for fit in fits if fit is not None]
    if not fits:
        return None
    first, *others = fits
    model = first._model.copy()
    for other in others:
        model.sketch.append_stream(other._model.sketch)
    first._model = model
    return first
