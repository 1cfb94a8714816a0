"""Faults that ``oco verify`` must notice, one in each delicate place of every room.

    python tests/support/mutants.py     # all of them, at the 40 cases of a short verification
    python tests/support/mutants.py --cases 300 --only sketch --jobs 2

Prints a table: the fault, where it is, the properties that the first case violates that shows it,
which case that was, and the time.  The exit code is 1 if a fault goes unnoticed, or if the package
as it is does not pass.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from mutation import Mutant, Outcome, try_mutant

__all__ = ["MUTANTS"]

SKETCH = [
    Mutant("τ is not decayed", "sketch", "step",
           "decay * numbers['escaped']", "numbers['escaped']"),
    Mutant("τ decays by √β", "sketch", "step",
           "decay * numbers['escaped']", "math.sqrt(decay) * numbers['escaped']"),
    Mutant("ρ is the eigenvalue before the last", "sketch", "_update",
           "max(float(w[n - 1]), 0.0)", "max(float(w[n - 2]), 0.0)"),
    Mutant("ρ is half of what it should be", "sketch", "_update",
           "max(float(w[n - 1]), 0.0)", "max(float(w[n - 1]) / 2, 0.0)"),
    Mutant("ρ is not deducted", "sketch", "_update",
           "np.maximum(w - rho, 0.0)", "np.maximum(w, 0.0)"),
    Mutant("what is new is new to V, not to W V", "sketch", "_split",
           "combine(z, rotation, out)",
           "out[:m] = inside[:m]; new = math.sqrt(max(1.0 - inner(out, out) / mass, 0.0))"),
    Mutant("one pass of Gram–Schmidt where two are needed", "sketch", "_split",
           "rest -= known", "pass"),
    Mutant("rounding is made a direction", "sketch", "_split",
           "new <= NEW_DIRECTION", "new <= 0.0"),
    Mutant("the drift from orthonormality is not corrected", "sketch", "step",
           "orthonormalise(frame, rotation, m, q)", "None"),
    Mutant("W is not reset when it is folded into V", "sketch", "fold",
           "rotation[:] = 0.0", "pass"),
    Mutant("the image of x is not folded", "sketch", "fold", "np.positive(turned, image)", "None"),
    Mutant("the total mass is not decayed", "sketch", "accumulate",
           "kept = decay * total", "kept = total"),
    Mutant("a merge forgets the other's τ", "sketch", "absorb_sketch",
           "float(theirs['escaped'])", "0.0"),
    Mutant("a block does not decay what was there", "sketch", "absorb_block",
           "decay * state.values[:q]", "state.values[:q]"),
    Mutant("a block does not decay τ", "sketch", "absorb_block",
           "decay * numbers['escaped']", "numbers['escaped']"),
    Mutant("Ω divides by one too many", "sketch", "escaped_mass_limit",
           "tails[j] / (size - j)", "tails[j] / (size - j + 1)"),
    Mutant("the lower end of Ω's range forgets τ", "sketch", "escaped_mass_limit_range",
           "missed - room - j * escaped_mass", "missed - room"),
    Mutant("the upper end of Ω's range divides by one too many", "sketch",
           "escaped_mass_limit_range",
           "most / (size - j)", "most / (size - j + 1)"),
    Mutant("tr G^½ has no room above the sketch", "sketch", "Bracket._spread",
           "np.clip(high - floors, 0.0, width)", "0.0"),
    Mutant("tr G^½ has no room beside the sketch", "sketch", "Bracket._spread",
           "tail * math.sqrt(min(high, width))", "0.0"),
    Mutant("the least tr G^½ spreads what is missed too far", "sketch", "Bracket._concentrated",
           "missed // width", "2 * (missed // width)"),
    Mutant("λ_1 is at most what the sketch has", "sketch", "Bracket.largest",
           "top + self._width", "top"),
    Mutant("the sketch's report looks at the wrong eigenvalue", "sketch", "check",
           "float(error[-1])", "float(error[0])"),
]  # fmt: skip

LINALG = [
    Mutant("the pseudo-inverse is cut off at 1e-3", "linalg", "", "RANK_CUTOFF = 1e-12",
           "RANK_CUTOFF = 1e-3"),
    Mutant("the pseudo-inverse inverts rounding", "linalg", "", "RANK_CUTOFF = 1e-12",
           "RANK_CUTOFF = 0.0"),
    Mutant("the projection stops before its root", "linalg", "_climb",
           "step <= LAST_STEP * mu", "True"),
    Mutant("the projection's root is of ‖x‖ = R + 1", "linalg", "_climb",
           "math.sqrt(square) / radius - 1", "math.sqrt(square) / radius - 1.1"),
    Mutant("the null space is not shortened", "linalg", "ball_weights",
           "max(1.0 - inside.sum(), 0.0)", "1.0"),
]  # fmt: skip

LEARNERS = [
    Mutant("a Kronecker trace is a sum", "algorithms", "KroneckerRoot.potential",
           "math.prod(root.sum() for root in roots)", "sum(root.sum() for root in roots)"),
    Mutant("η is √2 times too large", "algorithms", "MirrorDescent.__init__",
           "diameter / math.sqrt(2)", "diameter"),
    Mutant("the step uses H before the gradient", "algorithms", "MirrorDescent._in_steps",
           "direction = self.preconditioner.update(g, square)",
           "direction = (self.preconditioner.metric.power(-1) @ g, "
           "self.preconditioner.update(g, square))[0]"),
    Mutant("the step is not projected", "algorithms", "MirrorDescent._in_steps",
           "self.domain.project(x - lr * direction, self.preconditioner.metric)",
           "x - lr * direction"),
    Mutant("max‖x‖ is the last ‖x‖", "algorithms", "MirrorDescent.update",
           "max(self._travelled, length)", "length"),
    Mutant("the metric leaves τ out", "algorithms", "s_adagrad",
           "SketchedRoot(d, k, compensate=True)", "SketchedRoot(d, k, compensate=False)"),
    Mutant("gᵀH⁻¹g leaves out what is outside the sketch", "algorithms", "sketched_step",
           "inner(along, c) + scale * outside", "inner(along, c)"),
    Mutant("Ada-FD's metric leaves δ out", "algorithms", "_spectrum", "values += delta", "pass"),
    Mutant("Ada-FD's potential leaves d out", "algorithms", "ShiftedSketch.potential",
           "self.sketch.d * self.root_escapes", "self.root_escapes"),
    Mutant("Ada-FD's potential adds ρ, not √ρ", "algorithms", "_note",
           "math.sqrt(rho)", "rho"),
    Mutant("AdaGrad's D on a box is the ℓ2 diameter", "algorithms", "adagrad",
           "domain.width(d)", "domain.diameter(d)"),
    Mutant("gradient descent's rate ignores G", "algorithms", "ogd",
           "math.sqrt(2) * checks.number('gradient_bound', gradient_bound, low=0)",
           "math.sqrt(2)"),
    Mutant("Adam's means are not corrected for their bias", "algorithms", "Moments._correction",
           "1 - beta ** self.steps if self.bias_correction and beta < 1 and self.steps else 1.0",
           "1.0"),
    Mutant("Adam's square root is left out", "algorithms", "Moments.scale",
           "np.sqrt(self.second / self._correction(self.beta2))",
           "self.second / self._correction(self.beta2)"),
    Mutant("S-Shampoo's exponent is 1/(4p)", "algorithms", "KroneckerRoot._root.root",
           "power_of(self.exponent, self.order)", "power_of(self.exponent, self.order) / 2"),
    Mutant("S-Shampoo's exponent is 1/p", "algorithms", "KroneckerRoot._root.root",
           "power_of(self.exponent, self.order)", "1 / self.order"),
    Mutant("Shampoo's statistics are not corrected for their bias", "algorithms",
           "KroneckerRoot._scale", "self.bias_correction", "False"),
    Mutant("Shampoo's ε is not in the theorem", "algorithms", "KroneckerDescent.diagnostics",
           "root.epsilon / (1 + root.epsilon) * self._largest(metric)", "0.0"),
    Mutant("one-sided Shampoo takes the longer side", "shampoo", "layout",
           "merged.index(min(merged))", "merged.index(max(merged))"),
    Mutant("one-sided Shampoo is charged for the identity", "algorithms", "KroneckerRoot.potential",
           "math.prod((root.sum() for root in roots))", "math.prod(self.merged) * roots[0].sum()"),
    Mutant("one-sided Shampoo pays half for its growth", "algorithms", "KroneckerRoot.potential",
           "math.prod((root.sum() for root in roots))",
           "math.prod((root.sum() for root in roots)) / 2"),
    Mutant("one-sided Shampoo's rate has the rank", "algorithms", "KroneckerDescent.__init__",
           "sides == 'shorter'", "sides == 'longer'"),
    Mutant("Shampoo's D is its R", "algorithms", "KroneckerDescent.__init__",
           "domain.diameter(math.prod(root.shape))", "domain.radius(math.prod(root.shape))"),
    Mutant("Shampoo counts gradients as of rank 1", "algorithms", "KroneckerDescent.__init__",
           "largest_rank(root.shape)", "1.0"),
]  # fmt: skip

DUALS = [
    Mutant("dual averaging pays in the metric after the gradient", "algorithms",
           "SketchedStatistic.absorb", "self.sketch.append(g)",
           "self.sketch.append(g); parts = self.metric.decompose(g); "
           "quadratic = float((parts.squares / parts.values).sum())"),
    Mutant("diagonal dual averaging pays in the metric after the gradient", "algorithms",
           "DiagonalStatistic.absorb", "squares / self.metric.values",
           "squares / np.sqrt(self.delta**2 + self._squares + squares)"),
    Mutant("dual averaging's metric leaves τ out", "algorithms", "SketchedStatistic.metric",
           "self.delta**2 + sketch.escaped_mass", "self.delta**2"),
    Mutant("dual averaging forgets where it started", "algorithms", "DualAveraging._best",
           "self._start + parts.recombine(steps)", "parts.recombine(steps)"),
    Mutant("dual averaging's step is a gradient's, not the sum's", "algorithms",
           "DualAveraging.update", "self._gradients += g", "self._gradients = 1.0 * g"),
    Mutant("on a box all sides count as the longest", "algorithms", "DualAveraging.__init__",
           "(spans / (self.diameter or 1.0))**2", "np.ones(d)"),
    Mutant("FTSL's theorem leaves Ω out", "bounds", "_ftsl_theorem",
           "sums.omega or 0.0", "0.0"),
    Mutant("FTSL's theorem leaves δ out", "bounds", "_ftsl_theorem", "delta * delta", "0.0"),
    Mutant("dual averaging's trace bound halves the steps' cost", "bounds", "_dual_trace",
           "2 * root_trace", "root_trace"),
]  # fmt: skip

NEWTONS = [
    Mutant("σ of the squared loss is doubled", "losses", "Squared.gradient_curvature",
           "1.0 / residual / residual", "2.0 / residual / residual"),
    Mutant("σ of the logistic loss is doubled", "losses", "Logistic.gradient_curvature",
           "math.exp(-float(y_max) * float(z_max))", "2 * math.exp(-float(y_max) * float(z_max))"),
    Mutant("all of the escaped mass is added where half is claimed", "algorithms", "rfd_son",
           "Newton(d, k, domain, curvature=curvature, alpha=alpha, compensation=0.5)",
           "Newton(d, k, domain, curvature=curvature, alpha=alpha, compensation=1.0)"),
    Mutant("a Newton step's metric leaves τ out", "algorithms", "Newton.metric",
           "self.alpha + self.curvature * self.compensation * sketch.escaped_mass", "self.alpha"),
    Mutant("a Newton step's D is its R", "algorithms", "Newton.__init__",
           "domain.diameter(d)", "domain.reach(d)"),
    Mutant("a Newton step's metric leaves σ out", "algorithms", "Newton.metric",
           "self.curvature * sketch.eigenvalues", "sketch.eigenvalues"),
    Mutant("log det forgets what the deflations took", "algorithms", "Newton.diagnostics",
           "determinant + self._sketched.correction", "determinant"),
    Mutant("Newton's certificate leaves the start out", "bounds", "_starting",
           "now.alpha * now.reach * now.reach + spread", "spread"),
    Mutant("Newton's certificate leaves the escaped mass out", "bounds", "_starting",
           "now.alpha * now.reach * now.reach + spread", "now.alpha * now.reach * now.reach"),
]  # fmt: skip

EXPERTS = [
    Mutant("AdaHedge's regret is left out of the certificate", "bounds", "_experts_certificate",
           "min(map(sum, zip(_certificates(account), behind, strict=True)))",
           "min(_certificates(account))"),
    Mutant("AdaHedge's regret is taken as Δ, not 2Δ", "bounds", "_adahedge",
           "2 * _experts(account).gap", "_experts(account).gap"),
    Mutant("each copy's certificate is that of the rate that has won", "bounds", "_certificates",
           "one.lr", "account.lr"),
    Mutant("AdaHedge's rate stays what it was", "algorithms", "AdaHedge.absorb",
           "self.gap += max(paid - self._mixed(above), 0.0)",
           "self.gap = self.gap or max(paid - self._mixed(above), 0.0)"),
    Mutant("AdaHedge's theorem leaves the spread out", "bounds", "_adahedge_theorem",
           "2 * math.sqrt(now.variance * log) + now.widest * (4 / 3 * log + 2)",
           "2 * math.sqrt(now.variance * log)"),
    Mutant("experts with equal weights", "algorithms", "Experts._mean",
           "self.weights @ points", "points.mean(axis=0)"),
    Mutant("only the copies that lead learn", "algorithms", "Experts.update",
           "one.update(g)", "one.update(g if one.lr >= self.lr else 0.0 * g)"),
]  # fmt: skip

DOMAINS = [
    Mutant("a ball is projected onto without the metric", "domains", "Ball.project",
           "self.nearest(metric.project_on_ball(y, self._radius))", "self.nearest(y)"),
    Mutant("a box is projected onto without the metric", "domains", "Box.project",
           "project_onto_box(metric, y, *self.bounds(len(y)))", "self.nearest(y)"),
    Mutant("a box's slack looks at one side", "linalg", "slack",
           "np.maximum(slope * (x - lower), slope * (x - upper)).sum()",
           "np.maximum(slope * (x - lower), 0.0).sum()"),
    Mutant("the simplex is projected onto without the metric", "domains", "Simplex.project",
           "fill_in_metric(y, 1.0, metric @ np.ones(len(y)), exactly=True)", "self.nearest(y)"),
    Mutant("an ellipsoid's metric is not scaled by its semiaxes", "domains", "Ellipsoid._projected",
           "Diagonal(scaled ** 2 * h)", "Diagonal(scaled * h)"),
    Mutant("the l1 ball's support is that of the Euclidean ball", "domains", "L1Ball.support",
           "float(np.abs(s).max())", "float(np.linalg.norm(s))"),
    Mutant("the simplex's diameter is its width", "domains", "Simplex.diameter",
           "math.sqrt(2)", "1.0"),
    Mutant("Hedge pays half for its rate", "algorithms", "ExponentiatedGradient.diagnostics",
           "math.log(self.d) / self.lr", "math.log(self.d) / self.lr / 2"),
    Mutant("a box has no lower side", "domains", "Box.nearest",
           "np.clip(y, self.lower, self.upper)", "np.minimum(y, self.upper)"),
    Mutant("a box's support takes the upper side", "domains", "Box.support",
           "np.maximum(self.lower * s, self.upper * s)", "np.abs(self.upper * s)"),
    Mutant("a ball's diameter is its radius", "domains", "Ball.diameter",
           "2 * self._radius", "self._radius"),
]  # fmt: skip

LOSSES = [
    Mutant("the logistic slope ignores the label", "losses", "Logistic.derivative",
           "expit(-y * z)", "expit(-z)"),
    Mutant("the hinge's kink is at 0", "losses", "Hinge.derivative", "y * z < 1.0", "y * z < 0.0"),
    Mutant("the squared loss is not halved", "losses", "Squared.value",
           "0.5 * residual * residual", "residual * residual"),
    Mutant("the squared loss's slope bound forgets the label", "losses", "Squared.lipschitz",
           "float(z_max + y_max)", "float(z_max)"),
    Mutant("the hinge's conjugate has the wrong sign", "losses", "Hinge.conjugate",
           "_on_domain(np.abs(share - 0.5), 0.5 + DOMAIN_SLACK, -share)",
           "_on_domain(np.abs(share - 0.5), 0.5 + DOMAIN_SLACK, share)"),
    Mutant("labels do not depend on the seed", "losses", "Stochastic.__init__",
           "RandomSequence(seed, Purpose.LABELS)", "RandomSequence(0, Purpose.LABELS)"),
    Mutant("labels come from the features' random numbers", "losses", "Stochastic.__init__",
           "RandomSequence(seed, Purpose.LABELS)", "RandomSequence(seed, Purpose.FEATURES)"),
    Mutant("a stream's second reading gives other labels", "losses", "Stochastic.rows",
           "self._uniforms.uniforms(start, stop)", "self._uniforms.uniforms(0, stop - start)"),
    Mutant("drift begins anew with each chunk", "losses", "Drift._features",
           "np.arange(start, stop)", "np.arange(stop - start)"),
    Mutant("the adversary answers with the better sign", "losses", "WorstSign.answer",
           "positive > negative", "positive < negative"),
    Mutant("a recording repeats its first labels", "losses", "Recorded.chunks",
           "start += len(labels)", "pass"),
]  # fmt: skip

PROTOCOL = [
    Mutant("the gradient is that of the round before", "rounds", "Log._in_turn",
           "learner.update(slope * a)",
           "learner.update(slope * features[max(self.t - 1, 0) % len(features)])"),
    Mutant("the gradient does not wait for the adversary's label", "rounds", "Log._in_turn",
           "derivative(z, y)", "derivative(z, y if answer is None else -1.0)"),
    Mutant("losses are summed one round short", "rounds", "Log.result",
           "running_sums(losses, checkpoints)", "running_sums(losses, checkpoints - 1)"),
]  # fmt: skip

COMPILED = [
    Mutant("a kernel's account is that of its last round", "algorithms", "_rounds",
           "quadratic += gained", "quadratic = gained"),
    Mutant("FTSL's kernel does not follow its sum", "algorithms", "_step",
           "image += inside", "pass"),
    Mutant("a kernel's hinge has its kink at 0", "losses", "suffer",
           "margin < 1.0", "margin < 0.0"),
    Mutant("sparse rows lose what they share with the sketch", "sketch", "Embedding._in_rows",
           "coordinates[:, :q] - own @ self._beside", "coordinates[:, :q]"),
    Mutant("what is orthogonal to sparse rows is not shortened", "sketch", "Embedding.moved",
           "after[-1] / before[-1]", "1.0"),
    Mutant("Newton steps lose what they do in a small space alone", "algorithms", "_note",
           "notes[DIMENSION] - q", "numbers['d'] - q"),
    Mutant("the sum of sparse gradients is as long as if they were orthogonal", "algorithms",
           "_play_sparse", "2.0 * slope * along", "0.0"),
    Mutant("in a box sparse rows may leave by the upper side", "algorithms", "clipped",
           "np.minimum(np.maximum(values, lower[where]), upper[where])",
           "np.maximum(values, lower[where])"),
    Mutant("dual averaging of sparse rows stays where the ball has put it", "algorithms",
           "_play_sparse", "point = best.copy()", "point = best"),
]  # fmt: skip

REGRET = [
    Mutant("the unbounded certificate has half of ‖s‖", "regret", "Certificate._proven",
           "size = radius * float(lengths(s[None])[0])",
           "size = radius * float(lengths(s[None])[0]) / 2"),
    Mutant("the bound looks at the wrong side of K", "regret", "Certificate._proven",
           "self._domain.support(-s)", "self._domain.support(s)"),
    Mutant("the bound's offsets are counted twice", "regret", "Certificate._proven",
           "exact_sum(minorants.offset)", "2 * exact_sum(minorants.offset)"),
    Mutant("the attained loss is taken as computed", "regret", "Certificate.proof",
           "float(total.upper[0])", "float(total.value[0])"),
    Mutant("offsets are raised by their rounding: squared loss", "losses", "Squared.minorant",
           "offset - 3 * UNIT * np.abs(offset) - 2 * SMALLEST * (u != 0)",
           "offset + 3 * UNIT * np.abs(offset) - 2 * SMALLEST * (u != 0)"),
    Mutant("offsets are raised by their rounding: logistic loss", "losses", "Logistic.minorant",
           "entropy - 14 * UNIT * entropy", "entropy + 14 * UNIT * entropy"),
    Mutant("offsets are raised by their rounding: a loss of one's own", "regret", "supporting",
           "loss.value(z, y) - loss.error(z, y, off)", "loss.value(z, y) + loss.error(z, y, off)"),
    Mutant("a slope beyond a kink's is taken for one", "losses", "Absolute.minorant",
           "np.abs(u - inside)", "0.0 * u"),
    Mutant("at a kink the offset is that of one side", "regret", "MoreauEnvelope._bisect",
           "(1 - share) * first + share * second", "second"),
    Mutant("kinks are taken for smooth", "regret", "certified",
           "SmoothLoss if tangents else MoreauEnvelope", "SmoothLoss"),
    Mutant("a sequence does not switch inside of blocks", "regret", "_Search._inside",
           "np.where(possible, np.fmax(alone, paired), np.inf)", "np.full(self._k, np.inf)"),
    Mutant("what changes inside a block gains as what does not", "regret", "changing_costs",
           "np.max(best[:, None] + gains, axis=0)", "best"),
    Mutant("a round alone costs what it does at one end of K", "regret", "least_alone",
           "np.minimum(slope * low, slope * high)", "np.maximum(slope * low, slope * high)"),
    Mutant("the sequence found switches once more than asked", "regret", "_Search._bound",
           "cheapest(most, np.full((self._k, n), np.inf), self._k)",
           "cheapest(most, np.full((self._k + 1, n), np.inf), self._k + 1)"),
    Mutant("losses are taken for exact", "losses", "Squared.error",
           "3 * UNIT * (0.5 * residual * residual)", "0.0 * residual"),
    Mutant("what predictions are off by is left out", "losses", "Logistic.error",
           "np.abs(y) * doubt", "0.0 * doubt"),
    Mutant("a loss of one's own is taken for exact", "losses", "Loss.error",
           "rise + 4 * ASSUMED * (np.abs(near) + np.abs(largest)) + 16 * SMALLEST", "rise"),
    Mutant("predictions are taken for exact", "regret", "Rounds.prediction_doubt",
           "gamma(self._width + 2) * (self.norms * length * ABOVE) + underflow", "underflow"),
    Mutant("sums are taken for exact", "linalg", "running_sums",
           "sums[where[1:]], doubt[where[1:]]", "sums[where[1:]], 0.0 * doubt[where[1:]]"),
    Mutant("the errors of losses are left out", "regret", "running_losses",
           "errors + rounding", "rounding"),
    Mutant("the best fixed point's losses are one round short", "regret", "losses_of",
           "running_losses(loss, z, data.labels, doubt, checkpoints)",
           "running_losses(loss, z, data.labels, doubt, checkpoints - 1)"),
    Mutant("linear losses are maximised", "regret", "_certified_linear",
           "domain.farthest(-s)", "domain.farthest(s)"),
    Mutant("a prefix's linear minimum looks at the wrong side of K", "regret", "linear_minima",
           "domain.support(s)", "domain.support(-s)"),
]  # fmt: skip

BOUNDS = [
    Mutant("the certificate has η/4", "bounds", "Account.balance",
           "lr / 2 * quadratic", "lr / 4 * quadratic"),
    Mutant("the certificate has D for D²", "bounds", "Account.balance",
           "self.diameter / (2 * lr) * self.diameter * growth",
           "self.diameter / (2 * lr) * growth"),
    Mutant("the tail leaves d out", "bounds", "_with_tail",
           "account.d * math.sqrt(mass)", "math.sqrt(mass)"),
    Mutant("the tail has ρ for √ρ", "bounds", "_with_tail", "math.sqrt(mass)", "mass"),
    Mutant("theorem 3 has Ω_{k+1}", "bounds", "SpectralSums.of",
           "escaped_mass_limit(spectrum, k)", "escaped_mass_limit(spectrum, k + 1)"),
    Mutant("the rounds' bound has G for G²", "bounds", "_rounds",
           "2 * account.gradient_bound * account.gradient_bound", "2 * account.gradient_bound"),
    Mutant("Shampoo's bound leaves the rank out", "bounds", "_with_rank",
           "2 * _by_axes(account).gradient_rank * potential", "2 * potential"),
    Mutant("one-sided Shampoo's theorem leaves m out", "bounds", "_one_sided_theorem",
           "axis.dim * math.sqrt(_omega(axis, spectrum))", "math.sqrt(_omega(axis, spectrum))"),
    Mutant("Shampoo's theorem has the power 1/p", "bounds", "_shampoo_theorem",
           "1 / (2 * len(axes))", "1 / len(axes)"),
    Mutant("a verdict is lenient: the lower end is enough", "bounds", "verdict",
           "hi <= least - allowance", "lo <= least - allowance"),
    Mutant("a bracketed bound holds below its upper end", "bounds", "verdict",
           "hi <= least - allowance", "hi <= value - allowance"),
    Mutant("a violation is told at twice the bound only", "bounds", "verdict",
           "lo > value + allowance", "lo > 2 * value + allowance"),
    Mutant("every verdict is left open as rounding", "bounds", "allowance",
           "(ROOTS + 8 * UNIT * account.t) * abs(value)", "2 * abs(value)"),
]  # fmt: skip

EXPERIMENT = [
    Mutant("D leaves ‖x̂‖ out on an unbounded domain", "experiment", "diameters",
           "travelled + length", "travelled"),
    Mutant("a prefix's best point sees all rounds", "experiment", "certify_prefixes",
           "_best(game, recorded, int(stop), float(value))",
           "_best(game, recorded, play.rounds, float(value))"),
    Mutant("a checkpoint that was not checked is said to hold", "experiment",
           "Certification.intervals", "np.full(len(self.played), np.nan)", "self.regret.copy()"),
    Mutant("the upper end of a prefix's regret is not used", "experiment",
           "Certification.intervals", "self.prefixes.hi.copy()", "lo.copy()"),
    Mutant("only the last verdict counts", "experiment", "Ladder.bounds",
           "self.holds[name].min()", "self.holds[name][-1]"),
    Mutant("the Ω that is reported is Ω_{k+1}", "experiment", "_summary",
           "escaped_mass_limit(spectrum, k)", "escaped_mass_limit(spectrum, k + 1)"),
    Mutant("the range of Ω that is reported is Ω_{k−1}'s", "experiment", "_omega_range",
           "sketch.escaped_mass_limit_range()", "sketch.escaped_mass_limit_range(sketch.k - 1)"),
    Mutant("G leaves out how large predictions get", "experiment", "_gradient_bound",
           "stream.feature_norm * radius if stream.feature_norm else 0.0", "0.0"),
    Mutant("the ends of a bracket change places", "experiment", "Spectra.ends",
           "bracket.root_trace()", "bracket.root_trace()[::-1]"),
    Mutant("spectra start anew at each checkpoint", "gradients", "covariances",
           "covariance += np.matmul(rows.T, rows, out=product)",
           "covariance[:] = np.matmul(rows.T, rows, out=product)"),
]  # fmt: skip

RANKS = [
    Mutant("captured mass cannot be more than the sketch holds", "ranks", "_choice",
           "(k - 1) * (sketch.escaped_mass + r)", "0.0"),
    Mutant("the ratio's lower end is twice too large", "ranks", "_choice",
           "2 * root_hi", "root_hi"),
]  # fmt: skip

#: Every fault, by room.
MUTANTS: dict[str, list[Mutant]] = {
    "sketch": SKETCH,
    "linalg": LINALG,
    "learners": LEARNERS,
    "dual averaging": DUALS,
    "newton": NEWTONS,
    "experts": EXPERTS,
    "domains": DOMAINS,
    "losses": LOSSES,
    "protocol": PROTOCOL,
    "compiled": COMPILED,
    "regret": REGRET,
    "bounds": BOUNDS,
    "experiment": EXPERIMENT,
    "ranks": RANKS,
}


# Properties that a row of the table names.
SHOWN = 3


def _row(room: str, fault: str, outcome: Outcome) -> str:
    if not outcome.violated:
        caught, at = "**nothing**", f"none of {outcome.cases}"
    else:
        caught, at = ", ".join(f"`{name}`" for name in outcome.violated[:SHOWN]), str(outcome.cases)
        caught += f" and {more} more" if (more := len(outcome.violated) - SHOWN) > 0 else ""
    return f"| {room} | {fault} | {caught} | {at} | {outcome.seconds:.0f} |"


def main() -> int:
    """Try the mutants and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=MUTANTS, action="append", help="a room")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    chosen = [(room, mutant) for room in options.only or MUTANTS for mutant in MUTANTS[room]]
    for _, mutant in chosen:
        # Before time is spent on the others: code that is no longer there is an error.
        mutant.rewritten()
    unchanged = try_mutant(None, options.cases, options.seed)
    print("| room | fault | caught by | case | seconds |\n| --- | --- | --- | --- | --- |")
    print(_row("", "none: the package as it is", unchanged))
    survivors = []
    with ThreadPoolExecutor(options.jobs) as pool:
        tried = pool.map(lambda one: try_mutant(one[1], options.cases, options.seed), chosen)
        for (room, mutant), outcome in zip(chosen, tried, strict=True):
            print(_row(room, mutant.fault, outcome), flush=True)
            if not outcome.violated:
                survivors.append(mutant.fault)
    print(f"\n{len(chosen) - len(survivors)} of {len(chosen)} faults were noticed.")
    for fault in survivors:
        print(f"UNNOTICED: {fault}", file=sys.stderr)
    if unchanged.violated:
        print(f"VIOLATED without any fault: {', '.join(unchanged.violated)}", file=sys.stderr)
    return int(bool(survivors or unchanged.violated))


if __name__ == "__main__":
    sys.exit(main())
