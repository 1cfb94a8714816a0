"""Every learner × loss × stream × domain: the certified regret stays below every rung."""

import pytest
from what_learners_take import DUALS, NEWTONS, only_taken

import oco
from oco.algorithms import ALGORITHMS
from oco.experiment import certification
from oco.losses import LOSSES, MATRIX_STREAMS, STREAMS

SEEDS = {False: range(20), True: range(5)}
MATRICES = ("shampoo", "s-shampoo", "one-sided-shampoo", "s-one-sided")
STREAM_OPTIONS = {"orthonormal": {"r": 5}, "drift": {"turns": 1.0}}
GAMES = [
    (name, loss, stream, domain)
    for name in ALGORITHMS
    if name != "adam"  # which claims none
    for stream in STREAMS
    if stream != "data"
    for loss in LOSSES
    if STREAMS[stream].supports(loss)
    for domain in ("ball", "box", "unconstrained")
    if not (name in NEWTONS and (loss not in ("squared", "logistic") or domain != "ball"))
    # Without a bound on the gradients there is no δ that is certainly large enough.
    and not (domain == "unconstrained" and loss == "squared" and name in DUALS)
    # On vectors they are full-matrix AdaGrad.
    and not (name in MATRICES and stream not in (*MATRIX_STREAMS, "adversary"))
    # It plays on the simplex alone.
    and name != "hedge"
    and not (domain == "unconstrained" and loss == "linear")
]


@pytest.fixture(autouse=True, scope="module")
def one_comparator_for_all_learners():
    """Learners that saw the same losses are held against the same best fixed point."""
    best_fixed_point, found = certification.best_fixed_point, {}

    def remembered(loss, domain, stream, *, incurred, relative_gap, **options):
        rows = [part.tobytes() for chunk in stream.chunks(None) for part in chunk]
        game = (loss.name, repr(domain), *rows)
        best = found.get(game)
        if best is None or best.gap > relative_gap * abs(incurred - best.value):
            found[game] = best_fixed_point(
                loss, domain, stream, incurred=incurred, relative_gap=relative_gap, **options
            )
        return found[game]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certification, "best_fixed_point", remembered)
        yield


@pytest.mark.parametrize("name, loss, stream, domain", GAMES)
def test_regret_is_below_every_rung(name, loss, stream, domain):
    matrix = stream in MATRIX_STREAMS
    for seed in SEEDS[matrix]:
        options = only_taken(
            name,
            loss=loss,
            stream=stream,
            domain=domain,
            **({"shape": (4, 3), "k": 2} if matrix else {"d": 7, "k": 4}),
            T=40,
            seed=seed,
            lr=0.3 if domain == "unconstrained" else None,
            checkpoints=4,
            **STREAM_OPTIONS.get(stream, {}),
        )
        result = oco.run(name, **options)
        summary = result.summary
        assert summary.status == "complete", summary.message
        assert summary.bounds, "no rung was checked"
        for bound in summary.bounds:
            assert bound.holds, (seed, bound)
            assert summary.regret.hi <= bound.value
        assert summary.regret.lo <= summary.regret.hi


def test_linear_losses_without_a_bounded_domain_are_refused():
    with pytest.raises(ValueError, match="domain: linear losses have no best fixed point"):
        oco.run("adagrad", stream="rademacher", domain="unconstrained", lr=0.1, d=5, T=20)
