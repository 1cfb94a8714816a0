"""Every property of `oco.verification` on streams that hypothesis searches."""

from __future__ import annotations

import hypothesis_profiles  # loads the profile
import numpy as np
import pytest
from hypothesis import given, settings
from stream_strategies import cases

from oco.verification import CHECKS, PROPERTIES, Subject, games
from oco.verification.cases import Case
from oco.verification.shrinking import observations

# Checks that solve other problems, or play all learners, at every case: fewer cases are enough.
assert hypothesis_profiles.LOADED
SLOW = {"comparator": 5, "ladders": 2, "accounts": 2}


@pytest.mark.parametrize("check", CHECKS)
def test_no_case_violates_it(check):
    examples = max(settings.default.max_examples // SLOW.get(check, 1), 5)

    @settings(max_examples=examples)
    @given(cases)
    def holds(case):
        for seen in observations(case, check, Subject()):
            assert seen.holds, f"{seen} on {case}:\n{case.rows!r}"

    holds()


def test_every_property_is_looked_at_by_some_check():
    looked_at = {name for check in CHECKS.values() for name in check.properties}
    assert looked_at | {"completes"} == set(PROPERTIES)


def test_no_learner_that_keeps_a_full_matrix_is_played_on_wide_gradients():
    """They decompose it every so many rounds: on files of 20,000 × 500 that takes hours."""
    case = Case(np.eye(3, 200), k=4, decay=1.0, seed=0, name="wide")
    learners = {name: learner for name, _, learner, _ in games._learners(case, Subject())}
    assert {"s-adagrad", "s-shampoo", "adagrad", "adam"} <= set(learners)
    for name, learner in learners.items():
        for row in case.rows:
            learner.update(row)
        assert learner.diagnostics().state_bytes < 8 * case.d**2, name


def test_rows_that_the_sketch_takes_for_zero_are_not_compared_with_full_matrix_adagrad():
    """It does take a step for them: what `oco verify --seed 11` once called a violation."""
    first, second = [9.3e-156], [-1.0]
    assert not list(games.full_matrix(Case(np.array([first, second]), k=2), Subject()))
    assert list(games.full_matrix(Case(np.array([second, second]), k=2), Subject()))
