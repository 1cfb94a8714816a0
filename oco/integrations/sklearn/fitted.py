"""The fitted attributes of principal components, which follow from a model when they are read."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from oco.integrations.sklearn.model import Model

__all__ = ["FittedComponents"]


class FittedComponents:
    """What an estimator says of the `Model` that it has learned: see `SketchedPCA`."""

    _model: Model

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_model")

    @property
    def components_(self):
        """Principal axes."""
        return self._report.components

    @property
    def explained_variance_(self):
        """Estimated variances."""
        return self._report.variance

    @property
    def explained_variance_interval_(self):
        """Bounds of the exact variances."""
        return self._report.variance_interval

    @property
    def explained_variance_ratio_(self):
        """Estimated shares of the variance."""
        report = self._report
        return report.spectrum.estimated_ratios(report.count)

    @property
    def explained_variance_ratio_interval_(self):
        """Bounds of the exact shares."""
        report = self._report
        return report.spectrum.ratio_intervals(report.count)

    @property
    def unexplained_variance_ratio_interval_(self):
        """Bounds of the share that is missed."""
        report = self._report
        return np.array(report.spectrum.missed_interval(report.count))

    @property
    def sketches_(self):
        """What is known of the scatter; what `oco.ranks.recommend` reads."""
        return (self._report.spectrum,)

    @property
    def escaped_mass_(self):
        """What an eigenvalue may be more than the sketch's."""
        spectrum = self._report.spectrum
        return spectrum.escaped_mass / spectrum.degrees

    @property
    def subspace_angle_bound_(self):
        """Bound of the largest angle to the exact leading subspace."""
        report = self._report
        return report.spectrum.angle(report.count)

    @property
    def singular_values_(self):
        """Roots of the scatter's estimated eigenvalues."""
        report = self._report
        return np.sqrt(report.spectrum.estimates(report.count))

    @property
    def mean_(self):
        """The mean of the rows."""
        return self._report.spectrum.mean

    @property
    def noise_variance_(self):
        """The mean of the variances that are left."""
        return self._report.noise_variance

    @property
    def n_components_(self):
        """How many components there are."""
        return self._report.count

    @property
    def n_samples_seen_(self):
        """How many rows were seen."""
        return self._report.spectrum.rows

    @property
    def sketch_size_(self):
        """The sketch size, which `error` lets grow."""
        return self._report.spectrum.size

    @property
    def _n_features_out(self):
        return self.n_components_

    @property
    def _report(self):
        """What follows from the rows so far; an AttributeError too if there are none."""
        check_is_fitted(self)
        return self._model.report

    def _deviations(self):
        """Return the components' standard deviations; 1 where there is none to divide by."""
        deviations = np.sqrt(self.explained_variance_)
        return np.where(deviations > 0, deviations, 1.0)
