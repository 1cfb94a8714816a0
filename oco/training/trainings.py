"""Several trainings on one task: seeds, rates and optimizers side by side, saved and read back."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from oco.results import storage
from oco.results.records import Record
from oco.training.outcome import Curves, Outcome, Summary, curves
from oco.training.settings import Training

__all__ = ["Group", "Trainings", "load"]

# What the document says it holds, beside the results of `oco.run`.
KIND = "trainings"
MEASURES = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


@dataclass(frozen=True)
class Group:
    """One optimizer with one set of options, on several seeds.

    Attributes
    ----------
    outcomes : tuple of Outcome
        A seed each.
    """

    outcomes: tuple[Outcome, ...]

    @property
    def training(self) -> Training:
        """The options, with the first of the seeds."""
        return self.outcomes[0].training

    @property
    def complete(self) -> bool:
        """Whether every seed came to an end worth comparing."""
        return all(outcome.complete for outcome in self.outcomes)

    def values(self, name: str) -> np.ndarray:
        """Return a number of the summary for each seed that has it."""
        found = (getattr(outcome.summary, name) for outcome in self.outcomes)
        return np.array([value for value in found if value is not None], dtype=float)

    def mean(self, name: str) -> float | None:
        """Return the mean over the seeds; None if there is nothing."""
        values = self.values(name)
        return float(values.mean()) if len(values) else None

    def deviation(self, name: str) -> float | None:
        """Return the standard deviation over the seeds (n − 1); None if there is one seed."""
        values = self.values(name)
        return float(values.std(ddof=1)) if len(values) > 1 else None

    def plain(self) -> dict:
        """Return options, means and deviations as JSON data."""
        options = self.training.plain()
        del options["seed"]
        numbers = {
            name: {"mean": self.mean(name), "deviation": self.deviation(name)}
            for name in (*MEASURES, "seconds_per_step")
        }
        return {
            "options": options,
            "seeds": [outcome.training.seed for outcome in self.outcomes],
            "complete": self.complete,
            **numbers,
        }


@dataclass(frozen=True, eq=False)
class Trainings(Record):
    """Trainings on one task and what each came to.

    Attributes
    ----------
    outcomes : tuple of Outcome
        In the order in which they were asked for.
    versions : dict of str to str
        Of this package, Python, NumPy and SciPy.
    """

    outcomes: tuple[Outcome, ...]
    versions: dict[str, str]

    @property
    def groups(self) -> tuple[Group, ...]:
        """The outcomes by everything but the seed."""
        found: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            key = repr(outcome.training.replace(seed=0).plain())
            found.setdefault(key, []).append(outcome)
        return tuple(Group(tuple(outcomes)) for outcomes in found.values())

    @property
    def best(self) -> tuple[Group, ...]:
        """For each optimizer and sketch size, the rate of the least mean validation loss.

        Rates at which a seed failed or diverged do not count; an optimizer all of whose rates did
        is not there.
        """
        found: dict[str, Group] = {}
        for group in self.groups:
            name = group.training.label
            if group.complete and (
                name not in found
                or group.mean("validation_loss") < found[name].mean("validation_loss")
            ):
                found[name] = group
        return tuple(found.values())

    @property
    def tuned(self) -> bool:
        """Whether an optimizer and sketch size was trained at several rates."""
        return len(self.groups) > len({group.training.label for group in self.groups})

    @property
    def lost(self) -> tuple[str, ...]:
        """Labels of those that came to no good end at any of their rates."""
        good = {group.training.label for group in self.best}
        labels = dict.fromkeys(group.training.label for group in self.groups)
        return tuple(label for label in labels if label not in good)

    def document(self) -> dict:
        """Return all but the curves as JSON data."""
        return {
            "kind": KIND,
            "best": [group.plain() for group in self.best],
            "runs": [
                {"training": o.training.plain(), "summary": o.summary.plain()}
                for o in self.outcomes
            ],
            "versions": dict(self.versions),
        }

    def save(self, directory) -> Path:
        """Write the trainings as ``result.json`` and an ``.npz`` file; `load` reads them.

        Parameters
        ----------
        directory : str or path-like
            Created if need be; what is there already is replaced, atomically.

        Raises
        ------
        ValueError
            If it cannot be written to.
        """
        arrays = {
            f"{i}.{name}": curve
            for i, outcome in enumerate(self.outcomes)
            for name, curve in vars(outcome.curves).items()
        }
        return storage.write(directory, self.document(), arrays)


def load(path) -> Trainings:
    """Read trainings that `Trainings.save` wrote.

    Parameters
    ----------
    path : str or path-like
        The directory, or the ``result.json`` in it.

    Returns
    -------
    Trainings
        Equal to the ones that were saved.

    Raises
    ------
    FileNotFoundError
        If there is nothing.
    ValueError
        If it is damaged, of another version, or something else; nothing is ever unpickled.

    Examples
    --------
    >>> import tempfile
    >>> from oco.training import Training, train_all
    >>> trained = train_all([Training("digits-softmax", "adam", steps=5)], jobs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = trained.save(folder)
    ...     load(folder) == trained
    True
    """
    document, arrays = storage.read(path)
    if document.get("kind") != KIND:
        raise ValueError(f"{path}: holds no trainings of 'oco train'")
    try:
        return Trainings(
            tuple(_outcome(i, run, arrays) for i, run in enumerate(document["runs"])),
            dict(document["versions"]),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: no trainings that this release can read: {error}") from None


def _outcome(i: int, run: dict, arrays: dict[str, np.ndarray]) -> Outcome:
    return Outcome(
        Training.from_plain(run["training"]),
        Summary.from_plain(run["summary"]),
        curves({field.name: arrays[f"{i}.{field.name}"] for field in fields(Curves)}),
    )
