"""The ladder of regret bounds, from what the learner measured down to what theory alone promises.

Each rung bounds the regret against every point of K (on an unbounded domain: against the
comparator, with D the measured distance).  With η the rate, a metric that never shrinks has

    Regret_T ≤ Σ⟨g_t, x_t − u⟩ ≤ D²/(2η)·potential + (η/2)·Σ g_tᵀ H_t⁻¹ g_t     (certificate)

and Σ g_tᵀ H_t⁻¹ g_t ≤ 2 tr G_T^{1/2} ≤ 2·potential turns it into bounds in the spectrum of
G_T = Σ g_t g_tᵀ (Duchi, Hazan, Singer, JMLR 2011; Feinberg et al., NeurIPS 2023).

For gradients that are matrices of rank at most r, Kronecker-factored metrics H_t = L_t^¼ ⊗ R_t^¼
with L_t ⪰ Σ G_s G_sᵀ, R_t ⪰ Σ G_sᵀ G_s have H_t² ⪰ G_t/r (Gupta, Koren, Singer, ICML 2018, lemma 8)
and therefore Σ g_tᵀ H_t⁻¹ g_t ≤ 2√r tr G_T^{1/2} ≤ 2r·potential.

Dual averaging has λ_max(H_T) in the place of the trace, D the distance from x_1 to the farthest
point of K, and the metric before each gradient, which δ ≥ ‖g_t‖ makes large enough:
Σ g_tᵀ H_{t−1}⁻¹ g_t ≤ 2 tr G_T^{1/2}.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from oco import checks
from oco.algorithms import Diagnostics, DualDiagnostics, KroneckerDiagnostics
from oco.algorithms.matrix_descent import AxisAccount
from oco.linalg.rounding import UNIT
from oco.sketch import escaped_mass_limit

__all__ = [
    "RUNGS",
    "Account",
    "Rung",
    "allowance",
    "full_adagrad_bound",
    "ladder",
    "register",
    "resolve",
    "verdict",
]


# Eigenvalues are known to rounding of the largest, relatively; their roots are known to this.
ROOTS = 1e-6
# What of an Account is computed only where it is affordable.
SPECTRA = ("spectrum", "axis_spectra")
# The length of a gradient whose square is no normal number.
SMALLEST_LENGTH = math.sqrt(np.finfo(np.float64).tiny)


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


def _root_trace(account: Account) -> float:
    return float(np.sqrt(np.maximum(checks.known("spectrum", account.spectrum), 0)).sum())


def _certificate(account: Account) -> float:
    return account.balance(account.diagnostics.potential, account.diagnostics.quadratic)


def _rounds(account: Account) -> float:
    root = math.sqrt(account.t)
    return account.balance(root, 2 * account.gradient_bound * account.gradient_bound * root)


def _trace(account: Account) -> float:
    return account.balance(account.diagnostics.potential, 2 * account.diagnostics.potential)


def _with_tail(account: Account, mass: float) -> float:
    root_trace = _root_trace(account)
    return account.balance(root_trace + account.d * math.sqrt(mass), 2 * root_trace)


def _sketch(account: Account) -> float:
    return _with_tail(account, checks.known("escaped_mass", account.diagnostics.escaped_mass))


def _theorem_3(account: Account) -> float:
    spectrum, k = checks.known("spectrum", account.spectrum), checks.known("k", account.k)
    return _with_tail(account, escaped_mass_limit(spectrum, k))


def _by_axes(account: Account) -> KroneckerDiagnostics:
    if not isinstance(account.diagnostics, KroneckerDiagnostics):
        raise TypeError(
            "diagnostics: expected the KroneckerDiagnostics of a matrix learner for this bound, "
            f"got {type(account.diagnostics).__name__}"
        )
    return account.diagnostics


def _with_rank(account: Account, potential: float) -> float:
    return account.balance(potential, 2 * _by_axes(account).gradient_rank * potential)


def _shampoo_trace(account: Account) -> float:
    return _with_rank(account, account.diagnostics.potential)


def _shampoo_theorem(account: Account) -> float:
    axes, spectra = _by_axes(account).axes, checks.known("axis_spectra", account.axis_spectra)
    power = 1 / (2 * len(axes))
    traces = [
        np.sum((np.maximum(spectrum, 0) + axis.regularisation) ** power)
        + axis.dim * _omega(axis, spectrum) ** power
        for axis, spectrum in zip(axes, spectra, strict=True)
    ]
    return _with_rank(account, math.prod(traces))


def _omega(axis: AxisAccount, spectrum: np.ndarray) -> float:
    return 0.0 if axis.rank is None else escaped_mass_limit(spectrum, axis.rank)


def _dual(account: Account) -> DualDiagnostics:
    if not isinstance(account.diagnostics, DualDiagnostics):
        raise TypeError(
            "diagnostics: expected the DualDiagnostics of dual averaging for this bound, "
            f"got {type(account.diagnostics).__name__}"
        )
    return account.diagnostics


def _dual_trace(account: Account) -> float:
    diagnostics = _dual(account)
    root_trace = checks.known("root_trace", diagnostics.root_trace)
    return account.balance(diagnostics.potential, 2 * root_trace)


def _ftsl_sketch(account: Account) -> float:
    return account.balance(account.diagnostics.potential, 2 * _root_trace(account))


def _ftsl_theorem(account: Account) -> float:
    spectrum, delta = checks.known("spectrum", account.spectrum), _dual(account).delta
    escaped = escaped_mass_limit(spectrum, account.k) if account.k else 0.0
    growth = math.sqrt(delta * delta + max(float(spectrum.max(initial=0.0)), 0.0) + escaped)
    return account.balance(growth, 2 * _root_trace(account))


#: Every bound by the name that learners give it: its own, but for certificates.
RUNGS: dict[str, Rung] = {
    rung.name: rung
    for rung in (
        Rung(
            "certificate",
            "D²/(2η)·tr H_T + (η/2)·Σ gᵀH⁻¹g, as measured in the run",
            None,
            _certificate,
        ),
        Rung("rounds", "D²√T/(2η) + η·G²·√T  (√2·D·G·√T at the default η)", None, _rounds),
        Rung("trace", "(D²/(2η) + η)·tr H_T  (√2·D·tr H_T at the default η)", None, _trace),
        Rung(
            "sketch",
            "D²/(2η)·(tr G_T^½ + d√ρ) + η·tr G_T^½, ρ the escaped mass",
            "spectrum",
            _sketch,
        ),
        Rung(
            "theorem-3",
            "D²/(2η)·(tr G_T^½ + d√Ω_k) + η·tr G_T^½, Ω_k from the bottom eigenvalues of G_T",
            "spectrum",
            _theorem_3,
        ),
        Rung(
            "shampoo-trace",
            "(D²/(2η) + ηr)·tr L̃^¼·tr R̃^¼, of the factors in the run  "
            "(√(2r)·D·tr L̃^¼·tr R̃^¼ at the default η)",
            None,
            _shampoo_trace,
        ),
        Rung(
            "shampoo-theorem",
            "(D²/(2η) + ηr)·(tr L_T^¼ + mΩ_L^¼)·(tr R_T^¼ + nΩ_R^¼), L_T = Σ GGᵀ + εI, "
            "R_T = Σ GᵀG + εI",
            "axis_spectra",
            _shampoo_theorem,
        ),
        Rung(
            "dual-trace",
            "D²/(2η)·λ_max(H_T) + η·S_T, S_T = Σ_i (Σ_t g_{t,i}²)^½ or (Σ ‖g_t‖²)^½",
            None,
            _dual_trace,
        ),
        Rung(
            "ftsl-sketch",
            "D²/(2η)·(δ² + λ̄_1 + ρ)^½ + η·tr G_T^½, of the sketch in the run",
            "spectrum",
            _ftsl_sketch,
        ),
        Rung(
            "ftsl-theorem",
            "D²/(2η)·(δ² + λ_1(G_T) + Ω_k)^½ + η·tr G_T^½, Ω_k 0 without a sketch",
            "spectrum",
            _ftsl_theorem,
        ),
    )
}
RUNGS["dual-certificate"] = Rung(
    "certificate",
    "D²/(2η)·λ_max(H_T) + (η/2)·Σ gᵀH⁻¹g, H the metric before each g, as measured in the run; "
    "D = max‖u − x_1‖",
    None,
    _certificate,
)


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


def full_adagrad_bound(spectrum: np.ndarray, diameter: float) -> float:
    """Return √2·D·tr G_T^{1/2}: what full-matrix AdaGrad promises on the same gradients.

    Examples
    --------
    >>> full_adagrad_bound(np.array([4.0, 4.0]), diameter=2.0) == 2**0.5 * 2 * 4
    True
    """
    return math.sqrt(2) * diameter * float(np.sqrt(np.maximum(spectrum, 0)).sum())


def allowance(account: Account, value: float) -> float:
    """Return what rounding may have done to a rung's value, by the rounds that made it.

    A millionth of the value: eigenvalues are known to 1e-13 of the largest, and enter by their
    roots; eight roundings of the value a round, for the steps; and what gradients whose squares
    underflow, which no metric sees, can cost.  It is an allowance, not a proof.

    Parameters
    ----------
    account : Account
        After t rounds.
    value : float
        The rung, evaluated with it.

    Returns
    -------
    float
        At least 0; infinite or NaN where the value is.
    """
    unseen = account.t * account.diameter * SMALLEST_LENGTH
    return (ROOTS + 8 * UNIT * account.t) * abs(value) + unseen


def verdict(lo: float, hi: float, value: float, allowance: float = 0.0) -> bool | None:
    """Hold a regret known to lie in [`lo`, `hi`] against a bound.

    Parameters
    ----------
    lo, hi, value : float
        The interval and the bound.
    allowance : float
        What the bound may be off by; an infinite bound is not.

    Returns
    -------
    bool or None
        True if all of the interval is below by more than the allowance, False if all of it is above
        by more (the bound is violated), None if that cannot be told or the bound was not computed.

    Examples
    --------
    >>> verdict(1.0, 2.0, 3.0), verdict(1.0, 2.0, 0.5), verdict(1.0, 2.0, 1.5)
    (True, False, None)
    >>> verdict(1.0, 2.0, 2.5, allowance=0.6), verdict(1.0, 2.0, 0.5, allowance=0.6)
    (None, None)
    """
    if value == math.inf and not math.isnan(lo):
        return True
    if hi <= value - allowance:
        return True
    return False if lo > value + allowance else None
