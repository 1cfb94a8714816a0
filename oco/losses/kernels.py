"""The built-in losses of a prediction as kernels: what a round costs, and its slope.

They compute what `oco.losses.functions` does, and round within the errors that it states.
"""

from __future__ import annotations

import math

from oco.linalg.engine import kernel
from oco.losses.adversarial import WorstSign
from oco.losses.functions import Absolute, Hinge, Linear, Logistic, Squared

__all__ = ["UNKNOWN", "answer_code", "loss_code", "suffer", "worst_sign"]

UNKNOWN = -1
LINEAR, SQUARED, ABSOLUTE, HINGE, LOGISTIC = range(5)
# A subclass may be another loss.
CODES: dict[type, int] = {
    Linear: LINEAR,
    Squared: SQUARED,
    Absolute: ABSOLUTE,
    Hinge: HINGE,
    Logistic: LOGISTIC,
}


def loss_code(loss) -> int:
    """Return the number by which `suffer` knows a loss; `UNKNOWN` where it does not.

    Examples
    --------
    >>> loss_code(Linear()) == LINEAR, loss_code(object()) == UNKNOWN
    (True, True)
    """
    own = {"value", "derivative"} & vars(loss).keys() if hasattr(loss, "__dict__") else ()
    return UNKNOWN if own else CODES.get(type(loss), UNKNOWN)


def answer_code(stream) -> int:
    """Return the number of the loss that `worst_sign` is to answer for.

    `UNKNOWN` for a stream that answers nothing, or in a way of its own.
    """
    own = "answer" in vars(stream) or getattr(type(stream), "answer", None) is not WorstSign.answer
    return UNKNOWN if own else loss_code(stream.loss)


@kernel
def suffer(loss, z, y):
    """Return φ(z, y) and φ'(z, y) of the loss with that number.

    Examples
    --------
    >>> suffer(HINGE, 0.25, 1.0)
    (0.75, -1.0)
    """
    if loss == LOGISTIC:
        against = -y * z
        # Of a number ≤ 0: it cannot overflow.
        small = math.exp(-abs(against))
        share = 1.0 / (1.0 + small) if against > 0.0 else small / (1.0 + small)
        return max(against, 0.0) + math.log1p(small), -y * share
    if loss == HINGE:
        margin = y * z
        return (1.0 - margin, -y) if margin < 1.0 else (0.0 * margin, -y * 0.0)
    residual = z - y
    if loss == SQUARED:
        return 0.5 * residual * residual, residual
    if loss == ABSOLUTE:
        return abs(residual), math.copysign(1.0, residual) if residual != 0.0 else 0.0
    return -y * z, -y


@kernel
def worst_sign(loss, z):
    """Return the label, −1 or 1, that costs more; against the prediction where both cost the same.

    Examples
    --------
    >>> worst_sign(LINEAR, 0.3), worst_sign(LINEAR, -0.3), worst_sign(LINEAR, 0.0)
    (-1.0, 1.0, -1.0)
    """
    positive, negative = suffer(loss, z, 1.0)[0], suffer(loss, z, -1.0)[0]
    worst_is_positive = z < 0.0 if positive == negative else positive > negative
    return 1.0 if worst_is_positive else -1.0
