"""The regret of a play at every checkpoint, as intervals that are certain to hold it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from oco.checks import known
from oco.experiment.game import Game
from oco.experiment.phases import BEST, PREFIXES, SEQUENCE, Watch, unwatched
from oco.losses import Recorded
from oco.losses.functions import Linear
from oco.regret import (
    Comparator,
    Switching,
    Totals,
    above,
    below,
    best_fixed_point,
    best_switching,
    linear_minima,
    losses_of,
    require_convex,
    rounds_of,
    running_losses,
)
from oco.results import DynamicRegret, Interval
from oco.simulator import Play

__all__ = [
    "Certification",
    "Prefixes",
    "certify",
    "certify_dynamic",
    "certify_prefixes",
    "unmoved_losses",
]


@dataclass(frozen=True)
class Prefixes:
    """The regret against the best point of the rounds so far, at each checkpoint.

    Attributes
    ----------
    lo, hi : ndarray of shape (c,)
        It lies between these.
    lengths : ndarray of shape (c,)
        ‖x̂_t‖ of each checkpoint's best point; 0 where K is bounded, and it does not matter.
    """

    lo: np.ndarray
    hi: np.ndarray
    lengths: np.ndarray


@dataclass(frozen=True)
class Certification:
    """What is known about the regret.

    Attributes
    ----------
    comparator : Comparator or None
        x̂; None if there is nothing to compare with.
    played : ndarray of shape (c,)
        Σ_{s≤t} f_s(x_s) at each checkpoint, as computed in the rounds.
    incurred, paid : Totals
        The same with what rounding may have done to it, and Σ_{s≤t} f_s(x̂); NaN without x̂.
    prefixes : Prefixes or None
        What is known of the best points of the rounds so far.
    """

    comparator: Comparator | None
    played: np.ndarray
    incurred: Totals
    paid: Totals
    prefixes: Prefixes | None = None

    @classmethod
    def missing(cls, play: Play) -> Certification:
        """Return what is known without a comparator: nothing."""
        nothing = np.full(len(play.checkpoints), np.nan)
        return cls(None, play.cumulative_loss, Totals(nothing, nothing), Totals(nothing, nothing))

    def with_prefixes(self, prefixes: Prefixes | None) -> Certification:
        """Return a copy that knows the intervals of the prefixes."""
        return replace(self, prefixes=prefixes)

    @property
    def regret(self) -> np.ndarray:
        """The regret against the final x̂ at each checkpoint, as computed."""
        return self.played - self.paid.value

    @property
    def interval(self) -> Interval | None:
        """The regret after the last round."""
        return self.regret_of(self.incurred)

    def regret_of(self, losses: Totals) -> Interval | None:
        """Return what a play with these total losses would have regretted, None without x̂."""
        if self.comparator is None:
            return None
        return _interval(losses.lower[-1], losses.upper[-1], self.comparator)

    @property
    def checked(self) -> int:
        """At how many checkpoints the regret against every point of K is known."""
        if self.comparator is None:
            return 0
        return 1 if self.prefixes is None else len(self.played)

    def intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what a bound is held against at each checkpoint, as (lo, hi).

        `lo` is at most the regret against the final x̂, which any bound must cover, and against the
        prefix's own best point where that is known.  `hi` is at least the regret against any point
        of K: after the last round, and where the prefix's best point is known; NaN elsewhere, and
        without x̂ both are.
        """
        hi = np.full(len(self.played), np.nan)
        if self.comparator is None:
            return hi, hi
        lo = below(self.incurred.lower - self.paid.upper)
        if self.prefixes is not None:
            lo, hi = np.fmax(lo, self.prefixes.lo), self.prefixes.hi.copy()
        last = known("regret", self.interval)
        lo[-1], hi[-1] = last.lo, last.hi
        return lo, hi


def certify(game: Game, play: Play, recorded: Recorded, watch: Watch = unwatched) -> Certification:
    """Find the best fixed point of all rounds played, and what it paid by each checkpoint.

    Raises
    ------
    LossError
        If the loss is found not to be convex along the play, or its derivative no slope of it.
    """
    data, loss, t = rounds_of(recorded, play.rounds), game.loss, play.checkpoints
    doubt = data.prediction_doubt(play.lengths)
    radius = game.domain.radius(data.d)
    reach = data.norms * radius if math.isfinite(radius) else np.full(len(data), math.inf)
    require_convex(loss, play.margins, play.margins, play.labels, reach, play.losses)
    incurred = running_losses(loss, play.margins, play.labels, doubt, t)
    comparator = _best(game, data, play.rounds, float(incurred.value[-1]), watch)
    predictions, paid = losses_of(loss, comparator.x, data, t)
    require_convex(loss, play.margins, predictions, play.labels, reach)
    return Certification(comparator, play.cumulative_loss, incurred, paid)


def certify_prefixes(
    game: Game,
    play: Play,
    recorded: Recorded,
    watch: Watch,
    incurred: Totals,
) -> Prefixes:
    """Return the regret against each prefix's own best fixed point, from what was incurred."""
    t, total = play.checkpoints, len(play.checkpoints)
    if isinstance(game.loss, Linear):
        # In closed form.
        least = linear_minima(game.domain, rounds_of(recorded, play.rounds), t)
        lo, hi = below(incurred.lower - least.upper), above(incurred.upper - least.lower)
        return Prefixes(lo, hi, np.zeros(total))
    regrets: list[Interval] = []
    sizes: list[float] = []
    sums = zip(t, incurred.value, incurred.lower, incurred.upper, strict=True)
    for stop, value, lower, upper in sums:
        watch(PREFIXES, done=len(regrets), total=total)
        best = _best(game, recorded, int(stop), float(value))
        regrets.append(_interval(lower, upper, best))
        sizes.append(0.0 if game.domain.bounded else float(np.linalg.norm(best.x)))
    watch(PREFIXES, done=total, total=total)
    lo, hi = (np.array([getattr(regret, end) for regret in regrets]) for end in ("lo", "hi"))
    return Prefixes(lo, hi, np.array(sizes))


def certify_dynamic(
    game: Game, play: Play, recorded: Recorded, watch: Watch, incurred: Totals
) -> DynamicRegret:
    """Return the regret against the best sequence with as many switches as the experiment says."""
    watch(SEQUENCE)
    found = best_switching(
        game.loss,
        game.domain,
        recorded,
        known("dynamic", game.experiment.dynamic),
        rounds=play.rounds,
        incurred=float(incurred.value[-1]),
        relative_gap=game.experiment.gap,
        progress=lambda gap, target: watch(SEQUENCE, gap=gap, target=target),
    )
    watch(SEQUENCE, done=1, total=1)
    return DynamicRegret(
        switches=found.switches,
        regret=_interval(incurred.lower[-1], incurred.upper[-1], found),
        loss=found.upper,
        lower=found.lower,
        times=found.times,
        segments=found.segments,
        blocks=found.blocks,
    )


def unmoved_losses(game: Game, play: Play, recorded: Recorded, watch: Watch = unwatched) -> Totals:
    """Return Σ f_t(x_1), what never moving would have cost over the rounds played."""
    last = [play.rounds]
    if game.start.any():
        return losses_of(game.loss, game.start, rounds_of(recorded, play.rounds), last)[1]
    # At the origin every prediction is exactly 0: no pass over the features.
    exact = np.zeros(play.rounds)
    return running_losses(game.loss, np.zeros(play.margins.shape), play.labels, exact, last)


def _best(
    game: Game, rounds_source, rounds: int, incurred: float, watch: Watch = unwatched
) -> Comparator:
    watch(BEST)
    found = best_fixed_point(
        game.loss,
        game.domain,
        rounds_source,
        rounds=rounds,
        incurred=incurred,
        relative_gap=game.experiment.gap,
        progress=lambda gap, target: watch(BEST, gap=gap, target=target),
    )
    watch(BEST, done=1, total=1)
    return found


def _interval(least: float, most: float, comparator: Comparator | Switching) -> Interval:
    """Return the regret of a play whose total loss lies between `least` and `most`."""
    return Interval(float(below(least - comparator.upper)), float(above(most - comparator.lower)))
