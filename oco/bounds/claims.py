"""Which rungs a learner claims, and what they come to."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from oco import checks
from oco.bounds.formulas import RUNGS
from oco.bounds.rungs import Account, Rung

__all__ = ["ladder", "register", "resolve"]


def register(rung: Rung) -> Rung:
    """Add a bound to those that a learner can claim by name.

    Parameters
    ----------
    rung : Rung
        A learner whose `bounds` name it is held against it at every checkpoint.

    Returns
    -------
    Rung
        `rung` itself.

    Raises
    ------
    TypeError
        If it is no `Rung`.
    ValueError
        If another bound has the name.

    Examples
    --------
    >>> from oco.bounds import RUNGS, Rung, register
    >>> rung = register(Rung("twice-root", "2·D·√T", None, lambda account: 2 * account.t**0.5))
    >>> RUNGS["twice-root"] is rung
    True
    >>> register(Rung("trace", "2·D·√T", None, lambda account: 2 * account.t**0.5))
    Traceback (most recent call last):
    ...
    ValueError: rung: another bound is called 'trace'
    """
    if not isinstance(rung, Rung):
        raise TypeError(f"rung: expected an oco.bounds.Rung, got {type(rung).__name__}")
    if RUNGS.setdefault(rung.name, rung) != rung:
        raise ValueError(f"rung: another bound is called {rung.name!r}")
    return rung


def resolve(bounds: Iterable[str | Rung]) -> tuple[Rung, ...]:
    """Return the rungs that a learner claims.

    Parameters
    ----------
    bounds : iterable of str or Rung
        Keys of `RUNGS`, or rungs themselves.

    Raises
    ------
    TypeError, ValueError
        If one is neither, or two have the same name.

    Examples
    --------
    >>> [rung.name for rung in resolve(["dual-certificate", "ftsl-theorem"])]
    ['certificate', 'ftsl-theorem']
    """
    if isinstance(bounds, str | Rung):
        raise TypeError(f"bounds: expected a sequence of names or oco.bounds.Rung, got {bounds!r}")
    found = []
    for bound in bounds:
        if isinstance(bound, Rung):
            found.append(bound)
        elif isinstance(bound, str):
            found.append(RUNGS[checks.choice("bounds", bound, RUNGS)])
        else:
            raise TypeError(f"bounds: expected names or oco.bounds.Rung, got {bound!r}")
    for i, rung in enumerate(found):
        if any(other.name == rung.name for other in found[:i]):
            raise ValueError(f"bounds: expected different names, got {rung.name!r} twice")
    return tuple(found)


def ladder(bounds: Iterable[str | Rung], account: Account) -> dict[str, float]:
    """Evaluate rungs.

    Parameters
    ----------
    bounds : iterable of str or Rung
        Keys of `RUNGS`, or rungs themselves.
    account : Account
        After t rounds.

    Returns
    -------
    dict
        The value of each rung by its name; NaN where eigenvalues are needed and were not computed.

    Raises
    ------
    TypeError, ValueError
        If there is no such rung (see `resolve`), or its value is no number.

    Examples
    --------
    >>> from oco.algorithms import Diagnostics
    >>> diagnostics = Diagnostics(
    ...     potential=2.0, quadratic=3.0, squared_gradients=4.0, escaped_mass=None,
    ...     travelled=None, state_bytes=8,
    ... )
    >>> account = Account(
    ...     t=4, d=1, k=None, lr=1.0, diameter=2.0, gradient_bound=1.0, diagnostics=diagnostics
    ... )
    >>> ladder(["certificate", "trace"], account)
    {'certificate': 5.5, 'trace': 6.0}
    """
    values = {}
    for rung in resolve(bounds):
        known = rung.needs is None or getattr(account, rung.needs) is not None
        value = rung.value(account) if known else math.nan
        if isinstance(value, str) or np.ndim(value):
            raise TypeError(f"bounds: {rung.name} must give a number, got {value!r}")
        values[rung.name] = float(value)
    return values
