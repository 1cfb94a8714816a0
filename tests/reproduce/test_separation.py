"""The growth of both certificates on the orthonormal stream, against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from oco.losses import Orthonormal
from oco.reproduce import separation
from oco.reproduce.separation import DELTAS


def test_growth_is_that_of_the_dense_definition():
    """Both certificates from the definition, with δ and η by brute force."""
    d, T, k, r = 25, 400, 5, 20
    found = separation(d=d, T=T, r=r, k=k, jobs=1)
    (features, _), *_ = Orthonormal(d=d, T=T, r=r).chunks()
    sketch, tau, roots = np.zeros((d, d)), 0.0, 0.0
    quadratic, quadratics = 0.0, np.zeros(len(DELTAS))
    for g in features:
        values, vectors = np.linalg.eigh(sketch + np.outer(g, g))
        rho = max(values[-k], 0.0)
        sketch = (vectors[:, -k:] * np.maximum(values[-k:] - rho, 0)) @ vectors[:, -k:].T
        tau, roots = tau + rho, roots + np.sqrt(rho)
        values, vectors = np.linalg.eigh(sketch)
        values, part = np.maximum(values, 0), (vectors.T @ g) ** 2
        metric = np.sqrt(values + tau)
        kept = metric > 1e-6
        quadratic += (part[kept] / metric[kept]).sum()
        quadratics += [(part / (np.sqrt(values) + delta)).sum() for delta in DELTAS]
    ours = 2 * np.sqrt(metric[kept].sum() * quadratic)
    assert found.sketched.values[-1] == pytest.approx(ours, rel=1e-6)
    potentials = np.sqrt(values).sum() + d * np.array(DELTAS) + d * roots
    best = (2 * np.sqrt(potentials * quadratics)).min()
    assert found.capped[-1].values[-1] == pytest.approx(best, rel=1e-6)


def test_a_tighter_cap_grows_faster():
    found = separation(d=40, T=2000, jobs=2)
    exponents = [growth.exponent for growth in found.capped]
    assert exponents == sorted(exponents, reverse=True)
    assert exponents[0] > 0.9 and abs(exponents[-1] - 0.5) < 0.02
    assert abs(found.sketched.exponent - 0.5) < 0.06
