"""What there is to train: a network's sizes, and data that is split the same way each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from oco import checks
from oco.training.network import Network

__all__ = ["TASKS", "Split", "Task", "digits", "task_of"]

# A fifth of the examples is held out, as is usual for data without a split of its own.
HELD_OUT = 0.2
# The split is part of the task and does not change with the seed of a run: what is held out of one
# is held out of all.
SPLIT_SEED = 0


@dataclass(frozen=True, eq=False)
class Split:
    """Data to learn from, and data to validate on.

    Attributes
    ----------
    features, labels : ndarray of shape (n, d) and (n,)
        To learn from; labels are 0, 1, ….
    held_out_features, held_out_labels : ndarray of shape (m, d) and (m,)
        To validate on.
    """

    features: np.ndarray
    labels: np.ndarray
    held_out_features: np.ndarray
    held_out_labels: np.ndarray


@dataclass(frozen=True)
class Task:
    """A network and the data it is trained on.

    Attributes
    ----------
    name : str
        Key of `TASKS`.
    description : str
        In one line.
    network : Network
    data : callable
        ``data()`` returns the Split.
    """

    name: str
    description: str
    network: Network
    data: Callable[[], Split]


@cache
def digits() -> Split:
    """Return the 1,797 images of 8 × 8 pixels of handwritten digits that scikit-learn ships.

    Returns
    -------
    Split
        1,438 images to learn from and 359 to validate on.  Each of the 64 pixels has mean 0 and
        variance 1 over the images to learn from; one that never varies there is 0.

    References
    ----------
    .. [1] E. Alpaydin, C. Kaynak, *Optical recognition of handwritten digits*, UCI Machine Learning
       Repository (1998).

    Examples
    --------
    >>> split = digits()
    >>> split.features.shape, split.held_out_features.shape
    ((1438, 64), (359, 64))
    """
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    pixels, labels = pixels[order], labels[order].astype(np.int64)
    held_out = int(HELD_OUT * len(labels))
    learnt = pixels[held_out:]
    deviation = learnt.std(axis=0)
    pixels = (pixels - learnt.mean(axis=0)) / np.where(deviation > 0, deviation, np.inf)
    return Split(pixels[held_out:], labels[held_out:], pixels[:held_out], labels[:held_out])


#: The tasks that ``oco train`` and ``oco spectra`` know.
TASKS = {
    task.name: task
    for task in (
        Task(
            "digits-mlp",
            "ReLU network 64-256-256-10 on 8 × 8 images of digits",
            Network((64, 256, 256, 10)),
            digits,
        ),
        Task(
            "digits-softmax",
            "multi-class logistic regression on the same images: convex",
            Network((64, 10)),
            digits,
        ),
    )
}


def task_of(name: str) -> Task:
    """Return the task of that name.

    Raises
    ------
    ValueError
        If there is none; the message names the closest.

    Examples
    --------
    >>> task_of("digits-mlp").network
    Network(64-256-256-10)
    """
    return TASKS[checks.choice("task", name, TASKS)]
