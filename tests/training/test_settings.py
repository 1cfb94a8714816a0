"""Options of a training: resolved to the optimizer's defaults, or refused by name."""

import pytest

from oco.training import OPTIMIZERS, Training, plan
from oco.training.loop import optimizer_of
from oco.training.network import Network
from oco.training.settings import taken_by

BAD = [
    ({"seed": -1}, "seed: expected an integer >= 0"),
    ({"steps": 0}, "steps: expected an integer >= 1"),
    ({"batch": 0}, "batch: expected an integer >= 1"),
    ({"batch": 1439}, "batch: expected an integer <= 1438"),
    ({"evaluations": 1.5}, "evaluations: expected an integer"),
    ({"lr": 0}, "lr: expected a finite number > 0"),
    ({"k": 1}, "k: expected an integer >= 2"),
    ({"beta1": 1}, "beta1: expected a finite number"),
    ({"beta2": 0}, "beta2: expected a finite number"),
    ({"epsilon": -1e-9}, "epsilon: expected a finite number"),
    ({"graft": "adm"}, "graft: unknown name 'adm'; did you mean 'adam'"),
    ({"momentum": 1}, "momentum: expected a finite number"),
    ({"weight_decay": float("nan")}, "weight_decay: expected a finite number"),
    ({"update_every": 0}, "update_every: expected an integer >= 1"),
    ({"start_step": 0}, "start_step: expected an integer >= 1"),
]


@pytest.mark.parametrize(("options", "words"), BAD)
def test_what_is_out_of_range_is_refused_by_name(options, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Training("digits-mlp", "s-shampoo", **options)


@pytest.mark.parametrize("algorithm", OPTIMIZERS)
def test_a_record_holds_what_the_optimizer_is_made_with(algorithm):
    training = Training("digits-mlp", algorithm, lr=0.5)
    assert Training.from_plain(training.plain()) == training
    parameters = Network((4, 3)).initial(0)
    optimizer = optimizer_of(training, parameters)
    assert optimizer.lr == 0.5 and optimizer.parameters[0] is parameters[0]
    assert ("k" in taken_by(algorithm)) == (algorithm == "s-shampoo")


def test_an_option_reaches_the_optimizer():
    training = Training("digits-mlp", "s-shampoo", k=3, beta2=0.7, update_every=4, weight_decay=0.1)
    optimizer = optimizer_of(training, [*Network((8, 6)).initial(0)])
    left, right = optimizer.rules[0].root.factors
    assert (left.rank, left.decay, right.rank, right.decay) == (3, 0.7, 3, 0.7)
    assert optimizer.rules[0].root.update_every == 4 and optimizer.weight_decay == 0.1


def test_what_the_optimizer_does_not_take_is_refused():
    with pytest.raises(ValueError, match="k: adam takes no such option"):
        Training("digits-mlp", "adam", k=4)
    with pytest.raises(ValueError, match="alg: unknown name 'adams'; did you mean 'adam'"):
        Training("digits-mlp", "adams")
    with pytest.raises(ValueError, match="lr: "):
        Training("digits-mlp", "sgd")


def test_a_plan_leaves_out_what_one_of_them_does_not_take():
    found = plan(["adam", "s-shampoo", "adam"], task="digits-mlp", sizes=[4, 8], rates=[0.1, 0.2],
                 graft="sgd", seed=5, seeds=2)  # fmt: skip
    assert [(t.label, t.lr, t.seed) for t in found] == [
        (label, lr, seed)
        for label in ("adam", "s-shampoo k=4", "s-shampoo k=8")
        for lr in (0.1, 0.2)
        for seed in (5, 6)
    ]
    assert {t.graft for t in found if t.algorithm == "s-shampoo"} == {"sgd"}


def test_a_plan_refuses_what_none_of_them_takes():
    with pytest.raises(ValueError, match="graft: adam: nothing here takes it"):
        plan(["adam"], task="digits-mlp", graft="sgd")
    with pytest.raises(ValueError, match="k: adam, shampoo: nothing here takes it"):
        plan(["adam", "shampoo"], task="digits-mlp", sizes=[8])
    with pytest.raises(ValueError, match="alg: expected at least one optimizer"):
        plan([], task="digits-mlp")
