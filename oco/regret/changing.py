"""What rounds cost at least while a sequence of points changes among them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from oco.domains import Domain
from oco.linalg.rounding import ABOVE, SMALLEST, UNIT, exact_sum, gamma, lengths
from oco.losses.streams import chunk_rows
from oco.regret.enclosures import below
from oco.regret.minorants import Minorants, floor, supporting
from oco.regret.passes import Rounds, VectorRounds

__all__ = ["changing_costs", "least_alone", "stretch_gains"]

# Of the range of a round's predictions, to find where its loss is least.
HALVINGS = 60


def changing_costs(
    domain: Domain, features, norms: np.ndarray, minorants: Minorants, switches: int
) -> np.ndarray:
    """Return lower bounds on Σ f_t(u_t) over n rounds with 1..k switches, of shape (k,).

    Parameters
    ----------
    domain : Domain
        K, bounded.
    features : ndarray or csr_array of shape (n, p)
        a_t.
    norms : ndarray of shape (n,)
        ‖a_t‖, at least.
    minorants : Minorants
        Of the rounds' losses: slopes v_t and offsets c_t.
    switches : int
        k ≥ 1.

    Notes
    -----
    With q switches the sum is at least Σ c_t less the most that q + 1 stretches of rounds can gain
    together, each stretch h_K(−Σ v_t a_t), found by dynamic programming over the n places in
    O(n²(d + k)).

    Examples
    --------
    >>> from oco.domains import Ball
    >>> slopes, zeros = np.array([1.0, 1.0, -1.0]), np.zeros(3)
    >>> tangents = Minorants(slopes, zeros, zeros, None)
    >>> changing_costs(Ball(1.0), np.ones((3, 1)), np.ones(3), tangents, 1).round(9)
    array([-3.])
    """
    slope, n = minorants.slope, features.shape[0]
    d = features.shape[1] * (slope.size // n)
    gains = stretch_gains(domain, features, slope)
    weight = float((np.abs(slope) if slope.ndim == 1 else lengths(slope) * ABOVE) @ norms)
    off, offset = float(minorants.doubt @ norms) + n * d * SMALLEST, exact_sum(minorants.offset)
    best, costs = gains[0], []
    for q in range(1, switches + 1):
        best = np.max(best[:, None] + gains, axis=0)
        # Of the sums of rows, their differences, the support functions and the sum of these.
        rounding = (q + 1) * gamma(2 * (n + d + q) + 16) * weight
        doubt = domain.radius(d) * (off + rounding) * ABOVE + 2 * UNIT * abs(offset)
        costs.append(float(below(below(offset - float(best[n])) - doubt)))
    return np.array(costs)


def stretch_gains(domain: Domain, features, slope: np.ndarray) -> np.ndarray:
    """Return h_K(−Σ_{i<t≤j} v_t a_t) for all 0 ≤ i < j ≤ n, of shape (n + 1, n + 1); −∞ elsewhere.

    Parameters
    ----------
    domain, features
        As for `changing_costs`.
    slope : ndarray of shape (n,) or (n, c)
        v_t.
    """
    n = features.shape[0]
    # Sums of sparse rows are dense.
    features = features.toarray() if sparse.issparse(features) else features
    rows = np.einsum("tc,tp->tcp", slope.reshape(n, -1), features).reshape(n, -1)
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    gains = np.full((n + 1, n + 1), -np.inf)
    for i in range(n):
        gains[i, i + 1 :] = domain.supports(sums[i] - sums[i + 1 :])
    return gains


def least_alone(loss, domain: Domain, features, data: Rounds) -> np.ndarray:
    """Return lower bounds on min_K f_t for each round t, of shape (T,); −∞ where none is known.

    A minorant of slope 0 where the loss tells it, and the tangent where the loss is least over the
    predictions ⟨a_t, x⟩ that K allows.
    """
    labels, norms, radius = data.labels, data.norms, domain.radius(data.d)
    least = np.full(len(data), -np.inf)
    flat = floor(loss, labels, data.shape)
    if flat is not None:
        least = below(flat.offset - radius * flat.doubt * norms * ABOVE)
    if isinstance(data, VectorRounds):
        return least
    high, low = _supports(domain, features), -_supports(domain, -features)
    z = _lowest(loss, low, high, labels)
    slope = np.asarray(loss.derivative(z, labels), dtype=np.float64)
    offset, doubt = supporting(loss, slope, z, labels)
    off = (gamma(2 * data.d + 8) * np.abs(slope) + doubt) * norms * radius * ABOVE
    off += 4 * UNIT * np.abs(offset) + data.d * SMALLEST
    return np.fmax(least, below(below(offset + np.minimum(slope * low, slope * high)) - off))


def _supports(domain: Domain, features) -> np.ndarray:
    """Return h_K(a_t), with sparse rows made dense a few at a time."""
    if not sparse.issparse(features):
        return domain.supports(features)
    n, d = features.shape
    few = chunk_rows(d)
    parts = [domain.supports(features[i : i + few].toarray()) for i in range(0, n, few)]
    return np.concatenate(parts)


def _lowest(loss, low: np.ndarray, high: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return about where in [low, high] each loss is least: the tangent at any point is valid."""
    for _ in range(HALVINGS):
        middle = low + (high - low) / 2
        falls = loss.derivative(middle, labels) < 0
        low, high = np.where(falls, middle, low), np.where(falls, high, middle)
    return low + (high - low) / 2
