"""Learners and sketches that travel: to another process, whatever its engine, and back."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest

from oco.algorithms import ALGORITHMS, s_adagrad
from oco.domains import Ball, Simplex
from oco.sketch import FrequentDirections

# Both engines sum in different orders: a few roundings a round, over twenty of them.
ROUNDING = 1e-12
PROGRAM = """
import json, pickle, sys
import numpy as np
from oco.algorithms import ALGORITHMS
from oco.domains import Ball, Simplex
from oco.experiment.lookup import Options
from oco.sketch import FrequentDirections

def everyone():
    options = {"d": 6, "shape": (3, 2), "k": 3, "lr": 0.5}
    options |= {"gradient_bound": 9.0, "curvature": 0.5}
    learners = {
        name: Options({**options, "domain": Simplex() if name == "hedge" else Ball(1.0)}).call(
            "algorithm", make
        )
        for name, make in ALGORITHMS.items()
    }
    return {**learners, "sketch": FrequentDirections(6, 3, decay=0.9)}

def absorb(one, rows):
    for g in rows:
        one.append(g) if isinstance(one, FrequentDirections) else one.update(g.reshape(one.x.shape))

def seen(one):
    if isinstance(one, FrequentDirections):
        return np.append(one.covariance().dense(), [one.escaped_mass, one.total_mass, one.rows])
    account = one.diagnostics()
    return np.append(one.x, [account.potential, account.quadratic, account.squared_gradients])

rows = np.random.default_rng(5).standard_normal((20, 6))
path, begin, end = sys.argv[1], *map(int, sys.argv[2:])
group = pickle.load(open(path, "rb")) if begin else everyone()
for one in group.values():
    absorb(one, rows[begin:end])
pickle.dump(group, open(path, "wb"))
print(json.dumps({name: seen(one).tolist() for name, one in group.items()}))
"""


def play(engine, path, begin, end):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), str(begin), str(end)],
        env={**os.environ, "OCO_ENGINE": engine},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_who_travels_between_the_engines_goes_on_as_if_at_home(tmp_path):
    pytest.importorskip("numba", reason="numba is not installed")
    expected = play("numpy", tmp_path / "home", 0, 20)
    assert len(expected) == len(ALGORITHMS) + 1
    for first, second in [("numpy", "numba"), ("numba", "numpy")]:
        path = tmp_path / first
        play(first, path, 0, 10)
        arrived = play(second, path, 10, 20)
        for name, numbers in expected.items():
            np.testing.assert_allclose(
                arrived[name], numbers, rtol=ROUNDING, atol=ROUNDING, err_msg=name
            )


def frozen(one):
    """Return it as it arrives where arrays may only be read, as from joblib and Dask."""
    buffers = []
    text = pickle.dumps(one, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(text, buffers=[bytes(buffer) for buffer in buffers])


@pytest.mark.parametrize("name", ALGORITHMS)
def test_who_arrives_in_memory_that_may_only_be_read_can_go_on(name):
    from oco.experiment.lookup import Options

    def make():
        domain = Simplex() if name == "hedge" else Ball(1.0)
        options = {"d": 6, "shape": (3, 2), "k": 3, "domain": domain, "lr": 0.5}
        options |= {"gradient_bound": 9.0, "curvature": 0.5}
        return Options(options).call("algorithm", ALGORITHMS[name])

    rows = np.random.default_rng(6).standard_normal((20, 6))
    home, away = make(), make()
    for g in rows[:10]:
        home.update(g.reshape(home.x.shape))
        away.update(g.reshape(away.x.shape))
    away = frozen(away)
    for g in rows[10:]:
        home.update(g.reshape(home.x.shape))
        away.update(g.reshape(away.x.shape))
    np.testing.assert_allclose(away.x, home.x, rtol=0, atol=ROUNDING)


def test_a_large_sketch_goes_on_in_a_worker_of_joblib():
    """Arrays of a megabyte and more are mapped into workers, to be read."""

    # Within the test: a worker need not be able to import its module.
    def continued(sketch, learner, rows):
        for g in rows:
            sketch.append(g)
            learner.update(g)
        return sketch.escaped_mass, learner.x

    d, rows = 30_000, np.random.default_rng(7).standard_normal((6, 30_000))
    sketch, learner = FrequentDirections(d, 4), s_adagrad(d, k=4, domain=Ball(1.0))
    for g in rows[:3]:
        sketch.append(g)
        learner.update(g)
    with joblib.Parallel(n_jobs=2) as parallel:
        (escaped, x), _ = parallel(
            joblib.delayed(continued)(sketch, learner, rows[3:]) for _ in "12"
        )
    here = continued(sketch, learner, rows[3:])
    assert escaped == pytest.approx(here[0], rel=ROUNDING)
    np.testing.assert_allclose(x, here[1], rtol=0, atol=ROUNDING)
