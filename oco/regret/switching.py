"""The best sequence of points that changes at most k times, between two proven bounds.

Rounds are cut into blocks.  A sequence is constant on runs of whole blocks, but for the blocks in
which it changes: bounds on both kinds are put together by dynamic programming.  docs/theory.md,
*The best sequence with k switches*, proves what is computed here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from oco import checks
from oco.cores import one_blas_thread
from oco.domains import Domain
from oco.linalg.rounding import ABOVE, exact_sum, gamma
from oco.losses.functions import Linear
from oco.losses.loss import as_loss
from oco.options import MOST_SWITCHES
from oco.regret.certificate import Certificate
from oco.regret.changing import changing_costs, least_alone, stretch_gains
from oco.regret.cheapest import cheapest
from oco.regret.comparator import QUIET, certified
from oco.regret.enclosures import above, below
from oco.regret.inspection import LossError
from oco.regret.minorants import SmoothLoss
from oco.regret.passes import Stretch, rounds_of

__all__ = ["MOST_NUMBERS", "Switching", "best_switching"]

#: All features are kept while segments of them are minimised over: 2 GiB at most.
MOST_NUMBERS = 2**28
# Blocks to begin with; they are halved until the bounds are close enough or the effort is spent.
FIRST_BLOCKS = 16
# Linear losses of up to so many rounds are solved exactly, from all pairs of them.
LINEAR_ROUNDS = 2000
# What changes inside a block of up to so many rounds is bounded by pairs of them, in longer ones by
# the least that each round can cost alone.
LONGEST_PAIRED = 256
# Minima of segments are taken to the fraction asked for of the regret, or of this share of what was
# incurred, where the regret is near 0.
LEAST_SHARE = 1e-2
# Of more than FEW_ROUNDS rounds not every place is told apart: minima are not taken closer than to
# the fraction ROUGH, as they are not what leaves the interval wide.
FEW_ROUNDS, ROUGH = 64, 0.02


@dataclass(frozen=True)
class Switching:
    """A sequence u_1..u_T of points of K with at most k changes, and what the best such can save.

    Attributes
    ----------
    switches : int
        k.
    times : tuple of int
        The rounds after which the sequence found changes: at most k.
    points : ndarray of shape (m, d)
        Its points, m = len(times) + 1, each of which lies in K exactly.
    upper : float
        What Σ f_t(u_t) is proven to be at most.
    lower : float
        A proven lower bound on the total loss of every sequence with at most k changes.
    segments, blocks : int
        How many segments were minimised over, and into how many blocks the rounds were cut: T if
        every place of a switch was told apart.
    """

    switches: int
    times: tuple[int, ...]
    points: np.ndarray
    upper: float
    lower: float
    segments: int
    blocks: int


@one_blas_thread()
def best_switching(
    loss,
    domain: Domain,
    stream,
    switches: int,
    *,
    rounds: int | None = None,
    incurred: float | None = None,
    relative_gap: float = 1e-3,
    effort: int = 600,
    progress: Callable[[float, float], None] | None = None,
) -> Switching:
    """Bound min Σ_t f_t(u_t) over sequences in K with u_t ≠ u_{t+1} at most k times, both ways.

    Parameters
    ----------
    loss : Loss
        φ of f_t(x) = φ(⟨a_t, x⟩, y_t).
    domain : Domain
        K, bounded.
    stream : Stream
        As for `best_fixed_point`; its features are kept in memory.
    switches : int
        k, from 0 to 100.
    rounds : int, optional
        How many rounds to sum, from the first; all of them by default.
    incurred : float, optional
        The learner's total loss over the same rounds: the dynamic regret is then known to lie in
        ``[incurred - upper, incurred - lower]``.
    relative_gap : float
        Stop when ``upper - lower`` is at most this times that regret, or, without `incurred`, times
        the absolute value of `upper`.
    effort : int
        Stop when so many segments of the rounds were minimised over, once the blocks that they
        were last cut into are: the default takes seconds.
    progress : callable, optional
        Called now and then with the gap so far and the gap asked for.

    Returns
    -------
    Switching
        As narrow as was asked for where rounds are few (about 50; of linear losses 2000) or
        switches plain to see; else what was proven before the effort was spent.

    Raises
    ------
    ValueError
        If K is unbounded, a parameter is out of range, or the features are too many to be kept.
    LossError
        As `best_fixed_point`.

    Examples
    --------
    >>> from oco.domains import Ball
    >>> from oco.losses.functions import LINEAR
    >>> class Turns:
    ...     d = 1
    ...
    ...     def chunks(self, stop=None):
    ...         yield np.ones((6, 1))[:stop], np.array([1.0, 1, 1, -1, -1, -1])[:stop]
    >>> best = best_switching(LINEAR, Ball(1.0), Turns(), 1)
    >>> best.times, best.points.round(9).tolist(), round(best.lower, 9), round(best.upper, 9)
    ((3,), [[1.0], [-1.0]], -6.0, -6.0)
    """
    switches = checks.integer("switches", switches, low=0, high=MOST_SWITCHES)
    relative_gap = checks.number("relative_gap", relative_gap, above=0)
    effort = checks.integer("effort", effort, low=1)
    if rounds is not None:
        rounds = checks.integer("rounds", rounds, low=1)
    if incurred is not None:
        incurred = checks.number("incurred", incurred)
    if not domain.bounded:
        raise ValueError(f"domain: switching sequences need a bounded domain, got {domain!r}")
    kept = Stretch.of(stream, rounds, MOST_NUMBERS)
    with np.errstate(**QUIET):
        search = _Search(as_loss(loss), domain, kept, switches, relative_gap, effort)
        return search.run(incurred, progress)


class _Piece(NamedTuple):
    """A segment of rounds: what its best fixed point pays, between two bounds, and a point."""

    lower: float
    upper: float
    x: np.ndarray


class _Search:
    """The bounds so far, which every segment that is minimised over can only improve."""

    def __init__(
        self, loss, domain: Domain, rounds: Stretch, switches: int, gap: float, effort: int
    ):
        self._loss, self._domain, self._rounds = loss, domain, rounds
        self._k, self._T = switches, len(rounds.labels)
        self._pieces: dict[tuple[int, int], _Piece] = {}
        self._changing: dict[tuple[int, int], np.ndarray] = {}
        whole = rounds_of(rounds)
        self._norms, self._alone = whole.norms, least_alone(loss, domain, rounds.features, whole)
        # How close minima are taken: relative to what is asked for in all, and of segments.
        self._gap, self._close, self._effort = gap, 0.0, effort
        self._upper, self._runs, self._lower = np.inf, [(0, self._T)], -np.inf

    def run(self, incurred: float | None, progress) -> Switching:
        """Halve blocks until the bounds are as close as is asked, or the effort is spent."""
        whole = self._piece(0, self._T)
        scale = abs(whole.upper)
        if incurred is not None:
            scale = max(abs(incurred - whole.upper), LEAST_SHARE * abs(incurred))
        share = self._gap if self._T <= FEW_ROUNDS else max(self._gap, ROUGH)
        self._close = share * scale / (2 * (self._k + 1))
        if isinstance(self._loss, Linear) and self._T <= LINEAR_ROUNDS:
            return self._exact(whole)
        edges = np.array([0, self._T])
        while len(edges) - 1 < min(FIRST_BLOCKS, self._T):
            edges = _halved(edges)
        while True:
            self._bound(edges)
            asked = self._gap * abs(self._upper - (incurred or 0.0))
            if progress is not None:
                progress(self._upper - self._lower, asked)
            finest = len(edges) > self._T
            if self._upper - self._lower <= asked or finest or self._spent:
                return self._found(len(edges) - 1)
            edges = _halved(edges)

    def _exact(self, whole: _Piece) -> Switching:
        """Tell all places of a switch apart: for linear losses their own slopes are exact."""
        data = rounds_of(self._rounds)
        minorants = SmoothLoss(self._loss, data.labels).at(np.zeros(self._T))
        game = self._domain, self._rounds.features
        costs = changing_costs(*game, data.norms, minorants, self._k)
        self._lower = min(whole.lower, float(costs.min(initial=np.inf)))
        impossible = np.full((self._k, self._T), np.inf)
        gains = stretch_gains(*game, minorants.slope)
        self._attain([(0, self._T)])
        self._attain(cheapest(-gains, impossible, self._k).runs)
        return self._found(self._T)

    @property
    def _spent(self) -> bool:
        return len(self._pieces) >= self._effort

    def _found(self, blocks: int) -> Switching:
        if self._lower > self._upper:
            raise LossError(
                f"loss: a lower bound on the best sequence's loss, {self._lower:.9g}, lies above "
                f"the {self._upper:.9g} that is attained: {self._loss.name!r} is not convex, or "
                "its derivative, conjugate or minorant is wrong"
            )
        return Switching(
            switches=self._k,
            times=tuple(stop for _, stop in self._runs[:-1]),
            points=np.array([self._piece(*run).x for run in self._runs]),
            upper=self._upper,
            lower=self._lower,
            segments=len(self._pieces),
            blocks=blocks,
        )

    def _bound(self, edges: np.ndarray) -> None:
        """Improve both bounds, with switches told apart by the blocks that end at `edges`."""
        n, ends = len(edges) - 1, edges.tolist()
        blocks = list(itertools.pairwise(ends))
        sums = np.r_[0.0, np.cumsum([self._piece(*block, block=True).lower for block in blocks])]
        least = np.where(np.tri(n + 1, k=-1) > 0, np.inf, sums[None, :] - sums[:, None])
        most = np.where(np.eye(n + 1) > 0, 0.0, np.inf)
        changing = np.array([self._inside(*block) for block in blocks]).reshape(n, self._k).T
        place = {edge: i for i, edge in enumerate(ends)}

        def enter(run: tuple[int, int]) -> None:
            """Improve the bounds on all runs that hold this one."""
            i, j, piece = place[run[0]], place[run[1]], self._piece(*run)
            through = least[: i + 1, i, None] + piece.lower + least[None, j, j:]
            least[: i + 1, j:] = np.maximum(least[: i + 1, j:], through)
            most[i, j] = piece.upper

        for run in sorted(self._pieces, key=lambda run: run[1] - run[0]):
            if run[0] in place and run[1] in place:
                enter(run)
        while True:
            plan = cheapest(least, changing, self._k)
            runs = [(ends[i], ends[j]) for i, j in plan.runs if i < j]
            unknown = [run for run in runs if run not in self._pieces]
            # Where nothing is unknown, no run that was not minimised over can make it cheaper.
            if not unknown or self._spent:
                break
            for run in unknown:
                enter(run)
        # Entries of `least` have only risen since they were differences of two sums.
        self._raise(plan.cost, np.concatenate([least.ravel(), changing.ravel(), 2 * sums]))
        plan = cheapest(most, np.full((self._k, n), np.inf), self._k)
        self._attain([(ends[i], ends[j]) for i, j in plan.runs if i < j])

    def _raise(self, cost: float, entries: np.ndarray) -> None:
        """Take the cost as the lower bound, less what rounding may have added to it.

        It is a sum of at most 2k + 1 entries, and each of these one of bounds on segments that were
        added one by one.
        """
        largest = float(np.abs(entries[np.isfinite(entries)]).max(initial=0.0))
        size = (2 * self._k + 1) * largest
        # There are no more blocks than segments.
        additions = 4 * len(self._pieces) + 2 * self._k
        self._lower = max(self._lower, float(below(cost - gamma(additions) * size * ABOVE)))

    def _attain(self, runs: list[tuple[int, int]]) -> None:
        """Take the sequence if it is the best, and move its switches as long as that pays."""
        while (value := self._paid(runs)) < self._upper:
            self._upper, self._runs = value, runs
            if len(runs) > 1 and not self._spent:
                runs = self._moved(runs)

    def _paid(self, runs: list[tuple[int, int]]) -> float:
        return float(above(exact_sum(np.array([self._piece(*run).upper for run in runs]))))

    def _moved(self, runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the runs with each end where the points on both sides of it pay the least."""
        moved, start = [], 0
        for run, following in itertools.pairwise(runs):
            part = self._rounds.part(start, following[1])
            data = rounds_of(part)
            first, second = (
                self._loss.value(data.predictions(self._piece(*one).x), data.labels)
                for one in (run, following)
            )
            # Both keep a round at least.
            stop = start + 1 + int(np.argmin(np.cumsum(first - second)[:-1]))
            moved.append((start, stop))
            start = stop
        return [*moved, (start, self._T)]

    def _piece(self, start: int, stop: int, block: bool = False) -> _Piece:
        """Return the segment's minimum; of a block's minorants, bound what changes in it cost."""
        known = self._pieces.get((start, stop))
        if known is not None:
            return known
        data = rounds_of(self._rounds.part(start, stop))
        certificate, *_ = certified(self._loss, self._domain, data, self._target)
        found = certificate.proof()
        piece = _Piece(found.lower, found.upper, found.x)
        self._pieces[start, stop] = piece
        minorants = certificate.minorants
        if block and minorants is not None and 1 < stop - start <= LONGEST_PAIRED:
            rows = slice(start, stop)
            self._changing[start, stop] = changing_costs(
                self._domain, self._rounds.features[rows], self._norms[rows], minorants, self._k
            )
        return piece

    def _target(self, certificate: Certificate) -> float:
        return self._close if self._pieces else self._gap * abs(certificate.value)

    def _inside(self, start: int, stop: int) -> np.ndarray:
        """Return what the rounds cost at least with 1..k switches among them, of shape (k,)."""
        alone = float(below(exact_sum(self._alone[start:stop])))
        paired = self._changing.get((start, stop), -np.inf)
        # Between n rounds there are n − 1 places.
        possible = np.arange(1, self._k + 1) < stop - start
        return np.where(possible, np.fmax(alone, paired), np.inf)


def _halved(edges: np.ndarray) -> np.ndarray:
    """Return the edges with the middle of every block that has one."""
    return np.unique(np.r_[edges, (edges[:-1] + edges[1:] + 1) // 2])
