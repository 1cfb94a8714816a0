"""A bound on the regret, and the account of a play that it is computed from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from oco import checks
from oco.algorithms import Diagnostics
from oco.sketch import escaped_mass_limit

__all__ = ["Account", "Rung", "SpectralSums"]

# What of an Account is computed only where it is affordable.
SPECTRA = ("spectrum", "sums", "axis_spectra")


@dataclass(frozen=True)
class SpectralSums:
    """What most bounds need of the eigenvalues of G_t, which can be bracketed in any dimension.

    Attributes
    ----------
    root_trace : float
        tr G_t^{1/2}.
    largest : float
        λ_1(G_t).
    omega : float or None
        Ω_k(G_t); None without a sketch.
    """

    root_trace: float
    largest: float
    omega: float | None

    @classmethod
    def of(cls, spectrum: np.ndarray, k: int | None) -> SpectralSums:
        """Return those of known eigenvalues.

        Examples
        --------
        >>> SpectralSums.of(np.array([4.0, 1.0]), k=2)
        SpectralSums(root_trace=3.0, largest=4.0, omega=1.0)
        """
        roots = np.sqrt(np.maximum(spectrum, 0.0))
        return cls(
            root_trace=float(roots.sum()),
            largest=max(float(spectrum.max(initial=0.0)), 0.0),
            omega=escaped_mass_limit(spectrum, k) if k else None,
        )


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
    end : SpectralSums or None
        Where the spectrum was not computed: one end of what is proven of its sums, the lower or the
        upper of each.
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
    end: SpectralSums | None = None

    @property
    def sums(self) -> SpectralSums | None:
        """The sums over the spectrum, or `end` where that is not known."""
        return self.end if self.spectrum is None else SpectralSums.of(self.spectrum, self.k)

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
        Which eigenvalues it needs: an attribute of `Account`, without which it has no value.  One
        that needs `sums` must not fall when any of them grows: where they are bracketed, it is
        evaluated at both ends.
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
