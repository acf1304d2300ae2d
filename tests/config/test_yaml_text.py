"""YAML is read by the rules of YAML 1.2, every value has a position, and hostile text does no harm."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcli.config.document import Place, dotted
from bpcli.config.yaml_text import parse_value, parse_yaml, read_yaml
from bpcli.errors import ConfigError, ExitCode, FileAccessError
from bpcli.wording import composed, printable


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "c.yaml")
    assert caught.value.exit_code == ExitCode.CONFIG
    return list(caught.value.messages)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("1e-3", 0.001), (".5", 0.5), ("1.", 1.0), ("+1", 1), ("-0", 0), ("1e3", 1000.0), ("-1.5E+2", -150.0)],
        *[("0o14", 12), ("0x1F", 31), (".inf", math.inf), ("-.INF", -math.inf), ("1e309", math.inf)],
        *[("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False)],
        *[("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None)],
    ],
)
def test_numbers_booleans_and_nulls_are_those_of_yaml_1_2(text: str, value: Any) -> None:
    data = parse_yaml(f"a: {text}", "c.yaml").data
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("no", "yes", "on", "off", "y", "tRue", "nUll", "012", "00", "-01", "01.5", "12:30", "12:30:45", "2026-01-01"),
        *("1_000", "1,5", "0b11", "0o9", "-0x1", "１２", "1e", "e3", ".", "+", "inf", "nan", "-.nan", "0x"),
    ],
)
def test_all_else_stays_the_text_that_was_written(text: str) -> None:
    assert parse_yaml(f"a: {text}", "c.yaml").data == {"a": text}


def test_nan_is_read_as_a_number_and_left_to_validation() -> None:
    assert math.isnan(parse_yaml("a: .NaN", "c.yaml").data["a"])


def test_quoted_scalars_and_blocks_are_text() -> None:
    data = parse_yaml("a: '1'\nb: \"true\"\nc: |\n  2\nd: ''\n", "c.yaml").data
    assert data == {"a": "1", "b": "true", "c": "2\n", "d": ""}


def test_numbers_and_booleans_as_keys_become_the_text_that_was_written() -> None:
    text = "weights: {0: 1, 1: 5, 1.50: 2, true: 3, 0x1F: 4, '': 5}"
    assert parse_yaml(text, "c.yaml").data == {"weights": {"0": 1, "1": 5, "1.50": 2, "true": 3, "0x1F": 4, "": 5}}


def test_every_key_and_value_has_its_place() -> None:
    document = parse_yaml("a: {b: 1}\nc:\n  - x\n  -   y: 2\nd:\n", "c.yaml")
    assert {dotted(path): (str(mark.key), str(mark.value)) for path, mark in document.marks.items()} == {
        "": ("c.yaml:1:1", "c.yaml:1:1"),
        "a": ("c.yaml:1:1", "c.yaml:1:4"),
        "a.b": ("c.yaml:1:5", "c.yaml:1:8"),
        "c": ("c.yaml:2:1", "c.yaml:3:3"),
        "c.0": ("c.yaml:3:5", "c.yaml:3:5"),
        "c.1": ("c.yaml:4:7", "c.yaml:4:7"),
        "c.1.y": ("c.yaml:4:7", "c.yaml:4:10"),
        "d": ("c.yaml:5:1", "c.yaml:5:3"),
    }


def test_the_mark_of_what_is_not_there_is_that_of_what_is_around_it() -> None:
    document = parse_yaml("a:\n  b: 1\n", "c.yaml")
    assert document.mark(("a", "x", 0)) == document.mark(("a",))
    assert document.mark(("z",)) == document.mark(())


def test_a_byte_order_mark_moves_no_column(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    document = read_yaml(path)
    assert document.data == {"a": 1}
    assert document.mark(("a",)).value == Place(source=str(path), line=1, column=4)


def test_aliases_repeat_what_their_anchor_names_as_values_of_their_own() -> None:
    data = parse_yaml("a: &x {units: 3}\nb: [*x, *x]\n", "c.yaml").data
    assert data == {"a": {"units": 3}, "b": [{"units": 3}, {"units": 3}]}
    assert data["b"][0] is not data["b"][1]


def test_dotted_paths_quote_and_escape_keys_that_need_it_and_shorten_long_ones() -> None:
    assert dotted(("layers", 0, "l2", "größe")) == "layers.0.l2.größe"
    assert dotted(("columns", "a.b", 'say "x"', "")) == r'columns."a.b"."say \"x\"".""'
    assert dotted(("\x1b[0m", "\u202e")) == r'"\u001b[0m"."\u202e"'
    assert dotted(("x" * 81,)) == f'"{"x" * 79}…"'


BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
CHAIN = "a: &a0 [1]\n" + "".join(f"b{i}: &a{i + 1} [*a{i}]\n" for i in range(60))
TAG = "tags ('!…') are not allowed; put text that starts with '!' in quotes"
COLON = "':' is not allowed here; check the indentation, and put text that contains ': ' in quotes"
STRAY = "unexpected text; check the indentation and the quotes"
UNCLOSED = "this quoted text is never closed"
HALF = "half of a character (a surrogate escape); write the character itself"
EMPTY = "c.yaml: empty; a config is a mapping of keys to values, such as 'seed: 0'"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n  b: 1\n  c: 2\n  b: 3", "c.yaml:4:3: a.b: duplicate key; first defined at c.yaml:2:3"),
        ("{1: a, '1': b}", "c.yaml:1:8: 1: duplicate key; first defined at c.yaml:1:2"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "c.yaml:3:3: c: merge keys ('<<') are not allowed; write the keys out"),
        ("? [a]\n: 1", "c.yaml:1:3: a key must be text, not a list"),
        ("a:\n  {b: 1}: 1", "c.yaml:2:3: a: a key must be text, not a mapping"),
        (".inf: 1", "c.yaml:1:1: .inf cannot be a key; put it in quotes if it is a name"),
        (".nan: 1", "c.yaml:1:1: .nan cannot be a key; put it in quotes if it is a name"),
        ("~: 1", "c.yaml:1:1: ~ cannot be a key; put it in quotes if it is a name"),
        ("? # none", "c.yaml:1:2: a key is missing here"),
        (": 1", "c.yaml:1:1: a key is missing before this ':'"),
        ("{: 1}", "c.yaml:1:2: a value is missing before ':'"),
        ('"\\ud83d": 1', f"c.yaml:1:1: {HALF}"),
        ('a: "\\ud83d\\ude00"', f"c.yaml:1:4: a: {HALF}"),
        ("a: 1" + "0" * 5000, "c.yaml:1:4: a: a number of 5,001 characters; at most 100 are allowed"),
        ("a: 0x" + "f" * 5000, "c.yaml:1:4: a: a number of 5,002 characters; at most 100 are allowed"),
        ("a: !!python/object/apply:os.system [x]", f"c.yaml:1:4: {TAG}"),
        ("a: !!int abc", f"c.yaml:1:4: {TAG}"),
        ("a: ! b", f"c.yaml:1:4: {TAG}"),
        ("a: !e!x b", f"c.yaml:1:4: {TAG}"),
        ("a: !<x", f"c.yaml:1:4: {TAG}"),
        ("a: !x{b}", f"c.yaml:1:4: {TAG}"),
        ("a: &x [*x]", "c.yaml:1:8: this alias is inside its own anchor"),
        ("a: &x {b: *x}", "c.yaml:1:11: this alias is inside its own anchor"),
        (BOMB, "c.yaml:5:36: more than 100,000 keys and values, with aliases expanded"),
        (CHAIN, "c.yaml:1:9: nested more than 50 levels deep"),
        ("a: " + "[" * 200_000, "c.yaml:1:54: nested more than 50 levels deep"),
        ("{a: " * 200_000, "c.yaml:1:202: nested more than 50 levels deep"),
        ("- " * 200_000, "c.yaml:1:103: nested more than 50 levels deep"),
        ("? " * 200_000, "c.yaml:1:103: nested more than 50 levels deep"),
        ("a: 1\n---\nb: 2", "c.yaml:2:1: a second document starts here; a config is one document"),
        ("", EMPTY),
        ("# nothing\n", EMPTY),
        ("---\n", EMPTY),
        ("~", EMPTY),
        ("# a list\n- a", "c.yaml:2:1: a config is a mapping of keys to values, not a list"),
        ("path.csv", "c.yaml:1:1: a config is a mapping of keys to values, not the text 'path.csv'"),
        ("a:\n\tb: 1", "c.yaml:2:1: a tab is not allowed here; indent and separate with spaces"),
        ("a:\n  b: 1\n\tc: 2", "c.yaml:3:1: a tab is not allowed here; indent and separate with spaces"),
        ("a:\t1", "c.yaml:1:3: a tab is not allowed here; indent and separate with spaces"),
        ("a: [1,\n  \t2]", "c.yaml:2:3: a tab is not allowed here; indent and separate with spaces"),
        ("a: b: c", f"c.yaml:1:5: {COLON}"),
        ("a: 1\n  b: 2", f"c.yaml:2:4: {COLON}"),
        ("a: 1\nb\nc: 2", "c.yaml:2:1: no ':' follows this key"),
        ("a:\n  b: 1\n c: 2", f"c.yaml:3:2: {STRAY}"),
        ("a: 'x' y", f"c.yaml:1:8: {STRAY}"),
        ("a: 1\n- b", f"c.yaml:2:1: {STRAY}"),
        ("a: - b", "c.yaml:1:4: a list item is not allowed here; check the indentation"),
        ("a: ? b", "c.yaml:1:4: '?' is not allowed here; put it in quotes"),
        ("a: [1, 2", "c.yaml:1:9: ',' or ']' is missing here, in the list that starts at line 1, column 4"),
        ("a: {b: 1\nc: 2", "c.yaml:2:2: ',' or '}' is missing here, in the mapping that starts at line 1, column 4"),
        ("[a] b", "c.yaml:1:5: nothing can follow the end of the document"),
        ("a: [1,, 2]", "c.yaml:1:7: a value is missing before ','"),
        ("a: [", "c.yaml:1:5: a value is missing here"),
        ("a:\n  b: 'x\nc: 2", f"c.yaml:2:6: {UNCLOSED}"),
        ("a: '\n---\n'", f"c.yaml:1:4: {UNCLOSED}"),
        ("a: *x", "c.yaml:1:4: alias 'x' has no anchor before it; text that starts with '*' needs quotes"),
        (
            f"a: *{'x' * 100_000}",
            f"c.yaml:1:4: alias '{'x' * 40}' has no anchor before it; text that starts with '*' needs quotes",
        ),
        (
            f"%TAG !{'x' * 1000}! y\n" * 2 + "---\na: 1",
            f"c.yaml:2:1: duplicate tag handle '!{'x' * 177}",
        ),
        ("a: *.csv", "c.yaml:1:4: text that starts with '*' needs quotes"),
        ("a: &", "c.yaml:1:4: text that starts with '&' needs quotes"),
        ("a: &x 1\nb: &x 2", "c.yaml:2:4: this anchor was defined before; give it another name"),
        ("a: |x\n  b", "c.yaml:1:4: text that starts with '|' or '>' needs quotes"),
        ("a: @x", "c.yaml:1:4: text cannot start with '@'; put it in quotes"),
        ("%YAML x\n---\na: 1", "c.yaml:1:1: text that starts with '%' needs quotes"),
        ("%YAML 2.0\n---\na: 1", "c.yaml:1:1: found incompatible YAML document (version 1.* is required)"),
        (f"%YAML {'1' * 5000}.1\n---\na: 1", "c.yaml:1:7: an escape or a version number that is too large"),
        (
            r'a: "C:\data"',
            "c.yaml:1:8: unknown escape (a backslash and 'd'); in single quotes a backslash is a plain character",
        ),
        (r'a: "\x4"', "c.yaml:1:7: an escape of 2 hexadecimal digits is cut short"),
        (r'a: "\U00110000"', "c.yaml:1:7: an escape or a version number that is too large"),
        (r'a: "\UFFFFFFFF"', "c.yaml:1:7: an escape or a version number that is too large"),
        ("a: 1\nb: \x1b[0m", r"c.yaml:2:4: the character '\x1b' is not allowed in YAML"),
        ("a: \x00", r"c.yaml:1:4: the character '\x00' is not allowed in YAML"),
        ("a: \ud800", r"c.yaml:1:4: the character '\ud800' is not allowed in YAML"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(text: str, message: str) -> None:
    assert problems_of(text) == [message]


def test_all_that_is_wrong_with_keys_and_tags_is_said_at_once_in_the_order_of_the_file() -> None:
    assert problems_of("a: 1\na: 2\nb: !x 3\n<<: 4\n") == [
        "c.yaml:2:1: a: duplicate key; first defined at c.yaml:1:1",
        f"c.yaml:3:4: {TAG}",
        "c.yaml:4:1: merge keys ('<<') are not allowed; write the keys out",
    ]


def test_the_number_of_keys_and_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.config.yaml_loader.MAX_NODES", 7)
    assert parse_yaml("a: [1, 2, 3, 4]", "c.yaml").data == {"a": [1, 2, 3, 4]}
    assert problems_of("a: [1, 2, 3, 4, 5]") == ["c.yaml:1:17: more than 7 keys and values, with aliases expanded"]


def test_a_flood_of_problems_is_cut_short_and_counted() -> None:
    messages = problems_of("a: 1\n" * 1101)
    assert len(messages) == 101
    assert messages[-1] == "and 1,000 more problems"


def test_names_of_files_are_made_printable() -> None:
    with pytest.raises(ConfigError, match=re.escape(r"a\x1b[0m.yaml:1:4: ")):
        parse_yaml("a: *", "a\x1b[0m.yaml")


def test_nesting_of_fifty_levels_is_read() -> None:
    value = parse_yaml("a: " + "[" * 49 + "1" + "]" * 49, "c.yaml").data["a"]
    for _ in range(49):
        (value,) = value
    assert value == 1


def test_a_value_by_itself_follows_the_same_rules() -> None:
    place = Place(source="--set a", override=1)
    assert parse_value("{a: [1e-3, no, 012]}", place) == {"a": [0.001, "no", "012"]}
    assert parse_value("", place) is None
    with pytest.raises(ConfigError, match=r"\A--set a: ',' or ']' is missing here, in the list that starts at"):
        parse_value("[1", place)


def write(folder: Path, content: bytes) -> Path:
    path = folder / "c.yaml"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: x\xff\n", ":2:5: byte 0xff is not UTF-8 text; save the file as UTF-8"),
        ("a: é".encode("latin-1"), ":1:4: byte 0xe9 is not UTF-8 text; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), ": UTF-16 text; save it as UTF-8"),
        (b"#" * (1 << 20) + b"\n", ": larger than 1 MiB, which is too much for a config; is it the data file?"),
        (b"", ": empty; a config is a mapping of keys to values, such as 'seed: 0'"),
    ],
)
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    assert caught.value.messages == (f"{path}{message}",)


def test_a_file_of_one_mebibyte_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, b"a: 1\n#".ljust(1 << 20, b"#"))
    assert read_yaml(path).data == {"a": 1}


def test_a_missing_file_is_named_with_the_nearest_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "penguins.yaml").write_text("a: 1")
    (tmp_path / "penguin").mkdir()
    for name, hint in [("penguin.yaml", "; did you mean 'penguins.yaml'?"), ("zzz", "")]:
        with pytest.raises(ConfigError) as caught:
            read_yaml(tmp_path / name)
        assert caught.value.messages == (f"{tmp_path / name}: no such file{hint}",)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (tmp_path / "none", file):
        with pytest.raises(ConfigError) as caught:
            read_yaml(folder / "c.yaml")
        assert caught.value.messages == (f"{folder / 'c.yaml'}: no such file; folder '{folder}' does not exist",)


def test_a_folder_a_pipe_and_a_device_are_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, kind in [(tmp_path, "a folder"), (pipe, "a pipe or device"), (Path(os.devnull), "a pipe or device")]:
        with pytest.raises(ConfigError) as caught:
            read_yaml(path)
        assert caught.value.messages == (f"{path}: {kind}; a config is a regular file of YAML text",)


def test_a_file_that_may_not_be_read_is_an_error_of_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, b"a: 1")

    def refuse(*arguments: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FileAccessError, match=re.escape(f"{path}: cannot be read: Permission denied")):
        read_yaml(path)
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ConfigError, match=r"no such file\Z"):
        read_yaml(tmp_path / "d.yaml")


def not_a_number_of_yaml_1_2(text: str) -> bool:
    """PyYAML writes YAML 1.1, in which `1e3` and `0o7` are text without quotes."""
    return re.fullmatch(r"[-+]?[.0-9][-+.0-9a-fA-FoxX]*", text) is None


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(not_a_number_of_yaml_1_2)
keys = texts.map(composed)
scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | texts
plain_data = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=10)


@given(st.dictionaries(keys, plain_data, min_size=1))
def test_what_pyyaml_writes_reads_back_equal(data: dict[str, Any]) -> None:
    assert parse_yaml(yaml.safe_dump(data), "c.yaml").data == data
    assert parse_yaml(yaml.safe_dump(data, default_flow_style=True), "c.yaml").data == data


def test_keys_are_in_one_unicode_form() -> None:
    document = parse_yaml("Gro\u0308\u00dfe: Zu\u0308rich", "c.yaml")
    assert document.data == {"Gr\u00f6\u00dfe": "Zu\u0308rich"}
    assert str(document.mark(("Gr\u00f6\u00dfe",)).key) == "c.yaml:1:1"
    with pytest.raises(ConfigError, match=r"duplicate key; first defined at c\.yaml:1:1"):
        parse_yaml("Gro\u0308\u00dfe: 1\nGr\u00f6\u00dfe: 2", "c.yaml")


pieces = [
    *(
        "a",
        "b: ",
        "- ",
        "? ",
        ": ",
        ", ",
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "&x ",
        "*x",
        "<<",
        "!",
        "#",
        "|",
        ">",
        "~",
        "@",
    ),
    *("\n", "\n  ", "\t", "%YAML 1.2\n", "---\n", "...\n", "\\u", "\\U", "1e3", "012", "\r", "\x85", "\ufeff"),
]


@settings(deadline=None, max_examples=2 * settings().max_examples)
@given(st.text() | st.lists(st.sampled_from(pieces), max_size=40).map("".join))
def test_any_text_is_read_or_refused_in_printable_lines(text: str) -> None:
    lines: tuple[str, ...] = ()
    try:
        assert isinstance(parse_yaml(text, "c.yaml").data, dict)
    except ConfigError as error:
        lines = error.messages
    assert all(line.startswith("c.yaml:") and line == printable(line) for line in lines)


@settings(deadline=None, max_examples=50)
@given(st.binary())
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = write(tmp_path_factory.getbasetemp(), content)
    lines: tuple[str, ...] = ()
    try:
        assert isinstance(read_yaml(path).data, dict)
    except ConfigError as error:
        lines = error.messages
    assert all(line.startswith(f"{path}:") for line in lines)
