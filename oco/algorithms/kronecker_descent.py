"""Mirror descent in a Kronecker-factored metric, and the account that its bounds are made of."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from oco import checks
from oco.algorithms.kronecker import KroneckerRoot
from oco.algorithms.mirror_descent import Diagnostics, MirrorDescent
from oco.domains import Domain
from oco.linalg.operators import SpectralOperator

__all__ = ["AxisAccount", "KroneckerDescent", "KroneckerDiagnostics"]

# What is claimed of a metric with factors on both sides and on one: always, where every gradient is
# absorbed before its step, and of sketches too.
BOUNDS: dict[str, tuple[str, ...]] = {
    "both": ("certificate", "shampoo-trace", "shampoo-theorem"),
    "shorter": ("one-sided-certificate", "one-sided-trace", "one-sided-theorem"),
}


@dataclass(frozen=True)
class AxisAccount:
    """What one axis of a Kronecker-factored metric contributes to the bounds.

    Attributes
    ----------
    dim : int
        n, the length of the axis.
    rank : int or None
        Sketch size ℓ; None for an exact factor.
    potential : float
        tr (C̃ + εI)^{1/(2p)}.
    escaped_mass : float
        τ: C̃ = C̄ + τ I; 0 for an exact factor.
    regularisation : float
        ε, in the units of C̃.
    axis : int
        Which of the gradients' axes it is.
    """

    dim: int
    rank: int | None
    potential: float
    escaped_mass: float
    regularisation: float
    axis: int


@dataclass(frozen=True)
class KroneckerDiagnostics(Diagnostics):
    """A matrix learner's account of itself: `Diagnostics`, and the same axis by axis.

    Attributes
    ----------
    axes : tuple of AxisAccount
        One for each axis that has a factor.
    gradient_rank : float
        r: no gradient has a larger rank.  For tensors the geometric mean over the unfoldings.
    shape : tuple of int
        Of the gradients, without axes of length 1.
    """

    axes: tuple[AxisAccount, ...] = ()
    gradient_rank: float = 1.0
    shape: tuple[int, ...] = ()


class KroneckerDescent(MirrorDescent):
    r"""Mirror descent in the metric H_t = ⊗_i C̃_{i,t}^{1/(2p)}, exact or sketched.

    Points and gradients are vectors of the entries of tensors, in C order.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the tensors.
    rank : int or sequence of (int or None), optional
        Sketch size for each axis, as for `KroneckerRoot`.
    domain : Domain
        K, in the Frobenius norm: unconstrained, a ball, a box or an ellipsoid.
    lr : float, optional
        η; D/√(2r) if not given.
    gradient_rank : int, optional
        r ≥ 1, the largest rank that a gradient can have; min(m, n) for matrices if not given, and
        for tensors the geometric mean of that of the unfoldings.
    epsilon : float
        ε ≥ 0, relative to the largest eigenvalue of each factor.
    update_every : int
        Rounds from one update of the statistics to the next.
    k : int or sequence of int, optional
        The sketch size as the user gave it.
    sides : {"both", "shorter"}
        Whether all axes have factors, or the shortest alone.

    Attributes
    ----------
    gradient_rank : float
        r.

    Raises
    ------
    ValueError
        If a parameter is out of range, K does not take this metric, η is not given and K
        is unbounded, or ε is 0 where rounds go by between updates: a gradient may then
        lie outside the metric's range.

    Notes
    -----
    H_t never shrinks, so the certificate of `MirrorDescent` holds with the potential
    tr H_t = Π_i tr C̃_i^{1/(2p)}.  If every gradient is absorbed before its step, H_t² ⪰ Σ g gᵀ/r
    (Gupta, Koren, Singer, ICML 2018), and Σ ⟨G_t, H_t⁻¹G_t⟩ ≤ 2r tr H_T: at the default η
    Regret_T ≤ √(2r)·D·Π_i tr C̃_i^{1/(2p)}.

    With one factor the potential is tr C̃^{1/2} alone, D may be in the operator norm, and r is 1:
    docs/theory.md proves it.
    """

    def __init__(
        self,
        shape,
        *,
        domain: Domain,
        lr: float | None,
        gradient_rank: int | None,
        epsilon: float,
        update_every: int,
        k=None,
        sides: str = "both",
    ) -> None:
        root = KroneckerRoot(shape, k=k, epsilon=epsilon, update_every=update_every, sides=sides)
        if root.update_every > 1 and root.epsilon == 0:
            raise ValueError(
                f"epsilon: expected a number > 0 with update_every={root.update_every}, got 0"
            )
        if sides == "shorter":
            self.gradient_rank = 1.0
        elif gradient_rank is None:
            self.gradient_rank = largest_rank(root.shape)
        else:
            self.gradient_rank = float(checks.integer("gradient_rank", gradient_rank, low=1))
        diameter = domain.diameter(math.prod(root.shape))
        if lr is None and math.isfinite(diameter):
            lr = diameter / math.sqrt(2 * self.gradient_rank)
        bounds = BOUNDS[sides]
        if not any(factor.rank is not None for factor in root.factors):
            # Of what is proven of a sketch, nothing is left to say of exact factors.
            bounds = bounds[:2]
        if root.update_every > 1:
            bounds = bounds[:1]
        super().__init__(
            math.prod(root.shape), root, domain, lr, diameter=diameter, bounds=bounds, k=k
        )
        self._root = root

    def diagnostics(self) -> KroneckerDiagnostics:
        """Return what the bounds of this learner's regret are made of."""
        root = self._root
        axes = tuple(
            AxisAccount(
                dim=factor.dim,
                rank=factor.rank,
                potential=metric.sum(),
                escaped_mass=factor.escaped_mass,
                regularisation=root.epsilon / (1 + root.epsilon) * self._largest(metric),
                axis=axis,
            )
            for axis, factor, metric in zip(root.axes, root.factors, root.roots, strict=True)
        )
        return KroneckerDiagnostics(
            **dataclasses.asdict(super().diagnostics()),
            axes=axes,
            gradient_rank=self.gradient_rank,
            shape=root.merged,
        )

    def _largest(self, metric: SpectralOperator) -> float:
        """Return λ_max(C̃ + εI), whose root the metric holds."""
        return float(metric.values.max()) ** (2 * self._root.order)


def largest_rank(shape: tuple[int, ...]) -> float:
    """Return the geometric mean of the largest ranks of a tensor's unfoldings.

    Examples
    --------
    >>> largest_rank((256, 128)), largest_rank((7, 1)), largest_rank((2, 2, 4))
    (128.0, 1.0, 2.5198420997897464)
    """
    lengths = [n for n in shape if n > 1]
    size = math.prod(lengths)
    ranks = [min(n, size // n) for n in lengths]
    return math.prod(ranks) ** (1 / len(ranks)) if ranks else 1.0
