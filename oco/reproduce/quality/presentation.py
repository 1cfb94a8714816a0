"""The contest as tables and JSON."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np

from oco.reproduce.quality.contest import TUNING_SEEDS, Contest
from oco.results.formats import duration, number, size
from oco.results.layout import Sheet

__all__ = ["document", "tables"]


def tables(found: Contest) -> tuple:
    """Return what is compared and with what, the tuning and the results, for a rich console."""
    return (
        f"{found.task}: {found.title}",
        f"{found.parameters:,} parameters, {_counted(found.steps, 'step')}; "
        f"{_counted(len(found.rates), 'rate')} × {len(TUNING_SEEDS)} seeds to choose by validation "
        f"loss, {_counted(found.seeds, 'other seed')} to report",
        ", ".join(f"{name} {version}" for name, version in found.versions.items())
        + "; one thread a run",
        "",
        tuning(found),
        "",
        results(found),
    )


def tuning(found: Contest) -> Sheet:
    """Return the validation loss of every optimizer at every rate, the best one marked."""
    table = Sheet("validation loss", *(f"{rate:.1e}" for rate in found.rates))
    for placed in found.placements:
        tried = zip(found.rates, placed.tuning, strict=True)
        table.add(
            placed.name,
            *(_loss(loss) + ("*" if rate == placed.rate else " ") for rate, loss in tried),
        )
    return table


def results(found: Contest) -> Sheet:
    """Return means and errors over the seeds, memory and time; the first row is the rival."""
    first, *_ = found.placements
    table = Sheet(
        "optimizer", "rate", "test loss", f"less {first.name}'s", "wins", found.metric,
        "whole state", "÷ parameters", "optimizer's step", f"÷ {first.name}'s step",
        "whole step", f"÷ {first.name}'s",
    )  # fmt: skip
    rival = np.array([run.test for run in first.runs])
    for placed in found.placements:
        losses = np.array([run.test for run in placed.runs])
        alone, cost = placed is first, placed.cost
        table.add(
            placed.name,
            f"{placed.rate:.1e}",
            _spread(losses),
            "–" if alone else _difference(losses, rival),
            "–" if alone else f"{(losses < rival).sum()}/{len(losses)}",
            _spread(np.array([run.metric for run in placed.runs]), digits=2),
            size(cost.state_bytes),
            f"{cost.state_bytes / found.parameter_bytes:.2f}",
            duration(cost.optimizer),
            f"{cost.optimizer_ratio:.2f}",
            duration(cost.whole),
            f"{cost.ratio:.2f}",
        )
    return table


def document(found: Contest) -> dict:
    """Return the contest, with every run, as JSON data; what diverged has None for its numbers."""
    return {**_plain(asdict(found)), "tuning_seeds": list(TUNING_SEEDS)}


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' if count != 1 else ''}"


def _loss(loss: float) -> str:
    return number(loss, 4) if np.isfinite(loss) else "diverged"


def _difference(losses: np.ndarray, rival: np.ndarray) -> str:
    """Return the spread of the differences seed by seed, where neither diverged."""
    with np.errstate(invalid="ignore"):
        return _spread(losses - rival, sign="+")


def _spread(values: np.ndarray, digits: int = 4, sign: str = "") -> str:
    """Return mean ± standard error over the seeds; or how many diverged."""
    lost = (~np.isfinite(values)).sum()
    if lost:
        return f"{lost} of {len(values)} diverged"
    mean = f"{values.mean():{sign}.{digits}f}"
    error = values.std(ddof=min(1, len(values) - 1)) / np.sqrt(len(values))
    return mean if len(values) == 1 else f"{mean} ± {error:.{digits}f}"
