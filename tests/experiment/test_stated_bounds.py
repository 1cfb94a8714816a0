"""A stream that breaks the bounds that it states fails by name where a theorem rests on them."""

from __future__ import annotations

import numpy as np
import pytest

import oco
from oco.losses import Stream


class Overlong(Stream):
    """States ‖a‖ ≤ 1 and |y| ≤ 1, and then gives a longer row or label in round 5."""

    def __init__(self, length: float, label: float) -> None:
        super().__init__(2, 300)
        self.features, self.labels = np.tile([[1.0, 0.0]], (300, 1)), np.ones(300)
        self.features[4] *= length
        self.labels[4] *= label

    def rows(self, start, stop):
        return self.features[start:stop].copy(), self.labels[start:stop].copy()


@pytest.mark.parametrize(
    ("length", "label", "name"), [(3, 1, "feature_norm"), (1, -100, "label_bound")]
)
@pytest.mark.parametrize("algorithm", ["ogd", "ons", "s-ons"])
def test_what_a_theorem_rests_on_is_looked_at(algorithm, length, label, name):
    options = {"stream": Overlong(length, label), "loss": "squared", "domain": oco.Ball(1.0)}
    result = oco.run(algorithm, **options, **({"k": 2} if algorithm == "s-ons" else {}))
    assert result.summary.status == "failed" and not result.violated
    assert result.summary.message.startswith(f"round 5: the stream states {name} = 1")
    assert result.summary.rounds == 4
    assert all(bound.holds is None for bound in result.summary.bounds)


def test_rows_as_long_as_stated_are_played():
    options = {"loss": "squared", "domain": oco.Ball(1.0), "k": 2}
    assert oco.run("s-ons", stream=Overlong(1, -1), **options).summary.status == "complete"


def test_a_learner_whose_bounds_rest_on_gradients_alone_plays_on():
    options = {"loss": "squared", "domain": oco.Ball(1.0), "k": 2}
    result = oco.run("s-adagrad", stream=Overlong(3, -100), **options)
    assert result.summary.status == "complete" and result.summary.bounds[0].holds
