"""Estimators for scikit-learn that sketch, and prove what they lose by it."""

from __future__ import annotations

from oco.integrations.sklearn.pca import SketchedPCA

__all__ = ["SketchedPCA"]
