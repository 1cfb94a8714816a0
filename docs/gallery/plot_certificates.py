"""
Two certificates of one sketch
==============================

S-AdaGrad and FTSL keep the same sketch. Mirror descent pays the trace of its metric, dual averaging
its largest eigenvalue: against an adversary that answers every move with the worst sign, the
certificate of the second is close to the regret that occurs, and that of the first is not.
"""

import matplotlib.pyplot as plt

import oco

game = {"stream": "adversary", "spectrum": "exp:0.8", "d": 200, "k": 20, "T": 5000}
results = {name: oco.run(name, **game) for name in ("s-adagrad", "ftsl")}

figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
for color, (name, result) in zip(("C0", "C1"), results.items(), strict=True):
    trace = result.trace
    axes.loglog(trace.t, trace.regret, color=color, label=f"{name}: regret")
    axes.loglog(trace.t, trace.certificate, "--", color=color, label=f"{name}: certificate")
axes.set(xlabel="round t", ylabel="regret", title="d = 200, k = 20, adaptive adversary")
axes.legend(frameon=False)

# %%
# The regret is an interval, and both certificates lie above all of it:

for name, result in results.items():
    regret, certificate = result.summary.regret, result.summary.certificate
    assert regret.hi < certificate
    print(
        f"{name:10} regret {regret.hi:7.1f}, certificate {certificate / regret.hi:5.2f} times that"
    )
