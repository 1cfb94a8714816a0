"""What Shampoo and S-Shampoo are in NumPy, in PyTorch and in the count of their memory."""

from __future__ import annotations

__all__ = [
    "AVERAGED",
    "BETA1",
    "BETA2",
    "EPS",
    "EPSILON",
    "GRAFTS",
    "MAX_AXIS",
    "MOMENTUM",
    "RANK",
    "RATE",
    "ROOTS",
    "TAILS",
    "tail_of",
]

# The learning rate, and the first moment's and the diagonal's constants, of Adam.
RATE, BETA1, EPS = 1e-3, 0.9, 1e-8
# Sketch size: about an eighth of the layers that a small network has, and well above the intrinsic
# dimension of their gradients' covariances.
RANK = 32
# Statistics look back about 100 steps: the covariances of a network's gradients turn that fast.
BETA2 = 0.99
MOMENTUM = 0.9
# What is added to a factor's eigenvalues, relative to the largest.  The inverse root of a matrix's
# factor then favours a rare direction over the commonest by at most 1e-6^(-1/4) = 32, and the
# rounding of the eigenvalues (1e-13) stays far below.
EPSILON = 1e-6
# Longer axes are cut: an exact factor of this length takes half a gigabyte.
MAX_AXIS = 8192

GRAFTS = ("none", "unit", "sgd", "rmsprop", "adam")

# What momentum averages: the steps, or the gradients before they become steps.
AVERAGED = ("step", "gradient")
# What stands for the eigenvalues that a sketch does not have: see `tail_of`.
TAILS = ("escaped", "half", "mean")
# A factor's exponent is −1/(this times the number of axes).
ROOTS = {"shampoo": 2, "shampoo2": 1}


def tail_of(kind: str, escaped: float, missed: float, outside: int) -> tuple[float, float]:
    r"""Return what is added to a sketch's eigenvalues, and what stands for all others.

    Parameters
    ----------
    kind : {"escaped", "half", "mean"}
        (τ, τ), which keeps C̄ + τ I ⪰ C and with it the theorem; (τ/2, τ/2), the middle of what C
        can be (robust Frequent Directions); or (τ, min(τ, m/q)).
    escaped : float
        τ ≥ 0.
    missed : float
        m = tr C − Σ (λ̄_i + τ), the sum over the sketch's directions.
    outside : int
        q ≥ 1, the dimension of the space beside those directions.

    Returns
    -------
    tuple of float

    References
    ----------
    L. Luo, C. Chen, Z. Zhang, W.-J. Li, T. Zhang, *Robust frequent directions with application in
    online learning*, JMLR 2019 (half).

    Examples
    --------
    >>> [tail_of(kind, 2.0, missed=3.0, outside=6) for kind in TAILS]
    [(2.0, 2.0), (1.0, 1.0), (2.0, 0.5)]
    """
    if kind == "half":
        return escaped / 2, escaped / 2
    if kind == "mean":
        return escaped, min(escaped, max(missed, 0.0) / outside)
    return escaped, escaped
