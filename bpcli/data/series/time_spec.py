"""Config section `data.time`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic_core import core_schema

from bpcli.data.notations.date_format import check_format
from bpcli.data.series.frequency import Frequency
from bpcli.spec import Sequence, Spec, Text
from bpcli.wording import counted, quoted


class TimeSpec(Spec):
    """Time of each row of a series."""

    column: Text | Sequence[Text] = Field(
        description="Column of dates, dates with times, or whole numbers; or columns that are a time together, such as "
        "`[year, quarter]`."
    )
    format: str | None = Field(
        default=None,
        description="Format of the stamps, such as `%Y%m%d`; of several columns, separated by blanks: `%Y %q`. Besides "
        "the directives of strptime, %q is the quarter, and %K the hour from 1 to 24. Default: recognised.",
    )
    frequency: Text | int | float | None = Field(
        default=None,
        description="Step from one row of a series to the next: 7d, 15min, 1h, business_day, month, quarter, year, or "
        "1 for a count. Default: the most frequent one in the data.",
    )
    missing: Literal["forward_fill", "error"] = Field(
        default="forward_fill",
        description="Treatment of missing steps and missing values within a series: the value before, or an error.",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_column(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str | list | tuple) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        whole = handler(schema)
        short = handler.resolve_ref_schema(whole)["properties"]["column"]["anyOf"]
        return {"anyOf": [*short, whole]}

    @field_validator("frequency")
    @classmethod
    def _is_frequency(cls, written: str | int | float | None) -> str | int | float | None:
        if written is not None:
            Frequency.parse(written)
        return written

    @model_validator(mode="after")
    def _check_format(self) -> TimeSpec:
        if not self.columns:
            raise ValueError("an empty list of columns; name at least one")
        if len({*self.columns}) < len(self.columns):
            raise ValueError("a column is named twice")
        if self.format is not None:
            pieces = self.formats or ()
            if len(pieces) != len(self.columns):
                raise ValueError(
                    f"format has {counted(len(pieces), 'part')} between blanks, but there are "
                    f"{counted(len(self.columns), 'column')}; write one part for each"
                )
            check_format(self.format)
        return self

    @property
    def formats(self) -> tuple[str, ...] | None:
        """Format of each column; None if they are to be recognised. That of one column may have blanks."""
        if self.format is None:
            return None
        return (self.format,) if len(self.columns) == 1 else tuple(self.format.split(" "))

    @property
    def columns(self) -> list[str]:
        """Columns that are the time together."""
        return [self.column] if isinstance(self.column, str) else list(self.column)

    @property
    def step(self) -> Frequency | None:
        """Frequency in the config; None if it is to be found from the data."""
        return None if self.frequency is None else Frequency.parse(self.frequency)

    def require_only_role(self, role: str, names: Iterable[str | None]) -> None:
        """Raise ValueError if a column of the time is among the names of another role."""
        if both := sorted({*self.columns} & {*names} - {None}):
            raise ValueError(f"time names {quoted(both[0])}, which is {role}")
