"""One run: a network trained once, what came of it, and the file that it is kept in."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

import oco
from oco.reproduce.quality.contestants import Contestant
from oco.reproduce.quality.task import Task
from oco.results.storage import read_document, replace_file, sealed

__all__ = ["Run", "kept", "train", "versions"]

# A run whose loss exceeds this many times its first one has diverged.
HOPELESS = 100
# Parts of a run, as even as they can be, whose mean training losses are its curve.
CURVE = 20
FORMAT, VERSION = "oco-training", 1
# What the numbers depend on besides the options; peers are not on every machine.
PACKAGES = ("torch", "scikit-learn", "pytorch_optimizer")
# 64 bits: enough that two of a million runs do not meet.
DIGITS = 16


@dataclass(frozen=True)
class Run:
    """How a run ended; losses are infinite if it diverged.

    Attributes
    ----------
    validation, test : float
        Losses.
    metric : float
        On the test set.
    curve : tuple of float
        Mean training loss of each twentieth of the steps, each on its own fresh batch; of each step
        if there are fewer.  Empty if it diverged.
    """

    validation: float
    test: float
    metric: float
    curve: tuple[float, ...] = ()


DIVERGED = Run(math.inf, math.inf, math.nan)


def train(task: Task, contestant: Contestant, rate: float, seed: int) -> Run:
    """Train a network once; the rate falls linearly to 0."""
    model = task.network(seed)
    optimizer = contestant.make(model.parameters(), rate)
    generator = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    for step in range(task.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / task.steps)
        inputs, targets = task.batch(generator)
        loss = task.loss(model(inputs), targets)
        losses.append(loss.item())
        if not losses[-1] <= HOPELESS * losses[0]:
            return DIVERGED
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    parts = np.array_split(losses, min(CURVE, task.steps))
    return _judged(task, model, tuple(float(part.mean()) for part in parts))


def _judged(task: Task, model: torch.nn.Module, curve: tuple[float, ...]) -> Run:
    with torch.no_grad():
        validation = task.loss(model(task.validation[0]), task.validation[1]).item()
        outputs = model(task.test[0])
        test = task.loss(outputs, task.test[1]).item()
        metric = task.measure(outputs, task.test[1])
    if not (math.isfinite(validation) and math.isfinite(test)):
        return DIVERGED
    return Run(validation, test, metric, curve)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a run's numbers depend on."""
    found = {"python": platform.python_version(), "oco": oco.__version__}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def kept(directory: Path, task: Task, contestant: Contestant, rate: float, seed: int) -> Run:
    """Return the run that is kept in a directory; train, and keep it there, if there is none.

    A run is known by its task, data, optimizer with all options, rate, seed and versions.
    """
    optimizer = contestant.make(task.network(seed=0).parameters(), rate)
    content = {
        "task": task.name,
        "title": task.title,
        "steps": task.steps,
        "optimizer": contestant.name,
        "options": repr(optimizer.defaults),
        "rate": rate,
        "seed": seed,
        "versions": versions(),
    }
    text = json.dumps(content, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    path = directory / f"{task.name}-{digest}.json"
    try:
        return _read(path)
    except (FileNotFoundError, ValueError):
        # There is none, or it is damaged.
        run = train(task, contestant, rate, seed)
        found = asdict(run) if math.isfinite(run.test) else None
        replace_file(path, sealed(FORMAT, VERSION, {**content, "run": found}))
        return run


def _read(path: Path) -> Run:
    run = read_document(path, FORMAT, VERSION)["run"]
    return DIVERGED if run is None else Run(**{**run, "curve": tuple(run["curve"])})
