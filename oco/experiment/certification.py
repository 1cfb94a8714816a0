"""The regret of a play at every checkpoint, as intervals that are certain to hold it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from oco.experiment.game import Game
from oco.experiment.phases import BEST, PREFIXES, Watch, unwatched
from oco.losses import Recorded
from oco.regret import Comparator, best_fixed_point, cumulative_losses
from oco.results import Interval
from oco.simulator import Play

__all__ = ["Certification", "certify", "certify_prefixes", "unmoved_loss"]


@dataclass(frozen=True)
class Certification:
    """What is known about the regret.

    Attributes
    ----------
    comparator : Comparator or None
        x̂; None if there is nothing to compare with.
    comparator_loss : ndarray of shape (c,)
        Σ_{s≤t} f_s(x̂) at each checkpoint; NaN without x̂.
    incurred : ndarray of shape (c,)
        Σ_{s≤t} f_s(x_s).
    prefixes : tuple of two ndarrays of shape (c,), or None
        Intervals for the regret against the best point of the rounds so far.
    """

    comparator: Comparator | None
    comparator_loss: np.ndarray
    incurred: np.ndarray
    prefixes: tuple[np.ndarray, np.ndarray] | None = None

    @classmethod
    def missing(cls, play: Play) -> Certification:
        """Return what is known without a comparator: nothing."""
        nothing = np.full(len(play.checkpoints), np.nan)
        return cls(None, nothing, play.cumulative_loss)

    def with_prefixes(self, prefixes: tuple[np.ndarray, np.ndarray] | None) -> Certification:
        """Return a copy that knows the intervals of the prefixes."""
        return replace(self, prefixes=prefixes)

    @property
    def regret(self) -> np.ndarray:
        """The regret against the final x̂ at each checkpoint."""
        return self.incurred - self.comparator_loss

    @property
    def interval(self) -> Interval | None:
        """The regret after the last round."""
        return None if self.comparator is None else _interval(self.incurred[-1], self.comparator)

    def intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what a bound is held against at each checkpoint, as (lo, hi).

        At the last one, the certified interval.  Before, the regret against the final x̂, which any
        bound must cover too, widened by the interval for the prefix's own best point, where known.
        """
        lo, hi = self.regret, self.regret.copy()
        if self.prefixes is not None:
            lo, hi = np.maximum(lo, self.prefixes[0]), np.maximum(hi, self.prefixes[1])
        if self.interval is not None:
            lo[-1], hi[-1] = self.interval.lo, self.interval.hi
        return lo, hi


def certify(game: Game, play: Play, recorded: Recorded, watch: Watch = unwatched) -> Certification:
    """Find the best fixed point of all rounds played, and what it paid by each checkpoint."""
    comparator = _best(game, recorded, play.rounds, play.cumulative_loss[-1], watch)
    paid = cumulative_losses(game.loss, comparator.x, recorded, play.checkpoints)
    return Certification(comparator, paid, play.cumulative_loss)


def certify_prefixes(
    game: Game, play: Play, recorded: Recorded, watch: Watch = unwatched
) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals for the regret against each prefix's own best fixed point: (lo, hi)."""
    found, total = [], len(play.checkpoints)
    for t, incurred in zip(play.checkpoints, play.cumulative_loss, strict=True):
        watch(PREFIXES, done=len(found), total=total)
        found.append(_interval(incurred, _best(game, recorded, int(t), incurred)))
    watch(PREFIXES, done=total, total=total)
    return np.array([span.lo for span in found]), np.array([span.hi for span in found])


def unmoved_loss(game: Game, play: Play, recorded: Recorded, watch: Watch = unwatched) -> float:
    """Return Σ f_t(x_1), what never moving would have cost over the rounds played."""
    if game.start.any():
        return float(cumulative_losses(game.loss, game.start, recorded, [play.rounds])[-1])
    # At the origin every prediction is 0: no pass over the features.
    losses = game.loss.value(np.zeros(play.margins.shape), play.labels)
    return math.fsum(np.asarray(losses, dtype=np.float64))


def _best(
    game: Game, recorded: Recorded, rounds: int, incurred: float, watch: Watch = unwatched
) -> Comparator:
    watch(BEST)
    found = best_fixed_point(
        game.loss,
        game.domain,
        recorded,
        rounds=rounds,
        incurred=float(incurred),
        relative_gap=game.experiment.gap,
        progress=lambda gap, target: watch(BEST, gap=gap, target=target),
    )
    watch(BEST, done=1, total=1)
    return found


def _interval(incurred: float, comparator: Comparator) -> Interval:
    return Interval(float(incurred - comparator.value), float(incurred - comparator.lower))
