"""Traces shared by tests that do not change them."""

from __future__ import annotations

import pytest
from traces import textbook

from bpcli.tracing.trace import Trace


@pytest.fixture(scope="session")
def textbook_trace() -> Trace:
    """Two inputs, two hidden neurons, two outputs, one row."""
    return textbook()
