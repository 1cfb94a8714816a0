"""The ladder: published closed forms at the default rate, order of the rungs, exact spectra."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from what_learners_take import RATED, own_options

import oco
from oco.algorithms import ALGORITHMS, Diagnostics
from oco.bounds import (
    RUNGS,
    Account,
    Rung,
    SpectralSums,
    full_adagrad_bound,
    ladder,
    register,
    verdict,
)
from oco.domains import Ball
from oco.sketch import escaped_mass_limit

D, T, K, R = 9, 120, 4, 1.5
BOUNDED = [name for name in RATED if name != "adam"]
# The rungs of learners of vectors by mirror descent.
RUNGS_OF_VECTORS = ["certificate", "rounds", "trace", "sketch", "theorem-3"]


def account_of(name, seed=0, lr=None):
    rng = np.random.default_rng(seed)
    gradients = rng.standard_normal((T, D)) * 0.7 ** np.arange(D)
    options = {"gradient_bound": 9.0} if name == "ogd" else own_options(name, K, bound=9.0)
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
    assert full_adagrad_bound(root_trace, diameter) == pytest.approx(
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
    if "ftsl-sketch" in values:
        assert values["ftsl-sketch"] <= values["ftsl-theorem"]
    if "shampoo-theorem" in values:
        assert values["shampoo-trace"] <= values["shampoo-theorem"]


@pytest.mark.parametrize("name", BOUNDED)
def test_the_certificate_bounds_the_linearised_regret_of_the_worst_point(name):
    """Against gradients chosen to hurt: the sum ⟨g_t, x_t − u⟩ for the best u in the ball."""
    rng = np.random.default_rng(3)
    learner = ALGORITHMS[name](D, domain=Ball(R), lr=0.3, **own_options(name, K, bound=9.0))
    played, total = 0.0, np.zeros(D)
    for a in rng.standard_normal((T, D)) * 0.7 ** np.arange(D):
        g = a if a @ learner.x > 0 else -a
        played, total = played + g @ learner.x, total + g
        learner.update(g)
        regret = played + R * np.linalg.norm(total)
        account = Account(T, D, K, 0.3, learner.diameter, 9.0, learner.diagnostics())
        assert regret <= ladder(learner.bounds[:1], account)["certificate"]


@pytest.mark.parametrize("name", ["s-adagrad", "ftsl", "da-full"])
def test_a_rung_grows_with_each_of_the_sums_that_it_needs(name):
    """So that both ends of a bracket bracket it."""
    learner, account, _ = account_of(name)
    sums = SpectralSums.of(account.spectrum, account.k)
    exact = ladder(learner.bounds, account)
    unknown = replace(account, spectrum=None)
    assert ladder(learner.bounds, replace(unknown, end=sums)) == exact
    for field in fields(sums):
        value = getattr(sums, field.name)
        if value is None:
            continue
        more = replace(sums, **{field.name: value * 1.5 + 1})
        found = ladder(learner.bounds, replace(unknown, end=more))
        assert all(found[rung] >= exact[rung] for rung in exact)
        assert found != exact or field.name == "largest"


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


class Claims:
    """A learner that does not move, and claims what it is given."""

    def __init__(self, d, bounds):
        self.x, self.bounds = np.zeros(d), bounds

    def update(self, g):
        pass

    def diagnostics(self):
        return Diagnostics(0.0, 0.0, 0.0, None, None, 8)


def claimed(value, name="own", **options):
    rung = Rung(name, "what is claimed", None, value)
    learner = Claims(5, (rung,))
    return oco.run(lambda: learner, d=5, T=50, stream="rademacher", checkpoints=2, **options)


def test_a_bound_of_ones_own_is_checked_at_every_checkpoint_stored_and_shown(tmp_path):
    result = claimed(lambda account: 2.0 * account.t, out=tmp_path)
    (bound,) = result.summary.bounds
    assert (bound.name, bound.value, bound.holds) == ("own", 100.0, True)
    assert bound.formula == "what is claimed"
    np.testing.assert_array_equal(result.trace.bounds["own"], 2.0 * result.trace.t)
    assert oco.load_result(tmp_path) == result
    assert result.summary.certificate is None


def test_a_false_bound_of_ones_own_is_violated():
    assert claimed(lambda account: -1.0).violated
    assert not claimed(lambda account: math.nan).violated


@pytest.mark.parametrize(
    "bounds, message",
    [
        (("own-unknown",), "unknown name 'own-unknown'"),
        ("certificate", "expected a sequence of names"),
        ((3,), "expected names or oco.bounds.Rung, got 3"),
        ((Rung("twice", "", None, abs), Rung("twice", "", None, abs)), "got 'twice' twice"),
        (("certificate", "dual-certificate"), "got 'certificate' twice"),
        ((Rung("own", "", None, lambda account: "1.0"),), "own must give a number, got '1.0'"),
        ((Rung("own", "", None, lambda account: account.nothing),), "no attribute 'nothing'"),
    ],
)
def test_a_bound_that_cannot_be_computed_is_refused_before_the_game(bounds, message):
    with pytest.raises(
        ValueError, match=f"^algorithm: the bounds .* cannot be computed: .*{message}"
    ):
        oco.run(lambda: Claims(5, bounds), d=5, T=50)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (("Own Bound", "", None, abs), ValueError, "^name: expected small letters"),
        ((3, "", None, abs), ValueError, "^name: expected small letters"),
        (("own", None, None, abs), TypeError, "^formula: expected a text, got None"),
        (("own", "", "spektrum", abs), ValueError, "^needs: .* did you mean 'spectrum'"),
        (("own", "", None, 1.0), TypeError, "^value: expected something to call, got 1.0"),
    ],
)
def test_what_is_no_rung_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Rung(*arguments)


def test_a_registered_bound_is_claimed_by_name(monkeypatch):
    monkeypatch.setattr("oco.bounds.claims.RUNGS", dict(RUNGS))
    rung = register(Rung("own-root", "√T", None, lambda account: account.t**0.5))
    assert register(rung) is rung
    with pytest.raises(ValueError, match=r"^rung: another bound is called 'own-root'"):
        register(Rung("own-root", "2√T", None, lambda account: 2 * account.t**0.5))
    with pytest.raises(TypeError, match=r"^rung: expected an oco.bounds.Rung, got str"):
        register("own-root")
    (bound,) = oco.run(lambda: Claims(5, ("own-root",)), d=5, T=49).summary.bounds
    assert bound.value == 7.0
