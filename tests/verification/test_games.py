"""Which games the learners' properties are looked at in, and which are left out."""

from __future__ import annotations

import numpy as np

from oco.verification import Case, Subject, games


def test_no_learner_that_keeps_a_full_matrix_is_played_on_wide_gradients():
    """They decompose it every so many rounds: on files of 20,000 × 500 that takes hours."""
    case = Case(np.eye(3, 200), k=4, decay=1.0, seed=0, name="wide")
    learners = {name: learner for name, _, learner, _ in games.vector_learners(case, Subject())}
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
