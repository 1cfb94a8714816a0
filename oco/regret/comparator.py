"""The comparator of a run: what the best fixed point would have paid, between two proven bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from oco import checks
from oco.cores import one_blas_thread
from oco.domains import Domain
from oco.linalg.rounding import ABOVE, SMALLEST, gamma, lengths, running_sums
from oco.losses.functions import Linear
from oco.losses.loss import as_loss
from oco.regret.certificate import Certificate
from oco.regret.enclosures import Totals, running_losses
from oco.regret.inspection import LossError
from oco.regret.minorants import MoreauEnvelope, SmoothLoss
from oco.regret.passes import Rounds, VectorRounds, rounds_of
from oco.regret.solver import Search

__all__ = [
    "Comparator",
    "best_fixed_point",
    "certified",
    "cumulative_losses",
    "linear_minima",
    "losses_of",
]

QUIET: dict[str, Any] = dict.fromkeys(("over", "invalid", "divide"), "ignore")


@dataclass(frozen=True)
class Comparator:
    """A point x̂ of K whose total loss is certified to be near the smallest there is.

    Attributes
    ----------
    x : ndarray of shape (d,)
        x̂, which lies in K exactly.
    value : float
        F(x̂), its total loss over the rounds, in units of the loss, rounded.
    upper : float
        F(x̂) and what rounding may have taken from it: min_K F is proven to be at most this.
    lower : float
        A proven lower bound on min_K F; −∞ if there is none.
    radius : float or None
        If K is unbounded, `lower` holds for all comparators of at most this norm; None if K is
        bounded, and it holds on all of K.
    method : str
        How x̂ was found, in words.
    rounds : int
        How many rounds were summed.
    trouble : str
        What ended the search before its time, if something did; the interval is proven still.
    """

    x: np.ndarray
    value: float
    upper: float
    lower: float
    radius: float | None
    method: str
    rounds: int
    trouble: str = ""

    @property
    def gap(self) -> float:
        """What any comparator could gain on x̂, at most: ``upper - lower`` ≥ 0."""
        return self.upper - self.lower


@one_blas_thread()
def best_fixed_point(
    loss,
    domain: Domain,
    stream,
    *,
    rounds: int | None = None,
    incurred: float | None = None,
    relative_gap: float = 1e-3,
    progress: Callable[[float, float], None] | None = None,
) -> Comparator:
    """Minimise F(x) = Σ_t φ(⟨a_t, x⟩, y_t) over K, and prove how close the result is.

    Parameters
    ----------
    loss : Loss
        φ: convex in its first argument; `value` and `derivative` suffice.
    domain : Domain
        K.
    stream : Stream
        Anything with a dimension `d` and replayable ``chunks(stop)`` of (features, labels); or its
        `Rounds`.
    rounds : int, optional
        How many rounds to sum, from the first; all of them by default.
    incurred : float, optional
        The learner's total loss over the same rounds.  The regret is then known to lie in
        ``[incurred - upper, incurred - lower]``.
    relative_gap : float
        Stop when ``upper - lower`` is at most this times the regret, or, without
        `incurred`, times the absolute value of `value`.
    progress : callable, optional
        Called after each point that was tried with the gap so far and the gap asked for.

    Returns
    -------
    Comparator
        If the gap asked for is out of reach (a regret near 0, an ill-conditioned problem), the best
        interval found: look at its `gap`.

    Raises
    ------
    ValueError
        If losses are linear and K is unbounded, so that no best fixed point exists.
    LossError
        If a lower bound comes out above a value that is attained: a loss that is not convex, or
        whose derivative, conjugate or minorant is wrong.

    Notes
    -----
    Any slopes u_t give min_K F ≥ −Σ φ*(u_t, y_t) − max_{x in K} ⟨−Σ u_t a_t, x⟩ (Fenchel's weak
    duality); at u_t = φ'(z_t) the gap is the Frank–Wolfe gap [1]_.  The bound holds whatever made
    the slopes, so no solver needs to be trusted.  SciPy's L-BFGS-B, then trust-region Newton where
    d allows it, minimise F itself if φ is smooth; otherwise its Moreau envelope, by the method of
    multipliers [2]_.

    References
    ----------
    .. [1] M. Jaggi, "Revisiting Frank-Wolfe: projection-free sparse convex optimization",
       ICML 2013.
    .. [2] R. T. Rockafellar, "Augmented Lagrangians and applications of the proximal point
       algorithm in convex programming", Mathematics of Operations Research 1(2), 1976.

    Examples
    --------
    >>> from oco.domains import Ball
    >>> from oco.losses.functions import SQUARED
    >>> class TwoRounds:
    ...     d = 2
    ...
    ...     def chunks(self, stop=None):
    ...         yield np.eye(2)[:stop], np.array([3.0, 4.0])[:stop]
    >>> best = best_fixed_point(SQUARED, Ball(1.0), TwoRounds())
    >>> best.x.round(3), round(best.value, 3), best.gap <= 1e-3 * best.value
    (array([0.6, 0.8]), 8.0, True)
    """
    if rounds is not None:
        rounds = checks.integer("rounds", rounds, low=1)
    relative_gap = checks.number("relative_gap", relative_gap, above=0)
    if incurred is not None:
        incurred = checks.number("incurred", incurred)
    data, loss = rounds_of(stream, rounds), as_loss(loss)

    def target(certificate: Certificate) -> float:
        if incurred is None:
            return relative_gap * abs(certificate.value)
        low, high = incurred - certificate.value, incurred - certificate.lower
        return relative_gap * min(abs(low), abs(high)) if low * high > 0 else 0.0

    certificate, method, trouble = certified(loss, domain, data, target, progress)
    with np.errstate(**QUIET):
        found = certificate.proof()
    return Comparator(*found, certificate.radius, method, len(data), trouble)


def certified(
    loss,
    domain: Domain,
    data: Rounds,
    target: Callable[[Certificate], float],
    progress: Callable[[float, float], None] | None = None,
) -> tuple[Certificate, str, str]:
    """Minimise Σ φ over K until the gap is at most ``target(certificate)``, or no longer shrinks.

    Returns
    -------
    certificate : Certificate
        What is known of the minimum.
    method, trouble : str
        As of `Comparator`.

    Raises
    ------
    ValueError, LossError
        As `best_fixed_point` does.
    """
    if isinstance(loss, Linear):
        return _certified_linear(loss, domain, data), "closed form", ""
    # The envelope is found by bisection, which vectors of predictions do not allow.
    tangents = loss.curvature is not None or isinstance(data, VectorRounds)
    search = Search(data, (SmoothLoss if tangents else MoreauEnvelope)(loss, data.labels), domain)
    trouble = ""
    # A loss of one's own may overflow far from the data; the search treats that as too far.
    with np.errstate(**QUIET):
        try:
            search.run(target, progress)
        except LossError:
            raise
        except Exception as error:
            # A solver or a loss failed: what was certified until then is still true.
            trouble = f"{type(error).__name__}: {error}"
    return search.certificate, search.method, trouble


@one_blas_thread()
def cumulative_losses(loss, x: np.ndarray, stream, checkpoints) -> np.ndarray:
    """Return F_t(x) = Σ_{s ≤ t} φ(⟨a_s, x⟩, y_s) at each checkpoint t, in one pass.

    Parameters
    ----------
    loss : Loss
        φ.
    x : ndarray of shape (d,)
        A fixed point.
    stream : Stream
        Anything with a dimension `d` and replayable ``chunks(stop)``.
    checkpoints : sequence of int
        Numbers of rounds, ≥ 0, in any order.

    Returns
    -------
    ndarray of shape (len(checkpoints),)
        Total losses.
    """
    checkpoints = np.asarray(checkpoints, dtype=np.int64)
    data = rounds_of(stream, int(checkpoints.max(initial=0)))
    losses = np.asarray(loss.value(data.predictions(x), data.labels), dtype=np.float64)
    return running_sums(losses, checkpoints)[0]


def losses_of(loss, x: np.ndarray, data: Rounds, checkpoints) -> tuple[np.ndarray, Totals]:
    """Return the predictions of a fixed point, and its running losses at the checkpoints."""
    z = data.predictions(x)
    doubt = data.prediction_doubt(float(lengths(x[None])[0]) * ABOVE)
    return z, running_losses(loss, z, data.labels, doubt, checkpoints)


def linear_minima(domain: Domain, data: Rounds, checkpoints: np.ndarray) -> Totals:
    """Return min_K Σ_{s≤t} −y_s⟨a_s, x⟩ = −max_{x in K} ⟨Σ y_s a_s, x⟩ at each checkpoint t.

    Parameters
    ----------
    domain : Domain
        K, bounded.
    data : Rounds
        The rounds.
    checkpoints : ndarray of int
        Ascending numbers of rounds, from 1 to T.
    """
    radius, d = domain.radius(data.d), data.d
    weights = np.cumsum(np.abs(data.labels) * data.norms)
    # The running sum is added up in pieces, which end at checkpoints too: one more rounding each.
    summing = data.summing + gamma(len(checkpoints) + 1)
    values, errors = [], []
    for t, s in zip(checkpoints, data.running(data.labels, checkpoints), strict=True):
        length = float(lengths(s[None])[0])
        lost = SMALLEST * d * int(t) if weights[t - 1] > 0 else 0.0
        off = summing * weights[t - 1] + lost + gamma(2 * d + 8) * length
        values.append(-domain.support(s))
        errors.append(radius * off * ABOVE)
    return Totals(np.array(values), np.array(errors) * ABOVE)


def _certified_linear(loss, domain: Domain, data: Rounds) -> Certificate:
    """Solve F(x) = ⟨s, x⟩ in closed form."""
    minorants = SmoothLoss(loss, data.labels).at(np.zeros(len(data)))
    s = data.combine(minorants.slope)
    if not domain.bounded and np.any(s):
        raise ValueError(
            "domain: linear losses need a bounded domain, a ball or a box, "
            "as without bounds no fixed point is best"
        )
    certificate = Certificate(loss, data, domain)
    x = domain.farthest(-s)
    certificate.add_point(x, float(s @ x))
    certificate.add_minorants(minorants, s)
    return certificate
