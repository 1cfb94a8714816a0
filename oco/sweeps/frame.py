"""A directory of runs as a tidy table: one row a run, one column an option or a number."""

from __future__ import annotations

import os
from typing import Any

from oco.extras import missing
from oco.results import Interval, Result
from oco.sweeps.outcomes import Outcome
from oco.sweeps.store import Store

__all__ = ["frame", "load_table"]

ERROR = "error"


def load_table(path: str | os.PathLike[str]) -> Any:
    """Read all results of a directory of runs as a table.

    Parameters
    ----------
    path : str or path-like
        What ``oco compare --out`` or ``oco sweep --out`` wrote; or, as a table of one row, what
        ``oco run --out`` did.

    Returns
    -------
    pandas.DataFrame
        A row for each run: see `frame`.

    Raises
    ------
    FileNotFoundError
        If there is nothing.
    ValueError
        If something is damaged, of another version, or something else.
    ImportError
        If pandas is not installed.

    Examples
    --------
    >>> import tempfile, oco
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = oco.compare(["ogd", "adagrad"], d=3, T=20, out=folder)
    ...     sorted(load_table(folder)["algorithm"])
    ['adagrad', 'ogd']
    """
    return frame(Store(path).outcomes())


def frame(outcomes):
    """Return outcomes as a tidy table.

    Parameters
    ----------
    outcomes : iterable of Outcome

    Returns
    -------
    pandas.DataFrame
        Columns: the ``key`` of the run, its folder's name where it was read from one; every option
        of the Experiment as it was resolved; every number of the Summary, with ``regret_lo``,
        ``regret_hi``, ``comparator_loss`` and so on for what has parts; and for each bound
        ``bound.NAME``, ``margin.NAME`` and ``holds.NAME``.  A run without a result has the status
        ``"error"`` and its message.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise ImportError(missing("pandas")) from None
    return pandas.DataFrame([_row(outcome) for outcome in outcomes])


def _row(outcome: Outcome) -> dict:
    row = {"key": outcome.folder, **outcome.experiment.plain()}
    if outcome.result is None:
        return row | {"status": ERROR, "message": outcome.message}
    return row | _numbers(outcome.result)


def _numbers(result: Result) -> dict:
    summary = result.summary
    numbers: dict[str, Any] = {}
    for name, value in vars(summary).items():
        if name == "bounds":
            continue
        if isinstance(value, Interval):
            numbers |= {f"{name}_lo": value.lo, f"{name}_hi": value.hi}
        elif name == "comparator":
            if value is not None:
                numbers |= {f"comparator_{part}": found for part, found in vars(value).items()}
        elif name == "dynamic":
            # The option of that name is a column already.
            if value is not None:
                ends = value.regret
                numbers |= {"dynamic_regret_lo": ends.lo, "dynamic_regret_hi": ends.hi}
                numbers |= {"dynamic_loss": value.loss, "dynamic_lower": value.lower}
        elif name == "axes":
            for i, axis in enumerate(value, 1):
                numbers |= {f"axis_{i}_{part}": found for part, found in vars(axis).items()}
        elif name == "notes":
            numbers[name] = "\n".join(value)
        elif value is not None or name not in ("regret", "omega_range"):
            numbers[name] = value
    for bound in summary.bounds:
        numbers[f"bound.{bound.name}"] = bound.value
        numbers[f"margin.{bound.name}"] = bound.margin
        numbers[f"holds.{bound.name}"] = bound.holds
    return numbers
