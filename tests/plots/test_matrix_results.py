"""Figures and the report take the results of matrix games like any others."""

import pytest

from oco import plots
from oco.reports import report
from oco.sweeps import Outcome, compare


@pytest.fixture(scope="module")
def results():
    return compare(["s-shampoo", "shampoo", "s-adagrad"], shape=(6, 4), k=3, T=60)


def test_the_regret_s_figure_names_the_shape_and_the_rungs(results):
    (axes,) = plots.regret(results[0]).axes
    assert "d = 6×4 = 24, k = 3, T = 60" in axes.get_title(loc="left")
    drawn = {line.get_label() for line in axes.get_lines()}
    assert {f"bound: {bound.name}" for bound in results[0].summary.bounds} < drawn


def test_only_sketches_of_the_whole_covariance_are_held_against_its_spectrum(results):
    labels = {line.get_label() for line in plots.spectrum(results).axes[0].get_lines()}
    assert {"Ω_k of s-adagrad", "ρ of s-adagrad", "λ_i(G_T), s-shampoo k=3"} <= labels
    assert not {"Ω_k of s-shampoo", "ρ of s-shampoo"} & labels


@pytest.mark.parametrize("draw", [plots.learners, plots.ladder, plots.rank])
def test_the_other_figures_are_drawn(results, draw):
    assert "d = 6×4 = 24, T = 60" in draw(results).axes[0].get_title(loc="left")


def test_the_report_is_written(results):
    page = report([Outcome(result.experiment, result) for result in results], "Matrices")
    assert "shampoo-theorem: margin" in page and "6×4" in page
