"""Inverse roots of spectra."""

from __future__ import annotations

from typing import NamedTuple

import torch

__all__ = ["Root", "inverse_root"]


class Root(NamedTuple):
    """Which root of a covariance estimate C̃ preconditions: (c C̃ + ε λ_max(c C̃) I)^(−e).

    Attributes
    ----------
    scale : float
        c > 0.
    epsilon : float
        ε ≥ 0.
    power : float
        e > 0.
    tail : {"escaped", "half", "mean"}
        What C̃ is where it is made from a sketch: `oco.shampoo.tail_of`.
    """

    scale: float
    epsilon: float
    power: float
    tail: str = "escaped"


def inverse_root(values: torch.Tensor, root: Root, cutoff: float) -> torch.Tensor:
    """Return the inverse root of eigenvalues, in float64; zero stays zero (pseudo-inverse).

    Parameters
    ----------
    values : Tensor of shape (n,)
        Eigenvalues of C̃, in any order.
    root : Root
        The root.
    cutoff : float
        Values at or below this times the largest, after ε has been added, count as zero.

    Examples
    --------
    >>> inverse_root(torch.tensor([16.0, 0.0]), Root(1.0, epsilon=0.0, power=0.25), cutoff=1e-12)
    tensor([0.5000, 0.0000], dtype=torch.float64)
    """
    values = root.scale * values.double()
    values = values + root.epsilon * values.max()
    zero = values <= cutoff * values.max()
    return values.masked_fill_(zero, torch.inf).pow_(-root.power)
