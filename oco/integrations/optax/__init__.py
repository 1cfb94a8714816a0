"""Sketched preconditioners for JAX, in the conventions of Optax; needs the extra ``jax``."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("jax") is None:
    from oco.extras import missing

    raise ImportError(f"jax: {missing('JAX')}")
if find_spec("optax") is None:
    from oco.extras import missing

    raise ImportError(f"optax: {missing('Optax')}")

from oco.integrations.optax.s_adagrad import ScaleBySAdagradState, scale_by_s_adagrad
from oco.integrations.optax.s_shampoo import (
    ScaleBySShampooState,
    s_shampoo,
    scale_by_s_shampoo,
)
from oco.integrations.optax.sketch import (
    Sketch,
    empty_sketch,
    frequent_directions,
    inverse_root,
    merge_sketches,
)
from oco.integrations.optax.watching import TreeWatch, advised

__all__ = [
    "ScaleBySAdagradState",
    "ScaleBySShampooState",
    "Sketch",
    "TreeWatch",
    "advised",
    "empty_sketch",
    "frequent_directions",
    "inverse_root",
    "merge_sketches",
    "s_shampoo",
    "scale_by_s_adagrad",
    "scale_by_s_shampoo",
]
