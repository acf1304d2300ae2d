"""Environment of a command before NumPy is loaded."""

from __future__ import annotations

from threadpoolctl import threadpool_info

from bpcli.system.blas import BLAS_ENVIRONMENT, BlasThreads


def test_no_kernel_is_forced():
    assert BLAS_ENVIRONMENT == {"OPENBLAS_NUM_THREADS": "1"}


def threads() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_the_library_is_held_to_one_thread_for_as_long_as_wanted():
    from threadpoolctl import threadpool_limits

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with BlasThreads().single():
            assert threads() == [1] * len(before)
        assert threads() == before
