"""Whole processes: the headline command against the textbook's loop, the other engine, memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["headline", "memory", "phases", "svd_over_uncompiled"]

ROOT = Path(__file__).resolve().parents[2]

TURNS = 5
# Python keeps its bytecode, as it does unless told otherwise.
SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
HEADLINE = ("--alg", "s-adagrad", "--d", "1000", "--k", "20", "--T", "10000")
# Nothing but the sketch: no point is played, no loss is suffered, nothing is certified or saved.
LOOP = """
import numpy as np
import oco.losses
stream = oco.losses.STREAMS["stochastic"](d=1000, T=10_000, seed=0)
k = 20
rows, escaped = np.zeros((k, 1000)), 0.0
for features, labels in stream.chunks():
    for a, y in zip(features, labels):
        rows[-1] = -0.5 * y * a
        _, s, vectors = np.linalg.svd(rows, full_matrices=False)
        escaped += s[-1] ** 2
        rows = np.sqrt(np.maximum(s**2 - s[-1] ** 2, 0.0))[:, None] * vectors
"""
# The peak of a run above what was held before it, when a small one had imported and compiled the
# same.  The peak is reset in between, which needs Linux.
MEMORY = """
import json, sys
import oco
from oco.losses.streams import chunk_rows

def kilobytes(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name))

d, k, T = map(int, sys.argv[1:])
oco.run("s-adagrad", d=50, k=k, T=100)
with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")
before = kilobytes("VmRSS")
result = oco.run("s-adagrad", d=d, k=k, T=T)
found = {
    "grown": 1024 * (kilobytes("VmHWM") - before),
    "chunk": min(chunk_rows(d), T) * d * 8,
    "seconds": result.summary.seconds_per_round,
}
print(json.dumps(found))
"""
# Where the headline's time goes: each phase in the order of the command.
PHASES = """
import json, sys, tempfile, time
marks = [("start", time.perf_counter())]
def mark(name): marks.append((name, time.perf_counter()))
import oco.cli
from oco.cli.collector import loading
mark("import the command line")
with loading():
    import scipy.fft, scipy.linalg, scipy.special
    mark("import NumPy and SciPy")
    from oco.experiment import assessment, prepare, running
    mark("import oco, numba")
    game = prepare(algorithm="s-adagrad", d=1000, k=20, T=10_000)
running.compile_kernels(game)
mark("load the kernels")
for _ in game.stream.chunks():
    pass
mark("make the stream")
play = running.play(
    game.learner, game.loss, game.stream, checkpoints=running.log_checkpoints(10_000)
)
mark("play 10,000 rounds")
result = assessment.assess(game, play)
mark("best fixed point, beside the spectra of G_t")
with tempfile.TemporaryDirectory() as folder:
    result.save(folder)
print(result, file=sys.stderr)
mark("save and print")
found = [(name, t - before) for (_, before), (name, t) in zip(marks, marks[1:])]
print(json.dumps(found))
"""
# The engine is chosen when the library is imported.
UNCOMPILED = """
import json
from benchmarks.performance.rounds import measure

times = measure(1000, 20, ("s-adagrad",))
print(json.dumps(times["svd"] / times["s-adagrad"]))
"""


def _python(code: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **SETTINGS, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _timed(code: str) -> float:
    started = time.perf_counter()
    _python(code)
    return time.perf_counter() - started


def headline() -> tuple[float, float]:
    """Return the median seconds of the headline command, results saved, and of the loop."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["run", *HEADLINE, "--out", folder, "--overwrite"]
        command = f"import sys; from oco.cli import main; main({arguments!r})"
        # Kernels compiled, files in the system's cache.
        _timed(command)
        commands, loops = [], []
        for _ in range(TURNS):
            commands.append(_timed(command))
            loops.append(_timed(LOOP))
    return statistics.median(commands), statistics.median(loops)


def phases() -> list[tuple[str, float]]:
    """Return where the headline's time goes: (phase, seconds), each the median of several runs."""
    runs = []
    for _ in range(TURNS):
        started = time.perf_counter()
        found = json.loads(_python(PHASES))
        whole = time.perf_counter() - started
        rest = whole - sum(seconds for _, seconds in found)
        runs.append([*found, ("start and end Python", rest)])
    return [
        (name, statistics.median(run[i][1] for run in runs)) for i, (name, _) in enumerate(runs[0])
    ]


def svd_over_uncompiled() -> float:
    """Return the time of a decomposition a round ÷ that of S-AdaGrad's without numba, k = 20."""
    return json.loads(_python(UNCOMPILED, OCO_ENGINE="numpy"))


def memory(d: int, k: int, T: int) -> dict[str, float]:
    """Return the bytes by which a run's peak grew, those of a chunk, and the seconds of a round."""
    return json.loads(_python(MEMORY, str(d), str(k), str(T)))


class Processes:
    """The headline command, in the conventions of airspeed velocity."""

    timeout = 600
    unit = "ratio"

    def track_headline_over_svd_loop(self) -> float:
        """Whole process, certified and saved ÷ a process that only sketches the same stream."""
        command, loop = headline()
        return command / loop
