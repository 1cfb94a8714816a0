"""
What a sketch loses, and what is promised of it
===============================================

A sketch of size k is off by at most its escaped mass ρ, which it knows, and that is at most Ω_k,
which follows from the bottom of the spectrum. Where the spectrum falls off, all three fall with it;
where directions turn, or are all alike, a sketch loses more.
"""

import matplotlib.pyplot as plt
import numpy as np

from oco.sketch import FrequentDirections, escaped_mass_limit

d, n = 100, 2000
rng = np.random.default_rng(0)
sizes = [2, 3, 5, 8, 12, 20, 30, 45, 70, 95]
scales = {
    "λ_i = 0.5^i": 0.5 ** np.arange(d),
    "λ_i = 1/i²": 1 / np.arange(1, d + 1.0) ** 2,
    "flat": np.ones(d),
}

figure, panels = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True, layout="constrained")
for axes, (title, spectrum) in zip(panels, scales.items(), strict=True):
    # The leading directions turn ten times: old ones must go for new, which costs a sketch most.
    turned = [np.linalg.qr(rng.standard_normal((d, d)))[0] * np.sqrt(spectrum) for _ in range(10)]
    rows = np.concatenate([rng.standard_normal((n // 10, d)) @ turn.T for turn in turned])
    exact = rows.T @ rows
    values = np.linalg.eigvalsh(exact)
    errors, escaped, limits = [], [], []
    for k in sizes:
        sketch = FrequentDirections(d, k)
        sketch.extend(rows)
        errors.append(np.linalg.norm(exact - sketch.covariance().dense(), 2))
        escaped.append(sketch.escaped_mass)
        limits.append(escaped_mass_limit(values, k))
    rounding = 1e-12 * values[-1]
    assert (np.array(errors) <= np.array(escaped) + rounding).all()
    assert (np.array(escaped) <= np.array(limits) + rounding).all()
    axes.semilogy(sizes, errors, "o-", label="‖G − Ḡ‖")
    axes.semilogy(sizes, escaped, "s--", label="ρ, escaped mass")
    axes.semilogy(sizes, limits, ":", color="black", label="Ω_k")
    axes.set(title=title, xlabel="sketch size k")
panels[0].set_ylabel("mass")
panels[0].legend(frameon=False)
