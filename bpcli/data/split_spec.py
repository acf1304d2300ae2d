"""Config section `data.split`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from bpcli.spec import Spec, Text

FOLD = r"^([1-9][0-9]*)/([1-9][0-9]*)$"
MOST_FOLDS = 1000


class SplitSpec(Spec):
    """Split of the rows, unless the data brings its own."""

    validation: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Share of validation rows; 0 for none. Default: 0.15, or 0 if the data has its own.",
    )
    test: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Share of test rows; 0 for none. Default: 0.15, or 0 if the data has splits of its own.",
    )
    stratify: bool | None = Field(
        default=None,
        description="Keep the class proportions in each split. Default: for a target of classes; rows of classes too "
        "rare to split are training rows.",
    )
    order: Literal["random", "time"] = Field(
        default="random",
        description="Order of the rows; `time` does not shuffle: the first rows are for training, "
        "the last for testing.",
    )
    column: Text | None = Field(default=None, description="Column with the values train, validation and test.")
    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**63,
        description="Seed of the split, so that it stays the same whatever `seed` is. Default: `seed`.",
    )

    fold: str | None = Field(
        default=None,
        json_schema_extra={"pattern": FOLD},
        description="Fold of cross-validation whose rows are the test rows, such as 2/5 for the second of 5; "
        "validation rows are drawn from the others. `bpcli train --folds 5` trains a run for each.",
    )
    validation_fold: str | None = Field(
        default=None,
        json_schema_extra={"pattern": FOLD},
        description="Fold of the training and validation rows whose rows validate, such as 2/5; the test rows stay as "
        "they are. `tune.folds` trains a run for each.",
    )

    @property
    def fold_of_folds(self) -> tuple[int, int] | None:
        """Number of the fold that tests, counted from 1, and number of folds; None without cross-validation."""
        return _numbers(self.fold)

    @property
    def validation_fold_of_folds(self) -> tuple[int, int] | None:
        """The same of the fold that validates."""
        return _numbers(self.validation_fold)

    def of_series(self) -> SplitSpec:
        """Copy that splits the rows of series, by time. Raises ValueError for keys that split them otherwise."""
        if self.order == "random" and "order" in self.model_fields_set:
            raise ValueError("data.time splits the rows by time; omit order: random, which would mix past and future")
        if self.stratify:
            raise ValueError("data.time splits the rows by time, whatever their classes; omit stratify")
        if self.seed is not None:
            raise ValueError("data.time splits the rows by time, which draws nothing; omit seed")
        if self.fold is not None:
            raise ValueError("data.time splits the rows by time, not into folds; omit fold")
        if self.validation_fold is not None:
            raise ValueError("data.time splits the rows by time, not into folds; omit validation_fold")
        if self.column is not None:
            raise ValueError("data.time splits the rows by time; omit column, or time")
        return self.model_copy(update={"order": "time"})

    @field_validator("fold", "validation_fold")
    @classmethod
    def _valid_fold(cls, fold: str | None) -> str | None:
        if fold is None:
            return None
        match = re.fullmatch(FOLD, fold)
        if match is None:
            raise ValueError("must be a fold and the number of folds, such as 2/5 for the second of 5")
        number, folds = match[1], match[2]
        if len(folds) > len(str(MOST_FOLDS)) or not 2 <= int(folds) <= MOST_FOLDS:
            raise ValueError(f"the number of folds must be from 2 to {MOST_FOLDS}")
        if len(number) > len(folds) or int(number) > int(folds):
            raise ValueError(f"there are {folds} folds; the first number must be from 1 to {folds}")
        return fold

    @model_validator(mode="after")
    def _check_shares(self) -> SplitSpec:
        if (self.validation or 0) + (self.test or 0) >= 1:
            raise ValueError("validation and test leave no training rows; their sum must be below 1")
        if self.order == "time" and self.stratify:
            raise ValueError("order: time and stratify exclude each other; omit one of them")
        if self.order == "time" and self.seed is not None:
            raise ValueError("order: time draws nothing, so it excludes seed; omit one of them")
        if self.column is not None and (self.validation or self.test or self.stratify):
            raise ValueError("column excludes validation, test and stratify")
        if self.fold is not None and self.test is not None:
            raise ValueError("the test rows are those of fold, which excludes test; omit one of them")
        if self.fold is not None and self.column is not None:
            raise ValueError("column sets the split of each row, so it excludes fold; omit one of them")
        return self


def _numbers(fold: str | None) -> tuple[int, int] | None:
    if fold is None:
        return None
    number, folds = fold.split("/")
    return int(number), int(folds)
