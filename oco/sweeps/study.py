"""A study: a TOML file that says which experiments to run, validated whole before any runs.

``[experiment]`` holds the options that all experiments share, each ``[[grid]]`` (or a single
``[grid]``) those that vary: every combination of its lists is an experiment.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oco import checks
from oco.algorithms import ALGORITHMS
from oco.experiment import Experiment
from oco.experiment.takers import taken
from oco.kinds import POSITIVE
from oco.losses import LOSSES, STREAMS
from oco.notations import MOST_NUMBERS, log_grid
from oco.options import OPTIONS, checked
from oco.sweeps.games import game_of

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

__all__ = ["Study", "parse_study", "read_study"]


@dataclass(frozen=True)
class Study:
    """What a study asks for.

    Attributes
    ----------
    title : str
        What it is about.
    experiments : tuple of Experiment
        All different, in the order of the file.
    """

    title: str
    experiments: tuple[Experiment, ...]


@dataclass(frozen=True)
class _Setting:
    """A value of an option, and the path of the key that gave it."""

    where: str
    value: object


def read_study(path: str | os.PathLike[str], *, rehearse: bool = True) -> Study:
    """Read a study from a TOML file.

    Parameters
    ----------
    path : str or path-like
    rehearse : bool
        Whether to make, once, what each experiment plays, and so to call what its import strings
        name; their modules are imported in any case, to see which options they take.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TypeError, ValueError
        If anything in it is wrong, down to what a learner asks of a stream; the message starts
        with the file and the path of the key.
    """
    path = Path(path)
    try:
        # Editors on Windows begin a file with a byte order mark, which TOML has no place for.
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such study") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read ({error})") from None
    try:
        return parse_study(text, path.stem, rehearse=rehearse)
    except (ValueError, TypeError, FileNotFoundError) as error:
        raise type(error)(f"{path}: {error}") from None


def parse_study(text: str, default_title: str = "study", *, rehearse: bool = True) -> Study:
    r"""Return the study that a TOML text describes.

    Parameters
    ----------
    text : str
        With the keys ``title``, ``[experiment]`` and ``[grid]`` or ``[[grid]]``.
    default_title : str
        Where it has none.
    rehearse : bool
        As of `read_study`.

    Raises
    ------
    TypeError, ValueError
        As `read_study` does, without the file.

    Examples
    --------
    >>> study = parse_study('''
    ... [experiment]
    ... d = 10
    ... T = 100
    ... [grid]
    ... algorithm = ["ogd", "s-adagrad"]
    ... k = [3, 5]
    ... seed = { count = 2 }
    ... ''')
    >>> len(study.experiments)
    6
    >>> parse_study("[experiment]\nalgorithm = 'ogd'\nlr = -1")
    Traceback (most recent call last):
    ...
    ValueError: experiment.lr: expected a finite number > 0, got -1
    """
    try:
        content = tomllib.loads(text)
    # Also for an integer of too many digits, and for brackets within brackets without end.
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a TOML file: {error}") from None
    _require_known("", content, ["title", "experiment", "grid"])
    title = content.get("title", default_title)
    if not isinstance(title, str):
        raise TypeError(f"title: expected a text, got {title!r}")
    shared = _shared(_table("experiment", content.get("experiment", {})))
    used: set[str] = set()
    experiments: dict[str, Experiment] = {}
    settled: set[str] = set()
    for settings in _combinations(shared, content.get("grid", {})):
        experiment = _experiment(settings, used, settled, rehearse)
        experiments.setdefault(repr(experiment.plain()), experiment)
    _require_used(shared, content.get("grid", {}), used)
    return Study(title, tuple(experiments.values()))


def _shared(table: Mapping) -> dict[str, _Setting]:
    _require_known("experiment.", table, OPTIONS)
    return {
        name: _Setting(f"experiment.{name}", checked(name, value, f"experiment.{name}"))
        for name, value in table.items()
    }


def _combinations(shared: dict[str, _Setting], grids) -> Iterator[dict[str, _Setting]]:
    """Iterate over the settings of each experiment."""
    for where, grid in _tables(grids):
        _require_known(f"{where}.", grid, OPTIONS)
        axes = [[(name, s) for s in _axis(where, name, grid[name])] for name in grid]
        count = math.prod(len(axis) for axis in axes)
        if count > MOST_NUMBERS:
            raise ValueError(f"{where}: expected at most {MOST_NUMBERS} experiments, got {count}")
        for chosen in itertools.product(*axes):
            yield {**shared, **dict(chosen)}


def _tables(grids) -> Iterator[tuple[str, Mapping]]:
    if isinstance(grids, list):
        if not grids:
            raise ValueError("grid: expected at least one table, got []")
        for i, grid in enumerate(grids):
            yield f"grid[{i}]", _table(f"grid[{i}]", grid)
    else:
        yield "grid", _table("grid", grids)


def _axis(where: str, name: str, values) -> list[_Setting]:
    path = f"{where}.{name}"
    if isinstance(values, dict):
        values = _range(path, name, values)
    if not isinstance(values, list) or not values:
        raise ValueError(f"{path}: expected a list of values to try, got {values!r}")
    return [
        _Setting(f"{path}[{i}]", checked(name, value, f"{path}[{i}]"))
        for i, value in enumerate(values)
    ]


def _range(path: str, name: str, table: Mapping) -> list:
    """Return the values of ``{count = 5}`` seeds or ``{from = 1e-3, to = 1, count = 7}`` rates."""
    if name == "seed":
        _require_known(f"{path}.", table, ["from", "count"])
        first = checks.whole(f"{path}.from", table.get("from", 0), low=0)
        return list(range(first, first + _count(path, table)))
    if OPTIONS[name].kind is not POSITIVE:
        raise ValueError(f"{path}: expected a list of values to try, got a table")
    _require_known(f"{path}.", table, ["from", "to", "count"])
    low, high = (checks.number(f"{path}.{end}", table.get(end), above=0) for end in ("from", "to"))
    return list(log_grid(low, high, _count(path, table)))


def _count(path: str, table: Mapping) -> int:
    return checks.whole(f"{path}.count", table.get("count"), low=1, high=MOST_NUMBERS)


def _experiment(
    settings: dict[str, _Setting], used: set[str], settled: set[str], rehearse: bool
) -> Experiment:
    """Return an experiment with the options that something in it takes, once it is found valid."""
    given: dict[str, Any] = {name: setting.value for name, setting in settings.items()}
    if "algorithm" not in given:
        raise ValueError("experiment.algorithm: not given, and no grid lists any")
    try:
        takes = taken(given)
        used |= {settings[name].where for name in given if name in takes}
        experiment = Experiment(**{name: given[name] for name in given if name in takes})
        likeness = _likeness(experiment)
        if likeness not in settled and (rehearse or _built_in(experiment)):
            game_of(experiment)
            settled.add(likeness)
    except (ValueError, TypeError, FileNotFoundError, MemoryError) as error:
        raise _located(error, settings) from None
    return experiment


def _built_in(experiment: Experiment) -> bool:
    return (
        experiment.algorithm in ALGORITHMS
        and experiment.stream in STREAMS
        and experiment.loss in (None, *LOSSES)
    )


def _likeness(experiment: Experiment) -> str:
    """Return what experiments share of which all are valid where one is."""
    options = experiment.plain()
    for name, value in options.items():
        if OPTIONS[name].interchangeable:
            options[name] = value is not None
    return repr(options)


def _located(error: Exception, settings: dict[str, _Setting]) -> Exception:
    """Return the error with the path of the key that it is about."""
    option, _, problem = str(error).partition(":")
    varied = {n: s for n, s in settings.items() if s.where.startswith("grid")}
    which = ", ".join(f"{name} = {setting.value!r}" for name, setting in varied.items())
    context = f" (in the experiment with {which})" if which else ""
    kind = type(error) if isinstance(error, ValueError | TypeError) else ValueError
    if option in settings:
        return kind(f"{settings[option].where}:{problem}{context}")
    if option in OPTIONS:
        return kind(f"experiment.{option}:{problem}{context}")
    return kind(f"{error}{context}")


def _require_used(shared: dict[str, _Setting], grids, used: set[str]) -> None:
    """Refuse keys that no learner, stream or domain of the study takes."""
    paths = [setting.where for setting in shared.values()]
    paths += [f"{where}.{name}" for where, grid in _tables(grids) for name in grid]
    for path in paths:
        prefix = f"{path}["
        if path not in used and not any(found.startswith(prefix) for found in used):
            raise ValueError(f"{path}: no learner, stream or domain of the study takes it")


def _require_known(where: str, table: Mapping, names) -> None:
    for name in table:
        if name not in names:
            near = checks.closest(name, names)
            raise ValueError(f"{where}{name}: unknown key{near} (known: {', '.join(names)})")


def _table(where: str, value) -> Mapping:
    if not isinstance(value, dict):
        raise TypeError(f"{where}: expected a table, got {value!r}")
    return value
