"""When `init` proposes to learn the logarithm of a target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from experiments import write_csv

from bpcli.config.loading import load_config
from bpcli.data.columns.target_encoders import Log
from bpcli.data.table import Column
from bpcli.experiment.first_config import draft_config
from bpcli.experiment.skewed_targets import FEWEST_ROWS, reason_for_logarithms, skewness

NORMAL = np.random.default_rng(0).normal(size=2000)


def column(values: np.ndarray) -> Column:
    return Column("y", "numeric", np.asarray(values, np.float64))


def test_skewness_is_the_third_standardized_moment() -> None:
    # Mean 1, variance 3; cubes of the differences -1 -1 -1 27 sum to 24, so 6 / 3^1.5.
    assert skewness(np.array([0.0, 0.0, 0.0, 4.0])) == pytest.approx(6 / 3**1.5)
    assert skewness(np.array([1e200, 2e200, 9e200])) == 0.0
    assert skewness(np.full(5, 0.1)) == 0.0


@pytest.mark.parametrize(
    ("values", "proposed"),
    [
        (np.exp(NORMAL), True),
        (np.exp(NORMAL[:FEWEST_ROWS]), True),
        (np.exp(NORMAL[: FEWEST_ROWS - 1]), False),
        (np.exp(NORMAL).round(), False),  # has zeros
        (np.exp(NORMAL) - 0.5, False),
        (np.exp(0.3 * NORMAL), False),  # skewness below 2
        (50 + 10 * NORMAL, False),
        (1000 + np.exp(NORMAL), False),  # the logarithms are as skewed
    ],
    ids=["log-normal", "enough rows", "too few rows", "zeros", "negative", "hardly skewed", "symmetric", "shifted"],
)
def test_logarithms_are_proposed_for_positive_targets_that_they_make_symmetric(
    values: np.ndarray, proposed: bool
) -> None:
    assert (reason_for_logarithms([column(values)]) is not None) == proposed


def test_all_targets_must_suit() -> None:
    skewed, plain = column(np.exp(NORMAL)), column(NORMAL)
    assert reason_for_logarithms([skewed, skewed]) is not None
    assert reason_for_logarithms([skewed, plain]) is None


def test_init_writes_the_encoder_with_its_reason_and_what_it_predicts(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "t.csv", {"x": NORMAL.round(3), "price": np.exp(3 + NORMAL).round(2)})
    draft = draft_config(data, ["price"], tmp_path / "c.yaml", None)
    reason = reason_for_logarithms([column(np.exp(3 + NORMAL).round(2))])
    assert reason is not None
    assert reason.startswith("all values are positive, with skewness ")
    assert f"  target: price\n  target_encoder: log    # {reason}\n" in draft.text
    assert "to predict the mean, omit target_encoder, and set loss: gamma" in draft.text
    assert f"data.target_encoder: log; {reason}" in draft.notes
    (tmp_path / "c.yaml").write_text(draft.text)
    assert load_config(tmp_path / "c.yaml").config.data.target_encoder == Log()
    plain = write_csv(tmp_path / "t.csv", {"x": NORMAL.round(3), "price": (50 + NORMAL).round(2)})
    assert "target_encoder" not in draft_config(plain, ["price"], tmp_path / "c.yaml", None).text
