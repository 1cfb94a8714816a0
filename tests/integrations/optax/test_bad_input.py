"""What is wrong in options, leaves and states is named before anything is traced."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="needs the extra 'jax'")
optax = pytest.importorskip("optax", reason="needs the extra 'jax'")
jnp = pytest.importorskip("jax.numpy")
room = pytest.importorskip("oco.integrations.optax")

OPTIONS = {"k": 3, "update_every": 2, "graft": "adam", "weight_decay": 0.1}


def parameters():
    return {"a": jnp.ones((6, 9)), "b": jnp.ones(9)}


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"k": 1}, ValueError, "k: expected an integer >= 2, got 1"),
        ({"k": (4, 4, 4)}, ValueError, r"k: expected one for each of the 2 axes of params\['a'\]"),
        ({"betas": (0.9, 0.0)}, ValueError, r"betas\[1\]: .* got 0.0"),
        ({"betas": (0.9, 1.1)}, ValueError, r"betas\[1\]: .* got 1.1"),
        ({"eps": 0.0}, ValueError, "eps: expected a finite number > 0"),
        ({"momentum": jnp.asarray(1.5)}, ValueError, "momentum: .* got 1.5"),
        ({"graft": "rmsprob"}, ValueError, "graft: .*did you mean 'rmsprop'"),
        ({"graft": "adafactor"}, ValueError, "graft: unknown name .adafactor."),
        ({"momentum": jnp.ones(2)}, TypeError, r"momentum: .* a number, got an array of shape"),
        ({"statistics_every": 0}, ValueError, "statistics_every: expected an integer >= 1, got 0"),
        (
            {"update_every": 10, "statistics_every": 3},
            ValueError,
            "statistics_every: expected a divisor of update_every, 10, got 3",
        ),
        (
            {"update_every": jnp.asarray(10), "statistics_every": 4},
            ValueError,
            "statistics_every: expected a divisor of update_every, 10, got 4",
        ),
        ({"statistics_every": jnp.asarray(1)}, TypeError, "statistics_every: .*static_arg"),
        ({"nesterov": 1}, TypeError, "nesterov: expected True or False, got 1"),
        (
            {"k": jnp.asarray(3)},
            TypeError,
            "k: expected what is known before tracing, .*static_arg",
        ),
    ],
    ids=str,
)
def test_bad_options_are_named(options, error, message):
    with pytest.raises(error, match=message):
        room.s_shampoo(0.1, **options).init(parameters())


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda t: t.init({"w": jnp.zeros(3, int)}), TypeError, r"params\['w'\]: .* got int32"),
        (lambda t: t.init([jnp.zeros(3, complex)]), TypeError, r"params\[0\]: .* got complex64"),
        (lambda t: t.init({"w": "x"}), TypeError, r"params\['w'\]: expected an array, got str"),
        (lambda t: t.init([np.array([None])]), TypeError, r"params\[0\]: expected an array"),
        (lambda t: t.init([jnp.zeros((0, 3))]), ValueError, r"params\[0\]: expected at least one"),
        (lambda t: room.s_shampoo(-1.0), ValueError, "lr: expected a finite number >= 0, got -1.0"),
        (
            lambda t: room.s_shampoo(jnp.float32(jnp.nan)),
            ValueError,
            "lr: expected a finite number >= 0, got nan",
        ),
        (
            lambda t: t.update(
                {"a": jnp.ones((9, 6)), "b": jnp.ones(9)}, t.init(parameters()), parameters()
            ),
            ValueError,
            r"updates: expected the shapes and options that .* got \(9, 6\), \(9,\)",
        ),
        (
            lambda t: room.scale_by_s_shampoo(3).update(parameters(), optax.EmptyState()),
            TypeError,
            "state: expected a ScaleBySShampooState, got EmptyState",
        ),
        (
            lambda t: room.scale_by_s_shampoo(3).update(
                [jnp.ones((6, 9)), jnp.ones(9)], room.scale_by_s_shampoo(3).init(parameters())
            ),
            ValueError,
            "updates: expected a tree like that at the start: Expected list",
        ),
        (
            lambda t: t.update(parameters(), t.init(parameters()), [jnp.ones(3), jnp.ones(9)]),
            ValueError,
            r"params\[0\]: expected shape \(6, 9\), got \(3,\)",
        ),
        (
            lambda t: t.update([jnp.zeros(3)], t.init(parameters()), [jnp.zeros(3)]),
            ValueError,
            "updates: expected 2 leaves as at the start, got 1",
        ),
        (
            lambda t: t.update(parameters(), t.init(parameters())),
            ValueError,
            "params: expected the parameters, for their weight decay, got None",
        ),
    ],
)
def test_bad_leaves_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call(room.s_shampoo(0.1, **OPTIONS))


def test_weights_that_are_not_numbers_stay_the_only_ones():
    """Their gradients are rarely finite, and skipped then; one that is moves the other weights."""
    params = {"a": jnp.ones((6, 9)).at[2, 3].set(jnp.nan), "b": jnp.ones(9)}
    transformation = room.s_shampoo(0.1, **OPTIONS)
    updates, state = transformation.update(parameters(), transformation.init(params), params)
    bad = np.argwhere(~np.isfinite(np.asarray(updates["a"])))
    assert bad.tolist() == [[2, 3]] and jnp.isfinite(updates["b"]).all()
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state))


@pytest.mark.parametrize(
    "flat, message", [(True, "15 entries in all"), (False, "6 entries in leaf 1")]
)
def test_vectors_of_another_length_are_named(flat, message):
    transformation = room.scale_by_s_adagrad(3, flat=flat)
    state = transformation.init([jnp.zeros(9), jnp.zeros(6)])
    with pytest.raises(ValueError, match=f"updates: expected {message} as at the start, got"):
        transformation.update([jnp.zeros(9), jnp.zeros(5)], state)


@pytest.mark.parametrize("name, given", [("k", 3), ("decay", 0.9)])
def test_what_a_sketch_is_made_of_is_not_injected(name, given):
    options = {"k": 3, "decay": 1.0, name: jnp.asarray(given)}
    with pytest.raises(TypeError, match=f"{name}: expected what is known before tracing"):
        room.scale_by_s_adagrad(**options)
