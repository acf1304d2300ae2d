"""Series of runs in this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from commands import series_in_process


@pytest.fixture
def in_process() -> Iterator[list[int]]:
    """Commands of a series run one by one in this process. The list is of how many were to run at once."""
    with series_in_process() as at_once:
        yield at_once
