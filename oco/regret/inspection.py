"""Whether a loss is what a certificate takes it for: convex, with slopes that are slopes of it."""

from __future__ import annotations

from types import EllipsisType

import numpy as np

from oco.linalg.rounding import ABOVE, UNIT
from oco.losses.loss import ASSUMED
from oco.regret.minorants import inner

__all__ = ["LossError", "require_convex"]

# How many rounds are looked at, spread evenly over the play.
SAMPLE = 1000
# At which distances from a prediction the loss is looked at, relative to 1 + |z|: far ones show a
# loss that bends the wrong way, near ones a slope that is off by a thousandth.
STEPS = 1.0, 1e-2, 1e-4, 1e-6


class LossError(ValueError):
    """The loss contradicts itself: it is not convex, or its slopes or minorants are none of it."""


def require_convex(loss, z, others, y, reach, recorded=None) -> None:
    """Look for pairs of predictions at which φ(w) ≥ φ(z) + ⟨φ'(z), w − z⟩ fails.

    Parameters
    ----------
    loss : Loss
        φ.
    z : ndarray of shape (n,) or (n, c)
        Predictions, of which a sample is taken.
    others : ndarray as `z`
        Other predictions: w is one of them, or near z.
    y : ndarray of shape (n,)
        Labels, of z.
    reach : ndarray of shape (n,)
        How large predictions can be in each round: what the loss is beyond them does not matter.
    recorded : ndarray of shape (n,), optional
        φ(z, y) as it was in the rounds; it must be so again.

    Raises
    ------
    LossError
        With the label and the predictions, if the inequality fails by more than rounding, in either
        direction, or a minorant that the loss offers lies above it.
    """
    chosen = np.unique(np.linspace(0, len(z) - 1, SAMPLE).astype(np.intp))
    partner = np.random.default_rng(0).permutation(len(z))[: len(chosen)]
    z, y, far, reach = z[chosen], y[chosen], others[partner], reach[chosen]
    reach = reach if z.ndim == 1 else reach[:, None]
    with np.errstate(all="ignore"):
        here = _At(loss, z, y)
        if recorded is not None:
            _require_same(loss, here, recorded[chosen])
        for w in (others[chosen], far, *_near(z)):
            there = _At(loss, np.clip(w, -reach, reach), y)
            _require_above(loss, here, there)
            _require_above(loss, there, here)


class _At:
    """A loss at some predictions: values, slopes, what both may be off by, and a minorant."""

    def __init__(self, loss, z, y) -> None:
        self.z, self.y = z, y
        self.value = np.asarray(loss.value(z, y), dtype=np.float64)
        self.slope = np.asarray(loss.derivative(z, y), dtype=np.float64)
        # What is computed as the slope at z may be the slope at a point this near to z.
        near = ASSUMED * (np.abs(z) if z.ndim == 1 else np.max(np.abs(z), axis=1))
        self.error = loss.error(z, y, near) * ABOVE
        self.minorant = None if loss.minorant is None else loss.minorant(self.slope, y)


def _near(z: np.ndarray):
    """Yield predictions next to z, on either side; vectors in one of their entries."""
    which: EllipsisType | tuple[np.ndarray, np.ndarray] = ...
    if z.ndim > 1:
        which = np.arange(len(z)), np.arange(len(z)) % z.shape[1]
    for step in STEPS:
        for sign in (-step, step):
            w = z.copy()
            w[which] += sign * (1.0 + np.abs(z[which]))
            yield w


def _require_same(loss, here: _At, recorded: np.ndarray) -> None:
    bad = np.flatnonzero(~(np.abs(here.value - recorded) <= 2 * here.error))
    if len(bad):
        i = bad[0]
        raise LossError(
            f"loss: {loss.name!r} gave {recorded[i]:.9g} in the round and now {here.value[i]:.9g} "
            f"for the same prediction {here.z[i]} and label {here.y[i]:g}: its value is no "
            "function of the two"
        )


def _require_above(loss, here: _At, there: _At) -> None:
    """Raise a `LossError` where the loss at `there` is below its tangent or minorant at `here`."""
    step = there.z - here.z
    rise = inner(here.slope, step)
    size = inner(np.abs(here.slope), np.abs(here.z) + np.abs(there.z))
    rounding = here.error + there.error + 4 * (ASSUMED + _terms(step) * UNIT) * size
    short = here.value + rise - there.value
    bad = np.flatnonzero(short > rounding)
    if len(bad):
        i = bad[0]
        raise LossError(
            f"loss: {loss.name!r} is not convex, or its derivative is no slope of it: with label "
            f"{here.y[i]:g} it is {here.value[i]:.9g} at {here.z[i]} with slope {here.slope[i]}, "
            f"and {there.value[i]:.9g} at {there.z[i]}, which is {short[i]:.3g} too little"
        )
    if here.minorant is None:
        return
    offset, doubt = here.minorant
    longest = np.abs(there.z) if there.z.ndim == 1 else np.linalg.norm(there.z, axis=1)
    short = inner(here.slope, there.z) + offset - doubt * longest - there.value
    bad = np.flatnonzero(short > rounding)
    if len(bad):
        i = bad[0]
        raise LossError(
            f"loss: the minorant of {loss.name!r} with slope {here.slope[i]} and label "
            f"{here.y[i]:g} lies {short[i]:.3g} above its value {there.value[i]:.9g} at "
            f"{there.z[i]}"
        )


def _terms(step: np.ndarray) -> int:
    return 1 if step.ndim == 1 else step.shape[1]
