"""Memory for a tensor that is needed for one parameter after the other."""

from __future__ import annotations

import torch

__all__ = ["Workspace"]


# Numbers from which on the memory is kept: smaller tensors get pages that are in use already.
LARGE = 1 << 16


class Workspace:
    """Copies tensors to the same memory again and again.

    Notes
    -----
    On a CPU a large tensor that is allocated in each step gets fresh pages of memory each time, and
    touching them takes as long as several passes over it.  On other devices PyTorch itself
    keeps memory for the next tensor.

    Examples
    --------
    >>> workspace = Workspace()
    >>> first, second = workspace.copy(torch.ones(300, 300)), workspace.copy(torch.ones(90000))
    >>> first.shape, first.data_ptr() == second.data_ptr()
    (torch.Size([300, 300]), True)
    """

    def __init__(self) -> None:
        self._memory: dict[torch.dtype, torch.Tensor] = {}

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a contiguous copy, which is valid until the next call."""
        size = tensor.numel()
        if tensor.device.type != "cpu" or size < LARGE:
            return tensor.clone(memory_format=torch.contiguous_format)
        memory = self._memory.get(tensor.dtype)
        if memory is None or memory.numel() < size:
            memory = self._memory[tensor.dtype] = tensor.new_empty(size)
        return memory[:size].view(tensor.shape).copy_(tensor)
