"""Averages that are kept in bfloat16: `oco.optimizers.rounding` for a batch of tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from oco.rounding import BITS, MULTIPLIER, lines

__all__ = ["round_into"]

# The multiplier as the 32-bit integer with a sign that has the same bits; and what masks them.
SIGNED = MULTIPLIER - (1 << 32)
DRAWN = (1 << BITS) - 1


def round_into(
    out: Tensor, values: Tensor, places: Tensor, steps: Tensor, rows: Tensor | None = None
) -> None:
    """Write numbers as bfloat16 has them, each the one below or above, at random.

    Parameters
    ----------
    out : Tensor of bfloat16, of shape (batch, n, ...)
    values : Tensor of that shape, float32 or float64
    places, steps : Tensor of shape (batch,), of int64
        As for `oco.optimizers.rounding.rounded`, which gives the same numbers.
    rows : Tensor of shape (n,), optional
        The rows' numbers, where these are some of a larger tensor's; from 0 on by default.

    Examples
    --------
    >>> out, one = torch.zeros(1, 64, dtype=torch.bfloat16), torch.ones(1, dtype=torch.int64)
    >>> round_into(out, torch.full((1, 64), 1.001), places=one - 1, steps=one)
    >>> out.unique()
    tensor([1.0000, 1.0078], dtype=torch.bfloat16)
    """
    if not values.numel():
        return
    values = values.reshape(len(values), values.shape[1] if values.ndim > 1 else 1, -1)
    count, columns = (torch.arange(n, device=values.device) for n in values.shape[1:])
    rows, columns = lines(places[:, None], steps[:, None], count if rows is None else rows, columns)
    bits = rows.int()[:, :, None] ^ columns.int()[:, None]
    bits.mul_(SIGNED).bitwise_right_shift_(BITS).bitwise_and_(DRAWN)
    bits.add_(values.float().view(torch.int32)).bitwise_and_(~DRAWN)
    out.copy_(bits.view(torch.float32).view(out.shape))
