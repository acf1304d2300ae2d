"""The section of a report on forecasts: charts of what follows the data, and of what came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forecasts import config, days, run_of, waves

from bpcli.models.evaluation import own_data
from bpcli.models.model import Model
from bpcli.pages.charts import Chart
from bpcli.pages.page import Section
from bpcli.report.forecasts import forecasts_section


def section_of(folder: Path, columns: dict[str, Any], settings: Any) -> tuple[Section, Model]:
    """The section of a small run."""
    model = Model.load(run_of(folder, columns, settings))
    rows = own_data(model).rows(None)
    report = rows.model.answers(rows.table)[0].report
    section = forecasts_section(model, rows, report.scores, list(report.groups.values()))
    assert section is not None
    return section, model


def chart(section: Section, title: str) -> Chart:
    """The chart with this in its title."""
    (found,) = (one for one in section.charts if isinstance(one, Chart) and title in one.title)
    return found


@pytest.mark.parametrize("normalize", ["last_scale", "mean_std", "log", "none"])
def test_the_last_test_rows_are_drawn_with_what_came(tmp_path: Path, normalize: str) -> None:
    values = waves(80)
    settings = config(forecast={"normalize": normalize})
    section, model = section_of(tmp_path, {"day": days(80), "y": values}, settings)
    drawn = {series.name: series for series in chart(section, "the last test rows").series}
    assert drawn["what came"].y == pytest.approx(values[-3:], rel=1e-5)
    assert drawn["values"].y == pytest.approx(values[-8:-3], rel=1e-5)
    assert drawn["values"].x == [-4, -3, -2, -1, 0]
    assert drawn["seasonal naive"].y == pytest.approx(values[-10:-7], rel=1e-5)
    forecast = drawn["forecast, with its 50 % interval"]
    rows = own_data(model).rows(None)
    wanted = model.answers(rows.table)[0].predicted[-1]
    np.testing.assert_allclose(forecast.y[1:], wanted, rtol=1e-4)
    assert all(low <= value <= high for value, (low, high) in zip(forecast.y, forecast.spans, strict=True) if value)


def test_what_follows_the_data_begins_at_the_last_value(tmp_path: Path) -> None:
    section, _ = section_of(tmp_path, {"day": days(80), "y": waves(80)}, config())
    drawn = {series.name: series for series in chart(section, "what follows 2023-03-21").series}
    forecast = drawn["forecast, with its 50 % interval"]
    assert forecast.y[0] == drawn["values"].y[-1] == waves(80)[-1]
    assert forecast.spans[0] == (forecast.y[0],) * 2
    assert '<path class="band s1"' in chart(section, "what follows").html()


def test_columns_that_are_known_ahead_leave_the_chart_of_what_came(tmp_path: Path) -> None:
    columns = {"day": days(80), "y": waves(80), "holiday": [float(step % 7 == 0) for step in range(80)]}
    section, _ = section_of(tmp_path, columns, config(data={"known": ["holiday"]}))
    assert chart(section, "the last test rows")
    assert not [one for one in section.charts if isinstance(one, Chart) and "what follows" in one.title]
    assert any("no forecast of what follows the data" in sentence.lower() for sentence in section.sentences)
