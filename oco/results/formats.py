"""Numbers, times and sizes as people read them."""

from __future__ import annotations

__all__ = ["duration", "number", "size"]


def number(value: float | None, digits: int = 6) -> str:
    """Return a number with `digits` significant digits; a dash for None.

    Examples
    --------
    >>> number(1234.5678), number(None)
    ('1,234.57', '–')
    """
    return "–" if value is None else f"{value:,.{digits}g}"


def duration(seconds: float | None) -> str:
    """Return a time with its unit.

    Examples
    --------
    >>> duration(2.0), duration(3.5e-5)
    ('2 s', '35 µs')
    """
    if seconds is None:
        return "–"
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def size(count: float | None) -> str:
    """Return a number of bytes with its unit.

    Examples
    --------
    >>> size(123456)
    '123 kB'
    """
    if count is None:
        return "–"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} PB"
