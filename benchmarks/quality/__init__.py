"""Adam, Shampoo and S-Shampoo tuned with the same budget on small training tasks."""
