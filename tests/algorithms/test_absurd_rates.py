"""Rates and gradients at the ends of the range: a point of K, or a refusal, never a NaN."""

import inspect
import itertools

import numpy as np
import pytest
from what_learners_take import RATED, own_options

import oco
from oco.algorithms import ALGORITHMS

RATES = [1e-300, 1.0, 1e150, 1e300, 1.7e308]
SCALES = [1e-320, 1e-300, 1e-160, 1e-150, 1.0, 1e100, 1e152, 1e200]
DOMAINS = [oco.Ball(1.0), oco.Ball(1e-150), oco.Ball(1e150), oco.Euclidean(), oco.Box(-1, 2)]


# What a refusal may be blamed on; the domain where a metric is too steep to project onto a box in.
NAMED = ("g: ", "lr: ", "gradient: ", "delta: ", "domain: ")


def make(name, domain, lr):
    taken = inspect.signature(ALGORITHMS[name]).parameters
    size = {"shape": (3, 2)} if "shape" in taken else {"d": 6}
    return ALGORITHMS[name](**size, domain=domain, lr=lr, **own_options(name))


@pytest.mark.parametrize("domain", DOMAINS, ids=repr)
@pytest.mark.parametrize("name", RATED)
def test_every_point_is_in_the_domain(name, domain):
    try:
        make(name, domain, 1.0)
    except ValueError:
        pytest.skip("this metric cannot project onto a box")
    refused = 0
    for lr, scale in itertools.product(RATES, SCALES):
        learner, rng = make(name, domain, lr), np.random.default_rng(1)
        for _ in range(6):
            before, g = np.array(learner.x), scale * rng.standard_normal(learner.x.shape)
            try:
                # Uncompiled, NumPy also warns of what is refused.
                with np.errstate(all="ignore"):
                    learner.update(g)
            except (ValueError, FloatingPointError) as error:
                refused += 1
                assert str(error).startswith(NAMED)
                np.testing.assert_array_equal(learner.x, before)
            assert np.isfinite(learner.x).all()
            assert domain.contains(learner.x.reshape(-1), 1e-9)
    # Squares of 1e200 at the least.
    assert refused >= 6 * len(RATES)


@pytest.mark.parametrize("name", ["ogd", "adagrad", "s-adagrad", "full-adagrad", "s-shampoo"])
def test_ordinary_rounds_are_not_refused(name):
    rng, domain = np.random.default_rng(2), oco.Ball(1e-3)
    learner = make(name, domain, 1e6)
    for g in rng.standard_normal((50, 6)):
        learner.update(g.reshape(learner.x.shape))
        assert domain.contains(learner.x.reshape(-1), 1e-12)
    assert np.isfinite(learner.diagnostics().quadratic)


def test_the_message_names_rate_and_gradient():
    learner = make("s-adagrad", oco.Ball(1.0), 1e300)
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            FloatingPointError,
            match=r"^lr: expected .* got an overflow with lr = 1e\+300 and a gradient of length 2$",
        ),
    ):
        learner.update([2.0, 0.0, 0.0, 0.0, 0.0, 0.0])


def test_a_game_ends_in_the_round_where_it_happens():
    result = oco.run("s-adagrad", d=6, k=3, T=20, lr=1e300)
    assert result.summary.status == "failed"
    assert "round 1" in result.summary.message and "lr = 1e+300" in result.summary.message
