"""The section `decision` as an argument of `--set`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import CONFIGS

from bpcli.config.loading import load_config
from bpcli.decision.spec import DecisionSpec


@pytest.mark.parametrize(
    ("document", "setting"),
    [
        ({"threshold": 0.1, "calibration": {"type": "isotonic"}}, "decision={threshold: 0.1, calibration: isotonic}"),
        ({"threshold": {"type": "f1"}}, "decision={threshold: f1}"),
        (
            {"threshold": {"type": "recall", "at_least": 1e-5}, "calibration": {"type": "temperature"}},
            "decision={threshold: {type: recall, at_least: 1e-05}, calibration: temperature}",
        ),
    ],
)
def test_the_setting_is_short_and_is_read_as_the_same_section(document: dict[str, Any], setting: str) -> None:
    spec = DecisionSpec.model_validate(document)
    assert spec.setting == setting
    config: Path = CONFIGS / "credit.yaml"
    assert load_config(config, [spec.setting]).config.decision == spec
