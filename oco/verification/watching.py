"""A run that is watched: what the learner plays and is told is written down on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from oco.domains import Domain
from oco.experiment import perform, prepare
from oco.experiment.takers import taken
from oco.losses import Stream
from oco.results import Result
from oco.verification.definitions import LOSSES
from oco.verification.observations import Learner

__all__ = ["Given", "Watched", "watch"]


class Given(Stream):
    """The rows and labels of a case as a stream; an adaptive one answers with the worst label."""

    name = "given"

    def __init__(self, features: np.ndarray, labels: np.ndarray, loss: str, adaptive: bool) -> None:
        # An adaptive one answers with signs.
        largest = 1.0 if adaptive else float(abs(labels).max())
        super().__init__(features.shape[1], len(features), label_bound=largest)
        self.features, self.labels, self.adaptive = features, labels, adaptive
        self.default_loss, self._value = loss, LOSSES[loss][0]

    def rows(self, start, stop):
        """Return rounds `start` to `stop`."""
        labels = np.full(stop - start, np.nan) if self.adaptive else self.labels[start:stop]
        return self.features[start:stop], labels

    def answer(self, z):
        """Return the sign that costs more."""
        return 1.0 if self._value(z, 1.0) > self._value(z, -1.0) else -1.0


@dataclass
class Watched:
    """A run and what was seen of it.

    Attributes
    ----------
    stream, loss, domain
        What was played: a_t and y_t, the name of φ, K.
    points, gradients : list of ndarray of shape (d,)
        x_t when g_t was handed over, and g_t.
    result : Result
        What the run came to.
    bound : float
        G ≥ ‖g_t‖ as the run has it.
    """

    stream: Given
    loss: str
    domain: Domain
    points: list[np.ndarray]
    gradients: list[np.ndarray]
    result: Result
    bound: float

    @property
    def labels(self) -> np.ndarray:
        """y_t; of an adaptive stream those that it had to give."""
        if not self.stream.adaptive:
            return self.stream.labels
        pairs = zip(self.stream.features, self.points, strict=True)
        return np.array([self.stream.answer(float(a @ x)) for a, x in pairs])

    def losses(self, points) -> np.ndarray:
        """Return φ(⟨a_t, x_t⟩, y_t) of each round."""
        value = LOSSES[self.loss][0]
        rounds = zip(self.stream.features, points, self.labels, strict=True)
        return np.array([value(float(a @ x), float(y)) for a, x, y in rounds])


def watch(algorithm, loss: str, domain: Domain, stream: Given, **options) -> Watched:
    """Run a learner, with the options that it takes, and write down what it plays and is told.

    Raises
    ------
    KeyboardInterrupt
        If Ctrl-C cut the run: half a run shows nothing.
    """
    points: list[np.ndarray] = []
    gradients: list[np.ndarray] = []
    options |= {"loss": loss, "domain": domain, "stream": stream}
    takes = taken({"algorithm": "", "loss": loss}, options | {"algorithm": algorithm, "loss": None})
    game = prepare(algorithm, **{name: options[name] for name in options if name in takes})
    learner = cast(Learner, game.learner)
    update = learner.update

    def recorded(g):
        points.append(np.array(learner.x))
        gradients.append(np.array(g))
        update(g)

    learner.update = recorded  # type: ignore[method-assign]  # a spy, on this one learner
    result = perform(game)
    if result.summary.status == "interrupted":
        raise KeyboardInterrupt
    return Watched(stream, loss, domain, points, gradients, result, game.gradient_bound)
