"""The recipe of training, and what its options may be."""

from __future__ import annotations

from oco.linalg.cutoffs import RANK_CUTOFF

__all__ = [
    "AVERAGE",
    "AVERAGED",
    "BETA1",
    "BETAS",
    "EPS",
    "EPSILON",
    "EXACT_RATIO",
    "EXPONENT",
    "FACTOR_OPTIONS",
    "GRAFT",
    "GRAFTS",
    "LONG_AXES",
    "MATRIX_RATE",
    "MAX_AXIS",
    "MOMENTUM",
    "MOMENTUM_DTYPES",
    "MORE_DIRECTIONS",
    "NESTEROV",
    "NOISE",
    "RANK_CUTOFF",
    "RATE",
    "REFRESH",
    "REFRESHES",
    "ROOTS",
    "SEEN",
    "SIDES",
    "SKETCH_SIZE",
    "STATISTICS",
    "TAIL",
    "TAILS",
    "UPDATE_EVERY",
]

# The learning rate and the diagonal's constant of Adam.
RATE, EPS = 1e-3, 1e-8
# Adam's first moment; and statistics that look back about 100 steps: the covariances of a network's
# gradients turn that fast.
BETA1, BETAS = 0.9, (0.9, 0.99)
# Sketch size: about an eighth of the layers that a small network has, and well above the intrinsic
# dimension of their gradients' covariances.
SKETCH_SIZE = 32
MOMENTUM = 0.9
# What is added to a factor's eigenvalues, relative to the largest.  The inverse root of a matrix's
# factor then favours a rare direction over the commonest by at most 1e-6^(-1/2) = 1000 (32 with the
# exponent -1/4), and the rounding of the eigenvalues (1e-13) stays far below.
EPSILON = 1e-6
# Longer axes are cut: an exact factor of this length takes half a gigabyte.
MAX_AXIS = 8192
# In training an axis of at most this many times k has an exact factor: it keeps no more than twice
# the numbers of a sketch, and one decomposition of it takes the place of three.
EXACT_RATIO = 2
# The recipe of training: nothing is kept but the sketches and one average, of gradients.  Chosen by
# a study of six recipes, which docs/quality.md reports.
GRAFT, TAIL, EXPONENT, AVERAGE = "unit", "escaped", "shampoo2", "gradient"
NESTEROV, MATRIX_RATE = True, 1.0
# Covariances move slowly: refreshed so rarely, they cost less than what is done with them.
UPDATE_EVERY = 10
# How many gradients statistics absorb, about, between two roots.  More of them made better steps on
# two of the three tasks in docs/quality.md that it was chosen by, and no worse ones on the third.
SEEN = 5
# Sketches by products alone: where docs/quality.md compares them, they trained as well as the best.
REFRESH = "subspace"

GRAFTS = ("none", "unit", "sgd", "rmsprop", "adam", "adafactor")
# What momentum averages: the steps, or the gradients before they become steps.
AVERAGED = ("step", "gradient")
# How few bits momentum's average may be kept in; None for those of the statistics.
MOMENTUM_DTYPES = ("bfloat16",)
# What stands for the eigenvalues that a sketch does not have: see `tail_of`.
TAILS = ("escaped", "half", "mean")
# A factor's exponent is −1/(this times the number of factors): see `power_of`.
ROOTS = {"shampoo": 2, "shampoo2": 1}
# How a sketch's directions are found: by decomposing a Gram matrix; or by products alone, from the
# directions of the refresh before, of which this many more are sought than are kept.
REFRESHES, MORE_DIRECTIONS = ("direct", "subspace"), 4
# What factors absorb: gradients, or what momentum makes of them.
STATISTICS = ("gradient", "average")
# What is done about axes beyond `max_axis`: they are cut; or, for vocabularies, the tensor has no
# factors and takes a coordinatewise step with a factored second moment.
LONG_AXES = ("blocks", "factored")
# Which axes have factors: all of them, or the shortest alone (one-sided Shampoo).
SIDES = ("both", "shorter")

# The options that decide which factors there are.
FACTOR_OPTIONS = ("k", "max_axis", "sides", "long_axes")

# Eigenvalues of a sketch, relative to the largest, that rounding cannot tell from zero: squares of
# singular values in error by a few ε in the type of the statistics, a sum of squares in double.
NOISE = {"float32": 1e-12, "float64": 1e-14}
