"""The spectral study against dense covariances of the same gradients, and against known figures."""

import numpy as np
import pytest

from oco.training import Training, load_study, study_spectra, train
from oco.training.following import SIZE
from oco.training.tracking import TOP, LayerTracker, preconditioned

SMALL = Training("digits-softmax", "adam", lr=0.01, steps=60, evaluations=6)


@pytest.fixture(scope="module")
def study():
    return study_spectra(SMALL, k=6, reference=20)


@pytest.fixture(scope="module")
def dense():
    """L and R after each checkpoint of the same training, and its gradients, without any sketch."""
    gradients = []
    train(SMALL, observe=lambda t, found: gradients.append(found[0].copy()))
    weights = [0.99 ** (60 - t) for t in range(1, 61)]
    left = sum(w * g @ g.T for w, g in zip(weights, gradients, strict=True))
    right = sum(w * g.T @ g for w, g in zip(weights, gradients, strict=True))
    return left, right, gradients


def test_exact_eigenvalues_are_those_of_the_decayed_sum(study, dense):
    assert study.step.tolist() == [10, 20, 30, 40, 50, 60] and study.shape == (10, 64)
    for factor, matrix in zip(study.factors.values(), dense, strict=False):
        expected = np.linalg.eigvalsh(matrix)[::-1]
        np.testing.assert_allclose(factor.eigenvalues[-1], expected, atol=1e-11 * expected[0])


def test_the_sketch_keeps_its_guarantees_at_every_checkpoint(study):
    for factor in study.factors.values():
        slack = 1e-11 * factor.largest[:, None]
        q = min(study.k - 1, factor.dim)
        exact = factor.eigenvalues[:, :q]
        assert (factor.sketched[:, :q] <= exact + slack).all()
        assert (factor.seen >= factor.eigenvalues - slack).all()
        assert (factor.escaped_mass <= factor.escape_limit + slack[:, 0]).all()
        assert (factor.escaped_mass > 0).all(), "a sketch this small loses something"
        assert (factor.captured <= factor.possible + 1e-12).all()
        assert (factor.captured > 0.4).all()


def test_what_the_sketch_captures_is_the_mass_in_its_directions(dense):
    left, _, gradients = dense
    tracker = LayerTracker((10, 64), 4, 0.99)
    for gradient in gradients:
        tracker.absorb(gradient)
    factor = tracker.factors[0]
    found = factor.measure(factor.exact.covariance(), refer=True)
    rows = factor.sketched.sketch.directions
    projection = rows.T @ rows
    captured = np.trace(projection @ left @ projection) / np.trace(left)
    assert found["captured"] == pytest.approx(captured, rel=1e-10)
    vectors = np.linalg.eigh(left)[1][:, ::-1][:, : len(rows)]
    agreement = np.linalg.norm(rows @ vectors) ** 2 / len(rows)
    assert found["agreement"] == pytest.approx(agreement, rel=1e-9)
    assert found["overlap"] == pytest.approx(1)


def test_the_step_is_shampoo_s():
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal((7, 5)) for _ in range(9)]
    tracker = LayerTracker((7, 5), 3, 1.0)
    for gradient in gradients:
        tracker.absorb(gradient)

    def inverse_root(matrix):
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * (values + 1e-6 * values[-1]) ** -0.25) @ vectors.T

    left, right = (sum(g @ g.T for g in gradients), sum(g.T @ g for g in gradients))
    expected = inverse_root(left) @ gradients[-1] @ inverse_root(right)
    exact = [factor.exact.covariance() for factor in tracker.factors]
    np.testing.assert_allclose(
        preconditioned(exact, gradients[-1]), expected.reshape(-1), rtol=1e-9
    )
    sketched = [factor.sketched.covariance().dense() for factor in tracker.factors]
    other = inverse_root(sketched[0]) @ gradients[-1] @ inverse_root(sketched[1])
    cosine = np.sum(expected * other) / np.linalg.norm(expected) / np.linalg.norm(other)
    assert tracker.measure(gradients[-1])[1] == pytest.approx(cosine, rel=1e-9)


def test_a_sketch_larger_than_the_factor_loses_nothing():
    study = study_spectra(SMALL.replace(steps=20), k=100)
    for factor in study.factors.values():
        assert not factor.escaped_mass.any()
        np.testing.assert_allclose(factor.seen, factor.eigenvalues, atol=1e-12 * factor.largest[0])
        np.testing.assert_allclose(factor.captured, 1, rtol=1e-12)
    np.testing.assert_allclose(study.alignment, 1, rtol=1e-6)


def test_overlaps_are_with_the_reference_step(study):
    for factor in study.factors.values():
        assert np.isnan(factor.overlap[0]) and factor.overlap[1] == pytest.approx(1)
        assert (factor.overlap[2:] < 1).all() or factor.dim <= TOP
    assert study_spectra(SMALL.replace(steps=5), k=4).reference == 5


def test_larger_sketches_lose_less():
    small, large = (study_spectra(SMALL.replace(steps=20), k=k) for k in (4, 16))
    assert (large.right.escaped_mass < small.right.escaped_mass).all()
    assert (large.right.captured > small.right.captured).all()
    assert large.alignment[-1] > small.alignment[-1]


def test_gradients_that_are_not_finite_are_left_out():
    tracker = LayerTracker((4, 3), 2, 0.9)
    tracker.absorb(np.full((4, 3), np.nan))
    tracker.absorb(np.ones((4, 3)))
    assert tracker.factors[0].exact.matrix.sum() == pytest.approx(48)
    assert tracker.factors[1].sketched.sketch.total_mass == pytest.approx(12)


def test_nothing_absorbed_is_nothing_measured():
    (left, right), alignment = LayerTracker((4, 3), 2, 0.9).measure(np.zeros((4, 3)))
    assert left["captured"] == right["captured"] == 1 and np.isnan(alignment)


def test_the_digits_network_is_concentrated_and_turns_slowly():
    """The beginning of the published kind of figure: 64-256-256-10, middle layer, β₂ = 0.99.

    A run of 1,500 steps has intrinsic dimensions of 3 to 7 of 256, top-25 % masses of 0.92 to 0.98,
    and leading directions whose overlap with those of step 100 falls from 0.9 to below 0.8.
    """
    training = Training("digits-mlp", "adam", lr=1e-4, steps=120, evaluations=4)
    study = study_spectra(training, reference=30)
    assert (study.layer, study.shape, study.k, study.decay) == (2, (256, 256), SIZE, 0.99)
    for factor in study.factors.values():
        dimensions, masses = factor.intrinsic_dimensions(), factor.top_masses()
        assert (dimensions > 2).all() and (dimensions < 7).all()
        assert (masses > 0.92).all() and (masses < 0.985).all()
        # Random subspaces of 16 directions overlap by 16/256 = 0.06.
        assert (np.diff(factor.overlap) < 0).all() and 0.75 < factor.overlap[-1] < 0.97
        assert (factor.captured > 0.84).all() and (factor.agreement > 0.85).all()
    assert (study.alignment > 0.8).all()


def test_a_study_is_read_back_as_it_was_saved(study, tmp_path):
    study.save(tmp_path / "study")
    assert load_study(tmp_path / "study") == study
    (tmp_path / "study" / "result.json").write_text("{}")
    with pytest.raises(ValueError, match="not a result of oco"):
        load_study(tmp_path / "study")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layer": 2}, "layer: expected an integer from 1 to 1, got 2"),
        ({"layer": 0}, "layer: expected an integer from 1 to 1, got 0"),
        ({"k": 1}, "k: expected an integer >= 2"),
        ({"decay": 1.5}, "decay: expected a finite number"),
        ({"reference": 61}, "reference: expected an integer from 1 to 60"),
        ({"reference": 0}, "reference: expected an integer from 1 to 60"),
    ],
)
def test_what_is_wrong_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        study_spectra(SMALL, **options)


def test_a_training_that_fails_leaves_what_was_measured():
    failing = Training("digits-mlp", "sgd", lr=1e6, steps=40, evaluations=40)
    study = study_spectra(failing, k=4)
    assert study.outcome.summary.status == "failed"
    assert 0 < len(study.step) < 40 and len(study.step) == len(study.left.captured)
