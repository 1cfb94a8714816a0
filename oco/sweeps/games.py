"""Games of many experiments in a row: those on one stream read and make it once."""

from __future__ import annotations

import inspect
from dataclasses import replace

from oco.experiment import Experiment
from oco.experiment.game import Game, set_up
from oco.experiment.lookup import KNOWN_AS, resolve
from oco.losses import STREAMS, Stream

__all__ = ["game_of"]

# Options that a stream never takes.
LEARNER_ONLY = {
    "algorithm": "",
    "k": None,
    "lr": None,
    "delta": None,
    "checkpoints": 1,
    "prefix_regret": False,
    "gap": 1.0,
}
# The last stream, with the options that made it: one, for a stream may keep 256 MB of features.
_last: list[tuple[Experiment, Stream]] = []


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
    likeness = experiment.replace(**LEARNER_ONLY)
    if _last and _last[0][0] == likeness:
        stream = _last[0][1]
        game = set_up(experiment, {"stream": stream})
        return replace(game, ignored=_without_stream_s(experiment, game.ignored))
    _last.clear()
    game = set_up(experiment)
    # An adaptive stream may remember what it answered.
    if not game.stream.adaptive:
        _last.append((likeness, game.stream))
    return game


def _without_stream_s(experiment: Experiment, names: tuple[str, ...]) -> tuple[str, ...]:
    factory = resolve("stream", experiment.stream, STREAMS)
    if isinstance(factory, Stream):
        return names
    taken = {KNOWN_AS.get(name, name) for name in inspect.signature(factory).parameters}
    return tuple(name for name in names if name not in taken)
