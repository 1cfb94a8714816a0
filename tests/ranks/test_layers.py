"""Advice for the layers of a model, against exact covariances."""

import numpy as np
import pytest

from oco.ranks import GradientWatch


def gradients(shape, steps, decay, seed=0):
    rng = np.random.default_rng(seed)
    scales = np.ones(shape)
    for axis, n in enumerate(shape):
        turned = [1] * len(shape)
        turned[axis] = n
        scales = scales * (decay ** np.arange(n)).reshape(turned)
    return [rng.standard_normal(shape) * scales for _ in range(steps)]


def covariance(given, axis):
    unfolded = [np.moveaxis(g, axis, 0).reshape(g.shape[axis], -1) for g in given]
    return sum(columns @ columns.T for columns in unfolded)


@pytest.mark.parametrize("shape", [(12, 30), (6, 5, 8), (9, 1, 14)])
@pytest.mark.parametrize("decay", [0.5, 0.8, 1.0])
def test_intervals_hold_what_the_exact_covariances_have(shape, decay):
    given = gradients(shape, 25, decay)
    watch = GradientWatch(k=7)
    for one in given:
        watch.absorb({"layer": one})
    for target in (0.3, 0.9):
        advice = watch.advise(target)
        assert [one.axis for one in advice.axes] == [i for i, n in enumerate(shape) if n > 1]
        for one in advice.axes:
            values = np.linalg.eigvalsh(covariance(given, one.axis))[::-1]
            dimension = values.sum() / values[0]
            assert one.dimension_lo <= dimension * (1 + 1e-9)
            assert dimension <= one.dimension_hi * (1 + 1e-9)
            k = one.k or min(7, one.dim + 1)
            share = values[: k - 1].sum() / values.sum()
            assert one.captured <= share + 1e-9
            limit = min(values[j:].sum() / (k - j) for j in range(k))
            assert one.omega_lo <= limit * (1 + 1e-9) + 1e-9 * values[0]
            assert limit <= one.omega_hi * (1 + 1e-9) + 1e-9 * values[0]
            if one.k is not None:
                assert one.captured >= target


def test_where_nothing_escapes_the_size_is_the_least_there_is():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((20, 3)))[0] * [3.0, 2.0, 1.0]
    watch = GradientWatch(k=10)
    given = [basis @ rng.standard_normal((3, 15)) for _ in range(40)]
    for one in given:
        watch.absorb({"layer": one})
    values = np.linalg.eigvalsh(covariance(given, 0))[::-1]
    for target in (0.5, 0.8, 0.999):
        least = int(np.searchsorted(np.cumsum(values) / values.sum(), target)) + 1
        assert watch.advise(target).axes[0].k == least + 1


def test_sizes_are_those_that_s_shampoo_takes():
    watch = GradientWatch(k=4)
    for one in gradients((30, 1, 20), 10, 1.0):
        watch.absorb({"flat": one, "bias": np.ones(30)})
    advice = watch.advise(0.99)
    assert advice.sizes == {"flat": (4, None, 4)}
    assert [one.k for one in advice.axes] == [None, None]
    assert "> 4" in str(advice)


def test_what_is_no_gradient_is_named_or_left_out():
    watch = GradientWatch(k=4)
    with pytest.raises(ValueError, match="gradients: none"):
        watch.advise()
    watch.absorb({"layer": np.eye(5)})
    watch.absorb({"layer": np.full((5, 5), np.nan)})
    assert watch.advise(0.5).axes[0].steps == 1
    with pytest.raises(ValueError, match=r"layer: expected shape \(5, 5\), got \(5, 4\)"):
        watch.absorb({"layer": np.ones((5, 4))})
    with pytest.raises(TypeError, match="layer: expected real numbers"):
        watch.absorb({"layer": np.eye(5) * 1j})
    with pytest.raises(ValueError, match="target"):
        watch.advise(1.0)
    with pytest.raises(ValueError, match="k"):
        GradientWatch(k=1)
