"""The spectral study against dense covariances of the same gradients."""

import json

import numpy as np
import pytest

from oco.spectra import follow, load_study
from oco.spectra.tracking import TOP, GradientTracker, preconditioned

# Like a layer's: of decaying scale along both axes, with directions that turn.
RNG = np.random.default_rng(0)
TURN = np.linalg.qr(np.eye(20) + 0.05 * RNG.standard_normal((20, 20)))[0]
TURNED = [np.linalg.matrix_power(TURN, t) for t in range(60)]
GRADIENTS = [
    RNG.standard_normal((10, 20)) * 0.7 ** np.arange(10)[:, None] * 0.8 ** np.arange(20) @ turn
    for turn in TURNED
]


@pytest.fixture(scope="module")
def study():
    return follow(GRADIENTS, k=6, reference=20, evaluations=6)


def sums(gradients, decay=0.99):
    """L and R of the gradients, without any sketch."""
    weights = decay ** np.arange(len(gradients))[::-1]
    left = sum(w * g @ g.T for w, g in zip(weights, gradients, strict=True))
    return left, sum(w * g.T @ g for w, g in zip(weights, gradients, strict=True))


def test_exact_eigenvalues_are_those_of_the_decayed_sum(study):
    assert study.step.tolist() == [10, 20, 30, 40, 50, 60] and study.shape == (10, 20)
    for i, step in enumerate(study.step):
        for factor, matrix in zip(study.spectra, sums(GRADIENTS[:step]), strict=True):
            expected = np.linalg.eigvalsh(matrix)[::-1]
            np.testing.assert_allclose(factor.eigenvalues[i], expected, atol=1e-11 * expected[0])


def test_a_vector_has_one_covariance():
    vectors = [g[0] for g in GRADIENTS]
    study = follow(vectors, k=6)
    (factor,) = study.spectra
    assert study.shape == (20,) and list(study.factors) == ["C"]
    _, matrix = sums([g[None] for g in vectors])
    expected = np.linalg.eigvalsh(matrix)[::-1]
    np.testing.assert_allclose(factor.eigenvalues[-1], expected, atol=1e-11 * expected[0])
    # The step of full-matrix AdaGrad with a decay, and of S-AdaGrad.
    tracker = GradientTracker((20,), 6, 0.99)
    for vector in vectors:
        tracker.absorb(vector)
    steps = []
    for covariance in (matrix, tracker.factors[0].sketch.compensated_covariance().dense()):
        values, turned = np.linalg.eigh(covariance)
        steps.append(turned * (values + 1e-6 * values[-1]) ** -0.5 @ turned.T @ vectors[-1])
    cosine = steps[0] @ steps[1] / np.prod([np.linalg.norm(step) for step in steps])
    assert study.alignment[-1] == pytest.approx(cosine, rel=1e-8)


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


def test_what_the_sketch_captures_is_the_mass_in_its_directions():
    tracker = GradientTracker((10, 20), 4, 0.99)
    for gradient in GRADIENTS:
        tracker.absorb(gradient)
    left, _ = sums(GRADIENTS)
    (found, _), _ = tracker.measure(GRADIENTS[-1], refer=True)
    rows = tracker.factors[0].sketch.directions
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
    tracker = GradientTracker((7, 5), 3, 1.0)
    for gradient in gradients:
        tracker.absorb(gradient)

    def inverse_root(matrix):
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * (values + 1e-6 * values[-1]) ** -0.25) @ vectors.T

    left, right = sums(gradients, decay=1.0)
    expected = inverse_root(left) @ gradients[-1] @ inverse_root(right)
    sketched = [factor.sketch.compensated_covariance() for factor in tracker.factors]
    roots = [inverse_root(covariance.dense()) for covariance in sketched]
    other = roots[0] @ gradients[-1] @ roots[1]
    np.testing.assert_allclose(
        preconditioned(sketched, gradients[-1]), other.reshape(-1), rtol=1e-9
    )
    cosine = np.sum(expected * other) / np.linalg.norm(expected) / np.linalg.norm(other)
    assert tracker.measure(gradients[-1])[1] == pytest.approx(cosine, rel=1e-9)


def test_a_sketch_larger_than_the_factor_loses_nothing():
    study = follow(GRADIENTS[:30], k=100)
    for factor in study.factors.values():
        assert not factor.escaped_mass.any()
        np.testing.assert_allclose(factor.seen, factor.eigenvalues, atol=1e-12 * factor.largest[0])
        np.testing.assert_allclose(factor.captured, 1, rtol=1e-12)
    np.testing.assert_allclose(study.alignment, 1, rtol=1e-6)


def test_overlaps_are_with_the_reference_step(study):
    for factor in study.factors.values():
        assert np.isnan(factor.overlap[0]) and factor.overlap[1] == pytest.approx(1)
        assert (factor.overlap[2:] < 1).all() or factor.dim <= TOP
    assert follow(GRADIENTS[:5], k=4).reference == 5
    # Measured there too, where no checkpoint would be.
    assert follow(GRADIENTS, k=4, reference=7, evaluations=2).step.tolist() == [7, 30, 60]


def test_larger_sketches_lose_less():
    small, large = (follow(GRADIENTS, k=k) for k in (4, 12))
    assert (large.factors["R"].escaped_mass < small.factors["R"].escaped_mass).all()
    assert (large.factors["R"].captured > small.factors["R"].captured).all()
    assert large.alignment[-1] > small.alignment[-1]


def test_gradients_that_are_not_finite_are_left_out():
    tracker = GradientTracker((4, 3), 2, 0.9)
    tracker.absorb(np.full((4, 3), np.nan))
    tracker.absorb(np.ones((4, 3)))
    assert tracker.factors[0].matrix.sum() == pytest.approx(48)
    assert tracker.factors[1].sketch.total_mass == pytest.approx(12)


def test_nothing_absorbed_is_nothing_measured():
    (left, right), alignment = GradientTracker((4, 3), 2, 0.9).measure(np.zeros((4, 3)))
    assert left["captured"] == right["captured"] == 1 and np.isnan(alignment)


def test_gradients_that_end_with_an_error_leave_what_was_measured(tmp_path):
    def failing(after):
        yield from GRADIENTS[:after]
        raise FloatingPointError("step 25: the loss is nan")

    study = follow(failing(24), 60, k=6, evaluations=6)
    assert study.step.tolist() == [10, 20] and study.message == "step 25: the loss is nan"
    full = follow(GRADIENTS[:20], k=6, evaluations=2)
    np.testing.assert_array_equal(study.spectra[0].captured, full.spectra[0].captured)
    # Even before the first checkpoint it can be kept.
    early = follow(failing(3), 60, k=6, evaluations=6)
    early.save(tmp_path / "early")
    assert not len(early.step) and load_study(tmp_path / "early") == early
    with pytest.raises(ValueError, match="gradients: expected at least one, but step 25"):
        follow(failing(0), 60)


@pytest.mark.parametrize("rows", [GRADIENTS, [g[0] for g in GRADIENTS]])
def test_a_study_is_read_back_as_it_was_saved(rows, tmp_path):
    study = follow(rows, k=6, origin="a\nb")
    study.save(tmp_path / "study")
    assert load_study(tmp_path / "study") == study
    (tmp_path / "study" / "result.json").write_text("{}")
    with pytest.raises(ValueError, match="not a result of oco"):
        load_study(tmp_path / "study")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": [10, 19]}, "R.eigenvalues"),
        ({"shape": [10]}, "C.eigenvalues"),
        ({"shape": [1, 2, 3]}, "3"),
        ({"k": "6"}, "k: expected int"),
        ({"origin": 1}, "origin: expected str"),
    ],
)
def test_a_study_that_says_something_else_is_refused(study, monkeypatch, tmp_path, changes, words):
    document = json.loads(json.dumps(study.document()))
    document["study"] |= changes
    with monkeypatch.context() as patch:
        patch.setattr(type(study), "document", lambda self: document)
        study.save(tmp_path)
    with pytest.raises(ValueError, match=f"no study that this release can read: .*{words}"):
        load_study(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"k": 1}, "k: expected an integer >= 2"),
        ({"decay": 1.5}, "decay: expected a finite number"),
        ({"reference": 61}, "reference: expected an integer from 1 to 60"),
        ({"reference": 0}, "reference: expected an integer from 1 to 60"),
        ({"evaluations": 0}, "evaluations: expected an integer >= 1"),
        ({"count": 0}, "count: expected an integer >= 1"),
    ],
)
def test_what_is_wrong_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        follow(GRADIENTS, **options)


def test_a_generator_does_not_say_how_many_there_are():
    with pytest.raises(TypeError, match="count: expected how many gradients there are"):
        follow(iter(GRADIENTS))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([np.ones((2, 2, 2))], r"expected shape \(d,\) or \(m, n\).* got \(2, 2, 2\)"),
        ([np.float64(1)], r"got \(\)"),
        ([np.ones(8193)], r"got \(8193,\); oco.ranks takes longer vectors"),
        ([np.ones(3), np.ones(4)], r"expected all of shape \(3,\), got \(4,\) at step 2"),
    ],
)
def test_gradients_of_no_one_shape_are_refused(rows, words):
    with pytest.raises(ValueError, match=words):
        follow(rows)
