"""``oco reproduce appendix-a`` and ``separation``."""

from __future__ import annotations

import json

import numpy as np
import pytest
from command_line import assert_refused, invoke
from what_learners_take import only_taken

import oco


def test_appendix_a_tunes_and_evaluates(files, tmp_path):
    train, test = files
    result = invoke(
        "reproduce", "appendix-a", "--data", train, "--test", test, "--k=3", "--jobs=2",
        "--plot", tmp_path / "curves.svg", "--plot-rates", tmp_path / "rates.svg", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert (content["train_rows"], content["test_rows"], content["d"]) == (300, 100, 7)
    for entry in content["entries"]:
        best = entry["tuning"]["best"]
        options = {"lr": best["lr"], "k": 3, "domain": "unconstrained", "delta": best["delta"]}
        played = [
            oco.run(entry["algorithm"], **only_taken(entry["algorithm"], data=str(path), **options))
            for path in files
        ]
        assert best["average_loss"] == pytest.approx(played[0].summary.average_loss, rel=1e-12)
        assert entry["test_loss"] == pytest.approx(played[1].summary.average_loss, rel=1e-12)
        x, held_out = played[0].x, np.load(test)
        wrong = held_out["y"] * (held_out["X"] @ x[:-1] + x[-1]) <= 0
        assert entry["last_error"] == pytest.approx(wrong.mean())
    assert content["references"] == []


def test_appendix_a_refuses_a_missing_file(files, tmp_path):
    arguments = ("reproduce", "appendix-a", "--data", files[0], "--test", tmp_path / "none")
    assert_refused(invoke(*arguments), "no such file")


def test_separation_prints_exponents(tmp_path):
    figure = tmp_path / "separation.svg"
    result = invoke("reproduce", "separation", "--d=30", "--T=300", "--jobs=1", "--plot", figure)
    assert result.exit_code == 0 and "s-adagrad" in result.stdout and figure.exists()
    assert_refused(invoke("reproduce", "separation", "--T=10"), "T: expected an integer >= 100")
    assert_refused(invoke("reproduce", "separation", "--k=30"), "k: expected an integer from 2")
