"""Games whose variable is a matrix X: linear losses ⟨A_t, X⟩ of low rank, and class labels.

The features of a linear loss are A_t flattened row by row, so that every learner can play: one for
vectors sees the flattened gradient, one for matrices the gradient itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oco import checks
from oco.losses.adversarial import WorstSign
from oco.losses.functions import LINEAR, Loss
from oco.losses.randomness import Purpose, RandomSequence
from oco.losses.rotation import RandomRotation
from oco.losses.softmax import SOFTMAX
from oco.losses.spectra import eigenvalues
from oco.losses.streams import Stream
from oco.losses.synthetic import LinearOnly, SpectralFeatures, turn_halves
from oco.notations import DEFAULT_SPECTRUM, Shape, Spectrum
from oco.options import DEFAULT_NOISE, DEFAULT_TURNS

__all__ = ["LowRankFeatures", "MatrixAdversary", "MatrixLowRank", "MatrixRotating", "Multiclass"]

# Rank of the gradients unless told, or the shorter side where that is less: more than one, as in a
# small batch of examples, and far below the sides.
DEFAULT_RANK = 4


@dataclass(frozen=True)
class NormalVectors:
    """Vectors Q diag(√λ) ξ with standard normal ξ: one side of the matrices of `LowRankFeatures`.

    Attributes
    ----------
    roots : ndarray of shape (n,)
        √λ.
    numbers : RandomSequence
        Where ξ comes from.
    rotation : RandomRotation
        Q.
    """

    roots: np.ndarray
    numbers: RandomSequence
    rotation: RandomRotation

    def rows(self, r: int, start: int, stop: int, angle: np.ndarray | None = None) -> np.ndarray:
        """Return r vectors for each round from `start` to `stop`, shape (stop − start, r, n)."""
        n = len(self.roots)
        normals = self.numbers.normals(r * n * start, r * n * stop)
        vectors = normals.reshape(stop - start, r, n) * self.roots
        if angle is not None:
            turn_halves(vectors, angle)
        return self.rotation.apply(vectors.reshape(-1, n)).reshape(vectors.shape)


class LowRankFeatures:
    """Matrices A_t ∝ Σ_{i≤r} u_i v_iᵀ of unit Frobenius norm, with random u_i and v_i.

    u_i = Q diag(√λ) ξ and v_i = P diag(√μ) ζ with standard normal ξ, ζ, random rotations Q, P and
    the chosen spectrum as λ, μ: before they are scaled to unit norm, the covariance of the matrices
    is the Kronecker product r·(Q diag(λ) Qᵀ) ⊗ (P diag(μ) Pᵀ).

    Parameters
    ----------
    shape : tuple of int
        (m, n).
    seed : int
        At least 0.
    spectrum : Spectrum or str
        See `oco.losses.spectra.eigenvalues`; of both sides.
    r : int, optional
        Rank, from 1 to min(m, n); 4, or min(m, n) if that is less, by default.

    Examples
    --------
    >>> A = LowRankFeatures((3, 2), seed=0, spectrum="flat", r=1).rows(0, 5)
    >>> A.shape, np.linalg.matrix_rank(A).tolist()
    ((5, 3, 2), [1, 1, 1, 1, 1])
    """

    def __init__(self, shape, seed: int, spectrum: Spectrum | str, r: int | None = None) -> None:
        self.shape = Shape.read("shape", shape)
        shorter = min(self.shape)
        self.r = min(DEFAULT_RANK, shorter) if r is None else checks.integer("r", r, 1, shorter)
        purposes = (
            (Purpose.FEATURES, Purpose.ROTATION),
            (Purpose.RIGHT_FEATURES, Purpose.RIGHT_ROTATION),
        )
        self.sides = [
            NormalVectors(
                np.sqrt(eigenvalues(spectrum, size)),
                RandomSequence(seed, numbers),
                RandomRotation(size, seed, rotation),
            )
            for size, (numbers, rotation) in zip(self.shape, purposes, strict=True)
        ]

    def rows(self, start: int, stop: int, angle: np.ndarray | None = None) -> np.ndarray:
        """Return A_t for t from `start` to `stop`.

        Parameters
        ----------
        start, stop : int
            Rounds, counted from 0.
        angle : ndarray of shape (stop − start, 1, 1), optional
            By how much the leading half of each side's eigenvectors has turned towards the other.

        Returns
        -------
        ndarray of shape (stop − start, m, n)
        """
        left, right = (side.rows(self.r, start, stop, angle) for side in self.sides)
        matrices = left.transpose(0, 2, 1) @ right
        matrices /= np.sqrt(np.einsum("tij,tij->t", matrices, matrices))[:, None, None]
        return matrices


class MatrixLowRank(LinearOnly):
    """Linear losses ⟨A_t, X⟩ with random A_t of rank r and unit Frobenius norm.

    Parameters
    ----------
    shape : tuple of int
        (m, n) of X.
    T : int
        Rounds.
    seed : int
        At least 0.
    loss : Loss
        Must be the linear one.
    spectrum : Spectrum or str
        Of both sides of A_t: see `LowRankFeatures`.
    r : int, optional
        Rank of A_t, from 1 to min(m, n); 4, or min(m, n) if that is less, by default.

    Examples
    --------
    >>> stream = MatrixLowRank(shape=(8, 6), T=10, r=2)
    >>> stream.d, stream.gradient_rank, next(stream.chunks())[0].shape
    (48, 2, (10, 48))
    """

    name = "matrix-lowrank"

    def __init__(
        self,
        *,
        shape,
        T: int,
        seed: int = 0,
        loss: Loss = LINEAR,
        spectrum: Spectrum | str = DEFAULT_SPECTRUM,
        r: int | None = None,
    ) -> None:
        self.require(loss)
        self.features = LowRankFeatures(shape, seed, spectrum, r)
        shape = self.features.shape
        super().__init__(math.prod(shape), T, shape=shape, gradient_rank=self.features.r)

    def rows(self, start, stop):
        """Return rounds `start` to `stop`; the label −1 makes the feature the gradient."""
        matrices = self.features.rows(start, stop, self._angle(start, stop))
        return matrices.reshape(stop - start, self.d), np.full(stop - start, -1.0)

    def _angle(self, start: int, stop: int) -> np.ndarray | None:
        return None


class MatrixRotating(MatrixLowRank):
    """The matrix-lowrank stream with leading factors that turn as the game goes on.

    In round t the eigenvectors i and i + ⌊m/2⌋ of the left side have turned in their common plane
    by the angle 2π·turns·t/T, and so have those of the right side.  A quarter turn, the default,
    ends with the two halves exchanged.

    Parameters
    ----------
    shape, T, seed, loss, spectrum, r
        As for `MatrixLowRank`.
    turns : float
        Full turns over the T rounds.

    Examples
    --------
    >>> MatrixRotating(shape=(8, 6), T=10, turns=1.0).feature_norm
    1.0
    """

    name = "matrix-rotating"

    def __init__(
        self,
        *,
        shape,
        T: int,
        seed: int = 0,
        loss: Loss = LINEAR,
        spectrum: Spectrum | str = DEFAULT_SPECTRUM,
        r: int | None = None,
        turns: float = DEFAULT_TURNS,
    ) -> None:
        super().__init__(shape=shape, T=T, seed=seed, loss=loss, spectrum=spectrum, r=r)
        self.turns = checks.number("turns", turns)

    def _angle(self, start, stop):
        return (2 * np.pi * self.turns / self.T) * np.arange(start, stop)[:, None, None]


class MatrixAdversary(WorstSign):
    """Random A_t of rank r; each prediction ⟨A_t, X_t⟩ is answered with the worst sign.

    Parameters
    ----------
    shape, T, seed, spectrum, r
        As for `MatrixLowRank`.
    loss : Loss
        The loss that the answer maximises.

    Examples
    --------
    >>> stream = MatrixAdversary(shape=(3, 2), T=5)
    >>> stream.answer(0.3), stream.answer(-0.3)
    (-1.0, 1.0)
    """

    name = "matrix-adversary"

    def __init__(
        self,
        *,
        shape,
        T: int,
        seed: int = 0,
        loss: Loss = LINEAR,
        spectrum: Spectrum | str = DEFAULT_SPECTRUM,
        r: int | None = None,
    ) -> None:
        self.features = LowRankFeatures(shape, seed, spectrum, r)
        shape = self.features.shape
        super().__init__(math.prod(shape), T, loss, shape=shape, gradient_rank=self.features.r)

    def rows(self, start, stop):
        """Return rounds `start` to `stop`, not yet answered."""
        matrices = self.features.rows(start, stop)
        return matrices.reshape(stop - start, self.d), self.unanswered(start, stop)


class Multiclass(Stream):
    """Features with a chosen spectrum, classes from a planted matrix X* with noise.

    The class is the largest entry of X* a, and with probability `noise` one drawn uniformly.

    Parameters
    ----------
    shape : tuple of int
        (c, p): classes, of which there are at least 2, and features.
    T : int
        Rounds.
    seed : int
        At least 0.
    loss : Loss
        Must be the softmax loss.
    spectrum : Spectrum or str
        Of the features' covariance: see `oco.losses.spectra.eigenvalues`.
    noise : float
        In [0, 1].

    Attributes
    ----------
    planted : ndarray of shape (c, p)
        X*, in a direction uniform on the sphere.

    Examples
    --------
    >>> features, labels = next(Multiclass(shape=(3, 5), T=4).chunks())
    >>> features.shape, sorted(set(labels.tolist()) | {0.0, 1.0, 2.0})
    ((4, 5), [0.0, 1.0, 2.0])
    """

    name = "multiclass"
    default_loss = SOFTMAX.name

    def __init__(
        self,
        *,
        shape,
        T: int,
        seed: int = 0,
        loss: Loss = SOFTMAX,
        spectrum: Spectrum | str = DEFAULT_SPECTRUM,
        noise: float = DEFAULT_NOISE,
    ) -> None:
        if not self.supports(loss.name):
            raise ValueError(
                f"loss: the {self.name} stream has class labels for the softmax loss only, "
                f"got {loss.name!r}"
            )
        classes, width = Shape.read("shape", shape)
        if classes < 2:
            raise ValueError(f"shape: expected at least 2 classes as its first size, got {classes}")
        self.noise = checks.number("noise", noise, low=0, high=1)
        super().__init__(
            classes * width,
            T,
            label_bound=classes - 1,
            shape=(classes, width),
            gradient_rank=1,
            outputs=classes,
        )
        self.features = SpectralFeatures(width, seed, spectrum)
        planted = RandomSequence(seed, Purpose.COMPARATOR).direction(self.d)
        self.planted = planted.reshape(self.shape)
        self._uniforms = RandomSequence(seed, Purpose.LABELS)

    @classmethod
    def supports(cls, loss_name: str) -> bool:
        """Return whether the loss is the softmax loss."""
        return loss_name == SOFTMAX.name

    def rows(self, start, stop):
        """Return rounds `start` to `stop`."""
        features = self.features.rows(start, stop)
        # Not by BLAS, whose rounding depends on how many rows there are.
        best = np.einsum("tp,cp->tc", features, self.planted).argmax(axis=1)
        chance, drawn = self._uniforms.uniforms(2 * start, 2 * stop).reshape(-1, 2).T
        return features, np.where(chance < self.noise, np.floor(self.outputs * drawn), best)
