"""Shampoo's preconditioner: a factor for each axis of the gradient, exact or sketched."""

from __future__ import annotations

import itertools
import math

import numpy as np

from oco import checks
from oco.algorithms.factors import ExactFactor, SketchedFactor, SubspaceFactor
from oco.linalg.kronecker import BlockDiagonal, Kronecker, unfold
from oco.linalg.lengths import squared_length
from oco.linalg.low_rank import LowRankPlusScalar
from oco.linalg.operators import Dense, Scalar, SpectralOperator, pseudo_power, resolve_rank
from oco.shampoo import (
    EPSILON,
    REFRESHES,
    ROOTS,
    SIDES,
    TAILS,
    layout,
    power_of,
    scale_of,
    sketch_sizes,
)

__all__ = ["EPSILON", "KroneckerRoot"]


# Below the smallest normal number a squared length has lost its digits: it counts as 0.
SMALLEST_SQUARE = float(np.finfo(np.float64).tiny)


class KroneckerRoot:
    r"""H = ⊗_i Ĉ_i^{1/(2p)}: the metric of Shampoo, and of S-Shampoo where factors are sketched.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the gradients.  Axes of length 1 are merged away; p is the number of axes left.
    k : int or sequence of (int or None), optional
        Sketch size ≥ 2, for all axes or for each axis of `shape`; a factor is exact where it is
        None, or where `exact_ratio` says so.
    decay : float
        β in (0, 1]: each statistic is multiplied by it before it absorbs a gradient.
    epsilon : float
        ε ≥ 0, relative to the largest eigenvalue of each factor.
    update_every : int
        s ≥ 1: the statistics absorb the gradients of updates 1, 1 + s, 1 + 2s, ...
    max_axis : int, optional
        A longer axis is cut into blocks of this length (the last one may be shorter); each block of
        the tensor has a preconditioner of its own.
    bias_correction : bool
        Whether statistics with β < 1 are divided by 1 − β^a after a absorbed gradients.
    tail : {"escaped", "half", "mean"}
        What stands for the eigenvalues that a sketch does not have: `oco.shampoo.tail_of`.
    exponent : {"shampoo", "shampoo2"}
        Ĉ^{1/(2p)}, or Ĉ^{1/p}: `oco.shampoo.power_of`.  With "shampoo2", or a tail that is not
        "escaped", no bound on the regret is claimed.
    exact_ratio : int
        A factor is exact where its axis, or a piece of it, is at most this many times `k`.
    sides : {"both", "shorter"}
        Whether all axes have factors, or the shortest alone: H = Ĉ^{1/2} along that axis, with the
        identity on all others (one-sided Shampoo).
    refresh : {"direct", "subspace"}
        Whether sketches are Frequent Directions, or found by products alone (`SubspaceFactor`): no
        bound on the regret is claimed then.
    floor : float
        ≥ 0, relative to the mean eigenvalue of each factor: `oco.shampoo.floor_of`.

    Attributes
    ----------
    shape, decay, epsilon, update_every, max_axis, bias_correction, tail, exponent,
    exact_ratio, sides, refresh, floor
        As given.
    merged : tuple of int
        The axes of `shape` that are longer than 1; the first where there is none.
    axes : tuple of int
        Which of them have a factor.
    order : int
        p, how many that are.
    factors : tuple of ExactFactor, SketchedFactor or SubspaceFactor
        The statistics: axis by axis, block by block.
    roots : tuple of SpectralOperator
        Ĉ^{1/(2p)} of each of the factors; 0 before the first update.

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of range.

    Notes
    -----
    With M_(i) the gradient unfolded along axis i, the statistics are C_i ← β C_i + M_(i) M_(i)ᵀ, or
    Frequent Directions sketches C̃_i = C̄_i + τ_i I of them: one decay, one deflation an update.
    Ĉ_i = c (C̃_i + ε λ_max(C̃_i) I + φ (tr C_i/n_i) I), φ the `floor`, where c = 1 if β = 1; else
    c = (1 − β)/(1 − β^a) with bias correction, and 1 − β without.  An eigenvalue 0 is inverted to
    0.

    For one axis H is the metric of full-matrix AdaGrad, for two H X = L̂^{1/4} X R̂^{1/4}.

    References
    ----------
    .. [1] V. Gupta, T. Koren, Y. Singer, *Shampoo: preconditioned stochastic tensor optimization*,
       ICML 2018.
    .. [2] V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
       regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764.

    Examples
    --------
    >>> shampoo = KroneckerRoot((2, 2), epsilon=0.0)
    >>> shampoo.precondition(np.diag([4.0, 9.0]))
    array([[1., 0.], [0., 1.]])
    """

    separable = False
    fused = None

    def __init__(
        self,
        shape,
        *,
        k=None,
        decay: float = 1.0,
        epsilon: float = EPSILON,
        update_every: int = 1,
        max_axis: int | None = None,
        bias_correction: bool = True,
        tail: str = "escaped",
        exponent: str = "shampoo",
        exact_ratio: int = 1,
        sides: str = "both",
        refresh: str = "direct",
        floor: float = 0.0,
    ) -> None:
        self.tail = checks.choice("tail", tail, TAILS)
        self.exponent = checks.choice("exponent", exponent, ROOTS)
        self.sides = checks.choice("sides", sides, SIDES)
        self.refresh = checks.choice("refresh", refresh, REFRESHES)
        self.shape = checks.shape("shape", shape)
        sizes = sketch_sizes("k", k, len(self.shape))
        self.decay = checks.number("decay", decay, above=0, high=1)
        self.epsilon = checks.number("epsilon", epsilon, low=0)
        self.floor = checks.number("floor", floor, low=0)
        self.update_every = checks.integer("update_every", update_every, low=1)
        self.max_axis = max_axis
        if max_axis is not None:
            self.max_axis = checks.integer("max_axis", max_axis, low=1)
        self.bias_correction = bool(bias_correction)
        self.exact_ratio = checks.integer("exact_ratio", exact_ratio, low=1)
        plan = layout(self.shape, sizes, self.max_axis, self.exact_ratio, self.sides)
        self.merged, self._places = plan.shape, plan.blocks
        self.axes = tuple(side.axis for side in plan.sides[0])
        self.order = len(self.axes)
        sketched = SketchedFactor if self.refresh == "direct" else SubspaceFactor
        self._blocks: list[tuple[ExactFactor | SketchedFactor | SubspaceFactor, ...]] = [
            tuple(
                ExactFactor(side.dim, self.decay)
                if side.k is None
                else sketched(side.dim, side.k, self.decay)
                for side in sides
            )
            for sides in plan.sides
        ]
        self._roots: list[tuple[Dense | LowRankPlusScalar, ...]] = []
        self._metrics: list[Kronecker] = []
        self.updates = self.absorbed = 0
        self._total = 0.0

    @property
    def factors(self) -> tuple[ExactFactor | SketchedFactor | SubspaceFactor, ...]:
        """The statistics: axis by axis, block by block."""
        return tuple(itertools.chain.from_iterable(self._blocks))

    @property
    def roots(self) -> tuple[SpectralOperator, ...]:
        """Ĉ^{1/(2p)} of each of the factors; 0 before the first update."""
        if not self._roots:
            return tuple(Scalar(0.0, factor.dim) for factor in self.factors)
        return tuple(itertools.chain.from_iterable(self._roots))

    @property
    def metric(self) -> SpectralOperator:
        """H, on tensors whose entries are taken in C order; later updates do not change it."""
        if not self._metrics:
            return Scalar(0.0, math.prod(self.shape))
        if len(self._metrics) == 1:
            return self._metrics[0]
        return BlockDiagonal(self.merged, self._places, self._metrics)

    @property
    def potential(self) -> float:
        """Return tr H, of the factors alone: the identity on an axis without one counts as 1.

        A step from X towards U costs tr (X − U)ᵀ(C_t^½ − C_{t−1}^½)(X − U), at most
        ‖X − U‖² (tr C_t^½ − tr C_{t−1}^½).
        """
        return sum(math.prod(root.sum() for root in roots) for roots in self._roots)

    @property
    def escaped_mass(self) -> float | None:
        """Sum of τ over the sketches; None if all factors are exact."""
        sketched = [factor.escaped_mass for factor in self.factors if factor.rank is not None]
        return sum(sketched) if sketched else None

    @property
    def statistics_bytes(self) -> int:
        """Memory of the factors, in bytes."""
        return sum(factor.state_bytes for factor in self.factors)

    @property
    def state_bytes(self) -> int:
        """Memory of the factors and of the eigenvectors of their roots, in bytes."""
        eigenvectors = sum(
            root.vectors.nbytes if isinstance(root, Dense) else root.basis.frame.nbytes
            for roots in self._roots
            for root in roots
        )
        return self.statistics_bytes + eigenvectors

    def update(self, g: np.ndarray, square: float) -> np.ndarray:
        """Absorb the entries of a gradient, of shape (d,), with ‖g‖²; return those of H⁻¹ G.

        Without decay, a gradient of 0 changes no statistic.  It is not counted, so that the first
        one that counts is absorbed: with ε > 0, no later one then lies outside H's range.
        """
        if self.decay == 1 and square < SMALLEST_SQUARE:
            return np.zeros_like(g)
        return self._stepped(g, g, self._due)

    def precondition(
        self, gradient, x=None, due: bool | None = None, rooted: bool = True
    ) -> np.ndarray:
        """Absorb a gradient G if one is due, and return H⁻¹ X.

        Parameters
        ----------
        gradient : array_like of shape `shape`
            G.
        x : ndarray of shape `shape`, optional
            X, an average of gradients for one; G if not given.
        due : bool, optional
            Whether G is absorbed; by default every `update_every`-th is.  The first one always is.
        rooted : bool
            Whether, if it is absorbed, the roots of exact factors are made anew, as those of
            sketches are in any case; at first they always are.

        Returns
        -------
        ndarray of shape `shape`
            Preconditioned X (pseudo-inverse).

        Raises
        ------
        ValueError
            If the shape is wrong, or an entry or the sum of all squares that were absorbed is not
            finite; nothing has then changed.
        """
        gradient = checks.array("gradient", gradient, self.shape)
        square = squared_length("gradient", gradient.reshape(-1))
        due = self._due if due is None else due or not self.absorbed
        if due:
            total = self.decay * self._total + square
            if not math.isfinite(total):
                raise ValueError(f"gradient: expected a finite sum of all squares, got {total}")
            self._total = total
        x = gradient if x is None else x
        return self._stepped(gradient, x, due, rooted).reshape(self.shape)

    @property
    def _due(self) -> bool:
        return self.updates % self.update_every == 0

    def _stepped(self, g: np.ndarray, x: np.ndarray, due: bool, rooted: bool = True) -> np.ndarray:
        """Absorb the entries g if that is due, and return those of H⁻¹ X, of shape (d,)."""
        if due:
            self._absorb(g.reshape(self.merged), rooted or not self.absorbed)
        self.updates += 1
        x, direction = x.reshape(self.merged), np.empty(self.merged)
        for places, metric in zip(self._places, self._metrics, strict=True):
            block = x[places]
            direction[places] = metric.solve(block.reshape(-1)).reshape(block.shape)
        return direction.reshape(-1)

    def _absorb(self, tensor: np.ndarray, rooted: bool) -> None:
        self.absorbed += 1
        for places, factors in zip(self._places, self._blocks, strict=True):
            for axis, factor in zip(self.axes, factors, strict=True):
                factor.absorb(unfold(tensor[places], axis))
        scale = self._scale()
        before: list[tuple] = list(self._roots) or [(None,) * len(own) for own in self._blocks]
        self._roots = [
            tuple(
                old
                if not rooted and old is not None and factor.rank is None
                else self._root(factor, scale)
                for factor, old in zip(factors, roots, strict=True)
            )
            for factors, roots in zip(self._blocks, before, strict=True)
        ]
        self._metrics = [
            Kronecker(self._with_identities(places, roots))
            for places, roots in zip(self._places, self._roots, strict=True)
        ]

    def _with_identities(self, places, roots) -> list[Dense | LowRankPlusScalar]:
        """Return what acts on each axis of a block: its factor's root, or the identity."""
        operators: list[Dense | LowRankPlusScalar] = [
            LowRankPlusScalar.identity(piece.stop - piece.start) for piece in places
        ]
        for axis, root in zip(self.axes, roots, strict=True):
            operators[axis] = root
        return operators

    def _scale(self) -> float:
        beta = self.decay
        weight = (1 - beta**self.absorbed) / (1 - beta) if beta < 1 else float(self.absorbed)
        return scale_of(beta, weight, self.bias_correction)

    def _root(
        self, factor: ExactFactor | SketchedFactor | SubspaceFactor, scale: float
    ) -> Dense | LowRankPlusScalar:
        floor = self.floor * scale * factor.total_mass / factor.dim

        def root(values: np.ndarray) -> np.ndarray:
            values = scale * values
            damped, _ = resolve_rank(values + self.epsilon * values.max() + floor)
            return pseudo_power(damped, power_of(self.exponent, self.order))

        return factor.covariance(self.tail).map(root)

    def __repr__(self) -> str:
        factors = ", ".join(
            f"{factor.dim}" if factor.rank is None else f"{factor.dim} sketched by {factor.rank}"
            for factor in self.factors
        )
        return f"{type(self).__name__}(shape={self.shape}, factors: {factors})"
