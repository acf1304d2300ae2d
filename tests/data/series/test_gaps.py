import numpy as np
import pytest
from time_columns import fitted, time_columns

from bpcli.data.series.gaps import require_no_gaps
from bpcli.errors import DataError


def test_an_error_names_the_first_stamp_without_a_row() -> None:
    columns = time_columns(day=["2020-01-01", "2020-01-02", "2020-01-05", "2020-01-06", "2020-01-08", "2020-01-09"])
    axis, steps = fitted(columns)
    with pytest.raises(DataError) as caught:
        require_no_gaps(axis, np.array(steps), None, "f.csv")
    assert str(caught.value) == (
        "f.csv: no row for '2020-01-03' (and for 2 more stamps), before row 3: the series is daily; add the rows, or "
        "set data.time.missing: forward_fill"
    )
    with pytest.raises(DataError, match="before row 13"):
        require_no_gaps(axis, np.array(steps), None, "f.csv", np.arange(10, 16))
    require_no_gaps(axis, np.array(steps[2:4]), None, "f.csv")


def test_each_series_has_its_own_first_and_last_row() -> None:
    """Steps 1 to 3 and 7 to 9 are two series without gaps, in any order of rows; as one series they lack 4 to 6."""
    days = [f"2020-01-{day:02d}" for day in (3, 9, 1, 7, 2, 8)]
    axis, _ = fitted(time_columns(day=["2020-01-01", "2020-01-02", "2020-01-03"]))
    steps = axis.steps(time_columns(day=days), None, "f.csv")
    require_no_gaps(axis, steps, np.array([0, 1, 0, 1, 0, 1]), "f.csv")
    with pytest.raises(DataError, match=r"'2020-01-04' \(and for 2 more stamps\)"):
        require_no_gaps(axis, steps, None, "f.csv")
