"""Config section `data`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from bpcli.data.arrays_spec import ArraysSpec
from bpcli.data.columns import ColumnSpec, EncodersSpec, TargetEncoder
from bpcli.data.columns.target_range import TargetRange
from bpcli.data.data_warning import WarningName
from bpcli.data.file_names import names_in
from bpcli.data.images_spec import ImagesSpec
from bpcli.data.location_spec import LocationSpec
from bpcli.data.notations import Notation
from bpcli.data.notations.dialect import Dialect
from bpcli.data.picture_form import PictureForm
from bpcli.data.split_spec import SplitSpec
from bpcli.data.table import DEFAULT_MISSING, Kind
from bpcli.spec import Section, Sequence, Spec, Text
from bpcli.wording import composed, quoted

if TYPE_CHECKING:
    from bpcli.data.series.time_spec import TimeSpec
else:
    TimeSpec = Annotated[Spec, Section("bpcli.data.series.time_spec:TimeSpec")]


class DataSpec(LocationSpec):
    """Data files, target, and preprocessing of the input columns."""

    target: str | Sequence[str] | None = Field(
        default=None, description="Column or list of columns to predict. Optional for NPZ."
    )
    positive: Text | bool | int | float | None = Field(
        default=None,
        description="Positive class of a target of two: precision, recall, F1 and curves refer to it. Default: the "
        "last in sorted order.",
    )
    exclude: Sequence[Text] = Field(default=(), description="Columns not used as inputs.")
    columns: dict[Text, ColumnSpec] = Field(
        default={}, description="Kind, encoder or imputation of columns, where the inferred ones are wrong."
    )
    encoders: EncodersSpec = Field(default=EncodersSpec(), description="Default encoders.")
    target_encoder: TargetEncoder | None = Field(
        default=None, description="Scaling of regression targets. Default: standard, or none if the loss requires it."
    )
    target_range: TargetRange = Field(
        default="auto",
        description="Range to which predicted numbers are clipped: `[low, high]`, either of them null for no bound, or "
        "none. training: the range of the training values. auto: at least 0 if no training value is negative.",
    )
    missing: Sequence[Text] = Field(default=DEFAULT_MISSING, description="Cells that mark missing values.")
    weight: Text | None = Field(default=None, description="Column of sample weights.")
    group: Text | Sequence[Text] | None = Field(
        default=None,
        description="Column whose rows with one value stay in one split, such as a customer or patient; or several, "
        "whose combinations do. Not an input.",
    )
    time: TimeSpec | None = Field(
        default=None, description="Time of each row, a step of its series; the rows are split by it. Not an input."
    )
    known: Sequence[Text] = Field(
        default=(),
        description="Columns of a series whose values are known ahead, such as holidays and prices. Every other column "
        "is known up to the origin of a forecast.",
    )
    delimiter: str | None = Field(
        default=None,
        description="Character between cells. Default: the first of comma, semicolon and tab in the header.",
    )
    decimal: Literal[".", ","] = Field(default=".", description="Decimal separator of all columns.")
    thousands: str | None = Field(default=None, description="Separator between groups of digits, in all columns.")
    comment: str | None = Field(default=None, description="Start of lines to skip, such as `#`.")
    skip_rows: int = Field(
        default=0, ge=0, description="Number of lines of a text, or rows of a sheet, to skip at the beginning."
    )
    header: bool = Field(default=True, description="false: the first row is data; columns are column0, column1, …")
    encoding: str = Field(default="utf-8", description="Encoding of text files, such as cp1252 or utf-16.")
    split: SplitSpec = Field(default=SplitSpec(), description="Split of the rows.", validate_default=True)
    drop_duplicates: bool = Field(
        default=False,
        description="Drop rows equal to an earlier one in all inputs and targets, before the split. Training rows come "
        "first if the data has its own splits.",
    )
    arrays: ArraysSpec = Field(default=ArraysSpec(), description="Arrays of an NPZ file.")
    images: ImagesSpec = Field(default=ImagesSpec(), description="What the pictures of a folder are brought to.")
    accept: Sequence[WarningName | dict[WarningName, Text]] = Field(
        default=(),
        description="Names of warnings about the data that --strict does not treat as errors; `target_copy: price` is "
        "that of one column.",
    )

    @field_validator("target")
    @classmethod
    def _in_one_form(cls, target: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        return composed(target) if isinstance(target, str) else target and tuple(map(composed, target))

    @field_validator("delimiter", "decimal", "thousands", "comment", "encoding")
    @classmethod
    def _check_dialect_key(cls, value: str | None, info: ValidationInfo) -> str | None:
        key = str(info.field_name)
        others = {"decimal": ","} if (key, value) == ("thousands", ".") else {}
        try:
            Dialect(**others, **({} if value is None else {key: value}))  # type: ignore[arg-type]
        except ValueError as error:
            raise ValueError(str(error).removeprefix(f"{key}: ")) from None
        return value

    @model_validator(mode="after")
    def _check_dialect(self) -> DataSpec:
        _ = self.dialect  # raises ValueError for values that exclude each other
        return self

    @field_validator("split")
    @classmethod
    def _by_time(cls, split: SplitSpec, info: ValidationInfo) -> SplitSpec:
        return split if info.data.get("time") is None else split.of_series()

    @model_validator(mode="after")
    def _check_time_and_groups(self) -> DataSpec:
        if self.time is not None:
            self.time.require_only_role("the target", self.targets)
            self.time.require_only_role("a group", self.groups)
            self.time.require_only_role("the weight", [self.weight])
            self.time.require_only_role("known ahead", self.known)
            self.time.require_only_role("in columns, too; write its format in data.time", self.columns)
            if learned := [name for name in self.known if name in (*self.targets, *self.groups)]:
                raise ValueError(f"known names {quoted(learned[0])}, which is the target or a group")
            if self.train is not None:
                raise ValueError("a series is split by time, not by files: give its files as path, instead of train")
            if self.drop_duplicates:
                raise ValueError("drop_duplicates would leave gaps in the series of time; omit one of them")
            if self.weight is not None:
                raise ValueError("time excludes weight: each window of a series counts alike")
        elif self.known:
            raise ValueError("known is for series; name the column of the time of each row in data.time")
        if self.group == ():
            raise ValueError("group is an empty list; name at least one column")
        if self.group is not None and self.split.column is not None:
            raise ValueError("group excludes split.column, which sets the split of each row")
        if self.group is not None and self.split.order == "time" and self.time is None:
            raise ValueError("group excludes split.order: time, which splits groups where time does")
        return self

    @property
    def dialect(self) -> Dialect:
        """Format of delimited text."""
        return Dialect(
            self.delimiter, self.decimal, self.thousands, self.comment, self.skip_rows, self.header, self.encoding
        )

    @property
    def notations(self) -> dict[str, Notation]:
        """Notations of columns whose cells are not plain. Weights are numbers, and names of splits are plain."""
        notations = ((name, column.notation(self.dialect)) for name, column in self.columns.items())
        return {
            name: notation
            for name, notation in notations
            if notation is not None
            and name != self.split.column
            and (name != self.weight or notation.kind == "numeric")
        }

    @property
    def pictures(self) -> dict[str, PictureForm]:
        """Columns of paths of pictures, with what the pictures are brought to."""
        forms = ((name, column.picture_form(name)) for name, column in self.columns.items())
        return {name: form for name, form in forms if form is not None}

    @property
    def targets(self) -> list[str]:
        """Target columns named in the config; may be empty for an NPZ file."""
        if self.target is None:
            return []
        return [self.target] if isinstance(self.target, str) else list(self.target)

    @property
    def groups(self) -> list[str]:
        """Columns that tell groups of rows apart."""
        return list(names_in(self.group))

    @property
    def groups_alone(self) -> list[str]:
        """Groups that are no inputs: all but declared texts, whose repeats are kept together and learned."""
        return [name for name in self.groups if name not in self.columns or not self.columns[name].learned_as_group]

    @property
    def times(self) -> list[str]:
        """Columns of the time of each row."""
        return [] if self.time is None else self.time.columns

    @property
    def unread(self) -> set[str]:
        """Excluded columns that are not used otherwise."""
        return {*self.exclude} - {self.weight, self.split.column, *self.groups, *self.times}

    @property
    def kinds(self) -> dict[str, Kind]:
        """Column kinds set by the config."""
        kinds: dict[str, Kind] = dict.fromkeys(self.groups, "categorical")
        kinds |= dict.fromkeys(self.times, "categorical")  # stamps keep their text, as labels of steps need it
        kinds |= {name: column.kind for name, column in self.columns.items()}
        if self.weight is not None:
            kinds[self.weight] = "numeric"
        if self.split.column is not None:
            kinds[self.split.column] = "categorical"
        return kinds

    @property
    def choosing_rows(self) -> DataSpec:
        """Copy without paths and accepted warnings: equal specs select and encode the same rows alike."""
        return self.with_paths("" for _ in self.files).model_copy(update={"accept": ()})
