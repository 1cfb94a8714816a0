"""Games whose variable is a matrix: played, certified, and held against Shampoo's ladder."""

import math

import numpy as np
import pytest
from what_learners_take import only_taken

import oco
from oco.experiment import eigenvalues, prepare
from oco.experiment.game import set_up
from oco.losses import LOSSES
from oco.results import Experiment
from oco.results.summary import HOLDS, NOT_CHECKED
from oco.sketch import escaped_mass_limit

SHAPE, T = (6, 5), 120
LEARNERS = ["shampoo", "s-shampoo", "adam", "ogd", "adagrad", "s-adagrad", "full-adagrad"]
STREAMS = ["matrix-lowrank", "matrix-rotating", "matrix-adversary", "multiclass"]


def played(algorithm, stream, **options):
    given = {"shape": SHAPE, "stream": stream, "k": 3, "T": T, **options}
    return oco.run(algorithm, **only_taken(algorithm, **given))


def by_hand(result):
    """Replay the learner on matrices; return its losses and gradients, one a round."""
    game = prepare(**vars(result.experiment))
    learner = getattr(game.learner, "learner", game.learner)
    losses, gradients = [], []
    for features, labels in game.stream.chunks():
        for a, y in zip(features, labels, strict=True):
            X = np.reshape(learner.x, SHAPE)
            if game.stream.outputs is None:
                z = np.sum(a.reshape(SHAPE) * X)
                y = game.stream.answer(z) if game.stream.adaptive else y
                G = game.loss.derivative(z, y) * a.reshape(SHAPE)
            else:
                z = X @ a
                G = np.outer(game.loss.derivative(z, y), a)
            losses.append(float(game.loss.value(z, y)))
            gradients.append(G)
            learner.update(G.reshape(np.shape(learner.x)))
    return np.array(losses), np.array(gradients)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("algorithm", LEARNERS)
def test_what_is_played_is_what_happens_to_matrices(algorithm, stream):
    result = played(algorithm, stream, seed=1)
    losses, gradients = by_hand(result)
    summary, trace = result.summary, result.trace
    assert (summary.status, summary.shape, summary.d) == ("complete", SHAPE, 30)
    np.testing.assert_allclose(trace.loss, np.cumsum(losses)[trace.t - 1], rtol=1e-9, atol=1e-12)
    if stream != "multiclass":
        best = -np.linalg.norm(gradients.sum(axis=0))
        assert summary.comparator.loss == pytest.approx(best, rel=1e-9)
        assert summary.regret.lo == pytest.approx(losses.sum() - best, rel=1e-9)
    # Linear losses are checked against every prefix's best point, the others against the last.
    earlier = NOT_CHECKED if stream == "multiclass" else HOLDS
    for holds in trace.holds.values():
        assert holds[-1] == HOLDS and (holds[:-1] == earlier).all()
    assert bool(summary.bounds) == (algorithm != "adam")


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("options", [{}, {"lr": 0.1}, {"radius": 3.0}, {"k": 2}], ids=repr)
def test_the_ladder_of_s_shampoo_holds_over_seeds(stream, options):
    for seed in range(4):
        summary = played("s-shampoo", stream, **{"seed": seed, **options}).summary
        rungs = ["certificate", "shampoo-trace", "shampoo-theorem"]
        assert [bound.name for bound in summary.bounds] == rungs
        values = [bound.value for bound in summary.bounds]
        assert all(bound.holds for bound in summary.bounds)
        assert summary.regret.hi < values[0] < values[1] < values[2]


def test_what_escapes_from_each_side_is_told_with_its_limit():
    result = played("s-shampoo", "matrix-lowrank", k=3)
    _, gradients = by_hand(result)
    left, right = result.summary.axes
    assert (left.dim, left.k, right.dim, right.k) == (6, 3, 5, 3)
    for axis, C in (
        (left, np.einsum("tij,tkj->ik", gradients, gradients)),
        (right, np.einsum("tji,tjk->ik", gradients, gradients)),
    ):
        omega = escaped_mass_limit(np.linalg.eigvalsh(C), 3)
        assert axis.omega == pytest.approx(omega, rel=1e-9)
        assert 0 < axis.escaped_mass <= axis.omega
    assert result.summary.omega is None
    text = repr(result)
    assert "d = 6×5 = 30" in text and "escaped mass, left" in text and "Ω_3" in text


def test_a_sketch_as_long_as_a_side_is_exact():
    summary = played("s-shampoo", "matrix-lowrank", k=5).summary
    left, right = summary.axes
    assert (left.k, right.k, right.escaped_mass, right.omega) == (5, None, 0.0, None)
    exact = played("s-shampoo", "matrix-lowrank", k=6).summary
    assert exact.average_loss == played("shampoo", "matrix-lowrank").summary.average_loss
    assert [bound.name for bound in exact.bounds] == ["certificate", "shampoo-trace"]


@pytest.mark.parametrize("stream, r", [("matrix-lowrank", 2), ("multiclass", 1)])
def test_the_default_rate_knows_the_rank_of_the_gradients(stream, r):
    options = {"r": r} if stream == "matrix-lowrank" else {}
    assert played("s-shampoo", stream, **options).summary.lr == pytest.approx(2 / math.sqrt(2 * r))
    # An unknown rank is at most the shorter side.
    assert played("shampoo", "adversary", d=30).summary.lr == pytest.approx(2 / math.sqrt(10))


def test_gradients_are_no_longer_than_their_bound():
    for stream, bound in (("matrix-lowrank", 1.0), ("multiclass", math.sqrt(2))):
        result = played("ogd", stream, loss=None)
        _, gradients = by_hand(result)
        assert prepare(**vars(result.experiment)).gradient_bound == pytest.approx(bound)
        assert np.linalg.norm(gradients, axis=(1, 2)).max() <= bound * (1 + 1e-12)


def test_sides_too_long_for_their_spectra_leave_the_theorem_open(monkeypatch):
    monkeypatch.setattr(eigenvalues, "spectrum_affordable", lambda d: False)
    summary = played("s-shampoo", "matrix-lowrank").summary
    assert {bound.name: bound.holds for bound in summary.bounds} == {
        "certificate": True, "shampoo-trace": True, "shampoo-theorem": None,
    }  # fmt: skip
    assert [axis.omega for axis in summary.axes] == [None, None]
    assert any("a side of 6 is too long" in note for note in summary.notes)


def test_a_result_is_saved_and_loaded(tmp_path):
    result = played("s-shampoo", "multiclass", out=tmp_path)
    assert oco.load_result(tmp_path) == result
    assert result.experiment.plain()["shape"] == [6, 5] and result.x.shape == (30,)


@pytest.mark.parametrize("loss", ["logistic", "squared"])
def test_any_stream_may_be_laid_out_as_a_matrix(loss):
    result = oco.run("s-shampoo", shape="6x5", loss=loss, T=60, k=3)
    assert (result.summary.stream, result.summary.shape) == ("stochastic", SHAPE)
    vector = oco.run("ogd", d=30, loss=loss, T=60)
    assert oco.run("ogd", shape="6x5", loss=loss, T=60).summary.regret == vector.summary.regret


def test_without_a_shape_shampoo_takes_a_vector_for_a_tensor_of_one_axis():
    full = oco.run("full-adagrad", d=8, T=80, stream="adversary")
    summary = oco.run("shampoo", d=8, T=80, stream="adversary").summary
    assert summary.shape is None and len(summary.axes) == 1
    assert summary.average_loss == pytest.approx(full.summary.average_loss, rel=0.05)


class TestClassLabels:
    @pytest.fixture
    def path(self, tmp_path):
        rng = np.random.default_rng(0)
        X, W = rng.standard_normal((200, 4)), rng.standard_normal((3, 4))
        np.savez(tmp_path / "rows.npz", X=X, y=10 * (X @ W.T).argmax(axis=1))
        return str(tmp_path / "rows.npz")

    def test_a_file_with_class_labels_is_played(self, path):
        result = oco.run("s-shampoo", data=path, loss="softmax", k=2)
        summary = result.summary
        assert (summary.d, summary.shape, summary.T) == (15, (3, 5), 200)
        assert all(bound.holds for bound in summary.bounds) and len(summary.bounds) == 3
        assert summary.regret.hi - summary.regret.lo <= 1e-3 * abs(summary.regret.lo)
        # Better than a guess, and the comparator better still.
        assert summary.comparator.loss < summary.total_loss < 200 * math.log(3)

    def test_on_an_unbounded_domain_the_distance_is_measured(self, path):
        summary = oco.run("s-adagrad", data=path, loss="softmax", k=5, T=60,
                          domain="unconstrained", lr=0.3).summary  # fmt: skip
        assert summary.status == "complete" and all(bound.holds for bound in summary.bounds)
        assert any("D = max‖x_t‖ + ‖x̂‖" in note for note in summary.notes)

    def test_a_shape_that_does_not_fit_is_refused(self, path):
        with pytest.raises(ValueError, match=r"^data: .* 3 classes, expected the shape 5x3"):
            set_up(Experiment("ogd", data=path, loss="softmax", shape=(5, 3)))


def test_a_loss_that_is_not_finite_stops_in_that_round():
    class Broken(type(LOSSES["softmax"])):
        calls = 0

        def derivative(self, z, y):
            self.calls += 1
            return super().derivative(z, y) * (math.nan if self.calls == 7 else 1.0)

    summary = oco.run("ogd", shape=SHAPE, T=20, loss=Broken(), lr=0.1, stream="multiclass").summary
    assert summary.status == "failed" and summary.rounds == 6
    assert summary.message.startswith("round 7: expected finite numbers, got predictions [")


class Nuclear:
    """A matrix learner of one's own: it moves against the gradient's leading pair."""

    def __init__(self, shape, domain, lr=0.1):
        self.x, self.domain, self.lr = np.zeros(shape), domain, lr

    def update(self, G):
        assert G.shape == self.x.shape
        U, _, V = np.linalg.svd(G)
        step = self.x - self.lr * np.outer(U[:, 0], V[0])
        self.x = self.domain.nearest(step.reshape(-1)).reshape(step.shape)


def test_a_learner_of_ones_own_may_play_matrices():
    summary = oco.run(Nuclear, shape=SHAPE, T=50, stream="matrix-adversary").summary
    assert summary.status == "complete" and not summary.bounds and summary.regret.lo > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shape": "6by5"}, "shape: expected two sizes such as 256x128, got '6by5'"),
        ({"shape": (6, 5, 4)}, "shape: expected two sizes such as 256x128, got (6, 5, 4)"),
        ({"shape": (6, 0)}, "shape: expected an integer >= 1, got 0"),
        ({"d": 31}, "d: expected 30, as the shape is 6x5, got 31"),
        ({"r": 6}, "r: expected an integer from 1 to 5, got 6"),
        ({"k": 1}, "k: expected an integer >= 2, got 1"),
        ({"shape": None}, "shape: not given, and the stream matrix-lowrank needs it"),
        ({"domain": "simplex"}, "domain: simplex needs a learner with a scalar or diagonal metric"),
        ({"domain": "unconstrained"}, "domain: linear losses have no best fixed point"),
        ({"loss": "softmax"}, "loss: the matrix-lowrank stream has linear losses only"),
        ({"loss": "softmax", "stream": "stochastic"}, "loss: the stochastic stream cannot be"),
        ({"loss": "hinge", "stream": "multiclass"}, "loss: the multiclass stream has class labels"),
        ({"shape": (1, 5), "stream": "multiclass"}, "shape: expected at least 2 classes"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises((TypeError, ValueError)) as error:
        options = {"shape": SHAPE, "stream": "matrix-lowrank", "k": 3, "T": 5, **options}
        set_up(Experiment("s-shampoo", **options))
    assert str(error.value).startswith(message)
    assert "; multiclass, data can" in str(error.value) or options["stream"] != "stochastic"


def test_a_stream_of_another_size_is_refused():
    stream = oco.losses.MatrixLowRank(shape=(4, 3), T=5)
    with pytest.raises(ValueError, match="shape: the matrix-lowrank stream has 4x3, expected 3x4"):
        prepare("shampoo", stream=stream, shape=(3, 4))
    assert prepare("shampoo", stream=stream).shape == (4, 3)
    rademacher = oco.losses.Rademacher(d=10, T=5)
    with pytest.raises(ValueError, match="shape: the rademacher stream has d = 10, expected 3x4"):
        prepare("shampoo", stream=rademacher, shape=(3, 4))
