"""Spectra of feature covariances, written as short texts: ``power:1``, ``lowrank:5:0.1``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from oco import checks

__all__ = ["DEFAULT_SPECTRUM", "SPECTRA", "parse_spectrum"]

DEFAULT_SPECTRUM = "power:1"


def _power(d: int, exponent: str) -> np.ndarray:
    return np.arange(1.0, d + 1) ** -_number("the exponent", exponent, low=0)


def _exponential(d: int, ratio: str) -> np.ndarray:
    # From q⁰ on, so that the largest is 1; the smallest may underflow, to zero.
    return _number("the ratio", ratio, above=0, high=1) ** np.arange(d)


def _low_rank(d: int, rank: str, noise: str = "0") -> np.ndarray:
    r = checks.integer("spectrum: the rank", _read("the rank", rank, int), low=1, high=d)
    # With more noise than 1 − r/d the r leading directions would no longer lead.
    share = _number("the noise", noise, low=0, high=1 - r / d)
    values = np.full(d, share / max(d - r, 1))
    values[:r] = (1 - share) / r
    return values


def _flat(d: int) -> np.ndarray:
    return np.ones(d)


def _number(what: str, field: str, **limits: float) -> float:
    """Return a field of the text as a number within the limits."""
    return checks.number(f"spectrum: {what}", _read(what, field, float), **limits)


def _read(what: str, field: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(field)
    except ValueError:
        expected = "an integer" if kind is int else "a number"
        raise ValueError(f"spectrum: {what}: expected {expected}, got {field!r}") from None


#: Every kind of spectrum: how it is written, and the function that makes it.
SPECTRA: dict[str, tuple[str, Callable[..., np.ndarray]]] = {
    "power": ("power:α", _power),
    "exp": ("exp:q", _exponential),
    "lowrank": ("lowrank:r[:noise]", _low_rank),
    "flat": ("flat", _flat),
}
# How many fields may follow each kind's name.
_FIELDS = {"power": (1, 1), "exp": (1, 1), "lowrank": (1, 2), "flat": (0, 0)}


def parse_spectrum(text: str, d: int) -> np.ndarray:
    """Return the eigenvalues that `text` describes, largest first and with sum 1.

    Parameters
    ----------
    text : str
        ``power:α`` (λ_i ∝ i^−α, α ≥ 0), ``exp:q`` (λ_i ∝ q^i, 0 < q ≤ 1), ``lowrank:r[:noise]`` (r
        equal eigenvalues with sum 1 − noise, the other d − r sharing `noise`; none by default) or
        ``flat`` (all equal).
    d : int
        How many, at least 1.

    Returns
    -------
    ndarray of shape (d,)

    Raises
    ------
    ValueError
        If `text` is not one of these; the message starts with ``spectrum:``.

    Examples
    --------
    >>> parse_spectrum("lowrank:2:0.5", 4)
    array([0.25, 0.25, 0.25, 0.25])
    >>> parse_spectrum("exp:0.5", 2).round(3)
    array([0.667, 0.333])
    >>> parse_spectrum("pover:1", 2)
    Traceback (most recent call last):
    ...
    ValueError: spectrum: unknown name 'pover'; did you mean 'power'? (known: power, exp, ...)
    """
    d = checks.integer("d", d, low=1)
    if not isinstance(text, str):
        raise TypeError(f"spectrum: expected a text such as {DEFAULT_SPECTRUM!r}, got {text!r}")
    kind, *fields = text.split(":")
    form, make = SPECTRA[checks.choice("spectrum", kind, SPECTRA)]
    fewest, most = _FIELDS[kind]
    if not fewest <= len(fields) <= most:
        raise ValueError(f"spectrum: expected {form!r}, got {text!r}")
    values = make(d, *fields)
    return values / values.sum()
