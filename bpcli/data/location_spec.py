"""Location of the data of a config: files, or a query of a database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from bpcli.data.database_url import SQLITE, require_database, sqlite_file
from bpcli.data.file_names import matching_files, names_in
from bpcli.data.table import Part
from bpcli.spec import Sequence, Spec


class LocationSpec(Spec):
    """Data files or a query, with their splits."""

    path: str | Sequence[str] | None = Field(
        default=None,
        description="Data file, relative to this config, or several: a list, or a pattern such as `parts/*.csv`; or a "
        "folder of pictures, with a folder for each class.",
    )
    train: str | Sequence[str] | None = Field(
        default=None, description="File of training rows, or several, instead of path."
    )
    validation: str | Sequence[str] | None = Field(
        default=None, description="File of validation rows, or several, with `train`."
    )
    test: str | Sequence[str] | None = Field(default=None, description="File of test rows, or several, with `train`.")
    sheet: str | None = Field(default=None, description="Sheet of a workbook. Left out: the first one.")
    url: str | None = Field(
        default=None,
        description="Instead of path: a database, `sqlite:///FILE` or `postgresql://USER@HOST/NAME`. A password is "
        "given by PGPASSWORD or in ~/.pgpass.",
    )
    query: str | None = Field(
        default=None, description="SQL query of the rows, with `url`; without ORDER BY, splits may differ."
    )

    @field_validator("path", "train", "validation", "test")
    @classmethod
    def _are_file_names(cls, path: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if path == ():
            raise ValueError("an empty list; name at least one file")
        if any("\0" in name for name in names_in(path)):
            raise ValueError("file names cannot contain a NUL character")
        return path

    @field_validator("url")
    @classmethod
    def _is_a_database(cls, url: str | None) -> str | None:
        if url is not None:
            require_database(url)
        return url

    @model_validator(mode="after")
    def _check_sources(self) -> Self:
        if [self.path, self.train, self.url].count(None) != 2:
            raise ValueError("give either path, or train with validation and test, or url with query")
        if (self.url is None) != (self.query is None):
            raise ValueError("url and query go together: a database, and the rows to read from it")
        if self.url is not None and (self.validation or self.test or self.sheet):
            raise ValueError("url excludes validation, test and sheet; use split")
        if self.path is not None and (self.validation or self.test):
            raise ValueError("validation and test files require train; with path, use split")
        return self

    @property
    def files(self) -> list[tuple[str, Part | None]]:
        """Paths as written in the config, each with its split, or None for a file of all rows; also that of SQLite."""
        named: dict[Part | None, str | tuple[str, ...] | None] = {
            None: sqlite_file(self.url) or self.path,
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
        }
        return [(path, part) for part, paths in named.items() for path in names_in(paths)]

    @property
    def shown(self) -> str:
        """What the config names first: a file, or a database."""
        return self.url or self.files[0][0]

    @property
    def is_ordered(self) -> bool:
        """Whether the query says in which order the rows come."""
        return re.search(r"\border\s+by\b", self.query or "", re.IGNORECASE) is not None

    def with_paths(self, paths: Iterable[str]) -> Self:
        """Copy with other file paths, in the order of `files`."""
        by_part: dict[Part | None, list[str]] = {}
        for path, (_, part) in zip(paths, self.files, strict=True):
            by_part.setdefault(part, []).append(path)
        return self._with_files(by_part)

    def expanded(self, folder: Path) -> Self:
        """Copy with the files that patterns match, in sorted order; relative paths start from `folder`.

        A name that is that of a file is no pattern; a pattern without matches is left.
        """
        by_part: dict[Part | None, list[str]] = {}
        for path, part in self.files:
            by_part.setdefault(part, []).extend(matching_files(path, folder))
        return self._with_files(by_part)

    def _with_files(self, by_part: Mapping[Part | None, list[str]]) -> Self:
        update: dict[str, str | tuple[str, ...]] = {}
        for part, paths in by_part.items():
            if self.url is not None:
                update["url"] = f"{SQLITE}{paths[0]}"
            else:
                name = part or "path"
                update[name] = paths[0] if isinstance(getattr(self, name), str) and len(paths) == 1 else tuple(paths)
        return self.model_copy(update=update)

    def sources(self, folder: Path) -> list[tuple[Path, Part | None]]:
        """Files, with patterns and paths relative to the config's folder resolved, each with its split or None."""
        return [(folder / path, part) for path, part in self.expanded(folder).files]
