"""Small studies that have been run, and files of rows, for the commands that take them."""

from __future__ import annotations

import numpy as np
import pytest
from command_line import invoke

STUDY = """
title = "A small study"
[experiment]
d = 12
T = 60
[grid]
algorithm = ["s-adagrad", "ogd"]
k = [3, 5]
seed = { count = 2 }
"""


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    result = invoke("sweep", folder / "study.toml", "--out", folder / "runs", "--jobs", 1)
    assert result.exit_code == 0, result.output
    assert "A small study: 6 experiments, 0 done before, 6 computed now, 0 with pr" in result.stdout
    return folder / "runs"


@pytest.fixture
def gradients(tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((300, 20)) @ np.diag(0.4 ** np.arange(20))
    np.save(tmp_path / "g.npy", rows)
    return tmp_path / "g.npy"


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    for name, count in (("train.npz", 300), ("test.npz", 100)):
        rows = rng.standard_normal((count, 6)) * 0.8 ** np.arange(6)
        np.savez(tmp_path / name, X=rows, y=np.sign(rows[:, 0] + 0.1))
    return tmp_path / "train.npz", tmp_path / "test.npz"
