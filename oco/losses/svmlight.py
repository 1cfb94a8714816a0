"""Svmlight text, a line a row: ``label index:value ...``, with feature indices from 1."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

import numpy as np
from scipy import sparse

from oco.losses.sources import DAMAGED, Source
from oco.losses.streams import FLOAT_BYTES

__all__ = ["BOM", "LARGEST_INDEX", "parsed", "quoted", "read_svmlight"]

# A point with more features than this takes more than 128 MB; an index above it is far more likely
# a damaged file than a real feature.
LARGEST_INDEX = (128 << 20) // FLOAT_BYTES
# Bytes of the longest line that is read: twice a row of LARGEST_INDEX entries of 16 digits.
LONGEST_LINE = 512 << 20
# How much of a bad word is quoted in a message.
QUOTED = 40
BOM = b"\xef\xbb\xbf"
COLON_BLANK = re.compile(rb":[ \t]+")


def read_svmlight(source: Source, features: int | None) -> tuple[sparse.csr_array, np.ndarray]:
    """Return the features and labels of svmlight text, widened to `features` columns.

    Raises
    ------
    ValueError
        If a line is malformed; the message names it.

    Notes
    -----
    Blanks after the colon of an entry and a byte order mark are passed over; digits in groups, as
    ``1_000``, are no number.
    """
    # Imported here: scikit-learn takes half a second to load, and only these files need it.
    from sklearn.datasets import load_svmlight_file

    try:
        with source.open() as file:
            # Indices from 1 always: guessing would read one file differently from its first rows.
            table, labels = load_svmlight_file(_Lines(file), zero_based=False)
        if table.shape[1] > LARGEST_INDEX:
            raise ValueError("a feature index is too large")
    except (ValueError, OverflowError, *DAMAGED) as error:
        raise ValueError(_first_fault(source) or str(error)) from None
    if features is not None and features > table.shape[1]:
        table.resize(table.shape[0], features)
    return sparse.csr_array(table), labels


class _Lines:
    """The lines of a file in the one form that scikit-learn's reader takes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Return bytes; scikit-learn asks whether there is this method, and iterates."""
        return self._file.read(size)

    def __iter__(self) -> Iterator[bytes]:
        number = 0
        while line := self._file.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise ValueError(f"line {number}: longer than {LONGEST_LINE:,} bytes")
            if number == 1:
                line = line.removeprefix(BOM)
            if b": " in line or b":\t" in line:
                line = COLON_BLANK.sub(b":", line)
            if b"_" in line and b"_" in (content := line.partition(b"#")[0]):
                fault = _fault(content.split()) or "an underscore is no part of a number"
                raise ValueError(f"line {number}: {fault}")
            yield line


def _first_fault(source: Source) -> str | None:
    """Return what is wrong with the first malformed line, with its number."""
    try:
        with source.open() as file:
            for number, line in enumerate(_Lines(file), start=1):
                fault = _fault(line.split(b"#", 1)[0].split())
                if fault:
                    return f"line {number}: {fault}"
    except DAMAGED:
        return None
    except ValueError as error:
        return str(error)
    return None


def _fault(words: list[bytes]) -> str | None:
    """Return what keeps the words of a line from being ``label index:value ...``, if anything."""
    if not words:
        return None
    label, *entries = words
    if parsed(float, label) is None:
        return f"the label {quoted(label)} is not a number"
    previous = 0
    for entry in entries:
        index, colon, value = entry.partition(b":")
        if not colon:
            return f"expected index:value, got {quoted(entry)}"
        if index == b"qid":
            continue
        index = parsed(int, index)
        if index is None or parsed(float, value) is None:
            return f"expected index:value, got {quoted(entry)}"
        if not 1 <= index <= LARGEST_INDEX:
            return f"feature indices run from 1 to {LARGEST_INDEX}, got {quoted(entry)}"
        if index <= previous:
            return f"feature indices must increase, got {index} after {previous}"
        previous = index
    return None


def parsed(kind: type, word: bytes | str):
    """Return the number that a word is, or None; digits in groups, as ``1_000``, are none."""
    try:
        grouped = "_" in word if isinstance(word, str) else b"_" in word
        return None if grouped else kind(word)
    except ValueError:
        return None


def quoted(word: bytes) -> str:
    """Return a word as a message can bear it."""
    text = word.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= QUOTED else text[:QUOTED] + "…")
