"""Parameters of which each process holds a part (DTensor, FSDP2): what is whole, and whose work.

Averages are cut as the parameter is, and what becomes of an entry is computed where it is.  Of a
factor each process keeps some rows.  The direction of a matrix needs all of it: one process, the
owner, takes whole gradients and factors, refreshes these, preconditions, and sends what comes of
it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["Alone", "Shards", "is_spread", "local", "owners", "spread_like"]


def is_spread(tensor: Any) -> bool:
    """Return whether processes hold a part of a tensor each; loads nothing to find out."""
    module = sys.modules.get("torch.distributed.tensor")
    return module is not None and isinstance(tensor, module.DTensor)


def local(tensor: Any) -> Any:
    """Return what this process holds of a tensor, in the same memory."""
    return tensor.to_local() if is_spread(tensor) else tensor


class Alone:
    """A batch of tensors that this process holds all of: nothing is gathered or sent."""

    mine = True

    def gathered(self, own: Tensor) -> Tensor:
        """Return all of what the processes hold; what is not this one's work may be dropped."""
        return own

    def part(self, whole: Tensor) -> Tensor:
        """Return what this process holds of it."""
        return whole

    def sent(self, tensor: Tensor) -> Tensor:
        """Return what the owner has, here in the same memory."""
        return tensor

    def total(self, numbers: Tensor) -> Tensor:
        """Return the sum over the processes that hold parts."""
        return numbers

    def judged(self, flags: Tensor) -> Tensor:
        """Return what the owner says of the tensors."""
        return flags

    def everywhere(self, flags: Tensor) -> Tensor:
        """Return which flags are true in all processes that hold parts."""
        return flags


class Shards(Alone):
    """One tensor, how it is cut, and who works on it.

    Parameters
    ----------
    like : DTensor
        Cut along its axes or repeated; not to be summed (`Partial`).
    shape : sequence of int, optional
        Of another tensor, which is cut by rows among the same processes.
    view : sequence of int, optional
        Shape of the whole tensor, as it is asked for; its own by default.
    owner : int
        Of the processes along the first axis of the mesh that the tensor is cut along.
    """

    def __init__(
        self,
        like: Any,
        shape: Sequence[int] | None = None,
        view: Sequence[int] | None = None,
        owner: int = 0,
    ) -> None:
        self._tensors: Any = sys.modules["torch.distributed.tensor"]
        self._like = like
        self._mesh, self._placements = like.device_mesh, tuple(like.placements)
        self._cut = [not placement.is_replicate() for placement in self._placements]
        if shape is not None:
            rows, all_of_it = self._tensors.Shard(0), self._tensors.Replicate()
            self._placements = tuple(rows if cut else all_of_it for cut in self._cut)
        self._shape = torch.Size(like.shape if shape is None else shape)
        self._view = torch.Size(self._shape if view is None else view)
        axis = self.axis(like)
        # Along the other axes of a mesh the processes do the same work.
        self._group = None if axis is None else self._mesh.get_group(axis)
        self._owner, self.mine = owner, axis is None or self._mesh.get_local_rank(axis) == owner

    @staticmethod
    def axis(like: Any) -> int | None:
        """Return the axis of the mesh along which the work on a tensor is shared."""
        cut = enumerate(like.placements)
        axes = [i for i, p in cut if not p.is_replicate() and like.device_mesh.size(i) > 1]
        return axes[0] if axes else None

    def spread(self, own: Tensor) -> Any:
        """Return the tensor of which this process holds `own`, in the same memory."""
        return self._tensors.DTensor.from_local(
            own,
            self._mesh,
            self._placements,
            run_check=False,
            shape=self._shape,
            stride=torch.empty(self._shape, device="meta").stride(),
        )

    def gathered(self, own: Tensor) -> Tensor:
        """Return all of it, of shape (1, ...), from parts of shape (1, ...)."""
        return self.spread(own[0]).full_tensor().view(1, *self._view)

    def part(self, whole: Tensor) -> Tensor:
        """Return this process's part, of shape (1, ...), in memory of its own."""
        everywhere = [self._tensors.Replicate()] * len(self._placements)
        full = self._tensors.DTensor.from_local(
            whole.reshape(self._shape), self._mesh, everywhere, run_check=False
        )
        return full.redistribute(placements=self._placements).to_local().clone()[None]

    def sent(self, tensor: Tensor) -> Tensor:
        """Return what the owner has, here in the same memory."""
        if self._group is not None:
            torch.distributed.broadcast(tensor, group=self._group, group_src=self._owner)
        return tensor

    def judged(self, flags: Tensor) -> Tensor:
        """Return what the owner says of the tensors."""
        return self.sent(flags.int()).bool()

    def everywhere(self, flags: Tensor) -> Tensor:
        """Return which flags are true in all processes that hold parts."""
        return self.total(flags.logical_not().int()) == 0

    def total(self, numbers: Tensor) -> Tensor:
        """Return the sum over the processes that hold parts."""
        partial, same = self._tensors.Partial(), self._tensors.Replicate()
        return self._tensors.DTensor.from_local(
            numbers, self._mesh, [partial if cut else same for cut in self._cut], run_check=False
        ).full_tensor()

    def rows(self) -> Tensor | None:
        """Return the numbers of this process's rows, if the tensor is cut by rows alone."""
        if not self._shape or not all(p.is_replicate() or p.is_shard(0) for p in self._placements):
            return None
        numbers = torch.arange(self._shape[0], device=self._like.device)
        return Shards(self._like, self._shape[:1]).part(numbers[None])[0]


def spread_like(
    state: dict[str, Any],
    parameter: Tensor,
    averages: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> Any:
    """Return a state with its tensors cut as a parameter is, averages along the same axes.

    They may be whole, or cut otherwise; where the parameter is whole, so is what is returned.
    Those that are named as `whole` stay so.
    """
    found = {}
    for name, value in state.items():
        if isinstance(value, dict):
            found[name] = spread_like(value, parameter)
        elif name in whole:
            found[name] = value.full_tensor() if is_spread(value) else value
        elif value.ndim:
            found[name] = _recut(value, parameter, None if name in averages else value.shape)
        else:
            found[name] = value
    return found


def _recut(value: Any, parameter: Any, shape: torch.Size | None) -> Any:
    whole = value.full_tensor() if is_spread(value) else value
    if not is_spread(parameter):
        return whole
    shards = Shards(parameter, shape)
    return shards.spread(shards.part(whole[None])[0])


def owners(parameters: Sequence[Any]) -> dict[Any, int]:
    """Return who works on each parameter that is cut: the largest first, to who has least."""
    loads: dict[Any, list[int]] = {}
    found = {}
    for p in sorted(filter(is_spread, parameters), key=lambda p: -p.numel()):
        axis = Shards.axis(p)
        load = loads.setdefault(
            (p.device_mesh, axis), [0] * (1 if axis is None else p.device_mesh.size(axis))
        )
        found[p] = load.index(min(load))
        load[found[p]] += p.numel()
    return found
