"""What a shell offers when a value is begun."""

import pytest
from click.shell_completion import ShellComplete

from oco.algorithms import ALGORITHMS
from oco.cli import main
from oco.cli.plot import KINDS
from oco.domains import DOMAINS
from oco.losses import LOSSES, STREAMS
from oco.losses.spectra import eigenvalues
from oco.notations import SPECTRA
from oco.optimizers import OPTIMIZERS
from oco.verification import PROPERTIES


def offered(*arguments, incomplete=""):
    found = ShellComplete(main, {}, "oco", "_OCO_COMPLETE").get_completions(
        list(arguments), incomplete
    )
    return [(item.value, item.type) for item in found]


def values(*arguments, incomplete=""):
    return [value for value, _ in offered(*arguments, incomplete=incomplete)]


@pytest.mark.parametrize(
    ("arguments", "registry"),
    [
        (("run", "--alg"), ALGORITHMS),
        (("compare", "--alg", "ogd", "--alg"), ALGORITHMS),
        (("tune", "--alg"), ALGORITHMS),
        (("reproduce", "spectra", "--alg"), OPTIMIZERS),
        (("run", "--loss"), LOSSES),
        (("compare", "--stream"), STREAMS),
        (("run", "--domain"), DOMAINS),
        (("plot", "runs", "--kind"), KINDS),
        (("verify", "--check"), PROPERTIES),
    ],
)
def test_a_value_is_one_of_the_names_there_are(arguments, registry):
    assert values(*arguments) == list(registry)
    name = list(registry)[-1]
    assert name in values(*arguments, incomplete=name[:2])
    assert all(value.startswith(name[:2]) for value in values(*arguments, incomplete=name[:2]))
    assert values(*arguments, incomplete="my_module:") == []


def test_a_spectrum_is_begun():
    begun = values("run", "--spectrum")
    assert len(begun) == len(SPECTRA)
    for text in begun:
        assert len(eigenvalues(text + "1" if text.endswith(":") else text, 5)) == 5


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("run", "--data"), "file"),
        (("run", "--out"), "dir"),
        (("show",), "dir"),
        (("sweep",), "file"),
        (("verify", "--grads"), "file"),
    ],
)
def test_the_shell_completes_paths_itself(arguments, kind):
    assert offered(*arguments, incomplete="ru") == [("ru", kind)]


def test_kinds_of_a_list_and_commands_are_offered():
    assert "learners" in values("list") and "run" in values()
