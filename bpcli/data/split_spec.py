"""Config section `data.split`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bpcli.spec import Spec, Text


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
        return self
