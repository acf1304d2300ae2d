"""Curves of a training: every value of every epoch, and where the best one is."""

from __future__ import annotations

from bpcli.documents.json_value import Json
from bpcli.report.learning import learning_section, mark_of, metric_chart
from bpcli.storage.records import EpochRecord, EpochScores, Summary


def record(epoch: int, rate: float = 0.1, **values: float | None) -> EpochRecord:
    return EpochRecord(epoch, {**values, "learning_rate": rate, "seconds": 0.5}, 1)


RECORDS = [
    record(1, train_loss=4.0, validation_loss=5.0, validation_accuracy=0.25),
    record(2, train_loss=2.0, validation_loss=None, validation_accuracy=0.75),
]


def test_losses_share_a_chart_and_each_metric_has_one() -> None:
    section = learning_section(RECORDS, Summary(monitor="validation_accuracy", best=EpochScores(2)))
    loss, accuracy = section.charts
    assert (loss.title, accuracy.title) == ("Loss", "Validation accuracy")
    assert [(one.name, list(one.x), list(one.y)) for one in loss.series] == [
        ("train loss", [1, 2], [4.0, 2.0]),
        ("validation loss", [1, 2], [5.0, None]),
    ]
    assert [(one.name, list(one.y)) for one in accuracy.series] == [("validation accuracy", [0.25, 0.75])]
    assert loss.mark == accuracy.mark == (2.0, "best epoch, 2")
    (sentence,) = section.sentences
    assert sentence.startswith("Epochs are compared by validation accuracy; the best is epoch 2, ")


def test_without_validation_the_legend_has_no_validation_loss() -> None:
    records = [record(epoch, train_loss=4.0 / epoch, validation_loss=None, validation_f1=None) for epoch in (1, 2)]
    (loss,) = learning_section(records, Summary()).charts
    assert [one.name for one in loss.series] == ["train loss"]


def test_a_run_without_a_best_epoch_has_no_mark() -> None:
    section = learning_section(RECORDS, Summary())
    assert [chart.mark for chart in section.charts] == [None, None]
    assert list(section.sentences) == ["Epochs are compared by train loss."]
    assert mark_of(None) is mark_of(0) is None


def test_a_learning_rate_has_a_chart_where_it_varied() -> None:
    varied = [RECORDS[0], record(2, rate=0.05, train_loss=2.0)]
    titles = [chart.title for chart in learning_section(varied, Summary()).charts]
    assert titles == ["Loss", "Learning rate"]
    assert list(learning_section(varied, Summary()).charts[1].series[0].y) == [0.1, 0.05]


def test_without_an_epoch_there_is_a_sentence() -> None:
    section = learning_section([], Summary())
    assert (list(section.sentences), list(section.charts)) == (["No epoch was finished."], [])


def test_a_loss_of_a_wide_range_has_a_logarithmic_axis_and_a_metric_has_not() -> None:
    wide = [record(1, train_loss=1000.0, rmse=1000.0), record(2, train_loss=0.01, rmse=0.01)]
    assert metric_chart({"a": wide}, "train_loss").logarithmic
    assert not metric_chart({"a": wide}, "rmse").logarithmic
    assert not metric_chart({"a": RECORDS}, "train_loss").logarithmic


def test_a_value_of_several_runs_has_a_curve_a_run_and_what_is_no_number_is_left_out() -> None:
    other = [EpochRecord(3, {"train_loss": "x"}), EpochRecord(4, {"train_loss": 1.0})]
    chart = metric_chart({"a": RECORDS, "b": other}, "train_loss", best=4)
    assert (chart.title, chart.mark) == ("Train loss", (4.0, "best epoch, 4"))
    assert [(one.name, list(one.x), list(one.y)) for one in chart.series] == [
        ("a", [1, 2], [4.0, 2.0]),
        ("b", [3, 4], [None, 1.0]),
    ]


def test_members_of_an_ensemble_are_drawn_behind_its_validation_loss() -> None:
    values: list[dict[str, Json]] = [
        {"train_loss": 1.0, "validation_loss": 0.5, "validation_loss_members": [0.4, 0.6]},
        {"train_loss": 0.8, "validation_loss": 0.4, "validation_loss_members": [0.3, 0.5]},
    ]
    records = [EpochRecord(epoch, of) for epoch, of in enumerate(values, 1)]
    section = learning_section(records, Summary(monitor="validation_loss", best=EpochScores(2)))
    (chart,) = section.charts
    train, validation = chart.series
    assert train.behind == ()
    assert validation.behind == [[0.4, 0.3], [0.6, 0.5]]
    assert "The faint lines are the 2 members of the ensemble" in section.sentences[0]
    assert chart.html().count('class="line faint s1"') == 2
