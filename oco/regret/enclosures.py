"""Sums of losses, known to within a proven error: the arithmetic behind "certified".

docs/theory.md, *Rounding*, states and proves what is computed here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco.linalg.rounding import ABOVE, running_sums

__all__ = ["Totals", "above", "below", "running_losses"]


@dataclass(frozen=True)
class Totals:
    """Numbers that are known to within an error.

    Attributes
    ----------
    value : ndarray of shape (c,)
        As computed.
    error : ndarray of shape (c,)
        The exact numbers are at most this far away; not finite where nothing is known.
    """

    value: np.ndarray
    error: np.ndarray

    @property
    def lower(self) -> np.ndarray:
        """What the exact numbers are at least."""
        return np.where(np.isfinite(self.error), below(self.value - self.error), -np.inf)

    @property
    def upper(self) -> np.ndarray:
        """What the exact numbers are at most."""
        return np.where(np.isfinite(self.error), above(self.value + self.error), np.inf)


def below(difference):
    """Return a number below what one operation rounded to `difference`; 0 is exact."""
    return np.where(difference == 0, difference, np.nextafter(difference, -math.inf))[()]


def above(difference):
    """Return a number above what one operation rounded to `difference`; 0 is exact."""
    return np.where(difference == 0, difference, np.nextafter(difference, math.inf))[()]


def running_losses(loss, z: np.ndarray, y: np.ndarray, doubt, checkpoints) -> Totals:
    """Return Σ_{s≤t} φ(⟨a_s, x_s⟩, y_s) at each checkpoint t.

    Parameters
    ----------
    loss : Loss
        φ.
    z : ndarray of shape (n,) or (n, c)
        The predictions ⟨a_s, x_s⟩ as computed.
    y : ndarray of shape (n,)
        Labels.
    doubt : ndarray of shape (n,)
        How far the predictions may be off: see `Rounds.prediction_doubt`.
    checkpoints : sequence of int
        Numbers of rounds, from 0 to n, in any order.
    """
    checkpoints = np.asarray(checkpoints, dtype=np.int64)
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.asarray(loss.value(z, y), dtype=np.float64)
        errors = np.r_[0.0, np.cumsum(loss.error(z, y, doubt))][checkpoints] * ABOVE
        sums, rounding = running_sums(values, checkpoints)
        return Totals(sums, errors + rounding)
