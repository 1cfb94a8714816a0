"""What a loss is: a function φ(z, y), convex in the prediction z, and what rounding does to it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from oco import marks
from oco.linalg.rounding import SMALLEST, UNIT

__all__ = ["ASSUMED", "Loss", "as_loss"]

#: The relative errors that a loss without an `error` of its own is assumed to make: it computes the
#: value or slope at a prediction this far from the one given, and rounds it by as much again.
ASSUMED = 16 * UNIT


@marks.loss
class Loss(ABC):
    """A loss φ(z, y), convex in the prediction z.

    A loss of one's own needs `value` and `derivative`; everything else has a default.

    Attributes
    ----------
    name : str
        How the command line calls it.
    smooth : bool
        Whether φ is twice differentiable in z, so that `curvature` exists.
    labels : {"binary", "real", "class"}
        Whether y is a sign, −1 or +1, any real number, or the number 0, 1, … of a class; with
        classes, a prediction is a vector with one entry a class.
    conjugate : callable or None
        ``conjugate(u, y)`` is sup_z u z − φ(z, y); None where it is not known.
    curvature : callable or None
        ``curvature(z, y)`` is φ''(z, y); None for a loss that is not smooth, or of vectors.
    minorant : callable or None
        ``minorant(u, y)`` gives `offset` and `doubt`, of one number a round each: for some slope v
        with ‖v − u‖ ≤ `doubt`, φ(z, y) ≥ ⟨v, z⟩ + `offset` for all z, proven with the rounding of
        `offset` itself.  Where it is None, tangents and `error` are used.

    Examples
    --------
    >>> class Exponential(Loss):
    ...     name, labels = "exponential", "binary"
    ...
    ...     def value(self, z, y):
    ...         return np.exp(-y * z)
    ...
    ...     def derivative(self, z, y):
    ...         return -y * np.exp(-y * z)
    >>> Exponential().lipschitz(1.0, 1.0)
    inf
    """

    name: str = "custom"
    smooth: bool = False
    labels: str = "real"
    conjugate: Callable[..., np.ndarray] | None = None
    curvature: Callable[..., np.ndarray] | None = None
    minorant: Callable[..., tuple[np.ndarray, np.ndarray]] | None = None

    @abstractmethod
    def value(self, z, y):
        """Return φ(z, y), elementwise."""

    @abstractmethod
    def derivative(self, z, y):
        """Return a subgradient of φ in z, elementwise."""

    def error(self, z, y, doubt=0.0):
        """Return how far ``value(z, y)`` may be from φ(w, y) for any w within `doubt` of z.

        Parameters
        ----------
        z, y : array_like
            Predictions and labels, as `value` takes them.
        doubt : array_like
            One number a prediction, ≥ 0; for vectors, what each of their entries may be off by.

        Returns
        -------
        ndarray
            One number a round; infinite or NaN where nothing is known.

        Notes
        -----
        A loss that does not override this is assumed to be backward stable: what `value` returns
        is φ(z', y)(1 + ε) with |z' − z| ≤ 16u|z| and |ε| ≤ 16u, u = 2⁻⁵³, and convex.  With r four
        times what z may be off by, convexity then bounds φ above on the whole of z ± r by its
        values at the ends, and below by the mirror image: φ(w) ≥ 2φ(z') − φ(2z' − w).
        """
        with np.errstate(over="ignore", invalid="ignore"):
            near = np.asarray(self.value(z, y))
            largest = np.maximum.reduce([self.value(end, y) for end in self._ends(z, doubt)])
            rise = np.maximum(largest - near, 0.0)
            return rise + 4 * ASSUMED * (np.abs(near) + np.abs(largest)) + 16 * SMALLEST

    def _ends(self, z, doubt):
        """Yield points whose convex hull holds all that is within `doubt` and rounding of z."""
        z = np.asarray(z, dtype=np.float64)
        if self.labels != "class":
            reach = 4 * (doubt + ASSUMED * np.abs(z))
            yield from (z - reach, z + reach)
            return
        # A cube of half side 1 lies in the hull of ± c times the unit vectors, in c dimensions.
        classes = z.shape[-1]
        reach = 4 * classes * (doubt + ASSUMED * np.max(np.abs(z), axis=-1))
        for j in range(classes):
            for sign in (-1.0, 1.0):
                end = z.copy()
                end[..., j] += sign * reach
                yield end

    def lipschitz(self, z_max: float, y_max: float) -> float:
        """Return sup |φ'(z, y)| over |z| ≤ `z_max`, |y| ≤ `y_max`; infinite unless overridden."""
        return math.inf

    def gradient_curvature(self, z_max: float, y_max: float) -> float:
        """Return a curvature σ of φ along its slopes, over |z| ≤ `z_max` and |y| ≤ `y_max`.

        Returns
        -------
        float
            σ ≥ 0 with φ(z, y) − φ(w, y) ≤ φ'(z, y)(z − w) − (σ/2)(φ'(z, y)(z − w))² for all such z,
            w and y: what Newton steps need.  0, which convexity has, unless overridden.
        """
        return 0.0

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def as_loss(thing) -> Loss:
    """Return `thing` if it is a `Loss`, or one that asks `thing` for `value` and `derivative`.

    Raises
    ------
    ValueError
        If it has no such methods.
    """
    if isinstance(thing, Loss):
        return thing
    for name in ("value", "derivative"):
        if not callable(getattr(thing, name, None)):
            raise ValueError(f"loss: {type(thing).__name__} has no method {name!r}")
    return _Imitation(thing)


class _Imitation(Loss):
    """A loss that does not derive from `Loss`: what it lacks has the defaults of `Loss`."""

    def __init__(self, original) -> None:
        self.original = original
        for name in (
            *("name", "smooth", "labels", "conjugate", "curvature", "lipschitz"),
            *("error", "minorant", "gradient_curvature"),
        ):
            if hasattr(original, name):
                setattr(self, name, getattr(original, name))

    def value(self, z, y):
        """Return the original's value."""
        return self.original.value(z, y)

    def derivative(self, z, y):
        """Return the original's derivative."""
        return self.original.derivative(z, y)
