"""Both sides of each guarantee, against what the papers' formulas give by hand and by loops."""

import numpy as np
import pytest

from oco.sketch import escaped_mass_limit, escaped_mass_limit_range
from oco.sketch.guarantees import ROUNDING, Guarantee, check


def test_a_case_by_hand():
    """G = diag(9, 4, 2), Ḡ = diag(6, 1.5, 0) and τ = 3 with ℓ = 3."""
    found = check(np.diag([9.0, 4.0, 2.0]), np.eye(3)[:2], np.array([6.0, 1.5]), 3.0, 3)
    under, over, escaped, trace, first, second = found
    assert (under.value, under.limit) == (pytest.approx(-2.0), 0.0)
    assert (over.value, over.limit) == (pytest.approx(3.0), 3.0)
    # Ω_3 = min(15/3, 6/2, 2/1)
    assert (escaped.value, escaped.limit) == (3.0, pytest.approx(2.0))
    assert (trace.value, trace.limit) == (9.0, pytest.approx(15.0 - 7.5))
    assert (first.value, first.limit) == (pytest.approx(6.0), pytest.approx((1 + 1 / 2) * 6.0))
    assert (second.value, second.limit) == (pytest.approx(2.0), pytest.approx((1 + 2 / 1) * 2.0))
    slack = ROUNDING * 15
    weights = [guarantee.slack / slack for guarantee in found]
    np.testing.assert_allclose(weights, [1, 1, 1, 3, 1.5, 3])
    assert [guarantee.holds for guarantee in found] == [True, True, False, False, True, True]
    assert trace.margin == pytest.approx(-1.5)


def test_a_guarantee_holds_up_to_its_slack():
    assert Guarantee("", 1.0 + 1e-12, 1.0, 1e-11).holds
    assert not Guarantee("", 1.0 + 1e-10, 1.0, 1e-11).holds
    assert Guarantee("", 2.0, 5.0, 0.0).margin == 3.0


@pytest.mark.parametrize("size", [2, 3, 4])
def test_projections_on_every_rank_below_the_size(size):
    directions = np.eye(5)[: size - 1]
    found = check(np.eye(5), directions, np.ones(size - 1), 0.0, size)
    assert [g.name for g in found[4:]] == [f"P5 projection on the top {k}" for k in range(1, size)]
    # A sketch that was cut short, or is too long, is looked at as far as there is a claim.
    assert len(check(np.eye(5), directions[:1], np.ones(1), 0.0, size)) == 5
    assert len(check(np.eye(5), np.eye(5), np.ones(5), 0.0, size)) == 4 + size - 1


@pytest.mark.parametrize("size", [1, 2, 5, 7])
@pytest.mark.parametrize("rank", [0, 1, 4])
def test_the_range_is_the_smallest_of_each_end(size, rank):
    rng = np.random.default_rng(rank)
    known = np.sort(rng.uniform(1, 9, rank))[::-1]
    tau, total = 0.7, known.sum() + 11.0
    low, high = [], []
    for j in range(size):
        head = sum(known[:j])
        high.append((total - head) / (size - j))
        low.append(max(total - head - j * tau, 0.0) / (size - j))
    found = escaped_mass_limit_range(known, tau, total, size)
    np.testing.assert_allclose(found, (min(low), min(high)), rtol=1e-14)


def test_a_range_that_reaches_below_zero_is_cut():
    assert escaped_mass_limit_range(np.array([5.0]), 10.0, 6.0, 2)[0] == 0.0


def test_rounding_widens_the_range_and_what_lies_outside_may_narrow_it():
    """λ̄ = 6, 2 and τ = 1 of 12: Ω_3 ≤ min(12/3, 6/2, 4/1) and ≥ min(12/3, 5/2, 2/1)."""
    given = np.array([6.0, 2.0]), 1.0, 12.0, 3
    assert escaped_mass_limit_range(*given) == (2.0, 3.0)
    found = escaped_mass_limit_range(*given, rounding=0.1)
    np.testing.assert_allclose(found, ((2 - 0.3) / 1, (6 + 0.2) / 2))
    assert escaped_mass_limit_range(*given, outside=0.5) == (2.0, 0.5)
    assert escaped_mass_limit_range(*given[:3], 2, outside=0.5)[1] == 6.0


def test_the_sketchs_own_rounding_is_granted_on_top():
    found = check(np.diag([4.0, 1.0]), np.eye(2)[:1], np.array([4.0]), 1.0, 2, rounding=0.25)
    slack = [guarantee.slack - ROUNDING * 5 for guarantee in found]
    np.testing.assert_allclose(slack, [0.25, 0.25, 0.5, 0.5, 0.5], rtol=1e-9)


def test_eigenvalues_that_rounding_made_negative_count_as_zero():
    assert escaped_mass_limit(np.array([3.0, 1.0, -0.5]), 2) == 1.0
    assert escaped_mass_limit(np.array([3.0, -0.5]), 2) == 0.0


def test_of_nothing_nothing_is_lost():
    """Every guarantee holds with equality, and without a slack."""
    found = check(np.zeros((3, 3)), np.eye(3)[:1], np.zeros(1), 0.0, 2)
    assert len(found) == 5
    assert all(g.holds and g.value == g.limit == g.slack == 0 for g in found)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_eigenvalues_below_one(size):
    spectrum = np.array([0.5, 0.25, 0.125, 0.0625])
    found = check(np.diag(spectrum), np.eye(4)[: size - 1], spectrum[: size - 1], 0.0, size)
    assert found[2].limit == escaped_mass_limit(spectrum, size)
    for k, projection in enumerate(found[4:], start=1):
        assert projection.value == pytest.approx(spectrum[k:].sum())
        assert projection.limit == pytest.approx(size / (size - k) * spectrum[k:].sum())
