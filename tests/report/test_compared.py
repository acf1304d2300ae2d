"""The page of a comparison: its charts and tables are those of the document."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from comparison_runs import by
from pages import Checked, drawn, tables

from bpcli.comparison.compare import OF_THESE_MODELS, compare_runs
from bpcli.comparison.document import Comparison, ConfigDifference
from bpcli.report.compared import BETTER, comparison_page
from bpcli.report.curves import MOST_CURVES
from bpcli.storage.run_directory import RunDirectory
from bpcli.wording import plain

NAMES = ("right", "wrong", "both")


@pytest.fixture(scope="module")
def three(compared_runs: Path) -> Comparison:
    return compare_runs([compared_runs / name for name in NAMES])


@pytest.fixture(scope="module")
def page(three: Comparison) -> str:
    return comparison_page(three)


def test_the_page_asks_nothing_of_elsewhere_and_is_small(page: str) -> None:
    assert Checked(page).addresses == ["data:,"]
    assert not re.search(r"url\(|@import|fetch\(|https?:", page)
    assert len(page.encode()) < 500_000


def test_the_scores_are_those_of_the_comparison_and_the_best_are_marked(three: Comparison, page: str) -> None:
    rows = {row[0]: row[1:] for row in tables(page)["Scores"]}
    assert rows.pop("metric") == list(NAMES)
    assert list(rows)[:4] == ["accuracy", "roc auc", "f1 macro", "log loss"]
    for name, cells in rows.items():
        values = [three.scores[run].scores[name.replace(" ", "_")] or 0.0 for run in NAMES]
        assert [float(cell.removeprefix(f"{BETTER} ")) for cell in cells] == [
            pytest.approx(value, rel=1e-3, abs=5e-5) for value in values
        ]
        best = min(values) if name in ("log loss", "brier") else max(values)
        assert [cell.startswith(BETTER) for cell in cells] == [value == best for value in values]


def test_the_tests_and_their_intervals_are_those_of_the_comparison(three: Comparison, page: str) -> None:
    shown, charts = tables(page)["Tests of accuracy"], drawn(page)["Difference in accuracy"]
    assert shown[0][-1] == "p, corrected (Holm, over 2 tests)"
    for entry, row, interval in zip(three.differences, shown[1:], charts, strict=True):
        head = entry.headline
        assert head.difference is not None
        numbers = [head.difference, head.interval.low, head.interval.high]
        assert [float(cell) for cell in row[1:4]] == [pytest.approx(value, abs=5e-5) for value in numbers]
        assert row[4] == "McNemar, exact"
        assert [float(cell) for cell in row[5:]] == [pytest.approx(p, rel=1e-3) for p in (head.p, head.p_corrected)]
        assert interval["name"] == row[0] == f"{head.run} less right"
        ends = [point[3] for point in interval["points"]]
        assert ends == [pytest.approx(numbers[place], rel=1e-5) for place in (1, 0, 2)]
    assert "Tests of log loss" in tables(page)


def test_the_verdicts_are_sentences(three: Comparison, page: str) -> None:
    words = " ".join(Checked(page).words)
    for entry in three.differences:
        assert entry.log_loss is not None
        for verdict in (entry.headline, entry.log_loss):
            assert f"{verdict.verdict[1:]}." in words
    assert f"Run {three.differences[0].headline.verdict}." in words
    assert "<code>bpcli train --seeds</code>" in page


def test_configs_that_differ_have_a_row_a_key(three: Comparison, page: str) -> None:
    assert "name" in [entry.key for entry in three.config]
    assert tables(page)["Differences"][1:] == [
        [entry.key, *(plain(entry.values.get(run, "-")) for run in NAMES)] for entry in three.config
    ]


def test_the_curves_of_all_runs_stand_in_one_chart(compared_runs: Path, page: str) -> None:
    charts = drawn(page)
    for title, key in [
        ("Train loss", "train_loss"),
        ("Validation loss", "validation_loss"),
        ("Validation accuracy", "validation_accuracy"),
    ]:
        assert [series["name"] for series in charts[title]] == list(NAMES)
        for series in charts[title]:
            records = RunDirectory(compared_runs / series["name"]).records.read()
            expected = [(record.epoch, pytest.approx(record.values[key], rel=1e-5)) for record in records]
            assert [tuple(point[2:]) for point in series["points"]] == expected


def test_where_runs_disagree_is_counted_class_by_class(three: Comparison, page: str) -> None:
    (found,) = [rows for title, rows in tables(page).items() if title.startswith("wrong ") and title.endswith(" right")]
    assert found[1:] == [
        [group.name, *map(str, (group.rows, group.different, *group.right_by.values()))]  # type: ignore[union-attr]
        for group in three.differences[0].disagreement
    ]
    different = sum(group.different for group in three.differences[0].disagreement)
    assert f"wrong and right differ in {different} of 30 answers: {different} " in " ".join(Checked(page).words)


def test_of_quantities_the_distances_are_shown(compared_runs: Path) -> None:
    found = compare_runs([compared_runs / "numbers/exact", compared_runs / "numbers/short"])
    rows = next(rows for title, rows in tables(comparison_page(found)).items() if title.startswith("short "))
    assert rows[0][-2:] == ["nearer: exact", "nearer: short"]
    assert rows[1][0:2] == ["y", "30"]
    assert rows[1][-2:] == ["30", "0"]


def test_notes_are_sentences(three: Comparison) -> None:
    html = comparison_page(replace(three, notes=["trained for different numbers of epochs: 'a' 15, 'b' 16"]))
    assert "<p>Trained for different numbers of epochs: &#x27;a&#x27; 15, &#x27;b&#x27; 16.</p>" in html


def test_identical_models_are_called_that_and_nothing_is_tested_or_marked(compared_runs: Path, tmp_path: Path) -> None:
    html = comparison_page(compare_runs([compared_runs / "right", by(tmp_path, "again", 4, 0)]))
    assert "<p>Runs again and right are the same model: weights are identical.</p>" in html
    assert not [title for title in tables(html) if title.startswith("Tests")]
    assert BETTER not in "".join(cell for row in tables(html)["Scores"] for cell in row)
    assert OF_THESE_MODELS[:20] not in html


def test_names_of_the_users_are_shown_and_not_obeyed(three: Comparison) -> None:
    def renamed(name: str) -> str:
        return "<img src=x>\x1b[2J" if name == "wrong" else name

    hostile = replace(
        three,
        runs=[replace(run, label=renamed(run.label)) for run in three.runs],
        scores={renamed(name): report for name, report in three.scores.items()},
        config=[ConfigDifference("name", {renamed(name): name for name in NAMES})],
    )
    html = comparison_page(hostile)
    assert "<img" not in html
    assert "\x1b" not in html
    assert "&lt;img src=x&gt;\\x1b[2J" in html


def test_equal_configs_and_more_runs_than_curves_are_said(three: Comparison) -> None:
    labels = [f"r{index}" for index in range(8)]
    runs, scores = [replace(three.runs[0], label=label) for label in labels], three.scores["right"]
    many = replace(three, config=[], runs=runs, scores=dict.fromkeys(labels, scores))
    html = comparison_page(many)
    assert "<p>The configs are the same.</p>" in html
    assert f"first {MOST_CURVES} of 8 runs." in html
    assert len(drawn(html)["Train loss"]) == MOST_CURVES
    other = replace(three, config=[ConfigDifference("loss.type", {"right": "mse"})])
    assert "cannot be compared." in comparison_page(other)
    assert "cannot be compared." not in html
