"""The report says what a reader must not miss, at any width."""

import pytest

import oco
from oco.results import Interval, tables


@pytest.fixture(scope="module")
def result():
    return oco.run("s-adagrad", d=30, k=5, T=200, seed=2)


def report(result, width=100, **changes):
    return tables.text(result.experiment, result.summary.replace(**changes), width)


def test_every_number_of_the_summary_is_there(result):
    text, summary = report(result), result.summary
    for number in (
        summary.total_loss,
        summary.comparator.loss,
        summary.comparator.gap,
        summary.regret.lo,
        summary.regret.hi,
        summary.escaped_mass,
        summary.omega,
        summary.full_adagrad_bound,
        summary.lr,
    ):
        assert f"{number:,.6g}" in text
    for bound in summary.bounds:
        (line, _) = (line for line in text.splitlines() if line.split()[:1] == [bound.name])
        assert f"{bound.value:,.5g}" in line and f"{bound.margin:,.5g}" in line
        assert "holds" in line and bound.formula.split()[0] in text


@pytest.mark.parametrize(("unmoved", "word"), [(7.0, "more"), (-7.0, "less")])
def test_never_moving_is_held_against_the_learner(result, unmoved, word):
    total = result.summary.total_loss
    text = report(result, unmoved_loss=total + unmoved)
    (line,) = (row for row in text.splitlines() if row.startswith("  never moving"))
    assert line.split()[2] == f"{total + unmoved:,.6g}" and line.endswith(
        f"7 {word} than the learner"
    )
    assert "  never moving" not in report(result, unmoved_loss=None)


def test_the_size_of_the_bounds_is_explained_by_never_moving(result):
    least = min(bound.value for bound in result.summary.bounds)
    for lo, hi, words in (
        (0.98, 0.99, "not that the learner learns"),
        (0.99, 1.01, "to tell which is less"),
        (1.01, 1.02, "proves that the learner"),
    ):
        text = report(result, unmoved_regret=Interval(lo * least, hi * least))
        assert words in " ".join(text.split())
        shown = hi if hi < 1 else lo
        assert f"{shown * least:,.4g}" in text
    assert "learner learns" not in report(result, unmoved_regret=None)
    assert "learner learns" not in report(result, bounds=())


def test_verdicts_have_different_words(result):
    bound = result.summary.bounds[0]
    for holds, word in ((True, "holds"), (False, "VIOLATED"), (None, "open")):
        text = report(result, bounds=(bound.replace(holds=holds),))
        assert [w for w in ("holds", "VIOLATED", "open") if w in text.split()] == [word]


def test_a_bound_that_was_not_computed_has_no_number(result):
    bound = result.summary.bounds[0].replace(value=None, margin=None, holds=None)
    (line, _) = (
        line
        for line in report(result, bounds=(bound,)).splitlines()
        if line.split()[:1] == [bound.name]
    )
    assert line.split()[1:] == ["open", "–", "–", "–"]


def test_without_the_spectrum_the_range_is_shown(result):
    text = report(result, omega=None, full_adagrad_bound=None)
    assert "which lies between" in text and f"{result.summary.omega_range.hi:,.6g}" in text
    assert "full-matrix AdaGrad" not in text


def test_an_early_end_is_said_first(result):
    text = report(result, status="interrupted", message="interrupted after round 50", rounds=50)
    assert text.splitlines()[2] == "INTERRUPTED: interrupted after round 50"
    assert "of 200" in text


def test_a_run_without_a_regret_still_reports(result):
    text = report(result, comparator=None, regret=None, status="failed", message="round 3: no")
    assert "best fixed point" not in text and "total loss" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_report_fits_its_width(result, width):
    bounds = tuple(
        bound.replace(value=1.23456e200, margin=-1.23456e200, holds=False)
        for bound in result.summary.bounds
    )
    text = report(result, width, bounds=bounds, notes=("a long note " * 20,))
    assert max(map(len, text.splitlines())) <= width
    assert text.count("VIOLATED") == 4 and text.count("1.2346e+200") == 8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"domain": oco.Box(-1, 2)}, "box from -1 to 2"),
        ({"domain": oco.Box([-1.0, 0.0], 2)}, "box from <2 numbers> to 2"),
        ({"domain": "unconstrained", "lr": 1.0}, "unconstrained"),
        ({"radius": 2.5}, "ball of radius 2.5"),
    ],
)
def test_the_domain_is_described(options, words):
    assert words in repr(oco.run("adagrad", d=2, T=5, **options))


def test_it_says_at_which_checkpoints_the_bounds_were_checked_and_against_what(result):
    text = " ".join(report(result, checkpoints=12, checked=1).split())
    assert (
        f"against every point of K after round {result.summary.rounds:,}. At the 11 check" in text
    )
    assert '"open (not checked)"; --prefix-regret checks them' in text
    text = report(result, checkpoints=12, checked=12)
    assert "Checked against every point of K at all 12 checkpoints." in text
    assert "Checked against" not in report(result, checkpoints=12, checked=0)
