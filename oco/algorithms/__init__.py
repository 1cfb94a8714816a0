"""Learners: each plays `learner.x` and absorbs a gradient with `learner.update(g)`."""

from oco.algorithms.ada_fd import ada_fd
from oco.algorithms.adagrad import adagrad
from oco.algorithms.adagrad_norm import adagrad_norm
from oco.algorithms.full_adagrad import full_adagrad
from oco.algorithms.mirror_descent import Diagnostics, MirrorDescent, Preconditioner
from oco.algorithms.ogd import ogd
from oco.algorithms.s_adagrad import s_adagrad

__all__ = [
    "ALGORITHMS",
    "Diagnostics",
    "MirrorDescent",
    "Preconditioner",
    "ada_fd",
    "adagrad",
    "adagrad_norm",
    "full_adagrad",
    "ogd",
    "s_adagrad",
]

ALGORITHMS = {
    "ogd": ogd,
    "adagrad-norm": adagrad_norm,
    "adagrad": adagrad,
    "full-adagrad": full_adagrad,
    "s-adagrad": s_adagrad,
    "ada-fd": ada_fd,
}
