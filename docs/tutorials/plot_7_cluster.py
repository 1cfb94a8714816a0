"""
A sweep on a Dask cluster
=========================

A study is a grid of experiments in a file. Workers compute, this process writes, and what is done
is never done again: killed at any time, the sweep goes on where it was.
"""

import tempfile
from pathlib import Path

from distributed import LocalCluster

import oco

STUDY = """
title = "How large a sketch?"

[experiment]
radius = 10
spectrum = "power:2"
lr = 1.0
d = 60
T = 500

[[grid]]
algorithm = ["ogd", "full-adagrad"]
seed = { count = 2 }

[[grid]]
algorithm = ["s-adagrad"]
k = [4, 8, 16, 32]
seed = { count = 2 }
"""

# %%
# A cluster: here two threads of this process; elsewhere, the address that ``dask scheduler``
# prints.

folder = Path(tempfile.mkdtemp())
(folder / "study.toml").write_text(STUDY)
study = oco.read_study(folder / "study.toml")

with LocalCluster(2, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster:
    address = cluster.scheduler_address
    first = oco.sweep(study.experiments, folder / "runs", dask=address)
    again = oco.sweep(study.experiments, folder / "runs", dask=address)
print(first)
print(again)

# %%
# The table and the figure:

table = oco.load_table(folder / "runs")
print(table.groupby(["algorithm", "k"], dropna=False)["regret_hi"].median().round(2))

results = [oco.load_result(path.parent) for path in (folder / "runs").glob("*/result.json")]
figure = oco.plots.rank(results)
