"""What an experiment names is made, fits together, or is refused before the first round."""

import math
import types
from fractions import Fraction

import numpy as np
import pytest
from what_learners_take import NEWTONS, domain_of

import oco
from oco.algorithms import ALGORITHMS, Diagnostics
from oco.experiment.game import set_up
from oco.experiment.takers import options_of
from oco.losses import LOSSES, MATRIX_STREAMS, STREAMS, Stochastic
from oco.options import DEFAULT_SKETCH
from oco.results import Experiment


def game(algorithm="ogd", objects=None, **options):
    return set_up(Experiment(algorithm, **{"d": 6, "T": 10, **options}), objects)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_learner_is_made_as_asked(algorithm):
    domain = domain_of(algorithm).name
    made = game(algorithm, lr=0.3, k=3, radius=2.0, domain=domain)
    assert made.learner.lr == (None if algorithm in NEWTONS else 0.3)
    assert made.learner.domain.radius(6) == (2.0 if domain == "ball" else 1.0)
    assert made.learner.k in (None, 3)


def test_the_default_sketch_fits_small_dimensions():
    assert game("s-adagrad", d=100).learner.k == DEFAULT_SKETCH
    assert game("s-adagrad", d=6).learner.k == 7
    assert game("s-adagrad", d=1).learner.k == 2


@pytest.mark.parametrize("name", sorted(set(STREAMS) - {"data"}))
def test_each_stream_gets_its_options(name):
    options = {"spectrum": "flat", "noise": 0.2, "turns": 2.0, "r": 2}
    made = game(stream=name, shape=(3, 2), **options)
    assert made.loss.name == STREAMS[name].default_loss
    for option in ("noise", "turns", "r"):
        if option in options_of(STREAMS[name]):
            known_as = "gradient_rank" if option == "r" and name in MATRIX_STREAMS else option
            assert getattr(made.stream, known_as) == options[option]


def test_domains_get_their_options():
    box = game(domain="box", lower=-2.0, upper=(1.0,) * 6).domain
    assert box.radius(6) == pytest.approx(math.sqrt(24))
    assert game(domain="ball", radius=3.0).domain.radius(6) == 3.0
    assert not game(domain="unconstrained", lr=1.0).domain.bounded


def test_the_gradient_bound_is_the_loss_s_slope_times_the_features_length():
    assert game(loss="hinge").gradient_bound == 1.0
    # |z − y| is at most the margin R‖a‖ = 2 and the label bound 2 + 0.1.
    squared = game(loss="squared", radius=2.0)
    assert squared.gradient_bound == pytest.approx(2 + 2.1)
    assert game(loss="squared", domain="unconstrained", lr=1.0).gradient_bound == math.inf
    assert game(loss="logistic", domain="unconstrained", lr=1.0).gradient_bound == 1.0


def rows_file(tmp_path, rows=8, columns=3):
    rng = np.random.default_rng(0)
    path = tmp_path / "rows.npz"
    np.savez(path, X=rng.standard_normal((rows, columns)), y=np.resize([0, 1], rows))
    return str(path)


def test_a_file_decides_its_own_size(tmp_path):
    made = set_up(Experiment("s-adagrad", data=rows_file(tmp_path)))
    assert (made.stream.d, made.stream.T, made.learner.k) == (4, 8, 5)
    assert set_up(Experiment("ogd", data=rows_file(tmp_path), bias=False, T=5)).stream.T == 5
    with pytest.raises(ValueError, match=r"data: .* expected d = 9"):
        set_up(Experiment("ogd", data=rows_file(tmp_path), d=9))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algorithm": "sadagrad"}, "algorithm: unknown name 'sadagrad'; did you mean 's-adagrad'"),
        ({"loss": "logistc"}, "loss: unknown name 'logistc'; did you mean 'logistic'"),
        ({"stream": "drfit"}, "stream: unknown name 'drfit'; did you mean 'drift'"),
        ({"domain": "bal"}, "domain: unknown name 'bal'; did you mean 'ball'"),
        ({"d": None}, "d: not given, and the stream stochastic needs it"),
        ({"T": None}, "T: not given, and the stream stochastic needs it"),
        ({"stream": "data"}, "data: not given, and the stream data needs it"),
        ({"algorithm": "s-adagrad", "k": 8}, "k: expected an integer from 2 to 7, got 8"),
        ({"algorithm": "s-adagrad", "domain": "simplex"}, "domain: simplex needs"),
        ({"algorithm": "full-adagrad", "domain": "l1-ball"}, "domain: l1-ball needs"),
        ({"domain": "unconstrained"}, "lr: expected a number > 0, got None"),
        ({"algorithm": "s-adagrad", "domain": "unconstrained"}, "lr: expected a number > 0"),
        ({"stream": "starve", "domain": "unconstrained", "lr": 1.0}, "domain: linear losses"),
        ({"domain": "box", "lower": 2.0}, "lower: expected lower <= upper"),
        ({"domain": "box", "lower": (1.0, 2.0)}, "lower: expected"),
        ({"stream": "rademacher", "loss": "hinge"}, "loss: the rademacher stream"),
        ({"spectrum": "exp:2"}, "spectrum: "),
        ({"noise": 0.6}, "noise: expected"),
        ({"stream": "orthonormal", "r": 7}, "r: expected an integer from 1 to 6"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError) as error:
        game(**options)
    assert str(error.value).startswith(message)


class Plain:
    """A loss that shares no code with the library's."""

    def value(self, z, y):
        return np.logaddexp(0.0, -y * z)

    def derivative(self, z, y):
        return -y / (1 + np.exp(y * z))


class Labelled(Plain):
    labels, smooth, name = "binary", True, "labelled"

    def lipschitz(self, z_max, y_max):
        return 17.0


@pytest.mark.parametrize("given", [Labelled, Labelled(), lambda: Labelled()])
def test_a_loss_may_be_a_class_an_object_or_a_factory(given):
    loss = game(loss="mine:loss", objects={"loss": given}).loss
    assert loss.value(1.0, -1.0) == pytest.approx(LOSSES["logistic"].value(1.0, -1.0))
    assert loss.lipschitz(1.0, 1.0) == 17.0 and loss.labels == "binary" and loss.smooth
    assert loss.conjugate is None and loss.curvature is None


def test_a_bare_loss_has_the_defaults():
    loss = game(loss="mine:loss", objects={"loss": Plain()}, lr=1.0).loss
    assert (loss.name, loss.labels, loss.smooth) == ("custom", "real", False)
    assert loss.lipschitz(1.0, 1.0) == math.inf


def learner(**attributes):
    return types.SimpleNamespace(**{"x": np.zeros(6), "update": print, **attributes})


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"x": np.zeros(5)}, "expected a vector of shape (6,)"),
        ({"x": np.full(6, np.nan)}, "finite"),
        ({"update": None}, "a method `update(g)`"),
        ({"bounds": ("certificat",), "lr": 1.0}, "did you mean 'certificate'"),
        (
            {
                "bounds": ("certificate",),
                "diagnostics": lambda: Diagnostics(1, 1, 1, None, None, 8),
            },
            "lr: expected a value, got None",
        ),
        ({"bounds": ("certificate",), "lr": 1.0}, "attribute 'diagnostics'"),
        ({"bounds": ("theorem-3",), "lr": 1.0, "diagnostics": Diagnostics}, "cannot be computed"),
    ],
)
def test_a_learner_of_ones_own_is_checked(attributes, message):
    with pytest.raises(ValueError, match=r"^algorithm: ") as error:
        game("mine:learner", objects={"algorithm": lambda: learner(**attributes)})
    assert message in str(error.value)


def test_a_stream_of_ones_own_must_be_one():
    with pytest.raises(ValueError, match=r"stream: .* must give an .*Stream, got Fraction"):
        game(stream="mine:stream", objects={"stream": Fraction})
    made = game(stream="mine:stream", objects={"stream": Stochastic(d=3, T=4, seed=5)})
    assert (made.stream.d, made.loss.name) == (3, "logistic")


def test_objects_stand_for_names():
    made = game(objects={"domain": oco.Ball(0.25), "algorithm": ALGORITHMS["adagrad"]})
    assert made.learner.diameter == 0.5
