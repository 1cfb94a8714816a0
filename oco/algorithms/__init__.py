"""Learners: each plays `learner.x` and absorbs a gradient with `learner.update(g)`."""

from collections.abc import Callable
from typing import Any

from oco.algorithms.ada_fd import ada_fd
from oco.algorithms.adagrad import adagrad
from oco.algorithms.adagrad_norm import adagrad_norm
from oco.algorithms.adam import adam
from oco.algorithms.da_diagonal import da_diagonal
from oco.algorithms.da_full import da_full
from oco.algorithms.da_norm import da_norm
from oco.algorithms.dual_averaging import DualAveraging, DualDiagnostics, Statistic
from oco.algorithms.experts import Experts, ExpertsDiagnostics, experts
from oco.algorithms.fd_son import fd_son
from oco.algorithms.ftsl import ftsl
from oco.algorithms.full_adagrad import full_adagrad
from oco.algorithms.hedge import ExponentiatedGradient, HedgeDiagnostics, hedge
from oco.algorithms.kronecker import KroneckerRoot
from oco.algorithms.kronecker_descent import KroneckerDescent, KroneckerDiagnostics
from oco.algorithms.mirror_descent import Diagnostics, MirrorDescent, Preconditioner
from oco.algorithms.newton import Newton, NewtonDiagnostics
from oco.algorithms.ogd import ogd
from oco.algorithms.one_sided_shampoo import one_sided_shampoo
from oco.algorithms.ons import ons
from oco.algorithms.rfd_son import rfd_son
from oco.algorithms.s_adagrad import s_adagrad
from oco.algorithms.s_one_sided import s_one_sided
from oco.algorithms.s_ons import s_ons
from oco.algorithms.s_shampoo import s_shampoo
from oco.algorithms.shampoo import shampoo

__all__ = [
    "ALGORITHMS",
    "Diagnostics",
    "DualAveraging",
    "DualDiagnostics",
    "Experts",
    "ExpertsDiagnostics",
    "ExponentiatedGradient",
    "HedgeDiagnostics",
    "KroneckerDescent",
    "KroneckerDiagnostics",
    "KroneckerRoot",
    "MirrorDescent",
    "Newton",
    "NewtonDiagnostics",
    "Preconditioner",
    "Statistic",
    "ada_fd",
    "adagrad",
    "adagrad_norm",
    "adam",
    "da_diagonal",
    "da_full",
    "da_norm",
    "experts",
    "fd_son",
    "ftsl",
    "full_adagrad",
    "hedge",
    "ogd",
    "one_sided_shampoo",
    "ons",
    "rfd_son",
    "s_adagrad",
    "s_one_sided",
    "s_ons",
    "s_shampoo",
    "shampoo",
]

ALGORITHMS: dict[str, Callable[..., Any]] = {
    "ogd": ogd,
    "adagrad-norm": adagrad_norm,
    "adagrad": adagrad,
    "full-adagrad": full_adagrad,
    "s-adagrad": s_adagrad,
    "ada-fd": ada_fd,
    "da-norm": da_norm,
    "da-diagonal": da_diagonal,
    "da-full": da_full,
    "ftsl": ftsl,
    "ons": ons,
    "s-ons": s_ons,
    "rfd-son": rfd_son,
    "fd-son": fd_son,
    "hedge": hedge,
    "adam": adam,
    "shampoo": shampoo,
    "s-shampoo": s_shampoo,
    "one-sided-shampoo": one_sided_shampoo,
    "s-one-sided": s_one_sided,
}
