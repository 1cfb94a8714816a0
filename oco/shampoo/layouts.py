"""How a parameter is cut into blocks, and which factors each of them has."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from oco.shampoo.recipe import EXACT_RATIO, FACTOR_OPTIONS

__all__ = [
    "Layout",
    "Side",
    "layout",
    "layout_of",
]

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

    @property
    def preconditioned(self) -> bool:
        """Whether a step takes factors; if not, it is a coordinatewise one."""
        return self.order >= 2 and bool(self.blocks)


@lru_cache(CACHED)
def layout(
    shape: tuple[int, ...],
    k: int | tuple[int | None, ...] | None,
    max_axis: int | None,
    exact_ratio: int = EXACT_RATIO,
    sides: str = "both",
    long_axes: str = "blocks",
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
    long_axes : {"blocks", "factored"}
        Whether an axis beyond `max_axis` is cut, or leaves its tensor without blocks and factors.

    Examples
    --------
    >>> layout((3, 1, 20), 4, None).sides
    ((Side(axis=0, dim=3, k=None), Side(axis=1, dim=20, k=4)),)
    >>> layout((3, 1, 20), 2, None, sides="shorter").sides
    ((Side(axis=0, dim=3, k=None),),)
    >>> [[side.dim for side in sides] for sides in layout((5, 9), 4, 6).sides]
    [[5, 6], [5, 3]]
    >>> layout((5, 9), 4, 6, long_axes="factored").preconditioned
    False
    """
    sizes = k if isinstance(k, tuple) else (k,) * len(shape)
    kept = [axis for axis, n in enumerate(shape) if n > 1] or list(range(len(shape)))[:1]
    merged = tuple(shape[axis] for axis in kept)
    if long_axes == "factored" and max_axis and max(merged, default=0) > max_axis:
        return Layout(merged, (), ())
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


def layout_of(shape: Sequence[int], options: dict[str, Any]) -> Layout:
    """Return the layout of tensors of a shape with an optimizer's options.

    Examples
    --------
    >>> options = {"k": 2, "max_axis": None, "sides": "shorter", "long_axes": "blocks"}
    >>> layout_of((3, 20), options).sides
    ((Side(axis=0, dim=3, k=None),),)
    """
    return layout(tuple(shape), **{name: options[name] for name in FACTOR_OPTIONS})


def _side(axis: int, dim: int, k: int | None, exact_ratio: int) -> Side:
    return Side(axis, dim, None if k is None or dim <= exact_ratio * k else k)
