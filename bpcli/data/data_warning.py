"""Warnings about data, with the names by which a config accepts them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from bpcli.documents.json_value import Json
from bpcli.errors import DataWarningsError
from bpcli.frozen import dataclass
from bpcli.wording import quoted

WarningName = Literal[
    "class_copy",
    "class_spelling",
    "column_notation",
    "contradiction",
    "duplicate_rows",
    "earlier_training",
    "empty_channel",
    "identifier",
    "missing_class",
    "mixed_units",
    "reading_option",
    "repeated_header",
    "repeated_texts",
    "shared_groups",
    "target_copy",
    "total_row",
    "unseen_class",
]


@dataclass(frozen=True)
class DataWarning:
    """A warning; `column` is the column it is about, if it is about one."""

    name: WarningName
    text: str
    column: str | None = None

    def __str__(self) -> str:
        return f"{self.text} [{self.name}]"

    def to_json(self, accepted: bool) -> dict[str, Json]:
        """Warning as a JSON object."""
        return {"name": self.name, "column": self.column, "message": self.text, "accepted": accepted}


@dataclass(frozen=True)
class Acceptance:
    """Warnings, divided into those that a config accepts and the remaining ones, and notes on the former."""

    remaining: list[DataWarning]
    accepted: list[DataWarning]
    notes: list[str]

    @classmethod
    def of(cls, warnings: Iterable[DataWarning], accept: Sequence[WarningName | dict[WarningName, str]]) -> Acceptance:
        """Divide warnings. accept: names of warnings, or of those of one column, as in the config."""
        pairs: dict[tuple[WarningName, str | None], bool] = {}
        """Each entry, and whether there is such a warning."""
        for entry in accept:
            pairs |= dict.fromkeys([(entry, None)] if isinstance(entry, str) else entry.items(), False)
        remaining: list[DataWarning] = []
        accepted: list[DataWarning] = []
        for warning in warnings:
            met = pairs.keys() & {(warning.name, None), (warning.name, warning.column)}
            pairs |= dict.fromkeys(met, True)
            (accepted if met else remaining).append(warning)
        notes = [
            f"accepted: {_shown(*pair)}" if there else f"data.accept: no warning {_shown(*pair)}; remove this entry"
            for pair, there in pairs.items()
        ]
        return cls(remaining, accepted, notes)


def require_none(warnings: Sequence[DataWarning]) -> None:
    """Raise DataWarningsError if there are any warnings."""
    if warnings:
        raise DataWarningsError(*(one.text for one in warnings), names=[one.name for one in warnings])


def _shown(name: WarningName, column: str | None) -> str:
    return name if column is None else f"{name} of column {quoted(column)}"
