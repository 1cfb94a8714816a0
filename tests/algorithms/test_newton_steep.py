"""A Newton step that would be rounding is refused, and so is no theorem that it would break."""

from __future__ import annotations

import numpy as np
import pytest

import oco
from oco.losses import Stream


class Line(Stream):
    """Rows along one direction, with labels of either sign."""

    def __init__(self, T: int) -> None:
        rng = np.random.default_rng(1)
        u = rng.standard_normal(2)
        self.features = np.outer(rng.uniform(0.2, 1, T), u / np.linalg.norm(u) / 1.0000001)
        self.labels = np.where(rng.random(T) < 0.5, 1.0, -1.0)
        super().__init__(2, T)

    def rows(self, start, stop):
        return self.features[start:stop].copy(), self.labels[start:stop].copy()


@pytest.mark.parametrize("algorithm", ["ons", "s-ons", "rfd-son", "fd-son"])
def test_a_tiny_alpha_fails_by_name(algorithm):
    size = {} if algorithm == "ons" else {"k": 2}
    settings = {"stream": Line(3000), "loss": "logistic", "domain": oco.Ball(1.0), **size}
    result = oco.run(algorithm, alpha=1e-15, **settings)
    assert result.summary.status == "failed" and "alpha" in result.summary.message
    assert not result.violated
    held = oco.run(algorithm, alpha=1e-6, **settings)
    assert held.summary.status == "complete" and not held.violated
