"""A gradient of zero changes nothing, before or after others."""

import numpy as np
import pytest
from what_learners_take import RATED, own_options

from oco.algorithms import ALGORITHMS
from oco.domains import Ball


@pytest.mark.parametrize("name", [name for name in RATED if name not in ("ogd", "adam")])
@pytest.mark.parametrize("zero", [0.0, 1e-160])
def test_a_zero_gradient_after_others_moves_nothing(name, zero):
    learner = ALGORITHMS[name](4, domain=Ball(1.0), lr=0.5, **own_options(name))
    for g in np.random.default_rng(0).standard_normal((6, 4)):
        learner.update(g)
    x, quadratic = learner.x.copy(), learner.diagnostics().quadratic
    learner.update(np.full(4, zero))
    np.testing.assert_allclose(learner.x, x, rtol=0, atol=1e-15)
    assert learner.diagnostics().quadratic == pytest.approx(quadratic, rel=1e-14)
