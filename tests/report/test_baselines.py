"""A report begins with what the network adds to simple models."""

from __future__ import annotations

import json
from pathlib import Path

from pages import tables

from bpcli.report.baselines import baselines_section
from bpcli.report.contents import report_of
from bpcli.storage.run_directory import RunDirectory


def test_the_first_table_of_a_report_has_the_three_models(concrete_run: Path) -> None:
    page = report_of(RunDirectory(concrete_run)).html
    found = json.loads((concrete_run / "summary.json").read_text())["baselines"]
    assert page.index("Against simple models") < page.index("Learning")
    table = tables(page)["Baselines"]
    assert [row[0] for row in table] == ["model", "constant", "linear", "network"]
    assert [row[1] for row in table[1:]] == [f"{found[name]['loss']:.4f}" for name in ("constant", "linear", "network")]
    assert f"All three on {found['rows']} validation rows." in page


def test_a_run_without_baselines_has_no_such_section() -> None:
    assert baselines_section(None) == []
