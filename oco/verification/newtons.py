"""Newton steps against their definition: points, account, bounds and regret, in dense matrices."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from oco.bounds import Account, ladder
from oco.losses import LOSSES as IMPLEMENTED
from oco.verification.cases import Case
from oco.verification.definitions import LOSSES, DenseSketch, tame
from oco.verification.observations import Observation, Subject, check

__all__ = ["curvatures", "newton_steps"]

#: Names of the learners, with the share of the escaped mass that each adds.
SHARES = {"ons": 0.0, "s-ons": 1.0, "rfd-son": 0.5, "fd-son": 0.0}
ROUNDS, DIMENSIONS, MOST = 16, 10, 6
# Metrics here have condition numbers of 100 or so.
ITERATES, SUMS = 1e-8, 1e-9
POINTS = 40


@check(
    "curvatures",
    gradient_curvature="φ(z) − φ(w) ≤ φ'(z)(z − w) − (σ/2)(φ'(z)(z − w))² for all predictions and "
    "labels in the range that a loss's σ is for",
)
def curvatures(case: Case, subject: Subject) -> Iterator[Observation]:
    """Draw predictions and labels, those at the ends of the range among them."""
    rng = case.rng(22)
    for name in ("squared", "logistic"):
        z_max, y_max = 10.0 ** rng.uniform(-1, 0.7, 2)
        y_max = 1.0 if name == "logistic" else y_max
        sigma = IMPLEMENTED[name].gradient_curvature(z_max, y_max)
        value, slope = LOSSES[name]
        y = rng.choice([-y_max, y_max], POINTS)
        z = rng.choice([-z_max, z_max, 0.5 * z_max], POINTS)
        w = np.clip(z + z_max * rng.choice([1e-3, 0.1, 1.0, 2.0], POINTS) * rng.normal(size=POINTS),
                    -z_max, z_max)  # fmt: skip
        along = slope(z, y) * (z - w)
        short = value(z, y) - value(w, y) - along + sigma / 2 * along**2
        # Relative to what the term with σ is worth, where rounding of the losses leaves it a value.
        scale = np.maximum(sigma / 2 * along**2, 1e-9 * value(z, y))
        worst = int(np.argmax(short / np.maximum(scale, 1e-300)))
        place = f"{name}, z = {z[worst]:.3g}, w = {w[worst]:.3g}, y = {y[worst]:.3g}"
        yield Observation(
            "gradient-curvature", place, float(short[worst]), 0.0, float(scale[worst]) or 1.0, 1e-5
        )


@check(
    "newton steps",
    newton_point="each point of a Newton step is the projection of its definition",
    newton_account="Σ gᵀA⁻¹g, log det A, and what escaped, are those of the definition",
    newton_rungs="every bound of Newton steps is its formula, in dense metrics",
    newton_regret="for losses with curvature, no point of K is better than a bound says",
    half_error="adding half of the escaped mass leaves −½ρI ⪯ G − (Ḡ + ½ρI) ⪯ ½ρI",
)
def newton_steps(case: Case, subject: Subject) -> Iterator[Observation]:
    """Play each learner on a few tame rows with squared losses."""
    rng = case.rng(23)
    rows = tame(case, ROUNDS, DIMENSIONS)
    d = rows.shape[1]
    k = 2 + int(rng.uniform() * max(min(case.k, d, MOST) - 1, 1))
    radius = 10.0 ** rng.uniform(-0.5, 0.5)
    labels = rng.uniform(-1, 1, len(rows)) * 2
    sigma = 1 / (radius + 2.0) ** 2
    alpha = 10.0 ** rng.uniform(-1, 1) if rng.integers(2) else None
    for name, share in SHARES.items():
        if name not in subject.learners:
            continue
        options = {"domain": subject.ball(radius), "curvature": sigma, "alpha": alpha}
        options |= {} if name == "ons" else {"k": k}
        learner = subject.learners[name](d, **options)
        exact = name == "ons"
        expected = (d if exact else k) / (sigma * radius**2) if alpha is None else alpha
        dense = DenseNewton(d, d + 1 if exact else k, expected, sigma, share, exact)
        yield from _played(name, learner, dense, rows, labels, radius, rng)


class DenseNewton:
    """A = αI + σ(Ḡ + cρI), and what its bounds are made of, step by step."""

    def __init__(
        self, d: int, k: int, alpha: float, sigma: float, share: float, exact: bool
    ) -> None:
        self.d, self.k, self.alpha, self.sigma, self.share = d, k, alpha, sigma, share
        self.sketch, self.exact = DenseSketch(d, k), exact
        self.covariance = np.zeros((d, d))
        self.quadratic = self.correction = 0.0

    @property
    def metric(self) -> np.ndarray:
        """A_t."""
        shift = self.alpha + self.sigma * self.share * self.sketch.tau
        return shift * np.eye(self.d) + self.sigma * self.sketch.matrix

    def absorb(self, g: np.ndarray) -> None:
        """Add a gradient, and pay for it in the metric after it."""
        self.covariance += np.outer(g, g)
        before = self.sketch.matrix
        self.sketch.absorb(np.outer(g, g))
        inverse = np.linalg.inv(self.metric)
        self.quadratic += float(g @ inverse @ g)
        # ρP is what the step took off; a trace that needs no eigenvectors.
        lost = before + np.outer(g, g) - self.sketch.matrix
        rho = self.sketch.escapes[-1]
        paid = float(np.trace(inverse @ lost)) - self.share * rho * float(np.trace(inverse))
        self.correction += self.sigma * paid

    def bound(self, name: str, radius: float) -> float:
        """Return the bound called `name`."""
        spread = self.sigma * self.share * self.sketch.tau * (2 * radius) ** 2
        rest = (self.alpha * radius**2 + spread) / 2
        if name == "certificate":
            return self.quadratic / 2 + rest
        determinant = float(np.linalg.slogdet(self.metric / self.alpha)[1])
        return (determinant + self.correction) / (2 * self.sigma) + rest


def _played(name, learner, dense: DenseNewton, rows, labels, radius, rng) -> Iterator[Observation]:
    unit = max(dense.alpha, dense.sigma) * radius
    points = []
    for t, (a, y) in enumerate(zip(rows, labels, strict=True), start=1):
        x = np.array(learner.x)
        points.append(x)
        g = (float(a @ x) - float(y)) * a
        learner.update(g)
        dense.absorb(g)
        metric, found = dense.metric, learner.x
        slope = metric @ (found - x) + g
        better = radius * float(np.linalg.norm(slope)) + float(slope @ found)
        size = radius * (unit + float(np.linalg.norm(g)) + float(np.linalg.norm(metric)) * radius)
        yield Observation("newton-point", f"{name}, row {t}", better, 0.0, size, ITERATES)
        outside = float(np.linalg.norm(found)) - radius
        yield Observation("newton-point", f"{name}, row {t}, in K", outside, 0.0, radius)
        if name == "rfd-son":
            yield from _halved(learner, dense, f"{name}, row {t}")
    yield from _told(name, learner, dense, radius)
    yield from _compared(name, learner, dense, rows, labels, np.array(points), radius, rng)


def _halved(learner, dense: DenseNewton, place: str) -> Iterator[Observation]:
    now = learner.diagnostics()
    held = (learner.metric.dense() - now.alpha * np.eye(dense.d)) / now.curvature
    error = np.linalg.eigvalsh(dense.covariance - held)
    scale, half = float(np.trace(dense.covariance)) + now.alpha / now.curvature, 0.5
    limit = half * dense.sketch.tau
    yield Observation("half-error", f"{place}, above", float(error[-1]), limit, scale)
    yield Observation("half-error", f"{place}, below", -float(error[0]), limit, scale)


def _account(learner, dense: DenseNewton, rounds: int) -> Account:
    return Account(
        t=rounds,
        d=dense.d,
        k=learner.k,
        lr=None,
        diameter=learner.diameter,
        gradient_bound=math.inf,
        diagnostics=learner.diagnostics(),
    )


def _told(name, learner, dense: DenseNewton, radius: float) -> Iterator[Observation]:
    now = learner.diagnostics()
    determinant = float(np.linalg.slogdet(dense.metric / dense.alpha)[1])
    told = {
        "Σ gᵀA⁻¹g": (now.quadratic, dense.quadratic),
        "tr A": (now.potential, float(np.trace(dense.metric))),
        "log det": (now.log_determinant, determinant + dense.correction),
        "Σ‖g‖²": (now.squared_gradients, float(np.trace(dense.covariance))),
        "α": (now.alpha, dense.alpha),
        "R": (now.reach, radius),
    }
    if not dense.exact:
        told["τ"] = (now.escaped_mass, dense.sketch.tau)
    for what, (found, expected) in told.items():
        scale = max(abs(expected), 1.0)
        off = abs(found - expected)
        yield Observation("newton-account", f"{name}, {what}", off, 0.0, scale, SUMS)
    for rung, found in ladder(learner.bounds, _account(learner, dense, 1)).items():
        expected = dense.bound(rung, radius)
        off = abs(found - expected)
        yield Observation("newton-rungs", f"{name}, {rung}", off, 0.0, max(expected, 1.0), SUMS)


def _compared(name, learner, dense, rows, labels, points, radius, rng) -> Iterator[Observation]:
    """Hold the regret against the best of several points of K against each bound."""
    value = LOSSES["squared"][0]
    paid = float(value(np.einsum("td,td->t", rows, points), labels).sum())
    best = math.inf
    for ridge in 10.0 ** np.linspace(-6, 2, 9):
        u = np.linalg.solve(rows.T @ rows + ridge * np.eye(dense.d), rows.T @ labels)
        size = float(np.linalg.norm(u))
        u = u * min(1.0, radius / size) if size else u
        best = min(best, float(value(rows @ u, labels).sum()))
    for rung, bound in ladder(learner.bounds, _account(learner, dense, len(rows))).items():
        place = f"{name}, {rung}, all {len(rows)} rows"
        yield Observation("newton-regret", place, paid - best, bound, max(bound, 1.0))
