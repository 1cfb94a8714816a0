"""What counts as zero."""

__all__ = ["RANK_CUTOFF"]

# Eigenvalues of a covariance come out of floating point with errors of about d·ε·λ_max (2e-13 at
# d = 1000); 1e-12 is the smallest round figure above that, and H = A^{1/2} then has a condition
# number of at most 1e6 on its range.
RANK_CUTOFF = 1e-12
