"""A Result: what was asked, what happened, and what it was computed with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oco.archives import require_shape
from oco.results import storage
from oco.results.experiment import Experiment
from oco.results.records import Record
from oco.results.summary import Summary, Trace

__all__ = ["Result", "load_result"]


@dataclass(frozen=True, eq=False, repr=False)
class Result(Record):
    """What was asked, what happened, and what it was computed with.

    Attributes
    ----------
    experiment : Experiment
        What was run.
    versions : dict of str to str
        Of this package, Python, NumPy and SciPy.
    summary : Summary
        The numbers at the end; also what ``oco run --json`` prints.
    trace : Trace
        The numbers at log-spaced checkpoints.
    x : ndarray of shape (d,)
        The learner's point after the last round.
    comparator : ndarray of shape (d,) or None
        x̂, the best fixed point.
    spectrum : ndarray or None
        Eigenvalues of G_T, descending; None where they were not computed.

    Notes
    -----
    Two results are equal if all their fields are, NaN included; `without_timings` takes out the one
    thing that differs between two runs of one experiment.

    Examples
    --------
    >>> import oco
    >>> a, b = (oco.run("adagrad", d=5, T=100, seed=1) for _ in range(2))
    >>> a.without_timings() == b.without_timings()
    True
    """

    experiment: Experiment
    versions: dict[str, str]
    summary: Summary
    trace: Trace
    x: np.ndarray
    comparator: np.ndarray | None
    spectrum: np.ndarray | None

    @property
    def violated(self) -> bool:
        """Whether the regret rose above a bound: a bug, or a false theorem."""
        return bool(self.summary.violated)

    def without_timings(self) -> Result:
        """Return a copy with every time set to 0."""
        summary = self.summary.replace(
            seconds=0.0,
            seconds_per_round=None if self.summary.seconds_per_round is None else 0.0,
        )
        trace = self.trace.replace(seconds=np.zeros_like(self.trace.seconds))
        return self.replace(summary=summary, trace=trace)

    def document(self) -> dict:
        """Return all but the arrays as JSON data."""
        return {
            "experiment": self.experiment.plain(),
            "versions": dict(self.versions),
            "summary": self.summary.plain(),
        }

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write the result as ``result.json`` and an ``.npz`` file.

        Parameters
        ----------
        directory : str or path-like
            Created if need be; a result that is there already is replaced, atomically.

        Returns
        -------
        Path
            Of ``result.json``.

        Raises
        ------
        ValueError
            If the directory cannot be written to.

        Notes
        -----
        The JSON is strict: what was not computed is null; NaN and infinities are texts, ``"NaN"``,
        ``"Infinity"`` or ``"-Infinity"``.
        """
        own = {"x": self.x, "comparator": self.comparator, "spectrum": self.spectrum}
        arrays = {f"result.{name}": array for name, array in own.items() if array is not None}
        return storage.write(
            directory,
            self.document(),
            arrays | {f"trace.{name}": array for name, array in self.trace.arrays().items()},
        )

    def __repr__(self) -> str:
        # What draws tables is loaded where one is drawn.
        from oco.results import tables

        return tables.text(self.experiment, self.summary)

    def _repr_html_(self) -> str:
        from oco.results import tables

        return tables.html(self.experiment, self.summary)


def load_result(path: str | os.PathLike[str]) -> Result:
    """Read a result that `Result.save` wrote.

    Parameters
    ----------
    path : str or path-like
        The directory, or the ``result.json`` in it.

    Returns
    -------
    Result
        Equal to the one that was saved.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged, of another version, or something else; nothing is ever unpickled.

    Examples
    --------
    >>> import tempfile, oco
    >>> result = oco.run("ogd", d=3, T=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = result.save(folder)
    ...     load_result(folder) == result
    True
    """
    document, arrays = storage.read(path)
    if "kind" in document:
        raise ValueError(f"{path}: holds {document['kind']}, not a run; 'oco show' prints it")
    groups: dict[str, dict[str, np.ndarray]] = {"result": {}, "trace": {}}
    try:
        for key, array in arrays.items():
            group, _, name = key.partition(".")
            groups[group][name] = array
        own = groups["result"]
        result = Result(
            experiment=Experiment.from_plain(document["experiment"]),
            versions=dict(document["versions"]),
            summary=Summary.from_plain(document["summary"]),
            trace=Trace.from_arrays(groups["trace"]),
            x=own["x"],
            comparator=own.get("comparator"),
            spectrum=own.get("spectrum"),
        )
        _require_agreement(result)
        return result
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a result that this release can read: {error}") from None


def _require_agreement(result: Result) -> None:
    """Refuse arrays that are not of the shapes or of the bounds that the summary names."""
    summary, trace = result.summary, result.trace
    require_shape("x", result.x, (summary.d,), "f")
    if result.comparator is not None:
        require_shape("comparator", result.comparator, (summary.d,), "f")
    if result.spectrum is not None:
        require_shape("spectrum", result.spectrum, (None,), "f")
    named = {bound.name for bound in summary.bounds}
    if not named <= set(trace.bounds) == set(trace.holds):
        raise ValueError(
            f"bounds: expected arrays of at least {sorted(named)}, "
            f"got {sorted(trace.bounds)} and verdicts of {sorted(trace.holds)}"
        )
