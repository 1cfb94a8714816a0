"""What becomes of one experiment: a result, or the message of what stopped it."""

from __future__ import annotations

from dataclasses import dataclass

from oco.experiment import Experiment, perform
from oco.results import Result
from oco.sweeps.games import game_of

__all__ = ["Outcome", "attempt", "typed_message"]


@dataclass(frozen=True)
class Outcome:
    """What became of an experiment.

    Attributes
    ----------
    experiment : Experiment
        What was to be run.
    result : Result or None
        What happened; None if there is none.
    message : str
        What stopped it; empty if nothing did.
    folder : str or None
        Name of the folder that it was read from in a directory of runs.
    """

    experiment: Experiment
    result: Result | None
    message: str = ""
    folder: str | None = None

    @property
    def finished(self) -> bool:
        """Whether there is a result that running it again would only repeat."""
        return self.result is not None and self.result.summary.status != "interrupted"

    @property
    def fault(self) -> str:
        """What is wrong with it, in one line; empty if nothing is."""
        if self.result is None:
            return self.message
        summary = self.result.summary
        if summary.status != "complete":
            return f"{summary.status}: {summary.message}"
        if summary.violated:
            return f"the regret rose above the bounds: {', '.join(summary.violated)}"
        return ""


def attempt(experiment: Experiment, partly: bool = True) -> Outcome:
    """Run an experiment, or what Ctrl-C leaves of it; whatever goes wrong becomes a message.

    Examples
    --------
    >>> attempt(Experiment("ogd", d=2, T=10)).finished
    True
    >>> attempt(Experiment("s-adagrad", d=2, k=9, T=10)).message
    'ValueError: k: expected an integer from 2 to 3, got 9'
    """
    try:
        return Outcome(experiment, perform(game_of(experiment), partly=partly))
    except Exception as error:
        return Outcome(experiment, None, typed_message(error))


def typed_message(error: BaseException) -> str:
    """Return an exception's type and message on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
