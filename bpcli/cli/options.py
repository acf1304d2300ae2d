"""Options and arguments shared by several commands, with their help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bpcli.errors import ArgumentsError, UsageError

T = TypeVar("T")

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="Experiment, a YAML file.")]

RunArgument = Annotated[Path | None, typer.Argument(metavar="RUN", help="Run directory.")]

RunOption = Annotated[Path | None, typer.Option("--run", metavar="RUN", help="The same as an option.")]

RunsArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="RUN...", help="Run directories; the first is the reference.")
]

RunsOption = Annotated[
    list[Path] | None, typer.Option("--run", metavar="RUN", help="The same as an option; repeatable.")
]

CheckpointArgument = Annotated[
    Path | None, typer.Argument(metavar="CHECKPOINT", help="Run directory (its best checkpoint) or checkpoint file.")
]

CheckpointOption = Annotated[Path | None, typer.Option("--run", metavar="CHECKPOINT", help="The same as an option.")]

RowsOption = Annotated[
    list[str] | None, typer.Option("--data", metavar="FILE", help="The same as an option; repeatable.")
]

Query = Annotated[str | None, typer.Option(metavar="SQL", help="Query of the rows, with the URL of a database.")]

Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Override a config key; repeatable.")
]

ThresholdOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        metavar="P",
        help="Predict the positive class, or each label, above this probability (default: the model's, else 0.5).",
    ),
]

MemberOption = Annotated[
    int | None,
    typer.Option("--member", metavar="N", min=0, help="Member of the ensemble, counted from 0 (default: the first)."),
]

NoCache = Annotated[bool, typer.Option("--no-cache", help="Bypass the cache of typed tables.")]

Threads = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Threads for long steps (default: one per core). Results do not depend on it."
    ),
]

Strict = Annotated[bool, typer.Option("--strict", help="Treat data warnings as errors.")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only the result.")]

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]

OutputFile = Annotated[Path | None, typer.Option("--output", "-o", help="Output file (default: standard output).")]

Force = Annotated[bool, typer.Option("--force", help="Replace the output file if it exists.")]


def the_one(argument: T | None, option: T | None, argument_name: str, option_name: str) -> T:
    """Return what was given, as an argument or as an option. Raises ArgumentsError for none, UsageError for both."""
    given = [path for path in (argument, option) if path is not None]
    if not given:
        raise ArgumentsError(f"Missing argument '{argument_name}', or option '{option_name}'")
    if len(given) > 1:
        raise UsageError(f"{argument_name} and {option_name} name the same thing; give one of them")
    return given[0]


def all_of(arguments: list[Path] | None, options: list[Path] | None) -> list[Path]:
    """Return the runs that were given, arguments before options. Raises ArgumentsError for none."""
    given = [*(arguments or ()), *(options or ())]
    if not given:
        raise ArgumentsError("Missing argument 'RUN', or option '--run'")
    return given


def require_member(member: int | None, members: int) -> int:
    """The member that was asked for, by default 0. Raises UsageError if there is none of this number."""
    if member is not None and member >= members:
        there = "the model is a single network" if members == 1 else f"there are members 0 to {members - 1}"
        raise UsageError(f"--member {member}: {there}")
    return member or 0
