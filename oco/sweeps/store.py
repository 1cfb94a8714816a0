"""A directory of runs: one folder an experiment, named by a hash of its full configuration.

A folder holds either a result or ``failure.json``, what stopped the experiment.  Both are written
to a temporary name and renamed, so that a killed writer leaves nothing half done.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from oco.archives import read_regular
from oco.losses import bundled, in_memory
from oco.losses.sources import STDIN, fingerprint
from oco.results import Experiment, Result, load_result
from oco.results.storage import (
    DOCUMENT,
    read_document,
    replace_file,
    require_writable,
    sealed,
    tidy,
)
from oco.sweeps.outcomes import Outcome

__all__ = ["FAILURE", "Store", "key"]

FAILURE, STUDY = "failure.json", "study.json"
# Since version 2 with a checksum.
FORMAT, VERSION = "oco-failure", 2
# Characters of a study's title that are kept: it is a heading.
LONGEST_TITLE = 500
# 64 bits: enough that two of a million experiments do not meet.
DIGITS = 16
FOLDER = re.compile(rf"[A-Za-z0-9-]+-[0-9a-f]{{{DIGITS}}}")
# Data that is what its name says: bundled, or named by its hash.
NAMED = (bundled.PREFIX, in_memory.PREFIX)


def key(experiment: Experiment) -> str:
    """Return the name of an experiment: its learner and a hash of all its options.

    A data file counts with its content, not its path: the file is read.

    Raises
    ------
    OSError, ValueError
        If there is no such data file, or it is neither a regular one nor was read.

    Examples
    --------
    >>> key(Experiment("ogd", d=2, T=10)) == key(Experiment("ogd", T=10, d=2))
    True
    >>> key(Experiment("ogd", d=2, T=10)) == key(Experiment("ogd", d=2, T=10, seed=1))
    False
    """
    # What was not given takes no part: an option that is new renames no run.
    content = {name: value for name, value in experiment.plain().items() if value is not None}
    for name in ("data", "labels"):
        path = content.get(name)
        if path is not None and not path.startswith(NAMED):
            content[name] = _digest(path)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    slug = re.sub(r"[^A-Za-z0-9]+", "-", experiment.algorithm).strip("-")[:40]
    return f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"


class Store:
    """A directory of runs.

    Parameters
    ----------
    directory : str or path-like
        Created by the first `save`.

    Examples
    --------
    >>> import tempfile
    >>> from oco.sweeps.outcomes import attempt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store(folder)
    ...     _ = store.save(attempt(Experiment("ogd", d=2, T=10)))
    ...     [run.result.summary.T for run in store]
    [10]
    """

    def __init__(self, directory) -> None:
        self.directory = Path(directory)

    def require_writable(self) -> None:
        """Create the directory, prove that it can be written to, and remove what is left over.

        Raises
        ------
        ValueError
            If it cannot, or holds a single result, which would hide the runs.
        """
        if (self.directory / DOCUMENT).exists():
            raise ValueError(
                f"out: {str(self.directory)!r} holds a single result, which would hide the runs "
                "beside it; choose another directory"
            )
        require_writable(self.directory)
        for folder in self.directory.iterdir():
            if FOLDER.fullmatch(folder.name) and folder.is_dir():
                tidy(folder)

    @property
    def title(self) -> str | None:
        """What the study is about whose runs these are; None where that is not known."""
        try:
            title = json.loads(read_regular(self.directory / STUDY))["title"]
        except (OSError, LookupError, TypeError, ValueError):
            return None
        return title[:LONGEST_TITLE] if isinstance(title, str) and title.strip() else None

    def save_title(self, title: str) -> None:
        """Keep what the study is about, for the report's heading."""
        require_writable(self.directory)
        content = json.dumps({"title": title}, ensure_ascii=False)
        replace_file(self.directory / STUDY, content.encode())

    def folder(self, experiment: Experiment) -> Path:
        """Return where an experiment's outcome is kept."""
        return self.directory / key(experiment)

    def saved(self, experiment: Experiment) -> Outcome | None:
        """Return the finished outcome of an experiment, if it is there and sound."""
        try:
            outcome = Outcome(experiment, load_result(self.folder(experiment)))
        except (FileNotFoundError, ValueError):
            return None
        return outcome if outcome.finished else None

    def save(self, outcome: Outcome) -> Path:
        """Write an outcome in the place of an earlier one; return its folder."""
        folder = self.folder(outcome.experiment)
        if outcome.result is not None:
            outcome.result.save(folder)
            (folder / FAILURE).unlink(missing_ok=True)
            return folder
        content = {"message": outcome.message, "experiment": outcome.experiment.plain()}
        require_writable(folder)
        replace_file(folder / FAILURE, sealed(FORMAT, VERSION, content))
        return folder

    def __iter__(self) -> Iterator[Outcome]:
        """Iterate over all outcomes, in the order of their folders' names.

        Raises
        ------
        ValueError
            If one is damaged; the message names its file.
        """
        for folder in sorted(path for path in self.directory.iterdir() if path.is_dir()):
            if (folder / DOCUMENT).is_file():
                result = load_result(folder)
                yield Outcome(result.experiment, result, folder=folder.name)
            elif (folder / FAILURE).is_file():
                yield _failure(folder / FAILURE)

    def results(self) -> tuple[Result, ...]:
        """Return all results.

        Raises
        ------
        FileNotFoundError
            If the directory does not exist or holds no run.
        ValueError
            If one is damaged.
        """
        return tuple(run.result for run in self.outcomes() if run.result is not None)

    def outcomes(self) -> tuple[Outcome, ...]:
        """Return all outcomes; the single one of a folder that holds just one result.

        Raises
        ------
        FileNotFoundError, ValueError
            As `results` does.
        """
        if (self.directory / DOCUMENT).is_file() or self.directory.is_file():
            result = load_result(self.directory)
            return (Outcome(result.experiment, result),)
        if not self.directory.is_dir():
            raise FileNotFoundError(f"{self.directory}: no such directory of runs")
        found = tuple(self)
        if not found:
            raise FileNotFoundError(f"{self.directory}: holds no runs")
        return found


def _failure(path: Path) -> Outcome:
    content = read_document(path, FORMAT, VERSION)
    try:
        experiment = Experiment.from_plain(content["experiment"])
        return Outcome(experiment, None, str(content["message"]), folder=path.parent.name)
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: damaged: {error}") from None


def _digest(path: str) -> str:
    """Return the hash of a file's content, or of a pipe's that was read."""
    status = Path(path).stat() if path != STDIN else None
    modified = (0, 0) if status is None else (status.st_size, status.st_mtime_ns)
    return _digest_of(path, *modified)


@lru_cache(maxsize=64)
def _digest_of(path: str, size: int, modified: int) -> str:
    """Return the hash; `size` and `modified` tell when to read it again."""
    return f"sha256:{fingerprint(path)}"
