"""Each known trap, written as a wrong variant, is caught by the property that is named for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import traps

from oco.verification import CHECKS, Subject, draw, make, replay, verify

# Extreme scales are beyond the plain sketch, which has no guard against underflow.
FAMILIES = ["gaussian, any spectrum", "exact low rank", "nearly parallel rows", "orthonormal set"]
FAMILIES += ["growing", "shrinking", "starving adversary", "repeated rows", "sparse 0/1"]
SKETCH_CHECKS = ["guarantees", "steps", "low rank", "rotation", "scale", "signs", "determinism"]
LEARNER_CHECKS = ["ladders", "accounts", "full matrix"]


def some_cases():
    rng = np.random.default_rng(0)
    for i in range(3 * len(FAMILIES)):
        d = int(rng.integers(2, 16))
        k = int(rng.integers(2, d + 2))
        yield make(FAMILIES[i % len(FAMILIES)], 4 * d, d, k, [1.0, 0.8][i % 2], seed=i)


def violated(subject, checks):
    result = verify(some_cases(), subject, only=checks, patience=0)
    return {name for name, finding in result.findings.items() if finding.violated}


def test_the_unchanged_variant_has_every_property():
    assert violated(Subject(sketch=traps.Plain), SKETCH_CHECKS) == set()


@pytest.mark.parametrize(
    "sketch, properties",
    [
        (traps.OnlyOutsideTheFrame, {"step", "P4-trace"}),
        (traps.NormalisesNoise, {"orthonormal"}),
        (traps.NextEigenvalue, {"rank", "step"}),
        (traps.NextEigenvalueCut, {"P1-P2-over", "step"}),
        (traps.SlowTail, {"P3-escaped", "P4-trace", "step"}),
        (traps.ForgetsTheTail, {"P1-P2-over", "P2-monotone"}),
    ],
)
def test_a_wrong_sketch_is_caught(sketch, properties):
    assert properties <= violated(Subject(sketch=sketch), SKETCH_CHECKS)


@pytest.mark.parametrize(
    "sketch, check, name",
    [
        (traps.MergesWithoutTheTail, "merging", "P6-merging"),
        (traps.DecaysLate, "blocks", "blocks"),
    ],
)
def test_a_wrong_merge_or_block_is_caught(sketch, check, name):
    assert name in violated(Subject(sketch=sketch), [check])


def test_a_projection_that_ignores_the_metric_is_caught():
    assert violated(Subject(ball=traps.Nearest), ["accounts"]) == {"projection"}


@pytest.mark.parametrize(
    "learners, properties",
    [
        (traps.INVERTING, {"P7-learner"}),
        (traps.LATE_TRACE, {"certificate", "ladder"}),
        (traps.LATE_QUADRATIC, {"certificate"}),
        (traps.UNCOMPENSATED, {"H-monotone"}),
    ],
)
def test_a_wrong_learner_is_caught(learners, properties):
    assert properties <= violated(Subject(learners=learners), LEARNER_CHECKS)


def test_the_library_passes_on_the_same_cases():
    assert violated(Subject(), list(CHECKS)) == set()


def test_a_counterexample_is_minimal_and_violates_the_same_property():
    result = verify(draw(6, seed=0), Subject(sketch=traps.ForgetsTheTail), only=["guarantees"])
    found = {example.property: example for example in result.counterexamples}
    case = found["P1-P2-over"].case
    # Two rows that each push something out of a sketch with a single direction.
    assert case.T <= 4 and case.d <= 3 and case.k == 2
    assert not found["P1-P2-over"].seen.holds


def test_a_counterexample_of_a_learner_is_small_and_replays(tmp_path):
    def hurried(learner):
        learner.lr *= 1.5

    subject = Subject(learners=traps.with_learner("s-adagrad", hurried))
    result = verify(draw(4, seed=0), subject, only=["learner"])
    (example,) = result.counterexamples
    assert example.property == "learner" and example.case.rows.size == 1
    path = example.save(tmp_path)
    _, name, seen = replay(path, subject)
    assert name == "learner" and not seen.holds and "s-adagrad" in seen.where
    _, _, seen = replay(path)
    assert seen is None


def test_a_run_with_an_account_that_leaves_a_term_out_is_caught():
    def boasting(learner):
        learner.diagnostics = lambda own=learner.diagnostics: replace(own(), potential=0.0)

    learners = traps.with_learner("s-adagrad", boasting)
    # Alone: of many learners, few cases would play it.
    subject = Subject(learners={"s-adagrad": learners["s-adagrad"]})
    assert "reported" in violated(subject, ["runs"])
