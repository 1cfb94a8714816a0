"""What the gradients of a small network span while it learns: few directions, which turn slowly.

The study of Feinberg et al. (*Sketchy*, NeurIPS 2023, Section 5.2), on a ReLU network that learns
handwritten digits in place of networks of millions of weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import numpy as np

from oco import checks
from oco.cores import one_blas_thread
from oco.optimizers import OPTIMIZERS
from oco.reproduce.network import Network
from oco.spectra import SpectralStudy, follow
from oco.spectra.following import DECAY, SIZE

__all__ = ["EVALUATIONS", "LR", "STEPS", "batches", "digits", "spectra"]

# Units of each hidden layer: two of them, so that the middle weight matrix has two long axes.
HIDDEN = (256, 256)
CLASSES = 10
BATCH = 64
# A rate at which the network still learns after all of these steps.
LR, STEPS, EVALUATIONS = 3e-4, 1500, 30
# A fifth of the images is left out, for whoever wants to validate on it; which one does not change
# with the seed of a run.
LEFT_OUT, SPLIT_SEED = 0.2, 0
# With the seed, it seeds the generator that orders the images; the seed alone, that of the initial
# parameters.
ORDER = 1


@one_blas_thread()
def spectra(
    *,
    alg: str = "shampoo",
    lr: float = LR,
    steps: int = STEPS,
    seed: int = 0,
    layer: int | None = None,
    k: int = SIZE,
    decay: float = DECAY,
    reference: int | None = None,
    evaluations: int = EVALUATIONS,
    hidden: Sequence[int] = HIDDEN,
    progress: Callable[[int], None] | None = None,
) -> SpectralStudy:
    """Train a network on digits, and follow the gradients of one of its weight matrices.

    Parameters
    ----------
    alg : str
        What trains it: a key of `oco.optimizers.OPTIMIZERS`; its options but `lr` are its own.
    lr : float
        Learning rate, > 0.
    steps : int
        ≥ 1, of 64 images each.
    seed : int
        ≥ 0; of the initial parameters and of the order of the images.
    layer : int, optional
        Which weight matrix, counted from 1; the middle one by default.
    k, decay, reference, evaluations, progress
        As for `oco.spectra.follow`; `k` is that of S-Shampoo, too, where it trains.
    hidden : sequence of int
        Units of each hidden layer.

    Returns
    -------
    SpectralStudy
        Up to where the loss stopped being a number, if it did.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range.

    Notes
    -----
    The images are shuffled anew in every epoch and taken 64 at a time, each once; what is left over
    at the end of an epoch is left out of it.

    Examples
    --------
    >>> study = spectra(alg="adam", hidden=(), steps=10, k=4)
    >>> [factor.dim for factor in study.factors.values()]
    [10, 64]
    """
    factory = OPTIMIZERS[checks.choice("alg", alg, OPTIMIZERS)]
    lr = checks.number("lr", lr, above=0)
    steps = checks.integer("steps", steps, low=1)
    features, labels = digits()
    network = Network((features.shape[1], *hidden, CLASSES))
    layer = network.layers // 2 + 1 if layer is None else layer
    layer = checks.integer("layer", layer, low=1, high=network.layers)
    parameters = network.initial(seed)
    sized = alg == "s-shampoo"
    optimizer = factory(parameters, lr=lr, **({"k": k} if sized else {}))

    def gradients() -> Iterator[np.ndarray]:
        for step, rows in enumerate(batches(len(labels), steps, seed), start=1):
            loss, found = network.gradients(parameters, features[rows], labels[rows])
            if not math.isfinite(loss):
                raise FloatingPointError(f"step {step}: the loss is {loss}")
            optimizer.step(found)
            yield found[2 * (layer - 1)]

    sizes = "-".join(map(str, network.sizes))
    # What overflows shows as a loss that is no number, and is reported as such.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return follow(
            gradients(),
            steps,
            k=k,
            decay=decay,
            reference=reference,
            evaluations=evaluations,
            origin=f"digits-mlp: ReLU network {sizes} on 8 × 8 images of digits; {steps:,} steps "
            f"of {BATCH} examples; {alg}{f' k={k}' if sized else ''}, η = {lr:.4g}, seed {seed}\n"
            f"layer {layer}",
            progress=progress,
        )


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 1,438 of the images of handwritten digits that scikit-learn ships, and what they show.

    Returns
    -------
    features : ndarray of shape (1438, 64)
        Of each of the 8 × 8 pixels, with mean 0 and variance 1; 0 for one that never varies.
    labels : ndarray of int, shape (1438,)

    References
    ----------
    .. [1] E. Alpaydin, C. Kaynak, *Optical recognition of handwritten digits*, UCI Machine Learning
       Repository (1998).
    """
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    learnt = order[int(LEFT_OUT * len(labels)) :]
    pixels, labels = pixels[learnt], labels[learnt].astype(np.int64)
    deviation = pixels.std(axis=0)
    return (pixels - pixels.mean(axis=0)) / np.where(deviation > 0, deviation, np.inf), labels


def batches(count: int, steps: int, seed: int) -> Iterator[np.ndarray]:
    """Iterate over the rows of each step's batch."""
    rng = np.random.default_rng((seed, ORDER))
    left = np.empty(0, dtype=int)
    for _ in range(steps):
        if len(left) < BATCH:
            left = rng.permutation(count)
        batch, left = left[:BATCH], left[BATCH:]
        yield batch
