"""`bpcli init --time`: drafts of forecasts, ready to train."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import bpcli
from experiments import write_csv
from forecasts import days, waves


def drafted(folder: Path, *options: object) -> str:
    """The draft for t.csv, which a check takes."""
    bpcli("init", "t.csv", "--target", "y", *options, "-o", "my.yaml", cwd=folder).ok()
    bpcli("check", "my.yaml", cwd=folder).ok()
    return (folder / "my.yaml").read_text()


def test_a_draft_has_the_time_the_horizon_and_what_was_found(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", {"day": days(120), "y": waves(120)})
    text = drafted(tmp_path, "--time", "day", "--horizon", 5)
    assert "time: day    # daily" in text
    assert "horizon: 5    #" in text
    assert "a season of 7 steps" in text


def test_several_series_and_columns_known_ahead(tmp_path: Path) -> None:
    columns = {
        "day": days(60) * 2,
        "y": [*waves(60), *waves(60, 1)],
        "shop": ["a"] * 60 + ["b"] * 60,
        "holiday": [float(step % 7 == 0) for step in range(120)],
    }
    write_csv(tmp_path / "t.csv", columns)
    text = drafted(tmp_path, "--time", "day", "--group", "shop", "--known", "holiday")
    assert "group: shop    # 2 series, one network" in text
    assert "known: [holiday]" in text


def ambiguous(folder: Path) -> None:
    """Months whose first day may be a month as well."""
    stamps = [f"01/{step % 12 + 1:02d}/{2010 + step // 12}" for step in range(96)]
    write_csv(folder / "t.csv", {"month": stamps, "y": waves(96)})


def test_an_ambiguous_notation_needs_a_format(tmp_path: Path) -> None:
    ambiguous(tmp_path)
    result = bpcli("init", "t.csv", "--target", "y", "--time", "month", cwd=tmp_path)
    assert result.code == 2
    assert "day and month can be exchanged; set --time-format, such as %d/%m/%Y or %m/%d/%Y" in result.err
    text = drafted(tmp_path, "--time", "month", "--time-format", "%d/%m/%Y")
    assert 'time: {column: month, format: "%d/%m/%Y"}    # monthly' in text


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--time", "month", "--time-format", "%q"), 2, "--time-format: the format lacks the year"),
        (("--time", "month", "--time-format", "%Y-%m"), 3, "row 1: 'month': '01/01/2010' is not a date in the format"),
        (("--time-format", "%Y"), 2, "name the column of the time with --time"),
        (("--horizon", 3), 2, "name the column of the time with --time"),
        (("--time", "week"), 2, "--time"),
        (("--time", "month", "--budget", "30s"), 2, "a forecast takes neither --task nor --budget"),
    ],
)
def test_what_is_no_forecast_is_refused(tmp_path: Path, options: tuple[object, ...], code: int, words: str) -> None:
    ambiguous(tmp_path)
    result = bpcli("init", "t.csv", "--target", "y", *options, cwd=tmp_path)
    assert result.code == code
    assert words in result.err
