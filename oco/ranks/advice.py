r"""What a sketch of the gradients proves about every smaller sketch of them.

The sketch (λ̄, τ) and tr G bracket each eigenvalue, λ̄_i − r ≤ λ_i(G) ≤ λ̄_i + τ + r with r for
rounding, hence Ω_k and tr G^{1/2}, hence what S-AdaGrad's bound (Feinberg et al., NeurIPS 2023,
Theorem 3) exceeds full-matrix AdaGrad's by:

    (√2·tr G^{1/2} + d·√(Ω_k/2)) / (√2·tr G^{1/2})  =  1 + d·√Ω_k / (2·tr G^{1/2}).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oco import checks
from oco.sketch import FrequentDirections

__all__ = ["Advice", "Choice", "advise"]

FLOAT_BYTES = 8


@dataclass(frozen=True)
class Choice:
    """What is known about one sketch size.

    Attributes
    ----------
    k : int
        Sketch size.
    captured_lo, captured_hi : float
        Fraction of tr G in the top k − 1 eigenvalues, as many as a sketch of size k can hold.
    omega_lo, omega_hi : float
        Ω_k, in squared units of the gradient.
    ratio_lo, ratio_hi : float
        S-AdaGrad's bound over full-matrix AdaGrad's.
    state_bytes : int
        What the sketch would hold.
    """

    k: int
    captured_lo: float
    captured_hi: float
    omega_lo: float
    omega_hi: float
    ratio_lo: float
    ratio_hi: float
    state_bytes: int

    @property
    def missed_lo(self) -> float:
        """What the top k − 1 eigenvectors miss of tr G, at least, as a fraction."""
        return math.nextafter(1.0 - self.captured_hi, -math.inf)

    @property
    def missed_hi(self) -> float:
        """What the top k − 1 eigenvectors miss of tr G, at most, as a fraction."""
        return math.nextafter(1.0 - self.captured_lo, math.inf)


@dataclass(frozen=True)
class Advice:
    """What a sketch of size K proves about each k ≤ K.

    Attributes
    ----------
    d, rows : int
        Of the gradients.
    size : int
        K.
    escaped_mass, total_mass : float
        τ of the sketch, and tr G.
    root_trace_lo, root_trace_hi : float
        tr G^{1/2}.
    target : float
        The ratio that was asked for.
    choices : tuple of Choice
        By k.
    error : float or None
        Where that was asked for instead: the share of tr G that k − 1 directions may miss.
    """

    d: int
    rows: int
    size: int
    escaped_mass: float
    total_mass: float
    root_trace_lo: float
    root_trace_hi: float
    target: float
    choices: tuple[Choice, ...]
    error: float | None = None

    @property
    def recommended(self) -> Choice | None:
        """The smallest sketch that is proven to meet the target, or the error; None if none is."""
        return next(filter(self._meets, self.choices), None)

    def _meets(self, choice: Choice) -> bool:
        if self.error is None:
            return choice.ratio_hi <= self.target
        return choice.missed_hi <= self.error

    @property
    def hopeless(self) -> bool:
        """Whether it is proven that no k ≤ K meets the target, or the error."""
        if self.error is None:
            return all(choice.ratio_lo > self.target for choice in self.choices)
        return all(choice.missed_lo > self.error for choice in self.choices)

    @property
    def full_bytes(self) -> int:
        """Memory of a d × d matrix."""
        return FLOAT_BYTES * self.d**2

    @property
    def adam_bytes(self) -> int:
        """Memory of Adam's two moments."""
        return 2 * FLOAT_BYTES * self.d


def advise(
    sketch: FrequentDirections,
    target: float = 1.1,
    sizes: Sequence[int] | None = None,
    *,
    error: float | None = None,
) -> Advice:
    """Say for each sketch size what a sketch of the gradients proves about it.

    Parameters
    ----------
    sketch : FrequentDirections
        Of all gradients, without decay.
    target : float
        > 1: the largest acceptable ratio of S-AdaGrad's bound to full-matrix AdaGrad's.
    sizes : sequence of int, optional
        Sketch sizes from 2 to the sketch's own; all of them by default.
    error : float, optional
        In (0, 1), in place of the target: the largest share of tr G that the top k − 1 eigenvectors
        may miss.

    Returns
    -------
    Advice

    Raises
    ------
    TypeError, ValueError
        If the target, the error or a size is out of range, the sketch decays, or all gradients were
        0.

    Examples
    --------
    >>> import numpy as np
    >>> sketch = FrequentDirections(d=30, k=12)
    >>> sketch.extend(np.random.default_rng(0).standard_normal((90, 4)) @ np.eye(4, 30))
    >>> advise(sketch).recommended.k
    5
    """
    target = checks.number("target", target, above=1)
    if error is not None:
        error = checks.number("error", error, above=0, below=1)
    if sketch.decay != 1:
        raise ValueError(f"sketch: expected one without decay, got decay = {sketch.decay:g}")
    if not sketch.total_mass > 0:
        raise ValueError("gradients: every row is 0, any sketch size will do")
    sizes = range(2, sketch.k + 1) if sizes is None else sizes
    low, high = sketch.bracket().root_trace()
    return Advice(
        d=sketch.d,
        rows=sketch.rows,
        size=sketch.k,
        escaped_mass=float(sketch.escaped_mass),
        total_mass=float(sketch.total_mass),
        root_trace_lo=low,
        root_trace_hi=high,
        target=target,
        choices=tuple(
            _choice(sketch, checks.integer("k", k, low=2, high=sketch.k), low, high) for k in sizes
        ),
        error=error,
    )


def _choice(sketch: FrequentDirections, k: int, root_lo: float, root_hi: float) -> Choice:
    total, values, r = sketch.total_mass, sketch.eigenvalues, sketch.rounding
    kept = float(values[: k - 1].sum())
    # An eigenvalue of G exceeds the sketch's by τ at most, and all of them together by what tr G
    # exceeds the sketch's trace.
    missing = max(total - float(values.sum()), 0.0) + sketch.k * r
    more = min((k - 1) * (sketch.escaped_mass + r), missing)
    omega_lo, omega_hi = sketch.escaped_mass_limit_range(k)
    return Choice(
        k=k,
        captured_lo=min(max((kept - k * r) / total, 0.0), 1.0),
        captured_hi=min((kept + more + r) / total, 1.0),
        omega_lo=omega_lo,
        omega_hi=omega_hi,
        ratio_lo=1 + sketch.d * omega_lo**0.5 / (2 * root_hi),
        ratio_hi=1 + sketch.d * omega_hi**0.5 / (2 * root_lo),
        state_bytes=FrequentDirections(sketch.d, k).state_bytes,
    )
