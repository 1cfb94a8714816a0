"""What Shampoo and S-Shampoo are, without an array: in NumPy, in PyTorch, and in their memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

from oco import checks
from oco.linalg.cutoffs import RANK_CUTOFF

__all__ = [
    "AVERAGE",
    "AVERAGED",
    "BETA1",
    "BETAS",
    "EPS",
    "EPSILON",
    "EXACT_RATIO",
    "EXPONENT",
    "GRAFT",
    "GRAFTS",
    "MATRIX_RATE",
    "MAX_AXIS",
    "MOMENTUM",
    "MOMENTUM_DTYPES",
    "NESTEROV",
    "NOISE",
    "OPTIONS",
    "RANK_CUTOFF",
    "RATE",
    "ROOTS",
    "SIDES",
    "SKETCH_SIZE",
    "TAIL",
    "TAILS",
    "UPDATE_EVERY",
    "Layout",
    "Side",
    "check_options",
    "layout",
    "power_of",
    "scale_of",
    "sketch_sizes",
    "tail_of",
]

# The learning rate and the diagonal's constant of Adam.
RATE, EPS = 1e-3, 1e-8
# Adam's first moment; and statistics that look back about 100 steps: the covariances of a network's
# gradients turn that fast.
BETA1, BETAS = 0.9, (0.9, 0.99)
# Sketch size: about an eighth of the layers that a small network has, and well above the intrinsic
# dimension of their gradients' covariances.
SKETCH_SIZE = 32
MOMENTUM = 0.9
# What is added to a factor's eigenvalues, relative to the largest.  The inverse root of a matrix's
# factor then favours a rare direction over the commonest by at most 1e-6^(-1/4) = 32, and the
# rounding of the eigenvalues (1e-13) stays far below.
EPSILON = 1e-6
# Longer axes are cut: an exact factor of this length takes half a gigabyte.
MAX_AXIS = 8192
# In training an axis of at most this many times k has an exact factor: it keeps no more than twice
# the numbers of a sketch, and one decomposition of it takes the place of three.
EXACT_RATIO = 2
# The recipe of training: nothing is kept but the sketches and one average, of gradients.  Chosen by
# a study of six recipes, which docs/quality.md reports.
GRAFT, TAIL, EXPONENT, AVERAGE = "unit", "escaped", "shampoo2", "gradient"
NESTEROV, MATRIX_RATE = True, 1.0
# Covariances move slowly: refreshed so rarely, they cost less than what is done with them.
UPDATE_EVERY = 10

GRAFTS = ("none", "unit", "sgd", "rmsprop", "adam")
# What momentum averages: the steps, or the gradients before they become steps.
AVERAGED = ("step", "gradient")
# How few bits momentum's average may be kept in; None for those of the statistics.
MOMENTUM_DTYPES = ("bfloat16",)
# What stands for the eigenvalues that a sketch does not have: see `tail_of`.
TAILS = ("escaped", "half", "mean")
# A factor's exponent is −1/(this times the number of factors): see `power_of`.
ROOTS = {"shampoo": 2, "shampoo2": 1}
# Which axes have factors: all of them, or the shortest alone (one-sided Shampoo).
SIDES = ("both", "shorter")

# Sketches keep k − 1 directions, so that one of size 1 would keep nothing.
LEAST_SIZE = 2
# Eigenvalues of a sketch, relative to the largest, that rounding cannot tell from zero: squares of
# singular values in error by a few ε in the type of the statistics, a sum of squares in double.
NOISE = {"float32": 1e-12, "float64": 1e-14}
# Parameters of one model share few shapes; this many is plenty.
CACHED = 1024


class Side(NamedTuple):
    """The factor of one axis of a block.

    Attributes
    ----------
    axis : int
        Of the block.
    dim : int
        n, its length.
    k : int or None
        Sketch size, from 2 to n − 1; None for the exact covariance.
    """

    axis: int
    dim: int
    k: int | None


@dataclass(frozen=True)
class Layout:
    """How a parameter is cut into blocks, and which factors each of them has.

    Attributes
    ----------
    shape : tuple of int
        The axes that are longer than 1; the first one where there is none.
    blocks : tuple of tuple of slice
        Where each block lies in a tensor of that shape.
    sides : tuple of tuple of Side
        The factors of each block.
    """

    shape: tuple[int, ...]
    blocks: tuple[tuple[slice, ...], ...]
    sides: tuple[tuple[Side, ...], ...]

    @property
    def order(self) -> int:
        """p, the number of axes that are longer than 1; a vector or a scalar has fewer than two."""
        return len(self.shape) if self.shape != (1,) else 0


@lru_cache(CACHED)
def layout(
    shape: tuple[int, ...],
    k: int | tuple[int | None, ...] | None,
    max_axis: int | None,
    exact_ratio: int = EXACT_RATIO,
    sides: str = "both",
) -> Layout:
    """Return the blocks and factors of tensors of a shape.

    Parameters
    ----------
    shape : tuple of int
        Of the parameter; its axes of length 1 are merged away.
    k : int, None, or tuple of these
        Sketch size ≥ 2, of all axes or of each axis of `shape`; None for an exact factor.
    max_axis : int or None
        A longer axis is cut into pieces of this length, the last of which may be shorter.
    exact_ratio : int
        A piece of at most this many times k has an exact factor.
    sides : {"both", "shorter"}
        Whether all axes have factors, or only the shortest: the first of them, if several are.

    Examples
    --------
    >>> layout((3, 1, 20), 4, None).sides
    ((Side(axis=0, dim=3, k=None), Side(axis=1, dim=20, k=4)),)
    >>> layout((3, 1, 20), 2, None, sides="shorter").sides
    ((Side(axis=0, dim=3, k=None),),)
    >>> [[side.dim for side in sides] for sides in layout((5, 9), 4, 6).sides]
    [[5, 6], [5, 3]]
    """
    sizes = k if isinstance(k, tuple) else (k,) * len(shape)
    kept = [axis for axis, n in enumerate(shape) if n > 1] or list(range(len(shape)))[:1]
    merged = tuple(shape[axis] for axis in kept)
    pieces = [
        [slice(start, min(start + (max_axis or n), n)) for start in range(0, n, max_axis or n)]
        for n in merged
    ]
    blocks = tuple(itertools.product(*pieces))
    shortest = merged.index(min(merged)) if merged else 0
    return Layout(
        merged,
        blocks,
        tuple(
            tuple(
                _side(i, piece.stop - piece.start, sizes[axis], exact_ratio)
                for i, (axis, piece) in enumerate(zip(kept, block, strict=True))
                if sides == "both" or i == shortest
            )
            for block in blocks
        ),
    )


def _side(axis: int, dim: int, k: int | None, exact_ratio: int) -> Side:
    return Side(axis, dim, None if k is None or dim <= exact_ratio * k else k)


def sketch_sizes(name: str, value, axes: int) -> tuple[int | None, ...]:
    """Return a sketch size ≥ 2, or None, for each axis; one given alone is meant for all.

    Raises
    ------
    TypeError, ValueError
        If one is no integer ≥ 2 (a sketch of size 1 keeps no direction), or their number is wrong.

    Examples
    --------
    >>> sketch_sizes("k", 16, axes=2), sketch_sizes("k", [16, None], axes=2)
    ((16, 16), (16, None))
    >>> sketch_sizes("k", 1, axes=2)
    Traceback (most recent call last):
    ...
    ValueError: k: expected an integer >= 2, got 1
    """
    sizes = _sizes(name, value)
    if not isinstance(sizes, tuple):
        return (sizes,) * axes
    if len(sizes) != axes:
        raise ValueError(f"{name}: expected one for each of the {axes} axes, got {len(sizes)}")
    return sizes


def scale_of(decay: float, weight: Any, corrected: bool) -> Any:
    """Return c, what a statistic C ← β C + M Mᵀ is multiplied by to be an average.

    Parameters
    ----------
    decay : float
        β in (0, 1].
    weight : float or array
        a ← β a + 1, at each gradient that was absorbed: (1 − β^t)/(1 − β) where β never changed.
    corrected : bool
        Whether the few gradients of the beginning count as what they are; otherwise c = 1 − β.

    Examples
    --------
    >>> scale_of(1.0, 7.0, True), scale_of(0.5, 1.5, False), round(scale_of(0.5, 1.5, True), 4)
    (1.0, 0.5, 0.6667)
    """
    if decay == 1:
        return 1.0
    return 1 / weight if corrected else 1 - decay


def power_of(exponent: str, sides: int) -> float:
    """Return e, where each factor's power is −e: 1/(2p) with "shampoo", 1/p with "shampoo2".

    Parameters
    ----------
    exponent : {"shampoo", "shampoo2"}
    sides : int
        p ≥ 1, the number of factors of a block.

    Notes
    -----
    e is at most ½, which with both factors of a matrix (Shampoo²) or with its one factor (one-sided
    Shampoo) brings its singular values together; beyond it they would change their order.

    Examples
    --------
    >>> power_of("shampoo", 2), power_of("shampoo2", 2), power_of("shampoo2", 1)
    (0.25, 0.5, 0.5)
    """
    return min(0.5, 1 / (ROOTS[exponent] * sides))


def tail_of(kind: str, escaped: float, missed: float, outside: int) -> tuple[float, float]:
    r"""Return what is added to a sketch's eigenvalues, and what stands for all others.

    Parameters
    ----------
    kind : {"escaped", "half", "mean"}
        (τ, τ), which keeps C̄ + τ I ⪰ C and with it the theorem; (τ/2, τ/2), the middle of what C
        can be (robust Frequent Directions); or (τ, min(τ, m/q)).
    escaped : float
        τ ≥ 0.
    missed : float
        m = tr C − Σ (λ̄_i + τ), the sum over the sketch's directions.
    outside : int
        q ≥ 1, the dimension of the space beside those directions.

    Returns
    -------
    tuple of float

    References
    ----------
    L. Luo, C. Chen, Z. Zhang, W.-J. Li, T. Zhang, *Robust frequent directions with application in
    online learning*, JMLR 2019 (half).

    Examples
    --------
    >>> [tail_of(kind, 2.0, missed=3.0, outside=6) for kind in TAILS]
    [(2.0, 2.0), (1.0, 1.0), (2.0, 0.5)]
    """
    if kind == "half":
        return escaped / 2, escaped / 2
    if kind == "mean":
        return escaped, min(escaped, max(missed, 0.0) / outside)
    return escaped, escaped


def check_options(options: dict) -> dict:
    """Return the options of an optimizer with their types made plain.

    Parameters
    ----------
    options : dict
        Those that are not in `OPTIONS` are kept as they are.

    Raises
    ------
    TypeError, ValueError
        Naming the option, its value and what was expected.

    Examples
    --------
    >>> check_options({"k": [16, None], "params": ...})
    {'k': (16, None), 'params': Ellipsis}
    >>> check_options({"k": 1})
    Traceback (most recent call last):
    ...
    ValueError: k: expected an integer >= 2, got 1
    """
    known = {name: _CHECKS[name](name, value) for name, value in options.items() if name in _CHECKS}
    return {**options, **known}


def _sizes(name: str, value) -> int | tuple[int | None, ...] | None:
    if value is None or not isinstance(value, Sequence) or isinstance(value, str):
        return None if value is None else checks.integer(name, value, low=LEAST_SIZE)
    return tuple(
        None if size is None else checks.integer(f"{name}[{axis}]", size, low=LEAST_SIZE)
        for axis, size in enumerate(value)
    )


def _betas(name: str, value) -> tuple[float, float]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name}: expected two numbers (beta1, beta2), got {value!r}")
    return (
        checks.number(f"{name}[0]", value[0], low=0, below=1),
        checks.number(f"{name}[1]", value[1], above=0, high=1),
    )


def _max_axis(name: str, value) -> int | None:
    return None if value is None else checks.integer(name, value, low=1)


def _momentum_dtype(name: str, value) -> str | None:
    return None if value is None else checks.choice(name, value, MOMENTUM_DTYPES)


def _flag(name: str, value) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "lr": partial(checks.number, low=0),
    "k": _sizes,
    "betas": _betas,
    "eps": partial(checks.number, above=0),
    "epsilon": partial(checks.number, low=0),
    "momentum": partial(checks.number, low=0, below=1),
    "graft": partial(checks.choice, options=GRAFTS),
    "weight_decay": partial(checks.number, low=0),
    "update_every": partial(checks.integer, low=1),
    "start_step": partial(checks.integer, low=1),
    "max_axis": _max_axis,
    "average": partial(checks.choice, options=AVERAGED),
    "nesterov": _flag,
    "matrix_rate": partial(checks.number, above=0),
    "tail": partial(checks.choice, options=TAILS),
    "exponent": partial(checks.choice, options=ROOTS),
    "bias_correction": _flag,
    "momentum_dtype": _momentum_dtype,
}
#: The options that NumPy and PyTorch share; JAX has all but the last.
OPTIONS = tuple(_CHECKS)
