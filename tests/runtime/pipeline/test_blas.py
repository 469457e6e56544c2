"""Matrix products run in one thread while a diagnosis runs."""

from __future__ import annotations

import pytest

from insar_runtime._pipeline import blas
from insar_runtime._pipeline.blas import OneThread


def test_products_take_one_thread_until_the_last_run_ends() -> None:
    threads = [3]
    library = OneThread(lambda: threads[0], lambda count: threads.__setitem__(0, count))

    def fail() -> None:
        with library.held():
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert threads == [3]
    first, second = library.held(), library.held()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)  # runs that overlap need not end in the order in which they began
    assert threads == [1]
    second.__exit__(None, None, None)
    assert threads == [3]


def test_the_openblas_of_numpy_is_found() -> None:
    found = blas._openblas()
    if found is None:
        pytest.skip("numpy was built with another library")
    before = found._get()
    with blas.one_thread_a_product():
        assert found._get() == 1
    assert found._get() == before
