"""The ladder of bounds at every checkpoint, and whether each rung held."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from oco.bounds import Account, Rung, SpectralSums, allowance, ladder, resolve, verdict
from oco.checks import known
from oco.experiment.certification import Certification
from oco.experiment.game import Game
from oco.results import Bound
from oco.results.summary import HOLDS, NOT_CHECKED, OPEN, VIOLATED
from oco.simulator import Play
from oco.sketch.brackets import Bracket

__all__ = ["Ladder", "Spectra", "build_ladder", "diameters", "rungs"]

CODES = {True: HOLDS, None: OPEN, False: VIOLATED}
VERDICTS = {code: verdict for verdict, code in CODES.items()}


@dataclass(frozen=True)
class Spectra:
    """Eigenvalues of what the gradients sum up to; None where they were not computed.

    Attributes
    ----------
    covariance : tuple of ndarray or None
        Those of G_t at each checkpoint.
    axes : tuple of tuple of ndarray, or None
        At each checkpoint, those of Σ G_s G_sᵀ and of Σ G_sᵀ G_s for gradients that are matrices.
    brackets : tuple of Bracket or None
        At each checkpoint, what a sketch proves of G_t's.
    """

    covariance: tuple[np.ndarray | None, ...]
    axes: tuple[tuple[np.ndarray, ...] | None, ...]
    brackets: tuple[Bracket | None, ...]

    @classmethod
    def missing(cls, play: Play) -> Spectra:
        """Return what is known without computing any."""
        nothing = (None,) * len(play.checkpoints)
        return cls(nothing, nothing, nothing)

    def ends(self, i: int, k: int | None) -> tuple[SpectralSums | None, SpectralSums | None]:
        """Return the lower and the upper end of the sums over G_t at checkpoint i, if bracketed."""
        bracket = self.brackets[i]
        if bracket is None:
            return None, None
        pairs = bracket.root_trace(), bracket.largest()
        limits = bracket.escaped_mass_limit(k) if k else (None, None)
        low, high = (SpectralSums(*found) for found in zip(*pairs, limits, strict=True))
        return low, high


@dataclass(frozen=True)
class Ladder:
    """The bounds of a run.

    Attributes
    ----------
    values : dict of str to ndarray of shape (c,)
        Each rung at each checkpoint; NaN where it was not computed.
    least : dict of str to ndarray of shape (c,)
        The lower end of those that are known to lie between two numbers only, `values` being the
        upper.
    holds : dict of str to ndarray of int8
        `HOLDS`, `OPEN`, `VIOLATED` or `NOT_CHECKED` at each checkpoint.
    formulas : dict of str to str
        What each rung is.
    """

    values: dict[str, np.ndarray]
    least: dict[str, np.ndarray]
    holds: dict[str, np.ndarray]
    formulas: dict[str, str]

    def bounds(self, certification: Certification) -> tuple[Bound, ...]:
        """Return each rung after the last round, with the worst verdict of all checkpoints.

        That no violation was found where it was not checked in full does not make it worse.
        """
        regret = certification.interval
        found = []
        for name, values in self.values.items():
            value = None if np.isnan(values[-1]) else float(values[-1])
            least = float(self.least[name][-1]) if name in self.least else value
            found.append(
                Bound(
                    name=name,
                    value=value,
                    holds=VERDICTS[int(self.holds[name].min())],
                    margin=None if least is None or regret is None else least - regret.hi,
                    formula=self.formulas[name],
                    least=least if name in self.least else None,
                )
            )
        return tuple(found)


def rungs(game: Game, play: Play) -> tuple[Rung, ...]:
    """Return the bounds that the learner claims, if it gives account of itself."""
    accounted = play.rounds > 0 and play.diagnostics[-1] is not None
    return resolve(game.learner.bounds) if accounted else ()


def diameters(game: Game, play: Play, certification: Certification) -> np.ndarray:
    """Return the D of the bounds at each checkpoint.

    On an unbounded domain that is max_s ‖x_s‖ + ‖x̂‖, measured; NaN where it cannot be.
    """
    fixed = game.learner.diameter
    if fixed is None:
        fixed = game.domain.diameter(game.stream.d)
    if math.isfinite(fixed):
        return np.full(len(play.checkpoints), float(fixed))
    if certification.comparator is None or not rungs(game, play):
        return np.full(len(play.checkpoints), np.nan)
    travelled = np.array([known("diagnostics", account).travelled for account in play.diagnostics])
    length = float(np.linalg.norm(certification.comparator.x))
    if certification.prefixes is not None:
        # The bound at a checkpoint is to cover the best point of its rounds too.
        length = np.maximum(length, certification.prefixes.lengths)
    return travelled + length


def build_ladder(
    game: Game,
    play: Play,
    certification: Certification,
    diameter_at: np.ndarray,
    spectra: Spectra,
) -> Ladder:
    """Compute every rung at every checkpoint and hold the regret against it.

    Parameters
    ----------
    game, play, certification
        Who played, what happened, the regret.
    diameter_at : ndarray of shape (c,)
        D at each checkpoint.
    spectra : Spectra
        What is known of the gradients.
    """
    claimed = rungs(game, play)
    if not claimed:
        return Ladder({}, {}, {}, {})
    k = game.learner.k
    accounts = [
        Account(
            t=int(t),
            d=game.stream.d,
            k=k,
            lr=game.learner.lr,
            diameter=float(diameter_at[i]),
            gradient_bound=game.gradient_bound,
            diagnostics=known("diagnostics", play.diagnostics[i]),
            spectrum=spectra.covariance[i],
            axis_spectra=spectra.axes[i],
        )
        for i, t in enumerate(play.checkpoints)
    ]
    lower: list[dict[str, float]] = []
    upper: list[dict[str, float]] = []
    for i, account in enumerate(accounts):
        ends = spectra.ends(i, k)
        for rows, end in zip((lower, upper), ends, strict=True):
            rows.append(ladder(claimed, replace(account, end=end)))
    lo, hi = certification.intervals()
    values, least, holds = {}, {}, {}
    for name in upper[0]:
        values[name], low = (np.array([row[name] for row in rows]) for rows in (upper, lower))
        if not np.array_equal(low, values[name], equal_nan=True):
            least[name] = low
        allowed = [allowance(*case) for case in zip(accounts, values[name], strict=True)]
        codes = map(_code, lo, hi, values[name], allowed, low)
        holds[name] = np.fromiter(codes, dtype=np.int8, count=len(accounts))
    return Ladder(values, least, holds, {rung.name: rung.formula for rung in claimed})


def _code(lo: float, hi: float, value: float, allowed: float, least: float) -> int:
    """Return what is known of a bound where the regret is at least `lo`, at most `hi` or NaN."""
    found = CODES[verdict(lo, hi, value, allowed, least)]
    if found == OPEN and math.isnan(hi) and not math.isnan(lo) and not math.isnan(value):
        return NOT_CHECKED
    return found
