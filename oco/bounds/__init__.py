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

from oco.bounds.claims import ladder, register, resolve
from oco.bounds.formulas import RUNGS
from oco.bounds.rungs import Account, Rung, SpectralSums
from oco.bounds.verdicts import allowance, full_adagrad_bound, verdict

__all__ = [
    "RUNGS",
    "Account",
    "Rung",
    "SpectralSums",
    "allowance",
    "full_adagrad_bound",
    "ladder",
    "register",
    "resolve",
    "verdict",
]
