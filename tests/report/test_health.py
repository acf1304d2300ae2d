"""The health of layers as it stands in metrics.jsonl, and nothing of it where a run has none."""

from __future__ import annotations

from typing import Any

import pytest
from records import record_of

from bpcli.report.curves import MOST_CURVES
from bpcli.report.health import ABOUT, USUAL_RATIO, health_section
from bpcli.storage.records import EpochRecord, EpochScores, Summary

NAMES = {0: "layer 0 (dense)", 1: "layer 1 (dense)"}


def layer(index: int, **values: Any) -> dict[str, Any]:
    return {"layer": index, "gradient_norm": None, "update_ratio": None, "dead": None, "saturated": None, **values}


def records(*epochs: list[dict[str, Any]]) -> list[EpochRecord]:
    return [
        record_of({"epoch": number, "train_loss": 1.0, "health": health}) for number, health in enumerate(epochs, 1)
    ]


def test_a_chart_for_each_thing_that_was_measured() -> None:
    lines = records(
        [layer(0, gradient_norm=0.5, update_ratio=1e-3, dead=0.25), layer(1, gradient_norm=0.25, update_ratio=2e-3)],
        [layer(0, gradient_norm=0.125, update_ratio=1e-4, dead=0.5), layer(1, gradient_norm=None, update_ratio=3e-3)],
    )
    section = health_section(lines, Summary(best=EpochScores(2), diagnosis=[]), NAMES)
    assert section is not None
    assert [chart.title for chart in section.charts] == ["Gradient norm", "Update to weight", "Dead units"]
    norms, ratios, dead = section.charts
    assert [(one.name, list(one.x), list(one.y)) for one in norms.series] == [
        ("layer 0 (dense)", [1, 2], [0.5, 0.125]),
        ("layer 1 (dense)", [1, 2], [0.25, None]),
    ]
    assert [one.name for one in dead.series] == ["layer 0 (dense)"]
    assert (dead.note, norms.note, dead.shares, norms.shares) == ("layer 0 (dense)", "", True, False)
    assert (norms.logarithmic, ratios.logarithmic, dead.logarithmic) == (True, True, False)
    assert (norms.level, ratios.level) == (None, (USUAL_RATIO, "typical order, 0.001"))
    assert norms.mark == (2.0, "best epoch, 2")
    assert list(section.sentences) == ["No problem found in gradients, step sizes, dead or saturated units.", ABOUT]


def test_the_diagnosis_is_told() -> None:
    section = health_section([], Summary(diagnosis=["layer 2: 94% of relu units are dead since epoch 3"]), {})
    assert section is not None
    assert list(section.sentences) == ["Layer 2: 94% of relu units are dead since epoch 3."]


def test_a_run_of_before_has_no_such_section() -> None:
    assert health_section([EpochRecord(1, {"train_loss": 1.0})], Summary(), NAMES) is None
    assert health_section([], Summary(), NAMES) is None


@pytest.mark.parametrize(
    "damage",
    [None, 5, "x", {}, [], [None], [[]], [5], [{}], [{"layer": "0", "dead": 0.5}], [{"layer": 0, "dead": "x"}]],
)
def test_what_training_does_not_write_is_passed_over(damage: Any) -> None:
    record, summary = (
        record_of({"epoch": 1, "health": damage}),
        Summary.from_json({"best": damage, "diagnosis": damage}),
    )
    assert health_section([record], summary, NAMES) is None


def test_a_layer_keeps_its_place_where_some_epochs_lack_it() -> None:
    section = health_section(records([], [layer(1, dead=0.5)], []), Summary(), NAMES)
    assert section is not None
    assert list(section.charts[0].series[0].y) == [None, 0.5, None]


def test_of_many_layers_the_extremes_are_shown_and_the_page_says_so() -> None:
    norms = [10.0**-power for power in (3, 1, 7, 0, 5, 2, 9, 4, 6, 8)]
    lines = records([layer(index, gradient_norm=norm, dead=norm) for index, norm in enumerate(norms)])
    section = health_section(lines, Summary(), {index: f"{index}" for index in range(10)})
    assert section is not None
    gradient, dead = section.charts
    shown = [one.y[0] for one in gradient.series]
    assert len(shown) == MOST_CURVES
    assert {max(norms), min(norms)} <= set(shown)
    assert gradient.note == "6 of 10 layers: from the lowest to the highest"
    assert sorted(one.y[0] or 0 for one in dead.series) == sorted(norms)[-MOST_CURVES:]
    assert dead.note == "6 of 10 layers: the highest"
    assert [int(one.name) for one in gradient.series] == sorted(int(one.name) for one in gradient.series)
