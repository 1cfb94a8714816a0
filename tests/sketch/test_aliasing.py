"""Sketches and learners that are given their own memory, copied, or merged with themselves."""

import copy
import inspect
import pickle

import numpy as np
import pytest
from dense_sketch import dense_sketch
from what_learners_take import RATED, own_options

import oco
from oco.algorithms import ALGORITHMS
from oco.sketch import FrequentDirections

D, K = 7, 4


def filled(seed, rows=9, **options):
    rng = np.random.default_rng(seed)
    sketch = FrequentDirections(D, K, **options)
    sketch.extend(rng.standard_normal((rows, D)))
    return sketch


def fold_next(sketch):
    """Append until V has no room for another row, so that the next one folds it."""
    rng = np.random.default_rng(1)
    while sketch.state.numbers["m"] < len(sketch.state.frame):
        sketch.append(rng.standard_normal(D))


@pytest.mark.parametrize("seed", range(30))
def test_a_row_of_the_sketchs_own_frame(seed):
    """The step turns V while it reads the row."""
    sketch = filled(seed)
    fold_next(sketch)
    for i in range(K - 1):
        row = sketch.basis.frame[i]
        twin = copy.deepcopy(sketch)
        twin.append(row.copy())
        sketch.append(row)
        np.testing.assert_array_equal(sketch.covariance().dense(), twin.covariance().dense())
        np.testing.assert_array_equal(sketch.state.coordinates, twin.state.coordinates)


@pytest.mark.parametrize("how", ["extend", "update"])
def test_several_rows_of_the_sketchs_own_frame(how):
    sketch = filled(3)
    fold_next(sketch)
    twin, rows = copy.deepcopy(sketch), sketch.basis.frame[:, :]
    getattr(twin, how)(rows.copy())
    getattr(sketch, how)(rows)
    np.testing.assert_array_equal(sketch.covariance().dense(), twin.covariance().dense())


@pytest.mark.parametrize("name", ["s-adagrad", "ada-fd"])
def test_a_learner_given_a_direction_of_its_own(name):
    rng = np.random.default_rng(4)
    learner = ALGORITHMS[name](D, k=K, domain=oco.Ball(1.0))
    for g in rng.standard_normal((10, D)):
        learner.update(g)
    for _ in range(20):
        sketch = learner.preconditioner.sketch
        row = sketch.basis.frame[0]
        twin = copy.deepcopy(learner)
        twin.update(row.copy())
        learner.update(row)
        np.testing.assert_array_equal(learner.x, twin.x)
        learner.update(learner.x)
        assert np.isfinite(learner.x).all()


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]
)
def test_a_copy_of_a_sketch_goes_on_by_itself(duplicate):
    rng = np.random.default_rng(5)
    sketch, rows = filled(5, decay=0.9), rng.standard_normal((40, D))
    before, twin = sketch.covariance().dense(), duplicate(sketch)
    twin.extend(rows)
    np.testing.assert_array_equal(sketch.covariance().dense(), before)
    sketch.extend(rows)
    np.testing.assert_array_equal(sketch.covariance().dense(), twin.covariance().dense())
    assert sketch.rounding == twin.rounding > 0 and sketch.total_mass == twin.total_mass


@pytest.mark.parametrize("name", RATED)
def test_a_copy_of_a_learner_goes_on_by_itself(name):
    asks = inspect.signature(ALGORITHMS[name]).parameters
    size = {"shape": (3, 2)} if "shape" in asks and "d" not in asks else {"d": 6}
    learner = ALGORITHMS[name](**size, domain=oco.Ball(1.0), lr=0.5, **own_options(name))
    gradients = np.random.default_rng(6).standard_normal((30, *learner.x.shape))
    for g in gradients[:10]:
        learner.update(g)
    before, twin = learner.x.copy(), copy.copy(learner)
    potential = learner.diagnostics().potential
    for g in gradients[10:]:
        twin.update(g)
    np.testing.assert_array_equal(learner.x, before)
    assert learner.diagnostics().potential == potential
    for g in gradients[10:]:
        learner.update(g)
    np.testing.assert_array_equal(learner.x, twin.x)


def test_merging_with_itself_doubles_a_stream():
    sketch = FrequentDirections(D, K)
    rows = np.random.default_rng(7).standard_normal((20, 3)) @ np.eye(3, D)
    sketch.extend(rows)
    rounding = sketch.rounding
    sketch.merge(sketch)
    np.testing.assert_allclose(sketch.covariance().dense(), 2 * rows.T @ rows, atol=1e-12)
    assert sketch.rows == 40 and sketch.escaped_mass == 0
    assert sketch.total_mass == pytest.approx(2 * np.sum(rows**2), rel=1e-14)
    assert sketch.rounding > 2 * rounding
    full = filled(8)
    exact = np.random.default_rng(8).standard_normal((9, D))
    tau = full.escaped_mass
    full.merge(full)
    assert full.escaped_mass >= 2 * tau
    assert all(guarantee.holds for guarantee in full.guarantees(2 * exact.T @ exact))


def test_merging_another_decay_is_refused():
    sketch, other = filled(9, decay=0.9), filled(10, decay=0.5)
    before = sketch.covariance().dense()
    with pytest.raises(ValueError, match=r"^other: expected .* decay=0\.9, got .* decay=0\.5$"):
        sketch.merge(other)
    np.testing.assert_array_equal(sketch.covariance().dense(), before)
    other = filled(10, decay=0.9)
    *_, (_, _, one) = dense_sketch(np.random.default_rng(9).standard_normal((9, D)), K, 0.9)
    *_, (_, _, two) = dense_sketch(np.random.default_rng(10).standard_normal((9, D)), K, 0.9)
    sketch.merge(other)
    assert all(guarantee.holds for guarantee in sketch.guarantees(one + two))
