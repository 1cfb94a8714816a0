"""An advice on whatever holds gradients: arrays, frames, Dask collections, files, estimators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from oco import checks
from oco.cores import one_blas_thread
from oco.ranks.advice import Advice, advise
from oco.ranks.cluster import sketch_array
from oco.ranks.files import WINDOW, GradientFile, absorb_rows, sketch_file
from oco.sketch import FrequentDirections
from oco.sketch.brackets import Bracket
from oco.sketch.spectrum import ScatterSpectrum

__all__ = ["LARGEST", "recommend"]

#: The sketch size that answers for itself and all below, at first.
LARGEST = 128


def recommend(
    gradients, *, target: float = 1.1, error: float | None = None, k_max: int | None = None
) -> Advice:
    """Say which sketch size rows need, from one sketch of them.

    Parameters
    ----------
    gradients : array_like, sparse matrix, data frame, Dask collection, path or estimator
        Rows of shape (T, d): in memory, in chunks, which are sketched where they are, or in a
        ``.npy`` file.  A `FrequentDirections`, and an estimator of `oco.integrations.sklearn` that
        has learned with a sketch, are taken for what they have seen: gradients, or for
        `SketchedPCA` rows less their mean, as it weighs them.  Of several sketches the one that
        needs the largest size speaks.
    target : float
        > 1: the largest acceptable ratio of S-AdaGrad's bound to full-matrix AdaGrad's.
    error : float, optional
        In (0, 1), in place of `target`: the largest share of Σ‖g_t‖² that the best k − 1
        directions may miss, "1 % reconstruction error".
    k_max : int, optional
        Size of the sketch.  By default 128 at first, and twice as much with a new pass over the
        rows, until what is asked for is proven to be met or the sketch loses nothing.

    Returns
    -------
    Advice
        Whose `recommended` is None if no size up to `k_max`, or that of a sketch that was given, is
        proven to do.

    Raises
    ------
    TypeError, ValueError
        If the rows are no finite real numbers, all of them are 0, or a parameter is out of range.

    Examples
    --------
    >>> rows = np.random.default_rng(0).standard_normal((500, 40)) * 0.6 ** np.arange(40)
    >>> recommend(rows, error=0.01).recommended.k
    6
    """
    held = _sketches(gradients)
    if held is not None:
        if k_max is not None:
            raise ValueError(f"k_max: expected None for a sketch that was made, got {k_max!r}")
        return max((advise(sketch, target, error=error) for sketch in held), key=_demand)
    d, sketch_of = _rows(gradients)
    grow = k_max is None
    k = min(LARGEST, d + 1) if k_max is None else checks.integer("k_max", k_max, low=2, high=d + 1)
    while True:
        advice = advise(sketch_of(k), target, error=error)
        if advice.recommended is not None or not grow or k == d + 1:
            return advice
        k = min(2 * k, d + 1)


def _demand(advice: Advice) -> float:
    """Return the size that is recommended; infinite if none is."""
    return np.inf if advice.recommended is None else advice.recommended.k


def _sketches(thing):
    """Return the sketches that a thing is or has; None if it is rows."""
    if isinstance(thing, FrequentDirections):
        return [thing]
    if not hasattr(thing, "get_params"):
        return None
    found = getattr(thing, "sketches_", None)
    if not found:
        raise TypeError(
            f"gradients: expected rows, or an estimator that has learned with a sketch, got {thing}"
        )
    return [_Scatter(each) if isinstance(each, ScatterSpectrum) else each for each in found]


def _rows(gradients) -> tuple[int, Callable[[int], FrequentDirections]]:
    """Return the length of the rows, and what makes a sketch of them of a given size."""
    if hasattr(gradients, "__dask_graph__"):
        if not hasattr(gradients, "rechunk"):
            gradients = gradients.to_dask_array(lengths=True)
        if gradients.ndim != 2:
            raise ValueError(
                f"gradients: expected an array of shape (T, d), got shape {gradients.shape}"
            )
        return gradients.shape[1], lambda k: sketch_array(gradients, k).compute()
    if isinstance(gradients, GradientFile) or not np.ndim(gradients):
        file = gradients if isinstance(gradients, GradientFile) else GradientFile(gradients)
        return file.d, lambda k: sketch_file(file, k)
    if not sparse.issparse(gradients):
        gradients = checks.real("gradients", gradients)
    shape = gradients.shape
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"gradients: expected an array of shape (T, d), got shape {shape}")
    return shape[1], lambda k: _sketch(gradients, k)


@one_blas_thread()
def _sketch(rows, k: int) -> FrequentDirections:
    """Return a sketch of rows in memory, of which a window at a time is made dense."""
    if sparse.issparse(rows):
        rows = sparse.csr_array(rows)
    sketch = FrequentDirections(rows.shape[1], k)
    step = max(1, WINDOW // (8 * rows.shape[1]))
    for start in range(0, rows.shape[0], step):
        part = rows[start : start + step]
        part = part.toarray() if sparse.issparse(part) else part
        absorb_rows(sketch, checks.matrix("gradients", part, rows.shape[1]))
    return sketch


@dataclass(frozen=True)
class _Scatter:
    """The spectrum of a scatter, with the names that a sketch has for the same things.

    Its bounds are of the same form: λ̄_i − r ≤ λ_i ≤ λ̄_i + τ + r.
    """

    spectrum: ScatterSpectrum
    decay = 1.0

    @property
    def d(self) -> int:
        return self.spectrum.d

    @property
    def k(self) -> int:
        return self.spectrum.size

    @property
    def rows(self) -> int:
        return self.spectrum.rows

    @property
    def eigenvalues(self) -> np.ndarray:
        return self.spectrum.eigenvalues

    @property
    def rank(self) -> int:
        return len(self.eigenvalues)

    @property
    def escaped_mass(self) -> float:
        return self.spectrum.escaped_mass

    @property
    def total_mass(self) -> float:
        return self.spectrum.total_mass

    @property
    def rounding(self) -> float:
        return self.spectrum.rounding

    def bracket(self) -> Bracket:
        return self.spectrum.bracket()

    def escaped_mass_limit_range(self, size: int) -> tuple[float, float]:
        return self.bracket().escaped_mass_limit(size)
