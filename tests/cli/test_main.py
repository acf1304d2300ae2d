"""The command line as a whole: help, version, errors and exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import CONFIGS, PENGUINS, bpcli, python

from bpcli import __version__

GROUPS = {
    "Prepare": ["init", "check", "schema"],
    "Train": ["train", "tune", "runs", "reproduce", "ranks"],
    "Judge": ["evaluate", "predict", "forecast", "compare", "report"],
    "Understand": ["inspect", "plot", "trace", "gradcheck"],
}
COMMANDS = [command for commands in GROUPS.values() for command in commands]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], []])
def test_the_help_lists_every_command_in_its_group_with_its_whole_summary(arguments: list[str]):
    out = bpcli(*arguments).ok().out
    sections = re.findall(r"^(\w+):\n((?:  \w+ +[A-Z].*\n)+)", out.partition("--help")[2] + "\n", re.MULTILINE)
    lines = {heading: [line.split(maxsplit=1) for line in body.splitlines()] for heading, body in sections}
    assert {heading: [name for name, _ in rows] for heading, rows in lines.items()} == GROUPS
    summaries = [summary for rows in lines.values() for _, summary in rows]
    assert all(summary.endswith(".") and "..." not in summary and len(summary) <= 60 for summary in summaries)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_an_example(command: str):
    out = bpcli(command, "--help").ok().out
    assert re.search(rf"^  Example: bpcli {command}\b", out, re.MULTILINE)
    assert "\x1b" not in out


SLOW = ("numpy", "yaml", "rich", "polars", "safetensors", "threadpoolctl", "pydantic")


@pytest.mark.parametrize(
    ("arguments", "slow"),
    [
        (["--help"], SLOW),
        (["--version"], (*SLOW, "bpcli.cli.train")),
        (["train", "--help"], SLOW[:-1]),  # Typer itself takes Pydantic for the options of a command
    ],
)
def test_help_and_version_load_nothing_that_is_slow(tmp_path: Path, arguments: list[str], slow: tuple[str, ...]):
    program = (
        "import sys\nfrom bpcli.cli.main import run\n"
        f"try:\n    run({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', sorted(set({slow}) & set(sys.modules)))"
    )
    assert python(program, cwd=tmp_path).endswith("loaded: []\n")


def as_command(arguments: list[str], report: str, before: str = "pass") -> str:
    """A program that does what the console script does, and then reports."""
    return (
        f"import sys\nfrom bpcli.__main__ import run\nsys.argv = ['bpcli', *{arguments!r}]\n{before}\n"
        f"try:\n    run()\nexcept SystemExit:\n    pass\n{report}"
    )


NEVER = (
    *("rich", "polars", "numba", "numpy.ma", "asyncio", "concurrent", "logging", "multiprocessing", "unittest"),
    *("statistics", "bpcli.cli.inspect", "bpcli.cli.learning_rate_range", "bpcli.experiment.recipes.version_1"),
    *("bpcli.nn.compiled.program", "bpcli.training.steps.lazy", "bpcli.training.steps.sharded"),
)
"""What no command has a use for on a small CSV where nobody watches it, without a recipe and in short epochs."""

AFTER_TRAINING = (
    *("bpcli.history.tensorboard", "bpcli.jobs.final_training", "bpcli.jobs.resume", "bpcli.training.ridge"),
    *("bpcli.training.blend", "bpcli.decision.intervals", "bpcli.data.windows", "bpcli.documents.decision"),
)
"""What a training has no use for without `--tensorboard`, a final training, forecasts and a decision."""

TRAINING = ("bpcli.training.loop", "bpcli.training.steps.base", "bpcli.training.steps.serial")


@pytest.mark.parametrize(
    ("command", "needless"),
    [
        ("train {config} --run-dir new --set training.epochs=1", (*NEVER, *AFTER_TRAINING)),
        ("predict {data} --checkpoint {run}", NEVER),
        pytest.param("evaluate {run}", NEVER, marks=pytest.mark.exhaustive),
        pytest.param("reproduce {run}", NEVER, marks=pytest.mark.exhaustive),
    ],
)
def test_a_command_loads_nothing_that_it_does_not_need(
    tmp_path: Path, penguins_run: Path, command: str, needless: tuple[str, ...]
):
    paths = {"config": CONFIGS / "penguins.yaml", "run": penguins_run, "data": PENGUINS}
    arguments = [word.format(**paths) for word in command.split()]
    report = f"print('loaded:', sorted(set({needless}) & set(sys.modules)))"
    assert python(as_command(arguments, report), cwd=tmp_path).endswith("loaded: []\n")


def test_a_check_loads_and_starts_nothing_that_it_does_not_need_and_writes_utf_8_in_any_locale(tmp_path: Path):
    needless = (*NEVER, *TRAINING, "safetensors", "threadpoolctl")
    searches = "sum(generation['collections'] for generation in gc.get_stats())"
    report = (
        f"searched = {searches} - before\n"
        f"loaded = sorted(set({needless}) & set(sys.modules))\n"
        "from threadpoolctl import threadpool_info\n"
        "threads = [pool['num_threads'] for pool in threadpool_info() if pool['user_api'] == 'blas']\n"
        "print('loaded:', loaded, 'searches:', searched, 'threads:', threads)"
    )
    program = as_command(["check", str(CONFIGS / "penguins.yaml")], report, f"import gc\nbefore = {searches}")
    out = python(program, cwd=tmp_path, environment={"OPENBLAS_NUM_THREADS": "2", "PYTHONIOENCODING": "ascii"})
    assert "14 → 32" in out
    assert out.endswith("loaded: [] searches: 0 threads: [1]\n")


SOURCES = Path(__file__).parents[2] / "bpcli"

PATHS = {path for file in SOURCES.rglob("*.py") for path in re.findall(r'"(bpcli(?:\.\w+)+):\w+"', file.read_text())}
"""Modules of the members of families."""

NAMED_BY_PENGUINS = {
    *("bpcli.data.columns.encoders", "bpcli.data.columns.inputs", "bpcli.data.columns.spec"),
    *("bpcli.data.columns.categorical_inputs", "bpcli.data.columns.one_hot"),
    *("bpcli.data.targets.classes", "bpcli.metrics.classification"),
    *("bpcli.nn.activations.bounded", "bpcli.nn.activations.rectified", "bpcli.nn.initializers.defaults"),
    *("bpcli.nn.layers.dense", "bpcli.nn.layers.dropout", "bpcli.nn.losses.classification", "bpcli.nn.optimizers.adam"),
    *("bpcli.nn.schedules.constant", "bpcli.nn.schedules.cosine"),
}
"""Those of the members that configs/penguins.yaml names, that its data has, or that are defaults."""

FEATURES = (
    *("data.texts", "data.windows", "inspection", "jobs", "training.augmentation", "training.linear"),
    *("arrays.tokens", "arrays.local_tokens", "data.series", "data.examples.folds", "data.examples.groups"),
    *("data.files.npz_reader", "data.files.arriving", "experiment.image_notes", "experiment.member_folds"),
    *("experiment.final_training", "experiment.recipes.choice", "config.overrides", "config.given_paths"),
)
"""What a check of a table without texts, images, series, folds or a recipe, and without `--set`, has no use for."""


def test_a_check_loads_no_member_of_a_family_that_the_config_does_not_name(tmp_path: Path):
    report = "print('loaded:', *(name for name in sys.modules if name.startswith('bpcli.')))"
    out = python(as_command(["check", str(CONFIGS / "penguins.yaml")], report), cwd=tmp_path)
    loaded = set(out.rpartition("loaded: ")[2].split())
    assert len(PATHS) > 60
    assert loaded & PATHS == NAMED_BY_PENGUINS
    assert not [name for name in loaded if name.removeprefix("bpcli.").startswith(FEATURES)]


def test_importing_the_package_loads_nothing_that_is_slow(tmp_path: Path):
    program = f"import bpcli, sys\nassert bpcli.load\nprint(sorted(set({(*SLOW, 'typer')}) & set(sys.modules)))"
    assert python(program, cwd=tmp_path) == "[]\n"


def test_the_package_as_a_library_leaves_the_process_as_it_is(tmp_path: Path, penguins_run: Path):
    program = (
        "import gc, os\nstate = lambda: (gc.get_threshold(), gc.get_freeze_count(), dict(os.environ))\n"
        f"before = state()\nimport bpcli\nbpcli.load({str(penguins_run)!r})\nprint(state() == before)"
    )
    assert python(program, cwd=tmp_path) == "True\n"


def test_the_version_is_printed():
    assert bpcli("--version").ok().out == f"bpcli {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "No such command 'trian'"),
        (["train", "--sett", "a=1"], "No such option: --sett"),
        (["predict"], "Missing argument 'INPUT', or option '--data'"),
        (["evaluate"], "Missing argument 'CHECKPOINT', or option '--run'"),
        (["compare"], "Missing argument 'RUN', or option '--run'"),
        (["check"], "Missing argument 'CONFIG'"),
        (["report", "a", "--run", "b"], "RUN and --run name the same thing; give one of them"),
        (["schema", "surplus"], "Got unexpected extra argument"),
        (["evaluate", "run", "--split", "tset"], "Invalid value for '--split'"),
    ],
)
def test_a_line_that_cannot_be_read_is_one_error_with_2(arguments: list[str], message: str):
    result = bpcli(*arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert result.err.lower().startswith(f"error: {message}".lower())


def test_with_json_an_error_is_one_object_on_stderr(tmp_path: Path):
    (tmp_path / "bad.yaml").write_text("seed: x\nlayerz: 3\n")
    for arguments, code, expected in (
        (["train", "no.yaml"], 2, {"place": "no.yaml", "message": "no such file"}),
        (
            ["evaluate"],
            2,
            {"place": None, "message": "Missing argument 'CHECKPOINT', or option '--run'; see bpcli evaluate --help"},
        ),
        (["evaluate", "x" * 300], 7, {"place": "x" * 300, "message": "File name too long"}),
    ):
        result = bpcli(*arguments, "--json", cwd=tmp_path)
        assert (result.code, result.out) == (code, "")
        assert json.loads(result.err) == {"code": code, **expected}
    several = json.loads(bpcli("check", "bad.yaml", "--json", cwd=tmp_path).err)
    assert (several["code"], several["place"]) == (2, "bad.yaml:1:1: data")
    assert [other["place"] for other in several["others"]] == ["bad.yaml:1:7: seed", "bad.yaml:2:1: layerz"]


def test_a_run_and_rows_are_also_options(penguins_run: Path, tmp_path: Path):
    for command, named, plain in (
        ("evaluate", ["--run", penguins_run], [penguins_run]),
        ("predict", ["--data", PENGUINS, "--run", penguins_run], [PENGUINS, "--checkpoint", penguins_run]),
        ("inspect", ["--run", penguins_run], [penguins_run]),
        ("trace", ["--run", penguins_run, "--row", 3], [penguins_run, "--row", 3]),
        ("report", ["--run", penguins_run, "-o", "-"], [penguins_run, "-o", "-"]),
        ("init", ["--data", PENGUINS, "--target", "species"], [PENGUINS, "--target", "species"]),
    ):
        assert bpcli(command, *named, cwd=tmp_path).ok().out == bpcli(command, *plain, cwd=tmp_path).ok().out


def broken(*arguments: object, **keywords: object) -> None:
    raise RuntimeError("never\x1b[2J")


def test_a_bug_is_one_line_with_1(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bpcli.experiment.opening.prepare", broken)
    result = bpcli("check", CONFIGS / "penguins.yaml")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "error: a bug in bpcli: RuntimeError: never\\x1b[2J; please report it, with the output of --debug\n"
    )


@pytest.mark.parametrize("arguments", [["--debug", "check"], ["check", "--debug"]])
def test_debug_brings_the_traceback(monkeypatch: pytest.MonkeyPatch, arguments: list[str]):
    monkeypatch.setattr("bpcli.experiment.opening.prepare", broken)
    result = bpcli(*arguments, CONFIGS / "penguins.yaml")
    assert result.code == 1
    assert result.err.startswith("Traceback (most recent call last):")
    assert "RuntimeError: " in result.err


def test_debug_brings_the_traceback_of_an_error_of_the_users_too(tmp_path: Path):
    result = bpcli("check", "nothing.yaml", "--debug", cwd=tmp_path)
    assert result.code == 2
    assert result.err.startswith("Traceback (most recent call last):")
    assert "ConfigError: nothing.yaml: no such file" in result.err


def test_without_debug_there_is_never_a_traceback(tmp_path: Path):
    result = bpcli("check", "nothing.yaml", cwd=tmp_path)
    assert (result.code, result.out, result.err) == (2, "", "error: nothing.yaml: no such file\n")


def test_what_the_system_refuses_is_an_io_error(tmp_path: Path):
    result = bpcli("evaluate", "x" * 300, cwd=tmp_path)
    assert (result.code, result.err) == (7, f"error: {'x' * 300}: File name too long\n")


def test_a_reader_who_leaves_is_no_error(tmp_path: Path):
    process = subprocess.run(
        f"{sys.executable} -m bpcli schema | true; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert (process.stdout, process.stderr) == (b"141\n", b"")


def test_ctrl_c_ends_any_command_with_130(penguins_run: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*arguments: object, **keywords: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bpcli.models.prediction.predict_files", interrupt)
    result = bpcli("predict", PENGUINS, "--checkpoint", penguins_run)
    assert (result.code, result.out, result.err) == (130, "", "")


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["init", "t.csv", "--jsn"], "bpcli init"),
        (["predict"], "bpcli predict"),
        (["compare"], "bpcli compare"),
        (["--jsn"], "bpcli"),
        (["evalute"], "bpcli"),
    ],
)
def test_advice_names_the_command_whose_help_explains_it(arguments: list[str], command: str) -> None:
    result = bpcli(*arguments)
    assert (result.code, result.err.splitlines()[-1].partition("; see ")[2]) == (2, f"{command} --help")
