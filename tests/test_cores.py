"""One BLAS thread in all that works on many rows or rounds, and as many as before afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg  # noqa: F401
from threadpoolctl import threadpool_info, threadpool_limits

import oco
from oco.cores import one_blas_thread
from oco.losses import LOSSES, STREAMS
from oco.ranks import sketch_file
from oco.regret import best_fixed_point, cumulative_losses
from oco.sketch import FrequentDirections, blocks, steps
from oco.spectra import follow
from oco.verification import draw, verify

ROWS = np.random.default_rng(0).standard_normal((6, 4))


def threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("BLAS cannot have two threads here")
        yield


class Spy:
    """What was called, and with how many threads."""

    def __init__(self):
        self.seen = []

    def on(self, monkeypatch, place, name):
        called = getattr(place, name)
        monkeypatch.setattr(place, name, lambda *given: (self(), called(*given))[1])

    def __call__(self, *given, **named):
        self.seen.append(threads())


def extend(spy, monkeypatch, tmp_path):
    spy.on(monkeypatch, steps, "extend")
    FrequentDirections(4, 3).extend(ROWS)


def update(spy, monkeypatch, tmp_path):
    spy.on(monkeypatch, blocks, "leading")
    FrequentDirections(4, 3).update(ROWS)


def merge(spy, monkeypatch, tmp_path):
    spy.on(monkeypatch, blocks, "leading")
    FrequentDirections(4, 3).merge(FrequentDirections(4, 3))


def rank(spy, monkeypatch, tmp_path):
    spy.on(monkeypatch, blocks, "leading")
    np.save(tmp_path / "g.npy", ROWS)
    sketch_file(tmp_path / "g.npy", 3, spy)


def watched(spy):
    """Return a stream that tells when it is read."""

    class Watched(type(STREAMS["stochastic"](d=3, T=20, seed=0))):
        def chunks(self, *given):
            for chunk in super().chunks(*given):
                spy()
                yield chunk

    return Watched


def comparator(spy, monkeypatch, tmp_path):
    best_fixed_point(LOSSES["logistic"], oco.Ball(1.0), watched(spy)(d=3, T=20, seed=0))


def losses(spy, monkeypatch, tmp_path):
    cumulative_losses(
        LOSSES["logistic"], np.zeros(3), watched(spy)(d=3, T=20, seed=0), np.array([20])
    )


def run(spy, monkeypatch, tmp_path):
    """All phases: the play, and what comes after it."""
    oco.run("s-adagrad", d=3, k=2, T=20, stream=watched(spy), progress=spy)


def spectra(spy, monkeypatch, tmp_path):
    follow(ROWS, k=2, progress=spy)


def verification(spy, monkeypatch, tmp_path):
    verify(draw(1, seed=0, d_max=4), progress=spy)


ENTRIES = (extend, update, merge, rank, comparator, losses, run, spectra, verification)


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_to_many_rows_or_rounds_has_one_thread(entry, monkeypatch, tmp_path):
    spy = Spy()
    entry(spy, monkeypatch, tmp_path)
    assert spy.seen and all(seen == {1} for seen in spy.seen)
    assert threads() == {2}


def test_a_loop_of_ones_own_has_it_where_it_asks():
    with one_blas_thread():
        assert threads() == {1}
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


def test_an_error_gives_the_threads_back():
    with pytest.raises(KeyError), one_blas_thread():
        raise KeyError
    assert threads() == {2}
