"""Games of many experiments in a row: those on one stream read and make it once."""

from __future__ import annotations

import os

from oco.experiment import Experiment
from oco.experiment.game import Game, set_up
from oco.experiment.takers import refuse_untaken, taken
from oco.losses import Stream
from oco.results.experiment import given_options, setting

__all__ = ["game_of"]

# The last stream, with the options that made it: one, for a stream may keep 256 MB of features.
_last: list[tuple[dict, Stream]] = []


def game_of(experiment: Experiment) -> Game:
    """Make what will play, on the stream of the experiment before if the options agree.

    Parameters
    ----------
    experiment : Experiment

    Raises
    ------
    TypeError, ValueError, FileNotFoundError
        As `oco.experiment.prepare` does.

    Examples
    --------
    >>> a, b = (game_of(Experiment("ogd", d=2, T=10, lr=lr)) for lr in (0.1, 0.2))
    >>> a.stream is b.stream, a.learner is b.learner
    (True, False)
    """
    given = given_options(experiment)
    refuse_untaken(given, taken(given))
    likeness = setting(experiment) | {"files": _files(experiment)}
    if _last and _last[0][0] == likeness:
        return set_up(experiment, {"stream": _last[0][1]})
    _last.clear()
    game = set_up(experiment)
    # An adaptive stream may remember what it answered.
    if not game.stream.adaptive:
        _last.append((likeness, game.stream))
    return game


def _files(experiment: Experiment) -> list[tuple]:
    """Return what tells whether the files are still those that were read.

    A name alone does not: the file may have been written again, or the name lead elsewhere from
    another directory.
    """
    found = []
    for name in (experiment.data, experiment.labels):
        if name is not None and os.path.isfile(name):
            status = os.stat(name)
            found.append((os.path.realpath(name), status.st_size, status.st_mtime_ns))
    return found
