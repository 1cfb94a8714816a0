"""A sweep and the rank advisor on a real Dask cluster, one worker of which is killed."""

import subprocess
import sys
import time

import numpy as np
import pytest
from dask_cluster import cluster

from oco.extras import missing
from oco.ranks import GradientFile, sketch_file
from oco.sweeps import Store, read_study
from oco.sweeps.outcomes import attempt

STUDY = """
[experiment]
d = 40
T = 3000
[grid]
algorithm = ["s-adagrad", "adagrad"]
seed = { count = 6 }
"""
# The client's side, in a process of its own: it prints what the merged sketch proves.
RANK = """
import json, sys
from oco.ranks import GradientFile, sketch_on_cluster
sketch = sketch_on_cluster(GradientFile(sys.argv[1]), 12, sys.argv[2])
print(json.dumps([sketch.eigenvalues.tolist(), sketch.escaped_mass, sketch.total_mass]))
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8"
    )


def test_a_sweep_survives_the_death_of_a_worker(tmp_path):
    study, runs = tmp_path / "study.toml", tmp_path / "runs"
    study.write_text(STUDY, encoding="utf-8")
    with cluster(tmp_path) as (address, workers):
        arguments = [sys.executable, "-m", "oco", "sweep", study, "--out", runs, "--dask", address]
        with subprocess.Popen(
            list(map(str, arguments)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        ) as running:
            while len(list(runs.glob("*/result.json"))) < 3 and running.poll() is None:
                time.sleep(0.02)
            workers[0].kill()
            left = 12 - len(list(runs.glob("*/result.json")))
            out, err = running.communicate(timeout=120)
    assert left > 0, "the sweep was over before the worker was killed"
    assert running.returncode == 0, err
    assert "12 experiments, 0 done before, 12 computed now, 0 with problems" in out
    for experiment in read_study(study).experiments[::5]:
        saved = Store(runs).saved(experiment).result
        assert saved.without_timings() == attempt(experiment).result.without_timings()


def test_sketches_of_chunks_merge_to_one_that_proves_as_much(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((900, 30)) * 0.7 ** np.arange(30)
    np.save(tmp_path / "g.npy", rows)
    covariance = rows.T @ rows
    with cluster(tmp_path) as (address, _):
        # A window of 4 kB makes the 900 rows 53 chunks.
        program = "import oco.ranks.files as files; files.WINDOW = 4096" + RANK
        found = run("-c", program, tmp_path / "g.npy", address)
    assert found.returncode == 0, found.stderr
    values, escaped, total = __import__("json").loads(found.stdout)
    spectrum = np.linalg.eigvalsh(covariance)[::-1]
    assert total == pytest.approx(np.trace(covariance))
    slack = 1e-9 * total
    assert np.all(np.array(values) <= spectrum[: len(values)] + slack)
    assert np.all(spectrum <= np.append(values, np.zeros(30 - len(values))) + escaped + slack)
    alone = sketch_file(GradientFile(tmp_path / "g.npy"), 12)
    limit = min(spectrum[j:].sum() / (12 - j) for j in range(12))
    assert 0 < escaped <= limit + slack and alone.escaped_mass <= limit + slack


def test_nobody_there_is_said(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(STUDY, encoding="utf-8")
    program = "import oco.sweeps.cluster as c; c.PATIENCE = 1; from oco.cli import main; main()"
    arguments = ("sweep", study, "--out", tmp_path / "runs", "--dask", "tcp://127.0.0.1:9")
    found = run("-c", program, *arguments)
    assert found.returncode == 2 and "Traceback" not in found.stderr
    assert "dask: no scheduler at 'tcp://127.0.0.1:9'" in found.stderr


def test_dask_is_not_imported_without_an_address(tmp_path):
    program = (
        "import sys, oco; from oco.results import Experiment\n"
        "import oco.cli.sweep, oco.cli.rank, oco.ranks, oco.reports, oco.reproduce\n"
        "oco.sweep([Experiment('ogd', d=2, T=10)], sys.argv[1], jobs=1)\n"
        "assert not {'dask', 'distributed', 'pandas'} & set(sys.modules)"
    )
    assert run("-c", program, tmp_path).returncode == 0


def test_dask_is_named_where_it_is_missing(tmp_path):
    program = (
        "import sys; sys.modules['distributed'] = None\n"
        "from oco.results import Experiment; import oco\n"
        "oco.sweep([Experiment('ogd', d=2, T=10)], sys.argv[1], dask='tcp://127.0.0.1:9')"
    )
    found = run("-c", program, tmp_path)
    assert f"ImportError: dask: {missing('Dask')}" in found.stderr
