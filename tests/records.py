"""Records of epochs as tests write them down: as the lines of metrics.jsonl hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpcli.storage.records import EpochRecord


def record_of(document: Mapping[str, Any]) -> EpochRecord:
    """The record of a line that has a number of an epoch."""
    record = EpochRecord.from_json(document)
    assert record is not None
    return record
