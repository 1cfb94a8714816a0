"""
An adversary that starves the sketch
====================================

The stream ``starve`` spreads its gradients so that a sketch loses as much mass as it can. What
S-AdaGrad adds back keeps its metric above the true covariance, so that its bounds hold all the
same.
"""

import oco

result = oco.run("s-adagrad", stream="starve", d=60, k=10, T=3000)
summary = result.summary
print(f"escaped mass {summary.escaped_mass:.1f}, at most {summary.omega:.1f}")
assert all(bound.holds for bound in summary.bounds)

figure = oco.plots.regret(result)
