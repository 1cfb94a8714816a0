"""Sketches of a model's gradients while it trains, and the sketch sizes that they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import optax

from oco import checks
from oco.integrations.optax.leaves import check_leaves

if TYPE_CHECKING:
    from oco.ranks import LayerAdvice

__all__ = ["TreeWatch", "advised"]

# As in PyTorch: a gradient at every tenth step costs little beside the steps, and twice the default
# of S-Shampoo can be judged.
EVERY, WATCHING = 10, 64


class TreeWatch:
    """Sketches of the covariances of gradients along each axis of each matrix and tensor.

    Parameters
    ----------
    k : int
        Size of the sketches, ≥ 2: advice goes up to it.
    every : int
        How often gradients are absorbed: the first, and from there each this-many-th.

    Attributes
    ----------
    gradients : oco.ranks.GradientWatch
        The sketches, by names such as "Dense_0/kernel".

    Raises
    ------
    TypeError, ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> watch = TreeWatch(k=8, every=2)
    >>> for step in range(6):
    ...     watch.look({"kernel": jnp.outer(jnp.arange(12.0), jnp.ones(30)), "bias": jnp.ones(30)})
    >>> advice = watch.advise(target=0.99)
    >>> [(one.layer, one.axis, one.steps, one.k) for one in advice.axes]
    [('kernel', 0, 3, 2), ('kernel', 1, 3, 2)]
    """

    def __init__(self, k: int = WATCHING, every: int = EVERY) -> None:
        # What it needs of the library loads here: the transformations do without.
        from oco.ranks import GradientWatch

        self.gradients = GradientWatch(k)
        self.every = checks.integer("every", every, low=1)
        self._seen = 0

    def look(self, gradients) -> None:
        """Look at the gradients of a step, outside of what is compiled.

        Parameters
        ----------
        gradients : pytree
            Of arrays, always the same tree.

        Raises
        ------
        TypeError, ValueError
            If a leaf is not of real numbers, is empty, has another shape than before or is traced.
        """
        leaves = check_leaves("gradients", gradients)
        if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            raise TypeError(
                "gradients: expected arrays, got what is traced; return them from what is compiled "
                "and look at them there"
            )
        if self._seen % self.every == 0:
            # A type of the host's, which has no bfloat16.
            arrays = (np.asarray(leaf, dtype=np.float64) for leaf in leaves)
            self.gradients.absorb(dict(zip(_names(gradients), arrays, strict=True)))
        self._seen += 1

    def advise(self, target: float | None = None) -> LayerAdvice:
        """Say which sketch size each axis of each matrix and tensor needs.

        Parameters
        ----------
        target : float, optional
            In (0, 1): the share of a covariance's mass that the leading k − 1 directions have to
            be proven to hold; 0.9 by default.

        Returns
        -------
        oco.ranks.LayerAdvice

        Raises
        ------
        ValueError
            If the target is out of its range, or no gradient was seen.
        """
        return self.gradients.advise(**({} if target is None else {"target": target}))


def advised(
    advice: LayerAdvice, make: Callable[[Any], optax.GradientTransformation]
) -> optax.GradientTransformationExtraArgs:
    """Return one transformation in which each leaf has the sketch sizes that were advised.

    Parameters
    ----------
    advice : oco.ranks.LayerAdvice
        From `TreeWatch.advise`.
    make : callable
        Of ``k``, a tuple of one for each axis: the transformation with these sizes.  For leaves
        without advice, vectors above all, it is called with 2, which is no larger than any.

    Returns
    -------
    optax.GradientTransformationExtraArgs
        `optax.multi_transform` of one transformation for each tuple of sizes.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from oco.integrations.optax import s_shampoo
    >>> params = {"kernel": jnp.zeros((12, 30)), "bias": jnp.zeros(30)}
    >>> watch = TreeWatch(k=8)
    >>> watch.look(jax.tree.map(jnp.ones_like, params))
    >>> optimizer = advised(watch.advise(), lambda k: s_shampoo(1e-3, k=k))
    >>> sorted(optimizer.init(params).inner_states)
    ['(2, 2)', '2']
    """
    sizes = {name: str(k) for name, k in advice.sizes.items()}
    made: dict[str, Any] = {str(k): make(k) for k in {*advice.sizes.values()}}
    made["2"] = make(2)

    def labels(params):
        found = [sizes.get(name, "2") for name in _names(params)]
        return jax.tree.unflatten(jax.tree.structure(params), found)

    return optax.multi_transform(made, labels)


def _names(tree) -> list[str]:
    paths = (path for path, _ in jax.tree_util.tree_leaves_with_path(tree))
    return [jax.tree_util.keystr(path, simple=True, separator="/") for path in paths]
