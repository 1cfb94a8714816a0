"""The compiled kernels and NumPy's give the same sketches, learners and runs."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from oco.linalg.engine import ENGINE

# Rounding of T steps, relative to tr G; iterates feel it through H^{-1}, by up to ‖g‖/√ρ.
SKETCH, ITERATE = 1e-11, 1e-9
SCRIPT = """
import inspect
import sys
import numpy as np
import oco
from oco.algorithms import ALGORITHMS
from oco.sketch import FrequentDirections
from oco.verification import FAMILIES, make

found = {}
for i, name in enumerate(FAMILIES):
    for decay in (1.0, 0.9):
        case = make(name, 60, 14, 5, decay, i)
        sketch = FrequentDirections(case.d, case.k, case.decay)
        sketch.extend(case.rows)
        if name != "denormal":
            directions = sketch.directions
            found[f"{name} {decay} G"] = (
                directions.T * (case.squared(sketch.eigenvalues))
            ) @ directions
            found[f"{name} {decay} tau"] = case.squared(sketch.escaped_mass)
            found[f"{name} {decay} trace"] = case.squared(sketch.total_mass)
for name, factory in ALGORITHMS.items():
    taken = inspect.signature(factory).parameters
    options = {"k": 5} if "k" in taken else {}
    options |= {"gradient_bound": 30.0} if "gradient_bound" in taken else {}
    options |= {"lr": 0.3} if "lr" in taken else {"curvature": 0.5}
    size = {"shape": (7, 2)} if "shape" in taken else {"d": 14}
    domains = (oco.Ball(0.5), oco.Euclidean())[: 2 if "lr" in taken else 1]
    for domain in (oco.domains.Simplex(),) if name == "hedge" else domains:
        learner = factory(**size, domain=domain, **options)
        for g in make("gaussian, any spectrum", 80, 14, 5, 1.0, 3).rows:
            learner.update(g.reshape(learner.x.shape))
        found[f"x {name} {domain}"] = learner.x
        found[f"q {name} {domain}"] = learner.diagnostics().quadratic
np.savez(sys.argv[1], **found)
print(oco.linalg.engine.ENGINE)
"""


def computed(tmp_path, engine):
    path = tmp_path / f"{engine}.npz"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path)],
        env={**os.environ, "OCO_ENGINE": engine},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == engine
    with np.load(path) as archive:
        return dict(archive)


@pytest.mark.skipif(ENGINE != "numba", reason="numba is not installed, or turned off")
def test_engines_agree(tmp_path):
    compiled, plain = computed(tmp_path, "numba"), computed(tmp_path, "numpy")
    assert compiled.keys() == plain.keys()
    for name, value in compiled.items():
        if name[:2] in ("x ", "q "):
            np.testing.assert_allclose(value, plain[name], rtol=ITERATE, atol=ITERATE, err_msg=name)
        else:
            family = name.rsplit(" ", 1)[0]
            scale = float(plain[f"{family} trace"]) or 1.0
            np.testing.assert_allclose(
                value, plain[name], rtol=0, atol=SKETCH * scale, err_msg=name
            )
