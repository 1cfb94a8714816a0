"""S-Shampoo, and Shampoo, as a ``torch.optim.Optimizer``."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch

from oco.integrations.torch.batches import Batch, current, stacked
from oco.integrations.torch.diagnostics import diagnostics
from oco.integrations.torch.loading import (
    OPTIONS,
    check_gradients,
    check_parameters,
    check_statistics,
    checked,
    different,
    loadable,
    parameter_name,
    renamed,
)
from oco.integrations.torch.sharding import is_spread
from oco.integrations.torch.state import Workspace, statistics_bytes, tensor_bytes
from oco.integrations.torch.steps import step
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
    RATE,
    SKETCH_SIZE,
    TAIL,
    UPDATE_EVERY,
)

__all__ = ["SShampoo"]

# The options that decide which factors there are; their statistics cannot be turned into others.
FACTORS = ("k", "max_axis")


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
    graft : {"rmsprop", "adam", "sgd", "unit", "none"}
        Whose step gives the preconditioned gradient its length.  "unit" keeps nothing for that: the
        root mean square of the step's entries is 1.
    weight_decay : float
        ≥ 0, decoupled: each step multiplies the parameter by 1 − lr·weight_decay.
    update_every : int
        s ≥ 1: the covariances absorb the gradients of steps 1, 1 + φ, 1 + φ + s, 1 + φ + 2s, ...,
        where φ counts the matrices and tensors before this one: refreshes spread over the steps.
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
    maximize : bool
        Whether steps climb.
    foreach : bool or None
        Unless False, small parameters of one shape are stacked and stepped together.
    differentiable : bool
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
    of the graft's step: g (sgd), √N g/‖g‖ for N entries (unit), g/(√v̂ + eps) (rmsprop),
    m̂/(√v̂ + eps) (adam).  Vectors and scalars take the step of rmsprop, or of adam where that is the
    graft.  At last b ← μ b + (1 − μ) U and w ← (1 − lr·weight_decay) w − lr b/(1 − μ^t).

    With ``average="gradient"``, b ← μ b + (1 − μ) g, x = b/(1 − μ^t) takes the place of g in U and
    in the graft, and w ← (1 − lr·weight_decay) w − lr U.  With `nesterov` an average a of y is
    replaced by μ a + (1 − μ) y.

    Parameters may be cut into shards (`torch.distributed.fsdp.fully_shard`, DTensor; PyTorch 2.6):
    averages are then cut alike and factors by rows, each matrix is worked on by one process, and
    what comes of it is what one process alone comes to.

    A gradient is skipped if it is not finite or so long that sums of its squares may overflow, or
    if a weight would not be finite after the step: of that parameter nothing is touched, and its
    state's ``skipped`` counts it.

    Every option may be changed between steps but `k` and `max_axis`, which decide what
    statistics there are.  An average begins when an option first needs it.  Where β or μ changes,
    1 − ∏ β_t and 1 − ∏ μ_t take the place of 1 − β^t and 1 − μ^t, and Σ_s ∏_{r>s} β_r that of
    (1 − β₂^a)/(1 − β₂).

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
        lr: float = RATE,
        *,
        k=SKETCH_SIZE,
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
        momentum_dtype: torch.dtype | str | None = None,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "k": k,
            "betas": betas,
            "eps": eps,
            "epsilon": epsilon,
            "momentum": momentum,
            "graft": graft,
            "weight_decay": weight_decay,
            "update_every": update_every,
            "start_step": start_step,
            "max_axis": max_axis,
            "bias_correction": bias_correction,
            "tail": tail,
            "exponent": exponent,
            "average": average,
            "nesterov": nesterov,
            "matrix_rate": matrix_rate,
            "momentum_dtype": momentum_dtype,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
        }
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
        states = {}

        def check(_, final: dict) -> dict:
            groups, found = loadable(self.param_groups, final)
            states.update(found)
            return {**final, "state": {}, "param_groups": groups}

        def restore(_) -> None:
            self.state.update(states)

        # PyTorch would cast the state to the parameters' types; statistics have types of their own.
        handles = (
            self.register_load_state_dict_pre_hook(check),
            self.register_load_state_dict_post_hook(restore, prepend=True),
        )
        try:
            super().load_state_dict(state_dict)
        finally:
            for handle in handles:
                handle.remove()

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
        TypeError, ValueError
            If a gradient is sparse or not of a real floating-point type, or if an option has been
            changed to something bad, or to another k or max_axis than that of the statistics;
            no parameter has then been touched.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._check_options()
        check_gradients(self.param_groups)
        places = None
        for g, group in enumerate(self.param_groups):
            parameters = [p for p in group["params"] if p.grad is not None]
            batches = self._batches.get(g, [])
            if not current(batches, parameters, group, self.state):
                places = places or self._places()
                batches = self._batches[g] = stacked(parameters, group, self.state, places)
            for batch in batches:
                if not is_spread(batch.parameters[0]):
                    step([batch], group, self._workspace)
            step([b for b in batches if is_spread(b.parameters[0])], group, self._workspace)
        return loss

    def _places(self) -> dict:
        """Return the place of each parameter among those that have factors, and among all."""
        everyone = [p for group in self.param_groups for p in group["params"]]
        phases = itertools.accumulate(
            (sum(n > 1 for n in p.shape) >= 2 for p in everyone), initial=0
        )
        return {p: (phase, i) for i, (p, phase) in enumerate(zip(everyone, phases, strict=False))}

    def _check_options(self) -> None:
        """Check the options that are new since the last step, and make their types plain."""
        known = []
        if len(self._checked) > len(self.param_groups):
            # A group was taken away: which options were whose is not known any more.
            self._checked = []
        for g, group in enumerate(self.param_groups):
            before = self._checked[g] if g < len(self._checked) else None
            options = {name: group.get(name, self.defaults[name]) for name in OPTIONS}
            if before is None or different(options, before):
                options = checked(options)
                if before is None or any(options[name] != before[name] for name in FACTORS):
                    names = [parameter_name(group, g, i) for i in range(len(group["params"]))]
                    check_parameters(names, group["params"], options["k"])
                    check_statistics(names, group, options, self.state, before)
            known.append(options)
        for group, options in zip(self.param_groups, known, strict=True):
            group.update(options)
        self._checked = known
