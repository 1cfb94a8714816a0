"""A bound on the regret, and the account of a play that it is computed from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from oco import checks
from oco.algorithms import Diagnostics

__all__ = ["Account", "Rung"]

# What of an Account is computed only where it is affordable.
SPECTRA = ("spectrum", "axis_spectra")


@dataclass(frozen=True)
class Account:
    """What the rungs are computed from, after t rounds.

    Attributes
    ----------
    t, d : int
        Rounds and dimension.
    k : int or None
        Sketch size ℓ.
    lr : float or None
        η, where the learner has one.
    diameter : float
        D.
    gradient_bound : float
        G ≥ ‖g_s‖ for all s.
    diagnostics : Diagnostics
        The learner's own account.
    spectrum : ndarray of shape (min(t, d),) or None
        Eigenvalues of G_t, where they were computed.
    axis_spectra : tuple of ndarray, or None
        For gradients G_s that are m × n matrices, the m eigenvalues of Σ G_s G_sᵀ and the n of
        Σ G_sᵀ G_s, where they were computed.
    """

    t: int
    d: int
    k: int | None
    lr: float | None
    diameter: float
    gradient_bound: float
    diagnostics: Diagnostics
    spectrum: np.ndarray | None = None
    axis_spectra: tuple[np.ndarray, ...] | None = None

    def balance(self, growth: float, quadratic: float) -> float:
        """Return D²/(2η)·growth + (η/2)·quadratic."""
        lr = checks.known("lr", self.lr)
        # D·D and not D**2, which raises an exception where it overflows.
        return self.diameter / (2 * lr) * self.diameter * growth + lr / 2 * quadratic


@dataclass(frozen=True)
class Rung:
    """A bound on the regret.

    Attributes
    ----------
    name : str
        What the command line calls it; a learner's rungs have different names.
    formula : str
        What it is.
    needs : str or None
        Which eigenvalues it needs: an attribute of `Account`, None without which it has no value.
    value : callable
        Computes it from an Account.

    Raises
    ------
    TypeError, ValueError
        If the name is no word of small letters, digits and hyphens, the formula no text, the needs
        no attribute of an Account that may be None, or the value nothing to call.

    Examples
    --------
    >>> Rung("rounds", "2·D·G·√T", None, lambda account: 2 * account.t**0.5)  # doctest: +ELLIPSIS
    Rung(name='rounds', formula='2·D·G·√T', needs=None, value=<function ...>)
    >>> Rung("my bound", "2·√T", None, lambda account: 2 * account.t**0.5)
    Traceback (most recent call last):
    ...
    ValueError: name: expected small letters, digits and hyphens, got 'my bound'
    """

    name: str
    formula: str
    needs: str | None
    value: Callable[[Account], float]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch("[a-z][a-z0-9-]*", self.name):
            raise ValueError(f"name: expected small letters, digits and hyphens, got {self.name!r}")
        if not isinstance(self.formula, str):
            raise TypeError(f"formula: expected a text, got {self.formula!r}")
        if self.needs is not None:
            checks.choice("needs", self.needs, SPECTRA)
        if not callable(self.value):
            raise TypeError(f"value: expected something to call, got {self.value!r}")
