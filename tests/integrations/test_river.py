"""RiverPCA: river's own checks, the scikit-learn twin, features that come and go, bad input."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("river", reason="needs river")

from river import checks, compose, preprocessing
from sklearn.exceptions import NotFittedError

from oco.integrations.river import RiverPCA
from oco.integrations.sklearn import SketchedPCA


def rows_of(n=200, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * 0.7 ** np.arange(d) + rng.standard_normal(d)


def as_dicts(rows):
    return [dict(zip("abcdefghij", row.tolist(), strict=False)) for row in rows]


def name_of(check):
    """Return what a check is called: the same in every process, as an address is not."""
    return getattr(check, "func", check).__name__


@pytest.mark.parametrize("check", list(checks.yield_checks(RiverPCA())), ids=name_of)
def test_river_checks(check):
    check(RiverPCA())


@pytest.mark.parametrize("options", [{}, {"whiten": True}, {"center": False, "decay": 0.99}])
def test_it_is_its_scikit_learn_twin(options):
    rows = rows_of()
    ours = RiverPCA(3, sketch_size=5, **options)
    for x in as_dicts(rows):
        ours.learn_one(x)
    theirs = SketchedPCA(3, sketch_size=5, **options).partial_fit(rows)
    assert ours.escaped_mass_ > 0
    np.testing.assert_array_equal(
        ours.explained_variance_interval_, theirs.explained_variance_interval_
    )
    expected = theirs.transform(rows[:4])
    for x, coordinates in zip(as_dicts(rows[:4]), expected, strict=True):
        found = ours.transform_one(x)
        assert list(found) == ["pca0", "pca1", "pca2"]
        np.testing.assert_allclose(list(found.values()), coordinates, rtol=1e-9, atol=1e-12)
    frame = pd.DataFrame(rows, columns=list("abcdef"), index=np.arange(200) + 7)
    many = RiverPCA(3, sketch_size=5, **options)
    many.learn_many(frame[["f", "b", "a", "c", "e", "d"]])
    out = many.transform_many(frame[:4])
    assert list(out.index) == [7, 8, 9, 10]
    np.testing.assert_allclose(out.to_numpy(), expected, rtol=1e-9, atol=1e-12)


def test_components_are_taken_anew_after_so_many_rows():
    rows = rows_of()
    model = RiverPCA(1, refresh=50)
    seen = []
    for x in as_dicts(rows):
        model.learn_one(x)
        seen.append(model.transform_one(dict.fromkeys("abcdef", 1.0))["pca0"])
    # Of the first row, and whenever fifty more have come.
    assert np.flatnonzero(np.diff(seen)).tolist() == [49, 99, 149]


def test_a_component_keeps_its_sign():
    model, angle = RiverPCA(1, decay=0.9, center=False), 0.0
    before = None
    for _ in range(400):
        # An axis that turns by a whole circle: by the largest entry's sign it would flip.
        angle += 2 * np.pi / 400
        axis = {"a": np.cos(angle), "b": np.sin(angle)}
        model.learn_one(axis)
        now = model.transform_one(axis)["pca0"]
        assert before is None or now * before > 0
        before = now
    np.testing.assert_allclose(model.components_[0] @ [1.0, 0.0], before, atol=1e-12)


def test_features_that_come_and_go():
    rows = rows_of(d=3)
    model, zeros = RiverPCA(2), RiverPCA(2)
    for i, x in enumerate(as_dicts(rows)):
        zeros.learn_one({**x, "b": x["b"] if i % 3 != 1 else 0.0})
        if i % 3 == 1:
            del x["b"]
        model.learn_one(x if i == 0 else {**x, "new": 1e9})
    np.testing.assert_array_equal(model.components_, zeros.components_)
    few = RiverPCA(5)
    few.learn_many(pd.DataFrame(rows, columns=list("abc")))
    assert few.components_.shape == (3, 3)
    assert list(few.transform_one({"a": 1.0}).values())[3:] == [0.0, 0.0]


def test_in_a_pipeline():
    model = compose.Pipeline(preprocessing.StandardScaler(), RiverPCA(2))
    assert model.transform_one({"a": 1.0, "b": 2.0}) == {"pca0": 0.0, "pca1": 0.0}
    for x in as_dicts(rows_of()):
        model.learn_one(x)
    assert any(model.transform_one({"a": 1.0, "b": 2.0}).values())


def test_bad_input():
    for options, message in (
        ({"n_components": 0}, "n_components: expected an integer >= 1, got 0"),
        ({"sketch_size": 2}, "sketch_size: expected an integer >= 3, got 2"),
        ({"decay": 0.0}, "decay: expected .* got 0"),
        ({"refresh": 0}, "refresh: expected an integer >= 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            RiverPCA(**options)
    model = RiverPCA()
    with pytest.raises(NotFittedError, match="RiverPCA has not learned from any row yet"):
        model.components_  # noqa: B018
    with pytest.raises(ValueError, match="x: expected a row with features, got none"):
        model.learn_one({})
    with pytest.raises(ValueError, match=r"a: expected .* got nan"):
        model.learn_one({"a": float("nan")})
    with pytest.raises(NotFittedError):
        model.components_  # noqa: B018
    model.learn_one({"a": 1.0, "b": 2.0})
    with pytest.raises(TypeError, match=r"b: expected .* got 'text'"):
        model.learn_one({"a": 1.0, "b": "text"})
    assert model.n_samples_seen_ == 1
