"""Tables of a comparison."""

from __future__ import annotations

from bpcli.comparison.document import ComparedRows, ComparedRun, Comparison, ConfigDifference
from bpcli.comparison.tables import config_table
from bpcli.storage.records import EpochScores


def test_the_table_of_configs_has_a_column_a_run_and_a_dash_where_a_run_lacks_the_key() -> None:
    runs = [ComparedRun(name, f"runs/{name}", "finished", 1, 9, 0.5, None, EpochScores(1), []) for name in "ab"]
    config = [
        ConfigDifference("seed", {"a": 0, "b": 1}),
        ConfigDifference("layers.0.units", {"a": 3}),
        ConfigDifference("data.exclude", {"a": ["x", "y"], "b": []}),
    ]
    table = config_table(Comparison(runs, config, ComparedRows("t.csv", 4), "binary", {}, [], []))
    assert list(table.header) == ["config", "a", "b"]
    assert [list(row) for row in table.rows] == [
        ["seed", "0", "1"],
        ["layers.0.units", "3", "-"],
        ["data.exclude", '["x", "y"]', "[]"],
    ]
