"""Losses φ(⟨a, x⟩, y) and the streams of rounds (a, y) that a learner plays against."""

from __future__ import annotations

from oco.losses.functions import LOSSES, Loss

__all__ = ["LOSSES", "Loss"]
