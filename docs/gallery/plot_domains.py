"""
The same gradients on five domains
==================================

What a learner may play is part of the problem. Here diagonal AdaGrad absorbs the same gradients,
ten times as long in one coordinate as in the other, on each domain. A step that would leave it is
projected back in the learner's own metric; in black, the point after the last gradient.
"""

import matplotlib.pyplot as plt
import numpy as np

import oco

turn = np.linspace(0, 2 * np.pi, 400)
circle = np.column_stack([np.cos(turn), np.sin(turn)])
corners = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1], [1, 1]])
domains = {
    "ball": (oco.Ball(1.0), circle),
    "box": (oco.Box(-1.0, 1.0), corners),
    "ellipsoid": (oco.Ellipsoid([1.0, 0.5]), circle * [1.0, 0.5]),
    "ℓ1 ball": (oco.domains.L1Ball(1.0), corners @ [[0.5, 0.5], [0.5, -0.5]]),
    "simplex": (oco.domains.Simplex(), np.array([[1, 0], [0, 1]])),
}
angles = np.linspace(0, 4 * np.pi, 120)
gradients = np.column_stack([np.cos(angles), 0.1 * np.sin(angles)])

figure, panels = plt.subplots(1, 5, figsize=(13, 3), layout="constrained")
for axes, (name, (domain, outline)) in zip(panels, domains.items(), strict=True):
    learner = oco.algorithms.adagrad(d=2, domain=domain, lr=0.7)
    played = [learner.x.copy()]
    for g in gradients:
        learner.update(g)
        played.append(learner.x.copy())
    played = np.array(played)
    axes.plot(*outline.T, color="0.6")
    axes.plot(*played.T, ".-", ms=3, lw=0.8, color="#0072B2")
    axes.plot(*played[-1], "ko", ms=5)
    axes.set(title=name, aspect="equal", xlim=(-1.15, 1.15), ylim=(-1.15, 1.15))
