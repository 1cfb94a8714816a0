"""The choice of the engine by the environment."""

import os
import subprocess
import sys

import pytest

# Prints the engine and what has become of a kernel of each kind, once it has been called.
SHOW = """
from oco.linalg import engine

@engine.kernel
def double(x):
    return 2 * x

@engine.summing_kernel
def add(x, y):
    return x + y

@engine.kernel
def both(x):
    return add(double(x), 1)

def kind(function):
    return "plain" if not hasattr(function, "options") else f"compiled {function.options}"

assert both(3) == 7 and double(x=2) == 4
print(engine.ENGINE, kind(double), kind(add), sep=", ")
"""
HIDE = """
import importlib.util as u
find = u.find_spec
u.find_spec = lambda name, *rest: None if name == "numba" else find(name, *rest)
"""


@pytest.fixture
def chosen(tmp_path):
    def run(engine, before=""):
        script = tmp_path / "show.py"
        script.write_text(before + SHOW)
        environment = {**os.environ, "OCO_ENGINE": engine}
        return subprocess.run(
            [sys.executable, script], env=environment, capture_output=True, text=True
        )

    return run


def test_the_environment_decides(chosen):
    assert chosen("numpy").stdout.strip() == "numpy, plain, plain"
    pytest.importorskip("numba", reason="numba is not installed")
    compiled = "numba, compiled {}, compiled {'fastmath': {'reassoc'}}"
    assert chosen("numba").stdout.strip() == compiled


def test_numba_can_be_told_not_to_compile(chosen, monkeypatch):
    pytest.importorskip("numba", reason="numba is not installed")
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert chosen("numba").stdout.startswith("numba, compiled")


def test_an_unknown_engine_is_refused_with_the_closest(chosen):
    done = chosen("nunpy")
    assert done.returncode != 0
    assert "OCO_ENGINE: unknown name 'nunpy'; did you mean 'numpy'?" in done.stderr


def test_who_asks_for_numba_without_it_is_told_how_to_get_it(chosen):
    done = chosen("numba", HIDE)
    assert done.returncode != 0 and "pip install '.[fast]'" in done.stderr
    assert chosen("", HIDE).stdout.strip() == "numpy, plain, plain"
