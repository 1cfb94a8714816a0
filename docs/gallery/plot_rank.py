"""
Regret over the sketch size
===========================

More directions cost more memory. Where the covariance of the gradients falls off, a few are
enough: from there on regret and bound are those of full-matrix AdaGrad. The median of three seeds,
at one rate for all but gradient descent, which is at its own.
"""

import oco

game = {"d": 100, "T": 2000, "spectrum": "power:2", "radius": 10.0}
learners = [("ogd", 10.0, None), ("full-adagrad", 1.0, None)]
learners += [("s-adagrad", 1.0, k) for k in (2, 4, 8, 16, 32, 64)]
results = [
    oco.run(name, lr=lr, k=k, seed=seed, **game) for name, lr, k in learners for seed in range(3)
]

figure = oco.plots.rank(results)
