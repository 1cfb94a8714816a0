"""Follow the covariances of a sequence of gradients, exactly and with a sketch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from dataclasses import fields

import numpy as np

from oco import checks
from oco.cores import one_blas_thread
from oco.results.versions import versions
from oco.shampoo import BETAS, MAX_AXIS, SKETCH_SIZE
from oco.spectra.study import NAMES, FactorSpectra, SpectralStudy
from oco.spectra.tracking import GradientTracker

__all__ = ["DECAY", "EVALUATIONS", "SIZE", "evaluation_steps", "follow"]

# Leading directions are compared with those of this step, as in the published figures: early, but
# after a hundred gradients have filled the covariance.
REFERENCE = 100
# β of the published study, which is S-Shampoo's own, and the sketch size that S-Shampoo has.
DECAY, SIZE = BETAS[1], SKETCH_SIZE
# How often a sequence is measured unless told: points enough for a line.
EVALUATIONS = 25


@one_blas_thread()
def follow(
    gradients: Iterable[np.ndarray],
    count: int | None = None,
    *,
    k: int = SIZE,
    decay: float = DECAY,
    reference: int | None = None,
    evaluations: int = EVALUATIONS,
    origin: str = "gradients",
    progress: Callable[[int], None] | None = None,
) -> SpectralStudy:
    """Follow the covariance along each axis of gradients, exactly and with a sketch.

    Parameters
    ----------
    gradients : iterable of ndarray
        All of shape (d,) or all of shape (m, n), no axis longer than 8,192: exact covariances of
        the axes are kept, and decomposed at each checkpoint.  One that is not finite is left out.
        Where taking the next one raises FloatingPointError, the study ends.
    count : int, optional
        How many there are; ``len(gradients)`` by default.
    k : int
        Sketch size, ≥ 2.
    decay : float
        β of the covariances, in (0, 1].
    reference : int, optional
        The step whose leading directions later ones are compared with; 100, or the last one if that
        is earlier.
    evaluations : int
        ≥ 1: how often to measure, at even distances; the reference step is measured besides.
    origin : str
        What the gradients are of, for tables and figures.
    progress : callable, optional
        Called at each checkpoint with the number of gradients absorbed.

    Returns
    -------
    SpectralStudy
        Of the checkpoints that were reached, if the gradients ended with an error; `message` then
        says which.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range, or the gradients do not have one such shape.

    Examples
    --------
    >>> study = follow(np.random.default_rng(0).standard_normal((40, 6, 9)), k=4)
    >>> [(name, factor.dim) for name, factor in study.factors.items()]
    [('L', 6), ('R', 9)]
    """
    if count is None:
        if not isinstance(gradients, Sized):
            raise TypeError("count: expected how many gradients there are, got None")
        count = len(gradients)
    count = checks.integer("count", count, low=1)
    k = checks.integer("k", k, low=2)
    decay = checks.number("decay", decay, above=0, high=1)
    reference = min(REFERENCE, count) if reference is None else reference
    reference = checks.integer("reference", reference, low=1, high=count)
    due = {reference, *evaluation_steps(count, evaluations).tolist()}
    tracker, message = None, ""
    shape: tuple[int, ...] = ()
    steps: list[int] = []
    measured: list[tuple] = []
    try:
        for step, gradient in enumerate(gradients, start=1):
            if tracker is None:
                shape = _shape(gradient)
                tracker = GradientTracker(shape, k, decay)
            elif gradient.shape != shape:
                raise ValueError(
                    f"gradients: expected all of shape {shape}, got {gradient.shape} at step {step}"
                )
            tracker.absorb(gradient)
            if step in due:
                steps.append(step)
                measured.append(tracker.measure(gradient, refer=step == reference))
                if progress is not None:
                    progress(step)
    except FloatingPointError as error:
        message = str(error)
    if tracker is None:
        raise ValueError(f"gradients: expected at least one{message and f', but {message}'}")
    return SpectralStudy(
        origin=origin,
        shape=shape,
        k=k,
        decay=decay,
        reference=reference,
        message=message,
        step=np.array(steps, dtype=int),
        spectra=tuple(
            _stacked([found[i] for found, _ in measured], shape[i], k) for i in range(len(shape))
        ),
        alignment=np.array([alignment for _, alignment in measured]),
        versions=versions(),
    )


def evaluation_steps(count: int, evaluations: int) -> np.ndarray:
    """Return the steps of a sequence at which it is measured, the last among them.

    Examples
    --------
    >>> evaluation_steps(10, 4).tolist()
    [2, 5, 8, 10]
    """
    evaluations = checks.integer("evaluations", evaluations, low=1)
    spaced = np.linspace(0, count, min(evaluations, count) + 1)
    return np.unique(np.rint(spaced).astype(int))[1:]


def _shape(gradient: np.ndarray) -> tuple[int, ...]:
    shape = np.shape(gradient)
    if len(shape) not in NAMES or not all(1 <= dim <= MAX_AXIS for dim in shape):
        raise ValueError(
            f"gradients: expected shape (d,) or (m, n), every axis of 1 to {MAX_AXIS:,}, since "
            f"exact covariances are kept, got {shape}; oco.ranks takes longer vectors"
        )
    return shape


def _stacked(measurements: list[dict], dim: int, k: int) -> FactorSpectra:
    if not measurements:
        none = np.empty(0)
        sketched = np.empty((0, min(k - 1, dim)))
        return FactorSpectra(np.empty((0, dim)), sketched, none, none, none, none)
    names = [field.name for field in fields(FactorSpectra)]
    return FactorSpectra(**{name: np.array([m[name] for m in measurements]) for name in names})
