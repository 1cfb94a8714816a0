"""S-AdaGrad on real rows against figures computed with dense eigendecompositions."""

import pytest

import oco


def test_average_loss_and_escaped_mass_over_all_real_rows(a9a):
    summary = oco.run(
        "s-adagrad", data=str(a9a), k=10, lr=0.1, domain="unconstrained", features=123
    ).summary
    assert summary.average_loss == pytest.approx(0.342660216, abs=1e-8)
    assert summary.escaped_mass == pytest.approx(2740.49, abs=0.01)
    assert summary.d == 124 and summary.T == 32_560
    assert all(bound.holds for bound in summary.bounds)
