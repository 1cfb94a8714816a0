"""What learners have in common: the default step, the state's size, and what they refuse."""

import math
import pickle
from copy import deepcopy

import joblib
import numpy as np
import pytest
from what_learners_take import DUALS, NEWTONS, RATED, own_options

from oco.algorithms import ALGORITHMS
from oco.algorithms.sketched import SketchedRoot
from oco.domains import Ball, Box, Euclidean, Simplex

SKETCHED = ("s-adagrad", "ada-fd", "ftsl")
# Adam claims no bound: its rate balances nothing, and its account bounds nothing.
BOUNDED = [name for name in RATED if name != "adam"]
# Of points of length about one, and relative to what has been summed up over a few rounds.
ROUNDING = 1e-13


def make(name, d=6, domain=None, **options):
    options = own_options(name) | options
    if name == "ogd":
        options.setdefault("gradient_bound", 2.0)
    usual = Simplex() if name == "hedge" else Ball(1.5)
    return ALGORITHMS[name](d, domain=domain or usual, **options)


@pytest.mark.parametrize("name", BOUNDED)
def test_default_rate_balances_the_bound(name):
    # Of mirror descent D is the diameter, of dual averaging the distance from x_1.
    diameter = 1.5 if name in DUALS else 3.0
    expected = diameter / math.sqrt(2) / (2.0 if name == "ogd" else 1.0)
    assert make(name).lr == pytest.approx(expected)


def test_diagonal_adagrad_uses_the_width_of_a_box():
    learner = make("adagrad", domain=Box(-1, [1, 1, 1, 1, 1, 3]))
    assert learner.lr == pytest.approx(4 / math.sqrt(2)) and learner.diameter == 4


@pytest.mark.parametrize("name", [name for name in BOUNDED if name not in DUALS])
def test_quadratic_is_the_sum_of_dual_norms(name):
    learner, expected = make(name), 0.0
    for g in np.random.default_rng(0).standard_normal((30, 6)):
        learner.update(g)
        expected += g @ (learner.preconditioner.metric.power(-1) @ g)
    diagnostics = learner.diagnostics()
    assert diagnostics.quadratic == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", ["adagrad", "full-adagrad", "s-adagrad", "shampoo", "s-shampoo"])
def test_potential_is_the_trace_of_the_metric(name):
    learner = make(name)
    for g in np.random.default_rng(1).standard_normal((30, 6)):
        learner.update(g)
    trace = np.trace(learner.preconditioner.metric.dense())
    assert learner.diagnostics().potential == pytest.approx(trace, rel=1e-12)


def test_ada_fd_pays_for_every_time_its_metric_shrinks():
    learner = make("ada-fd", delta=0.5)
    before, shrinkage = 0.5 * np.eye(6), 0.0
    for g in np.random.default_rng(2).standard_normal((40, 6)):
        learner.update(g)
        metric = learner.preconditioner.metric.dense()
        root = math.sqrt(learner.preconditioner.sketch.last_escape)
        assert np.linalg.eigvalsh(metric + root * np.eye(6) - before)[0] >= -1e-10
        before, shrinkage = metric, shrinkage + root
    expected = np.trace(before) + 6 * shrinkage
    assert shrinkage > 0
    assert learner.diagnostics().potential == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", SKETCHED)
def test_sketched_state_is_linear_in_d(name):
    small, large = (make(name, d=d, k=10).diagnostics().state_bytes for d in (1000, 4000))
    assert 3.5 <= large / small <= 4.1
    assert small <= 3 * 10 * 1000 * 8


@pytest.mark.parametrize(
    "name", [*SKETCHED, *NEWTONS, "full-adagrad", "da-full", "shampoo", "s-shampoo"]
)
def test_the_simplex_needs_a_diagonal_metric(name):
    with pytest.raises(ValueError, match="domain: simplex needs a learner with a scalar or diag"):
        make(name, domain=Simplex())


@pytest.mark.parametrize("name", BOUNDED)
def test_without_a_diameter_the_rate_must_be_given(name):
    with pytest.raises(ValueError, match=r"^lr: expected a number > 0, got None"):
        make(name, domain=Euclidean())
    assert make(name, domain=Euclidean(), lr=0.1).lr == 0.1


@pytest.mark.parametrize("name", RATED)
@pytest.mark.parametrize("lr", [0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_not_positive_is_refused(name, lr):
    with pytest.raises(ValueError, match=r"^lr: expected a finite number > 0"):
        make(name, lr=lr)


@pytest.mark.parametrize("name", SKETCHED)
@pytest.mark.parametrize("k", [1, 8])
def test_sketch_size_out_of_range_is_refused(name, k):
    with pytest.raises(ValueError, match=f"^k: expected an integer from 2 to 7, got {k}"):
        make(name, k=k)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_bad_gradient_is_refused_and_changes_nothing(name):
    learner = make(name)
    learner.update(np.ones(6))
    before = learner.x.copy()
    for bad, message in [
        (np.ones(5), r"g: expected an? \w+ of shape \(6,\), got shape \(5,\)"),
        (np.array([1, 2, np.nan, 4, 5, 6]), r"g: expected finite numbers, got nan at index \(2,\)"),
        (np.full(6, 1e200), "g: expected a finite squared length"),
    ]:
        with pytest.raises(ValueError, match=message):
            learner.update(bad)
    np.testing.assert_array_equal(learner.x, before)
    assert learner.diagnostics().squared_gradients == 6.0


# Dual averaging refuses what is longer than δ: tests/algorithms/test_dual_averaging.py.
@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name not in DUALS])
def test_a_refused_gradient_leaves_no_trace(name):
    """Neither a bad one, nor a good one whose sum with those before overflows."""
    one, other = make(name), make(name)
    huge, rng = np.array([1.2e154, 0, 0, 0, 0, 0]), np.random.default_rng(3)
    newton = hasattr(one, "curvature")
    for t, g in enumerate([*rng.standard_normal((6, 6)), *([] if newton else [huge, huge / 3])]):
        for refused in (np.full(6, np.nan), np.full(6, 1e200), *([huge] if t == 7 else [])):
            with pytest.raises(ValueError, match="g: expected"):
                one.update(refused)
        one.update(g)
        other.update(g)
        np.testing.assert_allclose(one.x, other.x, rtol=0, atol=ROUNDING)
        account, expected = one.diagnostics(), other.diagnostics()
        for what in ("potential", "quadratic", "squared_gradients"):
            assert getattr(account, what) == pytest.approx(getattr(expected, what), rel=ROUNDING)
    if newton:
        # Beside it all other directions are rounding, and so would the step be.
        before = one.x.copy()
        with pytest.raises(FloatingPointError, match="alpha: expected more than"):
            one.update(huge)
        np.testing.assert_array_equal(one.x, before)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_one_dimension_is_enough_and_none_is_refused(name):
    size = own_options(name, k=2)
    learner = make(name, d=1, **size)
    learner.update(np.array([3.0]))
    assert learner.x[0] == 1.0 if name == "hedge" else -1.5 <= learner.x[0] < 0
    with pytest.raises(ValueError, match=r"^(d|shape): expected an integer >= 1, got 0"):
        make(name, d=0, **size)


@pytest.mark.parametrize("name", ["ogd", "adagrad-norm", "adagrad", "s-adagrad", "full-adagrad"])
def test_a_point_that_is_set_is_checked(name):
    learner = make(name)
    learner.x = [0, 0, 1, 0, 0, 0]
    learner.update(np.zeros(6))
    np.testing.assert_array_equal(learner.x, [0, 0, 1, 0, 0, 0])
    for bad in (np.zeros(5), np.zeros(7), np.full(6, np.nan)):
        with pytest.raises(ValueError, match=r"^x: expected"):
            learner.x = bad
    np.testing.assert_array_equal(learner.x, [0, 0, 1, 0, 0, 0])


@pytest.mark.parametrize("name", ["ogd", "adagrad", "s-adagrad"])
def test_a_preconditioner_never_reads_beyond_a_vector(name):
    preconditioner = make(name).preconditioner
    for x, g in [
        (np.zeros(5), np.zeros(6)),
        (np.zeros(6), np.zeros(7)),
        (np.zeros(7), np.zeros(6)),
    ]:
        with pytest.raises(ValueError, match="vectors of the learner's length"):
            preconditioner.descend(x, g, 0.0, 1.0, 1.0)


@pytest.mark.parametrize("compensate", [True, False])
def test_what_follows_a_refused_vector_is_the_point_itself(compensate):
    preconditioner = SketchedRoot(4, 3, compensate=compensate, delta=1.0)
    preconditioner.update(np.array([1.2e154, 0, 0, 0]), 1.44e308)
    g = np.array([0, 1.2e154, 0, 0])
    assert not preconditioner.update(g, 1.44e308).any()
    point, _, mass = preconditioner.descend(np.ones(4), g, 0.0, 1.0, 2.0)
    assert point.tolist() == [1.0] * 4 and mass == math.inf


def by_joblib(learner, folder):
    joblib.dump(learner, folder / "learner.joblib")
    return joblib.load(folder / "learner.joblib")


COPIES = {
    "deepcopy": lambda learner, _: deepcopy(learner),
    "pickle": lambda learner, _: pickle.loads(pickle.dumps(learner)),
    "joblib": by_joblib,
}


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_goes_on_like_the_original_and_on_its_own(name, copied, tmp_path):
    rows = np.random.default_rng(4).standard_normal((20, 6))
    learner, apart = make(name), make(name)
    for g in rows[:10]:
        learner.update(g)
        apart.update(g)
    copy = copied(learner, tmp_path)
    for g in rows[10:]:
        copy.update(g)
    np.testing.assert_array_equal(learner.x, apart.x)
    for g in rows[10:]:
        learner.update(g)
    np.testing.assert_allclose(copy.x, learner.x, rtol=0, atol=ROUNDING)
    accounts = [vars(one.diagnostics()) for one in (copy, learner)]
    for what in ("potential", "quadratic", "squared_gradients", "escaped_mass"):
        ours, theirs = (account.get(what) for account in accounts)
        assert ours == theirs if theirs is None else math.isclose(ours, theirs, rel_tol=ROUNDING)


def test_the_state_of_separable_learners_is_a_point_and_what_scales_it():
    """A number for each coordinate of x, and 2 a coordinate, or 1 in all, for the metric."""
    for name, numbers in (("adagrad", 7 + 2 * 7), ("adagrad-norm", 7 + 1), ("ogd", 7 + 1)):
        assert make(name, d=7).diagnostics().state_bytes == 8 * numbers


def test_ogd_needs_a_gradient_bound_for_its_default_rate():
    for bound in (None, math.inf):
        with pytest.raises(ValueError, match="needs a finite gradient_bound"):
            ALGORITHMS["ogd"](3, domain=Ball(1.0), gradient_bound=bound)


@pytest.mark.parametrize("delta", [0.0, -1.0])
def test_ada_fd_needs_a_positive_delta(delta):
    with pytest.raises(ValueError, match=r"^delta: expected a finite number > 0"):
        make("ada-fd", delta=delta)
