"""The phases of an experiment, as they are told to whoever watches it."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["BEST", "CUT_SHORT", "PLAYING", "PREFIXES", "SEQUENCE", "SPECTRA", "Watch", "unwatched"]

#: Called as ``watch(phase, **detail)`` whenever a phase gets on, perhaps from another thread.  The
#: details are `done` and `total`, equal when the phase is over, or the comparator's `gap` and the
#: `target` that it is to fall to.
Watch = Callable[..., None]

PLAYING, BEST, PREFIXES, SPECTRA = "playing", "best fixed point", "prefixes", "spectra"
SEQUENCE = "best sequence"
#: Ctrl-C ended the play after `done` of `total` rounds, which are assessed now.
CUT_SHORT = "cut short"


def unwatched(phase: str, **detail) -> None:
    """Tell nobody."""
