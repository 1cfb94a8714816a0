"""What the optimizer remembers of parameters: tensors, in nested dictionaries, alone or stacked.

Each parameter has a dictionary of its own, which is what a checkpoint holds.  Small parameters of
one shape are stepped together: their tensors are then views of stacked ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from oco.integrations.torch.factors import Factor, make_factor
from oco.shampoo import Layout, layout

__all__ = [
    "AVERAGES",
    "MOMENTA",
    "SCALARS",
    "Batch",
    "Workspace",
    "current",
    "needed",
    "new_averages",
    "new_state",
    "stacked",
    "statistics_bytes",
    "statistics_type",
    "tensor_bytes",
]

# The averages that a parameter may keep; the weight of each is beside it in the state.
AVERAGES = {
    "first_moment": "first_weight",
    "second_moment": "second_weight",
    "momentum_buffer": "momentum_weight",
    "gradient_average": "gradient_weight",
}
# Those of them that `momentum_dtype` is about.
MOMENTA = ("momentum_buffer", "gradient_average")
# Single numbers; reading them waits for the device that they are on.
SCALARS = {
    *("step", "skipped", "absorbed", "escaped_mass", "total_mass", "root_tail"),
    *AVERAGES.values(),
}
# The tensors of a factor that are its statistic; its root is made from them.
STATISTICS = ("covariance", "directions", "eigenvalues")
# Numbers that small parameters of one shape, stepped together, may have in all: two megabytes,
# which caches hold.  Beyond, the arithmetic takes longer than what stacking saves.
TOGETHER = 1 << 19
# Numbers from which on memory to work in is kept: smaller tensors get pages that are in use.
LARGE = 1 << 16


def statistics_type(dtype: torch.dtype) -> torch.dtype:
    """Return the type of the statistics of a parameter: float64 for float64, else float32.

    Examples
    --------
    >>> statistics_type(torch.bfloat16)
    torch.float32
    """
    return torch.float64 if dtype == torch.float64 else torch.float32


def needed(group: dict[str, Any], order: int) -> tuple[str, ...]:
    """Return which averages a parameter must keep.

    Parameters
    ----------
    group : dict
        graft, momentum and average.
    order : int
        How many of its axes are longer than 1; with fewer than two the step is a diagonal one.

    Examples
    --------
    >>> needed({"graft": "sgd", "momentum": 0.9, "average": "gradient"}, order=1)
    ('second_moment', 'gradient_average')
    """
    names: tuple[str, ...] = ("first_moment",) if group["graft"] == "adam" else ()
    if group["graft"] in ("adam", "rmsprop") or order < 2:
        names += ("second_moment",)
    if group["momentum"]:
        names += ("momentum_buffer" if group["average"] == "step" else "gradient_average",)
    return names


def new_state(parameter: Tensor, plan: Layout) -> dict[str, Any]:
    """Return the state before the first gradient, without the averages.

    Notes
    -----
    ``step`` counts the gradients that were used and ``skipped`` those that were not; ``absorbed``
    is a ← β₂ a + 1 over those that the factors have absorbed.
    """
    device = parameter.device
    state: dict[str, Any] = {
        name: torch.zeros((), dtype=torch.int64, device=device) for name in ("step", "skipped")
    }
    if plan.order >= 2:
        like = torch.empty((), dtype=statistics_type(parameter.dtype), device=device)
        state["absorbed"] = torch.zeros((), dtype=torch.float64, device=device)
        state["factors"] = {
            str(b): {str(i): make_factor(side).zeros(like) for i, side in enumerate(sides)}
            for b, sides in enumerate(plan.sides)
        }
    return state


def average_type(name: str, parameter: Tensor, group: dict[str, Any]) -> torch.dtype:
    """Return the type that an average of a parameter is kept in."""
    if name in MOMENTA and group["momentum_dtype"] is not None:
        return getattr(torch, group["momentum_dtype"])
    return statistics_type(parameter.dtype)


def new_averages(
    parameter: Tensor, names: Sequence[str], group: dict[str, Any]
) -> dict[str, Tensor]:
    """Return averages that have not absorbed anything, and their weights."""
    found = {}
    for name in names:
        dtype = average_type(name, parameter, group)
        found[name] = torch.zeros_like(
            parameter, dtype=dtype, memory_format=torch.contiguous_format
        )
        found[AVERAGES[name]] = torch.zeros((), dtype=torch.float64, device=parameter.device)
    return found


class Workspace:
    """Memory for a large tensor that is needed for one batch after the other.

    Notes
    -----
    On a CPU a large tensor that is allocated in each step gets fresh pages of memory each time, and
    touching them takes as long as several passes over it.  On other devices PyTorch itself
    keeps memory for the next tensor.

    Examples
    --------
    >>> workspace, large = Workspace(), torch.ones(300, 300)
    >>> workspace.like(large, "x").data_ptr() == workspace.like(large, "x").data_ptr()
    True
    """

    def __init__(self) -> None:
        self._memory: dict[tuple[str, torch.dtype], Tensor] = {}

    def like(self, tensor: Tensor, use: str) -> Tensor:
        """Return memory of a tensor's shape and type, valid until the next call for this use."""
        size = tensor.numel()
        if tensor.device.type != "cpu" or size < LARGE:
            return torch.empty_like(tensor, memory_format=torch.contiguous_format)
        memory = self._memory.get((use, tensor.dtype))
        if memory is None or memory.numel() < size:
            memory = self._memory[use, tensor.dtype] = tensor.new_empty(size)
        return memory[:size].view(tensor.shape)


class Batch:
    """Parameters of one shape and type, all with the same averages, and their stacked state.

    Parameters
    ----------
    parameters : sequence of Tensor
    states : sequence of dict
        Their states; tensors in them are replaced by views where there are several.
    group : dict
        Their options.
    phases : sequence of int
        When the factors of each are refreshed: see `due`.
    places : sequence of int
        Of each among all parameters.

    Attributes
    ----------
    layout : Layout
    factors : list of list of Factor
        Of each block.
    numbers : dict
        The state but for the factors, of shape (batch, ...); averages have the layout's shape.
    factor_numbers : list of list of dict
        The state of each of the factors, of shape (batch, ...).
    """

    def __init__(
        self,
        parameters: Sequence[Tensor],
        states: Sequence[dict[str, Any]],
        group: dict[str, Any],
        phases: Sequence[int],
        places: Sequence[int],
    ) -> None:
        self.parameters, self.states, self._phases = list(parameters), list(states), list(phases)
        self.dtype = statistics_type(parameters[0].dtype)
        self.places = torch.tensor(places, device=parameters[0].device)
        self.layout = layout(tuple(parameters[0].shape), group["k"], group["max_axis"])
        self.factors: list[list[Factor]] = [
            [make_factor(side) for side in sides] for sides in self.layout.sides
        ]
        self._views: list[tuple[dict[str, Any], str, Tensor]] = []
        self._counts = [len(state) for state in states]
        names = [name for name in states[0] if name != "factors"]
        self.numbers = {name: self._stacked(states, name) for name in names}
        for name in AVERAGES:
            if name in self.numbers:
                self.numbers[name] = self.numbers[name].view(len(states), *self.layout.shape)
        self.factor_numbers: list[list[dict[str, Tensor]]] = []
        if self.layout.order >= 2:
            for b, factors in enumerate(self.factors):
                own = [[s["factors"][str(b)][str(i)] for s in states] for i in range(len(factors))]
                self.factor_numbers.append(
                    [{name: self._stacked(each, name) for name in each[0]} for each in own]
                )
        self._calls = (self.numbers["step"] + self.numbers["skipped"]).tolist()
        self._new = [False] * len(states)
        if self.layout.order >= 2:
            self._new = (self.numbers["absorbed"] == 0).tolist()
        self.step_average = self.numbers["step"]

    def _stacked(self, states: Sequence[dict[str, Any]], name: str) -> Tensor:
        found = [self._tensor(state[name], name) for state in states]
        if len(found) == 1:
            states[0][name] = found[0]
            result = found[0][None]
        else:
            result = torch.stack(found)
            for state, view in zip(states, result.unbind(), strict=True):
                state[name] = view
        self._views += [(state, name, state[name]) for state in states]
        return result

    def _tensor(self, value: Any, name: str) -> Tensor:
        """Return an entry of a state as hooks may have left it: a number, or strided."""
        if isinstance(value, Tensor):
            return value.contiguous()
        kind = torch.int64 if name in ("step", "skipped") else torch.float64
        return torch.tensor(value, dtype=kind, device=self.parameters[0].device)

    def holds(self, states: Sequence[dict[str, Any]]) -> bool:
        """Return whether these are still the states, and nothing in them has been replaced."""
        return (
            all(old is new for old, new in zip(self.states, states, strict=True))
            and [len(state) for state in states] == self._counts
            and all(state.get(name) is view for state, name, view in self._views)
        )

    def due(self, update_every: int) -> list[int]:
        """Return which parameters' factors are to be refreshed in this step.

        Those of a parameter of phase φ are in its calls 1, 1 + φ, 1 + φ + s, 1 + φ + 2s, ...; and
        in every one until the first has been of use.
        """
        return [
            i
            for i, (calls, phase) in enumerate(zip(self._calls, self._phases, strict=True))
            if self._new[i] or calls % update_every == phase % update_every
        ]

    def began(self, rows: Sequence[int], used: Tensor) -> None:
        """Note of which of the parameters that were due the refresh has been of use."""
        if any(self._new[i] for i in rows):
            for i, of_use in zip(rows, used.tolist(), strict=True):
                self._new[i] = self._new[i] and not of_use

    def before(self, start_step: int) -> list[bool]:
        """Return whose step comes before the first that is preconditioned."""
        return [calls + 1 < start_step for calls in self._calls]

    def called(self) -> None:
        """Count a step, made or skipped."""
        self._calls = [calls + 1 for calls in self._calls]


def stacked(
    parameters: Sequence[Tensor],
    group: dict[str, Any],
    states: dict[Tensor, dict[str, Any]],
    places: dict[Tensor, tuple[int, int]],
) -> list[Batch]:
    """Return batches of the parameters that can be stepped together.

    States and averages that are missing begin, and those of another type than is wanted are turned
    into it.  `places` has the phase of each parameter, and its place among all.
    """
    alike: dict[tuple, list[Tensor]] = {}
    for p in parameters:
        plan, state = layout(tuple(p.shape), group["k"], group["max_axis"]), states[p]
        if not state:
            state.update(new_state(p, plan))
        missing = [name for name in needed(group, plan.order) if name not in state]
        state.update(new_averages(p, missing, group))
        for name in MOMENTA:
            if name in state:
                state[name] = state[name].to(average_type(name, p, group))
        alike.setdefault((p.shape, p.dtype, p.device, *sorted(state)), []).append(p)
    found = []
    for some in alike.values():
        size = 1 if group["foreach"] is False else max(1, TOGETHER // some[0].numel())
        for first in range(0, len(some), size):
            few = some[first : first + size]
            phases, ranks = zip(*(places[p] for p in few), strict=True)
            found.append(Batch(few, [states[p] for p in few], group, phases, ranks))
    return found


def current(
    batches: Sequence[Batch],
    parameters: Sequence[Tensor],
    group: dict[str, Any],
    states: dict[Tensor, dict[str, Any]],
) -> bool:
    """Return whether batches are of these parameters, as their states and options are now."""
    known = [p for batch in batches for p in batch.parameters]
    return (
        len(known) == len(parameters)
        and {*map(id, known)} == {*map(id, parameters)}
        and all(
            (group["foreach"] is not False or len(batch.parameters) == 1)
            and all(name in batch.numbers for name in needed(group, batch.layout.order))
            and all(
                batch.numbers[name].dtype == average_type(name, batch.parameters[0], group)
                for name in MOMENTA
                if name in batch.numbers
            )
            and batch.layout
            == layout(tuple(batch.parameters[0].shape), group["k"], group["max_axis"])
            and batch.holds([states[p] for p in batch.parameters])
            for batch in batches
        )
    )


def tensor_bytes(value: Any) -> int:
    """Return the memory of the tensors in nested dictionaries, in bytes; scalars do not count.

    Examples
    --------
    >>> tensor_bytes({"a": torch.zeros(2), "b": {"c": torch.zeros(3), "step": torch.tensor(1)}})
    20
    """
    if isinstance(value, dict):
        return sum(map(tensor_bytes, value.values()))
    return value.nbytes if isinstance(value, Tensor) and value.ndim else 0


def statistics_bytes(state: dict[str, Any]) -> int:
    """Return the memory of the covariances, sketches or, of a vector, second moment, in bytes.

    Examples
    --------
    >>> statistics_bytes({"second_moment": torch.zeros(2), "momentum_buffer": torch.zeros(2)})
    8
    """
    if "factors" not in state:
        return tensor_bytes(state.get("second_moment"))
    factors = (factor for block in state["factors"].values() for factor in block.values())
    return sum(tensor_bytes(factor.get(name)) for factor in factors for name in STATISTICS)
