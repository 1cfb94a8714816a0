"""The digits: split once for all, scaled by what is learnt from, nothing lost or mixed up."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from oco.training.tasks import TASKS, digits, task_of


def test_every_image_is_in_one_part_with_its_label():
    split = digits()
    pixels, labels = load_digits(return_X_y=True)
    features = np.concatenate([split.features, split.held_out_features])
    classes = np.concatenate([split.labels, split.held_out_labels])
    assert len(split.labels) == 1438 and len(split.held_out_labels) == 359
    # Whatever the scale of each pixel: the images sorted by all pixels are the images.
    order, target = (np.lexsort(np.round(table.T, 9)) for table in (features, pixels))
    assert np.array_equal(classes[order], labels[target])
    for found, pixel in zip(features[order].T, pixels[target].T, strict=True):
        if found.any():
            assert np.corrcoef(found, pixel)[0, 1] == pytest.approx(1, abs=1e-12)


def test_what_is_learnt_from_has_mean_0_and_variance_1():
    features = digits().features
    varies = features.std(axis=0) > 0
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(features.std(axis=0)[varies], 1, rtol=1e-12)
    assert not features[:, ~varies].any() and varies.sum() > 55


def test_all_classes_are_on_both_sides():
    split = digits()
    for labels in (split.labels, split.held_out_labels):
        counts = np.bincount(labels, minlength=10)
        assert counts.min() > 0.07 * len(labels) and counts.sum() == len(labels)


@pytest.mark.parametrize("name", TASKS)
def test_a_network_fits_its_data(name):
    task = task_of(name)
    data = task.data()
    loss, accuracy = task.network.evaluate(task.network.initial(0), data.features, data.labels)
    assert task.network.sizes[0] == data.features.shape[1]
    # Knowing nothing costs log 10; random weights are worse, by what they are wrong about.
    assert np.log(10) < loss < 6 and accuracy < 0.3


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="task: unknown name 'digit-mlp'; did you mean"):
        task_of("digit-mlp")
