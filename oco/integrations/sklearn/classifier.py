"""A linear classifier that a sketched learner trains, in one pass or several."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
)

from oco.integrations.sklearn.linear import SketchedLinear
from oco.integrations.sklearn.losses import CLASSIFICATION

__all__ = ["SketchedClassifier"]


def _has_probabilities(estimator) -> bool:
    if estimator.loss not in ("logistic", "softmax"):
        raise AttributeError(f"probability estimates are not available for loss={estimator.loss!r}")
    return True


class SketchedClassifier(ClassifierMixin, SketchedLinear):
    r"""A linear classifier trained by S-AdaGrad or another learner of this package.

    Parameters
    ----------
    loss : {"logistic", "hinge", "squared", "softmax"}, default="logistic"
        Of more than two classes, one against the rest each; softmax judges all of them together.
        Squared loss has labels ±1.
    learner : {"s-adagrad", "ftsl", "adagrad", "full-adagrad", "adagrad-norm", "ogd"}
        What plays the weights, "s-adagrad" by default.  A round of S-AdaGrad and of FTSL costs
        O(dk), of full-matrix AdaGrad O(d²) and more, of the others O(d).
    k : int, default=10
        Sketch size of S-AdaGrad and FTSL.
    lr : float, optional
        η.  By default it follows the rows: a factor over the root mean square of their lengths so
        far, of their sums of magnitudes for diagonal AdaGrad, over the mean of their squared
        lengths for gradient descent.  The factor is 4 for S-AdaGrad and full-matrix AdaGrad, 32 for
        gradient descent, else 8; 2 with squared loss.
    alpha : float, default=0.0
        Of the penalty α/2 ‖w‖² that each row's loss has added; the intercept is free of it.
    radius : float, optional
        Of a ball around 0 in which the weights, intercept included, stay.
    fit_intercept : bool, default=True
        Whether rows have a constant 1 added.
    average : bool, default=True
        Whether predictions are those of the average of all points played, round t weighing t; the
        last point otherwise.
    max_iter, tol, n_iter_no_change : int, float or None, int
        `fit` makes at most `max_iter` passes, and stops once the mean loss has not fallen by `tol`,
        relatively, for `n_iter_no_change` of them.
    shuffle : bool, default=True
        Whether `fit` draws the order of each pass.
    early_stopping : bool, default=False
        Whether the loss that stops `fit` is that of a part of the rows held back.
    validation_fraction : float, default=0.1
        How many those are.
    certify : bool, default=False
        Whether `partial_fit` keeps the rows, so that `regret_interval_` can be proven.  Weights of
        rows must then be 0 or 1, and `alpha` 0.
    class_weight : dict or "balanced", optional
        Weights of the classes; balanced ones only in `fit`.
    random_state : int, RandomState or None
        Of shuffling and holding back.

    Attributes
    ----------
    coef_ : ndarray of shape (1, d) for two classes, else (classes, d)
    intercept_ : ndarray of shape (1,) or (classes,)
    classes_ : ndarray
    n_iter_ : int
        Passes that `fit` made.
    t_ : int
        Rows of positive weight played, of all passes.
    regret_interval_ : ndarray of shape (2,)
        With `certify`: what the rows of `partial_fit` cost as they came, by the weights that were
        there then, less what the best fixed weights would have paid for them, lies between these,
        rounding included.  One against the rest, that is the sum over the classes.
    regret_radius_ : float
        The best weights no longer than this are meant, intercept included; in a ball it is infinite
        and all of the ball meant.
    regret_bound_ : float
        What the learner's theory proves its regret to be at most, to rounding, of all rounds, with
        those of `fit`, where `radius` and `lr` are given; infinite otherwise.
    n_features_in_, feature_names_in_
        As for every estimator.

    Notes
    -----
    A round is an ordinary one of the learner (see `oco.algorithms`): with the prediction z = ⟨a, x⟩
    its gradient is φ'(z, y) a, times the row's weight.  With softmax the variable is the matrix of
    all classes' weights.  Sparse rows cost what their entries do with "adagrad", "adagrad-norm" and
    "ogd", without penalty, ball and `certify`; for the other learners a few at a time are made
    dense.

    FTSL needs to know beforehand how long gradients are: its δ is as large as the rows so far
    demand, that of the round included, before it plays.  Where the loss has no steepest slope
    (squared loss without a ball) δ follows the gradients themselves, and nothing is proven.

    References
    ----------
    V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
    regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from oco.integrations.sklearn import SketchedClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), SketchedClassifier(random_state=0))
    >>> model.fit(X[:400], y[:400]).score(X[400:], y[400:]) > 0.95
    True
    """

    _parameter_constraints = {  # noqa: RUF012 - as scikit-learn's estimators have it
        **SketchedLinear._parameter_constraints,
        "loss": [StrOptions(set(CLASSIFICATION))],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        loss="logistic",
        *,
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
        class_weight=None,
        random_state=None,
    ):
        self.loss = loss
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
        self.class_weight = class_weight
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Forget what was learned, and learn from all rows in several passes.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : array-like of shape (n,)
            Classes, two at least.
        sample_weight : array-like of shape (n,), optional
            What a row's loss is multiplied by, ≥ 0.

        Returns
        -------
        SketchedClassifier
        """
        X, y = self._validated(X, y, reset=True)
        weights = self._validated_weights(sample_weight, X)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        self._require_two_classes()
        weights = self._class_weighted(self.class_weight, y, weights)
        players = self._made_players(X.shape[1])
        self._fit_epochs(players, X, self._targets(y), weights, strata=y)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Learn from more rows, in one pass and in order.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.
        classes : array-like, optional
            All there will be; needed in the first call.

        Returns
        -------
        SketchedClassifier
        """
        first = not self.__sklearn_is_fitted__()
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit. In order to use "
                "'balanced' weights, use compute_class_weight('balanced', classes=classes, y=y). "
                "Pass the resulting weights as the class_weight parameter."
            )
        X, y = self._validated(X, y, reset=first)
        weights = self._validated_weights(sample_weight, X)
        if first and hasattr(self, "classes_"):
            del self.classes_
        _check_partial_fit_first_call(self, classes)
        self._require_two_classes()
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            raise ValueError(
                f"The target label(s) {unseen} in y do not exist in the initial classes "
                f"{self.classes_}"
            )
        weights = self._class_weighted(self.class_weight, y, weights)
        players = self._made_players(X.shape[1]) if first else self._players
        self._play_once(players, X, self._targets(y), weights)
        return self

    def decision_function(self, X):
        """Return the predictions ⟨a, w⟩: of shape (n,) for two classes, else (n, classes)."""
        scores = self._predictions(X)
        if len(self.classes_) == 2:
            return scores[:, 1] - scores[:, 0] if self.loss == "softmax" else scores[:, 0]
        return scores

    def predict(self, X):
        """Return the likeliest class of each row, of shape (n,)."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return self.classes_[(scores > 0).astype(int)]
        return self.classes_[scores.argmax(axis=1)]

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Return the classes' probabilities, of shape (n, classes); logistic and softmax loss.

        Of one against the rest, each probability is that of its own model, over their sum.
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.stack([expit(-scores), expit(scores)], axis=1)
        if self.loss == "softmax":
            return softmax(scores, axis=1)
        # Where all are next to 0, their ratios are not.
        logs = -np.logaddexp(0.0, -scores)
        return softmax(logs, axis=1)

    @available_if(_has_probabilities)
    def predict_log_proba(self, X):
        """Return the logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @property
    def coef_(self):
        """Weights of the features."""
        return self._for_two(super().coef_)

    @property
    def intercept_(self):
        """Weights of the constant; 0 without one."""
        return self._for_two(super().intercept_)

    def _for_two(self, weights):
        """Return what tells two classes apart, where softmax has weights of both."""
        if self.loss == "softmax" and len(self.classes_) == 2:
            return weights[1:] - weights[:1]
        return weights

    def _require_two_classes(self) -> None:
        if len(self.classes_) < 2:
            raise ValueError(
                f"The number of classes has to be greater than one; got {len(self.classes_)} class"
            )

    def _made_players(self, d: int):
        classes = len(self.classes_)
        loss = CLASSIFICATION[self.loss]
        if self.loss == "softmax":
            return self._new_players(loss, 1, classes, d)
        return self._new_players(loss, 1 if classes == 2 else classes, 1, d)

    def _targets(self, y) -> np.ndarray:
        """Return one column a player: ±1, or the numbers of the classes."""
        numbers = np.searchsorted(self.classes_, y)
        if self.loss == "softmax":
            return numbers[:, None]
        wanted = [1] if len(self.classes_) == 2 else range(len(self.classes_))
        return np.stack([np.where(numbers == j, 1.0, -1.0) for j in wanted], axis=1)

    def _class_weighted(self, class_weight, y, weights):
        """Return the rows' weights times those of their classes; None for none."""
        if class_weight is None:
            return weights
        factors = compute_class_weight(class_weight, classes=self.classes_, y=y)
        factors = factors[np.searchsorted(self.classes_, y)]
        return factors if weights is None else weights * factors
