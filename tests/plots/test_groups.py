"""Results sorted into panels and lines."""

import pytest

import oco
from oco.plots.groups import best_lines, panels


@pytest.fixture(scope="module")
def results():
    return [
        oco.run("s-adagrad", d=8, k=k, T=60, seed=seed, lr=lr)
        for k in (3, 4)
        for lr in (1e-4, 1.0)
        for seed in (0, 1)
    ]


def test_a_line_is_a_learner_and_size_at_its_best_rate_over_all_seeds(results):
    lines = best_lines(results)
    assert [line.label for line in lines] == ["s-adagrad k=3", "s-adagrad k=4"]
    for line in lines:
        assert [result.summary.seed for result in line.results] == [0, 1]
        (lr,) = {result.summary.lr for result in line.results}
        other = [
            r for r in results if r.summary.lr != lr and r.summary.k == line.results[0].summary.k
        ]
        mean = [sum(r.summary.regret.hi for r in group) for group in (line.results, other)]
        assert mean[0] < mean[1] and line.tried == 2


def test_what_is_not_the_learner_s_own_makes_a_panel(results):
    elsewhere = oco.run("ogd", d=8, T=60, stream="drift")
    first, second = panels([*results, elsewhere])
    assert len(first.results) == 8 and second.results == (elsewhere,)
    assert "2 seeds" in first.title and "drift" in second.title


def test_too_many_panels_and_none_are_refused(results):
    with pytest.raises(ValueError, match=r"2 different settings.*--where"):
        panels([*results, oco.run("ogd", d=8, T=61)], most=1)
    with pytest.raises(ValueError, match="nothing to draw"):
        panels([])
