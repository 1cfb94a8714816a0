"""What is computed of the spectra of a play's gradients: exactly, between two numbers, or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from oco.experiment.accounting import Spectra, rungs
from oco.experiment.game import Game
from oco.experiment.phases import SPECTRA, Watch
from oco.gradients import (
    axis_spectra,
    gradient_brackets,
    gradient_spectra,
    spectrum_affordable,
)
from oco.losses import Recorded
from oco.options import DEFAULT_SKETCH
from oco.simulator import Play
from oco.sketch.brackets import Bracket

__all__ = ["known_spectra", "spectral_notes"]


def known_spectra(game: Game, play: Play, recorded: Recorded, watch: Watch) -> Spectra:
    """Return the eigenvalues at each checkpoint; those of G_T alone where it is Ω_k that is asked.

    What would take too long is left out.
    """
    t, needed, found = play.checkpoints, _needed(game, play), Spectra.missing(play)
    if not play.rounds:
        return found
    sides = _sides(play)

    def follow(count: int):
        watch(SPECTRA, done=0, total=count)
        return lambda done: watch(SPECTRA, done=done, total=count)

    asked = game.experiment.spectra
    if asked == "none":
        return found
    if "axis_spectra" in needed and (asked == "exact" or spectrum_affordable(max(sides))):
        shape, which = _factored(play)
        told = follow(len(t) * len(sides))
        axes = axis_spectra(recorded, play.slopes, t, shape, told, axes=which)
        found = replace(found, axes=axes)
    if not _exact(game):
        if "sums" in needed:
            brackets = _own_brackets(game, play)
            if brackets is None:
                size = _bracket_size(game)
                brackets = gradient_brackets(recorded, play.slopes, t, size, follow(len(t)))
            found = replace(found, brackets=brackets)
        return found
    if needed & {"spectrum", "sums"}:
        return replace(found, covariance=gradient_spectra(recorded, play.slopes, t, follow(len(t))))
    if game.learner.k:
        last = gradient_spectra(recorded, play.slopes, t[-1:], follow(1))
        return replace(found, covariance=found.covariance[:-1] + last)
    return found


def spectral_notes(game: Game, play: Play) -> Iterator[str]:
    """Yield what a reader should know about bounds that need eigenvalues."""
    needed = _needed(game, play)
    asked = game.experiment.spectra
    if asked == "none" and needed - {None}:
        yield "no spectrum was computed, as was asked: the bounds that need one are left open"
        return
    if "sums" in needed and not _exact(game):
        if _own_brackets(game, play) is None:
            sketch = f"a sketch of the gradients of size {_bracket_size(game)}"
        else:
            sketch = "the learner's own sketch"
        yield (
            f"tr G^½ and Ω_k are bracketed from the exact trace of G and {sketch}: a bound of "
            "theirs holds where the regret is below the lower end"
        )
    if "spectrum" in needed and not _exact(game):
        yield (
            f"the spectrum of G_T, with d = {game.stream.d:,}, was not computed: the bounds that "
            "need all of it are left open"
        )
    if "axis_spectra" in needed and asked != "exact" and not spectrum_affordable(max(_sides(play))):
        yield (
            f"a side of {max(_sides(play)):,} is too long for the spectra of Σ GGᵀ and Σ GᵀG: the "
            "bounds that need them are left open"
        )


def _needed(game: Game, play: Play) -> set[str | None]:
    """Return which spectra the bounds need, as attributes of an `Account`."""
    return {rung.needs for rung in rungs(game, play)}


def _exact(game: Game) -> bool:
    """Tell whether the spectrum of G_t is computed, where one is."""
    asked = game.experiment.spectra
    return asked == "exact" or (asked is None and spectrum_affordable(game.stream.d))


def _own_brackets(game: Game, play: Play) -> tuple[Bracket, ...] | None:
    """Return what the learner's own sketch has proven, unless another is asked for."""
    found = [account.bracket if account else None for account in play.diagnostics]
    if game.experiment.bracket_k is not None or None in found:
        return None
    return tuple(bracket for bracket in found if bracket is not None)


def _bracket_size(game: Game) -> int:
    """Return the size of a sketch of the gradients that brackets their spectrum."""
    size = game.experiment.bracket_k or game.learner.k or DEFAULT_SKETCH
    return min(max(size, 2), game.stream.d + 1)


def _sides(play: Play) -> tuple[int, ...]:
    """Return the lengths of the axes that a matrix learner has factors for."""
    account = play.diagnostics[-1] if play.rounds else None
    return tuple(axis.dim for axis in getattr(account, "axes", ()))


def _factored(play: Play) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape of a matrix learner's gradients, and which axes it has factors for."""
    account = play.diagnostics[-1] if play.rounds else None
    axes = tuple(axis.axis for axis in getattr(account, "axes", ()))
    return getattr(account, "shape", ()), axes
