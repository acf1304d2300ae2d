"""How delimited text is written: its delimiter, numbers, comments, header and encoding."""

from __future__ import annotations

import re
from functools import cached_property

from bpcli.data.notations.numbers import SPACES, digits_pattern
from bpcli.frozen import dataclass


@dataclass(frozen=True)
class Dialect:
    """The format of delimited text; raises ValueError for characters that cannot be told apart.

    Without a `delimiter`, it is the first of comma, semicolon and tab that the first row has. `decimal` is the decimal
    point and `thousands` the mark between groups of digits. Lines that begin with `comment` are left out, and so are
    the first `skip_rows` lines of the file, or rows of the sheet. Without a `header`, columns are named column0,
    column1 and so on. A byte order mark is no part of the text, whatever the `encoding`.
    """

    delimiter: str | None = None
    decimal: str = "."
    thousands: str | None = None
    comment: str | None = None
    skip_rows: int = 0
    header: bool = True
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        if self.delimiter is not None and (not self.delimiter.isascii() or not _is_mark(self.delimiter)):
            raise ValueError(
                "delimiter: must be an ASCII character other than a letter, digit, quote, point, sign or line end"
            )
        if self.decimal not in (".", ","):
            raise ValueError("decimal: must be a point or a comma")
        if self.thousands is not None and not (self.thousands in (".", ",") or _is_mark(self.thousands)):
            raise ValueError("thousands: must be a character other than a letter, digit, quote, sign or line end")
        if self.thousands == self.decimal:
            raise ValueError("thousands: must differ from decimal")
        if self.comment is not None and (not self.comment.strip() or re.search(r'["\r\n]', self.comment)):
            raise ValueError("comment: must be text without quotes and line ends, and not blank")
        if self.skip_rows < 0:
            raise ValueError("skip_rows: must be at least 0")
        try:
            "".encode(self.encoding)  # refuses codecs from bytes to bytes as well
        except LookupError:
            raise ValueError(
                "encoding: must be one that Python supports, such as utf-8, utf-16, latin-1 or cp1252"
            ) from None

    @cached_property
    def number(self) -> str:
        """Pattern of a number."""
        return rf"[+\-\u2212]?{digits_pattern(self.decimal, self.thousands)}(?:[eE][+\-\u2212]?[0-9]+)?"

    @property
    def is_plain(self) -> bool:
        """Whether numbers have a decimal point and no marks between thousands."""
        return self.decimal == "." and self.thousands is None

    def plain(self, numbers: str) -> str:
        """Numbers as Python writes them."""
        marks = {ord(mark): None for mark in self._thousands}
        return numbers.translate({**marks, ord(self.decimal): ".", ord("\u2212"): "-"})

    def delimiter_of(self, row: str) -> str:
        """The delimiter of a row of text without its quoted cells."""
        if self.delimiter is not None:
            return self.delimiter
        marks = [mark for mark in (",", ";", "\t") if mark not in (self.decimal, self.thousands)]
        return next((mark for mark in marks if mark in row), marks[0])

    @property
    def _thousands(self) -> str:
        return SPACES if self.thousands in [*SPACES] else self.thousands or ""


def _is_mark(text: str) -> bool:
    return len(text) == 1 and not text.isalnum() and text not in '"\r\n+-.\0_'


DEFAULT_DIALECT = Dialect()
