"""The ladder: published closed forms at the default rate, order of the rungs, exact spectra."""

import math

import numpy as np
import pytest

from oco.algorithms import ALGORITHMS
from oco.bounds import RUNGS, Account, full_adagrad_bound, ladder, verdict
from oco.domains import Ball
from oco.sketch import escaped_mass_limit

D, T, K, R = 9, 120, 4, 1.5
SKETCHED = ("s-adagrad", "ada-fd", "s-shampoo")
BOUNDED = [name for name in ALGORITHMS if name != "adam"]
# The rungs of learners of vectors.
RUNGS_OF_VECTORS = [name for name in RUNGS if not name.startswith("shampoo")]


def account_of(name, seed=0, lr=None):
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((T, D)) * 0.7 ** np.arange(D)
    options = {"k": K} if name in SKETCHED else {"gradient_bound": 9.0} if name == "ogd" else {}
    learner = ALGORITHMS[name](D, domain=Ball(R), lr=lr, **options)
    for g in gradients:
        learner.update(g)
    spectrum = np.linalg.eigvalsh(gradients.T @ gradients)[::-1]
    account = Account(
        t=T,
        d=D,
        k=learner.k,
        lr=learner.lr,
        diameter=learner.diameter,
        gradient_bound=9.0,
        diagnostics=learner.diagnostics(),
        spectrum=spectrum,
        axis_spectra=(spectrum,),
    )
    return learner, account, gradients


def test_rungs_are_the_published_bounds_at_the_default_rate():
    _, account, gradients = account_of("s-adagrad")
    diameter, spectrum = 2 * R, account.spectrum
    root_trace = np.sqrt(spectrum).sum()
    values = ladder(RUNGS_OF_VECTORS, account)
    rho, omega = account.diagnostics.escaped_mass, escaped_mass_limit(spectrum, K)
    assert values["sketch"] == pytest.approx(
        diameter * (math.sqrt(2) * root_trace + D * math.sqrt(rho / 2))
    )
    assert values["theorem-3"] == pytest.approx(
        diameter * (math.sqrt(2) * root_trace + D * math.sqrt(omega / 2))
    )
    assert values["trace"] == pytest.approx(math.sqrt(2) * diameter * account.diagnostics.potential)
    assert full_adagrad_bound(spectrum, diameter) == pytest.approx(
        math.sqrt(2) * diameter * root_trace
    )
    _, account, _ = account_of("ogd")
    assert ladder(["rounds"], account)["rounds"] == pytest.approx(
        math.sqrt(2) * diameter * 9.0 * math.sqrt(T)
    )
    _, account, gradients = account_of("adagrad-norm")
    assert ladder(["trace"], account)["trace"] == pytest.approx(
        math.sqrt(2) * diameter * np.linalg.norm(gradients)
    )
    _, account, gradients = account_of("adagrad")
    assert ladder(["trace"], account)["trace"] == pytest.approx(
        math.sqrt(2) * diameter * np.linalg.norm(gradients, axis=0).sum()
    )


@pytest.mark.parametrize("lr", [None, 0.05, 20.0])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", BOUNDED)
def test_each_rung_is_above_the_certificate(name, seed, lr):
    learner, account, _ = account_of(name, seed, lr)
    values = ladder(learner.bounds, account)
    assert min(values, key=values.get) == "certificate"
    if "sketch" in values:
        assert values["sketch"] <= values["theorem-3"]
    if "shampoo-theorem" in values:
        assert values["shampoo-trace"] <= values["shampoo-theorem"]


@pytest.mark.parametrize("name", BOUNDED)
def test_the_certificate_bounds_the_linearised_regret_of_the_worst_point(name):
    """Against gradients chosen to hurt: the sum ⟨g_t, x_t − u⟩ for the best u in the ball."""
    rng = np.random.default_rng(3)
    learner, _, _ = account_of(name)
    learner = ALGORITHMS[name](D, domain=Ball(R), lr=0.3, **({"k": K} if name in SKETCHED else {}))
    played, total = 0.0, np.zeros(D)
    for a in rng.standard_normal((T, D)) * 0.7 ** np.arange(D):
        g = a if a @ learner.x > 0 else -a
        played, total = played + g @ learner.x, total + g
        learner.update(g)
        regret = played + R * np.linalg.norm(total)
        account = Account(T, D, K, 0.3, 2 * R, 9.0, learner.diagnostics())
        assert regret <= ladder(["certificate"], account)["certificate"]


def test_a_rung_that_needs_the_spectrum_is_not_invented_without_it():
    learner, account, _ = account_of("s-adagrad")
    values = ladder(learner.bounds, Account(**{**vars(account), "spectrum": None}))
    assert math.isnan(values["sketch"]) and math.isnan(values["theorem-3"])
    assert math.isfinite(values["certificate"]) and math.isfinite(values["trace"])


@pytest.mark.parametrize(
    "lo, hi, value, holds",
    [
        (1.0, 2.0, 2.0, True),
        (1.0, 2.0, 1.0, None),
        (1.0, 2.0, np.nextafter(1.0, 0.0), False),
        (-math.inf, 2.0, 1.0, None),
        (1.0, math.inf, 0.0, False),
        (1.0, 2.0, math.nan, None),
    ],
)
def test_only_an_interval_wholly_above_its_bound_violates_it(lo, hi, value, holds):
    assert verdict(lo, hi, value) is holds
