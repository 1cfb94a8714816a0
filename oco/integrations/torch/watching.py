"""Sketches of a model's gradients while it trains, and the sketch sizes that they need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from oco import checks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from oco.ranks import LayerAdvice

__all__ = ["ModelAdvice", "Watch", "watch"]

# A parameter's gradient at every tenth step costs little beside the steps.
EVERY = 10
# Twice the default of S-Shampoo, so that it can be judged.
WATCHING = 64


class Watch:
    """What `watch` returns: it looks on until it is closed, also by leaving a ``with``.

    Attributes
    ----------
    model : torch.nn.Module
    gradients : oco.ranks.GradientWatch
        The sketches.
    every : int
        Of a parameter's gradients, each this-many-th is absorbed, beginning with the first.
    """

    def __init__(self, model: torch.nn.Module, k: int, every: int) -> None:
        # What it needs of the library loads here: the optimizer does without.
        from oco.ranks import GradientWatch

        self.model = model
        self.gradients = GradientWatch(k)
        self.every = checks.integer("every", every, low=1)
        self._seen: dict[str, int] = {}
        self._handles = [
            parameter.register_post_accumulate_grad_hook(self._look(name))
            for name, parameter in model.named_parameters()
            if parameter.requires_grad and sum(n > 1 for n in parameter.shape) > 1
        ]
        if not self._handles:
            raise ValueError(
                "model: expected a trainable parameter with two axes or more, got none"
            )

    def _look(self, name: str):
        def absorb(parameter: torch.Tensor) -> None:
            seen = self._seen.get(name, 0)
            self._seen[name] = seen + 1
            gradient = parameter.grad
            if seen % self.every == 0 and gradient is not None and not gradient.is_sparse:
                array = gradient.detach().to("cpu", torch.float64).numpy()
                self.gradients.absorb({name: array})

        return absorb

    def advise(self, target: float | None = None) -> ModelAdvice:
        """Say which sketch size each axis of each layer needs.

        Parameters
        ----------
        target : float, optional
            In (0, 1): the share of a covariance's mass that the leading k − 1 directions have to
            be proven to hold; 0.9 by default.

        Returns
        -------
        ModelAdvice

        Raises
        ------
        ValueError
            If the target is out of its range, or no gradient was seen.
        """
        given = {} if target is None else {"target": target}
        advice = self.gradients.advise(**given)
        order = [name for name, _ in self.model.named_parameters()]
        axes = sorted(advice.axes, key=lambda one: (order.index(one.layer), one.axis))
        return ModelAdvice(self.model, replace(advice, axes=tuple(axes)))

    def close(self) -> None:
        """Look on no longer; what was seen stays."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *ignored) -> None:
        self.close()


class ModelAdvice:
    """The advice for a model; `print` shows it as tables.

    Attributes
    ----------
    advice : oco.ranks.LayerAdvice
    """

    def __init__(self, model: torch.nn.Module, advice: LayerAdvice) -> None:
        self._model, self.advice = model, advice

    def __str__(self) -> str:
        return str(self.advice)

    def options(self) -> list[dict[str, Any]]:
        """Return parameter groups for `SShampoo`: all of the model, each matrix with its sizes.

        Examples
        --------
        >>> model = torch.nn.Linear(30, 20)
        >>> with watch(model, every=1) as watched:
        ...     for _ in range(5):
        ...         model(torch.ones(4, 30)).square().mean().backward()
        >>> [group["k"] for group in watched.advise(0.99).options() if "k" in group]
        [(2, 2)]
        """
        sizes = self.advice.sizes
        groups: dict[tuple, list[torch.nn.Parameter]] = {}
        for name, parameter in self._model.named_parameters():
            if parameter.requires_grad:
                groups.setdefault(sizes.get(name, ()), []).append(parameter)
        return [
            {"params": found, "k": k} if k else {"params": found} for k, found in groups.items()
        ]

    def plot(self) -> Figure:
        """Draw for every axis its length, the recommended k and the intrinsic dimension."""
        return self.advice.plot()


def watch(model: torch.nn.Module, *, k: int = WATCHING, every: int = EVERY) -> Watch:
    """Sketch the gradients of a model's matrices and tensors while it trains, in any loop.

    Parameters
    ----------
    model : torch.nn.Module
        Its parameters are hooked, and nothing else of it is touched; gradients are looked at when
        ``backward`` has accumulated them, before any clipping.
    k : int
        Size of the sketches, ≥ 2: advice goes up to it.
    every : int
        How often a parameter's gradient is absorbed, counted in its backward passes.

    Returns
    -------
    Watch

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range or no parameter of the model has two axes.

    Examples
    --------
    >>> layers = torch.nn.Linear(12, 40), torch.nn.ReLU(), torch.nn.Linear(40, 3)
    >>> model = torch.nn.Sequential(*layers)
    >>> with watch(model, every=2) as watched:
    ...     for seed in range(8):
    ...         rows = torch.randn(16, 12, generator=torch.Generator().manual_seed(seed))
    ...         model(rows).square().mean().backward()
    >>> [one.steps for one in watched.advise().advice.axes]
    [4, 4, 4, 4]
    """
    return Watch(model, k, every)
