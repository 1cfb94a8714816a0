"""What is computed beside the best fixed point of a run, and what is gone by then."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest
import threadpoolctl
from what_learners_take import only_taken

import oco
from oco import cores
from oco.algorithms import ALGORITHMS
from oco.experiment import assessment, eigenvalues, prepare, running
from oco.experiment.game import Retired
from oco.gradients import gradient_spectra

SMALL = {"d": 8, "T": 150, "seed": 4}


@pytest.mark.parametrize("kept", [True, False])
def test_spectra_are_the_same_beside_the_comparator_and_after_it(kept, monkeypatch):
    if not kept:
        monkeypatch.setattr("oco.losses.streams.MEMORY", 0)
    threads, compute = [], assessment.known_spectra

    def spectra(*arguments):
        threads.append(threading.current_thread())
        return compute(*arguments)

    monkeypatch.setattr(assessment, "known_spectra", spectra)
    result = oco.run("s-adagrad", k=4, **(SMALL | {"T": 1500}))
    assert (threads[0] is threading.main_thread()) == (not kept)
    game = prepare(**vars(result.experiment))
    played = running.play(game.learner, game.loss, game.stream, checkpoints=result.trace.t)
    recorded = assessment.Recorded(game.stream, played.labels)
    (exact,) = gradient_spectra(recorded, played.slopes, [1500])
    np.testing.assert_allclose(result.spectrum, exact, rtol=1e-12)


def test_an_error_beside_the_comparator_is_named_and_loses_nothing_else(monkeypatch):
    def fail(*arguments):
        raise MemoryError("of the spectra")

    monkeypatch.setattr(eigenvalues, "gradient_spectra", fail)
    summary = oco.run("s-adagrad", k=3, **SMALL).summary
    assert summary.status == "failed"
    assert summary.message == "computing the spectrum of G_T failed: MemoryError: of the spectra"
    assert summary.regret is not None and summary.omega is None and summary.bounds[0].holds


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_spectra_that_nobody_waits_for_are_stopped(error, monkeypatch):
    begun, ended = threading.Event(), []

    def endless(recorded, *arguments):
        begun.set()
        try:
            while True:
                for _ in recorded.chunks():
                    time.sleep(1e-3)
        except RuntimeError as stopped:
            ended.append(str(stopped))
            raise

    def fail(*arguments):
        assert begun.wait(timeout=30)
        raise error

    monkeypatch.setattr(eigenvalues, "gradient_spectra", endless)
    monkeypatch.setattr(assessment, "certify", fail)
    if error is SystemExit:
        with pytest.raises(SystemExit):
            oco.run("s-adagrad", k=3, **SMALL)
    else:
        # What comes after the interrupted computation is not waited for.
        monkeypatch.setattr("concurrent.futures.Future.result", lambda *_: pytest.fail("waited"))
        summary = oco.run("s-adagrad", k=3, **SMALL).summary
        assert summary.status == "interrupted" and summary.omega is None
        assert summary.message == (
            "interrupted while computing the best fixed point; left out the spectrum of G_T"
        )
    assert ended == ["stopped"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_learner_is_gone_before_its_best_fixed_point_is_sought(algorithm, monkeypatch):
    game = prepare(algorithm, **only_taken(algorithm, k=3, **SMALL | {"lr": 0.1}))
    state = weakref.ref(getattr(game.learner, "preconditioner", game.learner))
    asked, alive, certify = vars(Retired.of(game.learner)), [], assessment.certify

    def certified(*arguments):
        alive.append(state())
        return certify(*arguments)

    monkeypatch.setattr(assessment, "certify", certified)
    # By itself, not by the collector, which may be far off or look elsewhere.
    gc.disable()
    try:
        result = running.perform(game)
    finally:
        gc.enable()
    assert alive == [None]
    for name in ("k", "lr", "diameter", "bounds"):
        assert getattr(game.learner, name) == asked[name]
    np.testing.assert_array_equal(game.learner.x, result.x)


def test_only_the_main_thread_looks_up_libraries_to_limit_them(monkeypatch):
    """Another thread that does, while this one loads a library, can wait for it for ever."""
    looked, look = [], threadpoolctl.ThreadpoolController.__init__

    def noted(self):
        looked.append(threading.current_thread() is threading.main_thread())
        look(self)

    monkeypatch.setattr(threadpoolctl.ThreadpoolController, "__init__", noted)
    cores.blas_libraries.cache_clear()
    oco.run("s-adagrad", d=20, k=5, T=300)
    assert looked and all(looked)
