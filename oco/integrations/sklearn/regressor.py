"""A linear regressor that a sketched learner trains, in one pass or several."""

from __future__ import annotations

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions

from oco.integrations.sklearn.linear import SketchedLinear
from oco.integrations.sklearn.losses import REGRESSION, regression_loss

__all__ = ["SketchedRegressor"]


class SketchedRegressor(RegressorMixin, SketchedLinear):
    r"""A linear regressor trained by S-AdaGrad or another learner of this package.

    Parameters
    ----------
    loss : {"squared", "absolute", "huber", "pinball"}, default="squared"
        (z − y)²/2, |z − y|, Huber's, and the one that is least at a quantile.
    epsilon : float, default=1.35
        Residual, in the units of y, at which Huber's loss turns linear.
    quantile : float, default=0.5
        In (0, 1), of the pinball loss.
    lr : float, optional
        η.  By default it follows labels and rows: twice the root mean square of the labels so far
        over that of the rows' lengths, of their sums of magnitudes for diagonal AdaGrad; gradient
        descent divides it by what a gradient is at most as long as.
    learner, k, alpha, radius, fit_intercept, average, max_iter, tol, n_iter_no_change
        As for `SketchedClassifier`.
    shuffle, early_stopping, validation_fraction, certify, random_state
        As for `SketchedClassifier`.

    Attributes
    ----------
    coef_ : ndarray of shape (d,)
    intercept_ : ndarray of shape (1,)
    n_iter_, t_, regret_interval_, regret_radius_, regret_bound_, n_features_in_, feature_names_in_
        As for `SketchedClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from oco.integrations.sklearn import SketchedRegressor
    >>> X = np.random.default_rng(0).standard_normal((500, 3))
    >>> model = SketchedRegressor(random_state=0).fit(X, X @ [1.0, -2.0, 3.0] + 0.5)
    >>> np.append(model.coef_, model.intercept_).round(2)
    array([ 1. , -2. ,  3. ,  0.5])
    """

    _parameter_constraints = {  # noqa: RUF012 - as scikit-learn's estimators have it
        **SketchedLinear._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION))],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }
    _flat = True

    def __init__(
        self,
        loss="squared",
        *,
        epsilon=1.35,
        quantile=0.5,
        learner="s-adagrad",
        k=10,
        lr=None,
        alpha=0.0,
        radius=None,
        fit_intercept=True,
        average=True,
        max_iter=20,
        tol=1e-3,
        n_iter_no_change=3,
        shuffle=True,
        early_stopping=False,
        validation_fraction=0.1,
        certify=False,
        random_state=None,
    ):
        self.loss = loss
        self.epsilon = epsilon
        self.quantile = quantile
        self.learner = learner
        self.k = k
        self.lr = lr
        self.alpha = alpha
        self.radius = radius
        self.fit_intercept = fit_intercept
        self.average = average
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.certify = certify
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Forget what was learned, and learn from all rows in several passes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : array-like of shape (n,)
        sample_weight : array-like of shape (n,), optional
            What a row's loss is multiplied by, ≥ 0.

        Returns
        -------
        SketchedRegressor
        """
        X, y = self._validated(X, y, reset=True, y_numeric=True)
        weights = self._validated_weights(sample_weight, X)
        targets = y.astype(np.float64, copy=False)[:, None]
        self._fit_epochs(self._made_players(X.shape[1]), X, targets, weights)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Learn from more rows, in one pass and in order; see `fit` for the parameters."""
        first = not self.__sklearn_is_fitted__()
        X, y = self._validated(X, y, reset=first, y_numeric=True)
        weights = self._validated_weights(sample_weight, X)
        players = self._made_players(X.shape[1]) if first else self._players
        self._play_once(players, X, y.astype(np.float64, copy=False)[:, None], weights)
        return self

    def predict(self, X):
        """Return the predictions ⟨a, w⟩, of shape (n,)."""
        return self._predictions(X)[:, 0]

    def _made_players(self, d: int):
        loss = regression_loss(self.loss, self.epsilon, self.quantile)
        return self._new_players(loss, 1, 1, d)
