"""A sweep goes on after failures, after its own death and after that of a worker."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config

import oco
from oco.results import Experiment
from oco.sweeps import Store
from oco.sweeps.games import game_of
from oco.sweeps.local import computed
from oco.sweeps.outcomes import Outcome, attempt

# A learner that kills its process at its tenth update, unless a file says that it has done so.
DEADLY = """
import os, pathlib, signal
import numpy as np
import oco

@oco.learner
class Deadly:
    def __init__(self, d, seed):
        self.x, self.t, self.seed = np.zeros(d), 0, seed
    def update(self, g):
        self.t += 1
        mark = pathlib.Path(f"died-{self.seed}")
        if self.t == 10 and (self.seed == 1 or (self.seed == 0 and not mark.exists())):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
"""
STUDY = """
[experiment]
d = 40
T = 2500
[grid]
algorithm = ["s-adagrad"]
k = [10, 12]
seed = { count = 6 }
"""


def command(*arguments):
    return [sys.executable, "-m", "oco", *map(str, arguments)]


def results_in(folder):
    return sorted(path.parent.name for path in folder.glob("*/result.json"))


def wait_for(condition, seconds=60):
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen in time")


def test_two_jobs_give_what_one_gives(tmp_path):
    experiments = [Experiment("adagrad", d=5, T=50, seed=seed) for seed in range(4)]
    assert oco.sweep(experiments, tmp_path, jobs=2).computed == 4
    for experiment in experiments:
        saved = Store(tmp_path).saved(experiment).result
        assert saved.without_timings() == attempt(experiment).result.without_timings()


def test_one_failure_does_not_stop_the_others(tmp_path):
    good = Experiment("adagrad", d=5, T=50)
    bad = Experiment("s-adagrad", d=5, k=50, T=50)
    seen = []
    state = oco.sweep([bad, good], tmp_path, jobs=1, progress=lambda s: seen.append(s.computed))
    assert (state.computed, state.missing, seen) == (2, 0, [0, 1, 2])
    (fault,) = state.faults
    assert fault.experiment == bad and "k: expected an integer from 2 to 6, got 50" in fault.fault
    # What failed is tried again; what is finished is not.
    again = oco.sweep([bad, good], tmp_path, jobs=1)
    assert (again.skipped, again.computed, len(again.faults)) == (1, 1, 1)


def test_a_violated_bound_is_reported_every_time(tmp_path):
    sys_path_home = tmp_path / "boast.py"
    sys_path_home.write_text(
        "import numpy as np, oco\n"
        "from oco.algorithms import Diagnostics\n"
        "@oco.learner\n"
        "class Boast:\n"
        "    bounds, lr = ('certificate',), 1.0\n"
        "    def __init__(self, d): self.x = np.zeros(d)\n"
        "    def update(self, g): self.x = g\n"
        "    def diagnostics(self): return Diagnostics(1e-9, 0.0, 0.0, None, None, 8)\n",
        encoding="utf-8",
    )
    sys.path.insert(0, str(tmp_path))
    try:
        for _ in range(2):
            experiment = Experiment("boast:Boast", d=5, T=100)
            (fault,) = oco.sweep([experiment], tmp_path / "runs", jobs=1).faults
            assert "rose above the bounds: certificate" in fault.fault
    finally:
        sys.path.remove(str(tmp_path))


def test_a_dead_worker_s_experiment_is_tried_again_and_given_up_if_it_kills_again(tmp_path):
    (tmp_path / "deadly.py").write_text(DEADLY, encoding="utf-8")
    study = "[experiment]\nalgorithm = 'deadly:Deadly'\nd = 3\nT = 30\n[grid]\nseed = {count = 4}"
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    arguments = command("sweep", "study.toml", "--out", "runs", "--jobs", 2)
    found = subprocess.run(arguments, capture_output=True, text=True, cwd=tmp_path)
    assert found.returncode == 1 and "Traceback" not in found.stderr
    assert "4 computed now, 1 with problems" in found.stdout
    faults = {o.experiment.seed: o.fault for o in Store(tmp_path / "runs").outcomes()}
    assert "its worker process died 2 times" in faults.pop(1)
    assert faults == {0: "", 2: "", 3: ""}


def test_an_interrupted_experiment_is_not_kept(tmp_path, monkeypatch):
    done = attempt(Experiment("ogd", d=3, T=20))
    summary = done.result.summary.replace(status="interrupted", message="interrupted")
    cut = Outcome(done.experiment, done.result.replace(summary=summary))
    monkeypatch.setattr("oco.sweeps.running.in_parallel", lambda *_: iter([cut]))
    state = oco.sweep([done.experiment], tmp_path, jobs=1)
    assert state.interrupted and state.missing == 1 and results_in(tmp_path) == []


@pytest.mark.parametrize("whole_group", [False, True], ids=["driver", "everything"])
def test_killed_at_any_time_it_loses_only_what_is_in_flight(tmp_path, whole_group):
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    runs = tmp_path / "runs"
    arguments = command("sweep", tmp_path / "study.toml", "--out", runs, "--jobs", 2)
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, start_new_session=True) as running:
        wait_for(lambda: len(results_in(runs)) >= 3 or running.poll() is not None)
        if whole_group:
            os.killpg(running.pid, signal.SIGKILL)
        else:
            running.kill()
        assert running.wait(10) == -signal.SIGKILL
    before = results_in(runs)
    assert 3 <= len(before) < 12, "the sweep was over before it could be killed"
    stamps = {name: (runs / name / "result.json").stat().st_mtime_ns for name in before}
    again = subprocess.run(arguments, capture_output=True, text=True, check=True)
    # Workers whose driver is gone end by themselves after some idle minutes.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    assert f"12 experiments, {len(before)} done before, {12 - len(before)} computed" in again.stdout
    assert len(results_in(runs)) == 12
    assert stamps == {name: (runs / name / "result.json").stat().st_mtime_ns for name in before}
    assert all(outcome.fault == "" for outcome in Store(runs).outcomes())


def test_workers_that_are_there_already_work_in_the_current_directory(tmp_path, monkeypatch):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert set(computed([delayed(os.getcwd)()] * 4, 2)) == {str(tmp_path / name)}


def test_a_file_is_read_again_once_it_is_another(tmp_path, monkeypatch):
    """Though its name, and all else that is asked for, is the same."""

    def write(sign):
        np.savez("rows.npz", X=np.arange(1.0, 13.0).reshape(4, 3) * sign, y=[1.0, -1, 1, -1])

    def features():
        (rows, _), *_ = game_of(Experiment("ogd", data="rows.npz")).stream.chunks()
        return rows[0, 0]

    monkeypatch.chdir(tmp_path)
    write(1.0)
    assert features() == features() == 1.0
    write(-1.0)
    assert features() == -1.0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    write(2.0)
    assert features() == 2.0


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs the signals of POSIX")
def test_ctrl_c_is_for_the_driver_alone():
    """A worker that is just being loaded would print where it was."""
    # Workers of somebody else, which answer to Ctrl-C: they are there to be taken, but are not.
    with parallel_config(backend="loky", inner_max_num_threads=1):
        answers = Parallel(n_jobs=2)(delayed(signal.getsignal)(signal.SIGINT) for _ in range(4))
    assert signal.SIG_IGN not in answers
    for find, expected in (
        (delayed(signal.getsignal)(signal.SIGINT), lambda found: found == signal.SIG_IGN),
        (
            delayed(signal.pthread_sigmask)(signal.SIG_BLOCK, []),
            lambda found: signal.SIGINT in found,
        ),
    ):
        assert all(map(expected, computed([find] * 4, 2)))
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
