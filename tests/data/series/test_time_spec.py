from typing import Any

import pytest
from pydantic import ValidationError

from bpcli.data.series.frequency import Frequency
from bpcli.data.series.time_spec import TimeSpec


def test_a_column_or_a_list_of_columns_stands_for_the_mapping() -> None:
    assert TimeSpec.model_validate("date") == TimeSpec(column="date")
    assert TimeSpec.model_validate(["year", "quarter"]) == TimeSpec(column=("year", "quarter"))
    assert (TimeSpec(column="date").columns, TimeSpec(column=["a", "b"]).columns) == (["date"], ["a", "b"])


def test_frequencies_are_read_and_default_to_that_of_the_data() -> None:
    assert TimeSpec(column="date").step is None
    assert TimeSpec(column="date", frequency="7d").step == Frequency(unit="day", number=7)
    assert TimeSpec(column="t", frequency=1).step == Frequency(unit="count", number=1)
    assert TimeSpec(column="t", frequency=0.5).step == Frequency(unit="count", number=0.5)


def test_a_format_has_a_part_for_each_column() -> None:
    assert TimeSpec(column="date", format="%d.%m.%Y %H:%M").formats == ("%d.%m.%Y %H:%M",)
    assert TimeSpec(column=["date", "time"], format="%d.%m.%Y %H:%M").formats == ("%d.%m.%Y", "%H:%M")
    assert TimeSpec(column="date").formats is None


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"column": []}, "an empty list of columns"),
        ({"column": ["a", "a"]}, "a column is named twice"),
        ({"column": "a", "format": "%d.%m."}, "the format lacks the year"),
        ({"column": "a", "format": "%Q"}, "unknown directive '%Q'"),
        ({"column": ["a", "b"], "format": "%Y"}, "1 part between blanks, but there are 2 columns"),
        ({"column": "a", "frequency": "7x"}, "unknown unit 'x'"),
        ({"column": "a", "frequency": -1}, "not a frequency"),
        ({"column": "a", "frequency": True}, "frequency"),
        ({"column": "a", "missing": "drop"}, "'forward_fill' or 'error'"),
        ({"frequency": "7d"}, "column"),
        (3, "TimeSpec"),
    ],
)
def test_what_is_no_time_is_refused(keys: Any, what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        TimeSpec.model_validate(keys)
