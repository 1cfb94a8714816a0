"""Estimators for scikit-learn that sketch, and prove what they lose by it."""

from __future__ import annotations

from oco.integrations.sklearn.classifier import SketchedClassifier
from oco.integrations.sklearn.pca import SketchedPCA
from oco.integrations.sklearn.regressor import SketchedRegressor

__all__ = ["SketchedClassifier", "SketchedPCA", "SketchedRegressor"]
