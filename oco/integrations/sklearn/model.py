"""What a `SketchedPCA` has learned: a sketch, and what follows from it, when it is asked for."""

from __future__ import annotations

from functools import cached_property
from numbers import Integral

import numpy as np

from oco.linalg.rounding import UNIT
from oco.sketch.scatter import ScatterSketch
from oco.sketch.spectrum import ScatterSpectrum

__all__ = ["Model", "Report", "new_sketch"]

# Of the default sketch size 2k + 10.
PER_COMPONENT, MORE = 2, 10


def new_sketch(parameters: dict, d: int) -> ScatterSketch:
    """Return the sketch that an estimator's parameters ask for, of rows of length d.

    Raises
    ------
    ValueError
        If they do not fit each other or d.
    """
    components, size = parameters["n_components"], parameters["sketch_size"]
    error, counted = parameters["error"], None
    if isinstance(components, Integral):
        counted = int(components)
        if counted > d:
            raise ValueError(f"n_components={counted} invalid for n_features={d}")
        if size is not None and size <= counted:
            raise ValueError(
                f"sketch_size={size} must be greater than n_components={counted}: a sketch holds "
                "one direction less than its size"
            )
        size = PER_COMPONENT * counted + MORE if size is None else size
    elif size is None and components is None and error is None:
        # Nothing is to be lost.
        size = d + 1
    elif size is None:
        size = MORE
        if components is not None:
            # Half of what may be missed is left for components that the sketch holds in vain.
            most = (1.0 - components) / 2
            error = most if error is None else min(error, most)
    return ScatterSketch(
        d,
        min(size, d + 1),
        decay=parameters["decay"],
        center=parameters["center"],
        error=error,
        components=counted,
        block=parameters["batch_size"],
    )


class Model:
    """A sketch and the number of components asked of it; its report is made when it is read."""

    def __init__(self, sketch: ScatterSketch, components) -> None:
        self.sketch = sketch
        self.components = components
        self._report: Report | None = None

    @property
    def report(self) -> Report:
        """What follows from the rows so far."""
        spectrum = self.sketch.spectrum()
        if self._report is None or self._report.spectrum is not spectrum:
            self._report = Report(spectrum, self.components)
        return self._report

    def copy(self) -> Model:
        """Return a model that goes on by itself."""
        return Model(self.sketch.copy(), self.components)


class Report:
    """The fitted attributes, in the units of scikit-learn's `PCA`."""

    def __init__(self, spectrum: ScatterSpectrum, components) -> None:
        self.spectrum = spectrum
        if components is None:
            self.count = max(len(spectrum.relative), 1)
        elif isinstance(components, Integral):
            self.count = int(components)
        else:
            self.count = spectrum.components_for(components)

    @cached_property
    def components(self) -> np.ndarray:
        """Orthonormal rows."""
        return self.spectrum.basis(self.count)

    @cached_property
    def variance(self) -> np.ndarray:
        """Estimates of the largest eigenvalues of the covariance."""
        return self.spectrum.estimates(self.count) / self.spectrum.degrees

    @cached_property
    def variance_interval(self) -> np.ndarray:
        """Bounds of them."""
        spectrum = self.spectrum
        bounds = spectrum.intervals(self.count) / spectrum.degrees
        # The degrees are a difference, W − V/W for weights and 1 where they are all alike, and each
        # sum and quotient in it rounds; so does the division.
        weight = abs(spectrum.weight) + spectrum.weight_squares / (spectrum.weight or 1.0)
        off = (4 + np.sqrt(spectrum.positive)) * UNIT * weight / spectrum.degrees
        with np.errstate(over="ignore"):
            low, high = (1 - off) * bounds[:, 0], (1 + off) * bounds[:, 1]
        return np.stack([np.nextafter(np.maximum(low, 0.0), 0.0), np.nextafter(high, np.inf)], 1)

    @cached_property
    def noise_variance(self) -> float:
        """The mean of the eigenvalues that are left."""
        left = min(self.spectrum.positive, self.spectrum.d) - self.count
        if left <= 0:
            return 0.0
        return self.spectrum.rest(self.count) / self.spectrum.degrees / left
