"""A watched model: what is seen are its parameters' gradients, and the advice trains it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from oco.integrations.torch import SShampoo, watch  # noqa: E402


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(12, 30), torch.nn.Tanh(), torch.nn.Linear(30, 4))


def backward(model, seed):
    rows = torch.randn(20, 12, generator=torch.Generator().manual_seed(seed))
    model.zero_grad()
    model(rows).square().mean().backward()


def test_every_so_many_th_gradient_is_absorbed():
    model, kept = network(), []
    with watch(model, k=40, every=3) as watched:
        for seed in range(7):
            backward(model, seed)
            kept.append(model[0].weight.grad.double().numpy().copy())
    backward(model, 7)
    exact = np.linalg.eigvalsh(sum(g.T @ g for g in kept[::3]))
    first = watched.advise().advice.axes[1]
    assert (first.layer, first.axis, first.steps) == ("0.weight", 1, 3)
    # A sketch with room for every direction knows all.
    assert first.dimension_lo == pytest.approx(exact.sum() / exact.max(), rel=1e-9)
    assert {one.steps for one in watched.advise().advice.axes} == {3}


def test_watching_changes_no_step():
    plain, seen = network(), network()
    for model in (plain, seen):
        optimizer = SShampoo(model.parameters(), lr=0.01, k=4)
        watched = watch(model, every=1) if model is seen else None
        for seed in range(5):
            backward(model, seed)
            optimizer.step()
        if watched is not None:
            watched.close()
    for one, other in zip(plain.parameters(), seen.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_groups_are_all_of_the_model_and_train_it():
    model = network()
    with watch(model, every=1) as watched:
        for seed in range(10):
            backward(model, seed)
    report = watched.advise(0.95)
    groups = report.options()
    assert {id(p) for group in groups for p in group["params"]} == set(map(id, model.parameters()))
    optimizer = SShampoo(groups, lr=0.01)
    sizes = {id(p): tuple(group["k"]) for group in groups for p in group["params"] if "k" in group}
    assert sizes[id(model[0].weight)] == report.advice.sizes["0.weight"]
    assert sizes[id(model[2].weight)] == report.advice.sizes["2.weight"]
    backward(model, 11)
    optimizer.step()
    assert optimizer.skipped == 0


def test_the_report_is_shown_and_drawn():
    model = network()
    with watch(model, every=1) as watched:
        backward(model, 0)
    report = watched.advise()
    assert "0.weight" in str(report) and "S-Shampoo" in str(report)
    labels = [text.get_text() for text in report.plot().axes[0].get_yticklabels()]
    assert labels == [
        "0.weight, axis 0",
        "0.weight, axis 1",
        "2.weight, axis 0",
        "2.weight, axis 1",
    ]


def test_what_cannot_be_watched_is_named():
    with pytest.raises(ValueError, match="model: expected a trainable parameter"):
        watch(torch.nn.LayerNorm(5))
    with pytest.raises(ValueError, match="every"):
        watch(network(), every=0)
    with pytest.raises(ValueError, match="k"):
        watch(network(), k=1)
    with pytest.raises(ValueError, match="gradients: none"):
        watch(network()).advise()
