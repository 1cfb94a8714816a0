"""A spectral study as plain data: how concentrated gradients were, and what a sketch lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oco.archives import require_shape
from oco.results import storage
from oco.results.records import Record
from oco.sketch import escaped_mass_limit
from oco.training.outcome import Outcome, Summary, curves
from oco.training.settings import Training
from oco.training.spectra import intrinsic_dimension, top_count, top_mass

__all__ = ["FactorSpectra", "SpectralStudy", "load_study"]

KIND = "spectra"


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
            curves(groups["curves"]),
        )
        numbers = {**document["study"], "shape": tuple(document["study"]["shape"])}
        steps = len(groups[""]["step"])
        require_shape("step", groups[""]["step"], (None,), "i")
        require_shape("alignment", groups[""]["alignment"], (steps,), "f")
        return SpectralStudy(
            outcome=outcome,
            left=_factor("left", groups["left"], steps, numbers["shape"][0]),
            right=_factor("right", groups["right"], steps, numbers["shape"][1]),
            versions=dict(document["versions"]),
            **numbers,
            **groups[""],
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: no study that this release can read: {error}") from None


def _factor(where: str, arrays: dict[str, np.ndarray], steps: int, dim: int) -> FactorSpectra:
    for name, array in arrays.items():
        shape = {"eigenvalues": (steps, dim), "sketched": (steps, None)}.get(name, (steps,))
        require_shape(f"{where}.{name}", array, shape, "f")
    return FactorSpectra(**arrays)
