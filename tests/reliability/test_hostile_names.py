"""Names of columns, classes and files that would command a terminal or a spreadsheet are shown, and command nothing."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from commands import bpcli
from terminals import bpcli_on_terminal

HOSTILE = "[/red][bold]\x1b]0;owned\x07\x1b[31m\u202e\u2066\x9b2J\r\nx"
"""Rich markup, a window title, a colour, marks that turn the direction of text round, another CSI, and line ends."""

FILE = HOSTILE.replace("/", "")
"""The same where no slash can be."""

SHOWN = r"[/red][bold]\x1b]0;owned\x07\x1b[31m\u202e\u2066\x9b2J\r\nx"
IN_JSON = r"[/red][bold]\u001b]0;owned\u0007\u001b[31m\u202e\u2066\x9b2J\r\nx"
FILE_SHOWN = SHOWN.replace("/", "")
IN_YAML = r"[/red][bold]\U0000001b]0;owned\U00000007\U0000001b[31m\U0000202e\U00002066\U0000009b2J\U0000000d\U0000000ax"

_CONTROL = re.compile(r"[^\n -~¡-\uffff]|[\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_OF_RICH = re.compile(r"\x1b\[(?:\?25[lh]|1A|2K|0m|[0-9;]*m)|\r")
"""What the view of a training uses: it hides the cursor, goes up, clears lines, and has colours."""


def quoted(text: str) -> str:
    return f'"{text}"'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of such a name, in it such a file of such columns and classes, a config for it, and a run."""
    folder = tmp_path_factory.mktemp("names") / f"d{FILE}"
    folder.mkdir()
    names = [f"{letter}{HOSTILE}" for letter in "nky"]
    rows = [(str(row % 7), f"{'ab'[row % 2]}{HOSTILE}", f"{'pq'[row % 2]}{HOSTILE}") for row in range(40)]
    with (folder / f"t{FILE}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    bpcli("init", f"t{FILE}.csv", "--target", names[2], "-o", f"c{FILE}.yaml", cwd=folder).ok()
    short = ("--set", "training.epochs=2")
    bpcli("train", f"c{FILE}.yaml", *short, "--run-dir", f"r{FILE}", "-q", cwd=folder).ok()
    return folder


COMMANDS = {
    "init": (("init", f"t{FILE}.csv", "--target", f"y{HOSTILE}"), 0, [f"n{IN_YAML}", f"t{IN_YAML}".replace("/", "")]),
    "init to a file": (
        ("init", f"t{FILE}.csv", "--target", f"y{HOSTILE}", "--force", "-o", f"d{FILE}.yaml"),
        0,
        [f"written to d{FILE_SHOWN}.yaml"],
    ),
    "init of what is not there": (("init", f"t{FILE}.csv", "--target", f"z{HOSTILE}"), 2, [f"'z{SHOWN}'"]),
    "check": (("check", f"c{FILE}.yaml"), 0, [f"n{SHOWN}", f"k{SHOWN}", f"y{SHOWN}", f"p{SHOWN}"]),
    "check of what does not fit": (
        ("check", f"c{FILE}.yaml", "--set", f'data.exclude=["{IN_YAML}"]'),
        2,
        [f"no column '{SHOWN}' in 't{FILE_SHOWN}.csv'"],
    ),
    "check of an override": (("check", f"c{FILE}.yaml", "--set", f"{HOSTILE}=1"), 2, [IN_JSON]),
    "check as JSON": (
        ("check", f"c{FILE}.yaml", "--json"),
        0,
        [r"n[/red][bold]\u001b]0;owned\u0007\u001b[31m\u202e\u2066\u009b2J\r\nx"],
    ),
    "evaluate": (("evaluate", f"r{FILE}"), 0, [f"rows, out of fold, of t{FILE_SHOWN}.csv", f"p{SHOWN}", f"q{SHOWN}"]),
    "evaluate what is not there": (("evaluate", HOSTILE), 4, [SHOWN]),
    "evaluate by an unknown metric": (("evaluate", f"r{FILE}", "--require", f"{HOSTILE}>1"), 2, [SHOWN]),
    "predict": (
        (
            "predict",
            f"t{FILE}.csv",
            "--checkpoint",
            f"r{FILE}",
            "--keep",
            quoted(f"k{HOSTILE}"),
            "--probabilities",
        ),
        0,
        [f"k{SHOWN}", f"a{SHOWN}", f"probability_p{SHOWN}", f"predicted by r{FILE_SHOWN}"],
    ),
    "predict what is not there": (("predict", HOSTILE, "--checkpoint", f"r{FILE}"), 3, [SHOWN]),
    "predict to where something is": (
        ("predict", f"t{FILE}.csv", "--checkpoint", f"r{FILE}", "-o", f"c{FILE}.yaml"),
        8,
        [f"c{FILE_SHOWN}.yaml: already exists"],
    ),
    "an option that there is not": (("predict", f"--{HOSTILE}"), 2, ["[/red]"]),
}


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        pytest.param(*command, id=name, marks=() if index % 16 == 0 else pytest.mark.exhaustive)
        for index, (name, command) in enumerate(COMMANDS.items())
    ],
)
def test_a_terminal_shows_names_and_obeys_none(
    folder: Path, arguments: tuple[str, ...], code: int, shown: list[str]
) -> None:
    result = bpcli_on_terminal(*arguments, cwd=folder)
    assert result.code == code, result.out
    text = result.out.replace("\r\n", "\n")
    assert _CONTROL.findall(text) == []
    for name in shown:
        assert name in text


def test_the_view_of_a_training_shows_names_and_obeys_none(folder: Path) -> None:
    runs = ("--runs-dir", f"s{FILE}", "--set", "training.epochs=3")
    result = bpcli_on_terminal("train", f"c{FILE}.yaml", *runs, cwd=folder).ok()
    assert "\x1b[31m" not in result.out, "no colour that Rich itself has here"
    text = _OF_RICH.sub("", result.out)
    assert _CONTROL.findall(text) == []
    assert text.splitlines()[-1].startswith(f"s{FILE_SHOWN}/t_red__bold_"), "the run directory"


def test_a_program_gets_names_as_they_are(folder: Path) -> None:
    told = bpcli("train", f"c{FILE}.yaml", "-q", "--set", "training.epochs=1", "--run-dir", f"u{FILE}", cwd=folder)
    assert told.ok().out == f"u{FILE}\n"
    keep = ("--keep", quoted(f"k{HOSTILE}"), "--probabilities")
    result = bpcli("predict", f"t{FILE}.csv", "--checkpoint", f"r{FILE}", *keep, cwd=folder).ok()
    header, first, *_ = csv.reader(io.StringIO(result.out, newline=""))
    assert header == [f"k{HOSTILE}", "prediction", f"probability_p{HOSTILE}", f"probability_q{HOSTILE}"]
    assert first[0] == f"a{HOSTILE}"
    assert first[1] in (f"p{HOSTILE}", f"q{HOSTILE}")


FORMULAS = [
    "=1+1",
    "+x",
    "-x",
    "@SUM(A1)",
    "\tx",
    "\rx",
    "\nx",
    "＝1",
    "-1+1",
    "--1",
    "-inf",
    "+",
    '=HYPERLINK("a","b")',
]
NUMBERS = ["-5", "+3", "-0.5", "-.5e-3", "+1E+9", "1", "-7."]
TEXTS = ["x", "", " =1", "'=1", "a=b", "1-2"]


@pytest.fixture(scope="module")
def formulas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table and a run in which everything is a formula that can be one."""
    folder = tmp_path_factory.mktemp("formulas")
    classes = ["=cmd|'/c calc'!A1", "-5", "@a"]
    texts = FORMULAS + NUMBERS + TEXTS
    with (folder / "t.csv").open("w", newline="") as file:
        rows = [[row % 3, texts[row % len(texts)], classes[row % 3]] for row in range(3 * len(texts))]
        csv.writer(file).writerows([["x", "=text", "-y"], *rows])
    (folder / "c.yaml").write_text("data: {path: t.csv, target: -y, exclude: ['=text']}\ntraining: {epochs: 60}\n")
    bpcli("train", "c.yaml", "-q", "--run-dir", "run", cwd=folder).ok()
    return folder


def predicted(folder: Path, *options: str) -> list[list[str]]:
    told = ("predict", "t.csv", "--checkpoint", "run", "--keep", "=text", "--keep", "-y", "--probabilities", *options)
    return list(csv.reader(io.StringIO(bpcli(*told, cwd=folder).ok().out, newline="")))


def test_text_is_written_as_it_is_unless_it_must_be_safe(formulas: Path) -> None:
    header, *rows = predicted(formulas)
    assert header[:3] == ["=text", "-y", "prediction"]
    assert header[3:] == ["probability_-5", "probability_=cmd|'/c calc'!A1", "probability_@a"]
    assert {row[0] for row in rows} == {*FORMULAS, *NUMBERS, *TEXTS}
    assert {row[2] for row in rows} == {"=cmd|'/c calc'!A1", "-5", "@a"}


def test_spreadsheet_safe_text_is_no_formula_and_numbers_stay(formulas: Path) -> None:
    header, *rows = predicted(formulas, "--spreadsheet-safe")
    assert header[:3] == ["'=text", "'-y", "prediction"]
    plain = predicted(formulas)[1:]
    for row, as_it_is in zip(rows, plain, strict=True):
        assert row[0] == (f"'{as_it_is[0]}" if as_it_is[0] in FORMULAS else as_it_is[0])
        assert row[3:] == as_it_is[3:], "probabilities are numbers"
    assert {row[2] for row in rows} == {"'=cmd|'/c calc'!A1", "-5", "'@a"}
    assert {row[1] for row in rows} == {"'=cmd|'/c calc'!A1", "-5", "'@a"}


def test_spreadsheet_safe_quantities_keep_their_sign(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{row},{-0.37 * row}\n" for row in range(40)))
    (tmp_path / "c.yaml").write_text("data: {path: t.csv, target: y}\ntraining: {epochs: 30}\n")
    bpcli("train", "c.yaml", "-q", "--run-dir", "run", cwd=tmp_path).ok()
    told = ("predict", "t.csv", "--checkpoint", "run", "--keep", "y")
    safe = bpcli(*told, "--spreadsheet-safe", cwd=tmp_path).ok()
    assert safe.out == bpcli(*told, cwd=tmp_path).ok().out
    assert all(float(row["prediction"]) < 5 for row in safe.rows)
    assert any(row["prediction"].startswith("-") for row in safe.rows)
