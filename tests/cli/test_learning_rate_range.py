"""`bpcli check --learning-rate`: a curve, words, and all points."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from commands import CONFIGS, bpcli, bpcli_process

from bpcli.checks.learning_rate_range import Point, RangeTest
from bpcli.cli.learning_rate_range import curve
from bpcli.cli.terminal_chart import BRAILLE

PENGUINS = CONFIGS / "penguins.yaml"


def test_it_draws_the_curve_marks_the_rates_and_says_what_they_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = bpcli("check", PENGUINS, "--learning-rate").ok().out.splitlines()
    tried = bpcli("check", PENGUINS, "--learning-rate", "--json").ok().json
    assert re.fullmatch(r"penguins: \d+ steps of adam on 32 rows each, at rates from 1e-06 to [\d.]+", lines[0])
    chart, axis, marks, ends = lines[2:12], lines[12], lines[13], lines[14]
    assert all(len(line) <= 80 for line in lines[:16])
    assert any("⠀" < glyph <= "⣿" for glyph in chart[-1])
    assert set(axis) == {" ", "└", "─"}
    assert ", both axes logarithmic; * suggested, " in lines[16]
    assert set(marks) == {" ", "^", "*"}
    assert ends.split()[0] == "1e-06"
    start = chart[0].index("│") + 1
    points = tried["points"]
    for mark, rate in (("^", tried["configured"]), ("*", tried["suggested"])):
        nearest = min(range(len(points)), key=lambda place: abs(points[place]["learning_rate"] - rate))
        assert marks.index(mark) == pytest.approx(start + nearest / len(points) * (80 - start), abs=1.5)
    assert lines[-3].startswith(
        f"the loss falls at rates from {tried['falls_from']:.3g} to {tried['falls_to']:.3g}, and exceeds its initial "
        "value"
    )
    assert lines[-3].endswith(f"from a rate of {tried['diverges']:.3g} on: training diverges")
    assert lines[-2].startswith(f"suggested: learning_rate {tried['suggested']:.3g}, the geometric mean of")
    assert lines[-1] == "configured: learning_rate 0.003, within that range"


def words(rate: float | str, *more: str) -> str:
    arguments = [part for item in (f"optimizer.learning_rate={rate}", *more) for part in ("--set", item)]
    return bpcli("check", PENGUINS, "--learning-rate", *arguments).ok().out.splitlines()[-1]


def test_a_rate_that_is_not_in_the_range_is_said_so():
    assert words(1e-5) == "configured: learning_rate 1e-05, below that range: training will be slow"
    assert words(0.5) == "configured: learning_rate 0.5, above that range: training may not settle"
    assert words(50) == "configured: learning_rate 50, at which training diverges"


def test_json_gives_every_point_and_null_where_a_loss_is_not_finite(tmp_path: Path):
    (tmp_path / "t.csv").write_text("a,y\n1e17,0.5\n-1e17,1.5\n2e17,3.5\n")
    (tmp_path / "c.yaml").write_text(
        "data: {path: t.csv, target: y, split: {validation: 0, test: 0}, encoders: {numeric: none}}\n"
        "layers: []\ntraining: {batch_size: full}\noptimizer: sgd\n"
    )
    tried = bpcli("check", tmp_path / "c.yaml", "--learning-rate", "--json").ok().json
    assert tried["points"][-1]["loss"] is None
    assert tried["suggested"] is None
    text = bpcli("check", tmp_path / "c.yaml", "--learning-rate").ok().out
    assert "the loss does not fall noticeably at any rate, and exceeds its initial value" in text


def test_it_says_the_same_every_time_and_writes_nothing(tmp_path: Path):
    documents = [bpcli("check", PENGUINS, "--learning-rate", "--json", cwd=tmp_path).ok().out for _ in range(2)]
    assert documents[0] == documents[1]
    assert len(json.loads(documents[0])["points"]) > 100
    assert not list(tmp_path.iterdir())


def test_rprop_is_refused():
    result = bpcli("check", PENGUINS, "--learning-rate", "--set", "optimizer=rprop")
    assert result.code == 2
    assert result.err.startswith("error: optimizer rprop adapts its step sizes")


@pytest.mark.parametrize(
    ("columns", "environment", "glyph"),
    [
        (60, {"PYTHONIOENCODING": "ascii"}, "#"),
        pytest.param(40, {}, "⠒", marks=pytest.mark.exhaustive),
        pytest.param(15, {}, None, marks=pytest.mark.exhaustive),
    ],
)
def test_the_curve_suits_the_terminal(tmp_path: Path, columns: int, environment: dict[str, str], glyph: str | None):
    process = bpcli_process(
        *("check", PENGUINS, "--learning-rate"), cwd=tmp_path, environment={"COLUMNS": str(columns), **environment}
    )
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    lines: list[Any] = out.decode().splitlines()
    assert lines[-1] == "configured: learning_rate 0.003, within that range"
    chart = [line for line in lines if "│" in line or "|" in line]
    assert all(len(line) <= columns for line in chart)
    assert len(chart) == (10 if glyph else 0)
    assert glyph is None or glyph in "".join(chart)


def test_the_curve_of_a_loss_below_zero_reaches_from_its_least_to_a_quarter_above_the_start():
    losses = [-10.0 - place / 4 for place in range(40)] + [5.0]
    points = tuple(Point(1e-3 * 1.1**place, loss, loss) for place, loss in enumerate(losses))
    lines = curve(RangeTest(1e-2, -10.0, points, 1e-3, 1e-2, 4e-2, None), 80, BRAILLE)
    assert lines[0].startswith(" -7.5000 │")
    assert lines[9].startswith("-19.7500 │")
