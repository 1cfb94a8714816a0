"""Certificate ÷ regret, of every learner on every stream that it can play."""

from __future__ import annotations

import pytest

import oco
from oco.algorithms import ALGORITHMS
from oco.losses import STREAMS
from oco.reproduce import presentation, tightness
from oco.reproduce.tightness import Versus
from oco.results import Interval

SETTING = {"d": 30, "T": 800, "k": 8, "shape": "6x5"}


@pytest.fixture(scope="module")
def found():
    return tightness(**SETTING, jobs=2)


def test_nobody_is_left_out_but_who_has_no_certificate(found):
    assert set(found.algorithms) == set(ALGORITHMS) - {"adam"}
    assert set(found.streams) == set(STREAMS) - {"data"}
    played = {(entry.algorithm, entry.stream) for entry in found.entries}
    assert len(played) == len(found.entries)
    for algorithm in ("ogd", "s-adagrad", "ftsl"):
        assert {stream for name, stream in played if name == algorithm} == set(found.streams)
    curved = {entry.stream for entry in found.entries if entry.algorithm == "s-ons"}
    assert curved == {"stochastic", "drift", "adversary", "starve", "matrix-adversary"}


def test_no_certificate_is_below_the_regret(found):
    for entry in found.entries:
        assert not entry.message and entry.holds is True, entry
        assert entry.certificate >= entry.regret.hi
        if entry.ratio is not None:
            assert 1 <= entry.ratio.lo <= entry.ratio.hi, entry
    # The stream that was made to cause regret does, to all.
    assert all(entry.ratio is not None for entry in found.entries if entry.stream == "adversary")


def test_the_sketched_leader_is_tight_where_the_stream_is_an_adversary(found):
    ftsl, sketched = (found.of(name, "adversary").ratio for name in ("ftsl", "s-adagrad"))
    assert ftsl.hi < 1.3 < sketched.lo
    assert found.of("ftsl", "matrix-adversary").ratio.hi < 1.3


@pytest.mark.parametrize(
    ("algorithm", "stream", "loss"),
    [("ftsl", "adversary", "linear"), ("s-ons", "drift", "squared"), ("ogd", "drift", "logistic")],
)
def test_an_entry_is_what_a_run_says(found, algorithm, stream, loss):
    options = {"k": 8} if algorithm != "ogd" else {}
    summary = oco.run(
        algorithm, stream=stream, loss=loss, d=30, T=800, spectrum="exp:0.8", **options
    ).summary
    entry = found.of(algorithm, stream)
    assert (entry.loss, entry.certificate) == (loss, summary.certificate)
    assert (entry.regret.lo, entry.regret.hi) == (summary.regret.lo, summary.regret.hi)


def test_a_regret_that_may_be_zero_gives_no_ratio():
    ends = [(1.0, 2.0), (-1.0, 2.0), (0.0, 2.0), (-2.0, -1.0)]
    ratios = [Versus("a", "b", "c", "ball", 6.0, Interval(*e), True, "").ratio for e in ends]
    assert (ratios[0].lo, ratios[0].hi) == (3.0, 6.0)
    assert ratios[1:] == [None] * 3
    assert Versus("a", "b", "c", "ball", None, None, None, "failed").ratio is None


@pytest.mark.parametrize(
    ("holds", "certificate", "word"),
    [(False, 1.0, "VIOLATED"), (None, 1.5, "OPEN"), (None, None, "FAILED")],
)
def test_what_does_not_hold_gets_a_word_and_no_ratio(found, holds, certificate, word):
    entry = Versus("ogd", "drift", "logistic", "ball", certificate, Interval(1.0, 2.0), holds, "")
    changed = oco.reproduce.Tightness(1, 2, 3, 4, "1x1", "flat", (entry,))
    _, _, table, _ = presentation.ratio_table(changed)
    assert table.texts() == [["ogd", word]]


def test_bad_input_is_named_before_a_round():
    for option, value in (("T", 0), ("k", 1), ("d", 0), ("seed", -1), ("shape", "3")):
        with pytest.raises(ValueError, match=f"^{option}:"):
            tightness(**{option: value})
