"""``--dynamic``: the regret against sequences that switch, in a run and all that shows it."""

import csv
import io

import numpy as np
import pytest
from command_line import assert_refused, invoke

import oco
from oco.results import exports

GAME = {"stream": "rademacher", "d": 5, "k": 3, "T": 80, "dynamic": 2}


@pytest.fixture(scope="module")
def result():
    return oco.run("ftsl", **GAME)


def test_the_regret_is_what_was_paid_less_what_the_sequence_pays(result):
    summary, found = result.summary, result.summary.dynamic
    assert found.switches == 2 and len(found.times) <= 2 and found.blocks == 80
    assert found.regret.lo == pytest.approx(summary.total_loss - found.loss, abs=1e-9)
    assert found.regret.hi == pytest.approx(summary.total_loss - found.lower, abs=1e-9)
    # Sequences that switch are more than fixed points.
    assert found.regret.hi >= summary.regret.lo and found.loss < summary.comparator.loss


def test_it_is_saved_and_shown(result, tmp_path):
    result.save(tmp_path)
    assert oco.load_result(tmp_path).summary.dynamic == result.summary.dynamic
    shown = str(result)
    assert "against 2 switches" in shown and "certified, for sequences" in shown
    assert result.document()["summary"]["dynamic"]["switches"] == 2
    assert oco.run("ftsl", **GAME | {"dynamic": None}).summary.dynamic is None


def test_a_table_of_runs_has_its_ends_beside_the_option(result, tmp_path):
    result.save(tmp_path)
    row = oco.load_table(tmp_path).iloc[0]
    found = result.summary.dynamic
    assert row["dynamic"] == 2
    assert (row["dynamic_regret_lo"], row["dynamic_regret_hi"]) == (
        found.regret.lo,
        found.regret.hi,
    )


def test_comparisons_have_a_column_for_it(result):
    found = oco.compare(["ogd", "ftsl"], **GAME)
    assert "with 2 switches" in " ".join(str(found).split())
    rows = list(csv.DictReader(io.StringIO(exports.as_csv(found))))
    assert float(rows[1]["dynamic_lo"]) == result.summary.dynamic.regret.lo
    assert "dynamic_lo" not in exports.as_csv([oco.run("ogd", d=3, T=9)])


def test_what_cannot_be_is_refused_before_the_play():
    small = ("run", "--alg=ogd", "--d=4", "--T=30")
    unbounded = invoke(*small, "--dynamic=1", "--domain=unconstrained")
    assert_refused(unbounded, "dynamic: needs a bounded domain")
    assert_refused(invoke(*small, "--dynamic=0"), "dynamic: expected an integer from 1 to 100")
    many = invoke("run", "--alg=ogd", "--d=3000", "--T=1e6", "--dynamic=1")
    assert_refused(many, "dynamic: keeps the features in memory")


def test_a_failed_play_has_none():
    class Stumbles:
        def __init__(self):
            self.x = np.zeros(4)

        def update(self, g):
            raise RuntimeError("no")

    failed = oco.run(lambda: Stumbles(), d=4, T=30, dynamic=1)
    assert failed.summary.status == "failed" and failed.summary.dynamic is None
