"""Which sketch sizes the layers of a model need, from sketches kept while it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from oco import checks
from oco.cores import one_blas_thread
from oco.shampoo import layout
from oco.sketch import FrequentDirections, escaped_mass_limit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["AxisAdvice", "GradientWatch", "LayerAdvice"]

# The size of the sketches that watch: twice the default of S-Shampoo, so that it can be judged.
WATCHING = 64
# An axis of at most this many times k is kept exactly: it takes no more numbers than twice a sketch
# with its room to work in, and far less time.
EXACT_RATIO = 4
# The share of the mass that the recommended sketch is proven to hold.
TARGET = 0.9


@dataclass(frozen=True)
class AxisAdvice:
    """What is known of one axis of one layer.

    Attributes
    ----------
    layer : str
        The parameter's name.
    shape : tuple of int
        Its shape.
    axis : int
        Which axis of it.
    dim : int
        n, the length of that axis.
    steps : int
        How many gradients were absorbed.
    dimension_lo, dimension_hi : float
        tr C/λ_max(C), the intrinsic dimension of C = Σ M Mᵀ, with M the gradient unfolded along
        the axis.
    captured : float
        Share of tr C that the leading k − 1 directions are proven to hold, for the recommended k.
    omega_lo, omega_hi : float
        Ω_k, the most that can escape a sketch of that size, in squared units of the gradient.
    k : int or None
        The smallest sketch size that is proven to hold the target; None if none that the watching
        sketch could speak for is.
    """

    layer: str
    shape: tuple[int, ...]
    axis: int
    dim: int
    steps: int
    dimension_lo: float
    dimension_hi: float
    captured: float
    omega_lo: float
    omega_hi: float
    k: int | None


@dataclass(frozen=True)
class LayerAdvice:
    """What is known of all layers; `print` shows it as tables.

    Attributes
    ----------
    target : float
        The share of the mass that was asked for.
    size : int
        Size of the sketches that watched.
    axes : tuple of AxisAdvice
        By layer, then axis.
    """

    target: float
    size: int
    axes: tuple[AxisAdvice, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each layer."""
        return {one.layer: one.shape for one in self.axes}

    @property
    def sizes(self) -> dict[str, tuple[int | None, ...]]:
        """For each layer the k of every axis of its shape, as S-Shampoo takes them.

        Where no size was proven to be enough it is that of the watching sketch; an axis of length 1
        has None.
        """
        found: dict[str, list[int | None]] = {}
        for one in self.axes:
            sizes = found.setdefault(one.layer, [None] * len(one.shape))
            sizes[one.axis] = self.size if one.k is None else one.k
        return {layer: tuple(sizes) for layer, sizes in found.items()}

    def plot(self) -> Figure:
        """Draw for every axis its length, the recommended k and the intrinsic dimension."""
        from oco.ranks.figure import drawn

        return drawn(self)

    def __str__(self) -> str:
        from oco.ranks.presentation import layers
        from oco.results.layout import plain, width_given

        return plain(*layers(self), width=width_given(100))


@dataclass
class ExactAxis:
    """C = Σ M Mᵀ itself, and how many terms were added up to an entry of it."""

    matrix: np.ndarray
    terms: int = 0

    def update(self, rows: np.ndarray) -> None:
        """Absorb Mᵀ, of shape (anything, n)."""
        self.matrix += rows.T @ rows
        self.terms += len(rows)


class GradientWatch:
    """Sketches of the covariances of gradients along each axis of each layer.

    Parameters
    ----------
    k : int
        Size of the sketches, ≥ 2: advice goes up to it.

    Attributes
    ----------
    seen : dict of str to int
        How many gradients of each layer were absorbed.
    left_out : int
        How many were not, as an entry was not finite.

    Notes
    -----
    A matrix m × n takes about 2k(m + n) numbers, a gradient O(k·mn) operations; an axis of at most
    4k entries n² numbers, and O(n·mn).  Vectors are left out: S-Shampoo has no sketch for them.  A
    gradient that is not finite is left out, as optimizers leave it out.  No mass is forgotten, so
    that what is proven holds for the sum over all steps.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> watch = GradientWatch(k=8)
    >>> for _ in range(30):
    ...     watch.absorb({"weight": np.outer(rng.standard_normal(12), np.arange(20.0))})
    >>> [(one.axis, one.dim, one.k) for one in watch.advise(target=0.99).axes]
    [(0, 12, None), (1, 20, 2)]
    """

    def __init__(self, k: int = WATCHING) -> None:
        self.k = checks.integer("k", k, low=2)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._axes: dict[tuple[str, int], FrequentDirections | ExactAxis] = {}
        self.seen: dict[str, int] = {}
        self.left_out = 0

    @one_blas_thread()
    def absorb(self, gradients: Mapping[str, np.ndarray]) -> None:
        """Absorb one step's gradients, by the name of their layer.

        Raises
        ------
        TypeError, ValueError
            If one is not an array of real numbers, or a layer's shape changes; the others before it
            are absorbed.
        """
        for layer, given in gradients.items():
            gradient = np.asarray(given)
            if gradient.dtype.kind not in "fiub":
                raise TypeError(f"{layer}: expected real numbers, got {gradient.dtype}")
            shape = self._shapes.setdefault(layer, gradient.shape)
            if shape != gradient.shape:
                raise ValueError(f"{layer}: expected shape {shape}, got {gradient.shape}")
            if layout(shape, None, None).order < 2:
                continue
            if not np.isfinite(gradient).all():
                self.left_out += 1
                continue
            self.seen[layer] = self.seen.get(layer, 0) + 1
            for axis, dim in enumerate(shape):
                if dim > 1:
                    if (layer, axis) not in self._axes:
                        self._axes[layer, axis] = self._begun(dim)
                    columns = np.moveaxis(gradient, axis, 0).reshape(dim, -1)
                    self._axes[layer, axis].update(columns.T.astype(np.float64))

    def _begun(self, dim: int) -> FrequentDirections | ExactAxis:
        if dim <= EXACT_RATIO * self.k:
            return ExactAxis(np.zeros((dim, dim)))
        return FrequentDirections(dim, self.k)

    @one_blas_thread()
    def advise(self, target: float = TARGET) -> LayerAdvice:
        """Say for each axis which sketch size is proven to hold a share of the mass.

        Parameters
        ----------
        target : float
            In (0, 1): the share of tr C that the leading k − 1 directions have to hold.

        Returns
        -------
        LayerAdvice

        Raises
        ------
        ValueError
            If the target is out of its range, or no matrix with a gradient was seen.
        """
        target = checks.number("target", target, above=0, below=1)
        found = (
            self._advised(layer, axis, _seen(kept), target)
            for (layer, axis), kept in self._axes.items()
        )
        axes = tuple(one for one in found if one is not None)
        if not axes:
            raise ValueError("gradients: none of a matrix was seen that is not 0")
        return LayerAdvice(target, self.k, axes)

    def _advised(self, layer: str, axis: int, seen: Seen, target: float) -> AxisAdvice | None:
        if not seen.total > 0:
            return None
        dim, most = seen.dim, min(self.k, seen.dim + 1)
        counts = np.arange(1, most)
        sums = np.cumsum(np.pad(seen.values, (0, most)))[: most - 1]
        captured = np.clip((sums - (counts + 1) * seen.rounding) / seen.total, 0.0, 1.0)
        enough = np.flatnonzero(captured >= target)
        k = int(counts[enough[0]]) + 1 if len(enough) else None
        shown = k or most
        largest = float(seen.values.max(initial=0.0))
        low, high = seen.limits(shown)
        return AxisAdvice(
            layer=layer,
            shape=self._shapes[layer],
            axis=axis,
            dim=dim,
            steps=self.seen[layer],
            dimension_lo=seen.total / (largest + seen.escaped + seen.rounding),
            dimension_hi=min(seen.total / max(largest - seen.rounding, seen.total / dim), dim),
            captured=float(captured[shown - 2]),
            omega_lo=low,
            omega_hi=high,
            k=k,
        )


@dataclass(frozen=True)
class Seen:
    """Of one covariance C: λ_i lies in [values_i − rounding, values_i + escaped + rounding]."""

    dim: int
    values: np.ndarray
    total: float
    escaped: float
    rounding: float
    limits: Callable[[int], tuple[float, float]]


def _seen(kept: FrequentDirections | ExactAxis) -> Seen:
    if isinstance(kept, FrequentDirections):
        return Seen(
            kept.d,
            kept.eigenvalues,
            float(kept.total_mass),
            float(kept.escaped_mass),
            float(kept.rounding),
            kept.escaped_mass_limit_range,
        )
    dim, total = len(kept.matrix), float(np.trace(kept.matrix))
    values = np.maximum(np.linalg.eigvalsh(kept.matrix)[::-1], 0.0)
    # Sums of so many terms, and a symmetric eigenvalue problem that is solved backward stably.
    rounding = float((kept.terms + 16 * dim) * np.finfo(float).eps * total)

    def limits(k: int) -> tuple[float, float]:
        # Ω_k is a sum of at most d eigenvalues over 1 or more.
        limit = escaped_mass_limit(values, k)
        return max(limit - dim * rounding, 0.0), limit + dim * rounding

    return Seen(dim, values, total, 0.0, rounding, limits)
