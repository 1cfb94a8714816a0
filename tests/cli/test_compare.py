"""``oco compare``: learners side by side, on the stream that a run alone plays."""

from __future__ import annotations

import json

from command_line import assert_refused, invoke

import oco
from oco.sweeps import Store


def test_compare_sets_learners_side_by_side(tmp_path):
    figure, out = tmp_path / "regret.svg", tmp_path / "runs"
    result = invoke(
        "compare", "--alg=ogd", "--alg=s-adagrad", "--alg=adagrad", "--d=12", "--k=4", "--T=80",
        "--plot", figure, "--out", out,
    )  # fmt: skip
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line for line in result.stdout.splitlines() if " µs " in line or " ms " in line]
    assert [row.split()[0] for row in rows] == ["ogd", "s-adagrad", "adagrad"]
    for heading in ("bound less regret", "certificate", "theorem-3", "a round", "memory"):
        assert heading in result.stdout
    assert figure.read_bytes().startswith(b"<?xml") and len(Store(out).results()) == 3


def test_compare_plays_the_same_stream_as_run(tmp_path):
    result = invoke("compare", "--alg=ogd", "--alg=adagrad", "--d=5", "--T=40", "--json")
    for entry in json.loads(result.stdout):
        alone = oco.run(entry["algorithm"], d=5, T=40).summary
        assert entry["regret"] == {"lo": alone.regret.lo, "hi": alone.regret.hi}


def test_one_failing_learner_does_not_stop_the_others(tmp_path, monkeypatch):
    (tmp_path / "mine_failing.py").write_text(
        "import numpy as np, oco\n"
        "@oco.learner\n"
        "class Failing:\n"
        "    def __init__(self, d): self.x, self.t = np.zeros(d), 0\n"
        "    def update(self, g):\n"
        "        self.t += 1\n"
        "        if self.t == 7: raise RuntimeError('seven')\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    result = invoke("compare", "--alg=mine_failing:Failing", "--alg=ogd", "--d=5", "--T=40")
    assert result.exit_code == 1
    assert "FAILED: round 7: RuntimeError: seven" in result.stderr
    assert "FAILED" in result.stdout and "ogd" in result.stdout


def test_compare_checks_all_before_the_first_round():
    arguments = ("compare", "--alg=ogd", "--alg=s-adgrad", "--d=3", "--T=10000000")
    assert_refused(invoke(*arguments), "unknown name 's-adgrad'; did you mean 's-adagrad'?")
    assert invoke("compare", "--d=3", "--T=5").exit_code == 2
