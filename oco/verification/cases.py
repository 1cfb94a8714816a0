"""A case: the rows of a stream with a sketch size and a decay, and all that a replay needs."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from oco import checks
from oco.archives import read_regular, unpack
from oco.ranks import GradientFile
from oco.results.storage import replace_file

__all__ = ["Case", "load_case", "load_rows", "save_case"]

# How many rows are taken at a time where all of them would be too many: 4 MB at d = 500.
BLOCK = 1024
# The rounds of a case after which its properties are checked: the first few, and at most this many
# of the others.
FIRST_CHECKPOINTS, CHECKPOINTS = 8, 16
TINY = np.finfo(np.float64).tiny
SMALLEST_EXPONENT = -1022


@dataclass(frozen=True, eq=False)
class Case:
    """A stream of rows, the sketch that is to meet it, and a seed for what a property draws.

    Attributes
    ----------
    rows : ndarray of shape (T, d)
        Finite, with finite squared lengths; may be mapped from a file.
    k : int
        Sketch size, from 2 to d + 1.
    decay : float
        β in (0, 1].
    seed : int
        Of everything else that is drawn: rotations, signs, groupings.
    name : str
        Where the rows come from.
    """

    rows: np.ndarray
    k: int
    decay: float = 1.0
    seed: int = 0
    name: str = "given"

    @property
    def T(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def d(self) -> int:
        """Length of the rows."""
        return self.rows.shape[1]

    @cached_property
    def exponent(self) -> int:
        """The power of two just above the largest entry: the unit of `scaled`."""
        largest = max((float(np.abs(block).max()) for block in self._blocks()), default=0.0)
        return math.frexp(largest)[1]

    @property
    def floor(self) -> float:
        """What underflow may hide in the covariance, in units of the squared scaled rows."""
        return self.underflow(self.exponent)

    def underflow(self, exponent: int) -> float:
        """Return `floor` for rows in units of two to the power `exponent`.

        Each of the T·d² products that are summed may be off by the smallest normal number.
        """
        power = SMALLEST_EXPONENT - 2 * exponent
        return math.ldexp(self.T * self.d**2, power) if power < 900 else math.inf

    def scaled(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return rows in units in which the largest entry is between 1/2 and 1; exactly."""
        return np.ldexp(np.asarray(self.rows[start:stop], dtype=np.float64), -self.exponent)

    def squared(self, values):
        """Return numbers in the units of the squared rows in those of the squared scaled rows."""
        # In two steps, as 2^(−2·exponent) itself may overflow.
        return np.ldexp(np.ldexp(values, -self.exponent), -self.exponent)

    def rng(self, purpose: int = 0) -> np.random.Generator:
        """Return a generator of this case's own."""
        return np.random.default_rng([self.seed, purpose])

    @cached_property
    def checkpoints(self) -> frozenset[int]:
        """The rounds after which properties are checked: the first, the last and some between."""
        if not self.T:
            return frozenset()
        few = min(FIRST_CHECKPOINTS, self.T)
        later = np.rint(np.geomspace(few, self.T, CHECKPOINTS))
        return frozenset([*range(1, few + 1), *map(int, later)])

    def covariances(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield (t, row g_t, exact G_t) at each checkpoint, and (t, row, empty) between them.

        G_t = Σ_s β^{t−s} g_s g_sᵀ is in scaled units, made block by block: O(d²) a row in BLAS.
        """
        exact, start = np.zeros((self.d, self.d)), 0
        for t, row in enumerate(self.rows, start=1):
            if t - start == BLOCK or t in self.checkpoints:
                block = self.scaled(start, t)
                weights = np.sqrt(self.decay ** np.arange(t - start - 1, -1, -1.0))[:, None]
                exact = self.decay ** (t - start) * exact + (weights * block).T @ (weights * block)
                start = t
            yield t, row, exact if t in self.checkpoints else exact[:0]

    def with_rows(self, rows: np.ndarray) -> Case:
        """Return the same case for other rows; the sketch size is kept within their length."""
        k = min(self.k, rows.shape[1] + 1)
        return replace(self, rows=rows, k=k)

    def _blocks(self) -> Iterator[np.ndarray]:
        for start in range(0, self.T, BLOCK):
            yield self.rows[start : start + BLOCK]

    def __repr__(self) -> str:
        return (
            f"{self.name}: T={self.T}, d={self.d}, k={self.k}, decay={self.decay:.4g}, "
            f"seed={self.seed}"
        )


def save_case(path, case: Case, **facts: str) -> Path:
    """Write a case and `facts` about it as ``.npz``, all of it or nothing, for `load_case`.

    Returns
    -------
    Path
        Of the file.
    """
    about = {"k": case.k, "decay": case.decay, "seed": case.seed, "name": case.name, **facts}
    path, packed = Path(path), io.BytesIO()
    np.savez(packed, allow_pickle=False, rows=case.rows, about=np.array(json.dumps(about)))
    replace_file(path, packed.getvalue())
    return path


def load_case(path) -> tuple[Case, dict[str, str]]:
    """Read what `save_case` wrote.

    Returns
    -------
    Case, dict
        The case and the facts.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not one of these; nothing is unpickled.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"replay: {path}: no such file")
    try:
        arrays = unpack(read_regular(path))
        rows, about = arrays["rows"], json.loads(str(arrays["about"]))
        known = {name: about.pop(name) for name in ("k", "decay", "seed", "name")}
    except (ValueError, KeyError, OSError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"replay: {path}: not a counterexample of oco ({error})") from None
    rows = _valid("replay", path, rows)
    case = Case(
        rows,
        k=checks.integer("replay: k", known["k"], low=2, high=rows.shape[1] + 1),
        decay=checks.number("replay: decay", known["decay"], above=0, high=1),
        seed=checks.integer("replay: seed", known["seed"], low=0),
        name=str(known["name"]),
    )
    return case, {name: str(fact) for name, fact in about.items()}


def load_rows(path) -> np.ndarray:
    """Return the T × d array of gradients in a ``.npy`` file: mapped, not loaded, where it can be.

    Parameters
    ----------
    path : str or path-like
        As for `oco.ranks.GradientFile`.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it is not a matrix of finite real numbers; the message names
        the first row that is not finite or whose squared length overflows.
    """
    return _valid("grads", Path(path), GradientFile(path, name="grads").array())


def _valid(parameter: str, path: Path, rows: np.ndarray) -> np.ndarray:
    if rows.ndim != 2 or rows.dtype.kind not in "fiu" or 0 in rows.shape:
        raise ValueError(
            f"{parameter}: {path}: expected a matrix of real numbers, at least 1 × 1, "
            f"got shape {rows.shape} of {rows.dtype}"
        )
    mass = 0.0
    for start in range(0, len(rows), BLOCK):
        block = np.asarray(rows[start : start + BLOCK], dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = np.einsum("ij,ij->i", block, block)
            mass += float(squares.sum())
        bad = np.flatnonzero(~np.isfinite(squares))
        if len(bad):
            raise ValueError(
                f"{parameter}: {path}: row {start + bad[0] + 1} is not finite, or its squared "
                "length overflows"
            )
    if not math.isfinite(mass):
        raise ValueError(f"{parameter}: {path}: the sum of squares of all rows overflows")
    return rows
