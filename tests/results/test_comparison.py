"""What `oco.compare` returns: results, their table, and what a notebook shows of them."""

import copy
import pickle
import re
from html import unescape

import pytest

import oco

LEARNERS = ["ogd", "s-adagrad", "full-adagrad"]


@pytest.fixture(scope="module")
def compared():
    return oco.compare(LEARNERS, d=12, k=4, T=80)


def test_it_is_the_results_in_their_order(compared):
    assert isinstance(compared, tuple) and len(compared) == 3
    assert [result.summary.algorithm for result in compared] == LEARNERS
    first, *_ = compared
    assert first.summary.total_loss == oco.run("ogd", d=12, T=80).summary.total_loss
    for copied in (copy.deepcopy(compared), pickle.loads(pickle.dumps(compared))):
        assert type(copied) is type(compared) and copied == compared


def test_its_table_has_a_row_for_each(compared):
    table = compared.table
    assert list(table["algorithm"]) == LEARNERS
    assert list(table["regret_hi"]) == [result.summary.regret.hi for result in compared]
    assert list(table["k"].fillna(0)) == [0, 4, 0]


def test_its_text_is_the_tables_of_the_command_line(compared):
    text = repr(compared)
    assert text.startswith("stochastic stream, logistic loss, ball of radius 1; d = 12, T = 80")
    for words in ("ogd", "s-adagrad k=4", "full-adagrad", "bound less regret", "certificate"):
        assert words in text
    assert f"{compared[1].summary.regret.hi:.5g}" in text and "\x1b" not in text


def test_a_notebook_gets_the_same_words(compared):
    page = compared._repr_html_()
    assert page.startswith("<pre") and "<span" in page
    words = unescape(re.sub(r"<[^>]+>", "", page)).split()
    assert words == repr(compared).split()


def test_nothing_compared_says_so():
    assert repr(oco.sweeps.Comparison()) == "nothing was compared"
