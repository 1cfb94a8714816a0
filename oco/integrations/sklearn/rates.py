"""The rate of a learner that is given none, and what it goes by."""

from __future__ import annotations

import math

import numpy as np
from scipy import sparse

from oco.linalg.engine import kernel
from oco.losses.loss import Loss

__all__ = ["AdaptiveRate", "squared_sizes"]

# The first prediction moves by about so many times the size of a label.
RATE = 2.0
# With losses of classes, which where the classes can be told apart have their least at infinity, by
# more: by less of it where a metric that turns moves along all directions as along the first, by
# more for gradient descent, which does not see that the gradients of what has learned are shorter.
OF_CLASSES = {"s-adagrad": 2.0, "full-adagrad": 2.0, "ogd": 16.0}
OF_CLASSES_ELSE = 4.0
# The rate is set anew where it would change by more than this share of it: a smaller change makes
# no other model, and between changes many rounds are played in one kernel.
CHANGE = 1 / 16
# Numbers of dense rows whose magnitudes are taken at a time.
WINDOW = 1 << 16


class AdaptiveRate:
    """A factor times the root mean square of the labels so far, over that of the rows' sizes.

    Parameters
    ----------
    learner : str
        "adagrad" measures a row by its sum of magnitudes, others by its length; "ogd" divides the
        rate by the steepest slope times that length.
    loss : Loss
        Its labels count as 1 where they are classes.
    intercept : bool
        Whether rows have a constant 1 added.
    """

    def __init__(self, learner: str, loss: Loss, intercept: bool) -> None:
        self.loss, self.intercept = loss, intercept
        self.by_coordinates, self.descent = learner == "adagrad", learner == "ogd"
        classes = loss.name in ("hinge", "logistic", "softmax")
        self.factor = OF_CLASSES.get(learner, OF_CLASSES_ELSE) if classes else 1.0
        self._rate = self._labels = self._sizes = 0.0
        self._rounds = 0

    def follow(self, rows, order: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return the rate of each of the next rounds, that of its own row included.

        Parameters
        ----------
        rows : ndarray or CSR of shape (m, d)
        order : ndarray of int, of shape (n,)
            Which of them come, in what order.
        labels : ndarray of shape (n,)
            Their labels.

        Examples
        --------
        >>> from oco.losses import LOSSES
        >>> rates = AdaptiveRate("s-adagrad", LOSSES["squared"], False)
        >>> rates.follow(np.array([[0.0], [2.0], [10.0]]), np.array([0, 1, 1, 2]), np.ones(4))
        array([1.        , 1.41421356, 1.22474487, 0.38490018])
        """
        real = self.loss.labels == "real"
        squares = np.square(labels) if real else np.ones(len(order))
        sizes = squared_sizes(rows, self.intercept, self.by_coordinates)[order]
        # One after the other, so that batches of another size change no more than roundings.
        label = np.cumsum(np.append(self._labels, squares))[1:]
        size = np.cumsum(np.append(self._sizes, sizes))[1:]
        count = self._rounds + np.arange(1.0, len(order) + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = self.factor * RATE * np.sqrt(label / size)
            if self.descent:
                steepest = self.loss.lipschitz(math.inf, 1.0)
                if self.loss.name in ("squared", "huber"):
                    # As steep as a residual is large.
                    steepest = np.minimum(np.sqrt(label / count), steepest)
                rates /= steepest * np.sqrt(size / count)
        if len(order):
            self._labels, self._sizes, self._rounds = label[-1], size[-1], count[-1]
            self._rate = _settle(rates, self._rate)
        return rates


@kernel
def _settle(rates, rate):
    """Let each rate be the one before it where it is near that; return the last, 0.0 for none."""
    for t in range(len(rates)):
        if 0.0 < rates[t] < math.inf and abs(rates[t] - rate) > CHANGE * rate:
            rate = rates[t]
        # Before a row that is not zero any will do.
        rates[t] = rate if rate > 0.0 else 1.0
    return rate


def squared_sizes(rows, intercept: bool, by_coordinates: bool) -> np.ndarray:
    """Return the squared length of each row, or of its sum of magnitudes, of shape (n,).

    Parameters
    ----------
    rows : ndarray or CSR of shape (n, d)
    intercept : bool
        Whether each has a constant 1 added.
    by_coordinates : bool
        Whether it is that sum: how far a prediction moves by a step of one in each coordinate.

    Examples
    --------
    >>> squared_sizes(np.array([[3.0, -4.0]]), False, False)
    array([25.])
    >>> squared_sizes(sparse.csr_array([[3.0, -4.0]]), True, True)
    array([64.])
    """
    if sparse.issparse(rows):
        entries = np.abs(rows.data) if by_coordinates else np.square(rows.data, dtype=np.float64)
        numbers = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        sums: np.ndarray = np.bincount(numbers, weights=entries, minlength=rows.shape[0])
    elif by_coordinates:
        step = max(1, WINDOW // max(1, rows.shape[1]))
        parts = [
            np.abs(rows[i : i + step]).sum(axis=1, dtype=np.float64)
            for i in range(0, len(rows), step)
        ]
        sums = np.concatenate(parts)
    else:
        sums = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    sums = sums + float(intercept)
    return np.square(sums) if by_coordinates else sums
