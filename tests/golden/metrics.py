"""What metrics.json holds, and how near to it is near enough."""

import json
from pathlib import Path

import pytest

GOLDEN = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))


def close(expected):
    """Equal to a number, or to each in a mapping, but for rounding; None only to None."""
    if isinstance(expected, dict):
        return {name: close(value) for name, value in expected.items()}
    return None if expected is None else pytest.approx(expected, rel=1e-12, abs=1e-14)
