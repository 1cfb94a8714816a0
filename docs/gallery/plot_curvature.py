"""
Regret that grows like log T
============================

The squared loss has curvature along its gradients, and a Newton step uses it: the regret of the
sketched one, and its proven bound, grow like log T, where a learner that only knows slopes has √T.
"""

import matplotlib.pyplot as plt

import oco

game = {"loss": "squared", "d": 20, "T": 20_000}
newton = oco.run("s-ons", k=10, **game)
adagrad = oco.run("s-adagrad", k=10, **game)

figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
axes.semilogx(newton.trace.t, newton.trace.regret, label="s-ons: regret")
axes.semilogx(newton.trace.t, newton.trace.certificate, "C0--", label="s-ons: certificate")
axes.semilogx(adagrad.trace.t, adagrad.trace.regret, "C1", label="s-adagrad: regret")
axes.set(xlabel="round t", ylabel="regret", title="Squared loss, d = 20, k = 10")
axes.legend(frameon=False)

summary = newton.summary
print(f"s-ons: regret {summary.regret.hi:.2f}, certificate {summary.certificate:.2f}")
assert summary.regret.hi < summary.certificate
