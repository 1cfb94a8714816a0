"""The shapes in a safetensors file, from its header alone, and its tensors where they are wanted.

A file is 8 bytes with the header's length as a little-endian integer, then the header, a JSON
object that gives each tensor its ``dtype``, ``shape`` and ``data_offsets``, then the data.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from oco.memory.shapes import Parameter

__all__ = ["Declared", "read_declared", "read_shapes", "read_tensors"]

# Longest header that is read, in bytes: the limit that the format itself sets.
LONGEST_HEADER = 100_000_000
# Most axes of a tensor, and one past the largest integer: what today's tensor libraries can hold.
AXES, LARGEST = 64, 2**63
METADATA = "__metadata__"
FIELDS = {"dtype", "shape", "data_offsets"}
# Bits of a number, for the types that a trained parameter may have.  Not among them is F8_E8M0:
# powers of two, by which blocks of smaller numbers are scaled.
FLOATS = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16,
    "F8_E5M2": 8, "F8_E4M3": 8, "F8_E5M2FNUZ": 8, "F8_E4M3FNUZ": 8,
    "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip
# The types that NumPy knows; BF16 is the upper half of a float32.
NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
# How files begin that people take for the model itself, and the bytes of the longest that is read.
LONGEST_INDEX = 1 << 26
POINTER, OBJECT = b"version https://git-lfs", b"{"
# Files that a message lists.
LISTED = 3
# A type's name, known or not.
NAME = re.compile(r"[A-Z][A-Z0-9_]{0,30}")


@dataclass(frozen=True)
class Declared:
    """What the header of a safetensors file declares.

    Attributes
    ----------
    parameters : tuple of Parameter
        The tensors of real numbers, in the order of the header.
    left_out : tuple of (str, int)
        Why others were left out, and how many: their type, or that they are empty.
    """

    parameters: tuple[Parameter, ...]
    left_out: tuple[tuple[str, int], ...]


def read_shapes(path) -> tuple[Parameter, ...]:
    """Return the tensors of real numbers that a safetensors file declares.

    Parameters
    ----------
    path : str or path-like
        The file; its data may be missing, so a header fetched alone is enough.

    Returns
    -------
    tuple of Parameter
        In the order of the header: the `parameters` of `read_declared`.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_declared` does.
    """
    return read_declared(path).parameters


def read_declared(path) -> Declared:
    """Return the tensors of real numbers that a safetensors file declares, and what else it does.

    Parameters
    ----------
    path : str or path-like
        The file; its data may be missing, so a header fetched alone is enough.

    Returns
    -------
    Declared
        The format does not tell a parameter from a buffer such as a running mean; what is certainly
        not trained is left out: integers, truth values, complex numbers, scales of blocks, types
        that are not known here, and tensors without a number.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or its header breaks the format; what is wrong is named.
    """
    path = Path(path)
    try:
        found, left_out = [], Counter[str]()
        for name, entry in _header(path).items():
            if name == METADATA:
                continue
            shape, dtype = _checked(name, entry)
            if dtype not in FLOATS:
                left_out[f"of the type {dtype}"] += 1
            elif 0 in shape:
                left_out["empty"] += 1
            else:
                found.append(Parameter(name, shape))
        if not found:
            raise ValueError("it declares no tensor of real numbers")
    except FileNotFoundError:
        raise FileNotFoundError(f"safetensors: {path}: no such file") from None
    except RecursionError:
        raise ValueError(f"safetensors: {path}: the header is nested too deeply") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"safetensors: {path}: {error}") from None
    return Declared(tuple(found), tuple(left_out.items()))


def read_tensors(path) -> Iterator[tuple[str, np.ndarray]]:
    """Iterate over the tensors of real numbers in a safetensors file, one in memory at a time.

    Parameters
    ----------
    path : str or path-like
        The file.

    Yields
    ------
    name : str
    tensor : ndarray
        Of float64, float32 or float16; bfloat16 as float32, which holds the same numbers.

    Raises
    ------
    FileNotFoundError, ValueError
        As `read_declared` does; or if the data is truncated, or of a type of fewer than 16 bits.
    """
    path = Path(path)
    wanted = [parameter.name for parameter in read_declared(path).parameters]
    with open(path, "rb") as file:
        start = 8 + int.from_bytes(file.read(8), "little")
        header = _header(path)
        for name in wanted:
            shape, dtype = _checked(name, header[name])
            if dtype not in NUMPY:
                raise ValueError(
                    f"safetensors: {path}: tensor {_shown(name)}: expected one of "
                    f"{', '.join(NUMPY)}, got {dtype}"
                )
            begin, end = header[name]["data_offsets"]
            file.seek(start + begin)
            data = file.read(end - begin)
            if len(data) < end - begin:
                raise ValueError(f"safetensors: {path}: tensor {_shown(name)}: truncated")
            numbers = np.frombuffer(data, NUMPY[dtype])
            if dtype == "BF16":
                numbers = (numbers.astype("<u4") << 16).view("<f4")
            yield name, numbers.reshape(shape)


def _header(path: Path) -> dict:
    with open(path, "rb") as file:
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        available = path.stat().st_size - len(prefix)
        if len(prefix) < 8:
            raise ValueError(f"expected at least 8 bytes, got {len(prefix)}")
        if length > LONGEST_HEADER:
            if prefix.startswith((OBJECT, POINTER[:8])):
                _refuse_stand_in(prefix + file.read(LONGEST_INDEX))
            raise ValueError(f"a header of {length} bytes; the format allows {LONGEST_HEADER}")
        if length > available:
            raise ValueError(f"truncated: a header of {length} bytes, of which {available} follow")
        text = file.read(length)
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except UnicodeDecodeError:
        raise ValueError("the header is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"the header is not JSON ({error})") from None
    if not isinstance(header, dict):
        raise ValueError(f"expected a header that is an object, got {_shown(header)}")
    return header


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict:
    result: dict[str, object] = {}
    for name, value in pairs:
        if name in result:
            raise ValueError(f"the header names {_shown(name)} twice")
        result[name] = value
    return result


def _refuse_stand_in(content: bytes) -> None:
    """Refuse what is downloaded in the place of a model, if it is that."""
    if content.startswith(POINTER):
        raise ValueError("it is a git-lfs pointer, not the model itself: run 'git lfs pull'")
    try:
        index = json.loads(content)
        shards = sorted(set(index["weight_map"].values()))
        shown = ", ".join(shards[:LISTED])
    # Whatever else it is, it is no index: the length that it begins with is judged next.
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return
    more = f" and {len(shards) - LISTED} more" if len(shards) > LISTED else ""
    raise ValueError(f"it is an index: the tensors are in {shown}{more}; give one of these")


def _checked(name: str, entry) -> tuple[tuple[int, ...], str]:
    """Return a tensor's shape, which must agree with the room that it is given, and its type."""
    if not isinstance(entry, dict) or not entry.keys() >= FIELDS:
        fields = ", ".join(sorted(FIELDS))
        raise ValueError(f"tensor {_shown(name)}: expected {fields}, got {_shown(entry)}")
    shape, offsets, dtype = entry["shape"], entry["data_offsets"], entry["dtype"]
    if not isinstance(dtype, str) or not NAME.fullmatch(dtype):
        raise ValueError(f"tensor {_shown(name)}: expected the name of a type, got {_shown(dtype)}")
    for field, value in (("shape", shape), ("data_offsets", offsets)):
        if not isinstance(value, list) or not all(
            type(n) is int and 0 <= n < LARGEST for n in value
        ):
            raise ValueError(
                f"tensor {_shown(name)}: {field}: expected a list of integers from 0 to 2^63 - 1, "
                f"got {_shown(value)}"
            )
    if len(shape) > AXES:
        raise ValueError(f"tensor {_shown(name)}: expected at most {AXES} axes, got {len(shape)}")
    if len(offsets) != 2:
        raise ValueError(f"tensor {_shown(name)}: data_offsets: expected 2, got {len(offsets)}")
    if dtype in FLOATS:
        # Numbers of fewer than 8 bits are packed; the last byte may be part empty.
        room, needed = offsets[1] - offsets[0], -(-math.prod(shape) * FLOATS[dtype] // 8)
        if room != needed:
            raise ValueError(
                f"tensor {_shown(name)}: data_offsets: expected room for {needed} bytes, got {room}"
            )
    return tuple(shape), dtype


def _shown(value) -> str:
    """Return a value as a message can bear it: on one line, and not longer."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
