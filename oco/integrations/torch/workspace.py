"""Memory for a tensor that is needed for one parameter after the other."""

from __future__ import annotations

import torch

__all__ = ["Workspace"]


class Workspace:
    """Hands out the same memory again and again.

    Notes
    -----
    On a CPU a large tensor that is allocated in each step gets fresh pages of memory each time, and
    touching them takes as long as several passes over it.  On other devices PyTorch itself
    keeps memory for the next tensor.

    Examples
    --------
    >>> workspace = Workspace()
    >>> first, second = workspace.like(torch.ones(2, 3)), workspace.like(torch.ones(4))
    >>> first.shape, first.data_ptr() == second.data_ptr()
    (torch.Size([2, 3]), True)
    """

    def __init__(self) -> None:
        self._memory: dict[torch.dtype, torch.Tensor] = {}

    def like(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a contiguous tensor of the same shape; it is valid until the next call."""
        if tensor.device.type != "cpu":
            return torch.empty_like(tensor, memory_format=torch.contiguous_format)
        memory = self._memory.get(tensor.dtype)
        if memory is None or memory.numel() < tensor.numel():
            memory = self._memory[tensor.dtype] = tensor.new_empty(tensor.numel())
        return memory[: tensor.numel()].view(tensor.shape)
