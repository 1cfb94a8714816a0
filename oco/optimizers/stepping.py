"""The step that all optimizers share.

A parameter's rule turns its gradient g into a direction U.  Then

    b ← μ b + (1 − μ) U,   w ← (1 − η λ) w − η b/(1 − μ^t),

η the rate, μ the momentum, λ the decoupled weight decay (Loshchilov, Hutter, ICLR 2019), t the
parameter's own count of steps.  Or the gradients are averaged, b ← μ b + (1 − μ) g, and U is the
direction of x = b/(1 − μ^t), while statistics absorb g itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from oco import checks
from oco.optimizers.rounding import rounded
from oco.optimizers.rules import Rule
from oco.shampoo import AVERAGED, check_options

__all__ = ["Optimizer"]


class Optimizer:
    r"""Takes steps on a list of arrays, in place.

    Parameters
    ----------
    parameters : sequence of ndarray
        float32 or float64; the statistics are float64 in either case.
    rule : callable
        ``rule(shape, index)`` makes the rule of a parameter of that shape; `index` counts those
        with two axes or more that are longer than 1, from 0 on.
    lr : float
        η ≥ 0; may be changed between steps.
    momentum : float
        μ in [0, 1).
    weight_decay : float
        λ ≥ 0.
    bias_correction : bool
        Whether the momentum is divided by 1 − μ^t.
    average : {"step", "gradient"}
        What momentum averages.
    nesterov : bool
        Whether an average a takes the newest once more: μ a + (1 − μ) U, or g in place of U.
    matrix_rate : float
        > 0, by which η is multiplied where two axes of a parameter or more are longer than 1.
    momentum_dtype : {None, "bfloat16"}
        What b is kept in: after each step it is rounded up or down at random, so that it is what it
        would be on average (`oco.optimizers.rounding`); what it is for that step is not rounded.

    Attributes
    ----------
    parameters : list of ndarray
        The arrays that were given.
    lr, momentum, weight_decay, bias_correction, average, nesterov, matrix_rate, momentum_dtype
        As given.
    rules : list of Rule
        One for each parameter.
    steps, skipped : list of int
        For each parameter, how many gradients were used, and how many were not since they were not
        finite.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no array of floating-point numbers, is empty or cannot be written to, or
        an option is out of range.

    Examples
    --------
    >>> from oco.optimizers.rules import Gradient
    >>> weights = np.array([1.0, -1.0])
    >>> optimizer = Optimizer([weights], lambda shape, index: Gradient(), lr=0.5)
    >>> optimizer.step([np.array([1.0, 0.0])])
    >>> weights
    array([ 0.5, -1. ])
    """

    def __init__(
        self,
        parameters: Sequence[np.ndarray],
        rule: Callable[[tuple[int, ...], int], Rule],
        *,
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        bias_correction: bool = True,
        average: str = "step",
        nesterov: bool = False,
        matrix_rate: float = 1.0,
        momentum_dtype: str | None = None,
    ) -> None:
        self.parameters = list(parameters)
        for i, parameter in enumerate(self.parameters):
            _check_floating(f"parameters[{i}]", parameter)
            if not parameter.size or not parameter.flags.writeable:
                raise ValueError(
                    f"parameters[{i}]: expected a writable array that is not empty, got "
                    f"shape {parameter.shape}, writable: {parameter.flags.writeable}"
                )
        self.lr = checks.number("lr", lr, low=0)
        self.momentum = checks.number("momentum", momentum, low=0, below=1)
        self.weight_decay = checks.number("weight_decay", weight_decay, low=0)
        self.bias_correction = bool(bias_correction)
        self.average = checks.choice("average", average, AVERAGED)
        self.nesterov = bool(nesterov)
        self.matrix_rate = checks.number("matrix_rate", matrix_rate, above=0)
        self.momentum_dtype = check_options({"momentum_dtype": momentum_dtype})["momentum_dtype"]
        self._matrices = [sum(n > 1 for n in p.shape) >= 2 for p in self.parameters]
        self.rules = [
            rule(parameter.shape, sum(self._matrices[:i]))
            for i, parameter in enumerate(self.parameters)
        ]
        self._running = [
            np.zeros(parameter.shape) if self.momentum else None for parameter in self.parameters
        ]
        self.steps = [0] * len(self.parameters)
        self.skipped = [0] * len(self.parameters)

    @property
    def state_bytes(self) -> int:
        """Memory of all that is kept from step to step, in bytes."""
        running = sum(b.nbytes for b in self._running if b is not None)
        return running + sum(rule.state_bytes for rule in self.rules)

    @property
    def second_moment_bytes(self) -> int:
        """Memory of second moments, in bytes; what a graft keeps is part of `state_bytes` only."""
        return sum(rule.second_moment_bytes for rule in self.rules)

    def step(self, gradients: Sequence[np.ndarray]) -> None:
        """Take one step.

        Parameters
        ----------
        gradients : sequence of ndarray
            One for each parameter, of its shape.  Where one has an entry that is NaN or infinite,
            or a sum of squares that overflows, nothing of its parameter changes but `skipped`.

        Raises
        ------
        TypeError, ValueError
            If their number, a shape or a dtype is wrong; nothing has then changed.
        """
        if len(gradients) != len(self.parameters):
            raise ValueError(
                f"gradients: expected {len(self.parameters)} arrays, got {len(gradients)}"
            )
        for i, (g, parameter) in enumerate(zip(gradients, self.parameters, strict=True)):
            _check_floating(f"gradients[{i}]", g)
            if g.shape != parameter.shape:
                raise ValueError(f"gradients[{i}]: expected shape {parameter.shape}, got {g.shape}")
        for i, g in enumerate(gradients):
            g = g.astype(np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                finite = np.isfinite(np.sum(g**2))
            if finite:
                self._move(i, g)
            else:
                self.skipped[i] += 1

    def _move(self, i: int, g: np.ndarray) -> None:
        self.steps[i] += 1
        x = self._averaged(i, g) if self.average == "gradient" else g
        direction = self.rules[i].update(g, x, self.steps[i] + self.skipped[i] - 1)
        if self.average == "step":
            direction = self._averaged(i, direction)
        parameter = self.parameters[i]
        rate = self.lr * (self.matrix_rate if self._matrices[i] else 1.0)
        parameter[...] = parameter * (1 - self.lr * self.weight_decay) - rate * direction

    def _averaged(self, i: int, new: np.ndarray) -> np.ndarray:
        running = self._running[i]
        if running is None:
            return new
        running *= self.momentum
        running += (1 - self.momentum) * new
        if self.momentum_dtype is not None:
            self._running[i] = rounded(running, i, self.steps[i])
        correction = 1 - self.momentum ** self.steps[i] if self.bias_correction else 1.0
        average = running / correction
        if self.nesterov:
            average = self.momentum * average + (1 - self.momentum) * new
        return average


def _check_floating(name: str, array) -> None:
    # A number of NumPy's is what arithmetic makes of an array without axes.
    if not isinstance(array, np.ndarray | np.floating):
        raise TypeError(f"{name}: expected an ndarray, got {type(array).__name__}")
    if array.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name}: expected dtype float32 or float64, got {array.dtype}")
