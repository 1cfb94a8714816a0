"""A spectral study as plain data: how concentrated gradients were, and what a sketch lost."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from oco.archives import require_shape
from oco.results import storage
from oco.results.records import Record
from oco.sketch import escaped_mass_limit
from oco.spectra.measures import intrinsic_dimension, top_count, top_mass

__all__ = ["KIND", "NAMES", "FactorSpectra", "SpectralStudy", "load_study"]

# What the document says it holds, beside the results of `oco.run`.
KIND = "spectra"
#: The factors of a gradient, by the number of its axes.
NAMES = {1: ("C",), 2: ("L", "R")}


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
        """Eigenvalues of C̄ + τ I, the sketch's estimate of C, of shape (c, n), descending."""
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
class Followed(Record):
    """What was followed, and how.

    Attributes
    ----------
    origin : str
        What the gradients are of.
    shape : tuple of int
        Of a gradient: (d,) or (m, n).
    k : int
        Sketch size.
    decay : float
        β of the factors.
    reference : int
        The step whose leading directions later ones are compared with.
    message : str
        What ended the sequence early; empty if nothing did.
    """

    origin: str
    shape: tuple[int, ...]
    k: int
    decay: float
    reference: int
    message: str


@dataclass(frozen=True, eq=False)
class SpectralStudy(Followed):
    """The covariances of a sequence of gradients.

    Attributes
    ----------
    origin, shape, k, decay, reference, message
        As for `Followed`.
    step : ndarray of int, shape (c,)
        Checkpoints.
    spectra : tuple of FactorSpectra
        Of C for vectors; of L, over the first axis, and R, over the second, for matrices.
    alignment : ndarray of shape (c,)
        Cosine of the angle between S-Shampoo's step, from the sketches, and Shampoo's, from the
        exact factors, both before grafting and momentum.
    versions : dict of str to str
        Of this package, Python, NumPy and SciPy.
    """

    step: np.ndarray
    spectra: tuple[FactorSpectra, ...]
    alignment: np.ndarray
    versions: dict[str, str]

    @property
    def factors(self) -> dict[str, FactorSpectra]:
        """The factors by name: C, or L and R."""
        return dict(zip(NAMES[len(self.shape)], self.spectra, strict=True))

    def document(self) -> dict:
        """Return all but the arrays as JSON data."""
        followed = Followed(**{field.name: getattr(self, field.name) for field in fields(Followed)})
        return {
            "kind": KIND,
            "study": followed.plain(),
            "versions": dict(self.versions),
        }

    def save(self, directory) -> Path:
        """Write the study as ``result.json`` and an ``.npz`` file; `load_study` reads it.

        Raises
        ------
        ValueError
            If the directory cannot be written to.
        """
        arrays = {
            f"{name}.{quantity}": array
            for name, factor in self.factors.items()
            for quantity, array in vars(factor).items()
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

    Examples
    --------
    >>> import tempfile
    >>> from oco.spectra import follow
    >>> study = follow(np.random.default_rng(0).standard_normal((20, 5)), k=3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     saved = study.save(folder)
    ...     load_study(folder) == study
    True
    """
    document, arrays = storage.read(path)
    if document.get("kind") != KIND:
        raise ValueError(f"{path}: holds no study of 'oco spectra'")
    try:
        followed = Followed.from_plain(document["study"])
        steps = len(arrays["step"])
        require_shape("step", arrays["step"], (None,), "i")
        require_shape("alignment", arrays["alignment"], (steps,), "f")
        return SpectralStudy(
            **vars(followed),
            step=arrays["step"],
            spectra=tuple(
                _factor(name, arrays, steps, dim)
                for name, dim in zip(NAMES[len(followed.shape)], followed.shape, strict=True)
            ),
            alignment=arrays["alignment"],
            versions=dict(document["versions"]),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: no study that this release can read: {error}") from None


def _factor(name: str, arrays: dict[str, np.ndarray], steps: int, dim: int) -> FactorSpectra:
    shapes = {"eigenvalues": (steps, dim), "sketched": (steps, None)}
    found = {}
    for field in fields(FactorSpectra):
        key = f"{name}.{field.name}"
        require_shape(key, arrays[key], shapes.get(field.name, (steps,)), "f")
        found[field.name] = arrays[key]
    return FactorSpectra(**found)
