"""Games that are not what they say: nothing of them is ever called certified."""

import numpy as np
import pytest
from what_learners_take import only_taken

import oco
from oco.algorithms import Diagnostics
from oco.experiment import assessment
from oco.losses import LOSSES, Loss, Stream
from oco.losses.functions import Linear
from oco.regret import best_fixed_point
from oco.results.summary import HOLDS, NOT_CHECKED, VIOLATED

SMALL = {"d": 6, "T": 400, "seed": 2}


class Leaver:
    """Walks out of the ball in round 37, by 0.5, and back."""

    def __init__(self, d, domain, step=0.5):
        self.x, self.domain, self.t, self.step = domain.start(d), domain, 0, step

    def update(self, g):
        self.t += 1
        inside = self.domain.nearest(self.x - g)
        outside = self.domain.farthest(np.ones(len(g))) * (1 + self.step)
        self.x = outside if self.t == 36 else inside


@pytest.mark.parametrize("domain", [oco.Ball(1.0), oco.Box(-1, 1)], ids=lambda K: K.name)
@pytest.mark.parametrize("step", [0.5, 1e-9])
def test_a_learner_that_leaves_the_domain_fails_in_that_round(domain, step):
    def leaver(d, domain):
        return Leaver(d, domain, step)

    summary = oco.run(leaver, domain=domain, **SMALL).summary
    away = step * (1.0 if domain.name == "ball" else np.sqrt(6))
    assert summary.status == "failed" and summary.regret is None
    assert summary.message.startswith("round 37: the learner played a point outside the domain, ")
    assert float(summary.message.split("domain, ")[1].split()[0]) == pytest.approx(away, rel=1e-2)


@pytest.mark.parametrize("radius", [1e-150, 1e-141, 1e-100, 1e150])
def test_points_outside_are_seen_where_squares_underflow_and_overflow(radius):
    summary = oco.run(Leaver, domain=oco.Ball(radius), **SMALL).summary
    assert summary.status == "failed" and summary.message.startswith("round 37: the learner played")


def test_a_learner_of_matrices_is_held_to_the_domain_too():
    class Wild:
        def __init__(self, shape):
            self.x, self.t = np.zeros(shape), 0

        def update(self, G):
            self.t += 1
            self.x = np.full(self.x.shape, 10.0 if self.t == 4 else 0.01)

    for options in ({"stream": "multiclass"}, {"stream": "matrix-lowrank"}):
        summary = oco.run(Wild, shape=(4, 5), T=60, **options).summary
        assert summary.status == "failed" and summary.message.startswith("round 5: the learner")


@pytest.mark.parametrize("algorithm", ["ogd", "adagrad", "s-adagrad", "full-adagrad", "s-shampoo"])
def test_learners_on_the_edge_of_the_domain_do_not_leave_it(algorithm):
    options = {"stream": "rademacher", "d": 6, "T": 300, "k": 2}
    if algorithm == "s-shampoo":
        options = {"stream": "matrix-lowrank", "shape": (3, 2), "T": 100, "k": 2}
    for radius in (1e-140, 1e-3, 1e140):
        summary = oco.run(algorithm, radius=radius, **only_taken(algorithm, **options)).summary
        assert summary.status == "complete", summary.message


class HalfSlope(Linear):
    """A linear loss with half its slope."""

    name = "half"

    def derivative(self, z, y):
        return super().derivative(z, y) / 2


class Wave(Loss):
    """Not convex."""

    name = "wave"

    def value(self, z, y):
        return np.sin(5 * z * y)

    def derivative(self, z, y):
        return 5 * y * np.cos(5 * z * y)


class Slanted(Loss):
    """The squared loss with a slope that is off by a thousandth."""

    name = "slanted"

    def value(self, z, y):
        return 0.5 * (z - y) ** 2

    def derivative(self, z, y):
        return 1.001 * (z - y)


class WrongConjugate(Loss):
    """The squared loss with the conjugate of another: its bound is above what is attained."""

    name = "wrong conjugate"

    def value(self, z, y):
        return 0.5 * (z - y) ** 2

    def derivative(self, z, y):
        return z - y

    def conjugate(self, u, y):
        return -10.0 - 0.0 * u * y


class WrongMinorant(Slanted):
    name = "wrong minorant"

    def derivative(self, z, y):
        return z - y

    def minorant(self, u, y):
        return -u * (0.5 * u + y) + 0.1, 0.0 * u


class Forgetful(Loss):
    """A loss whose value changes when it is asked again."""

    name = "forgetful"

    def __init__(self):
        self.asked = 0

    def value(self, z, y):
        self.asked += 1
        return 0.5 * (z - y) ** 2 + (self.asked if self.asked < 300 else 0.0)

    def derivative(self, z, y):
        return z - y


class WrongClasses(Loss):
    """The softmax loss with slopes for another class."""

    name, labels = "wrong classes", "class"

    def value(self, z, y):
        return LOSSES["softmax"].value(z, y)

    def derivative(self, z, y):
        return LOSSES["softmax"].derivative(z, (np.asarray(y) + 1) % np.shape(z)[-1])


@pytest.mark.parametrize(
    "loss",
    [HalfSlope(), Wave(), Slanted(), WrongConjugate(), WrongMinorant(), Forgetful()],
    ids=lambda loss: loss.name,
)
def test_a_loss_that_contradicts_itself_is_named_and_nothing_is_certified(loss, tmp_path):
    result = oco.run("ogd", loss=loss, lr=0.5, out=tmp_path, **SMALL)
    summary = result.summary
    assert summary.status == "failed" and summary.regret is None and not result.violated
    assert summary.message.startswith("loss: ") and repr(loss.name) in summary.message
    assert summary.rounds == 400 and summary.total_loss != 0
    assert oco.load_result(tmp_path) == result


def test_a_loss_of_vectors_with_wrong_slopes_is_named():
    class Few(oco.losses.Multiclass):
        @classmethod
        def supports(cls, loss_name):
            return True

        def __init__(self, shape, T, seed=0):
            super().__init__(shape=shape, T=T, seed=seed)

    summary = oco.run("ogd", stream=Few, loss=WrongClasses(), shape=(3, 4), T=200, lr=0.1).summary
    assert summary.status == "failed" and "'wrong classes' is not convex" in summary.message


@pytest.mark.parametrize("name", LOSSES)
def test_true_losses_are_never_accused(name):
    for seed in range(5):
        for radius in (1e-12, 1.0, 1e9):
            options = {"shape": (3, 4)} if name == "softmax" else {"d": 5}
            stream = "multiclass" if name == "softmax" else "stochastic"
            summary = oco.run(
                *["ogd"], stream=stream, loss=name, T=60, seed=seed, radius=radius, **options
            ).summary
            assert summary.status == "complete" and summary.regret.lo <= summary.regret.hi


@pytest.mark.parametrize(
    ("target", "lost"),
    [
        ("certify", "regret"),
        ("known_spectra", "omega"),
        ("build_ladder", None),
        ("certify_prefixes", None),
    ],
)
@pytest.mark.parametrize("error", [ValueError("math domain error"), MemoryError("too much")])
def test_what_fails_in_the_assessment_is_named_and_the_play_is_kept(
    target, lost, error, monkeypatch, tmp_path
):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(assessment, target, fail)
    result = oco.run("s-adagrad", k=3, prefix_regret=True, out=tmp_path, **SMALL)
    summary = result.summary
    assert summary.status == "failed" and str(error) in summary.message
    assert summary.message.startswith("computing ")
    assert summary.rounds == 400 and summary.total_loss > 0
    for name in ("regret", "omega"):
        assert (getattr(summary, name) is None) == (name == lost)
    assert oco.load_result(tmp_path) == result


class Brittle(Loss):
    """The squared loss, whose slopes end in an error after a while."""

    name = "brittle"

    def __init__(self, left):
        self.left = left

    def value(self, z, y):
        return 0.5 * (z - y) ** 2

    def derivative(self, z, y):
        self.left -= 1
        if self.left < 0:
            raise ZeroDivisionError("in a solver")
        return z - y


def test_a_search_that_breaks_down_leaves_what_it_had_proven():
    stream = oco.losses.Stochastic(d=3, T=50, loss=LOSSES["squared"])
    whole = best_fixed_point(LOSSES["squared"], oco.Ball(1.0), stream)
    for left in (10, 300, 600):
        best = best_fixed_point(Brittle(left), oco.Ball(1.0), stream, relative_gap=1e-12)
        assert best.trouble == "ZeroDivisionError: in a solver" and whole.trouble == ""
        assert best.lower <= whole.upper and whole.lower <= best.upper
        # Ten slopes are not enough for one bound; then there is none.
        assert (best.gap < 100) == (left > 10)


class Still:
    """Never moves and claims a bound of 1."""

    bounds, lr = ("certificate",), 1.0

    def __init__(self, d):
        self.x = np.zeros(d)

    def update(self, g):
        pass

    def diagnostics(self):
        return Diagnostics(
            potential=0.0,
            quadratic=2.0,
            squared_gradients=0.0,
            escaped_mass=None,
            travelled=None,
            state_bytes=8,
        )


class Flipping(Stream):
    """Linear losses whose sign flips half way: the best point of all rounds gains nothing."""

    def __init__(self):
        super().__init__(1, 1000)

    def rows(self, start, stop):
        return np.ones((stop - start, 1)), np.where(np.arange(start, stop) < 500, 1.0, -1.0)


def test_linear_losses_are_checked_against_the_best_point_of_every_prefix():
    result = oco.run(Still, stream=Flipping(), checkpoints=8)
    summary, trace = result.summary, result.trace
    (bound,) = summary.bounds
    assert bound.holds is False and result.violated
    half = np.argmin(np.abs(trace.t - 500))
    assert trace.holds["certificate"][half] == VIOLATED
    expected = np.minimum(trace.t, 1000 - trace.t)
    np.testing.assert_allclose(trace.prefix_regret_lo, expected, atol=1e-9)
    np.testing.assert_allclose(trace.prefix_regret_hi, expected, atol=1e-9)
    # At the end the regret is 0, and below the bound.
    assert trace.holds["certificate"][-1] == HOLDS
    assert summary.checked == summary.checkpoints == len(trace.t)


def test_a_checkpoint_that_was_held_against_the_last_point_alone_is_not_checked():
    result = oco.run("ogd", **SMALL)
    summary = result.summary
    for holds in result.trace.holds.values():
        assert holds[-1] == HOLDS and (holds[:-1] == NOT_CHECKED).all()
    assert (summary.checked, summary.checkpoints) == (1, len(result.trace.t))
    assert all(bound.holds for bound in summary.bounds)
    full = oco.run("ogd", prefix_regret=True, **SMALL)
    assert all((holds == HOLDS).all() for holds in full.trace.holds.values())
    assert full.summary.checked == full.summary.checkpoints


def test_on_an_unbounded_domain_a_prefix_s_bound_covers_its_own_best_point():
    """The first rounds are separable: their best point is far longer than that of all."""
    result = oco.run(
        "adagrad",
        d=4,
        T=300,
        seed=1,
        domain="unconstrained",
        lr=0.5,
        prefix_regret=True,
        noise=0.3,
    )
    assert not result.violated and result.summary.status == "complete"
    lo = result.trace.prefix_regret_lo
    assert (result.trace.bounds["certificate"] > lo).all()
