"""What a CSV file may hold, and what each command says of it: one line with the place, or the answer to expect."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from commands import Result, bpcli

from bpcli.system import memory

LINES = ["x,k,y", *(f"{row},{'ab'[row % 2]},{'pq'[row % 3 == 0]}" for row in range(40))]
PLAIN = ("\n".join(LINES) + "\n").encode()
TARGET_OF_QUANTITIES = "x,y\n" + "".join(f"{row},{row * 1.5}\n" for row in range(40))


def with_line_11(line: str) -> bytes:
    return ("\n".join([*LINES[:10], line, *LINES[11:]]) + "\n").encode()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the plain table."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "t.csv").write_bytes(PLAIN)
    (folder / "c.yaml").write_text("data: {path: t.csv, target: y}\ntraining: {epochs: 3}\n")
    bpcli("train", folder / "c.yaml", "--run-dir", folder / "run", "-q").ok()
    return folder / "run"


def config(folder: Path, data: str = "path: t.csv, target: y") -> Path:
    (folder / "c.yaml").write_text(f"data: {{{data}}}\ntraining: {{epochs: 1}}\n")
    return folder / "c.yaml"


def command(name: str, folder: Path, run: Path, file: Path) -> Result:
    """A command that reads the file."""
    match name:
        case "init":
            return bpcli("init", file, "--target", "y")
        case "predict":
            return bpcli("predict", file, "--checkpoint", run, "-o", folder / "out.csv")
        case "evaluate":
            return bpcli("evaluate", run, "--data", file)
        case "train":
            return bpcli("train", config(folder, f"path: {file.name}, target: y"), "--run-dir", folder / "run")
        case _:
            return bpcli("check", config(folder, f"path: {file.name}, target: y"))


NO_TABLE = {
    "empty": (b"", "the file is empty; its first line must name the columns"),
    "blank lines": (b"\n\r\n \n", "the file is empty; its first line must name the columns"),
    "ragged row": (with_line_11("9,a"), "line 11: 2 fields, but the header has 3 columns"),
    "unclosed quote": (with_line_11('9,"a,q'), "line 11: the quoted field that starts here is not closed"),
    "text after a quote": (with_line_11('9,"a"b,q'), "line 11: the quoted field that starts here is not closed"),
    "NUL": (with_line_11("9,\0,q"), "line 11: a NUL byte (byte 62)"),
    "UTF-16": (PLAIN.decode().encode("utf-16"), "the text is encoded as UTF-16; save the file as UTF-8"),
    "UTF-16, no mark": (PLAIN.decode().encode("utf-16-le"), "the text is encoded as UTF-16; save the file as UTF-8"),
    "Latin-1": (with_line_11("9,é,q").decode().encode("latin-1"), "line 11: byte 62 is not valid UTF-8; save the"),
    "a name twice": (PLAIN.replace(b"x,k,y", b"x,x,y"), "line 1: duplicate names in the header: 'x'"),
    "no names": (PLAIN.replace(b"x,k,y", b",,"), "line 1: none of the 3 columns has a name in the header"),
    "huge field": (with_line_11(f"9,{'z' * (1 << 20)}z,q"), "line 11: a field longer than 1 MiB starts here"),
    "torn gzip": (gzip.compress(PLAIN)[:-9], "the gzip data is damaged or cut short"),
}


ENCODED = {"UTF-16", "UTF-16, no mark", "Latin-1"}
"""Tables that `init` reads, since it recognises the encoding."""


@pytest.mark.parametrize("name", sorted(ENCODED))
def test_init_reads_other_encodings_and_the_config_that_it_writes_trains(tmp_path: Path, name: str) -> None:
    (tmp_path / "t.csv").write_bytes(NO_TABLE[name][0])
    made = bpcli("init", "t.csv", "--target", "y", "-o", "made.yaml", cwd=tmp_path).ok()
    assert "note: data.encoding: " in made.err
    assert "binary: p, q" in bpcli("check", "made.yaml", cwd=tmp_path).ok().out


@pytest.mark.parametrize("command_name", ["check", "train", "init", "predict", "evaluate"])
@pytest.mark.parametrize("kind", NO_TABLE)
def test_what_is_no_table_is_refused_by_every_command(tmp_path: Path, run: Path, command_name: str, kind: str) -> None:
    if command_name == "init" and kind in ENCODED:
        return
    content, words = NO_TABLE[kind]
    (tmp_path / "t.csv").write_bytes(content)
    result = command(command_name, tmp_path, run, tmp_path / "t.csv")
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"error: {tmp_path / 't.csv'}: {words}")
    assert result.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"t.csv", "c.yaml"}, "nothing is left behind"


SAME_TABLE = {
    "byte order mark": b"\xef\xbb\xbf" + PLAIN,
    "CR": PLAIN.replace(b"\n", b"\r"),
    "CRLF": PLAIN.replace(b"\n", b"\r\n"),
    "no last line end": PLAIN.removesuffix(b"\n"),
    "blank lines": PLAIN.replace(b"\n", b"\n\n"),
    "quotes": b"".join(b'"' + line.replace(b",", b'","') + b'"\n' for line in PLAIN.splitlines()),
    "blanks": PLAIN.replace(b",", b" ,\t"),
    "semicolons": PLAIN.replace(b",", b";"),
    "gzip": gzip.compress(PLAIN),
}


@pytest.mark.parametrize("content", SAME_TABLE.values(), ids=SAME_TABLE)
def test_the_same_table_however_it_is_written_gives_the_same_answers(tmp_path: Path, run: Path, content: bytes) -> None:
    (tmp_path / "plain.csv").write_bytes(PLAIN)
    (tmp_path / "t.csv").write_bytes(content)
    described = [
        bpcli("check", config(tmp_path, f"path: {name}, target: y"), "--json").ok().json | {"data_sha256": ""}
        for name in ("plain.csv", "t.csv")
    ]
    assert described[0] == described[1]
    predicted = [
        bpcli("predict", tmp_path / name, "--checkpoint", run, "--probabilities").ok().out
        for name in ("plain.csv", "t.csv")
    ]
    assert predicted[0] == predicted[1]


NO_NUMBERS = ["inf", "-inf", "nan", "Infinity", "1e309", "-1e309", "1_000", "１２", "0x10", "1,5", "9" * 5000]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_finite_number_is_never_taken_for_one(tmp_path: Path, run: Path, text: str) -> None:
    file, cell = tmp_path / "t.csv", f'"{text}"' if "," in text else text
    file.write_bytes(with_line_11(f"{cell},a,q"))
    shown = text if len(text) < 80 else f"{text[:79]}…"
    for name in ("predict", "evaluate"):
        result = command(name, tmp_path, run, file)
        assert (result.code, result.out) == (3, "")
        assert result.err == f"error: {file}: line 11: column 'x': '{shown}' is not a finite number\n"
    numeric = bpcli("check", config(tmp_path, "path: t.csv, target: y, columns: {x: numeric}"))
    assert (numeric.code, numeric.err) == (3, f"error: {file}: line 11: column 'x': '{shown}' is not a finite number\n")
    # Where nothing says that it should be numbers, the column is one of names, and that is said.
    inferred = bpcli("check", config(tmp_path)).ok()
    words = f"numbers except '{shown}', so read as categories; if missing values are meant, set data.columns: {{x:"
    if text == "1,5":
        words = "numbers such as '1,5', so read as categories; to read them as numbers, set data.columns: {x:"
    assert f"warning: column 'x': {words}" in inferred.err


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_word_among_quantities_does_not_make_classes_of_them(tmp_path: Path, text: str) -> None:
    cell = f'"{text}"' if "," in text else text
    (tmp_path / "t.csv").write_text(TARGET_OF_QUANTITIES.replace("9,13.5", f"9,{cell}"))
    result = bpcli("check", config(tmp_path))
    assert result.code == 2
    assert f"{tmp_path}/c.yaml:1:29: data.target: column 'y': numbers except '{text[:79]}" in result.err
    assert "; if missing values are meant, set data.columns: {y: {type: numeric, missing: [" in result.err
    assert bpcli("check", config(tmp_path, f"path: t.csv, target: y, missing: ['{text}']")).code == 0


def test_a_word_among_few_whole_numbers_is_a_class_like_them(tmp_path: Path) -> None:
    grades = ["1", "2", "3", "4", "absent"]
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{row},{grades[row % 5]}\n" for row in range(60)))
    assert bpcli("check", config(tmp_path), "--json").ok().json["target"]["classes"] == grades


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0." + "0" * 5000 + "1", 0.0),
        ("1" + "0" * 30 + "." + "0" * 4000, 1e30),
        ("9007199254740993", 2.0**53),
        ("18446744073709551617", 2.0**64),
        ("1e-400", 0.0),
        ("+.5", 0.5),
        ("-0", 0.0),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_number_is_the_nearest_one_that_there_is(tmp_path: Path, run: Path, text: str, value: float) -> None:
    answers = []
    for cell in (text, repr(value)):
        (tmp_path / "t.csv").write_bytes(with_line_11(f"{cell},a,q"))
        answers.append(bpcli("predict", tmp_path / "t.csv", "--checkpoint", run, "--probabilities").ok().out)
    assert answers[0] == answers[1]


FEW_ROWS = {
    "header only": (b"x,k,y\n", 3, "t.csv: no rows below the header"),
    "one row": (b"x,k,y\n1,a,p\n", 3, "t.csv: target 'y' has only 1 class; at least two are required"),
    "one class": (PLAIN.replace(b",q\n", b",p\n"), 3, "t.csv: target 'y' has only 1 class; at least two are required"),
    "no target": (PLAIN.replace(b",q\n", b",\n").replace(b",p\n", b",NA\n"), 3, "no row has a value in target 'y'"),
    "a quantity in one row": (
        b"x,y\n1,2.5\n",
        2,
        "data.split.validation: a share of 0.15 of 1 row is less than one row; raise it",
    ),
}


@pytest.mark.parametrize(("content", "code", "words"), FEW_ROWS.values(), ids=FEW_ROWS)
@pytest.mark.parametrize("name", ["check", "train"])
def test_too_little_to_learn_from_is_refused(
    tmp_path: Path, run: Path, name: str, content: bytes, code: int, words: str
) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    result = command(name, tmp_path, run, tmp_path / "t.csv")
    assert result.code == code
    assert words in result.err
    assert result.err.count("\n") == 1


def test_a_header_alone_predicts_no_rows(tmp_path: Path, run: Path) -> None:
    (tmp_path / "t.csv").write_text("x,k\n")
    assert bpcli("predict", tmp_path / "t.csv", "--checkpoint", run).ok().out == "prediction\n"


def test_constant_columns_train_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,k,z,y\n" + "".join(f"7,a,{row},{'pq'[row % 2]}\n" for row in range(40)))
    result = bpcli("train", config(tmp_path), "--run-dir", tmp_path / "run").ok()
    assert "note: 2 columns are constant in the training set: 'x', 'k'\n" in result.err


def test_a_class_that_training_rows_lack_is_named_with_its_rows(tmp_path: Path) -> None:
    rows = [f"{row},{'pq'[row % 2]},{'train' if row < 30 else 'validation'}" for row in range(38)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y,part", *rows, "38,r,validation", "39,r,validation"]) + "\n")
    result = bpcli("check", config(tmp_path, "path: t.csv, target: y, split: {column: part}"))
    assert result.code == 0
    assert (
        "warning: validation rows: target 'y': class 'r' has 2 rows here, none in the training set: counted as wrong, "
        "and left out of the metrics of probabilities [unseen_class]\n"
    ) in result.err


def test_integers_beyond_float64_are_no_classes_unless_they_are_names(tmp_path: Path) -> None:
    big = [2**53 + row % 3 for row in range(60)]
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{number % 3},{number}\n" for number in big))
    result = bpcli("check", config(tmp_path))
    assert result.code == 2
    assert "data.target: column 'y' holds classes of 9,007,199,254,740,992 (2^53) or more" in result.err
    assert "declare it categorical under data.columns" in result.err
    names = config(tmp_path, "path: t.csv, target: y, columns: {y: categorical}")
    bpcli("train", names, "--run-dir", tmp_path / "run", "-q", "--set", "training.epochs=150").ok()
    rows = bpcli("predict", tmp_path / "t.csv", "--checkpoint", tmp_path / "run").ok().rows
    assert [row["prediction"] for row in rows] == list(map(str, big))


def test_a_compression_bomb_is_refused_before_memory_runs_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 4 << 20
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"x,k,y\n" + b"1,a,p\n" * rows))
    assert (tmp_path / "t.csv.gz").stat().st_size < 100_000
    monkeypatch.setattr(memory, "available_memory", lambda: 3_000_000)
    result = bpcli("check", config(tmp_path, "path: t.csv.gz, target: y"), "--no-cache")
    assert (result.code, result.out) == (9, "")
    refused = re.fullmatch(
        r"error: a column of more than ([\d,]+) rows needs [\d.]+ MB, but only 3.0 MB is available; use fewer rows\n",
        result.err,
    )
    assert refused is not None
    assert int(refused[1].replace(",", "")) < rows / 2, "most of it was not even unpacked"


def test_fields_over_128_kib_are_read(tmp_path: Path, run: Path) -> None:
    long = "z" * (200 << 10)
    (tmp_path / "t.csv").write_bytes(with_line_11(f"9,{long},q"))
    bpcli("check", config(tmp_path)).ok()
    result = bpcli("predict", tmp_path / "t.csv", "--checkpoint", run, "--keep", "k").ok()
    assert result.out.splitlines()[10].split(",")[0] == long
    assert "note: column 'k': 1 row with 'zzz" in result.err


@pytest.mark.parametrize("categories", [20_000, pytest.param(1_000_000, marks=pytest.mark.exhaustive)])
def test_a_million_categories_are_counted_and_fit_in_memory_or_are_refused(tmp_path: Path, categories: int) -> None:
    (tmp_path / "t.csv").write_text(
        "k,x,y\n" + "".join(f"c{row},{row % 7},{'pq'[row % 2]}\n" for row in range(categories))
    )
    result = bpcli("check", config(tmp_path), "--json", "--no-cache", "--set", "layers=[{type: dense, units: 4}]").ok()
    train_rows = result.json["rows"]["train"]
    assert result.json["columns"][0]["inputs"] == train_rows > 0.6 * categories
    assert (
        f"warning: column 'k': {categories:,} distinct names in {categories:,} rows, like an identifier" in result.err
    )
    result = bpcli("check", config(tmp_path), "--no-cache", "--set", "layers=[{type: dense, units: 100000000}]")
    assert result.code == 9
    assert "error: training needs " in result.err
