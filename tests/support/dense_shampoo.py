"""The training step of Shampoo and S-Shampoo as its definition reads, on dense matrices."""

from __future__ import annotations

import itertools
import math

import numpy as np

# Steps are averaged, with a graft, and every gradient is absorbed: what most tests reckon with.
PLAIN = {
    "graft": "rmsprop",
    "exponent": "shampoo",
    "average": "step",
    "nesterov": False,
    "update_every": 1,
    "refresh": "direct",
}


def unfold(tensor, axis):
    return np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1)


class DenseFactor:
    """C, or the matrix Ū diag(λ̄) Ūᵀ of its sketch and τ, as dense matrices."""

    def __init__(self, n, rank, beta2, tail="escaped"):
        self.rank, self.beta2 = None if rank is None or rank >= n else rank, beta2
        self.kept, self.escaped, self.tail = np.zeros((n, n)), 0.0, tail
        self.exact = np.zeros((n, n))

    def absorb(self, matrix):
        self.exact = self.beta2 * self.exact + matrix @ matrix.T
        covariance = self.beta2 * self.kept + matrix @ matrix.T
        if self.rank is None:
            self.kept = covariance
            return
        values, vectors = np.linalg.eigh(covariance)
        values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
        rho = values[self.rank - 1]
        self.kept = (vectors * np.maximum(values - rho, 0.0)) @ vectors.T
        self.escaped = self.beta2 * self.escaped + rho

    def estimate(self):
        n = len(self.kept)
        if self.rank is None or self.tail == "escaped":
            return self.kept + self.escaped * np.eye(n)
        if self.tail == "half":
            return self.kept + self.escaped / 2 * np.eye(n)
        # Eigenvalues on the sketch's directions as ever; outside, the mean of what is left.
        values, vectors = np.linalg.eigh(self.kept)
        inside = vectors[:, values > 1e-12 * values.max()]
        projector = inside @ inside.T
        sketched = self.kept + self.escaped * projector
        left = (np.trace(self.exact) - np.trace(sketched)) / (n - inside.shape[1])
        return sketched + min(left, self.escaped) * (np.eye(n) - projector)

    def inverse_root(self, scale, epsilon, order, exponent="shampoo", floor=0.0):
        # One side alone has the exponent ½ in either case.
        power = {"shampoo": 1 / (2 * order), "shampoo2": 1 / max(order, 2)}[exponent]
        values, vectors = np.linalg.eigh(scale * self.estimate())
        raised = floor * scale * np.trace(self.exact) / len(values)
        values = values + epsilon * values.max() + raised
        kept = values > 1e-12 * values.max()
        powers = np.where(kept, np.where(kept, values, 1.0) ** (-power), 0.0)
        return (vectors * powers) @ vectors.T


def sketch_size(k, n):
    """In training a short axis has an exact factor."""
    return None if k is None or n <= 2 * k else k


class DenseShampoo:
    """One parameter: `step(gradient)` changes `x`."""

    def __init__(
        self,
        x,
        lr=1e-3,
        k=32,
        betas=(0.9, 0.99),
        eps=1e-8,
        epsilon=1e-6,
        momentum=0.9,
        graft="rmsprop",
        weight_decay=0.0,
        update_every=1,
        start_step=1,
        max_axis=8192,
        bias_correction=True,
        tail="escaped",
        exponent="shampoo",
        average="step",
        nesterov=False,
        matrix_rate=1.0,
        phase=0,
        sides="both",
        statistics="gradient",
        statistics_every=None,
        long_axes="blocks",
        refresh="direct",
    ):
        assert refresh == "direct", "here are only the best sketches"
        self.x = np.array(x, dtype=np.float64)
        self.options = {k: v for k, v in locals().items() if k not in ("self", "x")}
        self.t = self.absorbed = self.calls = 0
        self.m, self.v, self.b = (np.zeros_like(self.x) for _ in range(3))
        self.roots = None
        self.kept = [i for i, n in enumerate(self.x.shape) if n > 1]
        sizes = k if isinstance(k, tuple) else (k,) * self.x.ndim
        self.merged = tuple(self.x.shape[i] for i in self.kept)
        self.long = long_axes == "factored" and max(self.merged, default=0) > max_axis
        size = max_axis or 10**9
        cuts = [[slice(i, min(i + size, n)) for i in range(0, n, size)] for n in self.merged]
        self.blocks = list(itertools.product(*cuts))
        shorter = int(np.argmin(self.merged)) if self.merged else 0
        self.sides = list(range(len(self.merged))) if sides == "both" else [shorter]
        self.factors = [
            [
                DenseFactor(
                    s.stop - s.start, sketch_size(sizes[i], s.stop - s.start), betas[1], tail
                )
                for i, s in [(self.kept[a], block[a]) for a in self.sides if self.kept]
            ]
            for block in self.blocks
        ]

    def correction(self, beta, count):
        return 1 - beta**count if self.options["bias_correction"] else 1.0

    def make_roots(self, anew):
        beta2, order = self.options["betas"][1], len(self.sides)
        scale = 1.0 if beta2 == 1 else (1 - beta2) / self.correction(beta2, self.absorbed)
        self.roots = [
            [
                f.inverse_root(scale, self.options["epsilon"], order, self.options["exponent"])
                if self.roots is None or anew or f.rank is not None
                else self.roots[b][i]
                for i, f in enumerate(own)
            ]
            for b, own in enumerate(self.factors)
        ]

    def preconditioned(self, g):
        result = np.zeros(self.merged)
        for block, roots in zip(self.blocks, self.roots, strict=True):
            part = g.reshape(self.merged)[block]
            for axis, root in zip(self.sides, roots, strict=True):
                part = np.moveaxis(np.tensordot(root, part, axes=(1, axis)), 0, axis)
            result[block] = part
        return result.reshape(g.shape)

    def step(self, g):
        o = self.options
        self.calls += 1
        if not np.isfinite(g).all():
            return
        self.t += 1
        if o["betas"][1] == 1:
            self.v = self.v + g**2
            v = self.v
        else:
            self.v = o["betas"][1] * self.v + (1 - o["betas"][1]) * g**2
            v = self.v / self.correction(o["betas"][1], self.t)
        self.m = o["betas"][0] * self.m + (1 - o["betas"][0]) * g
        m = self.m / self.correction(o["betas"][0], self.t)
        gradient, first = g, o["average"] == "gradient"
        if first:
            g = self.averaged(g)
        rmsprop = g / (np.sqrt(v) + o["eps"])
        adafactor = g / (np.sqrt(self.rank_one(v)) + o["eps"])
        own = {
            "none": None,
            "sgd": g,
            "unit": g * math.sqrt(g.size / (g**2).sum()) if g.any() else g,
            "rmsprop": rmsprop,
            "adafactor": adafactor if len(self.merged) >= 2 else rmsprop,
            "adam": m / (np.sqrt(v) + o["eps"]),
        }[o["graft"]]
        if len(self.merged) < 2:
            update = own if o["graft"] in ("adam", "rmsprop") else rmsprop
        elif self.long:
            update = o["matrix_rate"] * adafactor
        else:
            update = o["matrix_rate"] * self.matrix_update(gradient, g, own)
        if not first:
            update = self.averaged(update)
        self.x = self.x * (1 - o["lr"] * o["weight_decay"]) - o["lr"] * update

    def rank_one(self, v):
        """The tensor of rank one with v's means along each axis, for v of the decayed squares."""
        v = v.reshape(self.merged)
        result = np.ones(self.merged) * v.mean()
        for axis in range(v.ndim):
            others = tuple(i for i in range(v.ndim) if i != axis)
            mean = v.mean(others, keepdims=True)
            result = result * (mean / v.mean() if v.any() else 0.0)
        return result.reshape(self.x.shape)

    def averaged(self, new):
        momentum = self.options["momentum"]
        self.b = momentum * self.b + (1 - momentum) * new
        mean = self.b / self.correction(momentum, self.t)
        return momentum * mean + (1 - momentum) * new if self.options["nesterov"] else mean

    def matrix_update(self, gradient, g, own):
        rare = self.options["update_every"]
        often = self.options["statistics_every"] or max(1, rare // 5)
        new, passed = not self.absorbed, self.calls - 1 - self.options["phase"]
        seen = g if self.options["statistics"] == "average" else gradient
        if new or passed % rare % often == 0:
            self.absorbed += 1
            for block, factors in zip(self.blocks, self.factors, strict=True):
                part = seen.reshape(self.merged)[block]
                for axis, factor in zip(self.sides, factors, strict=True):
                    factor.absorb(unfold(part, axis))
            self.make_roots(anew=passed % rare == 0)
        if self.calls < self.options["start_step"]:
            return g if own is None else own
        update = self.preconditioned(g)
        length = math.sqrt((update**2).sum())
        if own is None:
            return update
        return update * (math.sqrt((own**2).sum()) / length) if length > 0 else 0 * update
