"""Ctrl-C is 130 in every command and phase; what ends the program ends its workers."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import numpy as np
import pytest

import oco

if sys.platform == "win32":
    pytest.skip("needs the signals of POSIX", allow_module_level=True)

# Says that it is there once the program has begun to load itself: before that, Python alone answers
# an interrupt.
PROGRAM = """
import sys
from oco.__main__ import main

class Announce:
    def find_spec(self, name, path=None, target=None):
        if name == "oco.cli":
            sys.meta_path.remove(self)
            sys.stderr.write("begun\\n"); sys.stderr.flush()

sys.meta_path.insert(0, Announce())
main()
"""
# What a shell reports as 130.  A program that ended in order dies of the signal if Python was cut
# while it ran text of its own, as in the definition of a named tuple.
CUT = (130, -signal.SIGINT)
# None of them ends within minutes.
LONG = {
    "run": "run --alg full-adagrad --d 300 --T 1000000 --out out",
    "compare": "compare --alg full-adagrad --alg ogd --d 300 --T 1000000",
    "sweep, one process": "sweep study.toml --out runs --jobs 1",
    "sweep, workers": "sweep study.toml --out runs --jobs 2",
    "tune, one process": "tune --alg full-adagrad --d 300 --T 200000 --jobs 1 --grid 1e-3:1:9",
    "tune, workers": "tune --alg full-adagrad --d 300 --T 200000 --jobs 2 --grid 1e-3:1:9",
    "tune by regret": "tune --alg full-adagrad --d 300 --T 200000 --jobs 1 --by regret",
    "spectra": "spectra gradients.npy --k 150",
    "spectra of a network": "reproduce spectra --steps 1000000",
    "rank": "rank gradients.npy --k-max 150",
    "verify": "verify --cases 100000",
    "separation, one process": "reproduce separation --T 3000000 --jobs 1",
    "separation, workers": "reproduce separation --T 3000000 --jobs 2",
    "tightness, one process": "reproduce tightness --T 3000000 --jobs 1",
    "appendix-a": "reproduce appendix-a --data rows.npz --test rows.npz --all-rates --jobs 2",
}
if find_spec("torch"):
    contest = "reproduce quality --task digits-mlp --steps 1000000"
    LONG |= {
        "quality, one process": f"{contest} --jobs 1",
        "quality, workers": f"{contest} --jobs 2",
    }
STUDY = """
[experiment]
algorithm = "full-adagrad"
d = 300
T = 200000
[grid]
seed = { count = 9 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signals")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30_000, 200))
    np.savez(folder / "rows.npz", X=rows, y=np.sign(rows[:, 0]))
    with open(folder / "gradients.npy", "wb") as file:
        # As many rows as take a while, in a file of holes: a row of zeros is a row.
        facts = {"descr": "<f8", "fortran_order": False, "shape": (3_000_000, 400)}
        np.lib.format.write_array_header_1_0(file, facts)
        file.truncate(file.tell() + 8 * 3_000_000 * 400)
    return folder


def start(command, folder):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *command],
        cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr.readline() == "begun\n"
    return process


@pytest.mark.parametrize("seconds", [0.02, 3.0], ids=["loading", "later"])
@pytest.mark.parametrize("command", LONG.values(), ids=LONG)
def test_ctrl_c_is_130_everywhere(command, seconds, folder):
    process = start(command.split(), folder)
    time.sleep(seconds)
    assert process.poll() is None, process.communicate()
    try:
        stderr = interrupted(process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode in CUT, stderr
    assert "interrupted" in stderr.lower() and "Traceback" not in stderr
    assert_gone(process.pid)


def interrupted(process) -> str:
    """Press Ctrl-C, as a terminal does to all processes in the foreground, and wait for the end.

    Where Python calls C that asks whether an object has an attribute, versions before 3.13 may
    forget an exception, once in some thousand runs.  A user would press again.
    """
    for patience in (60, 60):
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=patience)[1]
    pytest.fail("it did not end")


def assert_gone(session: int) -> None:
    """Wait for the workers of a session to end; they have seconds for it."""
    deadline = time.monotonic() + 20
    while members(session) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert members(session) == []


def members(session: int) -> list[int]:
    try:
        os.killpg(session, 0)
    except (ProcessLookupError, PermissionError):
        return []
    return [session]


DESTROYED = """
import os, signal, time
import numpy as np
import oco

class Fragile:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

@oco.learner
class Destroying:
    def __init__(self, d):
        # Here, where an interrupt is raised at once and not noted for the end of the round.
        Fragile()
        time.sleep(60)
"""


def test_an_interrupt_that_meets_a_destructor_is_not_lost(tmp_path):
    """Python reports and forgets what a destructor raises."""
    (tmp_path / "mine.py").write_text(DESTROYED, encoding="utf-8")
    began = time.monotonic()
    process = start(["run", "--alg", "mine:Destroying", "--d", "3", "--T", "10"], tmp_path)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode in CUT, stderr
    assert "Traceback" not in stderr and time.monotonic() - began < 55


WORKING = """
import os, pathlib, time
import numpy as np
import oco

@oco.learner
class Working:
    def __init__(self, d, seed):
        self.x = np.zeros(d)
        self.seed = seed

    def update(self, g):
        pathlib.Path(f"working-{self.seed}").write_text(str(os.getpid()))
        time.sleep(600)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_what_ends_the_program_ends_its_workers(name, tmp_path):
    if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as under nohup, and then in what is started, too")
    (tmp_path / "mine.py").write_text(WORKING, encoding="utf-8")
    study = "[experiment]\nalgorithm = 'mine:Working'\nd = 3\nT = 30\n[grid]\nseed = {count = 2}"
    (tmp_path / "study.toml").write_text(study, encoding="utf-8")
    process = start(["sweep", "study.toml", "--out", "runs", "--jobs", "2"], tmp_path)
    # Both are made once where the study is checked, and then work.
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("working-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = {int(path.read_text()) for path in tmp_path.glob("working-*")}
    assert len(workers) == 2 and process.pid not in workers
    began = time.monotonic()
    process.send_signal(getattr(signal, name))
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == -getattr(signal, name), stderr
    assert "Traceback" not in stderr
    assert_gone(process.pid)
    assert time.monotonic() - began < 30


def test_a_sweep_ends_with_ctrl_c_in_one_process(tmp_path, monkeypatch):
    """Half an experiment is not kept, and no other is begun."""
    study = [oco.Experiment("ogd", d=3, T=10, seed=seed) for seed in range(4)]
    outcomes = [oco.sweeps.outcomes.attempt(experiment) for experiment in study]
    cut = outcomes[1].result
    cut = cut.replace(summary=cut.summary.replace(status="interrupted"))
    outcomes[1] = oco.sweeps.Outcome(study[1], cut)
    monkeypatch.setattr("oco.sweeps.running.in_parallel", lambda *_: iter(outcomes))
    state = oco.sweep(study, tmp_path, jobs=1)
    assert (state.computed, state.interrupted, state.missing) == (1, True, 3)


def test_what_cannot_use_half_a_game_is_ended_by_ctrl_c(monkeypatch):
    whole, together = oco.simulator.play, oco.simulator.play_all

    def cut(played):
        return type(played)(**{**vars(played), "status": "interrupted"})

    # By their names, `oco.reproduce.separation` is a function.
    separation = importlib.import_module("oco.reproduce.separation")
    tuning = importlib.import_module("oco.sweeps.tuning")
    monkeypatch.setattr(separation, "play", lambda *a, **k: cut(whole(*a, **k)))
    monkeypatch.setattr(tuning, "play_all", lambda *a, **k: list(map(cut, together(*a, **k))))
    with pytest.raises(KeyboardInterrupt):
        oco.tune("ogd", [0.1, 1.0], d=3, T=20)
    with pytest.raises(KeyboardInterrupt):
        oco.reproduce.separation(d=30, T=100, jobs=1)
