"""PyYAML's syntax errors in plain words."""

from __future__ import annotations

import re

from yaml.error import Mark, MarkedYAMLError

from bpcli.wording import printable

TAG = "tags ('!…') are not allowed; put text that starts with '!' in quotes"
_SHOWN = 200
_TAB = "a tab is not allowed here; indent and separate with spaces"

_AT_PROBLEM: tuple[tuple[str, str], ...] = (
    (r"found character '\\t'", _TAB),
    (r"found character ('.*'|\".*\") that cannot start", "text cannot start with {0}; put it in quotes"),
    (
        "mapping values are not allowed here",
        "':' is not allowed here; check the indentation, and put text that contains ': ' in quotes",
    ),
    ("sequence entries are not allowed here", "a list item is not allowed here; check the indentation"),
    ("mapping keys are not allowed here", "'?' is not allowed here; put it in quotes"),
    ("expected <block end>, but found ':'", "a key is missing before this ':'"),
    ("expected <block end>", "unexpected text; check the indentation and the quotes"),
    ("expected '<document start>'", "nothing can follow the end of the document"),
    ("expected the node content, but found '<", "a value is missing here"),
    ("expected the node content, but found ('.*')", "a value is missing before {0}"),
    ("but found another document", "a second document starts here; a config is one document"),
    (
        r"found undefined alias '([-\w]{1,40})",
        "alias '{0}' has no anchor before it; text that starts with '*' needs quotes",
    ),
    ("second occurrence", "this anchor was defined before; give it another name"),
    ("found undefined tag handle", TAG),
    (
        r"found unknown escape character ('.*'|\".*\")",
        "unknown escape (a backslash and {0}); in single quotes a backslash is a plain character",
    ),
    ("expected escape sequence of (.*) hexadecimal", "an escape of {0} hexadecimal digits is cut short"),
)
"""Pattern of PyYAML's message, and the message to the user; {0} is the pattern's group."""

_AT_CONTEXT: tuple[tuple[str, str], ...] = (
    ("could not find expected ':'", "no ':' follows this key"),
    (r"found unexpected (end of stream|document separator)", "this quoted text is never closed"),
)
"""Likewise, for errors located at the start of the construct instead of where PyYAML stopped."""

_OPENED = re.compile(r"expected ',' or '(.)'")

_OF_CONTEXT = {
    "while scanning an alias": "text that starts with '*' needs quotes",
    "while scanning an anchor": "text that starts with '&' needs quotes",
    "while scanning a tag": TAG,
    "while parsing a tag": TAG,
    "while scanning a directive": "text that starts with '%' needs quotes",
    "while scanning a block scalar": "text that starts with '|' or '>' needs quotes",
}


def syntax_error(error: MarkedYAMLError, text: str) -> tuple[str, Mark]:
    """Message and position of a syntax error, on one line of plain words."""
    problem = error.problem or ""
    mark = error.problem_mark
    assert mark is not None, "PyYAML marks every problem that it reports"
    start = error.context_mark
    if _indented_by_tab(mark, text):
        return _TAB, mark
    if start is not None:
        for pattern, words in _AT_CONTEXT:
            if re.match(pattern, problem):
                return words, start
        if opened := _OPENED.match(problem):
            kind = "list" if opened[1] == "]" else "mapping"
            where = f"line {start.line + 1}, column {start.column + 1}"
            return f"',' or '{opened[1]}' is missing here, in the {kind} that starts at {where}", mark
        if error.context in _OF_CONTEXT:
            return _OF_CONTEXT[error.context], start
    for pattern, words in _AT_PROBLEM:
        if match := re.match(pattern, problem):
            return printable(words.format(*match.groups())), mark
    return printable(problem[:_SHOWN]), mark


def _indented_by_tab(mark: Mark, text: str) -> bool:
    start = mark.index - mark.column
    line = text[start : start + 200].split("\n", 1)[0]
    return "\t" in line[: len(line) - len(line.lstrip())]
