"""Online convex optimization with sketched adaptive regularization: run, measured, certified.

>>> import oco
>>> result = oco.run("s-adagrad", d=50, k=10, T=200, seed=0)
>>> all(bound.holds for bound in result.summary.bounds)
True
"""

from __future__ import annotations

import importlib

# The distribution's name: the package index knows another `oco`.
_DISTRIBUTION = "oco-sketch"

# Names load on first use: `import oco`, and with it `oco --help`, needs neither NumPy nor SciPy.
_HOMES = {
    "run": "oco.experiment",
    "load": "oco.sweeps",
    "compare": "oco.sweeps",
    "sweep": "oco.sweeps",
    "tune": "oco.sweeps",
    "read_study": "oco.sweeps",
    "Experiment": "oco.experiment",
    "Result": "oco.results",
    "Ball": "oco.domains",
    "Box": "oco.domains",
    "Euclidean": "oco.domains",
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
    "plots",
    "ranks",
    "regret",
    "reports",
    "reproduce",
    "results",
    "simulator",
    "sketch",
    "sweeps",
    "training",
)

__all__ = ["__version__", *sorted(_HOMES), *_ROOMS]


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
