"""``oco plot``: every kind of figure, and what cannot be drawn."""

from __future__ import annotations

import pytest
from command_line import assert_refused, invoke


@pytest.mark.parametrize("kind", ["regret", "rank", "spectrum", "bounds", "loss", "rate"])
def test_every_kind_of_figure(runs, tmp_path, kind):
    result = invoke("plot", runs, "--kind", kind, "-o", tmp_path / "figure.svg")
    assert result.exit_code == 0, result.output
    assert b"<svg" in (tmp_path / "figure.svg").read_bytes()


def test_plot_refuses_what_it_cannot_draw(runs, tmp_path):
    target = tmp_path / "figure.svg"
    assert_refused(invoke("plot", runs, "--kind=rnak", "-o", target), "did you mean 'rank'?")
    assert_refused(invoke("plot", runs, "-o", tmp_path / "f.txt"), "plot: expected a name")
    assert_refused(invoke("plot", tmp_path / "absent", "-o", target), "no such directory of runs")
    assert_refused(invoke("plot", runs, "--where=k=99", "-o", target), "where: no run has k=99")
    assert_refused(invoke("plot", runs, "--where=kk=9", "-o", target), "did you mean 'k'?")
    assert_refused(invoke("plot", runs, "--where=k", "-o", target), "expected OPTION=VALUE")
    alone = invoke("plot", runs, "--kind=rank", "--where=algorithm=ogd", "-o", target)
    assert_refused(alone, "no learner that sketches")
