"""Online convex optimization with sketched adaptive regularization."""
