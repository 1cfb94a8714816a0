from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oco.losses import MARGIN_LOSSES, Adversary, Loss, Starve
from oco.losses.spectra import eigenvalues

each_adversary = pytest.mark.parametrize("cls", [Adversary, Starve])


def features_of(stream) -> np.ndarray:
    return np.concatenate([a for a, _ in stream.chunks()])


def escaped_mass(gradients: np.ndarray, size: int) -> np.ndarray:
    """Return ρ_{1:t} of Frequent Directions, from its definition on dense matrices."""
    d = gradients.shape[1]
    sketch, escaped = np.zeros((d, d)), []
    for g in gradients:
        values, vectors = np.linalg.eigh(sketch + np.outer(g, g))
        loss = values[-size]
        kept = np.maximum(values - loss, 0.0)
        sketch = (vectors * kept) @ vectors.T
        escaped.append(loss)
    return np.cumsum(escaped)


@each_adversary
@pytest.mark.parametrize("name", MARGIN_LOSSES)
@given(z=st.floats(-1e6, 1e6))
def test_the_answer_is_the_worst_label(cls, name, z):
    loss = MARGIN_LOSSES[name]
    answer = cls(d=2, T=2, loss=loss).answer(z)
    assert answer in (-1.0, 1.0)
    assert loss.value(z, answer) == max(loss.value(z, -1.0), loss.value(z, 1.0))


@each_adversary
@pytest.mark.parametrize("name", MARGIN_LOSSES)
def test_the_answer_opposes_the_prediction(cls, name):
    stream = cls(d=2, T=2, loss=MARGIN_LOSSES[name])
    # The tiny and the huge predictions tie by rounding.
    answers = [stream.answer(z) for z in (-1e300, -0.5, -1e-300, 0.0, 1e-300, 0.5, 1e300)]
    assert answers == [1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0]
    assert isinstance(stream.answer(np.float64(0.3)), float)


@each_adversary
def test_the_answer_is_the_worst_for_a_loss_of_ones_own(cls):
    class Reversed(Loss):
        def value(self, z, y):
            return np.maximum(0.0, y * z)

        def derivative(self, z, y):
            return y * (y * z > 0)

    assert cls(d=2, T=2, loss=Reversed()).answer(3.0) == 1.0


def test_adversary_has_the_chosen_spectrum():
    stream = Adversary(d=5, T=10, spectrum="exp:0.3", seed=2)
    Q = stream.features.rotation.apply(np.eye(5)).T
    squares = (features_of(stream) @ Q) ** 2
    np.testing.assert_allclose(squares, np.tile(eigenvalues("exp:0.3", 5), (10, 1)), atol=1e-14)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_starve_cycles_through_an_orthonormal_basis(d):
    features = features_of(Starve(d=d, T=3 * d + 1, seed=2))
    np.testing.assert_allclose(features[:d] @ features[:d].T, np.eye(d), atol=1e-13)
    np.testing.assert_array_equal(features[d:], features[: 2 * d + 1])


@pytest.mark.parametrize("size", [2, 3, 5])
def test_starve_lets_as_much_escape_as_the_trace_allows(size):
    d, T = 8, 60
    escaped = escaped_mass(features_of(Starve(d=d, T=T)), size)
    # tr G_t = t, and ρ_{1:t} ≤ tr G_t / ℓ always; here with equality in every ℓ-th round.
    rounds = np.arange(1, T + 1)
    np.testing.assert_allclose(escaped, rounds // size, atol=1e-9)
    spread = escaped_mass(features_of(Adversary(d=d, T=T, spectrum="exp:0.3")), size)
    assert spread[-1] < 0.6 * escaped[-1]


def test_bad_spectrum():
    with pytest.raises(ValueError, match=r"^spectrum: "):
        Adversary(d=3, T=2, spectrum="nothing")
