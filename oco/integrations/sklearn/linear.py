"""What the classifier and the regressor share: a pass over rows, epochs of them, the weights."""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from oco.integrations.sklearn.coordinates import SPARSE, CoordinatePlayer
from oco.integrations.sklearn.player import LEARNERS, Player, new_learner
from oco.integrations.sklearn.rates import AdaptiveRate
from oco.regret import above, below

__all__ = ["SketchedLinear"]

FLOATS = [np.float64, np.float32]


class SketchedLinear(BaseEstimator):
    """A linear model whose weights learners of this package play, row by row."""

    _parameter_constraints = {  # noqa: RUF012 - as scikit-learn's estimators have it
        "learner": [StrOptions(set(LEARNERS))],
        "k": [Interval(Integral, 2, None, closed="left")],
        "lr": [Interval(Real, 0, None, closed="neither"), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "radius": [Interval(Real, 0, None, closed="neither"), None],
        "fit_intercept": ["boolean"],
        "average": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "certify": ["boolean"],
        "random_state": ["random_state"],
    }

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_players")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @property
    def coef_(self):
        """Weights of the features."""
        weights = self._weights()
        coef = weights[:, : self.n_features_in_]
        return coef[0] if self._flat else coef

    @property
    def intercept_(self):
        """Weights of the constant; 0 without one."""
        weights = self._weights()
        if self.fit_intercept:
            return weights[:, -1].copy()
        return np.zeros(len(weights))

    @property
    def t_(self):
        """How many rows of positive weight were played, of all epochs."""
        check_is_fitted(self)
        return max(player.rounds for player in self._players)

    @property
    def regret_interval_(self):
        """What the rounds of `partial_fit` cost beyond the best fixed weights: proven bounds."""
        low, high, _ = self._regrets().T
        return np.array([below(math.fsum(low)), above(math.fsum(high))])

    @property
    def regret_radius_(self):
        """How long the weights may be that the regret is proven against."""
        return float(self._regrets()[:, 2].min())

    @property
    def regret_bound_(self):
        """What the learner's theory says the regret is at most; infinite where it says nothing."""
        check_is_fitted(self)
        return math.fsum(player.regret_bound for player in self._players)

    @property
    def sketches_(self):
        """The sketches of the gradients, one a model; what `oco.ranks.recommend` reads."""
        check_is_fitted(self)
        found = tuple(getattr(player, "sketch", None) for player in self._players)
        if None in found:
            raise AttributeError(f"learner={self.learner!r} keeps no sketch")
        return found

    # Whether `coef_` is one vector.
    _flat = False

    def _regrets(self) -> np.ndarray:
        """Return the bounds and the radius of each player."""
        check_is_fitted(self)
        records = [player.record for player in self._players if isinstance(player, Player)]
        if not records or not all(map(len, records)):
            raise AttributeError(
                f"This {type(self).__name__} has kept no rows: set certify=True before partial_fit"
            )
        return np.array([record.regret for record in records])

    def _weights(self) -> np.ndarray:
        """Return the weights, one row a prediction."""
        check_is_fitted(self)
        points = [
            (player.average if self.average else player.point).reshape(player.outputs, -1)
            for player in self._players
        ]
        return np.concatenate(points)

    def _predictions(self, X) -> np.ndarray:
        """Return ⟨a, w⟩ of valid rows, one column a prediction."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        return self._predicted(X)

    def _predicted(self, X) -> np.ndarray:
        weights = self._weights()
        scores = safe_sparse_dot(X, weights[:, : X.shape[1]].T, dense_output=True)
        return scores + weights[:, -1] if self.fit_intercept else scores

    def _validated(self, X, y, reset: bool, **of_labels):
        """Return rows and labels that scikit-learn accepts."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=FLOATS, reset=reset, **of_labels
        )
        if sparse.issparse(X) and not X.has_canonical_format:
            # A row may have the same feature twice.
            X = X.copy()
            X.sum_duplicates()
        return X, y

    def _validated_weights(self, sample_weight, X):
        """Return the rows' weights as float64; None for none."""
        if sample_weight is None:
            return None
        return _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)

    def _new_players(self, loss, models: int, outputs: int, d: int) -> list:
        """Return players that have seen nothing, one a model."""
        free = not self.alpha and self.radius is None
        if free and self.learner in SPARSE and not self.certify:
            return [
                CoordinatePlayer(self.learner, d, loss, outputs, self.lr, self.fit_intercept)
                for _ in range(models)
            ]
        width = d + self.fit_intercept
        return [
            Player(
                new_learner(self.learner, outputs * width, self.k, self.radius, self.lr),
                loss,
                outputs,
                AdaptiveRate(self.learner, loss, self.fit_intercept) if self.lr is None else None,
                self.alpha,
                self.fit_intercept,
            )
            for _ in range(models)
        ]

    def _play(self, players, X, targets: np.ndarray, weights, order) -> float:
        """Let each player play its column of labels; return the mean of what it cost."""
        cost = sum(
            player.play(X, targets[:, j], weights, order) for j, player in enumerate(players)
        )
        total = len(order) if weights is None else float(weights[order].sum())
        return cost / total if total else 0.0

    def _play_once(self, players, X, targets: np.ndarray, weights) -> None:
        """Let copies of the players play all rows in order, and take their places."""
        if self.certify:
            if self.alpha:
                raise ValueError(f"certify=True needs alpha=0, got alpha={self.alpha}")
            if weights is not None and not np.isin(weights, (0.0, 1.0)).all():
                raise ValueError("certify=True needs sample weights of 0 and 1 alone")
        players = [player.copy() for player in players]
        for j, player in enumerate(players):
            if self.certify and not isinstance(player, Player):
                raise ValueError("certify=True must be set before the first call")
            kept = {"record": True} if self.certify else {}
            player.play(X, targets[:, j], weights, np.arange(X.shape[0]), **kept)
        self._players = players

    def _fit_epochs(self, players, X, targets, weights, strata=None) -> None:
        """Play all rows again and again until that is of no more use."""
        random = check_random_state(self.random_state)
        rows = np.arange(X.shape[0])
        held = rows[:0]
        if self.early_stopping:
            rows, held = train_test_split(
                rows,
                test_size=self.validation_fraction,
                random_state=random,
                stratify=strata,
            )
        best, waited = np.inf, 0
        self._players, self.n_iter_ = players, 0
        for _ in range(self.max_iter):
            order = random.permutation(rows) if self.shuffle else rows
            cost = self._play(players, X, targets, weights, order)
            self.n_iter_ += 1
            if self.early_stopping:
                cost = self._cost(
                    X[held], targets[held], None if weights is None else weights[held]
                )
            if self.tol is None:
                continue
            waited = waited + 1 if cost > best - self.tol * abs(best) else 0
            best = min(best, cost)
            if waited >= self.n_iter_no_change:
                break

    def _cost(self, X, targets, weights) -> float:
        """Return the mean loss of the weights as they are."""
        loss, scores = self._players[0].loss, self._predicted(X)
        if self._players[0].outputs > 1:
            costs = loss.value(scores, targets[:, 0])
        else:
            costs = loss.value(scores, targets).sum(axis=1)
        return float(np.average(costs, weights=weights))
