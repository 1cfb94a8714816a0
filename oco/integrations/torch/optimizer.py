"""S-Shampoo, and Shampoo, as a ``torch.optim.Optimizer``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from oco.integrations.torch.batches import Batch, current, places_of, stacked
from oco.integrations.torch.checking import (
    OPTIONS,
    check_capture,
    check_gradients,
    check_parameters,
    checked,
    parameter_name,
)
from oco.integrations.torch.diagnostics import diagnostics
from oco.integrations.torch.loading import renamed, taken_options, type_for_type
from oco.integrations.torch.sharding import is_spread
from oco.integrations.torch.state import Workspace, statistics_bytes, tensor_bytes
from oco.integrations.torch.steps import step
from oco.shampoo import recipe

__all__ = ["SShampoo"]


class SShampoo(torch.optim.Optimizer):
    r"""Shampoo with sketched factors: k(m + n) numbers for an m × n weight instead of m² + n².

    Parameters
    ----------
    params : iterable
        Parameters or groups of them, as for any optimizer of PyTorch: float32, bfloat16 or float16
        (with statistics in float32), or float64 (in float64).
    lr : float
        Learning rate ≥ 0.
    k : int, None, or sequence of these
        Sketch size ≥ 2: k − 1 directions are kept for each axis.  One number, or one for each axis
        of the parameter.  None, or an axis no longer than 2k, keeps the exact covariance: Shampoo.
    betas : (float, float)
        β₁ in [0, 1), decay of the first moment, which only ``graft="adam"`` uses; β₂ in (0, 1],
        decay of the covariances and the second moment, where 1 sums without forgetting.
    eps : float
        > 0, added to the root of the second moment.
    epsilon : float
        ≥ 0, relative to the largest eigenvalue of each factor, added to its eigenvalues.
    momentum : float
        μ in [0, 1), of an average.
    graft : {"unit", "rmsprop", "adam", "adafactor", "sgd", "none"}
        Whose step gives the preconditioned gradient its length.  "unit" keeps nothing for that: the
        root mean square of the step's entries is 1.  "adafactor" keeps means along the axes.
    weight_decay : float
        ≥ 0, decoupled: each step multiplies the parameter by 1 − lr·weight_decay.
    update_every : int
        s ≥ 1: roots of exact factors are made in steps 1, 1 + φ, 1 + φ + s, 1 + φ + 2s, ..., where
        φ counts the matrices and tensors before this one: refreshes spread over the steps.
    start_step : int
        ≥ 1, the first step whose gradient is preconditioned; before, the graft's own step is made.
    max_axis : int or None
        A longer axis is cut into blocks of this length, each with a preconditioner of its own.
    bias_correction : bool
        Whether the averages are divided by what they would be for a constant 1.
    tail : {"escaped", "half", "mean"}
        What stands for the eigenvalues that a sketch does not have: τ; half of it, also inside the
        sketch; or the mean of what the sketch misses, at most τ.  Only "escaped" keeps C̃ ⪰ C, and
        with it the theorem.
    exponent : {"shampoo", "shampoo2"}
        Each factor's power: −1/(2p), or −1/p, which leaves the theorem, too.
    average : {"step", "gradient"}
        What momentum averages: steps; or gradients, whose average is then preconditioned, while
        statistics absorb the gradients themselves.
    nesterov : bool
        Whether the newest step, or gradient, is taken into its average once more.
    matrix_rate : float
        > 0, by which `lr` is multiplied for matrices and tensors; not for weight decay.
    momentum_dtype : torch.bfloat16 or None
        What momentum's average is kept in, in half of the memory: after each step it is rounded up
        or down at random, so that it is the same on average.  The draws are a matter of the
        parameter's place, its count of steps and the entry.  None keeps the statistics' type.
    sides : {"both", "shorter"}
        Whether each axis has a factor, or the shortest alone, with e = ½ (one-sided Shampoo).
    refresh : {"direct", "subspace"}
        How sketches are made: from the eigenvectors of a Gram matrix (Frequent Directions), or, in
        less time, by products alone, warm-started from the directions of before; each escape is
        then at most what it stands for, τ is an estimate, and the theorem is left.
    statistics : {"gradient", "average"}
        What factors absorb: g, or x, which has in it what came between two refreshes.
    statistics_every : int or None
        r, a divisor of s: covariances and sketches absorb the gradient in each step in which roots
        are made, and 0, r, 2r, ... < s steps after it.  None is s/5, rounded down, at least 1.
    long_axes : {"blocks", "factored"}
        Whether a parameter with an axis beyond `max_axis` is cut, or (an embedding, a head) has no
        factors and takes the step x/(√v̂ + eps) with Adafactor's second moment.
    maximize : bool
        Whether steps climb.
    foreach : bool or None
        Unless False, small parameters of one shape are stacked and stepped together.
    differentiable, capturable : bool
        Only False is possible.

    Attributes
    ----------
    skipped : int
        How many gradients could not be used; what that means for them is said below.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range or a parameter cannot be optimized.

    Notes
    -----
    For a parameter whose p ≥ 2 axes are longer than 1, with M_(i) the gradient unfolded along
    axis i: C_i ← β₂ C_i + M_(i) M_(i)ᵀ, exactly or by Frequent Directions, whose estimate is
    C̃_i = C̄_i + τ_i I (or what `tail` says); c = (1 − β₂)/(1 − β₂^a) after a absorbed gradients,
    or 1 if β₂ = 1; and

    U = G ×_1 (c C̃_1 + ε λ_max(c C̃_1) I)^{−e} ×_2 ... ×_p (c C̃_p + ε λ_max(c C̃_p) I)^{−e},

    with e = 1/(2p) or 1/p, an eigenvalue 0 being inverted to 0, then rescaled to the Frobenius norm
    of the graft's step: g (sgd), √N g/‖g‖ for N entries (unit), g/(√v̂ + eps) (rmsprop), the same
    with (r_1 ⊗ ... ⊗ r_p)/r̄^(p−1) for v, r_i the mean of v over all axes but i and r̄ over all
    (adafactor), m̂/(√v̂ + eps) (adam).  Vectors and scalars take the step of rmsprop, or of adam
    where that is the graft.  At last b ← μ b + (1 − μ) U and
    w ← (1 − lr·weight_decay) w − lr b/(1 − μ^t).

    With ``average="gradient"``, b ← μ b + (1 − μ) g, x = b/(1 − μ^t) takes the place of g in U and
    in the graft, and w ← (1 − lr·weight_decay) w − lr U.  With `nesterov` an average a of y is
    replaced by μ a + (1 − μ) y.

    Parameters may be cut into shards (`torch.distributed.fsdp.fully_shard`, DTensor; PyTorch 2.6):
    averages are then cut alike and factors by rows, each matrix is worked on by one process, and
    what comes of it is what one process alone comes to.

    A gradient is skipped if it is not finite or so long that sums of its squares may overflow, or
    if a weight would not be finite after the step: of that parameter nothing is touched, and its
    state's ``skipped`` counts it.

    Every option may be changed between steps but `k`, `max_axis`, `sides` and `long_axes`, which
    decide what statistics there are.  An average begins when an option first needs it.  Where β or
    μ changes, 1 − ∏ β_t and 1 − ∏ μ_t take the place of 1 − β^t and 1 − μ^t, and Σ_s ∏_{r>s} β_r
    that of (1 − β₂^a)/(1 − β₂).

    References
    ----------
    .. [1] V. Gupta, T. Koren, Y. Singer, *Shampoo: preconditioned stochastic tensor optimization*,
       ICML 2018.
    .. [2] V. Feinberg, X. Chen, Y. J. Sun, R. Anil, E. Hazan, *Sketchy: memory-efficient adaptive
       regularization with frequent directions*, NeurIPS 2023, arXiv:2302.03764.
    .. [3] N. Agarwal, R. Anil, E. Hazan, T. Koren, C. Zhang, *Disentangling adaptive gradient
       methods from learning rates*, arXiv:2002.11803 (grafting).

    Examples
    --------
    >>> target = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    >>> weight = torch.nn.Parameter(torch.zeros(4, 6))
    >>> optimizer = SShampoo([weight], lr=0.05, k=3, update_every=1)
    >>> for _ in range(60):
    ...     optimizer.zero_grad()
    ...     loss = (weight - target).square().sum()
    ...     loss.backward()
    ...     optimizer.step()
    >>> bool(loss < 0.2 * target.square().sum())
    True
    """

    # As PyTorch has it, for checkers that see none.
    defaults: dict[str, Any]

    def __init__(
        self,
        params,
        lr: float = recipe.RATE,
        *,
        k=recipe.SKETCH_SIZE,
        betas: tuple[float, float] = recipe.BETAS,
        eps: float = recipe.EPS,
        epsilon: float = recipe.EPSILON,
        momentum: float = recipe.MOMENTUM,
        graft: str = recipe.GRAFT,
        weight_decay: float = 0.0,
        update_every: int = recipe.UPDATE_EVERY,
        start_step: int = 1,
        max_axis: int | None = recipe.MAX_AXIS,
        bias_correction: bool = True,
        tail: str = recipe.TAIL,
        exponent: str = recipe.EXPONENT,
        average: str = recipe.AVERAGE,
        nesterov: bool = recipe.NESTEROV,
        matrix_rate: float = recipe.MATRIX_RATE,
        momentum_dtype: torch.dtype | str | None = None,
        sides: str = "both",
        refresh: str = recipe.REFRESH,
        statistics: str = "gradient",
        statistics_every: int | None = None,
        long_axes: str = "blocks",
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        given = locals()
        defaults = {name: given[name] for name in OPTIONS}
        super().__init__(params, checked(defaults))
        self._begin()

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        # An optimizer that was pickled before there was some option, or when it had another name.
        for group in self.param_groups:
            found = renamed(group)
            group.clear()
            group.update(found)
        self.defaults = {**(SShampoo.__init__.__kwdefaults__ or {}), **renamed(self.defaults)}
        self._begin()

    def _begin(self) -> None:
        """Make what is not part of the state: room to work in, and which options were checked."""
        self._workspace = Workspace()
        self._batches: dict[int, list[Batch]] = {}
        self._checked: list[dict] = []

    @property
    def skipped(self) -> int:
        """How many gradients were not finite, over all parameters."""
        return sum(int(state["skipped"]) for state in self.state.values())

    @property
    def state_bytes(self) -> int:
        """Memory of all tensors in the state but counts and other scalars, in bytes."""
        return sum(tensor_bytes(state) for state in self.state.values())

    @property
    def second_moment_bytes(self) -> int:
        """Memory of the second-moment statistics, in bytes.

        Covariances or sketches, and the diagonal second moment of vectors; neither the momentum,
        nor what a graft needs, nor the inverse roots that are made from the statistics.
        """
        return sum(statistics_bytes(state) for state in self.state.values())

    def diagnostics(self, model: torch.nn.Module | None = None) -> dict[str, float]:
        """Return numbers to watch, for a logger that takes names and values.

        Parameters
        ----------
        model : torch.nn.Module, optional
            Whose names parameters go by; otherwise by their place.

        Returns
        -------
        dict of str to float
            ``skipped``; and for each sketched axis ``<parameter>/<axis>/escaped``, the share of the
            covariance's trace that the sketch does not hold, in [0, 1], and ``…/largest``, its
            largest eigenvalue, in squared units of the gradient.  Of a parameter that is cut into
            blocks, over all of them; of sharded parameters nothing but ``skipped``.

        Examples
        --------
        >>> model = torch.nn.Linear(9, 20, bias=False)
        >>> optimizer = SShampoo(model.parameters(), k=3)
        >>> model(torch.eye(9)).sum().backward()
        >>> optimizer.step()
        >>> {name: round(value, 3) for name, value in optimizer.diagnostics(model).items()}
        {'skipped': 0.0, 'weight/0/escaped': 0.0, 'weight/0/largest': 180.0,
         'weight/1/escaped': 0.0, 'weight/1/largest': 180.0}
        """
        return diagnostics(self, model)

    def add_param_group(self, param_group: dict) -> None:
        """Add parameters with options of their own.

        Raises
        ------
        TypeError, ValueError
            If an option or a parameter is bad; nothing has then been added.
        """
        if isinstance(param_group, dict) and not isinstance(param_group.get("params"), set):
            group = checked({**self.defaults, **param_group})
            params = group["params"]
            group["params"] = [params] if isinstance(params, torch.Tensor) else list(params)
            named = [entry for entry in group["params"] if isinstance(entry, tuple)]
            if named and len(named) == len(group["params"]):
                names = [name for name, _ in named]
                tensors = [tensor for _, tensor in named]
            else:
                tensors, place = group["params"], len(self.param_groups)
                names = [parameter_name(group, place, i) for i in range(len(tensors))]
            check_parameters(names, tensors, group["k"])
            param_group = group
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict: dict) -> None:
        """Load what `state_dict` gave; training then goes on bit for bit as it would have.

        Hooks may change what is loaded before it is looked at, and afterwards what was loaded.
        Options that it does not have stay as they are, and averages that it has beyond those that
        the options need are kept.

        Raises
        ------
        TypeError, ValueError
            If it is from another optimizer, or from parameters of other shapes or another k, or
            if something in it is not finite; nothing has then been loaded.
        """
        if not isinstance(state_dict, dict):
            raise ValueError("state_dict: expected a dictionary with the key 'state'")
        with type_for_type(self):
            super().load_state_dict(state_dict)

    @torch.no_grad()
    def step(self, closure: Callable | None = None):
        """Make one step.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients, and returns the loss.

        Returns
        -------
        The loss, or None without a closure.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            If a gradient is sparse or not of a real floating-point type, an option has been changed
            to something bad or to other factors than those of the statistics, or a CUDA graph is
            being captured; nothing has then been touched.
        """
        check_capture()
        with torch.enable_grad():
            loss = closure() if closure is not None else None
        self._checked = taken_options(self.param_groups, self.defaults, self.state, self._checked)
        check_gradients(self.param_groups)
        places = None
        for g, group in enumerate(self.param_groups):
            parameters = [p for p in group["params"] if p.grad is not None]
            batches = self._batches.get(g, [])
            if not current(batches, parameters, group, self.state):
                places = places or places_of(self.param_groups)
                batches = self._batches[g] = stacked(parameters, group, self.state, places)
            for batch in batches:
                if not is_spread(batch.parameters[0]):
                    step([batch], group, self._workspace)
            step([b for b in batches if is_spread(b.parameters[0])], group, self._workspace)
        return loss
