"""Sparse rows beside the same rows made dense: same plays, same verdicts, no dense matrix."""

import copy

import numpy as np
import pytest
from scipy import sparse

import oco
from oco.algorithms import scaled_newton, small_spaces
from oco.algorithms.adagrad import DiagonalCovariance
from oco.losses import files, sparse_rows
from oco.regret import best_fixed_point
from oco.regret.passes import Rounds
from oco.rounds import Log
from oco.simulator import play

D, T = 1500, 60
# Rows differ by the order in which their entries are summed up, and points by what that rounds.
APART = 1e-9
# Where nothing escapes, the smallest eigenvalues of H are near rounding, and long steps make much
# of it: dense rows that are scaled by one rounding end as far apart.
ROOTS = 1e-5
DOMAINS = {
    "a ball that binds": {"domain": "ball", "radius": 0.3},
    "a ball that does not": {"domain": "ball", "radius": 100.0},
    "unconstrained": {"domain": "unconstrained", "lr": 0.4},
    "steps far longer than the ball": {"domain": "ball", "radius": 0.5, "lr": 1e4},
}

BOXES = {
    "a box that binds": {"domain": "box", "lower": -0.01, "upper": 0.02},
    "a box without the origin": {"domain": "box", "lower": 0.001, "upper": 0.5},
    "steps far longer than the box": {"domain": "box", "lower": -1.0, "upper": 2.0, "lr": 1e4},
}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    table = sparse.random(T, D, density=0.01, format="csr", random_state=1)
    table.data = rng.standard_normal(len(table.data))
    # A row without entries, and one twice.
    table.data[table.indptr[5] : table.indptr[6]] = 0.0
    table.eliminate_zeros()
    table = sparse.csr_array(sparse.vstack([table, table[[3]]]))
    return table, np.where(table @ rng.standard_normal(D) > 0, 1.0, -1.0)


def both(monkeypatch, algorithm, rows, **options):
    """Return the result with sparse rows, and that with the same rows made dense."""
    thin = oco.run(algorithm, X=rows[0], y=rows[1], **options)
    with monkeypatch.context() as patch:
        patch.setattr(files, "stays_sparse", lambda table: False)
        return thin, oco.run(algorithm, X=rows[0], y=rows[1], **options)


def require_same(thin, thick, apart=APART):
    assert thin.summary.status == thick.summary.status == "complete"
    np.testing.assert_allclose(thin.x, thick.x, rtol=0, atol=apart * np.abs(thick.x).max())
    np.testing.assert_allclose(thin.trace.loss, thick.trace.loss, rtol=apart)
    assert thin.summary.certificate == pytest.approx(thick.summary.certificate, rel=apart)
    assert [b.holds for b in thin.summary.bounds] == [b.holds for b in thick.summary.bounds]
    ours, theirs = thin.summary.regret, thick.summary.regret
    assert ours.lo <= theirs.hi and theirs.lo <= ours.hi


def refuse_dense_rounds(monkeypatch):
    def refuse(self, *args, **options):
        raise AssertionError("a round was played with a dense row")

    monkeypatch.setattr(Log, "_in_kernels", refuse)
    monkeypatch.setattr(Log, "_in_turn", refuse)


@pytest.mark.parametrize("domain", DOMAINS | BOXES)
@pytest.mark.parametrize("algorithm", ["ogd", "adagrad-norm", "adagrad", "da-diagonal"])
def test_sparse_rows_are_played_as_dense_ones_are(monkeypatch, rows, algorithm, domain):
    options = (DOMAINS | BOXES)[domain]
    thin, thick = both(monkeypatch, algorithm, rows, **options)
    require_same(thin, thick)
    refuse_dense_rounds(monkeypatch)
    alone = oco.run(algorithm, X=rows[0], y=rows[1], **options)
    np.testing.assert_array_equal(alone.x, thin.x)


@pytest.mark.parametrize("domain", DOMAINS)
def test_one_rate_for_all_coordinates_of_sparse_rows(monkeypatch, rows, domain):
    require_same(*both(monkeypatch, "da-norm", rows, **DOMAINS[domain]))
    refuse_dense_rounds(monkeypatch)
    assert oco.run("da-norm", X=rows[0], y=rows[1], **DOMAINS[domain]).summary.status == "complete"


def both_play(monkeypatch, make, rows, loss):
    """Return two learners after they have played sparse rows, and the same rows made dense."""
    learners = make(), make()
    for learner, sparsely in zip(learners, (True, False), strict=True):
        with monkeypatch.context() as patch:
            if not sparsely:
                patch.setattr(files, "stays_sparse", lambda table: False)
            stream = files.DataFile(path=rows)
        assert stream.sparse == sparsely
        found = play(learner, loss, stream, checkpoints=np.array([stream.T]))
        assert found.status == "complete", found.message
    return learners


@pytest.mark.parametrize("k", [2, 5, 200])
@pytest.mark.parametrize("algorithm", ["s-ons", "rfd-son", "fd-son"])
@pytest.mark.parametrize("loss", ["logistic", "squared"])
def test_newton_steps_with_sparse_rows(monkeypatch, rows, algorithm, loss, k):
    require_same(*both(monkeypatch, algorithm, rows, k=k, loss=loss, domain="ball", radius=0.3))


@pytest.mark.parametrize("algorithm", ["s_ons", "rfd_son", "fd_son"])
def test_what_newton_steps_lose_is_taken_in_all_dimensions(monkeypatch, rows, algorithm):
    """The bounds have tr A⁻¹ of the whole space in them, also where steps are in a small one."""

    def make():
        factory = getattr(oco.algorithms, algorithm)
        return factory(D, k=4, domain=oco.Ball(0.3), curvature=0.5)

    loss = oco.losses.LOSSES["logistic"]
    thin, thick = (one.diagnostics() for one in both_play(monkeypatch, make, rows, loss))
    assert thick.escaped_mass > 0
    assert thin.log_determinant == pytest.approx(thick.log_determinant, rel=APART)


@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("algorithm", ["s_ons", "rfd_son", "fd_son"])
def test_scaled_newton_steps_with_sparse_rows(monkeypatch, rows, algorithm, k):
    def make():
        return getattr(scaled_newton, algorithm)(D, k=k, domain=oco.Euclidean(), lr=0.4)

    thin, thick = both_play(monkeypatch, make, rows, oco.losses.LOSSES["logistic"])
    np.testing.assert_allclose(thin.x, thick.x, rtol=0, atol=ROOTS * np.abs(thick.x).max())
    ours, theirs = thin.diagnostics(), thick.diagnostics()
    assert ours.escaped_mass == pytest.approx(theirs.escaped_mass, rel=APART)
    assert ours.quadratic == pytest.approx(theirs.quadratic, rel=ROOTS)


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("k", [2, 5, 200])
@pytest.mark.parametrize("algorithm", ["s-adagrad", "ada-fd", "ftsl"])
def test_sketches_of_sparse_rows_are_those_of_dense_ones(monkeypatch, rows, algorithm, k, domain):
    options = {"k": k} | ({"delta": 0.1} if algorithm == "ada-fd" else {})
    thin, thick = both(monkeypatch, algorithm, rows, **options, **DOMAINS[domain])
    require_same(thin, thick, ROOTS if k > T else APART)
    ours, theirs = thin.summary, thick.summary
    assert ours.escaped_mass == pytest.approx(theirs.escaped_mass, rel=APART, abs=APART)


@pytest.mark.parametrize("loss", ["squared", "absolute", "hinge", "linear"])
def test_every_loss(monkeypatch, rows, loss):
    require_same(*both(monkeypatch, "adagrad", rows, loss=loss, bias=True))


def test_who_has_no_kernel_for_them_gets_dense_rows(monkeypatch, rows):
    require_same(*both(monkeypatch, "da-norm", rows, **BOXES["a box that binds"]))


def test_nothing_becomes_dense(monkeypatch, rows):
    def refuse(self, *args, **options):
        raise AssertionError("a sparse array was made dense")

    monkeypatch.setattr(sparse.csr_array, "toarray", refuse)
    summary = oco.run("adagrad-norm", X=rows[0], y=rows[1]).summary
    assert summary.status == "complete" and summary.regret is not None


def test_the_rounds_are_cut_at_checkpoints_and_by_kernels(monkeypatch, rows):
    monkeypatch.setattr("oco.sparse_rounds.ROUNDS", 7)
    monkeypatch.setattr(files, "SPARSE_CHUNK", 23)
    require_same(*both(monkeypatch, "ogd", rows, checkpoints=20, prefix_regret=True))


def test_a_step_that_overflows_is_named_with_its_round(monkeypatch, rows):
    for result in both(monkeypatch, "adagrad", rows, domain="unconstrained", lr=1e200):
        assert result.summary.status == "failed"
        assert "round 1: FloatingPointError: lr: expected steps to finite points" in (
            result.summary.message
        )


def test_a_prediction_that_overflows_is_named_with_its_round(monkeypatch, rows):
    options = {"domain": "unconstrained", "lr": 1e150, "loss": "squared"}
    thin, thick = both(monkeypatch, "ogd", (1e10 * rows[0], rows[1]), **options)
    assert thin.summary.status == thick.summary.status == "failed"
    assert thin.summary.message == thick.summary.message


def test_what_stays_sparse():
    few = sparse.csr_array(np.eye(1000))
    assert not sparse_rows.stays_sparse(few)
    full = sparse.csr_array(np.ones((3, 1001)))
    assert not sparse_rows.stays_sparse(full)


def test_pieces_are_views(rows):
    table = sparse_rows.prepared(rows[0], bias=False)
    part = sparse_rows.piece(table, 2, 9)
    assert np.shares_memory(part.data, table.data)
    np.testing.assert_array_equal(part.toarray(), rows[0][2:9].toarray())


def test_svmlight_text_is_played_as_it_is_stored(tmp_path, rows):
    path = tmp_path / "rows.svm"
    lines = []
    for i, label in enumerate(rows[1]):
        row = rows[0][[i]]
        entries = (f"{j + 1}:{v!r}" for j, v in zip(row.indices, row.data.tolist(), strict=True))
        lines.append(" ".join([f"{label:g}", *entries]))
    path.write_text("\n".join(lines) + "\n")
    stream = files.DataFile(path=path, features=D, bias=True)
    assert stream.sparse and stream.kept
    features, labels = next(stream.chunks(10))
    assert sparse.issparse(features) and features.shape == (10, D + 1) and len(labels) == 10
    np.testing.assert_array_equal(features.toarray(), stream.rows(0, 10)[0])


def test_passes_over_sparse_rows_are_those_over_dense_ones(rows):
    class Stream:
        d = D

        def __init__(self, table):
            self.table = table

        def chunks(self, stop=None):
            yield self.table[:stop], rows[1][:stop]

    thin, thick = Rounds(Stream(rows[0])), Rounds(Stream(rows[0].toarray()))
    x, w = np.random.default_rng(2).standard_normal((2, D))
    w = w[: len(thin)]
    for name, argument in (("predictions", x), ("combine", w), ("gram", np.abs(w))):
        ours, theirs = getattr(thin, name)(argument), getattr(thick, name)(argument)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(thin.norms, thick.norms, rtol=1e-13)
    np.testing.assert_allclose(thin.spreads, thick.spreads, rtol=1e-13)
    loss, ball = oco.losses.LOSSES["hinge"], oco.Ball(1.0)
    ours, theirs = (best_fixed_point(loss, ball, data) for data in (thin, thick))
    assert ours.lower <= theirs.upper and theirs.lower <= ours.upper


@pytest.mark.parametrize("k", [3, 9])
def test_the_guarantees_hold_for_the_sketch_of_sparse_rows(rows, k):
    learner = oco.algorithms.s_adagrad(D, k=k, domain=oco.Ball(0.3))
    stream = files.DataFile(path=(rows[0], rows[1]))
    found = play(learner, oco.losses.LOSSES["hinge"], stream, checkpoints=np.array([stream.T]))
    gradients = found.slopes[:, None] * rows[0].toarray()
    sketch = learner.preconditioner.sketch
    assert sketch.blurred > 0 and sketch.escaped_mass > 0
    for guarantee in sketch.guarantees(gradients.T @ gradients):
        assert guarantee.holds, guarantee


def test_sketches_of_sparse_rows_merge(rows):
    """P6: what holds of two streams, with one's merged into the other's, holds of both together."""
    learners, gradients = [], []
    for half in (slice(0, T // 2), slice(T // 2, T)):
        learner = oco.algorithms.s_adagrad(D, k=6, domain=oco.Ball(0.3))
        stream = files.DataFile(path=(rows[0][half], rows[1][half]))
        found = play(learner, oco.losses.LOSSES["hinge"], stream, checkpoints=np.array([stream.T]))
        learners.append(learner.preconditioner.sketch)
        gradients.append(found.slopes[:, None] * rows[0][half].toarray())
    both = np.concatenate(gradients)
    for one, other in (learners, learners[::-1]):
        merged = copy.deepcopy(one)
        merged.merge(other)
        assert merged.escaped_mass >= one.escaped_mass + other.escaped_mass > 0
        assert merged.rounding >= max(one.rounding, other.rounding) > 0
        for guarantee in merged.guarantees(both.T @ both):
            assert guarantee.holds, guarantee


def test_of_rows_of_low_rank_nothing_is_lost(rows):
    """P7: those that come again, scaled, and sums of two."""
    rng = np.random.default_rng(4)
    mixed = np.eye(5)[rng.integers(5, size=T)] * rng.standard_normal((T, 1))
    mixed += (rng.uniform(size=(T, 1)) < 0.2) * np.eye(5)[rng.integers(5, size=T)]
    table = sparse.csr_array(mixed) @ sparse.csr_array(rows[0][10:15])
    learner = oco.algorithms.s_adagrad(D, k=7, domain=oco.Ball(0.3))
    stream = files.DataFile(path=(table, rows[1][:T]))
    assert stream.sparse
    found = play(learner, oco.losses.LOSSES["linear"], stream, checkpoints=np.array([T]))
    gradients, sketch = found.slopes[:, None] * table.toarray(), learner.preconditioner.sketch
    assert sketch.escaped_mass == 0.0 and sketch.rank == 5 and sketch.rows == T
    exact = gradients.T @ gradients
    off = np.abs(sketch.covariance().dense() - exact).max()
    assert off <= 1e-13 * np.trace(exact)


def test_rows_of_low_rank_are_not_embedded_again_and_again(monkeypatch, rows):
    """Each of them ends a space: with all that are left in it, T rows would cost T²."""
    embedded = []

    class Spied(small_spaces.Embedding):
        def __init__(self, state, rows):
            embedded.append(rows.shape[0])
            super().__init__(state, rows)

    monkeypatch.setattr(small_spaces, "Embedding", Spied)
    table = sparse.csr_array(np.random.default_rng(4).standard_normal((T, 3))) @ rows[0][10:13]
    oco.run("s-adagrad", X=table, y=rows[1][:T], k=4)
    assert len(embedded) > T / 2
    assert sum(embedded) <= T * small_spaces.FIRST * 4


@pytest.mark.parametrize("loss", ["linear", "logistic"])
def test_the_best_sequence_with_switches(monkeypatch, rows, loss):
    thin, thick = both(monkeypatch, "adagrad", rows, loss=loss, radius=0.3, dynamic=1)
    require_same(thin, thick)
    ours, theirs = thin.summary.dynamic.regret, thick.summary.dynamic.regret
    assert ours.lo <= theirs.hi and theirs.lo <= ours.hi
    assert ours.hi >= thin.summary.regret.lo


@pytest.mark.parametrize("algorithm", ["ftsl", "da-norm", "da-diagonal"])
def test_a_gradient_that_is_refused_is_named_with_its_round(monkeypatch, rows, algorithm):
    shorter = sparse.csr_array(
        rows[0].multiply(np.where(np.arange(T + 1) == 30, 1.0, 0.01)[:, None])
    )
    options = {"delta": 0.5, "loss": "linear", "bias": False}
    options |= {"k": 4} if algorithm == "ftsl" else {}
    thin, thick = both(monkeypatch, algorithm, (shorter, rows[1]), **options)
    assert thin.summary.status == thick.summary.status == "failed"
    assert thin.summary.message == thick.summary.message
    assert "round 31: ValueError: delta" in thin.summary.message


@pytest.mark.parametrize("domain", ["a ball that binds", "steps far longer than the ball"])
@pytest.mark.parametrize("algorithm", ["da-norm", "da-diagonal"])
def test_gradients_that_cancel_leave_no_rounding(monkeypatch, rows, algorithm, domain):
    """Of sums that were a million times longer; the point's length follows from theirs."""
    long = 1e6 * rows[0][[0]]
    table = sparse.csr_array(sparse.vstack([long, long, rows[0]]))
    labels = np.concatenate([[1.0, -1.0], rows[1]])
    options = {"loss": "linear", "bias": False, "delta": 1e8} | DOMAINS[domain]
    require_same(*both(monkeypatch, algorithm, (table, labels), **options))


def test_a_kernel_that_leaves_the_box_is_found_out(monkeypatch, rows):
    own = DiagonalCovariance.play_sparse

    def astray(self, rounds, x, *given):
        return own(self, rounds, x, *given)._replace(x=x + 1.0)

    monkeypatch.setattr(DiagonalCovariance, "play_sparse", astray)
    result = oco.run("adagrad", X=rows[0], y=rows[1], **BOXES["a box that binds"])
    assert result.summary.status == "failed"
    assert "outside the domain" in result.summary.message
