"""The study of a network's gradients: its data, its training step by step, and what it finds."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from oco.reproduce import spectra
from oco.reproduce.network import Network
from oco.spectra import follow
from oco.spectra.following import SIZE

# The package has a function of the module's name.
module = sys.modules["oco.reproduce.spectra"]
SHORT = {"alg": "sgd", "lr": 0.05, "steps": 60, "evaluations": 6, "k": 6, "hidden": ()}


def test_the_images_are_scikit_learn_s_with_their_labels():
    features, labels = module.digits()
    pixels, classes = load_digits(return_X_y=True)
    assert features.shape == (1438, 64) and labels.shape == (1438,)
    assert np.bincount(labels, minlength=10).min() > 0.07 * len(labels)
    order = np.random.default_rng(0).permutation(len(classes))[359:]
    assert np.array_equal(labels, classes[order])
    for column in range(64):
        if features[:, column].any():
            shades = np.corrcoef(features[:, column], pixels[order, column])[0, 1]
            assert shades == pytest.approx(1, abs=1e-12)


def test_every_pixel_has_mean_0_and_variance_1():
    features, _ = module.digits()
    varies = features.std(axis=0) > 0
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(features.std(axis=0)[varies], 1, rtol=1e-12)
    assert not features[:, ~varies].any() and varies.sum() > 55


def test_each_epoch_takes_every_image_at_most_once():
    batches = list(module.batches(1438, 46, seed=0))
    epochs = [np.concatenate(batches[i : i + 22]) for i in (0, 22)]
    for rows in epochs:
        assert len(np.unique(rows)) == len(rows) == 22 * 64
    assert not np.array_equal(*epochs)
    other = next(module.batches(1438, 1, seed=1))
    assert not np.array_equal(batches[0], other)


def test_the_study_is_of_the_gradients_of_the_textbook_recursion():
    """SGD with momentum 0.9 by hand, and the gradients of the middle layer, followed."""
    features, labels = module.digits()
    network = Network((64, 5, 7, 10))
    parameters = network.initial(3)
    averages, gradients = [np.zeros(p.shape) for p in parameters], []
    for t, rows in enumerate(module.batches(1438, 8, seed=3), start=1):
        _, found = network.gradients(parameters, features[rows], labels[rows])
        averages = [0.9 * b + 0.1 * g for b, g in zip(averages, found, strict=True)]
        moved = zip(parameters, averages, strict=True)
        parameters = [p - 0.05 * b / (1 - 0.9**t) for p, b in moved]
        gradients.append(found[2])
    expected = follow(gradients, k=4, evaluations=2)
    study = spectra(alg="sgd", lr=0.05, steps=8, seed=3, k=4, evaluations=2, hidden=(5, 7))
    assert study.shape == (7, 5) and study.step.tolist() == [4, 8]
    for found, wanted in zip(study.spectra, expected.spectra, strict=True):
        scale = wanted.eigenvalues.max()
        np.testing.assert_allclose(found.eigenvalues, wanted.eigenvalues, atol=1e-10 * scale)
        np.testing.assert_allclose(found.captured, wanted.captured, rtol=1e-9)


def test_same_seed_same_study_and_another_another():
    first, again, other = (spectra(**SHORT, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert not np.allclose(first.spectra[0].eigenvalues, other.spectra[0].eigenvalues)


@pytest.mark.parametrize("alg", ["adam", "shampoo", "s-shampoo"])
def test_every_optimizer_trains_it(alg):
    study = spectra(**{**SHORT, "alg": alg, "lr": 0.03, "steps": 20})
    assert not study.message and f"; {alg}{' k=6' if alg == 's-shampoo' else ''}, η" in study.origin
    assert study.shape == (10, 64)


def test_the_digits_network_is_concentrated_and_turns_slowly():
    """The beginning of the published kind of figure: 64-256-256-10, middle layer, β₂ = 0.99.

    A run of 1,500 steps has intrinsic dimensions of 3 to 7 of 256, top-25 % masses of 0.92 to 0.98,
    and leading directions whose overlap with those of step 100 falls from 0.9 to below 0.8.
    """
    study = spectra(alg="adam", lr=1e-4, steps=120, evaluations=4, reference=30)
    assert (study.shape, study.k, study.decay) == ((256, 256), SIZE, 0.99)
    assert study.origin.endswith("\nlayer 2")
    for factor in study.factors.values():
        dimensions, masses = factor.intrinsic_dimensions(), factor.top_masses()
        assert (dimensions > 2).all() and (dimensions < 7).all()
        assert (masses > 0.92).all() and (masses < 0.985).all()
        # Random subspaces of 16 directions overlap by 16/256 = 0.06.
        assert (np.diff(factor.overlap) < 0).all() and 0.75 < factor.overlap[-1] < 0.97
        assert (factor.captured > 0.84).all() and (factor.agreement > 0.85).all()
    assert (study.alignment > 0.8).all()


def test_a_loss_that_is_no_number_ends_the_study_and_keeps_what_was_measured():
    study = spectra(alg="sgd", lr=1e6, steps=40, evaluations=40, k=4)
    step = len(study.step) + 1
    assert 1 < step < 40 and study.message.startswith(f"step {step}: the loss is ")
    assert len(study.step) == len(study.factors["L"].captured)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layer": 2}, "layer: expected an integer from 1 to 1, got 2"),
        ({"layer": 0}, "layer: expected an integer from 1 to 1, got 0"),
        ({"alg": "shampo"}, "alg: unknown name 'shampo'; did you mean 'shampoo'"),
        ({"lr": 0}, "lr: expected a finite number > 0"),
        ({"steps": 0}, "steps: expected an integer >= 1"),
        ({"seed": -1}, "seed: expected an integer >= 0"),
        ({"k": 1}, "k: expected an integer >= 2"),
        ({"reference": 61}, "reference: expected an integer from 1 to 60"),
    ],
)
def test_what_is_wrong_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        spectra(**{**SHORT, **options})
