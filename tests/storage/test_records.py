"""What a run writes of itself is read back, and so is what an earlier version or somebody's hand made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bpcli.documents.layer_health import LayerHealth
from bpcli.documents.scores import ScoreReport
from bpcli.storage.records import EpochRecord, EpochScores, Summary
from bpcli.storage.run_directory import RunDirectory

OLD = sorted((Path(__file__).parent.parent / "golden" / "0.1" / "finished").iterdir())

LINE = (
    b'{"epoch": 2, "train_loss": 0.5, "validation_loss": null, "train_accuracy": 1.0, "learning_rate": 0.01, '
    b'"seconds": 0.25, "best_epoch": 1, "health": [{"layer": 0, "gradient_norm": 0.125, "update_ratio": 0.001, '
    b'"dead": null, "saturated": 0.0}]}\n'
)


def test_a_line_is_a_record_and_the_record_that_line() -> None:
    record = EpochRecord.parse(LINE)
    assert record == EpochRecord(
        2,
        {"train_loss": 0.5, "validation_loss": None, "train_accuracy": 1.0, "learning_rate": 0.01, "seconds": 0.25},
        best_epoch=1,
        health=(LayerHealth(0, 0.125, 0.001, None, 0.0),),
    )
    assert json.dumps(record.to_json()).encode() + b"\n" == LINE
    assert record.layers == {0: LayerHealth(0, 0.125, 0.001, None, 0.0)}
    assert record.scores == EpochScores(2, {"train_loss": 0.5, "validation_loss": None, "train_accuracy": 1.0})
    assert record.scores.to_json() == {"epoch": 2, "train_loss": 0.5, "validation_loss": None, "train_accuracy": 1.0}


@pytest.mark.parametrize("run", OLD, ids=lambda path: path.name)
def test_files_of_before_are_read_and_written_again_byte_for_byte(run: Path, tmp_path: Path) -> None:
    directory, copy = RunDirectory(run), RunDirectory.create(tmp_path / "run")
    for record in directory.records.read():
        copy.records.append(record)
    copy.write_summary(directory.read_summary())
    assert copy.metrics.read_bytes() == directory.metrics.read_bytes() != b""
    assert copy.summary.read_bytes() == directory.summary.read_bytes()


@pytest.mark.parametrize("line", [b'{"epoch": 1}', b'{"epoch": 3, "train_loss": 0.5}', b'{"epoch": 1, "health": []}'])
def test_what_a_line_lacks_is_not_written(line: bytes) -> None:
    record = EpochRecord.parse(line)
    assert record is not None
    assert json.dumps(record.to_json()).encode() == line


@pytest.mark.parametrize(
    "line", [b"", b"{", b"\0\0", b"[" * 100_000, b"7", b"{}", b'{"epoch": "2"}', b'{"epoch": 0}', b'{"epoch": true}',
             b'{"epoch": 1000000000}', b'{"epoch": 1.5}', b'{"epoch": 4, "lo\xff'],
)  # fmt: skip
def test_a_line_without_a_number_of_an_epoch_is_none(line: bytes) -> None:
    assert EpochRecord.parse(line) is None


def test_values_stay_as_the_file_has_them_and_count_where_they_are_finite_numbers() -> None:
    values = {"a": 0.5, "b": -3, "c": True, "d": "2", "e": [], "f": {}, "g": float("nan"), "h": 10**400, "i": None}
    record = EpochRecord.from_json({"epoch": 1, **values})
    assert record is not None
    assert record.values["d"] == "2"
    assert record.numbers == {"a": 0.5, "b": -3.0, **dict.fromkeys("cdefghi")}
    assert (record.number("b"), record.number("missing")) == (-3.0, None)


@pytest.mark.parametrize(
    ("health", "read"),
    [
        (None, None),
        (7, None),
        ({}, None),
        ([None, 7, {}, {"layer": []}, {"layer": "0"}], ()),
        ([{"layer": 2, "dead": "x", "saturated": 1}], (LayerHealth(2, saturated=1.0),)),
    ],
)
def test_of_a_damaged_health_what_is_whole_is_read(health: Any, read: Any) -> None:
    record = EpochRecord.from_json({"epoch": 1, "health": health})
    assert record is not None
    assert record.health == read


WHOLE: dict[str, Any] = {
    "name": "n",
    "status": "finished",
    "stop_reason": "epochs",
    "stop_explanation": "all epochs done",
    "diagnosis": ["layer 0 is dead"],
    "epochs": 2,
    "monitor": "validation_loss",
    "best": {"epoch": 1, "validation_loss": 0.5},
    "final": {"epoch": 2, "validation_loss": None},
    "test": {
        "rows": 2,
        "accuracy": 0.5,
        "roc_auc": None,
        "confusion_matrix": [[1, 0], [1, 0]],
        "per_class": {"a": {"f1": 0.5, "support": 1}, "b": {"f1": 0.0, "support": 1}},
    },
    "parameters": 9,
    "rows": {"train": 3, "validation": 1, "test": 2},
    "data_sha256": "00",
    "warnings": [],
    "training_seconds": 0.5,
    "started_at": "2026-11-29T16:40:20+00:00",
    "finished_at": None,
    "versions": {"bpcli": "0.1.0"},
}


def test_a_summary_is_read_key_by_key_and_written_so() -> None:
    summary = Summary.from_json(WHOLE)
    assert json.dumps(summary.to_json()) == json.dumps(WHOLE)
    assert summary.best == EpochScores(1, {"validation_loss": 0.5})
    assert summary.best_epoch == 1
    assert summary.test is not None
    assert summary.test.scores == {"accuracy": 0.5, "roc_auc": None}
    assert summary.test.groups["a"] == {"f1": 0.5, "support": 1}


@pytest.mark.parametrize("key", WHOLE)
def test_a_key_that_is_missing_or_damaged_is_as_by_default_and_costs_no_other(key: str) -> None:
    default, whole = Summary(), Summary.from_json(WHOLE)
    rest = {name: value for name, value in WHOLE.items() if name != key}
    for document in (rest, {**rest, key: [5] if key in ("name", "best", "test", "rows") else {"x": 5}}):
        read = Summary.from_json(document)
        assert [getattr(read, key)] in ([getattr(default, key)], [type(getattr(default, key))()])
        assert all(getattr(read, name) == getattr(whole, name) for name in rest)


@pytest.mark.parametrize("document", [None, 7, [], "x", {}])
def test_what_is_no_summary_is_an_empty_one(document: Any) -> None:
    assert Summary.from_json(document) == Summary()
    with pytest.raises(ValueError, match="no status"):
        Summary.listed(document)


def test_a_listing_takes_the_fields_that_it_shows() -> None:
    whole, listed = Summary.from_json({**WHOLE, "positive": "a"}), Summary.listed({**WHOLE, "positive": "a"})
    shown = ("status", "epochs", "monitor", "best", "positive", "parameters", "training_seconds", "started_at")
    assert [getattr(listed, name) for name in shown] == [getattr(whole, name) for name in shown]
    assert listed.test == ScoreReport(2, {"accuracy": 0.5, "roc_auc": None})


@pytest.mark.parametrize(
    ("key", "value"),
    [("status", "done"), ("best", None), ("best", {"epoch": "x"}), ("epochs", "3"), ("started_at", 5), ("test", [])],
)
def test_a_listing_takes_no_damaged_summary(key: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"no status|has the wrong type|holds a value that is not a number"):
        Summary.listed({**WHOLE, key: value})


def test_the_best_epoch_of_a_run_without_one_is_none() -> None:
    assert Summary(best=EpochScores(0)).best_epoch is None
    assert Summary().best_epoch is None
