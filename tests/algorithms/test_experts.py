"""Copies of a learner at several rates: who plays, what they promise, what is refused."""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest
from what_learners_take import RATED, own_options

import oco
from oco.algorithms import ALGORITHMS, experts
from oco.algorithms.adahedge import AdaHedge
from oco.bounds import Account, ladder
from oco.notations import Grid

D, T = 6, 120
RATES = (0.01, 0.3, 10.0)
BOUNDED = [name for name in RATED if name != "adam"]


def size(name: str) -> dict:
    taken = inspect.signature(ALGORITHMS[name]).parameters
    return {"d": D} if "d" in taken else {"shape": (2, 3)}


def rung(learner, t: int) -> dict[str, float]:
    return ladder(
        learner.bounds,
        Account(
            t=t,
            d=D,
            k=learner.k,
            lr=learner.lr,
            diameter=learner.diameter,
            gradient_bound=1.0,
            diagnostics=learner.diagnostics(),
            spectrum=np.ones(1),
            axis_spectra=(np.ones(2), np.ones(3)),
        ),
    )


@pytest.mark.parametrize("name", BOUNDED)
def test_copies_play_as_they_would_alone_and_bound_the_regret(name):
    options = size(name) | own_options(name, bound=1.0)
    domain, rng = oco.Ball(2.0), np.random.default_rng(3)
    learner = experts(ALGORITHMS[name])(domain=domain, grid=RATES, **options)
    alone = [ALGORITHMS[name](domain=domain, lr=rate, **options) for rate in RATES]
    hedge, total, played = AdaHedge(len(RATES)), np.zeros(D), 0.0
    for _ in range(T):
        points = np.array([np.reshape(one.x, -1) for one in alone])
        assert learner.x == pytest.approx(hedge.weights @ points, abs=1e-9)
        row = rng.standard_normal(D) * 0.7 ** np.arange(D)
        row /= np.linalg.norm(row)
        g = row if row @ learner.x >= 0 else -row
        hedge.absorb(np.array([float(np.dot(g, point)) for point in points]))
        played, total = played + g @ learner.x, total + g
        learner.update(g)
        for one in alone:
            one.update(g.reshape(np.shape(one.x)))
    regret = played + domain.support(-total)
    bounds = rung(learner, T)
    assert regret <= bounds["certificate"] <= bounds["adahedge"] <= bounds["adahedge-theorem"]
    own = [rung(one, T)["certificate"] for one in alone]
    behind = played - hedge.losses
    assert bounds["certificate"] == pytest.approx(min(own + behind))
    # No more than AdaHedge's own regret above the best certificate of the grid.
    assert bounds["certificate"] <= min(own) + played - hedge.losses.min() + 1e-9
    assert learner.lr == RATES[int(hedge.losses.argmin())]
    told = learner.diagnostics()
    assert [one.lr for one in told.standings] == list(RATES)
    assert told.state_bytes > sum(one.diagnostics().state_bytes for one in alone)


def test_the_grid_is_around_the_learners_own_rate_unless_told():
    make = experts(oco.algorithms.adagrad)
    own = oco.algorithms.adagrad(3, domain=oco.Ball(2.0)).lr
    rates = [one.lr for one in make(3, domain=oco.Ball(2.0)).copies]
    assert len(rates) == 9 and rates[6] == pytest.approx(own)
    assert (rates[0], rates[-1]) == pytest.approx((own / 1000, 10 * own))
    told = make(3, domain=oco.Ball(2.0), grid="0.1:10:3")
    assert [one.lr for one in told.copies] == [0.1, 1.0, 10.0]
    (one,) = make(3, domain=oco.Ball(2.0), grid=Grid(0.5, 0.5, 1)).copies
    assert one.lr == 0.5


def test_copies_stand_in_for_a_rate_in_the_signature():
    taken = inspect.signature(experts(oco.algorithms.ftsl)).parameters
    assert list(taken) == ["d", "k", "delta", "gradient_bound", "domain", "grid"]


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        ("ogd", {"domain": oco.Euclidean()}, "domain: experts need a bounded domain, got Euclid"),
        ("ogd", {"grid": ()}, "grid: expected at least one rate, got none"),
        ("ogd", {"grid": (0.1, -1.0)}, "grid: expected a finite number > 0, got -1.0"),
        ("ogd", {"grid": "0.1:1"}, "grid: expected FROM:TO:COUNT"),
        ("ogd", {"grid": "1e-3:1:2000"}, "grid: expected at most 1,000 rates, got 2,000"),
        ("adam", {"grid": (0.1,)}, "experts need a learner with a rate and a bound"),
        ("full-adagrad", {"domain": oco.Simplex(), "grid": (0.1,)}, "domain: simplex needs"),
    ],
)
def test_what_cannot_be_is_refused(make, options, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        experts(ALGORITHMS[make])(**{"d": 2, "domain": oco.Ball(1.0)} | options)


@pytest.mark.parametrize("name", ["ons", "s-ons"])
def test_learners_whose_bounds_rest_on_curvature_are_refused(name):
    with pytest.raises(ValueError, match="whose bound holds for any losses"):
        experts(ALGORITHMS[name])


def test_a_refused_gradient_changes_nothing():
    make = experts(oco.algorithms.ftsl)
    learner, other = (make(2, k=2, domain=oco.Ball(1.0), delta=5.0, grid=RATES) for _ in range(2))
    for one in (learner, other):
        one.update(np.array([3.0, 4.0]))
    for bad in ([9.0, 0.0], [np.nan, 0.0], [1.0, 0.0, 0.0]):
        with pytest.raises(ValueError, match=r"g:|delta:"):
            learner.update(bad)
    twin = copy.copy(learner)
    for one in (learner, other):
        one.update(np.array([0.0, -2.0]))
    assert learner.x.tolist() == other.x.tolist() != twin.x.tolist()
    assert learner.diagnostics() == other.diagnostics()


def test_a_run_names_the_rate_that_won_and_holds_every_bound(tmp_path):
    options = {"d": 20, "k": 5, "T": 400, "grid": "1e-2:10:4"}
    result = oco.run("experts:s-adagrad", out=tmp_path, **options)
    summary = result.summary
    assert summary.lr in Grid.read("grid", "1e-2:10:4").values
    (note,) = (text for text in summary.notes if "won" in text)
    assert f"experts:s-adagrad: of 4 rates from 0.01 to 10, η = {summary.lr:.4g} won" in note
    assert [bound.name for bound in summary.bounds][:2] == ["certificate", "adahedge"]
    assert all(bound.holds for bound in summary.bounds)
    again = oco.load_result(tmp_path)
    assert again == result and str(again.experiment.grid) == "0.01:10:4"
    worst = max(
        oco.run("s-adagrad", lr=rate, d=20, k=5, T=400).summary.regret.hi
        for rate in again.experiment.grid.values
    )
    assert summary.regret.hi < worst


def test_what_a_run_cannot_do_with_experts_is_named():
    with pytest.raises(ValueError, match="domain: experts need a bounded domain"):
        oco.run("experts:ogd", d=3, T=10, domain="unconstrained")
    with pytest.raises(ValueError, match=r"grid: not taken by the learner ogd.*experts:NAME"):
        oco.run("ogd", d=3, T=10, grid="0.1:1:3")
    with pytest.raises(ValueError, match="unknown name 'ogdd'; did you mean 'ogd'"):
        oco.run("experts:ogdd", d=3, T=10)
    with pytest.raises(ValueError, match="lr: not taken by the learner experts:ogd"):
        oco.run("experts:ogd", d=3, T=10, lr=0.1)


def test_experts_of_a_learner_of_ones_own():
    result = oco.run(experts(oco.algorithms.adagrad), d=4, T=50, grid="0.1:1:2", domain="box")
    assert result.summary.status == "complete" and result.summary.certificate is not None
    named = oco.run("experts:oco.algorithms:adagrad", d=4, T=50, grid="0.1:1:2", domain="box")
    assert named.summary.regret == result.summary.regret
