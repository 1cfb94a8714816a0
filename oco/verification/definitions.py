"""What everything is, written down densely and without thought for speed.

Nothing here uses the code that is verified: sketches and metrics are d × d matrices, projections
are one-dimensional root finding, losses are the formulas of a textbook.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from oco.verification.cases import Case

__all__ = [
    "LOSSES",
    "DenseAxis",
    "DenseBall",
    "DenseSketch",
    "Metric",
    "escape_limit",
    "kronecker",
    "metric_of",
    "tame",
]

# Eigenvalues relative to the largest: below the one counts as 0, and above the other as a direction
# in which a metric is inverted; between the two a dense computation cannot tell.
ZERO, POSITIVE = 1e-14, 1e-7
SMALLEST = np.finfo(np.float64).tiny
# ε of the Kronecker metrics.
EPSILON = 1e-6


def tame(case: Case, rounds: int, dimensions: int) -> np.ndarray:
    """Return the case's first rows and columns, each row made a unit vector; zero rows stay."""
    rows = case.scaled(0, rounds)[:, :dimensions]
    # Scaled by the largest entry first: the squares of a tiny row would underflow.
    rows = np.ldexp(rows, -np.frexp(np.abs(rows).max(axis=1))[1][:, None])
    lengths = np.linalg.norm(rows, axis=1)
    return rows / np.where(lengths > 0, lengths, 1.0)[:, None]


def escape_limit(spectrum: np.ndarray, size: int) -> float:
    """Return Ω_ℓ = min_{0 ≤ j < ℓ} (Σ_{i > j} λ_i)/(ℓ − j)."""
    ordered = sorted((max(float(value), 0.0) for value in spectrum), reverse=True)
    return min(math.fsum(ordered[j:]) / (size - j) for j in range(size))


class DenseSketch:
    """Frequent Directions: C = βḠ + MᵀM, Ḡ = (C − ρI)₊ with ρ = λ_ℓ(C), τ ← βτ + ρ."""

    def __init__(self, d: int, k: int, decay: float = 1.0) -> None:
        self.k, self.decay = k, decay
        self.matrix, self.tau = np.zeros((d, d)), 0.0
        self.escapes: list[float] = []

    def absorb(self, gram: np.ndarray) -> None:
        """Take one step with MᵀM."""
        values, vectors = np.linalg.eigh(self.decay * self.matrix + gram)
        rho = max(float(values[-self.k]), 0.0) if self.k <= len(values) else 0.0
        self.matrix = (vectors * np.maximum(values - rho, 0.0)) @ vectors.T
        self.tau = self.decay * self.tau + rho
        self.escapes.append(rho)


@dataclass(frozen=True)
class DenseAxis:
    """One factor of a Kronecker metric: C̃ + εI, its root, what the sketch lost, and its axis."""

    factor: np.ndarray
    root: np.ndarray
    tau: float
    epsilon: float
    index: int = 0


@dataclass
class Metric:
    """H_t and what is made of it after a gradient.

    Attributes
    ----------
    matrix : ndarray of shape (d, d)
        H_t.
    direction : ndarray of shape (d,)
        H_t⁻¹ g_t, or what a learner puts in its place.
    potential : float
        Σ λ_max(H_s − H_{s−1}), or the bound on it that the learner is charged.
    tau : float or None
        Escaped mass.
    clear : bool
        Whether no eigenvalue is so small that a dense computation cannot tell it from 0.
    axes : tuple of DenseAxis
        Of a Kronecker metric.
    """

    matrix: np.ndarray
    direction: np.ndarray
    potential: float
    tau: float | None = None
    clear: bool = True
    axes: tuple[DenseAxis, ...] = ()


def _power(matrix: np.ndarray, exponent: float) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return A^p and its pseudo-inverse, and whether each eigenvalue is clearly 0 or not."""
    values, vectors = np.linalg.eigh(matrix)
    top = max(float(values[-1]), SMALLEST)
    positive = values > POSITIVE * top
    clear = bool(np.all(np.abs(values[~positive]) <= ZERO * len(values) * top))
    roots = np.where(positive, np.abs(values), 0.0) ** exponent
    roots[~positive] = 0.0
    inverse = np.divide(1.0, roots, out=np.zeros_like(roots), where=positive)
    return (vectors * roots) @ vectors.T, (vectors * inverse) @ vectors.T, clear


def _told_apart(roots: np.ndarray) -> bool:
    """Tell whether each of the entries of a diagonal root is clearly 0 or not."""
    return bool(np.all((roots == 0) | (roots > math.sqrt(POSITIVE) * roots.max())))


Absorb = Callable[[np.ndarray], Metric]


def _scalar(grow: Callable[[float], float]) -> Absorb:
    square = 0.0

    def absorb(g):
        nonlocal square
        square += grow(float(g @ g))
        h = math.sqrt(square)
        return Metric(h * np.eye(len(g)), g / h if h else np.zeros_like(g), h)

    return absorb


def _diagonal(d: int) -> Absorb:
    squares = np.zeros(d)

    def absorb(g):
        squares[:] += g**2
        roots = np.sqrt(squares)
        direction = np.divide(g, roots, out=np.zeros(d), where=roots > 0)
        return Metric(np.diag(roots), direction, float(roots.sum()), clear=_told_apart(roots))

    return absorb


def _full(d: int) -> Absorb:
    covariance = np.zeros((d, d))

    def absorb(g):
        covariance[:] += np.outer(g, g)
        root, inverse, clear = _power(covariance, 0.5)
        return Metric(root, inverse @ g, float(np.trace(root)), clear=clear)

    return absorb


def _sketched(d: int, k: int) -> Absorb:
    sketch = DenseSketch(d, k)

    def absorb(g):
        sketch.absorb(np.outer(g, g))
        root, inverse, clear = _power(sketch.matrix + sketch.tau * np.eye(d), 0.5)
        return Metric(root, inverse @ g, float(np.trace(root)), sketch.tau, clear)

    return absorb


def _shifted(d: int, k: int, delta: float) -> Absorb:
    sketch = DenseSketch(d, k)

    def absorb(g):
        sketch.absorb(np.outer(g, g))
        root, _, clear = _power(sketch.matrix, 0.5)
        root = root + delta * np.eye(d)
        # H_t + √ρ_t I ⪰ H_{t−1}: each of the d directions may have lost √ρ_t.
        charge = np.trace(root) + d * sum(math.sqrt(rho) for rho in sketch.escapes)
        return Metric(root, np.linalg.solve(root, g), float(charge), sketch.tau, clear)

    return absorb


def _adam(d: int) -> Absorb:
    """Kingma and Ba's recommended values: β₁ = 0.9, β₂ = 0.999, ε = 1e-8."""
    seen: list[np.ndarray] = []

    def absorb(g):
        seen.append(g)
        ages = np.arange(len(seen) - 1, -1, -1.0)
        mean = (0.9**ages) @ np.array(seen) / (0.9**ages).sum()
        square = (0.999**ages) @ np.array(seen) ** 2 / (0.999**ages).sum()
        scale = np.sqrt(square) + 1e-8
        return Metric(np.diag(scale), mean / scale, float(scale.sum()), clear=_told_apart(scale))

    return absorb


def kronecker(shape: tuple[int, ...], k: int | None, *, decay: float = 1.0) -> Absorb:
    """Return H = ⊗ (C̃_i + ε λ_max(C̃_i) I)^{1/(2p)} on matrices or vectors, weighted as means."""
    shape = tuple(n for n in shape if n > 1) or (1,)
    p = len(shape)
    # A side that is no longer than the sketch's size has an exact factor, from which nothing
    # escapes: it is a sketch that is larger than the side is long.
    sizes = [n + 1 if k is None or k >= n else k for n in shape]
    exact = [size > n for n, size in zip(shape, sizes, strict=True)]
    sketches = [DenseSketch(n, size, decay) for n, size in zip(shape, sizes, strict=True)]
    count, last = 0, None

    def absorb(g):
        nonlocal count, last
        if last is not None and not g.any():
            # Without decay, a gradient of 0 changes nothing.
            return replace(last, direction=g)
        count += 1
        tensor = g.reshape(shape)
        # A gradient of age a has the weight β^a; the weights are scaled so that they sum to 1.
        scale = 1.0 if decay == 1 else 1 / sum(decay**age for age in range(count))
        axes = []
        for i, sketch in enumerate(sketches):
            columns = np.moveaxis(tensor, i, 0).reshape(shape[i], -1)
            sketch.absorb(columns @ columns.T)
            factor = scale * (sketch.matrix + sketch.tau * np.eye(shape[i]))
            shift = EPSILON * float(np.linalg.eigvalsh(factor)[-1])
            root = _power(factor + shift * np.eye(shape[i]), 1 / (2 * p))[0]
            axes.append(DenseAxis(factor, root, sketch.tau, shift, i))
        matrix = axes[0].root if p == 1 else np.kron(axes[0].root, axes[1].root)
        sketched = [axis.tau for axis, e in zip(axes, exact, strict=True) if not e]
        last = Metric(
            matrix,
            np.linalg.solve(matrix, g),
            float(np.trace(matrix)),
            sum(sketched) if sketched else None,
            axes=tuple(axes),
        )
        return last

    return absorb


def one_sided(shape: tuple[int, ...], k: int | None) -> Absorb:
    """Return H = C̃^½ along the shorter side of matrices, the first if both are as long."""
    shape = tuple(n for n in shape if n > 1) or (1,)
    side = 1 if len(shape) > 1 and shape[1] < shape[0] else 0
    n = shape[side]
    exact = k is None or k >= n
    sketch = DenseSketch(n, n + 1 if exact else k or 0)

    def absorb(g):
        matrix = g.reshape(shape) if len(shape) > 1 else g[:, None]
        sketch.absorb(matrix.T @ matrix if side else matrix @ matrix.T)
        factor = sketch.matrix + sketch.tau * np.eye(n)
        root, inverse, clear = _power(factor, 0.5)
        other = np.eye(g.size // n)
        direction = np.ravel(matrix @ inverse if side else inverse @ matrix)
        return Metric(
            np.kron(other, root) if side else np.kron(root, other),
            direction,
            float(np.trace(root)),
            None if exact else sketch.tau,
            clear,
            (DenseAxis(factor, root, sketch.tau, 0.0, side),),
        )

    return absorb


def metric_of(name: str, *, d: int, k: int, delta: float, shape: tuple[int, ...]) -> Absorb | None:
    """Return a function from gradients to metrics, by a learner's name; None for others."""
    return {
        "ogd": lambda: _scalar(lambda square: 1.0),
        "adagrad-norm": lambda: _scalar(lambda square: square),
        "adagrad": lambda: _diagonal(d),
        "full-adagrad": lambda: _full(d),
        "s-adagrad": lambda: _sketched(d, k),
        "ada-fd": lambda: _shifted(d, k, delta),
        "adam": lambda: _adam(d),
        "shampoo": lambda: kronecker(shape, None),
        "s-shampoo": lambda: kronecker(shape, k),
        "one-sided-shampoo": lambda: one_sided(shape, None),
        "s-one-sided": lambda: one_sided(shape, k),
    }.get(name, lambda: None)()


class DenseBall:
    """{‖x‖ ≤ R}, and the projection onto it in a metric by its secular equation."""

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def project(self, y: np.ndarray, metric: np.ndarray) -> np.ndarray:
        """Return argmin (x − y)ᵀH(x − y): (H + μI)⁻¹Hy, where H is 0 y shortened as needed."""
        if np.linalg.norm(y) <= self.radius:
            return y
        values, vectors = np.linalg.eigh(metric)
        c, moved = vectors.T @ y, values > math.sqrt(ZERO) * values[-1]
        inside = float(np.linalg.norm(c[moved]))
        if inside < self.radius:
            room = math.sqrt(self.radius**2 - inside**2)
            return vectors @ np.where(moved, c, c * (room / np.linalg.norm(c[~moved])))
        h, c = values[moved] / values[-1], c[moved]
        excess = brentq(
            lambda mu: float(np.linalg.norm(h / (h + mu) * c)) - self.radius,
            0.0,
            inside / self.radius,
            xtol=SMALLEST,
            rtol=4 * np.finfo(np.float64).eps,
        )
        return vectors[:, moved] @ (h / (h + excess) * c)


#: φ(z, y) and φ'(z, y) by name, of numbers or arrays.
LOSSES: dict[str, tuple[Callable, Callable]] = {
    "linear": (lambda z, y: -y * z, lambda z, y: -y + 0 * z),
    "squared": (lambda z, y: (z - y) ** 2 / 2, lambda z, y: z - y),
    "absolute": (lambda z, y: abs(z - y), lambda z, y: 1.0 * (z > y) - 1.0 * (z < y)),
    "hinge": (lambda z, y: np.maximum(0, 1 - y * z), lambda z, y: -y * (y * z < 1)),
    "logistic": (
        lambda z, y: np.maximum(0, -y * z) + np.log1p(np.exp(-abs(y * z))),
        lambda z, y: -y / (1 + np.exp(np.minimum(y * z, 700))),
    ),
}
