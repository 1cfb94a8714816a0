"""What happened in a run, as plain data: its summary at the end and its trace over time."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from oco.archives import require_shape
from oco.results.records import Record

__all__ = ["Axis", "BestFixedPoint", "Bound", "DynamicRegret", "Interval", "Summary", "Trace"]


@dataclass(frozen=True, eq=False)
class Interval(Record):
    """A number known to lie in [lo, hi].

    Attributes
    ----------
    lo, hi : float
    """

    lo: float
    hi: float


@dataclass(frozen=True, eq=False)
class BestFixedPoint(Record):
    """The comparator: the point x̂ of K that the regret is measured against.

    Attributes
    ----------
    loss : float
        F(x̂), its total loss over the rounds.
    lower : float
        A proven lower bound on the total loss of any point of K; −∞ if there is none.
    gap : float
        How much better than x̂ any point can be: loss − lower, and what rounding may have done.
    method : str
        How it was found.
    radius : float or None
        If K is unbounded, the radius of the ball in which `lower` is proven.
    """

    loss: float
    lower: float
    gap: float
    method: str
    radius: float | None


@dataclass(frozen=True, eq=False)
class DynamicRegret(Record):
    """The regret against the best sequence of points of K that changes at most k times.

    Attributes
    ----------
    switches : int
        k.
    regret : Interval
        total_loss less the least that such a sequence can pay: certain to lie in it.
    loss : float
        What the sequence that was found pays at most.
    lower : float
        A proven lower bound on what any such sequence pays.
    times : tuple of int
        The rounds after which the sequence that was found changes.
    segments, blocks : int
        Over how many segments of rounds was minimised, and into how many blocks the rounds were
        cut; as many as rounds if every place of a switch was told apart.
    """

    switches: int
    regret: Interval
    loss: float
    lower: float
    times: tuple[int, ...]
    segments: int
    blocks: int


@dataclass(frozen=True, eq=False)
class Bound(Record):
    """One rung of the ladder of regret bounds, after the last round.

    Attributes
    ----------
    name : str
        Key of `oco.bounds.RUNGS`.
    value : float or None
        In units of loss; None where it was not computed.  Where a bound is only known to lie
        between two numbers, the upper.
    holds : bool or None
        True if the regret against every point of K is below it after the last round and at every
        checkpoint that was checked in full, and no violation was found at the others; False if it
        was violated at any; None if the regret's interval, or an unknown value, leaves that open.
    margin : float or None
        value − regret.hi, or `least` − regret.hi.
    formula : str
        What was computed.
    least : float or None
        The lower end of a bound that is known to lie between two numbers.
    """

    name: str
    value: float | None
    holds: bool | None
    margin: float | None
    formula: str
    least: float | None = None


@dataclass(frozen=True, eq=False)
class Axis(Record):
    """One side of a matrix learner's metric.

    Attributes
    ----------
    dim : int
        Its length.
    k : int or None
        Sketch size; None for an exact factor.
    escaped_mass : float
        τ of the sketch; 0 for an exact factor.
    omega : float or None
        Ω_k, the most mass that can escape; None for an exact factor or where the spectrum was not
        computed.
    """

    dim: int
    k: int | None
    escaped_mass: float
    omega: float | None


@dataclass(frozen=True, eq=False)
class Summary(Record):
    """What a run came to.

    Attributes
    ----------
    algorithm, loss, stream, domain : str
        What was run.
    d, k, T, seed : int
        Dimension, sketch size (None without a sketch), rounds asked for, seed.
    shape : tuple of int or None
        (m, n) where x is a matrix with d = mn entries, flattened row by row.
    rounds : int
        Rounds that were played: T, unless the run was interrupted or failed.
    engine : {"numba", "numpy"}
        What ran the kernels.
    status : {"complete", "interrupted", "failed"}
        How the run ended.
    message : str
        What stopped it; empty if it is complete.
    lr : float or None
        η; None for a learner that has no `lr`.
    total_loss : float
        Σ f_t(x_t) over the rounds played.
    average_loss : float or None
        total_loss/rounds.
    comparator : BestFixedPoint or None
        None if the run failed, or the search was interrupted.
    regret : Interval or None
        total_loss − min_K F: certain to lie in it.
    bounds : tuple of Bound
        The ladder, tightest first.
    certificate : float or None
        The first rung's value.
    diameter : float or None
        The D of the bounds; measured where K is unbounded.
    escaped_mass : float or None
        ρ_{1:T} of a learner that sketches; the sum over the sides of a matrix learner's metric.
    omega : float or None
        Ω_k(G_T), the most mass that can escape; None where G_T's spectrum was not computed.
    omega_range : Interval or None
        What sketches prove about Ω_k: the learner's, and one of the gradients where there is one.
    axes : tuple of Axis
        The sides of a matrix learner's metric; empty for other learners.
    full_adagrad_bound : float or None
        √2·D·tr G_T^{1/2}; None where G_T's spectrum was not computed.
    seconds : float
        Time spent in the rounds, without making the stream.
    seconds_per_round : float or None
        seconds/rounds.
    state_bytes : int or None
        Memory that the learner holds, in bytes.
    checkpoints, checked : int
        At how many rounds the regret was held against the bounds, and at how many of them against
        every point of K; at the others against x̂ alone.
    notes : tuple of str
        What a reader should know about the numbers above.
    unmoved_loss : float or None
        Σ f_t(x_1): what never moving from x_1 costs; None if the run failed or this was not known
        before an interrupt.
    unmoved_regret : Interval or None
        The regret of never moving lies in it; None without a comparator.
    traceback : str
        Where a learner, loss or stream raised what stopped the run; empty if nothing was raised.
    full_adagrad_range : Interval or None
        Where `full_adagrad_bound` was not computed, what a sketch of the gradients proves about it.
    dynamic : DynamicRegret or None
        Where it was asked for.
    """

    algorithm: str
    loss: str
    stream: str
    domain: str
    d: int
    shape: tuple[int, ...] | None
    k: int | None
    T: int
    seed: int
    rounds: int
    engine: str
    status: str
    message: str
    lr: float | None
    total_loss: float
    average_loss: float | None
    comparator: BestFixedPoint | None
    regret: Interval | None
    bounds: tuple[Bound, ...]
    certificate: float | None
    diameter: float | None
    escaped_mass: float | None
    omega: float | None
    omega_range: Interval | None
    axes: tuple[Axis, ...]
    full_adagrad_bound: float | None
    seconds: float
    seconds_per_round: float | None
    state_bytes: int | None
    checkpoints: int
    checked: int
    notes: tuple[str, ...]
    unmoved_loss: float | None = None
    unmoved_regret: Interval | None = None
    traceback: str = ""
    full_adagrad_range: Interval | None = None
    dynamic: DynamicRegret | None = None

    @property
    def violated(self) -> tuple[str, ...]:
        """Names of the bounds that the regret rose above."""
        return tuple(bound.name for bound in self.bounds if bound.holds is False)


#: What `Trace.holds` says of a bound at a checkpoint.  Not checked: the regret against the final x̂
#: is no violation, but the best point of the rounds so far was not computed.
NOT_CHECKED, HOLDS, OPEN, VIOLATED = 2, 1, 0, -1


@dataclass(frozen=True, eq=False)
class Trace(Record):
    """How a run got there: arrays with one entry a checkpoint.

    Attributes
    ----------
    t : ndarray of int
        Rounds played.
    loss : ndarray
        Σ_{s≤t} f_s(x_s).
    comparator_loss : ndarray
        Σ_{s≤t} f_s(x̂) for the final x̂; NaN if there is none.
    regret : ndarray
        loss − comparator_loss: the regret against the final x̂, at most the regret against the best
        point of the rounds so far.
    seconds : ndarray
        Time spent in the rounds.
    escaped_mass : ndarray or None
        ρ_{1:t}.
    prefix_regret_lo, prefix_regret_hi : ndarray or None
        Where asked for, and for linear losses, an interval for the regret against the best point of
        the rounds so far.
    bounds : dict of str to ndarray
        Each bound; NaN where it was not computed.  Of one that is known to lie between two numbers,
        the upper.
    holds : dict of str to ndarray of int8
        1 where the bound holds, −1 where it is violated, 0 where that is open, and 2 where it was
        held against the final x̂ alone, which does not violate it: open (not checked).
    least : dict of str to ndarray
        The lower of the two numbers, for such bounds alone.
    """

    t: np.ndarray
    loss: np.ndarray
    comparator_loss: np.ndarray
    regret: np.ndarray
    seconds: np.ndarray
    escaped_mass: np.ndarray | None
    prefix_regret_lo: np.ndarray | None
    prefix_regret_hi: np.ndarray | None
    bounds: dict[str, np.ndarray]
    holds: dict[str, np.ndarray]
    least: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def certificate(self) -> np.ndarray | None:
        """The first rung at each checkpoint."""
        return self.bounds.get("certificate")

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays by name, those of `bounds`, `holds` and `least` as ``bounds.name``."""
        result: dict[str, np.ndarray] = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, dict):
                result |= {f"{part.name}.{name}": array for name, array in value.items()}
            elif value is not None:
                result[part.name] = value
        return result

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Trace:
        """Return the trace whose `arrays` these are.

        Raises
        ------
        LookupError, TypeError, ValueError
            If one is missing or unknown, or is not one number a checkpoint.
        """
        groups: dict[str, dict[str, np.ndarray]] = {"bounds": {}, "holds": {}, "least": {}}
        single = dict.fromkeys((part.name for part in fields(cls)), None)
        for key, array in arrays.items():
            group, dot, name = key.partition(".")
            if dot:
                groups[group][name] = array
            else:
                single[key] = array
        for name, array in arrays.items():
            whole = name == "t" or name.startswith("holds.")
            require_shape(f"trace.{name}", array, (len(arrays["t"]),), "i" if whole else "f")
        missing = {"t", "loss", "comparator_loss", "regret", "seconds"} - set(arrays)
        if missing:
            raise ValueError(f"trace: expected the arrays {sorted(missing)} too")
        found: dict[str, Any] = {**single, **groups}
        return cls(**found)
