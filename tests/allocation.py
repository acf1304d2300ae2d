"""Memory that a function allocates, as tracemalloc sees it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np


def bytes_allocated(step: Callable[[], object], steps: int = 3, warm_up: int = 1, enough: int = 0) -> int:
    """Peak memory of `steps` steps, above what was allocated before them.

    tracemalloc counts other threads too, and pytest-xdist's may receive a message at any time. A step that allocates
    an array allocates it every time, so the lowest of three measurements is returned, or the first below `enough`.
    """
    numpys_buffer = np.setbufsize(16)
    for _ in range(warm_up):
        step()
    tracemalloc.start()
    try:
        step()
        peaks = [_peak(step, steps)]
        while len(peaks) < 3 and min(peaks) >= enough:
            peaks.append(_peak(step, steps))
        return min(peaks)
    finally:
        tracemalloc.stop()
        np.setbufsize(numpys_buffer)


def _peak(step: Callable[[], object], steps: int) -> int:
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    for _ in range(steps):
        step()
    _, peak = tracemalloc.get_traced_memory()
    return peak - before
