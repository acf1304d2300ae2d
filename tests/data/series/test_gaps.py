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
