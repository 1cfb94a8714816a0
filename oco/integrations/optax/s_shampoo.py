"""S-Shampoo, and Shampoo, for Optax.

V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from oco.integrations.optax import steps
from oco.integrations.optax.averages import Averages, Weights
from oco.integrations.optax.decompositions import highest
from oco.integrations.optax.factors import Exact, Sketched
from oco.integrations.optax.leaves import check_leaves, check_shapes
from oco.integrations.optax.options import checked, known
from oco.integrations.optax.plan import Plan, make_plan
from oco.shampoo import (
    AVERAGE,
    BETAS,
    EPS,
    EPSILON,
    EXPONENT,
    GRAFT,
    MATRIX_RATE,
    MAX_AXIS,
    MOMENTUM,
    NESTEROV,
    SKETCH_SIZE,
    TAIL,
    UPDATE_EVERY,
)

__all__ = ["ScaleBySShampooState", "s_shampoo", "scale_by_s_shampoo"]

# How many shapes an error lists.
SHOWN = 4


class ScaleBySShampooState(NamedTuple):
    """What S-Shampoo keeps, in arrays alone.

    Attributes
    ----------
    steps, skipped : Array of int32, of shape (leaves,)
        How many gradients of each leaf were used, in the order of `jax.tree.leaves`; and how many
        were not, since they or what would follow from them was not finite.
    weights : Weights
        What averages are divided by.
    first, second, momentum : pytree
        Like the parameters: m, v and what momentum averages, with None in the place of what is not
        needed.
    factors : tuple of tuple of Exact or Sketched
        For all blocks of one shape, stacked, the factor of each side.
    """

    steps: jax.Array
    skipped: jax.Array
    weights: Weights
    first: Any
    second: Any
    momentum: Any
    factors: tuple[tuple[Exact | Sketched, ...], ...]


def scale_by_s_shampoo(
    k=SKETCH_SIZE,
    *,
    betas: tuple[float, float] = BETAS,
    eps: float = EPS,
    epsilon: float = EPSILON,
    momentum: float = MOMENTUM,
    graft: str = GRAFT,
    update_every: int = UPDATE_EVERY,
    start_step: int = 1,
    max_axis: int | None = MAX_AXIS,
    bias_correction: bool = True,
    tail: str = TAIL,
    exponent: str = EXPONENT,
    average: str = AVERAGE,
    nesterov: bool = NESTEROV,
    matrix_rate: float = MATRIX_RATE,
    statistics_every: int | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""Scale updates by S-Shampoo: U = L̂^{-1/4} G R̂^{-1/4} from sketched factors.

    Parameters
    ----------
    k : int, None, or tuple of these
        Sketch size ≥ 2: k − 1 directions are kept for each axis.  One number, or one for each axis
        of every matrix and tensor.  None keeps exact covariances, Shampoo, as short axes always
        have them: see `oco.shampoo.layout`.
    betas : (float, float)
        β₁ in [0, 1) of the graft "adam"; β₂ in (0, 1] of the covariances and of v, where 1 sums
        without forgetting.
    eps : float
        > 0, added to the root of v.
    epsilon : float
        ≥ 0, relative to the largest eigenvalue of each factor, added to its eigenvalues.
    momentum : float
        μ in [0, 1), of an average.
    graft : {"rmsprop", "adam", "sgd", "unit", "none"}
        Whose step gives the preconditioned gradient its length.
    update_every : int
        s ≥ 1: roots of exact factors are made in steps 1, 1 + φ, 1 + φ + s, 1 + φ + 2s, ..., where
        φ counts the matrices and tensors before this leaf, in the order of `jax.tree.leaves`:
        refreshes spread over the steps.
    start_step : int
        ≥ 1, the first step whose gradient is preconditioned; before, the graft's own step is made.
    max_axis : int or None
        A longer axis is cut into blocks of this length, each with a preconditioner of its own.
    bias_correction : bool
        Whether the averages are divided by what they would be for a constant 1.
    tail : {"escaped", "half", "mean"}
        What stands for the eigenvalues that a sketch does not have.
    exponent : {"shampoo", "shampoo2"}
        Each factor's power: −1/(2p), or −1/p.
    average : {"step", "gradient"}
        What momentum averages.
    nesterov : bool
        Whether the newest step, or gradient, is taken into its average once more.
    matrix_rate : float
        > 0, by which the updates of matrices and tensors are multiplied.
    statistics_every : int or None
        r, a divisor of s: covariances and sketches absorb the gradient in each step in which roots
        are made, and 0, r, 2r, ... < s steps after it; the root of a sketch is made anew with it.
        None is s/5, rounded down, at least 1.

    Returns
    -------
    optax.GradientTransformationExtraArgs
        Its `init` and `update` refuse leaves that are empty or not of floating-point numbers by
        name.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range.

    Notes
    -----
    The options, their defaults and the mathematics are those of
    `oco.integrations.torch.SShampoo` and `oco.optimizers.s_shampoo`, whose steps it makes where
    these have ``refresh="direct"``: sketches are Frequent Directions here in any case.  Leaves with
    fewer than two axes longer than 1 take the step of rmsprop, or of adam where that is the graft.

    Blocks of one shape are decomposed together, about as many in one call as are due in a step; an
    `update_every` that is an array makes that one at a time.

    An update is made wholly or not at all.  A gradient is skipped if it is not finite or so long
    that sums of its squares may overflow, if a decomposition fails in every way, or if the update
    would not be finite: of that leaf nothing changes but the count `skipped`, and the update is 0.

    `eps`, `epsilon`, `momentum`, `matrix_rate`, `update_every` and `start_step` may be arrays, for
    one with `optax.inject_hyperparams`; `k`, `max_axis` and `statistics_every` must then be in its
    ``static_args``.

    References
    ----------
    .. [1] V. Gupta, T. Koren, Y. Singer, *Shampoo: preconditioned stochastic tensor optimization*,
       ICML 2018.
    .. [2] V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
       regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764.

    Examples
    --------
    >>> transformation = optax.chain(
    ...     optax.clip_by_global_norm(1.0), scale_by_s_shampoo(k=2), optax.scale(-0.1)
    ... )
    >>> state = transformation.init({"weight": jnp.ones((4, 6)), "bias": jnp.ones(4)})
    >>> state[1].factors[0][1].directions.shape
    (1, 6, 1)
    """
    return _transformation({**locals(), "weight_decay": 0.0})


def s_shampoo(
    learning_rate: optax.ScalarOrSchedule,
    k=SKETCH_SIZE,
    *,
    betas: tuple[float, float] = BETAS,
    eps: float = EPS,
    epsilon: float = EPSILON,
    momentum: float = MOMENTUM,
    graft: str = GRAFT,
    weight_decay: float = 0.0,
    update_every: int = UPDATE_EVERY,
    start_step: int = 1,
    max_axis: int | None = MAX_AXIS,
    bias_correction: bool = True,
    tail: str = TAIL,
    exponent: str = EXPONENT,
    average: str = AVERAGE,
    nesterov: bool = NESTEROV,
    matrix_rate: float = MATRIX_RATE,
    statistics_every: int | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""S-Shampoo with a learning rate and decoupled weight decay: w ← (1 − ηλ) w − η U.

    Parameters
    ----------
    learning_rate : float or schedule
        η ≥ 0.
    weight_decay : float
        λ ≥ 0; `update` then needs the parameters.  A leaf whose gradient is skipped is not decayed.
    k, betas, eps, epsilon, momentum, graft, update_every, start_step, max_axis, bias_correction
        As for `scale_by_s_shampoo`.
    tail, exponent, average, nesterov, matrix_rate, statistics_every
        As there.

    Returns
    -------
    optax.GradientTransformationExtraArgs

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range.

    Examples
    --------
    >>> params = {"weight": jnp.ones((4, 6))}
    >>> optimizer = s_shampoo(0.1, k=3, update_every=1)
    >>> state = optimizer.init(params)
    >>> gradient = jax.grad(lambda params: jnp.sum(params["weight"] ** 2))
    >>> step = jax.jit(optimizer.update)
    >>> for _ in range(50):
    ...     updates, state = step(gradient(params), state, params)
    ...     params = optax.apply_updates(params, updates)
    >>> bool(jnp.sum(params["weight"] ** 2) < 1.0)
    True
    """
    options = locals()
    learning_rate = options.pop("learning_rate")
    if not callable(learning_rate):
        learning_rate = checked({"lr": learning_rate})["lr"]
    scale = _transformation(options)
    return optax.chain(scale, optax.scale_by_learning_rate(learning_rate))


def _transformation(options: dict) -> optax.GradientTransformationExtraArgs:
    options = checked(options)
    decays = not known(options["weight_decay"]) or options["weight_decay"] > 0

    def init(params):
        plan, leaves = _planned("params", params, options)
        return _state(steps.fresh(plan, leaves, options), jax.tree.structure(params))

    def update(updates, state, params=None, **extra):
        del extra
        if decays and params is None:
            raise ValueError("params: expected the parameters, for their weight decay, got None")
        plan, leaves = _planned("updates", updates, options)
        structure = jax.tree.structure(updates)
        kept = _checked(state, structure, plan, leaves, options)
        if not leaves:
            return updates, state
        with highest():
            moves, kept, used = steps.step(plan, kept, leaves, options)
        if decays:
            check_shapes("params", params, (leaf.shape for leaf in leaves))
            decay = options["weight_decay"]
            moves = [
                jnp.where(good, move + decay * weight, move).astype(move.dtype)
                for good, move, weight in zip(used, moves, jax.tree.leaves(params), strict=True)
            ]
        return jax.tree.unflatten(structure, moves), _state(kept, structure)

    return optax.GradientTransformationExtraArgs(init, update)


def _planned(name: str, tree, options: dict) -> tuple[Plan, list[jax.Array]]:
    leaves = check_leaves(name, tree)
    paths = jax.tree_util.tree_leaves_with_path(tree)
    names = [name + jax.tree_util.keystr(path) for path, _ in paths]
    return make_plan(names, leaves, options["k"], options["max_axis"]), leaves


def _checked(state, structure, plan: Plan, leaves: list[jax.Array], options: dict) -> steps.Kept:
    """Return what a state keeps, or refuse one that `init` would not have made for such leaves."""
    if not isinstance(state, ScaleBySShampooState):
        raise TypeError(f"state: expected a ScaleBySShampooState, got {type(state).__name__}")
    count = len(state.steps)
    if len(leaves) != count:
        raise ValueError(f"updates: expected {count} leaves as at the start, got {len(leaves)}")
    fresh = jax.eval_shape(lambda: steps.fresh(plan, leaves, options))
    try:
        kept = _kept(state, structure)
    except ValueError as error:
        raise ValueError(f"updates: expected a tree like that at the start: {error}") from error
    if jax.tree.map(jnp.shape, kept) != jax.tree.map(jnp.shape, fresh):
        shapes = ", ".join(str(leaf.shape) for leaf in leaves[:SHOWN]) + ", ..." * (count > SHOWN)
        raise ValueError(
            f"updates: expected the shapes and options that the state was made for, got {shapes}"
        )
    return kept


def _state(kept: steps.Kept, structure) -> ScaleBySShampooState:
    trees = [jax.tree.unflatten(structure, column) for column in zip(*kept.averages, strict=True)]
    if not kept.averages:
        trees = [jax.tree.unflatten(structure, []) for _ in Averages._fields]
    first, second, momentum = trees
    return ScaleBySShampooState(
        kept.steps, kept.skipped, kept.weights, first, second, momentum, kept.factors
    )


def _kept(state: ScaleBySShampooState, structure) -> steps.Kept:
    # What was loaded may be NumPy's.
    state = jax.tree.map(jnp.asarray, state)
    columns = map(structure.flatten_up_to, (state.first, state.second, state.momentum))
    rows = [Averages(*row) for row in zip(*columns, strict=True)]
    return steps.Kept(state.steps, state.skipped, state.weights, rows, state.factors)
