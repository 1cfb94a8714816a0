"""
Best at its best rate?
======================

A fair comparison gives every learner its best rate; the ring marks it. Where the covariance of the
gradients falls off, in directions that no coordinate shows, the sketch is below gradient descent
and diagonal AdaGrad; where it is flat there is nothing to sketch, and gradient descent is as good.
"""

import numpy as np

import oco

learners = {"ogd": {}, "adagrad": {}, "s-adagrad": {"k": 10}}
results = [
    oco.run(name, lr=float(lr), spectrum=spectrum, d=100, T=2000, radius=10.0, **options)
    for spectrum in ("power:2", "flat")
    for name, options in learners.items()
    for lr in np.geomspace(0.1, 100, 7)
]

figure = oco.plots.regret_of_results(results)
