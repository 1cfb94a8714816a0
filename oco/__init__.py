"""Online convex optimization with sketched adaptive regularization: run, measured, certified.

>>> import oco
>>> result = oco.run("s-adagrad", d=50, k=10, T=200, seed=0)
>>> all(bound.holds for bound in result.summary.bounds)
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # For type checkers and editors alone, the same names as in _HOMES and _ROOMS.
    from oco import algorithms as algorithms
    from oco import bounds as bounds
    from oco import domains as domains
    from oco import experiment as experiment
    from oco import losses as losses
    from oco import marks as marks
    from oco import memory as memory
    from oco import optimizers as optimizers
    from oco import plots as plots
    from oco import ranks as ranks
    from oco import regret as regret
    from oco import reports as reports
    from oco import reproduce as reproduce
    from oco import results as results
    from oco import simulator as simulator
    from oco import sketch as sketch
    from oco import spectra as spectra
    from oco import sweeps as sweeps
    from oco import verification as verification
    from oco.cores import one_blas_thread as one_blas_thread
    from oco.domains import Ball as Ball
    from oco.domains import Box as Box
    from oco.domains import Ellipsoid as Ellipsoid
    from oco.domains import Euclidean as Euclidean
    from oco.domains import L1Ball as L1Ball
    from oco.domains import OperatorBall as OperatorBall
    from oco.domains import Simplex as Simplex
    from oco.experiment import Experiment as Experiment
    from oco.experiment import run as run
    from oco.marks import learner as learner
    from oco.marks import loss as loss
    from oco.marks import stream as stream
    from oco.results import Result as Result
    from oco.results import load_result as load_result
    from oco.sweeps import compare as compare
    from oco.sweeps import load_table as load_table
    from oco.sweeps import read_study as read_study
    from oco.sweeps import sweep as sweep
    from oco.sweeps import tune as tune

    __version__: str

# The distribution's name: the package index knows another `oco`.
_DISTRIBUTION = "oco-sketch"

# Names load on first use: `import oco`, and with it `oco --help`, needs neither NumPy nor SciPy.
_HOMES = {
    "run": "oco.experiment",
    "load_result": "oco.results",
    "load_table": "oco.sweeps",
    "compare": "oco.sweeps",
    "sweep": "oco.sweeps",
    "tune": "oco.sweeps",
    "read_study": "oco.sweeps",
    "Experiment": "oco.experiment",
    "Result": "oco.results",
    "Ball": "oco.domains",
    "Box": "oco.domains",
    "Ellipsoid": "oco.domains",
    "Euclidean": "oco.domains",
    "L1Ball": "oco.domains",
    "OperatorBall": "oco.domains",
    "Simplex": "oco.domains",
    "one_blas_thread": "oco.cores",
    "learner": "oco.marks",
    "loss": "oco.marks",
    "stream": "oco.marks",
}
_ROOMS = (
    "algorithms",
    "bounds",
    "domains",
    "experiment",
    "losses",
    "marks",
    "memory",
    "optimizers",
    "plots",
    "ranks",
    "regret",
    "reports",
    "reproduce",
    "results",
    "simulator",
    "sketch",
    "spectra",
    "sweeps",
    "verification",
)

__all__ = ["__version__", *sorted(_HOMES), *_ROOMS]


# A checker that sees it would believe every misspelt name.
if not TYPE_CHECKING:

    def __getattr__(name: str):
        if name in _HOMES:
            value = getattr(importlib.import_module(_HOMES[name]), name)
        elif name == "__version__":
            from importlib import metadata

            value = metadata.version(_DISTRIBUTION)
        elif name in _ROOMS:
            value = importlib.import_module(f"oco.{name}")
        else:
            raise AttributeError(f"module 'oco' has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
