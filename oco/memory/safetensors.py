"""The shapes in a safetensors file, from its header alone: no tensor is read.

A file is 8 bytes with the header's length as a little-endian integer, then the header, a JSON
object that gives each tensor its ``dtype``, ``shape`` and ``data_offsets``, then the data.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from oco.memory.shapes import Parameter

__all__ = ["read_shapes"]

# Longest header that is read, in bytes: the limit that the format itself sets.
LONGEST_HEADER = 100_000_000
# Most axes of a tensor, and one past the largest integer: what today's tensor libraries can hold.
AXES, LARGEST = 64, 2**63
METADATA = "__metadata__"
FIELDS = {"dtype", "shape", "data_offsets"}
# Bytes of a number, for the types that a trained parameter may have.
FLOATS = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2,
    "F8_E5M2": 1, "F8_E4M3": 1, "F8_E5M2FNUZ": 1, "F8_E4M3FNUZ": 1, "F8_E8M0": 1,
}  # fmt: skip
OTHERS = {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "C64"}


def read_shapes(path) -> tuple[Parameter, ...]:
    """Return the tensors of real numbers that a safetensors file declares.

    Parameters
    ----------
    path : str or path-like
        The file; its data may be missing, so a header fetched alone is enough.

    Returns
    -------
    tuple of Parameter
        In the order of the header.  The format does not tell a parameter from a buffer such as a
        running mean; integer and boolean tensors are certainly not trained, and are left out.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or its header breaks the format; what is wrong is named.
    """
    path = Path(path)
    try:
        header = _header(path)
        found = tuple(
            Parameter(name, _checked(name, entry))
            for name, entry in header.items()
            if name != METADATA and _is_real(name, entry)
        )
        if not found:
            raise ValueError("it declares no tensor of real numbers")
    except FileNotFoundError:
        raise FileNotFoundError(f"safetensors: {path}: no such file") from None
    except RecursionError:
        raise ValueError(f"safetensors: {path}: the header is nested too deeply") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"safetensors: {path}: {error}") from None
    return found


def _header(path: Path) -> dict:
    with open(path, "rb") as file:
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        available = path.stat().st_size - len(prefix)
        if len(prefix) < 8:
            raise ValueError(f"expected at least 8 bytes, got {len(prefix)}")
        if length > LONGEST_HEADER:
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


def _is_real(name: str, entry) -> bool:
    if not isinstance(entry, dict) or not entry.keys() >= FIELDS:
        fields = ", ".join(sorted(FIELDS))
        raise ValueError(f"tensor {_shown(name)}: expected {fields}, got {_shown(entry)}")
    dtype = entry["dtype"]
    if not isinstance(dtype, str) or dtype not in OTHERS | FLOATS.keys():
        raise ValueError(f"tensor {_shown(name)}: unknown dtype {_shown(dtype)}")
    return dtype in FLOATS


def _checked(name: str, entry: dict) -> tuple[int, ...]:
    """Return the tensor's shape, which must agree with the room that it is given."""
    shape, offsets = entry["shape"], entry["data_offsets"]
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
    room, needed = offsets[1] - offsets[0], math.prod(shape) * FLOATS[entry["dtype"]]
    if room != needed:
        raise ValueError(
            f"tensor {_shown(name)}: data_offsets: expected room for {needed} bytes, got {room}"
        )
    return tuple(shape)


def _shown(value) -> str:
    """Return a value as a message can bear it: on one line, and not longer."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
