"""The sketch in PyTorch keeps what Frequent Directions promise, in single precision too."""

from __future__ import annotations

import numpy as np
import pytest

from oco.sketch import FrequentDirections, escaped_mass_limit

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
factors = pytest.importorskip("oco.integrations.torch.factors")

STEPS = 25
# Relative to the trace: each absorption rounds its vectors by about ε, and the errors add up.
TOLERANCES = {torch.float32: STEPS * 1e-7, torch.float64: 1e-13}


def spectra(columns):
    i = np.arange(columns)
    return {
        "flat": np.ones(columns),
        "fast": 0.5**i,
        "slow": 1 / (1 + i),
        "low rank": (i < 4).astype(float),
        "one large": np.where(i == 0, 1e3, 1.0),
    }


def stream(name, n, columns, seed=0):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.standard_normal((n, n)))[0][:, :columns]
    scale = spectra(columns)[name][: turn.shape[1]]
    for _ in range(STEPS):
        yield (turn * scale) @ rng.standard_normal((turn.shape[1], columns))


# Wide and narrow unfoldings; few and many eigenvectors of a large matrix; fewer columns than rank.
SIZES = [(12, 40, 5), (40, 6, 5), (30, 2, 9), (200, 230, 20), (300, 150, 12)]


@pytest.mark.parametrize("name", spectra(1))
@pytest.mark.parametrize("n, columns, rank", SIZES)
@pytest.mark.parametrize(
    "decay, dtype", [(0.9, torch.float32), (1.0, torch.float32), (0.9, torch.float64)], ids=str
)
def test_guarantees(name, n, columns, rank, decay, dtype):
    factor = factors.BatchedSketchedFactor(n, rank)
    state = {name: t[None] for name, t in factor.zeros(torch.empty((), dtype=dtype)).items()}
    exact, twin = np.zeros((n, n)), FrequentDirections(n, rank, decay=decay)
    for gradient in stream(name, n, columns):
        matrix = torch.tensor(gradient).to(dtype)
        state, right = factor.absorbed(state, factors.Unfolding(matrix[None]), decay, "direct")
        assert right.all()
        gradient = matrix.double().numpy()
        exact = decay * exact + gradient @ gradient.T
        twin.update(gradient.T)
    rounding = TOLERANCES[dtype] * np.trace(exact)
    state = {name: tensor[0] for name, tensor in state.items()}
    u, values = (state[name].double().numpy() for name in ("directions", "eigenvalues"))
    kept = values > 0
    overlap = u[:, kept].T @ u[:, kept]
    np.testing.assert_allclose(
        overlap, np.eye(kept.sum()), atol=1e-6 if dtype == torch.float32 else 1e-13
    )
    lost = np.linalg.eigvalsh(exact - (u * values) @ u.T)
    assert lost[0] >= -rounding
    assert lost[-1] <= state["escaped_mass"] + rounding
    assert state["escaped_mass"] <= escaped_mass_limit(np.linalg.eigvalsh(exact), rank) + rounding
    assert state["escaped_mass"] == pytest.approx(twin.escaped_mass, abs=rounding, rel=1e-5)
    np.testing.assert_allclose(
        (u * values) @ u.T, twin.covariance().dense(), atol=rounding, err_msg=name
    )


@pytest.mark.parametrize("name", ["fast", "slow", "low rank", "flat"])
@pytest.mark.parametrize("n, columns", [(60, 80), (80, 20)])
def test_subspace_iteration_estimates_from_below_and_follows_what_leads(name, n, columns):
    """Each escape is at most λ_k of what was decomposed; leading directions are those of C."""
    rank, factor = 6, factors.BatchedSketchedFactor(n, 6)
    state = {key: t[None] for key, t in factor.zeros(torch.empty((), dtype=torch.float64)).items()}
    exact, escaped = np.zeros((n, n)), 0.0
    for gradient in stream(name, n, columns):
        u, values = (state[key][0].numpy() for key in ("directions", "eigenvalues"))
        decomposed = np.linalg.eigvalsh(0.9 * (u * values) @ u.T + gradient @ gradient.T)[::-1]
        matrix = factors.Unfolding(torch.tensor(gradient)[None])
        state, right = factor.absorbed(state, matrix, 0.9, "subspace")
        assert right.all()
        escape = float(state["escaped_mass"]) - 0.9 * escaped
        assert -1e-12 <= escape <= decomposed[rank - 1] + 1e-12 * decomposed[0]
        escaped = float(state["escaped_mass"])
        exact = 0.9 * exact + gradient @ gradient.T
    u, values = (state[key][0].numpy() for key in ("directions", "eigenvalues"))
    found, leading = np.trace(u[:, :3].T @ exact @ u[:, :3]), np.linalg.eigvalsh(exact)[-3:].sum()
    # Where nothing leads, any directions do about as well.
    assert found >= (0.8 if name == "flat" else 0.99) * leading


def test_a_large_gram_matrix_is_whole():
    matrix = torch.randn(2, 530, 20, dtype=torch.float64)
    gram = factors.Unfolding(matrix).gram
    torch.testing.assert_close(gram, matrix @ matrix.mT, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("n", [4, 9, 40, 64])
def test_what_an_exact_factor_has_not_seen_is_divided_by_the_root_of_epsilon(n, dtype):
    """Also where single precision cannot tell n roundings from ε: its eigenvalue is 0, plus ε."""
    gradient = torch.randn(1, n, 3, generator=torch.Generator().manual_seed(n)).to(dtype)
    factor = factors.BatchedExactFactor(n)
    state = {name: t[None] for name, t in factor.zeros(gradient[0, 0, 0]).items()}
    roots, (state, _) = {}, factor.absorbed(state, factors.Unfolding(gradient), 0.9, "direct")
    for epsilon in (1e-6, 0.0):
        root = factors.BatchedRoot(torch.ones(1, dtype=torch.float64), epsilon, power=0.5)
        found, right = factor.rooted(state, root)
        assert right.all()
        roots[epsilon] = found["root"][0].double()
    u, s, _ = torch.linalg.svd(gradient[0].double())
    unseen = u[:, 3:].mT @ roots[1e-6] @ u[:, 3:]
    expected = (1e-6 * s[0] ** 2) ** -0.5
    # Rounding, 6e-8 of the largest eigenvalue times a few, beside an epsilon of 1e-6.
    tolerance = 0.3 if dtype == torch.float32 else 1e-6
    torch.testing.assert_close(
        unseen / expected, torch.eye(n - 3, dtype=torch.float64), rtol=0, atol=tolerance
    )
    # Without ε what may be zero is, and its inverse is said to be 0.
    torch.testing.assert_close(u[:, 3:].mT @ roots[0.0] @ u[:, 3:], 0 * unseen, rtol=0, atol=1e-4)
