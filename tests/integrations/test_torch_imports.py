"""Importing and using the optimizer loads neither what compiles nor what runs experiments."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="needs the extra 'torch'")

PROGRAM = """
import sys, torch
from oco.integrations.torch import SShampoo
weight = torch.nn.Parameter(torch.ones(40, 30))
weight.grad = torch.ones(40, 30)
SShampoo([weight], k=4).step()
print(*sorted(sys.modules), sep="\\n")
"""
# Of this package: its own room, checks of arguments and constants.
ROOMS = ("oco.integrations", "oco.checks", "oco.scalars", "oco.shampoo", "oco.linalg.cutoffs")
ROOMS += ("oco.rounding",)
UNWANTED = ("numba", "joblib", "scipy", "sklearn", "matplotlib", "click", "rich", "pandas", "dask")


def test_the_optimizer_needs_no_kernels(tmp_path):
    # A directory for the kernels' cache that must stay as it is.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={"PATH": "", "NUMBA_CACHE_DIR": str(tmp_path), "HOME": str(tmp_path)},
        check=True,
    )
    loaded = done.stdout.split()
    assert not [name for name in loaded if name.partition(".")[0] in UNWANTED]
    rooms = [name for name in loaded if name.startswith("oco.") and name != "oco.linalg"]
    assert rooms and not [name for name in rooms if not name.startswith(ROOMS)]
    assert not list(tmp_path.iterdir())
