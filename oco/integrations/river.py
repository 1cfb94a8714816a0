"""Principal components for river, which learns a row at a time; needs the extra ``river``."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from sklearn.exceptions import NotFittedError

from oco import checks
from oco.integrations.sklearn.fitted import FittedComponents
from oco.integrations.sklearn.model import Model, new_sketch

if find_spec("river") is None:
    from oco.extras import missing

    raise ImportError(f"river: {missing('river')}")

from river.base import MiniBatchTransformer

__all__ = ["RiverPCA"]


class RiverPCA(FittedComponents, MiniBatchTransformer):
    r"""Principal components of a stream, as a transformer of river.

    What `oco.integrations.sklearn.SketchedPCA` is for scikit-learn, with the same fitted
    attributes, intervals included.

    Parameters
    ----------
    n_components : int, default=2
        How many components to give.  Of fewer features there are as many, and zeros.
    sketch_size : int, optional
        Directions that are followed, and one; 2·n_components + 10 by default.
    decay : float, default=1.0
        β in (0, 1]: each row multiplies the weight of all before it by β.
    center : bool, default=True
        Whether to subtract the mean.
    whiten : bool, default=False
        Whether to divide each component by its standard deviation.
    refresh : int, default=1
        After how many rows that were learned the components are taken anew, which costs O(d·ℓ²); in
        between, rows are transformed by those of before.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of its range, or a feature is no finite number.

    Notes
    -----
    The first row that is learned says which features there are.  One that a later row lacks is 0
    there; one that no earlier row had is left out.  Components are named ``pca0``, ``pca1``, ….
    Before anything is learned, all of them are 0.

    When components are taken anew, each keeps the sign that is nearest to what it was, for the sake
    of a model that learns behind; equal or crossing variances still let them turn.

    Examples
    --------
    >>> from river import datasets, linear_model, metrics, preprocessing
    >>> from oco.integrations.river import RiverPCA
    >>> model = preprocessing.StandardScaler() | RiverPCA(3) | linear_model.LogisticRegression()
    >>> accuracy = metrics.Accuracy()
    >>> for x, y in datasets.Phishing():
    ...     accuracy.update(y, model.predict_one(x))
    ...     model.learn_one(x, y)
    >>> accuracy.get() > 0.8
    True
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        sketch_size: int | None = None,
        decay: float = 1.0,
        center: bool = True,
        whiten: bool = False,
        refresh: int = 1,
    ) -> None:
        self.n_components = checks.integer("n_components", n_components, low=1)
        if sketch_size is not None:
            sketch_size = checks.integer("sketch_size", sketch_size, low=n_components + 1)
        self.sketch_size = sketch_size
        self.decay = checks.number("decay", decay, above=0, high=1)
        self.center, self.whiten = center, whiten
        self.refresh = checks.integer("refresh", refresh, low=1)
        self._places: dict = {}
        self._projection, self._axes = (np.zeros(0), np.zeros((0, 0))), np.zeros((0, 0))
        # Rows learned since the projection was taken; none has been at first.
        self._stale = self.refresh

    def learn_one(self, x: dict) -> None:
        """Learn from a row, given as a dictionary of its features."""
        places = self._places or _placed(x)
        self._learn(_row(x, places), places)

    def learn_many(self, X) -> None:
        """Learn from the rows of a pandas data frame."""
        places = self._places or _placed(X.columns)
        self._learn(_rows(X, places), places)

    def transform_one(self, x: dict) -> dict:
        """Return a row's coordinates in the components, by name."""
        values = self._coordinates(_row(x, self._places))[0]
        return dict(zip(self._columns(), values.tolist(), strict=True))

    def transform_many(self, X):
        """Return the rows' coordinates as a pandas data frame."""
        import pandas as pd

        return pd.DataFrame(self._coordinates(_rows(X, self._places)), X.index, self._columns())

    @property
    def components_(self):
        """Principal axes, with the signs nearest to those that rows were transformed by."""
        components = super().components_
        if not len(self._axes):
            return components
        turned = np.einsum("ij,ij->i", self._axes, components) < 0
        return np.where(turned[:, None], -components, components)

    def _learn(self, rows: np.ndarray, places: dict) -> None:
        """Learn from rows that have features in these places."""
        if not self._places:
            count = min(self.n_components, len(places))
            parameters = {
                "n_components": count,
                "sketch_size": self.sketch_size,
                "error": None,
                "decay": self.decay,
                "center": self.center,
                "batch_size": None,
            }
            self._model = Model(new_sketch(parameters, len(places)), count)
            self._places = places
        self._model.sketch.extend(rows)
        self._stale += len(rows)

    def _coordinates(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows' coordinates, of shape (n, n_components)."""
        result = np.zeros((len(rows), self.n_components))
        if not self._places or not self._model.sketch.rows:
            return result
        if self._stale >= self.refresh:
            components = self.components_
            self._axes = components
            if self.whiten:
                components = components / self._deviations()[:, None]
            self._projection, self._stale = (self.mean_, components), 0
        mean, components = self._projection
        result[:, : len(components)] = (rows - mean) @ components.T
        return result

    def _columns(self) -> list[str]:
        return [f"pca{i}" for i in range(self.n_components)]

    @property
    def _report(self):
        if not self._places:
            raise NotFittedError(f"This {type(self).__name__} has not learned from any row yet.")
        return self._model.report


def _placed(names) -> dict:
    """Return a place for each name, the same however they are ordered."""
    places = {name: place for place, name in enumerate(sorted(names, key=repr))}
    if not places:
        raise ValueError("x: expected a row with features, got none")
    return places


def _row(x: dict, places: dict) -> np.ndarray:
    """Return a row's known features, of shape (1, d)."""
    row = np.zeros((1, len(places)))
    for name, value in x.items():
        if name in places:
            row[0, places[name]] = checks.number(str(name), value)
    return row


def _rows(X, places: dict) -> np.ndarray:
    """Return the known features of a frame's rows, of shape (n, d)."""
    rows = np.zeros((len(X), len(places)))
    for name in X.columns:
        if name in places:
            rows[:, places[name]] = checks.vector(str(name), X[name], len(X))
    return rows
