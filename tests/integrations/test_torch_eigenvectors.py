"""Eigenvectors in single precision where LAPACK gives them, and in double where it does not."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'oco-sketch[torch]'")
eigenvectors = pytest.importorskip("oco.integrations.torch.eigenvectors")


def test_what_does_not_converge_is_computed_in_double_precision(monkeypatch):
    exact = torch.linalg.eigh

    def fails(matrix):
        if matrix.dtype == torch.float32:
            raise torch.linalg.LinAlgError("failed to converge")
        return exact(matrix)

    monkeypatch.setattr(torch.linalg, "eigh", fails)
    rows = torch.tensor(np.random.default_rng(0).standard_normal((5, 3)), dtype=torch.float32)
    values, vectors = eigenvectors.eigh(rows @ rows.T)
    assert values.dtype == vectors.dtype == torch.float32
    torch.testing.assert_close(vectors * values @ vectors.T, rows @ rows.T)
    leading = eigenvectors.leading_eigenvectors(rows @ rows.T, 3)
    torch.testing.assert_close(leading @ (leading.T @ rows), rows)
