"""Reports of scores as documents."""

from __future__ import annotations

from bpcli.documents.scores import ScoreReport


def test_scores_of_groups_keep_their_place_and_kind() -> None:
    report = ScoreReport.from_json({"rows": 3, "mse": 0.5, "per_target": {"u": {"mse": 0.25}, "v": {"mse": None}}})
    assert report == ScoreReport(3, {"mse": 0.5}, "target", {"u": {"mse": 0.25}, "v": {"mse": None}})
    assert list(report.to_json()) == ["rows", "mse", "per_target"]
    assert ScoreReport.from_json({"rows": "x", "per_class": 7, "confusion_matrix": [["a"], 7]}) == ScoreReport(
        0, {}, "class", {}, [[0], []]
    )
