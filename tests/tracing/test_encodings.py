"""Encoding of a row's cells as inputs and targets, as text."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from experiments import write_csv
from traces import prepared_in

from bpcli.data.columns import FittedInput
from bpcli.data.targets import FittedTarget
from bpcli.experiment.prepare import Prepared
from bpcli.tracing import encodings
from bpcli.tracing.encodings import inputs_made, targets_made


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder: Path = tmp_path_factory.mktemp("encodings")
    columns = {
        "size": [1.0, 3.0, None, 5.0],
        "open": ["true", "false", "true", "true"],
        "kind": ["p", "q", "p", None],
        "t": ["x", "y", "z", "x"],
    }
    write_csv(folder / "t.csv", columns)
    return prepared_in(folder, data={"target": "t"})


def made(prepared: Prepared, row: int) -> dict[str, str]:
    assert prepared.examples is not None
    lines = inputs_made(prepared.preprocessor, prepared.examples.table.take([row]))
    return dict(zip(prepared.preprocessor.features, lines, strict=True))


def test_every_input_says_how_it_comes_about(prepared: Prepared) -> None:
    """Without the missing value, which 3 replaces, the sizes 1, 3 and 5 have mean 3 and deviation √(8/3)."""
    first, third = made(prepared, 0), made(prepared, 2)
    assert first["size"].startswith("(1 - 3) / ")
    assert third["size"].startswith("missing, replaced by 3: (3 - 3) / ")
    assert third["size is missing"] == "1 where size is missing, else 0"
    assert first["open"] == "1 for true, 0 for false"
    assert first["kind=p"] == "one-hot: 1 where kind is p, else 0; the value is p"
    assert made(prepared, 3)["kind=q"] == "one-hot: 1 where kind is q, else 0; the value is missing"


def test_a_class_is_one_of_its_outputs(prepared: Prepared) -> None:
    assert prepared.examples is not None
    row = prepared.examples.table.take([1])
    assert targets_made(prepared.preprocessor, row, 3) == ["1 for the class of the row, y, 0 for the others"] * 3


def test_numbers_are_scaled_or_as_in_the_file(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", {"a": [1, 2, 3], "t": [1.5, 2.5, 6.5]})
    for encoder, expected in (("none", "as in the file"), ("min_max", "(2.5 - 1.5) / 5")):
        prepared = prepared_in(tmp_path, data={"target": "t", "target_encoder": encoder})
        assert prepared.examples is not None
        assert targets_made(prepared.preprocessor, prepared.examples.table.take([1]), 1) == [expected]


def test_every_kind_of_fitted_input_and_target_has_an_account() -> None:
    for union, account in ((FittedInput, encodings._cells), (FittedTarget, encodings._target)):
        for member in get_args(get_args(union)[0]):
            assert account.dispatch(member) is not account.dispatch(object), member
