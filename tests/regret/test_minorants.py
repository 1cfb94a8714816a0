"""A minorant is below the loss whatever the prediction, however far from the data."""

import numpy as np
import pytest

from oco.losses import MARGIN_LOSSES
from oco.regret.minorants import MoreauEnvelope, SmoothLoss


@pytest.mark.parametrize("width", [1.0, 1e8, 1e15])
@pytest.mark.parametrize("name", ["hinge", "absolute", "squared", "logistic"])
def test_offsets_do_not_exceed_the_conjugate(name, width):
    """Far from the data φ(z) − u z is the difference of two large numbers."""
    rng = np.random.default_rng(0)
    loss, labels = MARGIN_LOSSES[name], rng.choice([-1.0, 1.0], 200)
    if loss.labels == "real":
        labels = labels * rng.uniform(0, 2, 200)
    z = rng.standard_normal(200)
    family = MoreauEnvelope(loss, labels)
    family.width, family.multipliers = width, np.clip(rng.uniform(-2, 2, 200), -1, 1)
    for minorants in (
        family.at(z),
        SmoothLoss(loss, labels).at(width * z) if loss.smooth else None,
    ):
        if minorants is not None:
            true = -loss.conjugate(minorants.slope, labels)
            # Where φ is far above its minimum, φ* itself is known to rounding of its own size only.
            slack = 1e-15 * (1 + np.abs(true))
            assert np.all(minorants.offset <= true + slack)
