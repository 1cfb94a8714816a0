"""Train, and study the spectra of a layer's gradient covariances on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np

from oco import checks
from oco.results.versions import versions
from oco.training.loop import evaluation_steps, train
from oco.training.optimizers import RANK
from oco.training.settings import Training
from oco.training.study import FactorSpectra, SpectralStudy
from oco.training.tasks import task_of
from oco.training.tracking import LayerTracker

__all__ = ["study_spectra"]

# The overlap of leading directions is with those of this step, as in the published figures: early,
# but after the first hundred gradients have filled the covariance.
REFERENCE = 100
# Decay of the published study.
DECAY = 0.99
# The sketch size that S-Shampoo has here unless told.
SIZE = RANK


def study_spectra(
    training: Training,
    *,
    layer: int | None = None,
    k: int = SIZE,
    decay: float = DECAY,
    reference: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> SpectralStudy:
    """Train, and follow a layer's gradient covariances, exactly and with a sketch.

    Parameters
    ----------
    training : Training
        The covariances are measured as often as the loss.
    layer : int, optional
        Which weight matrix, counted from 1; the middle one by default.
    k : int
        Sketch size, ≥ 2.
    decay : float
        β of the covariances, in (0, 1]; the optimizer's own β₂ is another matter.
    reference : int, optional
        The step that overlaps are with; 100, or the last one if that is earlier.
    progress : callable, optional
        Called now and then with the number of steps taken.

    Returns
    -------
    SpectralStudy
        Up to where it got, if the training failed.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range.

    Examples
    --------
    >>> study = study_spectra(Training("digits-softmax", "sgd", lr=0.1, steps=10), k=4)
    >>> study.left.dim, study.right.dim
    (10, 64)
    """
    network = task_of(training.task).network
    layer = network.layers // 2 + 1 if layer is None else layer
    layer = checks.integer("layer", layer, low=1, high=network.layers)
    k = checks.integer("k", k, low=2)
    decay = checks.number("decay", decay, above=0, high=1)
    reference = min(REFERENCE, training.steps) if reference is None else reference
    reference = checks.integer("reference", reference, low=1, high=training.steps)
    shape = network.sizes[layer], network.sizes[layer - 1]
    tracker = LayerTracker(shape, k, decay)
    due = {reference, *evaluation_steps(training)[1:].tolist()}
    steps: list[int] = []
    measured: list = []

    def observe(step: int, gradients: list[np.ndarray]) -> None:
        gradient = gradients[2 * (layer - 1)]
        tracker.absorb(gradient)
        if step in due:
            steps.append(step)
            measured.append(tracker.measure(gradient, refer=step == reference))

    outcome = train(training, observe=observe, progress=progress)
    factors = [[pair[i] for pair, _ in measured] for i in range(2)]
    return SpectralStudy(
        outcome=outcome,
        layer=layer,
        shape=shape,
        k=k,
        decay=decay,
        reference=reference,
        step=np.array(steps, dtype=int),
        left=_stacked(factors[0]),
        right=_stacked(factors[1]),
        alignment=np.array([alignment for _, alignment in measured]),
        versions=versions(),
    )


def _stacked(measurements: list[dict]) -> FactorSpectra:
    names = [field.name for field in fields(FactorSpectra)]
    return FactorSpectra(**{name: np.array([m[name] for m in measurements]) for name in names})
