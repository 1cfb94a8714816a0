"""`oco.run` end to end: reproducible, certified, and honest about how a run ended."""

import dataclasses
import json
import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize
from what_learners_take import NEWTONS, only_taken

import oco
from oco.algorithms import ALGORITHMS, Diagnostics, ogd
from oco.bounds import RUNGS
from oco.experiment import assessment, certification, eigenvalues, perform, prepare, running
from oco.losses import Stochastic
from oco.losses.functions import LOGISTIC
from oco.results.summary import HOLDS, VIOLATED

SMALL = {"d": 8, "T": 150, "seed": 4}


def gradients(result):
    """Replay the learner by hand and return its gradients and losses, one a round."""
    game = prepare(**vars(result.experiment))
    rows, losses = [], []
    for features, labels in game.stream.chunks():
        for a, y in zip(features, labels, strict=True):
            z = a @ game.learner.x
            y = game.stream.answer(z) if game.stream.adaptive else y
            losses.append(float(game.loss.value(z, y)))
            rows.append(float(game.loss.derivative(z, y)) * a)
            game.learner.update(rows[-1])
    return np.array(rows), np.array(losses)


# Reproducible


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_seed_gives_one_result(algorithm):
    first, second = (
        oco.run(algorithm, **only_taken(algorithm, k=3, **SMALL)).without_timings()
        for _ in range(2)
    )
    assert first == second
    assert (
        first
        != oco.run(algorithm, **only_taken(algorithm, k=3, **SMALL | {"seed": 5})).without_timings()
    )


def test_another_process_gives_the_same_result(tmp_path):
    options = {"d": 60, "k": 7, "T": 700, "seed": 9}
    command = [f"--{name}={value}" for name, value in options.items()]
    subprocess.run(
        [sys.executable, "-m", "oco", "run", "--alg=s-adagrad", *command, f"--out={tmp_path}"],
        check=True,
        capture_output=True,
    )
    here = oco.run("s-adagrad", **options).without_timings()
    assert oco.load_result(tmp_path).without_timings() == here


# What is computed


def test_the_summary_is_what_the_rounds_add_up_to():
    result = oco.run("s-adagrad", k=4, stream="adversary", **SMALL)
    rows, losses = gradients(result)
    summary, trace = result.summary, result.trace
    assert summary.total_loss == pytest.approx(losses.sum(), rel=1e-12)
    assert summary.average_loss == pytest.approx(losses.mean(), rel=1e-12)
    np.testing.assert_allclose(trace.loss, np.cumsum(losses)[trace.t - 1], rtol=1e-12)
    assert (summary.rounds, summary.T, summary.d, summary.k, summary.seed) == (150, 150, 8, 4, 4)
    eigenvalues = np.linalg.eigvalsh(rows.T @ rows)[::-1]
    np.testing.assert_allclose(result.spectrum, eigenvalues, rtol=1e-9, atol=1e-9)
    omega = min(eigenvalues[j:].sum() / (4 - j) for j in range(4))
    assert summary.omega == pytest.approx(omega, rel=1e-9)
    assert summary.omega_range.lo <= omega <= summary.omega_range.hi
    assert 0 < summary.escaped_mass <= omega
    assert trace.escaped_mass[-1] == summary.escaped_mass
    assert summary.diameter == 2.0
    assert summary.full_adagrad_bound == pytest.approx(math.sqrt(8) * np.sqrt(eigenvalues).sum())


@pytest.mark.parametrize("loss", ["logistic", "squared", "hinge", "absolute"])
def test_the_interval_holds_the_true_regret(loss):
    result = oco.run("adagrad", loss=loss, d=3, T=80, seed=1, radius=0.7)
    game = prepare(**vars(result.experiment))
    features, labels = (np.concatenate(part) for part in zip(*game.stream.chunks(), strict=True))

    def total(u):
        x = u * min(1.0, 0.7 / max(np.linalg.norm(u), 1e-300))
        return float(np.sum(game.loss.value(features @ x, labels)))

    starts = np.random.default_rng(0).uniform(-0.7, 0.7, (6, 3))
    options = {"xatol": 1e-10, "fatol": 1e-12, "maxiter": 20_000, "maxfev": 20_000}
    best = min(
        minimize(total, start, method="Nelder-Mead", options=options).fun for start in starts
    )
    regret = result.summary.regret
    tolerance = 1e-6
    assert regret.lo - tolerance <= result.summary.total_loss - best <= regret.hi + tolerance
    assert regret.hi - regret.lo <= 1e-3 * abs(regret.lo) * (1 + 1e-9)
    assert total(result.comparator) == pytest.approx(result.summary.comparator.loss, rel=1e-12)


def test_the_regret_over_time_is_against_the_final_comparator():
    result = oco.run("ogd", **SMALL)
    trace = result.trace
    np.testing.assert_array_equal(trace.regret, trace.loss - trace.comparator_loss)
    assert trace.regret[-1] == pytest.approx(result.summary.regret.lo, abs=1e-9)
    assert trace.prefix_regret_lo is None and trace.prefix_regret_hi is None


def test_the_regret_against_each_prefix_s_own_best_point_is_larger():
    result = oco.run("s-adagrad", k=3, prefix_regret=True, **SMALL)
    trace = result.trace
    assert (trace.prefix_regret_lo <= trace.prefix_regret_hi).all()
    assert (trace.regret <= trace.prefix_regret_hi + 1e-9).all()
    assert trace.prefix_regret_hi[3] > trace.regret[3] + 1e-3
    assert all((holds == HOLDS).all() for holds in trace.holds.values())


def test_every_bound_of_every_learner_holds_at_every_checkpoint():
    for algorithm in set(ALGORITHMS) - {"adam"}:  # which claims none
        options = only_taken(algorithm, k=3, stream="adversary", **SMALL)
        if algorithm in NEWTONS:
            # Linear losses have no curvature; others have their prefixes solved one by one.
            options |= {"stream": "stochastic", "loss": "squared", "prefix_regret": True}
        result = oco.run(algorithm, **options)
        names = {bound.name for bound in result.summary.bounds}
        assert names == set(result.trace.bounds) <= set(RUNGS)
        for bound in result.summary.bounds:
            assert bound.holds is True
            assert bound.value == result.trace.bounds[bound.name][-1]
            assert bound.margin == bound.value - result.summary.regret.hi > 0
        assert result.summary.certificate == result.trace.certificate[-1]
        assert not result.violated


def test_on_an_unbounded_domain_the_diameter_is_measured_and_said():
    result = oco.run("s-adagrad", k=3, domain="unconstrained", lr=0.5, **SMALL)
    rows, _ = gradients(result)
    learner = prepare(**vars(result.experiment)).learner
    lengths = [0.0]
    for row in rows:
        learner.update(row)
        lengths.append(np.linalg.norm(learner.x))
    expected = max(lengths) + np.linalg.norm(result.comparator)
    assert result.summary.diameter == pytest.approx(expected, rel=1e-9)
    assert result.summary.comparator.radius >= np.linalg.norm(result.comparator)
    (note,) = result.summary.notes
    assert "unbounded" in note and f"{result.summary.comparator.radius:.6g}" in note


def test_a_dimension_too_large_for_the_spectrum_is_bracketed(monkeypatch):
    exact = oco.run("s-adagrad", k=3, **SMALL)
    monkeypatch.setattr(eigenvalues, "spectrum_affordable", lambda d: False)
    result = oco.run("s-adagrad", k=3, **SMALL)
    summary = result.summary
    assert [bound.holds for bound in summary.bounds] == 4 * [True]
    assert summary.omega is None and summary.full_adagrad_bound is None
    assert summary.omega_range.hi >= summary.escaped_mass
    assert any("bracketed" in note for note in summary.notes)
    assert list(result.trace.least) == ["sketch", "theorem-3"]
    for bound, known in zip(summary.bounds, exact.summary.bounds, strict=True):
        if bound.least is None:
            assert bound.value == known.value and bound.margin == known.margin
        else:
            assert bound.least < known.value < bound.value
            assert bound.margin == bound.least - summary.regret.hi
            least, most = result.trace.least[bound.name], result.trace.bounds[bound.name]
            assert (least <= exact.trace.bounds[bound.name] * (1 + 1e-9)).all()
            assert (most >= exact.trace.bounds[bound.name] * (1 - 1e-9)).all()
    low, high = summary.full_adagrad_range.lo, summary.full_adagrad_range.hi
    assert low < exact.summary.full_adagrad_bound < high
    assert summary.omega_range.lo <= exact.summary.omega <= summary.omega_range.hi
    text = repr(result)
    assert f"{summary.bounds[-1].least:,.5g} to" in text and "between which lies" in text


def test_a_larger_bracket_is_narrower_and_one_of_the_rank_is_exact():
    exact = oco.run("s-adagrad", k=3, **SMALL).summary
    widths = []
    for size in (2, 3, 5, 1000):
        found = oco.run("s-adagrad", k=3, spectra="bracket", bracket_k=size, **SMALL).summary
        ends = found.full_adagrad_range
        widths.append(ends.hi - ends.lo)
        assert ends.lo <= exact.full_adagrad_bound * (1 + 1e-9) <= ends.hi * (1 + 2e-9)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 1e-4 * exact.full_adagrad_bound


@pytest.mark.parametrize("learner", ["s-adagrad", "ftsl"])
def test_the_learners_own_sketch_brackets_without_another_pass(learner, monkeypatch):
    exact = oco.run(learner, k=3, **SMALL)
    monkeypatch.setattr(eigenvalues, "gradient_brackets", None)
    own = oco.run(learner, k=3, spectra="bracket", **SMALL)
    assert any("the learner's own sketch" in note for note in own.summary.notes)
    assert own.trace.least
    for name, least in own.trace.least.items():
        known = exact.trace.bounds[name]
        assert (least <= known * (1 + 1e-9)).all()
        assert (own.trace.bounds[name] >= known * (1 - 1e-9)).all()


def test_spectra_are_left_out_where_that_is_asked():
    summary = oco.run("s-adagrad", k=3, spectra="none", **SMALL).summary
    verdicts = {bound.name: bound.holds for bound in summary.bounds}
    assert verdicts == {"certificate": True, "trace": True, "sketch": None, "theorem-3": None}
    assert summary.omega is None and summary.full_adagrad_range is None
    assert any("no spectrum was computed" in note for note in summary.notes)
    with pytest.raises(ValueError, match=r"spectra: expected exact, bracket or none, got 'all'"):
        oco.run("s-adagrad", spectra="all", **SMALL)


def test_every_rung_is_decided_in_a_hundred_thousand_dimensions(tmp_path):
    result = oco.run(
        "s-adagrad", k=4, d=100_000, T=12, loss="hinge", spectrum="exp:0.5", out=tmp_path
    )
    assert [bound.holds for bound in result.summary.bounds] == 4 * [True]
    assert oco.load_result(tmp_path) == result


def test_a_sketch_whose_bounds_need_no_spectrum_still_knows_omega():
    result = oco.run("ada-fd", k=3, **SMALL)
    rows, _ = gradients(result)
    eigenvalues = np.linalg.eigvalsh(rows.T @ rows)[::-1]
    omega = min(eigenvalues[j:].sum() / (3 - j) for j in range(3))
    assert result.summary.omega == pytest.approx(omega, rel=1e-9)
    assert oco.run("ogd", **SMALL).spectrum is None


class TestOptionsThatNothingTakes:
    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            (
                {"k": 5},
                "k: not taken by the learner ogd, the stream stochastic or the domain ball; "
                "taken by learner s-adagrad, ada-fd, ftsl, s-ons, "
                "rfd-son, fd-son, s-shampoo",
            ),
            (
                {"delta": 2.0},
                "delta: .*; taken by learner ada-fd, da-norm, da-diagonal, da-full, ftsl",
            ),
            ({"turns": 1.0}, "turns: .*; taken by stream drift, matrix-rotating"),
            ({"lower": -2.0}, "lower: .*; taken by domain box"),
            (
                {"domain": "box", "stream": "adversary", "radius": 3.0},
                "radius: .*domain box; taken",
            ),
            ({"features": 4}, "features: .*; taken by stream data"),
            ({"bias": False}, "bias: .*; taken by stream data"),
            ({"positive": 1}, "positive: .*; taken by stream data"),
            ({"spectrum": "flat", "stream": "orthonormal"}, "spectrum: .*stream orthonormal"),
            (
                {"domain": oco.Box(-1, 1), "lower": -2.0},
                "lower: expected none beside a domain that",
            ),
            (
                {"domain": oco.Ball(2.0), "radius": 3.0},
                "radius: expected none beside a domain that",
            ),
            ({"domain": oco.Ball(2.0), "upper": 3.0}, "upper: "),
            ({"stream": Stochastic(d=3, T=5), "spectrum": "flat"}, "spectrum: "),
        ],
        ids=repr,
    )
    def test_are_refused_with_who_takes_them(self, options, problem):
        with pytest.raises(ValueError, match=f"^{problem}"):
            oco.run("ogd", **{"d": 3, "T": 5, **options})

    def test_their_defaults_are_not(self):
        asked = {"radius": 1.0, "bias": True, "k": None, "seed": 7}
        result = oco.run("ogd", d=3, T=5, stream="adversary", domain="box", **asked)
        assert oco.run(**vars(result.experiment)).without_timings() == result.without_timings()

    def test_radius_beside_a_box_may_be_the_stream_s(self):
        assert oco.run("ogd", d=3, T=5, domain="box", radius=3.0).experiment.radius == 3

    def test_in_a_comparison_one_taker_is_enough(self):
        ogd, sketched = oco.compare(["ogd", "s-adagrad"], d=3, T=5, k=3)
        assert (ogd.experiment.k, sketched.experiment.k) == (None, 3)
        with pytest.raises(ValueError, match=r"^k: not taken by the learner ogd and adagrad"):
            oco.compare(["ogd", "adagrad"], d=3, T=5, k=3)

    def test_in_a_tuning_and_in_a_sweep_of_experiments(self, tmp_path):
        with pytest.raises(ValueError, match=r"^k: not taken by the learner ogd"):
            oco.tune("ogd", [0.1], d=3, T=5, k=3)
        state = oco.sweep([oco.Experiment("ogd", d=3, T=5, k=3)], tmp_path, jobs=1)
        assert [outcome.fault.split(",")[0] for outcome in state.faults] == [
            "ValueError: k: not taken by the learner ogd"
        ]


# Bounds that do not hold


class Overconfident:
    """Plays the wrong way and claims a bound of almost nothing."""

    bounds, lr = ("certificate",), 1.0

    def __init__(self, d, claim=1e-3):
        self.x, self.claim = np.zeros(d), claim

    def update(self, g):
        self.x = self.x + g
        self.x /= max(1.0, np.linalg.norm(self.x))

    def diagnostics(self):
        return Diagnostics(
            potential=self.claim,
            quadratic=0.0,
            squared_gradients=0.0,
            escaped_mass=None,
            travelled=None,
            state_bytes=8,
        )


def test_a_violated_bound_is_reported_as_violated():
    result = oco.run(Overconfident, **SMALL)
    (bound,) = result.summary.bounds
    assert result.violated and bound.holds is False and bound.margin < 0
    assert (result.trace.holds["certificate"] == VIOLATED).any()
    assert result.experiment.algorithm.endswith(":Overconfident")


def test_one_violated_checkpoint_is_enough():
    class Late(Overconfident):
        def diagnostics(self):
            self.claim = 1e9 if getattr(self, "t", 0) != 49 else 1e-9
            return super().diagnostics()

        def update(self, g):
            self.t = getattr(self, "t", 0) + 1
            super().update(g)

    result = oco.run(Late, checkpoints=8, **SMALL)
    assert 49 in result.trace.t
    np.testing.assert_array_equal(
        result.trace.holds["certificate"] == VIOLATED, result.trace.t == 49
    )
    (bound,) = result.summary.bounds
    assert bound.holds is False and bound.margin > 0 and result.violated


# Ends before the end


class BreaksAt:
    """A loss that is no number from its n-th evaluation on."""

    labels = "binary"

    def __init__(self, n=37):
        self.left = n

    def value(self, z, y):
        self.left -= 1
        return LOGISTIC.value(z, y) if self.left > 0 else math.nan

    def derivative(self, z, y):
        return LOGISTIC.derivative(z, y)


def test_a_loss_that_is_nan_stops_in_its_round_and_keeps_the_trace(tmp_path):
    result = oco.run("s-adagrad", k=3, loss=BreaksAt(), out=tmp_path, **SMALL)
    summary = result.summary
    assert summary.status == "failed" and summary.message.startswith("round 37: ")
    assert summary.rounds == 36 == result.trace.t[-1]
    whole = oco.run("s-adagrad", k=3, **SMALL)
    # The whole run is played by a kernel, whose products add in another order.
    np.testing.assert_allclose(
        result.trace.loss[:-1], whole.trace.loss[: len(result.trace.t) - 1], rtol=1e-13
    )
    assert summary.regret is None and all(bound.holds is None for bound in summary.bounds)
    assert summary.certificate > 0
    assert oco.load_result(tmp_path) == result


def test_a_failure_in_the_first_round_leaves_an_empty_trace(tmp_path):
    result = oco.run("s-adagrad", k=3, loss=BreaksAt(1), out=tmp_path, **SMALL)
    assert result.summary.rounds == 0 and len(result.trace.t) == 0
    assert result.summary.average_loss is None and result.summary.bounds == ()
    assert "round 1" in repr(result)
    assert oco.load_result(tmp_path) == result


@pytest.mark.parametrize(
    ("target", "words", "lost"),
    [
        ("certify", "the best fixed point", "regret"),
        ("certify_prefixes", "each prefix's best fixed point", None),
        ("known_spectra", "the spectrum of G_T", "omega"),
    ],
)
def test_an_interrupt_of_the_assessment_keeps_what_is_there(target, words, lost, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    # Spectra are computed beside the best fixed point; here they are there by then.
    monkeypatch.setattr("concurrent.futures.Future.done", lambda future: True)
    monkeypatch.setattr(assessment, target, interrupt)
    summary = oco.run("s-adagrad", k=3, prefix_regret=True, **SMALL).summary
    assert summary.status == "interrupted"
    assert summary.message == f"interrupted while computing {words}"
    assert summary.rounds == 150 and summary.total_loss > 0
    for name in ("regret", "omega"):
        assert (getattr(summary, name) is None) == (name == lost)


def test_an_interrupt_of_the_assessment_begins_nothing_more(monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    # Features that are not kept: the spectra would come after the best fixed point.
    monkeypatch.setattr("oco.losses.streams.MEMORY", 0)
    monkeypatch.setattr(assessment, "certify", interrupt)
    monkeypatch.setattr(assessment, "known_spectra", lambda *_: pytest.fail("it went on"))
    summary = oco.run("s-adagrad", k=3, **SMALL).summary
    assert summary.message == (
        "interrupted while computing the best fixed point; left out the spectrum of G_T"
    )
    assert summary.rounds == 150 and summary.omega is None


# What is handed in


def test_things_may_be_given_as_objects():
    by_name = oco.run("ogd", domain="box", lower=-0.5, upper=0.5, **SMALL)
    by_object = oco.run(
        ogd,
        domain=oco.Box(-0.5, 0.5),
        loss=LOGISTIC,
        stream=Stochastic,
        **SMALL,
    )
    assert by_object.summary.regret == by_name.summary.regret
    assert by_object.experiment.domain == "box" and by_object.experiment.upper == 0.5
    assert oco.run("ogd", domain=oco.Ball(0.3), **SMALL).experiment.radius == 0.3
    assert oco.run("ogd", domain=oco.Euclidean(), lr=1.0, **SMALL).experiment.domain == (
        "unconstrained"
    )


def test_an_unknown_option_is_refused_with_the_closest():
    with pytest.raises(TypeError, match=r"^sed: unknown option; did you mean 'seed'"):
        oco.run("ogd", d=3, T=5, sed=1)


def test_the_output_directory_is_tried_before_the_first_round(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(running, "play", lambda *a, **k: pytest.fail("it played"))
    with pytest.raises(ValueError, match=r"^out: cannot write to"):
        oco.run("ogd", d=3, T=5, out=tmp_path / "file" / "deep")


def test_progress_ends_at_the_last_round():
    seen = []
    oco.run("ogd", d=3, T=3000, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 3000 and len(seen) > 1


@pytest.mark.parametrize(
    "options",
    [
        {"d": 8},
        {"d": 8, "loss": "squared", "domain": "box", "lower": 0.25, "upper": 2.0},
        {"d": 8, "stream": "adversary"},
        {"shape": (4, 3), "loss": "softmax"},
    ],
)
def test_never_moving_costs_what_the_first_point_does(options):
    result = oco.run("adagrad", T=150, seed=4, **options)
    game = prepare(**vars(result.experiment))
    start, costs = np.array(game.learner.x).reshape(-1), []
    for features, labels in game.stream.chunks():
        for a, y in zip(features, labels, strict=True):
            # As in the run: an adversary answers what is played.
            z = game.learner.x.reshape(-1, len(a)) @ a
            z = z if game.stream.outputs else float(z[0])
            y = game.stream.answer(z) if game.stream.adaptive else y
            at_start = start.reshape(-1, len(a)) @ a
            costs.append(
                float(game.loss.value(at_start if game.stream.outputs else at_start[0], y))
            )
            slope = game.loss.derivative(z, y)
            g = np.multiply.outer(slope, a)
            game.learner.update(g.reshape(np.shape(game.learner.x)))
    assert result.summary.unmoved_loss == pytest.approx(sum(costs), rel=1e-12, abs=1e-12)
    gained = sum(costs) - result.summary.total_loss
    regret, unmoved = result.summary.regret, result.summary.unmoved_regret
    assert unmoved.lo <= regret.hi + gained and unmoved.hi >= regret.lo + gained
    assert unmoved.hi - unmoved.lo == pytest.approx(regret.hi - regret.lo, rel=1e-3, abs=1e-9)


def test_a_run_that_failed_does_not_know_what_never_moving_costs():
    failed = oco.run("adagrad", lr=1e160, **SMALL).summary
    assert failed.status == "failed" and failed.unmoved_loss is None


def test_every_phase_is_told_to_its_end():
    told = []
    game = prepare("s-adagrad", d=30, k=5, T=3000, prefix_regret=True)
    perform(game, watch=lambda phase, **detail: told.append((phase, detail)))
    phases = list(dict.fromkeys(phase for phase, _ in told))
    assert set(phases) == {"playing", "best fixed point", "prefixes", "spectra"}
    assert phases[0] == "playing"
    for phase in phases:
        details = [detail for name, detail in told if name == phase]
        done = [detail["done"] for detail in details if "done" in detail]
        assert done == sorted(done) and done[-1] == details[-1]["total"] > 0
    gaps = [detail for name, detail in told if "gap" in detail]
    # The certificate only gets better, and the search ends where the gap asked for is reached.
    assert all(a["gap"] >= b["gap"] for a, b in pairwise(gaps))
    assert gaps[0]["gap"] > gaps[0]["target"] and gaps[-1]["gap"] <= gaps[-1]["target"]


def test_a_play_cut_short_is_said_before_it_is_assessed(monkeypatch):
    told = []

    def interrupted(*arguments, **options):
        played = play(*arguments, **options)
        return dataclasses.replace(played, status="interrupted", message="interrupted")

    play = running.play
    monkeypatch.setattr(running, "play", interrupted)
    game = prepare("ogd", d=3, T=100)
    perform(game, watch=lambda phase, **detail: told.append((phase, detail)))
    phases = [phase for phase, _ in told]
    assert phases.index("cut short") < phases.index("best fixed point")
    assert ("cut short", {"done": 100, "total": 100}) in told


def test_the_asked_for_gap_is_met_or_its_lack_noted(monkeypatch):
    fine = oco.run("ogd", gap=1e-6, **SMALL).summary
    assert fine.comparator.gap <= 1e-6 * abs(fine.regret.lo) * (1 + 1e-9)
    best = certification.best_fixed_point
    monkeypatch.setattr(
        certification,
        "best_fixed_point",
        lambda *a, relative_gap, **k: best(*a, relative_gap=0.5, **k),
    )
    coarse = oco.run("ogd", gap=1e-9, **SMALL).summary
    assert any("was asked for" in note for note in coarse.notes)


def test_the_document_is_strict_json():
    result = oco.run("ogd", loss="squared", domain="unconstrained", lr=0.1, d=3, T=10)
    document = json.loads(json.dumps(result.document(), allow_nan=False))
    assert document["summary"]["bounds"][1] == {
        "name": "rounds",
        "value": "Infinity",
        "holds": True,
        "margin": "Infinity",
        "formula": RUNGS["rounds"].formula,
        "least": None,
    }


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "algorithm, options",
    [
        ("s-adagrad", {"k": 3, "lr": 1e160}),
        ("full-adagrad", {"lr": 1e160}),
        ("adagrad", {"lr": 1e160}),
        ("ada-fd", {"k": 3, "lr": 1.0, "delta": 1e-160}),
    ],
)
def test_a_step_that_overflows_ends_the_run_and_is_named(algorithm, options):
    summary = oco.run(algorithm, d=5, T=100, **options).summary
    assert summary.status == "failed" and "finite" in summary.message


def test_a_game_is_performed_once():
    game = prepare("ogd", d=3, T=5)
    running.perform(game)
    with pytest.raises(ValueError, match="game: has been performed"):
        running.perform(game)
