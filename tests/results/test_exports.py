"""Tables for spreadsheets and articles: every number, and no verdict that was not reached."""

import csv
import io

import pytest
from command_line import assert_refused, invoke

import oco
from oco.results import Bound, exports


@pytest.fixture(scope="module")
def results():
    return oco.compare(["ftsl", "s-adagrad", "adam"], d=8, k=4, T=60, seed=1)


def test_a_csv_file_gives_back_every_number(results):
    rows = list(csv.DictReader(io.StringIO(exports.as_csv(results))))
    assert [row["algorithm"] for row in rows] == ["ftsl", "s-adagrad", "adam"]
    for row, result in zip(rows, results, strict=True):
        summary = result.summary
        assert float(row["average_loss"]) == summary.average_loss
        assert (float(row["regret_lo"]), float(row["regret_hi"])) == (
            summary.regret.lo,
            summary.regret.hi,
        )
        for bound in summary.bounds:
            assert float(row[bound.name]) == bound.value
            assert row[f"{bound.name} verdict"] == {True: "holds", None: "open"}[bound.holds]
    assert rows[2]["certificate"] == rows[2]["certificate verdict"] == ""


@pytest.mark.parametrize(("holds", "word"), [(False, "violated"), (None, "open")])
def test_latex_marks_what_does_not_hold_and_gives_no_ratio_for_it(results, holds, word):
    summary = results[0].summary
    bound = Bound("certificate", 3.0, holds, 1.0, "a formula")
    changed = results[0].replace(summary=summary.replace(bounds=(bound,)))
    (line,) = (x for x in exports.as_latex([changed]).splitlines() if x.startswith("ftsl"))
    assert f"({word})" in line and line.endswith(r"& -- \\")


def test_latex_escapes_and_has_a_cell_for_each_column(results):
    name = "mine_100%:A&B"
    changed = results[1].replace(summary=results[1].summary.replace(algorithm=name))
    lines = exports.as_latex([changed]).splitlines()
    assert lines[5].startswith(r"mine\_100\%:A\&B k=4 & ")
    # The ampersand in the name is no column's.
    columns = lines[1].split("{l")[1].count("r")
    assert lines[5].count(" & ") == lines[3].count(" & ") == columns


def test_compare_writes_both(tmp_path):
    options = ["compare", "--alg=ogd", "--alg=ftsl", "--d=6", "--k=3", "--T=40"]
    table, article = tmp_path / "table.csv", tmp_path / "table.tex"
    done = invoke(*options, f"--csv={table}", f"--latex={article}")
    assert done.exit_code == 0, done.output
    assert len(table.read_text().splitlines()) == 3
    assert r"\toprule" in article.read_text()
    assert_refused(invoke(*options, f"--csv={tmp_path}"), "csv", "is a directory")


def test_memory_writes_what_it_prints(tmp_path):
    table, article = tmp_path / "table.csv", tmp_path / "table.tex"
    options = ["memory", "30x20", "7", "--k=4", f"--csv={table}", f"--latex={article}"]
    done = invoke(*options)
    assert done.exit_code == 0, done.output
    totals, shapes = table.read_text(encoding="utf-8").split("\n\n")
    for part in (totals, shapes):
        _, *rows = csv.reader(part.splitlines())
        assert rows
        for row in rows:
            assert any(line.split("  ")[0] == row[0] for line in done.stdout.splitlines())
            assert all(cell in done.stdout for cell in row)
    assert article.read_text(encoding="utf-8").count(r"\toprule") == 2
