"""Adam (Kingma, Ba, ICLR 2015), as a learner: popular, and without a regret bound."""

from __future__ import annotations

import math

import numpy as np

from oco import checks
from oco.algorithms.mirror_descent import MirrorDescent
from oco.algorithms.reshaped import Reshaped, reshaped
from oco.domains import Domain
from oco.linalg.operators import Diagonal
from oco.linalg.travel import Travelling
from oco.shampoo import BETA1, EPS, RATE

__all__ = ["BETA1", "BETA2", "EPS", "RATE", "Moments", "adam"]

# The value that Kingma and Ba recommend, as the others are.
BETA2 = 0.999


class Moments(Travelling):
    """Running means of the gradient and of its square: m̂/(√v̂ + ε).

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the gradients.
    beta1 : float or None
        β_1 in [0, 1); None keeps no first moment and puts g in the place of m̂ (RMSProp).
    beta2 : float
        β_2 in (0, 1]; 1 sums the squares up instead (diagonal AdaGrad).
    eps : float
        ε > 0, in the units of the gradient.
    bias_correction : bool
        Whether the means are divided by 1 − β^t.

    Attributes
    ----------
    first, second : ndarray or None
        m (None without β_1) and v.
    steps : int
        t, the number of gradients absorbed.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> Moments(2, beta1=0.9, beta2=0.999, eps=1e-8).update(np.array([3.0, 0.0]))
    array([1., 0.])
    """

    def __init__(
        self,
        shape,
        *,
        beta1: float | None,
        beta2: float,
        eps: float,
        bias_correction: bool = True,
    ) -> None:
        self.beta1 = beta1 if beta1 is None else checks.number("beta1", beta1, low=0, below=1)
        self.beta2 = checks.number("beta2", beta2, above=0, high=1)
        self.eps = checks.number("eps", eps, above=0)
        self.bias_correction = bool(bias_correction)
        self.first = None if beta1 is None else np.zeros(shape)
        self.second = np.zeros(shape)
        self.steps = 0

    @property
    def state_bytes(self) -> int:
        """Memory of both moments, in bytes."""
        return self.second.nbytes + (0 if self.first is None else self.first.nbytes)

    @property
    def scale(self) -> np.ndarray:
        """√v̂ + ε."""
        return np.sqrt(self.second / self._correction(self.beta2)) + self.eps

    def update(self, g: np.ndarray, x: np.ndarray | None = None) -> np.ndarray:
        """Absorb g; return m̂/(√v̂ + ε) or, without m, x/(√v̂ + ε) where x is g if not given."""
        self.steps += 1
        self.second *= self.beta2
        self.second += (1.0 if self.beta2 == 1 else 1 - self.beta2) * g**2
        if self.first is None or self.beta1 is None:
            return (g if x is None else x) / self.scale
        self.first *= self.beta1
        self.first += (1 - self.beta1) * g
        return self.first / self._correction(self.beta1) / self.scale

    def _correction(self, beta: float) -> float:
        return 1 - beta**self.steps if self.bias_correction and beta < 1 and self.steps else 1.0


class _DiagonalMoments:
    """The metric diag(√v̂ + ε), and the direction m̂/(√v̂ + ε)."""

    separable = True
    fused = None
    escaped_mass = None

    def __init__(self, moments: Moments) -> None:
        self.moments = moments

    @property
    def metric(self) -> Diagonal:
        return Diagonal(self.moments.scale)

    @property
    def potential(self) -> float:
        return float(self.moments.scale.sum())

    @property
    def state_bytes(self) -> int:
        return self.moments.state_bytes

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        return self.moments.update(g)


def adam(
    d,
    *,
    domain: Domain,
    lr: float | None = None,
    beta1: float = BETA1,
    beta2: float = BETA2,
    eps: float = EPS,
) -> MirrorDescent | Reshaped:
    r"""Adam: y = x_t − η m̂_t/(√v̂_t + ε), projected in the metric diag(√v̂_t + ε).

    Parameters
    ----------
    d : int or sequence of int
        Dimension of x, or its shape.
    domain : Domain
        K.
    lr : float, optional
        η > 0, in the units of x: a step changes a coordinate by about η; 1e-3 if not given.
    beta1 : float
        β_1 in [0, 1).
    beta2 : float
        β_2 in (0, 1].
    eps : float
        ε > 0, in the units of the gradient.

    Returns
    -------
    MirrorDescent, or a Reshaped one
        Its points are arrays of that shape; it claims no bound.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range.

    Notes
    -----
    m_t = β_1 m_{t−1} + (1 − β_1) g_t and v_t = β_2 v_{t−1} + (1 − β_2) g_t², with
    m̂_t = m_t/(1 − β_1^t) and v̂_t = v_t/(1 − β_2^t).

    **No bound on the regret holds.**  The metric shrinks when gradients do, and there are linear
    losses on an interval on which Adam's regret grows like T, whatever the rate, even one that
    falls like 1/√t (Reddi, Kale, Kumar, ICLR 2018); the theorem of the first paper is wrong.  The
    learner therefore has no certificate: its `diagnostics` report tr diag(√v̂_t + ε) and
    Σ⟨g_t, m̂_t/(√v̂_t + ε)⟩ for the record, and they bound nothing.

    References
    ----------
    D. P. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015, arXiv:1412.6980.
    S. J. Reddi, S. Kale, S. Kumar, *On the convergence of Adam and beyond*, ICLR 2018,
    arXiv:1904.09237.

    Examples
    --------
    >>> import numpy as np, oco
    >>> learner = adam(2, domain=oco.Ball(1.0), lr=0.5)
    >>> learner.update(np.array([100.0, -0.01]))
    >>> learner.x.round(6)
    array([-0.5,  0.5])
    """
    shape = checks.shape("d", d)
    size = math.prod(shape)
    moments = Moments(size, beta1=beta1, beta2=beta2, eps=eps)
    lr = checks.number("lr", RATE if lr is None else lr, above=0)
    diameter = domain.diameter(size)
    learner = MirrorDescent(
        size, _DiagonalMoments(moments), domain, lr, diameter=diameter, bounds=()
    )
    return reshaped(learner, shape)
