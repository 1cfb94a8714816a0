"""The protocol loop: order of play, records, and every way in which it can end early."""

import math
import os
import signal

import numpy as np
import pytest

from oco.algorithms import ALGORITHMS
from oco.domains import Ball
from oco.losses import LOSSES, STREAMS, Loss, Recorded
from oco.rounds import Log
from oco.simulator import log_checkpoints, play, play_all

D, T = 5, 2300


def learner(lr=0.1):
    return ALGORITHMS["adagrad"](D, domain=Ball(1.0), lr=lr)


def test_the_record_is_what_a_plain_loop_sees():
    loss, stream = (
        LOSSES["squared"],
        STREAMS["stochastic"](d=D, T=T, seed=3, loss=LOSSES["squared"]),
    )
    checkpoints = log_checkpoints(T)
    record = play(learner(), loss, stream, checkpoints=checkpoints)
    plain, t, total = learner(), 0, 0.0
    for features, labels in stream.chunks():
        for a, y in zip(features, labels, strict=True):
            z = a @ plain.x
            np.testing.assert_allclose(record.margins[t], z, rtol=1e-12, atol=1e-14)
            assert record.labels[t] == y
            np.testing.assert_allclose(record.slopes[t], z - y, rtol=1e-12, atol=1e-13)
            plain.update((z - y) * a)
            total += (z - y) ** 2 / 2
            t += 1
            if t in checkpoints:
                at = list(checkpoints).index(t)
                assert record.cumulative_loss[at] == pytest.approx(total, rel=1e-10)
                quadratic = plain.diagnostics().quadratic
                assert record.diagnostics[at].quadratic == pytest.approx(quadratic, rel=1e-10)
    assert record.rounds == t == T and record.status == "complete" and not record.message
    assert np.all(np.diff(record.seconds) >= 0) and record.seconds[0] >= 0


def test_an_adaptive_stream_answers_after_the_point_is_played():
    loss, stream = LOSSES["linear"], STREAMS["adversary"](d=D, T=300, seed=0)
    record = play(learner(), loss, stream, checkpoints=log_checkpoints(300))
    assert np.all(record.labels * record.margins <= 0)
    assert record.cumulative_loss[-1] == pytest.approx(np.abs(record.margins).sum())
    replayed = np.concatenate([y for _, y in Recorded(stream, record.labels).chunks()])
    np.testing.assert_array_equal(replayed, record.labels)


class Broken(Loss):
    """Squared loss whose value, or derivative, is NaN in one round."""

    def __init__(self, when, what):
        self.when, self.what, self.calls = when, what, 0

    def value(self, z, y):
        self.calls += 1
        bad = self.what == "value" and self.calls == self.when
        return math.nan if bad else (z - y) ** 2 / 2

    def derivative(self, z, y):
        bad = self.what == "derivative" and self.calls == self.when
        return math.nan if bad else z - y


@pytest.mark.parametrize("what", ["value", "derivative"])
@pytest.mark.parametrize("when", [1, 2, 1500])
def test_a_loss_that_is_not_finite_stops_in_that_round(when, what):
    stream = STREAMS["stochastic"](d=D, T=T, seed=3, loss=LOSSES["squared"])
    record = play(learner(), Broken(when, what), stream, checkpoints=log_checkpoints(T))
    assert record.status == "failed" and record.rounds == when - 1
    assert record.message.startswith(f"round {when}: expected finite numbers")
    whole = play(learner(), LOSSES["squared"], stream, checkpoints=log_checkpoints(T))
    np.testing.assert_allclose(record.margins, whole.margins[: when - 1])
    if when > 1:
        assert record.checkpoints[-1] == when - 1


def test_a_learner_that_diverges_is_stopped_and_named():
    stream = STREAMS["stochastic"](d=D, T=T, seed=3, loss=LOSSES["squared"])

    class Explosive:
        x = np.ones(D)

        def update(self, g):
            self.x = self.x * 1e9

    record = play(Explosive(), LOSSES["squared"], stream, checkpoints=log_checkpoints(T))
    assert record.status == "failed" and "expected finite numbers" in record.message
    assert record.diagnostics[-1] is None and 10 < record.rounds < 100


def test_an_error_in_the_learner_is_named_with_its_round():
    class Picky:
        x = np.zeros(D)
        seen = 0

        def update(self, g):
            self.seen += 1
            if self.seen == 7:
                raise KeyError("seven")

    stream = STREAMS["stochastic"](d=D, T=T, seed=3, loss=LOSSES["squared"])
    record = play(Picky(), LOSSES["squared"], stream, checkpoints=log_checkpoints(T))
    assert record.message == "round 7: KeyError: 'seven'" and record.rounds == 6


def test_an_interrupt_ends_the_game_between_two_rounds():
    class Interrupting:
        x = np.zeros(D)
        seen = 0

        def update(self, g):
            self.seen += 1
            if self.seen == 1200:
                os.kill(os.getpid(), signal.SIGINT)

    learner = Interrupting()
    stream = STREAMS["stochastic"](d=D, T=T, seed=3, loss=LOSSES["squared"])
    before = signal.getsignal(signal.SIGINT)
    record = play(learner, LOSSES["squared"], stream, checkpoints=log_checkpoints(T))
    assert record.status == "interrupted"
    assert record.message == f"interrupted after round {record.rounds}"
    assert record.rounds == learner.seen == record.checkpoints[-1] == 1200
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_after_the_last_round_is_not_lost(monkeypatch):
    """While the record is closed, which takes seconds after millions of rounds."""
    close = Log.result

    def interrupted(*args):
        os.kill(os.getpid(), signal.SIGINT)
        return close(*args)

    monkeypatch.setattr(Log, "result", interrupted)
    stream = STREAMS["stochastic"](d=D, T=T, seed=3, loss=LOSSES["squared"])
    record = play(learner(), LOSSES["squared"], stream, checkpoints=log_checkpoints(T))
    assert (record.status, record.rounds) == ("interrupted", T)
    assert record.message == f"interrupted after round {T}"


def test_progress_is_told_once_a_chunk():
    told = []
    stream = STREAMS["stochastic"](d=D, T=T, seed=3, loss=LOSSES["squared"])
    play(learner(), LOSSES["squared"], stream, checkpoints=[T], progress=told.append)
    assert told == [1024, 2048, 2300]


@pytest.mark.parametrize("T", [1, 2, 10, 12345])
def test_checkpoints_are_ascending_from_one_to_the_end(T):
    points = log_checkpoints(T)
    assert points[0] == 1 and points[-1] == T and np.all(np.diff(points) > 0)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("stream", ["stochastic", "adversary"])
def test_learners_side_by_side_play_what_each_plays_alone(stream, threads):
    loss, t = LOSSES["squared"], log_checkpoints(T)

    class Picky:
        """One that the loop plays, and that fails."""

        def __init__(self):
            self.x, self.seen = np.zeros(D), 0

        def update(self, g):
            self.seen += 1
            if self.seen == 1500:
                raise KeyError("no more")

    def rows():
        return STREAMS[stream](d=D, T=T, seed=3, loss=loss)

    players = [learner(0.1), Picky(), *(learner(lr) for lr in (0.01, 0.5, 3.0))]
    found = play_all(players, loss, rows(), checkpoints=t, threads=threads)
    alone = [learner(0.1), Picky(), *(learner(lr) for lr in (0.01, 0.5, 3.0))]
    for one, player in zip(found, alone, strict=True):
        other = play(player, loss, rows(), checkpoints=t)
        assert (one.status, one.message) == (other.status, other.message)
        for name in ("margins", "slopes", "labels", "losses", "lengths", "checkpoints"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert [record.rounds for record in found] == [T, 1499, T, T, T]
    assert found[1].message == "round 1500: KeyError: 'no more'"
    for ours, theirs in zip(players, alone, strict=True):
        np.testing.assert_array_equal(ours.x, theirs.x)


def test_an_interrupt_ends_all_that_play_side_by_side():
    class Interrupting:
        x = np.zeros(D)
        seen = 0

        def update(self, g):
            self.seen += 1
            if self.seen == 1200:
                os.kill(os.getpid(), signal.SIGINT)

    loss = LOSSES["squared"]
    stream = STREAMS["stochastic"](d=D, T=T, seed=3, loss=loss)
    first, *others = play_all(
        [Interrupting(), learner(), learner()], loss, stream, checkpoints=log_checkpoints(T)
    )
    assert first.status == "interrupted" and first.rounds == 1200
    for other in others:
        # It had not begun with that chunk.
        assert other.status == "interrupted" and other.rounds == 1024
        assert other.message == "interrupted after round 1024"


def test_a_stream_that_fails_ends_all():
    class Torn(type(STREAMS["stochastic"](d=D, T=T))):
        def rows(self, start, stop):
            if start:
                raise OSError("the file is gone")
            return super().rows(start, stop)

    found = play_all([learner(), learner(0.3)], LOSSES["logistic"], Torn(d=D, T=T), checkpoints=[T])
    for record in found:
        assert record.message == "round 1025: OSError: the file is gone" and record.rounds == 1024
