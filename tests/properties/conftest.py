"""One BLAS thread: the products are too small to share, and other tests may be running."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with threadpool_limits(limits=1, user_api="blas"):
        yield
