"""SIGKILL at every line of the code that saves a result: a reader finds the old one or the new."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

import oco
from oco.results import storage

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes by signal")

# Forks a writer for each line that it runs through, and kills it there.
KILLER = """
import os, signal, sys
import oco
from oco.results import storage

directory = sys.argv[1]
old, new = (oco.run("s-adagrad", d=4, k=2, T=30, seed=seed) for seed in (0, 1))
files = {storage.__file__, os.__file__}
survived, n = False, 0
while not survived:
    n += 1
    old.save(directory)
    pid = os.fork()
    if pid == 0:
        left = n
        def count(frame, event, argument):
            global left
            if frame.f_code.co_filename not in files:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return count
        sys.settrace(count)
        new.save(directory)
        sys.settrace(None)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    survived = status == 0
    assert survived or status == -signal.SIGKILL, status
    found = oco.load_result(directory)
    print(n, "old" if found == old else "new" if found == new else "neither")
    assert found in (old, new)
"""


def test_a_writer_killed_at_any_line_leaves_a_whole_result(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLER), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "OCO_ENGINE": "numpy"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = [line.split()[1] for line in done.stdout.splitlines()]
    assert len(outcomes) > 50, "every line of the writer"
    changed = outcomes.index("new")
    # Before the last rename always the old one, after it always the new one.
    assert set(outcomes[:changed]) == {"old"} and set(outcomes[changed:]) == {"new"}


def test_a_run_that_is_killed_leaves_the_earlier_result(tmp_path):
    earlier = oco.run("s-adagrad", d=4, k=2, T=30, out=tmp_path)
    command = (
        "import oco; oco.run('s-adagrad', d=50, k=5, T=10**7, out=%r, overwrite=True, "
        "progress=print)"
    )
    with subprocess.Popen(
        [sys.executable, "-u", "-c", command % str(tmp_path)], stdout=subprocess.PIPE
    ) as running:
        running.stdout.readline()
        running.send_signal(signal.SIGKILL)
    assert oco.load_result(tmp_path) == earlier
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".npz"]


def test_what_a_killed_writer_left_is_not_taken_for_a_result(tmp_path):
    result = oco.run("s-adagrad", d=4, k=2, T=30, out=tmp_path)
    document = tmp_path / storage.DOCUMENT
    (tmp_path / ".oco-0123456789abcdef.part").write_bytes(document.read_bytes()[:100])
    assert oco.load_result(tmp_path) == result
    document.unlink()
    with pytest.raises(FileNotFoundError, match="no such result"):
        oco.load_result(tmp_path)
