"""Streams drawn at random before the game starts: planted labels, drift, linear losses."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.losses.functions import LINEAR, LOGISTIC, Loss
from oco.losses.randomness import Purpose, RandomSequence
from oco.losses.rotation import RandomRotation
from oco.losses.spectra import eigenvalues
from oco.losses.streams import Stream
from oco.notations import DEFAULT_SPECTRUM, Spectrum
from oco.options import DEFAULT_NOISE, DEFAULT_TURNS

__all__ = [
    "Drift",
    "LinearOnly",
    "Orthonormal",
    "Rademacher",
    "SpectralFeatures",
    "Stochastic",
    "turn_halves",
]

# How many directions the orthonormal stream has unless told: the setting of the experiment that
# separates the sketched learners (Feinberg et al., NeurIPS 2023, Observation 2).
DEFAULT_DIRECTIONS = 20


class SpectralFeatures:
    """Unit features a_t = Q diag(√λ) ε_t with random signs ε_t and a random rotation Q.

    Their covariance is E[a aᵀ] = Q diag(λ) Qᵀ and their norm (Σ λ_i)^{1/2} = 1, both exactly: the
    spectrum is the one asked for and so is the bound on the gradients.

    Parameters
    ----------
    d : int
        Dimension.
    seed : int
        At least 0.
    spectrum : Spectrum or str
        See `oco.losses.spectra.eigenvalues`.

    Examples
    --------
    >>> features = SpectralFeatures(4, seed=0, spectrum="power:1")
    >>> np.linalg.norm(features.rotation.apply(features.coordinates(0, 2)), axis=1)
    array([1., 1.])
    """

    def __init__(self, d: int, seed: int, spectrum: Spectrum | str) -> None:
        self.eigenvalues = eigenvalues(spectrum, d)
        self.rotation = RandomRotation(d, seed)
        self._signs = RandomSequence(seed, Purpose.FEATURES)
        self._roots = np.sqrt(self.eigenvalues)

    def coordinates(self, start: int, stop: int) -> np.ndarray:
        """Return diag(√λ) ε_t, the features before the rotation, shape (stop − start, d)."""
        bits = self._signs.bits(start, stop, len(self._roots))
        # 2r·bit − r is exactly ±r.
        result = np.multiply(bits, 2 * self._roots)
        result -= self._roots
        return result

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Return features `start` to `stop`, shape (stop − start, d)."""
        return self.rotation.apply(self.coordinates(start, stop))


def turn_halves(coordinates: np.ndarray, angle: np.ndarray) -> None:
    """Turn coordinates i and i + ⌊d/2⌋ of each vector in their plane, in place.

    Parameters
    ----------
    coordinates : ndarray of shape (..., d)
        Vectors.
    angle : ndarray
        Of each vector, in radians; broadcast against ``coordinates[..., :1]``.
    """
    half = coordinates.shape[-1] // 2
    cosine, sine = np.cos(angle), np.sin(angle)
    first, second = coordinates[..., :half], coordinates[..., half : 2 * half]
    turned = cosine * first - sine * second
    second[...] = sine * first + cosine * second
    first[...] = turned


class LinearOnly(Stream):
    """A stream whose labels only make sense for linear losses."""

    @classmethod
    def supports(cls, loss_name: str) -> bool:
        """Return whether the loss is the linear one."""
        return loss_name == LINEAR.name

    @classmethod
    def require(cls, loss: Loss) -> None:
        """Raise a ValueError unless the loss is the linear one."""
        if not cls.supports(loss.name):
            raise ValueError(
                f"loss: the {cls.name} stream has linear losses only, got {loss.name!r}"
            )


class Stochastic(Stream):
    """Features with a chosen spectrum, labels from a planted comparator x* with noise.

    For losses with binary labels y = sign⟨a, x*⟩, flipped with probability `noise`; for those with
    real labels y = ⟨a, x*⟩ + noise·v with v uniform on [−1, 1].

    Parameters
    ----------
    d, T : int
        Dimension and rounds.
    seed : int
        At least 0.
    loss : Loss
        Decides between binary and real labels.
    spectrum : Spectrum or str
        Of the features' covariance: see `oco.losses.spectra.eigenvalues`.
    noise : float
        In [0, 1/2] for binary labels, at least 0 for real ones.
    radius : float, optional
        ‖x*‖₂; 1 if it is not given or infinite.

    Attributes
    ----------
    planted : ndarray of shape (d,)
        x*, in a direction uniform on the sphere.
    features : SpectralFeatures
        The source of the features.

    Examples
    --------
    >>> stream = Stochastic(d=3, T=5, seed=1)
    >>> next(stream.chunks())[1]
    array([...])
    """

    name = "stochastic"
    default_loss = LOGISTIC.name

    def __init__(
        self,
        *,
        d: int,
        T: int,
        seed: int = 0,
        loss: Loss = LOGISTIC,
        spectrum: Spectrum | str = DEFAULT_SPECTRUM,
        noise: float = DEFAULT_NOISE,
        radius: float | None = None,
    ) -> None:
        self.binary = getattr(loss, "labels", "real") == "binary"
        self.noise = checks.number("noise", noise, low=0, high=0.5 if self.binary else None)
        length = 1.0
        if radius is not None and radius != math.inf:
            length = checks.number("radius", radius, above=0)
        super().__init__(d, T, label_bound=1.0 if self.binary else length + self.noise)
        self.features = SpectralFeatures(d, seed, spectrum)
        self.planted = length * RandomSequence(seed, Purpose.COMPARATOR).direction(d)
        self._uniforms = RandomSequence(seed, Purpose.LABELS)

    def rows(self, start, stop):
        """Return rounds `start` to `stop`."""
        features = self._features(start, stop)
        # Summed row by row, not by BLAS, whose rounding depends on how many rows there are.
        margins = (features * self.planted).sum(axis=1)
        uniforms = self._uniforms.uniforms(start, stop)
        if self.binary:
            return features, np.where((margins >= 0) != (uniforms < self.noise), 1.0, -1.0)
        return features, margins + self.noise * (2 * uniforms - 1)

    def _features(self, start: int, stop: int) -> np.ndarray:
        return self.features.rows(start, stop)


class Drift(Stochastic):
    """The stochastic stream with a leading subspace that rotates as the game goes on.

    In round t the eigenvectors i and i + ⌊d/2⌋ of the covariance have turned in their common plane
    by the angle 2π·turns·t/T.  A quarter turn, the default, ends with the two halves exchanged.

    Parameters
    ----------
    d, T, seed, loss, spectrum, noise, radius
        As for `Stochastic`.
    turns : float
        Full turns over the T rounds.

    Examples
    --------
    >>> stream = Drift(d=4, T=10, turns=1.0)
    >>> stream.feature_norm
    1.0
    """

    name = "drift"

    def __init__(
        self,
        *,
        d: int,
        T: int,
        seed: int = 0,
        loss: Loss = LOGISTIC,
        spectrum: Spectrum | str = DEFAULT_SPECTRUM,
        noise: float = DEFAULT_NOISE,
        turns: float = DEFAULT_TURNS,
        radius: float | None = None,
    ) -> None:
        super().__init__(
            d=d, T=T, seed=seed, loss=loss, spectrum=spectrum, noise=noise, radius=radius
        )
        self.turns = checks.number("turns", turns)

    def _features(self, start, stop):
        coordinates = self.features.coordinates(start, stop)
        angle = (2 * np.pi * self.turns / self.T) * np.arange(start, stop)[:, None]
        turn_halves(coordinates, angle)
        return self.features.rotation.apply(coordinates)


class Rademacher(LinearOnly):
    """Linear losses whose gradients are random signs times features with a chosen spectrum.

    Parameters
    ----------
    d, T : int
        Dimension and rounds.
    seed : int
        At least 0.
    loss : Loss
        Must be the linear one.
    spectrum : Spectrum or str
        Of the gradients' covariance: see `oco.losses.spectra.eigenvalues`.

    Examples
    --------
    >>> features, labels = next(Rademacher(d=3, T=5).chunks())
    >>> np.abs(labels)
    array([1., 1., 1., 1., 1.])
    """

    name = "rademacher"

    def __init__(
        self,
        *,
        d: int,
        T: int,
        seed: int = 0,
        loss: Loss = LINEAR,
        spectrum: Spectrum | str = DEFAULT_SPECTRUM,
    ) -> None:
        self.require(loss)
        super().__init__(d, T)
        self.features = SpectralFeatures(d, seed, spectrum)
        self._uniforms = RandomSequence(seed, Purpose.LABELS)

    def rows(self, start, stop):
        """Return rounds `start` to `stop`."""
        uniforms = self._uniforms.uniforms(start, stop)
        return self.features.rows(start, stop), np.where(uniforms < 0.5, -1.0, 1.0)


class Orthonormal(LinearOnly):
    """Linear losses whose gradients are drawn uniformly from r orthonormal vectors.

    Parameters
    ----------
    d, T : int
        Dimension and rounds.
    seed : int
        At least 0.
    loss : Loss
        Must be the linear one.
    r : int, optional
        How many vectors, from 1 to d; 20, or d if that is less, by default.

    Notes
    -----
    Feinberg, Chen, Sun, Anil and Hazan, *Sketchy* (NeurIPS 2023), Observation 2: with a sketch of
    size ℓ ≤ r the regret of a metric that forgets the escaped mass grows faster than √T.

    Examples
    --------
    >>> features, labels = next(Orthonormal(d=6, T=50, r=2).chunks())
    >>> int(np.linalg.matrix_rank(features))
    2
    """

    name = "orthonormal"

    def __init__(
        self, *, d: int, T: int, seed: int = 0, loss: Loss = LINEAR, r: int | None = None
    ) -> None:
        self.require(loss)
        super().__init__(d, T)
        self.r = min(DEFAULT_DIRECTIONS, d) if r is None else checks.integer("r", r, 1, d)
        self._rotation = RandomRotation(d, seed)
        self._uniforms = RandomSequence(seed, Purpose.FEATURES)

    def rows(self, start, stop):
        """Return rounds `start` to `stop`; the label −1 makes the feature the gradient."""
        which = (self.r * self._uniforms.uniforms(start, stop)).astype(np.intp)
        return self._rotation.columns(which), np.full(stop - start, -1.0)
