"""The sketched learners of the comparison with the numerics that were published.

A singular value decomposition of all ℓ rows in each round, and every eigenvalue inverted that is
not 0 to the last bit, rounding among them.  They are here to be held beside this package's own.
"""

from __future__ import annotations

import math

import numpy as np

from oco import checks, marks
from oco.domains import Domain

__all__ = ["Published", "ada_fd", "fd_son", "rfd_son", "s_adagrad"]


@marks.learner
class Published:
    """x_{t+1} = x_t − η H_t⁻¹ g_t with H_t = (Ḡ_t + cρI)^e + δI, by the textbook.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.
    domain : Domain
        Unconstrained.
    lr : float
        η; where rows are scaled, it scales them and the step has none.
    share, delta, exponent : float
        c, δ and e.
    power : float or None
        p, where the sketch absorbs g_t/√(t^p·η) in the place of g_t.

    Attributes
    ----------
    x : ndarray of shape (d,)
        The point to play.
    """

    def __init__(
        self,
        d: int,
        k: int,
        domain: Domain,
        lr: float,
        *,
        share: float,
        delta: float = 0.0,
        exponent: float = 1.0,
        power: float | None = None,
    ) -> None:
        if domain.bounded:
            raise ValueError(f"domain: expected an unbounded one, got {domain!r}")
        self.lr = checks.number("lr", lr, above=0)
        self.k = checks.integer("k", k, low=2, high=checks.integer("d", d, low=1) + 1)
        self.x = np.zeros(d)
        self._share, self._delta, self._exponent, self._power = share, delta, exponent, power
        self._rows, self._rounds, self._escaped = np.zeros((k, d)), 0, 0.0

    def update(self, g: np.ndarray) -> None:
        """Absorb the gradient of the loss at `x` and move to the next point."""
        self._rounds += 1
        scale, lr = 1.0, self.lr
        if self._power is not None:
            scale, lr = 1 / math.sqrt(self._rounds**self._power * self.lr), 1.0
        self._rows[-1] = scale * g
        _, singular, directions = np.linalg.svd(self._rows, full_matrices=False)
        squares = singular**2
        rho = float(squares[-1]) if len(squares) == self.k else 0.0
        values = squares - rho
        self._escaped += rho
        self._rows[: len(values)] = np.sqrt(values)[:, None] * directions
        shift = self._share * self._escaped
        inverse = _inverted((np.append(values, 0.0) + shift) ** self._exponent + self._delta)
        inside = directions @ g
        step = (inverse[:-1] * inside) @ directions
        step += inverse[-1] * (g - inside @ directions)
        self.x = self.x - lr * step


def _inverted(values: np.ndarray) -> np.ndarray:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values != 0)


@marks.learner
def s_adagrad(d: int, *, k: int, domain: Domain, lr: float) -> Published:
    """S-AdaGrad: H_t = (Ḡ_t + ρI)^{1/2}."""
    return Published(d, k, domain, lr, share=1.0, exponent=0.5)


@marks.learner
def ada_fd(d: int, *, k: int, domain: Domain, lr: float, delta: float) -> Published:
    """Ada-FD: H_t = Ḡ_t^{1/2} + δI."""
    return Published(d, k, domain, lr, share=0.0, exponent=0.5, delta=delta)


@marks.learner
def rfd_son(d: int, *, k: int, domain: Domain, lr: float) -> Published:
    """RFD-SON: H_t = Ḡ_t + ½ρI of rows g_t/√(tη)."""
    return Published(d, k, domain, lr, share=0.5, power=1.0)


@marks.learner
def fd_son(d: int, *, k: int, domain: Domain, lr: float, delta: float) -> Published:
    """FD-SON: H_t = Ḡ_t + δI of rows g_t/√(√t·η)."""
    return Published(d, k, domain, lr, share=0.0, delta=delta, power=0.5)
