"""The rungs that come with the package, and their formulas."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar

import numpy as np

from oco import checks
from oco.algorithms import (
    Diagnostics,
    DualDiagnostics,
    ExpertsDiagnostics,
    HedgeDiagnostics,
    KroneckerDiagnostics,
    NewtonDiagnostics,
)
from oco.algorithms.kronecker_descent import AxisAccount
from oco.bounds.rungs import Account, Rung, SpectralSums
from oco.sketch import escaped_mass_limit

__all__ = ["RUNGS"]

Kind = TypeVar("Kind", bound=Diagnostics)


def _told(account: Account, kind: type[Kind], learner: str) -> Kind:
    """Return the account of a learner of some kind, whose bounds need what it tells."""
    if not isinstance(account.diagnostics, kind):
        raise TypeError(
            f"diagnostics: expected the {kind.__name__} of {learner} for this bound, "
            f"got {type(account.diagnostics).__name__}"
        )
    return account.diagnostics


def _by_axes(account: Account) -> KroneckerDiagnostics:
    return _told(account, KroneckerDiagnostics, "a matrix learner")


def _dual(account: Account) -> DualDiagnostics:
    return _told(account, DualDiagnostics, "dual averaging")


def _sums(account: Account) -> SpectralSums:
    return checks.known("sums", account.sums)


def _certificate(account: Account) -> float:
    return account.balance(account.diagnostics.potential, account.diagnostics.quadratic)


def _rounds(account: Account) -> float:
    root = math.sqrt(account.t)
    return account.balance(root, 2 * account.gradient_bound * account.gradient_bound * root)


def _trace(account: Account) -> float:
    return account.balance(account.diagnostics.potential, 2 * account.diagnostics.potential)


def _with_tail(account: Account, mass: float) -> float:
    root_trace = _sums(account).root_trace
    return account.balance(root_trace + account.d * math.sqrt(mass), 2 * root_trace)


def _sketch(account: Account) -> float:
    return _with_tail(account, checks.known("escaped_mass", account.diagnostics.escaped_mass))


def _theorem_3(account: Account) -> float:
    return _with_tail(account, checks.known("omega", _sums(account).omega))


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


def _one_sided_theorem(account: Account) -> float:
    (axis,), (spectrum,) = (
        _by_axes(account).axes,
        checks.known("axis_spectra", account.axis_spectra),
    )
    root_trace = float(np.sqrt(np.maximum(spectrum, 0)).sum())
    tail = axis.dim * math.sqrt(_omega(axis, spectrum))
    return account.balance(root_trace + tail, 2 * root_trace)


def _dual_trace(account: Account) -> float:
    diagnostics = _dual(account)
    root_trace = checks.known("root_trace", diagnostics.root_trace)
    return account.balance(diagnostics.potential, 2 * root_trace)


def _ftsl_sketch(account: Account) -> float:
    return account.balance(account.diagnostics.potential, 2 * _sums(account).root_trace)


def _ftsl_theorem(account: Account) -> float:
    sums, delta = _sums(account), _dual(account).delta
    growth = math.sqrt(delta * delta + sums.largest + (sums.omega or 0.0))
    return account.balance(growth, 2 * sums.root_trace)


def _newton(account: Account) -> NewtonDiagnostics:
    return _told(account, NewtonDiagnostics, "Newton steps")


def _starting(account: Account) -> float:
    """Return ½αR² + ½cσρD²: what the metric is worth that no gradient has paid for."""
    now = _newton(account)
    spread = now.curvature * now.compensation * (now.escaped_mass or 0.0)
    spread *= account.diameter * account.diameter
    return (now.alpha * now.reach * now.reach + spread) / 2


def _newton_certificate(account: Account) -> float:
    return account.diagnostics.quadratic / 2 + _starting(account)


def _log_det(account: Account) -> float:
    now = _newton(account)
    return now.log_determinant / (2 * now.curvature) + _starting(account)


def _experts(account: Account) -> ExpertsDiagnostics:
    return _told(account, ExpertsDiagnostics, "experts")


def _certificates(account: Account) -> list[float]:
    """Return the certificate of each copy, for the gradients that it was given."""
    return [
        (RUNGS[one.bound] if isinstance(one.bound, str) else one.bound).value(
            replace(account, k=one.k, lr=one.lr, diameter=one.diameter, diagnostics=one.diagnostics)
        )
        for one in _experts(account).standings
    ]


def _experts_certificate(account: Account) -> float:
    behind = [one.behind for one in _experts(account).standings]
    return min(map(sum, zip(_certificates(account), behind, strict=True)))


def _hedge(account: Account) -> HedgeDiagnostics:
    return _told(account, HedgeDiagnostics, "Hedge")


def _hedge_certificate(account: Account) -> float:
    return _hedge(account).potential + _hedge(account).quadratic


def _hedge_ranges(account: Account) -> float:
    now, log = _hedge(account), math.log(account.d)
    if account.lr is None:
        return math.sqrt(log * now.squared_ranges) + 2 * now.widest
    return log / account.lr + account.lr / 8 * now.squared_ranges


def _adahedge(account: Account) -> float:
    return min(_certificates(account)) + 2 * _experts(account).gap


def _adahedge_theorem(account: Account) -> float:
    now = _experts(account)
    log = math.log(len(now.standings))
    hedged = 2 * math.sqrt(now.variance * log) + now.widest * (4 / 3 * log + 2)
    return min(_certificates(account)) + hedged


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
            "sums",
            _sketch,
        ),
        Rung(
            "theorem-3",
            "D²/(2η)·(tr G_T^½ + d√Ω_k) + η·tr G_T^½, Ω_k from the bottom eigenvalues of G_T",
            "sums",
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
            "one-sided-trace",
            "(D²/(2η) + η)·tr L̃_T^½, of the factor in the run  (√2·D·tr L̃_T^½ at the default η)",
            None,
            _trace,
        ),
        Rung(
            "one-sided-theorem",
            "D²/(2η)·(tr L_T^½ + m√Ω_k) + η·tr L_T^½, L_T = Σ GGᵀ along the shorter side m",
            "axis_spectra",
            _one_sided_theorem,
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
            "sums",
            _ftsl_sketch,
        ),
        Rung(
            "ftsl-theorem",
            "D²/(2η)·(δ² + λ_1(G_T) + Ω_k)^½ + η·tr G_T^½, Ω_k 0 without a sketch",
            "sums",
            _ftsl_theorem,
        ),
        Rung(
            "adahedge",
            "min_i C_i + 2Δ, Δ the mixability gap of AdaHedge",
            None,
            _adahedge,
        ),
        Rung(
            "adahedge-theorem",
            "min_i C_i + 2·√(V·ln N) + S·(4/3·ln N + 2), V the variance of the copies' losses, S "
            "their largest spread",
            None,
            _adahedge_theorem,
        ),
    )
}
RUNGS["experts-certificate"] = Rung(
    "certificate",
    "min_i (C_i + Σ⟨g, x − x^i⟩), C_i the certificate of copy i, as measured in the run",
    None,
    _experts_certificate,
)
RUNGS["dual-certificate"] = Rung(
    "certificate",
    "D²/(2η)·λ_max(H_T) + (η/2)·Σ gᵀH⁻¹g, H the metric before each g, as measured in the run; "
    "D = max‖u − x_1‖",
    None,
    _certificate,
)
RUNGS["one-sided-certificate"] = Rung(
    "certificate",
    "D²/(2η)·tr L̃_T^½ + (η/2)·Σ tr GᵀL̃^{-½}G, as measured in the run",
    None,
    _certificate,
)
RUNGS["hedge-certificate"] = Rung(
    "certificate",
    "ln d/η + Σ δ_t, the mixability gaps as measured in the run  (2·Σ δ_t with AdaHedge's rates)",
    None,
    _hedge_certificate,
)
RUNGS["hedge-ranges"] = Rung(
    "hedge-ranges",
    "√(ln d·Σ s_t²) + 2·max s_t, s_t the range of g_t; with a rate ln d/η + (η/8)·Σ s_t²",
    None,
    _hedge_ranges,
)
RUNGS["log-det"] = Rung(
    "log-det",
    "1/(2σ)·(log det A_T/det A_0 + σΣ ρ_t(tr A_t⁻¹P_t − c·tr A_t⁻¹)) + ½αR² + ½cσρD²",
    None,
    _log_det,
)
RUNGS["newton-certificate"] = Rung(
    "certificate",
    "½·Σ gᵀA⁻¹g + ½αR² + ½cσρD², A = αI + σ(Ḡ + cρI), as measured in the run",
    None,
    _newton_certificate,
)
