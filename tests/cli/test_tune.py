"""``oco tune``: every rate of a grid, and the best of those that do not diverge."""

from __future__ import annotations

import json

import pytest
from command_line import assert_refused, invoke

import oco


def test_tune_keeps_the_whole_curve(tmp_path):
    result = invoke(
        "tune", "--alg=ogd", "--d=6", "--T=100", "--domain=unconstrained", "--grid=1e-4:1e4:5",
        "--jobs=1", "--out", tmp_path / "curve.json", "--plot", tmp_path / "curve.svg",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "DIVERGED: worse than never leaving the start" in result.stdout
    content = json.loads((tmp_path / "curve.json").read_text(encoding="utf-8"))
    assert [entry["lr"] for entry in content["rates"]] == [1e-4, 1e-2, 1.0, 100.0, 1e4]
    losses = [entry["average_loss"] for entry in content["rates"]]
    assert content["best"]["average_loss"] == min(losses)
    for entry in content["rates"]:
        alone = oco.run("ogd", d=6, T=100, domain="unconstrained", lr=entry["lr"]).summary
        assert entry["average_loss"] == alone.average_loss
        assert (entry["verdict"] == "diverged") == (alone.average_loss > content["start"])
    assert (tmp_path / "curve.svg").exists()


def test_tune_by_regret_over_two_parameters():
    result = invoke(
        "tune", "--alg=ada-fd", "--d=8", "--k=3", "--T=60", "--stream=adversary", "--by=regret",
        "--grid=0.1:1:2", "--deltas=0.1:10:3", "--jobs=1", "--json",
    )  # fmt: skip
    content = json.loads(result.stdout)
    pairs = {(entry["lr"], entry["delta"]) for entry in content["rates"]}
    assert pairs == {(lr, delta) for lr in (0.1, 1.0) for delta in (0.1, 1.0, 10.0)}
    assert content["best"]["regret"]["hi"] == min(e["regret"]["hi"] for e in content["rates"])


def test_a_tuning_in_which_nothing_works_exits_1():
    result = invoke("tune", "--alg=ogd", "--d=4", "--T=60", "--domain=unconstrained",
                    "--grid=1e6:1e8:2", "--jobs=1")  # fmt: skip
    assert result.exit_code == 1 and "every rate failed or diverged" in result.stderr


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        ("1:2", "grid: expected FROM:TO:COUNT, as 1e-6:1:49, got '1:2'"),
        ("a:b:3", "grid: expected FROM:TO:COUNT"),
        ("0:1:3", "grid: FROM: expected a finite number > 0"),
        ("2:1:3", "grid: TO: expected a finite number >= 2"),
        ("1:2:0", "grid: COUNT: expected an integer from 1 to"),
    ],
)
def test_a_wrong_grid_is_refused(grid, words):
    assert_refused(invoke("tune", "--alg=ogd", "--d=3", "--T=9", "--grid", grid), words)


def test_tune_refuses_before_the_first_round(tmp_path):
    wrong = invoke("tune", "--alg=ogd", "--d=3", "--T=9", "--by=luck")
    assert_refused(wrong, "by: unknown name 'luck'")
    missing = invoke("tune", "--alg=ogd", "--T=9")
    assert_refused(missing, "d: not given")
    both = invoke("tune", "--alg=ada-fd", "--d=3", "--T=9", "--delta=1", "--deltas=1:2:2")
    assert_refused(both, "deltas: expected either deltas or one delta")
    assert_refused(invoke("tune", "--alg=ogd", "--d=3", "--T=9", "--out", tmp_path), "directory")
