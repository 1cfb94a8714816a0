"""The spectral study of a training: how concentrated gradients are, and what a sketch loses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from oco import checks
from oco.results import storage
from oco.results.records import Record
from oco.results.versions import versions
from oco.sketch import escaped_mass_limit
from oco.training.loop import evaluation_steps, train
from oco.training.optimizers import RANK
from oco.training.outcome import Curves, Outcome, Summary
from oco.training.settings import Training
from oco.training.spectra import intrinsic_dimension, top_count, top_mass
from oco.training.tasks import task_of
from oco.training.tracking import LayerTracker

__all__ = ["FactorSpectra", "SpectralStudy", "load_study", "study_spectra"]

KIND = "spectra"
# The overlap of leading directions is with those of this step, as in the published figures: early,
# but after the first hundred gradients have filled the covariance.
REFERENCE = 100
# Decay of the published study.
DECAY = 0.99
# The sketch size that S-Shampoo has here unless told.
SIZE = RANK


@dataclass(frozen=True, eq=False)
class FactorSpectra(Record):
    """One factor C at each checkpoint, exact and as the sketch sees it: C̄ + τ I.

    Attributes
    ----------
    eigenvalues : ndarray of shape (c, n)
        Of C, descending, in squared gradients.
    sketched : ndarray of shape (c, k − 1)
        λ̄, of C̄, descending; 0 where the sketch holds fewer directions.
    escaped_mass : ndarray of shape (c,)
        τ.
    captured : ndarray of shape (c,)
        The fraction of tr C that lies in the sketch's directions.
    overlap : ndarray of shape (c,)
        Of C's 16 leading directions with those at the reference step; NaN before it.
    agreement : ndarray of shape (c,)
        Of the sketch's 16 leading directions with C's.
    """

    eigenvalues: np.ndarray
    sketched: np.ndarray
    escaped_mass: np.ndarray
    captured: np.ndarray
    overlap: np.ndarray
    agreement: np.ndarray

    @property
    def dim(self) -> int:
        """Return n."""
        return self.eigenvalues.shape[1]

    @property
    def largest(self) -> np.ndarray:
        """Return λ_max(C), of shape (c,)."""
        return self.eigenvalues[:, 0]

    @property
    def seen(self) -> np.ndarray:
        """Eigenvalues of C̄ + τ I, of shape (c, n), descending: what the sketch takes C for."""
        known = self.sketched[:, : self.dim]
        padded = np.pad(known, ((0, 0), (0, self.dim - known.shape[1])))
        return padded + self.escaped_mass[:, None]

    @property
    def possible(self) -> np.ndarray:
        """The largest fraction of tr C that k − 1 directions can hold, of shape (c,)."""
        q = min(self.sketched.shape[1], self.dim)
        return np.array([top_mass(values, q) for values in self.eigenvalues])

    @property
    def escape_limit(self) -> np.ndarray:
        """The most that τ can be, Ω_k(C), of shape (c,)."""
        size = self.sketched.shape[1] + 1
        return np.array([escaped_mass_limit(values, size) for values in self.eigenvalues])

    def intrinsic_dimensions(self, sketched: bool = False) -> np.ndarray:
        """Return tr/λ_max of C, or of C̄ + τ I, of shape (c,)."""
        return np.array([intrinsic_dimension(v) for v in self._spectra(sketched)])

    def top_masses(self, sketched: bool = False) -> np.ndarray:
        """Return the mass in the top 25 % of directions of C, or of C̄ + τ I, of shape (c,)."""
        return np.array([top_mass(v, top_count(self.dim)) for v in self._spectra(sketched)])

    def _spectra(self, sketched: bool) -> np.ndarray:
        return self.seen if sketched else self.eigenvalues


@dataclass(frozen=True, eq=False)
class SpectralStudy(Record):
    """The gradient covariances of one layer through a training.

    Attributes
    ----------
    outcome : Outcome
        The training and what it came to.
    layer : int
        Which weight matrix, counted from 1.
    shape : tuple of int
        Its (outputs, inputs).
    k : int
        Sketch size.
    decay : float
        β of the factors.
    reference : int
        The step that overlaps are with.
    step : ndarray of int, shape (c,)
        Checkpoints.
    left, right : FactorSpectra
        L, over the outputs, and R, over the inputs.
    alignment : ndarray of shape (c,)
        Cosine of the angle between S-Shampoo's step and Shampoo's, before grafting and momentum.
    versions : dict of str to str
        Of this package, Python, NumPy and SciPy.
    """

    outcome: Outcome
    layer: int
    shape: tuple[int, ...]
    k: int
    decay: float
    reference: int
    step: np.ndarray
    left: FactorSpectra
    right: FactorSpectra
    alignment: np.ndarray
    versions: dict[str, str]

    @property
    def factors(self) -> dict[str, FactorSpectra]:
        """L and R by name."""
        return {"L": self.left, "R": self.right}

    def document(self) -> dict:
        """Return all but the arrays as JSON data."""
        return {
            "kind": KIND,
            "training": self.outcome.training.plain(),
            "summary": self.outcome.summary.plain(),
            "study": {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in vars(self).items()
                if isinstance(value, int | float | tuple)
            },
            "versions": dict(self.versions),
        }

    def save(self, directory) -> Path:
        """Write the study as ``result.json`` and an ``.npz`` file; `load_study` reads it.

        Raises
        ------
        ValueError
            If the directory cannot be written to.
        """
        groups = {"curves": self.outcome.curves, "left": self.left, "right": self.right}
        arrays = {
            f"{group}.{name}": array
            for group, record in groups.items()
            for name, array in vars(record).items()
        }
        return storage.write(
            directory, self.document(), {"step": self.step, "alignment": self.alignment, **arrays}
        )


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
    layers = task_of(training.task).network.layers
    layer = layers // 2 + 1 if layer is None else checks.integer("layer", layer, low=1, high=layers)
    k = checks.integer("k", k, low=2)
    latest = training.steps
    reference = min(REFERENCE, latest) if reference is None else reference
    reference = checks.integer("reference", reference, low=1, high=latest)
    decay = checks.number("decay", decay, above=0, high=1)
    sizes = task_of(training.task).network.sizes
    shape = sizes[layer], sizes[layer - 1]
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


def load_study(path) -> SpectralStudy:
    """Read a study that `SpectralStudy.save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is nothing.
    ValueError
        If it is damaged, of another version, or something else; nothing is ever unpickled.
    """
    document, arrays = storage.read(path)
    if document.get("kind") != KIND:
        raise ValueError(f"{path}: holds no study of 'oco spectra'")
    groups: dict[str, dict[str, np.ndarray]] = {"curves": {}, "left": {}, "right": {}, "": {}}
    try:
        for key, array in arrays.items():
            group, _, name = key.rpartition(".")
            groups[group][name] = array
        outcome = Outcome(
            Training.from_plain(document["training"]),
            Summary.from_plain(document["summary"]),
            Curves(**groups["curves"]),
        )
        numbers = {**document["study"], "shape": tuple(document["study"]["shape"])}
        return SpectralStudy(
            outcome=outcome,
            left=FactorSpectra(**groups["left"]),
            right=FactorSpectra(**groups["right"]),
            versions=dict(document["versions"]),
            **numbers,
            **groups[""],
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: no study that this release can read: {error}") from None
