"""Streams that see the learner's prediction before they answer it."""

from __future__ import annotations

import numpy as np

from oco.losses.functions import LINEAR, Loss
from oco.losses.rotation import RandomRotation
from oco.losses.streams import Stream
from oco.losses.synthetic import SpectralFeatures
from oco.notations import DEFAULT_SPECTRUM, Spectrum

__all__ = ["Adversary", "Starve", "WorstSign"]


class WorstSign(Stream):
    """A stream that answers the prediction z with the label, −1 or +1, of the larger loss."""

    adaptive = True
    default_loss = LINEAR.name

    def __init__(self, d: int, T: int, loss: Loss, **matrix) -> None:
        super().__init__(d, T, **matrix)
        self.loss = loss

    def answer(self, z: float) -> float:
        """Return the worst label for the prediction `z`.

        For every built-in loss that is −sign(z), and −1 at z = 0.
        """
        positive, negative = self.loss.value(z, 1.0), self.loss.value(z, -1.0)
        # If both labels cost the same, be it by rounding, the one against the prediction is taken.
        worst_is_positive = z < 0 if positive == negative else positive > negative
        return 1.0 if worst_is_positive else -1.0

    def unanswered(self, start: int, stop: int) -> np.ndarray:
        """Return the labels of rounds that are not yet answered."""
        return np.full(stop - start, np.nan)


class Adversary(WorstSign):
    """Features with a chosen spectrum; each prediction is answered with the worst sign.

    Parameters
    ----------
    d, T : int
        Dimension and rounds.
    seed : int
        At least 0.
    loss : Loss
        The loss that the answer maximises.
    spectrum : Spectrum or str
        Of the features' covariance: see `oco.losses.spectra.eigenvalues`.

    Examples
    --------
    >>> stream = Adversary(d=3, T=5)
    >>> stream.answer(0.3), stream.answer(-0.3), stream.answer(0.0)
    (-1.0, 1.0, -1.0)
    """

    name = "adversary"

    def __init__(
        self,
        *,
        d: int,
        T: int,
        seed: int = 0,
        loss: Loss = LINEAR,
        spectrum: Spectrum | str = DEFAULT_SPECTRUM,
    ) -> None:
        super().__init__(d, T, loss)
        self.features = SpectralFeatures(d, seed, spectrum)

    def rows(self, start, stop):
        """Return rounds `start` to `stop`, not yet answered."""
        return self.features.rows(start, stop), self.unanswered(start, stop)


class Starve(WorstSign):
    """Cycles through d orthonormal features, which starves any sketch; answers the worst sign.

    Parameters
    ----------
    d, T : int
        Dimension and rounds.
    seed : int
        At least 0.
    loss : Loss
        The loss that the answer maximises.

    Notes
    -----
    With linear losses the gradients are orthonormal for d rounds at a time.  A Frequent Directions
    sketch of size ℓ that holds ℓ − 1 of them, all of one length, loses all that it holds to the
    next: in every ℓ-th round the escaped mass grows by ‖g‖², the most that the trace of the
    gradients' covariance allows.

    Examples
    --------
    >>> features, _ = next(Starve(d=3, T=6).chunks())
    >>> (features @ features[0]).round(12) + 0.0
    array([1., 0., 0., 1., 0., 0.])
    """

    name = "starve"

    def __init__(self, *, d: int, T: int, seed: int = 0, loss: Loss = LINEAR) -> None:
        super().__init__(d, T, loss)
        self._rotation = RandomRotation(d, seed)

    def rows(self, start, stop):
        """Return rounds `start` to `stop`, not yet answered."""
        which = np.arange(start, stop) % self.d
        return self._rotation.columns(which), self.unanswered(start, stop)
