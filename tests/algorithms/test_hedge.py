"""Hedge on the simplex: weights, bounds, and what AdaHedge's rates need not be told."""

import math

import numpy as np
import pytest

import oco
from oco.algorithms import hedge
from oco.bounds import Account, ladder

T, D = 200, 6


def gradients(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((T, D)) * rng.uniform(0.2, 2, (T, 1)) + 0.1 * np.arange(D)


def bounds_of(learner, t):
    account = Account(
        t=t,
        d=D,
        k=None,
        lr=learner.lr,
        diameter=learner.diameter,
        gradient_bound=math.inf,
        diagnostics=learner.diagnostics(),
    )
    return ladder(learner.bounds, account)


def test_with_a_rate_the_weights_are_exponentials_of_the_sums():
    learner, total = hedge(D, domain=oco.Simplex(), lr=0.3), np.zeros(D)
    for g in gradients():
        shares = np.exp(-0.3 * (total - total.min()))
        np.testing.assert_allclose(learner.x, shares / shares.sum(), rtol=1e-12)
        learner.update(g)
        total += g


@pytest.mark.parametrize("lr", [None, 0.05, 5.0])
@pytest.mark.parametrize("kind", ["random", "adversary"])
def test_every_bound_holds_in_every_round(lr, kind):
    learner, total, played = hedge(D, domain=oco.Simplex(), lr=lr), np.zeros(D), 0.0
    for t, g in enumerate(gradients(3), start=1):
        if kind == "adversary":
            g = np.where(learner.x >= np.sort(learner.x)[-2], abs(g), -abs(g))
        played, total = played + g @ learner.x, total + g
        learner.update(g)
        found = bounds_of(learner, t)
        assert played - total.min() <= found["certificate"] * (1 + 1e-12)
        assert found["certificate"] <= found["hedge-ranges"] * (1 + 1e-12)


def test_the_bound_by_ranges_is_its_formula():
    squares, widest = 0.0, 0.0
    fixed, own = (hedge(D, domain=oco.Simplex(), lr=lr) for lr in (0.2, None))
    for g in gradients():
        fixed.update(g)
        own.update(g)
        squares, widest = squares + np.ptp(g) ** 2, max(widest, np.ptp(g))
    log = math.log(D)
    assert bounds_of(fixed, T)["hedge-ranges"] == pytest.approx(log / 0.2 + 0.2 / 8 * squares)
    expected = math.sqrt(log * squares) + 2 * widest
    assert bounds_of(own, T)["hedge-ranges"] == pytest.approx(expected)


@pytest.mark.parametrize("scale, shift", [(1e-30, 0.0), (1e30, 0.0), (1.0, 1e3)])
def test_neither_units_nor_a_common_loss_matter_without_a_rate(scale, shift):
    plain, other = (hedge(D, domain=oco.Simplex()) for _ in range(2))
    for g in gradients():
        plain.update(g)
        other.update(scale * g + shift)
        np.testing.assert_allclose(other.x, plain.x, rtol=0, atol=1e-8)


@pytest.mark.parametrize("lr", [None, 0.1])
@pytest.mark.parametrize("loss", ["linear", "squared", "logistic", "hinge", "absolute"])
def test_a_run_is_certified(loss, lr):
    summary = oco.run("hedge", domain="simplex", loss=loss, lr=lr, d=20, T=300).summary
    assert summary.status == "complete" and len(summary.bounds) == 2
    assert all(bound.holds for bound in summary.bounds)
    # Exact to 1e-3 of the regret, as asked.
    regret = summary.regret
    assert regret.hi - regret.lo <= 1.01e-3 * max(abs(regret.lo), abs(regret.hi))


@pytest.mark.parametrize("domain", [oco.Ball(1.0), oco.Box(0, 1), oco.Euclidean(), oco.L1Ball(1)])
def test_other_domains_are_refused(domain):
    with pytest.raises(ValueError, match=r"^domain: hedge plays on the simplex, got"):
        hedge(D, domain=domain)


def test_experts_need_a_grid_as_it_has_no_rate_of_its_own():
    options = {"domain": "simplex", "d": 5, "T": 50}
    with pytest.raises(ValueError, match=r"^grid: not given, and the learner has no rate"):
        oco.run("experts:hedge", **options)
    summary = oco.run("experts:hedge", grid="0.1:10:3", **options).summary
    assert summary.status == "complete" and all(bound.holds for bound in summary.bounds)


def test_bad_gradients_change_nothing():
    learner = hedge(2, domain=oco.Simplex())
    learner.update([1.0, 0.0])
    before = learner.x.copy(), learner.diagnostics()
    for bad in ([np.nan, 0.0], [1e200, 0.0], [1.0]):
        with pytest.raises(ValueError, match=r"^g: "):
            learner.update(bad)
    assert learner.diagnostics() == before[1]
    np.testing.assert_array_equal(learner.x, before[0])
