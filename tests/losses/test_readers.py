from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from oco.losses.readers import read

TABLE = np.arange(60.0).reshape(20, 3) + 1
LABELS = np.where(np.arange(20) % 2, 1.0, -1.0)


def saved(save, *arrays, **named) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arrays, **named)
    return buffer.getvalue()


TEXT = b"".join(b"%d 1:%d 2:%d 3:%d\n" % (y, *a) for a, y in zip(TABLE, LABELS, strict=True))
WHOLE = {
    "rows": TEXT,
    "rows.gz": gzip.compress(TEXT, mtime=0),
    "rows.npz": saved(np.savez, X=TABLE, y=LABELS),
    "packed.npz": saved(np.savez_compressed, X=TABLE, y=LABELS),
    "rows.npy": saved(np.save, np.c_[TABLE, LABELS]),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(WHOLE[name])
    features, labels = read(path)
    dense = features.toarray() if sparse.issparse(features) else features
    np.testing.assert_array_equal(dense, TABLE)
    np.testing.assert_array_equal(labels, LABELS)
    assert labels.dtype == np.float64


@pytest.mark.parametrize("name", WHOLE)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_is_read_or_named_but_never_crashes(name, tmp_path, data):
    content = bytearray(WHOLE[name])
    where = st.integers(0, len(content) - 1)
    for position, byte in data.draw(st.lists(st.tuples(where, st.integers(0, 255)), max_size=4)):
        content[position] = byte
    if data.draw(st.booleans()):
        del content[data.draw(where) :]
    path = tmp_path / name
    path.write_bytes(bytes(content))
    try:
        features, labels = read(path)
    except ValueError as error:
        assert str(error).startswith(f"data: {path}: ")
    else:
        assert features.shape[0] == len(labels)
