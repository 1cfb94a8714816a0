"""Optimizers for a list of arrays: SGD, Adam, Shampoo and S-Shampoo."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from oco.algorithms.adam import BETA2 as ADAM_BETA2
from oco.algorithms.adam import Moments
from oco.algorithms.kronecker import KroneckerRoot
from oco.optimizers.rules import Coordinatewise, Factored, Gradient, Grafted, UnitLength
from oco.optimizers.stepping import Optimizer
from oco.shampoo import (
    AVERAGE,
    BETAS,
    EPS,
    EPSILON,
    EXACT_RATIO,
    EXPONENT,
    GRAFT,
    MATRIX_RATE,
    MAX_AXIS,
    MOMENTUM,
    NESTEROV,
    RATE,
    REFRESH,
    SKETCH_SIZE,
    TAIL,
    UPDATE_EVERY,
    check_options,
    floor_of,
    layout,
)

__all__ = ["OPTIMIZERS", "Optimizer", "adam", "s_shampoo", "sgd", "shampoo"]

# The grafts that keep nothing.
PLAIN = {"none": lambda: None, "sgd": Gradient, "unit": UnitLength}


def sgd(
    parameters: Sequence[np.ndarray],
    *,
    lr: float,
    momentum: float = MOMENTUM,
    weight_decay: float = 0.0,
    bias_correction: bool = True,
) -> Optimizer:
    """Stochastic gradient descent with momentum: U = g.

    Parameters
    ----------
    parameters, lr, momentum, weight_decay, bias_correction
        As for `Optimizer`.  With momentum 0.9 a rate stands for one ten times smaller in the form
        b ← μ b + g.

    Returns
    -------
    Optimizer
    """
    return Optimizer(
        parameters,
        lambda shape, index: Gradient(),
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        bias_correction=bias_correction,
    )


def adam(
    parameters: Sequence[np.ndarray],
    *,
    lr: float = RATE,
    betas: tuple[float, float] = (BETAS[0], ADAM_BETA2),
    eps: float = EPS,
    weight_decay: float = 0.0,
    bias_correction: bool = True,
) -> Optimizer:
    """Adam with decoupled weight decay (AdamW): U = m̂/(√v̂ + ε).

    Parameters
    ----------
    parameters, lr, weight_decay
        As for `Optimizer`.
    betas : (float, float)
        β_1 and β_2 of `oco.algorithms.adam.Moments`.
    eps, bias_correction
        As there.

    Returns
    -------
    Optimizer

    References
    ----------
    D. P. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015.
    I. Loshchilov, F. Hutter, *Decoupled weight decay regularization*, ICLR 2019.

    Examples
    --------
    >>> weights = np.array([1.0, -1.0])
    >>> adam([weights], lr=0.5).step([np.array([7.0, 0.0])])
    >>> weights.round(6)
    array([ 0.5, -1. ])
    """
    beta1, beta2 = check_options({"betas": betas})["betas"]
    return Optimizer(
        parameters,
        lambda shape, index: Coordinatewise(
            Moments(shape, beta1=beta1, beta2=beta2, eps=eps, bias_correction=bias_correction)
        ),
        lr=lr,
        weight_decay=weight_decay,
    )


def s_shampoo(
    parameters: Sequence[np.ndarray],
    *,
    lr: float = RATE,
    k=SKETCH_SIZE,
    betas: tuple[float, float] = BETAS,
    eps: float = EPS,
    epsilon: float = EPSILON,
    momentum: float = MOMENTUM,
    graft: str = GRAFT,
    weight_decay: float = 0.0,
    update_every: int = UPDATE_EVERY,
    start_step: int = 1,
    max_axis: int | None = MAX_AXIS,
    bias_correction: bool = True,
    tail: str = TAIL,
    exponent: str = EXPONENT,
    average: str = AVERAGE,
    nesterov: bool = NESTEROV,
    matrix_rate: float = MATRIX_RATE,
    momentum_dtype: str | None = None,
    sides: str = "both",
    refresh: str = REFRESH,
    statistics: str = "gradient",
    statistics_every: int | None = None,
    long_axes: str = "blocks",
) -> Optimizer:
    r"""S-Shampoo: U = L̂^{-1/4} g R̂^{-1/4} from sketched factors, with a grafted length.

    Parameters
    ----------
    parameters, lr, momentum, weight_decay, average, nesterov, matrix_rate, momentum_dtype
        As for `Optimizer`.
    k, epsilon, update_every, max_axis, tail, exponent, sides, refresh
        As for `KroneckerRoot`, with exact factors for axes of at most 2k.  With sides "shorter"
        U = L̂^{-1/2} g: one-sided Shampoo, or ASGO.
    betas : (float, float)
        β_1 in [0, 1) of the graft "adam"; β_2 in (0, 1] of the factors and of v: how long they look
        back; 1 sums up.
    eps : float
        ε > 0 of the graft and of the diagonal path, in the units of the gradient.
    graft : {"rmsprop", "adam", "adafactor", "sgd", "unit", "none"}
        Whose direction N lends U its length ‖N‖: g/(√v̂ + ε), m̂/(√v̂ + ε), the first with the v of
        `oco.optimizers.rules.Factored`, g, or g divided by the root mean square of its entries
        (then ‖U‖² is the number of entries); or none.
    start_step : int
        First step (from 1) with the preconditioned direction; U = N before, or g without a graft.
        The factors absorb gradients from step 1 in any case.
    bias_correction : bool
        Whether factors, v, m and momentum are divided by 1 − β^t.
    statistics, statistics_every
        As for `oco.optimizers.rules.Grafted`.
    long_axes : {"blocks", "factored"}
        Whether an axis beyond `max_axis` is cut into blocks, or (for vocabularies) leaves its
        parameter to `oco.optimizers.rules.Factored`.

    Returns
    -------
    Optimizer

    Raises
    ------
    TypeError, ValueError
        If a parameter or an option is bad.

    Notes
    -----
    v ← β_2 v + (1 − β_2) g², or v + g² if β_2 = 1; v̂ = v/(1 − β_2^t).  Parameters with fewer than
    two axes longer than 1 take the diagonal path: U = m̂/(√v̂ + ε) if the graft is "adam", otherwise
    g/(√v̂ + ε).  Where gradients are averaged first, their average takes the place of g in what is
    preconditioned and in N, while v, m and the factors absorb g.

    References
    ----------
    V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
    regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764.
    R. Anil, V. Gupta, T. Koren, K. Regan, Y. Singer, *Scalable second order optimization for deep
    learning*, arXiv:2002.09018 (grafting, blocks).

    Examples
    --------
    >>> weights = np.zeros((3, 3))
    >>> optimizer = s_shampoo([weights], lr=0.5, k=2, graft="none", epsilon=0.0, exponent="shampoo")
    >>> optimizer.step([np.outer([0.0, 3.0, 4.0], [1.0, 0.0, 0.0])])
    >>> weights
    array([[ 0. , 0. , 0. ], [-0.3, 0. , 0. ], [-0.4, 0. , 0. ]])
    """
    checked = check_options({"k": k, "betas": betas, "graft": graft, "start_step": start_step})
    k, (beta1, beta2), start_step = checked["k"], checked["betas"], checked["start_step"]
    check_options({"tail": tail, "exponent": exponent, "sides": sides, "refresh": refresh})
    check_options(
        {
            "update_every": update_every,
            "max_axis": max_axis,
            "statistics": statistics,
            "statistics_every": statistics_every,
            "long_axes": long_axes,
        }
    )

    rounding = check_options(
        {"momentum": momentum, "average": average, "momentum_dtype": momentum_dtype}
    )

    def lender(shape):
        if graft in PLAIN:
            return PLAIN[graft]()
        return factored(shape) if graft == "adafactor" else moments(shape)

    def factored(shape):
        return Factored(shape, beta2=beta2, eps=eps, bias_correction=bias_correction)

    def moments(shape):
        first = beta1 if graft == "adam" else None
        return Coordinatewise(
            Moments(shape, beta1=first, beta2=beta2, eps=eps, bias_correction=bias_correction)
        )

    def rule(shape, index):
        if sum(n > 1 for n in shape) < 2:
            return moments(shape)
        if not layout(tuple(shape), None, max_axis, long_axes=long_axes).preconditioned:
            return factored(shape)
        root = KroneckerRoot(
            shape,
            floor=floor_of(rounding, 1 if sides == "shorter" else sum(n > 1 for n in shape)),
            k=k,
            decay=beta2,
            epsilon=epsilon,
            update_every=update_every,
            max_axis=max_axis,
            bias_correction=bias_correction,
            tail=tail,
            exponent=exponent,
            exact_ratio=EXACT_RATIO,
            sides=sides,
            refresh=refresh,
        )
        return Grafted(root, lender(shape), start_step, index, statistics, statistics_every)

    return Optimizer(
        parameters,
        rule,
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        bias_correction=bias_correction,
        average=average,
        nesterov=nesterov,
        matrix_rate=matrix_rate,
        momentum_dtype=momentum_dtype,
    )


def shampoo(
    parameters: Sequence[np.ndarray],
    *,
    lr: float = RATE,
    betas: tuple[float, float] = BETAS,
    eps: float = EPS,
    epsilon: float = EPSILON,
    momentum: float = MOMENTUM,
    graft: str = GRAFT,
    weight_decay: float = 0.0,
    update_every: int = UPDATE_EVERY,
    start_step: int = 1,
    max_axis: int | None = MAX_AXIS,
    bias_correction: bool = True,
    exponent: str = EXPONENT,
    average: str = AVERAGE,
    nesterov: bool = NESTEROV,
    matrix_rate: float = MATRIX_RATE,
    momentum_dtype: str | None = None,
    sides: str = "both",
    statistics: str = "gradient",
    statistics_every: int | None = None,
    long_axes: str = "blocks",
) -> Optimizer:
    """Shampoo: `s_shampoo` with exact factors, and all its options but those of sketches.

    Returns
    -------
    Optimizer

    References
    ----------
    V. Gupta, T. Koren, Y. Singer, *Shampoo: preconditioned stochastic tensor optimization*,
    ICML 2018.
    """
    return s_shampoo(
        parameters,
        lr=lr,
        k=None,
        betas=betas,
        eps=eps,
        epsilon=epsilon,
        momentum=momentum,
        graft=graft,
        weight_decay=weight_decay,
        update_every=update_every,
        start_step=start_step,
        max_axis=max_axis,
        bias_correction=bias_correction,
        exponent=exponent,
        average=average,
        nesterov=nesterov,
        matrix_rate=matrix_rate,
        momentum_dtype=momentum_dtype,
        sides=sides,
        statistics=statistics,
        statistics_every=statistics_every,
        long_axes=long_axes,
    )


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": sgd,
    "adam": adam,
    "shampoo": shampoo,
    "s-shampoo": s_shampoo,
}
