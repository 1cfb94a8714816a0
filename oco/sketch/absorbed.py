"""What a sketch holds of the rows that it has absorbed, and how a block of rows is added to it."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse
from scipy.linalg import eigh

from oco.linalg.rounding import UNIT
from oco.sketch.rows import Block, FactorBlock, aged, block_of
from oco.sketch.spectrum import ScatterSpectrum

__all__ = ["DEFLATED", "Absorbed"]

# What a block may round, in units of u √n and of the squares that it handles, for products and an
# eigenproblem of size n: what roundings of random signs add up to, with room to spare.
PER_BLOCK = 16.0
TINY = float(np.finfo(np.float64).tiny)
# In the same units, what an eigenvalue may be and mean nothing: less than the above allows for.
NOISE = 4.0
# One in so many directions is deflated unless told (Desai et al.).
DEFLATED = 5
# Rows whose entries leave this range are scaled by a power of two, as squares would overflow.
LARGEST = 1e100


class Absorbed:
    r"""The factor F of S̄ = FᵀF, the mean, the weights and the masses of `ScatterSketch`.

    Parameters
    ----------
    d, size : int
        Length of the rows; ℓ, which grows where `error` asks for it.
    decay : float
        β.
    center : bool
        Whether the scatter is about the mean.
    error : float or None
        Which share of tr S may be missed.
    components : int or None
        How many directions `error` is about.
    deflated : int
        One in so many directions is deflated, the last of them.

    Notes
    -----
    Everything is in units of `scale`.  Methods replace arrays and change none, so that a shallow
    copy goes on by itself.
    """

    def __init__(
        self,
        d: int,
        size: int,
        decay: float,
        center: bool,
        error: float | None,
        components: int | None,
        deflated: int,
    ) -> None:
        self.d, self.size, self.decay = d, size, decay
        self.center, self.error, self.components = center, error, components
        self.deflated = deflated
        self.factor = np.zeros((0, d))
        self.scale = 1.0
        # μ is the sum of two numbers.
        self.mean, self.rest = np.zeros(d), np.zeros(d)
        self.rows = 0
        self.elapsed = self.weight = self.weight_squares = 0.0
        self.total = self.escaped = self.rounding = 0.0

    def absorb(self, rows, weights) -> None:
        """Absorb a block of rows, all of them of positive weight."""
        count = rows.shape[0]
        data = rows.data if sparse.issparse(rows) else rows
        largest = max(float(data.max(initial=0.0)), -float(data.min(initial=0.0)))
        if weights is not None:
            largest *= math.sqrt(max(float(weights.max()), 1.0))
        if not math.isfinite(largest):
            raise ValueError("rows: expected finite weighted rows, got an overflow")
        held = self.total or (self.weight and self.mean.any())
        if largest > LARGEST * self.scale or (0 < largest * LARGEST < 1 and not held):
            self._rescale(2.0 ** math.frexp(largest)[1] if largest < 2.0**1023 else 2.0**1023)
        rows = rows.astype(np.float64, copy=False)
        if self.scale != 1.0:
            rows = rows / self.scale
        given = np.ones(count) if weights is None else weights
        elapsed = math.fsum(given)
        squares = elapsed
        if self.decay < 1:
            weights, squares = aged(given, self.decay)
        self.age(elapsed)
        self.rows += count
        self.elapsed += elapsed
        self.weight_squares += squares
        self._join(block_of(rows, weights, self.center))

    def merge(self, other: Absorbed) -> None:
        """Absorb what another holds, which is left in units of the larger scale."""
        larger = max(self.scale, other.scale)
        self._rescale(larger)
        other._rescale(larger)
        self.size = max(self.size, other.size)
        self.rows += other.rows
        self.elapsed += other.elapsed
        if not other.weight:
            return
        self.escaped += other.escaped
        self.rounding += other.rounding
        self.weight_squares += other.weight_squares
        self._join(FactorBlock(other.factor, other.mean, other.rest, other.weight, other.total))

    def age(self, elapsed: float) -> None:
        """Let what has been absorbed decay by so many rows."""
        if self.decay == 1 or not self.weight:
            return
        factor = self.decay**elapsed
        self.factor = math.sqrt(factor) * self.factor
        self.weight *= factor
        self.weight_squares *= factor**2
        self.total *= factor
        self.escaped *= factor
        self.rounding *= factor

    def spectrum(self, rows: int) -> ScatterSpectrum:
        """Return what is known of S after `rows` rows, those of weight 0 among them."""
        directions, values = np.zeros((0, self.d)), np.zeros(0)
        if len(self.factor):
            q, r = np.linalg.qr(self.factor.T)
            left, singular, _ = np.linalg.svd(r)
            kept = np.count_nonzero(singular > max(len(r), 1) * 2 * UNIT * singular[0])
            directions = np.ascontiguousarray((q @ left[:, :kept]).T)
            values = singular[:kept] ** 2
        return ScatterSpectrum(
            d=self.d,
            rows=rows,
            positive=self.rows,
            weight=self.weight,
            weight_squares=self.weight_squares,
            mean=self.scale * (self.mean + self.rest),
            directions=directions,
            relative=values,
            relative_escaped=self.escaped,
            relative_total=self.total,
            relative_rounding=self.rounding,
            scale=self.scale,
            size=self.size,
            centered=self.center,
        )

    def _rescale(self, scale: float) -> None:
        """Hold everything in units of `scale`, a power of two."""
        if scale == self.scale:
            return
        ratio = self.scale / scale
        self.factor, self.mean, self.rest = (
            array * ratio for array in (self.factor, self.mean, self.rest)
        )
        for _ in range(2):
            self.total *= ratio
            self.escaped *= ratio
            self.rounding *= ratio
        self.scale = scale

    def _join(self, block: Block) -> None:
        """Turn the sketch into that of its rows and a block's."""
        weight = self.weight + block.weight
        step = (block.mean - self.mean) + (block.rest - self.rest)
        top, between = self.factor, 0.0
        if self.center and self.weight:
            row = math.sqrt(self.weight * (block.weight / weight)) * step
            between = float(row @ row)
            if between:
                top = np.concatenate([top.T, row[:, None]], axis=1).T
        self._move(block, step, block.weight / weight)
        self.weight = weight
        self.total += block.mass + between
        self._replace(block, top)

    def _move(self, block: Block, step: np.ndarray, share: float) -> None:
        """Move the mean towards a block's; what the sum of two numbers rounds is kept beside it."""
        if not self.weight:
            self.mean, self.rest = block.mean, block.rest
            return
        # From the mean that is nearer: far away, what the step rounds is as large as it is long.
        if share > 0.5:
            start, rest = block.mean, block.rest
            step = -(self.weight / (self.weight + block.weight)) * step
        else:
            start, rest, step = self.mean, self.rest, share * step
        moved = rest + step
        mean = start + moved
        # Exact where |mean| ≥ |moved|, and to rounding elsewhere.
        self.rest = moved - (mean - start)
        self.mean = mean

    def _replace(self, block: Block, top: np.ndarray) -> None:
        """Put C = [top; block]ᵀ[top; block], deflated, in the place of S̄."""
        # Of the two Gram matrices the smaller one, where both are to be had.
        gram = block.covariance(top) if len(top) + block.count > self.d else None
        flat = gram is not None
        if gram is None:
            gram = block.gram(top)
        trace = max(float(np.trace(gram)), 0.0)
        handled = self.total + trace + block.handled
        products = max(len(top) + block.count, self.d)
        doubt = PER_BLOCK * UNIT * math.sqrt(products) * handled
        # What is below the smallest normal number is lost whole.
        self.rounding += doubt + (len(top) + block.count + 1) * self.d * TINY
        if not trace:
            self.factor = top[:0]
            return
        # All of them: divide and conquer takes less time than the other methods for the largest.
        gram /= trace
        values, vectors = eigh(gram, driver="evd", overwrite_a=True, check_finite=False)
        values, vectors = trace * values[::-1], vectors[:, ::-1]
        # What is below this may be rounding alone: it is left out, and accounted for above.
        values = np.where(values > NOISE * UNIT * math.sqrt(products) * trace, values, 0.0)
        if self.error is not None:
            self.size = max(self.size, self._large_enough(values, self.error))
        rho = float(values[self.size - 1]) if len(values) >= self.size else 0.0
        kept = min(self.size - 1, np.count_nonzero(values > rho))
        values, vectors = values[:kept], vectors[:, :kept]
        self.escaped += rho
        deflated = values.copy()
        deflated[self._spared(self.size) :] -= rho
        if flat:
            self.factor = np.sqrt(deflated)[:, None] * vectors.T
        else:
            self.factor = block.combine(top, np.sqrt(deflated / values)[:, None] * vectors.T)

    def _spared(self, size):
        """Return how many directions of a sketch nothing is taken from when mass escapes."""
        return size - -(-size // self.deflated)

    def _large_enough(self, values: np.ndarray, error: float) -> int:
        """Return the smallest size that keeps the error within what is allowed."""
        sizes = np.arange(self.size, max(len(values), self.size) + 2)
        padded = np.append(values, np.zeros(len(sizes) + self.size))
        rho = padded[sizes - 1]
        sums = np.append(0.0, np.cumsum(padded))
        missed = self.total - (sums[sizes - 1] - (sizes - 1 - self._spared(sizes)) * rho)
        if self.components is not None:
            missed = np.minimum(missed, self.components * (self.escaped + rho))
        enough = np.flatnonzero(missed <= error * self.total)
        size = sizes[enough[0]] if len(enough) else sizes[-1]
        return min(int(size), self.d + 1)
