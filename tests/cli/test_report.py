"""``oco report``: the page of a study, with what failed."""

from __future__ import annotations

from command_line import assert_refused, invoke

import oco
from oco.sweeps import Outcome, Store


def test_the_report_of_a_study_has_its_title(tmp_path):
    (tmp_path / "study.toml").write_text(
        'title = "Which <k>?"\n[experiment]\nalgorithm = "ogd"\nd = 3\nT = 20\n'
    )
    assert invoke("sweep", tmp_path / "study.toml", "--out", tmp_path / "runs").exit_code == 0
    assert oco.load_table(tmp_path / "runs")["T"].tolist() == [20]
    target = tmp_path / "report.html"
    for damaged, words in ((None, "Which &lt;k&gt;?"), (b"[1", "runs"), (b'{"title": 3}', "runs")):
        if damaged is not None:
            (tmp_path / "runs" / "study.json").write_bytes(damaged)
        assert invoke("report", tmp_path / "runs", "-o", target).exit_code == 0
        assert f"<h1>{words}</h1>" in target.read_text(encoding="utf-8")


def test_report_lists_what_failed(runs, tmp_path):
    first = next(iter(Store(runs)))
    Store(runs).save(Outcome(first.experiment.replace(seed=99), None, "killed by <nobody>"))
    result = invoke("report", runs, "-o", tmp_path / "report.html", "--title", "A & B")
    assert result.exit_code == 0 and "7 experiments, 1 with problems" in result.stdout
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<h1>A &amp; B</h1>" in page and "killed by &lt;nobody&gt;" in page
    assert_refused(invoke("report", runs, "-o", tmp_path / "r.txt"), "out: expected a name")
    assert_refused(invoke("report", tmp_path / "none", "-o", tmp_path / "r.html"), "no such")
