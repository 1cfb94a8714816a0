"""One pass over a file: log loss and wrong signs up to each checkpoint, and the last point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from oco.algorithms import MirrorDescent
from oco.experiment import Experiment
from oco.linalg.rounding import running_sums
from oco.simulator import log_checkpoints, play
from oco.sweeps.games import game_of

__all__ = ["Pass", "passed", "wrong_signs"]


@dataclass(frozen=True, eq=False)
class Pass:
    """What one pass over a file came to.

    Attributes
    ----------
    t : ndarray of shape (c,)
        Checkpoints; the last is the last round that was played.
    log_loss : ndarray of shape (c,)
        Cumulative loss up to each.
    wrong : ndarray of shape (c,)
        In how many of the rounds up to each the sign of the prediction was wrong; no prediction, 0,
        is wrong.
    x : ndarray of shape (d,)
        The last point.
    message : str
        What stopped it; empty if nothing did.
    """

    t: np.ndarray
    log_loss: np.ndarray
    wrong: np.ndarray
    x: np.ndarray
    message: str

    @property
    def average_loss(self) -> float:
        """Log loss a round."""
        return float(self.log_loss[-1] / self.t[-1])

    @property
    def error(self) -> float:
        """Fraction of wrong signs."""
        return float(self.wrong[-1] / self.t[-1])


def passed(experiment: Experiment) -> Pass:
    """Play an experiment once, from its start."""
    game = game_of(experiment)
    t = log_checkpoints(game.stream.T, experiment.checkpoints)
    played = play(game.learner, game.loss, game.stream, checkpoints=t).unless_interrupted()
    errors = (played.margins * played.labels <= 0).astype(np.float64)
    return Pass(
        t=played.checkpoints,
        log_loss=played.cumulative_loss,
        wrong=running_sums(errors, played.checkpoints)[0].astype(np.int64),
        x=np.array(cast(MirrorDescent, game.learner).x),
        message=played.message,
    )


def wrong_signs(experiment: Experiment, x: np.ndarray) -> float:
    """Return the fraction of an experiment's rounds in which one point has the wrong sign."""
    stream = game_of(experiment).stream
    wrong = sum(int(np.sum((features @ x) * labels <= 0)) for features, labels in stream.chunks())
    return wrong / stream.T
