"""Nothing that a terminal obeys is left in a text that is shown."""

import json
import sys
import unicodedata

import pytest

from oco.texts import shown, shown_json

OBEYED = [chr(c) for c in (*range(0x20), *range(0x7F, 0xA0)) if chr(c) not in "\n\t"]


@pytest.mark.parametrize("show", [shown, lambda text: shown_json(json.dumps(text))[1:-1]])
def test_every_control_character_becomes_visible_and_nothing_else_changes(show):
    for character in OBEYED:
        assert show(character).isprintable() and len(show(character)) in (2, 4, 6)
    for code in range(0xA0, sys.maxunicode, 7):
        character = chr(code)
        if unicodedata.category(character) in ("Lu", "Ll", "Lo", "Sm", "Po", "So", "Nd"):
            assert shown(character) == character


def test_escapes_are_those_of_python_and_of_json():
    assert shown("\x1b]52;c;QQ==\x07") == r"\x1b]52;c;QQ==\x07"
    assert shown("a\nb\tc") == "a\nb\tc"
    assert shown("\u202egpj.exe\u2028") == r"\u202egpj.exe\u2028"
    assert shown("caf\udce9 \ud800") == r"caf\xe9 \ud800"


def test_a_json_text_means_the_same():
    hostile = "".join(OBEYED) + '\udce9\ud800\u202e ρ ≤ Ω 𝄞 \\ "'
    for ascii_only in (False, True):
        text = shown_json(json.dumps({hostile: hostile}, ensure_ascii=ascii_only))
        assert json.loads(text) == {hostile: hostile} and shown(text) == text
