"""The sketch in JAX as a learner of `oco`: for the simulator, and to be held against its bounds.

It is not loaded with the package: learners need more of `oco` than transformations do.
"""

from __future__ import annotations

import jax
import numpy as np

from oco import checks, marks
from oco.algorithms.mirror_descent import MirrorDescent
from oco.domains import Domain
from oco.integrations.optax.sketch import (
    empty_sketch,
    frequent_directions,
    inverse_root,
    inverse_roots,
)
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import pseudo_power

__all__ = ["CompiledRoot", "s_adagrad"]


@marks.learner
def s_adagrad(d: int, *, k: int, domain: Domain, lr: float | None = None) -> MirrorDescent:
    r"""`oco.algorithms.s_adagrad` with the sketch and the step compiled by JAX, in float64.

    Parameters
    ----------
    d, k, domain, lr
        As there.

    Returns
    -------
    MirrorDescent
        With metric (Ḡ_t + ρ_{1:t} I)^{1/2}, and the same bounds.

    Raises
    ------
    ValueError
        If a parameter is out of range, K is a box, or η is not given and K is unbounded.

    References
    ----------
    V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
    regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764, Algorithm 2 and
    Theorem 3.

    Examples
    --------
    >>> import oco
    >>> name = "oco.integrations.optax.learner:s_adagrad"
    >>> run = oco.run(name, d=20, k=5, T=100, seed=0)
    >>> same = oco.run("s-adagrad", d=20, k=5, T=100, seed=0)
    >>> abs(run.summary.average_loss - same.summary.average_loss) < 1e-10
    True
    """
    d = checks.integer("d", d, low=1)
    return MirrorDescent(
        d,
        CompiledRoot(d, k),
        domain,
        lr,
        diameter=domain.diameter(d),
        bounds=("certificate", "trace", "sketch", "theorem-3"),
        k=k,
    )


class CompiledRoot:
    """H_t = (Ḡ_t + ρ_{1:t} I)^{1/2}, by `oco.integrations.optax.frequent_directions`.

    Parameters
    ----------
    d, k : int
        Dimension and sketch size.

    Examples
    --------
    >>> CompiledRoot(d=2, k=2).update(np.array([3.0, 4.0]), 25.0).round(9)
    array([0.6, 0.8])
    """

    separable = False
    fused = None

    def __init__(self, d: int, k: int) -> None:
        with jax.enable_x64(True):
            self.sketch = empty_sketch(d, k)

    @property
    def metric(self) -> LowRankPlusScalar:
        """H_t; later updates do not change it."""
        with jax.enable_x64(True):
            inverse, tail = inverse_roots(self.sketch)
            directions = np.asarray(self.sketch.directions)
        roots = pseudo_power(np.append(inverse, tail), -1.0)
        return LowRankPlusScalar.of(directions, roots[:-1], float(roots[-1]))

    @property
    def potential(self) -> float:
        """Return tr H_t."""
        return self.metric.sum()

    @property
    def escaped_mass(self) -> float:
        """Return ρ_{1:t}."""
        return float(self.sketch.escaped_mass)

    @property
    def state_bytes(self) -> int:
        """Return what the sketch holds."""
        return sum(array.nbytes for array in self.sketch)

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Return H_t⁻¹ g_t (pseudo-inverse)."""
        with jax.enable_x64(True):
            self.sketch, direction = _descend(self.sketch, g)
            return np.asarray(direction)


@jax.jit
def _descend(sketch, g):
    sketch, coordinates = frequent_directions(sketch, g)
    return sketch, inverse_root(sketch, g, coordinates)
