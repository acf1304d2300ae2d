"""Reports of decisions as documents and as text."""

from __future__ import annotations

import json

import pytest

from bpcli.documents.decision import DecisionReport, ThresholdReport
from bpcli.documents.json_value import Json

BOTH = {"before": {"log_loss": 0.5, "brier": None}, "after": {"log_loss": 0.4, "brier": None}}
WHOLE = DecisionReport(
    {"late": ThresholdReport(0.312345, 0.7, positives=31)},
    "f1",
    "temperature 1.5",
    124,
    {"test": BOTH, "validation": BOTH},
)


def test_a_report_is_read_as_it_was_written() -> None:
    assert DecisionReport.from_json(json.loads(json.dumps(WHOLE.to_json()))) == WHOLE


@pytest.mark.parametrize("document", [None, 3, [], "x"])
def test_what_is_no_object_is_no_report(document: Json) -> None:
    assert DecisionReport.from_json(document) is None


def test_damaged_entries_cost_no_other() -> None:
    document = {"thresholds": {"a": 3, "b": {"value": 0.5, "met": "x"}}, "rows": "y", "aim": 7, "scores": {"test": 1}}
    assert DecisionReport.from_json(document) == DecisionReport({"b": ThresholdReport(0.5)}, scores={"test": {}})


def test_the_text_says_the_aim_the_rows_and_what_is_reached() -> None:
    assert WHOLE.lines() == [
        "threshold 0.3123 (f1, chosen on 124 validation rows, 31 of them late, where it is 0.7000)",
        "calibration: temperature 1.5; fitted on 124 validation rows",
        "test rows, before → after calibration: log loss 0.5000 → 0.4000, brier - → -",
        "validation rows (of the fit, so optimistic), before → after calibration: log loss 0.5000 → 0.4000, "
        "brier - → -",
    ]
    missed = {"a\x1b": ThresholdReport(0.5, 0.2, met=False), "b": ThresholdReport(0.5, None, met=False)}
    assert DecisionReport(missed, "recall of at least 0.9", None, 10).lines() == [
        "threshold of a\\x1b 0.5 (recall of at least 0.9, chosen on 10 validation rows, where it is 0.2000; no "
        "threshold reaches the bound)",
        "threshold of b 0.5 (not chosen by recall of at least 0.9: the 10 validation rows are all of one kind)",
    ]
    assert DecisionReport({"late": ThresholdReport(0.3)}).lines() == ["threshold 0.3 (given)"]
