"""``oco reproduce appendix-a``, ``separation`` and ``tightness``."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from command_line import assert_refused, invoke
from what_learners_take import only_taken

import oco
from oco.cli.reproduce import COMPARED
from oco.reproduce.appendix_a import LEARNERS


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


def test_appendix_a_takes_several_files_and_chosen_learners(files, tmp_path):
    train, test = files
    figure = tmp_path / "curves.svg"
    arguments = ("reproduce", "appendix-a", "--data", train, "--test", test, "--k=3", "--jobs=1")
    arguments += ("--data", test, "--test", train, "--alg=ogd", "--alg=fd-son", "--plot", figure)
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)["comparisons"]
    assert (first["train_rows"], second["train_rows"]) == (300, 100)
    for one in (first, second):
        assert [entry["name"] for entry in one["entries"]] == ["ogd", "fd-son"]
        for entry in one["entries"]:
            for which, rows in (("train", one["train_rows"]), ("test", one["test_rows"])):
                curve = entry[which]
                assert curve["t"][-1] == rows and 0 <= curve["wrong"][-1] <= rows
            assert entry["test"]["log_loss"][-1] / rows == pytest.approx(entry["test_loss"])
    text = figure.read_text(encoding="utf-8")
    for words in ("train.npz: 300 train rows", "test.npz: 100 train rows", "wrong signs"):
        assert words in text
    said = invoke(*arguments, "--no-published").stdout
    assert said.count("test loss") == 2 and "as published" not in said


def test_appendix_a_prints_both_numerics(files):
    arguments = ("reproduce", "appendix-a", "--data", files[0], "--test", files[1])
    result = invoke(*arguments, "--k=3", "--jobs=1", "--alg=fd-son")
    assert result.exit_code == 0, result.output
    row = next(
        line for line in result.stdout.splitlines() if line.startswith("fd-son") and "%" not in line
    )
    ours, following, published, last = row.split()[-4:]
    assert ours == published == following == last


def test_appendix_a_refuses_files_that_do_not_pair(files, tmp_path):
    arguments = ("reproduce", "appendix-a", "--data", files[0], "--test", files[1])
    refused = invoke(*arguments, "--data", files[0])
    assert_refused(refused, "test: expected one for each of 2 --data, got 1")
    both = (*arguments, "--data", files[0], "--test", files[1])
    assert_refused(invoke(*both, "--plot-rates", tmp_path / "r.svg"), "plot-rates: expected one")
    assert_refused(invoke(*arguments, "--alg=ons"), "ons")


def test_the_command_knows_the_learners_that_are_compared():
    assert list(COMPARED) == list(LEARNERS)


def test_appendix_a_refuses_a_missing_file(files, tmp_path):
    arguments = ("reproduce", "appendix-a", "--data", files[0], "--test", tmp_path / "none")
    assert_refused(invoke(*arguments), "no such file")


def test_separation_prints_exponents(tmp_path):
    figure = tmp_path / "separation.svg"
    result = invoke("reproduce", "separation", "--d=30", "--T=300", "--jobs=1", "--plot", figure)
    assert result.exit_code == 0 and "s-adagrad" in result.stdout and figure.exists()
    assert_refused(invoke("reproduce", "separation", "--T=10"), "T: expected an integer >= 100")
    assert_refused(invoke("reproduce", "separation", "--k=30"), "k: expected an integer from 2")


def test_tightness_prints_ratios_and_exports_them(tmp_path):
    files = {kind: tmp_path / f"t.{kind}" for kind in ("svg", "csv", "tex")}
    small = ("reproduce", "tightness", "--d=8", "--T=60", "--k=3", "--shape=3x2", "--jobs=1")
    result = invoke(
        *small, "--plot", files["svg"], "--csv", files["csv"], "--latex", files["tex"], "--json"
    )
    assert result.exit_code == 0, result.output
    entries = {(e["algorithm"], e["stream"]): e for e in json.loads(result.stdout)["entries"]}
    rows = list(csv.DictReader(files["csv"].read_text(encoding="utf-8").splitlines()))
    assert {row["learner"] for row in rows} == {name for name, _ in entries}
    for row in rows:
        for stream in set(row) - {"learner"}:
            entry = entries.get((row["learner"], stream))
            if entry is None or entry["ratio"] is None:
                assert row[stream] == ("" if entry is None else "–")
                continue
            assert float(row[stream].replace(",", "")) == pytest.approx(entry["ratio"][1], rel=5e-3)
            assert entry["ratio"][1] == entry["certificate"] / entry["regret"][0] >= 1
    assert files["svg"].exists() and files["tex"].read_text().count(r"\\") == len(rows) + 1
    assert_refused(invoke(*small, "--csv", tmp_path), "csv", "is a directory")
    assert_refused(invoke("reproduce", "tightness", "--k=1"), "k: expected an integer >= 2")
