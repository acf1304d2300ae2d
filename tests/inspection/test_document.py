"""The document of an inspection keeps its keys in their order, and has what was asked for."""

from __future__ import annotations

import json

import numpy as np

from bpcli.inspection.attributions import Attributions
from bpcli.inspection.dependence import Dependence, PartialDependence
from bpcli.inspection.document import Contributions, InspectedColumns, Inspection, RankedColumn, RankedColumns
from bpcli.inspection.importance import ColumnImportance, Importance
from bpcli.models.summary import NetworkSummary, TargetSummary

NETWORK = NetworkSummary([], TargetSummary(("y",), "regression", ()), "squared_error", [], 0)
ADDED = Attributions(
    meaning="the prediction",
    columns=("a", "b", "c"),
    outputs=("",),
    explained=np.zeros((2, 1)),
    baseline=np.zeros((2, 1)),
    contributions=np.array([[[1.0, -2.0, 4.0]], [[1.0, 4.0, -4.0]]]),
    remainder=0.0,
)


def test_columns_are_ranked_by_importance_and_where_that_is_equal_by_contribution() -> None:
    importance = Importance("r2", 9, 0.5, [ColumnImportance(name, 0.25, 0.0) for name in "ab"])
    added = Importance("r2", 9, 0.5, [*importance.columns, ColumnImportance("c", 0.125, 0.5)])
    ranked = RankedColumns.of(added, ADDED)
    assert ranked == RankedColumns(
        "r2",
        9,
        0.5,
        [
            RankedColumn("b", 0.25, 0.0, contribution=3.0),
            RankedColumn("a", 0.25, 0.0, contribution=1.0),
            RankedColumn("c", 0.125, 0.5, contribution=4.0),
        ],
        *("", 5, 0.95, False),
    )


def test_an_inspection_has_what_was_asked_for() -> None:
    columns = InspectedColumns(
        RankedColumns("r2", 9, 0.5, [RankedColumn("a", 0.25, 0.0, 0.125, 0.5, 3.0)], "mse", 5, 0.95, False),
        Contributions("the prediction", 2, 0.0),
        PartialDependence("prediction", 9, [Dependence("a", [1.0], {"y": [0.5]})]),
    )
    whole = json.loads(json.dumps(Inspection("best", "test rows", NETWORK, columns, []).to_json()))
    assert list(whole) == ["checkpoint", "rows", "network", "importance", "contributions", "dependence", "neurons"]
    assert list(whole["importance"]) == [
        *("metric", "rows", "score", "columns", "loss", "repeats", "confidence", "weighted")
    ]
    assert whole["importance"]["columns"] == [
        {"column": "a", "importance": 0.25, "deviation": 0.0, "low": 0.125, "high": 0.5, "contribution": 3}
    ]
    assert whole["dependence"]["columns"] == [{"column": "a", "values": [1.0], "answers": {"y": [0.5]}, "missing": {}}]
    assert list(Inspection("best", "test rows", NETWORK, columns, None).to_json())[-1] == "dependence"
    assert list(Inspection("best", "test rows", NETWORK, None, []).to_json()) == [
        *("checkpoint", "rows", "network", "neurons")
    ]
