"""``oco sweep``: a study that goes on where it was, or is refused."""

from __future__ import annotations

from command_line import assert_refused, invoke


def test_sweep_goes_on_where_it_was(runs):
    again = invoke("sweep", runs.parent / "study.toml", "--out", runs)
    assert again.exit_code == 0 and "6 done before, 0 computed now" in again.stdout
    plan = invoke("sweep", runs.parent / "study.toml", "--out", runs, "--dry-run")
    assert plan.stdout == f"A small study: 6 experiments, 6 of them done in {runs}\n"


def test_sweep_refuses_what_is_wrong(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text("[experiment]\nd = 3\nT = 5\n[grid]\nalgorithm = ['ogd', 'odg']")
    refused = invoke("sweep", study, "--out", tmp_path / "runs")
    assert_refused(refused, "study.toml: grid.algorithm[1]: unknown name 'odg'")
    assert not (tmp_path / "runs").exists()
    assert_refused(invoke("sweep", tmp_path / "no.toml", "--out", tmp_path), "no such study")
    study.write_text("[experiment]\nd = 3\nT = 5\nalgorithm = 'ogd'")
    assert_refused(invoke("sweep", study, "--out", study), "out: cannot write to")
    assert_refused(invoke("sweep", study, "--out", tmp_path, "--jobs=0"), "jobs: expected an int")
