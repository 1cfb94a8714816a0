"""The regret figure draws what the trace holds and says what would refute it."""

import io
import math

import numpy as np
import pytest

import oco
from oco.plots import regret


@pytest.fixture(scope="module")
def result():
    return oco.run("s-adagrad", d=20, k=5, T=300, seed=1)


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].get_lines()}


def caption(figure):
    return " ".join(figure.get_supxlabel().split())


def test_every_line_is_the_trace(result):
    drawn = lines(regret(result))
    assert set(drawn) == {
        *("regret", "slope of √t"),
        *(f"bound: {name}" for name in ("certificate", "trace", "sketch", "theorem-3")),
    }
    np.testing.assert_array_equal(drawn["regret"].get_ydata(), result.trace.regret)
    for name, values in result.trace.bounds.items():
        np.testing.assert_array_equal(drawn[f"bound: {name}"].get_ydata(), values)
        np.testing.assert_array_equal(drawn[f"bound: {name}"].get_xdata(), result.trace.t)
    guide = drawn["slope of √t"]
    np.testing.assert_allclose(
        guide.get_ydata() / np.sqrt(guide.get_xdata()),
        result.trace.regret[-1] / math.sqrt(300),
    )


def test_axes_title_and_caption_say_what_is_seen(result):
    figure = regret(result)
    (axes,) = figure.axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_xlabel() == "rounds t" and "(loss)" in axes.get_ylabel()
    for words in ("s-adagrad", "logistic", "stochastic", "d = 20, k = 5, T = 300, seed 1"):
        assert words in axes.get_title(loc="left")
    assert caption(figure).startswith("Refuted if the black line rises above any bound")
    assert f"{result.summary.comparator.gap:.3g}" in caption(figure)


def test_lines_can_be_told_apart_in_grey(result):
    looks = [(line.get_linestyle(), line.get_marker()) for line in lines(regret(result)).values()]
    assert len({str(look) for look in looks}) == len(looks)


def test_regret_that_is_not_positive_is_left_out_and_said(result):
    values = result.trace.regret.copy()
    values[:3] = -1.0
    figure = regret(result.replace(trace=result.trace.replace(regret=values)))
    assert np.isnan(lines(figure)["regret"].get_ydata()[:3]).all()
    assert f"At 3 of {len(values)} checkpoints it is not positive" in caption(figure)
    never = regret(result.replace(trace=result.trace.replace(regret=-np.abs(values))))
    assert "slope of √t" not in lines(never)


def test_a_violation_is_marked(result):
    holds = result.trace.holds["certificate"].copy()
    holds[-2] = -1
    bounds = tuple(
        bound.replace(holds=False) if bound.name == "certificate" else bound
        for bound in result.summary.bounds
    )
    figure = regret(
        result.replace(
            summary=result.summary.replace(bounds=bounds),
            trace=result.trace.replace(holds=result.trace.holds | {"certificate": holds}),
        )
    )
    mark = lines(figure)["VIOLATED: certificate"]
    assert mark.get_xdata() == result.trace.t[-2]


def test_bounds_that_were_not_computed_or_are_void_are_not_drawn(result):
    void = np.full(len(result.trace.t), np.nan)
    trace = result.trace.replace(bounds=result.trace.bounds | {"sketch": void})
    assert "bound: sketch" not in lines(regret(result.replace(trace=trace)))


def test_an_unbounded_domain_names_the_ball():
    free = oco.run("ogd", d=4, T=60, lr=0.5, domain="unconstrained")
    assert f"ball of radius {free.summary.comparator.radius:.3g}" in caption(regret(free))


@pytest.mark.parametrize("T", [1, 2])
def test_short_runs_are_drawn_without_a_warning(T):
    regret(oco.run("ogd", d=3, T=T)).savefig(io.BytesIO())


def test_without_a_regret_there_is_no_figure(result):
    failed = result.replace(
        summary=result.summary.replace(regret=None, status="failed", message="round 3: nan")
    )
    with pytest.raises(ValueError, match=r"result: no regret to draw.*round 3: nan"):
        regret(failed)
