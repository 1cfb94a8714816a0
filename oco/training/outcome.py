"""What a training came to, as plain data: its summary at the end and its curves over the steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oco.archives import require_shape
from oco.results.records import Record
from oco.training.settings import Training

__all__ = ["COMPLETE", "DIVERGED", "FAILED", "Curves", "Outcome", "Summary", "curves"]

COMPLETE, DIVERGED, FAILED = "complete", "diverged", "failed"


@dataclass(frozen=True, eq=False)
class Curves(Record):
    """Loss and accuracy over the steps: arrays with one entry an evaluation.

    Attributes
    ----------
    step : ndarray of int
        Steps taken; the first is 0.
    train_loss, validation_loss : ndarray
        Mean of −log(probability of the right class), in nats, over all examples to learn from and
        over those held out.
    train_accuracy, validation_accuracy : ndarray
        Fraction classified correctly.
    """

    step: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    validation_loss: np.ndarray
    validation_accuracy: np.ndarray


@dataclass(frozen=True, eq=False)
class Summary(Record):
    """What a training came to.

    Attributes
    ----------
    status : {"complete", "diverged", "failed"}
        ``"diverged"`` if the last training loss is above the first, ``"failed"`` if it stopped
        being a number or something else went wrong.
    message : str
        What went wrong, and at which step; empty if nothing did.
    steps : int
        Begun: the last of a training that failed may not have been taken.
    train_loss, train_accuracy, validation_loss, validation_accuracy : float or None
        After the last step; see `Curves`.  None if it failed.
    best_validation_loss : float or None
        The least that was measured.
    best_step : int or None
        Where.
    skipped : int
        How often a parameter was left as it was, its gradient not being finite.
    parameters : int
        Numbers that are learnt.
    second_moment_bytes, state_bytes : int
        Memory for the optimizer's second moments, and for all that it keeps.
    seconds, seconds_per_step : float
        Time spent on gradients and steps, without the evaluations.
    """

    status: str
    message: str = ""
    steps: int = 0
    train_loss: float | None = None
    train_accuracy: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    best_validation_loss: float | None = None
    best_step: int | None = None
    skipped: int = 0
    parameters: int = 0
    second_moment_bytes: int = 0
    state_bytes: int = 0
    seconds: float = 0.0
    seconds_per_step: float = 0.0


@dataclass(frozen=True, eq=False)
class Outcome(Record):
    """A training and what it came to.

    Attributes
    ----------
    training : Training
    summary : Summary
    curves : Curves
    """

    training: Training
    summary: Summary
    curves: Curves

    @property
    def complete(self) -> bool:
        """Whether it came to an end worth comparing."""
        return self.summary.status == COMPLETE

    def without_timings(self) -> Outcome:
        """Return a copy with every time set to 0: what two runs of one training agree in."""
        return self.replace(summary=self.summary.replace(seconds=0.0, seconds_per_step=0.0))


def curves(arrays: dict[str, np.ndarray]) -> Curves:
    """Return the curves of these arrays, as they were saved.

    Raises
    ------
    LookupError, TypeError, ValueError
        If one is missing or unknown, or is not one number an evaluation.
    """
    for name, array in arrays.items():
        kind = "i" if name == "step" else "f"
        require_shape(f"curves.{name}", array, (len(arrays["step"]),), kind)
    return Curves(**arrays)
