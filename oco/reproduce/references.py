"""Average losses on the data set a9a that are known from dense computation."""

from __future__ import annotations

from dataclasses import dataclass

from oco.losses import Stream

__all__ = ["REFERENCES", "Reference", "applicable"]


@dataclass(frozen=True)
class Reference:
    """An average loss on a9a known from dense computation.

    Attributes
    ----------
    algorithm : str
        The learner.
    lr : float
        η.
    loss : float
        Its average loss.
    tolerance : float
        Half a unit of the last digit that is known.
    k : int or None
        Sketch size.
    """

    algorithm: str
    lr: float
    loss: float
    tolerance: float
    k: int | None = None


# On the 32,560 rows of a9a in file order with a constant feature: computed with dense
# eigendecompositions of the covariance, or from the definition, in every round.  The last of a9a's
# 123 features never occurs in these rows, and changes nothing.
REFERENCES = (
    Reference("ogd", 1.0, 0.33459, 5e-6),
    # The 42nd of the 49 rates.
    Reference("adagrad", 0.133352143216, 0.33226, 5e-6),
    Reference("full-adagrad", 0.1, 0.331620444, 5e-10),
    Reference("full-adagrad", 0.178, 0.330756505, 5e-10),
    Reference("s-adagrad", 0.1, 0.342660216, 5e-10, k=10),
)
ROWS, DIMENSIONS = 32_560, (123, 124)


def applicable(stream: Stream, k: int, algorithms: tuple[str, ...]) -> list[Reference]:
    """Return the known figures of learners, if the stream has the shape of a9a."""
    if stream.T != ROWS or stream.d not in DIMENSIONS:
        return []
    return [known for known in REFERENCES if known.algorithm in algorithms and known.k in (None, k)]
