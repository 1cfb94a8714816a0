"""Defaults of Shampoo and S-Shampoo, for NumPy, PyTorch and the count of their memory."""

from __future__ import annotations

__all__ = [
    "BETA1",
    "BETA2",
    "EPS",
    "EPSILON",
    "GRAFTS",
    "MAX_AXIS",
    "MOMENTUM",
    "RANK",
    "RATE",
]

# The learning rate, and the first moment's and the diagonal's constants, of Adam.
RATE, BETA1, EPS = 1e-3, 0.9, 1e-8
# Sketch size: about an eighth of the layers that a small network has, and well above the intrinsic
# dimension of their gradients' covariances.
RANK = 32
# Statistics look back about 100 steps: the covariances of a network's gradients turn that fast.
BETA2 = 0.99
MOMENTUM = 0.9
# What is added to a factor's eigenvalues, relative to the largest.  The inverse root of a matrix's
# factor then favours a rare direction over the commonest by at most 1e-6^(-1/4) = 32, and the
# rounding of the eigenvalues (1e-13) stays far below.
EPSILON = 1e-6
# Longer axes are cut: an exact factor of this length takes half a gigabyte.
MAX_AXIS = 8192

GRAFTS = ("none", "unit", "sgd", "rmsprop", "adam")
