"""
Regret and its certificate, from zero
=====================================

In every round a *learner* plays a point x_t of a set K, then a convex *loss* is revealed,
and the learner pays it and sees its gradient. There is no assumption on where losses come from.
What can be asked is that it does nearly as well as the best fixed point, known only in hindsight:

    Regret_T = Σ f_t(x_t) − min over x in K of Σ f_t(x).
"""

# %%
# A learner by hand
# -----------------
# Online gradient descent: a step against the gradient, and back into the ball of radius 1. The
# losses are f_t(x) = log(1 + exp(−y_t ⟨a_t, x⟩)), which a logistic
# regression pays.

import numpy as np

d, T = 20, 2000
rng = np.random.default_rng(0)
scales = 0.8 ** np.arange(d)
rows = rng.standard_normal((T, d)) * scales
labels = np.where(rows @ rng.standard_normal(d) + 0.1 * rng.standard_normal(T) > 0, 1.0, -1.0)

x, paid = np.zeros(d), 0.0
for t, (a, y) in enumerate(zip(rows, labels, strict=True), start=1):
    z = a @ x
    paid += np.logaddexp(0, -y * z)
    gradient = -y / (1 + np.exp(y * z)) * a
    x = x - gradient / np.sqrt(t)
    x /= max(1.0, np.linalg.norm(x))
print(f"paid {paid:.1f} in {T:,} rounds")

# %%
# The best fixed point
# --------------------
# The loss of the best fixed point is a minimum that a solver finds only nearly. `oco` proves how
# nearly, from the dual: the minimum lies between what its point attains and a lower bound. Regret
# is then an interval.

import oco

result = oco.run("ogd", X=rows, y=labels, loss="logistic")
regret = result.summary.regret
print(f"the regret lies in [{regret.lo:.3f}, {regret.hi:.3f}]")
print(f"never moving would have a regret of {result.summary.unmoved_regret.hi:.1f}")

# %%
# An adaptive learner, and one that sketches
# ------------------------------------------
# Full-matrix AdaGrad takes steps η G_t^(−1/2) g_t with G_t = Σ g_s g_sᵀ.
# S-AdaGrad keeps a sketch of G_t with k directions instead, and adds back the mass ρ that
# escaped. Each is shown at its best of five rates.

learners = {"ogd": {}, "full-adagrad": {}, "s-adagrad": {"k": 8}}
for name, options in learners.items():
    tried = [
        oco.run(name, X=rows, y=labels, loss="logistic", lr=lr, **options)
        for lr in (0.01, 0.03, 0.1, 0.3, 1.0)
    ]
    best = min(tried, key=lambda one: one.summary.regret.hi)
    print(f"{name:13} regret {best.summary.regret.hi:6.2f} at rate {best.summary.lr:g}")

# %%
# The certificate
# ---------------
# Theory bounds the regret against *every* point of K, whatever the losses were. S-AdaGrad's first
# bound is made of what it measured while it played, D²/(2η)·tr H_T +
# (η/2)·Σ g_tᵀ H_t⁻¹ g_t; the others are simpler to read and weaker. All are
# checked, here at every checkpoint:

for bound in best.summary.bounds:
    print(f"{bound.name:12} {bound.value:8.1f}  {'holds' if bound.holds else 'does not'}")
assert all(bound.holds for bound in best.summary.bounds)

# %%
# A bound covers the worst losses with these gradients, so on kind ones it is far above. Against an
# adversary that answers every move with the worst sign, and for dual averaging with the same
# sketch, it is close:

worst = oco.run("ftsl", stream="adversary", spectrum="exp:0.8", d=100, k=10, T=5000)
figure = oco.plots.regret(worst)
print(f"certificate ÷ regret: {worst.summary.certificate / worst.summary.regret.hi:.2f}")
