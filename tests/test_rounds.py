"""Many rounds in one kernel are what the loop makes of them, to the round, however they end."""

from __future__ import annotations

import os
import re
import signal
import threading
from dataclasses import replace

import numpy as np
import pytest

import oco
from oco.algorithms import ALGORITHMS, MirrorDescent
from oco.algorithms.scalar import ScalarMetric
from oco.losses import MARGIN_LOSSES, STREAMS, Recorded, Stream
from oco.losses.functions import Linear
from oco.losses.kernels import UNKNOWN, answer_code, loss_code, suffer, worst_sign
from oco.rounds import plays_in_kernels
from oco.simulator import log_checkpoints, play

# Rounding of T rounds, which a step feels through H⁻¹.
TOLERANCE = 1e-8
# A potential may have Σ √ρ_t in it, where ρ_t is no more than rounding.
ROOTS = 1e-7
D, T = 12, 1500
# Learners that have a kernel for many rounds, with what they need.
LEARNERS = {"ogd": {}, "adagrad-norm": {}, "adagrad": {}, "s-adagrad": {"k": 4}, "ada-fd": {"k": 4}}
# δ is far above the gradients of a game that is not meant to end.
DUALS = {"da-norm": {}, "da-diagonal": {}, "da-full": {}, "ftsl": {"k": 4}}
LEARNERS |= {name: {"delta": 50.0, **options} for name, options in DUALS.items()}
NEWTONS = {"ons": {}, "s-ons": {"k": 4}, "rfd-son": {"k": 4}, "fd-son": {"k": 4}}
LEARNERS |= {name: {"curvature": 0.3, "lr": None, **own} for name, own in NEWTONS.items()}
BOXED = ("ogd", "adagrad-norm", "adagrad", "da-norm", "da-diagonal")
# Those of which the loop is slow play fewer rounds both ways.
FEWER = 150
DOMAINS = {
    "ball": oco.Ball(0.7),
    "box": oco.Box(np.linspace(-0.4, -0.1, D), 0.2),
    "unconstrained": oco.Euclidean(),
    # So small that its points are held, as the squares of their lengths underflow.
    "tiny": oco.Ball(1e-140),
}


def learner(name="adagrad", domain="ball", lr=0.4):
    options = {"lr": lr, **LEARNERS[name]}
    given = {option: value for option, value in options.items() if value is not None}
    return ALGORITHMS[name](D, domain=DOMAINS[domain], **given)


def in_turn(learner):
    """Return a learner that only the loop plays: it is watched."""
    learner.update = learner.update
    return learner


def stream_of(name, loss, rounds=T):
    options = {"loss": loss} if name != "orthonormal" else {}
    return STREAMS[name](d=D, T=rounds, seed=5, **options)


def played(learner, loss, stream, domain=None, **options):
    checkpoints = log_checkpoints(stream.T)
    return play(learner, loss, stream, checkpoints=checkpoints, domain=domain, **options)


def words(message):
    """Return a message without numbers, which may differ by rounding."""
    return re.sub(r"-?\d\S*", "#", message)


def assert_same(one, other, tolerance=TOLERANCE):
    assert (one.status, words(one.message)) == (other.status, words(other.message))
    assert one.rounds == other.rounds
    for name in ("margins", "slopes", "labels", "losses", "lengths", "cumulative_loss"):
        ours, theirs = getattr(one, name), getattr(other, name)
        scale = max(1.0, np.abs(theirs).max(initial=0.0))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * scale, err_msg=name)
    assert one.checkpoints.tolist() == other.checkpoints.tolist()
    for ours, theirs in zip(one.diagnostics, other.diagnostics, strict=True):
        assert (ours.bracket is None) == (theirs.bracket is None)
        if theirs.bracket is not None:
            told = pytest.approx(theirs.bracket.total_mass, rel=tolerance, abs=tolerance)
            assert ours.bracket.total_mass == told
        for name, value in vars(replace(theirs, bracket=None)).items():
            near = ROOTS if name == "potential" else tolerance
            expected = None if value is None else pytest.approx(value, rel=near, abs=near)
            assert getattr(replace(ours, bracket=None), name) == expected, name


def games():
    for name in LEARNERS:
        for domain in DOMAINS:
            if domain == "box" and name not in BOXED:
                continue
            if domain in ("unconstrained", "tiny") and name in NEWTONS:
                continue
            for loss in MARGIN_LOSSES:
                for stream in ("stochastic", "drift", "adversary", "starve"):
                    if loss != "linear" or domain != "unconstrained":
                        yield name, domain, loss, stream


@pytest.mark.parametrize("name, domain, loss, stream", list(games()))
def test_every_combination_is_what_the_loop_makes_of_it(name, domain, loss, stream):
    loss, K = MARGIN_LOSSES[loss], DOMAINS[domain]
    # Equal eigenvalues leave a sketch's directions to rounding, which over the rounds adds up.
    rounds = 200 if stream == "starve" else T
    if name in DUALS or name in NEWTONS:
        rounds = FEWER
    stream, player = stream_of(stream, loss, rounds), learner(name, domain)
    many = played(player, loss, stream, K)
    assert many.status == "complete"
    if stream.adaptive:
        # What it answers to a prediction of 0 but for rounding is chance, and changes the game.
        assert many.labels.tolist() == [stream.answer(float(z)) for z in many.margins]
        stream = Recorded(stream, many.labels)
    other = in_turn(learner(name, domain))
    assert_same(many, played(other, loss, stream, K))
    np.testing.assert_allclose(player.x, other.x, rtol=0, atol=TOLERANCE)


def test_what_is_known_is_played_in_kernels_and_nothing_else():
    loss, stream = MARGIN_LOSSES["hinge"], stream_of("stochastic", MARGIN_LOSSES["hinge"])
    assert all(plays_in_kernels(learner(name), loss, stream) for name in LEARNERS)
    assert not plays_in_kernels(in_turn(learner()), loss, stream)

    class Own(MirrorDescent):
        pass

    class OtherSteps(ScalarMetric):
        growth = (1.0, 0.0)

        def descend(self, x, g, mass, lr, radius):
            return x, 0.0, mass

    class OtherBall(oco.Ball):
        pass

    class OtherLoss(Linear):
        pass

    class OtherAnswer(type(stream_of("adversary", loss))):
        def answer(self, z):
            return 1.0

    def composed(kind, steps, domain):
        return kind(D, steps, domain, 0.1, diameter=2.0, bounds=())

    ball, steps = oco.Ball(1.0), learner("ogd").preconditioner
    assert plays_in_kernels(composed(MirrorDescent, steps, ball), loss, stream)
    assert not plays_in_kernels(composed(Own, steps, ball), loss, stream)
    assert not plays_in_kernels(composed(MirrorDescent, OtherSteps(D), ball), loss, stream)
    assert not plays_in_kernels(composed(MirrorDescent, steps, OtherBall(1.0)), loss, stream)
    assert not plays_in_kernels(learner(), OtherLoss(), stream)
    assert not plays_in_kernels(learner(), loss, OtherAnswer(d=D, T=T))
    assert not plays_in_kernels(learner(), loss, stream_of("adversary", OtherLoss()))
    spied = MARGIN_LOSSES["hinge"].__class__()
    spied.value = spied.value
    assert loss_code(spied) == UNKNOWN == answer_code(stream)


Z = [0.0, -0.0, 0.3, -0.3, 1.0, -1.0, 2.5, -40.0, 40.0, 800.0, -800.0, 1e-300, -1e300]


@pytest.mark.parametrize("loss", MARGIN_LOSSES.values(), ids=MARGIN_LOSSES)
def test_losses_are_those_of_the_formulas_within_the_errors_that_these_state(loss):
    for y in (1.0, -1.0, 0.0) if loss.labels == "binary" else (1.0, -1.0, 0.0, 0.3, -7.0):
        for z in Z:
            value, slope = suffer(loss_code(loss), z, y)
            expected = float(loss.value(z, y))
            assert abs(value - expected) <= 2 * loss.error(z, y) or value == expected
            np.testing.assert_allclose(slope, loss.derivative(z, y), rtol=1e-15, atol=1e-320)


@pytest.mark.parametrize("loss", MARGIN_LOSSES.values(), ids=MARGIN_LOSSES)
def test_the_worst_sign_is_the_adversary_s(loss):
    answer = stream_of("adversary", loss).answer
    assert [worst_sign(loss_code(loss), z) for z in Z] == [answer(z) for z in Z]


class Spiked(Stream):
    """Rows of a stochastic stream, of which one is something else."""

    default_loss = "squared"

    def __init__(self, at, row, label=0.5):
        super().__init__(D, T)
        self.at, self.row, self.label = at, row, label
        self.inner = stream_of("stochastic", MARGIN_LOSSES["squared"])

    def rows(self, start, stop):
        features, labels = self.inner.rows(start, stop)
        if start <= self.at < stop:
            features, labels = features.copy(), labels.copy()
            features[self.at - start], labels[self.at - start] = self.row, self.label
        return features, labels


def ends():
    for name in LEARNERS:
        for at in (0, 40) if name in {**DUALS, **NEWTONS} else (0, 1, 700, 1023, 1024, T - 1):
            yield name, at


@pytest.mark.parametrize("name, at", list(ends()))
@pytest.mark.parametrize(
    "row, label, message",
    [
        (np.nan, 0.5, "expected finite numbers"),
        (np.inf, 0.5, "expected finite numbers"),
        (0.1, np.nan, "expected finite numbers"),
        (0.1, 1e200, "expected finite numbers"),
        (1e200, 0.5, "expected finite numbers, got prediction|gradients, got inf|squared length"),
        (1e153, 1e150, "finite squared length|finite sum of squares"),
    ],
)
def test_what_is_not_finite_ends_it_in_that_round(at, row, label, message, name):
    found = [
        played(player, MARGIN_LOSSES["squared"], Spiked(at, row, label))
        for player in (learner(name), in_turn(learner(name)))
    ]
    assert found[0].status == "failed" and found[0].rounds == at
    assert found[0].message.startswith(f"round {at + 1}: ")
    assert any(part in found[0].message for part in message.split("|"))
    assert_same(*found)


@pytest.mark.parametrize("domain", ["ball", "unconstrained", "box"])
@pytest.mark.parametrize("name", [name for name in LEARNERS if name not in {**DUALS, **NEWTONS}])
def test_a_step_that_overflows_leaves_the_learner_as_its_update_does(name, domain):
    """x stays, the metric has absorbed the gradient; on a box the step is clipped."""
    if domain == "box" and name not in BOXED:
        pytest.skip("no box")
    pair = learner(name, domain, lr=1e308), in_turn(learner(name, domain, lr=1e308))
    stream = Spiked(900, 1e100 / D**0.5, 3.0)
    one, other = (played(player, MARGIN_LOSSES["absolute"], stream) for player in pair)
    if domain == "box":
        assert one.status == "complete"
    else:
        assert one.status == "failed" and "expected steps to finite points" in one.message
    assert (one.status, one.rounds) == (other.status, other.rounds)
    assert words(one.message) == words(other.message)
    ours, theirs = (player.preconditioner.potential for player in pair)
    assert ours == pytest.approx(theirs)
    np.testing.assert_allclose(pair[0].x, pair[1].x, rtol=TOLERANCE)


def assert_ends_alike(pair, stream, message):
    one, other = (played(player, MARGIN_LOSSES["absolute"], stream) for player in pair)
    assert one.status == "failed" and message in one.message
    assert (one.rounds, words(one.message)) == (other.rounds, words(other.message))
    ours, theirs = (player.diagnostics() for player in pair)
    assert ours.potential == pytest.approx(theirs.potential)
    assert ours.squared_gradients == pytest.approx(theirs.squared_gradients)
    np.testing.assert_allclose(pair[0].x, pair[1].x, rtol=TOLERANCE)


@pytest.mark.parametrize("name", DUALS)
def test_dual_averaging_ends_in_kernels_as_in_its_update(name):
    pair = [learner(name, lr=0.4), in_turn(learner(name, lr=0.4))]
    assert_ends_alike(pair, Spiked(90, 60.0 / D**0.5), "delta: expected at least the length")
    pair = [learner(name, "unconstrained", lr=1e308) for _ in range(2)]
    assert_ends_alike([pair[0], in_turn(pair[1])], Spiked(90, 0.1), "expected steps to finite")


@pytest.mark.parametrize("name", NEWTONS)
def test_newton_steps_end_in_kernels_as_in_their_update(name):
    options = {**NEWTONS[name], "domain": DOMAINS["ball"], "curvature": 1.0, "alpha": 1e-6}
    pair = [ALGORITHMS[name](D, **options) for _ in range(2)]
    # Before anything escapes, which would make the smallest eigenvalue larger.
    assert_ends_alike([pair[0], in_turn(pair[1])], Spiked(1, 1e4), "alpha: expected more than")


@pytest.mark.parametrize("name", LEARNERS)
def test_an_interrupt_ends_it_after_a_whole_round(name):
    loss, rounds = MARGIN_LOSSES["logistic"], 400_000
    stream = stream_of("stochastic", loss, rounds)
    list(stream.chunks())
    player = learner(name)
    assert plays_in_kernels(player, loss, stream)
    played(learner(name), loss, stream_of("stochastic", loss))
    timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        record = played(player, loss, stream)
    finally:
        timer.join()
    assert record.status == "interrupted" and 0 < record.rounds < rounds
    assert record.message == f"interrupted after round {record.rounds}"
    assert record.checkpoints[-1] == record.rounds
    # What was played is what a game of so many rounds plays, and so is where the learner stands.
    again = learner(name)
    shorter = Stream.chunks(stream, record.rounds)
    t = 0
    for features, labels in shorter:
        for a, y in zip(features, labels, strict=True):
            z = float(a @ again.x)
            assert record.margins[t] == pytest.approx(z, abs=TOLERANCE)
            again.update(float(loss.derivative(z, y)) * a)
            t += 1
    assert t == record.rounds
    np.testing.assert_allclose(player.x, again.x, rtol=0, atol=TOLERANCE)


class Leaving(ScalarMetric):
    """Gradient descent whose kernel forgets to project now and then, as a fault would."""

    growth = (1.0, 0.0)

    def descend(self, x, g, mass, lr, radius):
        return super().descend(x, g, mass, lr, radius)

    def play(self, rounds, x, tally, lr, region):
        free = oco.algorithms.chunks.region_of(oco.Euclidean(), D)
        return super().play(rounds, x, tally, lr, free)


@pytest.mark.parametrize("domain", ["ball", "box"])
def test_points_that_kernels_play_are_held_against_the_domain(domain):
    K, loss = DOMAINS[domain], MARGIN_LOSSES["hinge"]
    player = MirrorDescent(D, Leaving(D), K, 3.0, diameter=2.0, bounds=())
    assert plays_in_kernels(player, loss, stream_of("stochastic", loss))
    record = played(player, loss, stream_of("stochastic", loss), K)
    assert record.status == "failed" and "outside the domain" in record.message
    first = int(record.message.split(":")[0].removeprefix("round "))
    free = MirrorDescent(D, Leaving(D), oco.Euclidean(), 3.0, diameter=2.0, bounds=())
    t = 1
    for features, labels in stream_of("stochastic", loss).chunks():
        for a, y in zip(features, labels, strict=True):
            if not K.contains(free.x):
                assert t == first
                return
            free.update(float(loss.derivative(float(a @ free.x), y)) * a)
            t += 1
    pytest.fail("it never left")


def test_a_chunk_that_is_no_plain_array_goes_to_the_loop():
    class Lists(Stream):
        def rows(self, start, stop):
            raise NotImplementedError

        def chunks(self, stop=None):
            for features, labels in stream_of("stochastic", MARGIN_LOSSES["hinge"]).chunks(stop):
                yield [np.array(row) for row in features], labels

    loss = MARGIN_LOSSES["hinge"]
    plain = played(learner(), loss, stream_of("stochastic", loss))
    assert_same(played(learner(), loss, Lists(D, T)), plain)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_that_has_played_goes_on_by_itself(name):
    loss, stream = MARGIN_LOSSES["logistic"], stream_of("stochastic", MARGIN_LOSSES["logistic"])
    pair = learner(name), in_turn(learner(name))
    for player in pair:
        played(player, loss, stream)
        before = player.x
        kept = before.copy()
        for g in np.random.default_rng(0).standard_normal((50, D)):
            player.update(g)
        np.testing.assert_array_equal(before, kept)
    np.testing.assert_allclose(pair[0].x, pair[1].x, rtol=0, atol=TOLERANCE)
