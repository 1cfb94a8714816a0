"""A multi-layer perceptron with ReLU units and the softmax loss, differentiated by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oco import checks
from oco.losses.softmax import SOFTMAX

__all__ = ["Network"]


class Network:
    r"""z = W_n ReLU(… ReLU(W_1 x + b_1) …) + b_n, one component of z for each class.

    Parameters
    ----------
    sizes : sequence of int
        Features, hidden units of each layer, classes; each ≥ 1.  Two sizes are multi-class logistic
        regression, whose loss is convex in the parameters.

    Attributes
    ----------
    sizes : tuple of int
        As given.
    layers : int
        Number of weight matrices.

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two sizes, or one is no integer ≥ 1.

    Notes
    -----
    The parameters are a list W_1, b_1, W_2, b_2, …; W_i has shape (outputs, inputs) and b_i shape
    (outputs,).  The loss of a batch is the mean over its rows of log Σ_j exp z_j − z_y.  With
    h_i the input of layer i and δ_i the loss's derivative in its output, one row an example,
    ∂W_i = δ_iᵀ h_i, ∂b_i = Σ rows of δ_i, and δ_{i−1} = (δ_i W_i) ⊙ [h_i > 0]
    (Rumelhart, Hinton, Williams, Nature 1986).  At a kink of ReLU the derivative is taken as 0.

    Examples
    --------
    >>> network = Network([4, 3, 2])
    >>> [parameter.shape for parameter in network.initial(seed=0)]
    [(3, 4), (3,), (2, 3), (2,)]
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = tuple(checks.integer("sizes", size, low=1) for size in sizes)
        if len(self.sizes) < 2:
            raise ValueError(f"sizes: expected at least two sizes, got {self.sizes}")
        self.layers = len(self.sizes) - 1

    def initial(self, seed: int) -> list[np.ndarray]:
        """Return parameters to start from: weights of variance 2/inputs, biases 0.

        Parameters
        ----------
        seed : int
            ≥ 0.

        References
        ----------
        .. [1] K. He, X. Zhang, S. Ren, J. Sun, *Delving deep into rectifiers*, ICCV 2015.
        """
        rng = np.random.default_rng(checks.integer("seed", seed, low=0))
        parameters = []
        for inputs, outputs in zip(self.sizes, self.sizes[1:], strict=False):
            parameters.append(rng.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs))
            parameters.append(np.zeros(outputs))
        return parameters

    def gradients(self, parameters, features, labels) -> tuple[float, list[np.ndarray]]:
        """Return the mean loss of a batch and its gradient in each parameter.

        Parameters
        ----------
        parameters : list of ndarray
            As `initial` makes them.
        features : ndarray of shape (n, sizes[0])
        labels : ndarray of int, shape (n,)
            Classes 0, 1, …, sizes[-1] − 1.

        Returns
        -------
        loss : float
        gradients : list of ndarray
            With the shapes of the parameters.
        """
        inputs = [features]
        for layer in range(self.layers):
            weights, bias = parameters[2 * layer : 2 * layer + 2]
            outputs = inputs[-1] @ weights.T + bias
            if layer < self.layers - 1:
                inputs.append(np.maximum(outputs, 0.0))
        delta = SOFTMAX.derivative(outputs, labels) / len(labels)
        gradients: list[np.ndarray] = []
        for layer in reversed(range(self.layers)):
            gradients[:0] = (delta.T @ inputs[layer], delta.sum(axis=0))
            if layer:
                delta = (delta @ parameters[2 * layer]) * (inputs[layer] > 0)
        return float(np.mean(SOFTMAX.value(outputs, labels))), gradients
