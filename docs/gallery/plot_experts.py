"""
No rate to tune
===============

Copies of S-AdaGrad at nine rates, weighed by how they do. Each copy alone is a mark; the line is
what all of them together pay: more than the best copy, which nobody knows beforehand, and far less
than most. That price is bounded, and certified with the run.
"""

import matplotlib.pyplot as plt
import numpy as np

import oco

setting = {"d": 100, "k": 10, "T": 2000, "spectrum": "power:2", "radius": 10.0}
rates = np.geomspace(0.01, 100, 9)
alone = [oco.run("s-adagrad", lr=float(lr), **setting).summary.regret.hi for lr in rates]
together = oco.run("experts:s-adagrad", grid="0.01:100:9", **setting).summary

figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
axes.loglog(rates, alone, "o-", color="#0072B2", label="one copy of S-AdaGrad at this rate")
axes.axhline(together.regret.hi, color="#D55E00", label="nine copies, weighed as they go")
axes.set(xlabel="learning rate η", ylabel="regret after 2,000 rounds, at most")
axes.legend(frameon=False)
print(f"best copy {min(alone):.1f}, together {together.regret.hi:.1f}, worst {max(alone):.1f}")
