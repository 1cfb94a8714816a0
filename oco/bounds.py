"""The ladder of regret bounds, from what the learner measured down to what theory alone promises.

Each rung bounds the regret against every point of K (on an unbounded domain: against the
comparator, with D the measured distance).  With η the rate, a metric that never shrinks has

    Regret_T ≤ Σ⟨g_t, x_t − u⟩ ≤ D²/(2η)·potential + (η/2)·Σ g_tᵀ H_t⁻¹ g_t     (certificate)

and Σ g_tᵀ H_t⁻¹ g_t ≤ 2 tr G_T^{1/2} ≤ 2·potential turns it into bounds in the spectrum of
G_T = Σ g_t g_tᵀ (Duchi, Hazan, Singer, JMLR 2011; Feinberg et al., NeurIPS 2023).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigvalsh
from threadpoolctl import threadpool_limits

from oco.algorithms import Diagnostics
from oco.sketch import escaped_mass_limit

__all__ = [
    "RUNGS",
    "Account",
    "Rung",
    "full_adagrad_bound",
    "gradient_spectra",
    "ladder",
    "spectrum_affordable",
    "verdict",
]

# The spectrum of G_t is computed at each checkpoint up to this dimension: an eigenvalue
# computation of this size takes about 1/20 s, a run has a few dozen, and G_t takes 8 MB.
SPECTRUM_DIMENSION = 1000


@dataclass(frozen=True)
class Account:
    """What the rungs are computed from, after t rounds.

    Attributes
    ----------
    t, d : int
        Rounds and dimension.
    k : int or None
        Sketch size ℓ.
    lr : float
        η.
    diameter : float
        D.
    gradient_bound : float
        G ≥ ‖g_s‖ for all s.
    diagnostics : Diagnostics
        The learner's own account.
    spectrum : ndarray of shape (min(t, d),) or None
        Eigenvalues of G_t, where they were computed.
    """

    t: int
    d: int
    k: int | None
    lr: float
    diameter: float
    gradient_bound: float
    diagnostics: Diagnostics
    spectrum: np.ndarray | None = None

    def balance(self, growth: float, quadratic: float) -> float:
        """Return D²/(2η)·growth + (η/2)·quadratic."""
        return self.diameter**2 / (2 * self.lr) * growth + self.lr / 2 * quadratic


@dataclass(frozen=True)
class Rung:
    """A bound on the regret.

    Attributes
    ----------
    name : str
        What the command line calls it.
    formula : str
        What it is.
    needs_spectrum : bool
        Whether it needs the eigenvalues of G_t.
    value : callable
        Computes it from an Account.
    """

    name: str
    formula: str
    needs_spectrum: bool
    value: Callable[[Account], float]


def _root_trace(account: Account) -> float:
    return float(np.sqrt(np.maximum(account.spectrum, 0)).sum())


def _certificate(account: Account) -> float:
    return account.balance(account.diagnostics.potential, account.diagnostics.quadratic)


def _rounds(account: Account) -> float:
    root = math.sqrt(account.t)
    return account.balance(root, 2 * account.gradient_bound**2 * root)


def _trace(account: Account) -> float:
    return account.balance(account.diagnostics.potential, 2 * account.diagnostics.potential)


def _with_tail(account: Account, mass: float) -> float:
    root_trace = _root_trace(account)
    return account.balance(root_trace + account.d * math.sqrt(mass), 2 * root_trace)


def _sketch(account: Account) -> float:
    return _with_tail(account, account.diagnostics.escaped_mass)


def _theorem_3(account: Account) -> float:
    return _with_tail(account, escaped_mass_limit(account.spectrum, account.k))


RUNGS: dict[str, Rung] = {
    rung.name: rung
    for rung in (
        Rung(
            "certificate",
            "D²/(2η)·tr H_T + (η/2)·Σ gᵀH⁻¹g, as measured in the run",
            False,
            _certificate,
        ),
        Rung("rounds", "D²√T/(2η) + η·G²·√T  (√2·D·G·√T at the default η)", False, _rounds),
        Rung("trace", "(D²/(2η) + η)·tr H_T  (√2·D·tr H_T at the default η)", False, _trace),
        Rung(
            "sketch",
            "D²/(2η)·(tr G_T^½ + d√ρ) + η·tr G_T^½, ρ the escaped mass",
            True,
            _sketch,
        ),
        Rung(
            "theorem-3",
            "D²/(2η)·(tr G_T^½ + d√Ω_k) + η·tr G_T^½, Ω_k from the bottom eigenvalues of G_T",
            True,
            _theorem_3,
        ),
    )
}


def ladder(names: Iterable[str], account: Account) -> dict[str, float]:
    """Evaluate the rungs called `names`.

    Parameters
    ----------
    names : iterable of str
        Keys of `RUNGS`.
    account : Account
        After t rounds.

    Returns
    -------
    dict
        The value of each rung; NaN where the spectrum of G_t is needed and was not computed.

    Examples
    --------
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
    return {
        name: math.nan
        if RUNGS[name].needs_spectrum and account.spectrum is None
        else float(RUNGS[name].value(account))
        for name in names
    }


def full_adagrad_bound(spectrum: np.ndarray, diameter: float) -> float:
    """Return √2·D·tr G_T^{1/2}: what full-matrix AdaGrad promises on the same gradients.

    Examples
    --------
    >>> full_adagrad_bound(np.array([4.0, 4.0]), diameter=2.0) == 2**0.5 * 2 * 4
    True
    """
    return math.sqrt(2) * diameter * float(np.sqrt(np.maximum(spectrum, 0)).sum())


def verdict(lo: float, hi: float, value: float) -> bool | None:
    """Hold a regret known to lie in [`lo`, `hi`] against a bound.

    Returns
    -------
    bool or None
        True if all of the interval is below, False if all of it is above (the bound is violated),
        None if the interval cannot tell or the bound was not computed.

    Examples
    --------
    >>> verdict(1.0, 2.0, 3.0), verdict(1.0, 2.0, 0.5), verdict(1.0, 2.0, 1.5)
    (True, False, None)
    """
    if hi <= value:
        return True
    return False if lo > value else None


def spectrum_affordable(d: int) -> bool:
    """Tell whether the spectrum of G_t is computed at each checkpoint in dimension `d`."""
    return d <= SPECTRUM_DIMENSION


def gradient_spectra(stream, slopes: np.ndarray, checkpoints: np.ndarray) -> tuple:
    """Compute the eigenvalues of G_t = Σ_{s≤t} u_s² a_s a_sᵀ at each checkpoint, in one pass.

    Parameters
    ----------
    stream : object
        Replays the features: ``stream.chunks(stop)`` yields (features, labels).
    slopes : ndarray of shape (n,)
        u_s: the gradients were u_s a_s.
    checkpoints : ndarray of int
        Ascending, at most n.

    Returns
    -------
    tuple of ndarray
        Eigenvalues in descending order, min(t, d) of them at checkpoint t.

    Notes
    -----
    While t < d the t × t Gram matrix of the gradients has the same non-zero eigenvalues and is
    smaller.
    """
    d = stream.d
    covariance = np.zeros((d, d))
    spectra, held, due, t = [], [], [int(c) for c in checkpoints], 0
    for features, _ in stream.chunks(due[-1] if due else 0):
        gradients = slopes[t : t + len(features), None] * features
        first = 0
        while due and due[0] <= t + len(features):
            last = due.pop(0) - t
            held.append(gradients[first:last])
            first = last
            if t + last < d:
                rows = np.concatenate(held)
                spectra.append(_descending(rows @ rows.T))
            else:
                covariance += _drain(held)
                spectra.append(_descending(covariance))
        held.append(gradients[first:])
        t += len(features)
        if t >= d:
            covariance += _drain(held)
    return tuple(spectra)


def _drain(held: list[np.ndarray]) -> np.ndarray:
    """Return the covariance of the gradients held so far and forget them."""
    rows = np.concatenate(held)
    held.clear()
    return rows.T @ rows


def _descending(matrix: np.ndarray) -> np.ndarray:
    # One BLAS thread: at these sizes a second one gains little, and on a busy machine threads that
    # wait for each other in every reflection slow the reduction down a hundredfold.
    with threadpool_limits(limits=1, user_api="blas"):
        return np.maximum(eigvalsh(matrix, check_finite=False)[::-1], 0.0)
