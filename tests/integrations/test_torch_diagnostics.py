"""What is logged of an optimizer is what its dense covariances say."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from oco.integrations.torch import SShampoo  # noqa: E402


def trained(model, gradients, **options):
    optimizer = SShampoo(model.parameters(), lr=1e-9, update_every=1, betas=(0.9, 1), **options)
    for step in gradients:
        for parameter, gradient in zip(model.parameters(), step, strict=True):
            parameter.grad = torch.tensor(gradient)
        optimizer.step()
    return optimizer


def steps(shapes, count, scale):
    rng = np.random.default_rng(0)
    return [
        [rng.standard_normal(s) * scale ** np.arange(s[-1]) for s in shapes] for _ in range(count)
    ]


def test_where_the_sketch_holds_all_it_is_exact():
    model = torch.nn.Linear(30, 20, bias=False).double()
    given = [[np.outer(np.arange(1, 21.0), g[0][0])] for g in steps([(20, 30)], 1, 0.8)] * 4
    found = trained(model, given, k=4).diagnostics(model)
    covariance = sum(g @ g.T for (g,) in given)
    assert found["weight/0/largest"] == pytest.approx(np.linalg.eigvalsh(covariance)[-1], rel=1e-9)
    assert found["weight/0/escaped"] == pytest.approx(0, abs=1e-9)


def test_the_share_that_escapes_is_above_the_least_possible():
    model = torch.nn.Linear(60, 40, bias=False).double()
    given = steps([(40, 60)], 6, 0.8)
    found = trained(model, given, k=6).diagnostics(model)
    for axis, covariance in enumerate(
        (sum(g @ g.T for (g,) in given), sum(g.T @ g for (g,) in given))
    ):
        values = np.linalg.eigvalsh(covariance)[::-1]
        least = values[5:].sum() / values.sum()
        assert least - 1e-9 <= found[f"weight/{axis}/escaped"] <= 1
        assert found[f"weight/{axis}/largest"] <= values[0] * (1 + 1e-9)
    assert found["weight/0/escaped"] > 0.1


def test_blocks_are_taken_together_and_exact_axes_left_out():
    model = torch.nn.Linear(60, 6).double()
    optimizer = trained(model, steps([(6, 60), (6,)], 3, 0.8), k=4, max_axis=25)
    found = optimizer.diagnostics()
    assert set(found) == {"skipped", "0/1/escaped", "0/1/largest"}
    blocks = optimizer.state[model.weight]["factors"].values()
    assert len(blocks) == 3
    held = sum(float(block["1"]["eigenvalues"].sum()) for block in blocks)
    total = sum(float(block["1"]["total_mass"]) for block in blocks)
    assert found["0/1/escaped"] == pytest.approx(1 - held / total)


def test_what_was_skipped_and_what_has_not_begun():
    model = torch.nn.Linear(60, 40).double()
    assert SShampoo(model.parameters()).diagnostics(model) == {"skipped": 0.0}
    optimizer = trained(model, [[np.full((40, 60), np.nan), np.ones(40)]], k=4)
    found = optimizer.diagnostics(model)
    assert found["skipped"] == 1 and all(np.isfinite(list(found.values())))
