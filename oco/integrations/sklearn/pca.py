"""Principal components of a stream, with intervals that contain the exact values."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval, RealNotInt
from sklearn.utils.validation import (
    _check_sample_weight,
    check_array,
    check_is_fitted,
    validate_data,
)

from oco.integrations.sklearn import chunks
from oco.integrations.sklearn.fitted import FittedComponents
from oco.integrations.sklearn.model import Model, new_sketch

__all__ = ["SketchedPCA"]

FLOATS = [np.float64, np.float32]
# Numbers that are centred at a time, as the rows may be more than memory holds.
WINDOW = 1 << 20


class SketchedPCA(
    FittedComponents, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    r"""Principal component analysis of a stream in one pass, with certified intervals.

    A Frequent Directions sketch of the centred scatter, which takes O(d · sketch_size) memory
    however many rows there are, proves how far its eigenvalues and its leading subspace are from
    the exact ones.

    Parameters
    ----------
    n_components : int or float, optional
        How many components to keep; a share in (0, 1) keeps as many as are proven to explain that
        share of the variance, for which the sketch grows unless `sketch_size` is given; None keeps
        all that the sketch holds, which without `sketch_size` and `error` are all that the rows
        span: the exact analysis, in the memory that this takes.
    sketch_size : int, optional
        Directions that are followed, and one; more than `n_components`.  2·n_components + 10 by
        default, and no more than d + 1, with which nothing is lost.  With `error` it is where the
        sketch starts from.
    error : float, optional
        In [0, 1): the sketch grows until what it loses is proven to be no more than this share of
        the total variance.  With an integer `n_components` that is what its components miss beyond
        the best ones; otherwise all that is missed.
    decay : float, default=1.0
        β in (0, 1]: each row multiplies the weight of all before it by β, one of weight w by β^w.
    batch_size : int, optional
        Rows that are absorbed at a time, whatever they come in; about 1.5·sketch_size by default.
    center : bool, default=True
        Whether to subtract the mean, as `PCA` does; without it this is a streaming `TruncatedSVD`.
    whiten : bool, default=False
        Whether `transform` divides each component by its standard deviation.
    copy : bool, default=True
        Whether `transform` leaves a dense array as it is; if False it may be centred in place.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features_in_)
        Orthonormal principal axes by descending variance, the entry of largest magnitude positive.
    explained_variance_ : ndarray of shape (n_components_,)
        Estimated variances along the exact axes: what the sketch has seen of them, which is the
        lower end of the interval but for rounding.
    explained_variance_interval_ : ndarray of shape (n_components_, 2)
        The exact eigenvalues of the covariance matrix lie in these, with an allowance for rounding
        that takes its signs to be random: see docs/theory.md.
    explained_variance_ratio_, explained_variance_ratio_interval_ : ndarray
        The same over the total variance, which is known exactly.
    unexplained_variance_ratio_interval_ : ndarray of shape (2,)
        What the rows' projection on `components_` misses of the total variance is at most the
        second; no projection of that dimension misses less than the first.
    escaped_mass_ : float
        τ, in units of a variance: no eigenvalue of the covariance is more than that above the
        sketch's.
    subspace_angle_bound_ : float
        The largest angle, in radians, between the span of `components_` and that of the exact
        components is at most this; π/2 where the gap between eigenvalues proves nothing.
    singular_values_ : ndarray of shape (n_components_,)
        Roots of the estimated eigenvalues of the scatter matrix.
    mean_ : ndarray of shape (n_features_in_,)
        The weighted mean of the rows, exact to rounding; 0 without centring.
    noise_variance_ : float
        The mean of the variances that are left.
    n_components_, n_samples_seen_, n_features_in_, sketch_size_ : int
        How many components there are, rows, features, and the sketch size.  A component that the
        rows seen do not span is any direction, of variance 0.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Of a data frame.

    Notes
    -----
    With S the weighted scatter about the weighted mean, S̄ its sketch and λ̄ that one's eigenvalues,
    0 ⪯ S − S̄ ⪯ τ I, so that λ̄_i ≤ λ_i(S) ≤ λ̄_i + min(τ, tr S − tr S̄); the angle follows from the
    sin θ theorem of Davis and Kahan.  See `oco.sketch.scatter.ScatterSketch`, and the theory page.
    Variances are S/(W − V/W) with W = Σ β^age and V = Σ β^(2 age) over the rows: S/(n − 1) without
    decay.  Where that is not positive (one row; weights that add up to 1), they are S/W.

    What is learned does not depend on how the rows are cut into calls of `partial_fit`, nor on
    whether they are stored as float32 or float64 if they are the same numbers.  All arithmetic of
    `fit` is in double precision.  Sparse rows are centred without being made dense.

    References
    ----------
    .. [1] M. Ghashami, E. Liberty, J. M. Phillips, D. P. Woodruff, *Frequent Directions: simple and
       deterministic matrix sketching*, SIAM J. Comput. 45 (2016).
    .. [2] A. Desai, M. Ghashami, J. M. Phillips, *Improved practical matrix sketching with
       guarantees*, IEEE Transactions on Knowledge and Data Engineering 28 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from oco.integrations.sklearn import SketchedPCA
    >>> rows = np.random.default_rng(0).standard_normal((1000, 50)) * 0.8 ** np.arange(50)
    >>> pca = SketchedPCA(n_components=3)
    >>> for batch in np.array_split(rows, 70):
    ...     pca = pca.partial_fit(batch)
    >>> pca.explained_variance_ratio_interval_.round(3)
    array([[0.345, 0.345],
           [0.244, 0.245],
           [0.156, 0.156]])
    >>> pca.transform(rows[:2]).shape
    (2, 3)
    """

    _parameter_constraints = {  # noqa: RUF012 - as scikit-learn's estimators have it
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            None,
        ],
        "sketch_size": [Interval(Integral, 2, None, closed="left"), None],
        "error": [Interval(Real, 0, 1, closed="left"), None],
        "decay": [Interval(Real, 0, 1, closed="right")],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None],
        "center": ["boolean"],
        "whiten": ["boolean"],
        "copy": ["boolean"],
    }

    def __init__(
        self,
        n_components=None,
        *,
        sketch_size=None,
        error=None,
        decay=1.0,
        batch_size=None,
        center=True,
        whiten=False,
        copy=True,
    ):
        self.n_components = n_components
        self.sketch_size = sketch_size
        self.error = error
        self.decay = decay
        self.batch_size = batch_size
        self.center = center
        self.whiten = whiten
        self.copy = copy

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Forget what was learned, and learn from all rows.

        Parameters
        ----------
        X : array-like, sparse matrix, memory map or Dask collection of shape (n, d)
            Of a memory map a window at a time is read; chunks of a Dask array or data frame are
            sketched where they are, and the sketches merged in a tree.
        y : ignored
        sample_weight : array-like of shape (n,), optional
            Weights ≥ 0: a row of weight 2 counts as two rows.

        Returns
        -------
        SketchedPCA
        """
        if chunks.is_dask(X):
            model = chunks.fit_dask(self, X, sample_weight)
        else:
            model = None
            for rows, weights in chunks.windows(X, sample_weight):
                model = self._absorbed(model, rows, weights)
        model.sketch.flush()
        self._model = model
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from more rows, one or many; see `fit` for the parameters.

        Nothing is learned from rows that are refused.
        """
        known = self._model.copy() if self.__sklearn_is_fitted__() else None
        if chunks.is_dask(X):
            model = chunks.fit_dask(self, X, sample_weight, reset=known is None)
            if known is not None:
                known.sketch.append_stream(model.sketch)
                model = known
        else:
            model = known
            for rows, weights in chunks.windows(X, sample_weight):
                model = self._absorbed(model, rows, weights)
        self._model = model
        return self

    def merge(self, other):
        """Learn what another estimator has learned, as if from its rows.

        Parameters
        ----------
        other : SketchedPCA
            Fitted on rows with the same features, with the same `decay` and `center`; with decay,
            of a stream that ends at the same time.  It is left as it is.

        Returns
        -------
        SketchedPCA
        """
        check_is_fitted(self)
        if not isinstance(other, SketchedPCA):
            raise TypeError(f"other should be a SketchedPCA, got {type(other).__name__}")
        check_is_fitted(other)
        if self.n_features_in_ != other.n_features_in_:
            raise ValueError(
                f"other has {other.n_features_in_} features, but {type(self).__name__} is "
                f"expecting {self.n_features_in_} features as input"
            )
        mine = getattr(self, "feature_names_in_", None)
        theirs = getattr(other, "feature_names_in_", None)
        if mine is not None and theirs is not None and list(mine) != list(theirs):
            raise ValueError(
                "The feature names of other should match those that were passed during fit."
            )
        model = self._model.copy()
        model.sketch.merge(other._model.sketch)
        self._model = model
        return self

    def transform(self, X):
        """Return the rows' coordinates in the components.

        Parameters
        ----------
        X : array-like, sparse matrix or Dask collection of shape (n, d)

        Returns
        -------
        ndarray or Dask array of shape (n, n_components_)
            In float32 for rows in float32.
        """
        check_is_fitted(self)
        if chunks.is_dask(X):
            return chunks.transform_dask(self, X)
        in_place = not self.copy and isinstance(X, np.ndarray) and X.dtype in FLOATS
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        components, mean = self.components_, self.mean_
        if self.whiten:
            components = components / self._deviations()[:, None]
        if sparse.issparse(X):
            return np.asarray(X @ components.T - mean @ components.T).astype(X.dtype, copy=False)
        result = np.empty((len(X), len(components)), dtype=X.dtype)
        columns = components.T.astype(X.dtype)
        step = max(1, WINDOW // X.shape[1])
        for start in range(0, len(X), step):
            rows = X[start : start + step]
            if in_place and rows.flags.writeable:
                rows -= mean
            else:
                rows = (rows - mean).astype(X.dtype, copy=False)
            np.matmul(rows, columns, out=result[start : start + step])
        return result

    def inverse_transform(self, X):
        """Return the rows in the span of the components that have given coordinates.

        Parameters
        ----------
        X : array-like of shape (n, n_components_)

        Returns
        -------
        ndarray of shape (n, d)
        """
        check_is_fitted(self)
        X = check_array(X, dtype=FLOATS, input_name="X", estimator=self)
        components = self.components_
        if X.shape[1] != len(components):
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                f"{len(components)} features as input"
            )
        if self.whiten:
            components = components * self._deviations()[:, None]
        return (X @ components + self.mean_).astype(X.dtype, copy=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _absorbed(self, model, X, sample_weight):
        """Return a model that has learned from valid rows too: `model`, or a new one for None."""
        X = validate_data(self, X, accept_sparse=["csr", "csc"], dtype=FLOATS, reset=model is None)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )
            if model is None and not sample_weight.any():
                raise ValueError("Sample weights must contain at least one non-zero number.")
        if model is None:
            model = Model(new_sketch(self.get_params(deep=False), X.shape[1]), self.n_components)
        model.sketch.extend(X, sample_weight)
        return model
