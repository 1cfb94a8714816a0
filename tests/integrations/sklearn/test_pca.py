"""SketchedPCA: scikit-learn's own checks, its PCA, and what rows may come in."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from oco.integrations.sklearn import SketchedPCA

FITTED = (
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "singular_values_",
    "mean_",
    "noise_variance_",
)


def rows_of(n=400, d=12, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * 0.7 ** np.arange(d) + 3.0 * rng.standard_normal(d)


def checks():
    for estimator in (
        SketchedPCA(),
        SketchedPCA(n_components=2, whiten=True),
        SketchedPCA(n_components=0.9),
        SketchedPCA(error=0.01, center=False),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield from estimator_checks_generator(estimator, legacy=True)


@pytest.mark.parametrize(
    "estimator, check",
    list(checks()),
    ids=lambda value: getattr(getattr(value, "func", None), "__name__", None),
)
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        # Some checks warn of what they try themselves.
        warnings.simplefilter("ignore")
        try:
            check(estimator)
        except Exception as error:
            if "SCIPY_ARRAY_API is not set" in str(error):
                pytest.skip(str(error))
            raise


@pytest.mark.parametrize("n, d", [(400, 12), (9, 12), (30, 1)])
def test_without_loss_it_is_pca(n, d):
    rows = rows_of(n, d)
    count = min(n - 1, d)
    ours, theirs = SketchedPCA(count).fit(rows), PCA(count).fit(rows)
    for name in FITTED:
        expected = getattr(theirs, name)
        if name == "components_":
            expected = expected * np.sign((expected * ours.components_).sum(axis=1))[:, None]
        np.testing.assert_allclose(getattr(ours, name), expected, rtol=1e-9, atol=1e-10)
    assert np.abs(np.diff(ours.explained_variance_interval_)).max() < 1e-10
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(rows)), rows, atol=1e-12)
    assert list(ours.get_feature_names_out()) == [f"sketchedpca{i}" for i in range(count)]


def test_without_centring_it_is_a_truncated_svd():
    rows = rows_of()
    ours = SketchedPCA(4, center=False).fit(rows)
    theirs = TruncatedSVD(4, algorithm="arpack", random_state=0).fit(rows)
    np.testing.assert_allclose(ours.singular_values_, theirs.singular_values_, rtol=1e-10)
    np.testing.assert_array_equal(ours.mean_, 0.0)
    np.testing.assert_allclose(
        np.abs(ours.transform(rows)), np.abs(theirs.transform(rows)), atol=1e-8
    )


@pytest.mark.parametrize("seed", range(8))
def test_certified_intervals_against_pca(seed):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((600, 80)) * np.arange(1, 81) ** -rng.uniform(0.2, 1.5)
    rows += 100.0 * rng.standard_normal(80)
    exact = PCA().fit(rows)
    ours = SketchedPCA(6, sketch_size=int(rng.integers(8, 40)), batch_size=50).fit(rows)
    assert ours.escaped_mass_ > 0
    for name in ("explained_variance", "explained_variance_ratio"):
        low, high = getattr(ours, f"{name}_interval_").T
        value, estimate = getattr(exact, f"{name}_")[:6], getattr(ours, f"{name}_")
        assert (low <= value).all() and (value <= high).all()
        assert (low <= estimate).all() and (estimate <= high).all()
    centred = rows - rows.mean(axis=0)
    left = centred - centred @ ours.components_.T @ ours.components_
    missed = (left**2).sum() / (centred**2).sum()
    low, high = ours.unexplained_variance_ratio_interval_
    assert low <= 1 - exact.explained_variance_ratio_[:6].sum() + 1e-12
    assert missed <= high
    span = ours.components_.T - exact.components_[:6].T @ (
        exact.components_[:6] @ ours.components_.T
    )
    assert np.linalg.norm(span, 2) <= np.sin(ours.subspace_angle_bound_) + 1e-12


def test_it_is_nearer_to_the_best_subspace_than_incremental_pca():
    rows = np.random.default_rng(0).standard_normal((3000, 200)) / np.arange(1, 201) ** 0.5
    centred = rows - rows.mean(axis=0)
    values = np.linalg.eigvalsh(centred.T @ centred)[::-1]

    def excess(estimator):
        kept = ((centred @ estimator.fit(rows).components_.T) ** 2).sum()
        return values[:10].sum() - kept

    assert excess(SketchedPCA(10)) < excess(IncrementalPCA(10, batch_size=50)) / 5


def test_batches_of_any_size_change_nothing():
    rows = rows_of(300, 30)
    whole = SketchedPCA(4).partial_fit(rows)
    single = SketchedPCA(4)
    for row in rows:
        single.partial_fit(row[None])
    assert single.n_samples_seen_ == 300
    for name in FITTED:
        np.testing.assert_array_equal(getattr(whole, name), getattr(single, name))


def test_one_row_first():
    rows = rows_of(3, 5)
    pca = SketchedPCA(4).partial_fit(rows[:1])
    assert pca.components_.shape == (4, 5) and pca.n_samples_seen_ == 1
    np.testing.assert_allclose(pca.components_ @ pca.components_.T, np.eye(4), atol=1e-14)
    np.testing.assert_array_equal(pca.explained_variance_, 0.0)
    np.testing.assert_array_equal(pca.transform(rows[:1]), 0.0)
    pca.partial_fit(rows[1:])
    np.testing.assert_allclose(pca.explained_variance_[:2], PCA(2).fit(rows).explained_variance_)
    np.testing.assert_array_equal(pca.explained_variance_[2:], 0.0)


def test_float32_and_its_double_teach_the_same():
    rows = rows_of(300, 30).astype(np.float32)
    ours, double = SketchedPCA(4).fit(rows), SketchedPCA(4).fit(rows.astype(np.float64))
    np.testing.assert_array_equal(ours.components_, double.components_)
    assert ours.transform(rows).dtype == np.float32
    assert ours.inverse_transform(ours.transform(rows)).dtype == np.float32
    np.testing.assert_allclose(ours.transform(rows), double.transform(rows), atol=1e-5)


def test_merging():
    rows = rows_of(300, 30)
    one, other = SketchedPCA(4).fit(rows[:100]), SketchedPCA(4).fit(rows[100:])
    before = other.components_.copy()
    assert one.merge(other) is one
    np.testing.assert_array_equal(other.components_, before)
    exact = PCA(4).fit(rows)
    low, high = one.explained_variance_interval_.T
    assert (low <= exact.explained_variance_).all() and (exact.explained_variance_ <= high).all()
    np.testing.assert_allclose(one.mean_, exact.mean_, rtol=1e-12)
    with pytest.raises(TypeError, match="other should be a SketchedPCA, got PCA"):
        one.merge(exact)
    with pytest.raises(ValueError, match="other has 5 features, but SketchedPCA is expecting 30"):
        one.merge(SketchedPCA(4).fit(rows[:, :5]))
    with pytest.raises(ValueError, match=r"decay = 1\.0, got 0\.5"):
        one.merge(SketchedPCA(4, decay=0.5).fit(rows))
    with pytest.raises(NotFittedError):
        one.merge(SketchedPCA(4))


def test_a_share_of_the_variance():
    rows = load_digits().data
    exact = np.cumsum(PCA().fit(rows).explained_variance_ratio_)
    pca = SketchedPCA(0.9).fit(rows)
    count = pca.n_components_
    assert exact[count - 1] >= 0.9 and count <= np.searchsorted(exact, 0.9) + 6
    assert pca.unexplained_variance_ratio_interval_[1] <= 0.1
    assert count < pca.sketch_size_ <= 65


def test_an_error_that_is_met():
    rows = load_digits().data
    exact = PCA().fit(rows)
    pca = SketchedPCA(5, error=1e-3, batch_size=40).fit(rows)
    centred = rows - rows.mean(axis=0)
    kept = ((centred @ pca.components_.T) ** 2).sum() / (centred**2).sum()
    assert exact.explained_variance_ratio_[:5].sum() - kept <= 1e-3
    assert 20 < pca.sketch_size_ < 65
    whole = SketchedPCA(error=0.01).fit(rows)
    assert whole.unexplained_variance_ratio_interval_[1] <= 0.01


def test_decay_forgets():
    rng = np.random.default_rng(0)
    early, late = (
        rng.standard_normal((300, 1)) * [[5.0, 0.0]],
        rng.standard_normal((300, 1)) * [[0.0, 1.0]],
    )
    rows = np.concatenate([early, late])
    pca = SketchedPCA(1, decay=0.9).fit(rows)
    np.testing.assert_allclose(np.abs(pca.components_), [[0.0, 1.0]], atol=1e-3)
    weights = 0.9 ** np.arange(599.0, -1.0, -1.0)
    np.testing.assert_allclose(pca.mean_, weights @ rows / weights.sum(), atol=1e-12)
    covariance = np.cov(rows.T, aweights=weights)
    low, high = pca.explained_variance_interval_[0]
    assert low <= np.linalg.eigvalsh(covariance)[-1] * (1 + 1e-12) <= high * (1 + 2e-12)


def test_whitening():
    rows = rows_of()
    pca = SketchedPCA(5, whiten=True).fit(rows)
    out = pca.transform(rows)
    np.testing.assert_allclose(np.cov(out.T), np.eye(5), atol=1e-10)
    np.testing.assert_allclose(
        pca.inverse_transform(out),
        SketchedPCA(5).fit(rows).inverse_transform(SketchedPCA(5).fit_transform(rows)),
        atol=1e-10,
    )


def test_a_copy_is_made_unless_declined():
    rows = rows_of(50, 4)
    pca = SketchedPCA(2).fit(rows)
    given = rows.copy()
    expected = pca.transform(given)
    np.testing.assert_array_equal(given, rows)
    np.testing.assert_array_equal(pca.set_params(copy=False).transform(given), expected)
    np.testing.assert_allclose(given, rows - pca.mean_)


def test_the_ecosystem():
    rows, labels = load_digits(return_X_y=True)
    pipeline = make_pipeline(SketchedPCA(), LogisticRegression(max_iter=50))
    grid = {"sketchedpca__n_components": [5, 20]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(rows[:500], labels[:500])
        assert search.best_params_ == {"sketchedpca__n_components": 20}
        assert cross_val_score(search.best_estimator_, rows[:500], labels[:500], cv=2).min() > 0.8
    pca = SketchedPCA(3).partial_fit(rows[:200])
    again = pickle.loads(pickle.dumps(pca)).partial_fit(rows[200:])
    np.testing.assert_array_equal(again.components_, pca.partial_fit(rows[200:]).components_)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_components": 0}, "The 'n_components' parameter of SketchedPCA must be"),
        ({"n_components": 1.5}, "The 'n_components' parameter of SketchedPCA must be"),
        ({"decay": 0.0}, "The 'decay' parameter of SketchedPCA must be a float in the range"),
        ({"n_components": 5}, "n_components=5 invalid for n_features=4"),
        (
            {"n_components": 3, "sketch_size": 3},
            "sketch_size=3 must be greater than n_components=3",
        ),
        ({"error": 1.0}, "The 'error' parameter of SketchedPCA must be"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        SketchedPCA(**parameters).fit(rows_of(10, 4))


def test_bad_rows():
    pca = SketchedPCA(2)
    rows = rows_of(10, 4)
    for name in ("components_", "explained_variance_interval_", "mean_", "n_samples_seen_"):
        assert not hasattr(pca, name)
    with pytest.raises(NotFittedError, match="This SketchedPCA instance is not fitted yet"):
        pca.transform(rows)
    with pytest.raises(ValueError, match="Found array with 0 sample"):
        pca.fit(rows[:0])
    pca.fit(rows)
    before = pca.components_
    for call, wrong, message in (
        (pca.partial_fit, rows[:, :3], "X has 3 features, but SketchedPCA is expecting 4 features"),
        (pca.transform, rows[:, :3], "X has 3 features, but SketchedPCA is expecting 4 features"),
        (pca.inverse_transform, rows, "X has 4 features, but SketchedPCA is expecting 2 features"),
        (pca.partial_fit, np.full((1, 4), np.nan), "Input X contains NaN"),
        (pca.partial_fit, np.full((1, 4), np.inf), "Input X contains infinity"),
        (pca.partial_fit, rows[0], "Expected 2D array, got 1D array instead"),
    ):
        with pytest.raises(ValueError, match=message):
            call(wrong)
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_weight`"):
        pca.partial_fit(rows, sample_weight=-np.ones(10))
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(9,\), expected \(10,\)"):
        pca.partial_fit(rows, sample_weight=np.ones(9))
    with pytest.raises(
        ValueError, match="Sample weights must contain at least one non-zero number"
    ):
        SketchedPCA(2).fit(rows, sample_weight=np.zeros(10))
    assert pca.n_samples_seen_ == 10
    np.testing.assert_array_equal(pca.components_, before)


def test_importing_it_loads_no_kernels():
    code = (
        "import sys, oco.integrations.sklearn; print('numba' in sys.modules, 'dask' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]
