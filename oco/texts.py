"""Text from elsewhere, shown as it is: what a terminal would obey becomes visible.

Names of files, messages in results and titles of studies are text that somebody wrote.  Printed
raw, an escape sequence in it can move the cursor over a warning, set the terminal's title or fill
its clipboard.
"""

from __future__ import annotations

import re

__all__ = ["shown", "shown_json"]

# Control characters but for the line feed and the tab, those that turn the direction of writing,
# other line ends, and the surrogates that stand for the bytes of a name that is not UTF-8.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# Python's stand-ins for the bytes 80 to FF, PEP 383.
_BYTES = range(0xDC80, 0xDD00)


def shown(text: str) -> str:
    r"""Return a text with what a terminal would obey, or cannot show, written as an escape.

    Examples
    --------
    >>> print(shown("a\x1b]0;title\x07, caf\udce9.npz, 3 ≤ ρ"))
    a\x1b]0;title\x07, caf\xe9.npz, 3 ≤ ρ
    """
    return _OBEYED.sub(_escape, text)


def shown_json(text: str) -> str:
    r"""Return a JSON text that means the same and holds nothing that a terminal would obey.

    Examples
    --------
    >>> import json
    >>> print(shown_json(json.dumps("\x9b2J ρ", ensure_ascii=False)))
    "\u009b2J ρ"
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match) -> str:
    code = ord(found[0])
    if code in _BYTES:
        code -= _BYTES.start - 0x80
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
