"""Training neural networks with the optimizers of this package, and what their gradients span."""
