"""The choice of the engine by the environment."""

import os
import subprocess
import sys

import pytest

SHOW = "from oco.linalg.engine import ENGINE; print(ENGINE)"


def chosen(engine, code=SHOW):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OCO_ENGINE": engine},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_environment_decides(engine):
    if engine == "numba":
        pytest.importorskip("numba", reason="numba is not installed")
    assert chosen(engine).stdout.strip() == engine


def test_an_unknown_engine_is_refused_with_the_closest():
    done = chosen("nunpy")
    assert done.returncode != 0
    assert "OCO_ENGINE: unknown name 'nunpy'; did you mean 'numpy'?" in done.stderr


def test_who_asks_for_numba_without_it_is_told_how_to_get_it():

    hide = (
        "import importlib.util as u; find = u.find_spec; "
        "u.find_spec = lambda name, *rest: None if name == 'numba' else find(name, *rest); " + SHOW
    )
    done = chosen("numba", hide)
    assert done.returncode != 0 and "pip install 'oco-sketch[fast]'" in done.stderr
    assert chosen("", hide).stdout.strip() == "numpy"
