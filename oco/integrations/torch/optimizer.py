"""S-Shampoo, and Shampoo, as a ``torch.optim.Optimizer``."""

from __future__ import annotations

from collections.abc import Callable

import torch

from oco.algorithms.adam import BETA1, EPS, RATE
from oco.algorithms.kronecker import EPSILON
from oco.integrations.torch import moments
from oco.integrations.torch.loading import check_state_dict, restored
from oco.integrations.torch.options import check_options, check_parameters, parameter_name
from oco.integrations.torch.preconditioner import Preconditioner, preconditioner
from oco.integrations.torch.state import (
    new_state,
    statistics_bytes,
    statistics_type,
    tensor_bytes,
)
from oco.integrations.torch.workspace import Workspace
from oco.training.optimizers import BETA2, MAX_AXIS, MOMENTUM, RANK

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
    rank : int, None, or sequence of these
        Sketch size ℓ ≥ 2: ℓ − 1 directions are kept for each axis.  One number, or one for each
        axis of the parameter.  None, or a rank that is at least the axis' length, keeps the exact
        covariance: Shampoo.
    beta1 : float
        In [0, 1), decay of the first moment; only ``graft="adam"`` uses it.
    beta2 : float
        In (0, 1], decay of the covariances and the second moment; 1 sums without forgetting.
    eps : float
        > 0, added to the root of the second moment.
    epsilon : float
        ≥ 0, relative to the largest eigenvalue of each factor, added to its eigenvalues.
    momentum : float
        μ in [0, 1), an average over updates.
    graft : {"rmsprop", "adam", "sgd", "none"}
        Whose step gives the preconditioned gradient its length.
    weight_decay : float
        ≥ 0, decoupled: each step multiplies the parameter by 1 − lr·weight_decay.
    update_every : int
        s ≥ 1: the covariances absorb the gradients of steps 1, 1 + s, 1 + 2s, ...
    start_step : int
        ≥ 1, the first step whose gradient is preconditioned; before, the graft's own step is made.
    max_axis : int or None
        A longer axis is cut into blocks of this length, each with a preconditioner of its own.
    bias_correction : bool
        Whether the averages are divided by what they would be for a constant 1.

    Attributes
    ----------
    skipped : int
        How many gradients were not finite and therefore not used.

    Raises
    ------
    TypeError, ValueError
        If an option is out of its range or a parameter cannot be optimized.

    Notes
    -----
    For a parameter whose p ≥ 2 axes are longer than 1, with M_(i) the gradient unfolded along
    axis i: C_i ← β₂ C_i + M_(i) M_(i)ᵀ, exactly or by Frequent Directions, whose estimate is
    C̃_i = C̄_i + τ_i I; c = (1 − β₂)/(1 − β₂^a) after a absorbed gradients (1 if β₂ = 1); and

    U = G ×_1 (c C̃_1 + ε λ_max(c C̃_1) I)^{−1/(2p)} ×_2 ... ×_p (c C̃_p + ε λ_max(c C̃_p) I)^{−1/(2p)},

    an eigenvalue 0 being inverted to 0, then rescaled to the Frobenius norm of the graft's step:
    g (sgd), g/(√v̂ + eps) (rmsprop), m̂/(√v̂ + eps) (adam).  Vectors and scalars take the step of
    rmsprop, or of adam where that is the graft.  At last b ← μ b + (1 − μ) U and
    w ← (1 − lr·weight_decay) w − lr b/(1 − μ^t).

    A gradient whose squared length is not finite is skipped: of that parameter nothing is touched,
    and its state's ``skipped`` counts it.

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
    >>> weight = torch.nn.Parameter(torch.ones(4, 6))
    >>> optimizer = SShampoo([weight], lr=0.1, rank=3)
    >>> for _ in range(50):
    ...     optimizer.zero_grad()
    ...     loss = weight.square().sum()
    ...     loss.backward()
    ...     optimizer.step()
    >>> bool(weight.square().sum() < 0.1)
    True
    """

    def __init__(
        self,
        params,
        lr: float = RATE,
        *,
        rank=RANK,
        beta1: float = BETA1,
        beta2: float = BETA2,
        eps: float = EPS,
        epsilon: float = EPSILON,
        momentum: float = MOMENTUM,
        graft: str = "rmsprop",
        weight_decay: float = 0.0,
        update_every: int = 1,
        start_step: int = 1,
        max_axis: int | None = MAX_AXIS,
        bias_correction: bool = True,
    ) -> None:
        defaults = {
            "lr": lr,
            "rank": rank,
            "beta1": beta1,
            "beta2": beta2,
            "eps": eps,
            "epsilon": epsilon,
            "momentum": momentum,
            "graft": graft,
            "weight_decay": weight_decay,
            "update_every": update_every,
            "start_step": start_step,
            "max_axis": max_axis,
            "bias_correction": bias_correction,
        }
        super().__init__(params, check_options(defaults))
        self._workspace = Workspace()

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        self._workspace = Workspace()

    @property
    def skipped(self) -> int:
        """How many gradients were not finite, over all parameters."""
        return sum(state["skipped"] for state in self.state.values())

    @property
    def state_bytes(self) -> int:
        """Memory of all tensors in the state, in bytes."""
        return sum(tensor_bytes(state) for state in self.state.values())

    @property
    def second_moment_bytes(self) -> int:
        """Memory of the second-moment statistics, in bytes.

        Covariances or sketches, and the diagonal second moment of vectors; neither the momentum,
        nor what a graft needs, nor the inverse roots that are made from the statistics.
        """
        return sum(statistics_bytes(state) for state in self.state.values())

    def add_param_group(self, param_group: dict) -> None:
        """Add parameters with options of their own.

        Raises
        ------
        TypeError, ValueError
            If an option or a parameter is bad; nothing has then been added.
        """
        if isinstance(param_group, dict) and not isinstance(param_group.get("params"), set):
            group = check_options({**self.defaults, **param_group})
            params = group["params"]
            group["params"] = [params] if isinstance(params, torch.Tensor) else list(params)
            named = [entry for entry in group["params"] if isinstance(entry, tuple)]
            if named and len(named) == len(group["params"]):
                names, tensors = zip(*named, strict=True)
            else:
                tensors = group["params"]
                names = [
                    parameter_name(group, len(self.param_groups), i) for i in range(len(tensors))
                ]
            check_parameters(names, tensors, group["rank"])
            param_group = group
        super().add_param_group(param_group)

    def load_state_dict(self, state_dict: dict) -> None:
        """Load what `state_dict` gave; training then goes on bit for bit as it would have.

        Raises
        ------
        TypeError, ValueError
            If it is from another optimizer, or from parameters of other shapes or another rank;
            nothing has then been loaded.
        """
        check_state_dict(self.param_groups, state_dict)
        super().load_state_dict(state_dict)
        # PyTorch has cast the state to the parameters' types; statistics have types of their own.
        for parameter, state in restored(self.param_groups, state_dict):
            self.state[parameter] = state

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
        TypeError
            If a gradient is sparse or not of a real floating-point type; no parameter has then
            been touched.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self._check_gradients()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step(parameter, group)
        return loss

    def _check_gradients(self) -> None:
        for g, group in enumerate(self.param_groups):
            for i, parameter in enumerate(group["params"]):
                gradient = parameter.grad
                if gradient is None:
                    continue
                if gradient.layout != torch.strided or not gradient.is_floating_point():
                    raise TypeError(
                        f"{parameter_name(group, g, i)}.grad: expected a dense floating-point "
                        f"gradient, got {gradient.dtype} with layout {gradient.layout}"
                    )

    def _step(self, parameter: torch.Tensor, group: dict) -> None:
        plan = preconditioner(tuple(parameter.shape), group["rank"], group["max_axis"])
        state = self.state[parameter]
        if not state:
            state.update(new_state(parameter, group, plan))
        gradient = parameter.grad.to(statistics_type(parameter.dtype))
        norm = float(torch.linalg.vector_norm(gradient))
        # The square, too, so that no statistic can overflow.
        if not norm * norm < torch.finfo(gradient.dtype).max:
            state["skipped"] += 1
            return
        state["step"] += 1
        moments.update(state, gradient, group["beta1"], group["beta2"])
        update, scale = _direction(state, gradient, norm, group, plan, self._workspace), 1.0
        if group["momentum"]:
            update = state["momentum_buffer"].lerp_(update, 1 - group["momentum"])
            if group["bias_correction"]:
                scale = 1 - group["momentum"] ** state["step"]
        if group["weight_decay"]:
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(update, alpha=-group["lr"] / scale)


def _direction(
    state: dict,
    gradient: torch.Tensor,
    norm: float,
    group: dict,
    plan: Preconditioner,
    workspace: Workspace,
) -> torch.Tensor:
    """Return U, which is not to be changed: it may be the gradient itself."""
    if plan.order < 2:
        return moments.diagonal_step(state, gradient, group)
    _absorb(state, gradient, group, plan)
    diagonal = group["graft"] in ("rmsprop", "adam")
    if state["step"] < group["start_step"]:
        return moments.diagonal_step(state, gradient, group) if diagonal else gradient
    if state["stale"]:
        plan.invert(state["factors"], _scale(state["absorbed"], group), group["epsilon"])
        state["stale"] = False
    result = workspace.copy(gradient)
    plan.apply_(state["factors"], result.squeeze())
    if group["graft"] == "none":
        return result
    wanted = moments.diagonal_length(state, gradient, group) if diagonal else norm
    ratio = wanted / torch.linalg.vector_norm(result)
    # Where the preconditioned gradient is zero, so is the update.
    return result.mul_(ratio.nan_to_num_(0.0, 0.0, 0.0))


def _absorb(state: dict, gradient: torch.Tensor, group: dict, plan: Preconditioner) -> None:
    """Absorb the gradient into the covariances where one is due."""
    if (state["step"] - 1) % group["update_every"] == 0:
        plan.absorb(state["factors"], gradient.squeeze(), group["beta2"])
        state["absorbed"] += 1
        state["stale"] = True


def _scale(absorbed: int, group: dict) -> float:
    """Return what sums with decay are multiplied by to be averages."""
    beta2 = group["beta2"]
    if beta2 == 1:
        return 1.0
    return (1 - beta2) / (1 - beta2**absorbed) if group["bias_correction"] else 1 - beta2
