"""Sketched Newton steps without curvature: rows scaled by √η_t, as in the papers' experiments.

x_{t+1} = x_t − A_t⁻¹ g_t with A_t = (δ + c ρ_{1:t}) I + Ḡ_t, where Ḡ_t and ρ_{1:t} are the sketch
and the escaped mass of the rows √η_t g_t.  No bound is claimed: where the losses have no curvature
the regret of such steps pays ½ Σ η_t ⟨g_t, x_t − u⟩².
"""

from __future__ import annotations

import math

import numpy as np

from oco import checks, marks
from oco.algorithms.fused import REFUSED, kernels_of
from oco.algorithms.mirror_descent import MirrorDescent
from oco.algorithms.sketched import Eigenvalues, SketchedMetric, sketched_step
from oco.domains import Domain
from oco.linalg.engine import kernel
from oco.linalg.products import inner

__all__ = ["ScaledSketch", "fd_son", "rfd_son", "s_ons"]


class ScaledSketch(SketchedMetric):
    """A_t = (δ + c ρ_{1:t}) I + Ḡ_t of rows g_t/√(t^p·η): a whole step without a projection.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.
    share : float
        c, the share of the escaped mass that is added.
    delta : float
        δ ≥ 0; for 0 a singular A_t is inverted on its range.
    power : float
        p.

    Examples
    --------
    >>> sketch = ScaledSketch(d=2, k=2, share=0.0, delta=25.0, power=1.0)
    >>> x, g = np.zeros(2), np.array([3.0, 4.0])
    >>> sketch.descend(x, g, 0.0, 1.0, math.inf)[0]
    array([-0.06, -0.08])
    """

    def __init__(self, d: int, k: int, *, share: float, delta: float, power: float) -> None:
        super().__init__(d, k, Eigenvalues(1.0, share, delta, False, 0.0))
        self._power = power
        self._rounds = np.zeros(1)

    def memory(self, x):
        """Return what a sketched step does, and t."""
        return super().memory(x), self._rounds

    def enter(self, space, small, image):
        """Return what a sketched step does, and t."""
        return super().enter(space, small, image), self._rounds

    def settings(self):
        """Return the `Eigenvalues`, and p."""
        return self.spectrum, self._power


@kernel
def _step(memory, settings, x, g, square, lr, radius, lower, upper, result):
    """Step by the sketch of √η_t g with the rate 1/√η_t: see `oco.algorithms.fused.step`."""
    (sketch, rounds), (spectrum, power) = memory, settings
    rounds[0] += 1.0
    scale = 1.0 / math.sqrt(rounds[0] ** power * lr)
    row = scale * g
    weight = inner(row, row)
    if not weight < math.inf:
        return math.nan, 0.0
    quadratic, length2 = sketched_step(
        sketch, spectrum, x, row, weight, 1.0 / scale, radius, result
    )
    return math.nan if quadratic == REFUSED else quadratic, length2


ScaledSketch.kernels = kernels_of(_step)


def _scaled(
    d: int, k: int, domain: Domain, lr: float, *, share: float, delta: float, power: float
) -> MirrorDescent:
    d = checks.integer("d", d, low=1)
    if domain.bounded:
        raise ValueError(
            f"domain: expected an unbounded one, got {domain!r}; on a bounded domain, Newton steps "
            "are those of oco.algorithms.newton"
        )
    sketch = ScaledSketch(d, k, share=share, delta=delta, power=power)
    return MirrorDescent(d, sketch, domain, lr, diameter=math.inf, bounds=(), k=k)


@marks.learner
def rfd_son(d: int, *, k: int, domain: Domain, lr: float) -> MirrorDescent:
    """RFD-SON: x_t − A_t⁻¹ g_t, A_t = Ḡ_t + ½ρI of rows g_t/√(tη), without a projection.

    Parameters
    ----------
    d : int
        Dimension of x, ≥ 1.
    k : int
        Sketch size ℓ, from 2 to d + 1; memory and a round cost O(dk).
    domain : Domain
        Unconstrained.
    lr : float
        η > 0; the step has no further rate.

    Returns
    -------
    MirrorDescent
        That claims no bounds.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the domain is bounded.

    References
    ----------
    L. Luo, C. Chen, Z. Zhang, W.-J. Li, T. Zhang, *Robust Frequent Directions*, JMLR 20, 2019.

    Examples
    --------
    >>> import oco
    >>> learner = rfd_son(2, k=2, domain=oco.Euclidean(), lr=0.5)
    >>> learner.update(np.array([3.0, 4.0]))
    >>> learner.x.round(12)
    array([-0.06, -0.08])
    """
    return _scaled(d, k, domain, lr, share=0.5, delta=0.0, power=1.0)


@marks.learner
def s_ons(d: int, *, k: int, domain: Domain, lr: float) -> MirrorDescent:
    """S-ONS: x_t − A_t⁻¹ g_t, A_t = Ḡ_t + ρI of rows g_t/√(tη), without a projection.

    Parameters
    ----------
    d, k, domain, lr
        As of `rfd_son`.

    Returns
    -------
    MirrorDescent
        That claims no bounds.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the domain is bounded.
    """
    return _scaled(d, k, domain, lr, share=1.0, delta=0.0, power=1.0)


@marks.learner
def fd_son(d: int, *, k: int, domain: Domain, lr: float, delta: float = 1.0) -> MirrorDescent:
    """FD-SON: x_t − A_t⁻¹ g_t, A_t = Ḡ_t + δI of rows g_t/√(√t·η), without a projection.

    Parameters
    ----------
    d, k, domain, lr
        As of `rfd_son`.
    delta : float
        δ > 0.

    Returns
    -------
    MirrorDescent
        That claims no bounds.

    Raises
    ------
    ValueError
        If a parameter is out of range, or the domain is bounded.

    References
    ----------
    H. Luo, A. Agarwal, N. Cesa-Bianchi, J. Langford, *Efficient second order online learning by
    sketching*, NeurIPS 2016.
    """
    delta = checks.number("delta", delta, above=0)
    return _scaled(d, k, domain, lr, share=0.0, delta=delta, power=0.5)
